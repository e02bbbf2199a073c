"""A request as its caller sent it, where only placeholders of its values went out."""

from typing import Any

from appliance.chat import rename
from appliance.guardrails.placeholders import Placeholders


def with_values(sent: Any, placeholders: Placeholders) -> Any:
    """A copy with the values in their places again; what was masked stays so. It doesn't count as part of an answer."""
    if not placeholders.is_used:
        return sent
    before = placeholders.times_restored
    copied = _copied(sent, placeholders)
    placeholders.times_restored = before
    return copied


def _copied(node: Any, placeholders: Placeholders) -> Any:
    if isinstance(node, str):
        return placeholders.restored(node)
    if isinstance(node, list):
        return [_copied(one, placeholders) for one in node]
    if not isinstance(node, dict):
        return node
    copied = {name: _copied(value, placeholders) for name, value in node.items()}
    changed = {name: told for name in copied if (told := placeholders.restored(name)) != name}
    if changed:
        rename(copied, changed)
    return copied
