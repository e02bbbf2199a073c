"""A text that is inspected as it passes. Held back is what could still become part of a finding, and nothing else.

What could: an expression's beginning at the end of what has come (`partial.beginnings`); a candidate whose judge wants to see
what follows; and whatever of a candidate they touch, so that what is looked for next begins between two of them, as in the whole
text. Before the window stands what was let go of last, for the judges.
"""

import re
from collections.abc import Callable, Sequence

import msgspec
import re2

from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.normal_text import NormalText, read, unfinished
from appliance.guardrails.partial import beginnings
from appliance.guardrails.scanner import Followed, Follower, Scanner, TextDetector, Unreadable

CONTEXT = 256  # characters that were let go of and are still looked at
HELD_MAX = 4_096
HELD_LESS = 3_072  # where that is too much; with a slab at a time, not a letter, looking again costs little
_TOGETHER = 6
_LONG_WORD = re.compile(rb"[^\s]{16}")
_PATIENCE = 16  # where nothing could go, it is looked at again when it has grown by this part
_NEAR = 24  # characters: so many may be held without being looked at twice
_EXACT_MEMORY = 8 << 20
Act = Callable[[str, list[Finding]], str]
Search = Callable[..., list[tuple[int, int]]]


class Holding:
    """Made once for a scanner: what its expressions' beginnings are.

    All together are one automaton, the quickest for words. Over letters drawn by chance, such as keys, it would grow with every
    one; there they are asked a few at a time. Neither counts repeats (a list of words with numbers would be the beginning of an
    IBAN for as long as it goes on), so where they would hold back more than a few words, each expression is asked exactly.

    Errors: Unreadable: they are too large together for `memory_max`; NoBeginnings: an expression has none.
    """

    def __init__(self, scanner: Scanner, memory_max: int = 64 << 20, *, exact: bool = True) -> None:
        self.scanner = scanner
        regexes = [pattern.regex for pattern in scanner.patterns]
        self._parts = [regexes[start : start + _TOGETHER] for start in range(0, len(regexes), _TOGETHER)]
        some = [list(map(beginnings, part)) for part in self._parts]
        self._all = [_at_end([one for few in some for one in few], scanner, memory_max)] if some else []
        self._few = [_at_end(few, scanner, memory_max) for few in some] if len(some) > 1 else self._all
        self._exact: list[list[Search] | None] = [None] * len(self._few)  # made where they are needed first
        self._is_exact = exact

    def start(self, plain: NormalText, begin: int = 0) -> int:
        """Where the last part begins that isn't decided yet, in characters of the normalised text. Before `begin` all is."""
        data = self.scanner.data(plain)
        is_wide, end = len(data) != len(plain.flat), len(data)
        first = len(plain.text[:begin].encode("utf-8", "surrogatepass")) if is_wide else begin
        start = _leftmost(self._few if _LONG_WORD.search(data, first) else self._all, data, first, end)
        if end - start > _NEAR and self._is_exact:
            start = self._exactly(data, start, end)
        return begin + len(data[first:start].decode("utf-8", "surrogatepass")) if is_wide else start

    def warm(self) -> None:
        """Makes what asks exactly: some milliseconds a set, which no stream should take."""
        for number in range(len(self._few) if self._is_exact else 0):
            self._each(number)

    def _exactly(self, data: bytes, first: int, end: int) -> int:
        start = end
        for number, few in enumerate(self._few):
            found = _leftmost((few,), data, first, end)
            if end - found > _NEAR:
                found = _leftmost(self._each(number), data, found, end)
            start = min(start, found)
        return start

    def _each(self, number: int) -> list[Search]:
        made = self._exact[number]
        if made is None:
            every = [beginnings(regex, counted=True) for regex in self._parts[number]]
            made = self._exact[number] = [_at_end([one], self.scanner, _EXACT_MEMORY) for one in every]
        return made


def _leftmost(searches: Sequence[Search], data: bytes, first: int, end: int) -> int:
    start = end
    for search in searches:
        found = search(re2._Anchor.UNANCHORED, data, first, end)[0][0]
        if 0 <= found < start:
            start = found
    return start


def _at_end(every: Sequence[str], scanner: Scanner, memory_max: int) -> Search:
    choices = scanner.options()
    choices.max_mem = memory_max  # it is built as far as texts need it
    try:
        search: Search = re2.compile(f"(?:{'|'.join(every)})\\z".encode(), options=choices)._regexp.Match
    except re2.error as error:
        raise Unreadable(f"too large for streams: {error}") from None
    return search


