"""When a deployment is left alone for a while: by the rate of its failures, or at once where it refuses our credential.

closed → open (too many failures within the window) → half-open (the time is up: one request is let through as a probe) →
closed (it succeeded) or open again, twice as long. A caller's own mistake never counts.
"""

from collections import deque
from typing import Literal

from appliance.errors import GatehouseError
from appliance.routing.route import BreakerRules

State = Literal["closed", "open", "half-open"]

OPEN_SECONDS_MAX = 120.0
EVENTS_MAX = 2_000
PROBE_SECONDS_MAX = 60.0  # a probe that was lost is not waited for


class CircuitBreaker:
    """Of one deployment. `now` is monotonic seconds, passed in."""

    def __init__(self) -> None:
        self._events: deque[tuple[float, bool]] = deque(maxlen=EVENTS_MAX)
        self._failures = 0
        self._open_until = 0.0
        self._opened_times = 0
        self._probe_at: float | None = None
        self.error: GatehouseError | None = None  # the last one that counted

    @property
    def why(self) -> str:
        return self.error.message if self.error is not None else ""

    def state(self, now: float) -> State:
        if self._opened_times == 0:
            return "closed"
        return "open" if now < self._open_until else "half-open"

    def allows(self, now: float) -> bool:
        """May a request go there? In half-open only as the probe, which `take` claims."""
        if self._opened_times == 0:
            return True
        return now >= self._open_until and (self._probe_at is None or now - self._probe_at > PROBE_SECONDS_MAX)

    @property
    def is_tried_again(self) -> bool:
        """It was open, and hasn't closed since."""
        return self._opened_times > 0

    def take(self, now: float) -> None:
        """A request is about to be sent; in half-open it is the probe."""
        if self._opened_times:
            self._probe_at = now

    def seconds_left(self, now: float) -> float:
        return max(self._open_until - now, 0.0) if self._opened_times else 0.0

    def succeeded(self, now: float, rules: BreakerRules) -> bool:
        """True: this closed it."""
        if self._opened_times:
            self._forget()
            return True
        self._note(now, False, rules.window_seconds)
        return False

    def failed(self, now: float, rules: BreakerRules, error: GatehouseError, *, at_once: bool = False) -> bool:
        """True: this opened it."""
        self.error = error
        if self._opened_times:
            if now >= self._open_until:  # the probe
                self._open(now, rules)
                return True
            return False
        self._note(now, True, rules.window_seconds)
        enough = len(self._events) >= rules.requests_min and self._failures >= rules.failure_rate * len(self._events)
        if at_once or enough:
            self._open(now, rules)
            return True
        return False

    def let_go(self) -> None:
        """The probe ended without a verdict: its caller left, or made a mistake of their own."""
        self._probe_at = None

    def _open(self, now: float, rules: BreakerRules) -> None:
        self._opened_times += 1
        longer = 2.0 ** min(self._opened_times - 1, 10)
        self._open_until = now + min(rules.open_seconds * longer, max(OPEN_SECONDS_MAX, rules.open_seconds))
        self._probe_at = None

    def _forget(self) -> None:
        self._events.clear()
        self._failures = self._opened_times = 0
        self._probe_at = None
        self.error = None

    def _note(self, now: float, failed: bool, window_seconds: float) -> None:
        events = self._events
        if len(events) == EVENTS_MAX:
            self._failures -= events[0][1]
        events.append((now, failed))
        self._failures += failed
        while events[0][0] < now - window_seconds:
            self._failures -= events.popleft()[1]
