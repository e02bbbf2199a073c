"""Gemini behind the door: the shipped program, asked through the openai SDK, with a Google that checks what it is sent."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.calls import chat
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.google import embedding
from tests.fakes.google_faults import SEPARATORS
from tests.fakes.google_rules import signature_of
from tests.pictures import PIXEL
from tests.running import Appliance, Fake, eventually

FLASH, PRO = "google/gemini-2.5-flash", "google/gemini-3-pro-preview"
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"], "additionalProperties": False}
TOOLS: list[Any] = [
    {"type": "function", "function": {"name": "get_weather", "strict": True, "parameters": CITY}},
    {"type": "function", "function": {"name": "get_time", "description": "The time"}},
]
HELLO: list[Any] = [{"role": "user", "content": "Hello there"}]


@pytest.fixture(scope="module")
def google(fake: MakeFake) -> Fake:
    return fake("google")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, google: Fake) -> Appliance:
    """Three providers: the base_url without its version and with it, and one with a wrong key."""
    table = {"name": "google", "kind": "google", "base_url": google.url, "api_key": google.key}
    versioned = {**table, "name": "versioned", "base_url": f"{google.url}/v1beta"}
    wrong = {**table, "name": "wrongkey", "api_key": "AIza-nobody", "models": ["gemini-2.5-flash"]}
    return appliances(
        settings={"providers": [table, versioned, wrong], "first_byte_seconds_max": 3.0, "between_bytes_seconds_max": 2.0}
    )


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


def say(text: str) -> list[Any]:
    return [{"role": "user", "content": text}]


@pytest.mark.parametrize("model", [FLASH, "versioned/gemini-2.5-flash", PRO])
def test_a_chat_is_answered_whole_with_its_usage(client: openai.OpenAI, model: str) -> None:
    answer = client.chat.completions.create(model=model, messages=HELLO)
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens) == (6, 4)


def test_cached_and_reasoning_tokens_are_told_and_the_thoughts_shown(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=FLASH, messages=say("cached words"), reasoning_effort="low")
    assert answer.choices[0].message.model_extra is not None
    assert answer.choices[0].message.model_extra["reasoning_content"] == "Let me think."
    usage = answer.usage
    assert usage is not None
    assert usage.prompt_tokens_details is not None
    assert usage.completion_tokens_details is not None
    assert (usage.prompt_tokens_details.cached_tokens, usage.completion_tokens_details.reasoning_tokens) == (3, 5)
    assert usage.completion_tokens == 9


def test_a_stream_comes_word_by_word_and_tells_its_usage_last(client: openai.OpenAI) -> None:
    asked: dict[str, Any] = {
        "model": "google/words-20",
        "messages": HELLO,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    chunks = list(client.chat.completions.create(**asked))
    texts = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert "".join(texts) == " ".join(f"word{number}" for number in range(20))
    assert len(texts) == 20
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 20


@pytest.mark.parametrize("model", [FLASH, PRO])
@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("keeps", ["everything", "what the SDK knows"])
def test_parallel_calls_go_there_and_back(client: openai.OpenAI, google: Fake, model: str, streamed: bool, keeps: str) -> None:
    messages = say("please get_weather and get_time")
    if streamed:
        with client.chat.completions.stream(model=model, messages=messages, tools=TOOLS) as stream:
            choice: Any = stream.get_final_completion().choices[0]
    else:
        choice = client.chat.completions.create(model=model, messages=messages, tools=TOOLS).choices[0]
    assert choice.finish_reason == "tool_calls"
    calls = choice.message.tool_calls
    assert [(one.function.name, json.loads(one.function.arguments)) for one in calls] == [
        ("get_weather", {"city": "word"}),
        ("get_time", {}),
    ]
    turn = (
        choice.message.to_dict() if keeps == "everything" else {"role": "assistant", "tool_calls": [_known(one) for one in calls]}
    )
    results: list[Any] = [
        {"role": "tool", "tool_call_id": one.id, "content": f"{one.function.name} done"} for one in reversed(calls)
    ]
    history: list[Any] = [*messages, turn, *results]
    after = client.chat.completions.create(model=model, messages=history, tools=TOOLS)
    assert "get_weather done" in (after.choices[0].message.content or "")
    parts = google.last().json["contents"][1]["parts"]
    assert all("-ts-" not in part["functionCall"].get("id", "") for part in parts)
    if model == PRO:
        assert parts[0]["thoughtSignature"] == signature_of(parts[0]["functionCall"])
        assert parts[0]["functionCall"]["id"] == "fc-0000"


def test_callers_of_anthropics_format_get_their_calls_and_give_the_signature_back(door: Appliance, google: Fake) -> None:
    tools: Any = [{"name": "get_time", "input_schema": {"type": "object"}}]
    history: list[Any] = say("get_time, please")
    with anthropic.Anthropic(base_url=door.url, api_key=door.api_key, max_retries=0, timeout=30) as client:
        with client.messages.stream(model=PRO, max_tokens=99, messages=history, tools=tools) as stream:
            called = stream.get_final_message()
        (call,) = [block for block in called.content if block.type == "tool_use"]
        assert (called.stop_reason, call.name) == ("tool_use", "get_time")
        history += [{"role": "assistant", "content": [block.to_dict() for block in called.content]}]
        history += [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "noon"}]}]
        answer = client.messages.create(model=PRO, max_tokens=99, messages=history, tools=tools)
    assert "noon" in answer.content[-1].to_dict()["text"]
    (part,) = google.last().json["contents"][1]["parts"]
    assert part["thoughtSignature"] == signature_of(part["functionCall"])


def _known(call: Any) -> dict[str, Any]:
    return {"id": call.id, "type": "function", "function": {"name": call.function.name, "arguments": call.function.arguments}}


def test_a_history_of_another_vendor_is_taken_by_a_model_that_demands_signatures(client: openai.OpenAI) -> None:
    call = {"id": "toolu_01", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Oslo"}'}}
    history: list[Any] = [
        {"role": "system", "content": "Be kind."},
        *say("weather?"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "toolu_01", "content": "sunny"},
    ]
    answer = client.chat.completions.create(model=PRO, messages=history, tools=TOOLS)
    assert "sunny" in (answer.choices[0].message.content or "")


def test_a_tool_is_called_where_it_must_be_and_not_where_it_may_not(client: openai.OpenAI) -> None:
    named: Any = {"type": "function", "function": {"name": "get_time"}}
    forced = client.chat.completions.create(model=FLASH, messages=HELLO, tools=TOOLS, tool_choice=named).choices[0].message
    assert [call.function.name for call in forced.tool_calls or [] if call.type == "function"] == ["get_time"]
    none = client.chat.completions.create(model=FLASH, messages=say("get_time"), tools=TOOLS, tool_choice="none")
    assert none.choices[0].message.tool_calls is None


def test_a_schema_is_honoured_and_an_image_is_seen(client: openai.OpenAI) -> None:
    wanted: Any = {"type": "json_schema", "json_schema": {"name": "city", "strict": True, "schema": CITY}}
    answer = client.chat.completions.create(model=FLASH, messages=HELLO, response_format=wanted)
    assert json.loads(answer.choices[0].message.content or "") == {"city": "word"}
    look: Any = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": PIXEL}}]
    seen = client.chat.completions.create(model=FLASH, messages=[{"role": "user", "content": look}])
    assert seen.choices[0].message.content == "You said: look (with 1 image)"


def test_several_choices_and_logprobs_are_told(client: openai.OpenAI) -> None:
    answer = client.chat.completions.create(model=FLASH, messages=HELLO, n=2, logprobs=True, top_logprobs=2)
    assert [choice.message.content for choice in answer.choices] == ["You said: Hello there"] * 2
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None
    assert logprobs.content is not None
    assert len(logprobs.content[0].top_logprobs) == 2


@pytest.mark.parametrize("model", ["google/gemini-embedding-001"])
def test_embeddings_say_the_same_as_numbers_and_as_base64(client: openai.OpenAI, model: str) -> None:
    by_default = client.embeddings.create(model=model, input=["one", "two"], dimensions=8)  # the SDK asks for base64
    as_floats = client.embeddings.create(model=model, input=["one", "two"], dimensions=8, encoding_format="float")
    assert [item.embedding for item in by_default.data] == [item.embedding for item in as_floats.data]
    assert by_default.data[1].embedding == embedding("two", 8)
    assert client.embeddings.create(model=model, input="one").data[0].embedding == embedding("one", 3072)
    with pytest.raises(openai.BadRequestError, match="tokens"):
        client.embeddings.create(model=model, input=[1, 2, 3])


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("fault-400", openai.BadRequestError),
        ("fault-400-context", openai.BadRequestError),
        ("fault-401", openai.AuthenticationError),
        ("fault-403", openai.PermissionDeniedError),
        ("fault-404", openai.NotFoundError),
        ("fault-429", openai.RateLimitError),
        ("fault-429-later", openai.RateLimitError),
        ("fault-500", openai.InternalServerError),
        ("fault-503", openai.InternalServerError),
        ("fault-529", openai.InternalServerError),
        ("fault-200-error", openai.InternalServerError),
        ("fault-200-html", openai.InternalServerError),
        ("fault-200-empty", openai.InternalServerError),
        ("fault-200-no-candidates", openai.InternalServerError),
        ("fault-cut", openai.InternalServerError),
        ("fault-rubbish", openai.InternalServerError),
        ("fault-malformed-call", openai.InternalServerError),
        ("fault-gzip-bomb", openai.InternalServerError),
        ("fault-hang", openai.InternalServerError),
    ],
)
def test_a_fault_raises_the_class_that_the_sdk_has_for_it(client: openai.OpenAI, fault: str, kind: type[openai.APIError]) -> None:
    with pytest.raises(kind) as caught:
        client.chat.completions.create(model=f"google/{fault}", messages=HELLO)
    assert isinstance(caught.value, openai.APIStatusError)
    assert caught.value.response.headers.get("retry-after") == ("7" if fault == "fault-429-later" else None)
    if fault == "fault-400-context":
        assert caught.value.code == "context_length_exceeded"


@pytest.mark.parametrize(
    "fault", ["fault-cut", "fault-ends-early", "fault-rubbish", "fault-error-event", "fault-200-error", "fault-json-list"]
)
def test_a_stream_that_fails_is_never_passed_off_as_finished(client: openai.OpenAI, fault: str) -> None:
    finishes = []
    with pytest.raises(openai.APIError):  # noqa: PT012  # what came before the failure is of interest too
        for chunk in client.chat.completions.create(model=f"google/{fault}", messages=HELLO, stream=True):
            finishes += [choice.finish_reason for choice in chunk.choices]
    assert set(finishes) <= {None}


def test_a_wrong_key_is_the_appliances_fault_and_its_caller_is_told_so(door: Appliance) -> None:
    answer = door.chat(chat("wrongkey/gemini-2.5-flash"))
    assert (answer.status, answer.error["code"]) == (401, "upstream_unauthorized")
    assert "AIza" not in answer.body.decode()


@pytest.mark.parametrize("model", ["google/fault-refused", "google/fault-refused-answer", FLASH])
@pytest.mark.parametrize("streamed", [False, True])
def test_a_refusal_is_an_answer_that_finishes_with_content_filter(client: openai.OpenAI, model: str, streamed: bool) -> None:
    messages = say("an unsafe prompt")
    if streamed:
        chunks = list(client.chat.completions.create(model=model, messages=messages, stream=True))
        assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "content_filter"
    else:
        answer = client.chat.completions.create(model=model, messages=messages)
        assert answer.choices[0].finish_reason == "content_filter"


@pytest.mark.parametrize(
    "fault", ["fault-usage-twice", "fault-usage-never", "fault-stray-bytes", "fault-bytewise", "fault-u2028"]
)
def test_an_odd_stream_is_read_as_it_was_meant(client: openai.OpenAI, fault: str) -> None:
    said = {"fault-stray-bytes": "Hello", "fault-bytewise": "Grüße, नमस्ते 👋", "fault-u2028": SEPARATORS}.get(fault, "Hello there")
    asked: dict[str, Any] = {
        "model": f"google/{fault}",
        "messages": HELLO,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    chunks = list(client.chat.completions.create(**asked))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == said
    if fault == "fault-usage-twice":
        assert chunks[-1].usage is not None
        assert chunks[-1].usage.completion_tokens == 2


def test_a_slow_provider_is_waited_for_and_one_that_never_ends_is_left_with_its_caller(
    client: openai.OpenAI, google: Fake
) -> None:
    assert client.chat.completions.create(model="google/fault-slow-300", messages=HELLO).choices[0].message.content == "late"
    with client.chat.completions.create(model="google/fault-endless", messages=HELLO, stream=True) as stream:
        assert [next(stream).choices[0].delta.content for _ in range(3)] == ["on "] * 3
    assert eventually(lambda: google.last().hung_up)


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"tools": [{"type": "function", "function": {"name": "1st"}}]}, "tools[0].function.name"),
        (
            {"tools": [{"type": "function", "function": {"name": "f", "parameters": {"properties": []}}}]},
            "tools[0].function.parameters.properties",
        ),
        ({"messages": [{"role": "tool", "tool_call_id": "x", "content": "y"}]}, "messages[0].tool_call_id"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,!"}}]}]},
            "messages[0].content[0].image_url.url",
        ),
        ({"logit_bias": {"1": 5}}, "logit_bias"),
    ],
)
def test_what_can_not_be_asked_of_gemini_is_refused_with_its_place(
    door: Appliance, google: Fake, more: dict[str, Any], param: str
) -> None:
    google.forget()
    answer = door.chat({**chat(FLASH), **more})
    assert (answer.status, answer.error["param"]) == (400, param)
    assert google.seen() == []


def test_300_tools_and_a_system_prompt_in_the_middle_are_taken(door: Appliance) -> None:
    tools = [{"type": "function", "function": {"name": f"tool_{number}", "parameters": CITY}} for number in range(300)]
    messages = [*say("one"), {"role": "system", "content": "Be kind."}, *say("two")]
    answer = door.chat({"model": FLASH, "messages": messages, "tools": tools})
    assert answer.content == "You said: one two"


def test_the_models_are_listed_by_their_plain_names(client: openai.OpenAI) -> None:
    names = {model.id for model in client.models.list()}
    assert {FLASH, PRO, "versioned/gemini-2.5-flash", "google/gemini-embedding-001"} <= names


def test_the_key_goes_in_a_header_and_nowhere_else(door: Appliance, google: Fake) -> None:
    assert door.chat(chat(FLASH)).status == 200
    seen = google.last()
    assert seen.headers["x-goog-api-key"] == google.key
    assert google.key not in seen.path + seen.body
    assert "authorization" not in seen.headers
