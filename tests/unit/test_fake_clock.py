"""The clock that tests move by hand: what it promises to those tests."""

import asyncio

from tests.fakes.clock import FakeClock


async def test_sleepers_wake_in_order_each_at_its_own_moment(clock: FakeClock) -> None:
    woke: list[tuple[str, float, int]] = []
    start = clock.now_ms()

    async def sleeper(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woke.append((name, clock.monotonic(), clock.now_ms() - start))

    tasks = [asyncio.create_task(sleeper(name, seconds)) for name, seconds in (("late", 5), ("early", 1.5), ("never", 60))]
    await asyncio.sleep(0)
    assert clock.sleepers == 3
    await clock.advance(10)
    assert woke == [("early", 1.5, 1500), ("late", 5.0, 5000)]
    assert clock.monotonic() == 10
    tasks[2].cancel()
    assert clock.sleepers in (0, 1)


async def test_a_loop_that_sleeps_again_is_woken_as_often_as_time_allows(clock: FakeClock) -> None:
    rounds = 0

    async def loop() -> None:
        nonlocal rounds
        while True:
            await clock.sleep(1)
            rounds += 1

    task = asyncio.create_task(loop())
    await asyncio.sleep(0)
    await clock.advance(3.5)
    assert rounds == 3
    task.cancel()


def test_the_wall_clock_can_jump_alone(clock: FakeClock) -> None:
    before = clock.now_ms()
    clock.jump(-60_000)
    assert clock.now_ms() == before - 60_000
    assert clock.monotonic() == 0
