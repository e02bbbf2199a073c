"""What nobody should send, before every kind of provider and in every dialect: refused in words, or it arrives as it was sent.

Where caller and provider speak the same format the provider judges, so there the body must arrive untouched. Whatever was sent,
no provider is blamed for it: no circuit opens, and the next request is answered.
"""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.running import Appliance, Fake
from tests.sdk.providers import PROVIDERS

Body = dict[str, Any]
REMOTE = {kind: provider for kind, provider in PROVIDERS.items() if not provider.is_local}
TRANSLATED = ("anthropic", "google", "bedrock")  # from OpenAI's format; before all others it passes
CALLERS_OWN = {"ok", "invalid_field", "unsupported_feature", "upstream_bad_request", "context_length_exceeded"}

USER = {"role": "user", "content": "Hello there"}
OBJECT = {"type": "object", "properties": {"city": {"type": "string"}}}


def tool(parameters: Any, name: str = "get_weather") -> Body:
    return {"tools": [{"type": "function", "function": {"name": name, "parameters": parameters}}]}


def turns(*messages: Body) -> Body:
    return {"messages": list(messages)}


def called(*calls: Body) -> Body:
    return {"role": "assistant", "content": None, "tool_calls": list(calls)}


def call(arguments: str = '{"city":"Pune"}') -> Body:
    return {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": arguments}}


def history(arguments: str) -> Body:
    return {**tool(OBJECT), **turns(USER, called(call(arguments)), RESULT)}


def image(url: Any) -> Body:
    parts = [{"type": "text", "text": "Hello there"}, {"type": "image_url", "image_url": {"url": url}}]
    return turns({"role": "user", "content": parts})


def deep(levels: int) -> Body:
    schema: Body = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}}
    return schema


def base64_of(data: bytes) -> str:
    return base64.b64encode(data).decode()


RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
CYCLE = {"type": "object", "$defs": {"a": {"$ref": "#/$defs/a"}}, "properties": {"x": {"$ref": "#/$defs/a"}}}
NO_IMAGE = base64_of(b"hello, this is no image at all")
MANY_TOOLS = {"tools": [tool(OBJECT, f"tool{number}")["tools"][0] for number in range(300)]}


@pytest.fixture(scope="module")
def fakes(fake: MakeFake) -> dict[str, Fake]:
    made = {name: fake(name) for name in {provider.fake for provider in REMOTE.values()}}
    return {kind: made[provider.fake] for kind, provider in REMOTE.items()}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, fakes: dict[str, Fake]) -> Appliance:
    tables = [{"name": kind, "kind": kind, **provider.table(fakes[kind])} for kind, provider in REMOTE.items()]
    return appliances(settings={"providers": tables})


@pytest.fixture(autouse=True)
def nobody_is_blamed(door: Appliance) -> Iterator[None]:
    yield
    lines = door.call("GET", "/metrics").body.decode().splitlines()
    assert [line for line in lines if line.startswith("gatehouse_circuit_open{") and not line.endswith(" 0.0")] == []
    outcomes = {
        line.partition('outcome="')[2].partition('"')[0] for line in lines if line.startswith("gatehouse_attempts_total{")
    }
    assert outcomes <= CALLERS_OWN


def named(kind: str) -> str:
    return f"{kind}/{REMOTE[kind].model}"


@pytest.fixture(scope="module")
def exempt(door: Appliance) -> str:
    """A key under no policy: whose pictures nobody reads before they go on."""
    key = door.call("POST", "/api/v1/admin/api-keys", {"name": "exempt"}, token=door.owner_token).json
    order = {"subject": {"kind": "key", "id": key["id"]}, "policy": "off", "mode": "replace"}
    assert door.call("POST", "/api/v1/admin/policy-assignments", order, token=door.owner_token).status == 201
    return str(key["key"])


def ask(door: Appliance, kind: str, more: Body | bytes, path: str = "/v1/chat/completions", token: str | None = None) -> Answer:
    start = {"/v1/chat/completions": turns(USER), "/v1/messages": {**turns(USER), "max_tokens": 50}}.get(path, {"input": "Hi"})
    body = more if isinstance(more, bytes) else {"model": named(kind), **start, **more}
    return door.call("POST", path, body, token=token or door.api_key, timeout=15)


