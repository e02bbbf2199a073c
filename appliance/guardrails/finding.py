"""What a detector found."""

from bisect import bisect_left, bisect_right
from collections.abc import Callable

import msgspec

LONG = 500  # characters: longer texts take a thread's time, not the event loop's; the densest so long takes 2 ms
SURE = 0.5  # what policies count, if they don't say otherwise
NAMES = frozenset({"PERSON", "ADDRESS"})
ATTACKS = frozenset({"PROMPT_INJECTION", "JAILBREAK"})


class Finding(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One thing in a text.

    type:       such as EMAIL; those of secrets begin with SECRET_, an administrator's own with CUSTOM_.
    start, end: Unicode code points of the text that was given, half open.
    score:      how sure it is, 0 to 1; policies set the bound (0.5 by default).
    detector:   who found it: the name of its file, and of the pattern where it is one of many.
    """

    type: str
    start: int
    end: int
    score: float
    detector: str

    def at(self, start: int, end: int) -> "Finding":
        """The same, told in the places of another text."""
        return Finding(type=self.type, start=start, end=end, score=self.score, detector=self.detector)


def resolved(found: list[Finding]) -> list[Finding]:
    """What remains where they overlap, in the order of the text: the longest that policies count, then the surest.

    Attacks are judged apart: one may be a whole text, and the address inside is to be hidden all the same. So are names, as a
    telephone number inside a postal address is still one; but a name that is a part of something else is none.
    """
    if len(found) < 2:
        return found
    values = _first([one for one in found if one.type not in ATTACKS and one.type not in NAMES], _rank)
    names = _first([one for one in found if one.type in NAMES], _rank)
    attacks = _first([one for one in found if one.type in ATTACKS], _surest)
    return sorted([*values, *(one for one in names if _stands_around(one, values)), *attacks], key=_place)


def _stands_around(name: Finding, values: list[Finding]) -> bool:
    """Around all that it touches, and more. `values`: in order, and apart."""
    place = bisect_right(values, name.start, key=_end)
    while place < len(values) and (one := values[place]).start < name.end:
        if one.start < name.start or one.end > name.end or (one.start, one.end) == (name.start, name.end):
            return False
        place += 1
    return True


def _first(found: list[Finding], rank: Callable[[Finding], tuple[float | str, ...]]) -> list[Finding]:
    """`taken` stays in order, so that each one is compared with its two neighbours only, however many there are."""
    taken: list[Finding] = []
    for one in sorted(found, key=rank):
        place = bisect_left(taken, one.start, key=_start)
        ends_before = place == 0 or taken[place - 1].end <= one.start
        if ends_before and (place == len(taken) or one.end <= taken[place].start):
            taken.insert(place, one)
    return taken


def _start(one: Finding) -> int:
    return one.start


def _end(one: Finding) -> int:
    return one.end


def _place(one: Finding) -> tuple[int, int]:
    return one.start, one.end


def _rank(one: Finding) -> tuple[bool, int, float, int, str]:
    """What is hardly anything hides nothing: the end of `postgres://bob:secret@host.net` looks a little like an address."""
    return one.score < SURE, one.start - one.end, -one.score, one.start, one.type


def _surest(one: Finding) -> tuple[float, int, int, str]:
    return -one.score, one.start - one.end, one.start, one.type
