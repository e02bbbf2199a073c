"""The lines that the parts of `make eval` print, and that its report reads.

    figure NAME VALUE UNIT
    TABLE: NAME  found N of M  wrong N  false N of M

In a table's line stands what applies: how many labels were found; how many findings were no label's; in how many of the texts
in which there is nothing something was found.
"""

import re
from collections import defaultdict
from typing import NamedTuple

FIGURE = re.compile(r"figure (\S+) (-?[0-9.]+)(?: (\S+))?")
COUNTS = re.compile(r"(?: +found +(\d+) of +(\d+))?(?: +wrong +(\d+))?(?: +false +(\d+) of +(\d+))?(?: +F1 [0-9.]+)? *")


class Count(NamedTuple):
    """None: doesn't apply."""

    found: int | None = None
    labels: int | None = None
    wrong: int | None = None
    false: int | None = None
    harmless: int | None = None

    @property
    def missed(self) -> int | None:
        return None if self.found is None or self.labels is None else self.labels - self.found

    @property
    def f1(self) -> float | None:
        if self.found is None or self.labels is None or self.wrong is None:
            return None
        return 2 * self.found / max(1, self.labels + self.found + self.wrong)


class Output(NamedTuple):
    """What a part printed. Figures stay the texts that they were, so that a report says 0.9720 where the part did."""

    figures: dict[str, str]
    units: dict[str, str]
    tables: dict[str, dict[str, Count]]


def figure_line(name: str, value: float, unit: str = "ratio") -> str:
    return f"figure {name} {value:.2f} %" if unit == "%" else f"figure {name} {value:.4f} {unit}"


def count_line(table: str, name: str, count: Count) -> str:
    line = f"{table}: {name or '-':<20}"
    if count.labels is not None:
        line += f" found {count.found:>4} of {count.labels:>4}"
    if count.wrong is not None:
        line += f" wrong {count.wrong:>4}"
    if count.harmless is not None:
        line += f" false {count.false:>4} of {count.harmless:>4}"
    return line + (f" F1 {count.f1:.3f}" if count.f1 is not None else "")


def output_of(text: str) -> Output:
    figures: dict[str, str] = {}
    units: dict[str, str] = {}
    tables: dict[str, dict[str, Count]] = defaultdict(dict)
    for line in text.splitlines():
        if match := FIGURE.fullmatch(line.strip()):
            figures[match[1]], units[match[1]] = match[2], match[3] or ""
        elif row := _table_line(line):
            tables[row[0]][row[1]] = row[2]
    return Output(figures, units, dict(tables))


def _table_line(line: str) -> tuple[str, str, Count] | None:
    """A part that puts no colon behind the table's name gives its rows names of one word."""
    begin = re.search(r" +(?:found|wrong|false) +\d", line)
    counts = COUNTS.fullmatch(line, begin.start()) if begin else None
    if begin is None or counts is None:
        return None
    head = line[: begin.start()].strip()
    table, colon, name = head.partition(": ")
    if not colon:
        table, _, name = head.rpartition(" ")
    if not table.strip() or not name.strip():
        return None
    return table.strip(), name.strip(), Count(*(None if one is None else int(one) for one in counts.groups()))
