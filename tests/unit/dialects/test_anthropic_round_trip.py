"""From Anthropic's form to ours and back: what a caller and Anthropic say to each other survives the translation.

Such calls pass through as they are; they are translated where a route's other deployments speak another format.
"""

import json
from typing import Any

import anthropic
import httpx2

from appliance.chat import Chunk
from appliance.dialects.anthropic_messages import AnthropicMessages
from appliance.dialects.writer import Answer
from appliance.providers.anthropic import Anthropic
from appliance.providers.wire import Deployment

DEPLOYMENT = Deployment("anthropic/claude", "anthropic", "anthropic", "claude-sonnet-4-5", "https://api.anthropic.com", "sk")
DIALECT = AnthropicMessages()
PROVIDER = Anthropic()
THOUGHT = {"type": "thinking", "thinking": "Pune first.", "signature": "c2lnbmF0dXJl"}
HIDDEN = {"type": "redacted_thinking", "data": "aGlkZGVu"}
CALLS = [
    {"type": "tool_use", "id": "toolu_01", "name": "get_weather", "input": {"city": "Pune"}},
    {"type": "tool_use", "id": "toolu_02", "name": "get_weather", "input": {}},
]
ASKED: dict[str, Any] = {
    "model": "claude-sonnet-4-5",
    "max_tokens": 4096,
    "system": "Be brief.",
    "thinking": {"type": "enabled", "budget_tokens": 2048},
    "stop_sequences": ["END"],
    "tools": [{"name": "get_weather", "description": "The weather", "input_schema": {"type": "object", "properties": {}}}],
    "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": [THOUGHT, HIDDEN, {"type": "text", "text": "Looking."}, *CALLS]},
        {
            "role": "user",
            "content": [
                {"type": "tool_result", "tool_use_id": "toolu_01", "content": "21 °C"},
                {"type": "tool_result", "tool_use_id": "toolu_02", "content": "no city", "is_error": True},
                {"type": "text", "text": "Well?"},
            ],
        },
    ],
}
CONTENT = [THOUGHT, HIDDEN, {"type": "text", "text": "Looking."}, *CALLS]
EVENTS: list[dict[str, Any]] = [
    {
        "type": "message_start",
        "message": {
            "id": "msg_x", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": [],
            "stop_reason": None, "stop_sequence": None,
            "usage": {"input_tokens": 20, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 5, "output_tokens": 1},
        },
    },
    {"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}},
    {"type": "ping"},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "Pune "}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "first."}},
    {"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "c2lnbmF0dXJl"}},
    {"type": "content_block_stop", "index": 0},
    {"type": "content_block_start", "index": 1, "content_block": HIDDEN},
    {"type": "content_block_stop", "index": 1},
    {"type": "content_block_start", "index": 2, "content_block": {"type": "text", "text": ""}},
    {"type": "content_block_delta", "index": 2, "delta": {"type": "text_delta", "text": "Looking."}},
    {"type": "content_block_stop", "index": 2},
    {"type": "content_block_start", "index": 3, "content_block": {**CALLS[0], "input": {}}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '{"city": '}},
    {"type": "content_block_delta", "index": 3, "delta": {"type": "input_json_delta", "partial_json": '"Pune"}'}},
    {"type": "content_block_stop", "index": 3},
    {"type": "content_block_start", "index": 4, "content_block": CALLS[1]},
    {"type": "content_block_stop", "index": 4},
    {"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": None}, "usage": {"output_tokens": 33}},
    {"type": "message_stop"},
]  # fmt: skip
RECORDED = b"".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode() for event in EVENTS)


def read_by_the_sdk(data: bytes) -> Any:
    def answer(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=data)

    with (
        httpx2.Client(transport=httpx2.MockTransport(answer)) as transport,
        anthropic.Anthropic(api_key="k", http_client=transport, max_retries=0) as client,
        client.messages.stream(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]) as stream,
    ):
        return stream.get_final_message().to_dict()


def test_a_request_reaches_anthropic_as_it_was_said() -> None:
    parsed = DIALECT.parse(json.dumps(ASKED).encode())
    sent = json.loads(PROVIDER.chat_request(parsed.chat, parsed.raw, DEPLOYMENT, passes=False).body)
    turns = [turn if isinstance(turn["content"], list) else _in_blocks(turn) for turn in sent["messages"]]
    assert turns == [_in_blocks(ASKED["messages"][0]), *ASKED["messages"][1:]]
    for name in ("max_tokens", "thinking", "stop_sequences", "tools"):
        assert sent[name] == ASKED[name], name


def _in_blocks(turn: dict[str, Any]) -> dict[str, Any]:
    return {**turn, "content": [{"type": "text", "text": turn["content"]}]}


def test_a_stream_of_anthropics_reaches_the_sdk_as_it_was_told() -> None:
    chat = DIALECT.parse(json.dumps({**ASKED, "stream": True}).encode()).chat
    stream = PROVIDER.chat_stream(chat, DEPLOYMENT, passes=False)
    chunks = [chunk for at in range(len(RECORDED)) for chunk in stream.feed(RECORDED[at : at + 1])] + stream.close()
    usage = [chunk.usage for chunk in chunks if chunk.usage is not None][-1]
    writer = DIALECT.writer(chat, Answer("msg_1", 1, "claude-sonnet-4-5"))
    message = read_by_the_sdk(b"".join([writer.event(chunk) for chunk in chunks]) + writer.end(usage))
    assert message["content"] == CONTENT
    assert message["stop_reason"] == "tool_use"
    assert message["usage"] == read_by_the_sdk(RECORDED)["usage"]


def test_a_whole_answer_of_anthropics_comes_back_as_it_was() -> None:
    usage = {"input_tokens": 20, "cache_read_input_tokens": 7, "cache_creation_input_tokens": 5, "output_tokens": 33}
    body = {
        "id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5", "content": CONTENT,
        "stop_reason": "tool_use", "stop_sequence": None, "usage": usage,
    }  # fmt: skip
    chat = DIALECT.parse(json.dumps(ASKED).encode()).chat
    chunk: Chunk = PROVIDER.chat_answer(json.dumps(body).encode(), DEPLOYMENT, passes=False)
    assert json.loads(DIALECT.writer(chat, Answer("msg_1", 1, "claude-sonnet-4-5")).whole([chunk], chunk.usage)) == body
