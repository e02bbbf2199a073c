"""One exchange by itself; what callers see of it is tested with the server."""

import asyncio
import gc
import time
import weakref
from collections.abc import Callable, Iterator
from typing import Any

from appliance.api.exchange import Bounds, Exchange

BOUNDS = Bounds(
    body_bytes_max=1_000,
    header_bytes_max=1_000,
    body_seconds_max=10,
    send_seconds_max=10,
    request_seconds_max=10,
    keepalive_seconds=10,
    buffered_bytes_max=10_000,
)


class Waiting:
    """A future as Granian's receive() gives one: cancelled, it still holds what it was to call."""

    def __init__(self) -> None:
        self.callbacks: list[Callable[[Any], None]] = []
        self.is_cancelled = False

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        self.callbacks.append(callback)

    def remove_done_callback(self, callback: Callable[[Any], None]) -> None:
        self.callbacks.remove(callback)

    def cancel(self) -> None:
        self.is_cancelled = True


async def test_one_that_was_looked_at_leaves_nothing_to_the_garbage_collector() -> None:
    body: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    body.set_result({"type": "http.request", "body": b"{}"})
    waiting = Waiting()
    messages: Iterator[Any] = iter((body, waiting))

    async def send(message: dict[str, Any]) -> None: ...

    exchange = Exchange({"headers": []}, lambda: next(messages), send, BOUNDS)
    await exchange.body()
    exchange.look_after(time.monotonic())
    gc.disable()
    try:
        exchange.close()
        gone = weakref.ref(exchange)
        del exchange
        assert waiting.is_cancelled, "nobody waits for the caller to leave any more"
        assert gone() is None
    finally:
        gc.enable()
