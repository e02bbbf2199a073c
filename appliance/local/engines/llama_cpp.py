"""The engine `llama_cpp`: llama.cpp by its low-level interface, batched by us (batching/). The product's engine.

A chat takes this way: its template is rendered in a process of its own, its tokens join the batch loop, and this call's
thread turns what the loop tells into chunks. Callers wait for nobody but the loop.
"""

import importlib.metadata
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

from appliance.local.engines.batching import native
from appliance.local.engines.batching.answer import Choice
from appliance.local.engines.batching.embedding import SEQUENCES_MAX, Embedder
from appliance.local.engines.batching.loop import BatchLoop
from appliance.local.engines.batching.order import ChatOrder, chat_order, for_template
from appliance.local.engines.batching.sampling import GrammarRefused, Sampler
from appliance.local.engines.batching.sequence import End, News, Sequence
from appliance.local.engines.batching.templates import CHATML, TOO_LARGE, TemplateProcess, TemplateRefused
from appliance.local.engines.batching.watchdog import Watchdog
from appliance.local.engines.batching.words import Words
from appliance.local.engines.engine import (
    CONTEXT_EXCEEDED,
    LOAD_FAILED,
    REQUEST_INVALID,
    EngineError,
    EngineOptions,
    OnChunk,
    never,
    seats,
)
from appliance.local.kinds import ModelKind
from appliance.providers.model_text import MARKS, reader_for

NAME = "llama_cpp"
BATCH_TOKENS_CPU = 256
BATCH_TOKENS_GPU = 512
PENALTY_TOKENS = 1024  # how far back penalties look: all of most answers
PROMPT_BYTES_WHOLE = 256 * 1024  # a longer prompt is looked at in part before all of it is made tokens of
LOOK_SECONDS = 0.05
TRIAL: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


