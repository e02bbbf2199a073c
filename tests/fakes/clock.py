"""A clock that stands still until the test moves it."""

import asyncio
import heapq

START_MS = 1_795_000_000_000  # a moment in November 2026, no special one


class FakeClock:
    """`appliance.clock.Clock` by hand: `advance` moves both kinds of time and wakes who slept long enough."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self._start_ms = now_ms
        self._seconds = 0.0
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._count = 0

    def now_ms(self) -> int:
        return self._start_ms + round(self._seconds * 1000)

    def monotonic(self) -> float:
        return self._seconds

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._count += 1
        heapq.heappush(self._sleepers, (self._seconds + seconds, self._count, future))
        await future

    @property
    def sleepers(self) -> int:
        """How many wait; a test that wants to advance past a sleep first sees to it that someone sleeps."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def jump(self, milliseconds: int) -> None:
        """The wall clock alone is set, as by NTP or an operator; nobody wakes."""
        self._start_ms += milliseconds

    async def advance(self, seconds: float) -> None:
        """Time passes. Sleepers wake in order, each at its own moment, and get to run before the next one does."""
        end = self._seconds + seconds
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, future = heapq.heappop(self._sleepers)
            self._seconds = max(self._seconds, at)
            if not future.done():
                future.set_result(None)
            await _let_others_run()
        self._seconds = end
        await _let_others_run()


async def _let_others_run() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
