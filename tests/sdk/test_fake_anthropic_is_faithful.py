"""The fake Anthropic, judged by the vendor's own SDK (anthropic 2.14.0): it takes, gives and refuses what its client expects."""

import json
from collections.abc import Iterator
from typing import Any, cast

import anthropic
import httpx2
import pytest

from tests.calls import written
from tests.conftest import MakeFake
from tests.fakes.anthropic import MODELS, REDACTED, THOUGHT
from tests.fakes.anthropic_faults import FAULTS, SEPARATORS
from tests.fakes.anthropic_rules import ARGUMENTS, COUNT_ARGUMENTS, NEW_VERSION, OLD_VERSION, SAMPLING
from tests.running import Fake

MODEL = "claude-sonnet-4-6"
HELLO: list[Any] = [{"role": "user", "content": "Hello there"}]
WEATHER: Any = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
}
CLOCK: Any = {"name": "get_time", "input_schema": {"type": "object"}}
THINKING: Any = {"type": "enabled", "budget_tokens": 1024}
STATUS_CLASSES = {
    "fault-400": anthropic.BadRequestError,
    "fault-400-context": anthropic.BadRequestError,
    "fault-401": anthropic.AuthenticationError,
    "fault-403": anthropic.PermissionDeniedError,
    "fault-404": anthropic.NotFoundError,
    "fault-413": anthropic.RequestTooLargeError,
    "fault-429": anthropic.RateLimitError,
    "fault-429-bare": anthropic.RateLimitError,
    "fault-500": anthropic.InternalServerError,
    "fault-503": anthropic.ServiceUnavailableError,
    "fault-529": anthropic.OverloadedError,
}


@pytest.fixture(scope="module")
def claude(fake: MakeFake) -> Fake:
    return fake("anthropic")


@pytest.fixture(scope="module")
def client(claude: Fake) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=claude.url, api_key=claude.key, max_retries=0, timeout=10) as made:
        yield made


def asked(client: anthropic.Anthropic, messages: list[Any] = HELLO, **more: Any) -> anthropic.types.Message:
    body = {"model": MODEL, "max_tokens": 2000, "messages": messages, **more}
    return cast(anthropic.types.Message, client.messages.create(**body))


def streamed(client: anthropic.Anthropic, messages: list[Any] = HELLO, **more: Any) -> anthropic.types.Message:
    with client.messages.stream(**{"model": MODEL, "max_tokens": 2000, "messages": messages, **more}) as stream:
        return cast(anthropic.types.Message, stream.get_final_message())


def post(claude: Fake, **body: Any) -> Any:
    headers = {"x-api-key": claude.key, "anthropic-version": OLD_VERSION}
    return claude.call("POST", "/v1/messages", {"model": MODEL, "max_tokens": 9, "messages": HELLO, **body}, headers=headers)


def shown(message: anthropic.types.Message) -> list[dict[str, Any]]:
    return [block.model_dump(exclude_none=True) for block in message.content]


@pytest.mark.parametrize("ask", [asked, streamed])
def test_an_answer_is_read_by_the_sdk_whole_and_streamed(client: anthropic.Anthropic, ask: Any) -> None:
    answer = ask(client, system="Be kind.")
    assert shown(answer) == [{"type": "text", "text": "You said: Hello there"}]
    assert answer.stop_reason == "end_turn"
    assert answer.usage.input_tokens > 4 and answer.usage.output_tokens > 3


@pytest.mark.parametrize("ask", [asked, streamed])
def test_tools_are_called_as_the_words_name_them_and_their_results_are_taken(client: anthropic.Anthropic, ask: Any) -> None:
    question = {"role": "user", "content": "get_weather and get_time please"}
    answer = ask(client, [question], tools=[WEATHER, CLOCK])
    assert answer.stop_reason == "tool_use"
    text, weather, time = answer.content
    assert (text.type, weather.input, time.input) == ("text", {"city": "word", "days": 7}, {})
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "sunny"} for call in (weather, time)]
    history = [question, {"role": "assistant", "content": answer.content}, {"role": "user", "content": results}]
    assert shown(ask(client, history, tools=[WEATHER, CLOCK]))[0]["text"] == "You said: sunny sunny"
    one = ask(client, [question], tools=[WEATHER, CLOCK], tool_choice={"type": "any", "disable_parallel_tool_use": True})
    assert [block.type for block in one.content] == ["tool_use"]


@pytest.mark.parametrize("ask", [asked, streamed])
def test_thinking_is_signed_and_must_come_back_unchanged(client: anthropic.Anthropic, ask: Any) -> None:
    question = {"role": "user", "content": "get_time, redacted"}
    answer = ask(client, [question], tools=[CLOCK], thinking=THINKING)
    thought, redacted, _, call = shown(answer)
    assert (thought["thinking"], redacted["data"]) == (THOUGHT, REDACTED)
    result = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call["id"], "content": "noon"}]}
    again = [question, {"role": "assistant", "content": [thought, call]}, result]
    assert ask(client, again, tools=[CLOCK], thinking=THINKING).stop_reason == "end_turn"
    for spoilt, words in (([{**thought, "thinking": "other"}, call], "signature"), ([call], "Expected `thinking`")):
        again[1] = {"role": "assistant", "content": spoilt}
        with pytest.raises(anthropic.BadRequestError, match=words):
            ask(client, again, tools=[CLOCK], thinking=THINKING)


