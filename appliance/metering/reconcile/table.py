"""A CSV file as rows of plain cells, bounded; what is no such file is refused with what to do about it.

Errors here are InvalidField and TooLarge. None quotes a cell: a file may hold anything.
"""

import csv
import io
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from appliance.errors import InvalidField, TooLarge

FILE_BYTES_MAX = 16 * 1024 * 1024
ROWS_MAX = 200_000
COLUMNS_MAX = 1_000
CELL_CHARACTERS_MAX = 16_384
NAME_CHARACTERS_MAX = 200
COUNT_MAX = 10**12
AMOUNT_MAX = 10**7
FIRST_DAY = date(2020, 1, 1)  # before there was anything to pay for

AS_DOWNLOADED = "Send the CSV file as the provider gave it, without opening and saving it in a spreadsheet program."
_NUMBER = re.compile(r"-?(?:\d{1,18}(?:\.\d{0,60})?|\.\d{1,60})(?:[eE][+-]?\d{1,2})?")
_FORMULA = ("=", "@", "+", "\t", "\r")
_NOT_CSV = {
    b"PK\x03\x04": "a ZIP archive or a spreadsheet (XLSX)",
    b"\x1f\x8b": "compressed (gzip)",
    b"PAR1": "a Parquet file",
    b"%PDF": "a PDF",
    b"\xd0\xcf\x11\xe0": "an old spreadsheet (XLS)",
    b"\xff\xfe": "in UTF-16",
    b"\xfe\xff": "in UTF-16",
}


class Column(NamedTuple):
    """Where it stands in a row, and what it is called in the file."""

    place: int
    name: str


def unreadable(what: str, fix: str = AS_DOWNLOADED) -> InvalidField:
    return InvalidField(f"the file can't be compared: {what}", param="file", fix=fix)


class Row:
    """One row. `line`: in the file, from 1, for messages."""

    __slots__ = ("_cells", "_newest", "line")

    def __init__(self, line: int, cells: list[str], newest: date) -> None:
        self.line = line
        self._cells = cells
        self._newest = newest

    def text(self, column: Column) -> str:
        """A name; empty where the cell is. Errors: InvalidField."""
        cell = self._cells[column.place].strip()
        if cell.startswith(_FORMULA):
            raise self._wrong(column, "holds a formula, where a name belongs")
        if len(cell) > NAME_CHARACTERS_MAX:
            raise self._wrong(column, f"is longer than {NAME_CHARACTERS_MAX} characters")
        return cell

    def count(self, column: Column | None) -> int:
        """A number of tokens or requests; an empty cell, and a column that isn't there, is none. Errors: InvalidField."""
        if column is None:
            return 0
        found = self._number(column, COUNT_MAX)
        if found != found.to_integral_value():
            raise self._wrong(column, "is no whole number")
        return int(found)

    def amount(self, column: Column) -> Decimal:
        """Money, or a quantity that may have a fraction. Errors: InvalidField."""
        return self._number(column, AMOUNT_MAX)

    def quantity(self, column: Column) -> Decimal:
        return self._number(column, COUNT_MAX)

    def day(self, begin: Column, end: Column | None = None) -> date:
        """Of a day, a moment or seconds since 1970; in UTC, as the vendors count. Errors: InvalidField, also where it is a longer
        time than a day, up to `end`."""
        first = self._moment(begin)
        if end is not None and self._cells[end.place].strip():
            last = self._moment(end) - timedelta(microseconds=1)
            if last.date() > first.date():
                raise unreadable(
                    f"line {self.line} counts more than one day of UTC together",
                    "Export it by day (or finer), with the provider's own days, which are those of UTC.",
                )
        return first.date()

    def _moment(self, column: Column) -> datetime:
        cell = self._cells[column.place].strip()
        try:
            if cell.isascii() and cell.isdigit() and len(cell) == 10:
                found = datetime.fromtimestamp(int(cell), UTC)
            else:
                found = datetime.fromisoformat(cell)
            found = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, OverflowError):
            raise self._wrong(column, "is no day and no moment, such as 2026-11-01") from None
        if not FIRST_DAY <= found.date() <= self._newest:
            raise self._wrong(column, "lies before 2020 or in the future")
        return found

    def _number(self, column: Column, most: int) -> Decimal:
        cell = self._cells[column.place].strip()
        if not cell:
            return Decimal(0)
        if not (cell.isascii() and _NUMBER.fullmatch(cell)):
            what = "holds a formula, where a number belongs" if cell.startswith(_FORMULA) else "is no plain number, such as 12.5"
            raise self._wrong(column, what)
        found = Decimal(cell)
        if found < 0:
            raise self._wrong(column, "is negative")
        if found > most:
            raise self._wrong(column, "is larger than anybody could use")
        return found

    def _wrong(self, column: Column, what: str) -> InvalidField:
        return unreadable(f"in line {self.line} the column {column.name} {what}")


