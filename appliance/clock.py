"""Time, passed in: code that waits or dates things takes a Clock, so that a test can own time.

Two kinds that never mix: `now_ms` is wall-clock UTC for what is stored and shown (it may jump);
`monotonic` is seconds for durations and deadlines (it never goes backwards).
"""

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """What a room may ask of time."""

    def now_ms(self) -> int:
        """Wall clock: integer UTC milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds from an arbitrary start, for durations and deadlines."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait without blocking the event loop."""
        ...


class SystemClock:
    """The machine's own time."""

    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def rfc3339(milliseconds: int) -> str:
    """UTC milliseconds as people and JSON see them: `2026-11-25T13:17:08.123Z`."""
    moment = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds % 1000:03d}Z"


def milliseconds_of(text: str) -> int:
    """Of a day (`2026-11-25`, its beginning in UTC) or a moment in RFC 3339; one without an offset is UTC. Errors: ValueError."""
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp() * 1000)


def rfc3339_or_none(milliseconds: int | None) -> str | None:
    """The same for a moment that may never come: an expiry, a revocation."""
    return None if milliseconds is None else rfc3339(milliseconds)
