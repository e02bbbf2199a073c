"""A chat of another dialect as a body in OpenAI's format.

Quirks: OpenAI refuses fields that it doesn't know, `tools: []`, `tool_choice` without tools, null as the content of a turn
without calls, and a json_schema without a name. A tool's result is text there: images in it follow as a user's message.
"""

from typing import Any

import msgspec

from appliance.chat import ChatRequest, Message
from appliance.providers import call_ids

_REASONING_MODELS = ("o1", "o3", "o4", "gpt-5")  # they take max_completion_tokens only, and know reasoning_effort
_REWRITTEN = ("messages", "max_tokens", "max_completion_tokens", "thinking", "top_k", "min_p")
_MESSAGE_WORDS = ("content", "name", "tool_call_id", "refusal")
_EFFORT_FROM_TOKENS = ((4096, "low"), (16384, "medium"))
_CALL_WORDS = ("id", "type", "function")
_FOREIGN_MARKS = (b'"thinking_blocks"', b'"extra_content"', call_ids.MARK.encode())


class Manners(msgspec.Struct, frozen=True):
    """How a server differs.

    tokens_field:     what it calls the bound on an answer.
    knows_developer:  takes the role; else it is "system".
    takes_reasoning:  wants the text of what was thought back.
    takes_top_k:      and min_p.
    """

    tokens_field: str = "max_completion_tokens"
    knows_developer: bool = True
    takes_reasoning: bool = False
    takes_top_k: bool = False


def reasons(model: str) -> bool:
    """Whether it is one of OpenAI's reasoning models, by its name (a provider's prefix before it is no matter)."""
    return model.rpartition("/")[2].startswith(_REASONING_MODELS)


def body_of(chat: ChatRequest, model: str, manners: Manners) -> dict[str, Any]:
    """The request as this server takes it: what only others know (thinking, signatures) stays here."""
    body: dict[str, Any] = msgspec.to_builtins(chat)
    for name in _REWRITTEN:
        body.pop(name, None)
    body["messages"] = _messages(chat.messages, manners)
    if chat.tokens_out_max is not None:
        body["max_completion_tokens" if reasons(model) else manners.tokens_field] = chat.tokens_out_max
    if manners.takes_top_k:
        body |= {name: getattr(chat, name) for name in ("top_k", "min_p") if getattr(chat, name) is not None}
    effort = _effort(chat.thinking)
    if effort is not None and chat.reasoning_effort is None and reasons(model):
        body["reasoning_effort"] = effort
    if not chat.tools:
        for name in ("tools", "tool_choice", "parallel_tool_calls"):
            body.pop(name, None)
    if not chat.stream:
        body.pop("stream_options", None)
    if chat.top_logprobs is not None:
        body["logprobs"] = True
    if (chat.response_format or {}).get("type") == "json_schema":
        body["response_format"] = _named(body["response_format"])
    return body


def _messages(messages: list[Message], manners: Manners) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    images: list[Any] = []  # of tools' results, told once all of a turn stand there
    for message in messages:
        if images and message.role != "tool":
            found.append({"role": "user", "content": images})
            images = []
        kept = _message(message, manners)
        if message.role == "tool" and isinstance(kept.get("content"), list):
            images += [part for part in kept["content"] if part["type"] == "image_url"]
            texts = [part for part in kept["content"] if part["type"] != "image_url"]
            kept["content"] = texts or "(The result is an image; it follows.)"
        found.append(kept)
    return [*found, {"role": "user", "content": images}] if images else found


def _message(message: Message, manners: Manners) -> dict[str, Any]:
    role = "system" if message.role == "developer" and not manners.knows_developer else message.role
    given = msgspec.to_builtins(message)
    kept: dict[str, Any] = {"role": role, **{name: given[name] for name in _MESSAGE_WORDS if name in given}}
    if "tool_call_id" in kept:
        kept["tool_call_id"] = call_ids.plain(kept["tool_call_id"])
    if message.tool_calls:
        kept["tool_calls"] = [_call(call) for call in given["tool_calls"]]
    if "content" not in kept:
        kept["content"] = None if message.tool_calls else ""
    if manners.takes_reasoning and (thought := _thought(message)):
        kept["reasoning_content"] = kept["reasoning"] = thought  # vLLM's older and newer name
    return kept


def _call(call: dict[str, Any]) -> dict[str, Any]:
    """A call as OpenAI knows it; without a signature that travelled in its id."""
    kept = {name: call[name] for name in _CALL_WORDS if name in call}
    kept["id"] = call_ids.plain(kept.get("id", ""))
    function = kept.get("function", {})
    kept["function"] = {"name": function.get("name", ""), "arguments": function.get("arguments") or "{}"}
    return {**kept, "type": kept.get("type", "function")}


def _thought(message: Message) -> str:
    blocks = [block.get("thinking") for block in message.thinking_blocks or ()]
    return message.reasoning_content or "".join(text for text in blocks if isinstance(text, str))


def _effort(thinking: dict[str, Any] | None) -> str | None:
    """Anthropic's bound on thinking as a word of OpenAI's; None where the model may decide."""
    budget = (thinking or {}).get("budget_tokens")
    if (thinking or {}).get("type") != "enabled" or not isinstance(budget, int):
        return None
    return next((word for bound, word in _EFFORT_FROM_TOKENS if budget < bound), "high")


def _named(wanted: dict[str, Any]) -> dict[str, Any]:
    inner = wanted.get("json_schema")
    return {**wanted, "json_schema": {"name": "answer", **inner}} if isinstance(inner, dict) else wanted


def has_foreign_marks(body: bytes) -> bool:
    """Whether a body that passes through may hold what other vendors put into history."""
    return any(mark in body for mark in _FOREIGN_MARKS)


def without_foreign_marks(messages: list[Any]) -> list[Any]:
    """A caller's history without what OpenAI never wrote: signatures in ids, signed thinking. Everything else is kept."""
    return [_cleaned(message) if isinstance(message, dict) else message for message in messages]


def _cleaned(message: dict[str, Any]) -> dict[str, Any]:
    kept = {name: value for name, value in message.items() if name != "thinking_blocks"}
    if isinstance(kept.get("tool_call_id"), str):
        kept["tool_call_id"] = call_ids.plain(kept["tool_call_id"])
    if isinstance(kept.get("tool_calls"), list):
        calls = [call if isinstance(call, dict) else {} for call in kept["tool_calls"]]
        kept["tool_calls"] = [
            {name: call_ids.plain(value) if name == "id" else value for name, value in call.items() if name != "extra_content"}
            for call in calls
        ]
    return kept
