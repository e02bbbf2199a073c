"""The way of one request through a route: choose, send, and where it fails send again or go on to the next.

`Journey.signs` is the whole story:

    the route's deployments in the order of its strategy → those that failed for a moment, again → its fallbacks, likewise

Nothing is sent again once the first words of an answer are here: then they are the caller's.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, Awaitable
from contextlib import aclosing
from typing import Protocol, TypeVar

import msgspec

from appliance.chat import Chunk
from appliance.errors import FirstTokenLate, GatehouseError, UpstreamCut
from appliance.routing.failure import failure
from appliance.routing.route import Route, Target, chain
from appliance.routing.router import Attempt, Router
from appliance.routing.strategies import Place, Wanted
from appliance.routing.verdicts import REFUSED, Verdict, verdict

T = TypeVar("T")

BACK_OFF_SECONDS = 0.25
BACK_OFF_SECONDS_MAX = 2.0
RETRY_AFTER_SECONDS_MAX = 10.0  # beyond, whoever asked decides whether to come again
LIMIT_WAIT_SECONDS_MAX = 2.0  # for a provider at its limit, where there is no other
AHEAD_MAX = 256
ATTEMPTS_MAX = 20


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the way depends on. `deadline` in monotonic seconds; `may_repeat`: sending it twice does no harm."""

    wanted: Wanted
    deadline: float
    streamed: bool = False
    may_repeat: bool = True


class Send(Protocol):
    """Sends the request to a deployment; the first chunk may take long. Whoever iterates closes it."""

    async def __call__(self, route: Route, target: Target) -> AsyncGenerator[Chunk, None]: ...


class _Begun(msgspec.Struct, frozen=True):
    """An answer that has begun."""

    attempt: Attempt
    route: Route
    ahead: list[Chunk]
    chunks: AsyncGenerator[Chunk, None]


