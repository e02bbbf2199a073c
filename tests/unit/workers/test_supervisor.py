"""A supervisor keeps one worker running, and does not wear the machine out when workers keep dying."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from appliance.workers.process import Worker, WorkerDied
from appliance.workers.supervisor import HEALTHY_SECONDS, Supervisor, WorkerUnavailable
from tests.fakes.clock import FakeClock


class FakeWorker:
    """Lives until the test kills it."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.death: asyncio.Future[WorkerDied] = asyncio.get_running_loop().create_future()

    @property
    def is_alive(self) -> bool:
        return not self.death.done()

    def die(self, reason: str = "was ended by SIGKILL") -> None:
        self.death.set_result(WorkerDied(reason, ("the last line",)))

    async def wait_dead(self) -> WorkerDied:
        return await asyncio.shield(self.death)

    async def stop(self) -> None:
        if self.is_alive:
            self.die("was stopped")


class Nursery:
    """Makes workers; a failure put into `failures` is raised instead."""

    def __init__(self) -> None:
        self.workers: list[FakeWorker] = []
        self.failures: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def start(self) -> FakeWorker:
        await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.workers.append(FakeWorker(len(self.workers)))
        return self.workers[-1]


def supervise(nursery: Nursery, clock: FakeClock, restarts: list[str] | None = None) -> Supervisor:
    start: Callable[[], Awaitable[Worker]] = nursery.start  # type: ignore[assignment]  # a stand-in of the same shape
    on_restart = None if restarts is None else lambda: restarts.append("again")
    return Supervisor("test", start, clock=clock, on_restart=on_restart)


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_those_who_ask_at_the_same_time_share_one_start(clock: FakeClock) -> None:
    nursery = Nursery()
    nursery.gate.clear()
    supervisor = supervise(nursery, clock)
    asking = [asyncio.ensure_future(supervisor.get()) for _ in range(5)]
    await turns()
    assert supervisor.is_starting
    asking[0].cancel()
    nursery.gate.set()
    found = await asyncio.gather(*asking, return_exceptions=True)
    assert len(nursery.workers) == 1
    assert isinstance(found[0], asyncio.CancelledError)
    assert all(one is nursery.workers[0] for one in found[1:])
    await supervisor.stop()


async def test_a_worker_that_dies_is_replaced_at_once_and_counted(clock: FakeClock) -> None:
    nursery, restarts = Nursery(), list[str]()
    supervisor = supervise(nursery, clock, restarts)
    await supervisor.get()
    nursery.workers[0].die()
    await turns()
    assert len(nursery.workers) == 2
    assert restarts == ["again"]
    assert await supervisor.get() is nursery.workers[1]
    await supervisor.stop()


async def test_workers_that_keep_dying_are_replaced_ever_more_slowly_and_asking_says_why(clock: FakeClock) -> None:
    nursery = Nursery()
    supervisor = supervise(nursery, clock)
    await supervisor.get()
    for pause in (0.0, 1.0, 2.0, 5.0):
        nursery.workers[-1].die()
        await turns()
        if pause:
            with pytest.raises(WorkerUnavailable, match="SIGKILL") as caught:
                await supervisor.get()
            assert caught.value.retry_after_seconds == pytest.approx(pause)
            await clock.advance(pause)
            await turns()
        assert supervisor.worker is not None
    assert len(nursery.workers) == 5
    await supervisor.stop()


async def test_a_worker_that_proved_itself_or_lived_long_is_replaced_at_once(clock: FakeClock) -> None:
    nursery = Nursery()
    supervisor = supervise(nursery, clock)
    await supervisor.get()
    for _ in range(3):
        supervisor.is_well()
        nursery.workers[-1].die()
        await turns()
        assert supervisor.worker is not None
    for _ in range(3):
        await clock.advance(HEALTHY_SECONDS)
        nursery.workers[-1].die()
        await turns()
        assert supervisor.worker is not None
    await supervisor.stop()


async def test_a_start_that_fails_is_told_to_all_who_asked_and_tried_again_later(clock: FakeClock) -> None:
    nursery = Nursery()
    nursery.failures = [WorkerDied("could not load"), WorkerDied("could not load")]
    supervisor = supervise(nursery, clock)
    results = await asyncio.gather(supervisor.get(), supervisor.get(), return_exceptions=True)
    assert [str(result) for result in results] == ["could not load"] * 2
    with pytest.raises(WorkerDied, match="could not load"):
        await supervisor.get()
    with pytest.raises(WorkerUnavailable, match="could not load"):
        await supervisor.get()
    assert supervisor.last_death is not None
    await clock.advance(1.0)
    assert await supervisor.get() is nursery.workers[0]
    await supervisor.stop()


async def test_a_stopped_worker_stays_stopped_until_somebody_asks(clock: FakeClock) -> None:
    nursery = Nursery()
    supervisor = supervise(nursery, clock)
    await supervisor.get()
    await supervisor.stop()
    await clock.advance(100)
    assert len(nursery.workers) == 1
    assert supervisor.worker is None
    assert supervisor.last_death is None
    assert await supervisor.get() is nursery.workers[1]
    await supervisor.stop()


async def test_stopping_while_it_starts_ends_the_start(clock: FakeClock) -> None:
    nursery = Nursery()
    nursery.gate.clear()
    supervisor = supervise(nursery, clock)
    asking = asyncio.ensure_future(supervisor.get())
    await turns()
    await supervisor.stop()
    with pytest.raises(WorkerDied, match="was stopped"):  # the asker itself was not cancelled
        await asking
    assert not supervisor.is_starting
