"""What the OpenAPI document says of OpenAI's surface: operations with request, answer and error examples, as plain JSON."""

from typing import Any

import msgspec

from appliance import errors
from appliance.api.raw_documents import SCHEMA_PLACE, error_responses, json_content
from appliance.chat import ChatRequest
from appliance.errors import GatehouseError


def openai_errors(*kinds: type[GatehouseError]) -> dict[str, Any]:
    """Error answers of an operation, as OpenAI's clients read them."""
    return error_responses(kinds, "Error", lambda error: error.status, GatehouseError.body)


COMMON_ERRORS = (
    errors.MalformedJson,
    errors.InvalidField,
    errors.ContextLengthExceeded,
    errors.FeatureUnsupported,
    errors.KeyMissing,
    errors.KeyInvalid,
    errors.KeyRevoked,
    errors.KeyExpired,
    errors.UpstreamUnauthorized,
    errors.LoopbackOnly,
    errors.ModelUnknown,
    errors.MethodNotAllowed,
    errors.BodyTooSlow,
    errors.TooLarge,
    errors.QueueFull,
    errors.UpstreamRateLimited,
    errors.UpstreamFailed,
    errors.Overloaded,
    errors.LedgerUnavailable,
    errors.LocalModelFailed,
    errors.UpstreamTimeout,
)

_CHAT_ASKED = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello!"}]}
_CHAT_ANSWERED = {
    "id": "chatcmpl-0193",
    "object": "chat.completion",
    "created": 1764076800,
    "model": "smollm2-135m-instruct",
    "choices": [
        {"index": 0, "message": {"role": "assistant", "content": "Hello! How can I help?"}, "finish_reason": "stop"},
    ],
    "usage": {"prompt_tokens": 31, "completion_tokens": 8, "total_tokens": 39},
}
_STREAMED = (
    'data: {"id":"chatcmpl-0193","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hello"}}]}\n\n'
    "data: [DONE]\n\n"
)

CHAT: dict[str, Any] = {
    "operationId": "chatCompletions",
    "summary": "Chat with a model, whole or streamed",
    "description": (
        "OpenAI's Chat Completions. Fields that are not listed here are passed on to an upstream as they are. "
        "With `stream: true` the answer is server-sent events that end with `data: [DONE]`; an error after the first "
        'event is an event `data: {"error": …}`, never followed by [DONE].'
    ),
    "tags": ["OpenAI"],
    "security": [{"bearer": []}],
    "requestBody": {
        "required": True,
        "content": json_content(
            {"$ref": SCHEMA_PLACE.format(name="ChatRequest")}, whole=_CHAT_ASKED, streamed={**_CHAT_ASKED, "stream": True}
        ),
    },
    "responses": {
        "200": {
            "description": "The answer. The header x-gatehouse-deployment says which model gave it, x-gatehouse-alias what a "
            "name stood for.",
            "content": {
                **json_content({"type": "object"}, whole=_CHAT_ANSWERED),
                "text/event-stream": {"schema": {"type": "string"}, "examples": {"streamed": {"value": _STREAMED}}},
            },
        },
        **openai_errors(*COMMON_ERRORS),
    },
}

EMBEDDINGS: dict[str, Any] = {
    "operationId": "embeddings",
    "summary": "Vectors for texts",
    "description": "OpenAI's Embeddings, from an upstream or from a local embedding model (GGUF).",
    "tags": ["OpenAI"],
    "security": [{"bearer": []}],
    "requestBody": {
        "required": True,
        "content": json_content(
            {
                "type": "object",
                "required": ["model", "input"],
                "properties": {
                    "model": {"type": "string"},
                    "input": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]},
                    "encoding_format": {"enum": ["float", "base64"]},
                    "dimensions": {"type": "integer"},
                },
            },
            one={"model": "openai/text-embedding-3-small", "input": "Hello!"},
        ),
    },
    "responses": {
        "200": {
            "description": "The vectors, in the order of the texts.",
            "content": json_content(
                {"type": "object"},
                one={
                    "object": "list",
                    "model": "text-embedding-3-small",
                    "data": [{"object": "embedding", "index": 0, "embedding": [0.1, -0.2]}],
                    "usage": {"prompt_tokens": 2, "total_tokens": 2},
                },
            ),
        },
        **openai_errors(*COMMON_ERRORS),
    },
}


def schemas() -> dict[str, Any]:
    """The components that the operations refer to."""
    _, chat = msgspec.json.schema_components([ChatRequest], ref_template=SCHEMA_PLACE)
    error = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message", "type", "code"],
                "properties": {
                    "message": {"type": "string", "description": "What was wrong."},
                    "type": {"type": "string"},
                    "param": {"type": ["string", "null"], "description": "The field at fault."},
                    "code": {"type": "string", "description": "Never changes; docs/reference/errors.md lists them."},
                    "fix": {"type": "string", "description": "What to do."},
                },
            }
        },
    }
    return {**chat, "Error": error}
