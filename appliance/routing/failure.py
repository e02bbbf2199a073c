"""What a caller is told where no deployment answered: one error for all attempts together."""

from collections.abc import Sequence

from appliance.errors import DeploymentsUnavailable, GatehouseError, TooManyRequests
from appliance.routing.router import Attempt, Router
from appliance.routing.strategies import Place
from appliance.routing.verdicts import verdict

NAMED_MAX = 10


def failure(router: Router, attempts: Sequence[Attempt], skipped: Sequence[Place]) -> GatehouseError:
    """The error that tells most: a failure before a limit, a limit before what a deployment can't do."""
    errors = [attempt.error for attempt in attempts if isinstance(attempt.error, GatehouseError)]
    if errors:
        return max(reversed(errors), key=_tells)
    if len(skipped) == 1 and (error := router.health.of(skipped[0].target.name).breaker.error) is not None:
        return _still(error, skipped[0], router.seconds_to_room(skipped[0].target))
    seconds = [router.seconds_to_room(place.target) for place in skipped]
    again = min((wait for wait in seconds if wait > 0), default=None)
    told = "; ".join(f"{place.target.name}: {place.why}" for place in skipped[:NAMED_MAX])
    if skipped and all(place.why.startswith("at the limit") for place in skipped):
        return TooManyRequests(
            f"every deployment is at the limit that is set for it. {told}", fix="Try again later.", retry_after_seconds=again
        )
    return DeploymentsUnavailable(
        f"no deployment can be asked now. {told}" if told else "no deployment can be asked now: the route has none",
        fix="Try again later, or ask for another model." if again else "An administrator must look at the route.",
        retry_after_seconds=again,
    )


def _still(error: GatehouseError, place: Place, again: float) -> GatehouseError:
    """Of the only deployment there is: what it failed with counts on while it is left alone."""
    message = f"{place.target.name} is {place.why}"
    return type(error)(message, fix=error.fix, param=error.param, retry_after_seconds=again or None)


def _tells(error: GatehouseError) -> int:
    said = verdict(error)
    if not said.elsewhere:
        return 5  # the caller's own: nothing else matters
    if said.counts:
        return 2 if said.at_once else 4
    return 3 if said.limited else 1 if said.larger else 0
