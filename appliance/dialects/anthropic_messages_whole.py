"""A whole message in Anthropic's form, put together from deltas.

Source: the anthropic Python SDK 2.14 (types/message, types/usage), read 2026-11-26.
Quirks: `input_tokens` leaves out what was read from and written to the prompt cache. A call's input is an object: arguments
that are none go into one under INVALID_JSON, as Anthropic's documents advise for handing such a call back.
"""

from typing import Any

import msgspec

from appliance.chat import Chunk, Delta, ToolCall, Usage
from appliance.dialects.anthropic_messages_calls import INVALID
from appliance.dialects.writer import Answer

_STOP_REASONS = {"stop": "end_turn", "length": "max_tokens", "content_filter": "refusal"}
_object = msgspec.json.Decoder(dict[str, Any]).decode
_write = msgspec.json.Encoder().encode


class Ending:
    """Why an answer ended, as its chunks tell it."""

    def __init__(self) -> None:
        self.called = False
        self.refused = False
        self.sequence: str | None = None
        self._finish = "stop"

    def see(self, chunk: Chunk) -> None:
        self._finish = chunk.finish or self._finish
        self.sequence = chunk.stop_sequence or self.sequence

    @property
    def reason(self) -> str:
        """OpenAI ends a forced call with "stop": who called, called."""
        if self._finish in ("stop", "tool_calls", "function_call") and self.called:
            return "tool_use"
        if self._finish == "stop" and self.sequence is not None:
            return "stop_sequence"
        if self._finish == "stop" and self.refused:
            return "refusal"
        return _STOP_REASONS.get(self._finish, "end_turn")

    def shown(self) -> dict[str, Any]:
        reason = self.reason
        return {"stop_reason": reason, "stop_sequence": self.sequence if reason == "stop_sequence" else None}


def whole(answer: Answer, chunks: list[Chunk], usage: Usage | None) -> bytes:
    """The body of an answer that was not streamed."""
    blocks, ending = _Blocks(), Ending()
    for chunk in chunks:
        ending.see(chunk)
        for delta in chunk.deltas:
            if delta.index == 0:
                ending.called = ending.called or bool(delta.tool_calls)
                ending.refused = ending.refused or bool(delta.refusal)
                blocks.add(delta)
    return _write(
        {
            **message_head(answer),
            "content": blocks.shown(),
            **ending.shown(),
            "usage": usage_shown(usage or Usage()),
        }
    )


def message_head(answer: Answer) -> dict[str, Any]:
    return {"id": answer.id, "type": "message", "role": "assistant", "model": answer.model}


def usage_shown(usage: Usage) -> dict[str, Any]:
    """Usage in Anthropic's words."""
    shown: dict[str, Any] = {
        "input_tokens": max(usage.tokens_in - usage.cached_in - usage.written_in, 0),
        "cache_creation_input_tokens": usage.written_in,
        "cache_read_input_tokens": usage.cached_in,
        "output_tokens": usage.tokens_out,
    }
    if usage.reasoning_out:
        shown["output_tokens_details"] = {"thinking_tokens": usage.reasoning_out}
    return shown


def input_of(arguments: str) -> dict[str, Any]:
    """A call's arguments as the object that they should be."""
    if not arguments.strip():
        return {}
    try:
        return _object(arguments)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return {INVALID: arguments}


class _Blocks:
    """The content of a message, from its deltas."""

    def __init__(self) -> None:
        self._blocks: list[dict[str, Any]] = []
        self._calls: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, list[str]] = {}
        self._is_signed = False  # the thinking block told last

    def add(self, delta: Delta) -> None:
        if delta.reasoning:
            self._thought()["thinking"] += delta.reasoning
        if delta.signature is not None:
            self._thought()["signature"] = delta.signature
            self._is_signed = True
        if delta.redacted is not None:
            self._blocks.append({"type": "redacted_thinking", "data": delta.redacted})
        for text in (delta.content, delta.refusal):
            if text:
                if not self._blocks or self._blocks[-1]["type"] != "text":
                    self._blocks.append({"type": "text", "text": ""})
                self._blocks[-1]["text"] += text
        for piece in delta.tool_calls or ():
            self._call(piece)

    def _thought(self) -> dict[str, Any]:
        """The thinking block that is being told; a signature ends it."""
        last = self._blocks[-1] if self._blocks else None
        if last is None or last["type"] != "thinking" or self._is_signed:
            self._is_signed = False
            last = {"type": "thinking", "thinking": "", "signature": ""}
            self._blocks.append(last)
        return last

    def _call(self, piece: ToolCall) -> None:
        position = piece.index or 0
        if position not in self._calls:
            self._calls[position] = {"type": "tool_use", "id": piece.id or f"toolu_{position}", "name": "", "input": {}}
            self._arguments[position] = []
            self._blocks.append(self._calls[position])
        if piece.function is not None:
            self._calls[position]["name"] += piece.function.name
            self._arguments[position].append(piece.function.arguments)

    def shown(self) -> list[dict[str, Any]]:
        for position, call in self._calls.items():
            call["input"] = input_of("".join(self._arguments[position]))
        return self._blocks
