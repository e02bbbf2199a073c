"""One model in its worker: loaded when first needed, unloaded when nobody needs it, restarted when it dies."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import psutil

from appliance import errors
from appliance.clock import Clock
from appliance.errors import GatehouseError
from appliance.local.engines import engine as seam
from appliance.local.engines.engine import EngineOptions
from appliance.local.registry import LocalModel
from appliance.local.slots import Slots
from appliance.telemetry.logs import get_logger
from appliance.workers.process import CallFailed, Worker, WorkerDied, WorkerError
from appliance.workers.supervisor import Supervisor, WorkerUnavailable

ROOM = "local-model"
_log = get_logger("local")


class Running(msgspec.Struct, frozen=True):
    """How to run a model: which engine with which options, and the bounds around it."""

    engine: str
    options: EngineOptions
    queue_max: int
    load_seconds_max: float
    idle_seconds: float
    environment: Mapping[str, str] = {}


class ModelStatus(msgspec.Struct, frozen=True):
    """A model as the doctor and the features page see it."""

    id: str
    title: str
    kind: str
    demonstration: bool
    state: str  # unloaded, loading, ready, failed
    running: int = 0
    waiting: int = 0
    pid: int | None = None
    rss_bytes: int | None = None
    last_failure: str | None = None
    engine: dict[str, Any] = {}


class RunningModel:
    """Requests to one model."""

    def __init__(self, model: LocalModel, how: Running, *, clock: Clock, on_restart: Callable[[], None]) -> None:
        self.model = model
        self.how = how
        self._clock = clock
        self._slots = Slots(how.options.parallel, how.queue_max)
        self._supervisor = Supervisor(model.id, self._load, clock=clock, on_restart=on_restart)
        self._users = 0
        self._used_at = clock.monotonic()
        self._unloading: asyncio.Task[None] | None = None
        self._stats: dict[str, Any] = {}

    async def chat(self, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The engine's chunks. Closing the generator cancels; the slot is free once the engine has really stopped.

        Errors:  QueueFull, ContextLengthExceeded, BadRequest, LocalModelFailed, ShuttingDown.
        """
        ticket = await self._slots.take(int(request.get("n") or 1), self._clock.monotonic())

        def over() -> None:
            self._slots.give_back(ticket, self._clock.monotonic())

        self._users += 1
        try:
            worker = await self._worker(over)
            async with aclosing(worker.stream("chat", request, on_end=over)) as chunks:
                async for chunk in chunks:
                    yield chunk
            self._supervisor.is_well()
        except WorkerError as error:
            raise self._told(error) from error
        finally:
            self._leave()

    async def embed(self, request: dict[str, Any]) -> dict[str, Any]:
        """The engine's answer. Errors: as chat."""
        ticket = await self._slots.take(1, self._clock.monotonic())
        self._users += 1
        try:
            worker = await self._supervisor.get()
            answer: dict[str, Any] = await worker.call("embed", request)
            self._supervisor.is_well()
        except WorkerError as error:
            raise self._told(error) from error
        finally:
            self._slots.give_back(ticket, self._clock.monotonic())
            self._leave()
        return answer

    async def load(self) -> None:
        """Have the model ready before anybody asks. Errors: LocalModelFailed."""
        self._users += 1
        try:
            await self._supervisor.get()
        except WorkerError as error:
            raise self._told(error) from error
        finally:
            self._leave()

    async def unload(self) -> None:
        """End the worker. Running requests fail; the next one loads again."""
        if self._unloading is not None and self._unloading is not asyncio.current_task():
            self._unloading.cancel()
        self._unloading = None
        await self._supervisor.stop()

    def status(self) -> ModelStatus:
        worker, death = self._supervisor.worker, self._supervisor.last_death
        state = "loading" if self._supervisor.is_starting else "ready" if worker else "failed" if death else "unloaded"
        return ModelStatus(
            self.model.id,
            self.model.title,
            self.model.kind.value,
            self.model.demonstration,
            state,
            running=self._slots.running,
            waiting=self._slots.waiting,
            pid=worker.pid if worker else None,
            rss_bytes=_rss_bytes(worker.pid) if worker else None,
            last_failure=death.reason if death else None,
            engine=self._stats if worker else {},
        )

    async def _worker(self, over: Callable[[], None]) -> Worker:
        try:
            return await self._supervisor.get()
        except BaseException:
            over()
            raise

    async def _load(self) -> Worker:
        worker = Worker(ROOM, clock=self._clock, environment=self.how.environment)
        await worker.start()
        seconds = self.how.load_seconds_max
        request = {
            "path": str(self.model.path),
            "engine": self.how.engine,
            "options": msgspec.to_builtins(self.how.options),
        }
        try:
            async with asyncio.timeout(seconds):
                self._stats = await worker.call("load", request, silent_seconds_max=int(seconds) + 1)
        except TimeoutError:
            worker.kill()
            raise WorkerDied(f"did not load the model within {seconds:g} s") from None
        except BaseException:
            worker.kill()
            raise
        _log.info("model_loaded", model=self.model.id, seconds=self._stats["load_seconds"])
        if self._unloading is None and self.how.idle_seconds:
            self._unloading = asyncio.ensure_future(self._unload_when_idle())
        return worker

    async def _unload_when_idle(self) -> None:
        while True:
            idle = self._clock.monotonic() - self._used_at
            if not self._users and idle >= self.how.idle_seconds:
                _log.info("model_unloaded", model=self.model.id, idle_seconds=round(idle))
                await self.unload()
                return
            await self._clock.sleep(max(self.how.idle_seconds - idle, 0.05) if not self._users else self.how.idle_seconds)

    def _leave(self) -> None:
        self._users -= 1
        self._used_at = self._clock.monotonic()

    def _told(self, error: WorkerError) -> GatehouseError:
        """A worker's failure in the words of our tree."""
        name = self.model.id
        if isinstance(error, CallFailed):
            return _refused(name, error)
        again = "Try again; it is started anew."
        if isinstance(error, WorkerUnavailable):
            return errors.LocalModelFailed(
                f"the local model {name} keeps failing: its worker {error.reason}",
                fix="`gatehouse doctor` checks the model and the memory.",
                retry_after_seconds=max(1.0, error.retry_after_seconds),
            )
        reason = error.reason if isinstance(error, WorkerDied) else "failed"
        return errors.LocalModelFailed(f"the worker that ran the local model {name} {reason}", fix=again)


def _refused(name: str, error: CallFailed) -> GatehouseError:
    if error.code == seam.CONTEXT_EXCEEDED:
        prompt, context = error.detail.get("n_prompt_tokens", "?"), error.detail.get("n_ctx", "?")
        return errors.ContextLengthExceeded(
            f"the prompt has {prompt} tokens; {name} has a context of {context} tokens here",
            fix="Send fewer or shorter messages, or have an administrator raise local_context_tokens.",
            param="messages",
        )
    if error.code == seam.REQUEST_INVALID:
        return errors.BadRequest(
            f"{name} can't take this request: {error.message}", fix="Check messages, tools and response_format."
        )
    if error.code == "not_sent":
        return errors.BadRequest(f"{name} can't take this request: it is too large or nested too deeply", fix="Send less.")
    if error.code == seam.LOAD_FAILED:
        return errors.LocalModelFailed(
            f"the local model {name} can't be loaded: {error.message}", fix="`gatehouse doctor` checks the file and the memory."
        )
    return errors.LocalModelFailed(f"the local model {name} failed while it answered", fix="Try again.")


def _rss_bytes(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
