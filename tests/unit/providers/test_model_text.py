"""What models write becomes thoughts, words and calls: the same ones wherever the text is cut, and never more than was held."""

import json
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.providers import hermes_calls, model_text
from appliance.providers.model_text import TextReader, reader_for

RECORDINGS = {path.stem: path.read_text() for path in sorted((Path(__file__).parent / "recordings").glob("*.txt"))}

QWEN = '{%- if tools %}<tools></tools> <tool_call>\n{"name": <function-name>, "arguments": <args-json-object>}\n</tool_call>'
QWEN3 = QWEN + "{{ '<think>\n\n</think>\n\n' }}"
PROMPT = "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
OPEN_PROMPT = PROMPT + "<think>\n"
TOOLS = [{"type": "function", "function": {"name": name}} for name in ("get_weather", "get_time", "write_file")]

PARIS = ("get_weather", {"city": "Paris", "unit": "c"})
TIME: tuple[str, Any] = ("get_time", {})
NO_CALL = RECORDINGS["broken_no_json"]


class Answer(msgspec.Struct):
    """Deltas put together, as a client does it. `arguments` are texts."""

    content: str = ""
    reasoning: str = ""
    names: list[str] = []
    arguments: list[str] = []
    order: str = ""
    has_calls: bool = False

    def add(self, delta: dict[str, Any]) -> None:
        (kind,) = delta
        self.order += "" if self.order.endswith(kind[0]) else kind[0]
        if kind == "content":
            assert delta["content"]
            self.content += delta["content"]
        elif kind == "reasoning_content":
            assert delta["reasoning_content"]
            self.reasoning += delta["reasoning_content"]
        else:
            (call,) = delta["tool_calls"]
            if "id" in call:
                assert call == {
                    "index": len(self.names),
                    "id": "call_" + call["id"][5:],
                    "type": "function",
                    "function": {"name": call["function"]["name"], "arguments": ""},
                }
                assert len(call["id"]) == 29
                self.names.append(call["function"]["name"])
                self.arguments.append("")
            else:
                assert call.keys() == {"index", "function"}
                assert call["function"].keys() == {"arguments"}
                assert call["function"]["arguments"]
                self.arguments[call["index"]] += call["function"]["arguments"]

    @property
    def calls(self) -> list[tuple[str, Any]]:
        return [(name, json.loads(text)) for name, text in zip(self.names, self.arguments, strict=True)]


def read(reader: TextReader, pieces: list[str], *, is_cut: bool = False) -> Answer:
    answer = Answer()
    for piece in pieces:
        for delta in reader.feed(piece):
            answer.add(delta)
        if reader.is_done:
            break
    rest, answer.has_calls = reader.close(is_cut=is_cut)
    for delta in rest:
        answer.add(delta)
    return answer


def qwen(text: str, *, prompt: str = PROMPT, is_cut: bool = False, **fields: Any) -> Answer:
    return read(reader_for(QWEN3, prompt=prompt, tools=TOOLS, **fields), [text], is_cut=is_cut)


def called(*calls: tuple[str, Any], content: str = "", reasoning: str = "") -> tuple[list[tuple[str, Any]], str, str]:
    return list(calls), content, reasoning


CODE = 'def hello(name: str) -> str:\n    return f"Hello, {name}!"\n\nprint(hello("C:\\\\temp"))\n'
THOUGHT = """Okay, the user wants to run a small script. I should call write_file with the code.

The tag <tool_call> must be used for that, so let me write {"name": "write_file"} there."""

