"""Images opened: their size is believed only when it is small enough, and each frame becomes plain pixels as people see it.

Quirks: Pillow decodes when it must, not when it opens, so that sizes are checked before; many libraries' errors come through it.
"""

import io
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import (
    BmpImagePlugin,
    GifImagePlugin,
    Image,
    ImageFile,
    ImageOps,
    JpegImagePlugin,
    MpoImagePlugin,
    PngImagePlugin,
    TiffImagePlugin,
    UnidentifiedImageError,
    WebPImagePlugin,
)

from appliance.files.document import FileError, Kind

Array = NDArray[np.uint8]
"""Rows from above; two axes: grey, three: RGB."""

PIXELS_MAX = 40_000_000  # an A4 page at 600 dpi has 35 million
SIDE_MAX = 65_000
FRAMES_MAX = 1_000
ANIMATED_FRAMES_MAX = 200
FRAMES_PIXELS_MAX = 2_000_000_000
FORMATS: dict[str, Kind] = {
    "PNG": "png",
    "JPEG": "jpeg",
    "MPO": "jpeg",
    "WEBP": "webp",
    "TIFF": "tiff",
    "BMP": "bmp",
    "DIB": "bmp",
    "GIF": "gif",
}
READERS = (BmpImagePlugin, GifImagePlugin, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, TiffImagePlugin, WebPImagePlugin)
"""Of Pillow's many these are loaded, and no other sees a file."""

_OPENED = tuple(name for name in FORMATS if name != "MPO")  # which JPEG's reader opens
_DEEP = ("I", "F", "I;16", "I;16L", "I;16B", "I;16N")
_SEE_THROUGH = ("RGBA", "LA", "PA", "RGBa", "La")

Image.MAX_IMAGE_PIXELS = PIXELS_MAX
ImageFile.LOAD_TRUNCATED_IMAGES = False


@contextmanager
def refusals() -> Iterator[None]:
    """Whatever libraries raise, as one of our errors: it says nothing of the file's content."""
    try:
        yield
    except FileError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError, OverflowError):
        raise too_large("the image has too many pixels") from None
    except UnidentifiedImageError:
        raise malformed("the image's beginning is damaged") from None
    except (OSError, SyntaxError, ValueError, struct.error, IndexError, KeyError, TypeError, EOFError):
        raise malformed("the image is damaged or incomplete") from None
    except Exception:  # a reader's last door: hostile files reach corners that raise anything
        raise malformed("the image can't be read") from None


def malformed(what: str) -> FileError:
    return FileError("MALFORMED", what, "save it anew with the program that made it")


def too_large(what: str) -> FileError:
    return FileError("TOO_LARGE", what, f"send it with at most {PIXELS_MAX // 1_000_000} million pixels a page")


@contextmanager
def opened(source: Path | bytes) -> Iterator[Image.Image]:
    """An image whose first frame is small enough. Errors: FileError: EMPTY_FILE, MALFORMED, TOO_LARGE."""
    with refusals():
        if not (len(source) if isinstance(source, bytes) else source.stat().st_size):
            raise FileError("EMPTY_FILE", "the file is empty", "send the file anew")
        with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source, formats=_OPENED) as image:
            check_size(image)
            yield image


def check_size(image: Image.Image) -> None:
    width, height = image.size
    if width < 1 or height < 1:
        raise malformed("the image has no pixels")
    if width * height > PIXELS_MAX or max(width, height) > SIDE_MAX:
        raise too_large("the image has too many pixels")


def kind_of(image: Image.Image) -> Kind:
    return FORMATS[image.format or ""]


def is_animated(image: Image.Image) -> bool:
    return image.format in ("GIF", "WEBP", "PNG") and bool(getattr(image, "is_animated", False))


def go_to(image: Image.Image, number: int) -> bool:
    """To a frame or page, from 0 on; False: there is none. Errors: TOO_LARGE."""
    try:
        image.seek(number)
    except EOFError:
        return False
    check_size(image)
    return True


def shown(image: Image.Image, view: int = 0) -> Array:
    """The frame as it is seen: turned as its EXIF says. `view` of pictures that one sees through: 0 on white, 1 on black,
    2 the colours that transparency hides."""
    image.load()
    upright = ImageOps.exif_transpose(image)
    if upright.mode in _DEEP:
        return _flat(np.asarray(upright, np.float64))
    if not has_transparency(upright):
        return np.asarray(upright if upright.mode == "L" else upright.convert("L" if upright.mode == "1" else "RGB"), np.uint8)
    colours = upright.convert("RGBA")
    if view == 2:
        return np.asarray(colours, np.uint8)[:, :, :3]
    paper = Image.new("RGBA", colours.size, "black" if view == 1 else "white")
    return np.asarray(Image.alpha_composite(paper, colours), np.uint8)[:, :, :3]


def views_of(image: Image.Image) -> list[int]:
    """Which views of a loaded frame may show different things."""
    if not has_transparency(image):
        return [0]
    clear = np.asarray(image.convert("RGBA").getchannel("A")) < 250
    if not clear.any():
        return [0]
    beneath = np.asarray(image.convert("RGB"), np.uint8)[clear]
    return [0, 1, 2] if int(np.ptp(beneath.astype(np.int16), axis=0).max(initial=0)) > 8 else [0, 1]


def has_transparency(image: Image.Image) -> bool:
    return image.mode in _SEE_THROUGH or "transparency" in image.info


def _flat(values: NDArray[np.float64]) -> Array:
    """Deep grey values spread over 8 bits: what differs by little there stays seen."""
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    spread = (np.nan_to_num(values, nan=low, posinf=high, neginf=low) - low) * (255 / (high - low) if high > low else 0.0)
    return spread.clip(0, 255).astype(np.uint8)
