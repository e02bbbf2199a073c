"""Events as they happen, for a screen that stays open: server-sent events over the bus of telemetry/events.py.

A reader takes no place among the requests and is no reason for a stopping appliance to wait. That it has gone only
`receive()` tells (`send()` never does), and one that stops reading would block `send()` for ever: both are looked after here.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Protocol

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example
from litestar.types import ASGIApp, Receive, Scope, Send

from appliance import errors
from appliance.api.admin.access import requires, still_may
from appliance.api.admin.overview import EXAMPLE, Overview, OverviewShown
from appliance.api.door import from_loopback, step_aside
from appliance.api.error_answers import error_answers
from appliance.clock import Clock
from appliance.telemetry.events import Event, Events, Subscription

OVERVIEW = "overview"
LOOK_SECONDS = 1.0
SIGN_OF_LIFE_SECONDS = 10.0
LOOK_AGAIN_SECONDS = 5.0
STOP_SECONDS_MAX = 1.0
_ID_DIGITS_MAX = 18
_SIGN_OF_LIFE = b": still here\n\n"
_HEAD = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache"),
    (b"x-accel-buffering", b"no"),
]


class EventFeed(Protocol):
    """What a reader is served from."""

    events: Events
    send_seconds_max: float
    remote: set[asyncio.Future[None]]

    async def greeting(self, subscription: Subscription) -> list[Event]: ...


class Feed:
    """The bus with overviews on it: one whenever something changed, while somebody listens."""

    def __init__(self, events: Events, overview: Overview, clock: Clock, *, send_seconds_max: float) -> None:
        self.events = events
        self.send_seconds_max = send_seconds_max
        self._overview = overview
        self._clock = clock
        self._looking: asyncio.Task[None] | None = None
        self._last: OverviewShown | None = None
        self.remote: set[asyncio.Future[None]] = set()  # what is being written to readers on other machines

    async def greeting(self, subscription: Subscription) -> list[Event]:
        """What a new reader gets at once: events since the one that it names, then the present overview."""
        shown = await self._overview.look()
        if self._looking is None or self._looking.done():
            self._last = _without_uptime(shown)
            self._looking = asyncio.ensure_future(self._look())
        return [*subscription.unseen(), Event(self.events.last_id, OVERVIEW, msgspec.json.encode(shown))]

    async def _look(self) -> None:
        while True:
            await self._clock.sleep(LOOK_SECONDS)
            if not self.events.subscribers or self.events.ended.is_set():
                return
            self._tell(await self._overview.look())

    def _tell(self, shown: OverviewShown) -> None:
        comparable = _without_uptime(shown)
        if comparable != self._last:
            self._last = comparable
            self.events.publish(OVERVIEW, shown)

    def end(self) -> None:
        """The appliance begins to stop: readers are told, and their streams end."""
        if self.events.subscribers:
            self._tell(self._overview.at_once())
        self.events.end()

    def end_remote(self) -> None:
        """The local network is closed: readers on other machines are cut off, those on this one go on."""
        for writing in self.remote:
            writing.cancel()


def _without_uptime(shown: OverviewShown) -> OverviewShown:
    return msgspec.structs.replace(shown, uptime_seconds=0)


class EventStream:
    """One reader's answer, as plain ASGI. `still_may` (access.py) is asked again and again: who is put out reads no further."""

    def __init__(self, feed: EventFeed, after: int | None, still_may: Callable[[], Awaitable[bool]]) -> None:
        self._feed = feed
        self._after = after
        self._still_may = still_may

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Errors: Overloaded, before anything is sent."""
        subscription = self._feed.events.subscribe(self._after)
        step_aside(scope)  # type: ignore[arg-type]  # Litestar's scope is a TypedDict
        leaving = asyncio.ensure_future(_until_left(receive))
        writing = asyncio.ensure_future(self._write(subscription, send))
        ending = asyncio.ensure_future(self._feed.events.ended.wait())
        put_out = asyncio.ensure_future(self._until_put_out())
        if not from_loopback(dict(scope)):
            self._feed.remote.add(writing)
        try:
            await asyncio.wait([leaving, writing, ending, put_out], return_when=asyncio.FIRST_COMPLETED)
            if not (
                leaving.done() or put_out.done()
            ):  # with the bus, the stream ends by itself; but not where its reader is stuck
                await asyncio.wait([leaving, writing], timeout=STOP_SECONDS_MAX, return_when=asyncio.FIRST_COMPLETED)
        finally:
            subscription.close()
            self._feed.remote.discard(writing)
            for task in (leaving, writing, ending, put_out):
                task.cancel()
            await asyncio.gather(leaving, ending, put_out, return_exceptions=True)
        if writing.done() and not writing.cancelled():
            writing.result()

    async def _until_put_out(self) -> None:
        while await self._still_may():  # noqa: ASYNC110 - nobody announces that a sign-in ends
            await asyncio.sleep(LOOK_AGAIN_SECONDS)

    async def _write(self, subscription: Subscription, send: Send) -> None:
        greeting = await self._feed.greeting(subscription)
        try:
            async with asyncio.timeout(self._feed.send_seconds_max):
                await send({"type": "http.response.start", "status": 200, "headers": _HEAD})
            events = greeting
            while events or not self._feed.events.ended.is_set():
                await self._piece(send, b"".join(map(_written, events)) or _SIGN_OF_LIFE)
                events = await subscription.take(SIGN_OF_LIFE_SECONDS)
            await self._piece(send, b"", last=True)
        except TimeoutError:
            pass  # nobody reads: whoever opened the stream can open another

    async def _piece(self, send: Send, data: bytes, *, last: bool = False) -> None:
        async with asyncio.timeout(self._feed.send_seconds_max):
            await send({"type": "http.response.body", "body": data, "more_body": not last})


def _written(event: Event) -> bytes:
    return b"id: %d\nevent: %s\ndata: %s\n\n" % (event.id, event.name.encode(), event.data)


async def _until_left(receive: Receive) -> None:
    while True:
        message = await receive()
        if message["type"] == "http.disconnect" or message.get("body"):  # a GET has no body: who sends one is not read
            return


def last_seen(request: Request[Any, Any, Any]) -> int | None:
    given = request.headers.get("last-event-id", "")
    return int(given) if given.isascii() and given.isdigit() and len(given) <= _ID_DIGITS_MAX else None


_EXAMPLE = _written(Event(7, OVERVIEW, msgspec.json.encode(EXAMPLE))).decode()


@get(
    "/api/v1/admin/events",
    guards=[requires("overview:read")],
    summary="What happens, as it happens",
    description="Server-sent events: `overview` (at once, then whenever something changed, once a second at most), `model` (a "
    "local model whose state changed), `job` (its progress, five times a second at most, and its end), `routes` (names of the "
    "providers and routes that were made, changed or removed), and `dropped` with the "
    "count of events that this reader was too slow for. `Last-Event-ID` resumes. A comment every 10 s shows life.",
    tags=["Admin"],
    responses={
        200: ResponseSpec(
            str,
            generate_examples=False,
            media_type="text/event-stream",
            description="Events, until the caller leaves, their sign-in ends, or the appliance stops.",
            examples=[Example(summary="An overview", value=_EXAMPLE)],
        ),
        **error_answers(errors.TokenInvalid, errors.Forbidden),
    },
    sync_to_thread=False,
)
def events(request: Request[Any, Any, Any], feed: NamedDependency[Feed]) -> ASGIApp:
    return EventStream(feed, last_seen(request), still_may(request))


routes: list[Any] = [events]
