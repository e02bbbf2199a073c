"""The shipped program with a provider of kind `anthropic`, asked through the official `openai` SDK."""

import json
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.anthropic import REDACTED, THOUGHT
from tests.fakes.anthropic_faults import SEPARATORS
from tests.running import Appliance, Fake, eventually

HELLO: list[Any] = [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello there"}]
ASKED: Any = {"role": "user", "content": "get_weather and get_time, please"}
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}},
        },
    },
    {"type": "function", "function": {"name": "get_time"}},
]
FAULTS = {
    "fault-400": (openai.BadRequestError, "upstream_bad_request"),
    "fault-400-context": (openai.BadRequestError, "context_length_exceeded"),
    "fault-400-credit": (openai.PermissionDeniedError, "upstream_forbidden"),
    "fault-401": (openai.AuthenticationError, "upstream_unauthorized"),
    "fault-403": (openai.PermissionDeniedError, "upstream_forbidden"),
    "fault-404": (openai.NotFoundError, "upstream_model_not_found"),
    "fault-429": (openai.RateLimitError, "upstream_rate_limited"),
    "fault-429-bare": (openai.RateLimitError, "upstream_rate_limited"),
    "fault-500": (openai.InternalServerError, "upstream_failed"),
    "fault-502-html": (openai.InternalServerError, "upstream_failed"),
    "fault-503": (openai.InternalServerError, "upstream_overloaded"),
    "fault-504": (openai.InternalServerError, "upstream_timeout"),
    "fault-529": (openai.InternalServerError, "upstream_overloaded"),
    "fault-200-error": (openai.InternalServerError, "upstream_failed"),
    "fault-200-empty": (openai.InternalServerError, "upstream_failed"),
}
WHOLE_ONLY = {
    "fault-200-html": "upstream_failed",
    "fault-rubbish": "upstream_failed",
    "fault-ends-early": "upstream_failed",
    "fault-cut": "upstream_cut",
}


@pytest.fixture(scope="module")
def claude(fake: MakeFake) -> Fake:
    return fake("anthropic")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, claude: Fake) -> Appliance:
    table = {"kind": "anthropic", "api_key": claude.key}
    providers = [
        {"name": "claude", "base_url": claude.url, **table},
        {"name": "with-v1", "base_url": f"{claude.url}/v1", **table},
    ]
    return appliances(settings={"providers": providers})


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


def ask(client: openai.OpenAI, messages: list[Any] = HELLO, model: str = "claude-sonnet-4-6", **more: Any) -> Any:
    return client.chat.completions.create(**{"model": f"claude/{model}", "messages": messages, **more})


def streamed(client: openai.OpenAI, messages: list[Any] = HELLO, model: str = "claude-sonnet-4-6", **more: Any) -> Any:
    """The stream put together as the SDK does it, in the shape of a whole answer."""
    body = {"model": f"claude/{model}", "messages": messages, "stream_options": {"include_usage": True}, **more}
    with client.chat.completions.stream(**body) as stream:
        return stream.get_final_completion()


BOTH = pytest.mark.parametrize("asked", [ask, streamed])


@BOTH
def test_a_chat_is_answered_with_its_usage(client: openai.OpenAI, claude: Fake, asked: Any) -> None:
    answer = asked(client, model="claude-cached")
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.choices[0].finish_reason == "stop"
    usage = answer.usage
    sent = claude.last()
    assert sent.json["system"] == "Be kind."
    assert sent.headers["anthropic-version"] == "2023-06-01"
    assert (usage.prompt_tokens_details.cached_tokens, usage.completion_tokens) == (3, 7)
    assert usage.prompt_tokens > 5 and usage.total_tokens == usage.prompt_tokens + usage.completion_tokens


def test_a_base_url_with_its_version_leads_to_the_same_place(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model="with-v1/claude-sonnet-4-6", messages=HELLO)
    assert answer.choices[0].message.content == "You said: Hello there"


@BOTH
def test_parallel_tools_are_called_and_their_results_come_back(client: openai.OpenAI, asked: Any) -> None:
    answer = asked(client, [ASKED], tools=TOOLS)
    message = answer.choices[0].message
    assert answer.choices[0].finish_reason == "tool_calls"
    assert message.content == "I'll look that up."
    weather, time = message.tool_calls
    assert (weather.function.name, json.loads(weather.function.arguments)) == ("get_weather", {"city": "word", "days": 7})
    assert (time.function.name, time.function.arguments) == ("get_time", "{}")
    calls = [
        {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}
        for call in message.tool_calls
    ]
    results = [
        {"role": "tool", "tool_call_id": call.id, "content": f"result of {call.function.name}"} for call in (weather, time)
    ]
    history = [ASKED, {"role": "assistant", "content": message.content, "tool_calls": calls}, *results]
    said = asked(client, history, tools=TOOLS).choices[0].message.content
    assert said == "You said: result of get_weather result of get_time"
    (single,) = asked(client, [ASKED], tools=TOOLS, parallel_tool_calls=False).choices[0].message.tool_calls
    assert single.function.name == "get_weather"
    named = {"type": "function", "function": {"name": "get_time"}}
    (forced,) = asked(client, HELLO, tools=TOOLS, tool_choice=named).choices[0].message.tool_calls
    assert forced.function.name == "get_time"


@BOTH
def test_a_schema_is_honoured(client: openai.OpenAI, asked: Any) -> None:
    schema = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1}}, "required": ["n"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "count", "schema": schema}}
    assert json.loads(asked(client, response_format=wanted).choices[0].message.content) == {"n": 7}
    loose = asked(client, response_format={"type": "json_object"}).choices[0].message.content
    assert json.loads(loose) == {"said": "Hello there"}


