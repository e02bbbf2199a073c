"""OpenAI as it is on the wire, without the model: `python -m tests.fakes.openai` prints its port and serves.

POST /v1/chat/completions and /v1/embeddings, GET /v1/models and /v1/models/{id}; the same below /lenient/v1, where
unknown arguments and odd combinations are taken, as by vLLM. POST /v1/responses: openai_responses.py. The model's name chooses
what happens:

    gpt-4o-mini, gpt-4o, …    "You said: <the last thing said>", tools (each that is named) and schemas honoured
    o4-mini, gpt-5.1          the same, after some thinking
    words-N, words-N-every-M  an answer of N words, M milliseconds apart
    future                    an answer with fields that nobody has heard of yet, always the same bytes
    fault-…                   see openai_faults.py

`GET /_seen` tells what came; `POST /_faults {"gpt-4o": "fault-500"}` lets a name fail that otherwise works.
"""

import base64
import hashlib
import json
import re
import struct
import time
from typing import Any, ClassVar
from urllib.parse import unquote

from tests.fakes.openai_faults import DONE, EVENT_STREAM, fault_for
from tests.fakes.openai_responses import Responses
from tests.fakes.openai_rules import (
    CHAT_ARGUMENTS,
    EMBEDDING_ARGUMENTS,
    REASONING_MODELS,
    Refusal,
    check_body,
    check_chat,
    check_choice,
    instance_of,
)
from tests.fakes.wire import Exchange, run

KEY_PREFIX = "sk-fake-"
THOUGHT_TOKENS = 8
SNAPSHOTS = {"gpt-4o-mini": "gpt-4o-mini-2024-07-18", "gpt-4o": "gpt-4o-2024-08-06"}  # OpenAI answers with the dated name
CHAT_MODELS = ("gpt-4o-mini", "gpt-4o", "o4-mini", "gpt-5.1", "meta-llama/Llama-3.1-8B-Instruct", "future")
EMBEDDING_MODELS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072}
WORDS = re.compile(r"words-(\d+)(?:-every-(\d+))?")

# Odd spacing, escapes and numbers on purpose: whoever decodes and encodes it again is found out.
FUTURE_ANSWER = (
    b'{"id":"chatcmpl-f1",  "object":"chat.completion","created":1795000000,"model":"future",'
    b'"choices":[{"index":0,"message":{"role":"assistant","content":"caf\\u00e9 \\/ \xf0\x9f\x91\x8b","thoughts":{"depth":1.0,'
    b'"n":12345678901234567890}},"finish_reason":"stop","mood":1e3}],"usage":{"prompt_tokens":3,"completion_tokens":2,'
    b'"total_tokens":5,"watt_seconds":0.10},"x_future":{"a":[1,2.50,null],"b":"\\ud83d\\ude00"}}\n'
)
FUTURE_EVENTS = [
    b"data: " + event + b"\n\n"
    for event in (
        b'{"id":"f1","object":"chat.completion.chunk","created":1795000000,"model":"future","choices":[{"index":0,"delta":'
        b'{"role":"assistant","content":"","thoughts":{"depth":1.0}},"finish_reason":null}],"x_future": 1e3}\n'
        b'{"id":"f1","object":"chat.completion.chunk","created":1795000000,"model":"future","choices":[{"index":0,"delta":'
        b'{"content":"caf\\u00e9 \\/"},"finish_reason":null}],"x_future":{"n":12345678901234567890}}\n'
        b'{"id":"f1","object":"chat.completion.chunk","created":1795000000,"model":"future","choices":[{"index":0,"delta":'
        b'{},"finish_reason":"stop","mood":2.50}],"obfuscation":"aGk"}\n'
        b"[DONE]"
    ).splitlines()
]


