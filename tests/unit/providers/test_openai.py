import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, Delta, Message, StreamOptions
from appliance.providers.openai import OpenAI, OpenAIStream
from appliance.providers.wire import Deployment

DEPLOYMENT = Deployment("up/m", "up", "openai", "m", "https://up.example/v1", "sk-secret")
RECORDED = (
    b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}],"usage":null}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"Hel\xe2\x80\xa8lo"},"finish_reason":null}],"future":1}\n\n'
    b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
    b'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}}\n\n'
    b"data: [DONE]\n\n"
)


def chat(**fields: object) -> ChatRequest:
    return ChatRequest("m", [Message("user", "Hello!")], **fields)  # type: ignore[arg-type]  # test sugar


def read(stream: OpenAIStream, *pieces: bytes) -> list[tuple[object, ...]]:
    chunks = [chunk for piece in pieces for chunk in stream.feed(piece)] + stream.close()
    return [(chunk.deltas, chunk.usage, chunk.finish, chunk.raw) for chunk in chunks]


WHOLE = read(OpenAIStream("up", choices=1, usage_asked=True), RECORDED)


@pytest.mark.parametrize("cut", range(len(RECORDED)))
def test_the_answer_reads_the_same_wherever_the_network_cuts_it(cut: int) -> None:
    stream = OpenAIStream("up", choices=1, usage_asked=True)
    assert read(stream, RECORDED[:cut], RECORDED[cut:]) == WHOLE
    assert stream.done


def test_what_the_upstream_wrote_is_passed_on_byte_for_byte() -> None:
    assert b"".join(raw for *_, raw in WHOLE if isinstance(raw, bytes)) == RECORDED.removesuffix(b"data: [DONE]\n\n")


def test_usage_that_only_we_asked_for_is_counted_and_not_shown() -> None:
    *_, last = read(OpenAIStream("up", choices=1, usage_asked=False), RECORDED)
    assert last[3] is None
    assert last[1].tokens_in == 9 and last[1].cached_in == 4  # type: ignore[attr-defined]


def test_the_callers_body_goes_on_with_its_unknown_fields_and_only_the_model_exchanged() -> None:
    raw = {"future": {"a": [1, 2.5]}, "model": "up/m", "messages": [], "stream": True, "stream_options": {"x": 1}}
    outgoing = OpenAI().chat_request(chat(stream=True, stream_options=StreamOptions()), raw, DEPLOYMENT, passes=True)
    assert msgspec.json.decode(outgoing.body) == {
        **raw,
        "model": "m",
        "stream_options": {"x": 1, "include_usage": True},
    }
    assert outgoing.headers["Authorization"] == "Bearer sk-secret"
    assert raw["model"] == "up/m", "the caller's own body is not touched"


def test_a_stream_that_ends_early_is_never_passed_off_as_finished() -> None:
    stream = OpenAIStream("up", choices=1, usage_asked=False)
    stream.feed(RECORDED[: RECORDED.index(b'data: {"id":"c","choices":[{"index":0,"delta":{},')])
    with pytest.raises(errors.UpstreamCut):
        stream.close()


def test_a_stream_of_two_choices_is_finished_when_both_are() -> None:
    ended = b'data: {"choices":[{"index":%d,"delta":{},"finish_reason":"stop"}]}\n\n'
    stream = OpenAIStream("up", choices=2, usage_asked=False)
    stream.feed(ended % 0)
    with pytest.raises(errors.UpstreamCut):
        stream.close()
    stream.feed(ended % 1)
    assert stream.close() == []


