"""Models in our own worker (llama.cpp): chat requests narrowed to what every engine takes, chunks translated back.

Quirks: `tool_choice` "required" or a name isn't enforced by llama.cpp's server, and templates that know no tools drop
them in silence. So unless the template knows tools and the model may choose freely, we describe the tools in the system
message and hold the output to a grammar: lines {"name": …, "arguments": …}, which become tool_calls again on their way out.
What an engine can't do is refused by name. `seed` 2^32-1 means "random" to llama.cpp. Templates know no role developer.
"""

import secrets
from array import array
from base64 import b64encode
from collections.abc import Callable
from sys import byteorder
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from appliance.chat import ChatRequest, Chunk, Delta, FinishReason, ToolCall, Usage
from appliance.errors import FeatureUnsupported, InvalidField, LocalModelFailed, UpstreamFailed
from appliance.providers.call_reader import CallReader, Reading
from appliance.providers.json_grammar import Grammar
from appliance.providers.llamacpp_tools import (
    arguments_are_plain,
    calls_form,
    choice_of,
    tools_of,
    wanted_form,
    without_tools,
)

STOP_CHARACTERS_MAX = 1_000
TOKENS_OUT_MAX = 10_000_000  # far beyond any context; the engine counts in 32 bits
TOP_LOGPROBS_MAX = 20
BIASES_MAX = 1_024
INPUTS_MAX = 2_048
SEEDS = 2**32 - 1

_TRANSLATED = frozenset((
    "model", "messages", "stream", "stream_options", "max_tokens", "max_completion_tokens", "temperature", "top_p", "n", "stop",
    "seed", "presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs", "tools", "tool_choice",
    "parallel_tool_calls", "response_format",
))  # fmt: skip
_SAMPLING = {"top_k": (0, 1_000_000), "min_p": (0, 1), "repeat_penalty": (0, 10)}  # llama.cpp's own, and their bounds
# Words that change nothing about the answer: who asks, what to bill, hints for somebody's cache.
_OF_NO_EFFECT = frozenset((
    "user", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention", "prediction", "store",
))  # fmt: skip
_SAME_AS_LEFT_OUT: dict[str, Any] = {"modalities": ["text"], "reasoning_effort": "none", "verbosity": "medium"}
_PARTS = {"image_url": "images", "input_audio": "audio", "file": "files", "video_url": "video"}
# An assistant's reasoning_content, which clients send back with the rest of its message, is left out: models are trained
# on histories without the thoughts of earlier turns, and their templates would take them out again.
_MESSAGE_WORDS = frozenset(("role", "content", "name", "tool_calls", "tool_call_id", "refusal"))


class Request(msgspec.Struct, frozen=True):
    """A request for the engine, and how its answer is to be read."""

    body: dict[str, Any]
    reading: Reading = Reading()


# Requests


def request(chat: ChatRequest, raw: dict[str, Any], *, template_knows_tools: bool = False) -> Request:
    """The engine's request for a caller's.

    Shapes:  texts are read from `raw`, where masking has written; numbers from `chat`, which was checked.
    Errors:  FeatureUnsupported for what local models can't do, InvalidField for what is wrong. Nothing is dropped in silence.
    """
    _refuse_unknown(raw)
    body = _sampling(chat, raw)
    tools = tools_of(raw)
    choice, named = choice_of(raw, tools)
    parallel = raw.get("parallel_tool_calls") is not False
    wanted = raw.get("response_format") or {"type": "text"}
    messages = [_message(message, position) for position, message in enumerate(raw["messages"])]
    if choice == "auto" and template_knows_tools and wanted.get("type") == "text" and arguments_are_plain(tools):
        body["messages"] = messages
        body["tools"] = [{"type": "function", "function": tool} for tool in tools.values()]
        body |= {"tool_choice": "auto", "parallel_tool_calls": parallel}
        return Request(body, Reading(choices=chat.n or 1))
    grammar = Grammar()
    root, instructions = wanted_form(wanted, grammar)
    reading = Reading(choices=chat.n or 1)
    if choice != "none":
        root, told, reading = calls_form(tools, choice, named, root, grammar, parallel=parallel)
        reading = msgspec.structs.replace(reading, choices=chat.n or 1)
        instructions = [*instructions, told]
    body["messages"] = _with_instructions(messages if template_knows_tools else without_tools(messages), instructions)
    if root:
        body["grammar"] = grammar.text(root)
    return Request(body, reading)