@BOTH
def test_an_image_is_seen(client: openai.OpenAI, asked: Any) -> None:
    parts = [
        {"type": "text", "text": "Look"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}},
        {"type": "image_url", "image_url": {"url": "https://img.example/a.png"}},
    ]
    answer = asked(client, [{"role": "user", "content": parts}])
    assert answer.choices[0].message.content == "You said: Look (with 2 image)"


@BOTH
def test_bounds_and_stops_have_openais_words(client: openai.OpenAI, asked: Any) -> None:
    assert ask(client, max_completion_tokens=2).choices[0].finish_reason == "length"
    stopped = asked(client, stop="there").choices[0]
    assert (stopped.message.content, stopped.finish_reason) == ("You said: Hello ", "stop")
    assert ask(client, model="fault-refused").choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize("model", ["claude-sonnet-4-6", "claude-opus-5-5"])
def test_thinking_survives_the_round_trip_with_its_signature(client: openai.OpenAI, claude: Fake, model: str) -> None:
    question = {"role": "user", "content": "get_time, redacted"}
    message = ask(client, [question], model, tools=TOOLS, reasoning_effort="low", temperature=0.5).choices[0].message
    assert message.reasoning_content == THOUGHT
    assert [block["type"] for block in message.thinking_blocks] == ["thinking", "redacted_thinking"]
    history = [
        question,
        message.model_dump(exclude_none=True),
        {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "noon"},
    ]
    again = ask(client, history, model, tools=TOOLS, reasoning_effort="low")
    assert again.choices[0].message.content == "You said: noon"
    thought, redacted = claude.last().json["messages"][1]["content"][:2]
    assert (thought["thinking"], redacted["data"]) == (THOUGHT, REDACTED)
    assert claude.last().json["thinking"]["type"] in ("enabled", "adaptive")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("name", FAULTS)
def test_a_failure_before_the_answer_raises_its_class(client: openai.OpenAI, name: str, stream: bool) -> None:
    kind, code = FAULTS[name]
    with pytest.raises(kind) as caught:
        ask(client, model=name, stream=stream)
    assert caught.value.code == code


def test_a_wait_that_anthropic_asks_for_is_handed_on(client: openai.OpenAI) -> None:
    for name, seconds in (("fault-429", "7"), ("fault-429-later", "9"), ("fault-529-later", "11")):
        with pytest.raises(openai.APIStatusError) as caught:
            ask(client, model=name)
        assert caught.value.response.headers["retry-after"] == seconds


@pytest.mark.parametrize("name", WHOLE_ONLY)
def test_a_whole_answer_that_is_broken_is_a_failure(client: openai.OpenAI, name: str) -> None:
    with pytest.raises(openai.InternalServerError) as caught:
        ask(client, model=name)
    assert caught.value.code == WHOLE_ONLY[name]


@pytest.mark.parametrize("name", ["fault-cut", "fault-ends-early", "fault-rubbish", "fault-error-event"])
def test_a_stream_that_breaks_is_an_error_to_the_caller(client: openai.OpenAI, name: str) -> None:
    texts: list[str] = []
    stream = ask(client, model=name, stream=True)
    with pytest.raises(openai.APIError):
        texts.extend(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
    assert "".join(texts) in ("", "Hello", "Hello there")


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("fault-drip", "Grüße, नमस्ते 👋"),
        ("fault-u2028", SEPARATORS),
        ("fault-other-line-ends", "Hello there"),
        ("fault-unknown-event", "Hello there"),
        ("fault-no-stop-event", "Hello there"),
        ("fault-slow-50", "late"),
    ],
)
def test_odd_streams_are_whole_answers(client: openai.OpenAI, name: str, text: str) -> None:
    assert streamed(client, model=name).choices[0].message.content == text


@BOTH
def test_usage_is_told_once_and_estimated_where_anthropic_tells_none(client: openai.OpenAI, asked: Any) -> None:
    assert asked(client, model="fault-usage-twice").usage.completion_tokens == 2
    assert asked(client, model="fault-usage-never").usage.completion_tokens > 0


def test_a_packed_bomb_is_refused_unopened(client: openai.OpenAI) -> None:
    with pytest.raises(openai.InternalServerError):
        ask(client, model="fault-gzip-bomb")


def test_a_caller_who_leaves_ends_the_call_at_anthropic(client: openai.OpenAI, claude: Fake) -> None:
    stream = ask(client, model="fault-endless", stream=True)
    assert next(iter(stream)) is not None
    stream.close()
    assert eventually(lambda: claude.last().hung_up)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 1.7}, "temperature"),
        ({"messages": [*HELLO, {"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages[2].tool_call_id"),
        ({"tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "text"}}}]}, None),
    ],
)
def test_what_anthropic_cant_do_is_refused_by_name_and_never_sent(
    client: openai.OpenAI, claude: Fake, more: dict[str, Any], param: str | None
) -> None:
    before = len(claude.seen())
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **more)
    assert caught.value.param == (param or "tools[0].function.parameters")
    assert len(claude.seen()) == before


def test_its_models_are_offered(client: openai.OpenAI) -> None:
    names = eventually(lambda: {model.id for model in client.models.list() if model.id.startswith("claude/")})
    assert {"claude/claude-sonnet-4-6", "claude/claude-opus-5-5"} <= names
