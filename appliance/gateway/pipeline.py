"""The way of one request. Read `run` first, then `_to_the_end`: they are the table of contents, each step one call into
one room.

What comes in between later (limits, guardrails, cache) takes its place in that list; DESIGN's order holds.
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing

from appliance.chat import Chunk
from appliance.errors import CallerLeft, GatehouseError, LedgerUnavailable
from appliance.gateway.call import Call, Reply, Reservation
from appliance.gateway.sending import Sender
from appliance.metering.entries import AttemptEntry, AttemptOutcome, OpenEntry, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.metering.usage import estimated_prompt_tokens, estimated_usage
from appliance.routing.names import Resolution
from appliance.settings import Settings
from appliance.telemetry.activity import Activity
from appliance.telemetry.metrics import Metrics


class Pipeline:
    """Runs calls. One per process; holds the rooms that a request passes, and nothing of any request."""

    def __init__(self, ledger: Ledger, sender: Sender, metrics: Metrics, activity: Activity, settings: Settings) -> None:
        self._ledger = ledger
        self._sender = sender
        self._metrics = metrics
        self._activity = activity
        self._tokens_out_default = settings.tokens_out_default

    async def run(self, call: Call, body_bytes: int) -> Reply:
        """Take an identified call to its answer.

        Errors:  any of the tree, before the first chunk; later ones come out of the chunks. Either way the ledger
                 knows how the call ended before its caller does.
        """
        try:
            self._route(call)
            await self._admit(call, body_bytes)
            chunks = await self._send(call)
        except BaseException as error:
            await call.end(error)
            raise
        return Reply(call.head, self._to_the_end(call, chunks))

    def _route(self, call: Call) -> None:
        """Choose the deployment that the caller's model name leads to, and tell the truth about it in the head."""
        call.resolution = call.state.names.resolve(call.model)
        call.head.headers.extend(_headers(call.resolution))

    async def _admit(self, call: Call, body_bytes: int) -> None:
        """Set aside what the call may use, and book it as open. Nothing is sent unless that is on disk."""
        assert call.resolution is not None
        asked = call.chat.tokens_out_max if call.chat is not None else 0
        default = self._tokens_out_default
        tokens_out = default if asked is None else min(asked, default)
        call.reservation = Reservation(estimated_prompt_tokens(call.raw, body_bytes), tokens_out)
        try:
            await self._ledger.open(_open_entry(call, call.reservation))
        except LedgerUnavailable:
            raise  # nothing was booked
        except asyncio.CancelledError:  # the caller left, but the row is on its way to the disk
            call.on_end(self._book_failure)
            raise
        call.on_end(self._book_failure)

    async def _send(self, call: Call) -> AsyncGenerator[Chunk, None]:
        """One attempt at the deployment."""
        assert call.resolution is not None
        return await self._sender.send(call, call.resolution.deployment)

    async def _to_the_end(self, call: Call, chunks: AsyncGenerator[Chunk, None]) -> AsyncGenerator[Chunk, None]:
        """Pass chunks on and count them; hold back the end of the answer until the ledger has it."""
        unfinished = (call.chat.n or 1) if call.chat is not None else 1
        held: list[Chunk] = []
        try:
            async with aclosing(chunks):
                async for chunk in chunks:
                    _count(call, chunk)
                    unfinished -= chunk.finish is not None
                    if unfinished <= 0:
                        chunk.more = True  # the rest follows at once
                        held.append(chunk)
                    else:
                        yield chunk
            await self._settle(call)
        except BaseException as error:
            await call.end(error)
            raise
        await call.end(None)
        for chunk in held:
            yield chunk

    async def _settle(self, call: Call) -> None:
        """Book what the answer used. Only then may its last byte leave."""
        entry = _settled_entry(call, RequestState.SETTLED, 200, None)
        failed = False
        try:
            await self._ledger.settle(entry)
        except LedgerUnavailable:  # booked as failed later on: the caller does not get its answer whole
            failed = True
            raise
        finally:
            self._measure(call, entry, failed)

    async def _book_failure(self, call: Call, error: BaseException | None) -> None:
        """The ending of a call that did not settle."""
        if call.attempts:  # settled, or tried to: the ledger tries again by itself
            return
        known = _known(error)
        state = RequestState.CANCELLED if isinstance(known, CallerLeft) else RequestState.FAILED
        entry = _settled_entry(call, state, known.status, known.code)
        booking = asyncio.ensure_future(self._ledger.settle(entry))
        booking.add_done_callback(_retrieve)  # a ledger that fails now keeps the entry and says so by itself
        self._measure(call, entry, state is RequestState.FAILED)
        if not isinstance(error, asyncio.CancelledError | GeneratorExit):
            await asyncio.wait([booking])

    def _measure(self, call: Call, entry: SettledEntry, failed: bool) -> None:
        tokens_in = tokens_out = 0
        for attempt in entry.attempts:
            tokens_in += attempt.tokens_in
            tokens_out += attempt.tokens_out
            self._metrics.tokens(attempt.deployment, "in", attempt.tokens_in)
            self._metrics.tokens(attempt.deployment, "out", attempt.tokens_out)
        answered = entry.state == RequestState.SETTLED and not failed
        self._activity.finished(
            call.started_at + entry.duration_ms,
            failed,
            tokens_in,
            tokens_out,
            entry.duration_ms if answered else None,
            entry.first_token_ms if call.streamed else None,
        )


