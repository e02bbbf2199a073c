"""The event bus: what an admin's screen is told as it happens. In this process only, and bounded on every side.

One ring holds the last events for everybody. A subscriber is no more than a place in it, so that reading slowly, having
been away (`Last-Event-ID`) and joining late are the same thing: whoever is behind by more than the ring holds has lost
the oldest, and is told how many by a `dropped` event. Publishing never waits. All of it on the event loop's thread.
"""

import asyncio
from collections import deque
from itertools import islice
from typing import Any

import msgspec

from appliance.errors import Overloaded

EVENTS_KEPT = 256
SUBSCRIBERS_MAX = 64
DROPPED = "dropped"

_json = msgspec.json.Encoder().encode


class Event(msgspec.Struct, frozen=True):
    """Something that happened; `data` is JSON."""

    id: int
    name: str
    data: bytes


class Subscription:
    """One reader's place. Whoever subscribed closes it."""

    def __init__(self, bus: "Events", seen: int) -> None:
        self._bus = bus
        self._seen = seen  # the id up to which this reader was told everything
        self._news = asyncio.Event()

    async def take(self, seconds_max: float) -> list[Event]:
        """What this reader has not been told yet. Waits for it; nothing once `seconds_max` are over or the bus has ended."""
        if not (found := self.unseen()) and not self._bus.ended.is_set():
            self._news.clear()
            try:
                async with asyncio.timeout(seconds_max):
                    await self._news.wait()
            except TimeoutError:
                return []
            found = self.unseen()
        return found

    def unseen(self) -> list[Event]:
        """What is there now; counted as told."""
        lost, found = self._bus.after(self._seen)
        if found:
            if lost:
                found.insert(0, Event(found[0].id - 1, DROPPED, _json({"count": lost})))
            self._seen = found[-1].id
        return found

    def wake(self) -> None:
        self._news.set()

    def close(self) -> None:
        """Free the place. A second time does nothing."""
        self._bus.forget(self)


class Events:
    """The bus. One an appliance."""

    def __init__(self, first_id: int = 1, *, kept_max: int = EVENTS_KEPT, subscribers_max: int = SUBSCRIBERS_MAX) -> None:
        """`first_id`: above all those of earlier runs (the time of the start will do), so that a reader who comes back with
        an id of theirs is not taken for one who is ahead."""
        self._first_id = self._next_id = first_id
        self._ring: deque[Event] = deque(maxlen=kept_max)
        self._subscriptions: set[Subscription] = set()
        self._subscribers_max = subscribers_max
        self.ended = asyncio.Event()

    @property
    def last_id(self) -> int:
        return self._next_id - 1

    @property
    def subscribers(self) -> int:
        return len(self._subscriptions)

    def publish(self, name: str, data: Any) -> None:
        """Tell everybody. `data` becomes JSON."""
        self._ring.append(Event(self._next_id, name, _json(data)))
        self._next_id += 1
        for subscription in self._subscriptions:
            subscription.wake()

    def subscribe(self, after: int | None = None) -> Subscription:
        """A place from which to read: after this id, where the ring still has what came then; without one, from now on.

        Errors:  Overloaded when as many listen as may.
        """
        if len(self._subscriptions) >= self._subscribers_max:
            raise Overloaded(
                f"{self._subscribers_max} readers listen to the events already",
                fix="Close another window that shows them, then try again.",
                retry_after_seconds=10,
            )
        seen = self.last_id if after is None else min(max(after, self._first_id - 1), self.last_id)
        subscription = Subscription(self, seen)
        self._subscriptions.add(subscription)
        return subscription

    def after(self, seen: int) -> tuple[int, list[Event]]:
        """How many events after this id are lost, and those that are not."""
        wanted = self.last_id - seen
        return max(wanted - len(self._ring), 0), list(islice(self._ring, max(len(self._ring) - wanted, 0), None))

    def forget(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)

    def end(self) -> None:
        """The appliance stops: readers get what they have not seen, then nothing more."""
        self.ended.set()
        for subscription in self._subscriptions:
            subscription.wake()