def check_refused(answer: Answer, said: str, where: str = "") -> None:
    assert answer.status == 400, answer
    assert said in json.dumps(answer.error, ensure_ascii=False), answer
    assert where in (answer.error["param"] or ""), answer


AT_THE_DOOR = {
    "a tool's schema is a list": (tool([1]), "tools[0].function.parameters", "got array"),
    "a tool's schema is text": (tool("x"), "tools[0].function.parameters", "got str"),
    "a tool is null": ({"tools": [None]}, "tools[0]", "got null"),
    "2,000 tools": ({"tools": tool(OBJECT)["tools"] * 2_000}, "tools", "1024"),
    "tool_choice is a number": ({**tool(OBJECT), "tool_choice": 5}, "tool_choice", "got int"),
    "an image that is text in the wrong place": (
        turns({"role": "user", "content": [{"type": "image_url", "image_url": "x"}]}), "messages[0].content[0]", "got str",
    ),
    "no messages": ({"messages": []}, "messages", "length >= 1"),
    "messages are text": ({"messages": "hi"}, "messages", "got str"),
    "a role nobody has": (turns({"role": "wizard", "content": "x"}), "messages[0].role", "wizard"),
    "a lone surrogate in a text": (turns({"role": "user", "content": "a\ud800b c d e f"}), "", "surrogate"),
    "a lone surrogate at the end": (turns({"role": "user", "content": "a\ud800"}), "", "broken \\\\u escape"),
    "a lone surrogate in a name": (tool(OBJECT, "get\ud800 weather"), "", "surrogate"),
    "a lone surrogate in arguments": (history('{"city":"\ud800 and more"}'), "", "surrogate"),
    "n=0": ({"n": 0}, "n", ">= 1"),
    "n=-1": ({"n": -1}, "n", ">= 1"),
    "n=129": ({"n": 129}, "n", "<= 128"),
    "temperature is no number": ({"temperature": float("nan")}, "", "no valid JSON"),
    "temperature=-1": ({"temperature": -1}, "temperature", ">= 0"),
    "max_tokens=-1": ({"max_tokens": -1}, "max_tokens", ">= 0"),
    "1,000 stops": ({"stop": [f"s{number}" for number in range(1_000)]}, "stop", "at most 16"),
}  # fmt: skip


@pytest.mark.parametrize("what", AT_THE_DOOR)
def test_it_is_refused_before_any_provider_sees_it(door: Appliance, fakes: dict[str, Fake], what: str) -> None:
    more, where, said = AT_THE_DOOR[what]
    for kind in REMOTE:
        fakes[kind].forget()
        check_refused(ask(door, kind, more), said, where)
        assert fakes[kind].seen() == []


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [("temperature", b"1e400", "out of range"), ("metadata", b'{"a":' * 30_000 + b"1" + b"}" * 30_000, "nested")],
    ids=["1e400", "deep JSON"],
)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_json_beyond_all_bounds_is_refused_in_every_dialect(
    door: Appliance, path: str, field: str, value: bytes, said: str
) -> None:
    fields = {"/v1/responses": {"input": "Hi"}, "/v1/messages": {**turns(USER), "max_tokens": 5}}.get(path, turns(USER))
    whole = json.dumps({"model": named("openai"), **fields, field: "HERE"}).encode().replace(b'"HERE"', value)
    answer = ask(door, "openai", whole, path)
    assert answer.status == 400, answer
    assert said in answer.json["error"]["message"]


@pytest.mark.parametrize("kind", REMOTE)
def test_an_image_at_an_address_is_fetched_by_nobody_here(door: Appliance, fakes: dict[str, Fake], kind: str) -> None:
    answer = ask(door, kind, image(f"{fakes[kind].url}/x.png"))
    if kind in ("google", "bedrock"):
        check_refused(answer, "data: URL", "messages[0].content[1].image_url.url")
    else:
        assert answer.status == 200, answer
    assert [seen.path for seen in fakes[kind].seen(methods=["GET"]) if seen.path.endswith("x.png")] == []


