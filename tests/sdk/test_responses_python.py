"""The official `openai` SDK's `client.responses`, unchanged but for its base_url, against the shipped program."""

import json
from collections.abc import AsyncIterator, Iterator
from typing import Any, Literal

import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import BaseModel, TypeAdapter

from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

LOCAL = "smollm2-135m-instruct"
MODELS = ("fake/gpt-4o", LOCAL)
EVENT: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Pune", "Delhi"]}, "days": {"type": "integer"}},
            "required": ["city", "days"],
            "additionalProperties": False,
        },
    }
]


class Person(BaseModel):
    """Every answer of this form has an end, however a model of 135 million parameters rambles."""

    name: Literal["Alice", "Ravi"]
    age: Literal[7, 30]


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


def checked(response: Response) -> Response:
    """Against the SDK's own types, which it doesn't do by itself."""
    Response.model_validate(response.model_dump(by_alias=True, exclude_unset=True))
    return response


@pytest.mark.parametrize("model", MODELS)
def test_a_response(client: openai.OpenAI, model: str) -> None:
    answer = checked(client.responses.create(model=model, input="Hello there", max_output_tokens=16, instructions="Be brief."))
    assert answer.output_text
    assert answer.status in ("completed", "incomplete")
    assert answer.usage is not None
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens > 0
    assert answer.instructions == "Be brief."
    assert answer._request_id


@pytest.mark.parametrize("model", MODELS)
async def test_a_response_asynchronously(async_client: openai.AsyncOpenAI, model: str) -> None:
    answer = checked(await async_client.responses.create(model=model, input="Hello there", max_output_tokens=8))
    assert answer.output_text


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_of_numbered_events(client: openai.OpenAI, model: str) -> None:
    events = list(client.responses.create(model=model, input="Hello there", max_output_tokens=16, stream=True))
    for event in events:
        EVENT.validate_python(event.model_dump(by_alias=True, exclude_unset=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [event.type for event in events[:2]] == ["response.created", "response.in_progress"]
    last = events[-1]
    assert last.type in ("response.completed", "response.incomplete")
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    assert text == last.response.output_text != ""
    assert last.response.usage is not None


@pytest.mark.parametrize("model", MODELS)
async def test_the_stream_helper_asynchronously(async_client: openai.AsyncOpenAI, model: str) -> None:
    async with async_client.responses.stream(model=model, input="Say one word") as stream:
        deltas = [event.delta async for event in stream if event.type == "response.output_text.delta"]
        final = await stream.get_final_response()
    assert final.output_text == "".join(deltas)


@pytest.mark.parametrize("model", MODELS)
def test_an_answer_in_a_form_of_the_callers_own(client: openai.OpenAI, model: str) -> None:
    answer = client.responses.parse(model=model, input="Alice is 30 years old.", text_format=Person, temperature=0)
    assert isinstance(answer.output_parsed, Person)
    with client.responses.stream(model=model, input="Alice is 30 years old.", text_format=Person, temperature=0) as stream:
        assert isinstance(stream.get_final_response().output_parsed, Person)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("streamed", [False, True])
def test_a_call_of_a_function_and_its_result(client: openai.OpenAI, model: str, streamed: bool) -> None:
    asked: list[Any] = [{"role": "user", "content": "What is the weather? get_weather"}]
    wanted: Any = {"type": "function", "name": "get_weather"}
    if streamed:
        with client.responses.stream(model=model, input=asked, tools=TOOLS, tool_choice=wanted, temperature=0) as stream:
            answer: Response = stream.get_final_response()
    else:
        answer = client.responses.create(model=model, input=asked, tools=TOOLS, tool_choice=wanted, temperature=0)
    (call,) = (item for item in answer.output if item.type == "function_call")
    assert call.name == "get_weather"
    assert sorted(json.loads(call.arguments)) == ["city", "days"]
    result: Any = {"type": "function_call_output", "call_id": call.call_id, "output": '{"sky": "clear"}'}
    # The toy might call again where it may.
    more: Any = {"model": model, "tools": TOOLS, "tool_choice": "none", "max_output_tokens": 24}
    called: Any = call.model_dump(exclude={"parsed_arguments"})
    by_hand = client.responses.create(input=[*asked, called, result], **more)
    by_id = client.responses.create(input=[result], previous_response_id=answer.id, **more)
    assert by_hand.output_text
    assert by_id.output_text
    assert by_id.previous_response_id == answer.id


def test_two_calls_at_once_and_their_results_reach_the_provider(client: openai.OpenAI, upstream: Fake) -> None:
    asked: list[Any] = [{"role": "user", "content": "Weather?"}]
    calls: list[Any] = [
        {"type": "function_call", "call_id": f"call_{city}", "name": "get_weather", "arguments": json.dumps({"city": city})}
        for city in ("Pune", "Delhi")
    ]
    results: list[Any] = [
        {"type": "function_call_output", "call_id": call["call_id"], "output": [{"type": "input_text", "text": "clear"}]}
        for call in calls
    ]
    client.responses.create(model="fake/gpt-4o", input=[*asked, *calls, *results], tools=TOOLS)
    sent = upstream.last().json["messages"]
    assert [message["role"] for message in sent] == ["user", "assistant", "tool", "tool"]
    assert [call["id"] for call in sent[1]["tool_calls"]] == [message["tool_call_id"] for message in sent[2:]]


def test_an_image_reaches_the_provider(client: openai.OpenAI, upstream: Fake) -> None:
    parts: Any = [{"type": "input_text", "text": "What is it?"}, {"type": "input_image", "image_url": PIXEL, "detail": "low"}]
    answer = client.responses.create(model="fake/gpt-4o", input=[{"role": "user", "content": parts}])
    assert "1 image" in answer.output_text
    assert upstream.last().json["messages"][0]["content"][1]["image_url"] == {"url": PIXEL, "detail": "low"}


@pytest.mark.parametrize("model", MODELS)
def test_a_conversation_over_three_turns_by_id_alone(client: openai.OpenAI, upstream: Fake, model: str) -> None:
    upstream.forget()
    previous: str | None = None
    texts = []
    for number in range(3):
        answer = client.responses.create(
            model=model, input=f"Turn {number}", previous_response_id=previous, instructions=f"I{number}", max_output_tokens=8
        )
        previous = answer.id
        texts.append(answer.output_text)
    if model != LOCAL:
        sent = upstream.last().json["messages"]
        said = [(message["role"], message["content"]) for message in sent]
        assert said == [
            ("system", "I2"),  # instructions are not carried over
            ("user", "Turn 0"),
            ("assistant", texts[0]),
            ("user", "Turn 1"),
            ("assistant", texts[1]),
            ("user", "Turn 2"),
        ]


def test_a_kept_response_is_read_again_listed_and_deleted(client: openai.OpenAI) -> None:
    made = client.responses.create(model="fake/gpt-4o", input="Hello there", metadata={"for": "test"})
    assert client.responses.retrieve(made.id) == made
    (item,) = client.responses.input_items.list(made.id)
    assert item.type == "message"
    assert item.content[0].type == "input_text"
    assert item.content[0].text == "Hello there"
    client.responses.delete(made.id)
    for again in (client.responses.retrieve, client.responses.input_items.list, client.responses.delete):
        with pytest.raises(openai.NotFoundError):
            again(made.id)


def test_pages_of_input_items(client: openai.OpenAI) -> None:
    asked: list[Any] = [{"role": "user", "content": str(number)} for number in range(5)]
    made = client.responses.create(model="fake/gpt-4o", input=asked)
    orders: list[tuple[Literal["asc", "desc"], str]] = [("asc", "01234"), ("desc", "43210")]
    for order, expected in orders:
        items: Any = client.responses.input_items.list(made.id, limit=2, order=order)
        assert "".join(item.content[0].text for item in items) == expected


async def test_kept_responses_asynchronously(async_client: openai.AsyncOpenAI) -> None:
    made = await async_client.responses.create(model="fake/gpt-4o", input="Hello there")
    assert (await async_client.responses.retrieve(made.id)).output_text == made.output_text
    await async_client.responses.delete(made.id)
    with pytest.raises(openai.NotFoundError):
        await async_client.responses.retrieve(made.id)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"tools": [{"type": "web_search"}]}, "web_search tools"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_url": "https://f.example"}]}]}, "input_file parts"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
)
def test_what_only_openai_can_do_is_refused_by_name(client: openai.OpenAI, model: str, more: Any, named: str) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(model=model, **{"input": "Hello", **more})
    assert (refused.value.code, refused.value.param) == ("unsupported_feature", named)


