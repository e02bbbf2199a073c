"""What a policy says of a text."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec

from appliance.guardrails.finding import ATTACKS, Finding
from appliance.guardrails.placeholders import Placeholders, escaped, looks_like
from appliance.guardrails.policy import Action, Direction, Form, strictest
from appliance.guardrails.redaction import Mark, masked, redacted


class Ruling(Protocol):
    """A policy, or several that hold together."""

    def action(self, finding: Finding, direction: Direction) -> Action: ...
    def shown_as(self, type_name: str, direction: Direction) -> Form: ...
    def acts_on(self, types: Iterable[str], direction: Direction | None = None) -> bool: ...


class Judged(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A finding, and what is done about it."""

    type: str
    start: int
    end: int
    score: float
    detector: str
    action: Action


class Verdict(msgspec.Struct, frozen=True):
    """`text`: as it goes on; where it doesn't (`action` is block), with what can be shown of it."""

    action: Action
    text: str
    findings: list[Judged]

    @property
    def allowed(self) -> bool:
        return self.action != "block"


def judge(
    text: str, findings: Sequence[Finding], policy: Ruling, direction: Direction, placeholders: Placeholders | None = None
) -> Verdict:
    """`findings`: of this text, in its order, none overlapping another (attacks apart). `placeholders`: of the request."""
    judged = [_judged(one, policy.action(one, direction)) for one in findings]
    told = [one for one in judged if one.action != "allow"]
    if not told and placeholders is None:
        return Verdict("allow", text, [])
    action = strictest(one.action for one in told)
    return Verdict(action, redacted(text, _marks(text, told, policy, direction, placeholders)), told)


def _judged(one: Finding, action: Action) -> Judged:
    return Judged(type=one.type, start=one.start, end=one.end, score=one.score, detector=one.detector, action=action)


def _marks(text: str, told: list[Judged], policy: Ruling, direction: Direction, placeholders: Placeholders | None) -> list[Mark]:
    marks: list[Mark] = []
    for one in told:
        value = text[one.start : one.end]
        if one.action == "tokenise" and placeholders is not None:
            marks.append(Mark(one.start, one.end, placeholders.of(one.type, value)))
        elif one.action in ("mask", "tokenise") or (one.action == "block" and one.type not in ATTACKS):
            marks.append(Mark(one.start, one.end, masked(one.type, value, policy.shown_as(one.type, direction))))
    marks = apart(marks)
    if placeholders is None:
        return marks
    ends = [mark.end for mark in marks]
    free = [(start, end) for start, end in looks_like(text) if _is_free(marks, bisect_right(ends, start), end)]
    placeholders.has_escaped = placeholders.has_escaped or bool(free)
    return apart([*marks, *(Mark(start, end, escaped(text[start:end])) for start, end in free)])


def _is_free(marks: list[Mark], following: int, end: int) -> bool:
    """`following`: of these, in order and apart, the first one that doesn't end before."""
    return following == len(marks) or end <= marks[following].start


def apart(marks: list[Mark]) -> list[Mark]:
    """In order, and those that overlap as one: an attack may stand around an address."""
    found: list[Mark] = []
    for mark in sorted(marks, key=lambda one: (one.start, -one.end)):
        if found and mark.start < found[-1].end:
            found[-1] = Mark(found[-1].start, max(found[-1].end, mark.end), found[-1].text)
        else:
            found.append(mark)
    return found
