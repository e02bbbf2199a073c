"""The translation to and from our own engines: nothing dropped in silence, tools forced by grammar, calls read back."""

import base64
import json
import random
import struct
from typing import Any

import msgspec
import pytest

from appliance import bodies
from appliance.chat import ChatRequest, Chunk, FunctionCall, ToolCall, Usage
from appliance.dialects.openai_chat import OpenAIChat
from appliance.errors import FeatureUnsupported, InvalidField, LocalModelFailed, UpstreamFailed
from appliance.providers import llamacpp
from appliance.providers.call_reader import CallReader, Reading
from appliance.providers.llamacpp import Request, Stream
from tests.unit.providers.gbnf import Gbnf
from tests.unit.providers.judge import satisfies

HELLO = [{"role": "user", "content": "Hello!"}]
WEATHER: dict[str, Any] = {
    "name": "get_weather",
    "description": "The weather of a city",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string", "maxLength": 20}, "unit": {"enum": ["c", "f"]}},
        "required": ["city", "unit"],
        "additionalProperties": False,
    },
}
TIME: dict[str, Any] = {"name": "get_time"}
ODD: dict[str, Any] = {"name": "odd", "parameters": {"type": "array", "uniqueItems": True}}


def tools(*functions: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"type": "function", "function": function} for function in functions]


def translate(*, template_knows_tools: bool = False, **fields: Any) -> Request:
    raw = {"model": "m", "messages": HELLO, **fields}
    try:
        chat = OpenAIChat().chat(raw)
    except msgspec.ValidationError as error:
        raise bodies.refusal(error, b"") from error  # as the door does
    return llamacpp.request(chat, raw, template_knows_tools=template_knows_tools)


def test_a_plain_request_has_its_messages_and_nothing_else() -> None:
    assert translate(stream=True, stream_options={"include_usage": True}, user="me", metadata={"a": "b"}).body == {
        "messages": HELLO
    }


def test_sampling_passes_with_the_bounds_that_openai_has() -> None:
    asked: dict[str, Any] = {
        "temperature": 0.5,
        "top_p": 0.9,
        "presence_penalty": -1.0,
        "frequency_penalty": 2.0,
        "top_k": 40,
        "min_p": 0.05,
    }
    body = translate(**asked, max_completion_tokens=5, n=2, seed=-1, stop="END", logit_bias={"5": -100}, logprobs=True).body
    assert {name: body[name] for name in asked} == asked
    assert (body["max_tokens"], body["n"], body["stop"], body["logit_bias"]) == (5, 2, ["END"], {"5": -100.0})
    assert (body["logprobs"], body["top_logprobs"]) == (True, 0)
    assert 0 <= body["seed"] < 2**32 - 1


@pytest.mark.parametrize("seed", [2**32 - 1, -1, 2**63, -(2**63), 0])
def test_no_seed_means_random_to_the_engine(seed: int) -> None:
    assert translate(seed=seed).body["seed"] != 2**32 - 1


def test_an_absurd_max_tokens_stays_within_what_an_engine_can_count() -> None:
    assert translate(max_tokens=10**15).body["max_tokens"] == llamacpp.TOKENS_OUT_MAX


