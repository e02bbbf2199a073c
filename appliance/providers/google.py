"""Google's Gemini Developer API (`generateContent`, `embedContent`), with an API key.

Source: ai.google.dev/api, the google-genai SDK 3.6; read 2026-11-26.
Quirks: Google refuses names that it doesn't know, so nothing of the caller's body passes as it is. The key goes into a header:
`?key=` would stand in logs. The rest stands with each part of the translation: google_contents (turns, calls, signatures),
google_images, google_options (sampling, thinking, tools), google_schema, google_answer, google_stream, google_errors,
google_embeddings.
"""

import re
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

import msgspec

from appliance.chat import ChatRequest, Chunk
from appliance.errors import GatehouseError, InvalidField, UpstreamFailed
from appliance.providers import google_embeddings
from appliance.providers.google_answer import whole
from appliance.providers.google_contents import put_conversation
from appliance.providers.google_errors import UNREADABLE, read_error, said_failure
from appliance.providers.google_options import put_options
from appliance.providers.google_stream import GoogleStream
from appliance.providers.support import Support
from appliance.providers.wire import Deployment, Outgoing

MODELS_MAX = 1_000  # a page of the list; its default is 50
_VERSIONED = re.compile(r"/v\d+(?:alpha|beta)?\d*$")


class _ModelName(msgspec.Struct):
    name: str


class _ModelList(msgspec.Struct):
    models: list[_ModelName]


_read_models = msgspec.json.Decoder(_ModelList).decode
_write = msgspec.json.Encoder().encode


class Google:
    """Gemini's format. Stateless: one instance serves every deployment."""

    dialect = ""
    documents: frozenset[str] = frozenset()
    support = Support(
        frozenset(
            {
                "tools", "n", "logprobs", "json_schema", "json_object", "reasoning", "seed", "presence_penalty",
                "frequency_penalty", "top_k", "images",
            }
        )
    )  # fmt: skip

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        assert not passes, "no caller speaks Gemini's format"
        model = deployment.model.removeprefix("models/")
        verb = "streamGenerateContent?alt=sse" if chat.stream else "generateContent"
        return Outgoing(_path(deployment, verb), _headers(deployment.api_key), _written(lambda: _body(chat, model)))

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        return whole(body, deployment.provider)

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> GoogleStream:
        return GoogleStream(deployment.provider, choices=chat.n or 1)

    def embeddings_requests(self, raw: dict[str, Any], deployment: Deployment) -> list[Outgoing]:
        asked = google_embeddings.requests(raw, _full_name(deployment.model))
        headers = _headers(deployment.api_key)
        return [Outgoing(_path(deployment, verb), headers, _written(partial(dict, body))) for verb, body in asked]

    def embeddings_answer(self, bodies: list[bytes], raw: dict[str, Any], deployment: Deployment) -> Chunk:
        return google_embeddings.answer(bodies, raw, provider=deployment.provider, model=deployment.model)

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        return Outgoing(f"{_version(deployment)}/models?pageSize={MODELS_MAX}", _headers(deployment.api_key), b"")

    def models_answer(self, body: bytes) -> list[str]:
        try:
            return [model.name.removeprefix("models/") for model in _read_models(body).models]
        except UNREADABLE as error:
            raise ValueError("no list of models in Gemini's format") from error

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        if status < 400:
            return UpstreamFailed(f"{deployment.provider} answered with status {status}", fix="Check the provider's base_url.")
        return said_failure(deployment.provider, read_error(body), status, headers)


def _full_name(model: str) -> str:
    """ "models/gemini-2.5-flash"; a tuned model has a collection of its own."""
    return model if "/" in model else f"models/{model}"


def _version(deployment: Deployment) -> str:
    """Below a base_url with or without the version at its end."""
    return "" if _VERSIONED.search(deployment.base_url) else "/v1beta"


def _path(deployment: Deployment, verb: str) -> str:
    return f"{_version(deployment)}/{quote(_full_name(deployment.model))}:{verb}"


def _headers(api_key: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if api_key:
        headers["x-goog-api-key"] = api_key
    return headers


def _body(chat: ChatRequest, model: str) -> dict[str, Any]:
    body: dict[str, Any] = {}
    put_conversation(body, chat, model)
    put_options(body, chat, model)
    return body


def _written(make: Callable[[], dict[str, Any]]) -> bytes:
    try:
        return _write(make())
    except UnicodeEncodeError as error:
        raise InvalidField("a text holds half a character (a lone surrogate)", fix="Send whole characters.") from error
