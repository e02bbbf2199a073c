"""The engine `paddleocr`: PaddleOCR's networks on Paddle itself, with the models that a folder on disk holds."""

import numpy as np

from appliance.files.ocr.paddle_models import PaddleNetwork, models_here, version
from appliance.files.ocr.pp_boxes import Detector
from appliance.files.ocr.pp_text import HEIGHT, WIDTH_MIN, Recogniser
from appliance.files.ocr.rapid import PpOcr
from appliance.files.ocr.weights import WeightsMissing

_LETTERS = {
    "Latn": "aemzAEMZ", "Hans": "国语书", "Hant": "國語書", "Jpan": "あのカン", "Hang": "한국어", "Deva": "कखगमर",
    "Beng": "কখগমর", "Taml": "கஙசமர", "Telu": "కఖగమర", "Knda": "ಕಖಗಮರ", "Mlym": "കഖഗമര", "Gujr": "કખગમર", "Guru": "ਕਖਗਮਰ",
    "Arab": "ابتمر", "Cyrl": "бджмя", "Grek": "βγδλω", "Hebr": "אבגמר", "Thai": "กขคมร",
}  # fmt: skip


TILE_PIXELS = 800_000
"""Of one pass of the network that finds lines: 1.35 million, as elsewhere, needs more address space than a worker has."""


def paddleocr() -> PpOcr:
    """Errors: WeightsMissing: the package or a model isn't here."""
    boxes, text = models_here()
    reading = PaddleNetwork(text)
    if reading(np.zeros((1, 3, HEIGHT, WIDTH_MIN), np.float32)).shape[2] != len(text.characters) + 2:
        raise WeightsMissing(f"{text.name} has another number of characters than its description")
    name = f"paddleocr on paddlepaddle {version()} ({boxes.name} and {text.name})"
    return PpOcr(name, scripts_of(text.characters), Detector(PaddleNetwork(boxes), TILE_PIXELS), Recogniser(reading))


def scripts_of(characters: tuple[str, ...]) -> frozenset[str]:
    """Those whose usual letters a network has among its answers."""
    known = frozenset(characters)
    return frozenset(script for script, letters in _LETTERS.items() if known.issuperset(letters))
