"""Values that a line's end parts, whatever stands there: the line before and the one behind are read as one, once with a blank
between and once with nothing.

Only where the words at the end have a digit or an @ in them: of letters alone any two words would make a third. What is found
there must be certain, and may not be made of something that is a value by itself.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

from appliance.guardrails.finding import NAMES, SURE, Finding

HYPHEN = "\u2010"  # as readers write one that only parts a word at a line's end, or may
SCORE_MIN = 0.9
_WORD_MAX = 200
_BEFORE, _BEHIND = 160, 80  # characters: what a value is called stands close by
_LONG = 16  # a line of one word so long is a part of a key
_LINES_MAX = 60
_TELLING = re.compile(r"[0-9@]")
_JOINING = frozenset("-._@+%/=:")


class Joint(msgspec.Struct, frozen=True):
    """A text without some lines' ends. starts: where each of its parts begins in it; places: and where in the whole text."""

    text: str
    starts: tuple[int, ...]
    places: tuple[int, ...]
    goes_on: bool = False  # whether what stands at the line's end joins words, as a hyphen does: a value before it isn't whole
    begun: bool = False  # and so for a value behind it, as after the dot in `maria.`

    def placed(self, one: Finding) -> Finding | None:
        """In characters of the whole text; None: it goes over no line's end."""
        first, last = bisect_right(self.starts, one.start) - 1, bisect_right(self.starts, one.end - 1) - 1
        if first == last:
            return None
        return one.at(self._place(first, one.start), self._place(last, one.end))

    def _place(self, part: int, at: int) -> int:
        return self.places[part] + at - self.starts[part]


def joints(text: str, begin: int, end: int) -> Iterator[Joint]:
    """Of the lines' ends from `begin` to `end`, and of hyphens that aren't a value's own."""
    at = begin
    lines = text[begin : end + _WORD_MAX].split("\n")
    for line, behind in pairwise(lines):
        at += len(line)
        if at >= end:
            break
        if _TELLING.search("".join((*line[-_WORD_MAX:].rsplit(None, 1)[-1:], *behind[:_WORD_MAX].split(None, 1)[:1]))):
            yield from _at_end(text, at)
        at += 1
    at = text.find(HYPHEN, begin, end)
    while at >= 0:
        left, right = _word_before(text, at), _word_behind(text, at + 1)
        if left and right and _TELLING.search(left + right):
            yield _joint(text, [(at, at + 1)], "")
        at = text.find(HYPHEN, at + 1, end)


def certain(joint: Joint, found: Sequence[Finding], known: Sequence[Finding]) -> Iterator[Finding]:
    """Of what was found in a joint, in characters of the whole text. `known`: what was found there line by line."""
    for one in found:
        placed = joint.placed(one) if one.score >= SCORE_MIN and one.type not in NAMES else None
        if placed is not None and not any(_contradicts(placed, other, joint) for other in known):
            yield placed


def _contradicts(one: Finding, other: Finding, joint: Joint) -> bool:
    """A value that ends where the line does, or begins where the next one does, is whole; unless something joins it on."""
    if other.score < SURE or other.type in NAMES or other.end <= one.start or one.end <= other.start:
        return False
    is_within = one.start <= other.start and other.end <= one.end
    is_before = other.start < joint.places[0] + joint.starts[1]
    return not (is_within and (joint.goes_on if is_before else joint.begun))


def _at_end(text: str, at: int) -> Iterator[Joint]:
    stop = _behind_blanks(text, at)
    left, right = _word_before(text, at), _word_behind(text, stop)
    if not left or not right:
        return
    ends = [(_before_blanks(text, at), stop)]
    if left[-1].isalnum() and right[0].isalnum():
        yield _joint(text, ends, " ")
    if left.isdigit() and right.isdigit() and _line_length(text, at) < _line_behind(text, stop):
        return  # a number is only cut where the line is full
    joint = _joint(text, [*ends, *_ends_of_key(text, left, stop)], "")
    is_joined = right[0] in _JOINING or (left[-1] in _JOINING and left[-1] != ".")
    yield msgspec.structs.replace(joint, goes_on=is_joined, begun=is_joined or _has_begun(text, at, left))


def _has_begun(text: str, at: int, left: str) -> bool:
    if left[-1] != ".":
        return any(one in left[1:] for one in "._@")  # no word of a sentence
    return _line_length(text, at) > len(left) + 1  # it may end a sentence; one word alone is a heading


def _ends_of_key(text: str, left: str, place: int) -> Iterator[tuple[int, int]]:
    """More lines' ends, where the lines are one long word each."""
    word = left
    for _ in range(_LINES_MAX):
        line_end = text.find("\n", place, place + _WORD_MAX)
        if line_end < 0 or len(word) < _LONG:
            return
        word = text[place:line_end].rstrip(" \t\r")
        stop = _behind_blanks(text, line_end)
        behind = _word_behind(text, stop)
        is_key = len(word) >= _LONG and word.isprintable() and " " not in word
        is_line = text[stop + len(behind) : stop + len(behind) + 1] in ("", "\n")
        if not behind or not is_key or not (is_line or _TELLING.search(behind)):
            return
        yield _before_blanks(text, line_end), stop
        place = stop


def _joint(text: str, ends: Sequence[tuple[int, int]], between: str) -> Joint:
    first = max(0, ends[0][0] - _BEFORE)
    parts, starts, places = [], [], []
    length = 0
    begins = [first, *(goes_on for _, goes_on in ends)]
    for place, (stop, goes_on) in zip(begins, [*ends, (ends[-1][1] + _BEHIND, 0)], strict=True):
        starts.append(length)
        places.append(place)
        parts.append(text[place:stop])
        length += len(parts[-1])
        if goes_on and between:
            parts.append(between)
            length += len(between)
    return Joint("".join(parts), tuple(starts), tuple(places))


def _word_before(text: str, at: int) -> str:
    words = text[max(0, at - _WORD_MAX) : _before_blanks(text, at)].split()
    word = words[-1] if words else ""
    return "" if "\x1e" in word or text[at - 1 : at] == "\n" else word


def _word_behind(text: str, at: int) -> str:
    part = text[at : at + _WORD_MAX]
    words = part.split(None, 1)
    return words[0] if words and not part[0].isspace() and part[0] != "\x1e" else ""


def _before_blanks(text: str, at: int) -> int:
    return at - len(part) + len(part.rstrip(" \t\r")) if (part := text[max(0, at - _WORD_MAX) : at]) else at


def _behind_blanks(text: str, at: int) -> int:
    part = text[at + 1 : at + 1 + _WORD_MAX]
    return at + 1 + len(part) - len(part.lstrip(" \t"))


def _line_length(text: str, at: int) -> int:
    return at - text.rfind("\n", max(0, at - 1_000), at)


def _line_behind(text: str, at: int) -> int:
    end = text.find("\n", at, at + 1_000)
    return (end if end >= 0 else min(len(text), at + 1_000)) - at
