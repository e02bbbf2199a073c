"""The engine `xllamacpp`: llama.cpp's own server as a prebuilt wheel, called in process.

Source: xllamacpp 2026.10, tried (its binding has no documents of this depth).
Quirks: `n_ctx` is divided among the parallel requests. Errors come as returned dicts {"error": …} or as ValueError and
RuntimeError whose words may quote the prompt. Calls block; a callback that returns True cancels, but it is only called
when there is something to tell: `return_progress` makes that once a batch while a prompt is read. Loading holds
Python's lock. Its HTTP server can't be turned off: it gets a socket in our private folder where the platform has such,
else a loopback port, and a random key in either case. `model` in its chunks is the file's path.
"""

import importlib.metadata
import re
import secrets
import socket
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import xllamacpp  # a Cython extension without stubs

from appliance.local.engines.engine import (
    CONTEXT_EXCEEDED,
    ENGINE_FAILED,
    LOAD_FAILED,
    REQUEST_INVALID,
    EngineError,
    EngineOptions,
    OnChunk,
    never,
    seats,
)
from appliance.local.kinds import ModelKind

# Tokens of a prompt read in one step. Reading is no slower on a CPU than with 512, others' answers don't stall for
# longer than a second, and neither does cancelling.
BATCH_TOKENS_CPU = 128
BATCH_TOKENS_GPU = 512
SOCKET_PATH_BYTES_MAX = 100  # the kernel's own bound is 104 (macOS) or 108 (Linux)
ERRORS_ONLY = 1

_TOO_LONG_FOR_EMBEDDING = re.compile(r"input \((\d+) tokens\) is too large.*current batch size: (\d+)")


class XllamacppEngine:
    """One model in llama.cpp's server."""

    def __init__(self) -> None:
        self._server: Any = None
        self._options = EngineOptions(0, 0, 0)
        self._load_seconds = 0.0
        self._first_tenant: int | None = None
        self._has_others = False

    def load(self, path: Path, options: EngineOptions) -> None:
        started = time.monotonic()
        self._options = options
        try:
            self._server = xllamacpp.Server(_params(path, options))
        except RuntimeError as error:
            raise EngineError(
                LOAD_FAILED, "llama.cpp can't load the file: it is damaged, of an unknown architecture, or memory is short"
            ) from error
        self._load_seconds = time.monotonic() - started

    def chat(self, request: dict[str, Any], on_chunk: OnChunk, is_cancelled: Callable[[], bool] = never) -> None:
        failures: list[EngineError] = []

        def heard(chunk: dict[str, Any]) -> bool:
            if "error" in chunk:
                failures.append(_failure(chunk["error"]))
                return True
            return on_chunk(_narrowed(chunk))

        asked = {name: value for name, value in request.items() if name != "tenant"}
        asked |= {"cache_prompt": self._may_share(request.get("tenant", 0))}
        asked |= {"stream": True, "stream_options": {"include_usage": True}, "return_progress": True}
        try:
            self._server.handle_chat_completions(asked, heard)
        except (ValueError, RuntimeError) as error:
            # The binding raises for what llama.cpp's own parsing of the request refuses.
            raise EngineError(REQUEST_INVALID, "the model's chat template or the engine does not take this request") from error
        if failures:
            raise failures[0]

    def _may_share(self, tenant: int) -> bool:
        """llama.cpp shares beginnings of prompts with whoever asks: from a second tenant's first request on, with nobody."""
        if self._first_tenant is None:
            self._first_tenant = tenant
        self._has_others = self._has_others or tenant != self._first_tenant
        return not self._has_others

    def embed(self, request: dict[str, Any], is_cancelled: Callable[[], bool] = never) -> dict[str, Any]:
        try:
            answer: dict[str, Any] = self._server.handle_embeddings(request)
        except (ValueError, RuntimeError) as error:
            raise EngineError(REQUEST_INVALID, "the engine does not take this request") from error
        if "error" in answer:
            raise _failure(answer["error"])
        return {"data": answer["data"], "usage": answer["usage"]}

    def stats(self) -> dict[str, Any]:
        return {
            "engine": "xllamacpp",
            "version": importlib.metadata.version("xllamacpp"),
            "context_tokens": self._options.context_tokens,
            "parallel": self._options.parallel,
            "seats": seats("xllamacpp", self._options.parallel),
            "threads": self._options.threads,
            "load_seconds": round(self._load_seconds, 3),
            "devices": [device["description"] for device in xllamacpp.get_device_info()],
        }

    def close(self) -> None:
        self._server = None  # its destructor ends the native threads


def _params(path: Path, options: EngineOptions) -> Any:
    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.offline = True
    params.n_ctx = options.context_tokens * options.parallel
    params.n_parallel = options.parallel
    params.ctx_shift = False
    params.cpuparams.n_threads = options.threads
    params.cpuparams_batch.n_threads = options.threads
    params.cache_ram_mib = 0  # prompts are kept in their slots, not in gigabytes beside them
    params.cache_idle_slots = False
    params.warmup = True
    params.verbosity = ERRORS_ONLY

    on_gpu = _has_gpu()
    params.fit_params = on_gpu  # how many layers the GPU takes
    if options.kind is ModelKind.EMBEDDING:
        params.embedding = True
        params.n_batch = params.n_ubatch = options.context_tokens  # an input must fit one batch
    else:
        params.n_batch = params.n_ubatch = BATCH_TOKENS_GPU if on_gpu else BATCH_TOKENS_CPU

    params.api_keys = [secrets.token_urlsafe(32)]
    params.n_threads_http = 1
    params.ui = params.endpoint_slots = params.endpoint_props = params.endpoint_metrics = False
    path_of_socket = str(Path(tempfile.gettempdir()) / "engine.sock")
    if sys.platform != "win32" and hasattr(socket, "AF_UNIX") and len(path_of_socket.encode()) <= SOCKET_PATH_BYTES_MAX:
        params.hostnames = [path_of_socket]
    return params


def _has_gpu() -> bool:
    cpu = xllamacpp.ggml_backend_dev_type.GGML_BACKEND_DEVICE_TYPE_CPU
    return any(device["type"] != cpu for device in xllamacpp.get_device_info())


def _narrowed(chunk: dict[str, Any]) -> dict[str, Any]:
    """What the contract says of a chunk, without the path in `model`, timings and names of builds."""
    if "prompt_progress" in chunk:
        progress = chunk["prompt_progress"]
        return {"choices": [], "prompt_progress": {"total": progress["total"], "processed": progress["processed"]}}
    kept = {"choices": chunk["choices"]}
    if "usage" in chunk:
        kept["usage"] = chunk["usage"]
    return kept


def _failure(error: dict[str, Any]) -> EngineError:
    """llama.cpp's error in the contract's words. Its own are not repeated where they may quote the request."""
    if error.get("type") == "exceed_context_size_error":
        figures = {"n_prompt_tokens": error["n_prompt_tokens"], "n_ctx": error["n_ctx"]}
        return EngineError(CONTEXT_EXCEEDED, "the prompt is longer than the context", figures)
    said = str(error.get("message", ""))
    if found := _TOO_LONG_FOR_EMBEDDING.search(said):
        figures = {"n_prompt_tokens": int(found[1]), "n_ctx": int(found[2])}
        return EngineError(CONTEXT_EXCEEDED, "an input is longer than the context", figures)
    if error.get("code") == 400:
        what = "the grammar can't be used" if "grammar" in said else "the engine does not take this request"
        return EngineError(REQUEST_INVALID, what)
    return EngineError(ENGINE_FAILED, "the engine failed")
