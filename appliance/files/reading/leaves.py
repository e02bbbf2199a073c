"""Changes in texts that stand in several places at once: a paragraph's in its runs, a block's in its elements."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from appliance.files.document import Piece


class Edit(NamedTuple):
    """Characters `start` to `end` of a text, as it was before any edit, become `text`."""

    start: int
    end: int
    text: str


class Leaf(NamedTuple):
    """A place in a tree that holds text.

    slot: "text", "tail", "@" and an attribute's name; or what happens where a change touches it: "=" and an attribute's name (the
          whole value is replaced), "*text" and "*tail" (likewise), "drop" (the element goes), "deleted" (the tracked deletion
          around it goes), "" (nothing: it is a line's end that we put there).
    """

    element: Any
    slot: str


class Found(NamedTuple):
    """A piece, and the leaves that its text is put together of, each with where it begins."""

    piece: Piece
    leaves: tuple[tuple[int, Leaf], ...]


class LeafEdits:
    """Edits of many leaves, made at once: places are those of the texts before."""

    def __init__(self) -> None:
        self._of: dict[tuple[int, str], tuple[Leaf, list[Edit]]] = {}  # holds the elements too, or lxml would give their ids away

    def __iter__(self) -> Iterator[tuple[Leaf, list[Edit]]]:
        return iter(self._of.values())

    def add(self, found: Found, start: int, end: int, text: str) -> None:
        """Characters `start` to `end` of the piece become `text`, which goes into the first leaf that can take it."""
        ends = [*(at for at, _ in found.leaves[1:]), len(found.piece.text)][: len(found.leaves)]
        for (at, leaf), stop in zip(found.leaves, ends, strict=True):
            if start < stop and at < end and leaf.slot:
                takes = leaf.slot in {"text", "tail"} or leaf.slot[0] in "@=*"
                edit = Edit(max(start, at) - at, min(end, stop) - at, text if takes else "")
                self._of.setdefault((id(leaf.element), leaf.slot), (leaf, []))[1].append(edit)
                text = "" if takes else text


def put_together(parts: Iterable[tuple[Leaf, str]], piece: Piece) -> Found:
    """`piece` with the text of all `parts`."""
    leaves: list[tuple[int, Leaf]] = []
    texts: list[str] = []
    at = 0
    for leaf, text in parts:
        leaves.append((at, leaf))
        texts.append(text)
        at += len(text)
    piece.text = "".join(texts)
    return Found(piece, tuple(leaves))


def edited(text: str, edits: Iterable[Edit]) -> str:
    """`text` with all of `edits`. Those that overlap become one, which says what the first says."""
    merged: list[Edit] = []
    for edit in sorted(edits, key=lambda edit: (edit.start, -edit.end)):
        last = merged[-1] if merged else None
        if last is not None and edit.start < last.end:
            merged[-1] = Edit(last.start, max(last.end, edit.end), last.text or edit.text)
        elif last != edit:
            merged.append(edit)
    parts: list[str] = []
    at = 0
    for edit in merged:
        parts += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join((*parts, text[at:]))
