"""Who may use a model now, and who waits. First come, first served; the queue has a bound."""

import asyncio
from collections import deque

import msgspec

from appliance.errors import QueueFull

_SECONDS_AT_FIRST = 5.0
_RETRY_SECONDS_MAX = 600.0


class Ticket(msgspec.Struct):
    """Someone's place: `width` slots (one for each choice asked for), held since a moment."""

    width: int
    since: float = 0.0
    is_held: bool = False


class Slots:
    """A model's parallel places. Inside one event loop."""

    def __init__(self, capacity: int, waiting_max: int) -> None:
        self.capacity = capacity
        self.running = 0
        self._waiting_max = waiting_max
        self._free = capacity
        self._waiting: deque[tuple[Ticket, asyncio.Future[None]]] = deque()
        self._usual_seconds = _SECONDS_AT_FIRST

    @property
    def waiting(self) -> int:
        return len(self._waiting)

    async def take(self, width: int, now: float) -> Ticket:
        """Wait for `width` slots; `width` must not exceed the capacity.

        Errors:  QueueFull, at once, when as many are waiting as may. A cancelled waiter leaves nothing behind.
        """
        assert 0 < width <= self.capacity
        ticket = Ticket(width, now)
        if not self._waiting and self._free >= width:
            self._hold(ticket)
            return ticket
        if len(self._waiting) >= self._waiting_max:
            raise QueueFull(
                f"the local model has {self.running} requests running and {len(self._waiting)} waiting",
                fix="Try again after the time that Retry-After says, or ask for another model.",
                retry_after_seconds=self.wait_seconds(),
            )
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((ticket, turn))
        try:
            await turn
        except asyncio.CancelledError:
            if ticket.is_held:  # its turn came in the same moment
                self.give_back(ticket, now)
            else:
                self._waiting.remove((ticket, turn))
                self._next()
            raise
        return ticket

    def give_back(self, ticket: Ticket, now: float) -> None:
        """Free a ticket's slots; a second time does nothing."""
        if not ticket.is_held:
            return
        ticket.is_held = False
        self._free += ticket.width
        self.running -= 1
        self._usual_seconds += 0.2 * (max(now - ticket.since, 0.0) - self._usual_seconds)
        self._next()

    def wait_seconds(self) -> float:
        """Roughly when the queue will have moved up by one."""
        return min(max(1.0, round(self._usual_seconds * (len(self._waiting) + 1) / self.capacity)), _RETRY_SECONDS_MAX)

    def _next(self) -> None:
        while self._waiting and self._free >= self._waiting[0][0].width:
            ticket, turn = self._waiting.popleft()
            if not turn.done():
                self._hold(ticket)
                turn.set_result(None)

    def _hold(self, ticket: Ticket) -> None:
        ticket.is_held = True
        self._free -= ticket.width
        self.running += 1
