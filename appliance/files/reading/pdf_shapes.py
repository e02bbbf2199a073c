"""Whether letters look as high as what their font calls them: what a reader gets is a name, what people see is a shape.

A font may call a 4 an h: its letters' names and codes can say anything, the ink can't. In fonts of any design the letters
acemno… are equally high and stand on the line, so do the capitals, and so do digits unless they are old-style ones. Only ASCII,
by height: a 4 that is called a 7 isn't told, and a font of capitals alone is told wrongly.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_page import Page, text_scale
from appliance.files.reading.pdf_text import PageText

# Those that end flat or nearly so, above and below.
_SHORT = frozenset("acemnorsuvwxz")
_CAPITALS = frozenset("ABCDEFGHIKLMNOPRSTUVWXYZ")
_DIGITS = frozenset("0123456789")
_ASCENDERS = frozenset("bdhkl")
_SAME = 0.11  # of the letters' size: fonts differ less within one of these
_LOWER = 0.04  # by how much letters without ascenders are lower at least
_UPRIGHT = 0.01  # radians
_ARE_LETTERS = np.array([chr(code).isalnum() for code in range(0x80)])


class _Shape(NamedTuple):
    """Where the ink ends above the line that letters stand on, in parts of their size."""

    top: float
    bottom: float


def odd_shapes(page: Page, text_page: int, text: PageText) -> bool:
    """Whether a font of a page calls its letters what they can't be."""
    return bool(text.words) and any(map(_is_odd, _fonts(page, text_page, text)))


def _fonts(page: Page, text_page: int, text: PageText) -> Iterator[dict[str, _Shape]]:
    """Of each font on the page the letters that stand upright, by what they are called."""
    fonts: dict[int, int] = {}
    for word in text.words:
        if word.drawn_by not in fonts:
            fonts[word.drawn_by] = calls.font(word.drawn_by) if word.drawn_by else 0
    starts = np.array([word.start for word in text.words], dtype=np.int64)
    lengths = np.array([word.end - word.start for word in text.words], dtype=np.int64)
    numbers = {handle: number for number, handle in enumerate(dict.fromkeys(fonts.values()))}
    of_words = np.array([numbers[fonts[word.drawn_by]] for word in text.words], dtype=np.int64)
    owners = np.repeat(np.arange(len(lengths)), lengths)
    places = np.arange(len(owners)) - (np.cumsum(lengths) - lengths)[owners] + starts[owners]
    codes = np.frombuffer(text.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)[places].astype(np.int64)
    keys = np.where(codes < 0x80, of_words[owners] * 0x80 + codes, -1)
    _, firsts = np.unique(keys, return_index=True)
    firsts = firsts[keys[firsts] >= 0]
    firsts = firsts[_ARE_LETTERS[codes[firsts]]]
    found: dict[int, dict[str, _Shape]] = {}
    for owner, place, code in zip(owners[firsts].tolist(), places[firsts].tolist(), codes[firsts].tolist(), strict=True):
        drawn_by = text.words[owner].drawn_by
        shape = _shape(text_page, place, text_scale(drawn_by, page.objects().texts.get(drawn_by, 1.0)))
        if shape is not None:
            found.setdefault(int(of_words[owner]), {})[chr(code)] = shape
    yield from found.values()


def _shape(text_page: int, index: int, size: float) -> _Shape | None:
    """None: it is turned, or has no ink. `size`: of its letters, in points."""
    ink = calls.char_box(text_page, index)
    if size <= 0 or ink[3] <= ink[1] or calls.angle(text_page, index) > _UPRIGHT:
        return None
    baseline = calls.baseline(text_page, index)
    return _Shape((ink[3] - baseline) / size, (ink[1] - baseline) / size)


def _is_odd(letters: dict[str, _Shape]) -> bool:
    short, capitals, ascenders = (
        [shape for letter, shape in letters.items() if letter in some] for some in (_SHORT, _CAPITALS, _ASCENDERS)
    )
    if not (_are_even(short) and _are_even(capitals) and _are_even(ascenders)):
        return True
    tall = [shape.top for shape in capitals or ascenders]  # in small capitals a d isn't higher than an a
    if len(short) > 1 and tall and max(shape.top for shape in short) > min(tall) - _LOWER:
        return True
    return not _are_digits({letter: shape for letter, shape in letters.items() if letter in _DIGITS})


def _are_even(shapes: list[_Shape]) -> bool:
    """Whether they are equally high and stand on one line."""
    tops, bottoms = [shape.top for shape in shapes], [shape.bottom for shape in shapes]
    return not shapes or (max(tops) - min(tops) <= _SAME and max(bottoms) - min(bottoms) <= _SAME)


def _are_digits(digits: dict[str, _Shape]) -> bool:
    """Equally high, or as those in a text are: some low, some reaching below the line; fonts have both."""
    if not digits:
        return True
    highest = max(shape.top for shape in digits.values())
    tops = [shape.top for digit, shape in digits.items() if highest - shape.top > _SAME]
    if tops and (max(tops) - min(tops) > _SAME or any(highest - digits[digit].top > _SAME for digit in "68" if digit in digits)):
        return False
    bottoms = [digits[digit].bottom for digit in "01268" if digit in digits]
    return not bottoms or max(bottoms) - min(bottoms) <= _SAME
