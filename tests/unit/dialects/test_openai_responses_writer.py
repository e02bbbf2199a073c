"""What is written of an answer, held against the types of the official SDK."""

import json
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.dialects.openai_responses import OpenAIResponses
from appliance.dialects.openai_responses_items import opened
from appliance.dialects.openai_responses_writer import OpenAIResponsesWriter, error_event
from appliance.dialects.writer import Answer
from appliance.errors import UpstreamCut, UpstreamFailed

EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
TOOL = {"type": "function", "name": "f", "parameters": {"type": "object"}}
ASKED = {"model": "m", "input": "Hi", "tools": [TOOL], "metadata": {"a": "b"}, "instructions": "Be brief."}
USAGE = Usage(10, 7, cached_in=4, reasoning_out=2, written_in=1)


def writer(**asked: Any) -> OpenAIResponsesWriter:
    return OpenAIResponses().writer_for({**ASKED, **asked}, Answer("resp_0a", 1795000000, "m"))


def piece(index: int, arguments: str = "", *, name: str = "") -> Delta:
    call = ToolCall(f"call_{index}" if name else "", "function" if name else "", FunctionCall(name, arguments), index)
    return Delta(tool_calls=[call])


def events(data: bytes) -> list[dict[str, Any]]:
    found = []
    for raw in data.decode().removesuffix("\n\n").split("\n\n"):
        name, body = raw.split("\n")
        event = json.loads(body.removeprefix("data: "))
        assert name == f"event: {event['type']}"
        EVENT.validate_python(event)
        found.append(event)
    assert [event["sequence_number"] for event in found] == list(range(len(found)))
    return found


def streamed(*deltas: Delta, finish: str = "stop") -> list[dict[str, Any]]:
    written = writer()
    data = b"".join(written.event(Chunk([delta])) for delta in deltas)
    data += written.event(Chunk([], USAGE, finish)) + written.end(USAGE)
    found = events(data)
    last = found[-1]["response"]
    assert written.response is not None
    assert json.loads(written.response) == last
    Response.model_validate(last)
    return found


def kinds(found: list[dict[str, Any]]) -> list[str]:
    return [event["type"].removeprefix("response.") for event in found]


MESSAGE = ["output_item.added", "content_part.added"]
MESSAGE_END = ["output_text.done", "content_part.done", "output_item.done"]
CALL_END = ["function_call_arguments.done", "output_item.done"]


