"""Gemini's streams: the same wherever the network cuts them, and never passed off as finished."""

import json
from typing import Any

import pytest

from appliance import errors
from appliance.chat import ChatRequest, Chunk, Message
from appliance.providers import call_ids
from appliance.providers.google import Google
from appliance.providers.google_stream import GoogleStream
from appliance.providers.wire import Deployment

CALL_PARTS: list[dict[str, Any]] = [
    {"functionCall": {"name": "one", "args": {"a": [1, 2.5], "b": "x y"}}, "thoughtSignature": "c2lnbg+/"},
    {"functionCall": {"name": "two"}},
]


def event(*candidates: dict[str, Any], **more: Any) -> bytes:
    body = {"candidates": list(candidates), "responseId": "r1", **more}
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\r\n\r\n"


def said(*parts: dict[str, Any], finish: str | None = None, index: int = 0) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": list(parts), "role": "model"}, "index": index}
    return {**candidate, "finishReason": finish} if finish else candidate


def used(tokens_out: int) -> dict[str, Any]:
    return {"promptTokenCount": 9, "candidatesTokenCount": tokens_out, "thoughtsTokenCount": 4}


RECORDED = (
    event(said({"text": "Let me\u2028think", "thought": True}), usageMetadata=used(0))
    + event(said({"text": "Grüße "}), usageMetadata=used(1))
    + event(said({"text": "👋"}), usageMetadata=used(2))
    + event(said(*CALL_PARTS), usageMetadata=used(9))
    + event(said({"text": ""}, finish="STOP"), usageMetadata=used(10))
)


def read(stream: GoogleStream, *pieces: bytes) -> list[Chunk]:
    return [chunk for piece in pieces for chunk in stream.feed(piece)] + stream.close()


def told(chunks: list[Chunk]) -> tuple[Any, ...]:
    """What an answer comes to, without how it was cut."""
    deltas = [delta for chunk in chunks for delta in chunk.deltas]
    calls: dict[int, list[str]] = {}
    for delta in deltas:
        for piece in delta.tool_calls or []:
            assert piece.function is not None
            found = calls.setdefault(piece.index or 0, ["", "", ""])
            for at, text in enumerate((piece.id, piece.function.name, piece.function.arguments)):
                found[at] += text
    reasoning, content = ("".join(getattr(delta, name) or "" for delta in deltas) for name in ("reasoning", "content"))
    usage = [chunk.usage for chunk in chunks if chunk.usage is not None]
    return reasoning, content, calls, usage[-1:], [chunk.finish for chunk in chunks if chunk.finish]


WHOLE = told(read(GoogleStream("g"), RECORDED))


def test_a_recorded_answer_says_what_was_said() -> None:
    reasoning, content, calls, (usage,), finishes = WHOLE
    assert (reasoning, content, finishes) == ("Let me\u2028think", "Grüße 👋", ["tool_calls"])
    assert [(name, arguments) for _, name, arguments in calls.values()] == [("one", '{"a":[1,2.5],"b":"x y"}'), ("two", "{}")]
    assert [call_ids.plain(call_id) for call_id, _, _ in calls.values()] == ["call_r1_0_0", "call_r1_0_1"]
    assert (usage.tokens_in, usage.tokens_out, usage.reasoning_out) == (9, 14, 4)


@pytest.mark.parametrize("cut", range(len(RECORDED)))
def test_the_answer_reads_the_same_wherever_the_network_cuts_it(cut: int) -> None:
    assert told(read(GoogleStream("g"), RECORDED[:cut], RECORDED[cut:])) == WHOLE


def test_the_answer_reads_the_same_a_byte_at_a_time() -> None:
    pieces = [RECORDED[at : at + 1] for at in range(len(RECORDED))]
    assert told(read(GoogleStream("g"), *pieces)) == WHOLE


def test_a_call_opens_with_its_name_and_no_arguments_and_then_has_them_all() -> None:
    pieces = [delta.tool_calls for chunk in read(GoogleStream("g"), RECORDED) for delta in chunk.deltas if delta.tool_calls]
    assert all(len(piece) == 1 for piece in pieces), "clients read the first one of a chunk"
    opening, rest = pieces[0][0], pieces[1][0]
    assert opening.function is not None
    assert rest.function is not None
    assert (opening.type, opening.function.name, opening.function.arguments, opening.index) == ("function", "one", "", 0)
    assert opening.extra_content == {"google": {"thought_signature": "c2lnbg+/"}}
    assert (rest.id, rest.function.name, rest.index) == ("", "", 0)


