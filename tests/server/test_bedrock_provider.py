"""Bedrock behind the shipped program, asked by the official `openai` SDK: nobody need know that it isn't OpenAI."""

import json
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.bedrock import CLAUDE, NOVA, PROFILE, TITAN
from tests.fakes.bedrock_wire import ACCESS_KEY_ID, BEARER_KEY, REGION, SECRET_ACCESS_KEY
from tests.fakes.openai import embedding
from tests.running import Appliance, Fake, eventually

PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
HELLO: list[dict[str, Any]] = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello there"}]
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}}
WEATHER = {"type": "function", "function": {"name": "get_weather", "strict": True, "parameters": SCHEMA}}
TIME = {"type": "function", "function": {"name": "get_time"}}


@pytest.fixture(scope="module")
def bedrock(fake: MakeFake) -> Fake:
    return fake("bedrock")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, bedrock: Fake) -> Appliance:
    table = {"kind": "bedrock", "base_url": bedrock.url, "region": REGION}
    pair = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY}
    wrong = {**pair, "secret_access_key": "mistyped"}
    providers = [
        {"name": "aws", **table, **pair},
        {"name": "bearer", **table, "api_key": BEARER_KEY},
        {"name": "wrong", **table, **wrong},
    ]
    return appliances(settings={"providers": providers})


@pytest.fixture(scope="module")
def client(door: Appliance) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{door.url}/v1", api_key=door.api_key, max_retries=0, timeout=30) as made:
        yield made


def ask(client: openai.OpenAI, model: str = CLAUDE, messages: Any = HELLO, *, provider: str = "aws", **more: Any) -> Any:
    return client.chat.completions.create(model=f"{provider}/{model}", messages=messages, **more)


@pytest.mark.parametrize("model", [CLAUDE, PROFILE, NOVA])
def test_chat(client: openai.OpenAI, model: str) -> None:
    answer = ask(client, model)
    assert answer.choices[0].message.content == "You said: Hello there"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.prompt_tokens == 8 and answer.usage.completion_tokens > 0


def test_a_bearer_key_serves_too_and_a_wrong_credential_is_ours_to_mend(client: openai.OpenAI) -> None:
    assert ask(client, provider="bearer").choices[0].message.content == "You said: Hello there"
    with pytest.raises(openai.AuthenticationError, match="refused the appliance's credential"):
        ask(client, provider="wrong")


def test_keys_and_region_come_from_awss_own_variables_where_a_table_has_none(appliance: MakeAppliance, bedrock: Fake) -> None:
    env = {"AWS_REGION": REGION, "AWS_ACCESS_KEY_ID": ACCESS_KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET_ACCESS_KEY}
    providers = [{"name": "aws", "kind": "bedrock", "base_url": bedrock.url, "models": [CLAUDE]}]
    box = appliance(settings={"providers": providers}, env=env)
    assert box.chat({"model": f"aws/{CLAUDE}", "messages": HELLO}).content == "You said: Hello there"


def test_a_caller_who_leaves_ends_the_call_at_bedrock(client: openai.OpenAI, bedrock: Fake) -> None:
    with ask(client, "fault-endless", stream=True) as stream:
        assert next(iter(stream)) is not None
    assert eventually(lambda: bedrock.last().hung_up)


