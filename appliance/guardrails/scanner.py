"""Runs detectors over a text. What stands in it tells which expressions may match; only those are then looked for one by one."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, runtime_checkable

import re2

from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.normal_text import NormalText, read
from appliance.guardrails.pattern import Match, Pattern, options
from appliance.guardrails.perhaps import Perhaps


class TextDetector(Protocol):
    """Looks at a whole text; a stream can't be cut for it. Findings are in characters of the normalised text."""

    name: str
    types: tuple[str, ...]

    def find(self, text: NormalText) -> Iterable[Finding]: ...


class Follower(Protocol):
    """Reads one text that comes in pieces."""

    def feed(self, plain: NormalText, origin: int, *, is_last: bool = False) -> tuple[list[Finding], int]:
        """`plain`: what is in sight, from the given text's character `origin` on. Gives what was found in it, and from where on
        nothing is decided, in characters of what was given for it.
        """
        ...


@runtime_checkable
class Followed(TextDetector, Protocol):
    """One that can read along. streams: whether it finds then what it finds in the whole."""

    streams: Literal["exact", "by sentence"]

    def follow(self) -> Follower: ...


Wanted = Callable[[Iterable[str]], bool]  # whether any of these types comes to anything


class Unreadable(ValueError):
    """An expression that RE2 does not take. The message says why."""


class Scanner:
    """Made once for a set of patterns; used by any number of texts, and threads, at once.

    options: of its expressions, and of others that are made of them.
    """

    options = staticmethod(options)

    def __init__(self, patterns: Sequence[Pattern], whole: Sequence[TextDetector] = ()) -> None:
        self.whole = tuple(whole)
        self.patterns = tuple(patterns)
        self._each: list[Any] = []
        for pattern in self.patterns:
            try:
                compiled = re2.compile(pattern.regex.encode("latin-1"), options=options())
            except re2.error as error:
                raise Unreadable(_said(error)) from None
            self._each.append(compiled._regexp)  # its Match gives spans; the wrapper above makes an object of each
        self._perhaps = Perhaps([pattern.regex for pattern in self.patterns])

    def find(self, text: str, wanted: Wanted | None = None) -> list[Finding]:
        """Findings in the given text's own characters, in its order, none overlapping another (attacks apart).

        `wanted`: detectors of whole texts look only for what is.
        """
        plain = read(text)
        return placed(self.found_in(plain, wanted), plain)

    def found_in(self, plain: NormalText, wanted: Wanted | None = None) -> Iterator[Finding]:
        """In the normalised text's characters, as they come."""
        for pattern, match in self.candidates(plain):
            yield from pattern.found(match)
        for detector in self.whole_wanted(wanted):
            yield from detector.find(plain)

    def whole_wanted(self, wanted: Wanted | None = None) -> tuple[TextDetector, ...]:
        return tuple(one for one in self.whole if wanted is None or wanted(one.types))

    def data(self, plain: NormalText) -> bytes:
        """What its expressions read: here, a byte a character."""
        return plain.flat

    def candidates(self, plain: NormalText, start: int = 0) -> Iterator[tuple[Pattern, Match]]:
        """What the judges are asked about. Before `start` none begins, but what stands there is seen."""
        ahead = plain.flat[start - 1 :] if start > 1 else plain.flat  # with one character before, for `\b`
        for number in self._perhaps.matching(ahead):
            pattern, search, flat = self.patterns[number], self._each[number].Match, plain.flat
            place, end = start, len(flat)
            while place <= end:
                spans = search(re2._Anchor.UNANCHORED, flat, place, end)
                if spans[0][0] < 0:
                    break
                yield pattern, Match(plain, spans)
                place = spans[0][1] if spans[0][1] > place else place + 1


def placed(found: Iterable[Finding], plain: NormalText) -> list[Finding]:
    """In the original's own characters, in its order, none overlapping another (attacks apart)."""
    if plain.starts is None:
        return resolved(list(found))
    return resolved([one.at(*plain.original(one.start, one.end)) for one in found])


def _said(error: Exception) -> str:
    text = error.args[0] if error.args else str(error)
    return text.decode(errors="replace") if isinstance(text, bytes) else str(text)
