"""Findings that are one for whoever is told of them: files are read in several ways, and each way finds what people see."""

from collections.abc import Sequence

from appliance.files.document import Document
from appliance.gateway.file_fate import Fate
from appliance.gateway.file_verdict import around, boxes_of

_Box = tuple[float, float, float, float]
_Key = tuple[str, int, str, str]
_COMMON_MIN = 0.5  # of the smaller box
_ALIKE_MAX = 50  # of one value on one page that are compared


def told_once(document: Document, listed: Sequence[Fate]) -> list[Fate]:
    """Without those that say the same of the same place of a page as one before: all of them are hidden, one is told."""
    told: list[Fate] = []
    places: dict[_Key, list[_Box]] = {}
    for fate in listed:
        box = _box(document, fate)
        if box is None:
            told.append(fate)
            continue
        known = places.setdefault(_key(document, fate), [])
        if any(_are_same(box, other) for other in known[:_ALIKE_MAX]):
            continue
        known.append(box)
        told.append(fate)
    return told


def _box(document: Document, fate: Fate) -> _Box | None:
    """None: it stands in several pieces, or nobody knows where on a page."""
    part, *more = fate.placed.parts
    piece = document.pieces[part.piece]
    boxes = boxes_of(piece, part) if piece.where.page and not more else []
    return around(boxes) if boxes else None


def _key(document: Document, fate: Fate) -> _Key:
    """What is the same of the same thing, however it was read."""
    part = fate.placed.parts[0]
    piece = document.pieces[part.piece]
    value = "".join(filter(str.isalnum, piece.text[part.start : part.end])).casefold()
    return fate.placed.finding.type, piece.where.page, piece.hidden, value


def _are_same(one: _Box, two: _Box) -> bool:
    width, height = min(one[2], two[2]) - max(one[0], two[0]), min(one[3], two[3]) - max(one[1], two[1])
    smaller = min((box[2] - box[0]) * (box[3] - box[1]) for box in (one, two))
    return width > 0 and height > 0 and width * height >= _COMMON_MIN * smaller