@pytest.mark.parametrize("kind", REMOTE)
def test_a_huge_image_arrives_whole_or_is_too_long(door: Appliance, fakes: dict[str, Fake], kind: str, exempt: str) -> None:
    huge = base64_of(b"\x89PNG\r\n\x1a\n" + bytes(6_000_000))
    answer = ask(door, kind, image(f"data:image/png;base64,{huge}"), token=exempt)
    if kind == "bedrock":
        check_refused(answer, "too long")
        assert answer.error["code"] == "context_length_exceeded"
    else:
        assert answer.status == 200, answer
    assert huge in fakes[kind].last().body
    fakes[kind].forget()


# What the three that are translated to say: one saying for all, or one each; None where it is answered.
TRANSLATIONS = {
    "a schema of text": (tool({"type": "string"}), "tools[0].function.parameters", "object"),
    "a schema whose properties are a list": (tool({"type": "object", "properties": [1]}), "tools[0].function", "object"),
    "a schema whose type is a number": (tool({"type": 7}), "tools[0].function.parameters", "type"),
    "a tool's name with blanks": (tool(OBJECT, "get the weather"), "", "name"),
    "a tool's name of 300 letters": (tool(OBJECT, "n" * 300), "", "name"),
    "a tool's name with a NUL": (tool(OBJECT, "a\0b"), "", "name"),
    "a tool without a name": (tool(OBJECT, ""), "tools[0].function", "name"),
    "a tool of a kind nobody has": ({"tools": [{"type": "wizard"}]}, "tools[0]", "wizard"),
    "a result without a call": ({**tool(OBJECT), **turns(USER, RESULT)}, "messages[1].tool_call_id", "call"),
    "a result twice": ({**tool(OBJECT), **turns(USER, called(call()), RESULT, RESULT)}, "messages[3].tool_call_id", "call"),
    "a call without a result": ({**tool(OBJECT), **turns(USER, called(call()))}, "messages[1].tool_calls[0]", "result"),
    "a call and then a user": ({**tool(OBJECT), **turns(USER, called(call()), USER)}, "messages[1].tool_calls[0]", "result"),
    "two calls with one id": (
        {**tool(OBJECT), **turns(USER, called(call(), call()), RESULT, RESULT)}, "messages[1].tool_calls[1]", "same id",
    ),
    "an image in bad base64": (image("data:image/png;base64,@@@!"), "messages[0].content[1].image_url", "image"),
    "an image that isn't one": (
        image(f"data:image/png;base64,{NO_IMAGE}"), "", {"anthropic": "process image", "google": None, "bedrock": "no image"},
    ),
    "an image that is a file here": (image("file:///etc/passwd"), "messages[0].content[1].image_url", "image"),
    "an image that is text": (image(f"data:text/plain;base64,{NO_IMAGE}"), "messages[0].content[1].image_url", "image"),
    "an image of nothing": (image(""), "messages[0].content[1].image_url", "image"),
    "an image that is a number": (image(5), "messages[0].content[1].image_url", "image"),
    "content is ''": (turns({"role": "user", "content": ""}), "messages", "messages"),
    "content is []": (turns({"role": "user", "content": []}), "messages", "messages"),
    "content is null": (turns({"role": "user", "content": None}), "messages", "messages"),
    "arguments that are no JSON": (history("not json"), "messages[1].tool_calls[0]", "arguments"),
    "arguments that are a list": (history("[1]"), "messages[1].tool_calls[0]", "arguments"),
    "arguments with a raw NUL": (history('{"a":"\0"}'), "messages[1].tool_calls[0]", "arguments"),
    "arguments with half a surrogate": (history('{"a":"\\ud800"}'), "messages[1].tool_calls[0]", "arguments"),
    "arguments 5,000 deep": (history('{"a":' + "[" * 5_000 + "]" * 5_000 + "}"), "messages[1].tool_calls[0]", "arguments"),
    "temperature=3": ({"temperature": 3}, "", "temperature"),
    "max_tokens=2**63": ({"max_tokens": 2**63}, "", {"anthropic": None, "google": "maxOutputTokens", "bedrock": None}),
    "a tool_choice of no tool": (
        {**tool(OBJECT), "tool_choice": {"type": "function", "function": {"name": "nope"}}}, "tool_choice", "tool_choice",
    ),
    "a response_format nobody has": ({"response_format": {"type": "wizard"}}, "response_format", "response_format"),
}  # fmt: skip


