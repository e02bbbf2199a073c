"""Plain pixels as a PNG: written, never read. No library that parses pictures is needed for that, and none is loaded here."""

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from appliance.files.document import Pixels

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGB = 0, 2
_LEVEL = 3  # of deflate: a page of text is written in 40 ms; the best takes ten times that for a fifth less
_ROWS_AT_ONCE = 64


def write_png(pixels: Pixels, target: Path) -> None:
    """Shapes: `pixels.file` has as many bytes as its size says. Errors: OSError."""
    head = struct.pack(">IIBBBBB", pixels.width, pixels.height, 8, _RGB if pixels.channels == 3 else _GREY, 0, 0, 0)
    with open(pixels.file, "rb") as source, target.open("xb") as file:
        file.write(_SIGNATURE)
        _chunk(file, b"IHDR", head)
        for data in _deflated(source, pixels):
            _chunk(file, b"IDAT", data)
        _chunk(file, b"IEND", b"")


def _deflated(source: BinaryIO, pixels: Pixels) -> Iterator[bytes]:
    packer = zlib.compressobj(_LEVEL)
    row = pixels.width * pixels.channels
    for first in range(0, pixels.height, _ROWS_AT_ONCE):
        rows = [source.read(row) for _ in range(min(_ROWS_AT_ONCE, pixels.height - first))]
        if data := packer.compress(b"".join(b"\0" + one for one in rows)):  # 0: rows as they are
            yield data
    yield packer.flush()


def _chunk(file: BinaryIO, kind: bytes, data: bytes) -> None:
    file.write(struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind))))
