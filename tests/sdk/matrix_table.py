"""The table that the matrix's tests add up to: printed at the end of a run, by tests/conftest.py.

Knows the tests' reports alone, not the tests: with pytest-xdist it is made in another process than they run in.
"""

from collections.abc import Iterable
from typing import Any

PROPERTY = "sdk_matrix"  # of a test: [SDK, provider, group, column], with "refused" as a fifth where that is right
LEGEND = {
    "ok": "as the SDK's users expect it",
    "400": "refused, and named: its provider can't do it",
    "FAIL": "broken",
    ".": "there is no such thing",
}


def read(reports: Iterable[Any]) -> dict[tuple[str, str], dict[tuple[str, str], str]]:
    """(SDK, provider) → (group, column) → a word of the legend, in the order in which the tests ran."""
    found: dict[tuple[str, str], dict[tuple[str, str], str]] = {}
    for report in reports:
        marks = [value for name, value in getattr(report, "user_properties", ()) if name == PROPERTY]
        if not marks or report.skipped or (report.passed and report.when != "call"):
            continue
        caller, provider, group, column, *refused = marks[-1]
        row = found.setdefault((caller, provider), {})
        word = "FAIL" if report.failed else "400" if refused else "ok"
        if row.get((group, column)) != "FAIL":
            row[group, column] = word
    return found


def lines(reports: Iterable[Any]) -> list[str]:
    """Nothing where no test of the matrix ran."""
    rows = read(reports)
    if not rows:
        return []
    columns = list(dict.fromkeys(column for row in rows.values() for column in row))
    written: list[str] = []
    for group in dict.fromkeys(group for group, _ in columns):
        shown = [column for column in columns if column[0] == group]
        written += ["", _line(group, "", [name for _, name in shown], shown)]
        written += [_line(*row, [cells.get(column, ".") for column in shown], shown) for row, cells in rows.items()]
    words = [word for cells in rows.values() for word in cells.values()]
    written += ["", "   ".join(f"{word}: {meaning}" for word, meaning in LEGEND.items())]
    return [*written, f"figure sdk_matrix_passed {len(words) - words.count('FAIL')} of {len(words)}"]


def _line(caller: str, provider: str, words: list[str], columns: list[tuple[str, str]]) -> str:
    cells = (f"{word:>{max(len(name), 4)}}" for word, (_, name) in zip(words, columns, strict=True))
    return f"{caller:12} {provider:17} {' '.join(cells)}"
