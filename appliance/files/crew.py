"""Some workers of one room: started when there is work, taken by one caller at a time, replaced when they have done enough."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

from appliance.clock import Clock
from appliance.errors import GuardrailFailed, ShuttingDown
from appliance.files.watching import Watch
from appliance.telemetry.logs import get_logger
from appliance.workers.process import Worker, WorkerDied
from appliance.workers.sandbox import Level

_log = get_logger("files")
_FIX = "Try again; `gatehouse doctor` and the log say what failed."


class CrewBounds(msgspec.Struct, frozen=True):
    """workers: at the same time. files_max: that one worker reads before another takes its place. idle_seconds: 0: for ever."""

    workers: int
    files_max: int
    idle_seconds: float
    watch: Watch


class Member:
    """A worker, how it is watched, and what it has done."""

    def __init__(self, worker: Worker, watch: Watch) -> None:
        self.worker = worker
        self.watch = watch
        self.calls = 0
        self.is_worn = False


class Crew:
    def __init__(self, room: str, start: Callable[[], Awaitable[Worker]], bounds: CrewBounds, clock: Clock) -> None:
        """`start` returns a worker that is ready, or raises WorkerDied."""
        self.room = room
        self.level: Level | None = None  # of the worker that was started last
        self._start = start
        self._bounds = bounds
        self._clock = clock
        self._free = asyncio.Semaphore(bounds.workers)
        self._idle: list[Member] = []
        self._busy: set[Member] = set()
        self._endings: set[asyncio.Task[None]] = set()
        self._idle_watch: asyncio.Task[None] | None = None
        self._is_closed = False

    @asynccontextmanager
    async def member(self, wanted: Member | None = None) -> AsyncIterator[Member]:
        """A worker for the block alone, `wanted` where that is free; waits until one is. Whoever leaves the block by an
        exception while the worker still works has to kill it.

        Errors:  GuardrailFailed when none can be started; ShuttingDown.
        """
        async with self._free:
            member = self._taken(wanted) or await self._started()
            self._busy.add(member)
            try:
                yield member
            finally:
                self._busy.discard(member)
                self._returned(member)

    def _taken(self, wanted: Member | None) -> Member | None:
        if self._is_closed:
            raise ShuttingDown("the appliance is stopping", fix="Try again when it has started.")
        self._idle = [member for member in self._idle if member.worker.is_alive]
        if wanted is not None and wanted in self._idle:
            self._idle.remove(wanted)
            return wanted
        return self._idle.pop() if self._idle else None

    async def _started(self) -> Member:
        try:
            worker = await self._start()
        except WorkerDied as death:
            _log.error("worker_not_started", worker=self.room, reason=death.reason, stderr=list(death.tail)[-8:])
            raise GuardrailFailed(f"files can't be read: the worker {death.reason}", fix=_FIX) from None
        if self._is_closed:
            await worker.stop()
            raise ShuttingDown("the appliance is stopping", fix="Try again when it has started.")
        self.level = worker.level
        _log.info("worker_started", worker=self.room, pid=worker.pid, confined=str(worker.level))
        if self._bounds.idle_seconds and self._idle_watch is None:
            self._idle_watch = asyncio.ensure_future(self._end_the_idle())
        return Member(worker, self._bounds.watch)

    def _returned(self, member: Member) -> None:
        member.calls += 1
        is_done = member.calls >= self._bounds.files_max or member.is_worn or self._is_closed
        if is_done or not member.worker.is_alive:
            self._end(member)
        else:
            self._idle.append(member)

    def _end(self, member: Member) -> None:
        task = asyncio.ensure_future(member.worker.stop())
        self._endings.add(task)
        task.add_done_callback(self._endings.discard)

    async def _end_the_idle(self) -> None:
        """Ends those whom nobody has called for a while: an engine for pictures holds a gigabyte."""
        while not self._is_closed:
            before = {member: member.calls for member in self._idle}
            await self._clock.sleep(self._bounds.idle_seconds)
            for member in [each for each in self._idle if before.get(each) == each.calls]:
                self._idle.remove(member)
                self._end(member)

    async def close(self) -> None:
        """End all of them. Calls that run fail."""
        self._is_closed = True
        if self._idle_watch is not None:
            self._idle_watch.cancel()
        for member in (*self._idle, *self._busy):
            member.worker.kill()
            self._end(member)
        self._idle.clear()
        await asyncio.gather(*self._endings, return_exceptions=True)