@pytest.mark.parametrize("kind", ["input_file", "input_image"])
def test_files_that_were_not_uploaded_here_are_unknown(client: openai.OpenAI, kind: str) -> None:
    given: Any = [{"role": "user", "content": [{"type": kind, "file_id": "file-1"}]}]
    with pytest.raises(openai.NotFoundError) as refused:
        client.responses.create(model="fake/gpt-4o", input=given)
    assert (refused.value.code, refused.value.param) == ("file_not_found", "input[0].content[0].file_id")


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("fault-401", openai.AuthenticationError),
        ("fault-429", openai.RateLimitError),
        ("fault-500", openai.InternalServerError),
        ("fault-cut-whole", openai.InternalServerError),
    ],
)
def test_failures_are_the_sdks_own_exceptions(client: openai.OpenAI, fault: str, kind: type[openai.APIStatusError]) -> None:
    with pytest.raises(kind):
        client.responses.create(model=f"fake/{fault}", input="Hello")


@pytest.mark.parametrize("fault", ["fault-cut", "fault-error-event", "fault-ends-early"])
def test_a_stream_that_breaks_off_is_never_completed(client: openai.OpenAI, fault: str) -> None:
    kinds: list[str] = []
    stream = client.responses.create(model=f"fake/{fault}", input="Hello", stream=True)
    with pytest.raises(openai.APIError):
        kinds.extend(event.type for event in stream)
    assert kinds[0] == "response.created"
    assert "response.completed" not in kinds
