"""The text of a page with the place of each word, from pdfium. The same page always gives the same words in the same order:
redaction finds a piece's characters again by their numbers."""

import ctypes
import re
from dataclasses import dataclass

import pypdfium2.raw as raw

from appliance.files.document import CHARACTERS_MAX
from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_bounds import Deadline, too_large

_WORD = re.compile(r"\S{1,40}")
# What pdfium writes for one at the end of a line, where it joins the words. It may be the value's own, as in a card's number.
_HYPHENS = {2: "\u2010", 0xFFFE: "\u2010"}
_NO_CHARACTER = {0: "\ufffd"}
_EMPTY: calls.Rect = (0.0, 0.0, 0.0, 0.0)


@dataclass(slots=True)
class Word:
    """Characters `start` to `end` that one text object draws. `box`: as high as the font."""

    start: int
    end: int
    box: calls.Rect
    drawn_by: int
    hidden: str = ""


@dataclass(slots=True)
class PageText:
    """`text`: one character for each of pdfium's, "\\r" among them."""

    text: str
    words: list[Word]
    unmapped: int  # words with a character that the font doesn't name


def page_text(text_page: int, deadline: Deadline) -> PageText:
    text = _characters(text_page)
    words: list[Word] = []
    unmapped = 0
    is_unmapped: dict[int, bool] = {}  # by what draws it, which has one font
    for count, match in enumerate(_WORD.finditer(text)):
        if count % 256 == 0:
            deadline.check()
        start, end = match.span()
        words += _words(text_page, start, end)
        by = words[-1].drawn_by
        if by not in is_unmapped:
            is_unmapped[by] = calls.is_unmapped(text_page, end - 1)
        unmapped += is_unmapped[by] or "\ufffd" in match.group()
    return PageText(text, words, unmapped)


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


def _words(text_page: int, start: int, end: int) -> list[Word]:
    first, last = calls.text_object(text_page, start), calls.text_object(text_page, end - 1)
    if first == last:
        return [Word(start, end, _line_box(text_page, start, end), first or 0)]
    drawn_by = [calls.text_object(text_page, index) or 0 for index in range(start, end)]
    words, begun = [], start
    for index in range(start + 1, end + 1):
        if index == end or drawn_by[index - start] != drawn_by[begun - start]:
            words.append(Word(begun, index, _line_box(text_page, begun, index), drawn_by[begun - start]))
            begun = index
    return words


def _line_box(text_page: int, start: int, end: int) -> calls.Rect:
    """Of characters in one line: its ends tell, whichever way it runs."""
    first = calls.loose_box(text_page, start)
    box = first if end == start + 1 else around(first, calls.loose_box(text_page, end - 1))
    if box[2] - box[0] < 0.01 or box[3] - box[1] < 0.01:
        box = ink_box(text_page, start, end)
    return box


def ink_box(text_page: int, start: int, end: int) -> calls.Rect:
    """Around the ink of all of them; all zero: there is none."""
    box = _EMPTY
    for index in range(start, end):
        box = around(box, calls.char_box(text_page, index))
    return box


def character_boxes(text_page: int, start: int, end: int) -> list[calls.Rect]:
    """Of each, around its ink and its place in the line."""
    return [around(calls.loose_box(text_page, index), calls.char_box(text_page, index)) for index in range(start, end)]


def around(one: calls.Rect, other: calls.Rect) -> calls.Rect:
    if one[2] <= one[0] and one[3] <= one[1]:
        return other
    if other[2] <= other[0] and other[3] <= other[1]:
        return one
    return (min(one[0], other[0]), min(one[1], other[1]), max(one[2], other[2]), max(one[3], other[3]))
