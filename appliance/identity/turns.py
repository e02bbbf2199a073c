"""Waiting for one's turn: some at a time for each name, for what would be refused if all came at once. Bounded memory."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from appliance.errors import Overloaded


class _Place:
    def __init__(self, at_once: int) -> None:
        self.free = asyncio.Semaphore(at_once)
        self.inside = 0  # those who wait as well


class Turns:
    """`at_once` of a name at a time; `waiting_max` more of it wait, the first come first."""

    def __init__(self, *, at_once: int, waiting_max: int) -> None:
        self._at_once = at_once
        self._inside_max = at_once + waiting_max
        self._places: dict[str, _Place] = {}

    @asynccontextmanager
    async def of(self, name: str) -> AsyncIterator[None]:
        """Errors: Overloaded: too many wait already."""
        place = self._places.setdefault(name, _Place(self._at_once))
        if place.inside >= self._inside_max:
            raise Overloaded("too many people are signing in at once", fix="Try again in a moment.", retry_after_seconds=2)
        place.inside += 1
        try:
            async with place.free:
                yield
        finally:
            place.inside -= 1
            if not place.inside:
                del self._places[name]
