"""What a caller of each dialect gets of a vendor's stream, and what the vendors' own SDKs make of it."""

import json
import re
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any

from anthropic.lib.streaming._messages import accumulate_event
from anthropic.types import RawMessageStreamEvent
from openai import omit
from openai.lib.streaming.chat import ChatCompletionStreamState
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.chat import ChatCompletionChunk
from openai.types.responses import ResponseStreamEvent
from pydantic import TypeAdapter

from appliance.chat import ChatRequest, Message, StreamOptions
from appliance.dialects import anthropic_messages_errors, openai_chat, openai_responses_writer
from appliance.dialects.anthropic_messages_writer import AnthropicMessagesWriter
from appliance.dialects.openai_responses_writer import OpenAIResponsesWriter
from appliance.dialects.writer import Answer, Writer
from appliance.errors import GatehouseError
from appliance.providers import llamacpp
from appliance.providers.call_reader import Reading
from appliance.providers.registry import PROVIDERS, wire
from appliance.providers.wire import Deployment, Stream

KINDS = tuple(PROVIDERS)
DIALECTS = ("openai_chat", "anthropic_messages", "openai_responses")
PAIRS = [(kind, dialect) for kind in KINDS for dialect in DIALECTS]
ASKED = ChatRequest("m", [Message("user", "Hi")], stream=True, stream_options=StreamOptions(include_usage=True))

_MADE_UP = re.compile(rb"call_[0-9a-f]{24}\b|toolu_[0-9a-f]{24}\b")
_MOMENT = re.compile(rb'"completed_at":\d+')
_anthropic_event: TypeAdapter[Any] = TypeAdapter(RawMessageStreamEvent)
_responses_event: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)

Understood = tuple[str, str, list[tuple[str, str]]]  # words, thoughts, calls: (name, arguments)


def passes(kind: str, dialect: str) -> bool:
    return wire(kind, dialect).dialect == dialect


def stream_for(kind: str, dialect: str) -> Stream:
    return wire(kind, dialect).chat_stream(ASKED, Deployment("p/m", "p", kind, "m"), passes=passes(kind, dialect))


def writer_for(dialect: str) -> Writer:
    answer = Answer("resp_1", 1_795_000_000, "m")
    if dialect == "openai_chat":
        return openai_chat.OpenAIChatWriter(ASKED, answer)
    if dialect == "anthropic_messages":
        return AnthropicMessagesWriter(ASKED, answer)
    return OpenAIResponsesWriter(answer, openai_responses_writer.echo({}))


def answered(kind: str, dialect: str, pieces: Iterable[bytes]) -> bytes:
    """What a caller reads, whatever happens: as gateway/sending.py and api/chat_surface.py do it, without sockets."""
    stream, writer = stream_for(kind, dialect), writer_for(dialect)
    told: list[bytes] = []
    usage = None
    try:
        for chunks in _chunks(stream, pieces):
            for chunk in chunks:
                usage = chunk.usage or usage
                told.append(writer.event(chunk))
        told.append(writer.end(usage))
    except GatehouseError as error:
        told.append(_error_event(dialect, error, writer))
    return _settled(b"".join(told))


def _chunks(stream: Stream, pieces: Iterable[bytes]) -> Any:
    for piece in pieces:
        yield stream.feed(piece)
        if stream.done:
            return
    yield stream.close()


def _error_event(dialect: str, error: GatehouseError, writer: Writer) -> bytes:
    if dialect == "openai_chat":
        return openai_chat.error_event(error)
    if dialect == "anthropic_messages":
        return anthropic_messages_errors.error_event(error)
    assert isinstance(writer, OpenAIResponsesWriter)
    return openai_responses_writer.error_event(error, writer.number)


def _settled(data: bytes) -> bytes:
    """Without ids that are made up, each time others, and without the time."""
    found: dict[bytes, bytes] = {}
    data = _MADE_UP.sub(lambda match: found.setdefault(match[0], b"made_up_%d" % len(found)), data)
    return _MOMENT.sub(b'"completed_at":1', data)


def events(data: bytes) -> list[tuple[str, str]]:
    """(name, data) of a stream whose events all have one line of data."""
    text = data.decode()
    assert not text or text.endswith("\n\n")
    found = []
    for block in text.removesuffix("\n\n").split("\n\n") if text else ():
        lines = [line.partition(": ") for line in block.split("\n")]
        fields = {name: value for name, _, value in lines}
        if "data" in fields:
            found.append((fields.get("event", ""), fields["data"]))
    return found


