"""The fake provider, judged by the vendor's own SDK: what it takes, gives and refuses is what OpenAI's client expects."""

import json
import time
from collections.abc import Iterator

import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.calls import chat, written
from tests.fakes.openai import EMBEDDING_MODELS, FUTURE_ANSWER, FUTURE_EVENTS, embedding
from tests.fakes.openai_faults import FAULTS, SEPARATORS
from tests.fakes.openai_rules import CHAT_ARGUMENTS
from tests.running import Fake, eventually

MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Hello there"}]
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
    },
}
STATUS_CLASSES = {
    "fault-400": openai.BadRequestError,
    "fault-400-context": openai.BadRequestError,
    "fault-401": openai.AuthenticationError,
    "fault-403": openai.PermissionDeniedError,
    "fault-404": openai.NotFoundError,
    "fault-422": openai.UnprocessableEntityError,
    "fault-429": openai.RateLimitError,
    "fault-429-bare": openai.RateLimitError,
    "fault-429-ms": openai.RateLimitError,
    "fault-429-quota": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-502-html": openai.InternalServerError,
    "fault-503": openai.InternalServerError,
    "fault-504": openai.InternalServerError,
}


@pytest.fixture(scope="module")
def client(upstream: Fake) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=upstream.base_url, api_key=upstream.key, max_retries=0, timeout=10) as made:
        yield made


def test_a_whole_answer_is_read_by_the_sdk(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES)
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == "gpt-4o-mini-2024-07-18"
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + 4


