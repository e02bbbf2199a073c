"""The way of one request through a route: choose, send, and where it fails send again or go on to the next.

`Journey.sign` is the whole story:

    the route's deployments in the order of its strategy → those that failed for a moment, again → its fallbacks, likewise

Nothing is sent again once the first words of an answer are here: then they are the caller's.
"""

import asyncio
import random
import time
from collections.abc import Generator

import msgspec

from appliance.chat import Chunk, Chunks
from appliance.errors import FirstTokenLate, GatehouseError
from appliance.routing.failure import failure
from appliance.routing.opening import Opening, Race, Send, refuses
from appliance.routing.route import Route, chain
from appliance.routing.router import Attempt, Router
from appliance.routing.strategies import Place, Wanted
from appliance.routing.verdicts import REFUSED, Verdict, verdict

BACK_OFF_SECONDS = 0.25
BACK_OFF_SECONDS_MAX = 2.0
RETRY_AFTER_SECONDS_MAX = 10.0  # beyond, whoever asked decides whether to come again
LIMIT_WAIT_SECONDS_MAX = 2.0  # for a provider at its limit, where there is no other
ATTEMPTS_MAX = 20


class Ask(msgspec.Struct, frozen=True, kw_only=True):
    """What the way depends on. `deadline` in monotonic seconds; `may_repeat`: sending it twice does no harm."""

    wanted: Wanted
    deadline: float
    streamed: bool = False
    may_repeat: bool = True


class _Step(msgspec.Struct, frozen=True):
    """One thing to try. `beside`: the deployment to ask as well where this one takes long; `wait`: seconds before it."""

    route: Route
    place: Place
    beside: Place | None = None
    wait: float = 0.0


