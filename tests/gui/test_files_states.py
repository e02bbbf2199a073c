"""What the Files page says and decides, without Qt."""

from pathlib import Path
from typing import Any

import pytest

from gui import file_words_state as words
from gui.file_page_state import WIDTHS, ZOOMS, Leaf, Mark, mark_at, marks
from gui.files_state import FILES_MAX, Files, Found, Item, Problem, Told, files_in, free_name, redacted_name, told_of
from tests.gui.files_stand_in import finding, verdict

NOT_WHOLE = (
    "There is no redacted version: nobody knows what stands in the parts that weren't read. "
    "Not read: page 0: too large; page 1: too large; page 2: too large; page 3: too large; and 2 more parts."
)


def told(*findings: Any, **more: Any) -> Told:
    found = told_of({"files": [verdict("a.pdf", more.pop("verdict", "flagged"), *findings, **more)], "policy": "default@1"})
    assert found is not None
    return found[0]


def item(what: Told | None = None, name: str = "a.pdf", **more: Any) -> Item:
    made = Item("file1", Path("/inbox") / name, 1_234_567)
    if what is not None:
        made.take(what, "default@1+ours@3")
    for field, value in more.items():
        setattr(made, field, value)
    return made


# What the gateway says


@pytest.mark.parametrize(
    "body",
    [
        None,
        [],
        {"files": []},
        {"files": [verdict("a"), verdict("b")]},
        {"files": [{"name": "a"}]},
        {"files": [verdict("a", pages=-1)]},
        {"files": [verdict("a", pages=10**9)]},
        {"files": [verdict("a", "flagged", {**finding(), "box": [1, 2]})]},
        {"files": [verdict("a", "flagged", {**finding(), "box": "all"})]},
    ],
)
def test_what_cannot_be_read_is_no_verdict(body: Any) -> None:
    assert told_of(body) is None


def test_boxes_stay_within_their_page_and_turned_ones_are_none() -> None:
    found = Found(type="EMAIL", boxes=[(-3.0, 0.1, 1e9, 0.2), (0.5, 0.5, 0.4, 0.6), (float("nan"), 0.0, 1.0, float("inf"))])
    assert found.places == [(0.0, 0.1, 1.0, 0.2), (0.0, 0.0, 1.0, 1.0)]
    assert Found(type="EMAIL", box=(0.1, 0.2, 0.3, 0.4)).places == [(0.1, 0.2, 0.3, 0.4)]
    assert Found(type="EMAIL").places == []


def test_values_are_forgotten_and_the_rest_stays() -> None:
    one = item(told({**finding(), "value": "123-45-6789"}), with_values=True)
    one.forget_values()
    assert one.told is not None and [(each.type, each.value) for each in one.told.findings] == [("US_SSN", None)]
    assert "123-45" not in repr(one.told) and not one.with_values


# Which files


def test_folders_give_their_files_without_hidden_ones_and_links(tmp_path: Path) -> None:
    inner = tmp_path / "inbox" / "deeper"
    inner.mkdir(parents=True)
    for name in ("b.pdf", ".hidden", "deeper/a.pdf"):
        (tmp_path / "inbox" / name).write_text("x")
    (tmp_path / "outside.txt").write_text("x")
    (tmp_path / "inbox" / "link.txt").symlink_to(tmp_path / "outside.txt")
    (inner / "loop").symlink_to(tmp_path)
    assert [one.name for one in files_in([tmp_path / "inbox", tmp_path / "outside.txt"])] == ["b.pdf", "a.pdf", "outside.txt"]
    files = Files()
    added, left_out = files.add([tmp_path / "inbox", tmp_path / "inbox" / "b.pdf", tmp_path / "gone.pdf"])
    assert ([one.name for one in added], left_out) == (["b.pdf", "a.pdf", "gone.pdf"], 0)
    assert files.add([tmp_path / "inbox"]) == ([], 0)


def test_no_more_files_are_taken_than_the_page_holds() -> None:
    files = Files()
    added, left_out = files.add(Path(f"/nowhere/{number}") for number in range(FILES_MAX + 5))
    assert (len(added), left_out) == (FILES_MAX, 5)
    assert words.left_out_words(5, FILES_MAX).startswith("5 files are left out: the page takes 1,000.")
    assert words.left_out_words(1, FILES_MAX).startswith("1 file is left out")


def test_how_far_it_is_counts_what_is_sent_and_what_is_read() -> None:
    files = Files()
    files.add(Path(f"/nowhere/{number}") for number in range(4))
    one, two, three, _ = files.items
    one.take(told(verdict="clean"), "default@1")
    two.fail(Problem("it broke"))
    three.step, three.sent = "sending", 0.5
    assert files.share == pytest.approx((2 + 0.25) / 4) and words.summary(files) == "2 of 4 files are read"
    assert files.next_waiting() is files.items[3]


