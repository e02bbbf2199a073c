"""Expressions with groups, fast: RE2 needs no automaton with groups to find a candidate, and Python's `re` parts a short one."""

import re
from collections.abc import Iterable

from appliance.guardrails.normal_text import NormalText
from appliance.guardrails.pattern import Found, Judge, Match, Pattern


def grouped(
    *, name: str, types: tuple[str, ...], regex: str, judge: Judge, length_max: int, looks_after: int = 0, is_open: bool = False
) -> Pattern:
    """As `Pattern`, with an expression that both engines read the same way; the judge finds its groups filled.

    The expression may leave open how long its parts are: `x+` is a small automaton and `x{1,500}` a large one, whose states
    are made anew for every value. Only the first `length_max` characters of a candidate count, in a whole text as in a stream.
    """
    parts = re.compile(regex, re.ASCII)

    def parted(match: Match) -> Iterable[Found]:
        # With what stands around, for `\b` and `^`; behind it nothing, so that both take the same.
        start = max(0, match.start - 1)
        found = parts.match(match.flat[start : min(match.end, match.start + length_max)].decode("latin-1"), match.start - start)
        if found is None:
            return []
        spans = [(first + start, last + start) if first >= 0 else (-1, -1) for first, last in found.regs]
        return judge(Match(NormalText(match.text, match.flat), spans))

    return Pattern(
        name=name,
        types=types,
        regex=_ungrouped(regex),
        judge=parted,
        length_max=length_max,
        looks_after=looks_after,
        open=is_open,
    )


def _ungrouped(regex: str) -> str:
    """Every group that captures as one that doesn't."""
    written: list[str] = []
    is_escaped = in_class = False
    for place, one in enumerate(regex):
        written.append(one)
        if is_escaped:
            is_escaped = False
        elif one == "\\":
            is_escaped = True
        elif in_class:
            in_class = one != "]" or regex[place - 1] == "[" or regex[place - 2 : place] == "[^"
        elif one == "[":
            in_class = True
        elif one == "(" and regex[place + 1 : place + 2] != "?":
            written.append("?:")
    return "".join(written)
