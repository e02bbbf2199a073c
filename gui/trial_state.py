"""What a policy would make of a text, without Qt: what became of it in words, and where in Qt's text the findings stand."""

from bisect import bisect_left
from typing import Any

import msgspec

from gui.guardrails_state import Json
from gui.lines_state import Cell, Line
from gui.plain_text import one_line
from gui.rule_words_state import ACTIONS, action_title, begun, type_title

CHARACTERS_MAX = 100_000  # in the box; the gateway takes more
SHOWN_MAX = 500  # findings that are listed and marked
COLUMNS = ("Found", "What", "Done", "Sure")
BEYOND_UTF16 = 0xFFFF
DIRECTIONS = {True: "Sent to the model", False: "Answered by the model"}


class Judged(msgspec.Struct, frozen=True):
    """`start`, `end`: Unicode code points of the given text."""

    type: str
    start: int
    end: int
    score: float
    action: str
    detector: str = ""


class Tried(msgspec.Struct, frozen=True):
    """`text`: as it would go on; where it is stopped, with what can be shown of it. `version`: 0: a draft; None: several policies
    together."""

    allowed: bool
    action: str
    text: str
    findings: list[Judged]
    policy: str
    version: int | None = None
    elapsed_us: int = 0


class Span(msgspec.Struct, frozen=True):
    """Where a finding stands, as Qt counts: in UTF-16 code units."""

    start: int
    end: int
    action: str


def tried_of(body: Any) -> Tried | None:
    try:
        return msgspec.convert(body, Tried)
    except msgspec.ValidationError:
        return None


def sendable(text: str) -> str:
    """As long as before, without halves of characters, which no JSON can hold; Qt's ends of paragraphs are line breaks."""
    return "".join("\n" if one == "\u2029" else "\ufffd" if "\ud800" <= one <= "\udfff" else one for one in text)


def body(text: str, *, is_input: bool, policy: str = "", draft: Json | None = None) -> Json:
    """`policy`: empty: the one that requests are under."""
    asked: Json = {"text": text, "is_input": is_input}
    if draft is not None:
        return {**asked, "draft": {**draft, "name": draft.get("name") or "draft"}}
    return {**asked, "policy": policy} if policy else asked


def spans(text: str, findings: list[Judged]) -> list[Span]:
    """Of those that stand within the text."""
    wide = [place for place, one in enumerate(text) if ord(one) > BEYOND_UTF16]
    return [
        Span(one.start + bisect_left(wide, one.start), one.end + bisect_left(wide, one.end), one.action)
        for one in findings[:SHOWN_MAX]
        if 0 <= one.start < one.end <= len(text)
    ]


def lines(text: str, tried: Tried) -> list[Line]:
    return [_line(place, one, text) for place, one in enumerate(tried.findings[:SHOWN_MAX])]


def _line(place: int, one: Judged, text: str) -> Line:
    value, title = one_line(text[one.start : one.end], 120), begun(type_title(one.type))
    tone = {"block": "bad", "mask": "accent", "tokenise": "accent", "flag": "warn"}.get(one.action, "dim")
    hint = f"Found by {one_line(one.detector, 80)}" if one.detector else ""
    return Line(
        str(place),
        (
            Cell(value, hint=value),
            Cell(title, hint=" · ".join(part for part in (one_line(one.type, 80), hint) if part)),
            Cell(action_title(one.action), tone=tone, hint=ACTIONS[one.action][1] if one.action in ACTIONS else ""),
            Cell(f"{round(one.score * 100)}%", hint=hint),
        ),
    )


def outcome(tried: Tried, *, is_input: bool) -> tuple[str, str, str]:
    """A marker, what would become of the text, and how long the look took."""
    whither = "to the model" if is_input else "to the caller"
    count = len(tried.findings)
    found = f"{count:,} {'thing was' if count == 1 else 'things were'} found" if count else "nothing was found"
    if not tried.allowed:
        marker, told = "failed", f"Stopped: nothing goes {whither}"
    elif tried.action in ("mask", "tokenise"):
        marker, told = "warned", f"Goes {whither} changed"
    elif tried.action == "flag":
        marker, told = "ready", f"Goes {whither} as it is, and is noted"
    else:
        marker, told = "ready", f"Goes {whither} as it is"
    more = f" The first {SHOWN_MAX} are listed." if count > SHOWN_MAX else ""
    return marker, f"{told}; {found}.{more}", took(tried)


def seen_title(*, is_input: bool) -> str:
    return f"What {'the model' if is_input else 'the caller'} would see"


def took(tried: Tried) -> str:
    policy = one_line(tried.policy, 64)
    what = f"Policy {policy}, version {tried.version}" if tried.version else f"Policies {policy.replace('+', ' and ')} together"
    what = "This draft" if tried.version == 0 else what
    return f"{what}, in {tried.elapsed_us / 1000:.1f} ms." if tried.elapsed_us >= 50 else f"{what}, in less than 0.1 ms."
