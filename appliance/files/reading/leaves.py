"""Changes in texts that stand in several places at once: a paragraph's in its runs, a run's in its elements."""

from collections.abc import Iterable
from typing import NamedTuple


class Edit(NamedTuple):
    """Characters `start` to `end` of a text, as it was before any edit, become `text`."""

    start: int
    end: int
    text: str


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
