"""The text of a page with the place of each word, from pdfium. The same page always gives the same words in the same order:
redaction finds a piece's characters again by their numbers."""

import ctypes
import re
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pypdfium2.raw as raw

from appliance.files.document import CHARACTERS_MAX
from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_bounds import Deadline, too_large

_WORD = re.compile(r"\S{1,40}")
# What pdfium writes for one at the end of a line, where it joins the words. It may be the value's own, as in a card's number.
_HYPHENS = {2: "\u2010", 0xFFFE: "\u2010"}
_NO_CHARACTER = {0: "\ufffd"}
_EMPTY: calls.Rect = (0.0, 0.0, 0.0, 0.0)
_THIN = 0.01
_AT_ONCE = 1024


@dataclass(slots=True)
class Word:
    """Characters `start` to `end` that one text object draws."""

    start: int
    end: int
    drawn_by: int
    hidden: str = ""


@dataclass(slots=True)
class PageText:
    """`text`: one character for each of pdfium's, "\\r" among them. `boxes`: of the words, as high as their fonts."""

    text: str
    words: list[Word]
    boxes: calls.Rects
    unmapped: int  # words with a character that the font doesn't name


def page_text(text_page: int, deadline: Deadline) -> PageText:
    text = _characters(text_page)
    spans = [match.span() for match in _WORD.finditer(text)]
    words: list[Word] = []
    boxes: list[calls.Rects] = [np.zeros((0, 4))]
    drawn_by: list[int] = []  # the end of each word
    for at in range(0, len(spans), _AT_ONCE):
        deadline.check()
        starts, ends = (list(ends) for ends in zip(*spans[at : at + _AT_ONCE], strict=True))
        firsts = calls.text_objects(text_page, starts)
        lasts = calls.text_objects(text_page, [end - 1 for end in ends])
        drawn_by += lasts
        if firsts != lasts:
            starts, ends, lasts = _parted(text_page, starts, ends, firsts, lasts)
        words += map(Word, starts, ends, lasts)
        boxes.append(_line_boxes(text_page, starts, ends))
    return PageText(text, words, np.concatenate(boxes), _unmapped(text_page, text, spans, drawn_by))


def _unmapped(text_page: int, text: str, spans: list[tuple[int, int]], drawn_by: list[int]) -> int:
    """`drawn_by`: what draws the end of each word. It has one font, so one of its words tells of all."""
    ends = {by: end for by, (_, end) in zip(reversed(drawn_by), reversed(spans), strict=True)}
    unnamed = {by for by, end in ends.items() if calls.is_unmapped(text_page, end - 1)}
    if not unnamed and "\ufffd" not in text:
        return 0
    return sum(by in unnamed or "\ufffd" in text[start:end] for by, (start, end) in zip(drawn_by, spans, strict=True))


def _characters(text_page: int) -> str:
    count = raw.FPDFText_CountChars(ctypes.cast(text_page, raw.FPDF_TEXTPAGE))
    if count <= 0:
        return ""
    if count > CHARACTERS_MAX:
        raise too_large(f"more than {CHARACTERS_MAX} characters on one page")
    buffer = (ctypes.c_ushort * (count + 1))()
    length = raw.FPDFText_GetText(ctypes.cast(text_page, raw.FPDF_TEXTPAGE), 0, count, buffer)
    text = bytes(buffer)[: max(0, length - 1) * 2].decode("utf-16-le", "replace")
    if len(text) != count or "\ufffd" in text:  # characters of two units, or some that it leaves out
        text = "".join(calls.character(text_page, index) for index in range(count))
    return text.translate(_HYPHENS | _NO_CHARACTER)


def _parted(
    text_page: int, starts: list[int], ends: list[int], firsts: list[int], lasts: list[int]
) -> tuple[list[int], list[int], list[int]]:
    """Words that more than one text object draws, in parts: starts, ends, and what draws each."""
    parted: tuple[list[int], list[int], list[int]] = ([], [], [])
    for start, end, first, last in zip(starts, ends, firsts, lasts, strict=True):
        parts = [(start, end, last)]
        if first != last:
            drawn_by = calls.text_objects(text_page, range(start, end))
            borders = [start, *(start + at for at, (one, next_) in enumerate(pairwise(drawn_by), 1) if one != next_), end]
            parts = [(begun, until, drawn_by[begun - start]) for begun, until in pairwise(borders)]
        for at, values in enumerate(zip(*parts, strict=True)):
            parted[at].extend(values)
    return parted


def _line_boxes(text_page: int, starts: list[int], ends: list[int]) -> calls.Rects:
    """Of characters in one line each: its ends tell, whichever way it runs."""
    one = calls.loose_boxes(text_page, starts)
    other = calls.loose_boxes(text_page, [end - 1 for end in ends])
    boxes = np.concatenate([np.minimum(one[:, :2], other[:, :2]), np.maximum(one[:, 2:], other[:, 2:])], axis=1)
    for empty, rest in ((_are_empty(other), one), (_are_empty(one), other)):
        boxes[empty] = rest[empty]
    thin = (boxes[:, 2] - boxes[:, 0] < _THIN) | (boxes[:, 3] - boxes[:, 1] < _THIN)
    for place in np.flatnonzero(thin).tolist():
        boxes[place] = ink_box(text_page, starts[place], ends[place])
    return boxes


def _are_empty(boxes: calls.Rects) -> npt.NDArray[np.bool_]:
    empty: npt.NDArray[np.bool_] = (boxes[:, 2] <= boxes[:, 0]) & (boxes[:, 3] <= boxes[:, 1])
    return empty


def ink_box(text_page: int, start: int, end: int) -> calls.Rect:
    """Around the ink of all of them; all zero: there is none."""
    box = _EMPTY
    for index in range(start, end):
        box = around(box, calls.char_box(text_page, index))
    return box


def character_boxes(text_page: int, start: int, end: int) -> list[calls.Rect]:
    """Of each, around its ink and its place in the line."""
    places: list[calls.Rect] = [tuple(box) for box in calls.loose_boxes(text_page, range(start, end)).tolist()]
    return [around(place, calls.char_box(text_page, index)) for index, place in enumerate(places, start)]


def around(one: calls.Rect, other: calls.Rect) -> calls.Rect:
    if one[2] <= one[0] and one[3] <= one[1]:
        return other
    if other[2] <= other[0] and other[3] <= other[1]:
        return one
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))


def runs_of(words: list[Word]) -> list[tuple[int, int]]:
    """First and last + 1 of words that stand together and are hidden for the same reason, or not hidden."""
    reasons = [word.hidden for word in words]
    borders = (at for at, (before, after) in enumerate(pairwise(reasons), 1) if before != after)
    return list(pairwise([0, *borders, len(words)]))