@pytest.mark.parametrize("streamed", [False, True])
def test_callers_of_anthropics_format_get_claudes_thoughts_and_give_them_back(
    door: Appliance, bedrock: Fake, streamed: bool
) -> None:
    asked: Any = {
        "model": f"aws/{CLAUDE}",
        "max_tokens": 4000,
        "tools": [{"name": "get_time", "input_schema": {"type": "object"}}],
        "thinking": {"type": "enabled", "budget_tokens": 1024},
    }
    history: list[Any] = [{"role": "user", "content": "get_time"}]
    with anthropic.Anthropic(base_url=door.url, api_key=door.api_key, max_retries=0, timeout=30) as client:
        if streamed:
            with client.messages.stream(**asked, messages=history) as stream:
                called = stream.get_final_message()
        else:
            called = client.messages.create(**asked, messages=history)
        kinds = [block.type for block in called.content]
        assert (kinds[0], kinds[-1], called.stop_reason) == ("thinking", "tool_use", "tool_use")
        result = {"type": "tool_result", "tool_use_id": called.content[-1].id, "content": "noon"}  # type: ignore[union-attr]
        history += [{"role": "assistant", "content": [block.to_dict() for block in called.content]}]
        history += [{"role": "user", "content": [result]}]
        answer = client.messages.create(**asked, messages=history)
    assert answer.content[-1].to_dict()["text"] == "You said: noon"
    sent = bedrock.last().json
    assert "reasoningContent" in sent["messages"][1]["content"][0]
    assert sent["additionalModelRequestFields"]["thinking"] == asked["thinking"]


