"""A Messages body that passes through to Anthropic: the caller's own, less the thinking that Anthropic can't have signed."""

import copy
import re
from typing import Any

import msgspec
import pytest

from appliance.errors import InvalidField
from appliance.providers.anthropic import Anthropic
from appliance.providers.anthropic_passing import passed_on
from appliance.providers.wire import Deployment
from tests.fakes.anthropic_rules import OLD_VERSION, Refusal, check, signature_of

DEPLOYMENT = Deployment("c/m", "c", "anthropic", "claude-sonnet-4-6", "https://a.example", "k")
FOREIGN: Any = {"type": "thinking", "thinking": "Hm.", "signature": ""}
SIGNED: Any = {"type": "thinking", "thinking": "Hm.", "signature": signature_of("Hm.")}
REDACTED: Any = {"type": "redacted_thinking", "data": "c2VjcmV0"}
TEXT: Any = {"type": "text", "text": "Let me see."}
CALL: Any = {"type": "tool_use", "id": "a", "name": "f", "input": {}}
RESULT: Any = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "noon"}]}
USER: Any = {"role": "user", "content": "Hi"}
TOOLS: Any = [{"name": "f", "input_schema": {"type": "object"}}]
BUDGET: Any = {"type": "enabled", "budget_tokens": 1024}


def asked(*messages: Any, **more: Any) -> dict[str, Any]:
    return {"model": "c/m", "max_tokens": 2000, "messages": list(messages), **more}


def assistant(*blocks: Any) -> dict[str, Any]:
    return {"role": "assistant", "content": list(blocks)}


def sent(raw: dict[str, Any]) -> dict[str, Any]:
    """What goes out; the caller's own body is as it was, and Anthropic takes what is sent."""
    before = copy.deepcopy(raw)
    body = passed_on(raw, DEPLOYMENT.model)
    assert raw == before
    check(body, OLD_VERSION)
    return body


def test_a_body_without_foreign_thinking_goes_on_as_it_came_but_for_the_model() -> None:
    raw = asked(USER, assistant(SIGNED, REDACTED, TEXT, CALL), RESULT, tools=TOOLS, thinking=BUDGET)
    body = sent(raw)
    assert body == {**raw, "model": "claude-sonnet-4-6"}
    assert body["messages"] is raw["messages"]


@pytest.mark.parametrize("foreign", [FOREIGN, {"type": "thinking", "thinking": "Hm."}, {**FOREIGN, "signature": None}])
def test_thinking_of_another_vendors_model_is_left_out(foreign: dict[str, Any]) -> None:
    with pytest.raises(Refusal):  # as it would be if it went on
        check({**asked(USER, assistant(foreign, TEXT), USER), "model": "claude-sonnet-4-6"}, OLD_VERSION)
    assert sent(asked(USER, assistant(foreign, TEXT), USER))["messages"] == [USER, assistant(TEXT), USER]


def test_a_turn_of_foreign_thinking_alone_is_left_out_whole() -> None:
    assert sent(asked(USER, assistant(FOREIGN), USER))["messages"] == [USER, USER]


def test_a_call_that_would_miss_its_thinking_is_made_without() -> None:
    history = [USER, assistant(FOREIGN, CALL), RESULT]
    with pytest.raises(Refusal):
        check({**asked(USER, assistant(CALL), RESULT, tools=TOOLS, thinking=BUDGET), "model": "claude-sonnet-4-6"}, OLD_VERSION)
    body = sent(asked(*history, tools=TOOLS, thinking=BUDGET))
    assert body["messages"] == [USER, assistant(CALL), RESULT]
    assert "thinking" not in body


@pytest.mark.parametrize(
    "messages",
    [
        [USER, assistant(FOREIGN, TEXT), USER],  # called nothing
        [USER, assistant(FOREIGN, SIGNED, CALL), RESULT],  # has thought under our vendor too
        [USER, assistant(FOREIGN, REDACTED, CALL), RESULT],
        [USER, assistant(FOREIGN, CALL), RESULT, assistant(TEXT), USER],  # long ago
    ],
)
def test_a_call_that_misses_nothing_keeps_its_thinking(messages: list[Any]) -> None:
    assert sent(asked(*messages, tools=TOOLS, thinking=BUDGET))["thinking"] == BUDGET


@pytest.mark.parametrize("foreign", ["functions.get_time:0", "call_1-ts-CiQBAAAA", "x" * 70])
def test_ids_of_another_vendors_calls_are_made_fit(foreign: str) -> None:
    called, answered = {**CALL, "id": foreign}, {**RESULT["content"][0], "tool_use_id": foreign}
    history = [USER, assistant(SIGNED, called, CALL), {"role": "user", "content": [answered, *RESULT["content"]]}]
    messages = sent(asked(*history, tools=TOOLS, thinking=BUDGET))["messages"]
    made = messages[1]["content"][1]["id"]
    assert made == messages[2]["content"][0]["tool_use_id"] != foreign
    assert re.fullmatch(r"[A-Za-z0-9_-]{1,64}", made)
    assert (messages[1]["content"][0], messages[1]["content"][2]) == (SIGNED, CALL)


@pytest.mark.parametrize(
    "content", ["Hi", [], None, 5, [None, 5, {}, {"type": "tool_use"}, {"type": "tool_use", "id": 5}, {"type": []}]]
)
def test_what_is_no_body_at_all_is_for_anthropic_to_judge(content: Any) -> None:
    for raw in ({"messages": content}, asked({"role": "assistant", "content": content}), asked(content)):
        assert passed_on(raw, "m") == {**raw, "model": "m"}


def test_a_count_is_asked_for_with_the_same_body() -> None:
    raw = {"model": "c/m", "messages": [USER, assistant(FOREIGN, TEXT), USER]}
    outgoing = Anthropic().count_request(raw, DEPLOYMENT)
    assert outgoing.path == "/v1/messages/count_tokens"
    body = msgspec.json.decode(outgoing.body)
    assert body == {"model": "claude-sonnet-4-6", "messages": [USER, assistant(TEXT), USER]}
    check(body, OLD_VERSION, counts_only=True)


def test_half_a_character_is_told_before_it_is_sent() -> None:
    with pytest.raises(InvalidField, match="half a character"):
        Anthropic().count_request(asked({"role": "user", "content": "\ud83d"}), DEPLOYMENT)