EXPECTED: dict[str, tuple[list[tuple[str, Any]], str, str]] = {
    "qwen2.5_single": called(PARIS),
    "qwen2.5_parallel": called(PARIS, ("get_weather", {"city": "New Delhi", "unit": "c"}), TIME),
    "qwen2.5_words_before": called(
        ("get_weather", {"city": "Zürich", "unit": "c"}),
        ("get_weather", {"city": "東京", "unit": "c"}),
        content="I'll look up the weather in both cities for you.",
    ),
    "qwen3_thought_and_call": called(("write_file", {"path": "src/hello.py", "text": CODE}), reasoning=THOUGHT),
    "qwen3_no_thought": called(content="The capital of France is Paris. 2 < 3, and `a <b> c` is no tag."),
    "hermes2pro_arguments_first": called(
        ("get_weather", {"city": "Paris", "unit": "c", "days": [1, 2.5, -300.0, True, None]}), TIME
    ),
    "hermes3_parameters": called(PARIS),
    "hermes3_arguments_as_text": called(PARIS),
    "hermes3_indented_words_after": called(PARIS, content="I have asked for the weather."),
    "broken_brace_missing": called(PARIS),
    "broken_brace_too_many": called(PARIS),
    "broken_unclosed": called(PARIS),
    "broken_line_ends_in_text": called(("write_file", {"path": "a.py", "text": "def f():\n\treturn 1\n"})),
    "broken_inside_the_name": called(content=RECORDINGS["broken_inside_the_name"]),
    "broken_unknown_name": called(content=RECORDINGS["broken_unknown_name"]),
    "broken_no_json": called(content=NO_CALL),
    "broken_quotes_of_python": called(content=RECORDINGS["broken_quotes_of_python"]),
    "broken_two_beginnings": called(TIME, content="<tool_call>\n"),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_a_recorded_answer_is_read_as_it_was_meant(name: str) -> None:
    answer = qwen(RECORDINGS[name])
    assert (answer.calls, answer.content, answer.reasoning) == EXPECTED[name]
    assert answer.has_calls == bool(answer.calls)


def test_every_recording_is_read_by_some_test() -> None:
    elsewhere = {"qwen3_thinking_open_in_prompt", "broken_inside_a_text", "broken_quotes_in_text"}
    assert RECORDINGS.keys() == EXPECTED.keys() | elsewhere


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("prompt", [PROMPT, OPEN_PROMPT], ids=["plain", "open"])
def test_an_answer_reads_the_same_wherever_its_text_is_cut(name: str, prompt: str) -> None:
    text = RECORDINGS[name]
    for is_cut in (False, True):
        whole = qwen(text, prompt=prompt, is_cut=is_cut)
        for cut in range(len(text)):
            reader = reader_for(QWEN3, prompt=prompt, tools=TOOLS)
            assert read(reader, [text[:cut], text[cut:]], is_cut=is_cut) == whole, cut
        for size in (1, 2, 3, 7):
            pieces = [text[at : at + size] for at in range(0, len(text), size)]
            assert read(reader_for(QWEN3, prompt=prompt, tools=TOOLS), pieces, is_cut=is_cut) == whole, size


WORDS = st.sampled_from(
    [
        *(
            "<think>",
            "</think>",
            "<tool_call>",
            "</tool_call>",
            "\n",
            "  ",
            "{",
            "}",
            "[",
            "]",
            ":",
            ",",
            '"',
            "\\",
            "<",
            "x",
            "é",
        ),
        *(
            '{"name": "get_time"',
            '"arguments"',
            '"parameters"',
            '"name"',
            '"get_time"',
            ", ",
            "1.5",
            "true",
            "nul",
            "\\u00e9",
            "\t",
        ),
        *('{"name": "get_weather", "arguments": {"city": "Paris"', '<tool_call>\n{"arguments": {}, "name": "get_time"}'),
        *(" " * 1500, "1" * 600, "[" * 70),
    ]
)


@given(st.lists(WORDS, max_size=14).map("".join), st.lists(st.integers(1, 40), max_size=30), st.booleans(), st.booleans())
@settings(max_examples=600, deadline=None)
def test_any_text_reads_the_same_however_it_is_cut(text: str, sizes: list[int], is_cut: bool, parallel: bool) -> None:
    pieces, at = [], 0
    for size in sizes:
        pieces.append(text[at : at + size])
        at += size
    pieces.append(text[at:])
    whole, cut = (
        read(reader_for(QWEN3, prompt=PROMPT, tools=TOOLS, parallel=parallel), each, is_cut=is_cut) for each in ([text], pieces)
    )
    assert cut == whole
    if whole.has_calls:
        assert all(isinstance(arguments, dict) for _, arguments in whole.calls)


@given(st.lists(WORDS, max_size=14).map("".join))
@settings(max_examples=300, deadline=None)
def test_text_without_marks_of_calls_is_never_changed(text: str) -> None:
    text = text.replace("think>", "").replace("<tool_call>", "")
    answer = qwen(text)
    assert (answer.content, answer.reasoning, answer.names) == (text, "", [])


# Calls


def test_arguments_are_given_out_as_they_come() -> None:
    reader = reader_for(QWEN, prompt=PROMPT, tools=TOOLS)
    assert reader.feed('<tool_call>\n{"name": "get_weather", "argum') == []
    first, piece = reader.feed('ents": {"ci')
    assert first["tool_calls"][0]["function"] == {"name": "get_weather", "arguments": ""}
    assert piece["tool_calls"] == [{"index": 0, "function": {"arguments": '{"ci'}}]
    assert [delta["tool_calls"][0]["function"]["arguments"] for delta in reader.feed('ty": "Par')] == ['ty": "Par']


def test_words_are_given_out_at_once_and_only_what_may_begin_a_call_waits() -> None:
    reader = reader_for(QWEN, prompt=PROMPT, tools=TOOLS)
    assert reader.feed("a < b") == [{"content": "a < b"}]
    assert reader.feed(" <tool") == []
    assert reader.feed("s>") == [{"content": " <tools>"}]


def test_one_call_is_enough_where_only_one_was_wanted() -> None:
    reader = reader_for(QWEN, prompt=PROMPT, tools=TOOLS, parallel=False)
    text = RECORDINGS["qwen2.5_parallel"]
    end = text.index("}") + 1
    is_done = []
    for piece in (text[: end - 1], text[end - 1 : end]):
        reader.feed(piece)
        is_done.append(reader.is_done)
    assert is_done == [False, True]
    assert qwen(text, parallel=False).calls == [PARIS]


def test_a_call_that_was_cut_at_the_bound_is_never_closed_for_it() -> None:
    for text in (RECORDINGS["broken_unclosed"], RECORDINGS["broken_inside_a_text"]):
        answer = qwen(text, is_cut=True)
        assert not answer.has_calls
        assert text.endswith(answer.arguments[0])
    held = '<tool_call>\n{"arguments": {"a": 1}, "name": "get_time"'
    assert qwen(held).calls == [("get_time", {"a": 1})]
    assert qwen(held, is_cut=True).content == held


def test_a_call_that_ends_in_the_middle_of_a_text_is_not_passed_off_as_whole() -> None:
    answer = qwen(RECORDINGS["broken_inside_a_text"])
    assert (answer.names, answer.arguments, answer.has_calls) == (["get_weather"], ['{"city": "Par'], False)


def test_arguments_that_go_wrong_on_their_way_end_there_and_the_rest_is_text() -> None:
    answer = qwen(RECORDINGS["broken_quotes_in_text"])
    assert answer.arguments == ['{"path": "a.py", "text": "print("']
    assert answer.content == 'hi")"}}\n</tool_call>'
    assert not answer.has_calls


def test_a_call_without_arguments_has_none() -> None:
    assert qwen('<tool_call>{"name": "get_time"}</tool_call>').calls == [TIME]
    assert qwen('<tool_call>{"name": "get_time", "arguments": null}</tool_call>').calls == [TIME]
    assert qwen('<tool_call>{"name": "get_time"').names == []


@pytest.mark.parametrize(
    "call",
    [
        '{"name": "get_time", "arguments": [1]}',
        '{"name": "get_time", "arguments": 5}',
        '{"name": "get_time", "arguments": "five"}',
        '{"name": "get_time", "arguments": "[1]"}',
        '{"name": ["get_time"], "arguments": {}}',
        '{"name": 5, "arguments": {"a": 1}}',
        '{"arguments": {}}',
        '["get_time", {}]',
        '"get_time"',
        '{"name": "get_time" "arguments": {}}',
        "{}",
        "",
    ],
)
def test_what_is_no_call_is_text(call: str) -> None:
    text = f"<tool_call>\n{call}\n</tool_call>"
    answer = qwen(text)
    assert (answer.content, answer.names, answer.has_calls) == (text, [], False)


def test_a_call_in_openais_own_form_is_understood() -> None:
    text = '<tool_call>{"type": "function", "function": {"name": "get_time", "arguments": "{}"}}</tool_call>'
    assert qwen(text).calls == [TIME]


def test_half_a_surrogate_pair_stays_an_escape() -> None:
    text = '<tool_call>{"arguments": {"a": "\\ud83d"}, "name": "get_time"}</tool_call>'
    assert qwen(text).arguments == ['{"a": "\\ud83d"}']


def test_without_tools_or_with_a_template_that_knows_no_such_calls_they_are_text() -> None:
    text = RECORDINGS["qwen2.5_single"]
    for reader in (
        reader_for(QWEN, prompt=PROMPT, tools=None),
        reader_for("{{ messages }}", prompt=PROMPT, tools=TOOLS),
        reader_for(QWEN3, prompt=OPEN_PROMPT, tools=TOOLS, plain=True),
    ):
        answer = read(reader, [text])
        assert (answer.content, answer.names) == (text, [])


def test_templates_of_other_families_are_not_taken_for_hermes() -> None:
    assert model_text.reads_calls(QWEN3)
    assert not model_text.reads_calls("{{ tools }}")
    assert not model_text.reads_calls("<tool_call>\n<function=example_function_name>\n<parameter=arguments>")
    assert not model_text.reads_calls("<tool_call>{function-name}\n<arg_key>{arg-key-1}</arg_key> arguments")


# Thoughts


def test_a_thought_opened_by_the_prompt_is_one() -> None:
    answer = qwen(RECORDINGS["qwen3_thinking_open_in_prompt"], prompt=OPEN_PROMPT)
    assert answer.reasoning == "Okay, the user asks for the time. There is a function for that."
    assert (answer.content, answer.calls) == ("", [TIME])


@pytest.mark.parametrize(
    ("text", "prompt", "reasoning", "content"),
    [
        ("<think>\nhm\n</think>\n\nYes.", PROMPT, "hm", "Yes."),
        ("\n <think>hm</think>Yes.\n", PROMPT, "hm", "Yes.\n"),
        ("<think>\n\n</think>\n\nYes.", PROMPT, "", "Yes."),
        ("<think>a</think> <think>b</think> c", PROMPT, "ab", "c"),
        ("</think>\n\nYes.", PROMPT, "", "Yes."),
        ("hm</think>\n\nYes.", OPEN_PROMPT, "hm", "Yes."),
        ("<think>\nhm</think>\n\nYes.", OPEN_PROMPT, "hm", "Yes."),
        ("hm</think></think>Yes.", OPEN_PROMPT, "hm", "Yes."),
        ("hm, what is </thi", OPEN_PROMPT, "hm, what is </thi", ""),
        ("Yes, <think>", PROMPT, "", "Yes, <think>"),
        ("hm</think>Write </think> there.", OPEN_PROMPT, "hm", "Write </think> there."),
        ("No end", OPEN_PROMPT, "No end", ""),
        ("<thin", PROMPT, "", "<thin"),
        ("\n\n", PROMPT, "", "\n\n"),
        ("\n\n", OPEN_PROMPT, "", ""),
    ],
)
def test_thoughts_are_told_apart_without_a_trace_of_their_marks(text: str, prompt: str, reasoning: str, content: str) -> None:
    answer = qwen(text, prompt=prompt)
    assert (answer.reasoning, answer.content) == (reasoning, content)


def test_a_template_without_thoughts_leaves_the_marks_alone() -> None:
    answer = read(reader_for(QWEN, prompt=PROMPT, tools=None), ["<think>x</think>"])
    assert (answer.content, answer.reasoning) == ("<think>x</think>", "")


# Bounds


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"arguments": {"a": "' + "x" * 70_000,
        '<tool_call>{"arguments": {"a": "' + "\n" * 70_000,
        "<tool_call>" + " " * 70_000,
        '<tool_call>{"' + "n" * 70_000,
    ],
)
def test_a_call_whose_name_does_not_come_is_given_back_at_the_bound(text: str) -> None:
    reader = reader_for(QWEN, prompt=PROMPT, tools=TOOLS)
    pieces = [text[at : at + 7] for at in range(0, len(text), 7)]
    held = 0
    for number, piece in enumerate(pieces):
        if found := reader.feed(piece):
            held = number * 7
            assert found[0]["content"].startswith("<tool_call>")
            break
    assert hermes_calls.HELD_CHARACTERS_MAX <= held <= hermes_calls.HELD_CHARACTERS_MAX + 40
    assert qwen(text).content == text


