"""How the next token of one sequence is chosen.

The chain's order and defaults are llama.cpp's server's: biases, penalties, top-k, top-p, min-p, temperature, chance.
A grammar is asked about the one token that was chosen, which is cheap; only where it says no is it asked about all.
"""

import ctypes
from collections.abc import Mapping
from typing import Any

import llama_cpp.llama_cpp as c
import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.local.engines.batching.native import Context, Vocabulary

_CANDIDATE = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)])


class Sampling(msgspec.Struct, frozen=True):
    """A caller's wishes. Temperature 0: always the likeliest. `seed` None: by chance."""

    temperature: float = 0.8
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    logit_bias: Mapping[int, float] = {}
    seed: int | None = None
    grammar: str = ""


class Chosen(msgspec.Struct, frozen=True):
    """A token with its natural log probability, and the likeliest ones of its place: (token, log probability)."""

    token: int
    logprob: float = 0.0
    likeliest: tuple[tuple[int, float], ...] = ()


class GrammarRefused(Exception):
    """The text is no grammar that llama.cpp can use."""


class Sampler:
    """The native chain of one sequence. Belongs to the thread that steps; `close` it."""

    def __init__(self, vocab: Vocabulary, wanted: Sampling, penalty_tokens: int) -> None:
        """`penalty_tokens`: how far back the penalties look. Errors: GrammarRefused."""
        self._vocab = vocab
        self._grammar: Any = None
        if wanted.grammar:
            self._grammar = c.llama_sampler_init_grammar(vocab.handle, wanted.grammar.encode(), b"root")
            if not self._grammar:
                raise GrammarRefused
        self._chain = _chain(vocab, wanted, penalty_tokens)
        is_plain = (wanted.repeat_penalty, wanted.presence_penalty, wanted.frequency_penalty) == (1.0, 0.0, 0.0)
        self._takes_likeliest = wanted.temperature <= 0 and is_plain and not wanted.logit_bias and not wanted.grammar

    def choose(self, context: Context, row: int, top_logprobs: int | None) -> Chosen | None:
        """The next token after this row of the last batch; None where the grammar allows none.

        `top_logprobs`: how many of the likeliest to name; None: no probabilities at all.
        """
        if self._takes_likeliest:
            token = int(context.logits(row).argmax())  # the chain would copy the whole vocabulary first
        elif self._grammar is None:
            token = int(c.llama_sampler_sample(self._chain, context.handle, row))
        else:
            allowed = self._held_to_grammar(context.logits(row))
            if allowed is None:
                return None
            token = allowed
        return Chosen(token) if top_logprobs is None else _with_probabilities(token, context.logits(row), top_logprobs)

    def ends(self, token: int) -> bool:
        """Whether this token says that the answer is over."""
        return self._vocab.ends_answer(token)

    def _held_to_grammar(self, logits: NDArray[np.float32]) -> int | None:
        token = self._chosen_of(logits, first=None)
        if not self._allows(token):
            token = self._chosen_of(logits, first=self._grammar)
            if not self._allows(token):
                return None
        c.llama_sampler_accept(self._grammar, token)  # the native code aborts on a token that it doesn't allow
        c.llama_sampler_accept(self._chain, token)
        return token

    def _chosen_of(self, logits: NDArray[np.float32], first: Any) -> int:
        candidates = np.zeros(self._vocab.size, _CANDIDATE)
        candidates["id"] = np.arange(self._vocab.size, dtype=np.int32)
        candidates["logit"] = logits
        array = _array_of(candidates)
        if first is not None:
            c.llama_sampler_apply(first, ctypes.byref(array))
        c.llama_sampler_apply(self._chain, ctypes.byref(array))
        return int(array.data[array.selected].id)

    def _allows(self, token: int) -> bool:
        one = np.array([(token, 1.0, 0.0)], _CANDIDATE)
        array = _array_of(one)
        c.llama_sampler_apply(self._grammar, ctypes.byref(array))
        return bool(np.isfinite(one["logit"][0]))

    def close(self) -> None:
        for sampler in (self._chain, self._grammar):
            if sampler is not None:
                c.llama_sampler_free(sampler)
        self._chain = self._grammar = None


def _chain(vocab: Vocabulary, wanted: Sampling, penalty_tokens: int) -> Any:
    chain = c.llama_sampler_chain_init(c.llama_sampler_chain_default_params())
    if wanted.logit_bias:
        biases = (c.llama_logit_bias * len(wanted.logit_bias))(*(c.llama_logit_bias(*item) for item in wanted.logit_bias.items()))
        c.llama_sampler_chain_add(chain, c.llama_sampler_init_logit_bias(vocab.size, len(biases), biases))
    if (wanted.repeat_penalty, wanted.presence_penalty, wanted.frequency_penalty) != (1.0, 0.0, 0.0):
        penalties = (wanted.repeat_penalty, wanted.frequency_penalty, wanted.presence_penalty)
        c.llama_sampler_chain_add(chain, c.llama_sampler_init_penalties(vocab.size, penalty_tokens, *penalties))
    if wanted.temperature <= 0:
        c.llama_sampler_chain_add(chain, c.llama_sampler_init_greedy())
        return chain
    if wanted.top_k > 0:
        c.llama_sampler_chain_add(chain, c.llama_sampler_init_top_k(wanted.top_k))
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_top_p(wanted.top_p, 1))
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_min_p(wanted.min_p, 1))
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_temp(wanted.temperature))
    seed = c.LLAMA_DEFAULT_SEED if wanted.seed is None else wanted.seed
    c.llama_sampler_chain_add(chain, c.llama_sampler_init_dist(seed))
    return chain


def _array_of(candidates: NDArray[Any]) -> Any:
    data = candidates.ctypes.data_as(ctypes.POINTER(c.llama_token_data))
    return c.llama_token_data_array(data, len(candidates), -1, False)


def _with_probabilities(token: int, logits: NDArray[np.float32], top: int) -> Chosen:
    """Of the model itself, before temperature and bounds, as OpenAI's are."""
    highest = logits.max()
    total = highest + np.log(np.exp(logits - highest).sum())
    likeliest: tuple[tuple[int, float], ...] = ()
    if top:
        places = np.argpartition(logits, -top)[-top:]
        places = places[np.argsort(-logits[places])]
        likeliest = tuple((int(place), float(logits[place] - total)) for place in places)
    return Chosen(token, float(logits[token] - total), likeliest)
