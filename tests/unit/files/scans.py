"""Pages drawn as scanners give them, with values that must be read."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont

WORDS = "the report of our office for the customer shall be paid within thirty days after delivery of all goods".split()  # noqa: SIM905
VALUES = ("anna.meier47@example.com", "+49 30 1234567", "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "192.168.77.12")


def page(
    *, dpi: int = 150, points: float = 11, ink: int = 0, paper: int = 255, turned: float = 0, noise: float = 0, blur: float = 0
) -> NDArray[np.uint8]:
    """A small page in grey, with `VALUES` in it, a line each, between other lines. `turned`: degrees, counter-clockwise."""
    font = ImageFont.load_default(points * dpi / 72)
    step = points * dpi / 72 * 1.5
    image = Image.new("L", (round(6.2 * dpi), round(step * (2 * len(VALUES) + 3))), paper)
    draw = ImageDraw.Draw(image)
    for number in range(2 * len(VALUES)):
        words = WORDS[number : number + 7]
        text = " ".join(words) if number % 2 == 0 else f"{' '.join(words[:2])} {VALUES[number // 2]} {words[3]}"
        draw.text((0.5 * dpi, step * (number + 1)), text, fill=ink, font=font)
    if turned:
        image = image.rotate(turned, expand=True, fillcolor=paper, resample=Image.Resampling.BICUBIC)
    if blur:
        image = image.filter(ImageFilter.GaussianBlur(blur))
    pixels = np.asarray(image, np.float64)
    grain = np.random.default_rng(7).normal(0, noise, pixels.shape) if noise else 0.0
    return np.clip(pixels + grain, 0, 255).astype(np.uint8)


def line(text: str, *, ink: int | tuple[int, ...] = 0, paper: int | tuple[int, ...] = 255, size: float = 24) -> Image.Image:
    """One line on paper of its own."""
    font = ImageFont.load_default(size)
    mode = "L" if isinstance(paper, int) else "RGBA" if len(paper) == 4 else "RGB"
    image = Image.new(mode, (round(font.getlength(text) + 2 * size), round(size * 2.4)), paper)
    ImageDraw.Draw(image).text((size, size * 0.6), text, fill=ink, font=font)
    return image