class Journey:
    """One request's. `sign` until it gives None; then `ahead` and `chunks` are the answer. `over` tells how it ended, whenever.

    attempts: all that were made, in order; the last one answered, where one did.
    skipped:  deployments that were left out, and why.
    """

    def __init__(self, router: Router, route: Route, ask: Ask, send: Send) -> None:
        self.attempts: list[Attempt] = []
        self.skipped: list[Place] = []
        self.answered: Attempt | None = None
        self.ahead: list[Chunk] = []
        self.chunks: Chunks | None = None
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
        self._refusal: Opening | None = None
        self._way = self._steps()
        self._on_its_way: Opening | None = None  # sent, and not heard of yet

    async def sign(self) -> Chunk | None:
        """The next sign of life; None: an answer has begun.

        Errors:  what the attempts mean together; DeploymentsUnavailable where none could be made.
        """
        while self.answered is None:
            opening = self._on_its_way or await self._next_opening()
            if opening is None:
                break
            self._on_its_way = opening
            try:
                sign = await opening.sign()
            except BaseException as error:
                self._on_its_way = None
                await opening.close()
                self._failed(opening, error)
                continue
            if sign is not None:
                return sign
            self._on_its_way = None
            self._begun(opening)
        if self.answered is None:
            if self._refusal is None:
                raise failure(self._router, self.attempts, self.skipped)
            self._take(self._refusal)
        if self._refusal is not None:
            await self._let_refusal_go(self._refusal)
        return None

    async def _next_opening(self) -> Opening | None:
        """Send it once more; side by side it is heard out at once. None: there is nobody left to ask, or it is answered."""
        for step in () if self._is_final else self._way:
            if step.wait:
                await asyncio.sleep(step.wait)
            if self.attempts and not self._may_still(step.route, step.place):
                continue
            if step.beside is None:
                return self._opening(step.route, step.place)
            await self._side_by_side(step, step.beside)
            if self.answered is not None or self._is_final:
                break
        return None

    def _may_still(self, route: Route, place: Place) -> bool:
        """It was chosen a while ago: others may have failed there meanwhile, probe it, or have taken the room that it had."""
        reason = self._router.why_not(route, place.target, self._ask.wanted)
        if reason:
            self.skipped.append(Place(place.target, reason))
        return not reason

    def _steps(self) -> Generator[_Step, None, None]:
        """What to do next while nothing has answered: of each route its deployments, then those that may do better again."""
        for route in chain(self._route) if self._route.fallbacks else (self._route,):
            choice = self._router.choose(route, self._ask.wanted)
            self.skipped += choice.skipped
            self._router.budget(route.name).request(time.monotonic())
            for number, place in enumerate(choice.places):
                if self._is_worth_asking(place):
                    yield _Step(route, place, self._second(route, place, choice.places[number + 1 :]) if route.hedge else None)
            for times in range(route.retries):
                again = self._again(choice.places, route)
                wait = None if again is None else self._wait_before(again, route, times)
                if again is None or wait is None:
                    break
                yield _Step(route, Place(again.target, f"{again.why}, tried again"), None, wait)

    def _second(self, route: Route, first: Place, others: list[Place]) -> Place | None:
        """The one to ask beside the first, where it is known how long the first one takes."""
        if not self._ask.may_repeat or self._router.patience(first.target) is None:
            return None
        return next((place for place in others if self._is_worth_asking(place)), None)

    def _is_worth_asking(self, place: Place) -> bool:
        """Not twice in one go, and not where the window is known to be too small by now."""
        above = self._ask.wanted.window_above
        if above > 0 and (window := self._router.window(place.target)) is not None and window <= above:
            return False
        return place.target.name not in self._verdicts and len(self.attempts) < ATTEMPTS_MAX

    def _again(self, places: list[Place], route: Route) -> Place | None:
        """The deployment that is most likely to do better now: whichever may be asked again soonest."""
        now = time.monotonic()
        best: tuple[float, Place] | None = None
        for place in places:
            said, health = self._verdicts.get(place.target.name), self._router.health.of(place.target.name)
            if said is None or (route.breaker is not None and not health.breaker.allows(now, self._ask.wanted.asker)):
                continue
            wait = max(health.limited_until - now, 0.0)
            fits = said.again or (said.limited and not self._has_waited and wait <= LIMIT_WAIT_SECONDS_MAX)
            if fits and (best is None or wait < best[0]):
                best = (wait, place)
        return None if best is None else best[1]

    def _wait_before(self, place: Place, route: Route, times: int) -> float | None:
        """Seconds until it may be asked again. None: that would be too late, or too many ask again already."""
        error = next(a.error for a in reversed(self.attempts) if a.target.name == place.target.name)
        assert isinstance(error, GatehouseError)
        now = time.monotonic()
        if self._verdicts[place.target.name].limited:
            self._has_waited = True
            left = max(self._router.health.of(place.target.name).limited_until - now, 0.0)
            wait, longest = (error.retry_after_seconds or 0.0) if place.target.is_local else left, LIMIT_WAIT_SECONDS_MAX
        else:
            wait, longest = back_off_seconds(times, error, self._router.chance), RETRY_AFTER_SECONDS_MAX
        if wait > longest or now + wait >= self._ask.deadline or not self._router.budget(route.name).take(now):
            return None
        return wait

    def _opening(self, route: Route, place: Place) -> Opening:
        attempt = Attempt(target=place.target, why=place.why, began=time.monotonic())
        self.attempts.append(attempt)
        self._router.began(attempt, self._ask.wanted)
        seconds = route.timeouts.first_token_seconds  # only of a stream can be asked when its first token must be here
        until = attempt.began + seconds if seconds is not None and self._ask.streamed else None
        return Opening(route, attempt, self._send, until)

    async def _side_by_side(self, step: _Step, second: Place) -> None:
        """One attempt, and a second one beside it where the first takes longer than 95 of 100 did. Whoever speaks first answers;
        the other is ended, and counts as used. Signs of life are the door's own meanwhile.
        """
        route, first = step.route, step.place
        race = Race(self._opening(route, first))
        try:
            patience = self._router.patience(first.target)
            is_late = not await race.has_news(patience)
            if is_late and self._may_still(route, second) and self._router.budget(route.name).take(time.monotonic()):
                why = f"asked as well: {first.target.name} took longer than 95 of 100"
                race.join(self._opening(route, Place(second.target, why)))
            while self.answered is None and not self._is_final and (opening := await race.next()) is not None:
                if opening.error is not None:
                    self._failed(opening, opening.error)
                else:
                    self._begun(opening)
        finally:
            for loser in await race.end():
                if loser.attempt is not self.answered:
                    self._lost(loser)

    def _lost(self, opening: Opening) -> None:
        """It was ended by us, without a verdict."""
        attempt = opening.attempt
        if attempt.ended is None:
            attempt.ended, attempt.is_cut = time.monotonic(), True
            self._router.ended(attempt)
            self._router.let_go(attempt)

    def _begun(self, opening: Opening) -> None:
        self._router.begun(opening.route, opening.attempt)
        may_ask_on = opening.route.fallback_on_refusal and self._ask.may_repeat and self._refusal is None
        if may_ask_on and refuses(opening.ahead[-1]):
            self._refusal = opening
            self._verdicts[opening.attempt.target.name] = REFUSED
        else:
            self._take(opening)

    def _take(self, opening: Opening) -> None:
        """This is the answer."""
        self.answered, self._on, self.ahead, self.chunks = opening.attempt, opening.route, opening.ahead, opening.chunks

    async def _let_refusal_go(self, held: Opening) -> None:
        """Another has answered, or nobody is left to be answered."""
        self._refusal = None
        if held.attempt is not self.answered:
            await held.close()
            held.attempt.ended, held.attempt.is_cut = time.monotonic(), True
            self._router.ended(held.attempt)
            self._router.completed(held.route, held.attempt)

    def _failed(self, opening: Opening, error: BaseException) -> None:
        """Errors: whatever isn't of our tree, as it came: a cancellation, a fault of our own."""
        route, attempt = opening.route, opening.attempt
        self._ended(opening, error)
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

    async def broken_off(self, error: BaseException) -> None:
        """It ends with an error, or since its caller left, at whatever point of its way: whoever is at work is let go."""
        if self._on_its_way is not None:
            opening, self._on_its_way = self._on_its_way, None
            await opening.close()
            self._ended(opening, error)
            self._router.let_go(opening.attempt)
        if self._refusal is not None:
            await self._let_refusal_go(self._refusal)
        if self.chunks is not None:
            await self.chunks.aclose()
        self.over(error)

    def _ended(self, opening: Opening, error: BaseException) -> None:
        opening.attempt.ended, opening.attempt.error = time.monotonic(), error
        self._router.ended(opening.attempt)

    def over(self, error: BaseException | None) -> None:
        """The answer has ended: whole, or by an error after its first words; or none had begun."""
        self._way.close()  # it knows this journey, which knows it: left as it is, only the garbage collector would free the two
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
