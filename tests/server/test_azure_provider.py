"""The shipped program before a (fake) Azure, by both forms of its addresses, as OpenAI's own SDK sees it."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.conftest import MakeAppliance
from tests.fakes.openai import embedding
from tests.pictures import PIXEL
from tests.running import Appliance, Fake

MESSAGES: list[Any] = [{"role": "user", "content": "Hello there"}]
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": name, "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}
    for name in ("get_weather", "get_time")
]
VERSION = "2024-10-21"


@pytest.fixture(scope="module")
def azure() -> Iterator[Fake]:
    fake = Fake("azure")
    yield fake
    fake.stop()


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, azure: Fake) -> Appliance:
    shared = {"kind": "azure", "api_key": azure.key}
    return appliances(
        settings={
            "providers": [
                {**shared, "name": "dated", "base_url": azure.url, "api_version": VERSION},
                {**shared, "name": "new", "base_url": f"{azure.url}/openai"},
                {**shared, "name": "wrongkey", "base_url": azure.url, "api_key": "someone-elses"},
            ]
        }
    )


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


@pytest.fixture(params=["dated", "new"])
def provider(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_chat_is_answered_with_all_that_azure_says(client: openai.OpenAI, azure: Fake, provider: str) -> None:
    answer = client.chat.completions.create(model=f"{provider}/gpt-4o", messages=MESSAGES)
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 4
    assert (answer.model_extra or {})["prompt_filter_results"][0]["prompt_index"] == 0
    seen = azure.last()
    surface = f"/openai/deployments/gpt-4o/chat/completions?api-version={VERSION}"
    assert seen.path == (surface if provider == "dated" else "/openai/v1/chat/completions")
    assert seen.headers["api-key"] == azure.key
    assert "authorization" not in seen.headers


@pytest.mark.parametrize("usage", [True, False])
def test_every_event_of_a_stream_has_a_choice_but_the_usage_that_was_asked_for(
    client: openai.OpenAI, provider: str, usage: bool
) -> None:
    more: dict[str, Any] = {"stream_options": {"include_usage": True}} if usage else {}
    chunks = list(client.chat.completions.create(model=f"{provider}/gpt-4o", messages=MESSAGES, stream=True, **more))
    told = chunks.pop() if usage else None
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == "You said: Hello there"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert told is None or (told.choices == [] and told.usage is not None)


@pytest.mark.parametrize("stream", [True, False])
def test_tools_are_called_side_by_side_and_their_results_go_back(client: openai.OpenAI, provider: str, stream: bool) -> None:
    asked: list[Any] = [{"role": "user", "content": "get_weather and get_time"}]
    model = f"{provider}/gpt-4o"
    if stream:
        with client.chat.completions.stream(model=model, messages=asked, tools=TOOLS) as events:
            message: Any = events.get_final_completion().choices[0].message
    else:
        message = client.chat.completions.create(model=model, messages=asked, tools=TOOLS).choices[0].message
    calls = message.tool_calls
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_weather", {"city": "word"}),
        ("get_time", {"city": "word"}),
    ]
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    turn = {"role": "assistant", "tool_calls": [call.model_dump(exclude={"function": {"parsed_arguments"}}) for call in calls]}
    for call in turn["tool_calls"]:
        call.pop("index", None)
    answer = client.chat.completions.create(model=model, messages=[*asked, turn, *results], tools=TOOLS)
    assert answer.choices[0].message.content == "You said: sunny"


def test_a_schema_and_an_image_are_handed_on(client: openai.OpenAI, provider: str) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    answer = client.chat.completions.create(model=f"{provider}/gpt-4o", messages=MESSAGES, response_format=form)
    assert json.loads(answer.choices[0].message.content or "") == {"n": 7}
    parts = [{"type": "text", "text": "See"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    seen: list[Any] = [{"role": "user", "content": parts}]
    answer = client.chat.completions.create(model=f"{provider}/gpt-4o", messages=seen)
    assert answer.choices[0].message.content == "You said: See (with 1 image)"


def test_embeddings_come_as_they_are_asked_for(client: openai.OpenAI, provider: str) -> None:
    model = f"{provider}/text-embedding-3-small"
    assert client.embeddings.create(model=model, input="one").data[0].embedding == embedding("one", 1536)
    floats = client.embeddings.create(model=model, input="one", encoding_format="float", dimensions=8)
    assert floats.data[0].embedding == embedding("one", 8)


STATUS_CLASSES = {
    "fault-401": openai.AuthenticationError,
    "fault-404": openai.NotFoundError,
    "fault-429": openai.RateLimitError,
    "fault-429-later": openai.RateLimitError,
    "fault-429-bare": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-503": openai.InternalServerError,
    "fault-529": openai.InternalServerError,
    "fault-200-error": openai.InternalServerError,
    "fault-cut-whole": openai.InternalServerError,
    "fault-gzip-bomb": openai.InternalServerError,
    "fault-refused": openai.BadRequestError,
}


@pytest.mark.parametrize("fault", STATUS_CLASSES)
def test_what_fails_at_azure_is_the_error_that_the_sdk_has_for_it(client: openai.OpenAI, provider: str, fault: str) -> None:
    with pytest.raises(STATUS_CLASSES[fault]) as caught:
        client.chat.completions.create(model=f"{provider}/{fault}", messages=MESSAGES)
    assert isinstance(caught.value, openai.APIStatusError)
    if fault == "fault-refused":
        assert caught.value.code == "content_filter"
    if fault == "fault-429-later":
        assert caught.value.response.headers["retry-after"] == "2"


@pytest.mark.parametrize("fault", ["fault-cut", "fault-error-event", "fault-rubbish"])
def test_a_stream_that_breaks_is_never_passed_off_as_finished(client: openai.OpenAI, provider: str, fault: str) -> None:
    with pytest.raises(openai.APIError):
        list(client.chat.completions.create(model=f"{provider}/{fault}", messages=MESSAGES, stream=True))


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("fault-drip", "Grüße, नमस्ते 👋"),
        ("fault-slow-200", "late"),
        ("fault-usage-twice", "Hello there"),
        ("fault-usage-never", "Hello there"),
    ],
)
def test_an_odd_stream_that_is_whole_is_whole(client: openai.OpenAI, provider: str, fault: str, text: str) -> None:
    chunks = client.chat.completions.create(model=f"{provider}/{fault}", messages=MESSAGES, stream=True)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text


def test_a_prompt_that_azure_filters_is_the_callers_400(client: openai.OpenAI, provider: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(model=f"{provider}/gpt-4o", messages=[{"role": "user", "content": "violence"}])
    assert caught.value.code == "content_filter"
    assert "content management policy" in caught.value.message


def test_an_unknown_deployment_says_what_to_check(client: openai.OpenAI, provider: str) -> None:
    with pytest.raises(openai.NotFoundError) as unknown:
        client.chat.completions.create(model=f"{provider}/nobody", messages=MESSAGES)
    assert "api_version" in str(unknown.value.body)


def test_a_key_that_azure_refuses_is_not_repeated_to_the_caller(client: openai.OpenAI, azure: Fake) -> None:
    with pytest.raises(openai.AuthenticationError) as refused:
        client.chat.completions.create(model="wrongkey/gpt-4o", messages=MESSAGES)
    assert "someone-elses" not in str(refused.value.body)
    assert azure.last().headers["api-key"] == "someone-elses"


def test_what_was_used_is_booked_though_the_caller_did_not_ask_for_it(
    client: openai.OpenAI, door: Appliance, provider: str
) -> None:
    answer = client.chat.completions.with_raw_response.create(model=f"{provider}/gpt-4o", messages=MESSAGES, stream=True)
    assert all(chunk.usage is None for chunk in answer.parse())
    (row,) = door.rows(
        "SELECT tokens_in, tokens_out, estimated FROM attempts WHERE request_id = ?",
        bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_")),
    )
    assert (row["tokens_in"], row["tokens_out"], row["estimated"]) == (6, 4, 0)