@pytest.mark.parametrize("what", TRANSLATIONS)
def test_a_translation_refuses_it_by_name_and_whoever_speaks_the_format_gets_it_untouched(
    door: Appliance, fakes: dict[str, Fake], what: str
) -> None:
    more, where, says = TRANSLATIONS[what]
    for kind in REMOTE:
        answer = ask(door, kind, more)
        said = says[kind] if isinstance(says, dict) and kind in says else says
        if kind not in TRANSLATED:
            got = fakes[kind].last().json
            assert {name: got[name] for name in more} == more
            assert answer.status in (200, 400), answer
            assert answer.status == 200 or answer.error["message"]
        elif said is None:
            assert answer.status == 200, answer
        else:
            check_refused(answer, said, where)


ANSWERED: dict[str, tuple[Body, tuple[str, ...]]] = {
    "300 tools": (MANY_TOOLS, ("tool0", "tool299")),
    "a schema that refers to itself": (tool(CYCLE), ("get_weather",)),
    "a schema 90 deep": (tool(deep(90)), ("get_weather",)),
    "a system prompt in the middle": (
        turns(USER, {"role": "assistant", "content": "ok"}, {"role": "system", "content": "Be brief."}, USER),
        ("Be brief.", "ok", "Hello there"),
    ),
    "nothing but a system prompt": (turns({"role": "system", "content": "Be brief."}), ("Be brief.",)),
    "an assistant who says nothing": (turns(USER, {"role": "assistant", "content": ""}, USER), ("Hello there",)),
    "line separators": (turns({"role": "user", "content": "a\u2028b\u2029c\u0085d"}), ("a\u2028b\u2029c\u0085d",)),
    "NUL characters": (turns({"role": "user", "content": "a\0b"}), ("a\\u0000b",)),
    "arguments of nothing": (history(""), ("sunny",)),
    "separators in arguments and results": (
        {**tool(OBJECT), **turns(USER, called(call('{"city":"a\u2028b\u0085"}')), {**RESULT, "content": "c\u2029d"})},
        ("a\u2028b\u0085", "c\u2029d"),
    ),
}


@pytest.mark.parametrize("what", ANSWERED)
def test_it_is_odd_but_arrives_whole_and_is_answered(door: Appliance, fakes: dict[str, Fake], what: str) -> None:
    more, arrives = ANSWERED[what]
    for kind in REMOTE:
        answer = ask(door, kind, more)
        assert answer.status == 200, (kind, answer)
        got = json.dumps(fakes[kind].last().json, ensure_ascii=False)
        assert [text for text in arrives if text not in got] == [], kind


@pytest.mark.parametrize("kind", REMOTE)
@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/messages", "/v1/responses"])
def test_line_separators_break_no_stream(door: Appliance, kind: str, path: str) -> None:
    odd = "one\u2028two\u2029three\u0085four\x1cfive\x0bsix"
    more = {"input": odd} if path == "/v1/responses" else turns({"role": "user", "content": odd})
    start = {"max_tokens": 50} if path == "/v1/messages" else {}
    body = {"model": named(kind), "stream": True, **start, **more}
    with door.stream("POST", path, body, token=door.api_key) as stream:
        assert stream.status == 200
        events = [event.json for event in stream.events() if event.data not in (None, b"[DONE]")]
    pieces = [
        *(choice["delta"].get("content") or "" for event in events for choice in event.get("choices") or ()),
        *(event["delta"].get("text", "") for event in events if event.get("type") == "content_block_delta"),
        *(event["delta"] for event in events if event.get("type") == "response.output_text.delta"),
    ]
    assert "".join(pieces) == f"You said: {odd}"


