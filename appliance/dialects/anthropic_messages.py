"""Anthropic Messages as callers speak it (`POST /v1/messages`).

Source: the anthropic Python SDK 2.14 (types/message_create_params, _error_classes), read 2026-11-26.
Quirks: `max_tokens` is required. `system` stands beside the messages. Tool results are blocks of a user's message, and images
may stand in them. `cache_control` marks change what a call costs, never its answer: a translation leaves them out unsaid.
What we have never heard of is an error only where it would have to be translated: Anthropic itself gets the caller's own body.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance import bodies
from appliance.chat import MESSAGES_MAX, TOOLS_MAX, ChatRequest
from appliance.dialects.anthropic_messages_tools import choice_of, format_of, server_tools, tools_of
from appliance.dialects.anthropic_messages_turns import Turn, system_message, turns
from appliance.dialects.anthropic_messages_writer import PING, AnthropicMessagesWriter
from appliance.dialects.writer import Answer, Parsed
from appliance.errors import InvalidField

STOP_SEQUENCES_MAX = 1_000


class _OutputConfig(msgspec.Struct):
    effort: str | None = None
    format: dict[str, Any] | None = None


class MessagesRequest(msgspec.Struct):
    """What is read of a request for a translation. `max_tokens` may be missing where tokens are only counted."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    messages: Annotated[list[Turn], Meta(min_length=1, max_length=MESSAGES_MAX)]
    max_tokens: Annotated[int, Meta(ge=0)] | None = None
    system: str | list[dict[str, Any]] | None = None
    stream: bool | None = None
    stop_sequences: Annotated[list[str], Meta(max_length=STOP_SEQUENCES_MAX)] | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_k: Annotated[int, Meta(ge=0)] | None = None
    tools: Annotated[list[dict[str, Any]], Meta(max_length=TOOLS_MAX)] | None = None
    tool_choice: dict[str, Any] | None = None
    thinking: dict[str, Any] | None = None
    output_config: _OutputConfig | None = None
    output_format: dict[str, Any] | None = None  # its name while structured output was a beta
    cache_control: dict[str, Any] | None = None


_KNOWN = frozenset(field.name for field in msgspec.structs.fields(MessagesRequest))


class AnthropicMessages:
    """The dialect; stateless."""

    name = "anthropic_messages"
    id_prefix = "msg_"
    sign_of_life = PING
    own_headers = (b"anthropic-version", b"anthropic-beta")

    def parse(self, body: bytes) -> Parsed:
        raw = bodies.read_object(body)
        return Parsed(self.chat(raw), raw)

    def chat(self, raw: dict[str, Any]) -> ChatRequest:
        request = _request(raw)
        if request.max_tokens is None:
            raise InvalidField("max_tokens: Field required", param="max_tokens", fix="Say how long the answer may become.")
        return _chat(request)

    def parse_to_count(self, body: bytes) -> Parsed:
        """A request whose tokens are to be counted: `max_tokens` may be missing. Errors: as `parse`."""
        raw = bodies.read_object(body)
        return Parsed(_chat(_request(raw)), raw)

    def extras(self, raw: dict[str, Any]) -> list[str]:
        named = [name for name, value in raw.items() if name not in _KNOWN and value is not None]
        return named + server_tools(raw.get("tools") or [])

    def for_its_vendor(self, raw: dict[str, Any]) -> dict[str, Any]:
        return raw

    def writer(self, chat: ChatRequest, answer: Answer) -> AnthropicMessagesWriter:
        return AnthropicMessagesWriter(chat, answer)


def _request(raw: dict[str, Any]) -> MessagesRequest:
    try:
        return msgspec.convert(raw, MessagesRequest)
    except (msgspec.ValidationError, RecursionError) as error:
        raise bodies.refusal(error, b"") from error


def _chat(request: MessagesRequest) -> ChatRequest:
    config = request.output_config or _OutputConfig()
    tools = tools_of(request.tools or [])
    choice, parallel = choice_of(request.tool_choice or {}) if tools else (None, None)
    return ChatRequest(
        model=request.model,
        messages=system_message(request.system) + turns(request.messages),
        stream=request.stream,
        max_tokens=request.max_tokens,
        temperature=request.temperature,
        top_p=request.top_p,
        stop=request.stop_sequences or None,
        tools=tools or None,
        tool_choice=choice,
        parallel_tool_calls=parallel,
        response_format=format_of(config.format or request.output_format),
        top_k=request.top_k,
        reasoning_effort=config.effort,
        thinking=request.thinking,
    )
