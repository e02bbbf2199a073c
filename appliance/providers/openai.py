"""OpenAI Chat Completions and Embeddings, and everything that speaks the same (vLLM, another Gatehouse, …).

Source: the openai Python SDK 3.57 (types/chat), read 2026-11-25.
Quirks: OpenAI refuses fields that it doesn't know, so the caller's body goes on as it is, with only `model` exchanged; a body
that we write ourselves, for callers of other dialects, holds what OpenAI knows and no more. A stream tells its usage only when
asked (`stream_options.include_usage`): we always ask, and take the usage away again where the caller didn't. Errors may come as
an event in mid-stream, after status 200. Some compatible servers send no [DONE].
"""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import msgspec

from appliance.chat import ChatRequest, Chunk, Delta, ToolCall, Usage
from appliance.errors import GatehouseError, UpstreamCut, UpstreamFailed
from appliance.providers.failures import failure, retry_after_seconds
from appliance.providers.support import Support
from appliance.providers.wire import Deployment, Outgoing
from appliance.upstream.sse import SseEvent, SseReader, SseTooLarge

TOKENS_MAX = 2**31 - 1
FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
# What msgspec raises for bytes that aren't the JSON expected: wrong, not UTF-8, nested without end.
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)


class _PromptDetails(msgspec.Struct):
    cached_tokens: int | None = None


class _CompletionDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _PromptDetails | None = None
    completion_tokens_details: _CompletionDetails | None = None


class _Error(msgspec.Struct):
    message: str | None = None
    code: str | int | None = None
    param: str | None = None


class _ErrorBody(msgspec.Struct):
    error: _Error | str | None = None
    message: str | None = None  # vLLM's older shape
    detail: Any = None  # FastAPI's


class _Delta(msgspec.Struct):
    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None  # what newer vLLM calls it; elsewhere it may be anything
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class _ChunkChoice(msgspec.Struct):
    index: int = 0
    delta: _Delta | None = None
    finish_reason: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw()  # many numbers: read for a translation only


class _ChunkBody(msgspec.Struct):
    choices: list[_ChunkChoice] = []
    usage: _Usage | None = None
    error: _Error | str | None = None


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    finish_reason: str | None = None
    message: _Message | None = None


class _AnswerBody(msgspec.Struct):
    """What is counted of an answer; whatever else is in it is the caller's, and may have any shape."""

    choices: list[_Choice] | None = None
    data: list[msgspec.Raw] | None = None
    usage: _Usage | None = None
    error: _Error | str | None = None


class _WholeMessage(_Message):
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning: Any = None
    tool_calls: list[ToolCall] | None = None


class _WholeChoice(msgspec.Struct):
    index: int = 0
    finish_reason: str | None = None
    message: _WholeMessage | None = None
    logprobs: msgspec.Raw = msgspec.Raw()


class _WholeBody(msgspec.Struct):
    """An answer that is to be translated."""

    choices: list[_WholeChoice] | None = None
    data: list[msgspec.Raw] | None = None
    usage: _Usage | None = None
    error: _Error | str | None = None


class _ModelName(msgspec.Struct):
    id: str


class _ModelList(msgspec.Struct):
    data: list[_ModelName]


Body = TypeVar("Body", _AnswerBody, _WholeBody)
Choice = TypeVar("Choice", _Choice, _WholeChoice)

_read_answer = msgspec.json.Decoder(_AnswerBody).decode
_read_whole = msgspec.json.Decoder(_WholeBody).decode
_read_object = msgspec.json.Decoder(dict[str, Any]).decode
_read_chunk = msgspec.json.Decoder(_ChunkBody).decode
_read_error = msgspec.json.Decoder(_ErrorBody).decode
_read_models = msgspec.json.Decoder(_ModelList).decode
_write = msgspec.json.Encoder().encode


