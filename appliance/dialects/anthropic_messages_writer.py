"""A message in Anthropic's form as a stream of events.

Source: the anthropic Python SDK 2.14 (types/raw_message_stream_event, lib/streaming), read 2026-11-26.
Quirks: blocks come one after the other, each between content_block_start and content_block_stop, and clients read a call's
input when its block stops. Usage stands in message_start, before anybody has counted: the input is estimated there, and
message_delta at the end corrects it, which the SDKs follow. There is one choice.
"""

import msgspec

from appliance.chat import ChatRequest, Chunk, Delta, Usage
from appliance.dialects.anthropic_messages_calls import CallOrder, Step
from appliance.dialects.anthropic_messages_whole import Ending, message_head, usage_shown, whole
from appliance.dialects.writer import Answer

PING = b'event: ping\ndata: {"type":"ping"}\n\n'
STOP = b'event: message_stop\ndata: {"type":"message_stop"}\n\n'
CHARACTERS_PER_TOKEN = 4

_START_BLOCK = b'event: content_block_start\ndata: {"type":"content_block_start","index":%d,"content_block":%b}\n\n'
_STOP_BLOCK = b'event: content_block_stop\ndata: {"type":"content_block_stop","index":%d}\n\n'
_DELTA = b'event: content_block_delta\ndata: {"type":"content_block_delta","index":%d,"delta":{"type":"'
_TEXT = _DELTA + b'text_delta","text":%b}}\n\n'
_THINKING = _DELTA + b'thinking_delta","thinking":%b}}\n\n'
_SIGNATURE = _DELTA + b'signature_delta","signature":%b}}\n\n'
_INPUT = _DELTA + b'input_json_delta","partial_json":%b}}\n\n'
_EMPTY_TEXT = b'{"type":"text","text":""}'
_EMPTY_THOUGHT = b'{"type":"thinking","thinking":"","signature":""}'

_write = msgspec.json.Encoder().encode


