"""Shapes, rows and paragraphs of a DOCX that show nothing: hidden, off the page; and what colour shapes have."""

import re
from typing import Any

from appliance.files.reading.docx_looks import UNKNOWN, Looks
from appliance.files.reading.docx_xml import child, get, kind_of

_FAR_EMU = 20_000_000  # some 55 cm: no page is as wide
_TWIPS_MIN = 40
_AWAY = re.compile(r"(?:margin-left|margin-top|left|top)\s*:\s*-?\d{4,}(?:\.\d+)?(?:pt|px|in)?", re.IGNORECASE)
_NAMED = {"white": "FFFFFF", "black": "000000", "red": "FF0000", "yellow": "FFFF00", "window": "FFFFFF"}


def shape_why(element: Any, kind: str) -> str:
    """Why nobody sees the texts in a shape; "": they do."""
    if kind in {"wp:anchor", "wp:inline"}:
        return _drawing_why(element)
    if kind.startswith("v:"):
        style = get(element, "style").replace(" ", "").lower()
        if "visibility:hidden" in style or "display:none" in style:
            return "in a hidden shape"
        if _AWAY.search(style):
            return "off the page"
    return ""


def _drawing_why(element: Any) -> str:
    if get(child(element, "wp:docPr"), "hidden") in {"1", "true"} if child(element, "wp:docPr") is not None else False:
        return "in a hidden shape"
    for name in ("wp:positionH", "wp:positionV"):
        offset = child(child(element, name), "wp:posOffset")
        if offset is not None and abs(_whole(offset.text or "0")) > _FAR_EMU:
            return "off the page"
    return ""


def shape_paper(element: Any, kind: str, looks: Looks) -> str | None:
    """What colour the texts in a shape stand on; None: on what lies behind it."""
    if kind == "wps:wsp":
        properties = child(element, "wps:spPr")
        for fill in properties if properties is not None else ():
            name = kind_of(fill)
            if name == "a:solidFill":
                return _solid(fill, looks)
            if name == "a:noFill":
                return None
            if name in {"a:gradFill", "a:blipFill", "a:pattFill", "a:grpFill"}:
                return UNKNOWN
        reference = child(child(element, "wps:style"), "a:fillRef")
        return UNKNOWN if reference is not None and get(reference, "idx") not in {"", "0"} else None
    if kind in {"v:shape", "v:rect", "v:roundrect", "v:oval"}:
        if get(element, "filled") in {"f", "false"} or get(element, "type").endswith("_x0000_t75"):
            return None
        return _vml_colour(get(element, "fillcolor"), has_fill=child(element, "v:fill") is not None)
    return None


def _solid(fill: Any, looks: Looks) -> str:
    for colour in fill:
        if any(kind_of(change) in {"a:alpha", "a:lumMod", "a:lumOff", "a:tint", "a:shade"} for change in colour):
            return UNKNOWN
        value = get(colour, "lastClr") or get(colour, "val")
        if kind_of(colour) == "a:schemeClr":
            return looks.theme_colour(value) or UNKNOWN
        return value.upper() if len(value) == 6 else UNKNOWN
    return UNKNOWN


def _vml_colour(said: str, *, has_fill: bool) -> str:
    colour = said.partition(" ")[0].lower().lstrip("#")
    colour = _NAMED.get(colour, colour)
    if len(colour) == 3:
        colour = "".join(digit * 2 for digit in colour)
    if not said:
        return UNKNOWN if has_fill else "FFFFFF"
    return colour.upper() if re.fullmatch(r"[0-9a-fA-F]{6}", colour) else UNKNOWN


def row_why(row: Any) -> str:
    properties = child(row, "w:trPr")
    if properties is None:
        return ""
    if child(properties, "w:hidden") is not None:
        return "in a hidden row"
    height = child(properties, "w:trHeight")
    if height is not None and get(height, "hRule") == "exact" and 0 <= _whole(get(height, "val")) <= _TWIPS_MIN:
        return "in a row without height"
    return ""


def clipped_paragraph_why(properties: Any) -> str:
    spacing = child(properties, "w:spacing")
    if spacing is not None and get(spacing, "lineRule") == "exact" and 0 < _whole(get(spacing, "line") or "240") <= _TWIPS_MIN:
        return "in a line without height"
    indent = child(properties, "w:ind")
    if indent is not None:
        away = _whole(get(indent, "left") or get(indent, "start") or "0")
        if abs(away) > _FAR_EMU // 635:
            return "off the page"
    return ""


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0
