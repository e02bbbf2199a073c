"""Shapes, rows and paragraphs of a DOCX that show nothing: hidden, off the page; and what colour shapes have."""

import re
from typing import Any

from appliance.files.reading.docx_looks import UNKNOWN, Looks
from appliance.files.reading.docx_xml import child, get, kind_of

_EMU = 635  # of a twip
_TINY_EMU = 12_700
_TWIPS_MIN = 40
_LETTER_TWIPS = 130  # the width of one, at most, in the usual size
_MARGIN_TWIPS = 1_440  # where no other is told
_TINY_DRAWN = 300  # hundredths of a point
_AWAY = re.compile(r"(?:margin-left|margin-top|left|top)\s*:\s*-?\d{4,}(?:\.\d+)?(?:pt|px|in)?", re.IGNORECASE)
_NO_WIDTH = re.compile(r"(?:^|;)width:0*(?:\.0*)?(?:pt|px|in|cm|mm)?(?:;|$)")
_NO_HEIGHT = re.compile(r"(?:^|;)height:0*(?:\.0*)?(?:pt|px|in|cm|mm)?(?:;|$)")
_NAMED = {"white": "FFFFFF", "black": "000000", "red": "FF0000", "yellow": "FFFF00", "window": "FFFFFF"}


def shape_why(element: Any, kind: str, looks: Looks) -> str:
    """Why nobody sees the texts in a shape; "": they do."""
    if kind in {"wp:anchor", "wp:inline"}:
        return _drawing_why(element, looks)
    if kind.startswith("v:"):
        style = get(element, "style").replace(" ", "").lower()
        if "visibility:hidden" in style or "display:none" in style:
            return "in a hidden shape"
        if _AWAY.search(style):
            return "off the page"
        if _NO_WIDTH.search(style) or (_NO_HEIGHT.search(style) and "mso-fit-shape-to-text:t" not in style):
            return "in a shape without size"
    return ""


def _drawing_why(element: Any, looks: Looks) -> str:
    if get(child(element, "wp:docPr"), "hidden") in {"1", "true"} if child(element, "wp:docPr") is not None else False:
        return "in a hidden shape"
    extent = child(element, "wp:extent")
    sizes = [_whole(get(extent, name) or "-1") for name in ("cx", "cy")] if extent is not None else [-1, -1]
    if any(0 <= size <= _TINY_EMU for size in sizes):
        return "in a shape without size"
    for name, size, page in zip(("wp:positionH", "wp:positionV"), sizes, looks.size, strict=True):
        position = child(element, name)
        offset = child(position, "wp:posOffset")
        if offset is not None and _is_away(_whole(offset.text or "0"), size, page * _EMU, get(position, "relativeFrom")):
            return "off the page"
    return ""


def _is_away(offset: int, size: int, page: int, start: str) -> bool:
    """Whether what begins at `offset` lies beside the page, wherever on it that is counted from."""
    before = {"page": 0, "margin": _MARGIN_TWIPS * _EMU}.get(start, page)
    return offset + max(size, 0) <= -before or offset >= page


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


def clipped_paragraph_why(paragraph: Any, properties: Any, looks: Looks) -> str:
    if properties is None:
        return ""
    spacing = child(properties, "w:spacing")
    if spacing is not None and get(spacing, "lineRule") == "exact" and 0 < _whole(get(spacing, "line") or "240") <= _TWIPS_MIN:
        return "in a line without height"
    frame = child(properties, "w:framePr")
    if frame is not None and get(frame, "hRule") == "exact" and 0 <= _whole(get(frame, "h") or "240") <= _TWIPS_MIN:
        return "in a frame without height"
    if (frame is not None and _frame_is_away(frame, looks)) or _is_indented_away(paragraph, child(properties, "w:ind"), looks):
        return "off the page"
    return ""


def _frame_is_away(frame: Any, looks: Looks) -> bool:
    return any(
        _is_away(_whole(get(frame, place) or "0"), _whole(get(frame, size) or "2000"), page, get(frame, anchor))
        if get(frame, anchor) == "page"
        else abs(_whole(get(frame, place) or "0")) >= page
        for place, size, anchor, page in (("x", "w", "hAnchor", looks.size[0]), ("y", "h", "vAnchor", looks.size[1]))
    )


def _is_indented_away(paragraph: Any, indent: Any, looks: Looks) -> bool:
    if indent is None:
        return False
    left, right = (_whole(get(indent, one) or get(indent, two) or "0") for one, two in (("left", "start"), ("right", "end")))
    width = looks.size[0]
    if abs(left) >= 2 * width or left >= width or right >= width:
        return True
    first = left + _whole(get(indent, "firstLine") or "0") - _whole(get(indent, "hanging") or "0")
    if abs(first) < width // 2:
        return False
    letters = sum(map(len, paragraph.itertext()))
    return first >= width or first + letters * _LETTER_TWIPS <= -_MARGIN_TWIPS


def drawn_run_why(properties: Any) -> str:
    """Of a text in a drawing, by its a:rPr."""
    if properties is None:
        return ""
    size = get(properties, "sz")
    if size and 0 < _whole(size) <= _TINY_DRAWN:
        return "tiny"
    if child(properties, "a:ln") is None:
        alphas = [get(alpha, "val") for alpha in properties.iter() if kind_of(alpha) == "a:alpha"]
        if child(properties, "a:noFill") is not None or (
            child(properties, "a:solidFill") is not None and any(_whole(alpha or "100000") <= 5_000 for alpha in alphas)
        ):
            return "transparent"
    return ""


def _whole(text: str) -> int:
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        return 0
