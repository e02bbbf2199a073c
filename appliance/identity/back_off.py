"""Waiting longer after each failure, for guessing passwords to lead nowhere. Bounded memory."""

import ipaddress
from collections import OrderedDict

import msgspec

from appliance.clock import Clock
from appliance.errors import TooManyAttempts

ENTRIES_MAX = 10_000
FORGOTTEN_AFTER_SECONDS = 3600.0


class _Tries(msgspec.Struct):
    count: int
    last: float
    blocked_until: float


class BackOff:
    """Counts tries by a name (an e-mail's key, an address). `free` tries cost nothing; each one more doubles the wait.

    A try is counted when it begins, so a hundred at the same time are a hundred; `forgive` takes it back.
    """

    def __init__(self, clock: Clock, *, free: int, first_wait_seconds: float = 1.0, wait_seconds_max: float = 300.0) -> None:
        self._clock = clock
        self._free = free
        self._first_wait = first_wait_seconds
        self._wait_max = wait_seconds_max
        self._tries: OrderedDict[str, _Tries] = OrderedDict()

    def begin(self, name: str) -> None:
        """Count a try. Errors: TooManyAttempts: it is not to be made, and not counted."""
        self.refuse_blocked(name)
        now = self._clock.monotonic()
        tries = self._tries.get(name)
        if tries is None or now - tries.last > FORGOTTEN_AFTER_SECONDS:
            tries = _Tries(0, now, now)
        tries.count += 1
        tries.last = now
        beyond = tries.count - self._free
        if beyond >= 0:
            tries.blocked_until = now + min(self._first_wait * 2.0 ** min(beyond, 30), self._wait_max)
        self._tries[name] = tries
        self._tries.move_to_end(name)
        if len(self._tries) > ENTRIES_MAX:
            self._tries.popitem(last=False)

    def refuse_blocked(self, name: str) -> None:
        """Count nothing: for a try that is known to have failed before `begin` counts it. Errors: TooManyAttempts."""
        tries = self._tries.get(name)
        wait = 0.0 if tries is None else tries.blocked_until - self._clock.monotonic()
        if wait > 0:
            raise TooManyAttempts(
                "too many failed attempts", fix="Wait as long as Retry-After says, then try again.", retry_after_seconds=wait
            )

    def forgive(self, name: str) -> None:
        """The try that was counted last was no failure."""
        tries = self._tries.get(name)
        if tries is not None:
            tries.count -= 1
            tries.blocked_until = self._clock.monotonic()

    def forget(self, name: str) -> None:
        """All is forgiven: whoever it is has shown who they are."""
        self._tries.pop(name, None)


def network(address: str) -> str:
    """What counts as one address: a whole /64 in IPv6, where one machine has as many as it likes."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
