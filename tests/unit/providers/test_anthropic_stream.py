"""Streamed answers of Anthropic's, wherever the network cuts them."""

import itertools

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import errors
from appliance.chat import Chunk, Usage
from appliance.providers.anthropic_stream import AnthropicStream
from tests.fakes.anthropic_faults import END, STOP, event, start, stopped, text

USAGE = {"input_tokens": 5, "output_tokens": 1, "cache_read_input_tokens": 3, "cache_creation_input_tokens": 2}


def delta(index: int, kind: str, **fields: str) -> bytes:
    return event("content_block_delta", index=index, delta={"type": kind, **fields})


def block(index: int, **fields: object) -> bytes:
    return event("content_block_start", index=index, content_block=fields)


def stop(index: int) -> bytes:
    return event("content_block_stop", index=index)


RECORDED = b"".join(
    (
        event("message_start", message={"id": "msg_1", "usage": USAGE}),
        block(0, type="thinking", thinking="", signature=""),
        event("ping"),
        delta(0, "thinking_delta", thinking="Let me "),
        delta(0, "thinking_delta", thinking="think."),
        delta(0, "signature_delta", signature="sig=="),
        stop(0),
        block(1, type="redacted_thinking", data="zz"),
        stop(1),
        block(2, type="text", text=""),
        delta(2, "text_delta", text="Gr\u00fc\u00dfe\u2028"),
        delta(2, "citations_delta", citation="x"),
        stop(2),
        event("content_block_glow", index=[7]),
        block(3, type="tool_use", id="toolu_1", name="f", input={}),
        delta(3, "input_json_delta", partial_json=""),
        delta(3, "input_json_delta", partial_json='{"city":'),
        delta(3, "input_json_delta", partial_json=' "Bonn"}'),
        stop(3),
        block(4, type="tool_use", id="toolu_2", name="g", input={}),
        delta(4, "input_json_delta", partial_json=""),
        stop(4),
        stopped("tool_use", usage={"output_tokens": 40, "output_tokens_details": {"thinking_tokens": 9}}),
        STOP,
    )
)


def read(*pieces: bytes, passes: bool = False) -> list[Chunk]:
    stream = AnthropicStream("claude", passes=passes)
    chunks = [chunk for piece in pieces for chunk in stream.feed(piece)] + stream.close()
    assert stream.done and stream.is_clean
    for chunk in chunks:
        chunk.more = False  # tells of the network, not of the answer
    return chunks


WHOLE = read(RECORDED)


@pytest.mark.parametrize("cut", range(len(RECORDED)))
def test_the_answer_reads_the_same_wherever_the_network_cuts_it(cut: int) -> None:
    assert read(RECORDED[:cut], RECORDED[cut:]) == WHOLE


@given(st.lists(st.integers(0, len(RECORDED)), max_size=12))
def test_the_answer_reads_the_same_in_any_pieces(cuts: list[int]) -> None:
    ends = sorted([0, *cuts, len(RECORDED)])
    pieces = [RECORDED[begin:end] for begin, end in itertools.pairwise(ends)]
    assert read(*pieces) == WHOLE
    assert b"".join(chunk.raw or b"" for chunk in read(*pieces, passes=True)) == RECORDED


def test_the_answer_reads_the_same_byte_by_byte_and_with_other_line_ends() -> None:
    assert read(*(bytes([byte]) for byte in RECORDED)) == WHOLE
    assert read(b": hi\n\n" + RECORDED.replace(b"\n", b"\r\n")) == WHOLE


def test_thoughts_text_and_calls_come_as_they_were_said() -> None:
    deltas = [one for chunk in WHOLE for one in chunk.deltas]
    assert "".join(one.reasoning or "" for one in deltas) == "Let me think."
    assert [one.signature for one in deltas if one.signature] == ["sig=="]
    assert [one.redacted for one in deltas if one.redacted] == ["zz"]
    assert "".join(one.content or "" for one in deltas) == "Grüße\u2028"
    pieces = [call for one in deltas for call in one.tool_calls or []]
    assert [(call.index, call.id, call.function and call.function.name) for call in pieces if call.id] == [
        (0, "toolu_1", "f"),
        (1, "toolu_2", "g"),
    ]
    written = ["".join(call.function.arguments for call in pieces if call.function and call.index == n) for n in (0, 1)]
    assert written == ['{"city": "Bonn"}', "{}"]
    assert [call.function.arguments for call in pieces if call.id and call.function] == ["", ""]
    assert [chunk.finish for chunk in WHOLE if chunk.finish] == ["tool_calls"]
    assert [chunk.usage for chunk in WHOLE if chunk.usage] == [Usage(10, 40, 3, 9, written_in=2)]
    assert sum(chunk.comment is not None for chunk in WHOLE) == 1
    assert all(chunk.raw is None for chunk in WHOLE)


