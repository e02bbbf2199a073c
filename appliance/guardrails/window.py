"""A text that is inspected as it passes. Held back is what could still become part of a finding, and nothing else.

What could: an expression's beginning at the end of what has come (`partial.beginnings`); a candidate whose judge wants to see
what follows; and whatever of a candidate they touch, so that what is looked for next begins between two of them, as in the whole
text. Before the window stands what was let go of last, for the judges.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterable

import msgspec
import re2

from appliance.guardrails.finding import Finding
from appliance.guardrails.normal_text import NormalText, normal
from appliance.guardrails.partial import beginnings
from appliance.guardrails.scanner import Scanner, Unreadable, placed

CONTEXT = 256  # characters that were let go of and are still looked at
HELD_MAX = 4_096
Act = Callable[[str, list[Finding]], str]


class Holding:
    """Made once for a scanner: what its expressions' beginnings are.

    Errors: Unreadable: they are too large together for `memory_max`; NoBeginnings: an expression has none.
    """

    def __init__(self, scanner: Scanner, memory_max: int = 256 << 20) -> None:
        self.scanner = scanner
        every = "|".join(beginnings(pattern.regex) for pattern in scanner.patterns)
        larger = scanner.options()
        larger.max_mem = memory_max  # of all expressions together; its automaton is built as far as texts need it
        try:
            self._at_end = re2.compile(f"(?:{every})\\z".encode(), options=larger)._regexp if every else None
        except re2.error as error:
            raise Unreadable(f"too large for streams: {error}") from None

    def start(self, plain: NormalText) -> int:
        """Where the last part begins that isn't decided yet, in characters of the normalised text."""
        if self._at_end is None:
            return len(plain.flat)
        data = self.scanner.data(plain)
        (start, _), *_ = self._at_end.Match(re2._Anchor.UNANCHORED, data, 0, len(data))
        if start < 0:
            return len(plain.flat)
        return start if len(data) == len(plain.flat) else len(data[:start].decode("utf-8", "surrogatepass"))


class Window(msgspec.Struct):
    """One text of one answer.

    act: what is shown instead of a part that is let go of, given the findings in it (placed in that part). It may raise: then
         nothing more is shown.
    beside: what is looked for as well.
    let_go, is_changed: how many characters the last call let go of, and whether it shows others instead.
    """

    holding: Holding
    act: Act
    beside: tuple[Holding, ...] = ()
    let_go: int = 0
    is_changed: bool = False
    _context: str = ""
    _held: str = ""

    def feed(self, text: str) -> str:
        """What can be shown now."""
        self._held += text
        plain = normal(self._context + self._held)
        found, hold = self._looked_at(plain)
        border = self._place(plain, hold) - len(self._context)
        if len(self._held) - border > HELD_MAX:
            border = len(self._held) - HELD_MAX
        return self._let_go(max(0, border), found)

    def last(self, text: str = "") -> str:
        """With this the text is whole: nothing waits any more."""
        self._held += text
        plain = normal(self._context + self._held)
        found = placed((one for each in self._holdings for one in each.scanner.found_in(plain, self._start(plain))), plain)
        return self._let_go(len(self._held), found)

    @property
    def _holdings(self) -> Iterable[Holding]:
        return (self.holding, *self.beside)

    def _start(self, plain: NormalText) -> int:
        """Where what is held begins, in characters of the normalised text."""
        before = len(self._context)
        return before if plain.starts is None else bisect_left(plain.starts, before)

    def _looked_at(self, plain: NormalText) -> tuple[list[Finding], int]:
        """Findings in the original's characters, and from where on (in the normalised ones) nothing is decided."""
        hold, begin = len(plain.flat), self._start(plain)
        raw: list[Finding] = []
        spans: list[tuple[int, int]] = []
        for holding in self._holdings:
            hold = min(hold, holding.start(plain))
            for pattern, match in holding.scanner.candidates(plain, begin):
                if match.end + pattern.looks_after > len(plain.flat):
                    hold = min(hold, match.start)
                spans.append((match.start, match.end))
                raw += pattern.found(match)
        spans += [(one.start, one.end) for one in raw]
        for start, end in sorted(spans, reverse=True):
            if end > hold:
                hold = min(hold, start)
        return placed(raw, plain), hold

    def _place(self, plain: NormalText, hold: int) -> int:
        """A border of the normalised text in the original one."""
        if plain.starts is None or plain.ends is None:
            return hold
        return plain.starts[hold] if hold < len(plain.starts) else len(self._context) + len(self._held)

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
        return shown
