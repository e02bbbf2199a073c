"""AWS Bedrock: Converse and ConverseStream for chats, Titan by InvokeModel for embeddings.

Source: botocore 1.44 (bedrock-runtime 2023-09-30) and docs.aws.amazon.com/bedrock/latest/APIReference, read 2026-11-26.
Quirks: a model's id stands in the path, quoted, colons and slashes too ("anthropic.claude-…:0", or the ARN of an inference
profile). A request is signed with a pair of keys, or carries a bearer key. The list of models is another service's, so there is
none here. What each part of a chat becomes: bedrock_messages, bedrock_tools, bedrock_options; answers: bedrock_answers.
"""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

import msgspec

from appliance.chat import ChatRequest, Chunk
from appliance.errors import GatehouseError, InvalidField, UpstreamUnauthorized
from appliance.providers import bedrock_answers, bedrock_embeddings, bedrock_errors
from appliance.providers.bedrock_messages import Conversation
from appliance.providers.bedrock_options import options
from appliance.providers.bedrock_signature import CONTENT_TYPE, signed_headers
from appliance.providers.bedrock_tools import tool_config
from appliance.providers.support import Support
from appliance.providers.wire import Deployment, Outgoing

_encode = msgspec.json.Encoder().encode


class Bedrock:
    """Bedrock's format. Stateless: one instance serves every deployment. `now`: seconds since 1970, for signatures."""

    dialect = ""  # no caller speaks it
    documents: frozenset[str] = frozenset()
    support = Support(frozenset({"tools", "images", "json_schema", "reasoning", "top_k"}))

    def __init__(self, now: Callable[[], float] = time.time) -> None:
        self._now = now

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        talk = Conversation(chat.messages)
        tools, words = tool_config(chat, talk.called)
        system = [*talk.system, words] if words else talk.system
        body: dict[str, Any] = {"messages": talk.turns}
        if system:
            body["system"] = [{"text": text} for text in system]
        if tools is not None:
            body["toolConfig"] = tools
        body.update(options(chat, deployment.model, may_think=talk.may_think))
        return self._outgoing("converse-stream" if chat.stream else "converse", _written(body), deployment)

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        return bedrock_answers.whole(body, deployment.provider)

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> bedrock_answers.BedrockStream:
        return bedrock_answers.BedrockStream(deployment.provider)

    def embeddings_requests(self, raw: dict[str, Any], deployment: Deployment) -> list[Outgoing]:
        return [self._outgoing("invoke", _written(body), deployment) for body in bedrock_embeddings.requests_for(raw)]

    def embeddings_answer(self, bodies: list[bytes], raw: dict[str, Any], deployment: Deployment) -> Chunk:
        return bedrock_embeddings.answer(bodies, raw, deployment.provider)

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        return None

    def models_answer(self, body: bytes) -> list[str]:
        raise ValueError("Bedrock doesn't list its models at this address")

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        return bedrock_errors.answered(status, headers, body, deployment.provider)

    def _outgoing(self, operation: str, body: bytes, deployment: Deployment) -> Outgoing:
        path = _path(deployment.model, operation)
        return Outgoing(path, {**self._credential(path, body, deployment), "Accept-Encoding": "identity"}, body)

    def _credential(self, path: str, body: bytes, deployment: Deployment) -> dict[str, str]:
        if deployment.access_key_id and deployment.secret_access_key and deployment.region:
            return signed_headers(
                deployment.base_url + path,
                body,
                access_key_id=deployment.access_key_id,
                secret_access_key=deployment.secret_access_key,
                region=deployment.region,
                now=self._now(),
            )
        if deployment.api_key:
            return {"Content-Type": CONTENT_TYPE, "Authorization": f"Bearer {deployment.api_key}"}
        raise UpstreamUnauthorized(
            f"{deployment.provider} has no credential",
            fix="An administrator must give it an api_key, or region, access_key_id and secret_access_key.",
        )


@lru_cache(maxsize=1024)
def _path(model: str, operation: str) -> str:
    return f"/model/{quote(model, safe='')}/{operation}"


def _written(body: dict[str, Any]) -> bytes:
    try:
        return _encode(body)
    except UnicodeEncodeError as error:
        raise InvalidField("a text holds half of a character (a lone surrogate)", fix="Send valid Unicode.") from error
