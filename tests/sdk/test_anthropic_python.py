"""The official `anthropic` SDK for Python, unchanged but for its base_url, against the shipped program."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import anthropic
import pytest
from anthropic.types import MessageParam, TextBlock, ToolParam, ToolUseBlock
from pydantic import BaseModel

from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

LOCAL = "smollm2-135m-instruct"
CHAT_MODELS = ("fake/gpt-4o", LOCAL)
MESSAGES: list[MessageParam] = [{"role": "user", "content": "Hello there"}]
WEATHER: list[ToolParam] = [
    {
        "name": "get_weather",
        "description": "The weather of a city",
        "input_schema": {
            "type": "object",
            "properties": {"city": {"enum": ["Pune", "Delhi"]}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    }
]
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
CLASSES: dict[str, type[anthropic.APIStatusError]] = {
    "fake/fault-400-context": anthropic.BadRequestError,
    "fake/fault-401": anthropic.AuthenticationError,
    "fake/fault-403": anthropic.PermissionDeniedError,
    "fake/fault-404": anthropic.NotFoundError,
    "fake/fault-429": anthropic.RateLimitError,
    "fake/fault-500": anthropic.InternalServerError,
    "fake/fault-503": anthropic.OverloadedError,
    "fake/fault-504": anthropic.InternalServerError,
    "fake/fault-cut-whole": anthropic.InternalServerError,
    "nobody/nothing": anthropic.NotFoundError,
}


class Person(BaseModel):
    """Every answer of this form has an end, however a model of 135 million parameters rambles."""

    name: Literal["Ann", "Ravi"]
    age: Literal[7, 42]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")]}, model=True)


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=door.url, api_key=door.api_key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture
async def async_client(door: Appliance) -> AsyncIterator[anthropic.AsyncAnthropic]:
    """By the second path, with the key as a bearer's."""
    base_url = f"{door.url}/api"
    async with anthropic.AsyncAnthropic(base_url=base_url, auth_token=door.api_key, max_retries=0, timeout=60) as made:
        yield made


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_chat(client: anthropic.Anthropic, model: str) -> None:
    answer = client.messages.create(model=model, messages=MESSAGES, max_tokens=16, system="Be brief.")
    (block,) = answer.content
    assert isinstance(block, TextBlock)
    assert block.text
    assert answer.stop_reason in ("end_turn", "max_tokens")
    assert answer.usage.input_tokens > 0
    assert answer.usage.output_tokens > 0
    assert answer._request_id


@pytest.mark.parametrize("model", CHAT_MODELS)
async def test_chat_asynchronously(async_client: anthropic.AsyncAnthropic, model: str) -> None:
    answer = await async_client.messages.create(model=model, messages=MESSAGES, max_tokens=8)
    assert isinstance(answer.content[0], TextBlock)
    assert answer.content[0].text


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_stream_of_text_and_its_final_message(client: anthropic.Anthropic, model: str) -> None:
    with client.messages.stream(model=model, messages=MESSAGES, max_tokens=16) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text.strip()
    assert text == stream.get_final_text()
    assert final.stop_reason in ("end_turn", "max_tokens")
    assert final.usage.input_tokens > 0
    assert final.usage.output_tokens > 0


@pytest.mark.parametrize("model", CHAT_MODELS)
async def test_streaming_asynchronously(async_client: anthropic.AsyncAnthropic, model: str) -> None:
    stream = await async_client.messages.create(model=model, messages=MESSAGES, max_tokens=8, stream=True)
    kinds = [event.type async for event in stream]
    assert (kinds[0], kinds[-1]) == ("message_start", "message_stop")
    assert "content_block_delta" in kinds


def test_usage_is_the_same_streamed_and_whole(client: anthropic.Anthropic) -> None:
    whole = client.messages.create(model="fake/gpt-4o", messages=MESSAGES, max_tokens=16)
    with client.messages.stream(model="fake/gpt-4o", messages=MESSAGES, max_tokens=16) as stream:
        assert stream.get_final_message().usage == whole.usage


