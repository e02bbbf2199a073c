"""The loop that answers everyone: admit, plan, compute, choose; one thread, one step after the other.

Sequences run as long as the cells of the attention cache suffice. Where they run short, the youngest one makes room and
goes on later, from a copy of what was computed or, where that was not kept, from its tokens; so the oldest always gets
on, and nobody holds cells that he may never use. What llama.cpp can't compute ends the process: whoever watches it starts
another.
"""

import os
import sys
import threading
import time
from collections import deque

import msgspec

from appliance.local.engines.batching.cells import CellPool
from appliance.local.engines.batching.kept import Kept, KeptSequences
from appliance.local.engines.batching.native import NO_SLOT, Batch, Context, NativeError
from appliance.local.engines.batching.prefixes import SHARED_TOKENS_MIN, is_worth_waiting, longest
from appliance.local.engines.batching.schedule import Pace, Part, plan
from appliance.local.engines.batching.sequence import End, Sequence

FAILED_STATUS = 88
ROOM_TOKENS = 32  # free cells for everyone's next tokens, beyond its prompt, with which a sequence is admitted
LOOK_SECONDS = 0.01  # how often those who can't go on at the moment are looked at


class Figures(msgspec.Struct):
    """What happened since the start, and what is now."""

    steps: int = 0
    tokens_read: int = 0
    tokens_shared: int = 0
    tokens_written: int = 0
    made_room: int = 0
    running: int = 0
    waiting: int = 0
    kept: int = 0
    kept_bytes: int = 0
    cells_used: int = 0


