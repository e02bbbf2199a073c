"""Numbers of digits alone: cards, SSN, ITIN, Aadhaar, NHS, telephones, accounts and passports.

One expression takes the whole run of digits with what stands between them, so that a part of a card is never taken for something
else, whether it is one or not. Where the run is none as a whole it may be several, or have a stranger at its end.
"""

import re
from collections.abc import Iterable, Iterator

from appliance.guardrails.context import AFTER, BEFORE
from appliance.guardrails.numbers.cards import card
from appliance.guardrails.numbers.identities import aadhaar, account, itin, passport, ssn, uk_nhs
from appliance.guardrails.numbers.number import Number
from appliance.guardrails.numbers.phones import phone
from appliance.guardrails.pattern import Found, Match, Pattern

_KINDS = (
    ("CREDIT_CARD", range(12, 20), card),
    ("AADHAAR", (12, 16), aadhaar),
    ("US_SSN", (9,), ssn),
    ("US_ITIN", (9,), itin),
    ("UK_NHS", (10,), uk_nhs),
    ("PHONE", range(7, 17), phone),
    ("BANK_ACCOUNT", range(9, 19), account),
    ("PASSPORT", (8, 9), passport),
)
AMONG_OTHERS = 0.65  # bare digits in a row of numbers are mostly none of these
SURE = 0.9  # and no other kind is asked
SCORE_MIN = 0.3
LENGTH_MAX = 72  # of one value: a telephone with its extension, or nineteen digits with three marks between
_FIELD = re.compile(r"[^ ]+")
_BREAK = re.compile(r" {2,}| - | (?=[(+])|(?<=[0-9])(?=\()")


def judge(match: Match) -> Iterable[Found]:
    text, start, end = match.text, match.start, match.end
    if start and (text[start - 1].isalnum() or text[start - 1] == "_") and text[start] not in "+(":
        return
    if end < len(text) and (text[end].isalnum() or text[end] == "_"):
        return
    yield from judged(text, start, end)


def judged(text: str, start: int, end: int) -> Iterator[Found]:
    if text[start] == "(" and ")" not in text[start:end]:
        start += 1
    found = verdict(Number(text, start, end)) if end - start <= LENGTH_MAX else None
    if found is not None and found.score >= 0.5:
        yield found
        return
    parts = list(_parts(text, start, end))
    better = [one for one in parts if one.score >= 0.5]
    yield from better or ([found] if found else parts)


def verdict(number: Number) -> Found | None:
    """The surest of all kinds; of two, the one first in the table."""
    best, kind = 0.0, ""
    for one, lengths, sure in _KINDS:
        if len(number.digits) in lengths and (score := sure(number)) > best:
            best, kind = score, one
            if best >= SURE:
                break
    return Found(kind, best, (number.start, number.end)) if best >= SCORE_MIN else None


def _parts(text: str, start: int, end: int) -> Iterator[Found]:
    """Of a run that is nothing as a whole."""
    place = start
    pieces: list[tuple[int, int]] = []
    for cut in _BREAK.finditer(text, start, end):
        pieces.append((place, cut.start()))
        place = cut.end()
    pieces.append((place, end))
    for begin, stop in pieces:
        found = verdict(Number(text, begin, stop)) if len(pieces) > 1 and 7 <= stop - begin <= LENGTH_MAX else None
        if found is not None:
            yield found
        elif " " in text[begin:stop]:
            yield from _fields(text, begin, stop)


def _fields(text: str, start: int, end: int) -> Iterator[Found]:
    """Words of digits: each long one by itself; or all without the first, or the last, that a card or an Aadhaar then is."""
    fields = [one.span() for one in _FIELD.finditer(text, start, end)]
    if any(stop - begin >= 7 for begin, stop in fields):
        for begin, stop in fields:
            if stop - begin < 13 and start + BEFORE < begin and stop + AFTER < end and text[begin:stop].isdigit():
                continue  # numbers on both sides as far as words count
            found = verdict(Number(text, begin, stop)) if 7 <= stop - begin <= LENGTH_MAX else None
            if found is not None and found.score >= AMONG_OTHERS:
                yield found
        return
    if len(fields) < 3 or end - start > LENGTH_MAX:
        return
    for first, last in ((0, -2), (1, -1)):
        outside = fields[-1] if first == 0 else fields[0]
        if outside[1] - outside[0] >= 4:
            continue
        found = verdict(Number(text, fields[first][0], fields[last][1]))
        if found is not None and found.type in ("CREDIT_CARD", "AADHAAR", "PHONE"):
            yield found
            return


PATTERNS = (
    Pattern(
        name="numbers",
        types=tuple(kind for kind, _, _ in _KINDS),
        regex=r"(?:\+ |[+(]{0,2})[0-9](?:[ .()\-]{0,3}[0-9]){6,}(?: ?(?:x|ext\.?) ?[0-9]{1,6}\b)?",
        judge=judge,
        length_max=4096,
        open=True,
        looks_after=AFTER + 2,
    ),
)