@pytest.mark.parametrize(
    ("fields", "param"),
    [
        ({"temperature": 2.1}, "temperature"),
        ({"presence_penalty": 3}, "presence_penalty"),
        ({"frequency_penalty": -3}, "frequency_penalty"),
        ({"top_logprobs": 3}, "top_logprobs"),
        ({"logprobs": True, "top_logprobs": 21}, "top_logprobs"),
        ({"logit_bias": {"word": 1}}, "logit_bias"),
        ({"logit_bias": {"1": 101}}, "logit_bias"),
        ({"logit_bias": {str(i): 1 for i in range(2000)}}, "logit_bias"),
        ({"stop": [""]}, "stop"),
        ({"stop": "x" * 2000}, "stop"),
        ({"top_k": "many"}, "top_k"),
        ({"top_k": True}, "top_k"),
        ({"top_k": 1e300}, "top_k"),
        ({"min_p": 2}, "min_p"),
        ({"messages": [{"role": "assistant", "refusal": ["no"]}]}, "messages[0].refusal"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"tool_choice": "sometimes", "tools": tools(TIME)}, "tool_choice"),
        ({"tool_choice": {"type": "function", "function": {"name": "nope"}}, "tools": tools(TIME)}, "tool_choice"),
        ({"tools": tools({"name": "a b"})}, "tools[0].function.name"),
        ({"tools": tools(TIME, TIME)}, "tools[1].function.name"),
        ({"tools": tools({"name": ""})}, "tools[0].function.name"),
        ({"tools": tools({"name": "x", "parameters": {"type": "nonsense"}})}, "tools.x.parameters"),
        ({"response_format": {"type": "json_schema"}}, "response_format.json_schema.schema"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format.json_schema.schema"),
    ],
)
def test_a_wrong_field_is_named(fields: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidField) as caught:
        translate(**fields)
    assert caught.value.param == param


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]}, "images"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio", "input_audio": {}}]}]}, "audio"),
        ({"messages": [{"role": "user", "content": [{"type": "file", "file": {}}]}]}, "files"),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
        ({"messages": [{"role": "user", "content": "x", "audio": {"id": "1"}}]}, "audio"),
        ({"messages": [{"role": "function", "name": "f", "content": "x"}]}, "function messages"),
        ({"messages": [{"role": "user", "content": "x", "reasoning_content": "hm"}]}, "reasoning_content"),
        ({"modalities": ["text", "audio"]}, "modalities"),
        ({"audio": {"voice": "x"}}, "audio"),
        ({"functions": [{"name": "f"}]}, "functions"),
        ({"web_search_options": {}}, "web_search_options"),
        ({"reasoning_effort": "high"}, "reasoning_effort"),
        ({"invented_next_year": 1}, "invented_next_year"),
        ({"tools": [{"type": "custom", "custom": {"name": "x"}}]}, "custom"),
        ({"tools": tools(TIME), "tool_choice": {"type": "allowed_tools"}}, "allowed_tools"),
        ({"tools": tools(ODD), "tool_choice": "required"}, "uniqueItems"),
        ({"tools": tools({**ODD, "strict": True})}, "uniqueItems"),
        ({"response_format": {"type": "grammar"}}, "grammar"),
        ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"not": {}}}}}, "not"),
    ],
)
def test_what_local_models_can_not_do_is_refused_by_name(fields: dict[str, Any], word: str) -> None:
    with pytest.raises(FeatureUnsupported, match=word):
        translate(**fields)


def test_what_is_the_same_as_left_out_is_no_reason_to_refuse() -> None:
    fields: dict[str, Any] = {
        "modalities": ["text"],
        "reasoning_effort": "none",
        "verbosity": "medium",
        "functions": None,
        "invented": None,
    }
    assert translate(**fields).body == {"messages": HELLO}


def test_messages_become_plain_texts_and_developer_becomes_system() -> None:
    messages = [
        {"role": "developer", "content": "Be brief."},
        {"role": "user", "content": [{"type": "text", "text": "one"}, {"type": "text", "text": "two"}], "name": "ann"},
        {"role": "assistant", "content": None, "refusal": "No."},
    ]
    assert translate(template_knows_tools=True, messages=messages).body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "one\ntwo", "name": "ann"},
        {"role": "assistant", "content": "No."},
    ]


def test_thoughts_of_earlier_turns_are_left_out() -> None:
    messages = [*HELLO, {"role": "assistant", "content": "Hi!", "reasoning_content": "hm"}, *HELLO]
    assert translate(messages=messages).body["messages"] == [*HELLO, {"role": "assistant", "content": "Hi!"}, *HELLO]


def test_texts_come_from_the_raw_body_where_masking_has_written() -> None:
    raw: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "my secret"}], "stop": ["secret"]}
    chat = msgspec.convert(raw, ChatRequest)
    raw["messages"][0]["content"] = raw["stop"][0] = "[masked]"
    assert "secret" not in json.dumps(llamacpp.request(chat, raw).body)


