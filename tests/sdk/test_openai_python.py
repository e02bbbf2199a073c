"""The official `openai` SDK for Python, unchanged but for its base_url, against the shipped program."""

import itertools
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import openai
import pytest
from pydantic import BaseModel

from tests.conftest import MakeAppliance
from tests.fakes.openai import embedding
from tests.pictures import PIXEL
from tests.running import Appliance, Fake

MESSAGES = [{"role": "user", "content": "Hello there"}]
LOCAL = "smollm2-135m-instruct"
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "strict": True,
            "parameters": {
                "type": "object",
                "properties": {"city": {"enum": ["Pune", "Delhi"]}, "days": {"type": "integer"}},
                "required": ["city", "days"],
                "additionalProperties": False,
            },
        },
    }
]
CHAT_MODELS = ("fake/gpt-4o", LOCAL)
CLASSES = {
    "fault-400-context": openai.BadRequestError,
    "fault-401": openai.AuthenticationError,
    "fault-403": openai.PermissionDeniedError,
    "fault-404": openai.NotFoundError,
    "fault-429": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-503": openai.InternalServerError,
    "fault-504": openai.InternalServerError,
    "fault-cut-whole": openai.InternalServerError,
}


class Person(BaseModel):
    """Every answer of this form has an end, however a model of 135 million parameters rambles."""

    name: Literal["Ann", "Ravi"]
    age: Literal[7, 42]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")]}, model=True)


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=60) as made:
        yield made


@pytest.fixture
async def async_client(door: Appliance) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{door.url}/api/v1", api_key=door.api_key, max_retries=0, timeout=60) as made:
        yield made


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_chat(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=16)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert answer._request_id


@pytest.mark.parametrize("model", CHAT_MODELS)
async def test_chat_asynchronously(async_client: openai.AsyncOpenAI, model: str) -> None:
    answer = await async_client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8)
    assert answer.choices[0].message.content


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_streaming_with_usage(client: openai.OpenAI, model: str) -> None:
    chunks = list(
        client.chat.completions.create(
            model=model, messages=MESSAGES, max_tokens=16, stream=True, stream_options={"include_usage": True}
        )
    )
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices).strip()
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens >= 1
    assert chunks[-1].choices == []
    assert all(chunk.usage is None for chunk in chunks[:-1])


@pytest.mark.parametrize("model", CHAT_MODELS)
async def test_streaming_asynchronously_without_usage(async_client: openai.AsyncOpenAI, model: str) -> None:
    stream = await async_client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=8, stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks).strip()
    assert all(chunk.usage is None for chunk in chunks)


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_the_sdks_own_accumulator_reads_our_stream(client: openai.OpenAI, model: str) -> None:
    with client.chat.completions.stream(
        model=model, messages=MESSAGES, stop=["!", ".", "?", ","], stream_options={"include_usage": True}
    ) as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_completion()
    assert "content.delta" in kinds
    assert final.choices[0].message.content
    assert final.usage is not None


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_named_tool(client: openai.OpenAI, model: str) -> None:
    choice = {"type": "function", "function": {"name": "get_weather"}}
    answer = client.chat.completions.create(model=model, messages=MESSAGES, tools=TOOLS, tool_choice=choice, max_tokens=60)
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.id
    assert call.function.name == "get_weather"
    found = json.loads(call.function.arguments)
    assert found["city"] in ("Pune", "Delhi")
    assert isinstance(found["days"], int)


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_required_tool_streamed(client: openai.OpenAI, model: str) -> None:
    one: dict[str, Any] = {"tool_choice": "required", "parallel_tool_calls": False}  # so small a model finds no end of calls
    with client.chat.completions.stream(model=model, messages=MESSAGES, tools=TOOLS, max_completion_tokens=60, **one) as stream:
        final = stream.get_final_completion()
    (call,) = final.choices[0].message.tool_calls or []
    assert call.function.name == "get_weather"
    assert json.loads(call.function.arguments)["city"] in ("Pune", "Delhi")


@pytest.mark.parametrize("model", CHAT_MODELS)
def test_a_schema_of_ones_own_class(client: openai.OpenAI, model: str) -> None:
    messages = [{"role": "user", "content": "Ann is seven years old."}]
    answer = client.chat.completions.parse(model=model, messages=messages, response_format=Person, max_tokens=60)
    assert isinstance(answer.choices[0].message.parsed, Person)


def test_stop_and_seed(client: openai.OpenAI, upstream: Fake) -> None:
    answer = client.chat.completions.create(model="fake/gpt-4o", messages=MESSAGES, stop=[" there"], seed=255)
    assert answer.choices[0].message.content == "You said: Hello"
    assert answer.system_fingerprint == "fp_00000000ff"
    assert upstream.last().json["seed"] == 255