class OpenAI:
    """OpenAI's format. Stateless: one instance serves every deployment."""

    dialect = "openai_chat"
    support = Support(
        frozenset(
            {
                "tools", "parallel_tool_calls", "n", "logprobs", "json_schema", "json_object", "reasoning", "seed",
                "presence_penalty", "frequency_penalty", "logit_bias", "images",
            }
        )
    )  # fmt: skip

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        body = {**(raw if passes else body_of(chat)), "model": deployment.model}
        if chat.stream:
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        return Outgoing("/chat/completions", _headers(deployment.api_key), _write(body))

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        if not passes:
            whole = _answer(body, deployment, _read_whole)
            choices = _choices(whole.choices, deployment)
            finish = _finish(choices[0].finish_reason or "stop")
            return Chunk([_whole_delta(choice) for choice in choices], _usage(whole.usage), finish)
        answer = _answer(body, deployment, _read_answer)
        counted = _choices(answer.choices, deployment)
        text = "".join(choice.message.content or "" for choice in counted if choice.message)
        return Chunk([Delta(content=text)], _usage(answer.usage), _finish(counted[0].finish_reason or "stop"), body)

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> "OpenAIStream":
        asked = chat.stream_options is not None and bool(chat.stream_options.include_usage)
        return OpenAIStream(deployment.provider, choices=chat.n or 1, usage_asked=asked, passes=passes)

    def embeddings_requests(self, raw: dict[str, Any], deployment: Deployment) -> list[Outgoing]:
        return [Outgoing("/embeddings", _headers(deployment.api_key), _write({**raw, "model": deployment.model}))]

    def embeddings_answer(self, bodies: list[bytes], raw: dict[str, Any], deployment: Deployment) -> Chunk:
        (body,) = bodies
        answer = _answer(body, deployment, _read_answer)
        if answer.data is None:
            raise UpstreamFailed(f"{deployment.provider} sent an answer without embeddings", fix="Try again.")
        return Chunk(usage=_usage(answer.usage), finish="stop", raw=body)

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        return Outgoing("/models", _headers(deployment.api_key), b"")

    def models_answer(self, body: bytes) -> list[str]:
        try:
            return [model.id for model in _read_models(body).data]
        except _UNREADABLE as error:
            raise ValueError("no list of models in OpenAI's format") from error

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        message, code, param = "", None, None
        try:
            message, code, param = _said(_read_error(body))
        except _UNREADABLE:
            pass  # an HTML page from a proxy, say: the status alone speaks
        if status < 400:
            return UpstreamFailed(f"{deployment.provider} answered with status {status}", fix="Check the provider's base_url.")
        return failure(status, deployment.provider, message, code=code, param=param, retry_after=retry_after_seconds(headers))


class OpenAIStream:
    """One streamed answer. Knows whether it was finished: all choices ended, or [DONE]."""

    def __init__(self, provider: str, *, choices: int, usage_asked: bool, passes: bool = True) -> None:
        self._provider = provider
        self._open_choices = choices
        self._usage_asked = usage_asked
        self._passes = passes
        self._reader = SseReader()
        self.done = False
        self._more_behind_the_end = False
        self._failure: GatehouseError | None = None

    @property
    def is_clean(self) -> bool:
        return self.done and not self._more_behind_the_end and not self._reader.has_rest

    def feed(self, data: bytes) -> list[Chunk]:
        if self._failure is not None:
            raise self._failure
        try:
            events = self._reader.feed(data)
        except SseTooLarge as error:
            raise UpstreamFailed(f"{self._provider}: {error}") from error
        return self._chunks(events)

    def close(self) -> list[Chunk]:
        chunks = self._chunks(self._reader.close()) if self._failure is None else []
        if self._failure is not None:
            raise self._failure
        if not self.done and self._open_choices > 0:
            raise UpstreamCut(f"{self._provider} broke off in the middle of its answer", fix="Try again.")
        return chunks

    def _chunks(self, events: list[SseEvent]) -> list[Chunk]:
        chunks: list[Chunk] = []
        for event in events:
            if self.done:
                self._more_behind_the_end = True
            elif event.data == b"[DONE]":
                self.done = True
            elif event.data:
                try:
                    chunk = self._chunk(event.data, event.raw)
                except GatehouseError as error:
                    self._failure = error
                    if chunks:  # what came before the failure is the caller's; the next call raises
                        break
                    raise
                if chunks:
                    chunks[-1].more = True
                chunks.append(chunk)
        return chunks

    def _chunk(self, data: bytes, raw: bytes) -> Chunk:
        try:
            body = _read_chunk(data)
        except _UNREADABLE as error:
            if self.done or self._open_choices <= 0:
                return Chunk()  # rubbish behind a finished answer
            raise UpstreamFailed(f"{self._provider} sent an event that is no JSON", fix="Try again.") from error
        if body.error is not None:
            raise _stream_failure(self._provider, body.error)
        deltas, finish = [], None
        for choice in body.choices:
            delta = choice.delta
            if delta is not None:
                logprobs = None if self._passes else _logprobs(choice.logprobs)
                reasoning = _reasoning(delta)
                deltas.append(
                    Delta(delta.role, delta.content, reasoning, delta.tool_calls, logprobs, delta.refusal, choice.index)
                )
            if choice.finish_reason is not None:
                self._open_choices -= 1
                finish = _finish(choice.finish_reason)
        usage = None if body.usage is None else _usage(body.usage)
        if usage is not None and not self._usage_asked and not body.choices:
            return Chunk(usage=usage)  # asked for by us: counted, not shown
        return Chunk(deltas, usage, finish, raw if self._passes else None)


