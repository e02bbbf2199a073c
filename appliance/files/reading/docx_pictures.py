"""Pictures of a DOCX on their way into a redacted one: painted over, and without what else their files say."""

import struct
import zlib
from collections.abc import Sequence

from appliance.files.document import Span

_JPEG_KEPT = frozenset({0xE0, 0xE2, 0xEE})  # JFIF, colour profile, Adobe's colour transform
_PNG_LEFT_OUT = frozenset({b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"tIME"})


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


BLANK_PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\xff"))
    + _chunk(b"IEND", b"")
)


def painted(data: bytes, spans: Sequence[Span]) -> bytes:
    """`data` with `spans` painted over; where that fails, a blank picture."""
    try:
        from appliance.files.reading import images

        covered: bytes = images.painted(data, spans)
        return covered
    except Exception:  # whatever a damaged picture makes a library raise: nothing of it may stay
        return BLANK_PNG


def without_metadata(data: bytes) -> bytes:
    """A JPEG or PNG without EXIF, XMP and comments; others as they are. Damaged ones become blank."""
    if data.startswith(b"\xff\xd8"):
        return _jpeg(data)
    if data.startswith(b"\x89PNG"):
        return _png(data)
    return data


def _jpeg(data: bytes) -> bytes:
    parts = [data[:2]]
    at = 2
    while at + 4 <= len(data) and data[at] == 0xFF:
        kind, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == 0xFF:
            at += 1
            continue
        if kind == 0xDA:
            end = data.rfind(b"\xff\xd9")
            return b"".join((*parts, data[at : end + 2 if end > at else len(data)]))
        if not (kind == 0xFE or 0xE0 <= kind <= 0xEF) or kind in _JPEG_KEPT:
            parts.append(data[at : at + 2 + length])
        at += 2 + length
    return BLANK_PNG


def _png(data: bytes) -> bytes:
    parts = [data[:8]]
    at = 8
    while at + 12 <= len(data):
        length, kind = int.from_bytes(data[at : at + 4], "big"), data[at + 4 : at + 8]
        if kind not in _PNG_LEFT_OUT:
            parts.append(data[at : at + 12 + length])
        at += 12 + length
        if kind == b"IEND":
            return b"".join(parts)
    return BLANK_PNG
