"""Anthropic's answers as they are decoded: the whole one, the events of a stream, usage, reasons to finish, errors.

Source: the anthropic Python SDK 2.14 (types/message, raw_*_event, usage, stop_reason), read 2026-11-26.
Quirks: the tokens of a prompt are three numbers, of which `input_tokens` is what came neither from nor went to the cache. A
prompt that is too long and an account without credit are both "invalid_request_error" with words of their own.
"""

import msgspec

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.errors import GatehouseError, UpstreamFailed
from appliance.providers.failures import UNREADABLE, failure
from appliance.providers.half_characters import with_whole_characters

TOKENS_MAX = 2**31 - 1

REASONS = {
    "end_turn": "stop",
    "stop_sequence": "stop",
    "pause_turn": "stop",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "tool_use": "tool_calls",
    "refusal": "content_filter",
}
STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class TheirUsage(msgspec.Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    output_tokens_details: OutputDetails | None = None


class Error(msgspec.Struct):
    type: str | None = None
    message: str | None = None


class Block(msgspec.Struct):
    type: str = ""
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    data: str | None = None
    id: str | None = None
    name: str | None = None
    input: msgspec.Raw = msgspec.Raw(b"")


class AnswerBody(msgspec.Struct):
    type: str | None = None
    content: list[Block] | None = None
    stop_reason: str | None = None
    stop_sequence: str | None = None
    usage: TheirUsage | None = None
    error: Error | None = None


class ErrorBody(msgspec.Struct):
    error: Error | None = None


read_answer = msgspec.json.Decoder(AnswerBody).decode
read_error = msgspec.json.Decoder(ErrorBody).decode


def whole(body: bytes, provider: str) -> Chunk:
    """A whole answer as one chunk. Errors: UpstreamFailed and whatever an error with status 200 means."""
    try:
        answer = read_answer(with_whole_characters(body))
        deltas = _deltas(answer.content or [])
    except UNREADABLE as error:
        raise UpstreamFailed(f"{provider} sent an answer that is no JSON in Anthropic's format", fix="Try again.") from error
    if answer.error is not None or answer.type == "error":
        raise said_failure(provider, answer.error or Error())
    if answer.content is None:
        raise UpstreamFailed(f"{provider} sent an answer without content", fix="Try again.")
    return Chunk(deltas, usage_of(None, answer.usage), finish(answer.stop_reason), stop_sequence=answer.stop_sequence)


def _deltas(blocks: list[Block]) -> list[Delta]:
    """Thoughts one by one, then all that was said and called."""
    deltas: list[Delta] = []
    texts: list[str] = []
    calls: list[ToolCall] = []
    for block in blocks:
        if block.type == "text":
            texts.append(block.text or "")
        elif block.type == "thinking":
            deltas.append(Delta(reasoning=block.thinking or "", signature=block.signature or None))
        elif block.type == "redacted_thinking":
            deltas.append(Delta(redacted=block.data))
        elif block.type == "tool_use":
            call = FunctionCall(block.name or "", arguments_of(block))
            calls.append(ToolCall(block.id or "", "function", call, len(calls)))
    content = "".join(texts) if texts or not calls else None
    deltas.append(Delta("assistant", content, tool_calls=calls or None))
    return deltas


def arguments_of(block: Block) -> str:
    """The arguments of a call that came at once, as they were written."""
    return bytes(block.input).decode() or "{}"


def finish(reason: str | None) -> str:
    return REASONS.get(reason or "end_turn", "stop")


def usage_of(first: TheirUsage | None, last: TheirUsage | None) -> Usage | None:
    """Usage from an answer's end, with what only its beginning told. None where the end tells none: then it is estimated."""
    if last is None or last.output_tokens is None:
        return None
    first = first or TheirUsage()
    fresh = _tokens(first.input_tokens if last.input_tokens is None else last.input_tokens)
    cached = _tokens(first.cache_read_input_tokens if last.cache_read_input_tokens is None else last.cache_read_input_tokens)
    written = last.cache_creation_input_tokens
    written = _tokens(first.cache_creation_input_tokens if written is None else written)
    tokens_out = _tokens(last.output_tokens)
    details = last.output_tokens_details
    thought = min(_tokens(details.thinking_tokens), tokens_out) if details is not None else 0
    return Usage(min(fresh + cached + written, TOKENS_MAX), tokens_out, cached, thought, written_in=written)


def _tokens(count: int | None) -> int:
    """A count as the ledger can hold it, whatever a broken provider claims."""
    return min(max(count or 0, 0), TOKENS_MAX // 4)


def said_failure(provider: str, error: Error, status: int | None = None, retry_after: float | None = None) -> GatehouseError:
    """What an error in Anthropic's words means; `status` None: it came after a status of 200."""
    kind, message = error.type or "", error.message or ""
    status = status or STATUSES.get(kind, 500)
    code = None
    if status in (400, 413) and "prompt is too long" in message.lower():
        code, status = "context_length_exceeded", 400
    elif status == 402 or (status == 400 and "credit balance is too low" in message.lower()):
        status = 403  # not the caller's mistake: another provider may answer
    return failure(status, provider, message, code=code, param=None, retry_after=retry_after)
