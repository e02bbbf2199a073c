"""Callers who use the official anthropic SDK with our base_url, before models that speak OpenAI's format."""

import asyncio
from collections.abc import Iterator
from typing import Any

import anthropic
import pytest

from tests.running import Appliance, Fake

MODEL = "fake/gpt-4o"
HI: list[Any] = [{"role": "user", "content": "Hi there"}]
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city.",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


@pytest.fixture(scope="module")
def client(door: Appliance, api_key: str) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=door.url, api_key=api_key, max_retries=0) as made:
        yield made


def test_a_whole_message(client: anthropic.Anthropic, upstream: Fake) -> None:
    message = client.messages.create(model=MODEL, max_tokens=50, system="Be brief.", messages=HI)
    assert [block.to_dict() for block in message.content] == [{"type": "text", "text": "You said: Hi there"}]
    assert (message.stop_reason, message.usage.output_tokens) == ("end_turn", 4)
    assert message.id.startswith("msg_")
    sent = upstream.last().json
    assert sent["messages"] == [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi there"}]
    assert sent["max_tokens"] == 50


def test_a_streamed_message_says_the_same(client: anthropic.Anthropic) -> None:
    with client.messages.stream(model=MODEL, max_tokens=50, messages=HI) as stream:
        assert "".join(stream.text_stream) == "You said: Hi there"
        final = stream.get_final_message()
    assert (final.stop_reason, final.usage.output_tokens) == ("end_turn", 4)


def test_the_asynchronous_client_too(door: Appliance, api_key: str) -> None:
    async def asked() -> str:
        async with (
            anthropic.AsyncAnthropic(base_url=door.url, api_key=api_key, max_retries=0) as client,
            client.messages.stream(model=MODEL, max_tokens=50, messages=HI) as stream,
        ):
            return "".join([text async for text in stream.text_stream])

    assert asyncio.run(asked()) == "You said: Hi there"


@pytest.mark.parametrize("streamed", [False, True])
def test_a_tool_is_called_and_its_result_goes_back(client: anthropic.Anthropic, upstream: Fake, streamed: bool) -> None:
    asked: Any = {"model": MODEL, "max_tokens": 50, "tools": [WEATHER]}
    said: list[Any] = [{"role": "user", "content": "use get_weather"}]
    if streamed:
        with client.messages.stream(**asked, messages=said) as stream:
            message = stream.get_final_message()
    else:
        message = client.messages.create(**asked, messages=said)
    (call,) = message.content
    assert isinstance(call, anthropic.types.ToolUseBlock)
    assert (message.stop_reason, call.name, list(call.input)) == ("tool_use", "get_weather", ["city"])
    result = {"type": "tool_result", "tool_use_id": call.id, "content": [{"type": "text", "text": "sunny"}]}
    said += [{"role": "assistant", "content": message.content}, {"role": "user", "content": [result]}]
    assert client.messages.create(**asked, messages=said).stop_reason == "end_turn"
    _, called, answered = upstream.last().json["messages"]
    assert called["tool_calls"][0]["id"] == answered["tool_call_id"] == call.id
    assert answered["content"] == "sunny"


def test_an_image_and_a_schema(client: anthropic.Anthropic, upstream: Fake) -> None:
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    said: Any = [{"role": "user", "content": [image, {"type": "text", "text": "What is it?"}]}]
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"], "additionalProperties": False}
    form: Any = {"output_config": {"format": {"type": "json_schema", "schema": schema}}}
    message = client.messages.create(model=MODEL, max_tokens=50, messages=said, extra_body=form)
    assert message.content[0].to_dict()["text"].startswith('{"a":')
    sent = upstream.last().json
    assert sent["messages"][0]["content"][0]["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"
    assert sent["response_format"]["json_schema"]["schema"] == schema


def test_tokens_are_counted_by_an_estimate_that_says_so(client: anthropic.Anthropic) -> None:
    answer = client.messages.with_raw_response.count_tokens(model=MODEL, messages=HI)
    assert answer.headers["x-gatehouse-estimated"] == "true"
    assert 1 <= answer.parse().input_tokens <= 50


def test_models_are_listed_in_anthropics_form(client: anthropic.Anthropic) -> None:
    names = [model.id for model in client.models.list(limit=3)]  # the SDK follows the pages by itself
    assert MODEL in names
    assert len(names) == len(set(names)) > 3
    assert client.models.retrieve(MODEL).id == MODEL
    with pytest.raises(anthropic.NotFoundError):
        client.models.retrieve("nobody/has-this")


@pytest.mark.parametrize(
    ("wrong", "kind"),
    [
        ({"model": "nope"}, anthropic.NotFoundError),
        ({"messages": []}, anthropic.BadRequestError),
        ({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x"}]}]}, anthropic.BadRequestError),
        ({"messages": [{"role": "user", "content": [{"type": "document"}]}]}, anthropic.BadRequestError),
        ({"extra_body": {"temperature": 7}}, anthropic.BadRequestError),
        ({"tools": [{"name": "t"}]}, anthropic.BadRequestError),
        ({"model": "fake/fault-429"}, anthropic.RateLimitError),
        ({"model": "fake/fault-500"}, anthropic.InternalServerError),
    ],
)
def test_what_goes_wrong_raises_the_sdks_own_class(client: anthropic.Anthropic, wrong: dict[str, Any], kind: type) -> None:
    asked: Any = {"model": MODEL, "max_tokens": 50, "messages": HI, **wrong}
    with pytest.raises(kind) as raised:
        client.messages.create(**asked)
    error = raised.value
    assert isinstance(error, anthropic.APIStatusError)
    assert error.body["type"] == "error"  # type: ignore[index]
    assert error.request_id == error.body["request_id"]  # type: ignore[index]


def test_a_wrong_key_is_an_authentication_error(door: Appliance) -> None:
    wrong = anthropic.Anthropic(base_url=door.url, api_key="gh-dev-wrong", max_retries=0)
    with wrong as client, pytest.raises(anthropic.AuthenticationError):
        client.messages.create(model=MODEL, max_tokens=5, messages=HI)


def test_a_stream_that_breaks_off_raises(client: anthropic.Anthropic) -> None:
    with (
        pytest.raises(anthropic.APIStatusError),
        client.messages.stream(model="fake/fault-cut", max_tokens=5, messages=HI) as stream,
    ):
        list(stream.text_stream)
