"""An answer on its way out: counted, inspected, and its end held back until the ledger has it."""

import asyncio
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from appliance.chat import Chunk, Chunks, Delta
from appliance.errors import GatehouseError
from appliance.gateway.call import Call
from appliance.guardrails.finding import LONG

if TYPE_CHECKING:
    from appliance.gateway.output_inspection import OutputInspection


# Chunks inspected before others get their turn: a provider that is quicker than the inspection has hundreds ready at once.
TURN = 16


class Passing:
    """Watches what passes: usage, the first token's time, how much text; and holds the end of the answer back."""

    def __init__(self, call: Call, inspection: "OutputInspection | None") -> None:
        self.held: list[Chunk] = []
        self._call = call
        self._inspection = inspection
        self._turn = 0
        self._unfinished = (call.chat.n or 1) if call.chat is not None else 1

    def is_stopped(self) -> bool:
        """A policy lets nothing more of it pass."""
        return self._inspection is not None and self._inspection.stopped is not None

    def take(self, chunk: Chunk) -> Sequence[Chunk]:
        """What goes on now; the rest was put by until the ledger has committed, or its inspection has decided."""
        call = self._call
        if chunk.usage is not None:
            call.usage = chunk.usage
        for delta in chunk.deltas:
            if written := _characters(delta):
                call.characters_out += written
                if call.first_token is None:
                    call.first_token = time.monotonic()
        if self._inspection is None:
            return (chunk,) if self._goes_on(chunk) else ()
        return [one for one in self._inspection.passed(chunk) if self._goes_on(one)]

    async def taken(self, chunk: Chunk) -> Sequence[Chunk]:
        """The same; a long text takes a thread's time."""
        if self._inspection is None:
            return self.take(chunk)
        self._turn += 1
        if self._turn % TURN == 0:
            await asyncio.sleep(0)
        if sum(map(_characters, chunk.deltas)) <= LONG:
            return self.take(chunk)
        return await asyncio.to_thread(self.take, chunk)

    def _goes_on(self, chunk: Chunk) -> bool:
        if chunk.finish is not None:
            self._call.finish = chunk.finish
            self._unfinished -= 1
        if self._unfinished > 0 and not self.is_stopped():
            return True
        chunk.more = True  # the rest follows at once
        self.held.append(chunk)
        return False

    async def end(self, chunks: Chunks) -> None:
        """Nothing follows: what an inspection still holds comes before what was put by."""
        if self.is_stopped():
            await chunks.aclose()
        elif self._inspection is not None:
            for chunk in self._inspection.rest():
                if self._goes_on(chunk):
                    self.held.append(chunk)

    def cut_off(self, error: BaseException) -> list[Chunk]:
        """The words that came before an answer broke off, decided now: its caller has paid for them."""
        if self._inspection is None or self.is_stopped() or not isinstance(error, GatehouseError):
            return []
        try:
            return [chunk for chunk in self._inspection.rest() if chunk.finish is None]
        except GatehouseError:  # its caller is told of the first one
            return []


def _characters(delta: Delta) -> int:
    written = len(delta.content) if delta.content else 0
    if delta.reasoning:
        written += len(delta.reasoning)
    if delta.tool_calls:
        written += sum(len(piece.function.arguments) for piece in delta.tool_calls if piece.function is not None)
    return written