@pytest.mark.parametrize(
    ("verdicts", "said"),
    [
        (["clean"], "1 clean"),
        (
            ["blocked", "flagged", "flagged", "unreadable", "clean"],
            "1 stopped by the policy, 2 with findings, 1 unreadable, 1 clean",
        ),
        ([], ""),
    ],
)
def test_in_the_end_it_is_told_how_they_came_out(verdicts: list[str], said: str) -> None:
    files = Files()
    files.add(Path(f"/nowhere/{number}") for number in range(len(verdicts)))
    for one, what in zip(files.items, verdicts, strict=True):
        one.take(told(verdict=what), "default@1")
    assert words.summary(files) == said


def test_a_file_that_a_gateway_went_with_is_sent_once_more_and_not_for_ever() -> None:
    one = item()
    assert [one.lose(), one.lose()] == [True, False]
    one.begin_again()
    assert one.lose()


# Redacted ones


@pytest.mark.parametrize(
    ("name", "redacted"),
    [("a.pdf", "a-redacted.pdf"), ("a.b.tar", "a.b-redacted.tar"), ("letter", "letter-redacted"), (".env", ".env-redacted"),
     ("to Mr. Longfellow-Smythe", "to Mr. Longfellow-Smythe-redacted")],
)  # fmt: skip
def test_a_redacted_file_says_so_in_its_name(name: str, redacted: str) -> None:
    assert redacted_name(name) == redacted


def test_no_two_files_get_one_name() -> None:
    taken = {"a.pdf"}
    assert [free_name(name, taken) for name in ("a.pdf", "A.PDF", "b", "b")] == ["a (2).pdf", "A (3).PDF", "b", "b (2)"]


@pytest.mark.parametrize(
    ("more", "can"),
    [
        ({}, True),
        ({"verdict": "blocked"}, True),
        ({"unread": ["page 3: its picture is too large"]}, False),
        ({"verdict": "unreadable", "error": {"code": "MALFORMED", "message": "it is damaged", "fix": ""}}, False),
    ],
)
def test_only_what_was_read_whole_has_a_redacted_version(more: dict[str, Any], can: bool) -> None:
    one = item(told(**more))
    assert one.can_be_saved is can and bool(words.why_not_saved(one, is_there=True)) is not can
    assert words.why_not_saved(item(told()), is_there=False) == "The gateway is stopped."


# In words


@pytest.mark.parametrize(
    ("what", "marker", "headline", "details"),
    [
        ({"verdict": "clean"}, "ready", "Nothing was found in it", ""),
        ({"verdict": "flagged", "count": 1}, "warned", "1 finding in it", "The redacted version has none of it."),
        (
            {"verdict": "blocked", "count": 2},
            "stopped",
            "The policy stops it: 2 findings",
            "A request with it would be refused. The redacted version has none of it.",
        ),
        (
            {
                "verdict": "unreadable",
                "kind": None,
                "error": {"code": "ENCRYPTED", "message": "the file is encrypted", "fix": "Send…"},
            },
            "unread",
            "It can't be read",
            "The file is encrypted. Type its password below.",
        ),
        (
            {
                "verdict": "unreadable",
                "kind": None,
                "error": {"code": "MALFORMED", "message": "it is damaged", "fix": "Save it anew."},
            },
            "unread",
            "It can't be read",
            "It is damaged. Save it anew.",
        ),
        (
            {"verdict": "flagged", "count": 1, "unread": [f"page {number}: too large" for number in range(6)]},
            "warned",
            "1 finding in it",
            NOT_WHOLE,
        ),
        (
            {"verdict": "clean", "warnings": ["TYPE_MISMATCH", "NEW_ONE"]},
            "ready",
            "Nothing was found in it",
            "Its name says something else than its content. NEW_ONE",
        ),
        ({"verdict": "new"}, "warned", "0 findings in it", "The redacted version has none of it."),
    ],
)
def test_a_verdict_is_said_with_what_follows_and_the_way_out(
    what: dict[str, Any], marker: str, headline: str, details: str
) -> None:
    one = item(told(*[finding()] * what.pop("count", 0), **what))
    assert (words.state(one)[0], words.headline(one), words.details(one)) == (marker, headline, details)


def test_a_wrong_password_is_told_apart_from_none() -> None:
    error = {"code": "ENCRYPTED", "message": "the file is encrypted", "fix": "Send its password."}
    one = item(told(verdict="unreadable", kind=None, error=error))
    assert one.wants_password and "below" in words.details(one)
    one.password = "wrong"
    assert words.details(one) == "That password doesn't open it. Try another one."


def test_while_it_is_under_way_it_says_how_far_it_is() -> None:
    assert words.state(item())[1] == "Waiting"
    assert words.state(item(step="sending", sent=0.424))[1] == "Sending 42%"
    assert words.state(item(step="reading"))[1] == "Reading…"
    failed = item()
    failed.fail(Problem("the gateway broke", "look at its log"))
    assert (words.state(failed)[1], words.details(failed)) == ("Not looked into", "The gateway broke. Look at its log.")