class LlamaCppEngine:
    """One model, many sequences."""

    def __init__(self) -> None:
        self._options = EngineOptions(0, 0, 0)
        self._templates = TemplateProcess()
        self._load_seconds = 0.0
        self._on_gpu = False
        self._loop: BatchLoop | None = None
        self._embedder: Embedder | None = None

    def load(self, path: Path, options: EngineOptions) -> None:
        started = time.monotonic()
        self._options = options
        if options.kind is ModelKind.CHAT:
            self._templates.start()
        native.start()
        self._on_gpu = native.has_gpu()
        try:
            self._model = native.Model(path, gpu=self._on_gpu, written=MARKS)
            self._words = Words(self._model.vocab.control_texts, MARKS)
            if options.kind is ModelKind.EMBEDDING:
                self._make_embedder()
            else:
                self._make_loop()
                self._try()
        except native.NativeError as error:
            raise EngineError(LOAD_FAILED, str(error)) from error
        self._load_seconds = time.monotonic() - started

    def _make_loop(self) -> None:
        options = self._options
        places, most = seats(NAME, options.parallel), BATCH_TOKENS_GPU if self._on_gpu else BATCH_TOKENS_CPU
        cells = max(options.cells or options.context_tokens * options.parallel, options.context_tokens)
        context = native.Context(self._model, cells=cells, batch=most, sequences=places, outputs=places, threads=options.threads)
        self._loop = BatchLoop(
            context,
            cells=cells,
            context_tokens=options.context_tokens,
            batch_tokens=most,
            seats=places,
            shares_prefixes=self._model.shares_prefixes,
            kept_bytes_max=options.kept_bytes,
        )
        self._loop.start()
        loop = self._loop
        Watchdog(lambda: loop.step_began, options.step_seconds_max).start()

    def _make_embedder(self) -> None:
        tokens = self._options.context_tokens
        context = native.Context(
            self._model,
            cells=tokens,
            batch=tokens,
            sequences=SEQUENCES_MAX,
            outputs=tokens,
            threads=self._options.threads,
            embeddings=True,
        )
        if context.pooling in native.NO_POOLING:
            raise native.NativeError("the model's file names no pooling that makes one vector of a text")
        self._embedder = Embedder(context, self._model.vocab, tokens)
        embedder = self._embedder
        Watchdog(lambda: embedder.step_began, self._options.step_seconds_max).start()
        self._embedder.vectors([self._embedder.tokens_of("ready")], never)

    def _try(self) -> None:
        """One short answer: the template works, and the first caller doesn't wait for memory to be touched."""
        try:
            self.chat({**TRIAL, "max_tokens": 1, "temperature": 0.0}, lambda _: False)
        except EngineError as error:
            raise EngineError(LOAD_FAILED, f"the model loads, but can't answer: {error.message}") from error

    def chat(self, request: dict[str, Any], on_chunk: OnChunk, is_cancelled: Callable[[], bool] = never) -> None:
        try:
            order = chat_order(request)
        except (msgspec.ValidationError, ValueError, TypeError, AttributeError) as error:
            raise EngineError(REQUEST_INVALID, _words(error)) from error
        if order.n > self._options.parallel:
            raise EngineError(REQUEST_INVALID, f"n is at most {self._options.parallel}")
        prompt = self._prompt(order)
        tokens = self._tokens(prompt)
        news: SimpleQueue[News] = SimpleQueue()
        sequences = self._sequences(order, tokens, news, is_cancelled)
        choices = [self._choice(order, index, prompt) for index in range(order.n)]
        assert self._loop is not None, "an embedding model is asked for no chats"
        self._loop.submit(sequences)
        relay = _Relay(sequences, choices, news, len(tokens), is_cancelled)
        for chunk in relay.chunks():
            if on_chunk(chunk):
                relay.stop()

    def _prompt(self, order: ChatOrder) -> str:
        """The text that the model reads, control texts of callers hidden in it. Errors: EngineError."""
        most = self._options.context_tokens * self._model.vocab.piece_bytes_max
        if (said := order.characters) > most:  # shorter in characters than in bytes, and still too long
            raise self._too_long(said // self._model.vocab.piece_bytes_max)
        values = {
            "messages": self._words.hidden(for_template(order)),
            "tools": self._words.hidden(order.tools) if order.tools else None,
            "add_generation_prompt": True,
            "bos_token": self._model.vocab.text_of(self._model.vocab.bos),
            "eos_token": self._model.vocab.text_of(self._model.vocab.eos),
        }
        try:
            return self._templates.render(self._model.template or CHATML, values, characters_max=2 * most + 1_000_000)
        except TemplateRefused as error:
            if error.code == TOO_LARGE:
                raise self._too_long(most) from error
            what = "refuses these messages" if error.code == "refused" else "can't be used"
            raise EngineError(
                REQUEST_INVALID, f"the model's chat template {what}{': ' if error.words else ''}{error.words}"
            ) from error

    def _tokens(self, prompt: str) -> list[int]:
        """Errors: EngineError context_exceeded. A prompt of megabytes is refused after its beginning, with an estimate."""
        vocab, most = self._model.vocab, self._options.context_tokens
        data = prompt.encode("utf-8", "replace")
        if len(data) > PROMPT_BYTES_WHOLE:
            beginning = len(vocab.tokens(data[:PROMPT_BYTES_WHOLE], special=False))
            if beginning > most:
                raise self._too_long(beginning * len(data) // PROMPT_BYTES_WHOLE)
        tokens: list[int] = []
        for text, counts in self._words.pieces(prompt):
            tokens += vocab.tokens(text.encode("utf-8", "replace"), special=counts)
        if vocab.adds_bos and tokens[:1] != [vocab.bos]:
            tokens.insert(0, vocab.bos)
        if len(tokens) > most:
            raise self._too_long(len(tokens))
        if not tokens:
            raise EngineError(REQUEST_INVALID, "the prompt is empty")
        return tokens

    def _too_long(self, tokens: int) -> EngineError:
        figures = {"n_prompt_tokens": tokens, "n_ctx": self._options.context_tokens}
        return EngineError(CONTEXT_EXCEEDED, "the prompt is longer than the context", figures)

    def _sequences(
        self, order: ChatOrder, tokens: list[int], news: "SimpleQueue[News]", is_cancelled: Callable[[], bool]
    ) -> list[Sequence]:
        sequences: list[Sequence] = []
        most = self._options.context_tokens
        try:
            for index, seed in enumerate(order.seeds()):
                sampling = msgspec.structs.replace(order.sampling, seed=seed)
                sequence = Sequence(
                    list(tokens),
                    Sampler(self._model.vocab, sampling, min(most, PENALTY_TOKENS)),
                    news,
                    index=index,
                    tenant=order.tenant,
                    tokens_out_max=max(1, most if order.max_tokens is None else min(order.max_tokens, most)),
                    top_logprobs=order.top_logprobs if order.logprobs else None,
                    is_cancelled=is_cancelled,
                )
                sequences.append(sequence)
        except GrammarRefused:
            for sequence in sequences:
                sequence.sampler.close()
            raise EngineError(REQUEST_INVALID, "the grammar can't be used") from None
        return sequences

    def _choice(self, order: ChatOrder, index: int, prompt: str) -> Choice:
        reader = reader_for(
            self._model.template,
            prompt=prompt,
            tools=order.tools,
            parallel=order.parallel_tool_calls,
            plain=bool(order.sampling.grammar),
        )
        return Choice(index, self._model.vocab, order.stop, reader, logprobs=order.logprobs)

    def embed(self, request: dict[str, Any], is_cancelled: Callable[[], bool] = never) -> dict[str, Any]:
        assert self._embedder is not None, "a chat model is asked for no embeddings"
        given = request.get("input")
        try:
            inputs = [self._embedder.tokens_of(each) for each in given] if isinstance(given, list) else []
        except (ValueError, TypeError) as error:
            raise EngineError(REQUEST_INVALID, "an input is empty, or names tokens that the model doesn't have") from error
        if not inputs:
            raise EngineError(REQUEST_INVALID, "there is no input")
        longest = max(len(tokens) for tokens in inputs)
        if longest > self._options.context_tokens:
            raise self._too_long(longest)
        vectors = self._embedder.vectors(inputs, is_cancelled)
        data = [{"index": index, "embedding": vector} for index, vector in enumerate(vectors)]
        tokens = sum(len(tokens) for tokens in inputs)
        return {"data": data, "usage": {"prompt_tokens": tokens, "total_tokens": tokens}}

    def stats(self) -> dict[str, Any]:
        figures = msgspec.to_builtins(self._loop.figures()) if self._loop is not None else {}
        return {
            "engine": NAME,
            "version": importlib.metadata.version("llama-cpp-python"),
            "context_tokens": self._options.context_tokens,
            "parallel": self._options.parallel,
            "seats": seats(NAME, self._options.parallel),
            "threads": self._options.threads,
            "load_seconds": round(self._load_seconds, 3),
            "gpu": self._on_gpu,
            **figures,
        }

    def close(self) -> None:
        self._templates.close()


class _Relay:
    """What the loop tells of one call's sequences, as chunks."""

    def __init__(
        self,
        sequences: list[Sequence],
        choices: list[Choice],
        news: "SimpleQueue[News]",
        prompt_tokens: int,
        is_cancelled: Callable[[], bool],
    ) -> None:
        self._sequences = sequences
        self._choices = choices
        self._news = news
        self._prompt_tokens = prompt_tokens
        self._is_cancelled = is_cancelled
        self._stopped = False

    def stop(self) -> None:
        """Nobody wants more. The sequences end at the next step; `chunks` ends when they have."""
        self._stopped = True
        for sequence in self._sequences:
            sequence.is_over = True

    def chunks(self) -> Iterator[dict[str, Any]]:
        ended = 0
        while ended < len(self._sequences):
            for each in self._heard():
                ended += each.end is not None
                if not self._stopped:
                    yield from self._told(each)
        if not self._stopped and not self._is_cancelled():
            yield self._usage()

    def _heard(self) -> list[News]:
        """All news there are, once there are some."""
        while True:
            try:
                heard = [self._news.get(timeout=LOOK_SECONDS)]
                break
            except Empty:
                if self._is_cancelled():
                    self.stop()
        while not self._news.empty():
            heard.append(self._news.get_nowait())
        return _merged(heard)

    def _told(self, news: News) -> Iterator[dict[str, Any]]:
        choice, sequence = self._choices[news.index], self._sequences[news.index]
        if news.read is not None:
            if news.index == 0:
                yield {"choices": [], "prompt_progress": {"total": self._prompt_tokens, "processed": news.read}}
        elif news.end is not None:
            if not choice.is_finished and news.end is not End.CANCELLED:
                yield from choice.close(news.end)
        elif not choice.is_finished:
            yield from choice.feed(news.chosen)
            if choice.is_over:
                sequence.is_over = True
                yield from choice.close(End.STOP)

    def _usage(self) -> dict[str, Any]:
        usage = {
            "prompt_tokens": self._prompt_tokens,
            "completion_tokens": sum(choice.tokens for choice in self._choices),
            "total_tokens": self._prompt_tokens + sum(choice.tokens for choice in self._choices),
            "prompt_tokens_details": {"cached_tokens": self._sequences[0].shared},
        }
        return {"choices": [], "usage": usage}


def _merged(heard: list[News]) -> list[News]:
    """Neighbouring tokens of one choice as one piece of news: whoever fell behind catches up with one chunk."""
    merged: list[News] = []
    for each in heard:
        if merged and each.chosen and merged[-1].chosen and merged[-1].index == each.index:
            merged[-1] = News(each.index, chosen=merged[-1].chosen + each.chosen)
        else:
            merged.append(each)
    return merged


def _words(error: Exception) -> str:
    """msgspec names places and types; what else fails is told without its words, which may quote the request."""
    return str(error) if isinstance(error, msgspec.ValidationError) else "the engine does not take this request"