# Forms


def test_a_schema_becomes_a_grammar_and_the_model_is_told() -> None:
    wanted = {"type": "json_schema", "json_schema": {"name": "weather", "schema": WEATHER["parameters"], "strict": True}}
    found = translate(messages=[{"role": "system", "content": "Be kind."}, *HELLO], response_format=wanted)
    grammar, chance = Gbnf(found.body["grammar"]), random.Random(1)
    for _ in range(30):
        assert satisfies(json.loads(grammar.make(chance)), WEATHER["parameters"])
    assert found.body["messages"][0]["content"].startswith("Be kind.\n\nAnswer with JSON")
    assert found.reading == Reading()


def test_a_model_is_not_told_ten_thousand_values_that_its_grammar_knows() -> None:
    schema = {"type": "object", "properties": {"city": {"enum": [f"city {i}" for i in range(10_000)]}}, "required": ["city"]}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    choice = {"type": "function", "function": {"name": "f"}}
    for found in (
        translate(response_format=wanted),
        translate(tools=tools({"name": "f", "parameters": schema}), tool_choice="required"),
        translate(tools=tools({"name": "f", "parameters": schema}), tool_choice=choice),
    ):
        told = found.body["messages"][0]["content"]
        assert "city 39" in told
        assert "city 40" not in told
        assert "… and 9960 more" in told
        assert len(found.body["grammar"]) < 200_000
    few = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": [f"city {i}" for i in range(100)]}}}
    assert "city 99" in translate(response_format=few).body["messages"][0]["content"]


def test_json_object_is_any_object_and_text_is_anything() -> None:
    grammar = Gbnf(translate(response_format={"type": "json_object"}).body["grammar"])
    assert grammar.matches('{"a": [1, {"b": null}]}')
    assert not grammar.matches("[]")
    assert "grammar" not in translate(response_format={"type": "text"}).body


# Tools


def test_required_allows_calls_with_valid_arguments_and_nothing_else() -> None:
    found = translate(tools=tools(WEATHER, TIME), tool_choice="required")
    grammar, chance = Gbnf(found.body["grammar"]), random.Random(1)
    names, counts = set(), set()
    for _ in range(60):
        calls = [json.loads(line) for line in grammar.make(chance).split("\n")]
        counts.add(len(calls))
        for call in calls:
            names.add(call["name"])
            assert call.keys() == {"name", "arguments"}
            assert satisfies(call["arguments"], WEATHER["parameters"] if call["name"] == "get_weather" else {"const": {}})
    assert names == {"get_weather", "get_time"}
    assert counts >= {1, 2, 3}
    call = '{"name": "get_time", "arguments": {}}'
    assert grammar.matches("\n".join([call] * 16))
    assert not grammar.matches("\n".join([call] * 17))
    assert not grammar.matches(f"{call}\n")
    assert not grammar.matches("It is sunny.")
    system = found.body["messages"][0]
    assert system["role"] == "system"
    assert "get_weather" in system["content"]
    assert "must call one" in system["content"]
    assert "tools" not in found.body


@pytest.mark.parametrize("choice", ["auto", "required"])
def test_without_parallel_calls_there_is_one_and_no_more(choice: str) -> None:
    found = translate(tools=tools(TIME), tool_choice=choice, parallel_tool_calls=False)
    grammar, call = Gbnf(found.body["grammar"]), '{"name": "get_time", "arguments": {}}'
    assert grammar.matches(call)
    assert not grammar.matches(f"{call}\n{call}")
    assert "To call several" not in found.body["messages"][0]["content"]
    assert "To call several" in translate(tools=tools(TIME), tool_choice=choice).body["messages"][0]["content"]


def test_a_template_that_knows_tools_is_told_whether_several_calls_are_wanted() -> None:
    assert translate(template_knows_tools=True, tools=tools(TIME)).body["parallel_tool_calls"] is True
    assert translate(template_knows_tools=True, tools=tools(TIME), parallel_tool_calls=False).body["parallel_tool_calls"] is False
    assert "parallel_tool_calls" not in translate(tools=tools(TIME), parallel_tool_calls=False).body


