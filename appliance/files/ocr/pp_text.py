"""What a line says: PP-OCR's recognition network, read column by column, so that each character's place is known."""

import math
import unicodedata
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.files.ocr.seam import Image, Places, Reading, Word, corners_of
from appliance.files.ocr.weights import Reads

HEIGHT = 48
WIDTH_MIN = 160
WIDTH_MAX = 4_096
_COLUMN = 8  # pixels of the network's input


@dataclass(frozen=True, slots=True)
class Read:
    """Characters, their scores, and the middle of each as a part of 1 of the line's width."""

    text: str
    scores: NDArray[np.float32]
    middles: NDArray[np.float64]

    @property
    def score(self) -> float:
        return float(self.scores.mean()) if self.text else 0.0


class Recogniser:
    def __init__(self, network: Reads) -> None:
        self._network = network
        self._characters = ["", *network.characters(), " "]

    def read(self, line: Image, squeeze: float = 1.0) -> Read:
        """One line, cut out and level. `squeeze` below 1 makes it narrower: cheaper, and less sure."""
        height, width = line.shape[:2]
        inner = min(WIDTH_MAX, max(_COLUMN, math.ceil(width * HEIGHT / height * squeeze)))
        sized = cv2.resize(line, (inner, HEIGHT), interpolation=cv2.INTER_AREA if height > HEIGHT * 1.5 else cv2.INTER_LINEAR)
        colours = sized if sized.ndim == 3 else np.repeat(sized[:, :, None], 3, axis=2)
        values = np.zeros((1, 3, HEIGHT, max(WIDTH_MIN, inner + -inner % _COLUMN)), np.float32)
        values[0, :, :, :inner] = (colours[:, :, ::-1].astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)
        return self._decoded(self._network(values)[0], inner / _COLUMN)

    def _decoded(self, chances: NDArray[np.float32], columns: float) -> Read:
        best = chances.argmax(axis=1)
        kept = best != 0
        kept[1:] &= best[1:] != best[:-1]
        at = np.flatnonzero(kept)
        text = "".join(self._characters[number] for number in best[at])
        # Each is one character long but for emoji of several: their column is said once for each of their parts.
        lengths = [len(self._characters[number]) for number in best[at]]
        scores = np.repeat(chances[at, best[at]], lengths)
        return Read(text, scores, np.repeat((at + 0.5) / columns, lengths).clip(0.0, 1.0))


def cut_out(image: Image, corners: Places) -> tuple[Image, Places]:
    """The line between four corners, level, and the affine map (2 x 3) from it back to the picture."""
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    width, height = max(1, round(float(np.hypot(*across)))), max(1, round(float(np.hypot(*down))))
    back = np.column_stack([across / width, down / height, corners[0]])
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    line = cv2.warpAffine(image, back, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(line, np.uint8), back


def reading_of(read: Read, width: int, height: int) -> Reading | None:
    """A line of `width` x `height` pixels with its words' places; None where it has no words."""
    words = []
    edges = _edges(read)
    for start, end in word_bounds(read.text):
        corners = corners_of(edges[start] * width, 0, edges[end] * width, height)
        words.append(Word(start, end, corners))
    if not words:
        return None
    return Reading(read.text, read.score, corners_of(0, 0, width, height), tuple(words))


def _edges(read: Read) -> NDArray[np.float64]:
    """Where characters end: half-way between two, and the ends of the line. A word's edge so lies in the space beside it."""
    middles = read.middles
    between = (middles[1:] + middles[:-1]) / 2
    pitch = float(np.median(np.diff(middles))) if len(middles) > 1 else 1.0
    first, last = (middles[0] - pitch, middles[-1] + pitch) if len(middles) else (0.0, 1.0)
    return np.concatenate([[max(0.0, first)], between, [min(1.0, last)]])


def word_bounds(text: str) -> list[tuple[int, int]]:
    """Starts and ends of words; where a script writes without spaces each character is one."""
    found: list[tuple[int, int]] = []
    start = -1
    for number, character in enumerate([*text, " "]):
        alone = _is_ideograph(character)
        if (character.isspace() or alone) and start >= 0:
            found.append((start, number))
            start = -1
        if alone:
            found.append((number, number + 1))
        elif start < 0 and not character.isspace():
            start = number
    return found


def _is_ideograph(character: str) -> bool:
    return ord(character) >= 0x2E80 and unicodedata.category(character) == "Lo"