def test_streaming_with_usage(client: openai.OpenAI) -> None:
    chunks = list(ask(client, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == "You said: Hello there"
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage.prompt_tokens == 8


def test_tokens_of_the_prompt_cache_are_part_of_the_prompts(client: openai.OpenAI) -> None:
    usage = ask(client, "cached-claude").usage
    assert usage.prompt_tokens == 115 and usage.prompt_tokens_details.cached_tokens == 100


@pytest.mark.parametrize("streamed", [False, True])
def test_tools_in_parallel_and_their_results(client: openai.OpenAI, streamed: bool) -> None:
    asked = [{"role": "user", "content": "get_weather and get_time"}]
    tools: Any = [WEATHER, TIME]
    if streamed:
        with client.chat.completions.stream(model=f"aws/{CLAUDE}", messages=asked, tools=tools) as stream:  # type: ignore[arg-type]  # a plain dict
            choice: Any = stream.get_final_completion().choices[0]
    else:
        choice = ask(client, messages=asked, tools=tools).choices[0]
    assert choice.finish_reason == "tool_calls" and choice.message.content == "I'll look."
    calls = choice.message.tool_calls
    assert [(call.function.name, json.loads(call.function.arguments)) for call in calls] == [
        ("get_weather", {"city": "word", "days": 7}),
        ("get_time", {}),
    ]
    said = {"role": "assistant", "content": choice.message.content, "tool_calls": [call.to_dict() for call in calls]}
    results = [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
    end = ask(client, messages=[*asked, said, *results], tools=tools)
    assert end.choices[0].message.content == "You said: sunny sunny"
    forced = ask(client, messages=[*asked, said, *results], tools=tools, tool_choice="required")
    assert forced.choices[0].message.tool_calls[0].function.name == "get_weather"
    words = ask(client, messages=[*asked, said, *results])
    assert words.choices[0].message.tool_calls is None


def test_a_schema_an_image_a_stop_and_a_bound(client: openai.OpenAI) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "forecast", "schema": SCHEMA}}
    assert json.loads(ask(client, response_format=wanted).choices[0].message.content) == {"city": "word", "days": 7}
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    seen = ask(client, messages=[{"role": "user", "content": [{"type": "text", "text": "Look"}, image]}])
    assert seen.choices[0].message.content == "You said: Look (with 1 image)"
    assert ask(client, stop=["there"]).choices[0].message.content == "You said: Hello "
    assert ask(client, max_tokens=2).choices[0].finish_reason == "length"


def test_reasoning_is_told(client: openai.OpenAI) -> None:
    message = ask(client, reasoning_effort="low").choices[0].message
    assert message.reasoning_content == "The user said 11 characters."


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings(client: openai.OpenAI, encoding: Any) -> None:
    answer = client.embeddings.create(model=f"aws/{TITAN}", input=["one", "two"], dimensions=256, encoding_format=encoding)
    assert answer.usage.prompt_tokens == 2
    if encoding == "float":
        assert [row.embedding for row in answer.data] == [embedding("one", 256), embedding("two", 256)]


FAULTS = {
    "fault-400": openai.BadRequestError,
    "fault-400-context": openai.BadRequestError,
    "fault-401": openai.AuthenticationError,
    "fault-403": openai.PermissionDeniedError,
    "fault-404": openai.NotFoundError,
    "fault-404-named-400": openai.NotFoundError,
    "fault-408": openai.InternalServerError,
    "fault-424": openai.InternalServerError,
    "fault-429": openai.RateLimitError,
    "fault-429-later": openai.RateLimitError,
    "fault-429-quota": openai.RateLimitError,
    "fault-500": openai.InternalServerError,
    "fault-502-html": openai.InternalServerError,
    "fault-503": openai.InternalServerError,
    "fault-529": openai.InternalServerError,
    "fault-200-error": openai.InternalServerError,
    "fault-200-html": openai.InternalServerError,
    "fault-gzip-bomb": openai.InternalServerError,
}


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_the_errors_that_the_sdk_knows(client: openai.OpenAI, fault: str, streamed: bool) -> None:
    with pytest.raises(FAULTS[fault]) as caught:
        ask(client, fault, stream=streamed)
    assert "123456789012" not in str(caught.value)
    if fault == "fault-400-context":
        assert caught.value.code == "context_length_exceeded"
    if fault == "fault-429-later":
        assert caught.value.response.headers["retry-after"] == "7"


BREAKS = (
    "fault-cut",
    "fault-ends-early",
    "fault-rubbish",
    "fault-bad-crc",
    "fault-error-event",
    "fault-throttled-in-stream",
    "fault-malformed",
)


@pytest.mark.parametrize("fault", BREAKS)
def test_a_stream_that_breaks_is_told_behind_what_came(client: openai.OpenAI, fault: str) -> None:
    came: list[str] = []
    with pytest.raises(openai.APIError):
        came.extend(chunk.choices[0].delta.content or "" for chunk in ask(client, fault, stream=True))
    assert "".join(came).startswith("Hel")


@pytest.mark.parametrize(
    ("fault", "text"),
    [
        ("fault-slow-300", "late"),
        ("fault-drip", "Grüße, नमस्ते 👋"),
        ("fault-usage-never", "Hello"),
        ("fault-usage-twice", "Hello"),
        ("fault-stray-bytes", "Hello"),
    ],
)
def test_what_is_odd_but_whole_is_answered(client: openai.OpenAI, fault: str, text: str) -> None:
    chunks = list(ask(client, fault, stream=True, stream_options={"include_usage": True}))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text
    if fault == "fault-usage-twice":
        assert chunks[-1].usage.completion_tokens == 2


@pytest.mark.parametrize("streamed", [False, True])
def test_a_guardrails_refusal_is_a_filtered_answer(client: openai.OpenAI, streamed: bool) -> None:
    answer = ask(client, "fault-refused", stream=streamed)
    finish = [chunk.choices[0].finish_reason for chunk in answer][-1] if streamed else answer.choices[0].finish_reason
    assert finish == "content_filter"


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"n": 2}, "n"),
        ({"temperature": 1.1}, "temperature"),
        ({"logprobs": True}, "logprobs"),
        ({"messages": [*HELLO, {"role": "tool", "tool_call_id": "a", "content": "x"}]}, "messages[2].tool_call_id"),
        ({"tools": [{"type": "function", "function": {"name": "a.b"}}]}, "tools[0].function.name"),
        ({"messages": [{"role": "user", "content": ""}]}, "messages"),
    ],
)
def test_what_bedrock_cannot_do_is_a_400_that_names_it(client: openai.OpenAI, more: dict[str, Any], param: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, **more)
    assert caught.value.param == param


def test_half_a_character_is_refused_before_anything_is_sent(door: Appliance, bedrock: Fake) -> None:
    before = len(bedrock.seen())
    body = b'{"model":"aws/' + CLAUDE.encode() + b'","messages":[{"role":"user","content":"\\ud800"}]}'
    assert door.chat(body, headers={"Content-Type": "application/json"}).status == 400
    assert len(bedrock.seen()) == before
