"""OpenAI's second surface, Responses (`POST /responses`), for callers that speak it themselves: it only passes through.

Source: the openai Python SDK 3.57 (types/responses), read 2026-11-26.
Quirks: an event's kind is its `type`; the name before it says the same. Nothing follows response.completed, .incomplete or
.failed: no [DONE], and a stream without one of them was cut. Usage comes with them. A failure is a response of status `failed`
with its words in `error`, or an event `error` with them at the top (or below `error`). Azure has it on its v1 surface.
"""

from typing import Any

import msgspec

from appliance.chat import ChatRequest, Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.errors import UpstreamFailed
from appliance.providers import call_ids
from appliance.providers.azure import Azure
from appliance.providers.failures import UNREADABLE
from appliance.providers.half_characters import with_whole_characters
from appliance.providers.openai import OpenAI
from appliance.providers.openai_shapes import ErrorRead, counted, failure_inside
from appliance.providers.sse_stream import SseStream
from appliance.providers.support import Support
from appliance.providers.wire import Deployment, Outgoing
from appliance.upstream.sse import SseEvent

_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})
_REASONS = {"max_output_tokens": "length", "max_messages": "length", "content_filter": "content_filter"}
_CALLS = frozenset({"function_call", "custom_tool_call"})


class _InDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InDetails | None = None
    output_tokens_details: _OutDetails | None = None


class _Incomplete(msgspec.Struct):
    reason: str | None = None


class _Part(msgspec.Struct):
    text: Any = None
    refusal: Any = None


class _Item(msgspec.Struct):
    type: str = ""
    call_id: str | None = None
    name: str | None = None
    arguments: Any = None
    content: list[_Part] | None = None
    summary: list[_Part] | None = None


class _Response(msgspec.Struct):
    status: str | None = None
    output: list[_Item] | None = None
    usage: _Usage | None = None
    error: ErrorRead | str | None = None
    incomplete_details: _Incomplete | None = None


class _Event(msgspec.Struct):
    type: str = ""
    delta: Any = None
    output_index: int | None = None
    response: msgspec.Raw = msgspec.Raw()  # read at the end only
    message: Any = None
    code: Any = None
    param: Any = None
    error: ErrorRead | str | None = None


_read_response = msgspec.json.Decoder(_Response).decode
_read_event = msgspec.json.Decoder(_Event).decode
_write = msgspec.json.Encoder().encode


class OpenAIResponses(OpenAI):
    """Called with passes=True only: other dialects reach OpenAI by Chat Completions."""

    dialect = "openai_responses"
    support = Support(frozenset())

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        assert passes, "this surface is not translated to"
        body = {**raw, "model": deployment.model}
        written = _write(body)
        if call_ids.MARK.encode() in written and isinstance(raw.get("input"), list):
            written = _write({**body, "input": [_without_signature(item) for item in raw["input"]]})
        return Outgoing(self.address("/responses", deployment), self.headers(deployment), written)

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        try:
            response = _read_response(with_whole_characters(body))
        except UNREADABLE as error:
            raise UpstreamFailed(
                f"{deployment.provider} sent an answer that is no JSON in OpenAI's format", fix="Try again."
            ) from error
        if response.error is not None or response.status == "failed":
            raise failure_inside(deployment.provider, response.error or ErrorRead())
        if response.output is None:
            raise UpstreamFailed(f"{deployment.provider} sent an answer without output", fix="Try again.")
        return Chunk([_whole_delta(response.output)], _usage(response.usage), _finish(response), body)

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> SseStream:
        return OpenAIResponsesStream(deployment.provider)


class AzureResponses(OpenAIResponses, Azure):
    """The same on Azure's v1 surface, whatever api_version its deployments are called with."""

    def address(self, surface: str, deployment: Deployment) -> str:
        dated = deployment.api_version not in ("", "preview", "latest")
        return super().address(surface, msgspec.structs.replace(deployment, api_version="") if dated else deployment)


class OpenAIResponsesStream(SseStream):
    """One streamed answer; each event is passed on with its name, as it came."""

    def _read(self, event: SseEvent) -> list[Chunk]:
        if event.data == b"[DONE]":
            return []  # not this surface's way to end
        try:
            read = _read_event(event.data)
        except UNREADABLE as error:
            raise UpstreamFailed(f"{self._provider} sent an event that is no JSON", fix="Try again.") from error
        kind = read.type or event.name
        if kind == "error" or (read.error is not None and not bytes(read.response)):
            raise failure_inside(self._provider, read.error or ErrorRead(read.message, read.code, param=read.param))
        if kind in _LAST:
            last = self._last(kind, read, event.raw)
            self.done = True  # not where that raises: a reader that was given what came before it would stop here, content
            return [last]
        return [Chunk(_deltas(kind, read), raw=event.raw)]

    def _last(self, kind: str, read: _Event, raw: bytes) -> Chunk:
        try:
            response = _read_response(read.response)
        except UNREADABLE:
            response = _Response()  # the caller may understand it; here its usage is estimated
        if kind == "response.failed":
            raise failure_inside(self._provider, response.error or ErrorRead())
        response.status = kind.removeprefix("response.")
        return Chunk([], _usage(response.usage), _finish(response), raw)


def _deltas(kind: str, read: _Event) -> list[Delta]:
    """What an event adds, as far as it is counted."""
    text = read.delta
    if not isinstance(text, str):
        return []
    if kind == "response.output_text.delta":
        return [Delta(content=text)]
    if kind in ("response.function_call_arguments.delta", "response.custom_tool_call_input.delta"):
        return [Delta(tool_calls=[ToolCall(index=read.output_index or 0, function=FunctionCall(arguments=text))])]
    if kind == "response.refusal.delta":
        return [Delta(refusal=text)]
    return [Delta(reasoning=text)] if kind.startswith("response.reasoning") else []


def _whole_delta(items: list[_Item]) -> Delta:
    content: list[str] = []
    thoughts: list[str] = []
    refusals: list[str] = []
    calls: list[ToolCall] = []
    for item in items:
        if item.type in _CALLS:
            arguments = item.arguments if isinstance(item.arguments, str) else ""
            calls.append(ToolCall(item.call_id or "", "function", FunctionCall(item.name or "", arguments), len(calls)))
            continue
        texts = content if item.type == "message" else thoughts
        for part in (*(item.summary or ()), *(item.content or ())):
            texts.append(part.text if isinstance(part.text, str) else "")
            refusals.append(part.refusal if isinstance(part.refusal, str) else "")
    return Delta("assistant", "".join(content), "".join(thoughts) or None, calls or None, None, "".join(refusals) or None)


def _finish(response: _Response) -> str:
    if response.status == "incomplete":
        reason = response.incomplete_details.reason if response.incomplete_details is not None else None
        return _REASONS.get(reason or "", "length")
    return "tool_calls" if any(item.type in _CALLS for item in response.output or ()) else "stop"


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    ins, outs = usage.input_tokens_details or _InDetails(), usage.output_tokens_details or _OutDetails()
    return counted(usage.input_tokens, usage.output_tokens, ins.cached_tokens, outs.reasoning_tokens, ins.cache_write_tokens)


def _without_signature(item: Any) -> Any:
    """A call or its result, without what another vendor put into its id."""
    if isinstance(item, dict) and isinstance(item.get("call_id"), str):
        return {**item, "call_id": call_ids.plain(item["call_id"])}
    return item
