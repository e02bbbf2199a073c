"""What Gemini answers, whole: candidates of parts, usage, and why it ended.

Source: ai.google.dev/api/generate-content#v1beta.GenerateContentResponse, the google-genai SDK 3.6; read 2026-11-26.
Quirks: STOP is also the end of an answer that calls tools. A blocked prompt has no candidates, a blocked answer a candidate
without content: both are answers that finish with content_filter. A call that the model wrote so badly that Google could not
read it (MALFORMED_FUNCTION_CALL and its like) is a failure of the provider's: another try may do better. Models before Gemini 3
give calls no ids; ours are made of the answer's id. `usageMetadata` may tell thoughts apart: they are part of what was written.
"""

import random
import re
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance.chat import Chunk, Delta, FunctionCall, ToolCall, Usage
from appliance.errors import UpstreamFailed
from appliance.providers import call_ids
from appliance.providers.google_errors import UNREADABLE, Error, said_failure
from appliance.providers.half_characters import with_whole_characters

TOKENS_MAX = 2**31 - 1
CANDIDATES_MAX = 128  # as many as a caller may ask for; clients make a list as long as the largest index
_FINISHES = {
    "MAX_TOKENS": "length", "CONTINUATION": "length",
    "SAFETY": "content_filter", "RECITATION": "content_filter", "BLOCKLIST": "content_filter",
    "PROHIBITED_CONTENT": "content_filter", "SPII": "content_filter", "LANGUAGE": "content_filter",
    "MODEL_ARMOR": "content_filter", "ESCALATION": "content_filter", "PUP_LIMITED_DISABLED": "content_filter",
}  # fmt: skip
_FAILED = frozenset(
    (
        "MALFORMED_FUNCTION_CALL", "UNEXPECTED_TOOL_CALL", "TOO_MANY_TOOL_CALLS", "MISSING_THOUGHT_SIGNATURE",
        "MALFORMED_RESPONSE",
    )
)  # fmt: skip
_NOTHING = (b"", b"null")
_OWN_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9]")


class _FunctionCall(msgspec.Struct):
    name: str = ""
    args: msgspec.Raw = msgspec.Raw(b"")
    id: str | None = None


class _Part(msgspec.Struct, rename="camel"):
    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: _FunctionCall | None = None
    inline_data: msgspec.Raw = msgspec.Raw(b"")


class _Content(msgspec.Struct):
    parts: list[_Part] | None = None


class _Token(msgspec.Struct, rename="camel"):
    token: str | None = None
    log_probability: float | None = None


class _TopTokens(msgspec.Struct):
    candidates: list[_Token] | None = None


class _Logprobs(msgspec.Struct, rename="camel"):
    chosen_candidates: list[_Token] | None = None
    top_candidates: list[_TopTokens] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    content: _Content | None = None
    finish_reason: str | None = None
    index: Annotated[int, Meta(ge=0, lt=CANDIDATES_MAX)] | None = None
    logprobs_result: _Logprobs | None = None


