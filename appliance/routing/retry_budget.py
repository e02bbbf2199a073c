"""Retries may be a fifth of the requests in a window: where everything fails they would be a storm of their own."""

from collections import deque

WINDOW_SECONDS = 10.0
SHARE_MAX = 0.2
ALWAYS = 10  # in a window, so that an appliance with few requests may retry at all


class RetryBudget:
    """Of one route. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._requests: deque[float] = deque(maxlen=100_000)
        self._retries: deque[float] = deque(maxlen=100_000)

    def request(self, now: float) -> None:
        self._requests.append(now)
        _drop_old(self._requests, now)

    def take(self, now: float) -> bool:
        """One more retry, where there may be one."""
        _drop_old(self._requests, now)
        _drop_old(self._retries, now)
        if len(self._retries) >= max(ALWAYS, SHARE_MAX * len(self._requests)):
            return False
        self._retries.append(now)
        return True


def _drop_old(times: "deque[float]", now: float) -> None:
    while times and times[0] < now - WINDOW_SECONDS:
        times.popleft()
