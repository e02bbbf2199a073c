"""A caller's own Messages body on its way to Anthropic: untouched, but for what Anthropic would refuse through no fault of its.

Quirks: an answer of another vendor's model comes to a caller in Anthropic's form and comes back so in the history. Its thinking
has an empty signature, which Anthropic refuses: it is left out. With a budget for thinking, an assistant's last turn that called
tools must begin with its signed thinking: where that was another model's, this one call is made without. And ids of its calls may
have characters that Anthropic doesn't take, or a signature in them (call_ids.py).
"""

from typing import Any

from appliance.providers import call_ids

_IDS = {"tool_use": "id", "tool_result": "tool_use_id"}
_MENDABLE = ("thinking", *_IDS)  # the kinds of blocks that need a look


def passed_on(raw: dict[str, Any], model: str) -> dict[str, Any]:
    """The body to send. The caller's own is not changed, and copied only where something must."""
    body = {**raw, "model": model}
    messages = raw.get("messages")
    if not isinstance(messages, list):
        return body
    mended = [_mended(message) for message in messages]
    pairs = list(zip(mended, messages, strict=True))
    if all(new is old for new, old in pairs):
        return body
    body["messages"] = [new for new, old in pairs if new is old or new["content"]]
    new, old = next(((new, old) for new, old in reversed(pairs) if old.get("role") == "assistant"), (None, None))
    if _has_lost_its_thinking(new, old, raw.get("thinking")):
        del body["thinking"]
    return body


def _mended(message: Any) -> Any:
    """The very same message where nothing is wrong with it."""
    content = message.get("content") if isinstance(message, dict) else None
    if not isinstance(content, list):
        return message
    may_think = message.get("role") == "assistant"
    kept, is_changed = [], False
    for block in content:
        new = _mended_block(block, may_think) if isinstance(block, dict) and block.get("type") in _MENDABLE else block
        is_changed = is_changed or new is not block
        if new is not None:
            kept.append(new)
    return {**message, "content": kept} if is_changed else message


def _mended_block(block: dict[str, Any], may_think: bool) -> dict[str, Any] | None:
    """None for a block that must go."""
    kind = block["type"]
    if kind == "thinking":
        return None if may_think and _is_unsigned(block) else block
    given = block.get(_IDS[kind])
    if not isinstance(given, str) or not given:
        return block
    safe = call_ids.safe(given)
    return block if safe == given else {**block, _IDS[kind]: safe}


def _is_unsigned(block: Any) -> bool:
    return isinstance(block, dict) and block.get("type") == "thinking" and not block.get("signature")


def _has_lost_its_thinking(new: Any, old: Any, thinking: Any) -> bool:
    """Anthropic would miss thinking at the beginning of the assistant's last turn."""
    if new is old or not (isinstance(thinking, dict) and thinking.get("type") == "enabled"):
        return False
    kinds = [block.get("type") for block in new["content"] if isinstance(block, dict)]
    has_lost = any(_is_unsigned(block) for block in old["content"])
    return has_lost and "tool_use" in kinds and kinds[0] not in ("thinking", "redacted_thinking")
