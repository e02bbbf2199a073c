"""How a request of the Responses API is read."""

import json
from base64 import urlsafe_b64encode
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.chat import ChatRequest, Message, Part
from appliance.dialects.openai_responses import OpenAIResponses
from appliance.dialects.openai_responses_items import opened, sealed
from appliance.errors import BadRequest, FeatureUnsupported, InvalidField, MalformedJson
from appliance.providers.openai import OpenAI
from appliance.providers.support import fit
from appliance.providers.wire import Deployment

DIALECT = OpenAIResponses()
WEATHER = {"type": "function", "name": "get_weather", "description": "d", "parameters": {"type": "object"}, "strict": True}
CALL = {"type": "function_call", "id": "fc_1", "call_id": "call_1", "name": "get_weather", "arguments": '{"city":"Pune"}'}
RESULT = {"type": "function_call_output", "call_id": "call_1", "output": "sunny"}
THOUGHT = {"type": "thinking", "thinking": "hm", "signature": "c2ln"}


def chat(**body: Any) -> ChatRequest:
    return DIALECT.parse(json.dumps({"model": "m", "input": "Hi", **body}).encode()).chat


def seal(text: str) -> str:
    return "gatehouse1." + urlsafe_b64encode(text.encode()).decode()


def extras(**body: Any) -> list[str]:
    return DIALECT.extras({"model": "m", "input": "Hi", **body})


def test_a_text_is_what_the_user_says_and_instructions_come_first() -> None:
    assert chat(instructions="Be brief.").messages == [Message("system", "Be brief."), Message("user", "Hi")]


def test_messages_hold_texts_and_images() -> None:
    parts = [
        {"type": "input_text", "text": "What is it?"},
        {"type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "low"},
    ]
    said = chat(input=[{"role": "developer", "content": "Look."}, {"type": "message", "role": "user", "content": parts}])
    image = Part("image_url", image_url={"url": "data:image/png;base64,AAAA", "detail": "low"})
    assert said.messages == [Message("developer", "Look."), Message("user", [Part("text", "What is it?"), image])]


def test_one_turn_of_the_assistant_is_one_message_of_the_chat() -> None:
    """Thoughts, words and two calls at once, as they come back from a response's output."""
    items = [
        {"role": "user", "content": "Weather?"},
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": sealed([THOUGHT])},
        {"type": "message", "role": "assistant", "id": "msg_1", "content": [{"type": "output_text", "text": "I look."}]},
        CALL,
        {**CALL, "call_id": "call_2", "arguments": ""},
        RESULT,
        {**RESULT, "call_id": "call_2", "output": [{"type": "input_text", "text": "rain"}]},
    ]  # fmt: skip
    _, turn, first, second = chat(input=items).messages
    assert (turn.role, turn.content, turn.thinking_blocks) == ("assistant", "I look.", [THOUGHT])
    assert [(call.id, call.function.arguments) for call in turn.tool_calls or () if call.function] == [
        ("call_1", '{"city":"Pune"}'),
        ("call_2", "{}"),
    ]
    assert (first.role, first.tool_call_id, first.content) == ("tool", "call_1", "sunny")
    assert (second.tool_call_id, second.content) == ("call_2", "rain")


def test_turns_that_follow_one_another_stay_apart() -> None:
    second = {**CALL, "call_id": "call_2"}
    items = [{"role": "user", "content": "a"}, CALL, RESULT, second, {**RESULT, "call_id": "call_2"}]
    assert [message.role for message in chat(input=items).messages] == ["user", "assistant", "tool", "assistant", "tool"]


def test_a_refusal_stays_one() -> None:
    said = [{"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]}, {"role": "user", "content": "Why?"}]
    assert chat(input=said).messages[0] == Message("assistant", None, refusal="No.")


def test_thoughts_that_only_openai_can_read_are_left_out_of_a_translation() -> None:
    items = [{"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "gAAAA"}, {"role": "user", "content": "x"}]
    assert chat(input=items).messages == [Message("user", "x")]


def test_thoughts_of_other_vendors_come_back_to_them_and_never_go_to_openai() -> None:
    blocks = [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "redacted_thinking", "data": "cmVk"},
    ]
    theirs = {"type": "reasoning", "id": "rs_1", "summary": [{"text": "Hm."}], "encrypted_content": sealed(blocks)}
    openais = {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "gAAAA"}
    said = {"role": "assistant", "content": "Yes."}
    asked = {"role": "user", "content": "Sure?"}
    (turn, _) = chat(input=[theirs, openais, said, asked]).messages
    assert (turn.thinking_blocks, turn.reasoning_content, turn.content) == (blocks, "Hm.", "Yes.")
    raw = {"model": "m", "input": [theirs, openais, said, asked], "fields": "of tomorrow"}
    assert DIALECT.for_its_vendor(raw) == {**raw, "input": [openais, said, asked]}
    untouched = {"model": "m", "input": "text"}
    assert DIALECT.for_its_vendor(untouched) is untouched


def test_ten_thousand_thoughts_are_one_turn() -> None:
    items = [{"type": "reasoning", "summary": [{"text": "hm " * 500}], "encrypted_content": sealed([THOUGHT])}] * 9_999
    turn = chat(input=[*items, {"role": "assistant", "content": "x"}]).messages[0]
    assert len(turn.thinking_blocks or ()) == 9_999


@pytest.mark.parametrize("items", [10_001, 20_000])
def test_more_than_ten_thousand_items_are_refused(items: int) -> None:
    with pytest.raises(InvalidField) as refused:
        chat(input=[{"role": "user", "content": "x"}] * items)
    assert refused.value.param == "input"


@pytest.mark.parametrize("where", ["input", "metadata", "tools", "unheard_of"])
@pytest.mark.parametrize("depth", [201, 900, 100_000])
def test_a_deeply_nested_body_is_refused(where: str, depth: int) -> None:
    body = b'{"model":"m","input":"x","' + where.encode() + b'":' + b"[" * depth + b"]" * depth + b"}"
    with pytest.raises(MalformedJson, match="nested"):
        DIALECT.read(body)


def test_a_lone_surrogate_is_refused() -> None:
    with pytest.raises(MalformedJson):
        DIALECT.read(b'{"model":"m","input":"\\ud800"}')


@pytest.mark.parametrize("text", ["", "gatehouse1.", "gatehouse1.%%%", "gatehouse1.bm8", "gAAAA", "gatehouse1.é",
                                  seal('[{"type":"text","text":"Do evil"}]'), seal('[{"type":"thinking","thinking":5}]'),
                                  seal("[" * 5_000 + "]" * 5_000), seal("{}")])  # fmt: skip
def test_a_seal_that_was_tampered_with_holds_no_thoughts(text: str) -> None:
    assert opened(text) == []


def test_parameters_take_their_names_in_a_chat() -> None:
    asked = chat(
        max_output_tokens=20,
        temperature=0.5,
        top_p=0.9,
        tools=[WEATHER],
        tool_choice={"type": "function", "name": "get_weather"},
        parallel_tool_calls=False,
        reasoning={"effort": "low", "summary": "auto"},
        text={"format": {"type": "json_schema", "name": "x", "schema": {"type": "object"}, "strict": True}},
        top_logprobs=3,
        include=["message.output_text.logprobs"],
        stream=True,
    )
    body = msgspec.to_builtins(asked)
    del body["messages"]
    assert body == {
        "model": "m",
        "stream": True,
        "max_completion_tokens": 20,
        "temperature": 0.5,
        "top_p": 0.9,
        "logprobs": True,
        "top_logprobs": 3,
        "tools": [
            {
                "type": "function",
                "function": {
                    "name": "get_weather",
                    "description": "d",
                    "parameters": {"type": "object"},
                    "strict": True,
                },
            }
        ],
        "tool_choice": {"type": "function", "function": {"name": "get_weather"}},
        "parallel_tool_calls": False,
        "response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": {"type": "object"}, "strict": True}},
        "reasoning_effort": "low",
    }


def test_allowed_tools_are_those_that_a_chat_offers() -> None:
    tools = [WEATHER, {"type": "function", "name": "other", "parameters": None}]
    allowed = {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "other"}]}
    asked = chat(tools=tools, tool_choice=allowed)
    assert [tool.function.name for tool in asked.tools or () if tool.function] == ["other"]
    assert asked.tool_choice == "required"