class Journey:
    """One request's. `signs` first; then `ahead` and `chunks` are the answer, and `over` tells how it ended.

    attempts: all that were made, in order; the last one answered, where one did.
    skipped:  deployments that were left out, and why.
    """

    def __init__(self, router: Router, route: Route, ask: Ask, send: Send) -> None:
        self.attempts: list[Attempt] = []
        self.skipped: list[Place] = []
        self.answered: Attempt | None = None
        self.ahead: list[Chunk] = []
        self.chunks: AsyncGenerator[Chunk, None] | None = None
        self._router = router
        self._route = route
        self._on = route  # the one of `route` and its fallbacks that it is on
        if route.local_only and not ask.wanted.local_only:  # its fallbacks are bound by it as well
            ask = msgspec.structs.replace(ask, wanted=msgspec.structs.replace(ask.wanted, local_only=True))
        self._ask = ask
        self._send = send
        self._verdicts: dict[str, Verdict] = {}  # the last one of each deployment that failed
        self._is_final = False
        self._has_waited = False
        self._refusal: _Begun | None = None

    async def signs(self) -> AsyncGenerator[Chunk, None]:
        """Signs of life, until an answer has begun.

        Errors:  what the attempts mean together; DeploymentsUnavailable where none could be made.
        """
        try:
            for route in chain(self._route):
                async with aclosing(self._through(route)) as signs:
                    async for sign in signs:
                        yield sign
                if self.answered is not None:
                    return
                if self._is_final:
                    break
            if self._refusal is not None:
                self._take(self._refusal)
                return
        finally:
            await self._let_refusal_go()
        raise failure(self._router, self.attempts, self.skipped)

    async def _through(self, route: Route) -> AsyncGenerator[Chunk, None]:
        """One route: each of its deployments once, then those that may do better again."""
        choice = self._router.choose(route, self._ask.wanted)
        self.skipped += choice.skipped
        self._router.budget(route.name).request(time.monotonic())
        for place in choice.places:
            if self._is_worth_asking(place):
                async with aclosing(self._at(route, place)) as signs:
                    async for sign in signs:
                        yield sign
                if self.answered is not None or self._is_final:
                    return
        for times in range(route.retries):
            again = self._again(choice.places, route)
            if again is None or not await self._wait_for(again, route, times):
                return
            async with aclosing(self._at(route, Place(again.target, f"{again.why}, tried again"))) as signs:
                async for sign in signs:
                    yield sign
            if self.answered is not None or self._is_final:
                return

    def _is_worth_asking(self, place: Place) -> bool:
        """Not twice in one go, and not where the window is known to be too small by now."""
        above, window = self._ask.wanted.window_above, self._router.window(place.target)
        too_small = above > 0 and window is not None and window <= above
        return place.target.name not in self._verdicts and not too_small and len(self.attempts) < ATTEMPTS_MAX

    def _again(self, places: list[Place], route: Route) -> Place | None:
        """The deployment that is most likely to do better now: whichever may be asked again soonest."""
        now = time.monotonic()
        best: tuple[float, Place] | None = None
        for place in places:
            said, health = self._verdicts.get(place.target.name), self._router.health.of(place.target.name)
            if said is None or (route.breaker is not None and not health.breaker.allows(now)):
                continue
            wait = max(health.limited_until - now, 0.0)
            fits = said.again or (said.limited and not self._has_waited and wait <= LIMIT_WAIT_SECONDS_MAX)
            if fits and (best is None or wait < best[0]):
                best = (wait, place)
        return None if best is None else best[1]

    async def _wait_for(self, place: Place, route: Route, times: int) -> bool:
        """Wait until it may be asked again. False: that would be too late, or too many ask again already."""
        error = next(a.error for a in reversed(self.attempts) if a.target.name == place.target.name)
        assert isinstance(error, GatehouseError)
        now = time.monotonic()
        if self._verdicts[place.target.name].limited:
            self._has_waited = True
            wait = max(self._router.health.of(place.target.name).limited_until - now, 0.0)
            if place.target.is_local:
                wait = error.retry_after_seconds or 0.0
                if wait > LIMIT_WAIT_SECONDS_MAX:
                    return False
        else:
            wait = back_off_seconds(times, error, self._router.chance)
        if wait > RETRY_AFTER_SECONDS_MAX or now + wait >= self._ask.deadline or not self._router.budget(route.name).take(now):
            return False
        await asyncio.sleep(wait)
        return True

    async def _at(self, route: Route, place: Place) -> AsyncGenerator[Chunk, None]:
        """One attempt. Afterwards either the answer has begun, or its failure is known and what follows from it."""
        attempt = Attempt(target=place.target, why=place.why, began=time.monotonic())
        self.attempts.append(attempt)
        self._router.began(attempt, self._ask.wanted)
        chunks: AsyncGenerator[Chunk, None] | None = None
        try:
            until = self._until(route, attempt.began)
            chunks = await _within(self._send(route, place.target), until)
            async with aclosing(self._first_words(chunks, until)) as signs:
                async for sign in signs:
                    yield sign
            attempt.begun = time.monotonic()
        except BaseException as error:
            self.ahead.clear()
            if chunks is not None:
                await chunks.aclose()
            self._failed(route, attempt, error)
            return
        self._router.begun(route, attempt)
        begun = _Begun(attempt, route, self.ahead, chunks)
        if route.fallback_on_refusal and self._ask.may_repeat and self._refusal is None and _refuses(self.ahead[-1]):
            self._refusal, self.ahead = begun, []
            self._verdicts[attempt.target.name] = REFUSED
        else:
            self._take(begun)

    def _take(self, begun: "_Begun") -> None:
        """This is the answer."""
        self.answered, self._on, self.ahead, self.chunks = begun.attempt, begun.route, begun.ahead, begun.chunks

    async def _let_refusal_go(self) -> None:
        """Another has answered, or nobody is left to be answered."""
        held, self._refusal = self._refusal, None
        if held is not None and held.attempt is not self.answered:
            await held.chunks.aclose()
            held.attempt.ended = time.monotonic()
            held.attempt.is_cut = True
            self._router.ended(held.attempt)
            self._router.completed(held.route, held.attempt)

    def _until(self, route: Route, began: float) -> float | None:
        """When its first token must be here: only of a stream can that be asked."""
        seconds = route.timeouts.first_token_seconds
        return began + seconds if seconds is not None and self._ask.streamed else None

    async def _first_words(self, chunks: AsyncGenerator[Chunk, None], until: float | None) -> AsyncGenerator[Chunk, None]:
        """Read ahead until something is said, passing on signs of life. Errors: UpstreamCut where nothing ever is."""
        while True:
            try:
                chunk = await (anext(chunks) if until is None else _within(anext(chunks), until))
            except StopAsyncIteration:
                raise UpstreamCut("the answer ended before it began", fix="Try again.") from None
            if chunk.comment is not None and not chunk.deltas:
                yield chunk
                continue
            self.ahead.append(chunk)
            if _says_something(chunk) or len(self.ahead) >= AHEAD_MAX:
                return

    def _failed(self, route: Route, attempt: Attempt, error: BaseException) -> None:
        """Errors: whatever isn't of our tree, as it came: a cancellation, a fault of our own."""
        attempt.ended, attempt.error = time.monotonic(), error
        self._router.ended(attempt)
        if not isinstance(error, GatehouseError):
            self._router.let_go(attempt)
            raise error
        said = verdict(error)
        self._router.failed(route, attempt, error, said)
        self._verdicts[attempt.target.name] = said
        attempt.is_cut = isinstance(error, FirstTokenLate)
        if said.larger:
            floor = self._router.window(attempt.target) or 1
            wanted = msgspec.structs.replace(self._ask.wanted, window_above=max(floor, self._ask.wanted.window_above))
            self._ask = msgspec.structs.replace(self._ask, wanted=wanted)
        elsewhere = said.elsewhere or (said.refused and route.fallback_on_refusal)
        self._is_final = not elsewhere or (said.counts and not said.at_once and not self._ask.may_repeat)

    def over(self, error: BaseException | None) -> None:
        """The answer has ended: whole, or by an error after its first words. Nothing happens where none had begun."""
        attempt = self.answered
        if attempt is None or attempt.ended is not None:
            return
        attempt.ended, attempt.error = time.monotonic(), error
        self._router.ended(attempt)
        if error is None:
            self._router.completed(self._on, attempt)
        elif isinstance(error, GatehouseError):
            self._router.failed(self._on, attempt, error, verdict(error))
        else:
            self._router.let_go(attempt)


def back_off_seconds(times: int, error: GatehouseError, chance: random.Random) -> float:
    """How long to wait before the same deployment is asked again: full jitter, but not before its Retry-After."""
    jitter = chance.uniform(0, min(BACK_OFF_SECONDS * 2**times, BACK_OFF_SECONDS_MAX))
    return max(jitter, error.retry_after_seconds or 0.0)


async def _within(waited_for: Awaitable[T], until: float | None) -> T:
    """Errors: FirstTokenLate."""
    if until is None:
        return await waited_for
    try:
        async with asyncio.timeout_at(until):  # the event loop's clock is the monotonic one
            return await waited_for
    except TimeoutError:
        raise FirstTokenLate("the first token took too long", fix="Try again; the route sets first_token_seconds.") from None


def _refuses(chunk: Chunk) -> bool:
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
