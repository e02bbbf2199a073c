"""Turns by name: order, bounds, and nothing kept of who has gone."""

import asyncio

import pytest

from appliance.errors import Overloaded
from appliance.identity.turns import Turns


async def test_some_at_a_time_of_each_name_and_the_first_come_first() -> None:
    turns, began, most = Turns(at_once=2, waiting_max=10), list[int](), 0
    inside = 0

    async def come(number: int, name: str = "here") -> None:
        nonlocal inside, most
        async with turns.of(name):
            began.append(number)
            inside, most = inside + 1, max(most, inside + 1)
            await asyncio.sleep(0.01)
            inside -= 1

    await asyncio.gather(*(come(number) for number in range(8)))
    assert (began, most) == (list(range(8)), 2)
    most = 0
    await asyncio.gather(*(come(number, f"place {number}") for number in range(8)))
    assert most == 8, "names don't wait for each other"


async def test_beyond_those_who_wait_it_is_said_and_who_leaves_makes_room() -> None:
    turns, go = Turns(at_once=1, waiting_max=2), asyncio.Event()

    async def come() -> None:
        async with turns.of("here"):
            await go.wait()

    tasks = [asyncio.ensure_future(come()) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Overloaded):
        await come()
    tasks[1].cancel()  # hangs up while waiting
    await asyncio.gather(tasks[1], return_exceptions=True)
    another = asyncio.ensure_future(come())
    go.set()
    await asyncio.gather(tasks[0], tasks[2], another)
    assert not turns._places, "nobody is remembered"
