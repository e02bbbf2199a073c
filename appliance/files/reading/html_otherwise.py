"""What parts of a page say to whoever undoes how they are written: escapes of CSS, texts that a script puts together, pages in
comments, marks of Markdown between the digits of a number.

Source: CSS Syntax Level 3, 4.3.7.
"""

import re

from appliance.files.reading.leaves import Found, Leaf, put_together
from appliance.files.reading.links import page_text
from appliance.files.reading.texts import EMPHASIS, SPLIT_BY_MARKS

_CSS_ESCAPE = re.compile(r"\\(?:([0-9A-Fa-f]{1,6})(?:\r\n|[ \t\r\n\f])?|([^0-9A-Fa-f\r\n\f]))")
_PUT_TOGETHER = re.compile(r"([\"'`])\s{0,50}\+\s{0,50}([\"'`])|\\\r?\n")


def css_text(style: str) -> str:
    """ "": nothing else than is written."""

    def plain(found: re.Match[str]) -> str:
        code = int(found[1], 16) if found[1] else ord(found[2])
        return chr(code) if 0 < code < 0x110000 and not 0xD800 <= code < 0xE000 else "\ufffd"

    said = _CSS_ESCAPE.sub(plain, style)
    return said if said != style else ""


def script_text(script: str) -> str:
    """ "": nothing else than is written."""
    said = _PUT_TOGETHER.sub("", script)
    return said if said != script else ""


def other_text(text: str, tag: str) -> str:
    """Of a style sheet, a script or a comment (""). "": nothing else than is written."""
    if tag == "style":
        return css_text(text)
    return script_text(text) if tag == "script" else page_text(text)


def without_marks(found: Found) -> Found | None:
    """A block without marks that stand between its digits; None: there are none. A change in it takes whole leaves away: places
    in them are not those of the page."""
    text = found.piece.text
    if not SPLIT_BY_MARKS.search(text):
        return None
    marks = [mark.span() for mark in EMPHASIS.finditer(text)]
    ends = [*(at for at, _ in found.leaves[1:]), len(text)]
    parts: list[tuple[Leaf, str]] = []
    for (at, leaf), stop in zip(found.leaves, ends, strict=True):
        kept, place = "", at
        for start, end in marks:
            if end > at and start < stop:
                kept += text[place : max(place, start)]
                place = max(place, min(end, stop))
        parts.append((Leaf(leaf.element, f"*{leaf.slot}"), kept + text[place:stop]))
    piece = type(found.piece)("", found.piece.where, found.piece.hidden)
    return put_together(parts, piece)
