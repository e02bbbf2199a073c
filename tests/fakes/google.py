"""Google's Gemini Developer API on the wire, without the model: `python -m tests.fakes.google` prints its port and serves.

POST /v1beta/models/{m}:generateContent, :streamGenerateContent?alt=sse, :embedContent, :batchEmbedContents; GET /v1beta/models.
The model's name chooses what happens:

    gemini-2.5-flash, …       "You said: <the last thing said>", tools and schemas honoured; every function that is named in
                              the words is called, in parallel
    gemini-3-…                as well; calls have ids and a signature, which are demanded back
    words-N, words-N-every-M  an answer of N words, M milliseconds apart
    fault-…                   see google_faults.py

`GET /_seen` tells what came; `POST /_faults {"gemini-2.5-flash": "fault-500"}` lets a name fail that otherwise works.
"""

import hashlib
import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote

from tests.fakes.google_faults import BAD_KEY, EVENT_STREAM, event, fault_of
from tests.fakes.google_rules import Refusal, bad, check_generate, read_message, signature_of
from tests.fakes.openai_rules import instance_of
from tests.fakes.wire import Exchange, run

KEY_PREFIX = "sk-fake-"
CHAT_MODELS = (
    "gemini-2.5-flash", "gemini-2.5-pro", "gemini-2.0-flash", "gemini-3-pro-preview", "gemini-3-flash-preview",
)  # fmt: skip
EMBEDDING_MODELS = {"gemini-embedding-001": 3072, "text-embedding-004": 768}
WORDS = re.compile(r"words-(\d+)(?:-every-(\d+))?")
PATH = re.compile(r"/v1(?:beta|alpha)?/models/([^/:]+):(\w+)")


