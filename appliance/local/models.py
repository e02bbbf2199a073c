"""Models on this machine, as the rest of the house sees them: which are offered, ask one, what state are they in."""

import asyncio
import importlib.metadata
import os
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from appliance.clock import Clock
from appliance.errors import FeatureUnsupported, InvalidField, LocalModelFailed, ModelUnknown, ShuttingDown
from appliance.home import CannotStart, Home
from appliance.local import capacity, gguf
from appliance.local.catalogue import catalogue
from appliance.local.engines.engine import EngineOptions
from appliance.local.kinds import ModelKind
from appliance.local.registry import LocalModel, Registry
from appliance.local.running import ModelStatus, Running, RunningModel
from appliance.settings import Settings

ENGINE = "xllamacpp"
LOOK_SECONDS = 2.0
# A worker's environment is empty but for these, where they are set: they choose among GPUs, and hold no secrets.
_ENGINE_ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES")


class WorkerMetrics(Protocol):
    def worker_restarted(self, worker: str) -> None: ...


class OfferedModel(msgspec.Struct, frozen=True):
    """A model that callers may ask for. `tools`: its chat template knows tools."""

    id: str
    kind: str
    added_at: int
    tools: bool = False
    demonstration: bool = False


class LocalStatus(msgspec.Struct, frozen=True):
    """The room at a glance. `reason` says why nothing can be run, where nothing can."""

    engine: str
    engine_version: str | None
    is_available: bool
    reason: str
    threads: int
    cores: int
    models: list[ModelStatus]


class _Found(msgspec.Struct):
    """What a look at the disk found: models with their headers, and why others can't be run."""

    signature: tuple[float, ...]
    models: dict[str, LocalModel] = {}
    headers: dict[str, gguf.GgufInfo] = {}
    broken: dict[str, str] = {}


