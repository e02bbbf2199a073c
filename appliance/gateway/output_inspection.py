"""What a model answers, inspected as it passes: the policy's hiding and stopping, and values given back to their caller.

Each text of an answer (a choice's words, its reasoning, each call's arguments, any that nobody has heard of) is a line of its
own; what stands whole in a piece of the answer is decided at once. Pieces go on in their order, each once all of it is decided.
What a line still holds is let go of when another text of its choice begins.
"""

from collections.abc import Sequence
from functools import partial

import msgspec

from appliance.chat import Chunk, Delta
from appliance.errors import GuardrailFailed
from appliance.faults import point
from appliance.gateway.answer_event import AnswerEvent
from appliance.gateway.answer_line import Line
from appliance.gateway.answer_places import ALL_CHOICES, LineName, Opened, Place, of_deltas, of_event
from appliance.gateway.stopped_answer import Told
from appliance.gateway.tally import Tally
from appliance.guardrails.custom import CustomScanner
from appliance.guardrails.finding import Finding, resolved
from appliance.guardrails.guard import Guard
from appliance.guardrails.placeholders import Placeholders, Restoring
from appliance.guardrails.policy_set import PolicySet
from appliance.guardrails.verdict import judge
from appliance.telemetry.logs import get_logger

BLOCKED = "content_filter"
ATTACK_EVERY = 1_000  # characters after which an answer is judged as a whole
ATTACK_SEEN = 2_000
INSTRUCTION_MIN = 12  # characters; no shorter text is judged for attacks
WORD_MAX = 64  # one word of at most so many is an id: each answer has its own, and to judge it takes longer than all the rest
PIECES_MAX = 512  # of an answer that are held back
CLEAN_MAX = 256  # texts of which it is remembered that nothing is in them: ids and names that every event repeats
_log = get_logger("guardrails")


class _Stopped(Exception):
    """The policy lets nothing more of this answer pass."""


class _Judged(msgspec.Struct):
    """What a text has said of late, for what can only be judged as a whole."""

    seen: str = ""
    unjudged: int = 0
    told: bool = False


