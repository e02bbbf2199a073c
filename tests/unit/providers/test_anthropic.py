"""Requests to Anthropic, its whole answers and its errors."""

from typing import Any

import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest, Delta, Message, ToolCall, Usage
from appliance.providers.anthropic import Anthropic
from appliance.providers.anthropic_tools import JSON_PLEASE
from appliance.providers.support import fit
from appliance.providers.wire import Deployment
from tests.fakes.anthropic_rules import OLD_VERSION, check

ANTHROPIC = Anthropic()
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
USER = {"role": "user", "content": "Hi"}
CLOCK = {"type": "function", "function": {"name": "get_time"}}
SIGNED = {"type": "thinking", "thinking": "Hm.", "signature": "sig"}


def deployment(model: str = "claude-sonnet-4-6", base_url: str = "https://api.example") -> Deployment:
    return Deployment(f"claude/{model}", "claude", "anthropic", model, base_url, "sk-secret")


def call(call_id: str = "c1", arguments: str = "{}", name: str = "get_time") -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


def sent(*messages: dict[str, Any], model: str = "claude-sonnet-4-6", **fields: Any) -> dict[str, Any]:
    chat = msgspec.convert({"model": "m", "messages": messages or [USER], **fields}, ChatRequest)
    outgoing = ANTHROPIC.chat_request(chat, {}, deployment(model), passes=False)
    body: dict[str, Any] = msgspec.json.decode(outgoing.body)
    return body


def taken(*messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """What is sent, once the vendor's own rules have been held against it."""
    body = sent(*messages, **fields)
    check(body, OLD_VERSION)
    return body


def place_of(*messages: dict[str, Any], **fields: Any) -> str | None:
    with pytest.raises(errors.BadRequest) as caught:
        sent(*messages, **fields)
    return caught.value.param


def test_a_request_has_what_anthropic_needs_and_nothing_else() -> None:
    assert taken() == {"model": "claude-sonnet-4-6", "max_tokens": 4096, "messages": [USER]}
    full = taken(stream=True, max_completion_tokens=5, temperature=0.5, top_p=0.5, top_k=3, stop=["a", ""], seed=1, user="x")
    assert full == {
        "model": "claude-sonnet-4-6", "max_tokens": 5, "messages": [USER], "stream": True, "temperature": 0.5, "top_p": 0.5,
        "top_k": 3, "stop_sequences": ["a"],
    }  # fmt: skip
    assert "top_p" not in taken(top_p=1, temperature=1)


@pytest.mark.parametrize(("base_url", "path"), [("https://a.example", "/v1/messages"), ("https://a.example/x/v1", "/messages")])
def test_a_base_url_is_taken_with_and_without_its_version(base_url: str, path: str) -> None:
    chat = ChatRequest("m", [Message("user", "Hi")])
    outgoing = ANTHROPIC.chat_request(chat, {}, deployment(base_url=base_url), passes=False)
    assert (outgoing.path, outgoing.headers["x-api-key"]) == (path, "sk-secret")
    assert outgoing.headers["anthropic-version"] == "2023-06-01"
    assert "sk-secret" not in repr(deployment())


def test_the_callers_own_body_goes_on_with_only_the_model_exchanged() -> None:
    raw = {"model": "mine", "max_tokens": 1, "future": {"a": [1, 2.5]}, "messages": [USER]}
    outgoing = ANTHROPIC.chat_request(ChatRequest("mine", [Message("user", "Hi")]), raw, deployment(), passes=True)
    assert msgspec.json.decode(outgoing.body) == {**raw, "model": "claude-sonnet-4-6"}
    counted = ANTHROPIC.count_request(raw, deployment())
    assert counted.path == "/v1/messages/count_tokens"
    assert ANTHROPIC.count_answer(b'{"input_tokens":12,"x":1}') == 12
    with pytest.raises(ValueError, match="no count"):
        ANTHROPIC.count_answer(b"<html>")


def test_system_prompts_anywhere_stand_apart_in_their_order() -> None:
    middle: list[dict[str, Any]] = [
        {"role": "developer", "content": "One"},
        USER,
        {"role": "system", "content": [{"type": "text", "text": "Two"}, {"type": "text", "text": " "}]},
        {"role": "user", "content": "More"},
    ]
    body = taken(*middle)
    assert body["system"] == [{"type": "text", "text": "One"}, {"type": "text", "text": "Two"}]
    assert body["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}, {"type": "text", "text": "More"}]}]
    alone = taken({"role": "system", "content": "Go"})
    assert "system" not in alone
    assert alone["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Go"}]}]
    assert taken({"role": "system", "content": "Go"}, USER)["system"] == "Go"


