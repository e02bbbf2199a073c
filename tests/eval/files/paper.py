"""Pages of paper, as a scanner or a camera gives them: drawn with Pillow's own font, then treated badly."""

import io
import random
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from tests.eval.files.values import Value, Values

A4_INCHES = (8.27, 11.69)
Treatment = Callable[[Image.Image, np.random.Generator], Image.Image]


def font(pixels: float) -> ImageFont.FreeTypeFont:
    found = ImageFont.load_default(pixels)
    assert isinstance(found, ImageFont.FreeTypeFont), "Pillow was built without FreeType"
    return found


def page(
    values: list[Value], prose: Values, dpi: int, *, points: float = 11, ink: int = 0, ground: int = 255, rows: int = 26
) -> Image.Image:
    """An A4 page of prose in which the values' sentences are lines of their own, here and there."""
    width, height = (round(side * dpi) for side in A4_INCHES)
    image = Image.new("L", (width, height), ground)
    pen, letters = ImageDraw.Draw(image), font(points * dpi / 72)
    step = 2 * points * dpi / 72
    rows = min(rows, int((height - 2 * dpi) / step))
    places = sorted(prose.source.sample(range(rows), len(values)))
    for row in range(rows):
        words = values[places.index(row)].sentence if row in places else prose.filler(9)
        pen.text((0.9 * dpi, 0.9 * dpi + row * step), words, font=letters, fill=ink)
    return image


def card(values: list[Value], *, points: float = 26, width: int = 900, ink: str = "black", ground: str = "white") -> Image.Image:
    """A picture of a few lines, such as one takes of a badge or cuts from a screen."""
    image = Image.new("RGB", (width, int(60 + 2 * points * len(values))), ground)
    pen = ImageDraw.Draw(image)
    for row, one in enumerate(values):
        pen.text((30, 30 + 2 * points * row), one.sentence, font=font(points), fill=ink)
    return image


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    out = io.BytesIO()
    image.save(out, form, **options)
    return out.getvalue()


def noise(strength: float) -> Treatment:
    def treated(image: Image.Image, source: np.random.Generator) -> Image.Image:
        values = np.asarray(image, dtype=np.float32) + source.normal(0, strength, (image.height, image.width))
        return Image.fromarray(np.clip(values, 0, 255).astype(np.uint8))

    return treated


def specks(share: float) -> Treatment:
    def treated(image: Image.Image, source: np.random.Generator) -> Image.Image:
        values = np.asarray(image).copy()
        values[source.random(values.shape) < share] = 0
        values[source.random(values.shape) < share] = 255
        return Image.fromarray(values)

    return treated


def turned(degrees: float) -> Treatment:
    """Counter-clockwise; the page grows where it must."""
    return lambda image, _: image.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor=image.getpixel((2, 2)))


def jpeg(quality: int) -> Treatment:
    return lambda image, _: Image.open(io.BytesIO(encoded(image, "JPEG", quality=quality))).convert("L")


def blurred(pixels: float) -> Treatment:
    return lambda image, _: image.filter(ImageFilter.GaussianBlur(pixels))


def contrast(share: float) -> Treatment:
    return lambda image, _: ImageEnhance.Contrast(image).enhance(share)


def shadow(depth: int) -> Treatment:
    """Darker towards a corner, as a photographed page is."""

    def treated(image: Image.Image, _: np.random.Generator) -> Image.Image:
        across, down = np.linspace(0, 1, image.width), np.linspace(0, 1, image.height)[:, None]
        return Image.fromarray(np.clip(np.asarray(image) - depth * (across + down) / 2, 0, 255).astype(np.uint8))

    return treated


def inverted(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return Image.eval(image, lambda one: 255 - one)


def black_and_white(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image.point(lambda one: 255 if one > 150 else 0).convert("1")


def treated(image: Image.Image, treatments: tuple[Treatment, ...], source: random.Random) -> Image.Image:
    generator = np.random.default_rng(source.getrandbits(32))
    for one in treatments:
        image = one(image, generator)
    return image
