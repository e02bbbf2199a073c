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
WRONG_WAY = 0.75


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
        readings = [self._line(image, corners) for corners in self._detector.boxes(image, scale)]
        return [reading for reading in readings if reading is not None]

    def read_line(self, image: Image) -> Reading | None:
        return reading_of(self._recogniser.read(image), image.shape[1], image.shape[0])

    def _line(self, image: Image, corners: Places) -> Reading | None:
        """Level lines are tried as they stand first; one that makes no sense, turned. Upright ones both ways."""
        line, back = cut_out(image, corners)
        upright = line.shape[0] > line.shape[1] * 1.5
        ways = [self._way(image, np.roll(corners, shift, axis=0)) for shift in ((1, 3) if upright else (0,))]
        best = max(ways, key=_score)
        if not upright and _score(best) < WRONG_WAY:
            best = max(best, self._way(image, np.roll(corners, 2, axis=0)), key=_score)
        return best

    def _way(self, image: Image, corners: Places) -> Reading | None:
        line, back = cut_out(image, corners)
        read = self._recogniser.read(line, SQUEEZE)
        if read.score < UNSURE:
            read = max(read, self._recogniser.read(line), key=lambda one: one.score)
        reading = reading_of(read, line.shape[1], line.shape[0])
        return reading and reading.moved(back)


def _score(reading: Reading | None) -> float:
    return reading.score if reading is not None else 0.0
