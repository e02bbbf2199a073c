"""One streamed answer of Anthropic's.

Source: platform.claude.com/docs/en/build-with-claude/streaming; the anthropic Python SDK 2.14 (types/raw_*_event); 2026-11-26.
Quirks: every event has a name; unknown ones, and unknown kinds of blocks and deltas, are to be skipped. Blocks are counted, so
the number of a call is how many calls began before it. A call's arguments come as pieces of JSON, the first of them empty; of a
call without arguments there may be no other. `message_delta` may come more than once, with the sums so far. `error` may come
at any point, after status 200.
"""

import msgspec

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall
from appliance.errors import UpstreamFailed
from appliance.providers.anthropic_answer import (
    Block,
    Error,
    TheirUsage,
    arguments_of,
    finish,
    said_failure,
    usage_of,
)
from appliance.providers.failures import UNREADABLE
from appliance.providers.sse_stream import SseStream
from appliance.upstream.sse import SseEvent


class _Delta(msgspec.Struct):
    type: str | None = None
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    partial_json: str | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Message(msgspec.Struct):
    usage: TheirUsage | None = None


class _Event(msgspec.Struct):
    type: str = ""
    index: int = 0
    message: _Message | None = None
    content_block: Block | None = None
    delta: _Delta | None = None
    usage: TheirUsage | None = None
    error: Error | None = None


class _Named(msgspec.Struct):
    type: str = ""


STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
_read_event = msgspec.json.Decoder(_Event).decode
_read_name = msgspec.json.Decoder(_Named).decode

_KNOWN = frozenset(
    {
        "message_start", "content_block_start", "content_block_delta", "content_block_stop", "message_delta", "message_stop",
        "ping", "error",
    }
)  # fmt: skip


class _Call:
    """A call whose arguments are coming."""

    def __init__(self, index: int, block: Block) -> None:
        self.index = index
        self.at_once = arguments_of(block)  # an empty object, save for servers that tell all at the beginning
        self.has_arguments = False


class AnthropicStream(SseStream):
    """Turns one answer's bytes into chunks. Knows whether it was finished: a reason to stop, then `message_stop`."""

    skips_empty = False

    def __init__(self, provider: str, *, passes: bool) -> None:
        super().__init__(provider)
        self._passes = passes
        self._first_usage: TheirUsage | None = None
        self._calls: dict[int, _Call] = {}
        self._calls_begun = 0
        self._finished = False
        self._ended_by_network = False

    def close(self) -> list[Chunk]:
        self._ended_by_network = True
        chunks = super().close()
        if self._passes and not self.done:  # all was said but that: clients wait for it
            chunks.append(Chunk(raw=STOP))
        return chunks

    def _is_whole(self) -> bool:
        return self._finished

    def _read(self, event: SseEvent) -> list[Chunk]:
        chunk = self._chunk(event)
        return [] if chunk is None else [chunk]

    def _chunk(self, event: SseEvent) -> Chunk | None:
        try:
            name = event.name or _read_name(event.data).type
            read = _read_event(event.data) if name in _KNOWN else None
        except UNREADABLE as error:
            if self._finished:
                return None  # rubbish behind a finished answer
            if self._ended_by_network:
                raise self._cut() from error  # half an event
            raise UpstreamFailed(f"{self._provider} sent an event that is no JSON", fix="Try again.") from error
        chunk = self._translated(name, read) if read is not None else None
        if not self._passes:
            return chunk
        chunk = chunk or Chunk()
        chunk.raw, chunk.comment = event.raw, None
        return chunk

    def _translated(self, name: str, event: _Event) -> Chunk | None:
        if name == "content_block_delta":
            return self._piece(event.index, event.delta or _Delta())
        if name == "content_block_start":
            return self._begun(event.index, event.content_block or Block())
        if name == "content_block_stop":
            return self._ended(event.index)
        if name == "message_delta":
            return self._told(event)
        if name == "message_start":
            self._first_usage = event.message.usage if event.message is not None else None
            return Chunk([Delta("assistant", "")])
        if name == "error":
            raise said_failure(self._provider, event.error or Error())
        if name == "ping":
            return Chunk(comment="ping")
        self.done = True
        if self._finished:
            return None
        self._finished = True  # it says that this was all, but not why
        return Chunk(finish="stop")

    def _piece(self, index: int, delta: _Delta) -> Chunk | None:
        kind = delta.type
        if kind == "text_delta":
            return Chunk([Delta(content=delta.text)]) if delta.text else None
        if kind == "input_json_delta":
            call = self._calls.get(index)
            if call is None or not delta.partial_json:
                return None
            call.has_arguments = True
            return _arguments(call, delta.partial_json)
        if kind == "thinking_delta":
            return Chunk([Delta(reasoning=delta.thinking)]) if delta.thinking else None
        if kind == "signature_delta":
            return Chunk([Delta(signature=delta.signature)]) if delta.signature else None
        return None

    def _begun(self, index: int, block: Block) -> Chunk | None:
        if block.type == "tool_use":
            call = self._calls[index] = _Call(self._calls_begun, block)
            self._calls_begun += 1
            return Chunk(
                [Delta(tool_calls=[ToolCall(block.id or "", "function", FunctionCall(block.name or "", ""), call.index)])]
            )
        if block.type == "redacted_thinking":
            return Chunk([Delta(redacted=block.data)])
        if block.type == "thinking" and (block.thinking or block.signature):
            return Chunk([Delta(reasoning=block.thinking or None, signature=block.signature or None)])
        return Chunk([Delta(content=block.text)]) if block.type == "text" and block.text else None

    def _ended(self, index: int) -> Chunk | None:
        call = self._calls.pop(index, None)
        return None if call is None or call.has_arguments else _arguments(call, call.at_once)

    def _told(self, event: _Event) -> Chunk | None:
        delta = event.delta or _Delta()
        usage = usage_of(self._first_usage, event.usage)
        if delta.stop_reason is None or self._finished:
            return Chunk(usage=usage) if usage is not None else None
        self._finished = True
        return Chunk([Delta()], usage, finish(delta.stop_reason), stop_sequence=delta.stop_sequence)


def _arguments(call: _Call, text: str) -> Chunk:
    return Chunk([Delta(tool_calls=[ToolCall(function=FunctionCall(arguments=text), index=call.index)])])