class FakeOpenAI:
    """The routes. One instance a process."""

    preamble: ClassVar[dict[str, Any] | None] = None  # what a stream opens with
    annotations: ClassVar[dict[str, Any]] = {}  # what each choice has besides

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self._count = 0
        self._responses = Responses()

    async def handle(self, exchange: Exchange) -> None:
        seen = exchange.seen
        path = unquote(seen.path.partition("?")[0])
        if path == "/_faults":
            self.faults = seen.json or {}
            await exchange.whole(200, b"{}")
            return
        strict = not path.startswith("/lenient/")
        route = (seen.method, path.removeprefix("/lenient"))
        try:
            self._check_key(seen.headers.get("authorization", ""))
            if route == ("POST", "/v1/chat/completions"):
                await self._chat(exchange, seen.json, strict)
            elif route == ("POST", "/v1/embeddings"):
                await self._embeddings(exchange, seen.json, strict)
            elif route[1].startswith("/v1/responses"):
                await self._responses.handle(exchange, route[1], self.faults)
            elif route == ("GET", "/v1/models"):
                data = [_model(name) for name in (*CHAT_MODELS, *EMBEDDING_MODELS)]
                await exchange.whole(200, json.dumps({"object": "list", "data": data}).encode())
            elif seen.method == "GET" and route[1].startswith("/v1/models/"):
                name = route[1].removeprefix("/v1/models/")
                _check_model(name, (*CHAT_MODELS, *EMBEDDING_MODELS))
                await exchange.whole(200, json.dumps(_model(name)).encode())
            else:
                raise Refusal(404, f"Invalid URL ({seen.method} {path})")
        except Refusal as refusal:
            await exchange.whole(refusal.status, json.dumps(refusal.body).encode(), {"x-request-id": self._request_id()})

    def _check_key(self, authorization: str) -> None:
        key = authorization.removeprefix("Bearer ")
        if not authorization:
            raise Refusal(401, "You didn't provide an API key. You need to provide your API key in an Authorization header.")
        if not key.startswith(KEY_PREFIX):
            raise Refusal(401, f"Incorrect API key provided: {key[:8]}***.", code="invalid_api_key")

    def _request_id(self) -> str:
        self._count += 1
        return f"req_{self._count:032x}"

    def fault(self, model: str) -> Any:
        return fault_for(self.faults.get(model, model))

    async def _chat(self, exchange: Exchange, body: Any, strict: bool) -> None:
        model = body.get("model", "") if isinstance(body, dict) else ""
        fault = self.fault(model)
        if fault is not None:
            await fault(exchange, body)
            return
        if strict:
            check_body(body, exchange.seen.headers.get("content-type", ""), CHAT_ARGUMENTS)
            check_chat(body)
        else:
            check_choice(body)
        if not WORDS.fullmatch(model):
            _check_model(model, CHAT_MODELS)
        if model == "future":
            await self._future(exchange, body)
        elif body.get("stream"):
            await self._stream(exchange, body)
        else:
            await self._whole(exchange, body)

    async def _future(self, exchange: Exchange, body: dict[str, Any]) -> None:
        if not body.get("stream"):
            await exchange.whole(200, FUTURE_ANSWER, {"x-request-id": self._request_id()})
            return
        await exchange.head(200, EVENT_STREAM)
        for event in FUTURE_EVENTS:
            await exchange.chunked(event)
        await exchange.chunked_end()

    async def _whole(self, exchange: Exchange, body: dict[str, Any]) -> None:
        answer = _answer(body)
        await exchange.pause(answer.seconds_between * len(answer.pieces))
        message: dict[str, Any] = {"role": "assistant", "content": answer.text, "refusal": None, "annotations": []}
        if answer.tool_calls:
            message["tool_calls"] = answer.tool_calls
        choices = [
            {"index": index, "message": message, "logprobs": None, "finish_reason": answer.finish, **self.annotations}
            for index in range(body.get("n") or 1)
        ]
        whole = {**self._shared(body, "chat.completion"), "choices": choices, "usage": answer.usage}
        await exchange.whole(200, json.dumps(whole).encode(), self._headers())

    async def _stream(self, exchange: Exchange, body: dict[str, Any]) -> None:
        answer = _answer(body)
        shared = self._shared(body, "chat.completion.chunk")
        told = bool((body.get("stream_options") or {}).get("include_usage"))
        if told:
            shared["usage"] = None

        async def send(choices: list[dict[str, Any]], **more: Any) -> None:
            event = {**shared, "choices": choices, **more, "obfuscation": "q7Zk"}
            await exchange.chunked(b"data: " + json.dumps(event).encode() + b"\n\n")

        def choice(index: int, delta: dict[str, Any], finish: str | None = None) -> dict[str, Any]:
            return {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish, **self.annotations}

        await exchange.head(200, {**EVENT_STREAM, **self._headers()})
        if self.preamble is not None:
            await exchange.chunked(b"data: " + json.dumps(self.preamble).encode() + b"\n\n")
        indexes = range(body.get("n") or 1)
        for index in indexes:
            await send([choice(index, {"role": "assistant", "content": None if answer.tool_calls else "", "refusal": None})])
        for delta in answer.deltas():
            if answer.seconds_between:
                await exchange.pause(answer.seconds_between)
            for index in indexes:
                await send([choice(index, delta)])
        for index in indexes:
            await send([choice(index, {}, answer.finish)])
        if told:
            await send([], usage=answer.usage)
        await exchange.chunked(DONE)
        await exchange.chunked_end()

    async def _embeddings(self, exchange: Exchange, body: Any, strict: bool) -> None:
        model = body.get("model", "") if isinstance(body, dict) else ""
        fault = self.fault(model)
        if fault is not None:
            await fault(exchange, body)
            return
        if strict:
            check_body(body, exchange.seen.headers.get("content-type", ""), EMBEDDING_ARGUMENTS)
        _check_model(model, EMBEDDING_MODELS)
        asked = body["input"]
        inputs = [asked] if isinstance(asked, str) or (asked and isinstance(asked[0], int)) else asked
        dimensions = body.get("dimensions") or EMBEDDING_MODELS[model]
        data = []
        for index, text in enumerate(inputs):
            vector = embedding(text, dimensions)
            packed = base64.b64encode(struct.pack(f"<{dimensions}f", *vector)).decode()
            shown: Any = packed if body.get("encoding_format") == "base64" else vector
            data.append({"object": "embedding", "index": index, "embedding": shown})
        tokens = sum(len(text.split()) if isinstance(text, str) else len(text) for text in inputs)
        whole = {"object": "list", "data": data, "model": model, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}
        await exchange.whole(200, json.dumps(whole).encode(), self._headers())

    def _shared(self, body: dict[str, Any], kind: str) -> dict[str, Any]:
        model = body["model"]
        return {
            "id": f"chatcmpl-{hashlib.sha256(str(time.time_ns()).encode()).hexdigest()[:24]}",
            "object": kind,
            "created": int(time.time()),
            "model": SNAPSHOTS.get(model, model),
            "service_tier": "default",
            "system_fingerprint": f"fp_{body.get('seed') or 0:010x}",
        }

    def _headers(self) -> dict[str, str]:
        return {
            "x-request-id": self._request_id(),
            "openai-processing-ms": "12",
            "openai-version": "2020-10-01",
            "x-ratelimit-limit-requests": "10000",
            "x-ratelimit-remaining-requests": "9999",
        }