def test_pass_through_keeps_every_byte_and_counts_the_same() -> None:
    passed = read(RECORDED, passes=True)
    assert b"".join(chunk.raw or b"" for chunk in passed) == RECORDED
    assert [chunk.usage for chunk in passed if chunk.usage] == [Usage(10, 40, 3, 9, written_in=2)]
    assert [chunk.finish for chunk in passed if chunk.finish] == ["tool_calls"]
    assert all(chunk.comment is None for chunk in passed)


@pytest.mark.parametrize("cut", [RECORDED.index(b"event: message_delta"), 40, len(start())])
def test_a_stream_that_ends_early_is_never_passed_off_as_finished(cut: int) -> None:
    stream = AnthropicStream("claude", passes=True)
    stream.feed(RECORDED[:cut])
    with pytest.raises(errors.UpstreamCut):
        stream.close()


def test_usage_that_comes_twice_counts_once_and_usage_that_never_comes_is_left_to_be_estimated() -> None:
    twice = read(start() + stopped(usage={"output_tokens": 1}) + stopped(usage={"output_tokens": 7, "input_tokens": 6}) + STOP)
    assert [chunk.usage for chunk in twice if chunk.usage][-1] == Usage(6, 7)
    assert [chunk.finish for chunk in twice if chunk.finish] == ["stop"]
    never = read(start() + text("Hi") + stopped(usage=None) + STOP)
    assert all(chunk.usage is None for chunk in never)


def test_the_stop_text_that_ended_the_answer_is_told() -> None:
    ending = stopped(delta={"stop_reason": "stop_sequence", "stop_sequence": "END"})
    (last,) = [chunk for chunk in read(start() + ending + STOP) if chunk.finish]
    assert (last.finish, last.stop_sequence) == ("stop", "END")
    (refused,) = [chunk for chunk in read(start() + stopped("refusal") + STOP) if chunk.finish]
    assert refused.finish == "content_filter"


@pytest.mark.parametrize("passes", [False, True])
def test_what_came_before_an_error_event_is_delivered_and_then_the_error(passes: bool) -> None:
    stream = AnthropicStream("claude", passes=passes)
    overloaded = event("error", error={"type": "overloaded_error", "message": "Overloaded"})
    assert stream.feed(start() + text("Hi") + overloaded)
    with pytest.raises(errors.UpstreamOverloaded):
        stream.feed(b"")
    with pytest.raises(errors.UpstreamOverloaded):
        stream.close()


def test_rubbish_is_a_failure_inside_an_answer_and_nothing_behind_one() -> None:
    with pytest.raises(errors.UpstreamFailed):
        AnthropicStream("claude", passes=False).feed(b"event: content_block_delta\ndata: {\xff\n\n")
    stream = AnthropicStream("claude", passes=False)
    stream.feed(start() + END + b"data: {rubbish\n\n")
    assert stream.done and not stream.is_clean
    assert stream.close() == []


def test_a_server_that_names_no_events_or_sends_arguments_at_once_is_understood() -> None:
    lines = [line for line in RECORDED.split(b"\n") if not line.startswith(b"event:")]
    assert read(b"\n".join(lines)) == WHOLE
    at_once = read(start() + block(0, type="tool_use", id="t", name="f", input={"a": 1}) + stop(0) + END)
    calls = [call for chunk in at_once for one in chunk.deltas for call in one.tool_calls or []]
    assert msgspec.json.decode("".join(call.function.arguments for call in calls if call.function)) == {"a": 1}


def test_an_answer_that_ends_without_saying_why_is_finished_all_the_same() -> None:
    (last,) = [chunk for chunk in read(start() + text("Hi") + STOP) if chunk.finish]
    assert last.finish == "stop"
