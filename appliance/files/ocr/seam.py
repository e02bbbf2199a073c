"""What an engine is to us: it reads a picture, or one line that was cut out of it.

Places are pixels of the picture that the engine was given; `looks.py` turns pictures, enlarges them and carries the places
back. Engines read what they are given: they neither turn nor clean it.
"""

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from appliance.files.document import Line, Span

Image = NDArray[np.uint8]
"""Rows from above; two axes: grey, three: RGB."""

Places = NDArray[np.float64]
"""Points, a row each: x, y."""


@dataclass(frozen=True, slots=True)
class Word:
    """Characters `start` to `end` of a reading's text, between four corners, from the upper left one as the text stands."""

    start: int
    end: int
    corners: Places
    score: float = 1.0


@dataclass(frozen=True, slots=True)
class Reading:
    """A line as an engine read it. `score`: 0 to 1, how sure it is of the average character."""

    text: str
    score: float
    corners: Places
    words: tuple[Word, ...]

    def moved(self, matrix: Places) -> "Reading":
        """The same, its places carried over by an affine matrix of 2 x 3."""
        words = tuple(replace(word, corners=carried(word.corners, matrix)) for word in self.words)
        return replace(self, corners=carried(self.corners, matrix), words=words)

    def with_part(self, first: int, last: int, part: "Reading") -> "Reading":
        """Words `first` to `last`, the last one included, as another reading has them."""
        start, end = self.words[first].start, self.words[last].end
        longer = len(part.text) - (end - start)
        inside = (replace(word, start=word.start + start, end=word.end + start) for word in part.words)
        after = (replace(word, start=word.start + longer, end=word.end + longer) for word in self.words[last + 1 :])
        words = (*self.words[:first], *inside, *after)
        return replace(self, text=self.text[:start] + part.text + self.text[end:], words=words)


class Engine(Protocol):
    """`name`: with version and weights. `scripts`: ISO 15924 codes of what it reads."""

    name: str
    scripts: frozenset[str]

    def read(self, image: Image) -> list[Reading]:
        """Every line, from above."""

    def read_line(self, image: Image) -> Reading | None:
        """The picture is one line, cut out of a larger one; None: nothing is on it."""


def carried(places: Places, matrix: Places) -> Places:
    """Points after an affine map (2 x 3)."""
    return places @ matrix[:, :2].T + matrix[:, 2]


def box_of(places: Places) -> tuple[float, float, float, float]:
    """Left, top, right, bottom around points."""
    (left, top), (right, bottom) = places.min(axis=0), places.max(axis=0)
    return float(left), float(top), float(right), float(bottom)


def corners_of(left: float, top: float, right: float, bottom: float) -> Places:
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], np.float64)


def line_of(reading: Reading, width: int, height: int) -> Line:
    """A reading in parts of 1 of its picture."""
    spans = [Span(word.start, word.end, *_parts(word.corners, width, height)) for word in reading.words]
    return Line(reading.text, round(min(1.0, max(0.0, reading.score)), 4), *_parts(reading.corners, width, height), spans)


def _parts(places: Places, width: int, height: int) -> tuple[float, float, float, float]:
    left, top, right, bottom = box_of(places)
    across, down = (
        [min(1.0, max(0.0, round(x / width, 5))) for x in (left, right)],
        [min(1.0, max(0.0, round(y / height, 5))) for y in (top, bottom)],
    )
    return across[0], down[0], across[1], down[1]
