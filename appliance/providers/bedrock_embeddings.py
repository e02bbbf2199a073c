"""Embeddings of Amazon's Titan models on Bedrock, asked in OpenAI's format.

Source: docs.aws.amazon.com/bedrock/latest/userguide/model-parameters-titan-embed-text.html, read 2026-11-26.
Quirks: one text a request, so the number of texts is bounded; `dimensions` is known to version 2 only, and sent only when asked.
"""

from base64 import b64encode
from struct import pack
from typing import Any

import msgspec

from appliance.chat import Chunk, Usage
from appliance.errors import FeatureUnsupported, InvalidField, UpstreamFailed

TEXTS_MAX = 256
_UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_write = msgspec.json.Encoder().encode


class _Embedding(msgspec.Struct, rename="camel"):
    embedding: list[float]
    input_text_token_count: int = 0


_read = msgspec.json.Decoder(_Embedding).decode


def requests_for(raw: dict[str, Any]) -> list[dict[str, Any]]:
    """One body a text. Errors: InvalidField, FeatureUnsupported."""
    asked: dict[str, Any] = {}
    dimensions = raw.get("dimensions")
    if dimensions is not None:
        if type(dimensions) is not int or dimensions < 1:
            raise InvalidField("dimensions must be a whole number above 0", param="dimensions", fix="Correct it.")
        asked["dimensions"] = dimensions
    return [{"inputText": text, **asked} for text in _texts(raw.get("input"))]


def _texts(given: Any) -> list[str]:
    texts = [given] if isinstance(given, str) else given
    if not isinstance(texts, list) or not texts:
        raise InvalidField("input must be a text or a list of texts", param="input", fix="Send at least one text.")
    if len(texts) > TEXTS_MAX:
        raise FeatureUnsupported(
            f"Bedrock embeds one text a request, and here at most {TEXTS_MAX} a call", fix="Send fewer.", param="input"
        )
    for at, text in enumerate(texts):
        if not isinstance(text, str):
            raise FeatureUnsupported("Bedrock embeds texts, not tokens", fix="Send the texts themselves.", param=f"input[{at}]")
        if not text.strip():
            raise InvalidField(f"input[{at}] is blank", param=f"input[{at}]", fix="Send a text, or leave it out.")
    return texts


def answer(bodies: list[bytes], raw: dict[str, Any], who: str) -> Chunk:
    """OpenAI's body for the answers, in order. Errors: UpstreamFailed."""
    packed = raw.get("encoding_format") == "base64"
    data, tokens = [], 0
    for index, body in enumerate(bodies):
        try:
            found = _read(body)
        except _UNREADABLE as error:
            raise UpstreamFailed(f"{who} sent an answer without an embedding", fix="Try again.") from error
        tokens += max(found.input_text_token_count, 0)
        vector = found.embedding
        shown: Any = b64encode(pack(f"<{len(vector)}f", *vector)).decode() if packed else vector
        data.append({"object": "embedding", "index": index, "embedding": shown})
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "data": data, "model": raw.get("model"), "usage": usage}
    return Chunk(usage=Usage(tokens), finish="stop", raw=_write(whole))
