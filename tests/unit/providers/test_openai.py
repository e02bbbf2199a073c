import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, Chunk, Delta, FunctionCall, Message, Part, StreamOptions, ToolCall, Usage
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


@pytest.mark.parametrize("odd", [b'"refusal":["x"]', b'"tool_calls":{"a":1}', b'"role":3', b'"reasoning_content":[]'])
def test_a_chunk_that_passes_may_have_any_shape_and_its_text_is_counted_all_the_same(odd: bytes) -> None:
    event = b'data: {"choices":[{"index":null,"delta":{"content":"hi",%b},"finish_reason":"stop"}]}\n\n' % odd
    (passed,) = OpenAIStream("up", choices=1, usage_asked=False).feed(event)
    assert (passed.raw, passed.finish, [delta.content for delta in passed.deltas]) == (event, "stop", ["hi"])
    with pytest.raises(errors.UpstreamFailed):
        OpenAIStream("up", choices=1, usage_asked=False, passes=False).feed(event)


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


# Translated: a caller of another dialect


def translated(model: str = "m", **fields: object) -> dict[str, object]:
    asked = chat(**fields)
    outgoing = OpenAI().chat_request(asked, {}, msgspec.structs.replace(DEPLOYMENT, model=model), passes=False)
    body: dict[str, object] = msgspec.json.decode(outgoing.body)
    return body


def event(**body: object) -> bytes:
    return b"data: " + msgspec.json.encode(body) + b"\n\n"


def called(*pieces: dict[str, object], finish: str = "tool_calls", ends: bool = True) -> list[Chunk]:
    stream = OpenAIStream("up", choices=1, usage_asked=False, passes=False)
    events = [event(choices=[{"index": 0, "delta": {"tool_calls": [piece]}}]) for piece in pieces]
    last = event(choices=[{"index": 0, "delta": {}, "finish_reason": finish}])
    return [*stream.feed(b"".join(events)), *(stream.feed(last) if ends else [])]


def calls_of(chunks: list[Chunk]) -> list[tuple[str, str, str]]:
    """(id, name, arguments) of each call, put together as any client does: names and arguments are added up by index."""
    found: dict[int, list[str]] = {}
    for chunk in chunks:
        for delta in chunk.deltas:
            for piece in delta.tool_calls or []:
                call = found.setdefault(piece.index or 0, ["", "", ""])
                assert piece.function is not None
                call[0] += piece.id
                call[1] += piece.function.name
                call[2] += piece.function.arguments
    return [(one, two, three) for one, two, three in (found[index] for index in sorted(found))]


def test_what_we_write_ourselves_holds_what_openai_knows_and_no_more() -> None:
    history = [
        Message("user", [Part("text", "Hi"), Part("image_url", image_url={"url": "data:image/png;base64,AA"})]),
        Message(
            "assistant",
            tool_calls=[ToolCall("call_1-ts-QUJD", "function", FunctionCall("f", ""), extra_content={"google": {}})],
            thinking_blocks=[{"type": "thinking", "thinking": "hm", "signature": "x"}],
            reasoning_content="hm",
        ),
        Message("tool", "sunny", tool_call_id="call_1-ts-QUJD", is_error=True),
        Message("assistant", reasoning_content="only thought"),
    ]
    asked = ChatRequest("m", history, top_k=5, min_p=0.1, thinking={"type": "enabled", "budget_tokens": 2048}, max_tokens=9)
    body = msgspec.json.decode(OpenAI().chat_request(asked, {}, DEPLOYMENT, passes=False).body)
    call = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
    assert body == {
        "model": "m",
        "max_completion_tokens": 9,
        "messages": [
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "Hi"},
                    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}},
                ],
            },
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "content": "sunny", "tool_call_id": "call_1"},
            {"role": "assistant", "content": ""},
        ],
    }


def test_what_openai_refuses_without_tools_is_not_sent_without_tools() -> None:
    body = translated(tools=[], tool_choice="auto", parallel_tool_calls=False, stream_options=StreamOptions(include_usage=True))
    assert set(body) == {"model", "messages"}


@pytest.mark.parametrize(("budget", "effort"), [(1024, "low"), (5000, "medium"), (32_000, "high")])
def test_a_bound_on_thinking_is_an_effort_for_models_that_reason_and_nothing_for_others(budget: int, effort: str) -> None:
    thinking = {"type": "enabled", "budget_tokens": budget}
    assert translated(model="o4-mini", thinking=thinking)["reasoning_effort"] == effort
    assert translated(model="openai/gpt-5.1", thinking=thinking, reasoning_effort="xhigh")["reasoning_effort"] == "xhigh"
    assert "reasoning_effort" not in translated(model="gpt-4o", thinking=thinking)


