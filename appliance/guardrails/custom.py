"""Expressions that an administrator wrote: what they look for is CUSTOM_<NAME>.

They are RE2's, over the text as detectors read it (`normal_text`), in any script; `^` and `$` are the ends of a line. Whatever is
written, the time is linear in the text and the memory bounded: a finding has at most 8,192 characters, 4,096 in a stream.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise

import re2

from appliance.guardrails.expression import NotRegular, Token, parsed, tokens, width
from appliance.guardrails.normal_text import NormalText, normal
from appliance.guardrails.pattern import Found, Match, Pattern, options
from appliance.guardrails.policy import CustomExpression
from appliance.guardrails.scanner import Scanner, Unreadable
from appliance.guardrails.window import HELD_MAX, Holding

EXPRESSIONS_MAX = 100
SCORE = 0.95
_MEMORY, _MEMORY_MIN = 64 << 20, 1 << 20  # of all automata of a kind together; and of each: RE2 does with what it has
_SHOWN_MAX = 40
Search = Callable[..., list[tuple[int, int]]]


class BadExpression(ValueError):
    """`place`: which of the expressions. `position`: of the character in it where it goes wrong; None: that can't be told."""

    def __init__(self, place: int, reason: str, position: int | None = None) -> None:
        super().__init__(reason)
        self.place = place
        self.reason = reason
        self.position = position