def test_a_named_tool_gets_its_arguments_and_nothing_else() -> None:
    chosen = {"type": "function", "function": {"name": "get_weather"}}
    found = translate(tools=tools(WEATHER, TIME), tool_choice=chosen)
    grammar, chance = Gbnf(found.body["grammar"]), random.Random(1)
    for _ in range(30):
        assert satisfies(json.loads(grammar.make(chance)), WEATHER["parameters"])
    assert found.reading.named == "get_weather"


def test_auto_allows_words_or_a_call() -> None:
    found = translate(tools=tools(WEATHER, ODD))
    grammar = Gbnf(found.body["grammar"])
    assert grammar.matches("It is sunny.\nAnd warm.")
    assert grammar.matches("")
    assert grammar.matches('{"name": "get_weather", "arguments": {"city": "Paris", "unit": "c"}}')
    assert grammar.matches('{"name": "odd", "arguments": {"anything": [1]}}')
    assert grammar.matches('{"name": "odd", "arguments": {}}\n{"name": "get_weather", "arguments": {"city": "x", "unit": "f"}}')
    assert not grammar.matches('{"name": "get_weather", "arguments": {"city": "Paris"}}')
    assert not grammar.matches('{"name": "unknown", "arguments": {}}')


def test_auto_with_a_wanted_form_allows_the_form_or_a_call() -> None:
    grammar = Gbnf(translate(tools=tools(TIME), response_format={"type": "json_object"}).body["grammar"])
    assert grammar.matches('{"a": 1}')
    assert grammar.matches('{"name": "get_time", "arguments": {}}')
    assert not grammar.matches("words")


def test_none_means_that_tools_are_not_even_told() -> None:
    found = translate(tools=tools(WEATHER), tool_choice="none")
    assert found.body == {"messages": HELLO}
    assert found.reading == Reading()


def test_a_template_that_knows_tools_gets_them_where_the_model_may_choose() -> None:
    found = translate(template_knows_tools=True, tools=tools(WEATHER))
    assert found.body["tools"] == tools(WEATHER)
    assert found.body["tool_choice"] == "auto"
    assert "grammar" not in found.body
    forced = translate(template_knows_tools=True, tools=tools(WEATHER), tool_choice="required")
    assert "tools" not in forced.body
    assert "grammar" in forced.body
    odd = translate(template_knows_tools=True, tools=tools(ODD))  # the engine's own converter never sees it
    assert "tools" not in odd.body


HISTORY: list[dict[str, Any]] = [
    {"role": "user", "content": "Weather in Paris and Rome?"},
    {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Paris"}'}},
            {"id": "call_2", "type": "function", "function": {"name": "get_weather", "arguments": ""}},
        ],
    },
    {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    {"role": "tool", "tool_call_id": "call_2", "content": [{"type": "text", "text": "rain"}]},
]


def test_a_template_that_knows_no_tools_is_told_of_calls_and_results_in_words() -> None:
    assert translate(messages=HISTORY).body["messages"] == [
        {"role": "user", "content": "Weather in Paris and Rome?"},
        {
            "role": "assistant",
            "content": '{"name": "get_weather", "arguments": {"city": "Paris"}}\n{"name": "get_weather", "arguments": {}}',
        },
        {"role": "user", "content": "Result of get_weather:\nsunny\n\nResult of get_weather:\nrain"},
    ]


def test_a_template_that_knows_tools_gets_history_as_it_was() -> None:
    found = translate(template_knows_tools=True, messages=HISTORY, tools=tools(WEATHER)).body["messages"]
    assert found[1]["tool_calls"] == HISTORY[1]["tool_calls"]
    assert found[2] == {"role": "tool", "content": "sunny", "tool_call_id": "call_1"}


# Answers


def event(index: int = 0, finish: str | None = None, **delta: Any) -> dict[str, Any]:
    return {"choices": [{"index": index, "delta": delta, "finish_reason": finish}]}


USAGE = {
    "choices": [],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "prompt_tokens_details": {"cached_tokens": 3}},
}