def test_a_stream_is_read_by_the_sdk_and_tells_its_usage_last_and_only_when_asked(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="gpt-4o-mini", messages=MESSAGES, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "You said: Hello there"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert chunks[-1].choices == []
    assert chunks[-1].usage is not None
    assert all(chunk.usage is None for chunk in chunks[:-1])
    assert len({chunk.id for chunk in chunks}) == 1
    silent = list(client.chat.completions.create(model="gpt-4o-mini", messages=MESSAGES, stream=True))
    assert all(chunk.usage is None and chunk.choices for chunk in silent)


def test_tools_are_called_when_named_when_required_and_when_the_words_ask_for_it(client: openai.OpenAI) -> None:
    named = client.chat.completions.create(
        model="gpt-4o",
        messages=MESSAGES,
        tools=[WEATHER],
        tool_choice={"type": "function", "function": {"name": "get_weather"}},
    )
    assert named.choices[0].finish_reason == "stop"
    (call,) = named.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert json.loads(call.function.arguments) == {"city": "word", "days": 7}
    with client.chat.completions.stream(
        model="gpt-4o",
        messages=[{"role": "user", "content": "please get_weather"}],
        tools=[WEATHER],
    ) as stream:
        final = stream.get_final_completion()
    (streamed,) = final.choices[0].message.tool_calls or []
    assert final.choices[0].finish_reason == "tool_calls"
    assert streamed.function.name == "get_weather"
    assert json.loads(streamed.function.arguments) == {"city": "word", "days": 7}


def test_embeddings_say_the_same_as_numbers_and_as_base64(client: openai.OpenAI) -> None:
    by_default = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"])  # the SDK asks for base64
    as_floats = client.embeddings.create(model="text-embedding-3-small", input=["one", "two"], encoding_format="float")
    assert [item.embedding for item in by_default.data] == [item.embedding for item in as_floats.data]
    assert by_default.data[0].embedding == embedding("one", 1536)
    assert len(client.embeddings.create(model="text-embedding-3-large", input="x", dimensions=8).data[0].embedding) == 8


def test_models_are_listed_and_told_one_by_one(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert {"gpt-4o-mini", *EMBEDDING_MODELS} <= set(names)
    assert client.models.retrieve("meta-llama/Llama-3.1-8B-Instruct").id == "meta-llama/Llama-3.1-8B-Instruct"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("nobody")


@pytest.mark.parametrize("fault", STATUS_CLASSES)
def test_an_error_status_raises_the_class_that_the_sdk_has_for_it(client: openai.OpenAI, fault: str) -> None:
    with pytest.raises(STATUS_CLASSES[fault]):
        client.chat.completions.create(model=fault, messages=MESSAGES)


@pytest.mark.parametrize(
    "more",
    [
        {"top_k": 5},
        {"tools": []},
        {"tool_choice": "auto"},
        {"parallel_tool_calls": False},
        {"stream_options": {"include_usage": True}},
        {"response_format": {"type": "json_object"}},
        {"stop": ["a", "b", "c", "d", "e"]},
    ],
)
def test_what_openai_refuses_is_refused_by_v1_and_taken_by_lenient(upstream: Fake, more: dict[str, object]) -> None:
    body = chat("gpt-4o-mini", **more)
    strict = upstream.call("POST", "/v1/chat/completions", body, token=upstream.key)
    assert (strict.status, strict.json["error"]["type"]) == (400, "invalid_request_error")
    assert upstream.call("POST", "/lenient/v1/chat/completions", body, token=upstream.key).status == 200


def test_every_argument_that_the_sdk_can_send_is_known_to_the_fake() -> None:
    # openai.types.chat.completion_create_params is the SDK's own list
    from openai.types.chat import completion_create_params

    sdk = set(completion_create_params.CompletionCreateParamsBase.__annotations__) | {"stream"}
    assert sdk <= CHAT_ARGUMENTS


def test_reasoning_models_refuse_max_tokens(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model="o4-mini", messages=MESSAGES, max_tokens=5)
    assert caught.value.code == "unsupported_parameter"
    assert caught.value.param == "max_tokens"
    assert (
        client.chat.completions.create(model="o4-mini", messages=MESSAGES, max_completion_tokens=2).choices[0].finish_reason
        == "length"
    )


def test_a_tool_call_without_its_answer_is_refused(client: openai.OpenAI) -> None:
    call = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
    history = [{"role": "user", "content": "x"}, {"role": "assistant", "content": None, "tool_calls": [call]}]
    with pytest.raises(openai.BadRequestError, match="call_1"):
        client.chat.completions.create(model="gpt-4o", messages=history, tools=[WEATHER])
    answered = [*history, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
    said = client.chat.completions.create(model="gpt-4o", messages=answered, tools=[WEATHER])
    assert said.choices[0].message.content == "You said: sunny"


def test_a_wrong_key_and_no_key_are_401(upstream: Fake) -> None:
    assert (
        upstream.call("POST", "/v1/chat/completions", chat("gpt-4o"), token="sk-other").json["error"]["code"] == "invalid_api_key"
    )
    assert upstream.call("GET", "/v1/models").status == 401


def test_a_stream_that_dies_is_no_finished_answer_to_the_sdk_either(client: openai.OpenAI) -> None:
    for fault in ("fault-cut", "fault-reset"):
        with pytest.raises(openai.APIConnectionError):
            list(client.chat.completions.create(model=fault, messages=MESSAGES, stream=True))
    with pytest.raises(openai.APIError, match="server had an error"):
        list(client.chat.completions.create(model="fault-error-event", messages=MESSAGES, stream=True))
    with pytest.raises(openai.APIConnectionError):
        client.chat.completions.create(model="fault-cut-whole", messages=MESSAGES)


def test_an_answer_byte_by_byte_and_one_with_line_separators_inside_are_whole(client: openai.OpenAI) -> None:
    for fault, text in (("fault-drip", "Grüße, नमस्ते 👋"), ("fault-u2028", SEPARATORS), ("fault-other-line-ends", "Hello there")):
        chunks = client.chat.completions.create(model=fault, messages=MESSAGES, stream=True)
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text


def test_the_future_answer_is_the_same_bytes_each_time(upstream: Fake) -> None:
    whole = upstream.call("POST", "/v1/chat/completions", chat("future"), token=upstream.key)
    assert whole.body == FUTURE_ANSWER
    assert json.loads(FUTURE_ANSWER)["choices"][0]["mood"] == 1000
    with upstream.stream("POST", "/v1/chat/completions", chat("future", stream=True), token=upstream.key) as answer:
        assert answer.collect().raw == b"".join(FUTURE_EVENTS)


def test_the_fake_knows_when_its_client_hung_up(upstream: Fake) -> None:
    with upstream.stream("POST", "/v1/chat/completions", chat("fault-endless", stream=True), token=upstream.key) as answer:
        next(answer.events())
        moment = time.monotonic()
    seen = eventually(lambda: upstream.last() if upstream.last().hung_up else None)
    assert seen.hung_up_at is not None
    assert 0 <= seen.hung_up_at - moment < 2
    assert seen.finished_at is None


def test_a_name_can_be_told_to_fail(upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-503"})
    try:
        assert upstream.call("POST", "/v1/chat/completions", chat("gpt-4o"), token=upstream.key).status == 503
    finally:
        upstream.set_faults({})
    assert upstream.call("POST", "/v1/chat/completions", chat("gpt-4o"), token=upstream.key).status == 200


def test_no_fault_brings_the_fake_itself_down(upstream: Fake) -> None:
    for fault in FAULTS:
        for stream in (False, True):
            with upstream.connect() as connection:
                connection.sendall(written("/v1/chat/completions", upstream.key, chat(fault, stream=stream)))
                connection.settimeout(0.2)
                try:
                    connection.recv(1000)
                except (TimeoutError, ConnectionResetError):
                    pass
    assert upstream.call("GET", "/v1/models", token=upstream.key).status == 200


def test_every_tool_that_is_named_is_called_and_only_one_where_calls_may_not_be_parallel(client: openai.OpenAI) -> None:
    clock = {"type": "function", "function": {"name": "get_time"}}
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "get_weather and get_time"}]
    with client.chat.completions.stream(model="gpt-4o", messages=asked, tools=[WEATHER, clock]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls or []
    assert [call.function.name for call in calls] == ["get_weather", "get_time"]
    assert len({call.id for call in calls}) == 2
    single = client.chat.completions.create(model="gpt-4o", messages=asked, tools=[WEATHER, clock], parallel_tool_calls=False)
    assert len(single.choices[0].message.tool_calls or []) == 1


def test_models_that_reason_count_what_they_thought(client: openai.OpenAI) -> None:
    usage = client.chat.completions.create(model="o4-mini", messages=MESSAGES, reasoning_effort="low").usage
    assert usage is not None
    assert usage.completion_tokens_details is not None
    assert usage.completion_tokens_details.reasoning_tokens == 8
    assert usage.completion_tokens == 12


def test_an_id_of_a_call_that_is_too_long_for_openai_is_refused(client: openai.OpenAI) -> None:
    call = {"id": "x" * 41, "type": "function", "function": {"name": "f", "arguments": "{}"}}
    history = [
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "x" * 41, "content": ""},
    ]
    with pytest.raises(openai.BadRequestError, match="too long"):
        client.chat.completions.create(model="gpt-4o", messages=history)


def test_a_refusal_is_told_in_its_own_field(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="fault-refused", messages=MESSAGES).choices[0]
    assert (answer.message.content, answer.finish_reason) == (None, "content_filter")
    chunks = list(client.chat.completions.create(model="fault-refused", messages=MESSAGES, stream=True))
    assert chunks[0].choices[0].delta.refusal == answer.message.refusal


def test_the_first_byte_comes_as_late_as_the_name_says(client: openai.OpenAI) -> None:
    began = time.monotonic()
    answer = client.chat.completions.create(model="fault-slow-300", messages=MESSAGES)
    assert answer.choices[0].message.content == "late"
    assert time.monotonic() - began >= 0.3