class Table:
    """Header and rows. `newest`: the last day that may stand in it."""

    def __init__(self, data: bytes, newest: date) -> None:
        """Errors: InvalidField, TooLarge."""
        self._lines = csv.reader(io.StringIO(_text(data), newline=""), strict=True)
        self._newest = newest
        header = next(self._raw(), [])
        if len(header) > COLUMNS_MAX:
            raise unreadable(f"it has more than {COLUMNS_MAX} columns")
        self.names = [name.strip()[:NAME_CHARACTERS_MAX] for name in header]
        self._places = {name.lower(): place for place, name in reversed(list(enumerate(self.names)))}

    def column(self, *names: str) -> Column | None:
        """The first of these that the file has, whatever its letters' case. Errors: InvalidField where it is there twice."""
        for name in names:
            place = self._places.get(name.lower())
            if place is None:
                continue
            if sum(other.lower() == name.lower() for other in self.names) > 1:
                raise unreadable(f"the column {name} is there more than once")
            return Column(place, self.names[place])
        return None

    def has(self, *names: str) -> bool:
        return all(name.lower() in self._places for name in names)

    def rows(self) -> Iterator[Row]:
        """Errors: InvalidField, TooLarge."""
        width = len(self.names)
        for count, cells in enumerate(self._raw(), 1):
            if count > ROWS_MAX:
                raise TooLarge(f"the file has more than {ROWS_MAX:,} rows", fix="Export a shorter time, or by day.")
            if not cells:
                continue
            line = self._lines.line_num
            if len(cells) != width:
                raise unreadable(f"line {line} has {len(cells):,} cells under {width:,} columns")
            yield Row(line, cells, self._newest)

    def _raw(self) -> Iterator[list[str]]:
        try:
            for cells in self._lines:
                if any(len(cell) > CELL_CHARACTERS_MAX for cell in cells):
                    raise unreadable(f"line {self._lines.line_num} has a cell of more than {CELL_CHARACTERS_MAX:,} characters")
                yield cells
        except csv.Error:
            raise unreadable(f"line {self._lines.line_num} is no CSV (a quotation mark in the wrong place, say)") from None


def _text(data: bytes) -> str:
    """Errors: InvalidField, TooLarge."""
    if len(data) > FILE_BYTES_MAX:
        raise TooLarge(f"the file has more than {FILE_BYTES_MAX // 2**20} MiB", fix="Export a shorter time, or by day.")
    for magic, what in _NOT_CSV.items():
        if data.startswith(magic):
            raise unreadable(f"it is {what}, and no CSV file in UTF-8", "Unpack it, or export it as CSV; then send that.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise unreadable(f"byte {error.start:,} is no UTF-8") from None
    if not text.strip():
        raise unreadable("it is empty")
    if "\0" in text:
        raise unreadable("it holds zero bytes, as no CSV file does")
    return text
