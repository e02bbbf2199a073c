"""The engine `rapidocr`: PP-OCR's networks on onnxruntime. What everybody has."""

import numpy as np

from appliance.files.ocr import weights
from appliance.files.ocr.inks import ink, letters, text_height
from appliance.files.ocr.pp_boxes import Detector
from appliance.files.ocr.pp_text import Recogniser, cut_out, reading_of
from appliance.files.ocr.seam import Image, Places, Reading
from appliance.files.ocr.weights import Network

SCRIPTS = frozenset({"Latn", "Hans", "Hant", "Jpan"})
DETECTION_HEIGHT = 10.0
"""Pixels that letters are high when lines are looked for: fewer and lines are lost, more and time is."""

SQUEEZE = 0.8
UNSURE = 0.9
WRONG_WAY = 0.9
"""Lines that stand on their head have reached 0.77."""


class RapidOcr:
    """Errors: WeightsMissing."""

    def __init__(self) -> None:
        found = weights.installed()
        self.name = f"rapidocr {found.version} ({found.name})"
        self.scripts = SCRIPTS
        self._detector = Detector(Network(found.boxes))
        self._recogniser = Recogniser(Network(found.text))

    def read(self, image: Image) -> list[Reading]:
        height = text_height(letters(ink(image)))
        scale = min(2.0, max(0.35, DETECTION_HEIGHT / height)) if height else 1.0
        found, upside_down = [], 0
        for corners in self._detector.boxes(image, scale):
            reading, turns = self._line(image, corners, 2 if upside_down > 2 else 0)
            upside_down = max(-3, min(6, upside_down + (1 if turns == 2 else -1)))
            if reading is not None:
                found.append(reading)
        return found[::-1] if upside_down > 2 else found

    def read_line(self, image: Image) -> Reading | None:
        return reading_of(self._recogniser.read(image), image.shape[1], image.shape[0])

    def _line(self, image: Image, corners: Places, usual: int) -> tuple[Reading | None, int]:
        """And by how many quarters it was turned. Level lines are tried as most lines here stood; the other way where that makes
        no sense. Upright ones both ways."""
        across, down = np.hypot(*(corners[1] - corners[0])), np.hypot(*(corners[3] - corners[0]))
        if down > across * 1.5:
            return max(((self._way(image, corners, turns), turns) for turns in (1, 3)), key=_score)
        first = self._way(image, corners, usual), usual
        if _score(first) >= WRONG_WAY:
            return first
        return max(first, (self._way(image, corners, 2 - usual), 2 - usual), key=_score)

    def _way(self, image: Image, corners: Places, turns: int) -> Reading | None:
        line, back = cut_out(image, np.roll(corners, turns, axis=0))
        read = self._recogniser.read(line, SQUEEZE)
        if read.score < UNSURE:
            read = max(read, self._recogniser.read(line), key=lambda one: one.score)
        reading = reading_of(read, line.shape[1], line.shape[0])
        return reading and reading.moved(back)


def _score(way: tuple[Reading | None, int]) -> float:
    return way[0].score if way[0] is not None else 0.0
