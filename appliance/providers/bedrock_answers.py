"""Bedrock's Converse answers, whole and streamed, as chunks.

Source: botocore 1.44 (bedrock-runtime: ConverseResponse, ConverseStreamOutput), read 2026-11-26.
Quirks: usage comes in an event behind the one that ends the answer; text blocks begin without an event of their own; a tool's
arguments come in pieces of text, and not at all where there are none. Events carry filling ("p"), so that their length doesn't
tell what they hold. Calls of tools that AWS runs itself are its own business. inputTokens has no tokens from or for its cache.
"""

from typing import Any

import msgspec

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.errors import GatehouseError, UpstreamCut, UpstreamFailed
from appliance.providers.bedrock_errors import in_stream
from appliance.providers.bedrock_events import BadFrame, Frame, FrameReader
from appliance.providers.failures import UNREADABLE
from appliance.providers.half_characters import with_whole_characters

TOKENS_MAX = 2**31 - 1
FINISH = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "guardrail_intervened": "content_filter",
    "content_filtered": "content_filter",
    "refusal": "content_filter",
}


class _Usage(msgspec.Struct, rename="camel"):
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_input_tokens: int | None = None
    cache_write_input_tokens: int | None = None


class _ReasoningText(msgspec.Struct):
    text: str = ""
    signature: str | None = None


class _Reasoning(msgspec.Struct, rename="camel"):
    reasoning_text: _ReasoningText | None = None
    redacted_content: str | None = None


class _ToolUse(msgspec.Struct, rename="camel"):
    tool_use_id: str = ""
    name: str = ""
    input: msgspec.Raw = msgspec.Raw(b"{}")
    type: str | None = None  # only of tools that AWS runs


