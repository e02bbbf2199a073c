"""One answer in each vendor's wire format, made before the run: the same words, in the same number of pieces.

A piece is what the upstream sends at once: what opens the answer goes with the first word, and what ends it (the reason, the
usage) is the last piece. So a gateway reads as often from one vendor as from the other, and what differs is what it reads.
Shapes as in tests/fakes, which are proven with the vendors' own SDKs.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tests.fakes.bedrock_wire import frame

CREATED = 1795000000
TOKENS_IN = 187
SSE = "text/event-stream"
EVENT_STREAM = "application/vnd.amazon.eventstream"
_OPENAI_ID = "chatcmpl-BenchmarkBenchmarkBenchmark"
_ANTHROPIC_ID = "msg_01BenchmarkBenchmarkBenchmark"
_RESPONSE_ID = "benchmarkBenchmarkBenchmark"


class Vendor(msgspec.Struct, frozen=True):
    """How a vendor is spoken to, and what it answers.

    settings: of its `[[providers]]` table, beyond name, kind, base_url and models.
    path:     what its base_url ends with.
    whole:    words → the whole answer's body.
    pieces:   words → the streamed answer's.
    caller:   the dialect of the caller for whom this is a translation.
    """

    kind: str
    model: str
    whole: Callable[[Sequence[str]], dict[str, Any]]
    pieces: Callable[[Sequence[str]], list[bytes]]
    caller: str = "openai_chat"
    path: str = ""
    stream_type: str = SSE
    settings: dict[str, str] = msgspec.field(default_factory=lambda: {"api_key": "sk-benchmark"})


def _json(body: dict[str, Any]) -> bytes:
    return json.dumps(body, separators=(",", ":")).encode()


def _data(body: dict[str, Any]) -> bytes:
    return b"data: " + _json(body) + b"\n\n"


def _opened(opening: bytes, words: Sequence[bytes], ending: bytes) -> list[bytes]:
    return [opening + words[0], *words[1:], ending]


def text(words: Sequence[str]) -> str:
    """What the pieces say together: each word but the first comes with the blank before it, as models write."""
    return " ".join(words)


def _said(words: Sequence[str]) -> list[str]:
    return [words[0], *(f" {word}" for word in words[1:])]


def _openai_usage(words: Sequence[str]) -> dict[str, Any]:
    return {
        "prompt_tokens": TOKENS_IN,
        "completion_tokens": len(words),
        "total_tokens": TOKENS_IN + len(words),
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0, "audio_tokens": 0},
    }


def _openai(
    model: str, own: dict[str, Any], filtered: dict[str, Any]
) -> tuple[Callable[[Sequence[str]], dict[str, Any]], Callable[[Sequence[str]], list[bytes]]]:
    """OpenAI's answers, whole and in pieces; `own` stands in each body, `filtered` in each choice."""

    def whole(words: Sequence[str]) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text(words), "refusal": None, "annotations": []}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop", **filtered}
        head = {"id": _OPENAI_ID, "object": "chat.completion", "created": CREATED, "model": model}
        return {**head, "choices": [choice], "usage": _openai_usage(words), **own}

    def chunk(choices: list[dict[str, Any]], usage: dict[str, Any] | None = None) -> bytes:
        head = {"id": _OPENAI_ID, "object": "chat.completion.chunk", "created": CREATED, "model": model}
        return _data({**head, **own, "choices": choices, "usage": usage})

    def choice(delta: dict[str, str], finish: str | None = None) -> list[dict[str, Any]]:
        return [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish, **filtered}]

    def pieces(words: Sequence[str]) -> list[bytes]:
        opening = chunk(choice({"role": "assistant", "content": ""}))
        if filtered:
            results = [{"prompt_index": 0, **filtered}]
            opening = _data({"id": "", "object": "", "created": 0, "model": "", "choices": [], "prompt_filter_results": results})
            opening += chunk(choice({"role": "assistant", "content": ""}))
        ending = chunk(choice({}, "stop")) + chunk([], _openai_usage(words)) + b"data: [DONE]\n\n"
        return _opened(opening, [chunk(choice({"content": word})) for word in _said(words)], ending)

    return whole, pieces


def _anthropic_whole(words: Sequence[str]) -> dict[str, Any]:
    return {**_anthropic_head([{"type": "text", "text": text(words)}], "end_turn"), "usage": _anthropic_usage(len(words))}


def _anthropic_head(content: list[dict[str, str]], stop_reason: str | None) -> dict[str, Any]:
    head = {"id": _ANTHROPIC_ID, "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929"}
    return {**head, "content": content, "stop_reason": stop_reason, "stop_sequence": None}


