"""What is known of deployments, and what follows from it: which of them may be asked now, in which order, and why.

The way of one request through a route is told in journey.py; this is what all requests share.
"""

import random
import time
from collections.abc import Callable

import msgspec

from appliance.errors import GatehouseError
from appliance.routing.health import Health, HealthBook
from appliance.routing.retry_budget import RetryBudget
from appliance.routing.route import Route, Target
from appliance.routing.route_shown import CircuitShown
from appliance.routing.strategies import Facts, Place, Turns, Wanted, ordered
from appliance.routing.verdicts import Verdict

LIMITED_SECONDS = 5.0  # where a provider at its limit doesn't say how long
LIMITED_SECONDS_MAX = 60.0
BUDGETS_MAX = 4_096


NO_HEALTH = Health()


class Attempt(msgspec.Struct, kw_only=True):
    """One try at one deployment. Moments in monotonic seconds.

    error:  None: it answered, or still may.
    is_cut: we ended it ourselves though its provider was at work: what it was sent counts as used.
    asker:  as in Wanted.
    health: of its deployment, once it was sent.
    """

    target: Target
    why: str
    began: float
    begun: float | None = None  # its first words
    ended: float | None = None
    error: BaseException | None = None
    is_cut: bool = False
    asker: int = 0
    health: Health = NO_HEALTH


class Choice(msgspec.Struct, frozen=True):
    """The deployments of a route to try, in order, and those that are left out; each with why."""

    places: list[Place]
    skipped: list[Place]


