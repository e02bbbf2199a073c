"""The fake's Responses surface, judged by OpenAI's own SDK: whole, streamed raw, and by the SDK's own stream helper."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.responses import response_create_params

from tests.fakes.openai_responses import ARGUMENTS
from tests.running import Fake

NAMES = ("get_weather", "get_time")
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": name,
        "strict": True,
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    }
    for name in NAMES
]


@pytest.fixture(scope="module")
def client(upstream: Fake) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=upstream.base_url, api_key=upstream.key, max_retries=0, timeout=10) as made:
        yield made


def test_a_whole_answer_is_read_by_the_sdk_and_can_be_fetched_and_deleted(client: openai.OpenAI) -> None:
    answer = client.responses.create(model="gpt-4o", input="Hello there")
    assert (answer.output_text, answer.status) == ("You said: Hello there", "completed")
    assert answer.usage is not None
    assert answer.usage.input_tokens_details.cached_tokens == 1
    assert client.responses.retrieve(answer.id).output_text == answer.output_text
    assert client.responses.create(model="gpt-4o", input="More", previous_response_id=answer.id).output_text == "You said: More"
    client.responses.delete(answer.id)
    with pytest.raises(openai.NotFoundError):
        client.responses.create(model="gpt-4o", input="More", previous_response_id=answer.id)


def test_a_streams_events_are_numbered_and_named(client: openai.OpenAI) -> None:
    events: list[Any] = list(client.responses.create(model="o4-mini", input="Hello there", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[1].type, events[-1].type) == (
        "response.created",
        "response.in_progress",
        "response.completed",
    )
    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == events[-1].response.output_text == "You said: Hello there"
    assert events[-1].response.usage.output_tokens_details.reasoning_tokens == 8


def test_the_sdks_stream_helper_puts_the_same_answer_together(client: openai.OpenAI) -> None:
    with client.responses.stream(model="gpt-4o", input=" and ".join(NAMES), tools=TOOLS) as stream:
        for _ in stream:
            pass
        final = stream.get_final_response()
    calls = [(item.name, json.loads(item.arguments)) for item in final.output if item.type == "function_call"]
    assert calls == [(name, {"city": "word"}) for name in NAMES]


def test_parallel_calls_can_be_switched_off_and_results_go_back(client: openai.OpenAI) -> None:
    asked = " and ".join(NAMES)
    answer = client.responses.create(model="gpt-4o", input=asked, tools=TOOLS, parallel_tool_calls=False)
    (call,) = answer.output
    assert call.type == "function_call"
    items: list[Any] = [
        {"role": "user", "content": asked},
        call.model_dump(exclude_none=True),
        {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"},
    ]
    assert client.responses.create(model="gpt-4o", input=items, tools=TOOLS).output_text == "You said: sunny"


def test_schemas_and_images_are_honoured(client: openai.OpenAI) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"], "additionalProperties": False}
    form: Any = {"format": {"type": "json_schema", "name": "s", "schema": schema, "strict": True}}
    assert json.loads(client.responses.create(model="gpt-4o", input="x", text=form).output_text) == {"n": 7}
    parts: list[Any] = [{"type": "input_text", "text": "See"}, {"type": "input_image", "image_url": "data:image/png;base64,AA"}]
    answer = client.responses.create(model="gpt-4o", input=[{"role": "user", "content": parts}])
    assert answer.output_text == "You said: See (with 1 image)"


def test_every_argument_that_the_sdk_can_send_is_known_to_the_fake_and_no_other(client: openai.OpenAI) -> None:
    assert set(response_create_params.ResponseCreateParamsBase.__annotations__) | {"stream"} <= ARGUMENTS
    with pytest.raises(openai.BadRequestError, match="future"):
        client.responses.create(model="gpt-4o", input="x", extra_body={"future": 1})


def test_faults_are_what_the_sdk_takes_them_for(client: openai.OpenAI) -> None:
    with pytest.raises(openai.RateLimitError):
        client.responses.create(model="fault-429-later", input="x")
    with pytest.raises(openai.APIConnectionError):
        list(client.responses.create(model="fault-cut", input="x", stream=True))
    for fault, last in (("fault-failed", "response.failed"), ("fault-incomplete", "response.incomplete")):
        assert list(client.responses.create(model=fault, input="x", stream=True))[-1].type == last
    assert client.responses.create(model="fault-failed", input="x").status == "failed"
    drops = list(client.responses.create(model="fault-drip", input="Grüße", stream=True))
    assert drops[-1].type == "response.completed"
    assert list(client.responses.create(model="fault-error-event", input="x", stream=True))[-1].type == "error"
