import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, Chunk, Message, Usage
from appliance.providers.openai_responses import OpenAIResponses, OpenAIResponsesStream
from appliance.providers.wire import Deployment

DEPLOYMENT = Deployment("up/m", "up", "openai", "m", "https://up.example/v1", "sk-secret")
CHAT = ChatRequest("up/m", [Message("user", "Hi")])
USAGE = {
    "input_tokens": 9,
    "input_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 1},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 14,
}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "f", "arguments": '{"x":1}', "status": "completed"}


def event(kind: str, **fields: object) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


def response(status: str = "completed", **fields: object) -> dict[str, object]:
    return {"id": "resp_1", "object": "response", "status": status, "output": [], "usage": USAGE, **fields}


RECORDED = b"".join(
    (
        event("response.created", response=response("in_progress", usage=None), sequence_number=0),
        event("response.in_progress", response=response("in_progress", usage=None), sequence_number=1),
        event("response.reasoning_summary_text.delta", delta="hm", output_index=0, summary_index=0, sequence_number=2),
        event("response.output_item.added", output_index=1, item={"type": "message", "content": []}, sequence_number=3),
        event("response.output_text.delta", delta="Gr\u00fc\u2028\u00dfe", output_index=1, logprobs=[], sequence_number=4),
        event("response.future.delta", delta={"a": [1]}, sequence_number=5),
        event("response.function_call_arguments.delta", delta='{"x":1}', output_index=2, sequence_number=6),
        event("response.completed", response=response(output=[CALL]), sequence_number=7),
    )
)


def read(*pieces: bytes) -> list[tuple[object, ...]]:
    stream = OpenAIResponsesStream("up")
    chunks = [chunk for piece in pieces for chunk in stream.feed(piece)] + stream.close()
    assert stream.done and stream.is_clean
    return [(chunk.deltas, chunk.usage, chunk.finish, chunk.raw) for chunk in chunks]


WHOLE = read(RECORDED)


@pytest.mark.parametrize("cut", range(len(RECORDED)))
def test_the_answer_reads_the_same_wherever_the_network_cuts_it(cut: int) -> None:
    assert read(RECORDED[:cut], RECORDED[cut:]) == WHOLE


def test_the_answer_reads_the_same_a_byte_at_a_time() -> None:
    assert read(*(RECORDED[at : at + 1] for at in range(len(RECORDED)))) == WHOLE


def test_every_event_is_passed_on_with_its_name_byte_for_byte() -> None:
    assert b"".join(raw for *_, raw in WHOLE if isinstance(raw, bytes)) == RECORDED


def test_what_is_counted_is_read_on_the_way() -> None:
    chunks = OpenAIResponsesStream("up").feed(RECORDED)
    deltas = [delta for chunk in chunks for delta in chunk.deltas]
    assert "".join(delta.content or "" for delta in deltas) == "Grü\u2028ße"
    assert "".join(delta.reasoning or "" for delta in deltas) == "hm"
    arguments = [piece.function.arguments for delta in deltas for piece in delta.tool_calls or [] if piece.function]
    assert arguments == ['{"x":1}']
    assert [chunk.usage for chunk in chunks if chunk.usage] == [Usage(9, 5, 4, 3, written_in=1)]
    assert [chunk.finish for chunk in chunks if chunk.finish] == ["tool_calls"]


def test_the_callers_body_goes_on_with_only_the_model_exchanged() -> None:
    raw = {"model": "up/m", "input": [{"role": "user", "content": "Hi"}], "stream": True, "future": {"model": "kept"}}
    outgoing = OpenAIResponses().chat_request(CHAT, raw, DEPLOYMENT, passes=True)
    assert outgoing.path == "/responses"
    assert outgoing.headers["Authorization"] == "Bearer sk-secret"
    assert msgspec.json.decode(outgoing.body) == {**raw, "model": "m"}


def test_a_signature_in_a_calls_id_stays_here() -> None:
    items = [{**CALL, "call_id": "call_1-ts-QUJD"}, {"type": "function_call_output", "call_id": "call_1-ts-QUJD", "output": "x"}]
    raw = {"model": "up/m", "input": [*items, "odd"]}
    body = msgspec.json.decode(OpenAIResponses().chat_request(CHAT, raw, DEPLOYMENT, passes=True).body)
    assert body["input"] == [CALL, {**items[1], "call_id": "call_1"}, "odd"]


def answer(**fields: object) -> Chunk:
    return OpenAIResponses().chat_answer(msgspec.json.encode(response(**fields)), DEPLOYMENT, passes=True)  # type: ignore[arg-type]  # test sugar


