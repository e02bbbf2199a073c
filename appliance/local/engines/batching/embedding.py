"""Embeddings: texts packed into batches, each pooled as its model's file says."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from appliance.local.engines.batching.native import Batch, Context, Vocabulary

SEQUENCES_MAX = 64  # texts of one batch


class Embedder:
    """One context. Callers take turns after each batch."""

    def __init__(self, context: Context, vocab: Vocabulary, context_tokens: int) -> None:
        self._context = context
        self._vocab = vocab
        self._context_tokens = context_tokens
        self._batch = Batch(context_tokens)
        self._turn = threading.Lock()
        self.step_began: float | None = None  # monotonic; for the watchdog

    def tokens_of(self, given: str | list[int]) -> list[int]:
        """An input's tokens. Errors: ValueError for ids that the vocabulary doesn't have, or none at all."""
        if isinstance(given, str):
            tokens = self._vocab.tokens(given.encode(), special=False, ends=True) if given else []
        else:
            tokens = given
        if not tokens or not all(type(token) is int and 0 <= token < self._vocab.size for token in tokens):
            raise ValueError("an input is empty, or names tokens that the model doesn't have")
        return tokens

    def vectors(self, inputs: list[list[int]], is_cancelled: Callable[[], bool]) -> list[list[float]]:
        """A vector of length one for each input, in order; fewer where nobody wants them any more."""
        vectors: list[list[float]] = []
        for group in self._groups(inputs):
            if is_cancelled():
                break
            with self._turn:
                vectors += self._computed(group)
        return vectors

    def _groups(self, inputs: list[list[int]]) -> Iterator[list[list[int]]]:
        group: list[list[int]] = []
        tokens = 0
        for each in inputs:
            if group and (tokens + len(each) > self._context_tokens or len(group) == SEQUENCES_MAX):
                yield group
                group, tokens = [], 0
            group.append(each)
            tokens += len(each)
        yield group

    def _computed(self, group: list[list[int]]) -> list[list[float]]:
        self._context.forget_all()
        self._batch.clear()
        for sequence, tokens in enumerate(group):
            self._batch.add(tokens, 0, sequence, wanted=True, every=True)
        self.step_began = time.monotonic()
        self._context.decode(self._batch)
        self.step_began = None
        return [_of_length_one(self._context.embedding(sequence)) for sequence in range(len(group))]


def _of_length_one(vector: Any) -> list[float]:
    length = float(np.linalg.norm(vector))
    found: list[float] = (vector / length if length else vector).tolist()
    return found
