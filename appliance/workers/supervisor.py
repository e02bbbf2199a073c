"""Keeps one worker running: started when somebody asks for it, started again when it dies, left alone when stopped.

The first restart follows at once, in the background, so that the next request finds a worker; when workers keep dying
young the pauses grow. While a pause lasts, asking fails at once with the reason rather than making callers wait.
"""

import asyncio
from collections.abc import Awaitable, Callable

from appliance.clock import Clock
from appliance.telemetry.logs import get_logger
from appliance.workers.process import Worker, WorkerDied

PAUSES_SECONDS = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
HEALTHY_SECONDS = 60.0  # a worker that lived this long forgives what was before

_log = get_logger("workers")

Start = Callable[[], Awaitable[Worker]]


class WorkerUnavailable(WorkerDied):
    """No worker at the moment: the last one died or could not start, and the pause before the next is not over."""

    def __init__(self, reason: str, tail: tuple[str, ...], retry_after_seconds: float) -> None:
        super().__init__(reason, tail)
        self.retry_after_seconds = retry_after_seconds


class Supervisor:
    """One worker at a time, made by `start`, which returns it ready for calls or raises WorkerError."""

    def __init__(self, name: str, start: Start, *, clock: Clock, on_restart: Callable[[], None] | None = None) -> None:
        self._name = name
        self._start = start
        self._clock = clock
        self._on_restart = on_restart
        self._starting: asyncio.Task[Worker] | None = None
        self._worker: Worker | None = None
        self._watching: asyncio.Task[None] | None = None
        self._failures = 0
        self._pause_until = 0.0
        self._last: WorkerDied | None = None

    @property
    def worker(self) -> Worker | None:
        """The one that runs, if one does."""
        return self._worker if self._worker is not None and self._worker.is_alive else None

    @property
    def is_starting(self) -> bool:
        return self._starting is not None

    @property
    def last_death(self) -> WorkerDied | None:
        """How the last worker ended, or why it didn't start; None where the one after it is well."""
        return self._last

    async def get(self) -> Worker:
        """The running worker; starts one where none runs. Those who ask at the same time share one start.

        Errors:  WorkerUnavailable in a pause; WorkerDied when stopped meanwhile; whatever `start` raises.
                 An asker that is cancelled doesn't cancel the start.
        """
        if (worker := self.worker) is not None:
            return worker
        if self._starting is None:
            remaining = self._pause_until - self._clock.monotonic()
            if remaining > 0 and self._last is not None:
                raise WorkerUnavailable(self._last.reason, self._last.tail, remaining)
            self._starting = asyncio.ensure_future(self._start_one())
            self._starting.add_done_callback(_seen)  # those who asked may all have left
        starting = self._starting
        try:
            return await asyncio.shield(starting)
        except asyncio.CancelledError:
            asker = asyncio.current_task()
            if starting.cancelled() and asker is not None and not asker.cancelling():
                raise WorkerDied("was stopped") from None  # stop() ended the start, nobody ended the asker
            raise

    async def _start_one(self) -> Worker:
        try:
            worker = await self._start()
        except asyncio.CancelledError:
            raise
        except Exception as error:
            self._failed(error if isinstance(error, WorkerDied) else WorkerDied(str(error)))
            raise
        finally:
            self._starting = None
        self._worker = worker
        self._watching = asyncio.ensure_future(self._watch(worker, self._clock.monotonic()))
        _log.info("worker_started", worker=self._name, pid=worker.pid)
        return worker

    async def _watch(self, worker: Worker, since: float) -> None:
        death = await worker.wait_dead()
        if self._clock.monotonic() - since >= HEALTHY_SECONDS:
            self._failures = 0
        self._failed(death)
        _log.error("worker_died", worker=self._name, pid=worker.pid, reason=death.reason, stderr=list(death.tail)[-8:])
        await self._clock.sleep(max(self._pause_until - self._clock.monotonic(), 0))
        if self._on_restart is not None:
            self._on_restart()
        self._watching = None  # the next worker has a watch of its own
        try:
            await self.get()
        except Exception as error:  # told to whoever asks next; asking starts another
            _log.error("worker_not_restarted", worker=self._name, kind=type(error).__name__)

    def _failed(self, death: WorkerDied) -> None:
        self._last = death
        self._pause_until = self._clock.monotonic() + PAUSES_SECONDS[min(self._failures, len(PAUSES_SECONDS) - 1)]
        self._failures += 1

    def is_well(self) -> None:
        """The worker has proved itself (it finished a call): what was before no longer counts."""
        self._failures = 0
        self._last = None

    async def stop(self) -> None:
        """End the worker and start no other, until somebody asks again. Running calls fail."""
        tasks = [task for task in (self._watching, self._starting) if task is not None]
        self._watching = self._starting = None
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        worker, self._worker = self._worker, None
        if worker is not None:
            await worker.stop()


def _seen(task: "asyncio.Task[Worker]") -> None:
    if not task.cancelled():
        task.exception()