class Window(msgspec.Struct):
    """One text of one answer.

    act: what is shown instead of a part that is let go of, given the findings in it (placed in that part). It may raise: then
         nothing more is shown.
    beside: what is looked for as well. whole: detectors of whole texts; those that can read along do so.
    let_go, is_changed: how many characters the last call let go of, and whether it shows others instead.
    """

    holding: Holding
    act: Act
    beside: tuple[Holding, ...] = ()
    whole: tuple[TextDetector, ...] = ()
    let_go: int = 0
    is_changed: bool = False
    _context: str = ""
    _held: str = ""
    _gone: int = 0
    _followers: tuple[Follower, ...] | None = None
    _enough: int = 0  # so much must be held before it is looked at again

    def feed(self, text: str) -> str:
        """What can be shown now."""
        self._held += text
        if len(self._held) < self._enough:
            return self._let_go(0, [])
        before, behind = len(self._context), unfinished(self._held)
        plain = read(self._context + self._held[: len(self._held) - behind])
        begin = plain.place(before)
        hold = min(self._place(plain, each.start(plain, begin)) for each in self._holdings)
        if self._followers is None:
            self._followers = tuple(each.follow() for each in self.whole if isinstance(each, Followed))
        along = [each.feed(plain, self._gone - before) for each in self._followers]
        hold = min([hold, *(open_from for _, open_from in along)])
        is_full = len(self._held) > HELD_MAX + hold - before
        found: list[Finding] = []
        if hold > before or is_full:
            found, hold = self._looked_at(plain, hold, [one for some, _ in along for one in some])
        border = max(0, hold - before)
        if len(self._held) - border > HELD_MAX:
            border = len(self._held) - HELD_LESS
        self._enough = 0 if border else len(self._held) + len(self._held) // _PATIENCE
        return self._let_go(border, found)

    def last(self, text: str = "") -> str:
        """With this the text is whole: nothing waits any more."""
        self._held += text
        plain, before = read(self._context + self._held), len(self._context)
        begin = plain.place(before)
        raw = [
            one
            for each in self._holdings
            for pattern, match in each.scanner.candidates(plain, begin)
            for one in pattern.found(match)
        ]
        found = [one.at(*plain.original(one.start, one.end)) for one in raw]
        if self._followers is None:  # all of it at once
            found += [one.at(*plain.original(one.start, one.end)) for each in self.whole for one in each.find(plain)]
        for follower in self._followers or ():
            found += follower.feed(plain, self._gone - before, is_last=True)[0]
        return self._let_go(len(self._held), resolved(found))

    @property
    def _holdings(self) -> tuple[Holding, ...]:
        return (self.holding, *self.beside)

    def _looked_at(self, plain: NormalText, hold: int, found: list[Finding]) -> tuple[list[Finding], int]:
        """Findings, and from where on nothing is decided, both in the original's characters. `found`: what is known already."""
        spans: list[tuple[int, int]] = []
        begin, end = plain.place(len(self._context)), len(plain.flat)
        for holding in self._holdings:
            for pattern, match in holding.scanner.candidates(plain, begin):
                span = plain.original(match.start, match.end)
                if match.end + pattern.looks_after > end:
                    hold = min(hold, span[0])
                spans.append(span)
                found += [one.at(*plain.original(one.start, one.end)) for one in pattern.found(match)]
        spans += [(one.start, one.end) for one in found]
        for start, stop in sorted(spans, reverse=True):
            if stop > hold:
                hold = min(hold, start)
        return resolved(found), hold

    def _place(self, plain: NormalText, hold: int) -> int:
        """A border of the normalised text in the original one."""
        if plain.starts is None:
            return hold
        return plain.starts[hold] if hold < len(plain.starts) else plain.ends[-1] if plain.ends else 0

    def _let_go(self, border: int, found: list[Finding]) -> str:
        self.let_go, self.is_changed = border, False
        if border == 0:
            return ""
        gone, self._held = self._held[:border], self._held[border:]
        before = len(self._context)
        inside = [
            one.at(one.start - before, one.end - before) for one in found if one.start >= before and one.end <= before + border
        ]
        shown = self.act(gone, inside)
        self.is_changed = shown != gone
        self._context = (self._context + gone)[-CONTEXT:]
        self._gone += border
        return shown