def test_a_schema_without_a_name_gets_one_and_top_logprobs_ask_for_logprobs() -> None:
    wanted = {"type": "json_schema", "json_schema": {"schema": {"type": "object"}}}
    body = translated(response_format=wanted, top_logprobs=2)
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "answer", "schema": {"type": "object"}}}
    assert body["logprobs"] is True


def test_images_in_tools_results_follow_once_all_results_of_the_turn_stand_there() -> None:
    picture = Part("image_url", image_url={"url": "data:image/png;base64,AA"})
    history = [
        Message("assistant", tool_calls=[ToolCall(name, "function", FunctionCall("f", "{}")) for name in ("a", "b")]),
        Message("tool", [Part("text", "one"), picture], tool_call_id="a"),
        Message("tool", [picture], tool_call_id="b"),
    ]
    body = msgspec.json.decode(OpenAI().chat_request(ChatRequest("m", history), {}, DEPLOYMENT, passes=False).body)
    _, first, second, last = body["messages"]
    assert first["content"] == [{"type": "text", "text": "one"}]
    assert isinstance(second["content"], str)
    assert (last["role"], [part["type"] for part in last["content"]]) == ("user", ["image_url", "image_url"])


def test_what_other_vendors_left_in_a_callers_history_is_taken_out_and_all_else_is_kept() -> None:
    function = {"name": "f", "arguments": "{}", "future": 1}
    call = {"id": "call_1-ts-QUJD", "type": "function", "function": function, "extra_content": {"google": {}}, "x": 2}
    history = [
        {"role": "assistant", "content": None, "tool_calls": [call], "thinking_blocks": [{"type": "thinking"}], "future": [3]},
        {"role": "tool", "tool_call_id": "call_1-ts-QUJD", "content": "it says -ts- here"},
        "no message at all",
    ]
    outgoing = OpenAI().chat_request(chat(), {"model": "up/m", "messages": history}, DEPLOYMENT, passes=True)
    assert msgspec.json.decode(outgoing.body)["messages"] == [
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "call_1", "type": "function", "function": function, "x": 2}],
            "future": [3],
        },
        {"role": "tool", "tool_call_id": "call_1", "content": "it says -ts- here"},
        "no message at all",
    ]


def test_a_model_named_deeper_inside_the_body_is_not_exchanged() -> None:
    raw = {"model": "up/m", "messages": [], "metadata": {"model": "mine"}, "functions": [{"name": "f"}], "function_call": "auto"}
    body = msgspec.json.decode(OpenAI().chat_request(chat(), raw, DEPLOYMENT, passes=True).body)
    assert body == {**raw, "model": "m"}


def test_a_whole_answer_is_translated_with_all_that_it_holds() -> None:
    message = {
        "role": "assistant",
        "content": "Well",
        "refusal": "No",
        "reasoning_content": "hm",
        "tool_calls": [
            {"id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}},
            {"id": "b", "type": "function", "function": {"name": "g", "arguments": {"y": 2}}},
            {"id": "c", "type": "function", "function": {"name": "h", "arguments": None}},
        ],
    }
    other = {"role": "assistant", "content": [{"type": "thinking", "thinking": [{"text": "t"}]}, {"type": "text", "text": "two"}]}
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 5,
        "prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 2},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    body = {
        "choices": [
            {"index": 0, "message": message, "finish_reason": "stop", "logprobs": {"content": [{"token": "W", "logprob": -1}]}},
            {"index": 1, "message": other, "finish_reason": "length"},
        ],
        "usage": usage,
    }
    told = OpenAI().chat_answer(msgspec.json.encode(body), DEPLOYMENT, passes=False)
    first, second = told.deltas
    assert (first.content, first.refusal, first.reasoning, first.index) == ("Well", "No", "hm", 0)
    assert [call.function.arguments for call in first.tool_calls or [] if call.function] == ['{"x":1}', '{"y":2}', "{}"]
    assert first.logprobs == body["choices"][0]["logprobs"]  # type: ignore[index]  # the test's own literal
    assert (second.content, second.reasoning, second.index) == ("two", "t", 1)
    assert told.usage == Usage(9, 5, 4, 3, written_in=2)
    assert told.finish == "tool_calls", "a forced call ends with stop at OpenAI; a caller of another dialect must run the tool"
    assert told.raw is None