def test_a_whole_answer_is_counted_and_kept_as_it_came() -> None:
    thought = {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]}
    message = {"type": "message", "content": [{"type": "output_text", "text": "Hi"}, {"type": "refusal", "refusal": "No"}]}
    told = answer(output=[thought, message, CALL, {"type": "future_call", "arguments": {"odd": 1}}])
    (delta,) = told.deltas
    assert (delta.content, delta.reasoning, delta.refusal) == ("Hi", "hm", "No")
    assert [call.id for call in delta.tool_calls or []] == ["call_1"]
    assert (told.finish, told.usage) == ("tool_calls", Usage(9, 5, 4, 3, written_in=1))
    assert told.raw is not None and b"future_call" in told.raw


@pytest.mark.parametrize(
    ("reason", "finish"),
    [("max_output_tokens", "length"), ("content_filter", "content_filter"), ("a future one", "length"), (None, "length")],
)
def test_an_incomplete_answer_says_why_whole_and_streamed(reason: str | None, finish: str) -> None:
    details = {"reason": reason} if reason else None
    assert answer(status="incomplete", incomplete_details=details).finish == finish
    last = event("response.incomplete", response=response("incomplete", incomplete_details=details))
    stream = OpenAIResponsesStream("up")
    (chunk,) = stream.feed(last)
    assert (chunk.finish, chunk.raw, stream.done) == (finish, last, True)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        ({"code": "server_error", "message": "x"}, errors.UpstreamFailed),
        ({"code": "rate_limit_exceeded", "message": "x"}, errors.UpstreamRateLimited),
        ({"code": "invalid_prompt", "message": "x"}, errors.UpstreamRefusedRequest),
        (None, errors.UpstreamFailed),
    ],
)
def test_a_failed_response_is_an_error_whole_and_streamed(error: object, kind: type[errors.GatehouseError]) -> None:
    with pytest.raises(kind):
        answer(status="failed", error=error)
    with pytest.raises(kind):
        OpenAIResponsesStream("up").feed(event("response.failed", response=response("failed", error=error)))


def test_a_failure_behind_text_of_the_same_read_is_still_to_come_and_not_an_end() -> None:
    stream = OpenAIResponsesStream("up")
    failed = event("response.failed", response=response("failed", error={"code": "server_error", "message": "x"}))
    (chunk,) = stream.feed(event("response.output_text.delta", delta="Hi") + failed)
    assert chunk.deltas[0].content == "Hi"
    assert not stream.done, "whoever reads would stop here and take the answer for finished"
    with pytest.raises(errors.UpstreamFailed):
        stream.close()


@pytest.mark.parametrize(
    "data",
    [
        event("error", code="rate_limit_exceeded", message="slow down", param=None, sequence_number=3),
        event("error", error={"type": "rate_limit_error", "code": None, "message": "slow down"}),
        b'data: {"error":{"code":"429","message":"slow down"}}\n\n',
    ],
)
def test_an_error_event_is_raised_after_what_came_before_it(data: bytes) -> None:
    stream = OpenAIResponsesStream("up")
    before = stream.feed(event("response.output_text.delta", delta="Hi") + data)
    assert before[0].deltas[0].content == "Hi"
    with pytest.raises(errors.UpstreamRateLimited, match="slow down"):
        stream.close()


@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n", event("response.output_text.done", text="Hi")])
def test_a_stream_that_ends_early_is_never_passed_off_as_finished(end: bytes) -> None:
    stream = OpenAIResponsesStream("up")
    stream.feed(event("response.output_text.delta", delta="Hi") + end)
    with pytest.raises(errors.UpstreamCut):
        stream.close()


def test_a_last_event_that_is_not_understood_still_ends_the_answer() -> None:
    stream = OpenAIResponsesStream("up")
    (chunk,) = stream.feed(event("response.completed", response={"output": "of another kind"}))
    assert (chunk.finish, chunk.usage, stream.done) == ("stop", None, True)


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"error":{"message":"x"}}', b"\xff", b"[" * 50_000])
def test_a_whole_answer_that_is_none_is_an_upstream_failure(body: bytes) -> None:
    with pytest.raises(errors.GatehouseError) as caught:
        OpenAIResponses().chat_answer(body, DEPLOYMENT, passes=True)
    assert caught.value.status >= 500


def test_rubbish_in_the_stream_is_an_upstream_failure() -> None:
    with pytest.raises(errors.UpstreamFailed):
        OpenAIResponsesStream("up").feed(b"data: {rubbish\n\n")
