"""Which engines there are here, and which the setting `[ocr] engine` means. Loaded once a worker.

auto:      tesseract where its program is, and behind it paddleocr where its package and models are, else rapidocr; without
           tesseract rapidocr, and behind it paddleocr where it is
any other: that one alone; where it isn't installed nothing is read, and that is an error
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from appliance.files.document import FileError, Pixels, Seen
from appliance.files.ocr.looks import Cascade
from appliance.files.ocr.seam import Engine, Image
from appliance.files.ocr.tesseract import Tesseract, TesseractMissing
from appliance.files.ocr.weights import WeightsMissing

_MISSING = (TesseractMissing, WeightsMissing)


def engines_of(engine: str, languages: Sequence[str]) -> Cascade:
    """The engines of a setting, ready. Errors: FileError, UNSUPPORTED: none of them is here."""
    return _cascade(engine, tuple(languages))


@lru_cache(maxsize=2)
def _cascade(engine: str, languages: tuple[str, ...]) -> Cascade:
    cheap: Engine | None = _if_here(lambda: Tesseract(languages=languages)) if engine in ("auto", "tesseract") else None
    strong = _first_here(engine)
    if engine == "auto" and cheap is None and strong is not None and strong.name.startswith("paddleocr"):
        cheap = _first_here("rapidocr")  # by itself PaddleOCR's older networks lose an eighth of what these find in scans
    if cheap is None and strong is None:
        raise FileError("UNSUPPORTED", "pictures can't be read: no engine for that is installed", "`gatehouse doctor` says which")
    return Cascade(cheap, strong)


def _strong(engine: str) -> Sequence[Callable[[], Engine]]:
    from appliance.files.ocr.paddle import paddleocr
    from appliance.files.ocr.rapid import rapidocr

    return {"auto": [paddleocr, rapidocr], "paddleocr": [paddleocr], "rapidocr": [rapidocr]}.get(engine, [])


def _first_here(engine: str) -> Engine | None:
    return next(filter(None, map(_if_here, _strong(engine))), None)


def _if_here(make: Callable[[], Engine]) -> Engine | None:
    try:
        return make()
    except _MISSING:
        return None


def seen(pixels: Pixels, engine: str = "auto", languages: Sequence[str] = ()) -> Seen:
    """What stands in a drawn picture. Errors: FileError: MALFORMED where its file has another size."""
    axes = (pixels.height, pixels.width) if pixels.channels == 1 else (pixels.height, pixels.width, 3)
    if pixels.channels not in (1, 3) or min(axes) < 1 or Path(pixels.file).stat().st_size != math.prod(axes):
        raise FileError("MALFORMED", "a picture was drawn in an unknown way", "send the file in another format")
    image = np.fromfile(pixels.file, np.uint8).reshape(axes)
    engines = engines_of(engine, languages)
    if is_blank(image):
        return Seen([], engines.engines[0].name)
    return engines.see(image)


def is_blank(image: Image) -> bool:
    """Whether all of it has one colour: the networks take 43 seconds to see that of 24 million pixels."""
    colours = image.reshape(-1, image.shape[2] if image.ndim == 3 else 1)
    return bool((colours.min(axis=0) == colours.max(axis=0)).all())


def warm(engine: str = "auto", languages: Sequence[str] = ()) -> list[tuple[str, frozenset[str]]]:
    """Loads the engines, and reads a small picture with them. Their names and scripts, in the order in which they are asked."""
    loaded = engines_of(engine, languages)
    blank = np.full((64, 256), 255, np.uint8)
    for each in loaded.engines:
        each.read(blank)
    return [(each.name, each.scripts) for each in loaded.engines]