def test_stop_sequences_and_the_bound_on_tokens(client: anthropic.Anthropic) -> None:
    stopped = client.messages.create(model="fake/gpt-4o", messages=MESSAGES, max_tokens=16, stop_sequences=["there"])
    assert isinstance(stopped.content[0], TextBlock)
    assert "there" not in stopped.content[0].text
    cut = client.messages.create(model="fake/gpt-4o", messages=MESSAGES, max_tokens=2)
    assert cut.stop_reason == "max_tokens"


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_named_tool(client: anthropic.Anthropic, model: str) -> None:
    answer = client.messages.create(
        model=model,
        messages=[{"role": "user", "content": "What is the weather in Pune?"}],
        max_tokens=128,
        tools=WEATHER,
        tool_choice={"type": "tool", "name": "get_weather"},
    )
    call = answer.content[-1]
    assert isinstance(call, ToolUseBlock)
    assert (call.name, answer.stop_reason) == ("get_weather", "tool_use")
    assert isinstance(call.input, dict)
    assert call.input["city"] in ("Pune", "Delhi")
    assert isinstance(call.input["days"], int)


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_any_tool_in_a_stream(client: anthropic.Anthropic, model: str) -> None:
    with client.messages.stream(
        model=model,
        messages=[{"role": "user", "content": "What is the weather in Pune?"}],
        max_tokens=256,
        tools=WEATHER,
        tool_choice={"type": "any", "disable_parallel_tool_use": True},
    ) as stream:
        told = "".join(event.partial_json for event in stream if event.type == "input_json")
        final = stream.get_final_message()
    call = final.content[-1]
    assert isinstance(call, ToolUseBlock)
    assert isinstance(call.input, dict)
    assert call.input == json.loads(told)
    assert call.input["city"] in ("Pune", "Delhi")
    assert final.stop_reason == "tool_use"


def test_the_results_of_two_calls_go_back_as_they_were_given(client: anthropic.Anthropic, upstream: Fake) -> None:
    first = client.messages.create(
        model="fake/gpt-4o", messages=MESSAGES, max_tokens=64, tools=WEATHER, tool_choice={"type": "any"}
    )
    call = first.content[0]
    assert isinstance(call, ToolUseBlock)
    second: Any = {"type": "tool_use", "id": "toolu_second", "name": "get_weather", "input": {"city": "Delhi", "days": 1}}
    answer = client.messages.create(
        model="fake/gpt-4o",
        max_tokens=64,
        tools=WEATHER,
        messages=[
            *MESSAGES,
            {"role": "assistant", "content": [*first.content, second]},
            {
                "role": "user",
                "content": [
                    {"type": "tool_result", "tool_use_id": call.id, "content": "21 °C"},
                    {"type": "tool_result", "tool_use_id": "toolu_second", "content": [{"type": "text", "text": "30 °C"}]},
                    {"type": "text", "text": "Which is warmer?"},
                ],
            },
        ],
    )
    assert isinstance(answer.content[0], TextBlock)
    assert answer.content[0].text == "You said: Which is warmer?"
    sent = upstream.last().json["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool", "user"]
    assert [called["id"] for called in sent[1]["tool_calls"]] == [call.id, "toolu_second"]
    assert [(message["tool_call_id"], message["content"]) for message in sent[2:4]] == [
        (call.id, "21 °C"),
        ("toolu_second", "30 °C"),
    ]


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_an_answer_in_the_form_of_a_class(client: anthropic.Anthropic, model: str) -> None:
    answer = client.messages.parse(model=model, messages=MESSAGES, max_tokens=200, output_format=Person)
    assert isinstance(answer.parsed_output, Person)