def test_blank_and_empty_messages_are_dropped_and_nothing_at_all_is_refused() -> None:
    body = taken({"role": "user", "content": " "}, {"role": "assistant", "content": None}, USER, {"role": "user", "content": []})
    assert body["messages"] == [USER]
    assert place_of({"role": "user", "content": ""}) == "messages"


def test_a_conversation_that_the_assistant_opens_or_is_to_continue_is_taken() -> None:
    body = taken({"role": "assistant", "content": "Hello! "})
    assert body["messages"] == [{"role": "user", "content": "."}, {"role": "assistant", "content": "Hello!"}]


def test_parallel_calls_and_their_results_are_one_turn_each_with_results_first() -> None:
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PNG}"}}
    body = taken(
        USER,
        {"role": "assistant", "content": "I look.", "tool_calls": [call("a", '{"x":1}'), call("b|odd", "")]},
        {"role": "user", "content": "Quick!"},
        {"role": "tool", "tool_call_id": "b|odd", "content": [image], "is_error": True},
        {"role": "tool", "tool_call_id": "a-ts-AAAA", "content": ""},
        tools=[CLOCK],
    )
    _, assistant, user = body["messages"]
    text, first, second = assistant["content"]
    assert (text["text"], first["input"], second["input"]) == ("I look.", {"x": 1}, {})
    source = {"type": "base64", "media_type": "image/png", "data": PNG}
    failed = {"type": "tool_result", "tool_use_id": second["id"], "content": [{"type": "image", "source": source}]}
    assert user["content"] == [
        {**failed, "is_error": True},
        {"type": "tool_result", "tool_use_id": "a"},
        {"type": "text", "text": "Quick!"},
    ]


CALLED = {"role": "assistant", "tool_calls": [call()]}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


@pytest.mark.parametrize(
    ("messages", "place"),
    [
        ([USER, RESULT], "messages[1].tool_call_id"),
        ([USER, CALLED, RESULT, RESULT], "messages[3].tool_call_id"),
        ([USER, CALLED, CALLED, RESULT], "messages[2].tool_calls[0]"),  # one turn, one id for two calls
        ([USER, CALLED], "messages[1].tool_calls[0]"),
        ([USER, CALLED, USER, {"role": "assistant", "content": "x"}, RESULT], "messages[1].tool_calls[0]"),
        ([USER, {"role": "assistant", "tool_calls": [call(arguments="[1]")]}], "messages[1].tool_calls[0].function.arguments"),
        ([USER, {"role": "assistant", "tool_calls": [call(arguments='{"a":')]}], "messages[1].tool_calls[0].function.arguments"),
        ([USER, {"role": "assistant", "tool_calls": [call(name="")]}], "messages[1].tool_calls[0]"),
        ([USER, {"role": "function", "name": "f", "content": "x"}], "messages[1]"),
    ],
)
def test_calls_and_results_that_dont_fit_together_are_refused_with_their_place(
    messages: list[dict[str, Any]], place: str
) -> None:
    assert place_of(*messages, tools=[CLOCK]) == place


def test_a_history_of_calls_without_tools_offers_them_and_lets_none_be_called() -> None:
    body = taken(USER, CALLED, RESULT)
    assert body["tools"] == [{"name": "get_time", "input_schema": {"type": "object"}}]
    assert body["tool_choice"] == {"type": "none"}


@pytest.mark.parametrize(
    ("choice", "more", "made"),
    [
        (None, {}, None),
        ("auto", {}, {"type": "auto"}),
        ("required", {}, {"type": "any"}),
        ("none", {"parallel_tool_calls": False}, {"type": "none"}),
        (None, {"parallel_tool_calls": False}, {"type": "auto", "disable_parallel_tool_use": True}),
        ({"type": "function", "function": {"name": "get_time"}}, {}, {"type": "tool", "name": "get_time"}),
    ],
)
def test_each_choice_of_a_tool_has_its_word(choice: Any, more: dict[str, Any], made: Any) -> None:
    assert taken(tools=[CLOCK], tool_choice=choice, **more).get("tool_choice") == made


def test_tools_that_are_none_are_refused_with_their_place() -> None:
    def tool(**parameters: Any) -> dict[str, Any]:
        return {"type": "function", "function": {"name": "f", "parameters": parameters}}

    for schema in ({"type": "string"}, {"properties": ["a"]}, {"required": "a"}):
        assert place_of(tools=[CLOCK, tool(**schema)]) == "tools[1].function.parameters"
    assert place_of(tools=[{"type": "web_search"}]) == "tools[0]"
    assert place_of(tools=[CLOCK], tool_choice={"type": "function", "function": {"name": "other"}}) == "tool_choice"
    assert place_of(tools=[CLOCK], tool_choice={"type": "allowed_tools"}) == "tool_choice"
    assert place_of(tool_choice="required") == "tool_choice"


