"""What the OpenAPI document says of Anthropic's surface: operations with request, answer and error examples, as plain JSON."""

from typing import Any

import msgspec

from appliance import errors
from appliance.api.raw_documents import SCHEMA_PLACE, error_responses, json_content
from appliance.dialects.anthropic_messages import MessagesRequest
from appliance.dialects.anthropic_messages_errors import error_body, error_status
from appliance.errors import GatehouseError

ERROR_NAME = "AnthropicError"


def _error_responses(*kinds: type[GatehouseError]) -> dict[str, Any]:
    return error_responses(kinds, ERROR_NAME, error_status, lambda error: msgspec.json.decode(error_body(error, "req_0193")))


_COUNT_ERRORS = (
    errors.MalformedJson,
    errors.InvalidField,
    errors.KeyMissing,
    errors.KeyInvalid,
    errors.KeyRevoked,
    errors.KeyExpired,
    errors.LoopbackOnly,
    errors.ModelUnknown,
    errors.MethodNotAllowed,
    errors.BodyTooSlow,
    errors.TooLarge,
    errors.Overloaded,
)
_CHAT_ERRORS = (
    *_COUNT_ERRORS,
    errors.ContextLengthExceeded,
    errors.FeatureUnsupported,
    errors.UpstreamUnauthorized,
    errors.QueueFull,
    errors.UpstreamRateLimited,
    errors.UpstreamFailed,
    errors.LedgerUnavailable,
    errors.LocalModelFailed,
    errors.UpstreamTimeout,
    errors.UpstreamOverloaded,
)

_TO_COUNT = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}
_ASKED = {**_TO_COUNT, "max_tokens": 256}
_ANSWERED = {
    "id": "msg_0193",
    "type": "message",
    "role": "assistant",
    "model": "gpt-4o-mini",
    "content": [{"type": "text", "text": "Hello! How can I help?"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 8},
}
_STREAMED = (
    'event: content_block_delta\ndata: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hello!"}}\n\n'
    'event: message_stop\ndata: {"type":"message_stop"}\n\n'
)
_SCHEMA = {"$ref": SCHEMA_PLACE.format(name="MessagesRequest")}

MESSAGES: dict[str, Any] = {
    "operationId": "messages",
    "summary": "Chat with a model in Anthropic's format, whole or streamed",
    "description": (
        "Anthropic's Messages, for any model that is offered here. The key goes into `x-api-key` or `Authorization: Bearer`; "
        "the header `anthropic-version` may be left out. Fields that are not listed here are passed on to Anthropic as they "
        "are, and refused by name where the model is another vendor's. With `stream: true` the answer is server-sent events "
        "that end with `message_stop`; an error after the first event is an event `error`, never followed by it."
    ),
    "tags": ["Anthropic"],
    "security": [{"bearer": []}],
    "requestBody": {"required": True, "content": json_content(_SCHEMA, whole=_ASKED, streamed={**_ASKED, "stream": True})},
    "responses": {
        "200": {
            "description": "The answer. The header x-gatehouse-deployment says which model gave it, x-gatehouse-alias what a "
            "name stood for.",
            "content": {
                **json_content({"type": "object"}, whole=_ANSWERED),
                "text/event-stream": {"schema": {"type": "string"}, "examples": {"streamed": {"value": _STREAMED}}},
            },
        },
        **_error_responses(*_CHAT_ERRORS),
    },
}

COUNT_TOKENS: dict[str, Any] = {
    "operationId": "countTokens",
    "summary": "How many tokens a request would take in",
    "description": (
        "Anthropic's token counting. Nothing is sent to the model. Models at Anthropic are counted by Anthropic; a count that is "
        "estimated (four characters a token) says so in the header `x-gatehouse-estimated: true`."
    ),
    "tags": ["Anthropic"],
    "security": [{"bearer": []}],
    "requestBody": {"required": True, "content": json_content(_SCHEMA, one=_TO_COUNT)},
    "responses": {
        "200": {
            "description": "The count.",
            "content": json_content(
                {"type": "object", "properties": {"input_tokens": {"type": "integer"}}}, one={"input_tokens": 9}
            ),
        },
        **_error_responses(*_COUNT_ERRORS),
    },
}


def schemas() -> dict[str, Any]:
    """The components that the operations refer to."""
    _, request = msgspec.json.schema_components([MessagesRequest], ref_template=SCHEMA_PLACE)
    error = {
        "type": "object",
        "required": ["type", "error"],
        "properties": {
            "type": {"const": "error"},
            "error": {
                "type": "object",
                "required": ["type", "message"],
                "properties": {
                    "type": {"type": "string"},
                    "message": {"type": "string", "description": "What was wrong, and what to do."},
                    "details": {
                        "type": "object",
                        "properties": {
                            "error_code": {"type": "string", "description": "Never changes; docs/reference/errors.md lists them."}
                        },
                    },
                },
            },
            "request_id": {"type": "string"},
        },
    }
    return {**request, ERROR_NAME: error}
