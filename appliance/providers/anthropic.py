"""Anthropic Messages (`POST /v1/messages`).

Source: platform.claude.com/docs/en/api/messages, api/versioning, api/errors, api/messages-count-tokens; the anthropic Python
SDK 2.14; read 2026-11-26.
Quirks: the version that we speak, 2023-06-01, is the last that knows a temperature; the next one (2026-10-21) refuses it, and
is otherwise the same for what is sent here. The rest stands with each half of the translation: anthropic_request (turns, tools,
thinking) and anthropic_answer (anthropic_stream). Anthropic hosts no embedding model.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.chat import ChatRequest, Chunk
from appliance.errors import FeatureUnsupported, GatehouseError, InvalidField, UpstreamFailed
from appliance.providers.anthropic_answer import Error, read_error, said_failure, whole
from appliance.providers.anthropic_passing import passed_on
from appliance.providers.anthropic_request import body_of
from appliance.providers.anthropic_stream import AnthropicStream
from appliance.providers.failures import UNREADABLE, retry_after_seconds
from appliance.providers.support import TEXT_SOURCE, Support
from appliance.providers.wire import Deployment, Outgoing

VERSION = "2023-06-01"
MODELS_MAX = 1_000  # a page of the list; its default is 20


class _ModelName(msgspec.Struct):
    id: str


class _ModelList(msgspec.Struct):
    data: list[_ModelName]


class _Count(msgspec.Struct):
    input_tokens: int


_read_models = msgspec.json.Decoder(_ModelList).decode
_read_count = msgspec.json.Decoder(_Count).decode
_write = msgspec.json.Encoder().encode


class Anthropic:
    """Anthropic's format. Stateless: one instance serves every deployment."""

    dialect = "anthropic_messages"
    support = Support(frozenset({"tools", "parallel_tool_calls", "json_schema", "json_object", "reasoning", "top_k", "images"}))
    documents = frozenset({"pdf", TEXT_SOURCE})

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        body = passed_on(raw, deployment.model) if passes else body_of(chat, deployment.model)
        return Outgoing(_path(deployment, "/messages"), _headers(deployment.api_key), _written(body))

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        chunk = whole(body, deployment.provider)
        if passes:
            chunk.raw = body
        return chunk

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> AnthropicStream:
        return AnthropicStream(deployment.provider, passes=passes)

    def count_request(self, raw: dict[str, Any], deployment: Deployment) -> Outgoing:
        """Ask how many tokens a prompt has. `raw`: the body of a caller who asks the same in this very format."""
        body = _written(passed_on(raw, deployment.model))
        return Outgoing(_path(deployment, "/messages/count_tokens"), _headers(deployment.api_key), body)

    def count_answer(self, body: bytes) -> int:
        """Errors: ValueError when the body is no count."""
        try:
            return max(_read_count(body).input_tokens, 0)
        except UNREADABLE as error:
            raise ValueError("no count of tokens in Anthropic's format") from error

    def embeddings_requests(self, raw: dict[str, Any], deployment: Deployment) -> list[Outgoing]:
        raise FeatureUnsupported(
            f"{deployment.name} can't do this: embeddings. Anthropic hosts no embedding model.", fix="Ask for another model."
        )

    def embeddings_answer(self, bodies: list[bytes], raw: dict[str, Any], deployment: Deployment) -> Chunk:
        raise FeatureUnsupported(f"{deployment.name} can't do this: embeddings", fix="Ask for another model.")

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        return Outgoing(_path(deployment, f"/models?limit={MODELS_MAX}"), _headers(deployment.api_key), b"")

    def models_answer(self, body: bytes) -> list[str]:
        try:
            return [model.id for model in _read_models(body).data]
        except UNREADABLE as error:
            raise ValueError("no list of models in Anthropic's format") from error

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        if status < 400:
            return UpstreamFailed(f"{deployment.provider} answered with status {status}", fix="Check the provider's base_url.")
        try:
            said = read_error(body).error or Error()
        except UNREADABLE:
            said = Error()  # an HTML page from a proxy, say: the status alone speaks
        return said_failure(deployment.provider, said, status, retry_after_seconds(headers))


def _written(body: dict[str, Any]) -> bytes:
    try:
        return _write(body)
    except UnicodeEncodeError as error:
        raise InvalidField("a text holds half a character (a lone surrogate)", fix="Send whole characters.") from error


def _path(deployment: Deployment, tail: str) -> str:
    """Below a base_url with or without the version at its end."""
    return tail if deployment.base_url.endswith("/v1") else f"/v1{tail}"


def _headers(api_key: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", "anthropic-version": VERSION}
    if api_key:
        headers["x-api-key"] = api_key
    return headers
