"""One model in its worker: loaded when first needed, unloaded when nobody needs it, restarted when it dies."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Hashable, Mapping
from contextlib import aclosing
from typing import Any

import msgspec
import psutil

from appliance.clock import Clock
from appliance.errors import GatehouseError, LocalModelFailed
from appliance.local import found, gguf
from appliance.local.engines.engine import EngineOptions
from appliance.local.registry import LocalModel
from appliance.local.slots import Slots
from appliance.local.turn import Turn
from appliance.local.worker_failures import NotAdmitted, failed_loading, told, why_it_ended
from appliance.telemetry.logs import get_logger
from appliance.workers.process import Worker, WorkerDied, WorkerError
from appliance.workers.supervisor import Supervisor

ROOM = "local-model"
_log = get_logger("local")


class Running(msgspec.Struct, frozen=True):
    """How to run a model: which engine with which options, and the bounds around it.

    seats: sequences that the engine works at together.
    """

    engine: str
    options: EngineOptions
    seats: int
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
    engine_name: str | None = None


class House(msgspec.Struct, frozen=True):
    """What a running model wants of the room around it.

    admit:      lets it in beside the others, by `claim`, as its header is now; or raises, where it can't fit.
    on_change:  its state changed.
    on_restart: its worker died, and another is started.
    """

    admit: Callable[["RunningModel", gguf.GgufInfo], Awaitable[None]]
    on_change: Callable[[str], None]
    on_restart: Callable[[str], None]


class RunningModel:
    """Requests to one model."""

    def __init__(self, model: LocalModel, how: Running, house: House, clock: Clock) -> None:
        self.model = model
        self.how = how
        self.name = model.id
        self.used_at = clock.monotonic()
        self._house = house
        self._clock = clock
        self._slots = Slots(how.seats, how.queue_max)
        self._supervisor = Supervisor(model.id, self._load, clock=clock, on_restart=lambda: house.on_restart(model.id))
        self._users = 0
        self._claimed = 0
        self._unloads = 0
        self._is_closed = False
        self._unloading: asyncio.Future[None] | None = None
        self._watching_idleness: asyncio.Task[None] | None = None
        self._stats: dict[str, Any] = {}

    # Requests

    async def chat(self, request: dict[str, Any], caller: Hashable = None) -> AsyncGenerator[dict[str, Any], None]:
        """The engine's chunks, after those that tell the place in the queue. Closing the generator cancels.

        Errors:  QueueFull, ModelTooLarge, ContextLengthExceeded, BadRequest, LocalModelFailed, ShuttingDown.
        """
        ticket = self._slots.enter(int(request.get("n") or 1), self._clock.monotonic(), caller)
        turn = Turn(self._slots, ticket, self._clock)
        self._users += 1
        try:
            async with aclosing(self._slots.positions(ticket)) as positions:
                async for before in positions:
                    yield {"choices": [], "queue_position": before}
            async with aclosing(self._answer(turn, request)) as chunks:
                async for chunk in chunks:
                    yield chunk
            self._supervisor.is_well()
        except WorkerError as error:
            raise self._told(error) from error
        finally:
            turn.leave()
            self._leave()

    async def _answer(self, turn: Turn, request: dict[str, Any]) -> AsyncGenerator[dict[str, Any], None]:
        """The worker's chunks; another worker's, where the first one died before it had said anything."""
        while True:
            worker, unloads = await self._worker(), self._unloads
            try:
                async with aclosing(_from_the_first_word(worker.stream("chat", request, on_end=turn.begin(worker)))) as chunks:
                    async for chunk in chunks:
                        turn.has_sent = turn.has_sent or bool(chunk["choices"])
                        yield chunk
                return
            except WorkerDied:
                if not turn.may_try_again or unloads != self._unloads:
                    raise
                _log.warning("asked_again", model=self.name)
            await worker.wait_dead()
            await asyncio.sleep(0)  # its supervisor hears of it now, and decides when the next one may start

    async def embed(self, request: dict[str, Any], caller: Hashable = None) -> dict[str, Any]:
        """The engine's answer. Errors: as chat."""
        self._users += 1
        try:
            ticket = await self._slots.take(1, self._clock.monotonic(), caller)
            try:
                return await self._embedded(request)
            finally:
                self._slots.give_back(ticket, self._clock.monotonic())
        except WorkerError as error:
            raise self._told(error) from error
        finally:
            self._leave()

    async def _embedded(self, request: dict[str, Any]) -> dict[str, Any]:
        for last_try in (False, True):
            worker, unloads = await self._worker(), self._unloads
            try:
                answer: dict[str, Any] = await worker.call("embed", request)
            except WorkerDied:
                if last_try or unloads != self._unloads:
                    raise
                await worker.wait_dead()
                await asyncio.sleep(0)  # as in _answer
                continue
            self._supervisor.is_well()
            return answer
        raise AssertionError("the second try returns or raises")

    async def load(self) -> None:
        """Have the model ready before anybody asks. Errors: ModelTooLarge, LocalModelFailed."""
        self._users += 1
        try:
            await self._worker()
        except WorkerError as error:
            raise self._told(error) from error
        finally:
            self._leave()

    async def _worker(self) -> Worker:
        await self.settled()  # a worker that is on its way out takes no more
        if self._is_closed:
            raise WorkerDied("was stopped")
        return await self._supervisor.get()

    def _leave(self) -> None:
        self._users -= 1
        self.used_at = self._clock.monotonic()

    def _told(self, error: WorkerError) -> GatehouseError:
        if isinstance(error, NotAdmitted):
            self._supervisor.is_well()  # nothing has failed here: it may be asked again at once
        self._house.on_change(self.name)
        return told(self.name, self.how.engine, error)

    # Its life

    @property
    def is_idle(self) -> bool:
        """Nobody uses it, waits for it or loads it; nor does the engine still work at what somebody has left."""
        return not (self._users or self._slots.running or self._supervisor.is_starting or self._unloading)

    @property
    def is_loaded(self) -> bool:
        return self._supervisor.worker is not None

    @property
    def memory_bytes(self) -> int:
        """What it uses: the estimate it was let in with, or what it takes by now where that is more. 0: it has no worker."""
        worker = self._supervisor.worker
        if worker is None:
            return self._claimed if self._supervisor.is_starting else 0
        return max(self._claimed, _rss_bytes(worker.pid) or 0)

    def claim(self, memory: int) -> None:
        """From now on this much of the budget is its own, until its worker ends."""
        self._claimed = memory

    async def unload(self) -> None:
        """End the worker. Running requests fail; the next one loads again."""
        if self._watching_idleness is not None and self._watching_idleness is not asyncio.current_task():
            self._watching_idleness.cancel()
        self._watching_idleness = None
        if self._unloading is None:
            self._unloads += 1
            self._unloading = asyncio.ensure_future(self._unloaded())
        await asyncio.shield(self._unloading)

    async def close(self) -> None:
        """The same for good: those who still wait fail."""
        self._is_closed = True
        await self.unload()

    async def settled(self) -> None:
        """Wait until no worker of it is on its way out, with memory that it still holds."""
        while self._unloading is not None:
            await asyncio.wait([self._unloading])

    async def _unloaded(self) -> None:
        try:
            await self._supervisor.stop()
        finally:
            self._unloading = None
            self._house.on_change(self.name)

    @property
    def waiting(self) -> int:
        """Requests that wait for a place in it."""
        return self._slots.waiting

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
            last_failure=why_it_ended(death) if death else None,
            engine=self._stats if worker else {},
            engine_name=self.how.engine if worker or self._supervisor.is_starting else None,
        )

    async def _load(self) -> Worker:
        self._claimed = 0
        try:
            await self._house.admit(self, await self._header())
        except GatehouseError as error:
            raise NotAdmitted(error) from error
        self._house.on_change(self.name)
        worker = Worker(ROOM, clock=self._clock, environment=self.how.environment)
        await worker.start()
        try:
            self._stats = await self._loaded(worker)
        except BaseException as error:
            worker.kill()
            await worker.wait_dead()  # whoever hears of it finds no process left
            if isinstance(error, WorkerError):
                raise failed_loading(self.how.engine, error) from error
            raise
        _log.info("model_loaded", model=self.name, engine=self.how.engine, seconds=self._stats["load_seconds"])
        if self._watching_idleness is None and self.how.idle_seconds:
            self._watching_idleness = asyncio.ensure_future(self._unload_when_idle())
        asyncio.get_running_loop().call_soon(self._house.on_change, self.name)  # the supervisor has it then
        return worker

    async def _header(self) -> gguf.GgufInfo:
        """Read again: a linked file may have changed since it was found, and native code reads it next."""
        try:
            return await asyncio.to_thread(found.header_of, self.model)
        except gguf.GgufError as error:
            raise LocalModelFailed(
                f"the local model {self.name} can't be loaded: {error}", fix="Add it again, or remove it."
            ) from error

    async def _loaded(self, worker: Worker) -> dict[str, Any]:
        seconds = self.how.load_seconds_max
        request = {
            "path": str(self.model.path),
            "engine": self.how.engine,
            "options": msgspec.to_builtins(self.how.options),
        }
        try:
            async with asyncio.timeout(seconds):
                stats: dict[str, Any] = await worker.call("load", request, silent_seconds_max=int(seconds) + 1)
        except TimeoutError:
            worker.kill()
            raise WorkerDied(f"did not load the model within {seconds:g} s") from None
        return stats

    async def _unload_when_idle(self) -> None:
        while True:
            idle = self._clock.monotonic() - self.used_at
            if self.is_idle and idle >= self.how.idle_seconds:
                _log.info("model_unloaded", model=self.name, idle_seconds=round(idle))
                await self.unload()
                return
            await self._clock.sleep(max(self.how.idle_seconds - idle, 0.05) if self.is_idle else self.how.idle_seconds)


async def _from_the_first_word(chunks: AsyncGenerator[dict[str, Any], None]) -> AsyncGenerator[dict[str, Any], None]:
    """The chunks; one that only says who speaks waits for the next one, so that who has got none has heard nothing yet."""
    held: list[dict[str, Any]] = []
    async with aclosing(chunks):
        async for chunk in chunks:
            if _says_only_who(chunk):
                held.append(chunk)
                continue
            if chunk["choices"] or "usage" in chunk:
                for earlier in held:
                    yield earlier
                held.clear()
            yield chunk


def _says_only_who(chunk: dict[str, Any]) -> bool:
    choices = chunk["choices"]
    return bool(choices) and not any(
        choice.get("finish_reason") or any(value for name, value in (choice.get("delta") or {}).items() if name != "role")
        for choice in choices
    )


def _rss_bytes(pid: int) -> int | None:
    try:
        return int(psutil.Process(pid).memory_info().rss)
    except psutil.Error:
        return None
