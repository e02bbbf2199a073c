"""Pictures of a DOCX: handed to the reader of images, and painted over or freed of their metadata in the redacted file.

That reader (and Pillow with it) is loaded when the first picture comes: most documents have none.
"""

import importlib
import struct
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.files.document import Document, FileError, Pixels, Span

_JPEG_KEPT = frozenset({0xE0, 0xE2, 0xEE})  # JFIF, colour profile, Adobe's colour transform
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"pHYs", b"sBIT", b"bKGD"})


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


BLANK_PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\xff"))
    + _chunk(b"IEND", b"")
)


def _images() -> Any:
    return importlib.import_module("appliance.files.reading.images")


@contextmanager
def _as_file(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="picture-") as folder:
        path = Path(folder) / "picture"
        path.write_bytes(data)
        yield path


def read(data: bytes) -> Document:
    """What it says beside its pixels, and each picture in it that must be looked at. Errors: FileError TOO_LARGE, MALFORMED."""
    with _as_file(data) as path:
        document: Document = _images().read(path)
    return document


def pixels(data: bytes, number: int, dpi: int) -> Pixels:
    """Picture `number` of those that `read` lists. Errors: FileError."""
    with _as_file(data) as path:
        drawn: Pixels = _images().picture(path, None, number, dpi)
    return drawn


def painted(data: bytes, spans: Sequence[Span]) -> bytes:
    """`data` with `spans` painted over, of several pictures in it the first alone; where that fails, a blank one."""
    try:
        covered: bytes = _images().painted(data, spans)
    except Exception:  # whatever a damaged picture makes a library raise: nothing of it may stay
        return BLANK_PNG
    return covered


def without_metadata(data: bytes, *, has_texts: bool) -> bytes:
    """The picture without EXIF, XMP, comments, and what stands behind its end. Damaged ones become blank."""
    try:
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
        if data.startswith(b"\x89PNG"):
            return _png(data)
    except (IndexError, ValueError):
        return BLANK_PNG
    return painted(data, []) if has_texts else data


def _jpeg(data: bytes) -> bytes:
    parts = [data[:2]]
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == 0xD9:
            return b"".join((*parts, b"\xff\xd9"))
        if kind == 0xFF:
            at += 1
            continue
        if not (kind == 0xFE or 0xE0 <= kind <= 0xEF) or kind in _JPEG_KEPT:
            parts.append(data[at : at + 2 + length])
        at += 2 + length
        if kind == 0xDA:
            end = _scan_end(data, at)
            parts.append(data[at:end])
            at = end
    return b"".join((*parts, b"\xff\xd9")) if len(parts) > 2 else BLANK_PNG


def _scan_end(data: bytes, at: int) -> int:
    """Where the next marker stands that is no restart, and no byte of the picture itself."""
    while True:
        at = data.find(b"\xff", at)
        if at < 0 or at + 1 >= len(data):
            return len(data)
        if data[at + 1] != 0 and not 0xD0 <= data[at + 1] <= 0xD7 and data[at + 1] != 0xFF:
            return at
        at += 1 if data[at + 1] == 0xFF else 2


def _png(data: bytes) -> bytes:
    parts = [data[:8]]
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind in _PNG_KEPT:
            parts.append(data[at : at + 12 + length])
        at += 12 + length
        if kind == b"IEND":
            return b"".join(parts)
    return BLANK_PNG


def refused(error: FileError) -> str:
    """In words, what isn't read."""
    return "a picture that is too large" if error.code == "TOO_LARGE" else "a damaged picture"
