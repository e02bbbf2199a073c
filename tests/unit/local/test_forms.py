"""Forced forms with the real model: judged by whether they satisfy their schema, not by sense. The model is small."""

import importlib.util
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from appliance.chat import ChatRequest, Chunk, ToolCall
from appliance.clock import SystemClock
from appliance.home import Home
from appliance.local.models import LocalModels
from appliance.providers import llamacpp
from appliance.settings import Settings
from tests.unit.providers.judge import satisfies

MODEL = "smollm2-135m-instruct"
pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="xllamacpp is not installed"),
]

BOOKING: dict[str, Any] = {
    "type": "object",
    "properties": {
        "city": {"enum": ["Paris", "Rome", "New Delhi"]},
        "nights": {"type": "integer", "minimum": 1, "maximum": 14},
        "price": {"type": "number", "minimum": 0, "exclusiveMaximum": 500},
        "guests": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 8}, "minItems": 1, "maxItems": 2},
        "arrival": {"type": "string", "format": "date"},
        "code": {"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"},
        "note": {"anyOf": [{"type": "null"}, {"type": "string", "maxLength": 10}]},
    },
    "required": ["city", "nights", "price", "guests", "arrival", "code", "note"],
    "additionalProperties": False,
}
WEATHER: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string", "minLength": 1, "maxLength": 12}, "unit": {"enum": ["c", "f"]}},
    "required": ["city", "unit"],
}
TOOLS = [
    {"type": "function", "function": {"name": "get_weather", "parameters": WEATHER}},
    {"type": "function", "function": {"name": "get_time"}},
]
QUESTION = [{"role": "user", "content": "What is the weather in Paris?"}]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def models(model_home: Home) -> AsyncIterator[LocalModels]:
    models = LocalModels(Settings(local_parallel=2, local_context_tokens=1024), model_home, SystemClock())
    yield models
    await models.close()


async def ask(models: LocalModels, **fields: Any) -> list[Chunk]:
    raw = {"model": MODEL, "messages": QUESTION, "max_tokens": 200, "temperature": 1.0, **fields}
    request = llamacpp.request(msgspec.convert(raw, ChatRequest), raw)
    stream, chunks = llamacpp.Stream(request), []
    async with aclosing(models.chat(MODEL, request.body)) as events:
        async for event in events:
            chunks += stream.feed(event)
    return chunks + stream.close()


def text_of(chunks: list[Chunk]) -> str:
    return "".join(delta.content or "" for chunk in chunks for delta in chunk.deltas)


def calls_of(chunks: list[Chunk]) -> list[tuple[str, Any]]:
    """Name and arguments of each call: parallel ones have an index each."""
    parts: dict[int, list[ToolCall]] = {}
    for call in (call for chunk in chunks for delta in chunk.deltas for call in delta.tool_calls or []):
        parts.setdefault(call.index, []).append(call)
    made = []
    for first, *more in parts.values():
        assert first.id.startswith("call_")
        assert first.function is not None
        made.append(
            (first.function.name, json.loads("".join(call.function.arguments for call in (first, *more) if call.function)))
        )
    assert made
    return made


def is_valid(call: tuple[str, Any]) -> bool:
    name, arguments = call
    return satisfies(arguments, WEATHER) if name == "get_weather" else name == "get_time" and arguments == {}


def finish_of(chunks: list[Chunk]) -> str:
    (finish,) = [chunk.finish for chunk in chunks if chunk.finish]
    return finish


@pytest.mark.parametrize("seed", range(5))
async def test_an_answer_satisfies_the_schema_that_it_was_asked_for(models: LocalModels, seed: int) -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "booking", "schema": BOOKING, "strict": True}}
    chunks = await ask(models, response_format=wanted, seed=seed)
    assert finish_of(chunks) == "stop"
    assert satisfies(json.loads(text_of(chunks)), BOOKING), text_of(chunks)


async def test_json_object_is_an_object(models: LocalModels) -> None:
    chunks = await ask(models, response_format={"type": "json_object"}, seed=3)
    if finish_of(chunks) == "stop":
        assert isinstance(json.loads(text_of(chunks)), dict)
    else:
        assert text_of(chunks).startswith("{")


@pytest.mark.parametrize("seed", range(5))
async def test_required_gives_a_valid_call(models: LocalModels, seed: int) -> None:
    chunks = await ask(models, tools=TOOLS, tool_choice="required", seed=seed)
    assert all(map(is_valid, calls_of(chunks)))
    assert finish_of(chunks) == "tool_calls"
    assert text_of(chunks) == ""


@pytest.mark.parametrize(("name", "schema"), [("get_weather", WEATHER), ("get_time", {"const": {}})])
async def test_a_named_tool_is_called(models: LocalModels, name: str, schema: Any) -> None:
    chunks = await ask(models, tools=TOOLS, tool_choice={"type": "function", "function": {"name": name}})
    ((called, arguments),) = calls_of(chunks)
    assert called == name
    assert satisfies(arguments, schema)
    assert finish_of(chunks) == "stop"


async def test_auto_gives_words_or_a_valid_call(models: LocalModels) -> None:
    chunks = await ask(models, tools=TOOLS, max_tokens=60)
    if finish_of(chunks) == "tool_calls":
        assert all(name in ("get_weather", "get_time") for name, _ in calls_of(chunks))
    else:
        assert text_of(chunks)


async def test_two_choices_of_calls_are_both_valid(models: LocalModels) -> None:
    chunks = await ask(models, tools=TOOLS[:1], tool_choice="required", n=2)
    for index in (0, 1):
        mine = [Chunk([delta for delta in chunk.deltas if delta.index == index]) for chunk in chunks]
        assert all(map(is_valid, calls_of(mine)))
