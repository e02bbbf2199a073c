"""Whether and how Claude thinks before it answers: from `reasoning_effort` or `thinking` to what each model takes.

Source: platform.claude.com/docs/en/build-with-claude/extended-thinking and adaptive-thinking; the anthropic Python SDK 2.14
(types/thinking_config_*); read 2026-11-26.
Quirks: models up to 4.6, and names that we can't read, take a budget of tokens: at least 1,024 and less than `max_tokens`.
Later ones take only {"type": "adaptive"} with `output_config.effort`, know no temperature, top_p or top_k, and hide the text
unless `display` asks for it. Thinking goes with no forced tool. With a budget, an assistant's turn that called tools must come
back with its signed thinking: where the client lost that, this one call is made without thinking.
"""

import re
from typing import Any

import msgspec

from appliance.chat import ChatRequest, Message
from appliance.errors import InvalidField

TOKENS_OUT_DEFAULT = 4_096  # Anthropic wants a bound on each answer; this holds where a caller gives none
BUDGET_MIN = 1_024
BUDGETS = {"minimal": 1_024, "low": 2_048, "medium": 8_192, "high": 16_384, "xhigh": 32_768, "max": 32_768}
EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh", "max": "max"}

_VERSION = re.compile(r"claude-(?:opus|sonnet|haiku)-(\d{1,2})(?!\d)(?:-(\d{1,2})(?!\d))?")
_ALWAYS_ADAPTIVE = re.compile(r"claude-(?:fable|mythos)-")
_FIRST_ADAPTIVE = (4, 7)
_THOUGHTS = ("thinking", "redacted_thinking")


class Thinking(msgspec.Struct, frozen=True):
    """What a request says about thinking, and the bound on tokens that goes with it. `config` None: nothing is said."""

    config: dict[str, Any] | None
    effort: str | None
    max_tokens: int

    @property
    def is_on(self) -> bool:
        return self.config is not None and self.config["type"] != "disabled"


def is_adaptive(model: str) -> bool:
    """A model that chooses by itself how long it thinks, and takes no sampling parameters."""
    found = _VERSION.search(model)
    if found is None:
        return _ALWAYS_ADAPTIVE.search(model) is not None
    return (int(found[1]), int(found[2] or 0)) >= _FIRST_ADAPTIVE


def thinking(chat: ChatRequest, model: str, turns: list[dict[str, Any]]) -> Thinking:
    """`turns` is the conversation as Anthropic will get it. Errors: InvalidField for an effort or a budget that is none."""
    asked, bound = chat.tokens_out_max, chat.tokens_out_max
    off = Thinking(None, None, TOKENS_OUT_DEFAULT if asked is None else asked)
    wanted = chat.thinking or {}
    kind = wanted.get("type")
    if kind is None and chat.reasoning_effort is None:
        return off
    if kind == "disabled" or (kind is None and chat.reasoning_effort == "none"):
        is_told = _ALWAYS_ADAPTIVE.search(model) is None  # these refuse to be told
        return msgspec.structs.replace(off, config={"type": "disabled"}) if is_told else off
    budget = _budget(wanted, chat.reasoning_effort)
    if _forces_tool(chat):
        return off
    if is_adaptive(model):
        room = TOKENS_OUT_DEFAULT + budget if bound is None else bound
        display = wanted.get("display") or "summarized"
        return Thinking({"type": "adaptive", "display": display}, _effort(chat, wanted, budget), room)
    if kind not in (None, "enabled", "adaptive"):  # newer than this file: its vendor judges it
        return msgspec.structs.replace(off, config=wanted)
    if bound is not None and kind != "enabled":
        budget = min(budget, max(BUDGET_MIN, bound * 4 // 5))
    if bound is not None and kind != "enabled" and bound <= BUDGET_MIN:
        return off
    if _lost_thought(turns):
        return off
    return Thinking({"type": "enabled", "budget_tokens": budget}, None, budget + TOKENS_OUT_DEFAULT if bound is None else bound)


def _budget(wanted: dict[str, Any], effort: str | None) -> int:
    if wanted.get("type") == "enabled":
        budget = wanted.get("budget_tokens", BUDGET_MIN)
        if not isinstance(budget, int) or isinstance(budget, bool) or budget < BUDGET_MIN:
            raise InvalidField(
                f"thinking.budget_tokens must be a whole number of at least {BUDGET_MIN:,}",
                param="thinking.budget_tokens",
                fix="Give more, or leave thinking out.",
            )
        return budget
    if effort is None or effort == "none":
        return BUDGETS["medium"]
    if effort not in BUDGETS:
        raise InvalidField(
            f"reasoning_effort is none of: none, {', '.join(BUDGETS)}", param="reasoning_effort", fix="Choose one of these."
        )
    return BUDGETS[effort]


def _effort(chat: ChatRequest, wanted: dict[str, Any], budget: int) -> str | None:
    """None leaves the model's own default."""
    if wanted.get("type") == "enabled":
        return next((EFFORTS[name] for name, most in BUDGETS.items() if budget <= most), "max")
    return None if chat.reasoning_effort is None else EFFORTS.get(chat.reasoning_effort)


def _forces_tool(chat: ChatRequest) -> bool:
    return bool(chat.tools) and (isinstance(chat.tool_choice, dict) or chat.tool_choice in ("required", "any"))


def _lost_thought(turns: list[dict[str, Any]]) -> bool:
    """The last turn of the assistant called tools, and does not begin with the thought before it, which did not come back."""
    content = next((turn["content"] for turn in reversed(turns) if turn["role"] == "assistant"), "")
    kinds = [] if isinstance(content, str) else [block["type"] for block in content]
    return "tool_use" in kinds and kinds[0] not in _THOUGHTS


def signed_blocks(message: Message) -> list[dict[str, Any]]:
    """The thinking of a turn that its vendor will take back: signed, or readable by the vendor alone."""
    blocks: list[dict[str, Any]] = []
    for block in message.thinking_blocks or ():
        if block.get("type") == "thinking" and isinstance(block.get("signature"), str) and block["signature"]:
            blocks.append({"type": "thinking", "thinking": block.get("thinking") or "", "signature": block["signature"]})
        elif block.get("type") == "redacted_thinking" and isinstance(block.get("data"), str):
            blocks.append({"type": "redacted_thinking", "data": block["data"]})
    named = [block for block in blocks if block["type"] == "thinking"]
    # Collected from our own stream, the text stands apart: deltas tell it as reasoning_content, and the signature alone.
    if len(named) == 1 and not named[0]["thinking"] and message.reasoning_content:
        named[0]["thinking"] = message.reasoning_content
    return blocks