class _Answer:
    """What the model 'says': text in pieces, or tool calls."""

    def __init__(
        self, text: str | None, finish: str, tool_calls: list[dict[str, Any]], prompt_tokens: int, every_ms: int, thought: int = 0
    ) -> None:
        self.text = text
        self.finish = finish
        self.tool_calls = tool_calls
        self.pieces = re.findall(r"\s*\S+", text or "")
        self.seconds_between = every_ms / 1000
        tokens_out = (len(self.pieces) or 1) + thought
        self.usage = {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": tokens_out,
            "total_tokens": prompt_tokens + tokens_out,
            "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": thought, "audio_tokens": 0},
        }

    def deltas(self) -> list[dict[str, Any]]:
        if not self.tool_calls:
            return [{"content": piece} for piece in self.pieces]
        found: list[dict[str, Any]] = []
        for index, call in enumerate(self.tool_calls):
            name, arguments = call["function"]["name"], call["function"]["arguments"]
            opening = {"index": index, "id": call["id"], "type": "function", "function": {"name": name, "arguments": ""}}
            found.append({"tool_calls": [opening]})
            pieces = (arguments[start : start + 6] for start in range(0, len(arguments), 6))
            found.extend({"tool_calls": [{"index": index, "function": {"arguments": piece}}]} for piece in pieces)
        return found


