"""Requests in Anthropic's form: what a translation makes of them, and what is refused."""

import json
from typing import Any

import pytest

from appliance import errors
from appliance.chat import ChatRequest, Part
from appliance.dialects.anthropic_messages import AnthropicMessages
from appliance.providers.support import Support, fit

DIALECT = AnthropicMessages()
PIXEL = "iVBORw0KGgo="
WEATHER = {
    "name": "get_weather",
    "description": "The weather of a city",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


def request(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "m", "max_tokens": 64, "messages": list(messages) or [{"role": "user", "content": "Hi"}], **more}


def read(*messages: Any, **more: Any) -> ChatRequest:
    return DIALECT.parse(json.dumps(request(*messages, **more)).encode()).chat


def user(*blocks: Any) -> dict[str, Any]:
    return {"role": "user", "content": list(blocks)}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def text(value: str) -> dict[str, str]:
    return {"type": "text", "text": value}


def call(identity: str = "toolu_1", **arguments: Any) -> dict[str, Any]:
    return {"type": "tool_use", "id": identity, "name": "get_weather", "input": arguments}


def result(content: Any, identity: str = "toolu_1", **more: Any) -> dict[str, Any]:
    return {"type": "tool_result", "tool_use_id": identity, "content": content, **more}


def refusal(body: Any) -> errors.GatehouseError:
    with pytest.raises(errors.BadRequest) as caught:
        DIALECT.parse(body if isinstance(body, bytes) else json.dumps(body).encode())
    return caught.value


# What is translated


def test_parameters_keep_their_meaning() -> None:
    chat = read(stop_sequences=["END"], temperature=0.5, top_p=0.9, top_k=40, stream=True, output_config={"effort": "high"})
    assert (chat.model, chat.max_tokens, chat.stream, chat.stop) == ("m", 64, True, ["END"])
    assert (chat.temperature, chat.top_p, chat.top_k, chat.reasoning_effort) == (0.5, 0.9, 40, "high")


@pytest.mark.parametrize("system", ["Be brief.", [text("Be brief.")]])
def test_the_system_prompt_comes_first(system: Any) -> None:
    chat = read(system=system)
    assert [(message.role, message.content) for message in chat.messages] == [("system", "Be brief."), ("user", "Hi")]


def test_a_system_prompt_in_the_middle_stays_there() -> None:
    chat = read({"role": "user", "content": "Hi"}, {"role": "system", "content": [text("Now in French.")]}, user(text("Go on")))
    assert [message.role for message in chat.messages] == ["user", "system", "user"]
    assert chat.messages[1].content == "Now in French."


def test_images_become_urls() -> None:
    inline = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    linked = {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}}
    content = read(user(text("What is this?"), inline, linked)).messages[0].content
    assert content == [
        Part("text", "What is this?"),
        Part("image_url", image_url={"url": f"data:image/png;base64,{PIXEL}"}),
        Part("image_url", image_url={"url": "https://example.com/a.png"}),
    ]


def test_calls_and_their_results_become_messages_with_the_text_behind_them() -> None:
    chat = read(
        user(text("Weather?")),
        assistant(text("Let me "), text("look."), call("toolu_1", city="Pune"), call("toolu_2")),
        user(result("21 °C"), result([text("no such city")], "toolu_2", is_error=True), text("Well?")),
        tools=[WEATHER],
    )
    asked, answered, failed, after = chat.messages[1:]
    assert asked.content == "Let me look."
    assert asked.tool_calls is not None
    assert [(made.id, made.type) for made in asked.tool_calls] == [("toolu_1", "function"), ("toolu_2", "function")]
    assert [made.function.arguments for made in asked.tool_calls if made.function] == ['{"city":"Pune"}', "{}"]
    assert (answered.role, answered.tool_call_id, answered.content, answered.is_error) == ("tool", "toolu_1", "21 °C", None)
    assert (failed.role, failed.tool_call_id, failed.content, failed.is_error) == ("tool", "toolu_2", "no such city", True)
    assert (after.role, after.content) == ("user", "Well?")