def test_an_image(client: anthropic.Anthropic, upstream: Fake) -> None:
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    content = [{"type": "text", "text": "What is this?"}, image]
    answer = client.messages.create(
        model="fake/gpt-4o",
        max_tokens=64,
        messages=[{"role": "user", "content": content}],
    )
    assert isinstance(answer.content[0], TextBlock)
    assert answer.content[0].text == "You said: What is this? (with 1 image)"
    assert upstream.last().json["messages"][0]["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"


def test_an_image_for_a_model_that_sees_none_is_a_bad_request(client: anthropic.Anthropic) -> None:
    image: Any = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    with pytest.raises(anthropic.BadRequestError, match="images"):
        client.messages.create(model=LOCAL, max_tokens=8, messages=[{"role": "user", "content": [image]}])


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_counting_tokens(client: anthropic.Anthropic, model: str) -> None:
    answer = client.messages.with_raw_response.count_tokens(model=model, messages=MESSAGES, system="Be brief.", tools=WEATHER)
    assert answer.parse().input_tokens > 20
    assert answer.headers["x-gatehouse-estimated"] == "true"


def test_models_are_listed_page_by_page(client: anthropic.Anthropic) -> None:
    names = [model.id for model in client.models.list(limit=2)]
    assert LOCAL in names
    assert "fake/gpt-4o" in names
    assert len(names) == len(set(names)) > 4, "the SDK went through several pages"
    found = client.models.retrieve("fake/gpt-4o")
    assert (found.id, found.type, found.lifecycle) == ("fake/gpt-4o", "model", "active")


async def test_models_are_listed_page_by_page_asynchronously(async_client: anthropic.AsyncAnthropic) -> None:
    assert LOCAL in [model.id async for model in async_client.models.list(limit=3)]


# Errors


@pytest.mark.parametrize("model", CLASSES)
def test_a_failure_becomes_the_sdks_own_class(client: anthropic.Anthropic, model: str) -> None:
    with pytest.raises(anthropic.APIStatusError) as caught:
        client.messages.create(model=model, messages=MESSAGES, max_tokens=8)
    assert type(caught.value) is CLASSES[model] or isinstance(caught.value, CLASSES[model])
    assert caught.value.request_id
    assert caught.value.api_message
    assert caught.value.error_code


@pytest.mark.parametrize("model", [name for name in CLASSES if name != "fake/fault-cut-whole"])
async def test_a_failure_before_a_stream_becomes_the_sdks_own_class(async_client: anthropic.AsyncAnthropic, model: str) -> None:
    with pytest.raises(CLASSES[model]):
        async with async_client.messages.stream(model=model, messages=MESSAGES, max_tokens=8) as stream:
            await stream.get_final_message()


@pytest.mark.parametrize("model", ["fake/fault-cut", "fake/fault-error-event"])
def test_a_failure_in_the_middle_of_a_stream_is_raised(client: anthropic.Anthropic, model: str) -> None:
    with (
        client.messages.stream(model=model, messages=MESSAGES, max_tokens=8) as stream,
        pytest.raises(anthropic.APIStatusError) as caught,
    ):
        stream.until_done()
    assert caught.value.type == "api_error"
    assert caught.value.api_message


def test_a_key_that_is_wrong(door: Appliance) -> None:
    with anthropic.Anthropic(base_url=door.url, api_key="gh-nonsense", max_retries=0) as stranger:
        for ask in (lambda: stranger.messages.create(model=LOCAL, messages=MESSAGES, max_tokens=8), stranger.models.list):
            with pytest.raises(anthropic.AuthenticationError) as caught:
                ask()
            assert caught.value.type == "authentication_error"


def test_a_wrong_field_is_named(client: anthropic.Anthropic) -> None:
    wrong: Any = [{"role": "user", "content": [{"type": "text"}]}]
    with pytest.raises(anthropic.BadRequestError, match=r"messages\.0\.content\.0\.text: Field required"):
        client.messages.create(model=LOCAL, messages=wrong, max_tokens=8)


def test_what_only_anthropic_can_do_is_a_bad_request_that_names_it(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.BadRequestError, match="web_search_20250305"):
        client.messages.create(
            model="fake/gpt-4o",
            messages=MESSAGES,
            max_tokens=8,
            tools=[{"type": "web_search_20250305", "name": "web_search"}],
        )


def test_a_route_that_is_not_offered(client: anthropic.Anthropic) -> None:
    with pytest.raises(anthropic.NotFoundError):
        client.messages.batches.list()
