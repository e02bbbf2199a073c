"""Slots: first come, first served, never more than there are, and a queue with a bound."""

import asyncio

import pytest

from appliance.errors import QueueFull
from appliance.local.slots import Slots, Ticket


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_free_is_given_at_once_and_the_rest_waits_in_order() -> None:
    slots = Slots(2, 10)
    first, second = await slots.take(1, 0), await slots.take(1, 0)
    order: list[str] = []

    async def wait(name: str) -> Ticket:
        ticket = await slots.take(1, 0)
        order.append(name)
        return ticket

    waiting = [asyncio.ensure_future(wait(name)) for name in "abc"]
    await turns()
    assert (slots.running, slots.waiting, order) == (2, 3, [])
    slots.give_back(first, 1)
    slots.give_back(first, 1)  # a second time does nothing
    await turns()
    assert (slots.running, order) == (2, ["a"])
    slots.give_back(second, 1)
    slots.give_back(await waiting[0], 1)
    await turns()
    assert order == ["a", "b", "c"]


async def test_a_wide_request_waits_for_room_and_nobody_overtakes_it() -> None:
    slots = Slots(4, 10)
    held = [await slots.take(1, 0) for _ in range(3)]
    wide = asyncio.ensure_future(slots.take(4, 0))
    narrow = asyncio.ensure_future(slots.take(1, 0))
    await turns()
    assert not wide.done()
    assert not narrow.done()
    for ticket in held:
        slots.give_back(ticket, 1)
    await turns()
    assert wide.done()
    assert not narrow.done()
    slots.give_back(wide.result(), 1)
    await turns()
    assert narrow.done()


async def test_beyond_the_queue_there_is_a_refusal_with_a_time_to_wait() -> None:
    slots = Slots(1, 2)
    held = await slots.take(1, 0)
    waiting = [asyncio.ensure_future(slots.take(1, 0)) for _ in range(2)]
    await turns()
    with pytest.raises(QueueFull, match="1 requests running and 2 waiting") as caught:
        await slots.take(1, 0)
    assert caught.value.retry_after_seconds is not None
    assert 1 <= caught.value.retry_after_seconds <= 600
    slots.give_back(held, 3)
    for future in waiting:
        slots.give_back(await future, 3)
    assert (slots.running, slots.waiting) == (0, 0)


async def test_a_queue_of_nobody_still_lets_those_in_who_fit() -> None:
    slots = Slots(1, 0)
    ticket = await slots.take(1, 0)
    with pytest.raises(QueueFull):
        await slots.take(1, 0)
    slots.give_back(ticket, 1)
    await slots.take(1, 0)


async def test_who_leaves_the_queue_leaves_nothing_behind() -> None:
    slots = Slots(2, 10)
    held = [await slots.take(1, 0) for _ in range(2)]
    wide, narrow = asyncio.ensure_future(slots.take(2, 0)), asyncio.ensure_future(slots.take(1, 0))
    await turns()
    slots.give_back(held[0], 1)
    wide.cancel()
    await turns()
    assert narrow.done()  # it was only the wide one that held it up
    assert slots.waiting == 0
    slots.give_back(narrow.result(), 1)
    slots.give_back(held[1], 1)
    assert slots.running == 0
    await slots.take(2, 0)


async def test_who_leaves_in_the_moment_of_its_turn_gives_the_slot_back() -> None:
    slots = Slots(1, 10)
    held = await slots.take(1, 0)
    waiting = asyncio.ensure_future(slots.take(1, 0))
    await turns()
    slots.give_back(held, 1)
    waiting.cancel()
    await turns()
    assert waiting.cancelled()
    assert slots.running == 0
    await slots.take(1, 0)