class LocalModels:
    """All local models. One for an appliance; inside one event loop."""

    def __init__(self, settings: Settings, home: Home, clock: Clock, metrics: WorkerMetrics | None = None) -> None:
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._registry = Registry(home, catalogue())
        self._cores = capacity.cores()
        self._running: dict[str, RunningModel] = {}
        self._closed = False
        self._version = _engine_version()
        self._found = _Found(())
        self._found = self._look()

    @property
    def _why_not(self) -> str:
        if not self._settings.local_models:
            return "local models are turned off (setting local_models)"
        if self._version is None:
            return "no engine is installed: pip install 'gatehouse[local]'"
        if not self._found.models:
            return "no model is here yet: gatehouse models fetch, or gatehouse models add PATH"
        return ""

    def offered(self) -> tuple[OfferedModel, ...]:
        """What can be asked for; nothing where there is no engine."""
        if self._version is None or not self._settings.local_models:
            return ()
        return tuple(
            OfferedModel(
                model.id, model.kind.value, model.added_at, self._found.headers[model.id].tools_in_template, model.demonstration
            )
            for model in self._found.models.values()
        )

    def _look(self) -> "_Found":
        """What the disk holds now. Blocks; knows headers that it has read before."""
        found = _Found(self._registry.signature())
        try:
            models = self._registry.models()
        except CannotStart as error:
            found.broken["registry"] = f"{error.message}. {error.fix}"
            models = {}
        for model in models.values():
            if self._found.models.get(model.id) == model:
                found.models[model.id], found.headers[model.id] = model, self._found.headers[model.id]
                continue
            try:
                found.headers[model.id] = gguf.read(model.path)
                found.models[model.id] = model
            except (gguf.GgufError, OSError) as error:
                found.broken[model.id] = str(error) if isinstance(error, gguf.GgufError) else "the file can't be read"
        return found

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Look at the disk now and then, for ever: the command line adds and removes models while a server runs."""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if await asyncio.to_thread(self._registry.signature) == self._found.signature:
                continue
            before, self._found = self.offered(), await asyncio.to_thread(self._look)
            await self._retire()
            if self.offered() != before:
                on_change()

    async def _retire(self) -> None:
        """End the workers of models that were removed or replaced. Their running requests fail: that is what was asked for."""
        for model_id, running in list(self._running.items()):
            if self._found.models.get(model_id) != running.model:
                del self._running[model_id]
                await running.unload()

    async def chat(self, model_id: str, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """A chat's chunks in OpenAI's form, always streamed; `prompt_progress` chunks without choices among them.

        Shapes:  `request` as providers/llamacpp.py makes it. Closing the generator cancels: the engine stops within a token.
        Errors:  ModelUnknown, QueueFull, ContextLengthExceeded, BadRequest, InvalidField, LocalModelFailed, ShuttingDown.
        """
        running = self._for(model_id, ModelKind.CHAT)
        if (request.get("n") or 1) > running.how.options.parallel:
            raise InvalidField(
                f"n is at most {running.how.options.parallel} for local models", param="n", fix="Ask for fewer choices."
            )
        async with aclosing(running.chat(request)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def embed(self, model_id: str, request: dict[str, Any]) -> dict[str, Any]:
        """Embeddings as OpenAI's answer, without `model`. Errors: as chat."""
        return await self._for(model_id, ModelKind.EMBEDDING).embed(request)

    async def prewarm(self, model_id: str) -> None:
        """Load a model before anybody asks. Errors: ModelUnknown, LocalModelFailed, ShuttingDown."""
        await self._for(model_id, None).load()

    def status(self) -> LocalStatus:
        """What the doctor, the features page and the tests want to know."""
        states = []
        for model in self._found.models.values():
            running = self._running.get(model.id)
            states.append(
                running.status()
                if running is not None
                else ModelStatus(model.id, model.title, model.kind.value, model.demonstration, "unloaded")
            )
        states.extend(ModelStatus(name, name, "", False, "failed", last_failure=why) for name, why in self._found.broken.items())
        return LocalStatus(
            ENGINE,
            self._version,
            not self._why_not,
            self._why_not,
            capacity.threads(self._settings, self._cores),
            self._cores,
            states,
        )

    async def close(self) -> None:
        """End all workers; requests still running fail."""
        self._closed = True
        await asyncio.gather(*(running.unload() for running in self._running.values()))

    def _for(self, model_id: str, kind: ModelKind | None) -> RunningModel:
        if self._closed:
            raise ShuttingDown("the appliance is stopping", fix="Try again in a moment.")
        if self._version is None or not self._settings.local_models:
            raise LocalModelFailed(self._why_not, fix="An administrator can turn it on.")
        model = self._found.models.get(model_id)
        if model is None:
            raise ModelUnknown(
                f"no local model is called {model_id[:80]!r}", param="model", fix="GET /v1/models lists the names."
            )
        if kind is not None and model.kind is not kind:
            what = "makes embeddings only" if model.kind is ModelKind.EMBEDDING else "makes no embeddings"
            raise FeatureUnsupported(f"{model_id} {what}", param="model", fix="Ask for another model; GET /v1/models lists them.")
        running = self._running.get(model_id)
        if running is None:
            running = self._running[model_id] = self._made(model)
        return running

    def _made(self, model: LocalModel) -> RunningModel:
        settings, info = self._settings, self._found.headers[model.id]
        options = EngineOptions(
            context_tokens=capacity.context_tokens(settings, info, model.context),
            parallel=settings.local_parallel,
            threads=capacity.threads(settings, self._cores),
            kind=info.kind,
        )
        how = Running(
            ENGINE,
            options,
            settings.local_queue_max,
            settings.local_load_seconds_max,
            settings.local_idle_seconds,
            {name: os.environ[name] for name in _ENGINE_ENVIRONMENT if name in os.environ},
        )
        return RunningModel(model, how, clock=self._clock, on_restart=lambda: self._count_restart(model.id))

    def _count_restart(self, model_id: str) -> None:
        if self._metrics is not None:
            self._metrics.worker_restarted(f"local/{model_id}")


def _engine_version() -> str | None:
    try:
        return importlib.metadata.version(ENGINE)
    except importlib.metadata.PackageNotFoundError:
        return None