def _answer(body: dict[str, Any]) -> _Answer:
    said, images, prompt_tokens = _said(body["messages"])
    words = WORDS.fullmatch(body["model"])
    tools, finish = _tools_wanted(body, said)
    thought = THOUGHT_TOKENS if body["model"].startswith(REASONING_MODELS) else 0
    if tools:
        calls = [_call(number, tool) for number, tool in enumerate(tools, 1)]
        return _Answer(None, finish, calls, prompt_tokens, 0, thought)
    if words:
        text = " ".join(f"word{number}" for number in range(int(words[1])))
    elif (wanted := body.get("response_format") or {}).get("type") == "json_schema":
        text = json.dumps(instance_of(wanted["json_schema"].get("schema", {})))
    elif wanted.get("type") == "json_object":
        text = json.dumps({"said": said})
    else:
        text = f"You said: {said}" + (f" (with {images} image)" if images else "")
    text, finish = _shortened(text, body)
    return _Answer(text, finish, [], prompt_tokens, int(words[2] or 0) if words else 0, thought)


def _call(number: int, tool: dict[str, Any]) -> dict[str, Any]:
    arguments = json.dumps(instance_of(tool.get("parameters") or {"type": "object"}))
    return {"id": f"call_fake{number:04}", "type": "function", "function": {"name": tool["name"], "arguments": arguments}}


def _said(messages: list[dict[str, Any]]) -> tuple[str, int, int]:
    """(the last text, number of images in it, tokens of all messages: a word each, four a message)."""
    text, images, tokens = "", 0, 0
    for message in messages:
        content = message.get("content") or ""
        parts = content if isinstance(content, list) else [{"type": "text", "text": content}]
        text = " ".join(part.get("text", "") for part in parts if part.get("type") == "text")
        images = sum(part.get("type") == "image_url" for part in parts)
        tokens += 4 + len(text.split()) + 85 * images
    return text, images, tokens


def _tools_wanted(body: dict[str, Any], said: str) -> tuple[list[dict[str, Any]], str]:
    """(the functions to call, the finish reason that goes with it): a forced named tool ends with `stop`."""
    functions = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
    choice = body.get("tool_choice", "auto")
    if isinstance(choice, dict):
        named = choice["function"]["name"]
        return [next(function for function in functions if function["name"] == named)], "stop"
    at_most = 1 if body.get("parallel_tool_calls") is False else len(functions)
    found = [function for function in functions if function["name"] in said][:at_most]
    if choice == "required":
        return found or functions[:1], "tool_calls"
    if choice == "auto" and body["messages"][-1].get("role") != "tool":
        return found, "tool_calls"
    return [], ""


def _shortened(text: str, body: dict[str, Any]) -> tuple[str, str]:
    """The text up to the first stop sequence or the bound on tokens, and the finish reason."""
    stops = body.get("stop") or []
    places = [at for stop in ([stops] if isinstance(stops, str) else stops) if (at := text.find(stop)) >= 0]
    if places:
        return text[: min(places)], "stop"
    pieces = re.findall(r"\s*\S+", text)
    bound = body.get("max_completion_tokens") or body.get("max_tokens") or len(pieces)
    return ("".join(pieces[:bound]), "length") if bound < len(pieces) else (text, "stop")


def embedding(text: Any, dimensions: int) -> list[float]:
    """The same numbers for the same text; exact in float32, so that both encodings say the same."""
    digest = hashlib.sha256(json.dumps(text).encode()).digest()
    return [(digest[index % 32] - 128) / 128 for index in range(dimensions)]


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": 1_700_000_000, "owned_by": "system"}


def _check_model(name: str, offered: Any) -> None:
    if name not in offered:
        message = f"The model `{name}` does not exist or you do not have access to it."
        raise Refusal(404, message, code="model_not_found", param="model")


if __name__ == "__main__":
    run(FakeOpenAI().handle)
