"""What a PDF's streams hold in words, page content aside."""

import re
import tempfile
from dataclasses import replace
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

from pypdf import PageObject, apply_configuration
from pypdf.errors import LimitReachedError
from pypdf.generic import EncodedStreamObject, StreamObject

from appliance.files.document import FileError
from appliance.files.reading import pdf_jpeg
from appliance.files.reading.pdf_embedded import plain_text, string_text, xml_texts
from appliance.files.reading.pdf_place import Place, at

if TYPE_CHECKING:
    from appliance.files.reading.pdf_objects import Walk

_TEXTS = frozenset(("/RC", "/RV", "/V", "/DV", "/Contents", "/Desc"))  # strings that may be streams when they are long
_PICTURE_PIXELS_MIN = 16
_PLAIN_MAX = 1_000_000
_CONTENT_MAX = 2_000_000
# A string, one in hex, a wide gap between two letters, the end of what one operator draws.
_SHOWN = re.compile(
    rb"\(((?:\\.|[^\\()])*)\)|<([0-9A-Fa-f\s]*)>|(-(?:1[6-9]|[2-9]\d|\d{2,})\d(?:\.\d+)?)|(\bT[*dD]\b|['\"])", re.DOTALL
)
_CODE = re.compile(r"[-+]?\d*\.?\d*|/\S*|[\[\]{}<>]+|[A-Za-z]{1,2}[*01]?|scn|SCN|BDC|EMC|BMC|exch|index|roll|pop|dup|mul|add|sub")
_ESCAPED = re.compile(rb"\\([0-7]{1,3}|.)", re.DOTALL)


def read(walk: "Walk", stream: StreamObject, place: Place, key: str) -> None:
    kind, subtype = at(stream, "/Type"), at(stream, "/Subtype")
    if kind == "/Metadata" or subtype == "/XML" or place.part == "xml":
        _xml(walk, stream, place)
    elif kind == "/EmbeddedFile" or place.part == "attachment":
        _attachment(walk, stream, place)
    elif key == "/JS":
        walk.script(plain_text(_data(walk, stream, "a script")) or "", place)
    elif key in _TEXTS and kind is None and subtype is None:
        _say(walk, plain_text(_data(walk, stream, "a long text")) or "", place)
    elif subtype == "/Image":
        _picture(walk, stream, place)
    elif at(stream, "/PatternType") == 1 and place.page:
        walk.found.looks.setdefault(place.page, "a pattern that may hold text")
    elif place.inside == "/AP" and isinstance(stream, EncodedStreamObject):
        _appearance(walk, stream, place)
    elif "/Sound" in (kind, subtype) or subtype in ("/U3D", "/PRC"):
        walk.found.unread.append("a sound or a model in three dimensions")
    elif kind in (None, "/Pattern", "/XObject") and subtype in (None, "/Form"):
        _nobodys(walk, stream, place)


def _say(walk: "Walk", text: str, place: Place) -> None:
    if string_text(text):
        walk.say(text.replace("\0", ""), place)


def _xml(walk: "Walk", stream: StreamObject, place: Place) -> None:
    """Each property, and each field of a form, by itself."""
    for name, rows in groupby(xml_texts(_data(walk, stream, "XMP or other XML")), key=itemgetter(0)):
        text = "\n".join(text for _, text in rows)
        # What a field is called says what its number is; words speak for themselves.
        is_field = name and at(stream, "/Type") != "/Metadata" and not any(map(str.isalpha, text))
        _say(walk, f"{name}: {text}" if is_field and string_text(text) else text, replace(place, part="xml", name=name))


def _data(walk: "Walk", stream: StreamObject, what: str) -> bytes:
    """b"": it can't be unpacked, which is said."""
    bytes_max = walk.pdf.limits.attachment_bytes_max
    try:
        with apply_configuration(zlib_maximum_output_length=bytes_max, lzw_maximum_output_length=bytes_max):
            data = stream.get_data()
    except LimitReachedError:
        walk.found.unread.append(f"{what}: it is too large")
    except Exception:  # a damaged stream raises nearly anything
        walk.found.unread.append(f"{what}: it is damaged")
    else:
        if len(data) <= bytes_max:
            return data
        walk.found.unread.append(f"{what}: it is too large")
    return b""


def _attachment(walk: "Walk", stream: StreamObject, place: Place) -> None:
    place = replace(place, part="attachment", rect=None)
    data = _data(walk, stream, "an attached file")
    if not data.strip():
        return
    text = plain_text(data)
    if text is not None:
        _say(walk, text, place)
    elif b"%PDF-" in data[:1024]:
        _attached_pdf(walk, data, place)
    else:
        walk.found.unread.append("an attached file: it isn't text")