@pytest.mark.parametrize("ask", [asked, streamed])
def test_schemas_stops_and_bounds_are_honoured(client: anthropic.Anthropic, ask: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
    written = ask(client, output_config={"format": {"type": "json_schema", "schema": schema}})
    assert json.loads(shown(written)[0]["text"]) == {"n": 7}
    stopped = ask(client, stop_sequences=["there"])
    assert (stopped.stop_reason, stopped.stop_sequence, shown(stopped)[0]["text"]) == (
        "stop_sequence",
        "there",
        "You said: Hello ",
    )
    assert ask(client, max_tokens=2).stop_reason == "max_tokens"
    cached = ask(client, model="claude-cached").usage
    assert (cached.cache_read_input_tokens, cached.cache_creation_input_tokens) == (3, 2)


def test_tokens_are_counted_and_models_are_listed(client: anthropic.Anthropic) -> None:
    counted = client.messages.count_tokens(model=MODEL, messages=HELLO, system="Be kind.")
    assert counted.input_tokens == asked(client, system="Be kind.").usage.input_tokens
    assert [model.id for model in client.models.list(limit=1000)] == list(MODELS)
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nobody")


@pytest.mark.parametrize("name", STATUS_CLASSES)
def test_an_error_status_raises_the_class_that_the_sdk_has_for_it(client: anthropic.Anthropic, name: str) -> None:
    with pytest.raises(STATUS_CLASSES[name]):
        asked(client, model=name)


def test_an_error_in_mid_stream_and_a_cut_are_no_finished_answers_to_the_sdk(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.APIStatusError, match="Overloaded"):
        streamed(client, model="fault-error-event")
    with pytest.raises(httpx2.RemoteProtocolError):  # which the SDK lets through as it is
        streamed(client, model="fault-cut")
    with pytest.raises(anthropic.APIConnectionError):
        asked(client, model="fault-cut")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fault-drip", "Grüße, नमस्ते 👋"),
        ("fault-u2028", SEPARATORS),
        ("fault-other-line-ends", "Hello there"),
        ("fault-usage-twice", "Hello there"),
    ],
)
def test_odd_streams_are_read_by_the_sdk(client: anthropic.Anthropic, name: str, text: str) -> None:
    assert shown(streamed(client, model=name)) == [{"type": "text", "text": text}]


@pytest.mark.parametrize(
    "more",
    [
        {"frequency_penalty": 1},
        {"max_tokens": None},
        {"temperature": 1.5},
        {"stop_sequences": ["\n"]},
        {"tool_choice": {"type": "auto"}},
        {"messages": []},
        {"messages": [{"role": "system", "content": "Be kind."}, *HELLO]},
        {"messages": [{"role": "assistant", "content": "Hi"}, *HELLO]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]},
        {"messages": [*HELLO, {"role": "assistant", "content": "Well, "}]},
        {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}], "tools": [CLOCK]},
        {"tools": [{"name": "bad name", "input_schema": {"type": "object"}}]},
        {"tools": [{"name": "x", "input_schema": {"type": "string"}}]},
        {"thinking": {"type": "enabled", "budget_tokens": 100}},
        {"thinking": THINKING, "max_tokens": 1024},
        {"thinking": THINKING, "max_tokens": 2000, "temperature": 0.5},
        {"model": "claude-opus-5-5", "temperature": 1},
        {"output_config": {"format": {"type": "json_schema", "schema": {"type": "object"}}}},
    ],
)
def test_what_anthropic_refuses_is_refused(claude: Fake, more: dict[str, Any]) -> None:
    answer = post(claude, **more)
    assert (answer.status, answer.json["error"]["type"]) == (400, "invalid_request_error")


def test_neighbours_of_one_role_are_taken_and_a_temperature_in_the_old_version_alone(claude: Fake) -> None:
    assert post(claude, messages=[*HELLO, *HELLO], temperature=0.5).status == 200
    headers = {"x-api-key": claude.key, "anthropic-version": NEW_VERSION}
    body = {"model": MODEL, "max_tokens": 9, "messages": HELLO, "temperature": 1}
    refused = claude.call("POST", "/v1/messages", body, headers=headers)
    assert refused.json["error"]["message"] == "temperature: Extra inputs are not permitted"


def test_a_key_and_a_version_are_both_needed(claude: Fake) -> None:
    for headers, status in (({"anthropic-version": OLD_VERSION}, 401), ({"x-api-key": claude.key}, 400)):
        assert claude.call("POST", "/v1/messages", {}, headers=headers).status == status


def test_every_argument_that_the_sdk_can_send_is_known_to_the_fake() -> None:
    from anthropic.types import message_count_tokens_params, message_create_params

    sent = set(message_create_params.MessageCreateParamsBase.__annotations__)
    assert sent | {"stream"} <= ARGUMENTS
    assert not SAMPLING & sent
    assert set(message_count_tokens_params.MessageCountTokensParams.__annotations__) <= COUNT_ARGUMENTS


def test_no_fault_brings_the_fake_itself_down(claude: Fake, client: anthropic.Anthropic) -> None:
    for name in FAULTS:
        for stream in (False, True):
            with claude.connect() as connection:
                request = written("/v1/messages", claude.key, {"model": name, "messages": HELLO, "stream": stream})
                connection.sendall(request.replace(b"\r\n", f"\r\nanthropic-version: {OLD_VERSION}\r\n".encode(), 1))
                connection.settimeout(0.2)
                try:
                    assert connection.recv(1000).startswith(b"HTTP/1.1 ")
                except (TimeoutError, ConnectionResetError):
                    pass
    assert [model.id for model in client.models.list()] == list(MODELS)
