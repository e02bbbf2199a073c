"""OpenAI Chat Completions as callers speak it (`POST /v1/chat/completions`).

Source: the openai Python SDK 3.57 (types/chat), read 2026-11-25.
Quirks: `stream_options.include_usage` adds a last chunk with `choices: []`; a stream ends with `data: [DONE]`,
and an error in the middle of it is an event `data: {"error": …}` that the SDKs raise.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance import bodies
from appliance.chat import MESSAGES_MAX, ChatRequest, Chunk, Delta, FunctionCall, Message, ToolCall, Usage
from appliance.dialects.writer import Answer, Parsed
from appliance.errors import GatehouseError, InvalidField

DONE = b"data: [DONE]\n\n"


class _Call(ToolCall):
    extra_content: Any = None


class _Message(Message, kw_only=True):
    tool_calls: list[_Call] | None = None  # type: ignore[assignment]  # only ever read
    refusal: Any = None
    reasoning_content: Any = None
    thinking_blocks: Any = None
    is_error: Any = None


class _Request(ChatRequest, kw_only=True):
    """A request whose fields that OpenAI's format has no say in, or that differ by vendor, may have any shape: where it passes
    the provider judges them, and a translation checks them itself (providers/support.py)."""

    messages: Annotated[list[_Message], Meta(min_length=1, max_length=MESSAGES_MAX)]  # type: ignore[assignment]  # only ever read
    top_k: Any = None
    min_p: Any = None
    reasoning_effort: Any = None
    thinking: Any = None


chat_decoder: msgspec.json.Decoder[ChatRequest] = msgspec.json.Decoder(_Request)
_write = msgspec.json.Encoder().encode


def check(chat: ChatRequest) -> None:
    """What OpenAI refuses, beyond types. Errors: InvalidField."""
    if chat.stream_options is not None and not chat.stream:
        raise InvalidField("stream_options is only allowed with stream: true", param="stream_options", fix="Leave it out.")
    if isinstance(chat.stop, list) and len(chat.stop) > 16:
        raise InvalidField("stop takes at most 16 strings", param="stop", fix="Send fewer.")
    for position, message in enumerate(chat.messages):
        if message.role == "tool" and message.tool_call_id is None:
            raise InvalidField(
                "a tool message needs the id of the call it answers",
                param=f"messages[{position}].tool_call_id",
                fix="Send the tool_call_id that the assistant's message gave.",
            )


class OpenAIChat:
    """The dialect; stateless."""

    name = "openai_chat"
    id_prefix = "chatcmpl-"
    sign_of_life = b": waiting\n\n"
    own_headers = ()

    def parse(self, body: bytes) -> Parsed:
        chat = bodies.read(body, chat_decoder)
        check(chat)
        return Parsed(chat, bodies.read_object(body))

    def chat(self, raw: dict[str, Any]) -> ChatRequest:
        chat = msgspec.convert(raw, _Request)
        check(chat)
        return chat

    def extras(self, raw: dict[str, Any]) -> list[str]:
        return [name for name, value in raw.items() if name not in _KNOWN and value is not None]

    def for_its_vendor(self, raw: dict[str, Any]) -> dict[str, Any]:
        return raw

    def writer(self, chat: ChatRequest, answer: Answer) -> "OpenAIChatWriter":
        return OpenAIChatWriter(chat, answer)


_KNOWN = frozenset(field.name for field in msgspec.structs.fields(ChatRequest))


class OpenAIChatWriter:
    """One answer. A choice's first delta says the role, whoever answered; usage comes at the end where it was asked for."""

    def __init__(self, chat: ChatRequest, answer: Answer) -> None:
        options = chat.stream_options
        self._usage_owed = options is not None and bool(options.include_usage)
        self._answer = answer
        self._begun: set[int] = set()
        self._thoughts: dict[int, int] = {}  # by choice: the thinking blocks so far

    def whole(self, chunks: list[Chunk], usage: Usage | None) -> bytes:
        return whole(self._answer, chunks, usage)

    def event(self, chunk: Chunk) -> bytes:
        if chunk.raw is not None:
            self._usage_owed = self._usage_owed and chunk.usage is None
            return chunk.raw
        for delta in chunk.deltas:
            if delta.index not in self._begun:
                self._begun.add(delta.index)
                delta.role = "assistant"
        return event(self._answer, chunk, self._thoughts)

    def end(self, usage: Usage | None) -> bytes:
        told = usage_event(self._answer, usage) if self._usage_owed and usage is not None else b""
        return told + DONE


