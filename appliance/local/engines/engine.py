"""The seam between us and whatever runs a model. An engine lives in a worker process and runs one model.

Requests and answers have OpenAI's shape (chat completions, embeddings), narrowed by providers/llamacpp.py:
no response_format; what the answer must look like comes as `grammar` (GBNF), which every engine enforces or refuses;
`tools` only where the model's template knows them and no grammar stands there. `tenant` says among whom the
beginnings of prompts may be shared. Tests in tests/unit/local/test_engine_contract.py hold every engine to this text.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

import msgspec

from appliance.local.kinds import ModelKind

OnChunk = Callable[[dict[str, Any]], bool]
SEATS_MAX = 64


class EngineOptions(msgspec.Struct, frozen=True):
    """How a model is to be run.

    context_tokens: of each of the `parallel` requests, prompt and answer together.
    threads:        never more: ggml's threads spin, and more of them than free cores decode ten times slower.
    kind:           chat or embedding; pooling comes from the file.
    cells:          tokens of attention cache for all of them together; 0: each of the `parallel` may fill its context.
    kept_bytes:     memory for what was computed of prompts that are over, so that others may begin with it.
    step_seconds_max: an engine that computes one step for longer than this is stuck, and ends its process.
    """

    context_tokens: int
    parallel: int
    threads: int
    kind: ModelKind = ModelKind.CHAT
    cells: int = 0
    kept_bytes: int = 256 * 1024 * 1024
    step_seconds_max: float = 120.0


def seats(engine: str, parallel: int) -> int:
    """How many requests an engine answers at once, where `parallel` full contexts have room: short ones need less."""
    return min(2 * parallel, SEATS_MAX) if engine == "llama_cpp" else parallel


def never() -> bool:
    """For those who are never cancelled."""
    return False


class EngineError(Exception):
    """The engine refuses or fails; `code` is one of CODES. Words never quote a prompt; `detail` holds figures."""

    def __init__(self, code: str, message: str, detail: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.detail = dict(detail or {})


LOAD_FAILED = "load_failed"
CONTEXT_EXCEEDED = "context_exceeded"  # detail: n_prompt_tokens, n_ctx
REQUEST_INVALID = "request_invalid"
ENGINE_FAILED = "engine_failed"
CODES = frozenset({LOAD_FAILED, CONTEXT_EXCEEDED, REQUEST_INVALID, ENGINE_FAILED})


class Engine(Protocol):
    """What an engine does. `chat` and `embed` are called from several threads at once, `seats` of them at most."""

    def load(self, path: Path, options: EngineOptions) -> None:
        """Make the model ready, warmed up. Called once, before all else. May take minutes and hold Python's lock.

        Errors:  EngineError load_failed.
        """
        ...

    def chat(self, request: dict[str, Any], on_chunk: OnChunk, is_cancelled: Callable[[], bool] = never) -> None:
        """Answer a chat, one `chat.completion.chunk` dict at a time; blocks until the answer is over.

        Shapes:  `on_chunk` returns True to cancel: the engine frees the sequence within one step and returns. It is called
                 at least once for every 256 tokens of a prompt that is being read, then for every token; it may block
                 (the reader is slow), and that holds up nobody else's answer. `is_cancelled` says the same between chunks.
                 The last chunks carry finish_reason (one for each of n) and then `usage` with choices [].
                 A prompt that doesn't fit is refused whole, never cut; an answer that reaches the context's end finishes
                 with "length".
        Errors:  EngineError context_exceeded, request_invalid, engine_failed; before the first content, or the answer broke off.
        """
        ...

    def embed(self, request: dict[str, Any], is_cancelled: Callable[[], bool] = never) -> dict[str, Any]:
        """Embeddings of `input` (strings or token lists), as OpenAI's answer with floats. Errors: as chat."""
        ...

    def stats(self) -> dict[str, Any]:
        """Figures for people: engine, version, context_tokens, parallel, threads, load_seconds, and what else there is."""
        ...

    def close(self) -> None:
        """Give everything back."""
        ...
