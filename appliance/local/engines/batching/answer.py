"""Tokens of one choice on their way to the caller: bytes to text, stop strings, what the text means; chunks of OpenAI's form."""

import codecs
from collections.abc import Sequence as SequenceOf
from typing import Any

from appliance.local.engines.batching.native import Vocabulary
from appliance.local.engines.batching.sampling import Chosen
from appliance.local.engines.batching.sequence import End
from appliance.local.engines.batching.stop_strings import StopStrings
from appliance.providers.model_text import TextReader


class Choice:
    """One choice of an answer."""

    def __init__(self, index: int, vocab: Vocabulary, stops: SequenceOf[str], reader: TextReader, *, logprobs: bool) -> None:
        self.index = index
        self.tokens = 0
        self._vocab = vocab
        self._utf8 = codecs.getincrementaldecoder("utf-8")("replace")
        self._stops = StopStrings(stops)
        self._reader = reader
        self._logprobs: list[dict[str, Any]] | None = [] if logprobs else None
        self._has_begun = False
        self.is_finished = False

    @property
    def is_over(self) -> bool:
        """No further token is wanted."""
        return self._stops.found or self._reader.is_done

    def feed(self, chosen: SequenceOf[Chosen]) -> list[dict[str, Any]]:
        """Chunks for the next tokens; those after the end are ignored."""
        deltas: list[dict[str, Any]] = []
        for each in chosen:
            if self.is_over:
                break
            self.tokens += 1
            if self._logprobs is not None:
                self._logprobs.append(self._shown(each))
            deltas += self._reader.feed(self._stops.feed(self._utf8.decode(self._vocab.piece(each.token))))
        return self._chunks(_joined(deltas))

    def close(self, end: End) -> list[dict[str, Any]]:
        """What was held back, and the reason why it is over."""
        deltas = []
        if not self._stops.found:
            deltas = self._reader.feed(self._stops.feed(self._utf8.decode(b"", final=True)) + self._stops.close())
        reason = "stop" if self.is_over else end.value
        rest, made_calls = self._reader.close(is_cut=reason == "length")
        chunks = self._chunks(_joined(deltas + rest))
        if self._logprobs:
            chunks.append(self._chunk({"content": ""}))
        self.is_finished = True
        finish = "tool_calls" if made_calls and reason == "stop" else reason
        return [*chunks, {"choices": [{"index": self.index, "delta": {}, "finish_reason": finish}]}]

    def _chunks(self, deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
        chunks = [self._chunk(delta) for delta in deltas if delta.get("content") != ""]
        if not self._has_begun:
            self._has_begun = True
            chunks.insert(0, {"choices": [{"index": self.index, "delta": {"role": "assistant"}, "finish_reason": None}]})
        return chunks

    def _chunk(self, delta: dict[str, Any]) -> dict[str, Any]:
        choice: dict[str, Any] = {"index": self.index, "delta": delta, "finish_reason": None}
        if self._logprobs and "content" in delta:
            choice["logprobs"] = {"content": self._logprobs}
            self._logprobs = []
        return {"choices": [choice]}

    def _shown(self, chosen: Chosen) -> dict[str, Any]:
        likeliest = [self._token(token, logprob) for token, logprob in chosen.likeliest]
        return {**self._token(chosen.token, chosen.logprob), "top_logprobs": likeliest}

    def _token(self, token: int, logprob: float) -> dict[str, Any]:
        piece = self._vocab.piece(token)
        return {"id": token, "token": piece.decode("utf-8", "replace"), "logprob": logprob, "bytes": list(piece)}


def _joined(deltas: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbours of one kind as one: several tokens that were read at once need one chunk."""
    joined: list[dict[str, Any]] = []
    for delta in deltas:
        for kind in ("content", "reasoning_content"):
            if joined and kind in delta and joined[-1].keys() == delta.keys() == {kind}:
                joined[-1] = {kind: joined[-1][kind] + delta[kind]}
                break
        else:
            joined.append(delta)
    return joined
