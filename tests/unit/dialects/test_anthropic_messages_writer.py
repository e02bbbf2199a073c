"""Answers in Anthropic's form: whole, and as events that Anthropic's own SDK puts together."""

import json
from typing import Any

import anthropic
import httpx2
import msgspec
import pytest
from anthropic.types import Message
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.chat import ChatRequest, Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.chat import Message as ChatMessage
from appliance.dialects.anthropic_messages import AnthropicMessages
from appliance.dialects.anthropic_messages_writer import AnthropicMessagesWriter
from appliance.dialects.writer import Answer

ANSWER = Answer("msg_1", 1_795_000_000, "tiny")
ASKED = ChatRequest("tiny", [ChatMessage("user", "Twelve chars")], max_tokens=64, stream=True)
USAGE = Usage(10, 4, cached_in=3, reasoning_out=1, written_in=2)


def writer() -> AnthropicMessagesWriter:
    return AnthropicMessages().writer(ASKED, ANSWER)


def copied(chunks: list[Chunk]) -> list[Chunk]:
    return [msgspec.convert(msgspec.to_builtins(chunk), Chunk) for chunk in chunks]


def streamed(chunks: list[Chunk], usage: Usage | None = USAGE) -> bytes:
    made = writer()
    return b"".join([made.event(chunk) for chunk in copied(chunks)]) + made.end(usage)


def whole(chunks: list[Chunk], usage: Usage | None = USAGE) -> dict[str, Any]:
    body: dict[str, Any] = json.loads(writer().whole(copied(chunks), usage))
    return body


