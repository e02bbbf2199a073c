"""OpenAI's surface: chat completions and embeddings (raw, hot), the list of models."""

from contextlib import aclosing
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta

from appliance import bodies
from appliance.api import openai_documents as documents
from appliance.api.door import Door, ErrorForm, from_loopback, openai_error_body
from appliance.api.error_answers import error_answers, success
from appliance.api.exchange import Exchange, Scope
from appliance.api.raw import RawRoute
from appliance.chat import Chunk
from appliance.clock import Clock
from appliance.dialects import openai_chat
from appliance.errors import Forbidden, KeyExpired, KeyInvalid, KeyMissing, KeyRevoked, LoopbackOnly, ModelUnknown
from appliance.gateway.call import Call, Reply
from appliance.gateway.pipeline import Pipeline
from appliance.gateway.state import State
from appliance.identity.caller import Caller
from appliance.metering.entries import Dialect, Kind

ERRORS = ErrorForm(openai_error_body, openai_chat.error_event)
_SIGN_OF_LIFE = b": waiting\n\n"


class EmbeddingsRequest(msgspec.Struct):
    """What is checked of a request for embeddings; everything else is the provider's business."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | list[Any]  # of texts, of tokens, or of lists of tokens


_chat_decoder = openai_chat.chat_decoder
_embeddings_decoder = msgspec.json.Decoder(EmbeddingsRequest)


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


def identified(scope: Scope, headers: dict[bytes, bytes], state: State, clock: Clock, permission: str) -> Caller:
    """Who asks, by API key. Errors: KeyMissing, KeyInvalid, KeyRevoked, KeyExpired, LoopbackOnly, Forbidden."""
    caller = state.keys.identify(secret_in(headers), from_loopback=from_loopback(scope), now_ms=clock.now_ms())
    if caller.scopes and permission not in caller.scopes:
        raise Forbidden(f"this key may not use {permission}", fix="Ask for a key with that scope.")
    return caller


class OpenAIRoutes:
    """The raw handlers, and what they need."""

    def __init__(self, door: Door, pipeline: Pipeline, *, request_seconds_max: float) -> None:
        self._door = door
        self._pipeline = pipeline
        self._request_seconds_max = request_seconds_max

    def table(self) -> list[RawRoute]:
        return [
            RawRoute(
                paths=("/v1/chat/completions", "/api/v1/chat/completions"),
                method="POST",
                handler=self.chat_completions,
                errors=ERRORS,
                permission="chat",
                carries_content=True,
                operation=documents.CHAT,
            ),
            RawRoute(
                paths=("/v1/embeddings", "/api/v1/embeddings"),
                method="POST",
                handler=self.embeddings,
                errors=ERRORS,
                permission="embeddings",
                carries_content=True,
                operation=documents.EMBEDDINGS,
            ),
        ]

    async def chat_completions(self, exchange: Exchange) -> None:
        state = self._identify(exchange, "chat")
        body = await exchange.body()
        chat = bodies.read(body, _chat_decoder)
        openai_chat.check(chat)
        call = self._call(exchange, state, Kind.CHAT, chat.model, bodies.read_object(body))
        call.chat = chat
        if chat.stream:
            exchange.begin_stream(call.head.headers, _SIGN_OF_LIFE)
        reply = await self._run(exchange, call, len(body))
        answer = openai_chat.Answer(f"chatcmpl-{call.id.hex()}", call.started_at // 1000, _model_shown(call))
        if chat.stream:
            await _stream(exchange, call, reply, answer)
            exchange.first_token_seconds = None if call.first_token is None else call.first_token - call.started
        else:
            chunks = [chunk async for chunk in reply.chunks]
            first = chunks[0] if len(chunks) == 1 else None
            whole = first.raw if first is not None and first.raw is not None else None
            await exchange.answer(200, whole or openai_chat.whole(answer, chunks, call.usage), reply.head.headers)

    async def embeddings(self, exchange: Exchange) -> None:
        state = self._identify(exchange, "embeddings")
        body = await exchange.body()
        request = bodies.read(body, _embeddings_decoder)
        call = self._call(exchange, state, Kind.EMBEDDINGS, request.model, bodies.read_object(body))
        reply = await self._run(exchange, call, len(body))
        chunks = [chunk async for chunk in reply.chunks]
        assert chunks[0].raw is not None, "an answer with embeddings is passed on as it came"
        await exchange.answer(200, chunks[0].raw, reply.head.headers)

    def _identify(self, exchange: Exchange, permission: str) -> State:
        state = self._door.holder.current
        exchange.caller = identified(exchange.scope, exchange.headers, state, self._door.clock, permission)
        return state

    def _call(self, exchange: Exchange, state: State, kind: Kind, model: str, raw: dict[str, Any]) -> Call:
        assert exchange.caller is not None
        return Call(
            id=exchange.call_id,
            kind=kind,
            dialect=Dialect.OPENAI,
            caller=exchange.caller,
            state=state,
            model=model,
            raw=raw,
            started=exchange.started,
            started_at=exchange.started_at,
            deadline=exchange.started + self._request_seconds_max,
        )

    async def _run(self, exchange: Exchange, call: Call, body_bytes: int) -> Reply:
        try:
            return await self._pipeline.run(call, body_bytes)
        finally:
            exchange.deployment = call.resolution.deployment.name if call.resolution is not None else ""


async def _stream(exchange: Exchange, call: Call, reply: Reply, answer: openai_chat.Answer) -> None:
    assert call.chat is not None
    options = call.chat.stream_options
    usage_owed = options is not None and bool(options.include_usage)
    waiting: list[bytes] = []
    async with aclosing(reply.chunks):
        async for chunk in reply.chunks:
            if data := openai_chat.event(answer, chunk):
                waiting.append(data)
                usage_owed = usage_owed and not _shows_usage(chunk)
            if waiting and not chunk.more:
                await exchange.piece(b"".join(waiting))
                waiting.clear()
    if usage_owed and call.usage is not None:
        waiting.append(openai_chat.usage_event(answer, call.usage))
    await exchange.piece(b"".join((*waiting, openai_chat.DONE)), last=True)


def _shows_usage(chunk: Chunk) -> bool:
    return chunk.usage is not None and chunk.raw is not None


def _model_shown(call: Call) -> str:
    """The model that really answered, by the name under which it is offered."""
    assert call.resolution is not None
    return call.resolution.deployment.model


class ModelCard(msgspec.Struct):
    """One model as OpenAI's clients list it."""

    id: str
    created: int
    owned_by: str
    object: str = "model"


