"""Models on this machine, as the rest of the house sees them: which are offered, ask one, what state are they in."""

import asyncio
import os
from collections.abc import AsyncGenerator, Callable, Hashable
from contextlib import aclosing
from typing import Any, Protocol

import msgspec

from appliance.clock import Clock
from appliance.errors import FeatureUnsupported, GatehouseError, InvalidField, LocalModelFailed, ModelUnknown, ShuttingDown
from appliance.home import Home
from appliance.local import budget, capacity, engine_choice, found, gguf, memory, model_shown
from appliance.local.catalogue import catalogue
from appliance.local.engines.engine import EngineOptions, seats
from appliance.local.files import sweep
from appliance.local.kinds import ModelKind
from appliance.local.model_shown import EngineShown, MemoryShown, ModelDetail, ModelShown
from appliance.local.registry import LocalModel, Registry
from appliance.local.running import House, ModelStatus, Running, RunningModel
from appliance.settings import Settings
from appliance.telemetry.events import Events
from appliance.telemetry.logs import get_logger

LOOK_SECONDS = 2.0
MODEL_EVENT = "model"
# A worker's environment is empty but for these, where they are set: they choose among GPUs, and hold no secrets.
_ENGINE_ENVIRONMENT = ("CUDA_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "GGML_VK_VISIBLE_DEVICES")

_log = get_logger("local")


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

    engine: str | None
    engine_version: str | None
    is_available: bool
    reason: str
    threads: int
    cores: int
    models: list[ModelStatus]


class LocalModels:
    """All local models. One for an appliance; inside one event loop."""

    def __init__(
        self, settings: Settings, home: Home, clock: Clock, metrics: WorkerMetrics | None = None, events: Events | None = None
    ) -> None:
        self.registry = Registry(home, catalogue())
        self._settings = settings
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._cores = capacity.cores()
        self._running: dict[str, RunningModel] = {}
        self._retired: set[RunningModel] = set()  # on their way out
        self._admitting = asyncio.Lock()
        self._closed = False
        self._on_change: Callable[[], None] = lambda: None
        self._engine = engine_choice.choice(settings.local_engine)
        sweep(home.models)
        self._found = found.look(self.registry, found.Found())
        self._told = {model.id: _lasting(model) for model in self.shown()}

    @property
    def _why_not(self) -> str:
        if not self._settings.local_models:
            return "local models are turned off (setting local_models)"
        if self._engine.name is None:
            return self._engine.reason
        if not self._found.models:
            nothing = "no model is here yet: gatehouse models get, or gatehouse models add PATH"
            return self._found.broken.get("registry", nothing)
        return ""

    def offered(self) -> tuple[OfferedModel, ...]:
        """What can be asked for; nothing where there is no engine."""
        if self._engine.name is None or not self._settings.local_models:
            return ()
        return tuple(
            OfferedModel(
                model.id, model.kind.value, model.added_at, self._found.headers[model.id].tools_in_template, model.demonstration
            )
            for model in self._found.models.values()
        )

    # Requests

    async def chat(self, model_id: str, request: dict[str, Any], caller: Hashable = None) -> AsyncGenerator[dict[str, Any], None]:
        """A chat's chunks in OpenAI's form, always streamed; among them, without choices, `queue_position` (how many are
        before it) and `prompt_progress`.

        Shapes:  `request` as providers/llamacpp.py makes it. `caller`: those who wait take turns by it. Closing the generator
                 cancels: the engine stops within a token.
        Errors:  ModelUnknown, QueueFull, ModelTooLarge, ContextLengthExceeded, BadRequest, InvalidField, LocalModelFailed,
                 ShuttingDown.
        """
        running = self._for(model_id, ModelKind.CHAT)
        if (request.get("n") or 1) > (most := running.how.options.parallel):
            raise InvalidField(f"n is at most {most} for local models", param="n", fix="Ask for fewer choices.")
        async with aclosing(running.chat(request, caller)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def embed(self, model_id: str, request: dict[str, Any], caller: Hashable = None) -> dict[str, Any]:
        """Embeddings as OpenAI's answer, without `model`. Errors: as chat."""
        return await self._for(model_id, ModelKind.EMBEDDING).embed(request, caller)

    async def prewarm(self, model_id: str) -> None:
        """Load a model before anybody asks. Errors: ModelUnknown, ModelTooLarge, LocalModelFailed, ShuttingDown."""
        await self._for(model_id, None).load()

    async def load(self, model_id: str) -> ModelShown:
        """The same, at an administrator's wish; returns when it is ready."""
        await self.prewarm(model_id)
        return model_shown.without_detail(self.detail(model_id))

    async def unload(self, model_id: str) -> ModelShown:
        """End a model's worker; requests that it answers fail. One that isn't loaded stays so. Errors: ModelUnknown."""
        self.detail(model_id)
        if (running := self._running.get(model_id)) is not None:
            await running.unload()
        return model_shown.without_detail(self.detail(model_id))

    def is_loaded(self, model_id: str) -> bool:
        """Whether a request would find it ready."""
        running = self._running.get(model_id)
        return running is not None and running.is_loaded

    def waiting(self, model_id: str) -> int:
        """How many requests wait for a place in it."""
        running = self._running.get(model_id)
        return 0 if running is None else running.waiting

    def context_tokens(self, model_id: str) -> int | None:
        """What prompt and answer may have together; None for a model that isn't here."""
        model = self._found.models.get(model_id)
        return None if model is None else self._options(model, self._found.headers[model_id]).context_tokens

    def _for(self, model_id: str, kind: ModelKind | None) -> RunningModel:
        if self._closed:
            raise ShuttingDown("the appliance is stopping", fix="Try again in a moment.")
        if self._engine.name is None or not self._settings.local_models:
            raise LocalModelFailed(self._why_not, fix="An administrator can turn it on.")
        model = self._found.models.get(model_id)
        if model is None:
            raise self._unknown(model_id)
        if kind is not None and model.kind is not kind:
            what = "makes embeddings only" if model.kind is ModelKind.EMBEDDING else "makes no embeddings"
            raise FeatureUnsupported(f"{model_id} {what}", param="model", fix="Ask for another model; GET /v1/models lists them.")
        running = self._running.get(model_id)
        if running is None:
            running = self._running[model_id] = self._made(model, self._engine.name)
        return running

    def _unknown(self, model_id: str) -> GatehouseError:
        if (why := self._found.broken.get(model_id)) is not None and model_id in self._found.damaged:
            return LocalModelFailed(f"the local model {model_id} can't be run: {why}", fix="Get it again, or remove it.")
        if model_id in catalogue():
            return ModelUnknown(f"{model_id} is not here yet", param="model", fix=f"`gatehouse models get {model_id}`")
        return ModelUnknown(f"no local model is called {model_id[:80]!r}", param="model", fix="GET /v1/models lists the names.")

    def here(self, model_id: str) -> LocalModel:
        """A model whose file is here, whole or not. Errors: ModelUnknown."""
        model = self._found.models.get(model_id) or self._found.damaged.get(model_id)
        if model is None:
            raise self._unknown(model_id)
        return model

    def _made(self, model: LocalModel, engine: str) -> RunningModel:
        settings = self._settings
        how = Running(
            engine,
            self._options(model, self._found.headers[model.id]),
            seats(engine, settings.local_parallel),
            settings.local_queue_max,
            settings.local_load_seconds_max,
            settings.local_idle_seconds,
            {name: os.environ[name] for name in _ENGINE_ENVIRONMENT if name in os.environ},
        )
        return RunningModel(model, how, House(self._admit, self._tell, self._count_restart), self._clock)

    def _options(self, model: LocalModel, info: gguf.GgufInfo) -> EngineOptions:
        parallel = self._settings.local_parallel
        context_tokens = capacity.context_tokens(self._settings, info, model.context)
        return EngineOptions(
            context_tokens=context_tokens,
            parallel=parallel,
            kept_bytes=memory.kept_bytes(info, context_tokens=context_tokens, parallel=parallel),
            threads=capacity.threads(self._settings, self._cores),
            kind=info.kind,
            step_seconds_max=self._settings.local_step_seconds_max,
        )

    def _need(self, options: EngineOptions, info: gguf.GgufInfo) -> memory.MemoryNeed:
        return memory.need(info, context_tokens=options.context_tokens, parallel=options.parallel)

    async def _admit(self, wanted: RunningModel, info: gguf.GgufInfo) -> None:
        """Let a model in that is about to be loaded, beside the others. One at a time, so that no byte is promised twice."""
        async with self._admitting:
            need = self._need(wanted.how.options, info).total
            while True:
                others = [one for one in (*self._running.values(), *self._retired) if one is not wanted]
                await asyncio.gather(*(other.settled() for other in others))
                leaving = budget.leavers(wanted.name, need, others, memory.available(self._settings))
                if not leaving:
                    break
                _log.info("model_unloaded", model=leaving[0].name, to_make_room_for=wanted.name)
                await leaving[0].unload()  # then look again: the others may be wanted by now
            wanted.claim(need)

    # What changes by itself

    async def watch(self, on_change: Callable[[], None]) -> None:
        """Look at disk and engines now and then, for ever: models are added and engines installed while a server runs."""
        self._on_change = on_change
        told = ""
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            try:
                await self.look()
                told = ""
            except Exception as error:  # the next round may go well; whoever waits for models must not wait for a restart
                if told != (told := type(error).__name__):
                    _log.warning("look_failed", error=told)

    async def look(self) -> None:
        """See what is here now, and act on what has changed."""
        before = self.offered()
        engine = await asyncio.to_thread(engine_choice.choice, self._settings.local_engine)
        if engine != self._engine:
            _log.warning("engine_changed", engine=engine.name, version=engine.version, before=self._engine.name)
            self._engine = engine
        if await asyncio.to_thread(self.registry.signature) != self._found.signature:
            self._found = await asyncio.to_thread(found.look, self.registry, self._found)
        await self._retire()
        for model_id in {*self._told, *self._found.models, *self._found.damaged}:
            self._tell(model_id)
        if self.offered() != before:
            self._on_change()

    async def _retire(self) -> None:
        """End the workers of models that were removed or replaced (their running requests fail: that is what was asked for),
        and those of another engine than the present one, once they are idle."""
        for model_id, running in list(self._running.items()):
            is_gone = self._found.models.get(model_id) != running.model or (
                self._options(running.model, self._found.headers[model_id]) != running.how.options  # another header
            )
            if is_gone or (running.how.engine != self._engine.name and running.is_idle):
                self._retired.add(self._running.pop(model_id, running))
                await running.close()
                self._retired.discard(running)

    def _count_restart(self, model_id: str) -> None:
        if self._metrics is not None:
            self._metrics.worker_restarted(f"local/{model_id}")

    async def close(self) -> None:
        """End all workers; requests still running fail."""
        self._closed = True
        await asyncio.gather(*(running.close() for running in (*self._running.values(), *self._retired)))

    # What people are told

    def status(self) -> LocalStatus:
        """What the doctor, the features page and the tests want to know."""
        states = [self._status(model) for model in self._found.models.values()]
        states.extend(ModelStatus(name, name, "", False, "failed", last_failure=why) for name, why in self._found.broken.items())
        threads = capacity.threads(self._settings, self._cores)
        return LocalStatus(
            self._engine.name, self._engine.version, not self._why_not, self._why_not, threads, self._cores, states
        )

    def engine_shown(self) -> EngineShown:
        threads = capacity.threads(self._settings, self._cores)
        return EngineShown(self._engine.name, self._engine.version, threads, self._why_not)

    def memory_shown(self) -> MemoryShown:
        used = sum(running.memory_bytes for running in self._running.values())
        return MemoryShown(memory.available(self._settings), used, memory.machine_bytes())

    def shown(self) -> list[ModelShown]:
        """Every model that is here, then those of the catalogue that can be got."""
        names = [*self._found.models, *self._found.damaged]
        names += [name for name in catalogue() if name not in names]
        return [model_shown.without_detail(self.detail(name)) for name in names]

    def detail(self, model_id: str) -> ModelDetail:
        """One model, with what its file says. Errors: ModelUnknown."""
        entry, is_default = catalogue().get(model_id), model_id == self._settings.local_model
        available = memory.available(self._settings)
        if (model := self._found.models.get(model_id)) is not None:
            here = model_shown.Here(
                model,
                info := self._found.headers[model_id],
                (options := self._options(model, info)).context_tokens,
                self._need(options, info),
                self._status(model),
            )
            return model_shown.model_here(here, entry, budget=available, is_default=is_default)
        if (model := self._found.damaged.get(model_id)) is not None:
            return model_shown.damaged(model, self._found.broken[model_id], entry, is_default=is_default)
        if entry is not None:
            return model_shown.not_here(entry, budget=available, is_default=is_default)
        raise ModelUnknown(
            f"no local model is called {model_id[:80]!r}", param="model", fix="GET /api/v1/admin/models lists them."
        )

    def _status(self, model: LocalModel) -> ModelStatus:
        running = self._running.get(model.id)
        if running is not None:
            return running.status()
        return ModelStatus(model.id, model.title, model.kind.value, model.demonstration, "unloaded")

    def _tell(self, model_id: str) -> None:
        """Publish a model whose state is another than was told last."""
        try:
            model = model_shown.without_detail(self.detail(model_id))
        except ModelUnknown:
            self._told.pop(model_id, None)  # was added, and is removed
            return
        lasting = _lasting(model)
        if self._told.get(model_id) != lasting:
            self._told[model_id] = lasting
            if self._events is not None:
                self._events.publish(MODEL_EVENT, model)


def _lasting(model: ModelShown) -> ModelShown:
    """Without what changes all the time."""
    return msgspec.structs.replace(model, rss_bytes=None, running=0, waiting=0)
