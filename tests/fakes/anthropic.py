"""Anthropic as it is on the wire, without the model: `python -m tests.fakes.anthropic` prints its port and serves.

POST /v1/messages and /v1/messages/count_tokens, GET /v1/models and /v1/models/{id}. The model's name chooses what happens:

    claude-sonnet-4-5, claude-opus-5-5, …   "You said: <the last thing said>"; tools that the words name, schemas, thinking
    claude-cached                           likewise; 3 tokens of the prompt were cached, 2 are now
    words-N, words-N-every-M                an answer of N words, M milliseconds apart
    fault-…                                 see anthropic_faults.py

Proven with the vendor's own SDK in tests/sdk/test_fake_anthropic_is_faithful.py (anthropic 2.14.0).
`GET /_seen` tells what came; `POST /_faults {"claude-sonnet-4-5": "fault-500"}` lets a name fail that otherwise works.
"""

import json
import re
from typing import Any

from tests.fakes.anthropic_faults import EVENT_STREAM, event, fault
from tests.fakes.anthropic_rules import (
    ADAPTIVE_ONLY,
    NEW_VERSION,
    OLD_VERSION,
    Refusal,
    blocks_of,
    check,
    images_in,
    signature_of,
    size_of,
)
from tests.fakes.openai_rules import instance_of
from tests.fakes.wire import Exchange, run

KEY_PREFIX = "sk-fake-"
MODELS = ("claude-sonnet-4-5", "claude-sonnet-4-6", "claude-haiku-4-5", *ADAPTIVE_ONLY, "claude-cached")
WORDS = re.compile(r"words-(\d+)(?:-every-(\d+))?")
THOUGHT = "The user wants something. I know what to say."
REDACTED = "EmwKAhgBEgy3va3pzix/LafPsn4="


