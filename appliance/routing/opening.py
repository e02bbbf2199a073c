"""One attempt up to its first words, and two of them side by side."""

import asyncio
import time
from collections.abc import Awaitable
from typing import Protocol, TypeVar

from appliance.chat import Chunk, Chunks
from appliance.errors import FirstTokenLate, UpstreamCut
from appliance.routing.route import Route, Target
from appliance.routing.router import Attempt

T = TypeVar("T")

AHEAD_MAX = 256


class Send(Protocol):
    """Sends the request to a deployment; the first chunk may take long. Whoever iterates closes it."""

    async def __call__(self, route: Route, target: Target) -> Chunks: ...


class Opening:
    """One attempt. `sign` until it gives None; then `ahead` and `chunks` are its answer, and whoever takes it closes `chunks`.

    until: when its first words must be here, in monotonic seconds. error: why they never were, where it ran in a race.
    """

    def __init__(self, route: Route, attempt: Attempt, send: Send, until: float | None) -> None:
        self.route = route
        self.attempt = attempt
        self.ahead: list[Chunk] = []
        self.chunks: Chunks | None = None
        self.error: BaseException | None = None
        self._send = send
        self._until = until

    async def sign(self) -> Chunk | None:
        """Read ahead until something is said, or shows life: that is given back, to be passed on. None: it has begun to speak.

        Errors:  what sending it meant; UpstreamCut where nothing is ever said; FirstTokenLate. Whoever asked closes it then.
        """
        until = self._until
        if self.chunks is None:
            sending = self._send(self.route, self.attempt.target)
            self.chunks = await (sending if until is None else _within(sending, until))
        chunks = self.chunks
        while True:
            try:
                chunk = await (anext(chunks) if until is None else _within(anext(chunks), until))
            except StopAsyncIteration:
                raise UpstreamCut("the answer ended before it began", fix="Try again.") from None
            if chunk.comment is not None and not chunk.deltas:
                return chunk
            self.ahead.append(chunk)
            if _says_something(chunk) or len(self.ahead) >= AHEAD_MAX:
                self.attempt.begun = time.monotonic()
                return None

    async def run(self) -> None:
        """The same in a task of its own, for a race: signs of life are nobody's then, and an error is kept."""
        try:
            while await self.sign() is not None:
                pass
        except asyncio.CancelledError:
            await self.close()
            raise
        except BaseException as error:
            await self.close()
            self.error = error

    async def close(self) -> None:
        """Nobody wants its answer any more."""
        if self.chunks is not None:
            await self.chunks.aclose()


class Race:
    """Attempts side by side. `end` in any case: it ends those that are still on their way."""

    def __init__(self, first: Opening) -> None:
        self._running: dict[asyncio.Task[None], Opening] = {}
        self._done: list[Opening] = []
        self.join(first)

    def join(self, opening: Opening) -> None:
        self._running[asyncio.ensure_future(opening.run())] = opening

    async def has_news(self, seconds: float | None) -> bool:
        """Has any spoken, or failed, within so long?"""
        done, _ = await asyncio.wait(self._running, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        return bool(done)

    async def next(self) -> Opening | None:
        """The next that has spoken or failed; None: there is no other."""
        if not self._running:
            return None
        done, _ = await asyncio.wait(self._running, return_when=asyncio.FIRST_COMPLETED)
        opening = self._running.pop(next(iter(done)))
        self._done.append(opening)
        return opening

    async def end(self) -> list[Opening]:
        """Cancel what still runs, and wait until it has let go. Those that were cancelled, or have spoken unheard, closed."""
        losers = list(self._running.values())
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for loser in losers:
            await loser.close()
        return losers


async def _within(waited_for: Awaitable[T], until: float) -> T:
    """Errors: FirstTokenLate."""
    try:
        async with asyncio.timeout_at(until):  # the event loop's clock is the monotonic one
            return await waited_for
    except TimeoutError:
        raise FirstTokenLate("the first token took too long", fix="Try again; the route sets first_token_seconds.") from None


def refuses(chunk: Chunk) -> bool:
    """Its first words are that there will be none."""
    return chunk.finish == "content_filter" or any(delta.refusal for delta in chunk.deltas)


def _says_something(chunk: Chunk) -> bool:
    """Words, a call, or an end: from here on it is the caller's answer."""
    if chunk.finish is not None:
        return True
    for delta in chunk.deltas:
        if delta.content or delta.reasoning or delta.tool_calls or delta.refusal or delta.signature or delta.redacted:
            return True
    return False
