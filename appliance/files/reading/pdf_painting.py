"""A page drawn anew, painted over, as a JPEG."""

import io
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from appliance.files.reading.pdf_page import WHOLE, Page
from appliance.files.reading.pdf_pictures import dpi_within
from appliance.files.reading.pdf_plan import Paint

_DPI = 150
_DPI_SHARP = 200
_QUALITY = 85
_EDGE = 2  # pixels around a box: its letters' soft edges
_LETTERS_MIN = 6  # pixels high: less is read by nobody


@dataclass(frozen=True)
class Painted:
    jpeg: bytes
    width: int
    height: int
    is_grey: bool
    points: tuple[float, float]


def painted(page: Page, paints: list[Paint], pixels_max: int) -> Painted:
    """At 150 dpi, or 200 where there are pictures; less only for a page that is larger than `pixels_max` allows."""
    dpi = dpi_within(page, WHOLE, _DPI_SHARP if page.objects().images else _DPI, pixels_max)
    pixels = page.draw(dpi)
    height, width, _ = pixels.shape
    boxes = [(_in_pixels(paint, width, height), paint.label) for paint in paints]
    for (left, top, right, bottom), _label in boxes:
        pixels[top:bottom, left:right] = 0
    is_grey = bool((pixels[:, :, 0] == pixels[:, :, 1]).all() and (pixels[:, :, 1] == pixels[:, :, 2]).all())
    image = Image.fromarray(np.ascontiguousarray(pixels[:, :, 0] if is_grey else pixels))
    pen = ImageDraw.Draw(image)
    for box, label in boxes:
        _write(pen, box, label, 255 if is_grey else (255, 255, 255))
    out = io.BytesIO()
    image.save(out, "JPEG", quality=_QUALITY)
    return Painted(out.getvalue(), width, height, is_grey, page.shown_size)


def _in_pixels(paint: Paint, width: int, height: int) -> tuple[int, int, int, int]:
    left, top, right, bottom = paint.box
    return (
        max(0, int(left * width) - _EDGE),
        max(0, int(top * height) - _EDGE),
        min(width, int(right * width) + 1 + _EDGE),
        min(height, int(bottom * height) + 1 + _EDGE),
    )


def _write(pen: ImageDraw.ImageDraw, box: tuple[int, int, int, int], label: str, colour: int | tuple[int, int, int]) -> None:
    """What stands there instead, where it fits."""
    left, top, right, bottom = box
    if not label or not label.isascii():
        return
    for size in range(int(min(40, (bottom - top) * 0.8)), _LETTERS_MIN - 1, -1):
        font = ImageFont.load_default(size)
        if pen.textlength(label, font=font) <= right - left - 2:
            pen.text(((left + right) / 2, (top + bottom) / 2), label, fill=colour, font=font, anchor="mm")
            return
