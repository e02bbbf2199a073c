"""Parts of an image's file that its reader doesn't know or passes over: chunks, segments and extensions of others.

Sources: PNG 3rd edition, ITU T.81 and CIPA DC-007 (JPEG), GIF 89a, RFC 9649 (WebP). Only lengths are followed.
"""

import re
from collections.abc import Iterator

from appliance.files.document import Kind

PARTS_MAX = 100_000
_PNG_KNOWN = frozenset(
    re.findall(
        rb"\w+",
        b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB sBIT bKGD hIST pHYs tIME acTL fcTL fdAT tEXt zTXt iTXt"
        b" eXIf iCCP cICP mDCV cLLI",
    )
)
_WEBP_KNOWN = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP", b"EXIF", b"XMP "})
_JPEG_KNOWN = (b"JFIF\0", b"Exif\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0", b"MPF\0")
_ALONE = frozenset((0x01, *range(0xD0, 0xD9)))  # markers without a length


def unknown_parts(data: bytes, kind: Kind) -> Iterator[tuple[str, bytes]]:
    """Names for people, and bodies."""
    if kind == "png":
        yield from _png(data)
    elif kind == "webp":
        yield from _webp(data)
    elif kind == "jpeg":
        yield from _jpeg(data)
    elif kind == "gif":
        yield from _gif(data)


def _png(data: bytes) -> Iterator[tuple[str, bytes]]:
    place = 8
    for _ in range(PARTS_MAX):
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        if len(name) < 4 or name == b"IEND":
            return
        if name not in _PNG_KNOWN:
            yield f"chunk {_shown(name)}", data[place + 8 : place + 8 + length]
        place += 12 + length


def _webp(data: bytes) -> Iterator[tuple[str, bytes]]:
    place, end = 12, 8 + int.from_bytes(data[4:8], "little")
    for _ in range(PARTS_MAX):
        name, length = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8], "little")
        if place + 8 > min(end, len(data)):
            return
        if name not in _WEBP_KNOWN:
            yield f"chunk {_shown(name)}", data[place + 8 : place + 8 + length]
        place += 8 + length + length % 2


_MARKER = re.compile(rb"\xff+[^\0\xff\xd0-\xd7]")


def _jpeg(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Comments among them: those behind the first scan its reader doesn't see."""
    place = 0
    for _ in range(PARTS_MAX):
        found = _MARKER.search(data, place)
        if found is None:
            return
        marker = data[found.end() - 1]
        place = found.end()
        if marker in _ALONE:
            continue
        if marker == 0xD9:
            if data[place : place + 2] != b"\xff\xd8":
                return
            continue
        length = int.from_bytes(data[place : place + 2], "big")
        body = data[place + 2 : place + length]
        if (0xE0 <= marker <= 0xEF and not body.startswith(_JPEG_KNOWN)) or marker == 0xFE:
            yield ("comment" if marker == 0xFE else f"segment APP{marker - 0xE0}"), body
        place += max(length, 2)


def _gif(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Extensions of any kind but that for timing: comments, texts to be drawn, of programs."""
    place = 13 + (3 << ((data[10] & 7) + 1) if len(data) > 10 and data[10] & 0x80 else 0)
    for _ in range(PARTS_MAX):
        kind, label = data[place : place + 1], data[place + 1 : place + 2]
        if kind == b"\x21":
            place += 2
        elif kind == b"\x2c":
            flags = data[place + 9] if place + 9 < len(data) else 0
            place += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            return
        blocks: list[bytes] = []
        while place < len(data) and data[place]:
            blocks.append(data[place + 1 : place + 1 + data[place]])
            place += 1 + data[place]
        place += 1
        if kind == b"\x21" and label != b"\xf9":
            yield ("comment" if label == b"\xfe" else "extension"), b"".join(blocks)


def _shown(name: bytes) -> str:
    return "".join(letter if letter.isalnum() else "?" for letter in name.decode("latin-1"))
