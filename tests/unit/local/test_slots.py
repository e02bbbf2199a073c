"""Slots: callers take turns, never more than there are, and a queue with a bound that nobody fills alone."""

import asyncio
import random
from contextlib import aclosing

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


async def test_a_caller_with_sixty_waiting_holds_up_anothers_only_one_by_a_single_turn() -> None:
    slots = Slots(1, 100)
    running = await slots.take(1, 0, "greedy")
    order: list[str] = []

    async def ask(caller: str) -> None:
        ticket = await slots.take(1, 0, caller)
        order.append(caller)
        slots.give_back(ticket, 1)

    waiting = [asyncio.ensure_future(ask("greedy")) for _ in range(60)]
    await turns()
    waiting.append(asyncio.ensure_future(ask("modest")))
    await turns()
    slots.give_back(running, 1)
    await asyncio.gather(*waiting)
    assert order.index("modest") == 1
    assert (slots.running, slots.waiting) == (0, 0)


async def test_callers_take_turns_and_each_ones_requests_keep_their_order() -> None:
    slots = Slots(1, 100)
    running = await slots.take(1, 0)
    order: list[str] = []

    async def ask(caller: str, number: int) -> None:
        ticket = await slots.take(1, 0, caller)
        order.append(f"{caller}{number}")
        slots.give_back(ticket, 1)

    waiting = [asyncio.ensure_future(ask(caller, number)) for caller in "abc" for number in range(3)]
    await turns()
    slots.give_back(running, 1)
    await asyncio.gather(*waiting)
    assert order == ["a0", "b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"]


async def test_a_wide_request_is_not_starved_by_narrow_ones_that_keep_coming() -> None:
    slots = Slots(4, 50)
    held = [await slots.take(1, 0, "narrow") for _ in range(4)]
    wide = asyncio.ensure_future(slots.take(4, 0, "wide"))
    await turns()
    turns_taken = 0
    while not wide.done():
        newcomer = asyncio.ensure_future(slots.take(1, 0, "narrow"))
        await turns()
        slots.give_back(held.pop(0), 1)
        await turns()
        if newcomer.done():
            held.append(newcomer.result())
        turns_taken += 1
        assert turns_taken <= 4
    assert slots.running == 1


async def test_who_holds_none_gets_in_where_one_caller_has_taken_all_that_it_may() -> None:
    slots = Slots(1, 64)
    await slots.take(1, 0, "greedy")
    for _ in range(48):  # three quarters of the queue
        slots.enter(1, 0, "greedy")
    with pytest.raises(QueueFull):
        slots.enter(1, 0, "greedy")
    for number in range(16):
        slots.enter(1, 0, f"modest {number}")
    assert slots.waiting == 64
    with pytest.raises(QueueFull):
        slots.enter(1, 0, "one more")


async def test_greedy_callers_share_and_leave_room_for_another() -> None:
    slots = Slots(1, 64)
    await slots.take(1, 0)
    refused, entered = set[int](), dict.fromkeys(range(5), 0)
    while len(refused) < 5:
        for caller in range(5):
            try:
                slots.enter(1, 0, caller)
                entered[caller] += 1
            except QueueFull:
                refused.add(caller)
    assert max(entered.values()) - min(entered.values()) <= 1
    assert slots.waiting < 64
    slots.enter(1, 0, "modest")


async def test_a_small_queue_is_all_for_whoever_asks() -> None:
    for most in (1, 2, 3):
        slots = Slots(1, most)
        await slots.take(1, 0, "one")
        for _ in range(most):
            slots.enter(1, 0, "one")
        with pytest.raises(QueueFull):
            slots.enter(1, 0, "one")


async def test_who_waits_is_told_its_place_whenever_it_changes() -> None:
    slots = Slots(1, 10)
    running = await slots.take(1, 0, "a")
    ahead = [slots.enter(1, 0, "a") for _ in range(2)]
    ticket, told = slots.enter(1, 0, "a"), list[int]()

    async def listen() -> None:
        async with aclosing(slots.positions(ticket)) as positions:
            async for before in positions:
                told.append(before)

    listening = asyncio.ensure_future(listen())
    await turns()
    assert told == [2]
    other = slots.enter(1, 0, "b")  # has its turn before the second of a's
    await turns()
    assert told == [2, 3]
    slots.give_back(running, 1)
    await turns()
    assert ahead[0].is_held
    slots.give_back(ahead[0], 2)
    await turns()
    assert other.is_held
    slots.give_back(ahead[1], 2)  # leaves the queue without ever having had a turn
    await turns()
    assert told == [2, 3, 2, 1, 0]
    slots.give_back(other, 3)
    await asyncio.wait_for(listening, 1)
    assert ticket.is_held


@pytest.mark.parametrize("seed", range(20))
async def test_whatever_happens_no_slot_is_lost_and_none_is_given_twice(seed: int) -> None:
    chance = random.Random(seed)
    slots, tickets = Slots(4, 12), list[Ticket]()
    for moment in range(400):
        if chance.random() < 0.55:
            try:
                tickets.append(slots.enter(chance.choice([1, 1, 1, 2, 4]), moment, chance.randrange(4)))
            except QueueFull:
                assert slots.waiting > 0
        elif tickets:
            slots.give_back(tickets.pop(chance.randrange(len(tickets))), moment)
        if chance.random() < 0.2:
            await asyncio.sleep(0)
        held = [ticket for ticket in tickets if ticket.is_held]
        assert sum(ticket.width for ticket in held) <= 4
        assert (slots.running, slots.waiting) == (len(held), len(tickets) - len(held))
        assert slots.waiting <= 12
    for ticket in tickets:
        slots.give_back(ticket, 400)
    assert (slots.running, slots.waiting) == (0, 0)
    assert (await slots.take(4, 400)).is_held
