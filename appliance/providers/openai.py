"""OpenAI Chat Completions and Embeddings; what speaks the same (azure.py, vllm.py) is a table of differences from this.

Source: the openai Python SDK 3.57 (types/chat), read 2026-11-25.
Quirks: OpenAI refuses fields that it doesn't know, so the caller's body goes on as it is, with only `model` exchanged (and what
other vendors left in its history taken out); a body that we write ourselves, for callers of other dialects, holds what OpenAI
knows and no more. A stream tells its usage only when asked (`stream_options.include_usage`): we always ask, and take the usage
away again where the caller didn't. Errors may come as an event in mid-stream, after status 200. Some compatible servers send no
[DONE].
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.chat import ChatRequest, Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.errors import GatehouseError, UpstreamFailed
from appliance.providers.failures import UNREADABLE, failure, retry_after_seconds
from appliance.providers.half_characters import with_whole_characters
from appliance.providers.openai_body import Manners, body_of, has_foreign_marks, without_foreign_marks
from appliance.providers.openai_calls import CallPieces
from appliance.providers.openai_shapes import (
    AnswerBody,
    CallRead,
    ChunkBody,
    ChunkChoice,
    ErrorRead,
    failure_inside,
    finish_of,
    logprobs_of,
    read_answer,
    read_chunk,
    read_error,
    read_models,
    read_odd_answer,
    read_odd_chunk,
    said,
    usage_of,
    whole_delta,
)
from appliance.providers.sse_stream import SseStream
from appliance.providers.support import DOCUMENTS, Support
from appliance.providers.wire import Deployment, Outgoing
from appliance.upstream.sse import SseEvent

# What the format has room for. Files and audio pass through; no other dialect's can be translated to them.
FEATURES = frozenset(
    {
        "tools", "parallel_tool_calls", "n", "logprobs", "json_schema", "json_object", "reasoning", "seed", "presence_penalty",
        "frequency_penalty", "logit_bias", "images",
    }
)  # fmt: skip

_write = msgspec.json.Encoder().encode


class OpenAI:
    """OpenAI's format. Stateless: one instance serves every deployment."""

    dialect = "openai_chat"
    support = Support(FEATURES)
    documents = DOCUMENTS - {"docx"}
    manners = Manners()
    knows_only_its_own = True  # and refuses in a caller's history what other vendors put there

    def address(self, surface: str, deployment: Deployment) -> str:
        """The path of a surface ("/chat/completions", …) below the deployment's base_url."""
        return surface

    def headers(self, deployment: Deployment) -> dict[str, str]:
        credential = {"Authorization": f"Bearer {deployment.api_key}"} if deployment.api_key else {}
        return {"Content-Type": "application/json", "Accept-Encoding": "identity", **credential}

    def translated(self, chat: ChatRequest, deployment: Deployment) -> dict[str, Any]:
        return body_of(chat, deployment.model, self.manners)

    def tells_usage(self, deployment: Deployment) -> bool:
        """Whether a stream may be asked for its usage."""
        return True

    def chat_request(self, chat: ChatRequest, raw: dict[str, Any], deployment: Deployment, *, passes: bool) -> Outgoing:
        body = {**(raw if passes else self.translated(chat, deployment)), "model": deployment.model}
        if chat.stream and self.tells_usage(deployment):
            body["stream_options"] = {**(body.get("stream_options") or {}), "include_usage": True}
        written = _write(body)
        if passes and self.knows_only_its_own and has_foreign_marks(written):
            written = _write({**body, "messages": without_foreign_marks(body["messages"])})
        return Outgoing(self.address("/chat/completions", deployment), self.headers(deployment), written)

    def chat_answer(self, body: bytes, deployment: Deployment, *, passes: bool) -> Chunk:
        answer = _answer(body, deployment, passes=passes)
        if not answer.choices:
            raise UpstreamFailed(f"{deployment.provider} sent an answer without choices", fix="Try again.")
        try:
            deltas = [whole_delta(choice, passes=passes) for choice in answer.choices]
        except RecursionError as error:  # arguments that are an object, written again
            raise UpstreamFailed(f"{deployment.provider} sent an answer that is nested too deeply", fix="Try again.") from error
        reason = answer.choices[0].finish_reason or "stop"
        finish = finish_of(reason, passes=passes, calls=bool(deltas[0].tool_calls))
        return Chunk(deltas, usage_of(answer.usage), finish, body if passes else None)

    def chat_stream(self, chat: ChatRequest, deployment: Deployment, *, passes: bool) -> SseStream:
        asked = chat.stream_options is not None and bool(chat.stream_options.include_usage)
        return OpenAIStream(deployment.provider, choices=chat.n or 1, usage_asked=asked, passes=passes)

    def embeddings_requests(self, raw: dict[str, Any], deployment: Deployment) -> list[Outgoing]:
        body = _write({**raw, "model": deployment.model})
        return [Outgoing(self.address("/embeddings", deployment), self.headers(deployment), body)]

    def embeddings_answer(self, bodies: list[bytes], raw: dict[str, Any], deployment: Deployment) -> Chunk:
        (body,) = bodies
        answer = _answer(body, deployment, passes=True)
        if answer.data is None:
            raise UpstreamFailed(f"{deployment.provider} sent an answer without embeddings", fix="Try again.")
        return Chunk(usage=usage_of(answer.usage), finish="stop", raw=body)

    def models_request(self, deployment: Deployment) -> Outgoing | None:
        return Outgoing(self.address("/models", deployment), self.headers(deployment), b"")

    def models_answer(self, body: bytes) -> list[str]:
        try:
            return [model.id for model in read_models(body).data]
        except UNREADABLE as error:
            raise ValueError("no list of models in OpenAI's format") from error

    def error(self, status: int, headers: Mapping[str, str], body: bytes, deployment: Deployment) -> GatehouseError:
        message, code, param = "", None, None
        try:
            message, code, param = said(read_error(body))
        except UNREADABLE:
            pass  # an HTML page from a proxy, say: the status alone speaks
        if status < 400:
            return UpstreamFailed(f"{deployment.provider} answered with status {status}", fix="Check the provider's base_url.")
        return failure(status, deployment.provider, message, code=code, param=param, retry_after=retry_after_seconds(headers))