def read(request: Request, events: list[dict[str, Any]]) -> list[Chunk]:
    stream = Stream(request, new_id=lambda: "call_x")
    chunks = [chunk for each in events for chunk in stream.feed(each)]
    return chunks + stream.close()


def text_of(chunks: list[Chunk]) -> str:
    return "".join(delta.content or "" for chunk in chunks for delta in chunk.deltas)


def calls_of(chunks: list[Chunk]) -> list[ToolCall]:
    return [call for chunk in chunks for delta in chunk.deltas for call in delta.tool_calls or []]


def finish_of(chunks: list[Chunk]) -> list[str]:
    return [chunk.finish for chunk in chunks if chunk.finish]


def test_text_becomes_deltas_a_reason_and_usage() -> None:
    events = [
        {"choices": [], "prompt_progress": {"total": 200, "processed": 128}},
        event(role="assistant", content=None),
        event(content="Hel"),
        event(content="lo"),
        event(finish="stop"),
        USAGE,
    ]
    chunks = read(Request({}), events)
    assert chunks[0].comment == "reading the prompt: 128 of 200 tokens"
    assert (chunks[1].deltas[0].role, chunks[1].deltas[0].content) == ("assistant", "")
    assert text_of(chunks) == "Hello"
    assert finish_of(chunks) == ["stop"]
    assert chunks[-1].usage == Usage(9, 4, 3)
    assert all(chunk.raw is None for chunk in chunks)


def test_several_choices_are_kept_apart() -> None:
    events = [event(1, content="b"), event(0, content="a"), event(1, finish="length"), event(0, finish="stop"), USAGE]
    chunks = read(Request({}, Reading(choices=2)), events)
    assert [(delta.index, delta.content) for chunk in chunks[:2] for delta in chunk.deltas] == [(1, "b"), (0, "a")]
    assert [(chunk.deltas[0].index, chunk.finish) for chunk in chunks if chunk.finish] == [(1, "length"), (0, "stop")]


def test_an_answer_that_breaks_off_is_never_passed_off_as_finished() -> None:
    with pytest.raises(LocalModelFailed, match="broke off"):
        read(Request({}), [event(content="Hel")])
    with pytest.raises(LocalModelFailed, match="broke off"):
        read(Request({}, Reading(choices=2)), [event(content="x"), event(finish="stop")])


def test_thoughts_and_the_engines_own_calls_pass() -> None:
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "f", "arguments": ""}}
    chunks = read(Request({}), [event(reasoning_content="hm"), event(tool_calls=[call]), event(finish="tool_calls")])
    assert chunks[0].deltas[0].reasoning == "hm"
    assert calls_of(chunks)[0].id == "call_1"
    assert finish_of(chunks) == ["tool_calls"]


@pytest.mark.parametrize(
    ("before", "comment"),
    [(0, "waiting for a free place: you are next"), (3, "waiting for a free place: 3 before you")],
)
def test_a_caller_in_the_queue_is_told_how_many_are_before_it(before: int, comment: str) -> None:
    (chunk,) = Stream(Request({})).feed({"choices": [], "queue_position": before})
    assert (chunk.comment, chunk.deltas) == (comment, [])


ANSWER = '{"name": "get_weather", "arguments": {"city": "Pa}r\\"is", "unit": "c"}}'
THREE = f'{ANSWER}\n{{"name": "get_time", "arguments": {{}}}}\n{{"name": "get_time", "arguments": [1, {{"a": "}}"}}]}}'
REQUIRED = Request(
    {}, Reading(calls={'{"name": "get_weather", "arguments": ': "get_weather", '{"name": "get_time", "arguments": ': "get_time"})
)


def pieces(text: str, size: int) -> list[dict[str, Any]]:
    return [event(content=text[start : start + size]) for start in range(0, len(text), size)]


