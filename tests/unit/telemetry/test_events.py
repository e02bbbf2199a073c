"""The bus: bounded, never waiting, and honest about what it lost."""

import asyncio
import json

import pytest

from appliance.errors import Overloaded
from appliance.telemetry.events import Event, Events, Subscription


def told(events: list[Event]) -> list[tuple[int, str, object]]:
    return [(event.id, event.name, json.loads(event.data)) for event in events]


async def now(subscription: Subscription) -> list[tuple[int, str, object]]:
    return told(await subscription.take(0.01))


async def test_every_reader_gets_every_event_in_order_with_growing_ids() -> None:
    bus = Events()
    readers = [bus.subscribe(), bus.subscribe()]
    bus.publish("job", {"done": 1})
    bus.publish("budget", {"left": 2})
    for reader in readers:
        assert await now(reader) == [(1, "job", {"done": 1}), (2, "budget", {"left": 2})]
        assert await now(reader) == []


async def test_a_waiting_reader_is_woken() -> None:
    bus = Events()
    reader = bus.subscribe()
    waiting = asyncio.ensure_future(reader.take(10))
    await asyncio.sleep(0)
    bus.publish("job", 1)
    assert told(await waiting) == [(1, "job", 1)]


async def test_a_new_reader_starts_with_what_comes_next() -> None:
    bus = Events()
    bus.publish("job", 1)
    reader = bus.subscribe()
    bus.publish("job", 2)
    assert await now(reader) == [(2, "job", 2)]


async def test_a_reader_who_comes_back_gets_what_it_missed() -> None:
    bus = Events(first_id=100)
    for number in range(5):
        bus.publish("job", number)
    assert [event.id for event in bus.subscribe(after=102).unseen()] == [103, 104]


@pytest.mark.parametrize(("after", "lost", "first"), [(100, 2, 103), (101, 1, 103), (102, 0, 103), (103, 0, 104), (7, 3, 103)])
async def test_whoever_was_away_too_long_is_told_how_much_is_lost(after: int, lost: int, first: int) -> None:
    bus = Events(first_id=100, kept_max=4)
    for number in range(7):  # 100 to 106, of which 103 to 106 are kept
        bus.publish("job", number)
    heard = told(bus.subscribe(after=after).unseen())
    if lost:
        assert heard.pop(0) == (first - 1, "dropped", {"count": lost})
    assert [event[0] for event in heard] == list(range(first, 107))


async def test_an_id_of_the_future_is_no_reason_to_miss_anything() -> None:
    bus = Events()
    bus.publish("job", 1)
    reader = bus.subscribe(after=10**15)
    bus.publish("job", 2)
    assert await now(reader) == [(2, "job", 2)]


async def test_a_slow_reader_loses_the_oldest_and_holds_nobody_up() -> None:
    bus = Events(kept_max=3)
    slow, quick = bus.subscribe(), bus.subscribe()
    heard = []
    for number in range(1, 11):
        bus.publish("job", number)
        heard += [event.id for event in await quick.take(0.01)]
    assert heard == list(range(1, 11))
    assert await now(slow) == [(7, "dropped", {"count": 7}), (8, "job", 8), (9, "job", 9), (10, "job", 10)]
    assert await now(slow) == []


async def test_there_is_a_bound_on_readers_and_one_who_leaves_makes_room() -> None:
    bus = Events(subscribers_max=2)
    first, _ = bus.subscribe(), bus.subscribe()
    with pytest.raises(Overloaded):
        bus.subscribe()
    first.close()
    first.close()
    assert bus.subscribers == 1
    bus.subscribe()


async def test_the_end_wakes_every_reader_and_gives_it_what_is_left() -> None:
    bus = Events()
    waiting, behind = bus.subscribe(), bus.subscribe()
    task = asyncio.ensure_future(waiting.take(10))
    await asyncio.sleep(0)
    bus.publish("job", 1)
    bus.end()
    assert len(await task) == 1
    assert len(await behind.take(10)) == 1
    assert await behind.take(10) == []
