"""The report of `make eval`, from outputs and texts made up here."""

import io
import json
from contextlib import redirect_stderr
from pathlib import Path
from typing import Any

import pytest

from tests.eval import pii, report
from tests.eval.lines import Count, count_line, figure_line, output_of
from tests.eval.parts import PARTS
from tests.eval.peers import judge
from tests.eval.peers.found_file import key_of

GOOD = {target.figure: target.bound for part in PARTS for target in part.targets}
# As tests/eval/injection.py prints: no colon.
INJECTION = """seen sort-of        found   3 of   4  false   1 of   9
unseen hard role-play                     false   2 of  65
"""


def printed(folder: Path, figures: dict[str, float], tables: dict[str, str] | None = None) -> None:
    (folder / "ours").mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        lines = [figure_line(one.figure, figures[one.figure]) for one in part.targets if one.figure in figures]
        (folder / f"ours/{part.name}.txt").write_text((tables or {}).get(part.name, "") + "\n".join(lines) + "\n")


def data(folder: Path, name: str, rows: list[dict[str, Any]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def reported(tmp_path: Path, outputs: Path) -> tuple[int, str, list[str]]:
    page, folder, told = tmp_path / "report.md", tmp_path / "data", io.StringIO()
    folder.mkdir(exist_ok=True)
    with redirect_stderr(told):
        status = report.main([str(outputs), str(folder), "--to", str(page)])
    return status, page.read_text(encoding="utf-8"), told.getvalue().splitlines()


def row_of(page: str, name: str) -> list[str]:
    """The cells of the first row that begins with the name."""
    line = next(line for line in page.splitlines() if line.startswith(f"| {name} |"))
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_where_every_target_is_just_met_the_command_succeeds(tmp_path: Path) -> None:
    printed(tmp_path / "out", GOOD)
    status, page, told = reported(tmp_path, tmp_path / "out")
    assert (status, told) == (0, [])
    assert row_of(page, "`eval_pii_f1`") == ["`eval_pii_f1`", "0.9700", "≥ 0.97"]
    assert "missed |" not in page.partition("## Texts")[0]


@pytest.mark.parametrize("figure", GOOD)
def test_a_missed_target_is_named_after_the_report_is_written(tmp_path: Path, figure: str) -> None:
    worse = 0.01 if "percent" in figure else -0.01
    printed(tmp_path / "out", {**GOOD, figure: GOOD[figure] + worse})
    status, page, told = reported(tmp_path, tmp_path / "out")
    assert status == 1
    assert [line.split()[2] for line in told] == [figure]
    assert page.count("**missed**") == 1


def test_what_was_not_measured_is_told_and_is_no_miss(tmp_path: Path) -> None:
    printed(tmp_path / "out", {name: value for name, value in GOOD.items() if name != "eval_person_f1"})
    (tmp_path / "out/ours/secrets.txt").unlink()
    status, page, told = reported(tmp_path, tmp_path / "out")
    assert status == 0
    names = ("eval_person_f1", "eval_secrets_recall", "eval_secrets_precision")
    assert told == [f"not measured: {name}" for name in names]
    assert "## Secrets\n\nNot measured in this run." in page


def test_tables_tell_what_was_found_and_missed_of_types_that_nobody_listed(tmp_path: Path) -> None:
    lines = (
        count_line("type", "SHOE_SIZE", Count(7, 9, 1)) + "\n" + count_line("look-alike", "a | b", Count(false=2, harmless=30))
    )
    printed(tmp_path / "out", GOOD, {"pii": lines + "\n", "injection": INJECTION})
    _, page, _ = reported(tmp_path, tmp_path / "out")
    assert row_of(page, "SHOE_SIZE") == ["SHOE_SIZE", "9", "7", "2", "1", "0.824"]
    assert "| a \\| b | 30 | 2 |" in page
    assert row_of(page, "sort-of") == ["sort-of", "4", "3", "1", "9", "1"]
    assert row_of(page, "role-play") == ["role-play", "65", "2"]
    assert "### Harder harmless texts, unseen" in page


def test_the_same_outputs_give_the_same_page_and_speeds_stay_out(tmp_path: Path) -> None:
    pages = []
    for speed in (17, 18):
        printed(tmp_path / f"out{speed}", GOOD, {"pii": f"rows 3, {speed} us a row\nfigure pii_us_prose {speed} us/kB\n"})
        pages.append(reported(tmp_path, tmp_path / f"out{speed}")[1])
    assert pages[0] == pages[1]
    assert "us/kB" not in pages[0]
    assert str(tmp_path) not in pages[0]


def test_peers_stand_beside_ours_and_one_that_failed_is_told(tmp_path: Path) -> None:
    printed(tmp_path / "out", GOOD, {"pii": count_line("type", "PAN", Count(3, 4, 0)) + "\n"})
    for name, title, value in (("a", "Peer 1.2", "0.5000"), ("b", "Broken", "")):
        (tmp_path / "out" / name).mkdir()
        (tmp_path / f"out/{name}/about.json").write_text(json.dumps({"title": title, "note": f"Note of {title}."}))
        if value:
            (tmp_path / f"out/{name}/pii.txt").write_text(f"type: PAN found 1 of 4 wrong 2\nfigure eval_pii_f1 {value} ratio\n")
            (tmp_path / f"out/{name}/pii.own.txt").write_text("figure eval_pii_f1 0.7500 ratio\n")
    _, page, _ = reported(tmp_path, tmp_path / "out")
    assert row_of(page, "`eval_pii_f1`")[3:] == ["0.5000", "0.7500"]
    assert row_of(page, "PAN")[-1] == "1 found, 2 wrong"
    assert "- **Broken.** Note of Broken." in page


def test_a_printed_line_is_read_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    counts = {"one two: x": Count(1, 2, 3, 4, 5), "b": Count(false=0, harmless=7), "c": Count(0, 3)}
    for name, count in counts.items():
        print(count_line("a table", name, count))
    print(figure_line("eval_x", 2, "%"))
    output = output_of(capsys.readouterr().out)
    assert output.tables == {"a table": counts}
    assert (output.figures, output.units) == ({"eval_x": "2.00"}, {"eval_x": "%"})


PAN, SHOE = "PAN ABCPE1234F", "my shoe is 44"
ROWS = [
    {"text": PAN, "spans": [{"start": 4, "end": 14, "type": "PAN"}], "labelled": ["PAN", "SHOE_SIZE"], "source": "made:up"},
    {
        "text": SHOE,
        "spans": [{"start": 11, "end": 13, "type": "SHOE_SIZE"}],
        "labelled": ["PAN", "SHOE_SIZE"],
        "source": "made:up",
    },
]


def test_texts_of_ones_own_are_judged_on_the_types_that_they_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data(tmp_path, "pii.jsonl", ROWS)
    pii.Judgement(pii.scanner(), tmp_path).print()
    output = output_of(capsys.readouterr().out)
    assert output.tables["type"] == {"PAN": Count(1, 1, 0), "SHOE_SIZE": Count(0, 1, 0)}
    assert "eval_pii_lookalike_percent" not in output.figures


def test_a_peer_is_judged_on_all_types_and_on_those_that_it_claims(tmp_path: Path) -> None:
    data(tmp_path, "pii.jsonl", ROWS)
    found = {
        key_of(PAN): [["IN_PAN", 4, 14, 0.4], ["PHONE_NUMBER", 4, 14, 0.9], ["PAN_OF_PETER", 0, 14, 1.0]],
        key_of(SHOE): [["IN_PAN", 11, 13, 0.3]],
    }
    peer = {"name": "x", "title": "X 1", "note": "N.", "claims": ["IN_PAN"], "bounds": [0.0, 0.4, 0.95], "found": {"pii": found}}
    judge.judge(tmp_path, tmp_path / "x", peer)
    every, own = (output_of((tmp_path / f"x/{name}.txt").read_text()) for name in ("pii", "pii.own"))
    assert every.tables["type"] == {"PAN": Count(1, 1, 0), "SHOE_SIZE": Count(0, 1, 0)}
    assert own.tables["type"] == {"PAN": Count(1, 1, 0)}
    assert (every.figures["eval_pii_f1"], own.figures["eval_pii_f1"]) == ("0.6667", "1.0000")
    note = json.loads((tmp_path / "x/about.json").read_text())["note"]
    assert "0.4 for all types, 0.4 for its own" in note
    assert note.endswith("not among what it says it finds: SHOE_SIZE.")
