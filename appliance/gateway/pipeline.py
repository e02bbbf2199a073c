"""The way of one request. Read `run` first, then `_to_the_end`: they are the table of contents, each step one call into
one room.

What comes in between later (limits, cache) takes its place in that list; DESIGN's order holds.
"""

import asyncio
from collections.abc import AsyncGenerator
from functools import partial
from typing import Any

from appliance.chat import Chunk, Chunks
from appliance.errors import CallerLeft, FeatureUnsupported, GatehouseError, LedgerUnavailable
from appliance.gateway.allowed_models import resolved
from appliance.gateway.booking import known, open_entry, settled_entry
from appliance.gateway.call import Call, Reply, Reservation
from appliance.gateway.explaining import name_who_can, with_guess, with_kept_here
from appliance.gateway.file_references import FileReferences
from appliance.gateway.files_as_text import FilesAsText
from appliance.gateway.findings import counted
from appliance.gateway.guarding import Guarding
from appliance.gateway.live_requests import LiveRequests
from appliance.gateway.passing import Passing
from appliance.gateway.sending import Sender
from appliance.gateway.told_errors import CleanErrors
from appliance.gateway.truth import headers, headers_at_the_end
from appliance.identity.caller import Caller
from appliance.metering.entries import AttemptEntry, AttemptOutcome, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.metering.prices import Prices
from appliance.metering.usage import estimated_prompt_tokens
from appliance.routing.journey import Ask, Journey
from appliance.routing.route import Route, Target
from appliance.routing.router import Router
from appliance.routing.strategies import Wanted
from appliance.settings import Settings
from appliance.telemetry.activity import Activity
from appliance.telemetry.metrics import LEFT, OK, Metrics