def test_three_hundred_tools_are_taken() -> None:
    many = [{"type": "function", "function": {"name": f"t{n}", "description": "d", "strict": True}} for n in range(300)]
    body = taken(tools=many)
    assert len(body["tools"]) == 300
    assert body["tools"][7] == {
        "name": "t7", "input_schema": {"type": "object", "properties": {}}, "description": "d", "strict": True,
    }  # fmt: skip


def test_a_schema_is_closed_and_its_bounds_become_words_and_the_callers_own_stays_as_it_was() -> None:
    inner = {"type": "object", "properties": {"n": {"type": "integer", "minimum": 1, "description": "A count"}}}
    schema = {"type": "object", "properties": {"items": {"type": "array", "items": inner, "maxItems": 3}}, "required": ["items"]}
    body = taken(response_format={"type": "json_schema", "json_schema": {"name": "s", "schema": schema}})
    made = body["output_config"]["format"]["schema"]
    assert made["additionalProperties"] is False
    assert made["properties"]["items"]["items"]["properties"]["n"] == {
        "type": "integer", "description": "A count\n\n{minimum: 1}",
    }  # fmt: skip
    assert made["required"] == ["items"]
    assert "additionalProperties" not in inner
    assert place_of(response_format={"type": "json_schema"}) == "response_format.json_schema.schema"


def test_json_without_a_schema_is_asked_for_in_words() -> None:
    assert taken(response_format={"type": "json_object"})["system"] == JSON_PLEASE
    assert "output_config" not in taken(response_format={"type": "text"})


@pytest.mark.parametrize("scheme", ["https://img.example/a.png", "http://img.example/a.png"])
def test_an_image_elsewhere_is_named_not_fetched(scheme: str) -> None:
    part = {"type": "image_url", "image_url": {"url": scheme, "detail": "low"}}
    assert taken({"role": "user", "content": [part]})["messages"][0]["content"] == [
        {"type": "image", "source": {"type": "url", "url": scheme}}
    ]


def test_an_image_is_named_as_what_its_bytes_are_and_what_is_none_is_refused_with_its_place() -> None:
    def said(url: Any) -> dict[str, Any]:
        return {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image_url", "image_url": {"url": url}}]}

    body = taken(said(f"data:image/jpg;base64,{PNG}"))
    assert body["messages"][0]["content"][1]["source"]["media_type"] == "image/png"
    for wrong in (
        7,
        "",
        "file:///etc/passwd",
        f"data:image/tiff;base64,{PNG}",
        "data:image/png,abc",
        "data:image/png;base64,!!!",
    ):
        assert place_of(said(wrong)) == "messages[0].content[1].image_url"
    assert place_of({**said(PNG), "role": "system"}) == "messages[0].content[1].image_url"


@pytest.mark.parametrize("field", [{"temperature": 1.5}, {"stop": "\n"}, {"reasoning_effort": "enormous"}])
def test_what_anthropic_has_no_place_for_is_refused_by_name(field: dict[str, Any]) -> None:
    assert place_of(**field) == next(iter(field))


def test_half_a_character_is_refused() -> None:
    with pytest.raises(errors.InvalidField, match="surrogate"):
        sent({"role": "user", "content": "a\ud800"})


def test_what_cant_be_done_is_named_and_what_harms_nobody_is_left_out() -> None:
    chat = ChatRequest("m", [Message("user", "Hi")], n=2)
    with pytest.raises(errors.FeatureUnsupported) as caught:
        fit(chat, [], ANTHROPIC.support, who="claude", drop=True)
    assert caught.value.param == "n"
    fitted = fit(ChatRequest("m", [Message("user", "Hi")], seed=1), ["user"], ANTHROPIC.support, who="claude", drop=True)
    assert sorted(fitted.dropped) == ["seed", "user"]
    with pytest.raises(errors.FeatureUnsupported, match="embedding"):
        ANTHROPIC.embeddings_requests({}, deployment())


# Answers

WHOLE = (
    b'{"id":"msg_1","type":"message","role":"assistant","model":"x","content":[{"type":"thinking","thinking":"Hm.","signature":'
    b'"s1"},{"type":"redacted_thinking","data":"zz"},{"type":"text","text":"I "},{"type":"text","text":"look."},{"type":'
    b'"tool_use","id":"toolu_1","name":"f","input":{"n":12345678901234567890}},{"type":"tool_use","id":"toolu_2","name":"g",'
    b'"input":{}},{"type":"glow","content":7}],"stop_reason":"tool_use","usage":{"input_tokens":5,"output_tokens":9,'
    b'"cache_read_input_tokens":3,"cache_creation_input_tokens":2,"output_tokens_details":{"thinking_tokens":4}}}'
)


def test_a_whole_answer_keeps_thoughts_text_calls_and_counts() -> None:
    chunk = ANTHROPIC.chat_answer(WHOLE, deployment(), passes=False)
    thought, redacted, said = chunk.deltas
    assert (thought, redacted) == (Delta(reasoning="Hm.", signature="s1"), Delta(redacted="zz"))
    assert said.content == "I look."
    calls = said.tool_calls or []
    assert [(one.id, one.index, one.function and one.function.arguments) for one in calls] == [
        ("toolu_1", 0, '{"n":12345678901234567890}'),
        ("toolu_2", 1, "{}"),
    ]
    assert chunk.usage == Usage(10, 9, 3, 4, written_in=2)
    assert (chunk.finish, chunk.raw) == ("tool_calls", None)
    assert ANTHROPIC.chat_answer(WHOLE, deployment(), passes=True).raw == WHOLE


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"), ("stop_sequence", "stop"), ("pause_turn", "stop"), ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"), ("refusal", "content_filter"), ("unheard_of", "stop"),
    ],
)  # fmt: skip
def test_each_reason_to_stop_has_its_word(reason: str, finish: str) -> None:
    body = msgspec.json.encode({"content": [], "stop_reason": reason, "stop_sequence": "END"})
    chunk = ANTHROPIC.chat_answer(body, deployment(), passes=False)
    assert (chunk.finish, chunk.usage, chunk.stop_sequence) == (finish, None, "END")


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b"[]", b'{"content":7}', b'{"content":[{"text":"\xff"}]}', b"[" * 9999])
def test_what_is_no_answer_is_a_failure(body: bytes) -> None:
    with pytest.raises(errors.UpstreamFailed):
        ANTHROPIC.chat_answer(body, deployment(), passes=True)


