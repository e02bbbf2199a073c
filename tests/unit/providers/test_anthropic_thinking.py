"""What a request for reasoning becomes, model by model."""

from typing import Any

import msgspec
import pytest

from appliance import errors
from appliance.chat import ChatRequest
from appliance.providers.anthropic_request import body_of
from appliance.providers.anthropic_thinking import is_adaptive
from tests.fakes.anthropic_rules import OLD_VERSION, check, signature_of

OLD, NEW = "claude-sonnet-4-5", "claude-opus-5-5"
USER = {"role": "user", "content": "Hi"}
CLOCK = {"type": "function", "function": {"name": "get_time"}}
FORCED = {"type": "function", "function": {"name": "get_time"}}
CALL = {"id": "c1", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
RESULT = {"role": "tool", "tool_call_id": "c1", "content": "noon"}


def sent(model: str, *messages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = body_of(msgspec.convert({"model": "m", "messages": messages or [USER], **fields}, ChatRequest), model)
    check(body, OLD_VERSION)
    return body


@pytest.mark.parametrize(
    ("model", "adaptive"),
    [
        ("claude-sonnet-4-5", False), ("claude-opus-4-20250514", False), ("claude-3-7-sonnet-20250219", False),
        ("claude-opus-4-6", False), ("claude-opus-4-7", True), ("claude-sonnet-5", True), ("claude-haiku-5-5", True),
        ("claude-fable-5", True), ("anthropic/claude-opus-4-8-20260528", True), ("something-else", False),
    ],
)  # fmt: skip
def test_a_models_name_tells_how_it_thinks(model: str, adaptive: bool) -> None:
    assert is_adaptive(model) is adaptive


def test_an_effort_is_a_budget_below_the_bound_on_older_models_and_a_word_on_newer_ones() -> None:
    old = sent(OLD, reasoning_effort="medium", temperature=0.3, top_k=4)
    assert (old["thinking"], old["max_tokens"]) == ({"type": "enabled", "budget_tokens": 8192}, 12288)
    assert not {"temperature", "top_k"} & set(old)
    assert sent(OLD, reasoning_effort="high", max_tokens=2000)["thinking"]["budget_tokens"] == 1600
    new = sent(NEW, reasoning_effort="minimal", temperature=0.3, top_p=0.4)
    assert (new["thinking"], new["output_config"]) == ({"type": "adaptive", "display": "summarized"}, {"effort": "low"})
    assert not {"temperature", "top_p"} & set(new)


@pytest.mark.parametrize(
    "fields",
    [
        {"reasoning_effort": "low", "max_tokens": 1024},
        {"reasoning_effort": "low", "tools": [CLOCK], "tool_choice": "required"},
        {"reasoning_effort": "low", "tools": [CLOCK], "tool_choice": FORCED},
        {"thinking": {"type": "enabled", "budget_tokens": 2000}, "tools": [CLOCK], "tool_choice": FORCED},
        {},
    ],
)
def test_thinking_is_left_out_where_it_cant_be(fields: dict[str, Any]) -> None:
    assert "thinking" not in sent(OLD, **fields)


def test_thinking_can_be_switched_off() -> None:
    for fields in ({"reasoning_effort": "none"}, {"thinking": {"type": "disabled"}}):
        assert sent(NEW, **fields)["thinking"] == {"type": "disabled"}
        assert "thinking" not in body_of(
            msgspec.convert({"model": "m", "messages": [USER], **fields}, ChatRequest), "claude-fable-5"
        )


def test_a_callers_own_budget_holds_or_is_refused() -> None:
    asked = {"type": "enabled", "budget_tokens": 3000}
    assert sent(OLD, thinking=asked)["max_tokens"] == 7096
    assert sent(NEW, thinking=asked)["output_config"] == {"effort": "medium"}
    assert sent(OLD, thinking={"type": "adaptive"})["thinking"] == {"type": "enabled", "budget_tokens": 8192}
    for budget in (100, "many", True):
        with pytest.raises(errors.InvalidField, match="budget_tokens"):
            sent(OLD, thinking={"type": "enabled", "budget_tokens": budget})


def test_signed_thinking_goes_back_unchanged_and_without_it_the_call_is_made_unthinking() -> None:
    block = {"type": "thinking", "thinking": "Hm.", "signature": signature_of("Hm.")}
    turn = {"role": "assistant", "tool_calls": [CALL]}
    kept = sent(OLD, USER, {**turn, "thinking_blocks": [block]}, RESULT, tools=[CLOCK], reasoning_effort="low")
    assert kept["messages"][1]["content"][0] == block
    assert kept["thinking"]["type"] == "enabled"
    for lost in (turn, {**turn, "thinking_blocks": [{**block, "signature": ""}]}, {**turn, "reasoning_content": "Hm."}):
        body = sent(OLD, USER, lost, RESULT, tools=[CLOCK], reasoning_effort="low")
        assert "thinking" not in body
        assert [part["type"] for part in body["messages"][1]["content"]] == ["tool_use"]
    assert sent(NEW, USER, turn, RESULT, tools=[CLOCK], reasoning_effort="low")["thinking"]["type"] == "adaptive"


def test_a_signature_that_came_apart_from_its_text_in_a_stream_finds_it_again() -> None:
    apart = {"type": "thinking", "thinking": "", "signature": signature_of("Hm.")}
    turn = {"role": "assistant", "reasoning_content": "Hm.", "thinking_blocks": [apart], "tool_calls": [CALL]}
    body = sent(OLD, USER, turn, RESULT, tools=[CLOCK], reasoning_effort="low")
    assert body["messages"][1]["content"][0]["thinking"] == "Hm."
