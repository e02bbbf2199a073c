"""Lines as people read them: by the place of their words, where the file draws them in another order.

pdfium gives a page's text in the order of its content. A number whose groups are drawn from right to left, or letter by letter in
any order, looks like every other one and isn't there as a text. So what stands side by side is compared with what follows each
other; where that differs, the line is read once more by place. Pages that are drawn as they are read have no such line.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass
from math import pi

import numpy as np
import numpy.typing as npt

from appliance.files.document import Piece, Span, Where
from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_bounds import Deadline
from appliance.files.reading.pdf_page import Page
from appliance.files.reading.pdf_text import PageText

# In heights of a line, which are some 1.15 times the size of its letters.
_SAME_LINE = 0.5  # between the middles of two letters
_BESIDE = 0.75  # the gap between columns is wider
_BESIDE_SPACED = 3.5  # in a line of letters that are spaced out
_BLANK = 0.15
_OVER = 0.3  # words that lie so far over each other are drawn in each other's gaps
_SAME_PLACE = 0.1  # a letter that is drawn twice, for a bolder look
_HIGH = 3.5  # in widths of its letters: fonts of symbols say to be far higher than they are
_WIDE = 1.7  # in the same: of letters that are all as wide as an m
_LETTERS_MIN = 3
_AT_ONCE = 4096
# Between them are scripts that run from right to left, or whose signs stand in another order than they are said.
_PLAIN_END, _LEFTWARDS_END, _PLAIN_AGAIN = 0x590, 0x900, 0x2E80
_ZEROS = (0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6)
_DIGITS = np.array([zero + place for zero in _ZEROS for place in range(10)], dtype=np.uint32)
# Within one text a letter gets behind the one before it only by a large number between two strings, several numbers, or spacing
# that is negative.
_MOVES_BACK = re.compile(
    rb"[)>]\s*(?:\+?(?:[3-9]\d\d|\d{4,})\b|[-+.\d]+\s+[-+.\d]|%)|-\s*(?:0*\.[3-9]|0*[1-9])[\d.]*\s+Tc|-[\d.]+\s+Tw"
)

_Numbers = npt.NDArray[np.int64]
_Lengths = npt.NDArray[np.float64]
_Flags = npt.NDArray[np.bool_]


@dataclass
class _Glyphs:
    """Words or single letters, in the order of the content. `turns`: by how many quarters of a circle each is turned
    with the clock."""

    start: _Numbers
    end: _Numbers
    turns: _Numbers
    boxes: calls.Rects
    are_letters: bool = False


@dataclass
class _Line:
    """`glyphs`: their numbers, as they are read; `blanks`: whether one stands before each."""

    glyphs: list[int]
    blanks: list[bool]


def moves_back(content: bytes) -> bool:
    """Whether a text in it may draw a letter before one that it has drawn."""
    return _MOVES_BACK.search(content) is not None


def by_place(page: Page, text_page: int, text: PageText, content: bytes, deadline: Deadline) -> Piece | None:
    """The lines of a page that read otherwise by place than in the order of its content; None: there are none.

    `text`: with `hidden` of its words set: what nobody sees is no part of a line. `content`: the page's own.
    """
    words = _seen(text_page, text)
    if words is None:
        return None
    codes = np.frombuffer(text.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    found = None if moves_back(content) else _lines(words, codes, deadline)
    if found is None:
        words = _letters(text_page, words, codes, deadline)
        found = _lines(words, codes, deadline) or []
    return _piece(page, text.text, words, found) if found else None


def _seen(text_page: int, text: PageText) -> _Glyphs | None:
    words = [word for word in text.words if not word.hidden]
    if not words:
        return None
    boxes = text.boxes if len(words) == len(text.words) else text.boxes[[not word.hidden for word in text.words]]
    drawn_by = [word.drawn_by for word in words]
    starts, ends = [word.start for word in words], [word.end for word in words]
    firsts = dict(zip(drawn_by, starts, strict=True))
    angles = {by: round(calls.angle(text_page, start) / (pi / 2)) % 4 for by, start in firsts.items()}
    turns = list(map(angles.__getitem__, drawn_by))
    return _Glyphs(np.array(starts), np.array(ends), np.array(turns), boxes)


def _letters(text_page: int, words: _Glyphs, codes: npt.NDArray[np.uint32], deadline: Deadline) -> _Glyphs:
    """Each with a place of its own."""
    lengths = words.end - words.start
    owners = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(owners)) - (np.cumsum(lengths) - lengths)[owners] + words.start[owners]
    boxes = [np.zeros((0, 4))]
    for at in range(0, len(places), _AT_ONCE):
        deadline.check()
        boxes.append(calls.loose_boxes(text_page, places[at : at + _AT_ONCE].tolist()))
    found = _Glyphs(places, places + 1, words.turns[owners], np.concatenate(boxes), are_letters=True)
    return _once(found, codes)


def _once(glyphs: _Glyphs, codes: npt.NDArray[np.uint32]) -> _Glyphs:
    """Without those that are drawn a second time in the same place."""
    size = np.maximum(glyphs.boxes[:, 3] - glyphs.boxes[:, 1], 0.01)
    order = np.lexsort((glyphs.boxes[:, 0], np.round(glyphs.boxes[:, 1]), codes[glyphs.start]))
    before, behind = order[:-1], order[1:]
    near = np.abs(glyphs.boxes[before] - glyphs.boxes[behind]).max(axis=1) < _SAME_PLACE * size[behind]
    again = behind[near & (codes[glyphs.start[before]] == codes[glyphs.start[behind]])]
    keep = np.delete(np.arange(len(order)), again)
    return _Glyphs(glyphs.start[keep], glyphs.end[keep], glyphs.turns[keep], glyphs.boxes[keep], glyphs.are_letters)


def _lines(glyphs: _Glyphs, codes: npt.NDArray[np.uint32], deadline: Deadline) -> list[_Line] | None:
    """Those that read otherwise than in the order of the glyphs. None: words lie over each other, so that only their letters
    tell."""
    found: list[_Line] = []
    first, last = _are_plain(codes[glyphs.start]), _are_plain(codes[glyphs.end - 1])
    for turn in np.unique(glyphs.turns).tolist():
        own = np.flatnonzero(glyphs.turns == turn)
        begin, end, middle, height = _along(glyphs.boxes[own], turn)
        width = (end - begin) / (glyphs.end - glyphs.start)[own]
        height = np.clip(_HIGH * width, 0.3 * height, height)
        line = _line_numbers(middle, height, deadline)
        order = np.lexsort((begin, line))
        before, behind = order[:-1], order[1:]
        size = np.maximum(height, _WIDE * width)
        gaps = 2 * (begin[behind] - end[before]) / (size[before] + size[behind])
        gaps[line[before] != line[behind]] = np.inf
        if not glyphs.are_letters and bool((gaps < -_OVER).any()):
            return None
        single = (glyphs.end - glyphs.start == 1)[own[order]] & _are_alphanumeric(codes[glyphs.start[own[order]]])
        linked = _are_linked(gaps, single)
        steps = np.diff(own[order])
        goes_on = (steps == 1) | ((steps == -1) & _run_leftwards(codes, glyphs, own, line)[before])
        joints = linked & ~goes_on & last[own[before]] & first[own[behind]]
        found += _with_joints(own[order], gaps, linked, joints, single)
    return found


def _run_leftwards(codes: npt.NDArray[np.uint32], glyphs: _Glyphs, own: _Numbers, line: _Numbers) -> _Flags:
    """Whether each is in a line with letters of a script that is written from right to left: there numbers that follow each
    other do so as well."""
    letters = codes[glyphs.start[own]]
    are_leftwards = (letters >= _PLAIN_END) & (letters < _LEFTWARDS_END)
    found: _Flags = np.isin(line, line[are_leftwards]) if are_leftwards.any() else are_leftwards
    return found


def _along(boxes: calls.Rects, turn: int) -> tuple[_Lengths, _Lengths, _Lengths, _Lengths]:
    """From where to where each is in the direction of its line, its middle across, and how high it is."""
    left, bottom, right, top = boxes.T
    begin, end = ((left, right), (-top, -bottom), (-right, -left), (bottom, top))[turn]
    low, high = ((-top, -bottom), (-right, -left), (bottom, top), (left, right))[turn]
    return begin, end, (low + high) / 2, np.maximum(high - low, 0.01)


def _line_numbers(middle: _Lengths, height: _Lengths, deadline: Deadline) -> _Numbers:
    """Of the line that each is in, from above. A line reaches from its highest middle half a height down; what is raised or
    lowered in it, such as the 2 of H2O, makes none of its own."""
    order = np.argsort(middle, kind="stable")
    middles, heights = middle[order], height[order]
    reaches = (middles + _SAME_LINE * heights).tolist()
    sorted_middles = middles.tolist()
    begins = [0]
    while begins[-1] < len(sorted_middles):
        first = begins[-1]
        begins.append(bisect_left(sorted_middles, reaches[first], first + 1))
        if len(begins) % _AT_ONCE == 0:
            deadline.check()
    counts = np.diff(begins)
    lines = _merged(counts, np.add.reduceat(middles, begins[:-1]) / counts, np.add.reduceat(heights, begins[:-1]) / counts)
    numbers = np.empty(len(order), dtype=np.int64)
    numbers[order] = np.repeat(lines, counts)
    return numbers


def _merged(counts: _Numbers, middles: _Lengths, heights: _Lengths) -> list[int]:
    """A number for each line; the same for those that stand too close for two. `middles`, `heights`: of the average glyph."""
    found: list[int] = []
    largest, largest_count = 0, 0
    for line, (count, middle, height) in enumerate(zip(counts.tolist(), middles.tolist(), heights.tolist(), strict=True)):
        reach = _SAME_LINE * max(height, float(heights[largest])) if found else 0.0
        if found and middle - middles[largest] < reach and min(count, largest_count) * 3 < max(count, largest_count):
            found.append(found[-1])
            largest, largest_count = (line, count) if count > largest_count else (largest, largest_count)
        else:
            found.append(line)
            largest, largest_count = line, count
    return found


def _are_linked(gaps: _Lengths, single: _Flags) -> _Flags:
    """Whether each stands beside the one before it. `single`: letters and digits that stand alone; where some do in a row they
    are spaced out, over wider gaps."""
    pairs = single[:-1] & single[1:]
    around = np.concatenate([[np.inf], np.where(pairs, gaps, np.inf), [np.inf]])
    usual = np.minimum(around[:-2], around[2:])
    spaced = np.where(pairs & np.isfinite(usual), usual.clip(0), 0)
    linked: _Flags = gaps <= np.minimum(_BESIDE + 2 * spaced, _BESIDE_SPACED)
    return linked


def _with_joints(order: _Numbers, gaps: _Lengths, linked: _Flags, joints: _Flags, single: _Flags) -> Iterator[_Line]:
    """Runs of glyphs side by side that hold one."""
    if not joints.any():
        return
    ends = np.append(np.flatnonzero(~linked) + 1, len(order))
    begins = np.concatenate([[0], ends[:-1]])
    counts = np.concatenate([[0], np.cumsum(joints)])
    for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
        if counts[end - 1] > counts[begin]:
            between = gaps[begin : end - 1]
            yield _Line(order[begin:end].tolist(), [False, *_blanks(between, single[begin:end]).tolist()])


def _blanks(gaps: _Lengths, single: _Flags) -> _Flags:
    """Which gaps are blanks: in a line of letters that are spaced out only the wider ones."""
    usual = float(np.median(gaps)) if single.mean() > 0.6 else 0.0
    blanks: _Flags = gaps > (usual + 0.2 if usual > _BLANK else _BLANK)
    return blanks


def _are_plain(codes: npt.NDArray[np.uint32]) -> _Flags:
    plain: _Flags = (codes < _PLAIN_END) | (codes >= _PLAIN_AGAIN)
    return plain | np.isin(codes, _DIGITS) if not plain.all() else plain


def _are_alphanumeric(codes: npt.NDArray[np.uint32]) -> _Flags:
    """Of ASCII; what is beyond it counts as well."""
    found: _Flags = (codes >= 0x80) | ((codes >= 0x30) & (codes <= 0x39)) | (((codes | 0x20) >= 0x61) & ((codes | 0x20) <= 0x7A))
    return found


def _piece(page: Page, text: str, glyphs: _Glyphs, lines: list[_Line]) -> Piece | None:
    """With lines between them: no value goes from one to the next, nor from the text before or behind."""
    boxes = page.shown(glyphs.boxes).clip(0, 1).round(4).tolist()
    starts, ends = glyphs.start.tolist(), glyphs.end.tolist()
    said = ["\n"]
    spans: list[Span] = []
    length = 1
    for line in lines:
        words = [(" " * blank + text[starts[one] : ends[one]]) for one, blank in zip(line.glyphs, line.blanks, strict=True)]
        if sum(map(str.isalnum, "".join(words))) < _LETTERS_MIN:
            continue
        for one, blank, word in zip(line.glyphs, line.blanks, words, strict=True):
            spans.append(Span(length + blank, length + len(word), *boxes[one]))
            length += len(word)
        said += [*words, "\n\n"]
        length += 2
    return Piece("".join(said)[:-1], Where(page=page.number), spans=spans) if spans else None