def test_what_came_before_an_error_event_is_delivered_and_then_the_error() -> None:
    stream = OpenAIStream("up", choices=1, usage_asked=False)
    content = b'data: {"choices":[{"index":0,"delta":{"content":"Hi"}}]}\n\n'
    (chunk,) = stream.feed(content + b'data: {"error":{"message":"overloaded","code":503}}\n\n')
    assert chunk.deltas[0].content == "Hi"
    with pytest.raises(errors.UpstreamOverloaded):
        stream.close()


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.UpstreamRefusedRequest),
        (401, errors.UpstreamUnauthorized),
        (403, errors.UpstreamForbidden),
        (404, errors.UpstreamModelUnknown),
        (408, errors.UpstreamTimeout),
        (422, errors.UpstreamRefusedRequest),
        (429, errors.UpstreamRateLimited),
        (500, errors.UpstreamFailed),
        (503, errors.UpstreamOverloaded),
        (529, errors.UpstreamOverloaded),
        (504, errors.UpstreamTimeout),
        (302, errors.UpstreamFailed),
    ],
)
def test_each_status_is_told_as_the_sdks_expect_it(status: int, kind: type[errors.GatehouseError]) -> None:
    assert type(OpenAI().error(status, {}, b"<html>", DEPLOYMENT)) is kind


def test_a_providers_code_and_wait_reach_the_caller() -> None:
    body = b'{"error":{"message":"too long","type":"x","param":"messages","code":"context_length_exceeded"}}'
    error = OpenAI().error(400, {}, body, DEPLOYMENT)
    assert (error.code_shown, error.param, error.message) == ("context_length_exceeded", "messages", "too long")
    assert OpenAI().error(429, {"retry-after": "7"}, b"", DEPLOYMENT).retry_after_seconds == 7
    assert OpenAI().error(429, {"retry-after-ms": "1500"}, b"", DEPLOYMENT).retry_after_seconds == 1.5
    assert OpenAI().error(429, {"retry-after": "nan"}, b"", DEPLOYMENT).retry_after_seconds is None


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"choices":[]}', b'{"error":{"message":"x"}}', b"\xff", b"[" * 50_000])
def test_a_whole_answer_that_is_none_is_an_upstream_failure(body: bytes) -> None:
    with pytest.raises(errors.GatehouseError) as caught:
        OpenAI().chat_answer(body, DEPLOYMENT, passes=True)
    assert caught.value.status >= 500


def test_a_credential_never_stands_in_a_repr() -> None:
    assert "sk-secret" not in repr(DEPLOYMENT)


@pytest.mark.parametrize(
    "odd",
    [
        b'"tool_calls":[{"id":null,"type":"function","function":{"name":"a","arguments":"{}"}}]',
        b'"reasoning_content":{"a":1}',
        b'"refusal":["x"]',
    ],
)
def test_an_answer_that_passes_may_have_any_shape_where_nothing_is_counted(odd: bytes) -> None:
    body = b'{"choices":[{"index":"0","logprobs":[],"message":{"content":"hi",%b},"finish_reason":"stop"}]}' % odd
    assert OpenAI().chat_answer(body, DEPLOYMENT, passes=True).raw == body


def test_odd_logprobs_pass_in_a_stream_and_are_left_out_of_a_translation() -> None:
    event = b'data: {"choices":[{"index":0,"delta":{"content":"x"},"logprobs":[]}]}\n\n'
    (passed,) = OpenAI().chat_stream(chat(stream=True), DEPLOYMENT, passes=True).feed(event)
    (translated,) = OpenAI().chat_stream(chat(stream=True), DEPLOYMENT, passes=False).feed(event)
    assert (passed.raw, translated.raw, translated.deltas) == (event, None, [Delta(content="x")])


def test_a_translated_answer_has_its_calls_thoughts_and_logprobs() -> None:
    body = (
        b'{"choices":[{"index":1,"logprobs":{"content":[]},"finish_reason":"tool_calls","message":{"content":null,'
        b'"reasoning":"hm","tool_calls":[{"id":"c1","type":"function","function":{"name":"a","arguments":"{}"}}]}}]}'
    )
    answer = OpenAI().chat_answer(body, DEPLOYMENT, passes=False)
    (delta,) = answer.deltas
    assert (answer.raw, answer.finish, delta.index, delta.reasoning) == (None, "tool_calls", 1, "hm")
    assert delta.logprobs == {"content": []}
    assert delta.tool_calls is not None
    assert (delta.tool_calls[0].id, delta.tool_calls[0].index) == ("c1", 0)
