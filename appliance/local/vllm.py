"""vLLM on this machine: one server for each `[[vllm]]` table, started with the appliance and ended with it.

    vllm = Vllm(settings, home, clock, client, environ, events)
    vllm.on_change = …            names are to be published again
    await vllm.start() … await vllm.close()

How one is started stands in vllm_command.py, its processes in vllm_process.py and vllm_launch.py, its life in vllm_model.py.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

import msgspec

from appliance.clock import Clock
from appliance.errors import LocalModelFailed, ModelUnknown
from appliance.home import CannotStart, Home
from appliance.local.model_shown import ModelDetail, ModelShown
from appliance.local.vllm_model import Offered, Pace, Place, VllmModel
from appliance.local.vllm_record import Record
from appliance.settings import Settings
from appliance.telemetry.events import Events
from appliance.upstream.client import HttpClient

MODEL_EVENT = "model"
RECORD = "vllm.json"  # in the home's run folder
TAIL_SHOWN_MAX = 50


class VllmStatus(msgspec.Struct, frozen=True):
    """A model at a glance. `cache_share`: the used part of its attention cache, 0 to 1; `tail`: vLLM's last words."""

    name: str
    state: str
    running: int
    waiting: int
    cache_share: float
    last_failure: str | None
    tail: tuple[str, ...]


class Vllm:
    """All models that vLLM serves here. One for an appliance; inside one event loop."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        clock: Clock,
        client: HttpClient,
        environ: Mapping[str, str],
        events: Events | None = None,
        pace: Pace | None = None,
    ) -> None:
        self.on_change: Callable[[], None] = lambda: None
        self._events = events
        self._record = Record(home.run / RECORD)
        place = Place(clock, client, environ, asyncio.Lock(), pace or Pace(), self._changed)
        self._models = {table.name: VllmModel(table, place) for table in settings.vllm}

    def refuse_names(self, taken: Iterable[str]) -> None:
        """Errors: CannotStart where a model has the name of one that another engine runs here."""
        for name in taken:
            if name in self._models:
                raise CannotStart(
                    f"two models are called {name!r}: one of [[vllm]] in gatehouse.toml, and one in the models folder",
                    f"Give the [[vllm]] table another name, or run `gatehouse models remove {name}`.",
                )

    async def start(self) -> None:
        """Begin to start them all, one after another; what a dead appliance left behind is ended first."""
        await asyncio.to_thread(self._record.end_leftovers)
        for model in self._models.values():
            await self._changed(model)  # in the record from the beginning, those too that wait for their turn
            model.start()

    async def close(self) -> None:
        """End them all. No process of them is left when this returns."""
        await asyncio.gather(*(model.stop() for model in self._models.values()))
        await asyncio.to_thread(self._record.close)

    def offered(self) -> tuple[Offered, ...]:
        """Every model, ready or not: a name that is not ready is an error that says so, not a name that nobody knows."""
        return tuple(model.offered() for model in self._models.values())

    def shown(self) -> list[ModelShown]:
        """As GET /api/v1/admin/models shows them."""
        return [model.shown() for model in self._models.values()]

    def detail(self, name: str) -> ModelDetail:
        """One of them. Errors: ModelUnknown."""
        return self._model(name).detail()

    def status(self) -> list[VllmStatus]:
        return [
            VllmStatus(
                name,
                model.state,
                model.load.running,
                model.load.waiting,
                model.load.cache_share,
                model.last_failure,
                model.tail[-TAIL_SHOWN_MAX:],
            )
            for name, model in self._models.items()
        ]

    def has(self, name: str) -> bool:
        return name in self._models

    async def load(self, name: str) -> ModelShown:
        """Start it where an administrator stopped it, or now where it is paused after failing; returns when it is ready.

        Errors:  ModelUnknown; LocalModelFailed with vLLM's reason.
        """
        model = self._model(name)
        if model.state == "failed":
            await model.stop()
        model.start()
        await model.wait_settled()
        if model.state != "ready":
            raise LocalModelFailed(
                f"vLLM can't serve {name}: {model.last_failure or 'it ended again'}",
                fix="`gatehouse doctor` shows its last words.",
            )
        return model.shown()

    async def unload(self, name: str) -> ModelShown:
        """Stop it until `load`, or until the appliance starts again. Running requests fail. Errors: ModelUnknown."""
        model = self._model(name)
        await model.stop()
        return model.shown()

    def _model(self, name: str) -> VllmModel:
        model = self._models.get(name)
        if model is None:
            raise ModelUnknown(
                f"vLLM serves no model called {name[:80]!r} here", fix="They are the [[vllm]] tables of the settings."
            )
        return model

    async def _changed(self, model: VllmModel) -> None:
        """A model is in another state: names, screens and the record follow."""
        self.on_change()
        if self._events is not None:
            self._events.publish(MODEL_EVENT, model.shown())
        await asyncio.to_thread(self._record.write, model.entry())