_MESSAGE_WORDS = ("role", "content", "name", "tool_calls", "tool_call_id", "refusal")
_OURS = ("top_k", "min_p", "thinking")  # OpenAI has no such fields


def body_of(chat: ChatRequest) -> dict[str, Any]:
    """A translated request as OpenAI takes it: what only others know (thinking, signatures) stays here."""
    body: dict[str, Any] = msgspec.to_builtins(chat)
    for name in _OURS:
        body.pop(name, None)
    messages = []
    for message in body["messages"]:
        kept = {name: message[name] for name in _MESSAGE_WORDS if name in message}
        if "tool_calls" in kept:
            kept["tool_calls"] = [
                {name: call[name] for name in ("id", "type", "function") if name in call} for call in kept["tool_calls"]
            ]
        if kept["role"] == "assistant" and "content" not in kept:
            kept["content"] = None
        messages.append(kept)
    body["messages"] = messages
    return body


def _whole_delta(choice: _WholeChoice) -> Delta:
    message = choice.message or _WholeMessage()
    calls = [msgspec.structs.replace(call, index=index) for index, call in enumerate(message.tool_calls or ())]
    logprobs = _logprobs(choice.logprobs)
    return Delta("assistant", message.content, _reasoning(message), calls or None, logprobs, message.refusal, choice.index)


def _reasoning(said: _Delta | _WholeMessage) -> str | None:
    return said.reasoning_content or (said.reasoning if isinstance(said.reasoning, str) else None)


def _logprobs(raw: msgspec.Raw) -> dict[str, Any] | None:
    """The object that they should be; anything else is as good as none."""
    try:
        return _read_object(raw)
    except _UNREADABLE:
        return None


def _headers(api_key: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if api_key:
        headers["Authorization"] = f"Bearer {api_key}"
    return headers


def _usage(usage: _Usage | None) -> Usage | None:
    if usage is None:
        return None
    cached = usage.prompt_tokens_details.cached_tokens if usage.prompt_tokens_details else None
    reasoning = usage.completion_tokens_details.reasoning_tokens if usage.completion_tokens_details else None
    return Usage(_tokens(usage.prompt_tokens), _tokens(usage.completion_tokens), _tokens(cached), _tokens(reasoning))


def _finish(reason: str) -> str:
    """A reason to finish as the ledger knows it; the caller sees the provider's own."""
    return reason if reason in FINISH_REASONS else "other"


def _tokens(count: int | None) -> int:
    """A count as the ledger can hold it, whatever a broken provider claims."""
    return min(max(count or 0, 0), TOKENS_MAX)


def _answer(body: bytes, deployment: Deployment, read: Callable[[bytes], Body]) -> Body:
    try:
        answer = read(body)
    except _UNREADABLE as error:
        raise UpstreamFailed(
            f"{deployment.provider} sent an answer that is no JSON in OpenAI's format", fix="Try again."
        ) from error
    if answer.error is not None:
        raise _stream_failure(deployment.provider, answer.error)
    return answer


def _choices(found: list[Choice] | None, deployment: Deployment) -> list[Choice]:
    if not found:
        raise UpstreamFailed(f"{deployment.provider} sent an answer without choices", fix="Try again.")
    return found


def _said(body: _ErrorBody) -> tuple[str, str | None, str | None]:
    """(message, code, param) of an error body in any of the shapes met so far."""
    if isinstance(body.error, _Error):
        code = body.error.code
        return body.error.message or "", str(code) if code is not None else None, body.error.param
    message = body.error or body.message or body.detail
    return (message, None, None) if isinstance(message, str) else ("", None, None)


def _stream_failure(provider: str, error: _Error | str) -> GatehouseError:
    """An error inside an answer that began with status 200; a numeric code is the status it stands for."""
    if isinstance(error, str):
        return failure(500, provider, error, code=None, param=None, retry_after=None)
    try:
        status = int(error.code) if error.code is not None else 500
    except ValueError:
        status = 500
    if not 400 <= status < 600:
        status = 500
    return failure(status, provider, error.message or "", code=None, param=error.param, retry_after=None)
