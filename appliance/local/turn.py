"""One request's turn at a model: its slots, until the engine has really let go of them."""

from collections.abc import Callable

from appliance.clock import Clock
from appliance.local.slots import Slots, Ticket
from appliance.workers.process import Worker


class Turn:
    """Holds a ticket while a worker works for it, or may yet work for it again.

    An engine ends a cancelled call later than its reader leaves, and often a call long before a slow reader has read it:
    the slots are free when the engine is. Only where a worker died before anything was sent do they stay, for the one
    other try.
    """

    def __init__(self, slots: Slots, ticket: Ticket, clock: Clock) -> None:
        self.has_sent = False
        self.tries = 0
        self._slots = slots
        self._ticket = ticket
        self._clock = clock
        self._is_worked_for = False
        self._has_left = False

    @property
    def may_try_again(self) -> bool:
        return not self.has_sent and self.tries < 2

    def begin(self, worker: Worker) -> Callable[[], None]:
        """A worker begins; call what this returns when it has ended."""
        self._is_worked_for = True
        self.tries += 1

        def ended() -> None:
            self._is_worked_for = False
            if self._has_left or worker.is_alive or not self.may_try_again:
                self._give_back()

        return ended

    def leave(self) -> None:
        """The reader wants no more."""
        self._has_left = True
        if not self._is_worked_for:
            self._give_back()

    def _give_back(self) -> None:
        self._slots.give_back(self._ticket, self._clock.monotonic())
