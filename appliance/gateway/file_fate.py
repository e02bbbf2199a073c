"""What policies make of each thing that was found in a file."""

import re
from collections.abc import Iterable

import msgspec

from appliance.files.document import Document
from appliance.gateway.file_text import Part, Placed
from appliance.guardrails.finding import ATTACKS, SURE, Finding
from appliance.guardrails.policy import GPS_LOCATION, HIDDEN_TEXT, Action, FileAction
from appliance.guardrails.policy_set import PolicySet

DETECTOR = "files"
_DEGREES = re.compile(r"-?\d{1,3}\.\d+")


class Fate(msgspec.Struct, frozen=True):
    """action: what is done with the finding; becomes: what that makes of the file."""

    placed: Placed
    action: Action
    becomes: FileAction


def fates(document: Document, placed: Iterable[Placed], policy: PolicySet) -> list[Fate]:
    """Of those that come to anything, and of text that nobody sees. `placed`: of this document."""
    found: list[Fate] = []
    for one in placed:
        fate = _fate(document, one, policy)
        if fate is not None:
            found.append(fate)
    return found


def hidden(document: Document, policy: PolicySet) -> list[Fate]:
    """Text in it that nobody sees: told, where no rule says more."""
    found: list[Fate] = []
    for number, piece in enumerate(document.pieces):
        if piece.hidden and piece.text.strip():
            finding = Finding(type=HIDDEN_TEXT, start=0, end=len(piece.text), score=1.0, detector=DETECTOR)
            placed = Placed(finding, (Part(number, 0, len(piece.text)),))
            fate = _by_rule(placed, policy) if policy.names(HIDDEN_TEXT) else Fate(placed, "flag", "pass")
            if fate is not None:
                found.append(fate)
    return found


def located(document: Document, policy: PolicySet) -> list[Fate]:
    """Where its pictures were taken: readers tell of it in metadata called GPS."""
    found: list[Fate] = []
    for number, piece in enumerate(document.pieces):
        is_told = piece.where.part == "metadata" and (piece.where.name == "GPS" or piece.text.startswith("GPS "))
        if is_told and len(_DEGREES.findall(piece.text)) >= 2:
            finding = Finding(type=GPS_LOCATION, start=0, end=len(piece.text), score=1.0, detector=DETECTOR)
            fate = _by_rule(Placed(finding, (Part(number, 0, len(piece.text)),)), policy)
            if fate is not None:
                found.append(fate)
    return found


def _fate(document: Document, placed: Placed, policy: PolicySet) -> Fate | None:
    one = placed.finding
    if one.type in ATTACKS and one.score >= SURE and any(document.pieces[part.piece].hidden for part in placed.parts):
        return Fate(placed, "block", "block")  # nobody hides an instruction in good faith
    return _by_rule(placed, policy)


def _by_rule(placed: Placed, policy: PolicySet) -> Fate | None:
    action = policy.action(placed.finding, "input")
    if action == "allow":
        return None
    becomes = policy.file_action(placed.finding)
    if becomes == "block":
        return Fate(placed, "block", becomes)
    if becomes == "pass":
        return Fate(placed, "flag", becomes)
    return Fate(placed, action if action in ("mask", "tokenise") else "mask", becomes)
