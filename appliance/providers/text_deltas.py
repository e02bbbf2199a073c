"""OpenAI's deltas as plain dicts, collected: neighbours of one kind become one, at a cost that grows with the text alone."""

import secrets
from typing import Any


def new_call_id() -> str:
    return f"call_{secrets.token_hex(12)}"


class TextDeltas:
    """What one feed found. Empty texts leave no delta."""

    def __init__(self) -> None:
        self._runs: list[tuple[str, int, list[str]]] = []  # (kind, index of the call, pieces)

    def content(self, text: str) -> None:
        self._add("content", -1, text)

    def call(self, index: int, call_id: str, name: str) -> None:
        self._runs.append(("call", index, [call_id, name]))

    def arguments(self, index: int, text: str) -> None:
        self._add("arguments", index, text)

    def taken(self) -> list[dict[str, Any]]:
        """All of them; none are left."""
        runs, self._runs = self._runs, []
        return [_delta(*run) for run in runs]

    def _add(self, kind: str, index: int, text: str) -> None:
        if text and self._runs and self._runs[-1][:2] == (kind, index):
            self._runs[-1][2].append(text)
        elif text:
            self._runs.append((kind, index, [text]))


def _delta(kind: str, index: int, pieces: list[str]) -> dict[str, Any]:
    if kind == "content":
        return {"content": "".join(pieces)}
    if kind == "arguments":
        return {"tool_calls": [{"index": index, "function": {"arguments": "".join(pieces)}}]}
    call_id, name = pieces
    return {"tool_calls": [{"index": index, "id": call_id, "type": "function", "function": {"name": name, "arguments": ""}}]}
