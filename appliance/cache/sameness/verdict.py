"""Whether two questions are provably the same: the one question that the cache asks of this room."""

from dataclasses import dataclass
from typing import Literal

from appliance.cache.sameness.alignment import sentences_differ
from appliance.cache.sameness.canonical import Canonical, Unread, canonical
from appliance.cache.sameness.words import clean

Verifier = Literal["strict", "balanced", "off"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` says in words what stands in the way, or is empty; `rules` name what explained the differences."""

    same: bool
    reason: str = ""
    rules: tuple[str, ...] = ()


def verdict(one: str, other: str, verifier: Verifier = "balanced") -> Verdict:
    """Whether both texts ask the same, provably. Symmetric, deterministic, never raises on any text, bounded work.

    `strict` compares canonical forms (case, spelling, numbers, units, politeness, ways to ask); `balanced` also explains
    synonyms, misspellings, articles and compounds; `off` asks nothing: the caller trusts the similarity alone.
    """
    if verifier == "off":
        return Verdict(True, rules=("the verifier is off",))
    one, other = sorted((one, other))
    left, right = clean(one), clean(other)
    if left == right:
        return Verdict(True)
    first, second = (canonical(text, with_synonyms=verifier == "balanced") for text in (left, right))
    if isinstance(first, Unread):
        return Verdict(False, first.reason)
    if isinstance(second, Unread):
        return Verdict(False, second.reason)
    return _compared(first, second, verifier)


def _compared(first: Canonical, second: Canonical, verifier: Verifier) -> Verdict:
    if first.language != second.language:
        return Verdict(False, f"one is read as {first.language}, the other as {second.language}")
    if not first.sentences and not second.sentences:
        return Verdict(False, "nothing but politeness is left to compare")
    reason, rules = sentences_differ(first, second, exact=verifier == "strict")
    return Verdict(not reason, reason, rules)
