"""Any conversation at all: either it is told what is wrong with it, or Anthropic takes what is made of it."""

from typing import Any

import msgspec
from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from appliance.chat import ChatRequest
from appliance.errors import BadRequest
from appliance.providers.anthropic_request import body_of
from tests.fakes.anthropic_rules import OLD_VERSION, check, signature_of

TEXTS = st.sampled_from(["", " ", "Hi", "Hi \n", "U+2028 \u2028", "\u00a0"])
IDS = st.sampled_from(["a", "b", "odd|id", "a" * 70, "g-ts-AAAA"])
BLOCKS = [{"type": "thinking", "thinking": "Hm.", "signature": signature_of("Hm.")}]
CONTENTS = TEXTS | st.none() | st.lists(TEXTS.map(lambda text: {"type": "text", "text": text}), max_size=3)


def calls(ids: list[str]) -> list[dict[str, Any]]:
    return [{"id": one, "type": "function", "function": {"name": "f", "arguments": "{}"}} for one in ids]


MESSAGES = st.one_of(
    st.fixed_dictionaries({"role": st.sampled_from(["system", "developer", "user"]), "content": CONTENTS}),
    st.fixed_dictionaries(
        {"role": st.just("assistant"), "content": CONTENTS},
        optional={"tool_calls": st.lists(IDS, max_size=2, unique=True).map(calls), "thinking_blocks": st.just(BLOCKS)},
    ),
    st.fixed_dictionaries({"role": st.just("tool"), "tool_call_id": IDS, "content": CONTENTS}),
)


@st.composite
def rounds(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Calls, and the result of each, in any order; or any message."""
    ids = draw(st.lists(IDS, max_size=3, unique=True))
    if not ids:
        return [draw(MESSAGES)]
    assistant = {"role": "assistant", "content": draw(CONTENTS), "tool_calls": calls(ids)}
    if draw(st.booleans()):
        assistant["thinking_blocks"] = BLOCKS
    answered = draw(st.permutations(ids))
    return [assistant, *({"role": "tool", "tool_call_id": one, "content": draw(CONTENTS)} for one in answered)]


CONVERSATIONS = st.lists(rounds(), min_size=1, max_size=6).map(lambda found: [one for messages in found for one in messages])
TOOLS = st.sampled_from([None, [{"type": "function", "function": {"name": "f"}}]])
EFFORTS = st.sampled_from([None, "none", "low", "high"])
MODELS = st.sampled_from(["claude-sonnet-4-6", "claude-opus-5-5", "some-model"])
CHOICES = st.sampled_from([None, "auto", "required", "none"])


def attempted(chat: ChatRequest, model: str) -> tuple[dict[str, Any], BadRequest | None]:
    try:
        return body_of(chat, model), None
    except BadRequest as refused:
        return {}, refused


# An empty turn and a second one of the assistant's behind a call whose thought was lost: all one turn to Anthropic.
LOST = [{"role": "assistant", "tool_calls": calls(["a"])}, {"role": "tool", "tool_call_id": "a", "content": ""}]
SPLIT = [
    {"role": "assistant", "content": "I look."},
    {"role": "assistant", "tool_calls": calls(["a"]), "thinking_blocks": BLOCKS},
]


@settings(max_examples=400)
@example([*LOST, {"role": "assistant"}], None, None, "low", "some-model", None)
@example([*SPLIT, LOST[1]], None, None, "low", "some-model", None)
@given(CONVERSATIONS, TOOLS, CHOICES, EFFORTS, MODELS, st.sampled_from([None, 1, 1500, 9000]))
def test_a_conversation_is_refused_with_its_place_or_taken(
    messages: list[Any], tools: Any, choice: Any, effort: Any, model: str, bound: Any
) -> None:
    asked = {"tools": tools, "tool_choice": choice, "reasoning_effort": effort, "max_tokens": bound, "temperature": 0.7}
    chat = msgspec.convert({"model": "m", "messages": messages, **asked}, ChatRequest)
    body, refused = attempted(chat, model)
    event("taken" if refused is None else "refused")
    if refused is not None:
        assert refused.param is not None and refused.fix
        return
    check(msgspec.json.decode(msgspec.json.encode(body)), OLD_VERSION)