def _anthropic_usage(tokens_out: int) -> dict[str, Any]:
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": TOKENS_IN, **cached, "output_tokens": tokens_out, "service_tier": "standard"}


def _anthropic_pieces(words: Sequence[str]) -> list[bytes]:
    def event(name: str, **body: Any) -> bytes:
        return f"event: {name}\n".encode() + _data({"type": name, **body})

    opening = event("message_start", message={**_anthropic_head([], None), "usage": _anthropic_usage(1)})
    opening += event("content_block_start", index=0, content_block={"type": "text", "text": ""}) + event("ping")
    deltas = [event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in _said(words)]
    ending = event("content_block_stop", index=0)
    ending += event(
        "message_delta", delta={"stop_reason": "end_turn", "stop_sequence": None}, usage={"output_tokens": len(words)}
    )
    return _opened(opening, deltas, ending + event("message_stop"))


def _google_answer(said: str, tokens_out: int, finish: str | None) -> dict[str, Any]:
    candidate = {"content": {"parts": [{"text": said}], "role": "model"}, "index": 0}
    usage = {"promptTokenCount": TOKENS_IN, "candidatesTokenCount": tokens_out, "totalTokenCount": TOKENS_IN + tokens_out}
    details = [{"modality": "TEXT", "tokenCount": TOKENS_IN}]
    return {
        "candidates": [candidate if finish is None else {**candidate, "finishReason": finish}],
        "usageMetadata": {**usage, "promptTokensDetails": details},
        "modelVersion": "gemini-2.5-flash",
        "responseId": _RESPONSE_ID,
    }


def _google_pieces(words: Sequence[str]) -> list[bytes]:
    def event(said: str, tokens_out: int, finish: str | None = None) -> bytes:
        return _data(_google_answer(said, tokens_out, finish))[:-2] + b"\r\n\r\n"

    said = [event(word, number) for number, word in enumerate(_said(words), start=1)]
    return _opened(b"", said, event("", len(words), "STOP"))


def _bedrock_usage(tokens_out: int) -> dict[str, int]:
    return {"inputTokens": TOKENS_IN, "outputTokens": tokens_out, "totalTokens": TOKENS_IN + tokens_out}


def _bedrock_whole(words: Sequence[str]) -> dict[str, Any]:
    message = {"role": "assistant", "content": [{"text": text(words)}]}
    metrics = {"latencyMs": 1200}
    return {"output": {"message": message}, "stopReason": "end_turn", "usage": _bedrock_usage(len(words)), "metrics": metrics}


def _bedrock_pieces(words: Sequence[str]) -> list[bytes]:
    def event(name: str, **payload: Any) -> bytes:
        return frame("event", name, _json({**payload, "p": "abcdefghijklmnop"}))

    deltas = [event("contentBlockDelta", contentBlockIndex=0, delta={"text": word}) for word in _said(words)]
    ending = event("contentBlockStop", contentBlockIndex=0) + event("messageStop", stopReason="end_turn")
    ending += event("metadata", usage=_bedrock_usage(len(words)), metrics={"latencyMs": 1200})
    return _opened(event("messageStart", role="assistant"), deltas, ending)


_FINE = {name: {"filtered": False, "severity": "safe"} for name in ("hate", "self_harm", "sexual", "violence")}
_GPT = "gpt-4o-mini-2024-07-18"
_TIER = {"service_tier": "default", "system_fingerprint": "fp_0123456789"}
_KEYS = {"region": "us-east-1", "access_key_id": "AKIABENCHMARK0000000", "secret_access_key": "benchmark/0123456789"}

PASSING = Vendor("openai", "gpt-4o-mini", *_openai(_GPT, _TIER, {}), path="/v1")  # the caller speaks its format
VENDORS = {
    "openai": msgspec.structs.replace(PASSING, caller="anthropic_messages"),
    "azure": Vendor(
        "azure", "gpt-4o-mini", *_openai(_GPT, _TIER, {"content_filter_results": _FINE}), caller="anthropic_messages"
    ),
    "anthropic": Vendor("anthropic", "claude-sonnet-4-5", _anthropic_whole, _anthropic_pieces),
    "google": Vendor("google", "gemini-2.5-flash", lambda words: _google_answer(text(words), len(words), "STOP"), _google_pieces),
    "bedrock": Vendor(
        "bedrock",
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        _bedrock_whole,
        _bedrock_pieces,
        stream_type=EVENT_STREAM,
        settings=_KEYS,
    ),
    "vllm": Vendor("vllm", "Qwen/Qwen3-8B", *_openai("Qwen/Qwen3-8B", {}, {}), caller="anthropic_messages", path="/v1"),
}