class _Block(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolUse | None = None
    reasoning_content: _Reasoning | None = None


class _Message(msgspec.Struct):
    content: list[_Block]


class _Output(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct, rename="camel"):
    output: _Output
    stop_reason: str
    usage: _Usage | None = None
    additional_model_response_fields: dict[str, Any] | None = None


class _Start(msgspec.Struct, rename="camel"):
    tool_use: _ToolUse | None = None


class _BlockStart(msgspec.Struct, rename="camel"):
    start: _Start
    content_block_index: int = 0


class _ToolPiece(msgspec.Struct):
    input: str = ""


class _ReasoningPiece(msgspec.Struct, rename="camel"):
    text: str | None = None
    signature: str | None = None
    redacted_content: str | None = None


class _Piece(msgspec.Struct, rename="camel"):
    text: str | None = None
    tool_use: _ToolPiece | None = None
    reasoning_content: _ReasoningPiece | None = None


class _BlockDelta(msgspec.Struct, rename="camel"):
    delta: _Piece
    content_block_index: int = 0


class _BlockStop(msgspec.Struct, rename="camel"):
    content_block_index: int = 0


class _MessageStop(msgspec.Struct, rename="camel"):
    stop_reason: str
    additional_model_response_fields: dict[str, Any] | None = None


class _Metadata(msgspec.Struct):
    usage: _Usage | None = None


_read_answer = msgspec.json.Decoder(_Answer).decode
_read_start = msgspec.json.Decoder(_BlockStart).decode
_read_delta = msgspec.json.Decoder(_BlockDelta).decode
_read_block_stop = msgspec.json.Decoder(_BlockStop).decode
_read_stop = msgspec.json.Decoder(_MessageStop).decode
_read_metadata = msgspec.json.Decoder(_Metadata).decode


def whole(body: bytes, who: str) -> Chunk:
    """A whole answer. Errors: UpstreamFailed when it isn't one."""
    try:
        return _answered(_read_answer(with_whole_characters(body)), who)
    except UNREADABLE as error:
        raise UpstreamFailed(f"{who} sent an answer that is none in Bedrock's format", fix="Try again.") from error


def _answered(answer: _Answer, who: str) -> Chunk:
    thoughts: list[Delta] = []
    texts: list[str] = []
    calls: list[ToolCall] = []
    for block in answer.output.message.content:
        if block.text is not None:
            texts.append(block.text)
        elif (tool := block.tool_use) is not None and tool.type is None:
            arguments = bytes(tool.input).decode()
            called = FunctionCall(tool.name, "{}" if arguments == "null" else arguments)
            calls.append(ToolCall(tool.tool_use_id, "function", called, len(calls)))
        elif (reasoning := block.reasoning_content) is not None:
            thoughts.append(_thought(reasoning))
    text = "".join(texts) if texts else None
    if text is not None or calls or not thoughts:
        thoughts.append(Delta("assistant", text, tool_calls=calls or None))
    finish = finish_of(answer.stop_reason, who)
    return Chunk(thoughts, _usage(answer.usage), finish, stop_sequence=_stopped_by(answer.additional_model_response_fields))


def _thought(reasoning: _Reasoning) -> Delta:
    if reasoning.reasoning_text is None:
        return Delta("assistant", redacted=reasoning.redacted_content)
    return Delta("assistant", reasoning=reasoning.reasoning_text.text, signature=reasoning.reasoning_text.signature)


def finish_of(reason: str, who: str) -> str:
    """OpenAI's word for Bedrock's. Errors: UpstreamFailed for an answer that came out wrong."""
    if reason.startswith("malformed"):
        raise UpstreamFailed(f"{who}: the model's answer came out wrong ({reason[:40]})", fix="Try again.")
    return FINISH.get(reason, "stop")


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    read, written = _tokens(usage.cache_read_input_tokens), _tokens(usage.cache_write_input_tokens)
    tokens_in = _tokens(_tokens(usage.input_tokens) + read + written)
    return Usage(tokens_in, _tokens(usage.output_tokens), min(read, tokens_in), written_in=written)


def _tokens(count: int | None) -> int:
    """A count as the ledger can hold it, whatever a broken provider claims."""
    return min(max(count or 0, 0), TOKENS_MAX)


def _stopped_by(fields: dict[str, Any] | None) -> str | None:
    stopped_by = (fields or {}).get("stop_sequence")
    return stopped_by if isinstance(stopped_by, str) else None


class BedrockStream:
    """One streamed answer. It is finished when the reason to stop is there, and done when usage has come behind it."""

    def __init__(self, who: str) -> None:
        self._who = who
        self._frames = FrameReader()
        self._calls: dict[int, int] = {}  # by content block: the number of the call in it
        self._silent: set[int] = set()  # those of which no arguments have come
        self._finished = False
        self._more_behind_the_end = False
        self._failure: GatehouseError | None = None
        self.done = False

    @property
    def is_clean(self) -> bool:
        return self.done and not self._more_behind_the_end and not self._frames.has_rest and not self._frames.is_broken

    def feed(self, data: bytes) -> list[Chunk]:
        if self._failure is not None:
            raise self._failure
        chunks: list[Chunk] = []
        try:
            for frame in self._frames.feed(data):
                chunk = self._chunk(frame)
                if chunk is not None:
                    if chunks:
                        chunks[-1].more = True
                    chunks.append(chunk)
        except BadFrame as error:
            self._failure = self._bad(error)
        except UNREADABLE:
            self._failure = UpstreamFailed(f"{self._who} sent an event that can't be read", fix="Try again.")
        except GatehouseError as error:
            self._failure = error
        if self._failure is not None and not chunks:  # else what came before is the caller's; the next call raises
            raise self._failure
        return chunks

    def close(self) -> list[Chunk]:
        if self._failure is not None:
            raise self._failure
        if not self._finished:
            try:
                self._frames.close()
            except BadFrame as error:
                raise self._bad(error) from error
            raise UpstreamCut(f"{self._who} broke off in the middle of its answer", fix="Try again.")
        return []

    def _bad(self, error: BadFrame) -> UpstreamFailed:
        return UpstreamFailed(f"{self._who}: {error}", fix="Try again.")

    def _chunk(self, frame: Frame) -> Chunk | None:
        kind, payload = frame.kind, with_whole_characters(frame.payload)
        if kind.type != "event":
            raise in_stream(kind.name, payload, kind.message, self._who)
        if kind.name == "metadata":
            self.done = self._finished
            usage = _usage(_read_metadata(payload).usage)
            return None if usage is None else Chunk(usage=usage)
        if self._finished:
            self._more_behind_the_end = True
            return None
        if kind.name == "contentBlockDelta":
            return self._delta(_read_delta(payload))
        if kind.name == "contentBlockStart":
            return self._start(_read_start(payload))
        if kind.name == "contentBlockStop":
            return self._block_stop(_read_block_stop(payload).content_block_index)
        if kind.name == "messageStop":
            stop = _read_stop(payload)
            finish = finish_of(stop.stop_reason, self._who)
            self._finished = True
            return Chunk(finish=finish, stop_sequence=_stopped_by(stop.additional_model_response_fields))
        return None  # messageStart, and whatever will be invented

    def _start(self, block: _BlockStart) -> Chunk | None:
        tool = block.start.tool_use
        if tool is None or tool.type is not None:
            return None
        index = self._calls[block.content_block_index] = len(self._calls)
        self._silent.add(block.content_block_index)
        return _call_chunk(ToolCall(tool.tool_use_id, "function", FunctionCall(tool.name, ""), index))

    def _delta(self, block: _BlockDelta) -> Chunk | None:
        piece = block.delta
        if piece.text is not None:
            return Chunk([Delta(content=piece.text)])
        if piece.tool_use is not None:
            index = self._calls.get(block.content_block_index)
            if index is None or not piece.tool_use.input:
                return None
            self._silent.discard(block.content_block_index)
            return _call_chunk(ToolCall(function=FunctionCall(arguments=piece.tool_use.input), index=index))
        thought = piece.reasoning_content
        if thought is None:
            return None
        return Chunk([Delta(reasoning=thought.text, signature=thought.signature, redacted=thought.redacted_content)])

    def _block_stop(self, block: int) -> Chunk | None:
        if block not in self._silent:
            return None
        self._silent.discard(block)
        return _call_chunk(ToolCall(function=FunctionCall(arguments="{}"), index=self._calls[block]))


def _call_chunk(call: ToolCall) -> Chunk:
    return Chunk([Delta(tool_calls=[call])])
