"""What `gatehouse guard scan` prints of a file."""

import click
import pytest

from appliance.cli.guard_scan_words import line_for_programs, lines_for_people, pages_words, summary
from appliance.gateway.file_verdict import FileFinding, FileProblem, FileVerdict


def finding(kind: str = "US_SSN", page: int = 0, part: str = "body", hidden: str = "", name: str = "") -> FileFinding:
    return FileFinding(
        type=kind, start=1, end=2, score=0.9, detector="d", action="mask", part=part, page=page, hidden=hidden, name=name
    )


def verdict(word: str, *findings: FileFinding, error: FileProblem | None = None, unread: list[str] | None = None) -> FileVerdict:
    return FileVerdict(
        name="a\x1b[31m.pdf", kind="pdf", verdict=word, findings=list(findings), warnings=[], error=error, engine=None,
        unread=unread or [],
    )  # type: ignore[arg-type]  # fmt: skip


@pytest.mark.parametrize(
    ("pages", "told"),
    [
        ([1], "page 1"),
        ([1, 2, 3, 7], "pages 1-3, 7"),
        ([1, 3, 5, 7, 9, 11, 13, 14], "pages 1, 3, 5, 7, 9, 11 and 2 more"),
    ],
)
def test_pages_that_follow_each_other_are_told_as_one_run(pages: list[int], told: str) -> None:
    assert pages_words(pages) == told


def test_findings_of_a_kind_are_told_once_with_all_their_pages() -> None:
    one = verdict("flagged", *(finding(page=page) for page in (1, 2, 3)), finding("EMAIL", hidden="white on white", page=2),
                  finding("PERSON", part="metadata", name="Author"))  # fmt: skip
    assert line_for_programs(one).split("\t") == [
        "flagged   ",
        "a?[31m.pdf",
        "US_SSN (3) on pages 1-3, EMAIL on page 2, nobody sees it: white on white, PERSON in metadata Author",
    ]
    told = [click.unstyle(line) for line in lines_for_people(one)]
    assert told == [
        "flagged     a?[31m.pdf",
        "            US_SSN  hidden   pages 1-3 (3 times)",
        "            EMAIL   hidden   page 2, nobody sees it: white on white",
        "            PERSON  hidden   metadata Author",
    ]


def test_what_is_wrong_is_said_in_sentences_with_what_to_do_here() -> None:
    locked = verdict("unreadable", error=FileProblem("ENCRYPTED", "the PDF is encrypted", "send its password too"))
    assert line_for_programs(locked).endswith(
        "ENCRYPTED: The PDF is encrypted. Write its password into a file, and add --password-file FILE."
    )
    broken = verdict("unreadable", error=FileProblem("MALFORMED", "it is damaged.", "save it anew"))
    assert click.unstyle(list(lines_for_people(broken))[1]).strip() == "MALFORMED: It is damaged. Save it anew."
    partly = verdict("flagged", finding(), unread=[f"page {page}: too large" for page in range(5)])
    assert click.unstyle(list(lines_for_people(partly))[-1]).strip() == "not read: 2 more parts"


def test_many_kinds_are_counted_and_verdicts_too() -> None:
    many = verdict("flagged", *(finding(f"TYPE_{number}") for number in range(20)))
    assert line_for_programs(many).endswith("and 12 more kinds and places")
    assert summary([many, many, verdict("clean")]) == "1 clean, 2 flagged"