class _Piece(msgspec.Struct):
    """A chunk on its way; `undecided`: how many of its texts."""

    chunk: Chunk
    event: AnswerEvent | None
    undecided: int = 0

    def decided(self) -> None:
        self.undecided -= 1


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
        self._queue: list[_Piece] = []
        self._lines: dict[LineName, Line] = {}
        self._judged: dict[LineName, _Judged] = {}
        self._choices: dict[int, None] = {}  # those that have begun and not ended
        self._rewritten: set[LineName] = set()  # lines that ended in other words than they came in
        self._clean: set[str] = set()
        self._told = Told()
        self._has_failed = False
        self.stopped: list[str] | None = None

    def passed(self, chunk: Chunk) -> Sequence[Chunk]:
        """What may go on now; the chunk itself perhaps later. Where it is stopped, the last one's `finish` says so.

        Errors:  GuardrailFailed where a detector failed and the policy doesn't let that pass.
        """
        if self.stopped is not None:
            return ()
        if chunk.comment is not None or (self._has_failed and self._policy.fails_open):
            return (chunk,)
        try:
            self._take(chunk)
            return self._ready()
        except _Stopped:
            return self._stop(chunk)
        except Exception as error:
            return self._failed(error, chunk)

    def rest(self) -> list[Chunk]:
        """What is still held when an answer ends without saying so. Errors: as `passed`."""
        if self._has_failed:
            return []
        try:
            for name in list(self._lines):
                self._end(name)
            return self._ready()
        except _Stopped:
            return self._stop(Chunk())
        except Exception as error:
            return self._failed(error, None)

    def _take(self, chunk: Chunk) -> None:
        event = AnswerEvent(chunk.raw) if chunk.raw else None
        opened = self._opened(chunk, event)
        piece = _Piece(chunk, event)
        pieces = [(place.line, place) for place in opened.places if place.line is not None]
        for place in opened.places:
            if place.line is None and (shown := self._whole(place)) != place.text:
                place.put(shown)
        self._choices |= dict.fromkeys(opened.choices)
        self._end_others({name for name, _ in pieces})
        self._queue.append(piece)
        piece.undecided = len(pieces)
        for name, place in pieces:
            is_last = name[0] in opened.ends or ALL_CHOICES in opened.ends
            self._judge(name, place.text, is_last=is_last)
            line = self._lines.pop(name, None) or self._begun(place)
            if is_last:
                line.last(place, piece.decided)
                self._ended(name, line)
            else:
                self._lines[name] = line
                line.feed(place, piece.decided)
        for name in list(self._lines):
            if name[0] in opened.ends or ALL_CHOICES in opened.ends:
                self._end(name)
        for choice in opened.ends:
            self._choices.pop(choice, None)
        self._void_signature(event)
        if len(self._queue) > PIECES_MAX:  # a text that stays unfinished while another choice goes on
            self._end_others_than({name for name, _ in pieces})

    def _opened(self, chunk: Chunk, event: AnswerEvent | None) -> Opened:
        point("guardrails.output")
        if event is not None and event.rest and self._shown(event.rest, is_new=False) != event.rest:
            event.drop_rest()
        if event is None or event.body is None:
            return of_deltas(chunk)
        return of_event(event, self._clean, partial(self._shown, is_new=False))

    def _end_others(self, begun: set[LineName]) -> None:
        choices = {name[0] for name in begun}
        for name in list(self._lines):
            if name[0] in choices and name not in begun:
                self._end(name)

    def _end_others_than(self, these: set[LineName]) -> None:
        for name in list(self._lines):
            if name not in these:
                self._end(name)

    def _ready(self) -> list[Chunk]:
        count = next((number for number, piece in enumerate(self._queue) if piece.undecided), len(self._queue))
        ready, self._queue = self._queue[:count], self._queue[count:]
        return [piece.chunk for piece in ready if self._goes_on(piece)]

    def _goes_on(self, piece: _Piece) -> bool:
        """Whether anything of it is left to be told."""
        chunk, event = piece.chunk, piece.event
        if event is None:
            return chunk.raw is not None or bool(chunk.usage or chunk.finish or not chunk.deltas) or any(map(_says, chunk.deltas))
        if event.body is not None:
            self._told.see(event.body)
        if event.is_changed:
            chunk.raw = event.written()
        return True

    def _begun(self, place: Place) -> Line:
        window = self._guard.window(partial(self._act, is_new=place.is_new), self._custom, self._wanted)
        return Line(window, self._restoring(in_json=place.in_json))

    def _restoring(self, *, in_json: bool) -> Restoring | None:
        """None: nothing of this answer has to be put back."""
        return Restoring(self._placeholders, in_json=in_json) if self._placeholders is not None else None

    def _end(self, name: LineName) -> None:
        self._judge(name, "", is_last=True)
        line = self._lines.pop(name)
        line.last()
        self._ended(name, line)

    def _ended(self, name: LineName, line: Line) -> None:
        (self._rewritten.add if line.was_changed else self._rewritten.discard)(name)

    def _void_signature(self, event: AnswerEvent | None) -> None:
        """A vendor's proof of thoughts that are told in other words: it would refuse them. Unsigned ones it is never given."""
        body = event.body if event is not None else None
        added = body.get("delta") if body is not None else None
        if event is None or body is None or not isinstance(added, dict) or not added.get("signature"):
            return
        if (0, body.get("index"), "thinking") in self._rewritten:
            added["signature"], event.is_changed = "", True

    def _whole(self, place: Place) -> str:
        return self._shown(place.text, is_new=place.is_new, in_json=place.in_json)

    def _shown(self, text: str, *, is_new: bool, in_json: bool = False) -> str:
        """What is shown of a text that stands whole."""
        if text in self._clean:
            return text
        found = self._guard.found([text], self._custom, self._wanted)[0]
        if _may_instruct(text) and (attacks := self._guard.attacks(text)):
            found = resolved([*found, *attacks])
        shown = self._act(text, found, is_new=is_new)
        if self._placeholders is not None:
            before = self._placeholders.times_restored
            shown = self._placeholders.restored(shown, in_json=in_json)
            if not is_new:
                self._placeholders.times_restored = before
        if shown == text and not found and len(text) <= CLEAN_MAX and len(self._clean) < CLEAN_MAX:
            self._clean.add(text)
        return shown

    def _act(self, part: str, found: list[Finding], *, is_new: bool = True) -> str:
        if not found:
            return part
        verdict = judge(part, found, self._policy, "output")
        if is_new or not verdict.allowed:
            self._tally.add("output", verdict.findings)
            self._tally.record("output", found, self._policy.shadow)
        if not verdict.allowed:
            self.stopped = sorted({one.type for one in verdict.findings if one.action == "block"})
            raise _Stopped
        return verdict.text

    def _judge(self, name: LineName, text: str, *, is_last: bool) -> None:
        """Attacks have no end that could be waited for: a text is judged every thousand characters, and at its end."""
        one = self._judged.setdefault(name, _Judged())
        one.seen += text
        one.unjudged += len(text)
        if not one.unjudged or not (is_last or one.unjudged >= ATTACK_EVERY):
            return
        seen, one.seen, one.unjudged = one.seen, one.seen[-ATTACK_SEEN:], 0
        if not one.told and (attacks := self._guard.attacks(seen)):
            one.told = True
            self._act(seen, attacks)

    def _stop(self, chunk: Chunk) -> list[Chunk]:
        """What ends it. Nothing that is still held goes on."""
        self._queue.clear()
        self._lines.clear()
        if (raw := self._told.ending()) is not None:
            return [Chunk([Delta()], chunk.usage, BLOCKED, raw)]
        choices = sorted(self._choices) or [delta.index for delta in chunk.deltas[:1]] or [0]
        return [Chunk([Delta(index=index) for index in choices], chunk.usage, BLOCKED)]

    def _failed(self, error: Exception, chunk: Chunk | None) -> list[Chunk]:
        """Errors: GuardrailFailed, unless the policy says that an answer may then pass."""
        _log.error("an inspection failed", policy=self._policy.name, error=type(error).__name__)
        self._has_failed = True
        held, self._queue = [piece.chunk for piece in self._queue], []
        if self._policy.fails_open:
            self._tally.unread["answer"] = 1
            return held if chunk is None or chunk in held else [*held, chunk]
        raise GuardrailFailed(
            "the inspection of this answer failed, so no more of it is shown", fix="Try again; the log says what failed."
        ) from None


def _may_instruct(text: str) -> bool:
    return len(text) > WORD_MAX or (len(text) >= INSTRUCTION_MIN and " " in text)


def _says(delta: Delta) -> bool:
    """Anything that a client could miss."""
    words = delta.content or delta.reasoning or delta.refusal or delta.logprobs
    calls = any(
        piece.id or (piece.function is not None and (piece.function.name or piece.function.arguments))
        for piece in delta.tool_calls or ()
    )
    return bool(words or calls or delta.role or delta.signature or delta.redacted)