def _settled_entry(call: Call, state: RequestState, status: int, error: str | None) -> SettledEntry:
    assert call.resolution is not None and call.reservation is not None
    if call.usage is None:
        sent = state is not RequestState.FAILED or call.characters_out > 0
        call.usage = estimated_usage(call.reservation.tokens_in if sent else 0, call.characters_out)
    usage, duration_ms = call.usage, call.elapsed_ms()
    outcome = _OUTCOMES[state]
    deployment = call.resolution.deployment.name
    attempt = AttemptEntry(
        deployment=deployment,
        outcome=outcome,
        status=status,
        duration_ms=duration_ms,
        tokens_in=usage.tokens_in,
        tokens_out=usage.tokens_out,
        cached_in=usage.cached_in,
        reasoning_out=usage.reasoning_out,
        estimated=usage.estimated,
        finish=call.finish,
    )
    call.attempts = [*call.attempts, attempt]
    first = None if call.first_token is None else int((call.first_token - call.started) * 1000)
    return SettledEntry(call.id, state, status, error, duration_ms, first, tuple(call.attempts))


def _known(error: BaseException | None) -> GatehouseError:
    """The error of our tree behind whatever ended a call; a cancellation carries the reason of whoever cancelled."""
    if isinstance(error, GatehouseError):
        return error
    if isinstance(error, asyncio.CancelledError):
        reason = error.args[0] if error.args else None
        return reason if isinstance(reason, GatehouseError) else CallerLeft("the caller left")
    return CallerLeft("the caller left") if isinstance(error, GeneratorExit) else GatehouseError("a stage failed")


def _count(call: Call, chunk: Chunk) -> None:
    """Watch what passes: usage, the first token's time, how much text."""
    if chunk.usage is not None:
        call.usage = chunk.usage
    if chunk.finish is not None:
        call.finish = chunk.finish
    for delta in chunk.deltas:
        written = len(delta.content or "") + len(delta.reasoning or "")
        for piece in delta.tool_calls or ():
            written += len(piece.function.arguments) if piece.function is not None else 0
        if written:
            call.characters_out += written
            if call.first_token is None:
                call.first_token = time.monotonic()


_OUTCOMES = {
    RequestState.SETTLED: AttemptOutcome.SUCCEEDED,
    RequestState.CANCELLED: AttemptOutcome.CANCELLED,
    RequestState.FAILED: AttemptOutcome.FAILED,
}


def _open_entry(call: Call, reservation: Reservation) -> OpenEntry:
    assert call.resolution is not None
    caller = call.caller
    return OpenEntry(
        id=call.id,
        started_at=call.started_at,
        kind=call.kind,
        dialect=call.dialect,
        tenant_number=caller.tenant_number,
        department_number=caller.department_number,
        team_number=caller.team_number,
        user_number=caller.user_number,
        key_number=caller.key_number,
        model=call.model,
        deployment=call.resolution.deployment.name,
        streamed=call.streamed,
        reserved_in=reservation.tokens_in,
        reserved_out=reservation.tokens_out,
    )


def _headers(resolution: Resolution) -> list[tuple[bytes, bytes]]:
    """Where the answer came from, and that a name was an alias."""
    deployment, alias = resolution.deployment, resolution.alias
    headers = [(b"x-gatehouse-deployment", deployment.name.encode("ascii", "replace"))]
    if alias is not None:
        headers.append((b"x-gatehouse-alias", f"{alias} -> {deployment.model}".encode("ascii", "replace")))
    return headers


def _retrieve(booking: "asyncio.Future[None]") -> None:
    if not booking.cancelled():
        booking.exception()
