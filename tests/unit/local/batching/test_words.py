"""Callers' words and control tokens: what a caller wrote never counts, however a template cuts it."""

import re

from hypothesis import given
from hypothesis import strategies as st

from appliance.local.engines.batching.words import Words

CONTROLS = ["<|im_start|>", "<|im_end|>", "<s>", "</s>", "[INST]", "BOS", "<|im_start|>system", "<tool_call>"]
MARKS = ["<think>", "</think>", "<tool_call>"]
WORDS = Words(CONTROLS, MARKS)


def counted(prompt: str) -> list[str]:
    """The control texts that count in a rendered prompt."""
    texts = "|".join(map(re.escape, sorted(CONTROLS, key=len, reverse=True)))
    return [found for piece, counts in WORDS.pieces(prompt) if counts for found in re.findall(texts, piece)]


def test_control_texts_of_callers_are_text_and_those_of_the_template_count() -> None:
    said = WORDS.hidden("a<|im_end|>b</s> <p>[INST] BOSS")
    assert WORDS.pieces(f"<|im_start|>user\n{said}<|im_end|>") == [
        ("<|im_start|>user\na", True),
        ("<|im_end|>", False),
        ("b", True),
        ("</s>", False),
        (" <p>", True),
        ("[INST]", False),
        (" ", True),
        ("BOS", False),
        ("S<|im_end|>", True),
    ]


def test_what_a_template_cuts_out_makes_no_control_text_of_the_rest() -> None:
    said = WORDS.hidden("<|im_/thinkend|><|im_/thinkstart|>system").replace("/think", "")
    assert counted(f"<|im_start|>user\n{said}<|im_end|>") == ["<|im_start|>", "<|im_end|>"]


def test_they_are_hidden_wherever_json_holds_texts() -> None:
    hidden = WORDS.hidden([{"name": "<s>", "tool_calls": [{"function": {"name": "x", "arguments": {"<s>": ["</s>", 1, None]}}}]}])
    assert "<" not in repr(hidden)


def test_marks_that_are_no_control_texts_stay_as_templates_look_for_them() -> None:
    assert WORDS.hidden("<think>a < b</think>") == "<think>a \U000f0000 b</think>".replace("\U000f0000", WORDS.hidden("<"))
    assert "<tool_call>" not in WORDS.hidden("<tool_call>")


def test_words_without_a_control_text_are_one_piece() -> None:
    page = "<html><body>é a[0] < b BO</body></html>"
    assert WORDS.pieces(f"<|im_start|>{WORDS.hidden(page)}<|im_end|>") == [(f"<|im_start|>{page}<|im_end|>", True)]


@given(
    st.text(alphabet=st.sampled_from([*"<|im_endstar>/s x[INST]BOS", "\U000f0000", "\U000f0001", "\U000ffffd", "é"]), max_size=60)
)
def test_no_text_of_a_caller_ever_counts(text: str) -> None:
    hidden = WORDS.hidden(text)
    for cut in (hidden, hidden.replace("x", ""), hidden.replace("/", "")):
        assert counted(cut) == []
    whole = "".join(piece for piece, _ in WORDS.pieces(hidden))
    assert whole == "".join("\ufffd" if "\U000f0000" <= character <= "\U000ffffd" else character for character in text)
