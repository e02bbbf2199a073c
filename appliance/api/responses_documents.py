"""What the OpenAPI document says of the Responses surface, as plain JSON."""

from typing import Any

from appliance import errors
from appliance.api.openai_documents import COMMON_ERRORS, openai_errors
from appliance.api.raw_documents import json_content

_ASKED = {"model": "gpt-4o-mini", "input": "Hello!"}
ANSWERED: dict[str, Any] = {
    "id": "resp_0193",
    "object": "response",
    "created_at": 1764076800,
    "status": "completed",
    "model": "smollm2-135m-instruct",
    "output": [
        {
            "id": "msg_019300",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello! How can I help?", "annotations": []}],
        }
    ],
    "usage": {"input_tokens": 31, "output_tokens": 8, "total_tokens": 39},
}
INPUT_ITEMS: dict[str, Any] = {
    "object": "list",
    "data": [
        {"id": "msg_0193i00", "type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]},
    ],
    "first_id": "msg_0193i00",
    "last_id": "msg_0193i00",
    "has_more": False,
}
_STREAMED = (
    'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"resp_0193"}}\n\n'
    'event: response.output_text.delta\ndata: {"type":"response.output_text.delta","sequence_number":4,"delta":"Hello"}\n\n'
    'event: response.completed\ndata: {"type":"response.completed","sequence_number":9,"response":{"id":"resp_0193"}}\n\n'
)

_PROPERTIES: dict[str, Any] = {
    "model": {"type": "string"},
    "input": {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "object"}}]},
    "instructions": {"type": "string"},
    "previous_response_id": {"type": "string"},
    "store": {"type": "boolean", "default": True},
    "stream": {"type": "boolean"},
    "max_output_tokens": {"type": "integer"},
    "temperature": {"type": "number"},
    "top_p": {"type": "number"},
    "tools": {"type": "array", "items": {"type": "object"}},
    "tool_choice": {"anyOf": [{"type": "string"}, {"type": "object"}]},
    "parallel_tool_calls": {"type": "boolean"},
    "text": {"type": "object"},
    "reasoning": {"type": "object"},
    "metadata": {"type": "object"},
}


_SCHEMA = {"type": "object", "required": ["model", "input"], "properties": _PROPERTIES}

CREATE: dict[str, Any] = {
    "operationId": "responses",
    "summary": "A response, whole or streamed",
    "description": (
        "OpenAI's Responses. Unless `store` is false the response is kept, encrypted, for `responses_kept_hours`, and can be "
        "continued by `previous_response_id`. With `stream: true` the answer is server-sent events, numbered from 0, which end "
        "with response.completed or response.incomplete; an error after the first is an event `error`. A response that can't be "
        "kept is answered with an error, not given out."
    ),
    "tags": ["OpenAI"],
    "security": [{"bearer": []}],
    "requestBody": {"required": True, "content": json_content(_SCHEMA, whole=_ASKED, streamed={**_ASKED, "stream": True})},
    "responses": {
        "200": {
            "description": "The response.",
            "content": {
                **json_content({"type": "object"}, whole=ANSWERED),
                "text/event-stream": {"schema": {"type": "string"}, "examples": {"streamed": {"value": _STREAMED}}},
            },
        },
        **openai_errors(*COMMON_ERRORS, errors.PreviousResponseUnknown, errors.Unavailable),
    },
}
