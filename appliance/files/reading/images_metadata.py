"""What an image's file says beside its pixels: EXIF, GPS, XMP, IPTC, comments and PNG's text chunks, as pieces.

Sources: CIPA DC-008 (EXIF), IPTC-IIM 4.2, PNG 3rd edition. XMP is read as text, by expressions: no XML parser sees it.
"""

import html
import re
from collections.abc import Iterator, Mapping
from typing import Any

from PIL import ExifTags, Image, ImageFile, IptcImagePlugin

from appliance.files.document import Kind, Piece, Where
from appliance.files.reading import images_rest

TEXTS_MAX = 2_000
CHARACTERS_MAX = 400_000
_BINARY = frozenset({"MakerNote", "ICCProfile", "InterColorProfile", "JPEGTables", "PrintImageMatching"})
_STRUCTURE = frozenset(
    (
        *("StripOffsets", "StripByteCounts", "TileOffsets", "TileByteCounts", "JpegIFOffset", "JpegIFByteCount", "ExifOffset"),
        *("GPSInfo", "ColorMap", "FreeOffsets", "FreeByteCounts", "ExifInteroperabilityOffset", "TransferFunction"),
        *("XMLPacket", "IPTCNAA", "ImageResources"),
    )
)
_CHARSETS = {b"ASCII\0\0\0": "ascii", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "iso2022_jp", b"\0" * 8: "utf-8"}
_READABLE = re.compile(rb"[\x20-\x7e]{6,}")
_XML_TEXT = re.compile(r">([^<]+)<|=\s*\"([^\"]*)\"|=\s*'([^']*)'")
_IPTC = {(2, 5): "title", (2, 25): "keywords", (2, 80): "author", (2, 90): "city", (2, 105): "headline", (2, 116): "copyright",
         (2, 120): "caption", (2, 122): "writer"}  # fmt: skip


def pieces(image: Image.Image, page: int) -> list[Piece]:
    """Of the frame that the image is at, loaded, so that chunks behind the pixels are known too."""
    return _pieces(_texts(image), page)


def pieces_beside(data: bytes, kind: Kind) -> list[Piece]:
    """Of the whole file: what the image's reader passes over."""
    return _pieces(images_rest.texts(data, kind), 0)


def _pieces(texts: Iterator[tuple[str, str]], page: int) -> list[Piece]:
    found: list[Piece] = []
    characters = 0
    for name, raw in texts:
        text = raw.strip("\0 \r\n\t")
        characters += len(text)
        if len(found) >= TEXTS_MAX or characters > CHARACTERS_MAX:
            break
        if text:
            found.append(Piece(text, Where("metadata", page, name)))
    return found


def _texts(image: Image.Image) -> Iterator[tuple[str, str]]:
    exif = image.getexif()
    yield from _exif_texts(exif)
    yield from _place(exif.get_ifd(ExifTags.IFD.GPSInfo))
    xmp = image.info.get("xmp") or image.info.get("XML:com.adobe.xmp") or exif.get(0x02BC)
    if xmp:
        yield "XMP", "\n".join(_xml_texts(_text_of(xmp)))
    iptc = IptcImagePlugin.getiptcinfo(image) if isinstance(image, ImageFile.ImageFile) else None
    for key, value in (iptc or {}).items():
        for each in value if isinstance(value, list) else [value]:
            yield f"IPTC {_IPTC.get(key, f'{key[0]}:{key[1]}')}", _text_of(each)
    yield from _chunks(image)
    profile = image.info.get("icc_profile")
    if isinstance(profile, bytes):
        yield "ICC profile", images_rest.profile_texts(profile)


def _chunks(image: Image.Image) -> Iterator[tuple[str, str]]:
    comments = [data for marker, data in getattr(image, "applist", []) if marker == "COM"]
    for comment in comments or [image.info.get("comment", b"")]:
        yield "comment", _text_of(comment)
    texts: Mapping[str, Any] = getattr(image, "text", {})
    for key, value in texts.items():
        translated = getattr(value, "tkey", None)
        if translated:
            yield f"text {_named(key)}, translated", str(translated)
        if key != "XML:com.adobe.xmp":
            yield f"text {_named(key)}", f"{key}: {value}" if len(key) > 40 else str(value)


def _exif_texts(exif: Image.Exif) -> Iterator[tuple[str, str]]:
    folders = (ExifTags.IFD.Exif, ExifTags.IFD.Interop, ExifTags.IFD.IFD1)
    for tags in (dict(exif), *(exif.get_ifd(folder) for folder in folders)):
        for tag, value in tags.items():
            name = ExifTags.TAGS.get(tag, f"tag {tag}")
            if name in _STRUCTURE or isinstance(value, dict):
                continue
            if isinstance(value, bytes) and name in _BINARY:
                yield f"EXIF {name}", "\n".join(run.decode("ascii") for run in _READABLE.findall(value[:200_000]))
            elif isinstance(value, (str, bytes)):
                yield f"EXIF {name}", _exif_text(name, value)
            elif isinstance(value, tuple) and all(isinstance(each, (str, bytes)) for each in value):
                yield f"EXIF {name}", "\n".join(_exif_text(name, each) for each in value)


def _exif_text(name: str, value: str | bytes) -> str:
    if isinstance(value, bytes) and name.startswith("XP"):
        return value.decode("utf-16-le", "replace")
    if isinstance(value, bytes) and value[:8] in _CHARSETS and len(value) > 8:
        charset = _CHARSETS[value[:8]]
        return value[8:].decode(_order(value[8:]) if charset == "utf-16" else charset, "replace")
    return _text_of(value)


def _order(data: bytes) -> str:
    """Of UTF-16 without a mark: zeros stand first or second in what is mostly ASCII."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-16-be" if data[0::2].count(0) > data[1::2].count(0) else "utf-16-le"


def _place(gps: Mapping[int, Any]) -> Iterator[tuple[str, str]]:
    """Degrees north and east with five digits, which is a metre."""
    try:
        north, east = _degrees(gps[2], gps.get(1, "N")), _degrees(gps[4], gps.get(3, "E"))
        yield "GPS", f"{north:.5f}, {east:.5f}"
    except (KeyError, TypeError, ValueError, ZeroDivisionError, IndexError):
        pass
    for tag, value in gps.items():
        if isinstance(value, (str, bytes)) and len(value) > 2:
            name = ExifTags.GPSTAGS.get(tag, f"tag {tag}")
            yield name if name.startswith("GPS") else f"GPS {name}", _exif_text(name, value)


def _degrees(parts: Any, side: Any) -> float:
    degrees, minutes, seconds = (float(part) for part in (*parts, 0, 0)[:3])
    value = degrees + minutes / 60 + seconds / 3600
    if not -180.0 <= value <= 180.0:
        raise ValueError
    return -value if str(side)[:1] in ("S", "W") else value


def _xml_texts(text: str) -> list[str]:
    every = ("".join(match.groups("")) for match in _XML_TEXT.finditer(text[:CHARACTERS_MAX]))
    return [html.unescape(each.strip()) for each in every if each.strip() and not each.startswith("http://ns.")]


def _text_of(value: Any) -> str:
    if isinstance(value, str):
        return value
    if not isinstance(value, bytes):
        return str(value)
    try:
        return value.decode("utf-8")
    except UnicodeDecodeError:
        return value.decode("latin-1")


def _named(key: str) -> str:
    return key[:40]
