"""How `make eval-files` judges an answer, and what `make fuzz` sends."""

import io
import zipfile
from typing import Any

import pytest

from tests.eval.files import fuzz, made, make
from tests.eval.files.__main__ import missed
from tests.eval.files.door import Found, Sent, Told, form, told_of
from tests.eval.files.judge import Verdicts, fits, hostile_problem, missed_in
from tests.eval.files.made import Label, MadeFile

CARD = Label("comment", "CREDIT_CARD", "4111 1111 1111 1111", "note", 2)


def found(**more: Any) -> Found:
    return Found(**{"type": "CREDIT_CARD", "value": CARD.value, "part": "comment", "page": 2, "name": "", "hidden": "", **more})


def told(*findings: Found, **more: Any) -> Told:
    known = {
        "status": 200,
        "kind": "pdf",
        "verdict": "flagged",
        "warnings": (),
        "code": "",
        "engine": "",
        "unread": (),
        "seconds": 1.0,
    }
    return Told(found=findings, **{**known, **more})


@pytest.mark.parametrize(
    ("one", "fitting"),
    [
        (found(), True),
        (found(page=0), True),
        (found(value="4111111111111111"), True),
        (found(value="4111-1111-1111-\n1111"), True),
        (found(value="4111 1111 1111 1112"), False),
        (found(value=""), False),
        (found(page=3), False),
        (found(part="body"), False),
        (found(type="US_SSN"), False),
    ],
)
def test_a_finding_counts_where_type_place_and_value_fit(one: Found, fitting: bool) -> None:
    assert fits(CARD, one) is fitting


def test_kinds_of_secrets_are_one_and_hidden_text_has_no_value() -> None:
    assert fits(Label("body", "SECRET", "AKIA1"), found(type="SECRET_AWS", value="AKIA1", part="body"))
    assert fits(Label("body", made.HIDDEN, "", "", 1), found(type=made.HIDDEN, value="whatever", part="body", page=1))
    assert not fits(Label("body", made.HIDDEN, "", "", 1), found(type=made.HIDDEN, part="annotation", page=1))


def test_what_was_missed_is_named_with_the_reason() -> None:
    file = MadeFile("a.pdf", b"", "pdf", made.PDF_TEXT, (CARD,))
    reasons = {
        told(found(part="body")): "told to be in body",
        told(found(value="4111 1111 1111 1112")): "read inexactly",
        told(): "not found",
        told(code="MALFORMED", verdict="unreadable"): "not read, MALFORMED",
        told(unread=("page 2",)): "could not be read",
    }
    for answer, reason in reasons.items():
        (one,) = missed_in(file, answer)
        assert reason in str(one), one
        assert CARD.value not in str(one)
    verdicts = Verdicts()
    verdicts.add(file, told(found()))
    verdicts.add(file, told())
    assert verdicts.recall(made.PDF_TEXT) == 0.5
    lines = list(verdicts.lines(made.RECALLED))
    assert lines[0].split() == ["pdf_text:", "note", "found", "1", "of", "2"]
    assert lines[1].startswith("missed: a.pdf: CREDIT_CARD in comment, page 2 (note)")


def test_hostile_files_are_right_by_their_codes() -> None:
    bomb = MadeFile("bomb.docx", b"", "docx", made.HOSTILE, codes=("TOO_LARGE",))
    assert not hostile_problem(bomb, told(code="TOO_LARGE"))
    assert not hostile_problem(bomb, told(code="request_too_large", status=413))
    assert "MALFORMED" in hostile_problem(bomb, told(code="MALFORMED"))
    assert "500" in hostile_problem(bomb, told(code="internal_error", status=500))
    assert "was read" in hostile_problem(bomb, told())
    assert not hostile_problem(bomb._replace(may_be_read=True), told())


def test_a_documented_answer_is_read() -> None:
    finding = {
        "type": "EMAIL",
        "start": 0,
        "end": 3,
        "score": 1,
        "action": "mask",
        "part": "field",
        "page": 4,
        "name": "n",
        "value": "v",
    }
    entry = {"name": "a", "kind": "pdf", "verdict": "flagged", "findings": [finding], "warnings": ["JAVASCRIPT"], "error": None}
    read = told_of({**entry, "engine": None}, 200, 0.5)
    assert (read.found, read.code, read.warnings) == ((Found("EMAIL", "v", "field", 4, "n", ""),), "", ("JAVASCRIPT",))
    problem = {"code": "ENCRYPTED", "message": "m", "fix": "f"}
    assert told_of({**entry, "kind": None, "engine": None, "error": problem}, 200, 0.5).code == "ENCRYPTED"


def test_a_target_that_is_missed_is_told() -> None:
    assert not missed({"files_recall_docx": (1.0, "ratio"), "files_false_alarms": (0, "findings")})
    assert (
        len(
            missed(
                {"files_recall_docx": (0.99, "ratio"), "files_false_alarms": (1, "findings"), "files_pages_per_second": (9, "")}
            )
        )
        == 3
    )


def test_a_form_carries_every_byte() -> None:
    body = form([Sent('a"b.txt', b"\r\n--x\0\xff")], "secret")
    assert b'filename="a%22b.txt"\r\n\r\n\r\n--x\0\xff\r\n--' in body
    assert b'name="password"\r\n\r\nsecret\r\n' in body


def test_a_mutation_is_the_same_each_time_and_most_zips_stay_zips() -> None:
    files = fuzz.seeds(1)
    assert len(files) > 100
    assert len({one.kind for one in files}) >= 8
    sent = [fuzz.mutation(files, 1, place) for place in range(200)]
    assert sent == [fuzz.mutation(files, 1, place) for place in range(200)]
    originals = {one.name: one.data for one in make.files(1, fuzz.GROUPS)}
    assert sum(data != originals[name] for name, data in sent) > 190
    packages = [data for name, data in sent if name.endswith("docx") and not name.startswith("letter")]
    assert sum(zipfile.is_zipfile(io.BytesIO(data)) for data in packages) > len(packages) / 2