class OpenAIStream(SseStream):
    """One streamed answer. Knows whether it was finished: all choices ended, or [DONE]."""

    drops_preamble = False  # an event without choices and usage is not for the caller's eyes

    def __init__(self, provider: str, *, choices: int, usage_asked: bool, passes: bool = True) -> None:
        super().__init__(provider)
        self._open_choices = choices
        self._usage_asked = usage_asked
        self._passes = passes
        self._calls: dict[int, CallPieces] = {}

    def _is_whole(self) -> bool:
        return self.done or self._open_choices <= 0

    def _read(self, event: SseEvent) -> list[Chunk]:
        if event.data == b"[DONE]":
            self.done = True
            return []
        try:
            body = read_chunk(event.data)
        except UNREADABLE as error:
            odd = read_odd_chunk(event.data) if self._passes else None
            if odd is None and self._open_choices <= 0:
                return [Chunk()]  # rubbish behind a finished answer
            if odd is None:
                raise UpstreamFailed(f"{self._provider} sent an event that is no JSON", fix="Try again.") from error
            body = odd
        if body.error is not None:
            raise failure_inside(self._provider, body.error)
        usage = None if body.usage is None else usage_of(body.usage)
        if not body.choices and (usage is None or not self._usage_asked):
            if usage is None and (told := _failure_event(event, self._provider)) is not None:
                raise told
            if usage is not None or self.drops_preamble:
                return [Chunk(usage=usage)]  # usage that only we asked for is counted, not shown
        return self._passed(body, event.raw, usage) if self._passes else self._translated(body, usage)

    def _passed(self, body: ChunkBody, raw: bytes, usage: Usage | None) -> list[Chunk]:
        """One chunk with the upstream's bytes. Where it ends several choices, empty ones before it end the others."""
        deltas, ends = [], []
        for choice in body.choices:
            added = choice.delta
            if added is not None:
                calls = None if added.tool_calls is None else [_counted(call) for call in added.tool_calls]
                content, reasoning = added.texts()
                deltas.append(Delta(added.role, content, reasoning, calls, None, added.refusal, choice.index))
            if choice.finish_reason is not None:
                self._open_choices -= 1
                ends.append(finish_of(choice.finish_reason, passes=True))
        if not ends:
            return [Chunk(deltas, usage, None, raw)]
        return [*(Chunk(finish=end, raw=b"") for end in ends[:-1]), Chunk(deltas, usage, ends[-1], raw)]

    def _translated(self, body: ChunkBody, usage: Usage | None) -> list[Chunk]:
        """A chunk for each choice, so that each has its own end."""
        chunks = [self._choice(choice) for choice in body.choices] or [Chunk()]
        chunks[-1].usage = usage
        return chunks

    def _choice(self, choice: ChunkChoice) -> Chunk:
        deltas: list[Delta] = []
        if (added := choice.delta) is not None:
            content, reasoning = added.texts()
            calls = None
            if added.tool_calls:
                calls = self._calls.setdefault(choice.index, CallPieces()).told(added.tool_calls)
            logprobs = logprobs_of(choice.logprobs)
            deltas.append(Delta(added.role, content, reasoning, calls, logprobs, added.refusal, choice.index))
        if choice.finish_reason is None:
            return Chunk(deltas)
        self._open_choices -= 1
        if choice.finish_reason == "error":  # OpenRouter's
            raise UpstreamFailed(f"{self._provider} failed in the middle of its answer", fix="Try again.")
        made = self._calls.get(choice.index)
        if made and (rest := made.rest()):
            deltas.append(Delta(tool_calls=rest, index=choice.index))
        return Chunk(deltas, None, finish_of(choice.finish_reason, passes=False, calls=bool(made)))


def _counted(call: CallRead) -> ToolCall:
    """A piece of a call that passes through: only its length is of interest."""
    return ToolCall(index=call.index or 0, function=FunctionCall(call.name, call.arguments))


def _failure_event(event: SseEvent, provider: str) -> GatehouseError | None:
    """An error that is told by the event's name, or as in vLLM's older shape; None where it is something else."""
    read = read_error(event.data)
    if event.name != "error" and read.object != "error":
        return None
    message, code, param = said(read)
    return failure_inside(provider, ErrorRead(message=message, code=code, param=param))


def _answer(body: bytes, deployment: Deployment, *, passes: bool) -> AnswerBody:
    try:
        answer = read_answer(with_whole_characters(body))
    except UNREADABLE as error:
        odd = read_odd_answer(body) if passes else None
        if odd is None:
            raise UpstreamFailed(
                f"{deployment.provider} sent an answer that is no JSON in OpenAI's format", fix="Try again."
            ) from error
        answer = odd
    if answer.error is not None:
        raise failure_inside(deployment.provider, answer.error)
    return answer