class _UsageMetadata(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None
    tool_use_prompt_token_count: int | None = None
    candidates_token_count: int | None = None
    thoughts_token_count: int | None = None
    cached_content_token_count: int | None = None


class _PromptFeedback(msgspec.Struct, rename="camel"):
    block_reason: str | None = None


class Answer(msgspec.Struct, rename="camel"):
    candidates: list[Candidate] | None = None
    prompt_feedback: _PromptFeedback | None = None
    usage_metadata: _UsageMetadata | None = None
    response_id: str | None = None
    error: Error | None = None

    @property
    def is_blocked(self) -> bool:
        """The prompt was refused: nothing was asked of the model."""
        return not self.candidates and self.prompt_feedback is not None and self.prompt_feedback.block_reason is not None


read_event = msgspec.json.Decoder(Answer).decode
_read_answer = msgspec.json.Decoder(Answer | list[Answer]).decode


def whole(body: bytes, provider: str) -> Chunk:
    """A whole answer. Errors: UpstreamFailed where it is none; what an error with status 200 means."""
    try:
        return _answered(_read_answer(with_whole_characters(body)), provider)
    except UNREADABLE as error:
        raise UpstreamFailed(f"{provider} sent an answer that is no JSON in Gemini's format", fix="Try again.") from error


def _answered(answer: Answer | list[Answer], provider: str) -> Chunk:
    if isinstance(answer, list):
        if failed := next((item.error for item in answer if item.error is not None), None):
            raise said_failure(provider, failed)
        raise UpstreamFailed(f"{provider} sent a list where an answer was asked for", fix="Check the provider's base_url.")
    if answer.error is not None:
        raise said_failure(provider, answer.error)
    usage = usage_of(answer)
    if answer.is_blocked:
        return Chunk([Delta("assistant", "")], usage, "content_filter")
    if not answer.candidates:
        raise UpstreamFailed(f"{provider} sent an answer without candidates", fix="Try again.")
    maker = CallMaker(answer.response_id)
    deltas, finishes = [], []
    for position, candidate in enumerate(answer.candidates):
        index = position if candidate.index is None else candidate.index
        reasoning, content, calls = read_parts(candidate, index, maker, provider)
        whole_calls = [call for call, _ in calls]
        for call, arguments in calls:
            assert call.function is not None
            call.function.arguments = arguments
        deltas.append(Delta("assistant", content, reasoning, whole_calls or None, logprobs_of(candidate), index=index))
        finishes.append(finish_of(candidate.finish_reason or "STOP", bool(calls), provider))
    return Chunk(deltas, usage, finishes[0])


class CallMaker:
    """Makes calls of one answer: counted by candidate, with an id that no other answer gives."""

    def __init__(self, response_id: str | None) -> None:
        self._answer_id = _NOT_IN_IDS.sub("", response_id or "")[:32] or f"{random.getrandbits(64):016x}"
        self._counts: dict[int, int] = {}

    def has_called(self, candidate: int) -> bool:
        return candidate in self._counts

    def call(self, called: _FunctionCall, signature: str | None, candidate: int) -> tuple[ToolCall, str]:
        """(the call's opening, its arguments' text)."""
        count = self._counts.get(candidate, 0)
        self._counts[candidate] = count + 1
        own = called.id if called.id and _OWN_ID.fullmatch(called.id) and call_ids.MARK not in called.id else None
        call_id = own or f"call_{self._answer_id}_{candidate}_{count}"
        extra = None
        if signature:
            extra = {"google": {"thought_signature": signature}}
            call_id = call_ids.with_signature(call_id, signature)
        return ToolCall(call_id, "function", FunctionCall(called.name), count, extra), _arguments(called.args)


def read_parts(
    candidate: Candidate, index: int, maker: CallMaker, provider: str
) -> tuple[str | None, str | None, list[tuple[ToolCall, str]]]:
    """(thoughts, text, calls) of a candidate; None where there is nothing of it."""
    parts = (candidate.content.parts or ()) if candidate.content is not None else ()
    if len(parts) == 1 and parts[0].text and parts[0].function_call is None:  # nearly all events of a stream
        return (parts[0].text, None, []) if parts[0].thought else (None, parts[0].text, [])
    thoughts: list[str] = []
    texts: list[str] = []
    calls = []
    for part in parts:
        if part.function_call is not None:
            calls.append(maker.call(part.function_call, part.thought_signature, index))
        elif part.text:
            (thoughts if part.thought else texts).append(part.text)
        elif bytes(part.inline_data) not in _NOTHING:
            raise UpstreamFailed(f"{provider} answered with a file, which a chat's answer can't hold", fix="Ask another model.")
    return "".join(thoughts) or None, "".join(texts) or None, calls


def finish_of(reason: str, has_calls: bool, provider: str) -> str:
    """OpenAI's word. Errors: UpstreamFailed for a call that could not be read."""
    if reason == "STOP":
        return "tool_calls" if has_calls else "stop"
    if reason in _FAILED:
        raise UpstreamFailed(f"{provider}'s model wrote an answer that could not be read ({reason})", fix="Try again.")
    return _FINISHES.get(reason) or ("content_filter" if reason.startswith("IMAGE_") else "stop")


def usage_of(answer: Answer) -> Usage | None:
    told = answer.usage_metadata
    if told is None:
        return None
    thoughts = told.thoughts_token_count or 0
    tokens_in = (told.prompt_token_count or 0) + (told.tool_use_prompt_token_count or 0)
    tokens_out, cached = (told.candidates_token_count or 0) + thoughts, told.cached_content_token_count or 0
    counts = (tokens_in, tokens_out, cached, thoughts)
    if min(counts) < 0 or max(counts) > TOKENS_MAX:  # a broken provider's claim: as much of it as the ledger can hold
        tokens_in, tokens_out, cached, thoughts = (min(max(count, 0), TOKENS_MAX) for count in counts)
    return Usage(tokens_in, tokens_out, min(cached, tokens_in), min(thoughts, tokens_out))


def logprobs_of(candidate: Candidate) -> dict[str, Any] | None:
    told = candidate.logprobs_result
    if told is None or not told.chosen_candidates:
        return None
    tops = told.top_candidates or []
    content = []
    for position, chosen in enumerate(told.chosen_candidates):
        top = tops[position].candidates or [] if position < len(tops) else []
        content.append({**_token(chosen), "top_logprobs": [_token(token) for token in top]})
    return {"content": content, "refusal": None}


def _token(token: _Token) -> dict[str, Any]:
    text = token.token or ""
    return {"token": text, "logprob": token.log_probability or 0.0, "bytes": list(text.encode("utf-8", "replace"))}


def _arguments(args: msgspec.Raw) -> str:
    """JSON text without the blanks that Google writes into whole answers."""
    text = bytes(args)
    return "{}" if text in _NOTHING else msgspec.json.format(text, indent=-1).decode()