def whole_calls(chunks: list[Chunk]) -> list[tuple[str, str]]:
    """(name, arguments) of each call, its deltas put together; they come in order, and only the first names it."""
    found: list[tuple[str, str]] = []
    for call in calls_of(chunks):
        assert call.function is not None
        if call.id:
            assert (call.id, call.type, call.index) == ("call_x", "function", len(found))
            found.append((call.function.name, call.function.arguments))
        else:
            assert not call.type
            assert not call.function.name
            assert call.index == len(found) - 1
            found[-1] = (found[-1][0], found[-1][1] + call.function.arguments)
    return found


@pytest.mark.parametrize("size", range(1, len(THREE) + 1))
def test_calls_read_the_same_wherever_their_text_is_cut(size: int) -> None:
    chunks = read(REQUIRED, [event(role="assistant", content=None), *pieces(THREE, size), event(finish="stop")])
    assert whole_calls(chunks) == [
        ("get_weather", '{"city": "Pa}r\\"is", "unit": "c"}'),
        ("get_time", "{}"),
        ("get_time", '[1, {"a": "}"}]'),
    ]
    assert text_of(chunks) == ""
    assert finish_of(chunks) == ["tool_calls"]


def test_arguments_go_out_as_they_come() -> None:
    stream = Stream(REQUIRED)
    stream.feed(event(content='{"name": "get_time", "arguments": {"a'))
    assert calls_of(stream.feed(event(content='": 1')))[0].function == FunctionCall(arguments='": 1')
    assert calls_of(stream.feed(event(content="}")))[0].function == FunctionCall(arguments="}")
    assert stream.feed(event(content="}")) == []


@pytest.mark.parametrize("cut", range(len(THREE)))
def test_calls_cut_off_by_their_length_lose_no_call_begun_and_are_not_called_finished(cut: int) -> None:
    chunks = read(REQUIRED, [*pieces(THREE[:cut], 3), event(finish="length")])
    calls = [f'{{"name": "{name}", "arguments": {arguments}}}' for name, arguments in whole_calls(chunks)]
    told = "\n".join(calls) + text_of(chunks)
    if calls and not text_of(chunks):  # the last one's brace may not have come
        begun = THREE[:cut].removeprefix(told)  # of one more call: it is no content beside the calls
        beginnings = ["\n" + beginning for beginning in REQUIRED.reading.calls]
        assert THREE[:cut] == told[:-1] or any(beginning.startswith(begun) for beginning in beginnings)
    else:
        assert told == THREE[:cut]
    assert finish_of(chunks) == ["length"]


def test_a_named_tools_text_is_its_arguments_and_finishes_with_stop_as_openai_does() -> None:
    chunks = read(Request({}, Reading(named="get_time")), [event(content="{"), event(content="}"), event(finish="stop")])
    assert [call.function.name for call in calls_of(chunks) if call.function and call.function.name] == ["get_time"]
    assert "".join(call.function.arguments for call in calls_of(chunks) if call.function) == "{}"
    assert finish_of(chunks) == ["stop"]


@pytest.mark.parametrize("text", ["It is sunny.", '{"name": "get_we is no call', '{"other": 1}', "{", "\n{", "\n"])
@pytest.mark.parametrize("size", [1, 4, 100])
def test_words_stay_words_where_the_model_may_choose(text: str, size: int) -> None:
    chunks = read(REQUIRED, [*pieces(text, size), event(finish="stop")])
    assert text_of(chunks) == text
    assert calls_of(chunks) == []
    assert finish_of(chunks) == ["stop"]


def test_words_behind_a_call_are_words_and_the_answer_is_no_list_of_calls() -> None:
    chunks = read(REQUIRED, [*pieces(f"{ANSWER}\nDone.", 2), event(finish="stop")])
    assert len(whole_calls(chunks)) == 1
    assert text_of(chunks) == "\nDone."
    assert finish_of(chunks) == ["stop"]