def test_results_alone_leave_no_empty_message_behind() -> None:
    chat = read(user(text("?")), assistant(call()), user(result(None)))
    assert [(message.role, message.content) for message in chat.messages] == [("user", "?"), ("assistant", None), ("tool", "")]


def test_an_image_in_a_result_stays_in_it() -> None:
    inline = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    chat = read(user(text("?")), assistant(call()), user(result([text("See:"), inline])))
    assert isinstance(chat.messages[2].content, list)
    assert [part.type for part in chat.messages[2].content] == ["text", "image_url"]


def test_signed_thoughts_go_back_as_they_came_and_unsigned_ones_as_words() -> None:
    signed = {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"}
    hidden = {"type": "redacted_thinking", "data": "b64"}
    message = read(user(text("?")), assistant(signed, hidden, {"type": "thinking", "thinking": "Ours."}, text("So."))).messages[1]
    assert message.thinking_blocks == [signed, hidden]
    assert (message.reasoning_content, message.content) == ("Ours.", "So.")


def test_tools_and_the_choice_among_them() -> None:
    chat = read(tools=[WEATHER, {**WEATHER, "name": "b", "type": "custom", "strict": True}])
    assert chat.tools is not None
    assert [(tool.type, tool.function.name, tool.function.strict) for tool in chat.tools if tool.function] == [
        ("function", "get_weather", None),
        ("function", "b", True),
    ]
    assert chat.tools[0].function is not None
    assert chat.tools[0].function.parameters == WEATHER["input_schema"]
    assert (chat.tool_choice, chat.parallel_tool_calls) == (None, None)


@pytest.mark.parametrize(
    ("choice", "meant"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        ({"type": "tool", "name": "get_weather"}, {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_a_choice_of_tools(choice: dict[str, Any], meant: Any) -> None:
    assert read(tools=[WEATHER], tool_choice=choice).tool_choice == meant
    one = read(tools=[WEATHER], tool_choice={**choice, "disable_parallel_tool_use": True})
    assert (one.tool_choice, one.parallel_tool_calls) == (meant, False)


def test_a_choice_without_tools_is_left_out() -> None:
    chat = read(tools=[], tool_choice={"type": "auto", "disable_parallel_tool_use": True})
    assert (chat.tools, chat.tool_choice, chat.parallel_tool_calls) == (None, None, None)


@pytest.mark.parametrize(
    ("schema", "strict"),
    [
        ({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False}, True),
        ({"type": "object", "properties": {"a": {}}, "additionalProperties": False}, False),
        ({"type": "object", "properties": {"a": {}}, "required": ["a"]}, False),
        ({"$defs": {"x": {"properties": {"a": {}}}}, "type": "array", "items": {"$ref": "#/$defs/x"}}, False),
        ({"properties": {"properties": {"type": "string"}}, "required": ["properties"], "additionalProperties": False}, True),
    ],
)
def test_a_schema_is_strict_where_openai_would_take_it_so(schema: dict[str, Any], strict: bool) -> None:
    form = {"type": "json_schema", "schema": schema}
    meant = {"type": "json_schema", "json_schema": {"name": "answer", "strict": strict, "schema": schema}}
    assert read(output_config={"format": form}).response_format == meant
    assert read(output_format=form).response_format == meant


def test_thinking_is_handed_on_as_it_is() -> None:
    wanted = {"type": "enabled", "budget_tokens": 2048, "display": "summarized"}
    assert read(thinking=wanted).thinking == wanted


# What a translation has no place for


@pytest.mark.parametrize(
    ("block", "named"),
    [
        ({"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": "x"}}, "document"),
        ({"type": "search_result", "source": "a", "title": "b", "content": []}, "search_result"),
        ({"type": "hologram", "depth": 3}, "hologram"),
        ({"type": "image", "source": {"type": "file", "file_id": "file_1"}}, "image from a file"),
    ],
)
def test_a_block_of_an_unknown_kind_is_read_and_named_when_it_is_to_be_translated(block: dict[str, Any], named: str) -> None:
    for message in (user(text("Hi"), block), user(block)):
        chat = read(message)
        with pytest.raises(errors.FeatureUnsupported, match=named):
            fit(chat, [], Support(frozenset({"images"})), who="x", drop=True)


def test_what_only_anthropic_can_do_is_named() -> None:
    raw = request(
        tools=[WEATHER, {"type": "web_search_20250305", "name": "web_search"}],
        metadata={"user_id": "u"},
        cache_control={"type": "ephemeral"},
        context_management={"edits": []},
        container=None,
    )
    assert DIALECT.extras(raw) == ["metadata", "context_management", "tools of type web_search_20250305"]
    tools = DIALECT.chat(raw).tools
    assert tools is not None
    assert [tool.function.name for tool in tools if tool.function] == ["get_weather"]


def test_marks_for_the_cache_are_left_out_unsaid() -> None:
    marked = {**text("Hi"), "cache_control": {"type": "ephemeral"}}
    raw = request(user(marked), system=[marked], tools=[{**WEATHER, "cache_control": {"type": "ephemeral"}}])
    assert DIALECT.extras(raw) == []
    assert DIALECT.chat(raw).messages[0].content == "Hi"


def test_the_body_is_kept_as_it_came() -> None:
    raw = request(user({**text("Hi"), "x": [1.0]}), x_future={"a": 12345678901234567890})
    assert DIALECT.parse(json.dumps(raw).encode()).raw == raw


# What is refused


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}, "max_tokens"),
        ({"model": "m", "max_tokens": 1}, "messages"),
        ({"max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}, "model"),
        (request(max_tokens=-1), "max_tokens"),
        (request(max_tokens="9"), "max_tokens"),
        (request(temperature=1.1), "temperature"),
        (request(top_k=-1), "top_k"),
        (request(stop_sequences="END"), "stop_sequences"),
        ({**request(), "messages": []}, "messages"),
        (request({"role": "robot", "content": "Hi"}), "messages.0.role"),
        (request({"role": "user"}), "messages"),
        (request({"role": "user", "content": 5}), "messages"),
        (request(user({"text": "Hi"})), "messages.0.content.0.type"),
        (request(user({"type": "text"})), "messages.0.content.0.text"),
        (request(user(text("a"), {"type": "text", "text": 1})), "messages.0.content.1.text"),
        (request(user({"type": "image"})), "messages.0.content.0.source"),
        (request(user({"type": "image", "source": {"type": "base64", "data": "x"}})), "messages.0.content.0.source"),
        (request(user({"type": "image", "source": {"type": "url"}})), "messages.0.content.0.source.url"),
        (request(user({"type": "image", "source": {"type": 1}})), "messages.0.content.0.source.type"),
        (request(user(text("?")), assistant({"type": "tool_use", "id": "a", "name": "b"})), "messages.1.content.0.input"),
        (request(user(text("?")), assistant({**call(), "input": []})), "messages.1.content.0.input"),
        (request(user(text("?")), user(result("x", "nobody"))), "messages.1.content.0.tool_use_id"),
        (request(user(text("?")), assistant({"type": "thinking"})), "messages.1.content.0.thinking"),
        (request(tools=[{"name": "a"}]), "tools.0"),
        (request(tools=[WEATHER], tool_choice={"type": "maybe"}), "tool_choice.type"),
        (request(tools=[WEATHER], tool_choice={"type": "tool"}), "tool_choice.name"),
        (request(tools=[WEATHER] * 2000), "tools"),
        (request(output_config={"format": {"type": "yaml"}}), "output_config.format"),
        (request(system=5), "system"),
    ],
)
def test_a_wrong_field_is_refused_by_its_place(body: dict[str, Any], place: str) -> None:
    error = refusal(body)
    assert isinstance(error, errors.InvalidField)
    assert error.param is not None
    assert error.param.startswith(place)
    assert place in error.message


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff", b'{"model":"\\ud800"}', b"[" * 5000])
def test_a_body_that_is_no_object_is_refused(body: bytes) -> None:
    assert refusal(body).status == 400


def test_tokens_can_be_counted_without_a_bound_on_the_answer() -> None:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "Hi"}]}).encode()
    assert DIALECT.parse_to_count(body).chat.max_tokens is None
