"""What is read of answers in OpenAI's format: no more than is of use here, and forgiving where compatible servers differ.

Source: the openai Python SDK 3.57 (types/chat); the differences as met at vLLM, SGLang, Mistral, OpenRouter and Ollama.
Quirks: texts may come as lists of parts (Mistral), arguments of a call as an object (Ollama), names and ids as null (SGLang),
errors as a text, as vLLM's {"object": "error", …} or FastAPI's {"detail": …}, with codes that are numbers or words.
"""

from typing import Any

import msgspec

from appliance.chat import Delta, FunctionCall, ToolCall, Usage
from appliance.errors import GatehouseError
from appliance.providers.failures import UNREADABLE, failure

TOKENS_MAX = 2**31 - 1
FINISH_REASONS = frozenset({"stop", "length", "tool_calls", "content_filter", "function_call"})
# Other servers' words for them.
_FINISH_WORDS = {
    "eos": "stop", "eos_token": "stop", "end_turn": "stop", "stop_sequence": "stop", "max_tokens": "length",
    "model_length": "length", "tool_use": "tool_calls", "function_call": "tool_calls", "safety": "content_filter",
}  # fmt: skip
# The status that an error's word stands for where an answer had begun with 200. Others are the provider's own failure.
_STATUSES = {
    "invalid_request_error": 400, "context_length_exceeded": 400, "content_filter": 400, "invalid_prompt": 400,
    "BadRequestError": 400, "invalid_api_key": 401, "model_not_found": 404, "rate_limit_exceeded": 429,
    "insufficient_quota": 429, "rate_limit_error": 429, "overloaded": 503, "overloaded_error": 503,
    "service_unavailable": 503, "vector_store_timeout": 504, "timeout": 504,
}  # fmt: skip


class _InDetails(msgspec.Struct):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None


class _OutDetails(msgspec.Struct):
    reasoning_tokens: int | None = None


_NO_IN, _NO_OUT = _InDetails(), _OutDetails()