class AnthropicMessagesWriter:
    """One answer."""

    def __init__(self, chat: ChatRequest, answer: Answer) -> None:
        self._chat = chat
        self._answer = answer
        self._usage: Usage | None = None
        self._begun = False
        self._passed = False
        self._ending = Ending()
        self._open = ""  # the kind of the block that is being told: text, thinking, tool_use; "" for none
        self._index = -1  # its index, or that of the one before
        self._calls = CallOrder()
        self._waiting: list[Delta] = []  # until the call that is being told is whole

    def whole(self, chunks: list[Chunk], usage: Usage | None) -> bytes:
        return whole(self._answer, chunks, usage)

    def event(self, chunk: Chunk) -> bytes:
        if chunk.raw is not None:
            self._passed = True
            return chunk.raw
        if chunk.comment is not None:
            return PING
        self._ending.see(chunk)
        if chunk.usage is not None:
            self._usage = chunk.usage
        told: list[bytes] = []
        for delta in chunk.deltas:
            if delta.index == 0:
                self._begin(told)
                self._tell(delta, told)
        return b"".join(told)

    def end(self, usage: Usage | None) -> bytes:
        if self._passed:
            return b""
        told: list[bytes] = []
        self._begin(told)
        self._tell_calls(self._calls.rest(), told)
        self._tell_waiting(told)
        self._stop_block(told)
        last = {"type": "message_delta", "delta": self._ending.shown(), "usage": usage_shown(usage or self._usage or Usage())}
        told.append(b"event: message_delta\ndata: %b\n\n" % _write(last))
        told.append(STOP)
        return b"".join(told)

    def _begin(self, told: list[bytes]) -> None:
        if self._begun:
            return
        self._begun = True
        tokens_in = self._usage.tokens_in if self._usage is not None else 0
        usage = self._usage if self._usage is not None and tokens_in else Usage(_estimated_input(self._chat))
        body = {**message_head(self._answer), "content": [], "stop_reason": None, "stop_sequence": None}
        start = {"type": "message_start", "message": {**body, "usage": usage_shown(usage)}}
        told.append(b"event: message_start\ndata: %b\n\n" % _write(start))

    def _tell(self, delta: Delta, told: list[bytes]) -> None:
        """What a delta adds, in the order in which a model comes to it. No text comes between the pieces of a call."""
        if _has_words(delta):
            if self._waiting or self._is_in_call():
                self._waiting.append(delta)
            else:
                self._tell_words(delta, told)
        for piece in delta.tool_calls or ():
            self._ending.called = True
            self._tell_calls(self._calls.add(piece), told)
        if self._waiting and not self._is_in_call():
            self._tell_waiting(told)

    def _is_in_call(self) -> bool:
        return self._open == "tool_use" and not self._calls.is_whole()

    def _tell_waiting(self, told: list[bytes]) -> None:
        for delta in self._waiting:
            self._tell_words(delta, told)
        self._waiting.clear()

    def _tell_words(self, delta: Delta, told: list[bytes]) -> None:
        if delta.reasoning:
            self._want("thinking", _EMPTY_THOUGHT, told)
            told.append(_THINKING % (self._index, _write(delta.reasoning)))
        if delta.signature is not None:
            self._want("thinking", _EMPTY_THOUGHT, told)
            told.append(_SIGNATURE % (self._index, _write(delta.signature)))
            self._stop_block(told)
        if delta.redacted is not None:
            self._start_block("redacted", _write({"type": "redacted_thinking", "data": delta.redacted}), told)
            self._stop_block(told)
        if delta.content:
            self._want("text", _EMPTY_TEXT, told)
            told.append(_TEXT % (self._index, _write(delta.content)))
        if delta.refusal:
            self._ending.refused = True
            self._want("text", _EMPTY_TEXT, told)
            told.append(_TEXT % (self._index, _write(delta.refusal)))

    def _want(self, kind: str, block: bytes, told: list[bytes]) -> None:
        if self._open != kind:
            self._start_block(kind, block, told)

    def _start_block(self, kind: str, block: bytes, told: list[bytes]) -> None:
        self._stop_block(told)
        self._open = kind
        self._index += 1
        told.append(_START_BLOCK % (self._index, block))

    def _stop_block(self, told: list[bytes]) -> None:
        if not self._open:
            return
        if self._open == "tool_use" and (unsaid := self._calls.unsaid()):
            told.append(_INPUT % (self._index, _write(unsaid)))
        self._open = ""
        told.append(_STOP_BLOCK % self._index)

    def _tell_calls(self, steps: list[Step], told: list[bytes]) -> None:
        for call, arguments in steps:
            if call is not None:
                if self._open == "tool_use":  # its last step told what it needed
                    told.append(_STOP_BLOCK % self._index)
                    self._open = ""
                name = call.function.name if call.function is not None else ""
                block = {"type": "tool_use", "id": call.id or f"toolu_{call.index or 0}", "name": name, "input": {}}
                self._start_block("tool_use", _write(block), told)
            if arguments and self._open == "tool_use":  # else: behind a call that was whole
                told.append(_INPUT % (self._index, _write(arguments)))


def _has_words(delta: Delta) -> bool:
    told = (delta.reasoning, delta.content, delta.refusal)
    return any(told) or delta.signature is not None or delta.redacted is not None


def _estimated_input(chat: ChatRequest) -> int:
    """The input's tokens before anybody has counted them, by the length of its texts."""
    characters = 0
    for message in chat.messages:
        content = message.content
        if isinstance(content, str):
            characters += len(content)
        else:
            characters += sum(len(part.text or "") for part in content or ())
        for call in message.tool_calls or ():
            characters += len(call.function.arguments) if call.function is not None else 0
    return -(-characters // CHARACTERS_PER_TOKEN) + len(chat.messages)
