"""Text in an image's file that its reader passes over: what follows its end, PNG texts that share a key, what a colour profile
says.

Sources: PNG 3rd edition, ITU T.81 (JPEG), GIF 89a, RIFF. Only lengths are followed; nothing is decoded but deflated texts, which
are bounded.
"""

import html
import re
import zlib
from collections.abc import Iterator

from appliance.files.document import Kind
from appliance.files.reading.images_parts import unknown_parts
from appliance.files.reading.images_tiff import tiff_end

PARTS_MAX = 100_000
TEXT_BYTES_MAX = 1_000_000
_TAG = re.compile(r"<[!/?A-Za-z][^<>]{0,4000}>")
_RUN = re.compile(rb"[\x20-\x7e\xa0-\xff]{6,}")
_ASCII_RUN = re.compile(rb"[\x20-\x7e]{6,}")
_WIDE_RUN = re.compile(rb"(?:\0[\x20-\x7e]){6,}")


def texts(data: bytes, kind: Kind) -> Iterator[tuple[str, str]]:
    """Names and texts."""
    if kind == "png":
        yield from _repeated_texts(data)
    for name, body in unknown_parts(data, kind):
        yield name, _lines(body[:TEXT_BYTES_MAX])
    behind = data[_end(data, kind) :][:TEXT_BYTES_MAX]
    if behind.strip(b"\0\r\n\t "):
        yield "behind the end", _lines(behind)


def _lines(data: bytes) -> str:
    """Its readable runs; and what they say to whoever leaves the tags out, where that is something else."""
    text = "\n".join(run.decode("utf-8", "replace") for run in _RUN.findall(data))
    plain = _TAG.sub("", text)
    return text if plain == text else f"{text}\n\n{html.unescape(plain)}"


def profile_texts(profile: bytes) -> str:
    """A colour profile's description, copyright and so on."""
    head = profile[:TEXT_BYTES_MAX]
    wide = [run.decode("utf-16-be") for run in _WIDE_RUN.findall(head)]
    return "\n".join([*(run.decode("ascii") for run in _ASCII_RUN.findall(head)), *wide])


def _end(data: bytes, kind: Kind) -> int:
    """Where the image ends by its own account; the file's end, where it has none."""
    if kind == "png":
        return max((end for name, _, end in _chunks(data) if name == b"IEND"), default=len(data))
    if kind == "jpeg":
        return _jpeg_end(data)
    if kind == "gif":
        return _gif_end(data)
    if kind == "webp":
        return min(len(data), 8 + int.from_bytes(data[4:8], "little") + int.from_bytes(data[4:8], "little") % 2)
    if kind == "bmp":
        return _bitmap_end(data)
    if kind == "tiff":
        return tiff_end(data)
    return len(data)


def _bitmap_end(data: bytes) -> int:
    """By its rows, each of whole words; where they are packed, by the length that it gives itself."""
    if int.from_bytes(data[14:18], "little") < 40:
        width, height, bits = (int.from_bytes(data[at : at + 2], "little") for at in (18, 20, 24))
        packing = 0
    else:
        width, height = (int.from_bytes(data[at : at + 4], "little", signed=True) for at in (18, 22))
        bits, packing = int.from_bytes(data[28:30], "little"), int.from_bytes(data[30:34], "little")
    begin = int.from_bytes(data[10:14], "little")
    rows = int.from_bytes(data[34:38], "little") if packing in (1, 2) else (abs(width) * bits + 31) // 32 * 4 * abs(height)
    return begin + rows if rows else len(data)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, int]]:
    """Name, body, end of each, up to the last."""
    place = 8
    for _ in range(PARTS_MAX):
        length, name = int.from_bytes(data[place : place + 4], "big"), data[place + 4 : place + 8]
        end = place + 12 + length
        if end > len(data):
            return
        is_text = name in (b"tEXt", b"zTXt", b"iTXt")
        yield name, data[place + 8 : end - 4] if is_text else b"", end
        if name == b"IEND":
            return
        place = end


def _repeated_texts(data: bytes) -> Iterator[tuple[str, str]]:
    """Of texts with the same key the reader keeps the last alone."""
    kept: dict[bytes, tuple[bytes, bytes]] = {}
    for name, body, _ in _chunks(data):
        key, _, rest = body.partition(b"\0")
        if not name.endswith(b"Xt"):
            continue
        if key in kept:
            yield f"text {key[:40].decode('latin-1')}", _text(*kept[key])
        kept[key] = name, rest


def _text(name: bytes, rest: bytes) -> str:
    if name == b"tEXt":
        return rest.decode("latin-1")
    if name == b"zTXt":
        return _inflated(rest[1:]).decode("latin-1")
    is_deflated, (_, translated, text) = rest[:1] == b"\1", (*rest[2:].split(b"\0", 2), b"", b"", b"")[:3]
    return b"\n".join((translated, _inflated(text) if is_deflated else text)).decode("utf-8", "replace")


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(data, TEXT_BYTES_MAX)
    except zlib.error:
        return b""


def _jpeg_end(data: bytes) -> int:
    """Behind the last picture: cameras put a second one behind the first."""
    place = 0
    while data[place : place + 2] == b"\xff\xd8":
        place += 2
        for _ in range(PARTS_MAX):
            if data[place : place + 1] != b"\xff":
                return len(data)
            marker = data[place + 1 : place + 2]
            if marker == b"\xd9":
                place += 2
                break
            if marker == b"\xff":
                place += 1
                continue
            place += 2 + int.from_bytes(data[place + 2 : place + 4], "big")
            if marker == b"\xda":
                place = _scan_end(data, place)
        else:
            return len(data)
    return place


_MARKER = re.compile(rb"\xff[^\0\xd0-\xd7\xff]")


def _scan_end(data: bytes, place: int) -> int:
    found = _MARKER.search(data, place)
    return found.start() if found else len(data)


def _gif_end(data: bytes) -> int:
    place = 13 + (3 << ((data[10] & 7) + 1) if len(data) > 10 and data[10] & 0x80 else 0)
    for _ in range(PARTS_MAX):
        kind = data[place : place + 1]
        if kind == b"\x3b":
            return place + 1
        if kind == b"\x21":
            place += 2
        elif kind == b"\x2c":
            flags = data[place + 9] if place + 9 < len(data) else 0
            place += 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0)
        else:
            return len(data)
        while place < len(data) and data[place]:
            place += 1 + data[place]
        place += 1
    return len(data)
