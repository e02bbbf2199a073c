"""Which strings of a request are read: nothing is taken for a seal, a file or a word of the format that isn't one."""

import json
from typing import Any

import pytest

from appliance.dialects.openai_responses_items import opened, sealed
from appliance.gateway.inspected_texts import readable

EMAIL = "asha.verma@mail.example.in"
WORDS = "the number of the patient is 123-45-6789 and she lives in the house behind the old mill " * 4
SEAL = "EqgfCioIARgCIiQ3YTAwMjY1Mi1mZjM5LTQ1NGUtODgxNC1kNjNjNTk1ZWI3Y" * 2


def read(raw: dict[str, Any], *, system_prompts: bool = True) -> list[str]:
    return [text.value for text in readable(raw, system_prompts=system_prompts).texts]


@pytest.mark.parametrize(
    "name", ["signature", "encrypted_content", "thought_signature", "redacted_thinking", "role", "data", "url"]
)
@pytest.mark.parametrize("value", [EMAIL, "123-45-6789", WORDS, WORDS.replace(" ", "\n"), f"{EMAIL}{' ' * 300}"])
def test_a_text_under_the_name_of_something_else_is_read(name: str, value: str) -> None:
    raw = {"messages": [{"role": "user", "content": [{"type": "text", name: value}]}]}
    assert value in read(raw)


@pytest.mark.parametrize(
    ("name", "value", "kind"),
    [
        ("signature", SEAL, None),
        ("encrypted_content", SEAL + "==", None),
        ("data", SEAL * 3, "file"),
        ("data", "\n".join([SEAL[:76]] * 6) + "\nEqgf==\n", "file"),
        ("url", "data:image/png;base64," + SEAL, "image"),
    ],
)
def test_what_no_person_wrote_is_not_read_and_files_are_named(name: str, value: str, kind: str | None) -> None:
    found = readable({"messages": [{"role": "user", "content": [{"type": "x", name: value}]}]}, system_prompts=True)
    assert [text.value for text in found.texts] == ["x"]
    assert found.unread == ({kind: 1} if kind else {})


def test_a_part_that_calls_itself_a_system_prompt_is_none() -> None:
    """A policy may leave system prompts alone: those of messages, not what a user writes into a part."""
    raw = {
        "messages": [
            {"role": "system", "content": "our own words"},
            {"role": "user", "content": [{"type": "text", "text": EMAIL, "role": "system"}]},
        ]
    }
    assert read(raw, system_prompts=False) == ["text", EMAIL]


def test_thoughts_that_were_sealed_here_are_read_and_sealed_again() -> None:
    blocks = [{"type": "thinking", "thinking": f"It is {EMAIL}", "signature": SEAL}, {"type": "redacted_thinking", "data": SEAL}]
    raw: dict[str, Any] = {"input": [{"type": "reasoning", "encrypted_content": sealed(blocks), "summary": []}]}
    (thought,) = [text for text in readable(raw, system_prompts=True).texts if EMAIL in text.value]
    thought.replace("It is [EMAIL]")
    first, second = opened(raw["input"][0]["encrypted_content"])
    assert (first["thinking"], first["signature"]) == ("It is [EMAIL]", "")
    assert second == blocks[1]


def test_names_of_fields_are_read_and_two_never_become_one() -> None:
    held: dict[str, Any] = {"first": 1, "a@mail.example": {"b@mail.example": "x"}, "b@mail.example": [2], "last": 3}
    raw = {"metadata": held}
    for text in readable(raw, system_prompts=True).texts:
        if "@" in text.value:
            text.replace("[EMAIL]")
    assert json.dumps(held) == json.dumps({"first": 1, "[EMAIL]": {"[EMAIL]": "x"}, "[EMAIL] 2": [2], "last": 3})


def test_long_numbers_are_read_among_arguments_and_nowhere_else() -> None:
    call = {"type": "tool_use", "id": "t", "name": "pay", "input": {"card": 4111111111111111, "count": 3, "is": True}}
    raw = {"seed": 4111111111111111, "messages": [{"role": "assistant", "content": [call]}], "input": [[4111111111111111]]}
    texts = [text for text in readable(raw, system_prompts=True).texts if text.value.isdigit()]
    assert [text.path for text in texts] == [("messages", 0, "content", 0, "input", "card")]
    texts[0].replace("[CREDIT_CARD]")
    assert call["input"] == {"card": "[CREDIT_CARD]", "count": 3, "is": True}