class CustomScanner(Scanner):
    """It reads UTF-8, so that expressions may name letters of any script. `holding`: for streams.

    Errors: Unreadable: they are too large together.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.patterns, self.whole = tuple(patterns), ()
        self._searches = [_compiled(one.regex, max(_MEMORY_MIN, _MEMORY // len(patterns))) for one in patterns]
        self._any = _compiled("|".join(one.regex for one in patterns), _MEMORY) if patterns else None
        self.holding = Holding(self, _MEMORY, exact=False)

    @staticmethod
    def options() -> re2.Options:
        found = options()
        found.encoding = re2.Options.Encoding.UTF8
        return found

    def data(self, plain: NormalText) -> bytes:
        """UTF-8. What is no character (half a pair) is none there either."""
        return plain.flat if plain.text.isascii() else _bytes(plain.text)

    def candidates(self, plain: NormalText, start: int = 0) -> Iterator[tuple[Pattern, Match]]:
        data = self.data(plain)
        begin = start if len(data) == len(plain.text) else len(_bytes(plain.text[:start]))
        if self._any is None or self._any(re2._Anchor.UNANCHORED, data, begin, len(data))[0][0] < 0:
            return
        for pattern, search in zip(self.patterns, self._searches, strict=True):
            for span in _in_characters(_spans(search, data, begin), data, begin, start):
                yield pattern, Match(plain, [span])


def custom_scanner(expressions: Sequence[CustomExpression]) -> CustomScanner:
    """Errors: BadExpression."""
    if len(expressions) > EXPRESSIONS_MAX:
        raise BadExpression(EXPRESSIONS_MAX, f"there may be {EXPRESSIONS_MAX} expressions")
    patterns = [_pattern(place, one) for place, one in enumerate(expressions)]
    try:
        return CustomScanner(patterns)
    except Unreadable:
        raise BadExpression(len(patterns) - 1, "the expressions are too large together") from None


def _pattern(place: int, expression: CustomExpression) -> Pattern:
    kind, flags = f"CUSTOM_{expression.name}", "im" if expression.ignore_case else "m"
    regex = f"(?{flags}:{''.join(map(_plain, _read(place, expression.regex)))})"
    pattern = Pattern(name=kind.lower(), types=(kind,), regex=regex, judge=_judge_of(kind), length_max=HELD_MAX)
    try:
        is_empty = width(parsed(regex)) == 0
        CustomScanner([pattern])
    except NotRegular as error:
        raise BadExpression(place, str(error)) from None
    except Unreadable:
        raise BadExpression(place, "it is too large") from None
    if is_empty:
        raise BadExpression(place, "it matches the empty text")
    return pattern


def _read(place: int, given: str) -> list[Token]:
    """As it was written. Errors: BadExpression."""
    try:
        _compiled(given, _MEMORY)
        parts = list(tokens(given))
    except (Unreadable, NotRegular) as error:
        raise BadExpression(place, _shortened(str(error)), _position(given, str(error))) from None
    for token in parts:
        reason = _REFUSED.get(token.text)
        if token.kind in ("flags", "open") and "m" in token.text.partition("<")[0]:
            reason = "^ and $ are the ends of a line: the flag m can't be changed"
        if reason is not None:
            raise BadExpression(place, reason, token.start)
    return parts


_REFUSED = {
    r"\A": r"\A can't be told in a text that comes in pieces; ^ is the beginning of a line",
    r"\C": r"\C is a byte, and no part of a character",
}


def _judge_of(kind: str) -> Callable[[Match], list[Found]]:
    found = [Found(kind, SCORE)]
    return lambda match: found


def _plain(token: Token) -> str:
    """As the text will be: characters are what texts are read as, and no group captures."""
    text = token.text
    if token.kind == "open" and (text == "(" or text.endswith(">")):
        return "(?:"
    if text.isascii() or token.kind != "character":
        return text
    if len(text) == 1:
        form = normal(text).text
        return re.escape(form) if len(form) == 1 else f"(?:{re.escape(form)})"
    return "".join(one if one.isascii() or len(form := normal(one).text) != 1 else re.escape(form) for one in text)


def _compiled(regex: str, memory_max: int) -> Search:
    """Errors: Unreadable."""
    choices = CustomScanner.options()
    choices.max_mem = memory_max
    try:
        search: Search = re2.compile(regex.encode(), options=choices)._regexp.Match
    except UnicodeEncodeError:
        raise Unreadable("half a character") from None
    except re2.error as error:
        raise Unreadable(error.args[0].decode(errors="replace")) from None
    return search


def _spans(search: Search, data: bytes, place: int) -> Iterator[tuple[int, int]]:
    """Of its matches, in bytes. Each is looked for in a part of the text, or `a[^z]*z|a` would read all of it for every a."""
    end, most = len(data), HELD_MAX if data.isascii() else 3 * HELD_MAX
    while place < end:
        stop = min(end, place + 2 * most)
        first, last = search(re2._Anchor.UNANCHORED, data, place, stop)[0]
        if stop < end and (first < 0 or first >= place + most):
            place += most
            continue
        if first < 0:
            return
        if last > first:
            yield first, last
        place = max(last, first + 1)


def _in_characters(spans: Iterable[tuple[int, int]], data: bytes, begin: int, start: int) -> Iterator[tuple[int, int]]:
    """`begin`: in bytes, what `start` is in characters."""
    if data.isascii():
        yield from spans
        return
    for first, last in spans:
        start += len(data[begin:first].decode("utf-8", "surrogatepass"))
        begin = first
        yield start, start + len(data[first:last].decode("utf-8", "surrogatepass"))


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _shortened(reason: str) -> str:
    """RE2's own words; of the expression no more than a bit."""
    said, _, fragment = reason.partition(": ")
    return reason if len(fragment) <= _SHOWN_MAX else said


def _position(regex: str, reason: str) -> int | None:
    """Where the fragment stands that RE2 complains of."""
    said, _, fragment = reason.partition(": ")
    if said.startswith("trailing"):
        return len(regex) - 1
    read: list[Token] = []
    try:
        read += tokens(regex)  # as far as it can be read
    except NotRegular:
        pass
    if said in ("missing )", "unexpected )"):
        return _unpaired(read, opens=said == "missing )")
    before: dict[int, str] = {two.start: one.kind for one, two in pairwise(read)}
    for token in read:
        begins = regex.startswith(fragment, token.start) and bool(fragment)
        if begins and not (said.startswith("no argument") and before.get(token.start, "or") not in ("or", "open", "flags")):
            return token.start
    place = regex.rfind(fragment) if said.startswith("missing") else regex.find(fragment)
    return place if place >= 0 and fragment else None


def _unpaired(read: Iterable[Token], *, opens: bool) -> int | None:
    """The last parenthesis that nothing closes, or the first that nothing opens."""
    open_at: list[int] = []
    for token in read:
        if token.kind == "open":
            open_at.append(token.start)
        elif token.kind == "close":
            if not open_at:
                return None if opens else token.start
            open_at.pop()
    return open_at[-1] if opens and open_at else None
