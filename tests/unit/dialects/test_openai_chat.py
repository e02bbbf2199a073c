import json

import msgspec
import pytest

from appliance import bodies, errors
from appliance.chat import ChatRequest, Chunk, Delta, FunctionCall, Message, StreamOptions, ToolCall, Usage
from appliance.dialects import openai_chat

ANSWER = openai_chat.Answer("chatcmpl-1", 1_795_000_000, "tiny")


def event(chunk: Chunk) -> dict[str, object]:
    data = openai_chat.event(ANSWER, chunk)
    assert data.startswith(b"data: ")
    assert data.endswith(b"\n\n")
    found: dict[str, object] = json.loads(data[6:])
    return found


def test_chunks_become_one_answer_with_its_choices_apart() -> None:
    chunks = [
        Chunk([Delta(role="assistant", content="", index=0)]),
        Chunk([Delta(content="Hel", index=0)]),
        Chunk([Delta(content="Bye", index=1)]),
        Chunk([Delta(content="lo", index=0)]),
        Chunk([Delta(index=1)], finish="length"),
        Chunk([Delta(index=0)], finish="stop"),
    ]
    body = json.loads(openai_chat.whole(ANSWER, chunks, Usage(3, 4, cached_in=2)))
    assert [(choice["index"], choice["message"]["content"], choice["finish_reason"]) for choice in body["choices"]] == [
        (0, "Hello", "stop"),
        (1, "Bye", "length"),
    ]
    assert body["usage"]["total_tokens"] == 7
    assert body["usage"]["prompt_tokens_details"] == {"cached_tokens": 2}
    assert (body["id"], body["model"], body["object"]) == ("chatcmpl-1", "tiny", "chat.completion")


def test_pieces_of_tool_calls_are_put_together() -> None:
    chunks = [
        Chunk([Delta(tool_calls=[ToolCall("a", "function", FunctionCall("f", ""), 0)])]),
        Chunk([Delta(tool_calls=[ToolCall(function=FunctionCall("", '{"x": '), index=0)])]),
        Chunk([Delta(tool_calls=[ToolCall("b", "function", FunctionCall("g", "{}"), 1)])]),
        Chunk([Delta(tool_calls=[ToolCall(function=FunctionCall("", "1}"), index=0)])]),
        Chunk([Delta()], finish="tool_calls"),
    ]
    message = json.loads(openai_chat.whole(ANSWER, chunks, None))["choices"][0]["message"]
    assert message["content"] is None
    assert [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in message["tool_calls"]] == [
        ("a", "f", '{"x": 1}'),
        ("b", "g", "{}"),
    ]


def test_the_first_piece_of_a_streamed_call_has_empty_arguments_and_later_ones_have_no_name() -> None:
    first = event(Chunk([Delta(tool_calls=[ToolCall("a", "function", FunctionCall("f"), 0)])]))
    later = event(Chunk([Delta(tool_calls=[ToolCall(function=FunctionCall("", "{}"), index=0)])]))
    assert first["choices"][0]["delta"]["tool_calls"] == [  # type: ignore[index]  # JSON
        {"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": ""}}
    ]
    assert later["choices"][0]["delta"]["tool_calls"] == [  # type: ignore[index]  # JSON
        {"index": 0, "function": {"arguments": "{}"}}
    ]


def test_what_the_upstream_wrote_goes_out_as_it_came() -> None:
    assert openai_chat.event(ANSWER, Chunk([Delta(content="x")], raw=b"data: {its own}\n\n")) == b"data: {its own}\n\n"


def test_a_chunk_with_nothing_to_tell_is_not_sent() -> None:
    assert openai_chat.event(ANSWER, Chunk(usage=Usage(1, 1))) == b""


def test_a_sign_of_life_is_a_comment_that_cannot_become_an_event() -> None:
    assert openai_chat.event(ANSWER, Chunk(comment="loading\n\ndata: {}")) == b": loading  data: {}\n\n"


def test_a_line_separator_in_a_text_stays_inside_its_event() -> None:
    assert event(Chunk([Delta(content="a\u2028b\r\nc")]))["choices"][0]["delta"]["content"] == "a\u2028b\r\nc"  # type: ignore[index]  # JSON


def test_an_error_in_a_stream_is_an_event_that_sdks_raise() -> None:
    data = openai_chat.error_event(errors.UpstreamCut("it broke off", fix="Try again."))
    assert json.loads(data.removeprefix(b"data: "))["error"]["code"] == "upstream_cut"


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"stream_options": StreamOptions(include_usage=True)}, "stream_options"),
        ({"stop": ["x"] * 17}, "stop"),
        ({"messages": [Message("user", "x"), Message("tool", "y")]}, "messages[1].tool_call_id"),
    ],
)
def test_what_openai_refuses_is_refused(fields: dict[str, object], param: str) -> None:
    chat = msgspec.structs.replace(ChatRequest("m", [Message("user", "x")]), **fields)
    with pytest.raises(errors.InvalidField) as caught:
        openai_chat.check(chat)
    assert caught.value.param == param


def test_a_request_with_fields_of_the_future_is_read() -> None:
    body = b'{"model": "m", "messages": [{"role": "user", "content": "x", "mood": 1}], "thinking": {"budget": 9}}'
    assert bodies.read(body, openai_chat.chat_decoder).model == "m"