class Pipeline:
    """Runs calls. One per process; holds the rooms that a request passes, and nothing of any request."""

    def __init__(
        self,
        ledger: Ledger,
        router: Router,
        sender: Sender,
        prices: Prices,
        metrics: Metrics,
        activity: Activity,
        live: LiveRequests,
        guarding: Guarding,
        settings: Settings,
    ) -> None:
        self._prices = prices
        self._live = live
        self._guarding = guarding
        self._ledger = ledger
        self._router = router
        self._sender = sender
        self._metrics = metrics
        self._activity = activity
        self._tokens_out_default = settings.tokens_out_default
        self.references: FileReferences | None = None  # files that were uploaded; None: there are none
        self.as_text: FilesAsText | None = None

    async def run(self, call: Call, body_bytes: int) -> Reply:
        """Take an identified call to where its answer can be fetched: nothing is sent before the chunks are asked for.

        Errors:  any of the tree, here or out of the chunks. Either way the ledger knows how the call ended before its
                 caller does.
        """
        try:
            await self._guarding.inspect_model(call)
            self._resolve(call)
            self._guarding.assign(call)
            body_bytes += await self.references.inline(call) if self.references is not None else 0
            await self._admit(call, body_bytes)
            await self._guarding.inspect_input(call)
            if self.as_text is not None:
                await self.as_text.prepare(call)
        except BaseException as error:
            await call.end(error)
            raise
        return Reply(call.head, self._to_the_end(call))

    async def inspect(self, call: Call) -> None:
        """What is sent to be looked at and not to be answered. Errors: ContentBlocked, GuardrailFailed."""
        await self._guarding.inspect_model(call)
        self._resolve(call)
        self._guarding.assign(call)
        try:
            if self.references is not None:
                await self.references.inline(call)
            await self._guarding.inspect_input(call)
        finally:
            await call.end(None)

    def clean(self, error: GatehouseError) -> None:
        """What a caller is told quotes nothing that the policy hides, whether the call began or not."""
        self._guarding.clean(error)

    def _resolve(self, call: Call) -> None:
        """Find the route that the caller's model name leads to, if it is one of those that they may use."""
        call.resolution = resolved(call.state.names, call.caller, call.model)
        seconds = call.resolution.route.timeouts.request_seconds
        if seconds is not None:
            call.end_within(seconds)

    async def _admit(self, call: Call, body_bytes: int) -> None:
        """Set aside what the call may use, and book it as open. Nothing is sent unless that is on disk."""
        asked = call.chat.tokens_out_max if call.chat is not None else 0
        default = self._tokens_out_default
        tokens_out = default if asked is None else min(asked, default)
        call.reservation = Reservation(estimated_prompt_tokens(call.raw, body_bytes), tokens_out)
        try:
            await self._ledger.open(open_entry(call, call.reservation))
        except LedgerUnavailable:
            raise  # nothing was booked
        except asyncio.CancelledError:  # the caller left, but the row is on its way to the disk
            call.on_end(self._book_failure)
            raise
        call.on_end(self._book_failure)

    def _journey(self, call: Call) -> Journey:
        """Choose a deployment, send, retry, fail over: the way through the route, not yet begun."""
        assert call.resolution is not None and call.reservation is not None
        wanted = Wanted(call.reservation.tokens_in, call.reservation.tokens_out, call.local_only, asker=_number_of(call.caller))
        ask = Ask(wanted=wanted, deadline=call.deadline, streamed=call.streamed, may_repeat=may_repeat(call.raw))
        journey = Journey(self._router, call.resolution.route, ask, partial(self._send, call))
        call.attempts = journey.attempts
        return journey

    async def _send(self, call: Call, route: Route, target: Target) -> Chunks:
        if call.policy is None:
            return await self._sender.send(call, target.deployment, may_drop=route.drop_unsupported)
        try:
            chunks = await self._sender.send(call, target.deployment, may_drop=route.drop_unsupported)
        except GatehouseError as error:
            self._guarding.clean(error, call.policy)
            raise
        return CleanErrors(chunks, partial(self._guarding.clean, policy=call.policy))

    async def _to_the_end(self, call: Call) -> AsyncGenerator[Chunk, None]:
        """Pass chunks on and count them; hold back the end of the answer until the ledger has it."""
        passing = Passing(call, self._guarding.output(call))
        journey = self._journey(call)
        try:
            while (sign := await journey.sign()) is not None:
                yield sign
            chunks = _begun(call, journey)
            for chunk in journey.ahead:
                for ready in await passing.taken(chunk):
                    yield ready
            if not passing.is_stopped():
                async for chunk in chunks:
                    for ready in await passing.taken(chunk):
                        yield ready
                    if passing.is_stopped():
                        break
            await passing.end(chunks)
            journey.over(None)
            await self._settle(call)
        except BaseException as error:
            await journey.broken_off(error)
            if isinstance(error, FeatureUnsupported):
                name_who_can(call.state, error, call.caller)
            told = error if call.resolution is None else with_guess(call.state, call.model, call.resolution.guessed, error)
            if call.tally is not None:
                told = with_kept_here(call.tally.policy, call.tally.kept_here, told)
            await call.end(told)
            for chunk in passing.cut_off(error):
                yield chunk
            raise told from (error.__cause__ if told is error else error)
        await call.end(None)
        for chunk in passing.held:
            yield chunk

    async def _settle(self, call: Call) -> None:
        """Book what the answer used. Only then may its last byte leave."""
        call.is_booked = True  # or will be: a ledger that fails now tries again by itself
        entry = settled_entry(call, self._prices, RequestState.SETTLED, 200, None)
        failed = False
        try:
            await self._ledger.settle(entry)
        except LedgerUnavailable:  # booked as failed later on: the caller does not get its answer whole
            failed = True
            raise
        finally:
            self._measure(call, entry, failed)
        call.head.headers.extend(headers_at_the_end(call))

    async def _book_failure(self, call: Call, error: BaseException | None) -> None:
        """The ending of a call that did not settle."""
        if call.is_booked:
            return
        call.is_booked = True
        reason = known(error)
        state = RequestState.CANCELLED if isinstance(reason, CallerLeft) else RequestState.FAILED
        entry = settled_entry(call, self._prices, state, reason.status, reason.code)
        booking = asyncio.ensure_future(self._ledger.settle(entry))
        booking.add_done_callback(_retrieve)  # a ledger that fails now keeps the entry and says so by itself
        self._measure(call, entry, state is RequestState.FAILED)
        if not isinstance(error, asyncio.CancelledError | GeneratorExit):
            await asyncio.wait([booking])

    def _measure(self, call: Call, entry: SettledEntry, failed: bool) -> None:
        self._live.publish(call, entry)
        tokens_in = tokens_out = 0
        for attempt in entry.attempts:
            tokens_in += attempt.tokens_in
            tokens_out += attempt.tokens_out
            self._metrics.attempt(attempt.deployment, _outcome(attempt), attempt.tokens_in, attempt.tokens_out)
        for direction, kind, action, count in counted(call.tally):
            self._metrics.found(direction, kind, action, count)
        answered = entry.state == RequestState.SETTLED and not failed
        self._activity.finished(
            call.started_at + entry.duration_ms,
            failed,
            tokens_in,
            tokens_out,
            entry.duration_ms if answered else None,
            entry.first_token_ms if call.streamed else None,
        )


def _number_of(caller: Caller) -> int:
    """One for each person, whatever key they use, and for each key that belongs to nobody."""
    return caller.user_number if caller.user_number is not None else -(caller.key_number or 0)


def _begun(call: Call, journey: Journey) -> Chunks:
    """A deployment has begun to answer: what the caller is told of it is known now."""
    assert journey.answered is not None and journey.chunks is not None
    call.answered = journey.answered
    if call.answer is not None:
        call.answer.model = call.deployment.model
    call.head.headers.extend(headers(call))
    return journey.chunks


SERVER_SIDE_TOOLS_ARE_NOT = frozenset({"function", "custom", None})


def may_repeat(raw: dict[str, Any]) -> bool:
    """Would sending it twice do no harm? What a vendor keeps, or does with tools of its own, may then be there twice."""
    if raw.get("store") or raw.get("previous_response_id"):
        return False
    tools = raw.get("tools")
    return not isinstance(tools, list) or all(
        not isinstance(tool, dict) or tool.get("type") in SERVER_SIDE_TOOLS_ARE_NOT or "input_schema" in tool for tool in tools
    )


def _outcome(attempt: AttemptEntry) -> str:
    if attempt.outcome == AttemptOutcome.SUCCEEDED:
        return OK
    return attempt.error or LEFT if attempt.outcome == AttemptOutcome.FAILED else LEFT


def _retrieve(booking: "asyncio.Future[None]") -> None:
    if not booking.cancelled():
        booking.exception()