class BatchLoop:
    """Sequences in, news out. `submit` from any thread; all else happens on the loop's own."""

    def __init__(
        self,
        context: Context,
        *,
        cells: int,
        context_tokens: int,
        batch_tokens: int,
        seats: int,
        shares_prefixes: bool,
        kept_bytes_max: int,
    ) -> None:
        self._context = context
        self._context_tokens = context_tokens
        self._seats = seats
        self._shares_prefixes = shares_prefixes
        self._pool = CellPool(cells)
        self._cells: dict[Sequence, list[int]] = {}
        self._places = list(range(seats))
        self._batch = Batch(batch_tokens)
        self._pace = Pace(batch_tokens)
        self._arriving: deque[Sequence] = deque()
        self._arrived = 0
        self._news = threading.Condition()
        self._waiting: list[Sequence] = []
        self._running: list[Sequence] = []
        self._kept = KeptSequences(kept_bytes_max)
        self._figures = Figures()
        self.step_began: float | None = None  # monotonic; for the watchdog

    def start(self) -> None:
        threading.Thread(target=self._run, name="batch", daemon=True).start()

    def submit(self, sequences: list[Sequence]) -> None:
        """Take sequences on; each is told of its progress, its tokens and its end."""
        with self._news:
            self._arriving.extend(sequences)
            self._news.notify()

    def figures(self) -> Figures:
        running, waiting = len(self._running), len(self._waiting)
        return msgspec.structs.replace(
            self._figures,
            running=running,
            waiting=waiting,
            kept=len(self._kept),
            kept_bytes=self._kept.bytes_used,
            cells_used=self._pool.used,
        )

    def _run(self) -> None:
        try:
            while True:
                if not self._turn():
                    self._wait()
        except BaseException as error:
            # Its words are ours or llama.cpp's, never a prompt's. Nothing that this thread held can be trusted any more.
            print(f"the batch loop failed: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
            os._exit(FAILED_STATUS)

    def _wait(self) -> None:
        with self._news:
            if not self._arriving:
                self._news.wait(LOOK_SECONDS if self._running or self._waiting else None)

    def _turn(self) -> bool:
        """One step; False where there was nothing to compute."""
        self._take_arrivals()
        self._drop_unwanted()
        self._admit()
        answering = sum(not sequence.is_reading for sequence in self._running)
        parts = plan(self._running, self._pace.read_tokens_max(answering, len(self._running) - answering))
        parts = self._with_room(parts)
        if not parts:
            return False
        self._compute(parts)
        return True

    def _take_arrivals(self) -> None:
        with self._news:
            arrived = list(self._arriving)
            self._arriving.clear()
        for sequence in arrived:
            self._arrived += 1
            sequence.arrived = self._arrived
            self._waiting.append(sequence)

    def _drop_unwanted(self) -> None:
        for sequence in [each for each in self._running if not each.is_wanted]:
            self._finish(sequence, End.CANCELLED)
        for sequence in [each for each in self._waiting if not each.is_wanted]:
            self._waiting.remove(sequence)
            sequence.sampler.close()
            sequence.tell_end(End.CANCELLED)

    # Admission

    def _admit(self) -> None:
        """Let those in who wait, in order, while there are seats and cells."""
        for sequence in list(self._waiting):
            if len(self._running) >= self._seats:
                return
            holder, shared = self._beginning_for(sequence)
            if self._shares_prefixes and any(
                is_worth_waiting(reader, sequence.tenant, sequence.tokens, shared)
                for reader in self._running
                if reader.is_reading
            ):
                continue  # somebody reads the same beginning now: a moment later it can be shared
            cells = self._cells_to_begin(sequence, holder, shared)
            if cells > self._pool.free:
                if self._running:
                    return  # cells will become free
                assert cells <= self._pool.total, "a context has room for a prompt, and for what begins with it"
            self._waiting.remove(sequence)
            self._seat(sequence, holder, shared)

    def _beginning_for(self, sequence: Sequence) -> tuple[Sequence | Kept | None, int]:
        if not self._shares_prefixes:
            return None, 0
        return longest([*self._running, *self._kept], sequence.tenant, sequence.tokens)

    def _cells_to_begin(self, sequence: Sequence, holder: Sequence | Kept | None, shared: int) -> int:
        """The cells that must be free for it: for its prompt, and some for what everyone writes next."""
        own = len(sequence.tokens) - (shared if isinstance(holder, Sequence) else 0)
        whole = max(own, holder.computed if isinstance(holder, Kept) else 0)  # a copy is put back whole, and then cut
        return min(whole + ROOM_TOKENS * (1 + len(self._running)), self._pool.total)

    def _seat(self, sequence: Sequence, holder: Sequence | Kept | None, shared: int) -> None:
        sequence.place = self._places.pop()
        cells = self._cells[sequence] = []
        if isinstance(holder, Sequence):
            self._context.share(holder.place, sequence.place, shared)
            cells.extend(self._pool.share(self._cells[holder], shared))
        elif holder is not None:
            self._pool.grow(cells, holder.computed)
            self._context.restore(sequence.place, holder.state)
            self._context.cut(sequence.place, shared)
            self._pool.shrink(cells, shared)
            self._kept.touch(holder)
        sequence.computed = shared
        if not sequence.tokens_out:
            sequence.shared = shared
            self._figures.tokens_shared += shared
        self._running.append(sequence)

    def _with_room(self, parts: list[Part[Sequence]]) -> list[Part[Sequence]]:
        """The parts for which there are cells; the youngest sequences make room for the others."""
        while parts and sum(part.tokens for part in parts) > self._pool.free:
            youngest = max(self._running, key=lambda sequence: sequence.arrived)
            if len(self._running) > 1:
                self._step_back(youngest)
                parts = [part for part in parts if part.sequence is not youngest]
            else:  # a prompt's piece is larger than what is left; the context's bound holds, so one token fits
                parts = [Part(youngest, min(parts[0].tokens, self._pool.free))]
        return parts

    def _step_back(self, sequence: Sequence) -> None:
        """Take a running sequence's cells; it waits at the head of the queue, and goes on from what is kept of it."""
        self._running.remove(sequence)
        self._keep(sequence)
        self._release(sequence)
        sequence.computed = 0
        self._waiting.insert(0, sequence)
        self._figures.made_room += 1

    # Steps

    def _compute(self, parts: list[Part[Sequence]]) -> None:
        self._batch.clear()
        rows: list[tuple[int, Sequence]] = []
        for part in parts:
            sequence, end = part.sequence, part.sequence.computed + part.tokens
            wanted = end == len(sequence.tokens)
            row = self._batch.add(sequence.tokens[sequence.computed : end], sequence.computed, sequence.place, wanted=wanted)
            if wanted:
                rows.append((row, sequence))
        began = self.step_began = time.monotonic()
        if self._context.decode(self._batch) == NO_SLOT:
            raise NativeError("the attention cache is fuller than it was counted")
        self._pace.took(self._batch.count, time.monotonic() - began)
        self._figures.steps += 1
        for part in parts:
            self._computed(part)
        for row, sequence in rows:
            self._choose(sequence, row)
        self.step_began = None

    def _computed(self, part: Part[Sequence]) -> None:
        sequence = part.sequence
        self._pool.grow(self._cells[sequence], part.tokens)
        if sequence.is_reading:
            self._figures.tokens_read += part.tokens
        sequence.computed += part.tokens
        sequence.tell_read()

    def _choose(self, sequence: Sequence, row: int) -> None:
        """The next token of a sequence, or its end."""
        chosen = sequence.sampler.choose(self._context, row, sequence.top_logprobs)
        if chosen is None or sequence.sampler.ends(chosen.token):
            self._finish(sequence, End.STOP)
            return
        sequence.tokens.append(chosen.token)
        self._figures.tokens_written += 1
        sequence.tell(chosen)
        if sequence.tokens_out >= sequence.tokens_out_max or len(sequence.tokens) > self._context_tokens:
            self._finish(sequence, End.LENGTH)

    # Ends

    def _finish(self, sequence: Sequence, end: End) -> None:
        self._running.remove(sequence)
        sequence.sampler.close()
        self._keep(sequence)
        self._release(sequence)
        sequence.tell_end(end)

    def _keep(self, sequence: Sequence) -> None:
        """Copy out what was computed, where that is worth it."""
        if not self._shares_prefixes or sequence.computed < SHARED_TOKENS_MIN:
            return
        tokens = sequence.tokens[: sequence.computed]
        if (same := self._kept.whole(sequence.tenant, tokens)) is not None:
            self._kept.touch(same)
        elif self._context.state_bytes(sequence.place) <= self._kept.bytes_max:
            self._kept.add(Kept(sequence.tenant, tokens, self._context.saved(sequence.place)))

    def _release(self, sequence: Sequence) -> None:
        self._context.forget(sequence.place)
        self._pool.release(self._cells.pop(sequence))
        self._places.append(sequence.place)
        sequence.place = -1
