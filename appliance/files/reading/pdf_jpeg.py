"""What a JPEG inside a PDF says beside its pixels: comments, EXIF, XMP. Read without decoding it."""

from collections.abc import Iterator
from typing import Any

from PIL import ExifTags, Image

from appliance.files.reading.pdf_embedded import plain_text, xml_text

_SEGMENTS_MAX = 64
_SKIPPED = frozenset((0xD8, 0x01, *range(0xD0, 0xD8)))  # without a length
_SCAN = 0xDA
_XMP = b"http://ns.adobe.com/xap/1.0/\0"


def texts(data: bytes) -> list[str]:
    found = []
    for kind, body in _segments(data):
        if kind == 0xFE:
            found.append(plain_text(body) or "")
        elif kind == 0xE1 and body.startswith(_XMP):
            found.append(xml_text(body[len(_XMP) :]))
        elif kind == 0xE1 and body.startswith(b"Exif\0\0"):
            found += _exif(body)
    return [text for text in found if text.strip()]


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    for _ in range(_SEGMENTS_MAX):
        if at + 4 > len(data) or data[at] != 0xFF or data[at + 1] == _SCAN:
            return
        if data[at + 1] in _SKIPPED:
            at += 2
            continue
        length = int.from_bytes(data[at + 2 : at + 4])
        yield data[at + 1], data[at + 4 : at + 2 + length]
        at += 2 + max(2, length)


def _exif(body: bytes) -> list[str]:
    exif = Image.Exif()
    try:
        exif.load(body)
        values = [*exif.values(), *exif.get_ifd(ExifTags.IFD.Exif).values()]
        place = exif.get_ifd(ExifTags.IFD.GPSInfo)
    except Exception:  # Pillow raises what it likes for a damaged one
        return []
    found = [text for value in values if (text := value if isinstance(value, str) else _bytes_text(value))]
    if 2 in place and 4 in place:
        found.append(f"GPS {_degrees(place[2])} {place.get(1, '')}, {_degrees(place[4])} {place.get(3, '')}")
    return found


def _bytes_text(value: object) -> str:
    if not isinstance(value, bytes):
        return ""
    return plain_text(value.removeprefix(b"ASCII\0\0\0").removeprefix(b"UNICODE\0").rstrip(b"\0")) or ""


def _degrees(value: Any) -> str:
    try:
        degrees, minutes, seconds = (float(each) for each in value)
    except (TypeError, ValueError, ZeroDivisionError):
        return ""
    return f"{degrees + minutes / 60 + seconds / 3600:.6f}"