@pytest.mark.parametrize(
    "pieces",
    [
        [{"index": 0, "id": "a", "function": {"name": "f", "arguments": ""}}, {"index": 0, "function": {"arguments": '{"x":1}'}}],
        [{"index": 0, "id": "a", "type": "function", "function": {"name": "f", "arguments": '{"x":1}'}}],
        [{"id": "a", "function": {"name": "f", "arguments": {"x": 1}}}],
        [
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"x"'}},
            {"index": 0, "id": "a", "function": {"name": "f", "arguments": ":1}"}},
        ],
        [
            {"index": 0, "id": "a", "function": {"name": "f"}},
            {"index": 0, "id": None, "type": None, "function": {"name": None, "arguments": '{"x":1}'}},
        ],
    ],
)
def test_a_streamed_call_reads_the_same_whatever_the_habits_of_the_server(pieces: list[dict[str, object]]) -> None:
    chunks = called(*pieces)
    assert calls_of(chunks) == [("a", "f", '{"x":1}')]
    opening = next(piece for chunk in chunks for delta in chunk.deltas for piece in delta.tool_calls or [])
    assert (opening.id, opening.type, opening.function) == ("a", "function", FunctionCall("f", ""))


def test_calls_that_share_an_index_are_kept_apart_and_one_without_arguments_has_an_empty_object() -> None:
    chunks = called(
        {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}},
        {"index": 0, "id": "b", "function": {"name": "g", "arguments": ""}},
        finish="stop",
    )
    assert calls_of(chunks) == [("a", "f", "{}"), ("b", "g", "{}")]
    assert chunks[-1].finish == "tool_calls"


def test_a_call_without_an_id_gets_one() -> None:
    ((made, *_),) = calls_of(called({"function": {"name": "f", "arguments": "{}"}}))
    assert made.startswith("call_")
    assert len(made) <= 40


def test_choices_that_end_in_one_event_each_have_their_own_end() -> None:
    ends = [{"index": index, "delta": {}, "finish_reason": finish} for index, finish in enumerate(("length", "stop"))]
    raw = event(choices=ends)
    stream = OpenAIStream("up", choices=2, usage_asked=False, passes=False)
    assert [(chunk.finish, chunk.deltas[0].index) for chunk in stream.feed(raw)] == [("length", 0), ("stop", 1)]
    passed = OpenAIStream("up", choices=2, usage_asked=False).feed(raw)
    assert [(chunk.finish, chunk.raw) for chunk in passed] == [("length", b""), ("stop", raw)]


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [("eos_token", "stop"), ("model_length", "length"), ("content_filter", "content_filter"), ("abort", "stop")],
)
def test_a_foreign_reason_to_finish_is_told_in_openais_words(theirs: str, ours: str) -> None:
    stream = OpenAIStream("up", choices=1, usage_asked=False, passes=False)
    (chunk,) = stream.feed(event(choices=[{"index": 0, "delta": {}, "finish_reason": theirs}]))
    assert chunk.finish == ours


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (event(error={"message": "slow down", "code": "rate_limit_exceeded"}), errors.UpstreamRateLimited),
        (event(error={"message": "no", "type": "invalid_request_error", "code": None}), errors.UpstreamRefusedRequest),
        (event(error="broken"), errors.UpstreamFailed),
        (event(object="error", message="too long", code=400), errors.UpstreamRefusedRequest),
        (b'event: error\ndata: {"message":"gone"}\n\n', errors.UpstreamFailed),
        (event(choices=[{"index": 0, "delta": {}, "finish_reason": "error"}]), errors.UpstreamFailed),
    ],
)
@pytest.mark.parametrize("end", [b"", b"data: [DONE]\n\n"])
def test_an_error_in_mid_stream_is_raised_in_whatever_shape_it_comes(
    data: bytes, kind: type[errors.GatehouseError], end: bytes
) -> None:
    stream = OpenAIStream("up", choices=1, usage_asked=True, passes=False)
    with pytest.raises(kind):
        stream.feed(data + end)
    with pytest.raises(kind):
        stream.close()


def test_usage_told_twice_is_told_as_it_stood_last_and_told_never_is_none() -> None:
    running = event(choices=[{"index": 0, "delta": {"content": "a"}}], usage={"prompt_tokens": 5, "completion_tokens": 1})
    last = event(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 2})
    end = event(choices=[{"index": 0, "delta": {}, "finish_reason": "stop"}])
    for passes in (True, False):
        stream = OpenAIStream("up", choices=1, usage_asked=False, passes=passes)
        told = [chunk.usage for chunk in stream.feed(running + end + last) if chunk.usage is not None]
        assert [usage.tokens_out for usage in told] == [1, 2]
        silent = OpenAIStream("up", choices=1, usage_asked=False, passes=passes)
        assert all(chunk.usage is None for chunk in silent.feed(end))


def test_a_detail_of_fastapi_and_a_refused_credential_are_told() -> None:
    body = b'{"detail":[{"loc":["body","n"],"msg":"must be positive"},{"msg":"and so on"}]}'
    assert OpenAI().error(422, {}, body, DEPLOYMENT).message == "must be positive; and so on"
    assert "sk-secret" not in OpenAI().error(401, {}, b'{"error":{"message":"bad key sk-secret"}}', DEPLOYMENT).message
