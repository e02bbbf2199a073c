"""What is to stand in a file instead of what was found: changes for whoever writes it anew, or its text with them."""

from collections.abc import Iterable, Sequence

from appliance.files.document import Change, Document
from appliance.gateway.file_fate import Fate
from appliance.guardrails.finding import ATTACKS
from appliance.guardrails.placeholders import Placeholders, escaped
from appliance.guardrails.policy import HIDDEN_TEXT
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.redaction import Mark, masked, redacted
from appliance.guardrails.verdict import apart

BESIDE = frozenset({"metadata", "xml", "script", "bookmark", "deletion"})


def changes_for(
    document: Document, listed: Sequence[Fate], policy: PolicySet, placeholders: Placeholders | None = None
) -> list[Change]:
    """Of all that is to be hidden, in the order of the pieces, none overlapping another.

    What a rule blocks is hidden too: whoever asks for the file without it gets that. Of text that nobody sees nothing remains
    where something in it is an attack.
    """
    marks: dict[int, list[Mark]] = {}
    for fate in listed:
        if fate.action not in ("mask", "tokenise", "block"):
            continue
        kind, text = fate.placed.finding.type, ""
        for place, part in enumerate(fate.placed.parts):
            piece = document.pieces[part.piece]
            start, end = part.start, part.end
            if kind == HIDDEN_TEXT or (kind in ATTACKS and piece.hidden):
                start, end = 0, len(piece.text)
            elif place == 0:
                text = _instead(document, fate, policy, placeholders)
            marks.setdefault(part.piece, []).append(Mark(start, end, text if place == 0 else ""))
    return [Change(number, mark.start, mark.end, mark.text) for number, found in sorted(marks.items()) for mark in apart(found)]


def _instead(document: Document, fate: Fate, policy: PolicySet, placeholders: Placeholders | None) -> str:
    kind = fate.placed.finding.type
    value = "".join(document.pieces[part.piece].text[part.start : part.end] for part in fate.placed.parts)
    if fate.action == "tokenise" and placeholders is not None:
        return placeholders.of(kind, value)
    return masked(kind, value, policy.shown_as(kind, "input"))


def text_of(document: Document, changes: Iterable[Change], placeholders: Placeholders | None = None) -> str:
    """What people see of the document, changed. What nobody sees is left out, and what stands beside the document itself."""
    marks: dict[int, list[Mark]] = {}
    for change in changes:
        marks.setdefault(change.piece, []).append(Mark(change.start, change.end, change.text))
    texts: list[str] = []
    for number, piece in enumerate(document.pieces):
        if piece.text and not piece.hidden and piece.where.part not in BESIDE:
            texts.append(_changed(piece.text, marks.get(number, []), placeholders))
    return "\n".join(texts)


def _changed(text: str, marks: Sequence[Mark], placeholders: Placeholders | None) -> str:
    """What looks like a placeholder and is none is escaped, so that nobody is given a value for it."""
    if placeholders is None:
        return redacted(text, marks)
    parts: list[str] = []
    place = 0
    for mark in marks:
        parts += (escaped(text[place : mark.start]), mark.text)
        place = mark.end
    parts.append(escaped(text[place:]))
    found = "".join(parts)
    placeholders.has_escaped = placeholders.has_escaped or "\u27e8=" in found
    return found
