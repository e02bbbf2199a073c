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
    drawn_by = [word.drawn_by for word in text.words]
    fonts = {each: calls.font(each) if each else 0 for each in set(drawn_by)}
    numbers = {handle: number for number, handle in enumerate(set(fonts.values()))}
    by_object = {each: numbers[handle] for each, handle in fonts.items()}
    codes = np.frombuffer(text.text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32).astype(np.int64)
    owners = np.full(len(codes), -1)  # of each character the word that it is in
    starts = np.array([word.start for word in text.words])
    lengths = np.array([word.end for word in text.words]) - starts
    places = np.arange(lengths.sum()) + np.repeat(starts - (np.cumsum(lengths) - lengths), lengths)
    owners[places] = np.repeat(np.arange(len(starts)), lengths)
    places = places[_ARE_LETTERS[np.minimum(codes[places], 0x7F)]]
    of_words = np.array(list(map(by_object.__getitem__, drawn_by)))
    _, firsts = np.unique(of_words[owners[places]] * 0x80 + codes[places], return_index=True)
    found: dict[int, dict[str, _Shape]] = {}
    sizes: dict[int, float] = {}
    for place in places[firsts].tolist():
        of = drawn_by[owners[place]]
        size = sizes.get(of)
        if size is None:
            is_upright = calls.angle(text_page, place) < _UPRIGHT
            size = sizes[of] = text_scale(of, page.objects().texts.get(of, 1.0)) if is_upright else 0.0
        shape = _shape(text_page, place, size) if size > 0 else None
        if shape is not None:
            found.setdefault(by_object[of], {})[chr(codes[place])] = shape
    yield from found.values()


def _shape(text_page: int, index: int, size: float) -> _Shape | None:
    """None: it has no ink. `size`: of its letters, in points."""
    _, bottom, _, top = calls.char_box(text_page, index)
    if top <= bottom:
        return None
    baseline = calls.baseline(text_page, index)
    return _Shape((top - baseline) / size, (bottom - baseline) / size)


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