def test_nesting_has_a_bound() -> None:
    deep = '<tool_call>{"name": "get_time", "arguments": {"a": ' + "[" * 100_000
    answer = qwen(deep)
    assert answer.arguments[0].count("[") == hermes_calls.DEPTH_MAX - 2
    assert not answer.has_calls


@pytest.mark.parametrize(
    "text",
    [
        '<tool_call>{"name": "write_file", "arguments": {"text": "' + 'x\\n\\"' * 100_000 + '"}}</tool_call>',
        '<tool_call>{"name": "write_file", "arguments": {"text": "' + "x\n" * 150_000 + '"}}</tool_call>',
        "<tool_call>" * 30_000,
        " " * 400_000,
        " <" * 200_000,
        '<tool_call>{"a": {}' + ', "a": {}' * 40_000,
        '<tool_call>{"name": "get_time", "arguments": {}}' + "}" * 400_000,
        "<think>" + "\n" * 400_000,
        '<tool_call>{"name": "get_time", "arguments": {"a": [' + "1," * 150_000,
    ],
    ids=range(9),
)
def test_cost_grows_with_length_and_no_faster(text: str) -> None:
    def seconds(text: str, size: int) -> float:
        reader = reader_for(QWEN3, prompt=PROMPT, tools=TOOLS)
        started = time.process_time()
        for at in range(0, len(text), size):
            reader.feed(text[at : at + size])
        reader.close()
        return time.process_time() - started

    for size in (4, len(text)):
        assert seconds(text, size) < 30 * seconds(text[: len(text) // 10], size) + 0.3
