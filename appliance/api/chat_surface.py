"""A chat as every dialect's route serves it: read, run through the pipeline, written as the caller's dialect writes it."""

from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any, Protocol

from appliance.api.door import Door, from_loopback
from appliance.api.exchange import Exchange, Scope
from appliance.api.request_headers import own_headers, seconds_wanted, stays_here, wants_event
from appliance.clock import Clock
from appliance.dialects.writer import Answer, ChatDialect, Parsed, Writer
from appliance.errors import Forbidden, KeyMissing
from appliance.gateway.call import Call, Reply
from appliance.gateway.pipeline import Pipeline
from appliance.gateway.state import State
from appliance.gateway.truth import guardrail_headers, last_words
from appliance.guardrails.placeholders import Placeholders
from appliance.identity.caller import Caller
from appliance.metering.entries import Dialect, Kind

LAST_COMMENT = b": gatehouse %b\n\n"
LAST_EVENT = b"event: gatehouse\ndata: %b\n\n"

DIALECTS = {
    "openai_chat": Dialect.OPENAI,
    "anthropic_messages": Dialect.ANTHROPIC,
    "openai_responses": Dialect.RESPONSES,
}


def secret_in(headers: dict[bytes, bytes]) -> str:
    """The API key of a request, from any of the places where SDKs put it. Errors: KeyMissing."""
    authorization = headers.get(b"authorization")
    if authorization is not None:
        if authorization[:7].lower() != b"bearer ":
            raise KeyMissing(
                "the header Authorization doesn't begin with Bearer", fix="Send `Authorization: Bearer YOUR_API_KEY`."
            )
        return authorization[7:].strip().decode("latin-1")
    secret = headers.get(b"x-api-key") or headers.get(b"api-key")
    if secret is None:
        raise KeyMissing("no API key was sent", fix="Send the header `Authorization: Bearer YOUR_API_KEY`.")
    return secret.strip().decode("latin-1")


def identified(scope: Scope, headers: dict[bytes, bytes], state: State, clock: Clock, *permissions: str) -> Caller:
    """Who asks, by API key for one of these. Errors: KeyMissing, KeyInvalid, KeyRevoked, KeyExpired, LoopbackOnly, Forbidden."""
    caller = state.keys.identify(secret_in(headers), from_loopback=lambda: from_loopback(scope), now_ms=clock.now_ms())
    if caller.scopes and caller.scopes.isdisjoint(permissions):
        raise Forbidden(f"this key may not use {' or '.join(permissions)}", fix="Ask for a key with that scope.")
    return caller