def test_image_parts_and_fields_of_the_future(client: openai.OpenAI, upstream: Fake) -> None:
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    answer = client.chat.completions.create(
        model="fake/gpt-4o", messages=[{"role": "user", "content": [{"type": "text", "text": "See"}, image]}], verbosity="low"
    )
    assert answer.choices[0].message.content == "You said: See (with 1 image)"
    assert upstream.last().json["messages"][0]["content"][1] == image
    future = client.chat.completions.create(model="fake/future", messages=MESSAGES)
    assert future.model_extra is not None
    assert future.model_extra["x_future"]["b"] == "😀"


def test_embeddings(client: openai.OpenAI) -> None:
    answer = client.embeddings.create(model="fake/text-embedding-3-small", input=["one", "two"], dimensions=16)
    assert [item.embedding for item in answer.data] == [embedding("one", 16), embedding("two", 16)]


async def test_embeddings_asynchronously(async_client: openai.AsyncOpenAI) -> None:
    answer = await async_client.embeddings.create(model="fake/text-embedding-3-small", input="one", encoding_format="float")
    assert answer.data[0].embedding == embedding("one", 1536)


def test_models(client: openai.OpenAI) -> None:
    names = [model.id for model in client.models.list()]
    assert LOCAL in names
    assert "fake/gpt-4o" in names
    assert client.models.retrieve("fake/gpt-4o").id == "fake/gpt-4o"
    assert client.models.retrieve("fake/meta-llama/Llama-3.1-8B-Instruct").id == "fake/meta-llama/Llama-3.1-8B-Instruct"
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("nobody")
    assert caught.value.code == "model_not_found"


@pytest.mark.parametrize(
    ("fault", "stream"),
    [(fault, stream) for fault in CLASSES for stream in (False, True) if (fault, stream) != ("fault-cut-whole", True)],
)
def test_an_upstreams_failure_raises_the_class_it_would_have_raised(client: openai.OpenAI, fault: str, stream: bool) -> None:
    with pytest.raises(CLASSES[fault]) as caught:
        client.chat.completions.create(model=f"fake/{fault}", messages=MESSAGES, stream=stream)
    assert caught.value.code
    assert caught.value.request_id
    if fault == "fault-429":
        assert caught.value.response.headers["retry-after"] == "7"


@pytest.mark.parametrize("fault", ["fault-cut", "fault-reset", "fault-error-event", "fault-ends-early"])
async def test_a_stream_that_breaks_raises_and_never_just_ends(async_client: openai.AsyncOpenAI, fault: str) -> None:
    said: list[str] = []

    async def read() -> None:
        stream = await async_client.chat.completions.create(model=f"fake/{fault}", messages=MESSAGES, stream=True)
        async for chunk in stream:
            said.extend(choice.delta.content or "" for choice in chunk.choices)

    with pytest.raises(openai.APIError) as caught:
        await read()
    assert "".join(said).startswith("Hello")
    assert caught.value.code in ("upstream_cut", "upstream_failed")


def test_our_own_refusals_raise_the_right_class(client: openai.OpenAI, door: Appliance) -> None:
    with pytest.raises(openai.NotFoundError, match="nobody") as unknown:
        client.chat.completions.create(model="nobody", messages=MESSAGES)
    assert unknown.value.code == "model_not_found"
    assert unknown.value.param == "model"
    with pytest.raises(openai.AuthenticationError) as stranger:
        client.with_options(api_key="sk-wrong").chat.completions.create(model=LOCAL, messages=MESSAGES)
    assert stranger.value.code == "invalid_api_key"
    with pytest.raises(openai.BadRequestError) as wrong:
        client.chat.completions.create(model=LOCAL, messages=MESSAGES, temperature="hot")
    assert wrong.value.param == "temperature"
    with pytest.raises(openai.BadRequestError) as long:
        client.chat.completions.create(model=LOCAL, messages=[{"role": "user", "content": "word " * 9000}])
    assert long.value.code == "context_length_exceeded"
    with pytest.raises(openai.NotFoundError) as absent:
        client.moderations.create(input="x")
    assert absent.value.code == "route_not_found"


def test_the_sdk_retries_by_itself_what_we_say_can_be_tried_again(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-429-ms"})
    try:
        before = len(upstream.seen())
        retrying = openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=1, timeout=30)
        with retrying, pytest.raises(openai.RateLimitError):
            retrying.chat.completions.create(model="fake/gpt-4o", messages=MESSAGES)
        seen = [request.received_at for request in upstream.seen()[before:]]
        assert len(seen) == 4, "the SDK asks twice, and each time we ask once more"
        assert all(b - a >= 1.4 for a, b in itertools.pairwise(seen)), "the wait that the provider asked for was not kept"
    finally:
        upstream.set_faults({})


def test_closing_a_stream_early_leaves_the_client_usable(client: openai.OpenAI) -> None:
    for _ in range(3):
        with client.chat.completions.create(model="fake/fault-endless", messages=MESSAGES, stream=True) as stream:
            next(iter(stream))
    assert client.chat.completions.create(model="fake/gpt-4o", messages=MESSAGES).choices