class UsageRead(msgspec.Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InDetails | None = None
    completion_tokens_details: _OutDetails | None = None


class ErrorRead(msgspec.Struct):
    message: Any = None
    code: Any = None
    type: Any = None
    param: Any = None
    innererror: Any = None  # Azure's


class ErrorBody(msgspec.Struct):
    error: ErrorRead | str | None = None
    message: Any = None  # vLLM's older shape, and gateways before Azure
    code: Any = None
    param: Any = None
    object: Any = None
    detail: Any = None  # FastAPI's


class _Function(msgspec.Struct):
    name: str | None = None
    arguments: Any = None


class CallRead(msgspec.Struct):
    index: int | None = None
    id: str | None = None
    function: _Function | None = None
    extra_content: dict[str, Any] | None = None

    @property
    def name(self) -> str:
        return (self.function.name or "") if self.function is not None else ""

    @property
    def arguments(self) -> str:
        """As JSON text, whole or a piece of it."""
        given = self.function.arguments if self.function is not None else None
        return given if isinstance(given, str) else "" if given is None else msgspec.json.encode(given).decode()


class Said(msgspec.Struct):
    """A message, or what a chunk adds to one."""

    role: str | None = None
    content: str | list[Any] | None = None
    reasoning_content: str | None = None
    reasoning: Any = None  # what newer vLLM calls it; elsewhere it may be anything
    refusal: str | None = None
    tool_calls: list[CallRead] | None = None

    def texts(self) -> tuple[str | None, str | None]:
        """(content, reasoning)."""
        content = self.content
        if content.__class__ is str and self.reasoning_content is None and self.reasoning is None:
            return content, None  # the hot path
        reasoning = self.reasoning_content or (self.reasoning if isinstance(self.reasoning, str) else None)
        if isinstance(content, list):
            thought = _joined(content, "thinking")
            return _joined(content, "text"), reasoning or thought or None
        return content, reasoning


class ChunkChoice(msgspec.Struct):
    index: int = 0
    delta: Said | None = None
    finish_reason: str | None = None
    logprobs: msgspec.Raw = msgspec.Raw()  # many numbers: read for a translation only


class ChunkBody(msgspec.Struct):
    choices: list[ChunkChoice] = []
    usage: UsageRead | None = None
    error: ErrorRead | str | None = None


class Choice(msgspec.Struct):
    index: int = 0
    finish_reason: str | None = None
    message: Said | None = None
    logprobs: msgspec.Raw = msgspec.Raw()


class AnswerBody(msgspec.Struct):
    choices: list[Choice] | None = None
    data: list[msgspec.Raw] | None = None
    usage: UsageRead | None = None
    error: ErrorRead | str | None = None


class _OddChoice(msgspec.Struct):
    finish_reason: str | None = None
    message: Any = None
    delta: Any = None


class _OddBody(msgspec.Struct):
    """What is counted of an answer, or of a chunk, whose other fields may have any shape."""

    choices: list[_OddChoice] | None = None
    data: list[msgspec.Raw] | None = None
    usage: UsageRead | None = None
    error: ErrorRead | str | None = None


class _OtherToken(msgspec.Struct):
    token: str
    logprob: float
    bytes: list[int] | None = None


class _Token(_OtherToken):
    top_logprobs: list[_OtherToken] | None = None


class _Logprobs(msgspec.Struct):
    content: list[_Token] | None = None
    refusal: list[_Token] | None = None


class _ModelName(msgspec.Struct):
    id: str


class ModelList(msgspec.Struct):
    data: list[_ModelName]


read_answer = msgspec.json.Decoder(AnswerBody).decode
read_chunk = msgspec.json.Decoder(ChunkBody).decode
read_error = msgspec.json.Decoder(ErrorBody).decode
read_models = msgspec.json.Decoder(ModelList).decode
_read_odd = msgspec.json.Decoder(_OddBody).decode
_check_logprobs = msgspec.json.Decoder(_Logprobs).decode
_read_object = msgspec.json.Decoder(dict[str, Any]).decode


def read_odd_answer(body: bytes) -> AnswerBody | None:
    """One of another shape than usual that goes on as it is: the caller may understand it, its text is counted all the same.

    None where even that can't be read.
    """
    odd = _odd(body)
    if odd is None:
        return None
    choices = [Choice(0, choice.finish_reason, _text_alone(choice.message)) for choice in odd.choices or ()]
    return AnswerBody(choices, odd.data, odd.usage, odd.error)


def read_odd_chunk(data: bytes) -> ChunkBody | None:
    """As `read_odd_answer`, a chunk."""
    odd = _odd(data)
    if odd is None:
        return None
    choices = [ChunkChoice(0, _text_alone(choice.delta), choice.finish_reason) for choice in odd.choices or ()]
    return ChunkBody(choices, odd.usage, odd.error)


def _odd(body: bytes) -> _OddBody | None:
    try:
        return _read_odd(body)
    except UNREADABLE:
        return None


def _text_alone(message: Any) -> Said:
    content = message.get("content") if isinstance(message, dict) else None
    return Said(content=content if isinstance(content, str) else None)


def logprobs_of(raw: msgspec.Raw) -> dict[str, Any] | None:
    """The object that they should be; anything else is as good as none."""
    if len(raw) < 5:  # null, as in most chunks
        return None
    try:
        _check_logprobs(raw)
        return _read_object(raw)
    except UNREADABLE:
        return None


def whole_delta(choice: Choice, *, passes: bool) -> Delta:
    message = choice.message or Said()
    content, reasoning = message.texts()
    calls = [
        ToolCall(
            call.id or f"call_{index}", "function", FunctionCall(call.name, call.arguments or "{}"), index, call.extra_content
        )
        for index, call in enumerate(message.tool_calls or ())
    ]
    logprobs = None if passes else logprobs_of(choice.logprobs)
    return Delta("assistant", content, reasoning, calls or None, logprobs, message.refusal, choice.index)


def usage_of(usage: UsageRead | None) -> Usage | None:
    if usage is None:
        return None
    ins, outs = usage.prompt_tokens_details or _NO_IN, usage.completion_tokens_details or _NO_OUT
    return counted(usage.prompt_tokens, usage.completion_tokens, ins.cached_tokens, outs.reasoning_tokens, ins.cache_write_tokens)


def counted(ins: int | None, outs: int | None, cached: int | None, reasoning: int | None, written: int | None) -> Usage:
    """Usage of an answer. A part is never more than the whole, or what is left of that would cost less than nothing."""
    tokens_in, tokens_out = tokens(ins), tokens(outs)
    cached_in, reasoning_out = min(tokens(cached), tokens_in), min(tokens(reasoning), tokens_out)
    return Usage(tokens_in, tokens_out, cached_in, reasoning_out, written_in=min(tokens(written), tokens_in))


def tokens(count: int | None) -> int:
    """A count as the ledger can hold it, whatever a broken provider claims."""
    if count is None or count <= 0:
        return 0
    return min(TOKENS_MAX, count)


def finish_of(reason: str, *, passes: bool, calls: bool = False) -> str:
    """A reason to finish in OpenAI's words.

    Shapes:  one that passes through is seen by the caller as it is; the ledger knows it, or calls it "other".
             `calls`: the answer has tool calls; a forced one ends with "stop" at OpenAI, which other dialects must not be told.
    """
    if passes:
        return reason if reason in FINISH_REASONS else "other"
    word = _FINISH_WORDS.get(reason, reason)
    word = word if word in FINISH_REASONS else "stop"
    return "tool_calls" if calls and word == "stop" else word


def said(body: ErrorBody) -> tuple[str, str | None, str | None]:
    """(message, code, param) of an error body in any of the shapes met so far."""
    error = body.error
    if isinstance(error, ErrorRead):
        code, inner = error.code, error.innererror
        if code is None and isinstance(inner, dict) and inner.get("code") == "ResponsibleAIPolicyViolation":
            code = "content_filter"
        return _text(error.message), _word(code), _text(error.param) or None
    detail = body.detail
    if isinstance(detail, list):
        detail = "; ".join(_text(entry.get("msg")) for entry in detail if isinstance(entry, dict))
    return _text(error) or _text(body.message) or _text(detail), _word(body.code), _text(body.param) or None


def failure_inside(provider: str, error: ErrorRead | str) -> GatehouseError:
    """An error inside an answer that began with status 200; a numeric code is the status it stands for, some words too."""
    if isinstance(error, str):
        return failure(500, provider, error, code=None, param=None, retry_after=None)
    status = _STATUSES.get(_text(error.code)) or _number(error.code) or _STATUSES.get(_text(error.type), 500)
    code = _word(error.code) if _number(error.code) is None else None
    return failure(status, provider, _text(error.message), code=code, param=_text(error.param) or None, retry_after=None)


def _number(code: Any) -> int | None:
    """A code that is a status, as a number or as a text of digits."""
    text = str(code)
    return int(text) if len(text) == 3 and text.isascii() and text.isdigit() and 400 <= int(text) < 600 else None


def _word(code: Any) -> str | None:
    return str(code) if isinstance(code, str | int) else None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _joined(parts: list[Any], field: str) -> str:
    """The texts of a list of parts; a thinking part has a list of its own."""
    found = []
    for part in parts:
        value = part.get(field) if isinstance(part, dict) else None
        found.append(_joined(value, "text") if isinstance(value, list) else _text(value))
    return "".join(found)