def events(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream; each is named as its body says."""
    found = []
    for event in data.decode().split("\n\n")[:-1]:
        name, _, body = event.partition("\ndata: ")
        found.append(json.loads(body))
        assert name == f"event: {found[-1]['type']}"
    return found


class Played(httpx2.BaseTransport):
    """Answers every request with one recorded stream."""

    recorded = b""

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, headers={"content-type": "text/event-stream"}, content=self.recorded)


PLAYED = Played()
CLIENT = anthropic.Anthropic(api_key="k", http_client=httpx2.Client(transport=PLAYED), max_retries=0)


def accumulated(data: bytes) -> Message:
    """What the SDK makes of a stream."""
    PLAYED.recorded = data
    with CLIENT.messages.stream(model="m", max_tokens=1, messages=[{"role": "user", "content": "x"}]) as stream:
        return stream.get_final_message()


def begins(name: str, index: int = 0, identity: str = "") -> ToolCall:
    return ToolCall(identity or f"call_{index}", "function", FunctionCall(name), index)


def goes_on(arguments: str, index: int = 0) -> ToolCall:
    return ToolCall(function=FunctionCall("", arguments), index=index)


def calls(*pieces: ToolCall) -> list[Chunk]:
    return [Chunk([Delta(tool_calls=[piece])]) for piece in pieces]


TEXT = [
    Chunk([Delta(role="assistant", content="")]),
    Chunk([Delta(content="Hel")]),
    Chunk([Delta(content="lo")]),
    Chunk([Delta()], finish="stop"),
]


def test_a_whole_text() -> None:
    assert whole(TEXT) == {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "tiny",
        "content": [{"type": "text", "text": "Hello"}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {
            "input_tokens": 5,
            "cache_creation_input_tokens": 2,
            "cache_read_input_tokens": 3,
            "output_tokens": 4,
            "output_tokens_details": {"thinking_tokens": 1},
        },
    }


def test_a_streamed_text() -> None:
    told = events(streamed(TEXT))
    assert [event["type"] for event in told] == [
        "message_start",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert told[0]["message"]["content"] == []
    assert told[0]["message"]["stop_reason"] is None
    assert told[0]["message"]["usage"]["input_tokens"] == 4  # twelve characters, one message: estimated
    assert told[1] == {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    assert told[2] == {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hel"}}
    assert told[-2]["delta"] == {"stop_reason": "end_turn", "stop_sequence": None}
    assert told[-2]["usage"]["input_tokens"] == 5  # as it was counted


def test_the_start_goes_out_with_the_first_delta_and_says_what_is_known_of_the_input() -> None:
    made = writer()
    assert made.event(Chunk(usage=Usage(30, 1, cached_in=10))) == b""
    (start,) = events(made.event(Chunk([Delta(role="assistant")])))
    assert start["message"]["usage"]["input_tokens"] == 20


def test_thoughts_come_in_blocks_that_a_signature_ends() -> None:
    chunks = [
        Chunk([Delta(reasoning="First")]),
        Chunk([Delta(reasoning=" thought"), Delta(signature="s1")]),
        Chunk([Delta(redacted="b64")]),
        Chunk([Delta(reasoning="Second"), Delta(signature="s2")]),
        Chunk([Delta(content="So.")]),
        Chunk([Delta(reasoning="Unsigned")]),
        Chunk([Delta(content="Yes.")], finish="stop"),
    ]
    content = [
        {"type": "thinking", "thinking": "First thought", "signature": "s1"},
        {"type": "redacted_thinking", "data": "b64"},
        {"type": "thinking", "thinking": "Second", "signature": "s2"},
        {"type": "text", "text": "So."},
        {"type": "thinking", "thinking": "Unsigned", "signature": ""},
        {"type": "text", "text": "Yes."},
    ]
    assert whole(chunks)["content"] == content
    assert [block.to_dict() for block in accumulated(streamed(chunks)).content] == content


def test_parallel_calls_come_one_after_the_other() -> None:
    pieces = [begins("a"), goes_on('{"x": '), goes_on("1}"), begins("b", 1), goes_on("{}", 1)]
    chunks = [Chunk([Delta(content="Let me look.")]), *calls(*pieces), Chunk([Delta()], finish="tool_calls")]
    message = accumulated(streamed(chunks))
    assert [block.to_dict() for block in message.content] == whole(chunks)["content"]
    assert whole(chunks)["content"][1:] == [
        {"type": "tool_use", "id": "call_0", "name": "a", "input": {"x": 1}},
        {"type": "tool_use", "id": "call_1", "name": "b", "input": {}},
    ]
    assert message.stop_reason == whole(chunks)["stop_reason"] == "tool_use"


def test_a_call_is_told_while_it_is_written() -> None:
    made = writer()
    told = [events(made.event(chunk)) for chunk in calls(begins("a"), goes_on('{"city": "Pu'), goes_on('ne"}'))]
    assert [event["type"] for event in told[0]] == ["message_start", "content_block_start"]
    assert [event["delta"]["partial_json"] for event in told[1] + told[2]] == ['{"city": "Pu', 'ne"}']


def test_calls_whose_pieces_come_in_turns_are_told_in_order() -> None:
    pieces = [begins("a"), begins("b", 1), goes_on('{"x"', 0), goes_on("{", 1), goes_on(": 1}", 0), goes_on("}", 1)]
    told = events(streamed([*calls(*pieces), Chunk(finish="tool_calls")]))
    shown = [(event["type"].removeprefix("content_block_"), event.get("index")) for event in told[1:-2]]
    assert shown == [("start", 0), ("delta", 0), ("delta", 0), ("stop", 0), ("start", 1), ("delta", 1), ("delta", 1), ("stop", 1)]
    assert [block.to_dict() for block in accumulated(streamed(calls(*pieces))).content] == whole(calls(*pieces))["content"]


@pytest.mark.parametrize("arguments", ["no JSON at all", "[1, 2]", '"x"', "7"])
def test_arguments_that_are_no_object_still_make_a_valid_answer(arguments: str) -> None:
    chunks = [*calls(begins("a"), goes_on(arguments[:2]), goes_on(arguments[2:])), Chunk([Delta()], finish="tool_calls")]
    assert whole(chunks)["content"][0]["input"] == {"INVALID_JSON": arguments}
    assert accumulated(streamed(chunks)).content[0].to_dict()["input"] == {"INVALID_JSON": arguments}


def test_arguments_that_break_off_still_make_a_valid_answer() -> None:
    chunks = [*calls(begins("a"), goes_on('{"x": [1, ')), Chunk([Delta()], finish="length")]
    assert whole(chunks)["content"][0]["input"] == {"INVALID_JSON": '{"x": [1, '}
    assert accumulated(streamed(chunks)).content[0].to_dict()["input"] == {"x": [1]}  # the SDK reads what is there
    assert accumulated(streamed(chunks)).stop_reason == "max_tokens"


@pytest.mark.parametrize(
    ("chunk", "reason"),
    [
        (Chunk([Delta(content="x")], finish="stop"), "end_turn"),
        (Chunk([Delta(content="x")], finish="length"), "max_tokens"),
        (Chunk([Delta(content="x")], finish="content_filter"), "refusal"),
        (Chunk([Delta(refusal="No.")], finish="stop"), "refusal"),
        (Chunk([Delta(content="x")], finish="other"), "end_turn"),
        (Chunk([Delta(content="x")], finish="stop", stop_sequence="END"), "stop_sequence"),
        (Chunk([Delta(tool_calls=[begins("a")])], finish="stop"), "tool_use"),  # OpenAI's word for a forced call
        (Chunk([Delta(tool_calls=[begins("a")])], finish="function_call"), "tool_use"),
        (Chunk([Delta(tool_calls=[begins("a")])], finish="length"), "max_tokens"),
    ],
)
def test_why_an_answer_ended(chunk: Chunk, reason: str) -> None:
    message = accumulated(streamed([chunk]))
    assert whole([chunk])["stop_reason"] == message.stop_reason == reason
    assert whole([chunk])["stop_sequence"] == message.stop_sequence == chunk.stop_sequence


def test_an_answer_without_anything_is_a_message_all_the_same() -> None:
    assert accumulated(streamed([], None)).content == []
    assert whole([], None)["content"] == []


def test_what_the_upstream_wrote_goes_out_as_it_came() -> None:
    made = writer()
    assert made.event(Chunk([Delta(content="x")], raw=b"event: x\ndata: {its own}\n\n")) == b"event: x\ndata: {its own}\n\n"
    assert made.end(USAGE) == b""


def test_other_choices_than_the_first_are_not_told() -> None:
    chunks = [Chunk([Delta(content="a"), Delta(content="b", index=1)]), Chunk([Delta(content="c", index=1)], finish="stop")]
    assert whole(chunks)["content"] == [{"type": "text", "text": "a"}]
    assert accumulated(streamed(chunks)).content[0].to_dict() == {"type": "text", "text": "a"}


def test_a_sign_of_life_is_a_ping() -> None:
    assert events(writer().event(Chunk(comment="loading\n\ndata: {}"))) == [{"type": "ping"}]


def test_separators_of_lines_stay_inside_their_event() -> None:
    text = 'a\u2028b\r\nc\x85"\\\x00'
    assert accumulated(streamed([Chunk([Delta(content=text)], finish="stop")])).content[0].to_dict()["text"] == text


WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(st.none() | st.booleans() | st.integers() | WORDS, lambda inner: st.lists(inner, max_size=3), max_leaves=5)
ARGUMENTS = st.dictionaries(WORDS, JSON, max_size=3).map(json.dumps) | st.just("") | WORDS.filter(lambda text: "{" not in text)


@st.composite
def conversations(draw: st.DrawFn) -> list[Chunk]:
    """Deltas of every kind in any order, the pieces of calls in any order that keeps each call's own."""
    deltas: list[Delta] = []
    queues = [_pieces(draw, index) for index in range(draw(st.integers(0, 3)))]
    for _ in range(draw(st.integers(0, 12))):
        made = draw(
            st.builds(Delta, content=st.none() | WORDS, reasoning=st.none() | WORDS, signature=st.none() | WORDS)
            | st.builds(Delta, redacted=WORDS, refusal=WORDS)
        )
        deltas.append(made)
        for _ in range(draw(st.integers(0, 4))):
            queue = draw(st.sampled_from(queues)) if queues else []
            if queue:
                deltas.append(Delta(tool_calls=[queue.pop(0)]))
    deltas.extend(Delta(tool_calls=[piece]) for queue in queues for piece in queue)
    chunks = [Chunk([delta]) for delta in deltas]
    finish = draw(st.sampled_from(["stop", "length", "tool_calls", "content_filter", "other"]))
    return [*chunks, Chunk([Delta()], finish=finish)]


def _pieces(draw: st.DrawFn, index: int) -> list[ToolCall]:
    arguments = draw(ARGUMENTS)
    cut = draw(st.integers(0, len(arguments)))
    return [begins(f"tool{index}", index), goes_on(arguments[:cut], index), goes_on(arguments[cut:], index)]


@settings(max_examples=100, deadline=None)
@given(conversations())
def test_the_sdk_reads_any_stream_as_it_reads_the_whole_answer(chunks: list[Chunk]) -> None:
    data, body = streamed(chunks), whole(chunks)
    message = accumulated(data).to_dict()
    assert _by_kind(message) == _by_kind(body)
    assert (message["stop_reason"], message["usage"]) == (body["stop_reason"], body["usage"])
    Message.model_validate(body)
    open_block: int | None = None
    for event in events(data):
        if event["type"] == "content_block_start":
            assert open_block is None
            open_block = event["index"]
        elif event["type"] == "content_block_stop":
            assert open_block == event["index"]
            open_block = None
    assert open_block is None


def _by_kind(message: Any) -> dict[str, Any]:
    """What was said of each kind; what comes between the pieces of calls may stand on either side of them."""
    blocks = message["content"]
    return {
        "text": "".join(block["text"] for block in blocks if block["type"] == "text"),
        "thinking": "".join(block["thinking"] for block in blocks if block["type"] == "thinking"),
        "signatures": [block["signature"] for block in blocks if block.get("signature")],
        "redacted": [block["data"] for block in blocks if block["type"] == "redacted_thinking"],
        "calls": [block for block in sorted(blocks, key=lambda block: str(block.get("id"))) if block["type"] == "tool_use"],
    }