class FakeGoogle:
    """The routes. One instance a process."""

    def __init__(self) -> None:
        self.faults: dict[str, str] = {}
        self._count = 0

    async def handle(self, exchange: Exchange) -> None:
        seen = exchange.seen
        path, _, query = seen.path.partition("?")
        path, asked = unquote(path), parse_qs(query)
        if path == "/_faults":
            self.faults = seen.json or {}
            await exchange.whole(200, b"{}")
            return
        try:
            self._check_key(seen.headers.get("x-goog-api-key") or (asked.get("key") or [""])[0])
            if seen.method == "GET" and re.fullmatch(r"/v1(beta|alpha)?/models", path):
                await exchange.whole(200, json.dumps({"models": [_model(name) for name in _names()]}, indent=2).encode())
                return
            found = PATH.fullmatch(path)
            if seen.method != "POST" or found is None:
                raise Refusal(404, "NOT_FOUND", f"No such route: {seen.method} {path}")
            await self._ask(exchange, found[1], found[2], asked.get("alt") == ["sse"])
        except Refusal as refusal:
            await exchange.whole(refusal.code, refusal.body)

    def _check_key(self, key: str) -> None:
        if not key:
            message = "Method doesn't allow unregistered callers (callers without established identity)."
            raise Refusal(403, "PERMISSION_DENIED", message)
        if not key.startswith(KEY_PREFIX):
            raise Refusal(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", BAD_KEY)

    async def _ask(self, exchange: Exchange, model: str, verb: str, as_events: bool) -> None:
        streamed = verb == "streamGenerateContent"
        fault = fault_of(self.faults.get(model, model))
        if fault is not None:
            await fault(exchange, streamed)
            return
        body = exchange.seen.json
        if not isinstance(body, dict):
            raise bad("Invalid JSON payload received. Unexpected end of string.")
        if verb in ("embedContent", "batchEmbedContents"):
            await exchange.whole(200, json.dumps(_embedded(model, verb, body), indent=2).encode())
            return
        if verb not in ("generateContent", "streamGenerateContent") or (model not in CHAT_MODELS and not WORDS.fullmatch(model)):
            raise _not_found(model)
        body = read_message(body, "GenerateContentRequest")
        check_generate(model, body)
        self._count += 1
        answer = _Answer(model, body, f"resp-{self._count:08x}_A")
        if not streamed:
            await exchange.whole(200, json.dumps(answer.whole(), indent=2).encode())
        elif not as_events:
            await exchange.whole(200, json.dumps(list(answer.pieces()), indent=2).encode())
        else:
            await exchange.head(200, EVENT_STREAM)
            for position, piece in enumerate(answer.pieces()):
                if position and answer.seconds_between:
                    await exchange.pause(answer.seconds_between)
                await exchange.chunked(event(piece))
            await exchange.chunked_end()


class _Answer:
    """What the model 'says'."""

    def __init__(self, model: str, body: dict[str, Any], response_id: str) -> None:
        self._model = model
        self._body = body
        self._response_id = response_id
        self._config = body.get("generationConfig") or {}
        words = WORDS.fullmatch(model)
        self.seconds_between = int(words[2] or 0) / 1000 if words else 0
        self._said, images, self._tokens_in = _said(body)
        self._thinks = bool((self._config.get("thinkingConfig") or {}).get("includeThoughts"))
        self._calls = _calls(model, body, self._said)
        if words:
            self._text = " ".join(f"word{number}" for number in range(int(words[1])))
        elif self._config.get("responseMimeType") == "application/json":
            schema = self._config.get("responseJsonSchema") or _small(self._config.get("responseSchema") or {})
            self._text = json.dumps(instance_of(schema) if schema else {"said": self._said})
        else:
            self._text = f"You said: {self._said}" + (f" (with {images} image)" if images else "")
        self._text, self._finish = _shortened(self._text, self._config)
        if "unsafe answer" in self._said:
            self._text, self._calls, self._finish = "", [], "SAFETY"

    def whole(self) -> dict[str, Any]:
        if "unsafe prompt" in self._said:
            return {"promptFeedback": {"blockReason": "SAFETY"}, **self._shared(0)}
        parts: list[dict[str, Any]] = [{"text": "Let me think.", "thought": True}] if self._thinks else []
        parts += self._calls or ([{"text": self._text}] if self._text else [])
        candidates = [self._candidate(parts, self._finish, index) for index in range(self._config.get("candidateCount", 1))]
        if self._config.get("responseLogprobs"):
            for candidate in candidates:
                candidate["logprobsResult"] = _logprobs(self._text, self._config.get("logprobs", 0))
        return {"candidates": candidates, **self._shared(len(self._text.split()) or len(self._calls))}

    def pieces(self) -> "list[dict[str, Any]]":
        """The same as events: thoughts, words, calls, each candidate's end in the last one."""
        if "unsafe prompt" in self._said:
            return [self.whole()]
        found: list[list[dict[str, Any]]] = [[{"text": "Let me think.", "thought": True}]] if self._thinks else []
        found += [[call] for call in self._calls] or [[{"text": word}] for word in re.findall(r"\s*\S+", self._text)]
        events = []
        for position, parts in enumerate(found or [[]]):
            finish = self._finish if position >= len(found) - 1 else None
            candidates = [self._candidate(parts, finish, index) for index in range(self._config.get("candidateCount", 1))]
            events.append({"candidates": candidates, **self._shared(position + 1)})
        return events

    def _candidate(self, parts: list[dict[str, Any]], finish: str | None, index: int) -> dict[str, Any]:
        candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}} if parts else {}
        if finish is not None:
            candidate["finishReason"] = finish
        return {**candidate, "index": index}

    def _shared(self, tokens_out: int) -> dict[str, Any]:
        thoughts = {"thoughtsTokenCount": 5} if self._thinks else {}
        usage = {
            "promptTokenCount": self._tokens_in,
            "candidatesTokenCount": tokens_out,
            "totalTokenCount": self._tokens_in + tokens_out + sum(thoughts.values()),
            "cachedContentTokenCount": 3 if "cached" in self._said else 0,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": self._tokens_in}],
            **thoughts,
        }
        return {"usageMetadata": usage, "modelVersion": self._model, "responseId": self._response_id}


def _said(body: dict[str, Any]) -> tuple[str, int, int]:
    """(the last text or results, number of images beside it, tokens: a word each, four a content)."""
    text, images, tokens = "", 0, 0
    system = body.get("systemInstruction")
    for content in [*([system] if system else []), *body["contents"]]:
        texts = [part["text"] for part in content["parts"] if "text" in part]
        texts += [json.dumps(part["functionResponse"]["response"]) for part in content["parts"] if "functionResponse" in part]
        images = sum("inlineData" in part or "fileData" in part for part in content["parts"])
        text = " ".join(texts)
        tokens += 4 + len(text.split()) + 258 * images
    return text, images, tokens


