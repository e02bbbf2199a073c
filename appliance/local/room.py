"""The worker's room that runs one model: `load` it, then `chat`, `embed`, `stats`."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from appliance.local.engines.engine import Engine, EngineError, EngineOptions
from appliance.workers.child import ChildCall, HandlerError, Room

PARALLEL_MAX = 64
BESIDE_CHATS = 4  # threads for stats, and for calls that were cancelled and are about to end


class LoadRequest(msgspec.Struct):
    """What the parent says to `load`."""

    path: str
    engine: str
    options: EngineOptions


def xllamacpp() -> Engine:
    from appliance.local.engines.xllamacpp import XllamacppEngine

    return XllamacppEngine()


def llama_cpp() -> Engine:
    from appliance.local.engines.llama_cpp import LlamaCppEngine

    return LlamaCppEngine()


# Imported when asked for: an engine brings megabytes of native code.
ENGINES: dict[str, Callable[[], Engine]] = {"llama_cpp": llama_cpp, "xllamacpp": xllamacpp}


class ModelRoom:
    """One engine with one model."""

    def __init__(self) -> None:
        self._engine: Engine | None = None

    def load(self, body: Any, call: ChildCall) -> dict[str, Any]:
        request = msgspec.convert(body, LoadRequest)
        engine = ENGINES[request.engine]()
        try:
            engine.load(Path(request.path), request.options)
        except EngineError as error:
            raise _told(error) from error
        self._engine = engine
        return engine.stats()

    def chat(self, body: Any, call: ChildCall) -> None:
        began = time.monotonic()

        def send(chunk: dict[str, Any]) -> bool:
            if "usage" in chunk:
                chunk["engine_seconds"] = time.monotonic() - began
            return call.send(chunk)

        try:
            self._loaded().chat(body, send, lambda: call.is_cancelled)
        except EngineError as error:
            raise _told(error) from error

    def embed(self, body: Any, call: ChildCall) -> dict[str, Any]:
        try:
            return self._loaded().embed(body, lambda: call.is_cancelled)
        except EngineError as error:
            raise _told(error) from error

    def stats(self, body: Any, call: ChildCall) -> dict[str, Any]:
        return self._loaded().stats()

    def _loaded(self) -> Engine:
        assert self._engine is not None, "load comes first"
        return self._engine


def _told(error: EngineError) -> HandlerError:
    return HandlerError(error.code, error.message, error.detail)


_room = ModelRoom()

ROOM = Room(
    {"load": _room.load, "chat": _room.chat, "embed": _room.embed, "stats": _room.stats},
    threads=PARALLEL_MAX + BESIDE_CHATS,
)
