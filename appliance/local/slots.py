"""Who may use a model now, and who waits. Callers take turns; the queue has a bound, and nobody can fill it alone."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Hashable, Iterator

import msgspec

from appliance.errors import QueueFull

_SECONDS_AT_FIRST = 5.0
_RETRY_SECONDS_MAX = 600.0
_SHARE_OF_WHAT_IS_FREE = 3


class Ticket(msgspec.Struct, eq=False):
    """Someone's place: `width` slots (one for each choice asked for), held since a moment.

    before: how many will have their turn earlier, as things stand; None where nobody waits for it any more.
    """

    width: int
    caller: Hashable
    since: float = 0.0
    is_held: bool = False
    before: int | None = None
    news: asyncio.Event = msgspec.field(default_factory=asyncio.Event)


class Slots:
    """A model's parallel places. Inside one event loop.

    Turns go round the callers that wait, first come first served among the requests of each, so that whoever has sixty
    requests waiting holds up somebody else's only one by a single turn. A request for several choices waits at the head
    until there is room for all of them: nobody overtakes it, or narrow ones would keep it waiting for ever.
    """

    def __init__(self, capacity: int, waiting_max: int) -> None:
        self.capacity = capacity
        self.running = 0
        self.waiting = 0
        self._waiting_max = waiting_max
        self._free = capacity
        self._queues: dict[Hashable, deque[Ticket]] = {}  # in the order of their turns; a caller is here while one waits
        self._usual_seconds = _SECONDS_AT_FIRST
        self._telling: asyncio.Handle | None = None

    def enter(self, width: int, now: float, caller: Hashable = None) -> Ticket:
        """A ticket: held at once, or waiting for its turn (`positions`). Whoever entered gives it back, held or not.

        Errors:  QueueFull. `width` must not exceed the capacity.
        """
        assert 0 < width <= self.capacity
        ticket = Ticket(width, caller, now)
        if not self.waiting and self._free >= width:
            self._hold(ticket)
            return ticket
        if not self._may_wait(caller):
            raise QueueFull(
                f"the local model has {self.running} requests running and {self.waiting} waiting",
                fix="Try again after the time that Retry-After says, or ask for another model.",
                retry_after_seconds=self.wait_seconds(),
            )
        self._queues.setdefault(caller, deque()).append(ticket)
        self.waiting += 1
        self._moved()
        return ticket

    def _may_wait(self, caller: Hashable) -> bool:
        """Nobody who waits is ever sent away for another, so places must be left for those who come later.

        A caller may add one while it has fewer waiting than three times the places that are still free (a dynamic
        threshold, as switches have it for shared buffers): alone it gets three quarters of the queue, ten greedy callers
        get an equal part each, and there is room for who has none waiting until many callers have filled all of it.
        """
        own = len(self._queues.get(caller, ()))
        return own < _SHARE_OF_WHAT_IS_FREE * (self._waiting_max - self.waiting)

    async def positions(self, ticket: Ticket) -> AsyncGenerator[int, None]:
        """How many are before this ticket, whenever that changes; ends once it is held."""
        told = None
        while not ticket.is_held:
            if ticket.before is not None and ticket.before != told:
                told = ticket.before
                yield told
                continue
            ticket.news.clear()
            await ticket.news.wait()

    async def take(self, width: int, now: float, caller: Hashable = None) -> Ticket:
        """Enter, and wait for the turn. Errors: QueueFull, at once. A cancelled waiter leaves nothing behind."""
        ticket = self.enter(width, now, caller)
        try:
            async for _ in self.positions(ticket):
                pass
        except BaseException:
            self.give_back(ticket, now)
            raise
        return ticket

    def give_back(self, ticket: Ticket, now: float) -> None:
        """Free a ticket's slots, or its place in the queue; a second time does nothing."""
        if ticket.is_held:
            ticket.is_held = False
            self._free += ticket.width
            self.running -= 1
            self._usual_seconds += 0.2 * (max(now - ticket.since, 0.0) - self._usual_seconds)
        elif ticket in (queue := self._queues.get(ticket.caller, deque())):
            queue.remove(ticket)
            if not queue:
                del self._queues[ticket.caller]
            self.waiting -= 1
        self._next(now)

    def wait_seconds(self) -> float:
        """Roughly when all that wait now will have had their turns."""
        return min(max(1.0, round(self._usual_seconds * (self.waiting + 1) / self.capacity)), _RETRY_SECONDS_MAX)

    def _next(self, now: float) -> None:
        while self._queues:
            caller = next(iter(self._queues))
            queue = self._queues[caller]
            if self._free < queue[0].width:
                break
            del self._queues[caller]
            ticket = queue.popleft()
            if queue:
                self._queues[caller] = queue  # behind the others
            self.waiting -= 1
            ticket.since = now
            self._hold(ticket)
            ticket.news.set()
        self._moved()

    def _hold(self, ticket: Ticket) -> None:
        ticket.is_held = True
        self._free -= ticket.width
        self.running += 1

    def _moved(self) -> None:
        """Tell those who wait, once for all that happens in one turn of the event loop: the look costs time for each."""
        if self.waiting and self._telling is None:
            self._telling = asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        self._telling = None
        for before, ticket in enumerate(self._in_order()):
            if ticket.before != before:
                ticket.before = before
                ticket.news.set()

    def _in_order(self) -> Iterator[Ticket]:
        """Those who wait, in the order in which they will have their turns if nobody else comes."""
        rounds = [iter(queue) for queue in self._queues.values()]
        while rounds:
            going_on = []
            for one in rounds:
                if (ticket := next(one, None)) is not None:
                    yield ticket
                    going_on.append(one)
            rounds = going_on
