"""When a deployment is left alone for a while: by the rate of its failures, or at once where it refuses our credential.

closed → open (too many failures within the window) → half-open (the time is up: one request is let through as a probe) →
closed (it succeeded) or open again, twice as long. A caller's own mistake never counts.

A prompt can make a provider fail that serves everybody else. So what one caller's failures open is open to that caller alone,
until a request of another fails as well. And a verdict counts only of what was sent since the circuit last changed: an answer
that was on its way when it opened says nothing of now.
"""

from collections import deque
from typing import Literal

from appliance.errors import GatehouseError
from appliance.routing.route import BreakerRules

State = Literal["closed", "open", "half-open"]

OPEN_SECONDS_MAX = 120.0
EVENTS_MAX = 2_000
PROBE_SECONDS_MAX = 60.0  # a probe that was lost is not waited for
NOBODY = 0


class CircuitBreaker:
    """Of one deployment. `now` and `sent` are monotonic seconds, passed in; `asker` is a number of whoever asks."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, int | None]] = deque(maxlen=EVENTS_MAX)  # when, and whose failure it was
        self._failures = 0
        self._since = 0.0  # what was sent before says nothing
        self._open_until = 0.0
        self._opened_times = 0
        self._only_to: int | None = None  # the one whose failures alone opened it
        self._probe_at: float | None = None
        self.error: GatehouseError | None = None  # the last one that counted

    @property
    def why(self) -> str:
        return self.error.message if self.error is not None else ""

    def state(self, now: float) -> State:
        if self._opened_times == 0:
            return "closed"
        return "open" if now < self._open_until else "half-open"

    def allows(self, now: float, asker: int = NOBODY) -> bool:
        """May a request go there? In half-open only as the probe, which `take` claims."""
        if self._opened_times == 0 or self._is_closed_to(asker):
            return True
        return now >= self._open_until and (self._probe_at is None or now - self._probe_at > PROBE_SECONDS_MAX)

    @property
    def is_tried_again(self) -> bool:
        """It was open, and hasn't closed since."""
        return self._opened_times > 0

    def take(self, now: float, asker: int = NOBODY) -> None:
        """A request is about to be sent; in half-open it is the probe."""
        if self._opened_times and not self._is_closed_to(asker):
            self._probe_at = now

    def seconds_left(self, now: float) -> float:
        return max(self._open_until - now, 0.0) if self._opened_times else 0.0

    def succeeded(self, now: float, rules: BreakerRules, *, sent: float, asker: int = NOBODY) -> bool:
        """True: this closed it."""
        if sent < self._since or (self._opened_times and self._is_closed_to(asker)):
            return False
        if self._opened_times:
            self._forget()
            self._since = now
            return True
        self._note(now, None, rules.window_seconds)
        return False

    def failed(
        self, now: float, rules: BreakerRules, error: GatehouseError, *, sent: float, asker: int = NOBODY, at_once: bool = False
    ) -> bool:
        """True: this opened it, or opened it to everybody."""
        if self._opened_times and self._is_closed_to(asker):
            self.error, self._only_to = error, None
            if now >= self._open_until:
                self._open(now, rules)
            return True
        if sent < self._since:
            return False
        self.error = error
        if self._opened_times:  # the probe
            self._open(now, rules)
            return True
        self._note(now, asker, rules.window_seconds)
        enough = len(self._events) >= rules.requests_min and self._failures >= rules.failure_rate * len(self._events)
        if not (at_once or enough):
            return False
        others = at_once or any(whose not in (None, asker) for _, whose in self._events)
        self._only_to = None if others else asker
        self._open(now, rules)
        return True

    def let_go(self, *, sent: float) -> None:
        """The probe ended without a verdict: its caller left, or made a mistake of their own."""
        if sent >= self._since:
            self._probe_at = None

    def _is_closed_to(self, asker: int) -> bool:
        """Of one that is open: is this not its business?"""
        return self._only_to is not None and asker != self._only_to

    def _open(self, now: float, rules: BreakerRules) -> None:
        self._opened_times += 1
        longer = 2.0 ** min(self._opened_times - 1, 10)
        self._since = self._open_until = now + min(rules.open_seconds * longer, max(OPEN_SECONDS_MAX, rules.open_seconds))
        self._probe_at = None

    def _forget(self) -> None:
        self._events.clear()
        self._failures = self._opened_times = 0
        self._probe_at = self._only_to = None
        self.error = None

    def _note(self, now: float, whose: int | None, window_seconds: float) -> None:
        events = self._events
        if len(events) == EVENTS_MAX:
            self._failures -= events[0][1] is not None
        events.append((now, whose))
        self._failures += whose is not None
        while events[0][0] < now - window_seconds:
            self._failures -= events.popleft()[1] is not None