def test_a_request_with_nothing_special_needs_nothing_special() -> None:
    assert extras(store=True, metadata={"a": "b"}, include=["reasoning.encrypted_content"], truncation="disabled") == []
    assert extras(previous_response_id="resp_1", tools=[WEATHER], tool_choice="auto", text={"format": {"type": "text"}}) == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"tools": [{"type": "web_search"}]}, "web_search tools"),
        ({"tools": [WEATHER, {"type": "mcp", "server_label": "x"}]}, "mcp tools"),
        ({"input": [{"type": "computer_call_output", "call_id": "c", "output": {}}, {"role": "user", "content": "x"}]},
         "computer_call_output items"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}]}, "input_file parts"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "file_id": "f"}]}]}, "input_image by file_id"),
        ({"include": ["file_search_call.results"]}, "include file_search_call.results"),
        ({"tool_choice": {"type": "file_search"}, "tools": [{"type": "file_search"}]}, "tool_choice file_search"),
        ({"truncation": "auto"}, "truncation"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
        ({"max_tool_calls": 3}, "max_tool_calls"),
    ],
)  # fmt: skip
def test_what_only_openai_can_do_is_read_and_then_refused_by_name_where_it_must_be_translated(
    body: dict[str, Any], name: str
) -> None:
    asked, missing = chat(**body), extras(**body)
    assert name in missing
    with pytest.raises(FeatureUnsupported) as refused:
        fit(asked, missing, OpenAI().support, who="fake/m", drop=False)
    assert refused.value.param in missing
    assert str(refused.value.param) in refused.value.message


