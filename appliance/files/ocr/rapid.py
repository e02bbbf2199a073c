"""The engine `rapidocr`: PP-OCR's networks on onnxruntime. What everybody has."""

import numpy as np

from appliance.files.ocr import weights
from appliance.files.ocr.inks import text_height
from appliance.files.ocr.pp_boxes import Detector
from appliance.files.ocr.pp_text import Read, Recogniser, cut_out, reading_of
from appliance.files.ocr.seam import Image, Places, Reading
from appliance.files.ocr.weights import Network

SCRIPTS = frozenset({"Latn", "Hani", "Hira", "Kana", "Zyyy"})
DETECTION_HEIGHT = 10.0
"""Pixels that small letters are high when lines are looked for: fewer and lines are lost, more and time is."""

SQUEEZE = 0.8
UNSURE = 0.9


class RapidOcr:
    def __init__(self) -> None:
        found = weights.installed()
        self.name = f"rapidocr {found.version} ({found.name})"
        self.scripts = SCRIPTS
        self._detector = Detector(Network(found.boxes))
        self._recogniser = Recogniser(Network(found.text))

    def read(self, image: Image) -> list[Reading]:
        letters = text_height(image)
        scale = min(2.0, max(0.35, DETECTION_HEIGHT / letters)) if letters else 1.0
        boxes = self._detector.boxes(image, scale)
        readings = [self._line(image, corners) for corners in boxes]
        return [reading for reading in readings if reading is not None]

    def read_line(self, image: Image) -> Reading | None:
        return reading_of(self._recogniser.read(image), image.shape[1], image.shape[0])

    def _line(self, image: Image, corners: Places) -> Reading | None:
        line, back = cut_out(image, corners)
        read = self._recogniser.read(line, SQUEEZE)
        if read.score < UNSURE:
            read = max(read, self._recogniser.read(line), key=lambda one: one.score)
        reading = reading_of(read, line.shape[1], line.shape[0])
        return reading and reading.moved(back)
