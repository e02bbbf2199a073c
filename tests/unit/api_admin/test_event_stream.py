"""One reader's stream of events, against a caller who behaves badly."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from appliance.api.admin.events import STOP_SECONDS_MAX, EventStream, Feed
from appliance.api.admin.overview import HourShown, Overview, OverviewShown
from appliance.clock import SystemClock
from appliance.telemetry.events import Events

SHOWN = OverviewShown("1", "running", [], "", 0, 0, [], True, False, [], [], HourShown(0, 0, 0, 0, None, None, None), [])
DISCONNECT = {"type": "http.disconnect"}


class Still(Overview):
    """An overview in which nothing ever changes."""

    def __init__(self) -> None:
        pass

    async def look(self) -> OverviewShown:
        return SHOWN

    def at_once(self) -> OverviewShown:
        return SHOWN


class Caller:
    """The server's side of a connection."""

    def __init__(self) -> None:
        self.inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.inbox.put_nowait({"type": "http.request", "body": b"", "more_body": False})
        self.got: list[dict[str, Any]] = []
        self.reads = True
        self.left_place = False
        self.scope: Any = {"state": {"step_aside": self._left_place}}

    def _left_place(self) -> None:
        self.left_place = True

    async def receive(self) -> Any:
        return await self.inbox.get()

    async def send(self, message: Any) -> None:
        if not self.reads:
            await asyncio.Event().wait()
        self.got.append(message)


def feed(send_seconds_max: float = 60) -> Feed:
    return Feed(Events(), Still(), SystemClock(), send_seconds_max=send_seconds_max)


async def may_stay() -> bool:
    return True


def opened(house: Feed, caller: Caller) -> "asyncio.Task[None]":
    return asyncio.ensure_future(EventStream(house, None, may_stay)(caller.scope, caller.receive, caller.send))


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - a test may look now and then
            await asyncio.sleep(0.005)


@pytest.mark.parametrize("last", [DISCONNECT, {"type": "http.request", "body": b"x", "more_body": True}])
async def test_a_caller_who_leaves_or_sends_a_body_is_let_go_at_once(last: dict[str, Any]) -> None:
    house, caller = feed(), Caller()
    running = opened(house, caller)
    await until(lambda: len(caller.got) == 2)
    assert caller.left_place
    assert caller.got[1]["body"].startswith(b"id: 0\nevent: overview\ndata: {")
    caller.inbox.put_nowait(last)
    async with asyncio.timeout(1):
        await running
    assert house.events.subscribers == 0


async def test_a_caller_who_stops_reading_is_let_go_in_time() -> None:
    house, caller = feed(send_seconds_max=0.1), Caller()
    running = opened(house, caller)
    await until(lambda: len(caller.got) == 2)
    caller.reads = False
    house.events.publish("job", 1)
    async with asyncio.timeout(2):
        await running
    assert house.events.subscribers == 0


async def test_the_end_of_the_appliance_does_not_wait_for_a_caller_who_stopped_reading() -> None:
    house, caller = feed(), Caller()
    running = opened(house, caller)
    await until(lambda: len(caller.got) == 2)
    caller.reads = False
    house.events.publish("job", 1)
    await asyncio.sleep(0.01)
    house.end()
    async with asyncio.timeout(STOP_SECONDS_MAX + 1):
        await running
    assert house.events.subscribers == 0


async def test_the_end_ends_the_stream_properly() -> None:
    house, caller = feed(), Caller()
    running = opened(house, caller)
    await until(lambda: len(caller.got) == 2)
    house.events.publish("job", {"done": True})
    house.end()
    async with asyncio.timeout(1):
        await running
    assert caller.got[-2]["body"] == b'id: 1\nevent: job\ndata: {"done":true}\n\n'
    assert caller.got[-1]["more_body"] is False


@pytest.mark.parametrize("reads", [True, False])
async def test_who_may_not_stay_gets_nothing_more_though_they_are_stuck(reads: bool) -> None:
    house, caller = feed(), Caller()
    welcome = asyncio.Event()

    async def until_put_out() -> bool:
        await welcome.wait()
        return False

    running = asyncio.ensure_future(EventStream(house, None, until_put_out)(caller.scope, caller.receive, caller.send))
    await until(lambda: len(caller.got) == 2)
    caller.reads = reads
    house.events.publish("model", {"name": "secret"})
    welcome.set()
    async with asyncio.timeout(STOP_SECONDS_MAX / 2):
        await running
    assert not house.events.subscribers