def _refuse_unknown(raw: dict[str, Any]) -> None:
    for name, value in raw.items():
        if name in _TRANSLATED or name in _SAMPLING or name in _OF_NO_EFFECT or value is None:
            continue
        if name in _SAME_AS_LEFT_OUT and value == _SAME_AS_LEFT_OUT[name]:
            continue
        mend = "Use tools and tool_choice." if name in ("functions", "function_call") else "Leave it out, or ask another model."
        raise FeatureUnsupported(f"local models don't support {name[:80]!r}", param=name[:80], fix=mend)
    for name, (low, high) in _SAMPLING.items():
        value = raw.get(name)
        kinds = (int,) if name == "top_k" else (int, float)
        if value is not None and not (type(value) in kinds and low <= value <= high):
            number = "whole number" if name == "top_k" else "number"
            raise InvalidField(f"{name} is a {number} from {low} to {high}", param=name, fix="Send one, or leave it out.")


def _sampling(chat: ChatRequest, raw: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {name: raw[name] for name in _SAMPLING if raw.get(name) is not None}
    for name, low, high in (("temperature", 0, 2), ("top_p", 0, 1), ("presence_penalty", -2, 2), ("frequency_penalty", -2, 2)):
        value = getattr(chat, name)
        if value is not None:
            if not low <= value <= high:
                raise InvalidField(f"{name} must be between {low} and {high}", param=name, fix="Send a value between them.")
            body[name] = value
    if chat.tokens_out_max is not None:
        if chat.tokens_out_max < 1:
            name = "max_completion_tokens" if raw.get("max_completion_tokens") is not None else "max_tokens"
            raise InvalidField(f"{name} is at least 1", param=name, fix="Send more, or leave it out.")
        body["max_tokens"] = min(chat.tokens_out_max, TOKENS_OUT_MAX)
    if chat.n is not None:
        body["n"] = chat.n
    if chat.seed is not None:
        body["seed"] = chat.seed % SEEDS
    if raw.get("stop"):
        body["stop"] = _stop(raw["stop"])
    if chat.logit_bias:
        body["logit_bias"] = _logit_bias(chat.logit_bias)
    if chat.top_logprobs is not None and not chat.logprobs:
        raise InvalidField("top_logprobs needs logprobs: true", param="top_logprobs", fix="Send logprobs: true, or leave it out.")
    if chat.logprobs:
        if (chat.top_logprobs or 0) > TOP_LOGPROBS_MAX:
            raise InvalidField(f"top_logprobs is at most {TOP_LOGPROBS_MAX}", param="top_logprobs", fix="Ask for fewer.")
        body |= {"logprobs": True, "top_logprobs": chat.top_logprobs or 0}
    return body


def _stop(stop: str | list[str]) -> list[str]:
    strings = [stop] if isinstance(stop, str) else stop
    if any(not text or len(text) > STOP_CHARACTERS_MAX for text in strings):
        raise InvalidField(
            f"a stop string has 1 to {STOP_CHARACTERS_MAX} characters", param="stop", fix="Correct it, or leave it out."
        )
    return strings


def _logit_bias(biases: dict[str, float]) -> dict[str, float]:
    wrong = len(biases) > BIASES_MAX or any(
        not (key.isascii() and key.isdigit() and len(key) < 10 and -100 <= value <= 100) for key, value in biases.items()
    )
    if wrong:
        raise InvalidField(
            f"logit_bias maps at most {BIASES_MAX} token ids to numbers from -100 to 100", param="logit_bias", fix="Correct it."
        )
    return biases


# Messages


def _message(message: dict[str, Any], position: int) -> dict[str, Any]:
    where = f"messages[{position}]"
    role = "system" if message["role"] == "developer" else message["role"]
    if role == "function" or message.get("function_call"):
        raise FeatureUnsupported("local models don't support the old function messages", param=where, fix="Use tools instead.")
    for name in message:
        is_known = name in _MESSAGE_WORDS or (name == "reasoning_content" and role == "assistant")
        if not is_known and message[name] is not None:
            raise FeatureUnsupported(
                f"local models don't support {name[:80]!r} in messages", param=f"{where}.{name[:80]}", fix="Leave it out."
            )
    translated = {"role": role, "content": _text(message.get("content"), where)}
    if message.get("refusal") and not translated["content"]:
        if not isinstance(message["refusal"], str):
            raise InvalidField(f"{where}.refusal must be text", param=f"{where}.refusal", fix="Correct it, or leave it out.")
        translated["content"] = message["refusal"]
    for name in ("name", "tool_calls", "tool_call_id"):
        if message.get(name):
            translated[name] = message[name]
    return translated


def _text(content: Any, where: str) -> str:
    if content is None or isinstance(content, str):
        return content or ""
    texts = []
    for number, part in enumerate(content):
        kind = part.get("type")
        text = part.get("text") if kind == "text" else part.get("refusal") if kind == "refusal" else None
        if not isinstance(text, str):
            what = _PARTS.get(str(kind), f"message parts of type {str(kind)[:40]!r}")
            raise FeatureUnsupported(
                f"local models don't support {what}", param=f"{where}.content[{number}]", fix="Send text, or ask another model."
            )
        texts.append(text)
    return "\n".join(texts)


def _with_instructions(messages: list[dict[str, Any]], instructions: list[str]) -> list[dict[str, Any]]:
    """Instructions join the first system message: many templates take one at most."""
    if not instructions:
        return messages
    text = "\n\n".join(instructions)
    if messages[0]["role"] == "system":
        return [{**messages[0], "content": f"{messages[0]['content']}\n\n{text}".strip()}, *messages[1:]]
    return [{"role": "system", "content": text}, *messages]


# Answers

_Number = Annotated[int, Meta(ge=0, lt=2**31)]


class _Delta(msgspec.Struct):
    role: str | None = None
    content: str | None = None
    reasoning_content: str | None = None
    tool_calls: list[ToolCall] | None = None


class _Choice(msgspec.Struct):
    index: Annotated[int, Meta(ge=0, lt=128)]
    delta: _Delta | None = None
    finish_reason: FinishReason | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: _Number
    completion_tokens: _Number


class _Shape(msgspec.Struct):
    """What is relied on in an engine's event: a caller must not meet what it got wrong."""

    choices: list[_Choice] = []
    usage: _Usage | None = None


class Stream:
    """One answer: engine chunks in, chunks out. One for each attempt."""

    def __init__(self, request: Request, *, new_id: Callable[[], str] = lambda: f"call_{secrets.token_hex(12)}") -> None:
        self._reading = request.reading
        self._new_id = new_id
        self._readers: dict[int, CallReader] = {}
        self._open_choices = request.reading.choices
        self._logprobs: dict[int, list[dict[str, Any]]] = {}

    def feed(self, event: dict[str, Any]) -> list[Chunk]:
        """Errors: UpstreamFailed when the engine breaks its contract."""
        try:
            msgspec.convert(event, _Shape)
            return self._chunks(event)
        except (KeyError, TypeError, AttributeError, msgspec.ValidationError) as error:
            raise UpstreamFailed("the local engine sent a chunk of an unknown shape", fix="Report it.") from error

    def close(self) -> list[Chunk]:
        """Errors: LocalModelFailed when the answer was not finished."""
        if self._open_choices > 0:
            raise LocalModelFailed("the local model broke off in the middle of its answer", fix="Try again.")
        return []

    def _chunks(self, event: dict[str, Any]) -> list[Chunk]:
        if (before := event.get("queue_position")) is not None:
            return [Chunk(comment=_waiting(before))]
        if progress := event.get("prompt_progress"):
            return [Chunk(comment=f"reading the prompt: {progress['processed']} of {progress['total']} tokens")]
        chunks = []
        for choice in event["choices"]:
            chunks.extend(self._choice(choice))
        if usage := event.get("usage"):
            cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens", 0)
            chunks.append(Chunk(usage=Usage(usage["prompt_tokens"], usage["completion_tokens"], cached)))
        for chunk in chunks[:-1]:
            chunk.more = True
        return chunks

    def _choice(self, choice: dict[str, Any]) -> list[Chunk]:
        index, delta, finish = choice["index"], choice.get("delta") or {}, choice.get("finish_reason")
        if index >= self._reading.choices:
            raise KeyError(index)  # a choice that nobody asked for
        deltas = []
        if delta.get("role"):
            deltas.append(Delta(role=delta["role"], content="" if self._reads_text else None, index=index))
        reader = self._readers.get(index)
        if reader is None and not self._reads_text:
            reader = self._readers[index] = CallReader(self._reading, self._new_id)
        if delta.get("content"):
            found = reader.feed(delta["content"]) if reader else [Delta(content=delta["content"])]
            deltas.extend(_at(index, found))
            self._add_logprobs(index, choice.get("logprobs"), found)
        if delta.get("reasoning_content"):
            deltas.append(Delta(reasoning=delta["reasoning_content"], index=index))
        if delta.get("tool_calls"):
            calls = msgspec.convert(delta["tool_calls"], list[ToolCall])
            deltas.append(Delta(tool_calls=calls, index=index))
        chunks = [Chunk([each]) for each in deltas]
        if finish is not None:
            self._open_choices -= 1
            rest, finish = reader.close(finish) if reader else ([], finish)
            chunks.extend(Chunk([each]) for each in _at(index, rest))
            chunks.append(Chunk([Delta(index=index)], finish=finish))
        return chunks

    def _add_logprobs(self, index: int, logprobs: dict[str, Any] | None, deltas: list[Delta]) -> None:
        """Put tokens' probabilities where their text goes out; text that may yet become a call is held back, so are they."""
        held = self._logprobs.setdefault(index, [])
        if logprobs:
            held.extend(_shown(token) for token in logprobs["content"])
        if held and deltas and deltas[-1].content is not None:
            deltas[-1].logprobs = {"content": held, "refusal": None}
            self._logprobs[index] = []

    @property
    def _reads_text(self) -> bool:
        return self._reading.named is None and not self._reading.calls


def _waiting(before: int) -> str:
    return f"waiting for a free place: {before} before you" if before > 0 else "waiting for a free place: you are next"


def _at(index: int, deltas: list[Delta]) -> list[Delta]:
    for delta in deltas:
        delta.index = index
    return deltas


def _shown(token: dict[str, Any]) -> dict[str, Any]:
    """A token's probability as OpenAI shows it: without the engine's own ids."""

    def plain(one: dict[str, Any]) -> dict[str, Any]:
        return {name: one[name] for name in ("token", "logprob", "bytes")}

    return {**plain(token), "top_logprobs": [plain(other) for other in token.get("top_logprobs", ())]}


# Embeddings


def embeddings_request(raw: dict[str, Any]) -> dict[str, Any]:
    """The engine's request for embeddings. Errors: InvalidField, FeatureUnsupported."""
    for name, value in raw.items():
        if name not in ("model", "input", "encoding_format", "user") and value is not None:
            raise FeatureUnsupported(f"local models don't support {name[:80]!r}", param=name[:80], fix="Leave it out.")
    if raw.get("encoding_format") not in (None, "float", "base64"):
        raise InvalidField("encoding_format is float or base64", param="encoding_format", fix="Send one of them.")
    given = raw.get("input")
    inputs = [given] if isinstance(given, str) or (isinstance(given, list) and _are_tokens(given)) else given
    if not isinstance(inputs, list) or not 0 < len(inputs) <= INPUTS_MAX:
        raise InvalidField(f"input is a text, or a list of 1 to {INPUTS_MAX} texts", param="input", fix="Correct it.")
    for position, text in enumerate(inputs):
        if not text or not (isinstance(text, str) or (isinstance(text, list) and _are_tokens(text))):
            raise InvalidField(
                "an input is a text or a list of token ids, and not empty", param=f"input[{position}]", fix="Correct it."
            )
    return {"input": inputs, "encoding_format": "float"}


def _are_tokens(values: list[Any]) -> bool:
    return bool(values) and all(type(value) is int and 0 <= value < 2**31 for value in values)


def embeddings_answer(answer: dict[str, Any], model: str, raw: dict[str, Any]) -> tuple[dict[str, Any], Usage]:
    """(OpenAI's body, usage) for the engine's answer. Errors: UpstreamFailed."""
    try:
        rows = sorted(answer["data"], key=lambda row: row["index"])
        vectors = [_encoded(row["embedding"]) if raw.get("encoding_format") == "base64" else row["embedding"] for row in rows]
        tokens = int(answer["usage"]["prompt_tokens"])
    except (KeyError, TypeError, ValueError) as error:
        raise UpstreamFailed("the local engine sent embeddings of an unknown shape", fix="Report it.") from error
    body = {
        "object": "list",
        "model": model,
        "data": [{"object": "embedding", "index": index, "embedding": vector} for index, vector in enumerate(vectors)],
        "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
    }
    return body, Usage(tokens)


def _encoded(vector: list[float]) -> str:
    numbers = array("f", vector)
    if byteorder == "big":
        numbers.byteswap()
    return b64encode(numbers.tobytes()).decode()