def test_a_line_tells_what_the_file_is_and_its_name_is_harmless() -> None:
    cells = words.line(item(told(pages=3), name="evil\u202efdp.exe\n")).cells
    assert cells[0].text == "evil fdp.exe" and cells[0].note == "PDF · 3 pages · 1.2 MB"
    assert words.judged_by(item(told(engine="tesseract 5"))) == (
        "Judged by the policy default, version 1 and ours, version 3. Its pictures were read by tesseract 5."
    )


@pytest.mark.parametrize(
    ("size", "told"), [(0, "0 bytes"), (999, "999 bytes"), (1_000, "1.0 kB"), (9_960, "10 kB"), (999_499, "999 kB"),
                       (999_999, "1.0 MB"), (64 * 1024 * 1024, "67 MB"), (5 * 10**12, "5000 GB")]
)  # fmt: skip
def test_sizes_are_told_as_people_say_them(size: int, told: str) -> None:
    assert words.size_words(size) == told


@pytest.mark.parametrize(
    ("more", "where"),
    [
        ({}, ("Page 1", "")),
        ({"part": "comment"}, ("Page 1", "in a comment")),
        ({"page": 0, "part": "metadata", "name": "Author"}, ("In its properties “Author”", "")),
        ({"page": 0, "part": "attachment", "name": "a.txt", "in_name": True}, ("In an attachment, in its name", "")),
        ({"engine": "tesseract", "part": "picture"}, ("Page 1", "in a picture")),
        ({"engine": "tesseract"}, ("Page 1", "read in a picture")),
        ({"page": 0, "part": "new place"}, ("In: new place", "")),
        ({"page": 1_200}, ("Page 1,200", "")),
    ],
)
def test_where_a_finding_stands_is_said(more: dict[str, Any], where: tuple[str, str]) -> None:
    assert words.where_words(told(finding(**more)).findings[0]) == where


def test_a_findings_line_has_no_value_unless_it_was_told() -> None:
    (line,) = words.found_lines(told(finding(hidden="white on white")))
    assert [cell.text for cell in line.cells] == ["US social security numbers", "Page 1", "Masked"]
    assert line.cells[0].note == "nobody sees it: white on white"
    (line,) = words.found_lines(told({**finding(), "value": "123-45-\n6789"}))
    assert line.cells[0].note == "123-45- 6789"


# Pages


def test_a_page_is_turned_within_the_file_and_enlarged_by_steps() -> None:
    leaf = Leaf()
    leaf.open(3)
    for by, page in ((1, 2), (5, 3), (-9, 1)):
        leaf.turn(by)
        assert leaf.page == page
    leaf.zoom_by(-1)
    assert leaf.zoom == ZOOMS[0]
    leaf.zoom_by(99)
    assert leaf.zoom == ZOOMS[-1]
    assert [leaf.width_for(pixels) for pixels in (10, 800, 801, 9_999)] == [WIDTHS[0], WIDTHS[0], WIDTHS[1], WIDTHS[-1]]


def test_marks_are_of_the_page_that_is_seen_and_the_smallest_is_hit() -> None:
    what = told(finding(boxes=[[0.1, 0.1, 0.9, 0.2], [0.1, 0.2, 0.5, 0.3]]), finding(page=2), finding(page=0))
    assert [one.place for one in marks(what, 1)] == [0, 0] and [one.place for one in marks(what, 2)] == [1]
    assert marks(None, 1) == []
    found = [Mark(0, (0.0, 0.0, 1.0, 1.0), "flag"), Mark(1, (0.2, 0.2, 0.3, 0.3), "mask")]
    assert [mark_at(found, *where) for where in ((0.25, 0.25), (0.8, 0.8))] == [1, 0]
    assert mark_at(found[1:], 0.5, 0.5) == -1


@pytest.mark.parametrize(
    ("more", "pages"),
    [({"pages": 4}, 4), ({"kind": "docx", "pages": 4}, 0), ({"kind": "text"}, 0), ({"kind": "tiff", "pages": 2}, 2),
     ({"kind": None, "error": {"code": "MALFORMED", "message": "x", "fix": ""}}, 0)],
)  # fmt: skip
def test_what_has_no_pages_says_so(more: dict[str, Any], pages: int) -> None:
    one = item(told(**more))
    assert one.pages == pages and bool(words.page_note(one)) is not bool(pages)


def test_what_was_saved_and_what_was_not_is_told() -> None:
    assert words.saved_words(["a-redacted.pdf"], "/out/a-redacted.pdf", []) == ("Saved as /out/a-redacted.pdf.", "")
    done, problem = words.saved_words(["a", "b"], "/out", [(f"{number}.pdf", "it is encrypted.") for number in range(5)])
    assert done == "2 files are saved in /out."
    assert problem == "Not saved: 0.pdf: it is encrypted. 1.pdf: it is encrypted. 2.pdf: it is encrypted. And 2 more."
