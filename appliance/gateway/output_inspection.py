"""What a model answers, inspected as it passes: the policy's hiding and stopping, and values given back to their caller.

Each text of an answer (a choice's words, its reasoning, each call's arguments) is a line of its own. What a line still holds when
another text begins is let go of first, so that the order of the answer stays.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from appliance.chat import Chunk, Delta
from appliance.gateway.answer_line import Line, Name, put_into, texts
from appliance.gateway.tally import Tally
from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.finding import Finding
from appliance.guardrails.guard import Guard
from appliance.guardrails.placeholders import Placeholders, Restoring
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.verdict import judge

BLOCKED = "content_filter"
ATTACK_EVERY = 1_000  # characters after which an answer is judged as a whole
ATTACK_SEEN = 2_000


class _Stopped(Exception):
    """The policy lets nothing more of this answer pass."""


class _Judged(msgspec.Struct):
    """What a text has said of late, for what can only be judged as a whole."""

    seen: str = ""
    unjudged: int = 0
    told: bool = False


class OutputInspection:
    """Of one call. `stopped`: the types for which nothing more passes; None: it goes on."""

    def __init__(
        self,
        guard: Guard,
        policy: PolicySet,
        tally: Tally,
        placeholders: Placeholders | None,
        custom: CustomScanner | None = None,
    ) -> None:
        self._guard = guard
        self._policy = policy
        self._custom = custom
        self._wanted = partial(policy.acts_on, direction="output")
        self._tally = tally
        self._placeholders = placeholders if placeholders is not None and placeholders.is_used else None
        self._lines: dict[int, Line] = {}  # the one that is on its way, by choice
        self._judged: dict[tuple[int, Name], _Judged] = {}
        self.stopped: list[str] | None = None

    def passed(self, chunk: Chunk) -> Sequence[Chunk]:
        """What may go on now; the chunk itself perhaps later. Where it is stopped, the last one's `finish` says so."""
        if self.stopped is not None:
            return ()
        if not chunk.deltas:
            return (chunk,)
        try:
            return self._passed(chunk)
        except _Stopped:
            self._lines.clear()
            return (Chunk([Delta(index=chunk.deltas[0].index)], chunk.usage, BLOCKED),)

    def rest(self) -> list[Chunk]:
        """What is still held when an answer ends without saying so."""
        try:
            return [chunk for index in list(self._lines) for chunk in self._ended(index)]
        except _Stopped:
            self._lines.clear()
            return [Chunk([Delta()], None, BLOCKED)]

    def _passed(self, chunk: Chunk) -> list[Chunk]:
        found = [(delta, *entry) for delta in chunk.deltas for entry in texts(delta)]
        if chunk.finish is not None and not any(delta.index in self._lines for delta in chunk.deltas):
            return [self._whole(chunk)]
        if len(found) > 1 or (found and len(chunk.deltas) > 1):
            return [ready for piece in _split(chunk) for ready in self._passed(piece)]
        delta, is_last = chunk.deltas[0], chunk.finish is not None
        line = self._lines.get(delta.index)
        if not found:
            ends = is_last or delta.signature is not None or bool(delta.tool_calls)
            return [*(self._ended(delta.index) if ends else ()), chunk]
        _, name, text = found[0]
        ahead = self._ended(delta.index) if line is not None and line.name != name else []
        line = self._lines.get(delta.index) or self._begun(delta.index, name)
        self._judge(delta.index, name, text, is_last=is_last)
        if not is_last:
            return [*ahead, *line.feed(chunk, text)]
        del self._lines[delta.index]
        return [*ahead, *line.last(chunk, text)]

    def _whole(self, chunk: Chunk) -> Chunk:
        """All that a choice says, in one chunk."""
        for delta in chunk.deltas:
            for name, text in list(texts(delta)):
                self._judge(delta.index, name, text, is_last=True)
                window = self._guard.window(self._act, self._custom, self._wanted)
                shown = window.last(text)
                if (restoring := self._restoring(name)) is not None:
                    shown = restoring.feed(shown) + restoring.end()
                if shown != text:
                    put_into(delta, name, shown)
                    chunk.raw = None
        return chunk

    def _begun(self, index: int, name: Name) -> Line:
        window = self._guard.window(self._act, self._custom, self._wanted)
        line = self._lines[index] = Line(name, window, self._restoring(name))
        return line

    def _restoring(self, name: Name) -> Restoring | None:
        """None: nothing of this answer has to be put back."""
        return Restoring(self._placeholders, in_json=name[0] == "call") if self._placeholders is not None else None

    def _ended(self, index: int) -> list[Chunk]:
        line = self._lines.pop(index, None)
        if line is None:
            return []
        self._judge(index, line.name, "", is_last=True)
        return line.last()

    def _act(self, part: str, found: list[Finding]) -> str:
        if not found:
            return part
        verdict = judge(part, found, self._policy, "output")
        self._tally.add("output", verdict.findings)
        self._tally.record("output", found, self._policy.shadow)
        if not verdict.allowed:
            self.stopped = sorted({one.type for one in verdict.findings if one.action == "block"})
            raise _Stopped
        return verdict.text

    def _judge(self, index: int, name: Name, text: str, *, is_last: bool) -> None:
        """Attacks have no end that could be waited for: a text is judged every thousand characters, and at its end."""
        one = self._judged.setdefault((index, name), _Judged())
        one.seen += text
        one.unjudged += len(text)
        if not one.unjudged or not (is_last or one.unjudged >= ATTACK_EVERY):
            return
        seen, one.seen, one.unjudged = one.seen, one.seen[-ATTACK_SEEN:], 0
        if not one.told and (attacks := self._guard.attacks(seen)):
            one.told = True
            self._act(seen, attacks)


def _split(chunk: Chunk) -> list[Chunk]:
    """A chunk for each text; what else it says with the first, how it ends with the last."""
    pieces: list[Chunk] = []
    for delta in chunk.deltas:
        names = list(texts(delta))
        for number, (name, text) in enumerate(names):
            one = delta if number == 0 else Delta(index=delta.index)
            for other, _ in names:
                put_into(one, other, text if other == name else "")
            pieces.append(Chunk([one], more=True))
        if not names:
            pieces.append(Chunk([delta], more=True))
    last = pieces[-1]
    last.usage, last.finish, last.more = chunk.usage, chunk.finish, chunk.more
    return pieces
