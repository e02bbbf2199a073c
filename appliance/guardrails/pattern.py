"""One thing to look for: an expression that finds candidates, and a judge that knows better."""

from collections.abc import Callable, Iterable, Iterator
from typing import ClassVar, Literal

import msgspec
import re2

from appliance.guardrails.finding import Finding
from appliance.guardrails.normal_text import NormalText


def options() -> re2.Options:
    """Of every expression here: bytes are characters (see `NormalText.flat`), and the memory of its automaton is bounded."""
    found = re2.Options()
    found.encoding = re2.Options.Encoding.LATIN1
    found.log_errors = False
    found.max_mem = 32 << 20
    return found


class Match:
    """A candidate. Everything is in characters of the normalised text."""

    __slots__ = ("_groups", "end", "flat", "start", "text")

    def __init__(self, text: NormalText, spans: list[tuple[int, int]]) -> None:
        self.text = text.text
        self.flat = text.flat
        self._groups = spans
        self.start, self.end = spans[0]

    @property
    def value(self) -> str:
        return self.text[self.start : self.end]

    def group(self, number: int) -> str:
        """Empty where it took no part."""
        start, end = self._groups[number]
        return self.text[start:end] if start >= 0 else ""

    def span(self, number: int) -> tuple[int, int]:
        """(-1, -1) where it took no part."""
        return self._groups[number]

    def before(self, characters: int) -> str:
        return self.text[max(0, self.start - characters) : self.start]

    def after(self, characters: int) -> str:
        return self.text[self.end : self.end + characters]


class Found(msgspec.Struct, frozen=True):
    """A judge's yes. `span`: the part of the candidate that is it, in characters of the normalised text; None: all of it."""

    type: str
    score: float
    span: tuple[int, int] | None = None


Judge = Callable[[Match], Iterable[Found]]


class Pattern(msgspec.Struct, frozen=True, kw_only=True):
    """A candidate's expression, in RE2's syntax over `NormalText.flat` (Latin-1: `\\xe9` is any letter outside ASCII).

    name:     unique among all; it stands in findings as their detector.
    types:    all that its judge may say: policies ask for types, and a pattern whose types nobody wants doesn't run.
    regex:    matches are leftmost, and don't overlap: write it so that it takes the whole run that the judge wants to see
              (all the digits, not the first nine). At most `length_max` characters, save where it is `open`.
    judge:    decides; it may look at what stands around (`before`, `after`) and must take time linear in what it looks at.
    open:     it ends with a mark that may be far off (a private key's last line): a stream holds back at most 4 KiB for it.
    looks_after: its judge looks at so many characters behind the match: a stream waits for them.
    streams: in a text that comes in pieces it finds what it finds in the whole one.
    """

    streams: ClassVar[Literal["exact"]] = "exact"

    name: str
    types: tuple[str, ...]
    regex: str
    judge: Judge
    length_max: int = 512
    open: bool = False
    looks_after: int = 0

    def found(self, match: Match) -> Iterator[Finding]:
        """What the judge says of a candidate, in characters of the normalised text."""
        for one in self.judge(match):
            start, end = one.span or (match.start, match.end)
            yield Finding(type=one.type, start=start, end=end, score=one.score, detector=self.name)
