"""Texts with their findings hidden."""

from collections.abc import Sequence

import msgspec

from appliance.guardrails.policy import Form


class Mark(msgspec.Struct, frozen=True):
    """What takes the place of a part of a text."""

    start: int
    end: int
    text: str


def redacted(text: str, marks: Sequence[Mark]) -> str:
    """`marks` in the order of the text, none overlapping another."""
    if not marks:
        return text
    parts: list[str] = []
    place = 0
    for mark in marks:
        parts += (text[place : mark.start], mark.text)
        place = mark.end
    parts.append(text[place:])
    return "".join(parts)


def masked(type_name: str, value: str, form: Form) -> str:
    """What is shown instead of a value. Partial forms keep letters and digits only of values long enough to stay hidden."""
    plain = "".join(character for character in value if character.isalnum())
    if form == "last4" and len(plain) >= 8:
        return f"[{type_name} …{plain[-4:]}]"
    if form == "first6last4" and len(plain) >= 13:  # what PCI DSS 3.4.1 allows to be shown of a card
        return f"[{type_name} {plain[:6]}…{plain[-4:]}]"
    if form == "initial" and plain:
        return f"[{type_name} {plain[0]}…]"
    return f"[{type_name}]"
