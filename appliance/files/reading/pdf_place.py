"""Where a text of a PDF's objects belongs, told by the dictionaries and keys on the way to it."""

from dataclasses import dataclass, replace
from typing import Any, Literal

from pypdf.generic import ArrayObject, DictionaryObject, FloatObject, NullObject, NumberObject, PdfObject, TextStringObject

from appliance.files.reading.pdf_bounds import BROKEN
from appliance.files.reading.pdfium import Rect

Part = Literal[
    "body", "field", "annotation", "attachment", "metadata", "xml", "alternative text", "picture", "link", "script", "bookmark"
]

_ANNOTATION_NAMES = """
    /Text /Link /FreeText /Line /Square /Circle /Polygon /PolyLine /Highlight /Underline /Squiggly /StrikeOut /Stamp /Caret /Ink
    /Popup /FileAttachment /Sound /Movie /Screen /Widget /PrinterMark /TrapNet /Watermark /3D /Redact /RichMedia
"""
_ANNOTATIONS = frozenset(_ANNOTATION_NAMES.split())
_PARTS_OF_KEYS: dict[str, Part] = {
    "/URI": "link",
    "/Alt": "alternative text",
    "/ActualText": "alternative text",
    "/E": "alternative text",
    "/Outlines": "bookmark",
    "/Dests": "bookmark",
    "/AcroForm": "field",
    "/XFA": "xml",
    "/EmbeddedFiles": "attachment",
}
_NOT_SHOWN = 2 | 32  # hidden; not to be viewed
NOT_SHOWN = "in an annotation that isn't shown"


@dataclass(frozen=True)
class Place:
    """`inside`: "/AP" within how an annotation looks."""

    part: Part = "metadata"
    page: int = 0
    name: str = ""
    rect: Rect | None = None
    hidden: str = ""
    inside: str = ""


def at(value: DictionaryObject, key: str) -> Any:
    """What stands at a key, wherever it is kept; None: nothing. Any, as objects of PDFs are also str, int, list and dict."""
    found = value.get(key)
    try:
        resolved = found.get_object() if isinstance(found, PdfObject) else None
    except BROKEN:
        return None  # what no reader can read
    return None if isinstance(resolved, NullObject) else resolved


def place_in(value: DictionaryObject, place: Place, key: str) -> Place:
    """Where the strings within a dictionary are."""
    kind = at(value, "/Subtype")
    if key == "/AP":
        return replace(place, inside="/AP")
    if "/Rect" in value and kind in _ANNOTATIONS:
        return _annotation(value, place, str(kind))
    if "/FT" in value:
        return replace(place, part="field", name=_name(value, "/T"))
    if at(value, "/Type") == "/Filespec" or "/EF" in value:
        return replace(place, part="attachment", name=_name(value, "/UF", "/F"))
    part = _PARTS_OF_KEYS.get(key)
    return place if part is None else replace(place, part=part)


def place_of_key(place: Place, key: str) -> Place:
    """Where the string at a key of a dictionary is."""
    part = _PARTS_OF_KEYS.get(key, place.part)
    name = place.name if place.name or part in ("link", "bookmark") else key.removeprefix("/")
    return replace(place, part=part, name=name)


def _annotation(value: DictionaryObject, place: Place, kind: str) -> Place:
    flags = at(value, "/F")
    is_shown = not (isinstance(flags, int) and flags & _NOT_SHOWN)
    if kind == "/Widget":
        return replace(place, part="field", name=_name(value, "/T"), rect=_rect(value))
    hidden = "" if is_shown or kind == "/Popup" else NOT_SHOWN
    return replace(place, part="annotation", name=kind[1:], rect=_rect(value), hidden=hidden)


def _name(value: DictionaryObject, *keys: str) -> str:
    for key in keys:
        name = at(value, key)
        if isinstance(name, TextStringObject):
            return str(name)[:200]
    return ""


def _rect(value: DictionaryObject) -> Rect | None:
    rect = at(value, "/Rect")
    if not isinstance(rect, ArrayObject) or len(rect) != 4:
        return None
    numbers = [each.get_object() for each in rect]
    if not all(isinstance(each, NumberObject | FloatObject) for each in numbers):
        return None
    x0, y0, x1, y1 = (float(each) for each in numbers)
    return (min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