def whole(answer: Answer, chunks: list[Chunk], usage: Usage | None) -> bytes:
    """One `chat.completion` from the chunks of a translated answer, several choices kept apart by index."""
    choices: dict[int, _Choice] = {}
    for chunk in chunks:
        for delta in chunk.deltas:
            choices.setdefault(delta.index, _Choice(delta.index)).add(delta)
        if chunk.finish is not None:
            for index in {delta.index for delta in chunk.deltas} or {0}:
                choices.setdefault(index, _Choice(index)).finish = chunk.finish
    body: dict[str, Any] = {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [choices[index].shown() for index in sorted(choices)],
    }
    if usage is not None:
        body["usage"] = usage_shown(usage)
    return _write(body)


class _Choice:
    """One choice of an answer, put together from its deltas."""

    def __init__(self, index: int) -> None:
        self.index = index
        self.finish: str | None = None
        self._content: list[str] = []
        self._reasoning: list[str] = []
        self._refusal: list[str] = []
        self._logprobs: list[Any] = []
        self._calls: dict[int, ToolCall] = {}
        self._thoughts: list[dict[str, Any]] = []
        self._thought_from = 0  # of _reasoning, not signed yet

    def add(self, delta: Delta) -> None:
        for text, texts in (
            (delta.content, self._content),
            (delta.reasoning, self._reasoning),
            (delta.refusal, self._refusal),
        ):
            if text:
                texts.append(text)
        if delta.signature is not None:
            thought = "".join(self._reasoning[self._thought_from :])
            self._thought_from = len(self._reasoning)
            self._thoughts.append({"type": "thinking", "thinking": thought, "signature": delta.signature})
        if delta.redacted is not None:
            self._thoughts.append({"type": "redacted_thinking", "data": delta.redacted})
        if delta.logprobs:
            self._logprobs.extend(delta.logprobs.get("content") or [])
        for piece in delta.tool_calls or []:
            self._add_call(piece)

    def _add_call(self, piece: ToolCall) -> None:
        call = self._calls.setdefault(piece.index or 0, ToolCall(type="function", function=FunctionCall()))
        call.id = piece.id or call.id
        call.extra_content = piece.extra_content or call.extra_content
        if piece.function is not None and call.function is not None:
            call.function.name += piece.function.name
            call.function.arguments += piece.function.arguments

    def shown(self) -> dict[str, Any]:
        calls = [self._calls[index] for index in sorted(self._calls)]
        message: dict[str, Any] = {
            "role": "assistant",
            "content": "".join(self._content) if self._content or not calls else None,
            "refusal": "".join(self._refusal) or None,
        }
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        if self._thoughts:
            message["thinking_blocks"] = self._thoughts
        if calls:
            message["tool_calls"] = [_call_shown(call) for call in calls]
        logprobs = {"content": self._logprobs, "refusal": None} if self._logprobs else None
        return {"index": self.index, "message": message, "logprobs": logprobs, "finish_reason": self.finish or "stop"}