@pytest.mark.parametrize("events", range(1, 5))
def test_a_stream_that_ends_early_is_never_passed_off_as_finished(events: int) -> None:
    stream = GoogleStream("g")
    for piece in RECORDED.split(b"\r\n\r\n")[:events]:
        stream.feed(piece + b"\r\n\r\n")
    with pytest.raises(errors.UpstreamCut):
        stream.close()


def test_each_of_several_candidates_ends_in_a_chunk_of_its_own() -> None:
    both = event(said({"text": "a"}, index=0), said({"text": "b"}, index=1))
    ends = event(said({"text": "c"}, finish="STOP", index=0), said(finish="MAX_TOKENS", index=1), usageMetadata=used(3))
    chunks = read(GoogleStream("g", choices=2), both, ends)
    assert [[(delta.index, delta.content) for delta in chunk.deltas] for chunk in chunks] == [
        [(0, "a")], [(1, "b")], [(0, "c")], [(1, None)]
    ]  # fmt: skip
    assert [chunk.finish for chunk in chunks] == [None, None, "stop", "length"]
    stream = GoogleStream("g", choices=2)
    stream.feed(both + event(said(finish="STOP", index=0)))
    with pytest.raises(errors.UpstreamCut):
        stream.close()


@pytest.mark.parametrize("before", [b"", event(said({"text": "Well"}))])
def test_a_blocked_prompt_ends_each_choice_with_content_filter(before: bytes) -> None:
    blocked = event(promptFeedback={"blockReason": "SAFETY"}, usageMetadata=used(0))
    chunks = read(GoogleStream("g", choices=2), before, blocked)
    assert [(chunk.deltas[0].index, chunk.finish) for chunk in chunks if chunk.finish] == [
        (0, "content_filter"),
        (1, "content_filter"),
    ]


def test_a_blocked_answer_without_content_ends_with_content_filter() -> None:
    (chunk,) = read(GoogleStream("g"), event({"finishReason": "SAFETY", "index": 0}))
    assert chunk.finish == "content_filter"


def test_usage_behind_the_end_counts() -> None:
    *_, last = read(
        GoogleStream("g"), event(said({"text": "x"}, finish="STOP"), usageMetadata=used(1)), event(usageMetadata=used(2))
    )
    assert last.usage is not None
    assert last.usage.tokens_out == 6


def test_what_came_before_an_error_is_given_out_and_then_the_error() -> None:
    stream = GoogleStream("g")
    failure = b'data: {"error": {"code": 503, "message": "overloaded", "status": "UNAVAILABLE"}}\r\n\r\n'
    (chunk,) = stream.feed(event(said({"text": "Hello"})) + failure)
    assert chunk.deltas[0].content == "Hello"
    with pytest.raises(errors.UpstreamOverloaded):
        stream.close()


@pytest.mark.parametrize("rubbish", [b"data: {rubbish\r\n\r\n", b"data: [1]\r\n\r\n", b"data: \xff\r\n\r\n"])
def test_rubbish_in_mid_stream_is_a_failure_and_behind_the_end_is_nothing(rubbish: bytes) -> None:
    with pytest.raises(errors.UpstreamFailed):
        GoogleStream("g").feed(rubbish)
    ended = event(said({"text": "x"}, finish="STOP"))
    assert told(read(GoogleStream("g"), ended, rubbish)) == told(read(GoogleStream("g"), ended))


def test_a_list_instead_of_events_is_never_passed_off_as_an_answer() -> None:
    stream = GoogleStream("g")
    stream.feed(b'[{"candidates": [{"content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]}]')
    with pytest.raises(errors.UpstreamCut):
        stream.close()


def test_a_call_that_could_not_be_read_fails_the_stream() -> None:
    with pytest.raises(errors.UpstreamFailed, match="MALFORMED_FUNCTION_CALL"):
        GoogleStream("g").feed(event({"finishReason": "MALFORMED_FUNCTION_CALL"}))


def test_a_stream_is_as_wide_as_was_asked_for() -> None:
    place = Deployment("g/m", "g", "google", "m")
    stream = Google().chat_stream(ChatRequest("m", [Message("user", "x")], n=3), place, passes=False)
    assert len(stream.feed(event(promptFeedback={"blockReason": "OTHER"}))) == 3