def is_finished(dialect: str, data: bytes) -> bool:
    """Whether a stream tells of its end, once and in its last place; False: it ends with an error, as its dialect has it."""
    kinds = [_kind(dialect, name, body) for name, body in events(data)]
    assert kinds and kinds[-1] in ("end", "error"), kinds[-3:]
    assert not {"end", "error"} & set(kinds[:-1]), kinds
    return kinds[-1] == "end"


def _kind(dialect: str, name: str, data: str) -> str:
    if data == "[DONE]":
        assert dialect == "openai_chat"
        return "end"
    body = json.loads(data)
    if dialect == "openai_chat":
        if "error" not in body:
            return "piece"
        assert body["error"]["message"] and body["error"]["code"]
        return "error"
    assert body["type"] == name
    if name == "error":
        assert (body["error"]["message"], body["error"]) != ("", {})
        return "error"
    return "end" if name in ("message_stop", "response.completed", "response.incomplete") else "piece"


def understood(dialect: str, data: bytes) -> Understood:
    """A finished stream of our own writing, as the SDKs put it together; every event must be one that they know."""
    read = {"openai_chat": _chat, "anthropic_messages": _messages, "openai_responses": _responses}[dialect]
    return read([json.loads(body) for _, body in events(data) if body != "[DONE]"])


def _chat(bodies: list[dict[str, Any]]) -> Understood:
    state: ChatCompletionStreamState[None] = ChatCompletionStreamState()
    thoughts = ""
    for body in bodies:
        list(state.handle_chunk(ChatCompletionChunk.model_validate(body, strict=True)))
        for choice in body["choices"]:
            thoughts += choice["delta"].get("reasoning_content") or ""
    message = state.current_completion_snapshot.choices[0].message
    calls = [(call.function.name, call.function.arguments) for call in message.tool_calls or ()]
    return message.content or "", thoughts, calls


def _messages(bodies: list[dict[str, Any]]) -> Understood:
    snapshot: Any = None
    buffers: dict[int, bytes] = {}
    given: dict[int, str] = {}
    for body in bodies:
        if body["type"] == "ping":
            continue
        if body["type"] == "content_block_delta" and body["delta"]["type"] == "input_json_delta":
            given[body["index"]] = given.get(body["index"], "") + body["delta"]["partial_json"]
        event = _anthropic_event.validate_python(body)
        snapshot = accumulate_event(event=event, current_snapshot=snapshot, json_bufs=buffers)
    words = "".join(block.text for block in snapshot.content if block.type == "text")
    thoughts = "".join(block.thinking for block in snapshot.content if block.type == "thinking")
    calls = [(block.name, given[at]) for at, block in enumerate(snapshot.content) if block.type == "tool_use"]
    return words, thoughts, calls


def _responses(bodies: list[dict[str, Any]]) -> Understood:
    assert [body["sequence_number"] for body in bodies] == list(range(len(bodies)))
    state: Any = ResponseStreamState(input_tools=omit, text_format=omit)
    for body in bodies:
        state.handle_event(_responses_event.validate_python(body))
    words = thoughts = ""
    calls = []
    for item in bodies[-1]["response"]["output"]:
        if item["type"] == "message":
            words += "".join(part.get("text", "") for part in item["content"])
        elif item["type"] == "reasoning":
            thoughts += "".join(part["text"] for part in item["summary"])
        else:
            calls.append((item["name"], item["arguments"]))
    return words, thoughts, calls


def answered_locally(dialect: str, texts: list[str], spoil: Callable[[dict[str, Any]], Any] = lambda event: event) -> bytes:
    """What a caller reads of a model in our own worker, whose engine gives its text in these pieces, in which calls may stand."""
    ids = (f"call_{number}" for number in count())
    reading = Reading(calls={'{"name": "f", "arguments": ': "f"})
    stream, writer = llamacpp.Stream(llamacpp.Request({}, reading), new_id=lambda: next(ids)), writer_for(dialect)
    usage = {"prompt_tokens": 9, "completion_tokens": 7}
    happened: list[dict[str, Any]] = [{"choices": [{"index": 0, "delta": {"content": text}}]} for text in texts]
    happened += [{"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
    told: list[bytes] = []
    try:
        for event in happened:
            told += [writer.event(chunk) for chunk in stream.feed(spoil(event))]
        stream.close()
        told.append(writer.end(None))
    except GatehouseError as error:
        told.append(_error_event(dialect, error, writer))
    return _settled(b"".join(told))