def test_probabilities_of_text_that_was_held_back_come_with_it() -> None:
    def token(text: str) -> dict[str, Any]:
        entry = {"id": 7, "token": text, "logprob": -1.0, "bytes": list(text.encode())}
        return {"content": [{**entry, "top_logprobs": [entry]}]}

    events = [event(content="{"), event(content='"x'), event(content=" y"), event(finish="stop")]
    for each, text in zip(events, ["{", '"x', " y"], strict=False):
        each["choices"][0]["logprobs"] = token(text)
    deltas = [delta for chunk in read(REQUIRED, events) for delta in chunk.deltas if delta.logprobs]
    found = [entry["token"] for delta in deltas if delta.logprobs for entry in delta.logprobs["content"]]
    assert found == ["{", '"x', " y"]
    assert "id" not in json.dumps([delta.logprobs for delta in deltas])


@pytest.mark.parametrize(
    "broken", [{}, {"choices": [{}]}, {"choices": [5]}, {"choices": None}, {"choices": [], "usage": {"x": 1}}]
)
def test_a_chunk_of_an_unknown_shape_is_the_engines_failure(broken: dict[str, Any]) -> None:
    with pytest.raises(UpstreamFailed, match="unknown shape"):
        Stream(Request({})).feed(broken)


# Embeddings


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("a ship", ["a ship"]),
        (["a", "b"], ["a", "b"]),
        ([1, 2, 3], [[1, 2, 3]]),
        ([[1, 2], [3]], [[1, 2], [3]]),
    ],
)
def test_every_form_of_input_becomes_a_list(given: Any, sent: list[Any]) -> None:
    assert llamacpp.embeddings_request({"model": "m", "input": given, "user": "me"})["input"] == sent


@pytest.mark.parametrize("given", [None, "", [], [""], [[]], {}, 5, [5, "a"], [True], ["a"] * 3000, [[-1]], [["a"]], [None]])
def test_inputs_that_are_none_are_refused(given: Any) -> None:
    with pytest.raises(InvalidField):
        llamacpp.embeddings_request({"model": "m", "input": given})


def test_embeddings_that_local_models_can_not_make_are_refused_by_name() -> None:
    with pytest.raises(FeatureUnsupported, match="dimensions"):
        llamacpp.embeddings_request({"model": "m", "input": "a", "dimensions": 8})
    with pytest.raises(InvalidField):
        llamacpp.embeddings_request({"model": "m", "input": "a", "encoding_format": "hex"})


def test_embeddings_come_as_openai_shows_them_as_floats_or_base64() -> None:
    answer = {
        "data": [{"index": 1, "embedding": [0.5, -1.0]}, {"index": 0, "embedding": [0.25, 2.0]}],
        "usage": {"prompt_tokens": 4, "total_tokens": 4},
    }
    body, usage = llamacpp.embeddings_answer(answer, "m", {})
    assert [row["embedding"] for row in body["data"]] == [[0.25, 2.0], [0.5, -1.0]]
    assert (body["object"], body["model"], body["usage"]) == ("list", "m", {"prompt_tokens": 4, "total_tokens": 4})
    assert usage == Usage(4)
    body, _ = llamacpp.embeddings_answer(answer, "m", {"encoding_format": "base64"})
    assert struct.unpack("<2f", base64.b64decode(body["data"][0]["embedding"])) == (0.25, 2.0)
    with pytest.raises(UpstreamFailed):
        llamacpp.embeddings_answer({"data": [{}]}, "m", {})


def test_many_tools_share_the_beginnings_of_their_names() -> None:
    many = [{"name": f"tool_{i}"} for i in range(330)]
    grammar = translate(tools=tools(*many), tool_choice="required").body["grammar"]
    assert grammar.count('\\"name\\"') == 1
    assert Gbnf(grammar).matches('{"name": "tool_329", "arguments": {}}')


def test_a_tool_with_remarks_without_end_is_refused_by_name() -> None:
    parameters = {"type": "object", "examples": [0] * 100_000}
    with pytest.raises(InvalidField, match="the tool big is too large"):
        translate(tools=tools({"name": "big", "parameters": parameters}), tool_choice="required")


def test_a_second_call_that_is_cut_off_at_its_beginning_is_no_content() -> None:
    reader = CallReader(Reading(calls={'{"name": "t", "arguments": ': "t"}), lambda: "call_1")
    reader.feed('{"name": "t", "arguments": {}}\n{"name"')
    assert reader.close("length") == ([], "length")