class ModelList(msgspec.Struct):
    data: list[ModelCard]
    object: str = "list"


_CARD = {"id": "smollm2-135m-instruct", "created": 1795616648, "owned_by": "local", "object": "model"}
_KEY_ERRORS = (KeyMissing, KeyInvalid, KeyRevoked, KeyExpired, LoopbackOnly, Forbidden)


def _models(request: Request[Any, Any, Any], door: Door) -> list[ModelCard]:
    state = door.holder.current
    identified(request.scope, dict(request.scope["headers"]), state, door.clock, "models")  # type: ignore[arg-type]  # Litestar's scope is a TypedDict
    return [ModelCard(model.id, model.created, model.owned_by) for model in state.names.offered()]


@get(
    ["/v1/models", "/api/v1/models"],
    summary="List the models that this key may use",
    description="Local models by their catalogue id, upstream models as `provider/model`.",
    tags=["OpenAI"],
    responses={200: success(ModelList, {"object": "list", "data": [_CARD]}, "The models."), **error_answers(*_KEY_ERRORS)},
    sync_to_thread=False,
)
def list_models(request: Request[Any, Any, Any], door: NamedDependency[Door]) -> ModelList:
    return ModelList(_models(request, door))


@get(
    ["/v1/models/{model_id:path}", "/api/v1/models/{model_id:path}"],
    summary="One model",
    tags=["OpenAI"],
    responses={200: success(ModelCard, _CARD, "The model."), **error_answers(*_KEY_ERRORS, ModelUnknown)},
    sync_to_thread=False,
)
def get_model(request: Request[Any, Any, Any], door: NamedDependency[Door], model_id: FromPath[str]) -> ModelCard:
    wanted = model_id.removeprefix("/")
    for card in _models(request, door):
        if card.id == wanted:
            return card
    raise ModelUnknown(f"no model is called {wanted[:100]!r}", param="model", fix="GET /v1/models lists the names.")


routes: list[Any] = [list_models, get_model]
