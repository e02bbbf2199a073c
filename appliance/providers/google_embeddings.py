"""Embeddings of Gemini's (`embedContent`, `batchEmbedContents`) asked and answered in OpenAI's words.

Source: ai.google.dev/api/embeddings, read 2026-11-26.
Quirks: one text goes by embedContent, which all models have; more by batches of at most 100, each repeating the model's name.
Texts only: Google's tokens are nobody else's. Most models tell no usage: it is estimated then, and marked so. Vectors come as
numbers; base64, as OpenAI's SDKs ask for by default, is made here (float32, little-endian). Vectors shorter than the model's
own aren't normalised by Google; they are given out as they came.
"""

import base64
import sys
from array import array
from typing import Any

import msgspec

from appliance.chat import Chunk, Usage
from appliance.errors import FeatureUnsupported, InvalidField, UpstreamFailed
from appliance.providers.google_errors import UNREADABLE, Error, said_failure

BATCH_MAX = 100
BYTES_PER_TOKEN = 4
_KNOWN = frozenset(("input", "model", "encoding_format", "dimensions", "user"))


class _Vector(msgspec.Struct):
    values: list[float] | None = None


class _UsageMetadata(msgspec.Struct, rename="camel"):
    prompt_token_count: int | None = None


class _Body(msgspec.Struct, rename="camel"):
    embedding: _Vector | None = None
    embeddings: list[_Vector] | None = None
    usage_metadata: _UsageMetadata | None = None
    error: Error | None = None


_read = msgspec.json.Decoder(_Body).decode
_write = msgspec.json.Encoder().encode


def requests(raw: dict[str, Any], model: str) -> list[tuple[str, dict[str, Any]]]:
    """(verb, body) of each request that the input takes. `model` with its "models/". Errors: FeatureUnsupported, InvalidField."""
    for name in raw:
        if name not in _KNOWN:
            raise FeatureUnsupported(f"Google's embeddings can't do this: {name[:100]}", param=name[:100], fix="Leave it out.")
    if (form := raw.get("encoding_format")) not in (None, "float", "base64"):
        raise InvalidField(f"encoding_format is {str(form)[:40]!r}", param="encoding_format", fix="Send float or base64.")
    more = {}
    if (dimensions := raw.get("dimensions")) is not None:
        if not isinstance(dimensions, int) or isinstance(dimensions, bool) or dimensions < 1:
            raise InvalidField("dimensions is no count", param="dimensions", fix="Send a whole number.")
        more["outputDimensionality"] = dimensions
    asked = [{"model": model, "content": {"parts": [{"text": text}]}, **more} for text in _texts(raw)]
    if len(asked) == 1:
        return [("embedContent", asked[0])]
    return [("batchEmbedContents", {"requests": asked[at : at + BATCH_MAX]}) for at in range(0, len(asked), BATCH_MAX)]


def answer(bodies: list[bytes], raw: dict[str, Any], *, provider: str, model: str) -> Chunk:
    """One Chunk whose `raw` is OpenAI's body. Errors: UpstreamFailed."""
    vectors: list[list[float]] = []
    tokens: int | None = 0
    for body in bodies:
        read = _read_body(body, provider)
        found = [read.embedding] if read.embedding is not None else read.embeddings or []
        vectors += [vector.values or [] for vector in found]
        told = read.usage_metadata.prompt_token_count if read.usage_metadata is not None else None
        tokens = None if told is None or tokens is None else tokens + told
    texts = _texts(raw)
    if len(vectors) != len(texts) or not all(vectors):
        raise UpstreamFailed(f"{provider} sent {len(vectors)} embeddings for {len(texts)} texts", fix="Try again.")
    estimated = tokens is None
    count = sum(_estimate(text) for text in texts) if tokens is None else tokens
    shown = _packed if raw.get("encoding_format") == "base64" else _as_they_are
    data = [{"object": "embedding", "index": index, "embedding": shown(vector)} for index, vector in enumerate(vectors)]
    usage = {"prompt_tokens": count, "total_tokens": count}
    body = _write({"object": "list", "data": data, "model": model, "usage": usage})
    return Chunk(usage=Usage(count, 0, estimated=estimated), finish="stop", raw=body)


def _texts(raw: dict[str, Any]) -> list[str]:
    asked = raw.get("input")
    texts = [asked] if isinstance(asked, str) else asked
    if not isinstance(texts, list) or not texts:
        raise InvalidField("input holds no texts", param="input", fix="Send a text, or a list of texts.")
    for position, text in enumerate(texts):
        if not isinstance(text, str):
            raise FeatureUnsupported(
                "Google can't do this: embeddings of tokens", param=f"input[{position}]", fix="Send texts instead of tokens."
            )
        if not text:
            raise InvalidField("a text of the input is empty", param=f"input[{position}]", fix="Leave it out.")
    return texts


def _read_body(body: bytes, provider: str) -> _Body:
    try:
        read = _read(body)
    except UNREADABLE as error:
        raise UpstreamFailed(f"{provider} sent an answer that is no JSON in Gemini's format", fix="Try again.") from error
    if read.error is not None:
        raise said_failure(provider, read.error)
    return read


def _estimate(text: str) -> int:
    return -(-len(text.encode("utf-8", "replace")) // BYTES_PER_TOKEN)


def _as_they_are(vector: list[float]) -> Any:
    return vector


def _packed(vector: list[float]) -> Any:
    numbers = array("f", vector)
    if sys.byteorder == "big":
        numbers.byteswap()
    return base64.b64encode(numbers.tobytes()).decode()