def event(answer: Answer, chunk: Chunk, thoughts: dict[int, int] | None = None) -> bytes:
    """One chunk as bytes of a stream: the upstream's own where no stage changed it; empty where there is nothing to tell.

    `thoughts`: by choice, how many thinking blocks were told; counted on here.
    """
    if chunk.raw is not None:
        return chunk.raw
    if chunk.comment is not None:
        return b": " + chunk.comment.encode("utf-8", "replace").replace(b"\n", b" ").replace(b"\r", b" ") + b"\n\n"
    if not chunk.deltas and chunk.finish is None:
        return b""
    deltas = chunk.deltas or [Delta()]
    thoughts = {} if thoughts is None else thoughts
    choices = [
        {
            "index": delta.index,
            "delta": _delta_shown(delta, thoughts),
            "logprobs": delta.logprobs,
            "finish_reason": chunk.finish,
        }
        for delta in deltas
    ]
    return _event_bytes({**_chunk_head(answer), "choices": choices})


def usage_event(answer: Answer, usage: Usage) -> bytes:
    """The last chunk before [DONE] for a caller that asked for usage."""
    return _event_bytes({**_chunk_head(answer), "choices": [], "usage": usage_shown(usage)})


def error_event(error: GatehouseError) -> bytes:
    """What a stream ends with when it can't be finished; never followed by [DONE]."""
    return _event_bytes(error.body())


def usage_shown(usage: Usage) -> dict[str, Any]:
    """Usage in OpenAI's words."""
    return {
        "prompt_tokens": usage.tokens_in,
        "completion_tokens": usage.tokens_out,
        "total_tokens": usage.tokens_in + usage.tokens_out,
        "prompt_tokens_details": {"cached_tokens": usage.cached_in},
        "completion_tokens_details": {"reasoning_tokens": usage.reasoning_out},
    }


def _chunk_head(answer: Answer) -> dict[str, Any]:
    return {"id": answer.id, "object": "chat.completion.chunk", "created": answer.created, "model": answer.model}


def _delta_shown(delta: Delta, thoughts: dict[int, int]) -> dict[str, Any]:
    shown: dict[str, Any] = {}
    if delta.role is not None:
        shown["role"] = delta.role
    if delta.content is not None:
        shown["content"] = delta.content
    if delta.reasoning is not None:
        shown["reasoning_content"] = delta.reasoning
    if blocks := _thinking_blocks(delta):
        begun = thoughts.get(delta.index, 0)
        thoughts[delta.index] = begun + len(blocks)
        shown["thinking_blocks"] = [{"index": number, **block} for number, block in enumerate(blocks, begun)]
    if delta.refusal is not None:
        shown["refusal"] = delta.refusal
    if delta.tool_calls:
        shown["tool_calls"] = [_call_delta_shown(call) for call in delta.tool_calls]
    return shown


def _thinking_blocks(delta: Delta) -> list[dict[str, Any]]:
    """Each is told with a number: without, OpenAI's SDK can't put a second one beside the first."""
    blocks = []
    if delta.signature is not None:  # of the reasoning since the last one
        blocks.append({"type": "thinking", "thinking": "", "signature": delta.signature})
    if delta.redacted is not None:
        blocks.append({"type": "redacted_thinking", "data": delta.redacted})
    return blocks


def _call_delta_shown(call: ToolCall) -> dict[str, Any]:
    """The first piece of a call has id, type, name and empty arguments; later ones index and arguments only."""
    function: dict[str, str] = {}
    if call.function is not None:
        if call.function.name:
            function["name"] = call.function.name
        function["arguments"] = call.function.arguments
    named: dict[str, Any] = {"id": call.id, "type": "function"} if call.id else {}
    if call.extra_content is not None:
        named["extra_content"] = call.extra_content
    return {"index": call.index or 0, **named, "function": function}


def _call_shown(call: ToolCall) -> dict[str, Any]:
    function = call.function or FunctionCall()
    shown = {"id": call.id, "type": "function", "function": {"name": function.name, "arguments": function.arguments}}
    return shown if call.extra_content is None else {**shown, "extra_content": call.extra_content}


def _event_bytes(body: dict[str, Any]) -> bytes:
    return b"data: " + _write(body) + b"\n\n"
