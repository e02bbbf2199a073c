"""Tokens with a fixed beginning: one expression for many of them, and a table that says what each must look like."""

import re
from collections.abc import Iterable, Sequence

import msgspec

from appliance.guardrails.dummies import is_filled_in
from appliance.guardrails.pattern import Found, Judge, Match, Pattern

RUN = "0-9A-Za-z_-"  # what tokens are made of
DOTTED = "0-9A-Za-z_.~%=+/|!$-"  # and those with parts
LENGTH_MAX = 900
# A letter before a token is no part of another word where it ends an escape: `\n`, `%3D`, `\u003d`, a terminal's colour.
_ESCAPE = re.compile(r"(?:\\[abfnrtv0]|(?:%|\\x)[0-9A-Fa-f]{2}|\\u[0-9A-Fa-f]{4}|\x1b\[[0-9;]{0,12}m)$")
_LETTER = re.compile(r"[0-9A-Za-z_]", re.ASCII)


class Form(msgspec.Struct, frozen=True):
    """kind: SECRET_<kind>. rest: what follows the prefix, as an expression; it is looked for in at most LENGTH_MAX characters."""

    kind: str
    prefix: str
    rest: str
    score: float = 0.9


def stands_alone(match: Match, start: int, end: int) -> bool:
    """No letter or digit touches it."""
    if end < len(match.text) and _LETTER.match(match.text[end]):
        return False
    if start == 0 or not _LETTER.match(match.text[start - 1]):
        return True
    return _ESCAPE.search(match.text[max(0, start - 16) : start]) is not None


def tokens(name: str, forms: Sequence[Form], run: str = RUN) -> Pattern:
    prefixes = sorted({form.prefix for form in forms})
    return Pattern(
        name=name,
        types=tuple(sorted({f"SECRET_{form.kind}" for form in forms})),
        regex="(?:" + "|".join(re.escape(one) for one in prefixes) + f")[{run}]{{8,}}",
        judge=_judge_of(forms),
        length_max=LENGTH_MAX + max(len(one) for one in prefixes),
        looks_after=1,
    )


def _judge_of(forms: Sequence[Form]) -> Judge:
    by_prefix: dict[str, list[tuple[Form, re.Pattern[str]]]] = {}
    for form in forms:
        by_prefix.setdefault(form.prefix, []).append((form, re.compile(form.rest, re.ASCII)))
    longest_first = sorted(by_prefix, key=len, reverse=True)

    def judge(match: Match) -> Iterable[Found]:
        value = match.text[match.start : min(match.end, match.start + LENGTH_MAX)]
        for prefix in longest_first:
            if not value.startswith(prefix):
                continue
            for form, rest in by_prefix[prefix]:
                found = rest.match(value, len(prefix))
                if found is None or not _is_whole(match, found.end()) or is_filled_in(found.group()):
                    continue
                return [Found(f"SECRET_{form.kind}", form.score, (match.start, match.start + found.end()))]
        return []

    return judge


def _is_whole(match: Match, length: int) -> bool:
    if length >= LENGTH_MAX:
        return True
    return stands_alone(match, match.start, match.start + length)
