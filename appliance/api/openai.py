"""OpenAI's surface: chat completions and embeddings (raw, hot), the list of models."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from msgspec import Meta

from appliance import bodies
from appliance.api import anthropic_models
from appliance.api import openai_documents as documents
from appliance.api.chat_surface import ChatSurface, identified
from appliance.api.door import Door, ErrorForm, openai_error_body
from appliance.api.error_answers import error_answers, success
from appliance.api.exchange import Exchange
from appliance.api.raw import RawRoute
from appliance.dialects import openai_chat
from appliance.errors import ContentBlocked, Forbidden, KeyExpired, KeyInvalid, KeyMissing, KeyRevoked, LoopbackOnly, ModelUnknown
from appliance.gateway.allowed_models import offered
from appliance.gateway.call import Reply
from appliance.metering.entries import Dialect, Kind

ERRORS = ErrorForm(openai_error_body, openai_chat.error_event)


class EmbeddingsRequest(msgspec.Struct):
    """What is checked of a request for embeddings; everything else is the provider's business."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | list[Any]  # of texts, of tokens, or of lists of tokens


_embeddings_decoder = msgspec.json.Decoder(EmbeddingsRequest)


class OpenAIRoutes:
    """The raw handlers, and what they need."""

    def __init__(self, surface: ChatSurface) -> None:
        self._surface = surface
        self._chat = openai_chat.OpenAIChat()

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
        await self._surface.chat(exchange, self._chat)

    async def embeddings(self, exchange: Exchange) -> None:
        state = self._surface.identify(exchange, "embeddings")
        body = await exchange.body()
        request = bodies.read(body, _embeddings_decoder)
        raw = bodies.read_object(body)
        call = self._surface.call(exchange, state, Kind.EMBEDDINGS, Dialect.OPENAI, request.model, raw)

        async def write(reply: Reply) -> None:
            chunks = [chunk async for chunk in reply.chunks]
            if chunks[0].raw is None:  # else it is passed on as it came
                raise ContentBlocked("the policy stops what the provider answered", fix="Ask whoever runs Gatehouse about it.")
            await exchange.answer(200, chunks[0].raw, reply.head.headers)

        await self._surface.run(exchange, call, len(body), write)


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
    scope: Any = request.scope
    caller = identified(scope, dict(scope["headers"]), state, door.clock, "models")
    return [ModelCard(model.id, model.created, model.owned_by) for model in offered(state.names, caller)]


@get(
    ["/v1/models", "/api/v1/models"],
    summary="List the models that this key may use",
    description=(
        "Local models by their catalogue id, upstream models as `provider/model`. With the header `anthropic-version` the "
        "answer is Anthropic's, a page at a time."
    ),
    tags=["OpenAI"],
    responses={200: success(ModelList, {"object": "list", "data": [_CARD]}, "The models."), **error_answers(*_KEY_ERRORS)},
    sync_to_thread=False,
)
def list_models(request: Request[Any, Any, Any], door: NamedDependency[Door]) -> Any:
    if anthropic_models.wanted(request):
        return anthropic_models.answered(request, lambda: anthropic_models.page(_models(request, door), request.query_params))
    return ModelList(_models(request, door))


@get(
    ["/v1/models/{model_id:path}", "/api/v1/models/{model_id:path}"],
    summary="One model",
    tags=["OpenAI"],
    responses={200: success(ModelCard, _CARD, "The model."), **error_answers(*_KEY_ERRORS, ModelUnknown)},
    sync_to_thread=False,
)
def get_model(request: Request[Any, Any, Any], door: NamedDependency[Door], model_id: FromPath[str]) -> Any:
    wanted = model_id.removeprefix("/")
    if anthropic_models.wanted(request):
        return anthropic_models.answered(request, lambda: anthropic_models.info(_card(request, door, wanted)))
    return _card(request, door, wanted)


def _card(request: Request[Any, Any, Any], door: Door, wanted: str) -> ModelCard:
    for card in _models(request, door):
        if card.id == wanted:
            return card
    raise ModelUnknown(f"no model is called {wanted[:100]!r}", param="model", fix="GET /v1/models lists the names.")


routes: list[Any] = [list_models, get_model]
