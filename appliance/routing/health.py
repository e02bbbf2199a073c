"""What is known of each deployment from the requests that went there: how fast, how busy, how often it failed.

Kept in memory only: after a start everything is given a chance again. Bounded, since callers can make names up.
"""

import math
from collections import deque

from appliance.routing.circuit_breaker import NOBODY, CircuitBreaker
from appliance.routing.route import Limits

DEPLOYMENTS_MAX = 4_096
LATENCY_WEIGHT = 0.2  # of the newest answer in the moving average
FAILURE_SECONDS = 5.0  # what a failure counts as in the average: slower than nearly every answer
TIMES_KEPT = 64
TIMES_MIN = 20
MINUTE = 60.0


class Health:
    """Of one deployment."""

    __slots__ = ("_minute", "_minute_tokens", "_times", "breaker", "first_token_seconds", "limited_until", "running")

    def __init__(self) -> None:
        self.breaker = CircuitBreaker()
        self.running = 0
        self.first_token_seconds: float | None = None  # exponentially weighted; failures count
        self.limited_until = 0.0  # the provider said: not before
        self._times: deque[float] = deque(maxlen=TIMES_KEPT)
        self._minute: deque[tuple[float, int]] = deque()
        self._minute_tokens = 0

    def first_token(self, seconds: float) -> None:
        """An answer began after so long."""
        self._times.append(seconds)
        self._weigh(seconds)

    def failed(self) -> None:
        self._weigh(FAILURE_SECONDS)

    def _weigh(self, seconds: float) -> None:
        before = self.first_token_seconds
        self.first_token_seconds = seconds if before is None else before + LATENCY_WEIGHT * (seconds - before)

    def p95_seconds(self) -> float | None:
        """The time within which 95 of 100 answers began; None while there are too few."""
        if len(self._times) < TIMES_MIN:
            return None
        return sorted(self._times)[math.ceil(0.95 * len(self._times)) - 1]

    def has_room(self, limits: Limits, tokens: int, now: float) -> bool:
        """Would one more request of so many tokens keep within what the provider allows?"""
        minute = self._minute
        while minute and minute[0][0] < now - MINUTE:
            self._minute_tokens -= minute.popleft()[1]
        if limits.concurrent is not None and self.running >= limits.concurrent:
            return False
        if limits.requests_per_minute is not None and len(minute) >= limits.requests_per_minute:
            return False
        return limits.tokens_per_minute is None or self._minute_tokens + tokens <= limits.tokens_per_minute

    def began(self, limits: Limits | None, tokens: int, now: float, asker: int = NOBODY) -> None:
        """A request goes out."""
        self.running += 1
        self.breaker.take(now, asker)
        if limits is not None and (limits.requests_per_minute is not None or limits.tokens_per_minute is not None):
            self._minute.append((now, tokens))
            self._minute_tokens += tokens

    def seconds_to_room(self, now: float) -> float:
        """How long until the oldest request leaves the minute."""
        return max(self._minute[0][0] + MINUTE - now, 0.0) if self._minute else 0.0


class HealthBook:
    """The health of every deployment that was asked lately, by name."""

    def __init__(self) -> None:
        self._book: dict[str, Health] = {}

    def of(self, deployment: str) -> Health:
        found = self._book.get(deployment)
        if found is None:
            if len(self._book) >= DEPLOYMENTS_MAX:
                self._drop_one()
            found = self._book[deployment] = Health()
        return found

    def find(self, deployment: str) -> Health | None:
        """None: it wasn't asked lately. Looking leaves no trace, so a long list pushes nobody out."""
        return self._book.get(deployment)

    def known(self) -> dict[str, Health]:
        return dict(self._book)

    def forget(self, provider: str) -> None:
        """Everything known of a provider's deployments: its credential or its address was changed."""
        for name in [name for name in self._book if name.partition("/")[0] == provider]:
            if not self._book[name].running:
                del self._book[name]
            else:
                self._book[name].breaker = CircuitBreaker()

    def _drop_one(self) -> None:
        """The oldest that nothing runs on."""
        for name, health in self._book.items():
            if not health.running:
                del self._book[name]
                return
