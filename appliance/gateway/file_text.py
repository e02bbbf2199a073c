"""A document's pieces as texts that detectors read, and findings put back into the pieces where they stand.

Pieces that stand side by side are read together, since a value may go over the border of two. What people see and what nobody
sees is read once more, each by itself: hidden text could stand between the halves of a value, and an attack in it is its own.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from appliance.files.document import Document, Piece
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import BORDER

CORE = 24_000  # characters looked at in one go: some ten milliseconds, in which nobody else has Python's lock
BEFORE, BEHIND = 2_000, 8_000  # what is seen around them
# The end of a long line, as a page's margin makes one: a value may go on in the next.
_WRAPPED = re.compile(r"(?<=[^\s]{2})\r?\n(?=[0-9A-Za-z])")
# Groups of one number in cells or lines of their own. Whoever has many such rows has a table of numbers, and no card in it.
_GAP = r"[ \t]*(?:\r?\n|[\t,;|])[ \t]*"
_OR_GAP = rf"(?:[ -]|{_GAP})"
_APART = re.compile(
    rf"(?<!\w)(?<!\d[ ,;|\t\n-])(?:\d{{4}}(?:{_OR_GAP}\d{{4}}){{3}}|"
    rf"[A-Z]{{2}}\d{{2}}(?:{_OR_GAP}[A-Z0-9]{{4}}){{3,7}}(?:{_OR_GAP}[A-Z0-9]{{1,4}})?)(?!\w|{_OR_GAP}\d)"
)
_IS_GAP = re.compile(_GAP)
ROWS_MAX = 3
LINE_MIN = 40
NOTHING = "\u200b"  # what nobody sees, and detectors don't
_WITH_MARGINS = frozenset({"pdf", "png", "jpeg", "webp", "tiff", "bmp", "gif", "text", "markdown"})
_WITH_CELLS = frozenset({"docx", "csv", "html"})
_FLOW = frozenset({"body"})  # goes on from page to page
APART_MAX = 2_000  # texts of a document that are judged each by itself


class Part(msgspec.Struct, frozen=True):
    """Characters `start` to `end` of piece `piece`."""

    piece: int
    start: int
    end: int


class Placed(msgspec.Struct, frozen=True):
    """A finding, and the parts of pieces that it stands in, in their order."""

    finding: Finding
    parts: tuple[Part, ...]


class Reading:
    """One way to read the document. numbers: of the pieces in it; starts: of each in `text`; attacks: whether it is for them."""

    def __init__(self, pieces: Sequence[Piece], numbers: Sequence[int], *, attacks: bool = True) -> None:
        self.attacks = attacks
        self.has_lines = False  # whether its lines end at a margin
        texts: list[str] = []
        self.numbers = list(numbers)
        self.starts: list[int] = []
        self._begins: list[int] = []  # of texts that stand by themselves
        place, before = 0, None
        for number in numbers:
            piece = pieces[number]
            between = "" if before is None else _between(before, piece)
            place += len(between)
            self.starts.append(place)
            if before is None or not (_is_flow(before) and _is_flow(piece)):
                self._begins.append(place)
            texts += (between, piece.text)
            place += len(piece.text)
            before = piece
        self.text = "".join(texts)
        self.breaks: list[int] = []
        self._gaps: list[tuple[int, int]] = []
        self._apart: list[tuple[int, int]] = []
        self._ends = [start + len(pieces[number].text) for start, number in zip(self.starts, self.numbers, strict=True)]

    def find_what_is_apart(self) -> None:
        """For documents with cells: elsewhere numbers below each other are a column."""
        spans = [found.span() for found in _APART.finditer(self.text)]
        spans = [span for span in spans if _IS_GAP.search(self.text, *span)]
        if len(spans) <= ROWS_MAX:
            self._apart = spans
            self._gaps = [gap.span() for span in spans for gap in _IS_GAP.finditer(self.text, *span)]

    def find_breaks(self) -> None:
        """For documents whose lines end at a margin."""
        self.has_lines = True
        self.breaks = [
            place.start() for place in _WRAPPED.finditer(self.text) if place.start() - self._line_of(place.start()) >= LINE_MIN
        ]

    def _line_of(self, place: int) -> int:
        """Where the line before `place` begins."""
        return self.text.rfind("\n", 0, place) + 1

    def without_breaks(self, begin: int, end: int) -> str | None:
        """A part of `text` in which long lines go on in the next one, each character where it was; None: there are none."""
        first, last = bisect_left(self.breaks, begin), bisect_left(self.breaks, end)
        gaps = [gap for gap in self._gaps if begin <= gap[0] and gap[1] <= end]
        if first == last and not gaps:
            return None
        letters = list(self.text[begin:end])
        gaps += [(place, place + 1 + self.text.startswith("\r\n", place)) for place in self.breaks[first:last]]
        for start, stop in gaps:
            letters[start - begin : stop - begin] = " " + (stop - start - 1) * NOTHING
        return "".join(letters)

    def apart(self, begin: int, end: int) -> list[tuple[int, int]]:
        """From where to where texts stand in this part of `text` that have nothing to do with each other: the pages, a note, a
        field, a property."""
        if not self._begins or len(self._begins) > APART_MAX:
            return [(begin, end)]
        first, last = max(0, bisect_right(self._begins, begin) - 1), bisect_left(self._begins, end)
        parts = pairwise([*self._begins[first:last], end])
        return [(max(begin, start), stop) for start, stop in parts if stop > begin]

    def is_broken(self, finding: Finding) -> bool:
        """Whether it is one number in several cells or lines, or goes over one of those lines' ends. One that goes over several
        is none: there are no lines so short at a margin."""
        if any(start <= finding.start and finding.end <= end for start, end in self._apart):
            return True
        return bisect_left(self.breaks, finding.end) - bisect_left(self.breaks, finding.start) == 1

    def windows(self) -> Iterator[tuple[int, int, int, int]]:
        """(from, to) of what is looked at, and within it (from, to) of what counts: where findings may begin."""
        for core in range(0, max(len(self.text), 1), CORE):
            end = min(core + CORE, len(self.text))
            yield max(0, core - BEFORE), min(len(self.text), end + BEHIND), core, end

    def placed(self, finding: Finding) -> Placed | None:
        """`finding`: in characters of `text`. None: it stands in what we put between pieces alone."""
        parts: list[Part] = []
        number = bisect_right(self._ends, finding.start)
        while number < len(self.starts) and self.starts[number] < finding.end:
            begin, end = self.starts[number], self._ends[number]
            start, stop = max(finding.start, begin) - begin, min(finding.end, end) - begin
            if start < stop:
                parts.append(Part(self.numbers[number], start, stop))
            number += 1
        return Placed(finding, tuple(parts)) if parts else None


def readings(document: Document) -> list[Reading]:
    """All pieces in their order; and where some are hidden, these and the others alone."""
    pieces = document.pieces
    everything = [number for number, piece in enumerate(pieces) if piece.text]
    seen = [number for number in everything if not pieces[number].hidden]
    unseen = [number for number in everything if pieces[number].hidden]
    if not seen or not unseen:
        found = [Reading(pieces, everything)]
    else:
        found = [Reading(pieces, everything, attacks=False), Reading(pieces, seen), Reading(pieces, unseen)]
    for reading in found if document.kind in _WITH_MARGINS else ():
        reading.find_breaks()
    for reading in found if document.kind in _WITH_CELLS else ():
        reading.find_what_is_apart()
    return found


def names(document: Document) -> list[tuple[int, str]]:
    """What properties, fields and attachments are called: content as well. By the first piece that stands under it."""
    found: dict[str, int] = {}
    for number, piece in enumerate(document.pieces):
        if piece.where.name:
            found.setdefault(piece.where.name, number)
    return [(number, name) for name, number in found.items()]


def _is_flow(piece: Piece) -> bool:
    return piece.where.part in _FLOW


def _between(one: Piece, two: Piece) -> str:
    """A line's end where one goes on in the other, else what no value goes over."""
    is_one_part = one.where.part == two.where.part and one.where.name == two.where.name
    goes_on = is_one_part and (one.where.page == two.where.page or one.where.part in _FLOW)
    return "\n" if goes_on else BORDER