class ChatSurface:
    """What the raw handlers of all dialects share."""

    def __init__(self, door: Door, pipeline: Pipeline, *, request_seconds_max: float) -> None:
        self._door = door
        self._pipeline = pipeline
        self._request_seconds_max = request_seconds_max

    def identify(self, exchange: Exchange, permission: str) -> State:
        """Who asks; the state that the request keeps. Errors: as `identified`."""
        state = self._door.holder.current
        exchange.caller = identified(exchange.scope, exchange.headers, state, self._door.clock, permission)
        exchange.clean = self._pipeline.clean
        return state

    def call(self, exchange: Exchange, state: State, kind: Kind, dialect: Dialect, model: str, raw: dict[str, Any]) -> Call:
        """The record of an identified request."""
        assert exchange.caller is not None
        seconds = seconds_wanted(exchange.headers)
        call = Call(
            id=exchange.call_id,
            kind=kind,
            dialect=dialect,
            caller=exchange.caller,
            state=state,
            model=model,
            raw=raw,
            started=exchange.started,
            started_at=exchange.started_at,
            deadline=exchange.started + self._request_seconds_max,
            local_only=stays_here(exchange.headers),
            limit=exchange.end_within,
        )
        if seconds is not None:
            call.end_within(seconds)
        return call

    async def inspected(self, exchange: Exchange, state: State, model: str, raw: dict[str, Any]) -> list[tuple[bytes, bytes]]:
        """A body that goes out without being answered: changed as the policy says. The headers that tell of it.

        Errors:  ContentBlocked, GuardrailFailed.
        """
        call = self.call(exchange, state, Kind.CHAT, Dialect.ANTHROPIC, model, raw)
        await self._pipeline.inspect(call)
        return guardrail_headers(call)

    async def run(self, exchange: Exchange, call: Call, body_bytes: int, write: Callable[[Reply], Awaitable[None]]) -> None:
        """Through the pipeline, and its answer written. Errors: any of the tree."""
        try:
            await write(await self._pipeline.run(call, body_bytes))
        finally:
            exchange.deployment = call.deployment.name if call.resolution is not None else ""  # or where it should have come from

    async def chat(self, exchange: Exchange, dialect: ChatDialect) -> None:
        """A whole request: POST with a body of `dialect`, answered in it."""
        state = self.identify(exchange, "chat")
        body = await exchange.body()
        await self.serve(exchange, state, dialect, dialect.parse(body), len(body))

    async def serve(
        self,
        exchange: Exchange,
        state: State,
        dialect: ChatDialect,
        parsed: Parsed,
        body_bytes: int,
        keeper: "Keeper | None" = None,
    ) -> None:
        """A request that was read, answered in its dialect; `keeper` where the answer is to be kept."""
        call = self.call(exchange, state, Kind.CHAT, DIALECTS[dialect.name], parsed.chat.model, parsed.raw)
        call.streamed = bool(parsed.chat.stream)
        call.chat, call.form, call.own_headers = parsed.chat, dialect, own_headers(exchange.scope, dialect)
        if call.streamed:
            exchange.begin_stream(call.head.headers, dialect.sign_of_life)
        answer = call.answer = Answer(dialect.id_prefix + call.id.hex(), call.started_at // 1000, call.model)

        async def write(reply: Reply) -> None:
            # Not before: what an answer repeats of its request is repeated as it was sent.
            writer = (
                dialect.writer(call.chat or parsed.chat, answer) if keeper is None else keeper.writer(answer, call.placeholders)
            )
            await _write(exchange, call, reply, writer, keeper)

        await self.run(exchange, call, body_bytes, write)


class Keeper(Protocol):
    """Whoever must have an answer before its caller has all of it."""

    def writer(self, answer: Answer, placeholders: Placeholders | None) -> Writer:
        """`placeholders`: of the values that its caller gets back; the request is inspected by now."""
        ...

    async def keep(self, whole: bytes | None) -> None:
        """The answer is written, and its last byte not sent; `whole` where it isn't streamed.

        Errors:  any of the tree: then the caller gets that instead of the last byte.
        """
        ...


async def _write(exchange: Exchange, call: Call, reply: Reply, writer: Writer, keeper: Keeper | None = None) -> None:
    """The answer, whole or streamed, as it comes out of the pipeline."""
    if call.streamed:
        await _stream(exchange, call, reply, writer, keeper)
        exchange.first_token_seconds = None if call.first_token is None else call.first_token - call.started
        return
    chunks = [chunk async for chunk in reply.chunks]
    first = chunks[0] if len(chunks) == 1 else None
    whole = first.raw if first is not None and first.raw is not None else writer.whole(chunks, call.usage)
    if keeper is not None:
        await keeper.keep(whole)
    await exchange.answer(200, whole, reply.head.headers)


async def _stream(exchange: Exchange, call: Call, reply: Reply, writer: Writer, keeper: Keeper | None) -> None:
    waiting: list[bytes] = []
    async with aclosing(reply.chunks):
        async for chunk in reply.chunks:
            if data := writer.event(chunk):
                waiting.append(data)
            if waiting and not chunk.more:
                await exchange.piece(b"".join(waiting))
                waiting.clear()
    waiting.append(writer.end(call.usage))
    if keeper is not None:
        await keeper.keep(None)
    if call.form is not None:
        waiting.append(_last_words(exchange, call))
    await exchange.piece(b"".join(waiting), last=True)


def _last_words(exchange: Exchange, call: Call) -> bytes:
    """How the answer came about, behind its end: a comment, since there are clients that take every event for a part of the
    answer; an event for those who ask for one."""
    form = LAST_EVENT if wants_event(exchange.headers) else LAST_COMMENT
    return form % last_words(call)
