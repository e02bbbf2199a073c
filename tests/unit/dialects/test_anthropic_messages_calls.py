"""When a call's input is whole, however it is cut."""

import json

import pytest

from appliance.chat import FunctionCall, ToolCall
from appliance.dialects.anthropic_messages_calls import Brackets, CallOrder

INPUT = json.dumps({"path": 'C:\\"x"\\', "more": [{"}": "]"}, [], "\\\\"], "empty": {}})


@pytest.mark.parametrize("cut", range(1, len(INPUT)))
def test_brackets_are_open_until_the_last_one_wherever_the_text_is_cut(cut: int) -> None:
    brackets = Brackets()
    brackets.add(INPUT[:cut])
    assert brackets.are_open
    brackets.add("")
    brackets.add(INPUT[cut:])
    assert not brackets.are_open


def test_brackets_read_a_letter_at_a_time() -> None:
    brackets = Brackets()
    open_at_each = []
    for letter in INPUT:
        brackets.add(letter)
        open_at_each.append(brackets.are_open)
    assert open_at_each == [True] * (len(INPUT) - 1) + [False]


@pytest.mark.parametrize(
    ("pieces", "whole"),
    [
        (["{}"], True),
        (['{"a": 1', "}"], True),
        (['"', "}"], False),
        (['{"a" 1}'], False),
        (["{}", "{}"], False),
        (["1"], False),
        ([], False),
    ],
)
def test_a_calls_input_is_whole_once_it_is_json(pieces: list[str], whole: bool) -> None:
    calls = CallOrder()
    calls.add(ToolCall("call_1", "function", FunctionCall("f", ""), 0))
    for piece in pieces:
        calls.add(ToolCall(function=FunctionCall("", piece), index=0))
    assert calls.is_whole() is whole