def test_a_text_is_told_in_openais_order() -> None:
    found = streamed(Delta("assistant", ""), Delta(content="Hel"), Delta(content="lo"))
    assert kinds(found) == ["created", "in_progress", *MESSAGE, *["output_text.delta"] * 2, *MESSAGE_END, "completed"]
    last = found[-1]["response"]
    assert last["output"] == [found[-2]["item"]]
    assert last["output"][0]["content"] == [{"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}]
    assert last["usage"] == {
        "input_tokens": 10,
        "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
        "output_tokens": 7,
        "output_tokens_details": {"reasoning_tokens": 2},
        "total_tokens": 17,
    }
    assert (last["status"], last["metadata"], last["instructions"]) == ("completed", {"a": "b"}, "Be brief.")


def test_thoughts_words_and_calls_are_items_one_after_the_other() -> None:
    found = streamed(
        Delta(reasoning="I "),
        Delta(reasoning="think"),
        Delta(signature="c2ln"),
        Delta(redacted="xyz"),
        Delta(content="So:"),
        piece(0, name="f"),
        piece(0, '{"a"'),
        piece(0, ":1}"),
        piece(1, name="f"),
        finish="tool_calls",
    )
    summary = "reasoning_summary"
    assert kinds(found) == [
        "created", "in_progress",
        "output_item.added", f"{summary}_part.added", f"{summary}_text.delta", f"{summary}_text.delta",
        f"{summary}_text.done", f"{summary}_part.done", "output_item.done",
        "output_item.added", "output_item.done",
        *MESSAGE, "output_text.delta", *MESSAGE_END,
        "output_item.added", "function_call_arguments.delta", "function_call_arguments.delta", *CALL_END,
        "output_item.added", *CALL_END,
        "completed",
    ]  # fmt: skip
    thought, hidden, said, first, second = found[-1]["response"]["output"]
    assert opened(thought["encrypted_content"]) == [{"type": "thinking", "thinking": "I think", "signature": "c2ln"}]
    assert thought["summary"] == [{"type": "summary_text", "text": "I think"}]
    assert opened(hidden["encrypted_content"]) == [{"type": "redacted_thinking", "data": "xyz"}]
    assert said["content"][0]["text"] == "So:"
    assert (first["call_id"], first["arguments"], first["status"]) == ("call_0", '{"a":1}', "completed")
    assert (second["call_id"], second["arguments"]) == ("call_1", "{}")
    assert len({item["id"] for item in found[-1]["response"]["output"]}) == 5


def test_the_whole_answer_is_what_the_stream_ends_with() -> None:
    calls = [
        ToolCall("call_0", "function", FunctionCall("f", "{}"), 0),
        ToolCall("call_1", "function", FunctionCall("f", "{}"), 1),
    ]
    deltas = [Delta(reasoning="a", signature="c2ln"), Delta(reasoning="b"), Delta("assistant", "Hello", tool_calls=calls)]
    whole = json.loads(writer().whole([Chunk(deltas, USAGE, "tool_calls")], USAGE))
    Response.model_validate(whole)
    last = streamed(*deltas, finish="tool_calls")[-1]["response"]
    for one in (whole, last):
        del one["completed_at"]
    assert whole == last


@pytest.mark.parametrize(("finish", "reason"), [("length", "max_output_tokens"), ("content_filter", "content_filter")])
def test_an_answer_that_was_cut_short_says_so(finish: str, reason: str) -> None:
    found = streamed(Delta(content="Hel"), finish=finish)
    assert kinds(found)[-1] == "incomplete"
    last = found[-1]["response"]
    assert (last["status"], last["incomplete_details"]) == ("incomplete", {"reason": reason})
    assert last["output"][0]["status"] == "incomplete"


def test_a_refusal_has_events_of_its_own() -> None:
    found = streamed(Delta(content="Well. "), Delta(refusal="No"), Delta(refusal="."))
    assert kinds(found)[5:12] == [
        "output_text.done", "content_part.done", "content_part.added", "refusal.delta", "refusal.delta", "refusal.done",
        "content_part.done",
    ]  # fmt: skip
    assert [part["type"] for part in found[-1]["response"]["output"][0]["content"]] == ["output_text", "refusal"]


def test_probabilities_are_told_with_the_text() -> None:
    token = {"token": "H", "logprob": -0.1, "bytes": None, "top_logprobs": [{"token": "H", "logprob": -0.1, "bytes": [72]}]}
    found = streamed(Delta(content="H", logprobs={"content": [token]}))
    told = {**token, "bytes": []}
    assert found[4]["logprobs"] == [told]
    assert found[-1]["response"]["output"][0]["content"][0]["logprobs"] == [told]


def test_an_answer_of_nothing_is_whole_all_the_same() -> None:
    assert kinds(streamed()) == ["created", "in_progress", "completed"]
    assert kinds(events(writer().end(None))) == ["created", "in_progress", "completed"]


def test_pieces_of_a_call_that_is_over_are_never_lost_in_silence() -> None:
    written = writer()
    for delta in (piece(0, name="f"), piece(1, name="f")):
        written.event(Chunk([delta]))
    with pytest.raises(UpstreamFailed):
        written.event(Chunk([piece(0, "late")]))


def test_an_error_takes_the_next_number_and_is_one_that_the_sdk_raises() -> None:
    written = writer()
    data = written.event(Chunk([Delta(content="x")])) + error_event(UpstreamCut("broken off", fix="Try again."), written.number)
    last = events(data)[-1]
    assert (last["type"], last["code"], last["message"], last["error"]["fix"]) == (
        "error",
        "upstream_cut",
        "broken off",
        "Try again.",
    )


def test_a_sign_of_life_comes_before_anything_else_without_a_number() -> None:
    written = writer()
    assert written.event(Chunk(comment="waiting\nin line")) == b": waiting in line\n\n"
    assert written.number == 0


def test_what_passes_through_is_not_touched_but_its_end_is_known() -> None:
    written = writer()
    first = b'event: response.created\ndata: {"type":"response.created","sequence_number":0,"response":{"id":"resp_u"}}\n\n'
    last = b'event: response.completed\ndata: {"type":"response.completed", "sequence_number":7,"response":{"id" : "resp_u"}}\n\n'
    assert written.event(Chunk(raw=first)) + written.event(Chunk(raw=last, finish="stop")) == first + last
    assert written.end(USAGE) == b""
    assert written.response == b'{"id" : "resp_u"}'
    assert written.number == 8
