"""A caller's own Messages body on its way to Anthropic: untouched, but for what Anthropic would refuse through no fault of its.

Quirks: thinking of another vendor's model comes to a caller in Anthropic's form with an empty signature, and comes back so in
the history. Anthropic refuses it, so it is left out. With a budget for thinking, an assistant's last turn that called tools
must begin with its signed thinking: where that was another model's, this one call is made without thinking.
"""

from typing import Any


def passed_on(raw: dict[str, Any], model: str) -> dict[str, Any]:
    """The body to send. The caller's own is not changed, and copied only where something must go."""
    body = {**raw, "model": model}
    messages = raw.get("messages")
    if not isinstance(messages, list) or not any(_unsigned(message) for message in messages):
        return body
    kept = [_without_unsigned(message) if _unsigned(message) else message for message in messages]
    body["messages"] = [message for message in kept if message["content"] != []]
    last = next((place for place in range(len(messages) - 1, -1, -1) if messages[place].get("role") == "assistant"), None)
    if last is not None and _unsigned(messages[last]) and _must_begin_with_thinking(kept[last], raw.get("thinking")):
        del body["thinking"]
    return body


def _blocks(message: Any) -> list[Any]:
    content = message.get("content") if isinstance(message, dict) and message.get("role") == "assistant" else None
    return content if isinstance(content, list) else []


def _is_unsigned(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "thinking" and not block.get("signature")


def _unsigned(message: Any) -> bool:
    return any(_is_unsigned(block) for block in _blocks(message))


def _without_unsigned(message: dict[str, Any]) -> dict[str, Any]:
    return {**message, "content": [block for block in message["content"] if not _is_unsigned(block)]}


def _must_begin_with_thinking(message: dict[str, Any], thinking: Any) -> bool:
    """Anthropic would miss thinking at the beginning of this turn."""
    kinds = [block.get("type") for block in message["content"] if isinstance(block, dict)]
    is_on = isinstance(thinking, dict) and thinking.get("type") == "enabled"
    return is_on and "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")