USE = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {"city": "Pune"}}
ANSWER = {"type": "tool_result", "tool_use_id": "toolu_1", "content": "sunny"}
MESSAGES = {
    "a schema that is text": ({"tools": [{"name": "x", "input_schema": "x"}]}, "tools.0"),
    "a result without a call": (turns({"role": "user", "content": [ANSWER]}), "tool_use_id"),
    "an input that is text": (turns(USER, {"role": "assistant", "content": [{**USE, "input": "x"}]}), "content.0.input"),
    "an image whose source is text": (
        turns({"role": "user", "content": [{"type": "image", "source": "x"}]}), "messages.0.content.0.source",
    ),
    "an image that is text": (
        turns({"role": "user", "content": [
            {"type": "image", "source": {"type": "base64", "media_type": "text/plain", "data": NO_IMAGE}}
        ]}), "messages.0.content.0.source",
    ),
    "no messages": ({"messages": []}, "messages"),
    "content is null": (turns({"role": "user", "content": None}), "messages[0].content"),
    "a block without a type": (turns({"role": "user", "content": [{}]}), "messages.0.content.0.type"),
    "a block that nobody has": (turns({"role": "user", "content": [{"type": "wizard"}]}), "wizard"),
    "a lone surrogate": (turns({"role": "user", "content": "a\ud800 b c d e"}), "surrogate"),
    "max_tokens=-1": ({"max_tokens": -1}, "max_tokens"),
    "no max_tokens": ({"max_tokens": None}, "max_tokens"),
    "temperature=3": ({"temperature": 3}, "temperature"),
    "a tool_choice of no tool": (
        {"tools": [{"name": "x", "input_schema": OBJECT}], "tool_choice": {"type": "tool", "name": "nope"}}, "tool",
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", MESSAGES)
def test_messages_refuses_it_in_anthropics_words(door: Appliance, what: str) -> None:
    more, said = MESSAGES[what]
    for kind in REMOTE:
        answer = ask(door, kind, more, "/v1/messages")
        assert answer.status == 400, (kind, answer)
        assert (answer.json["type"], answer.json["error"]["type"]) == ("error", "invalid_request_error")
        assert said in answer.json["error"]["message"].lower() or said in answer.json["error"]["message"], (kind, answer)


CALL_ITEM = {"type": "function_call", "call_id": "c1", "name": "get_weather", "arguments": "{}"}
RESPONSES = {
    "a schema that is text": ({"tools": [{"type": "function", "name": "x", "parameters": "x"}]}, "tools[0]", "got str"),
    "a result without a call": (
        {"input": [USER, {"type": "function_call_output", "call_id": "c1", "output": "x"}]}, "input", "No tool call found",
    ),
    "a call without a result": ({"input": [USER, CALL_ITEM]}, "input", "No tool output found"),
    "no input": ({"input": []}, "input", "length >= 1"),
    "content is null": ({"input": [{"role": "user", "content": None}]}, "input[0].content", "got null"),
    "an item that is a number": ({"input": [5]}, "input[0]", "got int"),
    "an item that nobody has": ({"input": [{"type": "wizard"}]}, "input", "nothing that a model could answer"),
    "a lone surrogate": ({"input": "a\ud800 b c d e f"}, "", "surrogate"),
    "max_output_tokens=-1": ({"max_output_tokens": -1}, "max_output_tokens", ">= 1"),
    "temperature=3": ({"temperature": 3}, "temperature", "<= 2"),
}  # fmt: skip


@pytest.mark.parametrize("what", RESPONSES)
def test_responses_refuses_it_by_name(door: Appliance, what: str) -> None:
    more, where, said = RESPONSES[what]
    for kind in REMOTE:
        check_refused(ask(door, kind, more, "/v1/responses"), said, where)


@pytest.mark.parametrize("kind", REMOTE)
def test_after_all_of_this_everybody_answers(door: Appliance, kind: str) -> None:
    assert ask(door, kind, {}).content == "You said: Hello there"
