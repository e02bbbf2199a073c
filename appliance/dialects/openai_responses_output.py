"""What a model says, delta by delta, as the output items of a response and the events that tell of them.

One item is open at a time: whatever of another kind comes closes it. Thoughts are a reasoning item's summary; where their
vendor signed them, the item carries the proof in `encrypted_content`, and comes back with it.
"""

from collections.abc import Callable
from typing import Any

from appliance.chat import Delta, ToolCall
from appliance.dialects.openai_responses_items import sealed
from appliance.errors import UpstreamFailed

Emit = Callable[[str, dict[str, Any]], None]
ITEMS_MAX = 4_096


class Output:
    """The items so far. `emit` is told each event: its name, and its fields but type and number."""

    def __init__(self, name: str, emit: Emit) -> None:
        """`name`: what is unique about this answer; ids of items are made of it."""
        self.items: list[dict[str, Any]] = []
        self._name = name
        self._emit = emit
        self._open: _Reasoning | _Message | _Call | None = None
        self._calls: set[int] = set()

    def add(self, delta: Delta) -> None:
        """Errors: UpstreamFailed for a piece of a call that is over."""
        if delta.reasoning:
            self._reasoning().text(delta.reasoning)
        if delta.signature is not None:
            self._reasoning().signature = delta.signature
            self.close()
        if delta.redacted is not None:
            self.close()
            self._reasoning().redacted = delta.redacted
            self.close()
        if delta.content:
            self._message().text(delta.content, (delta.logprobs or {}).get("content") or [])
        if delta.refusal:
            self._message().refusal(delta.refusal)
        for position, call in enumerate(delta.tool_calls or ()):
            self._call(call, position).piece(call)

    def close(self, status: str = "completed") -> None:
        """End what is open."""
        if self._open is not None:
            opened, self._open = self._open, None
            self.items[opened.index] = opened.end(status)
            self._emit("response.output_item.done", {"output_index": opened.index, "item": self.items[opened.index]})

    def _reasoning(self) -> "_Reasoning":
        if not isinstance(self._open, _Reasoning):
            self._opened(_Reasoning(self._next_id("rs"), self._place(), self._emit))
        assert isinstance(self._open, _Reasoning)
        return self._open

    def _message(self) -> "_Message":
        if not isinstance(self._open, _Message):
            self._opened(_Message(self._next_id("msg"), self._place(), self._emit))
        assert isinstance(self._open, _Message)
        return self._open

    def _call(self, call: ToolCall, position: int) -> "_Call":
        number = call.index if call.index is not None else position
        if isinstance(self._open, _Call) and self._open.number == number:
            return self._open
        if number in self._calls:  # its arguments have been told as whole: a longer second version must not be lost in silence
            raise UpstreamFailed("the model's tool calls came in pieces that don't follow one another", fix="Try again.")
        self._calls.add(number)
        name = call.function.name if call.function is not None else ""
        item = _Call(self._next_id("fc"), self._place(), self._emit, number, call.id or self._next_id("call"), name)
        self._opened(item)
        return item

    def _place(self) -> int:
        self.close()
        if len(self.items) >= ITEMS_MAX:
            raise UpstreamFailed("the answer has too many parts", fix="Try again.")
        return len(self.items)

    def _opened(self, item: "_Reasoning | _Message | _Call") -> None:
        self.items.append(item.shown())
        self._open = item
        self._emit("response.output_item.added", {"output_index": item.index, "item": item.shown()})

    def _next_id(self, prefix: str) -> str:
        return f"{prefix}_{self._name}{len(self.items):02x}"


class _Reasoning:
    """A reasoning item: one stretch of thought."""

    def __init__(self, item_id: str, index: int, emit: Emit) -> None:
        self.index = index
        self.signature: str | None = None
        self.redacted: str | None = None
        self._id = item_id
        self._emit = emit
        self._texts: list[str] = []
        self._place = {"item_id": item_id, "output_index": index, "summary_index": 0}

    def shown(self) -> dict[str, Any]:
        return {"id": self._id, "type": "reasoning", "summary": []}

    def text(self, text: str) -> None:
        if not self._texts:
            self._emit("response.reasoning_summary_part.added", {**self._place, "part": _summary("")})
        self._texts.append(text)
        self._emit("response.reasoning_summary_text.delta", {**self._place, "delta": text})

    def end(self, status: str) -> dict[str, Any]:
        thought = "".join(self._texts)
        if self._texts:
            self._emit("response.reasoning_summary_text.done", {**self._place, "text": thought})
            self._emit("response.reasoning_summary_part.done", {**self._place, "part": _summary(thought)})
        item = {**self.shown(), "summary": [_summary(thought)] if self._texts else []}
        if self.redacted is not None:
            item["encrypted_content"] = sealed([{"type": "redacted_thinking", "data": self.redacted}])
        elif self.signature is not None:
            item["encrypted_content"] = sealed([{"type": "thinking", "thinking": thought, "signature": self.signature}])
        return item