def said_error(status: int, kind: str, message: str = "m", **headers: str) -> errors.GatehouseError:
    body = msgspec.json.encode({"type": "error", "error": {"type": kind, "message": message}})
    return ANTHROPIC.error(status, headers, body, deployment())


def test_errors_keep_their_meaning() -> None:
    later = said_error(529, "overloaded_error", **{"retry-after": "11"})
    assert isinstance(later, errors.UpstreamOverloaded) and later.retry_after_seconds == 11
    limited = said_error(429, "rate_limit_error", **{"retry-after": "7"})
    assert isinstance(limited, errors.UpstreamRateLimited) and limited.retry_after_seconds == 7
    long = said_error(400, "invalid_request_error", "prompt is too long: 215000 tokens > 200000 maximum")
    assert (long.status, long.code_shown) == (400, "context_length_exceeded")
    poor = said_error(400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
    assert isinstance(poor, errors.UpstreamForbidden)
    assert isinstance(said_error(401, "authentication_error"), errors.UpstreamUnauthorized)
    assert isinstance(said_error(404, "not_found_error"), errors.UpstreamModelUnknown)
    assert isinstance(ANTHROPIC.error(502, {}, b"<html>", deployment()), errors.UpstreamFailed)
    assert isinstance(ANTHROPIC.error(302, {}, b"", deployment()), errors.UpstreamFailed)
    with pytest.raises(errors.UpstreamOverloaded):
        ANTHROPIC.chat_answer(b'{"type":"error","error":{"type":"overloaded_error","message":"m"}}', deployment(), passes=True)


def test_models_are_read_from_their_list() -> None:
    asked = ANTHROPIC.models_request(deployment())
    assert asked is not None and asked.path == "/v1/models?limit=1000"
    assert ANTHROPIC.models_answer(b'{"data":[{"id":"a","type":"model"},{"id":"b"}],"has_more":false}') == ["a", "b"]
    with pytest.raises(ValueError, match="no list"):
        ANTHROPIC.models_answer(b'{"models":[]}')


def test_a_call_that_we_gave_out_goes_back_as_it_came() -> None:
    chunk = ANTHROPIC.chat_answer(WHOLE, deployment(), passes=False)
    calls: list[ToolCall] = chunk.deltas[-1].tool_calls or []
    history = [msgspec.to_builtins(Message("assistant", "I look.", tool_calls=calls, thinking_blocks=[SIGNED]))]
    results = [{"role": "tool", "tool_call_id": one.id, "content": "ok"} for one in calls]
    assistant = sent(USER, *history, *results, tools=[CLOCK])["messages"][1]["content"]
    assert assistant[0] == SIGNED
    assert [(block["id"], block["input"]) for block in assistant[2:]] == [
        ("toolu_1", {"n": 12345678901234567890}),
        ("toolu_2", {}),
    ]