class Router:
    """One per process. Holds what is known of deployments, and nothing of any request.

    on_breaker: hears (deployment, "open" or "closed", why).
    """

    def __init__(self, facts: Facts, chance: random.Random | None = None) -> None:
        self.health = HealthBook()
        self.facts = facts
        self.turns = Turns()
        self.chance = chance or random.Random()
        self.on_breaker: Callable[[str, str, str], None] = lambda deployment, state, why: None
        self._budgets: dict[str, RetryBudget] = {}

    def budget(self, route: str) -> RetryBudget:
        """What the route may still spend on sending requests again."""
        found = self._budgets.get(route)
        if found is None:
            if len(self._budgets) >= BUDGETS_MAX:
                self._budgets.pop(next(iter(self._budgets)))
            found = self._budgets[route] = RetryBudget()
        return found

    def choose(self, route: Route, wanted: Wanted, *, turns: Turns | None = None) -> Choice:
        """Where a request may go now. `turns`: a copy, where this is only to be explained and nobody's turn is taken."""
        now = time.monotonic()
        if len(route.targets) == 1:
            target = route.targets[0]
            reason = self._why_not(route, target, wanted, now)
            return Choice([], [Place(target, reason)]) if reason else Choice([Place(target, "the only one")], [])
        usable: list[Target] = []
        last: list[Place] = []
        small: list[Place] = []
        skipped: list[Place] = []
        for target in route.targets:
            if reason := self._why_not(route, target, wanted, now):
                skipped.append(Place(target, reason))
            elif reason := self._too_small(target, wanted):
                small.append(Place(target, reason))
            elif (left := self.health.of(target.name).limited_until - now) > 0:
                last.append(Place(target, f"last: at its provider's limit for {left:.1f} s more"))
            else:
                usable.append(target)
        if small and not usable and not last and not wanted.window_above:  # an estimate alone turns nobody away
            largest = max(small, key=lambda place: self.window(place.target) or 0)
            small.remove(largest)
            last.append(Place(largest.target, f"{largest.why}, but no other is larger"))
        places = ordered(route, usable, wanted, self.health, self.facts, turns or self.turns, self.chance)
        return Choice(places + last, skipped + small)

    def why_not(self, route: Route, target: Target, wanted: Wanted) -> str:
        """The reason to leave it out at this moment; empty: there is none."""
        return self._why_not(route, target, wanted, time.monotonic())

    def _why_not(self, route: Route, target: Target, wanted: Wanted, now: float) -> str:
        """The reason to leave it out; empty: there is none."""
        health = self.health.of(target.name)
        if target.weight <= 0:
            return "drained: its weight is 0"
        if (wanted.local_only or route.local_only) and not target.is_local:
            return "not local, and this may not leave the machine"
        if route.breaker is not None and not health.breaker.allows(now, wanted.asker):
            return f"left alone for {health.breaker.seconds_left(now):.0f} s more: {health.breaker.why}"
        if target.limits is not None and not health.has_room(target.limits, wanted.tokens_in + wanted.tokens_out, now):
            return "at the limit that is set for it"
        return ""

    def _too_small(self, target: Target, wanted: Wanted) -> str:
        window = self.window(target)
        if window is not None and (wanted.tokens_in > window or window <= wanted.window_above):
            return f"its window of {window} tokens is too small"
        return ""

    def window(self, target: Target) -> int | None:
        """The tokens that prompt and answer may have together there, where it is known."""
        return target.context_tokens if target.context_tokens is not None else self.facts.window(target)

    def circuit(self, target: Target) -> str:
        """closed, open or half-open."""
        return self.circuit_shown(target.name).state

    def circuit_shown(self, deployment: str) -> CircuitShown:
        """Of a deployment by its name."""
        health, now = self.health.find(deployment), time.monotonic()
        if health is None or not health.breaker.is_tried_again:
            return CircuitShown("closed")
        breaker = health.breaker
        return CircuitShown(breaker.state(now), breaker.why, round(breaker.seconds_left(now), 3))

    def patience(self, target: Target) -> float | None:
        """The time within which 95 of 100 answers of it began; None while too few are known."""
        return self.health.of(target.name).p95_seconds()

    def seconds_to_room(self, target: Target) -> float:
        """How long until a deployment that was left out may be asked again."""
        now = time.monotonic()
        health = self.health.of(target.name)
        return max(health.breaker.seconds_left(now), health.seconds_to_room(now) if target.limits is not None else 0.0)

    # What an attempt teaches

    def began(self, attempt: Attempt, wanted: Wanted) -> None:
        """It is about to be sent."""
        target = attempt.target
        attempt.health, attempt.asker = self.health.of(target.name), wanted.asker
        attempt.health.began(target.limits, wanted.tokens_in + wanted.tokens_out, attempt.began, wanted.asker)

    def begun(self, route: Route, attempt: Attempt) -> None:
        """Its first words are here. A probe has thereby told what it was sent for."""
        assert attempt.begun is not None
        attempt.health.first_token(attempt.begun - attempt.began)
        if attempt.health.breaker.is_tried_again:
            self.completed(route, attempt)

    def completed(self, route: Route, attempt: Attempt) -> None:
        """It said all that it had to say."""
        if route.breaker is not None:
            breaker = attempt.health.breaker
            if breaker.succeeded(time.monotonic(), route.breaker, sent=attempt.began, asker=attempt.asker):
                self.on_breaker(attempt.target.name, "closed", "")

    def failed(self, route: Route, attempt: Attempt, error: GatehouseError, said: Verdict) -> None:
        """It ended with an error, before or after its first words."""
        now, health = time.monotonic(), attempt.health
        if said.limited and not attempt.target.is_local:  # how long this machine's own queue is, is known at any time
            wait = LIMITED_SECONDS if error.retry_after_seconds is None else error.retry_after_seconds
            health.limited_until = now + min(wait, LIMITED_SECONDS_MAX)
        if not said.counts:
            health.breaker.let_go(sent=attempt.began)
            return
        health.failed()
        rules = route.breaker
        if rules is None:
            return
        if health.breaker.failed(now, rules, error, sent=attempt.began, asker=attempt.asker, at_once=said.at_once):
            self.on_breaker(attempt.target.name, "open", error.message)

    def let_go(self, attempt: Attempt) -> None:
        """It ended without a verdict: its caller left, or another was faster."""
        attempt.health.breaker.let_go(sent=attempt.began)

    def ended(self, attempt: Attempt) -> None:
        """Nothing runs there any more for this attempt, however it ended."""
        attempt.health.running -= 1
