"""The `response` object and the events of its stream, from chunks.

Quirks: every event says its name twice (`event:` and `type`) and has a number, from 0 without gaps; the first must be
response.created, and nothing follows response.completed, .incomplete or .failed: no [DONE]. An error event holds its fields
twice, as the SDK types them and as its stream raises them.
"""

import time
from typing import Any

import msgspec

from appliance.chat import Chunk, Usage
from appliance.dialects.openai_responses_output import Output
from appliance.dialects.writer import Answer
from appliance.errors import GatehouseError, UpstreamFailed

_write = msgspec.json.Encoder().encode
_INCOMPLETE = {"length": "max_output_tokens", "content_filter": "content_filter"}
_LAST_EVENTS = ("response.completed", "response.incomplete", "response.failed")


class _Told(msgspec.Struct):
    """An event of the upstream, as far as it is of interest."""

    type: str = ""
    sequence_number: int = 0
    response: msgspec.Raw = msgspec.Raw()


_read_told = msgspec.json.Decoder(_Told).decode


class OpenAIResponsesWriter:
    """One answer.

    number:   of the next event.
    response: the `response` object, once it is whole.
    """

    def __init__(self, answer: Answer, echo: dict[str, Any]) -> None:
        self.number = 0
        self.response: bytes | None = None
        self._answer = answer
        self._echo = echo
        self._events: list[bytes] = []
        self._output = Output(answer.id.removeprefix("resp_"), self._emit)
        self._finish: str | None = None
        self._passes = False
        self._failure: UpstreamFailed | None = None

    def whole(self, chunks: list[Chunk], usage: Usage | None) -> bytes:
        output = Output(self._answer.id.removeprefix("resp_"), lambda kind, fields: None)
        finish = None
        for chunk in chunks:
            for delta in chunk.deltas:
                output.add(delta)
            finish = chunk.finish or finish
        output.close(_item_status(finish))
        self.response = self._whole_response(output.items, finish, usage)
        return self.response

    def event(self, chunk: Chunk) -> bytes:
        if chunk.raw is not None:
            self._passes = True
            self._watch(chunk.raw)
            return chunk.raw
        if chunk.comment is not None:
            return b": " + chunk.comment.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\r", b" ") + b"\n\n"
        if not chunk.deltas and chunk.finish is None:
            return b""
        self._refuse_more()
        self._begin()
        try:
            for delta in chunk.deltas:
                self._output.add(delta)
        except UpstreamFailed as error:  # what came before it has its numbers, and is the caller's; the next call raises
            self._failure = error
            if not self._events:
                raise
            return self._taken()
        if chunk.finish is not None:
            self._finish = chunk.finish
            self._output.close(_item_status(chunk.finish))
        return self._taken()

    def end(self, usage: Usage | None) -> bytes:
        if self._passes:
            return b""
        self._refuse_more()
        self._begin()
        self._output.close(_item_status(self._finish))
        self.response = self._whole_response(self._output.items, self._finish, usage)
        kind = "response.incomplete" if self._finish in _INCOMPLETE else "response.completed"
        self._emit(kind, {"response": msgspec.Raw(self.response)})
        return self._taken()

    def _refuse_more(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _begin(self) -> None:
        if self.number == 0:
            begun = msgspec.Raw(_write(self._response("in_progress", [], None)))
            self._emit("response.created", {"response": begun})
            self._emit("response.in_progress", {"response": begun})

    def _emit(self, kind: str, fields: dict[str, Any]) -> None:
        body = {"type": kind, "sequence_number": self.number, **fields}
        self.number += 1
        self._events.append(b"event: " + kind.encode() + b"\ndata: " + _write(body) + b"\n\n")

    def _taken(self) -> bytes:
        taken = b"".join(self._events)
        self._events.clear()
        return taken

    def _watch(self, raw: bytes) -> None:
        """Count the upstream's own events, and keep the object that its last one carries."""
        for line in raw.splitlines():
            if not line.startswith(b"data:"):
                continue
            try:
                told = _read_told(line[5:])
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                continue
            self.number = max(self.number, told.sequence_number + 1)
            if told.type in _LAST_EVENTS and bytes(told.response):
                self.response = bytes(told.response)

    def _whole_response(self, items: list[dict[str, Any]], finish: str | None, usage: Usage | None) -> bytes:
        status = "incomplete" if finish in _INCOMPLETE else "completed"
        response = self._response(status, items, usage)
        if finish in _INCOMPLETE:
            response["incomplete_details"] = {"reason": _INCOMPLETE[finish or ""]}
        else:
            response["completed_at"] = int(time.time())
        return _write(response)

    def _response(self, status: str, items: list[dict[str, Any]], usage: Usage | None) -> dict[str, Any]:
        return {
            "id": self._answer.id,
            "object": "response",
            "created_at": self._answer.created,
            "status": status,
            "background": False,
            "completed_at": None,
            "error": None,
            "incomplete_details": None,
            "model": self._answer.model,
            "output": items,
            **self._echo,
            "usage": usage_shown(usage) if usage is not None else None,
        }


def echo(asked: dict[str, Any]) -> dict[str, Any]:
    """What a response repeats of its request, with OpenAI's defaults where the caller said nothing."""
    text, reasoning = asked.get("text") or {}, asked.get("reasoning") or {}
    return {
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": asked.get("max_tool_calls"),
        "metadata": asked.get("metadata") or {},
        "parallel_tool_calls": asked.get("parallel_tool_calls") is not False,
        "previous_response_id": asked.get("previous_response_id"),
        "prompt_cache_key": asked.get("prompt_cache_key"),
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "safety_identifier": asked.get("safety_identifier"),
        "store": asked.get("store") is not False,
        "temperature": 1.0 if asked.get("temperature") is None else asked["temperature"],
        "text": {**text, "format": text.get("format") or {"type": "text"}},
        "tool_choice": asked.get("tool_choice") or "auto",
        "tools": [_tool_shown(tool) for tool in asked.get("tools") or ()],
        "top_logprobs": asked.get("top_logprobs") or 0,
        "top_p": 1.0 if asked.get("top_p") is None else asked["top_p"],
        "truncation": asked.get("truncation") or "disabled",
        "user": asked.get("user"),
    }


def _tool_shown(tool: dict[str, Any]) -> dict[str, Any]:
    if tool.get("type") != "function":
        return tool
    return {"parameters": None, "strict": False, **tool}


def usage_shown(usage: Usage) -> dict[str, Any]:
    """Usage in the words of the Responses API."""
    return {
        "input_tokens": usage.tokens_in,
        "input_tokens_details": {"cached_tokens": usage.cached_in, "cache_write_tokens": usage.written_in},
        "output_tokens": usage.tokens_out,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_out},
        "total_tokens": usage.tokens_in + usage.tokens_out,
    }


def error_event(error: GatehouseError, number: int) -> bytes:
    """What a stream ends with when it can't be finished; `number` is that of the event."""
    told = error.body()["error"]
    body = {
        "type": "error",
        "sequence_number": number,
        "code": error.code_shown,
        "message": error.message,
        "param": error.param,
        "error": told,
    }
    return b"event: error\ndata: " + _write(body) + b"\n\n"


def _item_status(finish: str | None) -> str:
    return "incomplete" if finish in _INCOMPLETE else "completed"