def _calls(model: str, body: dict[str, Any], said: str) -> list[dict[str, Any]]:
    functions = [one for tool in body.get("tools") or [] for one in tool.get("functionDeclarations") or []]
    calling = (body.get("toolConfig") or {}).get("functionCallingConfig") or {}
    allowed, mode = calling.get("allowedFunctionNames"), calling.get("mode", "AUTO")
    if allowed:
        functions = [function for function in functions if function["name"] in allowed]
    answered = any("functionResponse" in part for part in body["contents"][-1]["parts"])
    named = [function for function in functions if re.search(rf"\b{re.escape(function['name'])}\b", said)]
    wanted = [] if mode == "NONE" or (answered and mode == "AUTO") else named or (functions[:1] if mode == "ANY" else [])
    parts = []
    for position, function in enumerate(wanted):
        schema = function.get("parametersJsonSchema") or _small(function.get("parameters") or {"type": "object"})
        call: dict[str, Any] = {"name": function["name"], "args": instance_of(schema)}
        part: dict[str, Any] = {"functionCall": call}
        if "gemini-3" in model:
            if position == 0:
                part["thoughtSignature"] = signature_of(call)
            call["id"] = f"fc-{position:04d}"
        parts.append(part)
    return parts


def _small(schema: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI schema with its types in small letters, as JSON Schema has them."""
    found = {**schema, "type": schema["type"].lower()} if "type" in schema else dict(schema)
    if "properties" in schema:
        found["properties"] = {name: _small(inner) for name, inner in schema["properties"].items()}
    if "items" in schema:
        found["items"] = _small(schema["items"])
    return found


def _shortened(text: str, config: dict[str, Any]) -> tuple[str, str]:
    places = [at for stop in config.get("stopSequences") or [] if (at := text.find(stop)) >= 0]
    if places:
        return text[: min(places)], "STOP"
    pieces = re.findall(r"\s*\S+", text)
    bound = config.get("maxOutputTokens") or len(pieces)
    return ("".join(pieces[:bound]), "MAX_TOKENS") if bound < len(pieces) else (text, "STOP")


def _logprobs(text: str, top: int) -> dict[str, Any]:
    tokens = [{"token": word, "tokenId": at, "logProbability": -0.5} for at, word in enumerate(re.findall(r"\s*\S+", text))]
    return {"chosenCandidates": tokens, "topCandidates": [{"candidates": [token] * top} for token in tokens]}


def _embedded(model: str, verb: str, body: dict[str, Any]) -> dict[str, Any]:
    if model not in EMBEDDING_MODELS:
        raise _not_found(model)
    batch = verb == "batchEmbedContents"
    body = read_message(body, "BatchEmbedContentsRequest" if batch else "EmbedContentRequest")
    asked = body.get("requests") or [] if batch else [body]
    if not 1 <= len(asked) <= 100:
        raise bad("* BatchEmbedContentsRequest.requests: at most 100 requests can be in one batch")
    vectors = []
    for position, request in enumerate(asked):
        if batch and request.get("model") != f"models/{model}":
            raise bad(f"* BatchEmbedContentsRequest.requests[{position}].model: unexpected model name format")
        text = "".join(part.get("text", "") for part in (request.get("content") or {}).get("parts") or [])
        if not text:
            raise bad("* EmbedContentRequest.content: contents is not specified")
        vectors.append({"values": embedding(text, request.get("outputDimensionality") or EMBEDDING_MODELS[model])})
    return {"embeddings": vectors} if batch else {"embedding": vectors[0]}


def embedding(text: str, dimensions: int) -> list[float]:
    """The same numbers for the same text; exact in float32."""
    digest = hashlib.sha256(text.encode()).digest()
    return [(digest[index % 32] - 128) / 128 for index in range(dimensions)]


def _names() -> tuple[str, ...]:
    return (*CHAT_MODELS, *EMBEDDING_MODELS)


def _model(name: str) -> dict[str, Any]:
    return {"name": f"models/{name}", "version": "001", "displayName": name, "inputTokenLimit": 1_048_576}


def _not_found(model: str) -> Refusal:
    message = f"models/{model} is not found for API version v1beta, or is not supported for generateContent."
    return Refusal(404, "NOT_FOUND", message)


if __name__ == "__main__":
    run(FakeGoogle().handle)