class FakeAnthropic:
    """The routes. One instance a process."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self._count = 0

    async def handle(self, exchange: Exchange) -> None:
        seen = exchange.seen
        path = seen.path.partition("?")[0]
        if path == "/_faults":
            self.faults = seen.json or {}
            await exchange.whole(200, b"{}")
            return
        self._count += 1
        try:
            version = _check_headers(seen.headers)
            if (seen.method, path) == ("POST", "/v1/messages"):
                await self._messages(exchange, version)
            elif (seen.method, path) == ("POST", "/v1/messages/count_tokens"):
                check(seen.json, version, counts_only=True)
                _check_model(seen.json["model"])
                await exchange.whole(200, json.dumps({"input_tokens": size_of(seen.json)}).encode(), self._headers())
            elif seen.method == "GET" and path == "/v1/models":
                data = [_model(name) for name in MODELS]
                page = {"data": data, "has_more": False, "first_id": MODELS[0], "last_id": MODELS[-1]}
                await exchange.whole(200, json.dumps(page).encode(), self._headers())
            elif seen.method == "GET" and path.startswith("/v1/models/"):
                _check_model(path.removeprefix("/v1/models/"))
                await exchange.whole(200, json.dumps(_model(path.removeprefix("/v1/models/"))).encode(), self._headers())
            else:
                raise Refusal(404, f"Not found: {path}", "not_found_error")
        except Refusal as refusal:
            body = {**refusal.body, "request_id": self._headers()["request-id"]}
            await exchange.whole(refusal.status, json.dumps(body).encode(), self._headers())

    def _headers(self) -> dict[str, str]:
        return {
            "request-id": f"req_{self._count:024d}",
            "anthropic-organization-id": "00000000-0000-4000-8000-000000000000",
            "anthropic-ratelimit-requests-remaining": "3999",
        }

    async def _messages(self, exchange: Exchange, version: str) -> None:
        body = exchange.seen.json
        model = body.get("model", "") if isinstance(body, dict) else ""
        failing = fault(self.faults.get(model, model)) if isinstance(model, str) else None
        if failing is not None:
            await failing(exchange, body)
            return
        check(body, version)
        words = WORDS.fullmatch(model)
        if not words:
            _check_model(model)
        answer = _Answer(body)
        seconds = int(words[2] or 0) / 1000 if words else 0.0
        if body.get("stream"):
            await self._stream(exchange, answer, seconds)
            return
        await exchange.pause(seconds * answer.tokens_out)
        whole = answer.message(answer.blocks, answer.stop_reason, answer.usage(answer.tokens_out))
        await exchange.whole(200, json.dumps(whole).encode(), self._headers())

    async def _stream(self, exchange: Exchange, answer: "_Answer", seconds_between: float) -> None:
        await exchange.head(200, {**EVENT_STREAM, **self._headers(), "cache-control": "no-cache"})
        await exchange.chunked(event("message_start", message=answer.message([], None, answer.usage(1))))
        for index, block in enumerate(answer.blocks):
            opening, deltas = _pieces(block)
            await exchange.chunked(event("content_block_start", index=index, content_block=opening))
            if index == 0:
                await exchange.chunked(event("ping"))
            for delta in deltas:
                if seconds_between:
                    await exchange.pause(seconds_between)
                await exchange.chunked(event("content_block_delta", index=index, delta=delta))
            await exchange.chunked(event("content_block_stop", index=index))
        ending = {"stop_reason": answer.stop_reason, "stop_sequence": answer.stop_sequence, "stop_details": None}
        await exchange.chunked(event("message_delta", delta=ending, usage=answer.usage(answer.tokens_out)))
        await exchange.chunked(event("message_stop"))
        await exchange.chunked_end()


class _Answer:
    """What the model 'says': thoughts, text, calls."""

    def __init__(self, body: dict[str, Any]) -> None:
        self._body = body
        self.stop_reason, self.stop_sequence = "end_turn", None
        said, answers_tools = _said(body["messages"])
        self.blocks = self._thoughts(said)
        calls = [] if answers_tools else _calls(body, said)
        if calls:
            self.stop_reason = "tool_use"
            if (body.get("tool_choice") or {"type": "auto"})["type"] == "auto":
                self.blocks.append({"type": "text", "text": "I'll look that up."})
            self.blocks += calls
        elif text := self._shortened(_text(body, said)):
            self.blocks.append({"type": "text", "text": text})
        self.tokens_out = max(1, sum(len(json.dumps(block).split()) for block in self.blocks))
        if WORDS.fullmatch(body["model"]):
            self.tokens_out = len(_words(self.blocks[-1]["text"]))

    def _thoughts(self, said: str) -> list[dict[str, Any]]:
        thinking = self._body.get("thinking") or {"type": "disabled"}
        if thinking["type"] == "disabled":
            return []
        shown = "" if thinking["type"] == "adaptive" and thinking.get("display") != "summarized" else THOUGHT
        blocks = [{"type": "thinking", "thinking": shown, "signature": signature_of(shown)}]
        return [*blocks, {"type": "redacted_thinking", "data": REDACTED}] if "redacted" in said else blocks

    def _shortened(self, text: str) -> str:
        """The text up to the first stop sequence or the bound on tokens."""
        stops = self._body.get("stop_sequences") or []
        places = [(at, stop) for stop in stops if (at := text.find(stop)) >= 0]
        if places:
            at, self.stop_sequence = min(places)
            self.stop_reason = "stop_sequence"
            return text[:at]
        pieces, bound = _words(text), self._body["max_tokens"]
        if bound < len(pieces):
            self.stop_reason = "max_tokens"
        return "".join(pieces[:bound])

    def usage(self, tokens_out: int) -> dict[str, Any]:
        read, written = (3, 2) if self._body["model"] == "claude-cached" else (0, 0)
        thought = sum(len(block["thinking"].split()) for block in self.blocks if block["type"] == "thinking")
        return {
            "input_tokens": size_of(self._body),
            "cache_creation_input_tokens": written,
            "cache_read_input_tokens": read,
            "cache_creation": {"ephemeral_5m_input_tokens": written, "ephemeral_1h_input_tokens": 0},
            "output_tokens": tokens_out,
            "output_tokens_details": {"thinking_tokens": min(thought, tokens_out)},
            "service_tier": "standard",
        }

    def message(self, content: list[dict[str, Any]], stop_reason: str | None, usage: dict[str, Any]) -> dict[str, Any]:
        return {
            "model": self._body["model"],
            "id": "msg_01XFDUDYJgAACzvnptvVoYEL",
            "type": "message",
            "role": "assistant",
            "content": content,
            "stop_reason": stop_reason,
            "stop_sequence": self.stop_sequence if stop_reason else None,
            "stop_details": None,
            "usage": usage,
        }


def _pieces(block: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """(the block as it begins, the deltas that fill it)."""
    if block["type"] == "text":
        return {**block, "text": ""}, [{"type": "text_delta", "text": piece} for piece in _words(block["text"])]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in _words(block["thinking"])]
        deltas.append({"type": "signature_delta", "signature": block["signature"]})
        return {**block, "thinking": "", "signature": ""}, deltas
    if block["type"] == "tool_use":
        written = json.dumps(block["input"]) if block["input"] else ""
        parts = ["", *(written[at : at + 6] for at in range(0, len(written), 6))]
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return block, []


def _words(text: str) -> list[str]:
    return re.findall(r"\s*\S+|\s+$", text)


def _said(messages: list[dict[str, Any]]) -> tuple[str, bool]:
    """(the last text, whether a tool's result came with it)."""
    blocks = blocks_of(messages[-1]["content"])
    results = [block for block in blocks if block["type"] == "tool_result"]
    inner = [one for block in results for one in blocks_of(block.get("content") or [])]
    return " ".join(block["text"] for block in [*inner, *blocks] if block["type"] == "text"), bool(results)


def _text(body: dict[str, Any], said: str) -> str:
    words = WORDS.fullmatch(body["model"])
    if words:
        return " ".join(f"word{number}" for number in range(int(words[1])))
    if wanted := (body.get("output_config") or {}).get("format"):
        return json.dumps(instance_of(wanted["schema"]))
    if "one valid JSON object" in json.dumps(body.get("system") or ""):
        return json.dumps({"said": said})
    images = images_in(body)
    return f"You said: {said}" + (f" (with {images} image)" if images else "")


def _calls(body: dict[str, Any], said: str) -> list[dict[str, Any]]:
    tools, choice = body.get("tools") or [], body.get("tool_choice") or {"type": "auto"}
    named = [tool for tool in tools if tool["name"] in said]
    if choice["type"] == "any":
        named = named or tools[:1]
    elif choice["type"] == "tool":
        named = [tool for tool in tools if tool["name"] == choice["name"]]
    elif choice["type"] == "none":
        named = []
    if choice.get("disable_parallel_tool_use"):
        named = named[:1]
    return [
        {"type": "tool_use", "id": f"toolu_01fake{number:04}", "name": tool["name"], "input": instance_of(tool["input_schema"])}
        for number, tool in enumerate(named)
    ]


def _check_headers(headers: dict[str, str]) -> str:
    """The version that is spoken. The key comes as x-api-key, or as a bearer, as newer SDKs send it."""
    key = headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")
    if not key:
        raise Refusal(401, "x-api-key header is required", "authentication_error")
    if not key.startswith(KEY_PREFIX):
        raise Refusal(401, "invalid x-api-key", "authentication_error")
    version = headers.get("anthropic-version", "")
    if not version:
        raise Refusal(400, "anthropic-version: header is required")
    if version not in (OLD_VERSION, NEW_VERSION):
        raise Refusal(400, f'anthropic-version: "{version}" is not a valid version')
    return version


def _check_model(name: str) -> None:
    if name not in MODELS:
        raise Refusal(404, f"model: {name}", "not_found_error")


def _model(name: str) -> dict[str, Any]:
    return {
        "type": "model",
        "id": name,
        "display_name": name.replace("-", " ").title(),
        "created_at": "2026-01-01T00:00:00Z",
        "lifecycle": "active",
    }


if __name__ == "__main__":
    run(FakeAnthropic().handle)