class _Message:
    """A message of the assistant: parts of text, or of refusal."""

    def __init__(self, item_id: str, index: int, emit: Emit) -> None:
        self.index = index
        self._id = item_id
        self._emit = emit
        self._parts: list[dict[str, Any]] = []
        self._kind = ""
        self._texts: list[str] = []
        self._logprobs: list[Any] = []
        self._place: dict[str, Any] = {}

    def shown(self, status: str = "in_progress") -> dict[str, Any]:
        return {"id": self._id, "type": "message", "status": status, "role": "assistant", "content": self._parts}

    def text(self, text: str, logprobs: list[Any]) -> None:
        if self._kind != "output_text":
            self._begin("output_text")
        self._texts.append(text)
        told = [_with_bytes(entry) for entry in logprobs] if logprobs else logprobs
        self._logprobs += told
        self._emit("response.output_text.delta", {**self._place, "delta": text, "logprobs": told})

    def refusal(self, text: str) -> None:
        if self._kind != "refusal":
            self._begin("refusal")
        self._texts.append(text)
        self._emit("response.refusal.delta", {**self._place, "delta": text})

    def _begin(self, kind: str) -> None:
        self._end_part()
        self._kind = kind
        self._place = {"item_id": self._id, "output_index": self.index, "content_index": len(self._parts)}
        self._emit("response.content_part.added", {**self._place, "part": _part(kind, "", [])})

    def _end_part(self) -> None:
        if not self._kind:
            return
        text, logprobs = "".join(self._texts), self._logprobs
        part = _part(self._kind, text, logprobs)
        if self._kind == "output_text":
            self._emit("response.output_text.done", {**self._place, "text": text, "logprobs": logprobs})
        else:
            self._emit("response.refusal.done", {**self._place, "refusal": text})
        self._emit("response.content_part.done", {**self._place, "part": part})
        self._parts.append(part)
        self._kind, self._texts, self._logprobs = "", [], []

    def end(self, status: str) -> dict[str, Any]:
        self._end_part()
        return self.shown(status)


class _Call:
    """A call of a function. `number` tells it from others in the same answer."""

    def __init__(self, item_id: str, index: int, emit: Emit, number: int, call_id: str, name: str) -> None:
        self.index = index
        self.number = number
        self._id = item_id
        self._call_id = call_id
        self._name = name
        self._emit = emit
        self._arguments: list[str] = []
        self._place = {"item_id": item_id, "output_index": index}

    def shown(self, status: str = "in_progress", arguments: str = "") -> dict[str, Any]:
        return {
            "id": self._id,
            "type": "function_call",
            "status": status,
            "arguments": arguments,
            "call_id": self._call_id,
            "name": self._name,
        }

    def piece(self, call: ToolCall) -> None:
        if call.function is not None and call.function.arguments:
            self._arguments.append(call.function.arguments)
            self._emit("response.function_call_arguments.delta", {**self._place, "delta": call.function.arguments})

    def end(self, status: str) -> dict[str, Any]:
        arguments = "".join(self._arguments) or "{}"
        self._emit("response.function_call_arguments.done", {**self._place, "arguments": arguments, "name": self._name})
        return self.shown(status, arguments)


def _summary(text: str) -> dict[str, str]:
    return {"type": "summary_text", "text": text}


def _part(kind: str, text: str, logprobs: list[Any]) -> dict[str, Any]:
    if kind == "refusal":
        return {"type": "refusal", "refusal": text}
    return {"type": "output_text", "annotations": [], "logprobs": logprobs, "text": text}


def _with_bytes(entry: Any) -> Any:
    """A token's probability as the Responses API types it: always with bytes and the list of others."""
    if not isinstance(entry, dict):
        return entry
    others = [{**other, "bytes": other.get("bytes") or []} for other in entry.get("top_logprobs") or ()]
    return {**entry, "bytes": entry.get("bytes") or [], "top_logprobs": others}
