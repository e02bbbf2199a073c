"""The engine `rapidocr`: PP-OCR's networks on onnxruntime. What everybody has."""

import numpy as np

from appliance.files.ocr import weights
from appliance.files.ocr.inks import ink, letters, text_height
from appliance.files.ocr.order import in_order
from appliance.files.ocr.pp_boxes import Detector
from appliance.files.ocr.pp_text import Read, Recogniser, cut_out, reading_of
from appliance.files.ocr.seam import Image, Places, Reading
from appliance.files.ocr.weights import Network

SCRIPTS = frozenset({"Latn", "Hans", "Hant", "Jpan"})
DETECTION_HEIGHT = 10.0
"""Pixels that letters are high when lines are looked for: fewer and lines are lost, more and time is."""

SQUEEZE = 0.8
UNSURE = 0.9
WRONG_WAY = 0.9
"""Lines that stand on their head have reached 0.77."""

VOTES = 3
WORTH_A_VOTE = 0.7


def rapidocr() -> "PpOcr":
    """Errors: WeightsMissing."""
    found = weights.installed()
    name = f"rapidocr {found.version} ({found.name})"
    return PpOcr(name, SCRIPTS, Detector(Network(found.boxes)), Recogniser(Network(found.text)))


class PpOcr:
    """An engine of two networks, whatever computes them."""

    def __init__(self, name: str, scripts: frozenset[str], detector: Detector, recogniser: Recogniser) -> None:
        self.name = name
        self.scripts = scripts
        self._detector = detector
        self._recogniser = recogniser

    def read(self, image: Image) -> list[Reading]:
        height = text_height(letters(ink(image)))
        scale = min(2.0, max(0.35, DETECTION_HEIGHT / height)) if height else 1.0
        ways, found = {False: _Ways(0, 2), True: _Ways(1, 3)}, []
        for corners in self._detector.boxes(image, scale):
            is_upright = bool(np.hypot(*(corners[3] - corners[0])) > np.hypot(*(corners[1] - corners[0])) * 1.5)
            reading = self._line(image, corners, ways[is_upright])
            if reading is not None:
                found.append(reading)
        return in_order(found)

    def read_line(self, image: Image) -> Reading | None:
        return reading_of(self._recogniser.read(image), image.shape[1], image.shape[0])

    def _line(self, image: Image, corners: Places, ways: "_Ways") -> Reading | None:
        """Tried as most lines here stood; the other way where that makes no sense, or where none have been seen."""
        usual = self._squeezed(image, corners, ways.usual)
        tried = [usual] if usual[0].score >= WRONG_WAY and ways.are_known else [usual, self._squeezed(image, corners, ways.other)]
        (read, line, back), turns = max(zip(tried, (ways.usual, ways.other), strict=False), key=lambda one: one[0][0].score)
        ways.count(turns, read.score)
        if read.score < UNSURE:
            read = max(read, self._recogniser.read(line), key=lambda one: one.score)
        reading = reading_of(read, line.shape[1], line.shape[0])
        return reading and reading.moved(back)

    def _squeezed(self, image: Image, corners: Places, turns: int) -> tuple[Read, Image, Places]:
        line, back = cut_out(image, np.roll(corners, turns, axis=0))
        return self._recogniser.read(line, SQUEEZE), line, back


class _Ways:
    """How lines of a picture stand, by quarters turned: level ones, or upright ones."""

    def __init__(self, first: int, second: int) -> None:
        self._ways = first, second
        self._balance = VOTES if first == 0 else 0  # level lines mostly stand on their feet

    @property
    def usual(self) -> int:
        return self._ways[self._balance < 0]

    @property
    def other(self) -> int:
        return self._ways[self._balance >= 0]

    @property
    def are_known(self) -> bool:
        return abs(self._balance) >= VOTES

    def count(self, turns: int, score: float) -> None:
        if score >= WORTH_A_VOTE:
            self._balance = max(-2 * VOTES, min(2 * VOTES, self._balance + (1 if turns == self._ways[0] else -2)))