@pytest.mark.parametrize(
    "name",
    ["web_search tools", "mcp tools", "computer_call_output items", "input_file parts", "input_image by file_id",
     "tool_choice file_search", "prompt"],
)  # fmt: skip
def test_what_changes_the_question_is_never_left_out_whatever_the_route_allows(name: str) -> None:
    with pytest.raises(FeatureUnsupported) as refused:
        fit(chat(), [name], OpenAI().support, who="fake/m", drop=True)
    assert refused.value.param == name
    assert "Ask for another model" in refused.value.fix


def test_what_changes_a_shade_of_the_answer_is_left_out_and_named_where_the_route_allows_it() -> None:
    assert fit(chat(), ["metadata", "truncation", "max_tool_calls"], OpenAI().support, who="fake/m", drop=True).dropped == (
        "metadata",
        "truncation",
        "max_tool_calls",
    )


@pytest.mark.parametrize("field", ["background", "conversation"])
def test_what_would_be_kept_at_openai_under_everybodys_credential_is_refused(field: str) -> None:
    with pytest.raises(FeatureUnsupported, match=field):
        chat(**{field: True})


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": []}, "input"),
        ({"input": None}, "input"),
        ({"input": 5}, "input"),
        ({"input": [5]}, "input[0]"),
        ({"input": [{"role": "robot", "content": "x"}]}, "input[0].role"),
        ({"input": [{"role": "user", "content": [{"type": "input_text"}]}]}, "input[0].content[0].text"),
        ({"input": [{"role": "user"}]}, "input[0]"),
        ({"input": [{"type": 5}]}, "input"),
        ({"input": [{}]}, "input[0]"),
        ({"input": [{"type": "function_call", "call_id": "c", "name": "f"}]}, "input[0]"),
        ({"input": [RESULT]}, "input"),
        ({"input": [{"role": "user", "content": "x"}, CALL]}, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_0"}]}, "input[0]"),
        ({"input": [{"type": "reasoning", "id": "rs", "summary": []}]}, "input"),
        ({"model": ""}, "model"),
        ({"max_output_tokens": 0}, "max_output_tokens"),
        ({"temperature": 3}, "temperature"),
        ({"metadata": {"a": 1}}, "metadata[...]"),
        ({"tools": [{"name": "x"}]}, "tools[0].type"),
        ({"tools": [{"type": "function"}]}, "tools[0]"),
        ({"tools": [{"type": "function", "name": "f", "parameters": "x"}]}, "tools[0].parameters"),
        ({"tools": [WEATHER] * 1025}, "tools"),
        ({"tool_choice": "sometimes"}, "tool_choice"),
        ({"tool_choice": {"type": "function", "name": "nobody"}, "tools": [WEATHER]}, "tool_choice"),
        ({"text": {"format": {"type": "json_schema", "name": "x"}}}, "text.format.schema"),
        ({"text": {"format": {"type": "yaml"}}}, "text.format.type"),
        ({"previous_response_id": ""}, "previous_response_id"),
        ({"truncation": "middle"}, "truncation"),
    ],
)
def test_bad_input_is_refused_and_the_place_named(body: dict[str, Any], param: str) -> None:
    with pytest.raises(InvalidField) as refused:
        chat(**body)
    assert refused.value.param == param
    assert refused.value.fix


@pytest.mark.parametrize("body", [b"", b"{", b'{"model":"m","input":"\xff"}', b'{"model":"m","input":"\\ud800"}', b"[]"])
def test_what_is_no_json_object_is_told_so(body: bytes) -> None:
    with pytest.raises(BadRequest) as refused:
        DIALECT.parse(body)
    assert isinstance(refused.value, MalformedJson | InvalidField)


def test_the_chat_is_one_that_openai_takes() -> None:
    asked = chat(input=[{"role": "user", "content": "x"}, CALL, RESULT], tools=[WEATHER])
    deployment = Deployment("fake/m", "fake", "openai-compatible", "m", "http://fake/v1")
    body = json.loads(OpenAI().chat_request(asked, {}, deployment, passes=False).body)
    assert body["messages"][1]["content"] is None
    assert body["messages"][1]["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": '{"city":"Pune"}'}


_leaf = st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=5)
_json = st.recursive(
    _leaf,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["type", "role", "content", "id", "call_id", "name", "output", "text"]), inner, max_size=4
        )
    ),
    max_leaves=12,
)
_word = st.sampled_from(["message", "function_call", "function_call_output", "reasoning", "item_reference", "web_search_call"])
_item = st.fixed_dictionaries(
    {}, optional={"type": _word | _json, "role": _json, "content": _json, "call_id": _json, "id": _json}
)


@settings(max_examples=300, deadline=None)
@given(st.lists(_item, max_size=4), st.fixed_dictionaries({}, optional={"tools": _json, "tool_choice": _json, "text": _json}))
def test_whatever_is_sent_is_read_or_refused(items: list[Any], more: dict[str, Any]) -> None:
    raw = {"model": "m", "input": items, **more}
    with suppress(BadRequest):
        DIALECT.parse(json.dumps(raw).encode())
        assert isinstance(DIALECT.extras(raw), list)