def _attached_pdf(walk: "Walk", data: bytes, place: Place) -> None:
    """Its texts. What would have to be looked at in it is unread, and so is what is attached to it in turn."""
    if walk.pdf.read_attached is None:
        walk.found.unread.append("a PDF in an attached PDF")
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "attached.pdf"
        path.write_bytes(data)
        try:
            inner = walk.pdf.read_attached(path, walk.pdf.limits)
        except FileError:
            walk.found.unread.append("an attached PDF: it can't be read")
            return
    for piece in inner.pieces:
        walk.say(piece.text, replace(place, name=place.name or piece.where.name, hidden=piece.hidden))
    walk.found.unread += [f"in an attached PDF: {what}" for what in inner.unread]
    if inner.pictures:
        walk.found.unread.append("pictures in an attached PDF")


def _picture(walk: "Walk", stream: StreamObject, place: Place) -> None:
    width, height = at(stream, "/Width"), at(stream, "/Height")
    is_large = isinstance(width, int) and isinstance(height, int) and min(width, height) >= _PICTURE_PIXELS_MIN
    if place.inside == "/AP" and place.page and is_large:
        walk.found.looks.setdefault(place.page, "a picture in an annotation")
    filters = at(stream, "/Filter")
    if filters == "/DCTDecode" or (isinstance(filters, list) and list(filters) == ["/DCTDecode"]):
        for text in pdf_jpeg.texts(bytes(stream._data)):
            _say(walk, text, replace(place, part="metadata", name="picture"))


def _nobodys(walk: "Walk", stream: StreamObject, place: Place) -> None:
    """What no page leads to, or none by a way that is followed: a text, or content that would draw one."""
    is_form = at(stream, "/Subtype") == "/Form"
    if is_form and place.page:
        return  # drawn on a page, most likely
    try:
        data = stream.get_data()
    except LimitReachedError:
        walk.found.unread.append("a stream: it is too large")
        return
    except Exception:  # damaged: no reader reads it
        return
    if draws_text(data):
        _say(walk, drawn_strings(data), place)
    elif not is_form and len(data) <= _PLAIN_MAX and (text := plain_text(data)) and not _is_code(text):
        _say(walk, text, place)


def _is_code(text: str) -> bool:
    """Content, fonts and functions: numbers, names, and words of a few letters."""
    if text.startswith(("%!", "/CIDInit")):
        return True
    words = text[:20_000].split()
    return sum(_CODE.fullmatch(word) is not None for word in words) > 0.7 * len(words)


def draws_text(content: bytes) -> bool:
    begin = content.find(b"BT")
    return begin >= 0 and max(content.find(b"Tj", begin), content.find(b"TJ", begin)) >= 0


def drawn_strings(data: bytes) -> str:
    """Strings of content, a line for each block of text, as far as they are letters without their fonts."""
    blocks = []
    for block in (part.partition(b"ET")[0] for part in data[:_CONTENT_MAX].split(b"BT")[1:]):
        pieces = [_string(match) for match in _SHOWN.finditer(block)]
        blocks.append("".join(pieces))
    return "\n".join(block for block in blocks if block.strip())


def _string(match: re.Match[bytes]) -> str:
    if match.group(1) is not None:
        return _ESCAPED.sub(lambda escape: _unescaped(escape.group(1)), match.group(1)).decode("cp1252", "replace")
    if match.group(2) is not None:
        digits = re.sub(rb"\s", b"", match.group(2)).decode()
        data = bytes.fromhex(digits + "0" * (len(digits) % 2))
        return data.decode("utf-16-be" if data[:1] == b"\0" else "cp1252", "replace")
    return " " if match.group(3) else "\n"


def _unescaped(one: bytes) -> bytes:
    if one[:1] in b"01234567":
        return bytes([int(one, 8) & 0xFF])
    return {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"\n": b""}.get(one, one)


def _appearance(walk: "Walk", stream: EncodedStreamObject, place: Place) -> None:
    """The text that draws an annotation: it needn't be what the annotation says of itself."""
    try:
        page = PageObject.create_blank_page(walk.pdf.reader, 100, 100)
        text = page.extract_xform_text(stream)
    except Exception:  # damaged content raises nearly anything
        walk.found.looks.setdefault(place.page, "an annotation that can't be read")
        return
    _say(walk, text, place)
