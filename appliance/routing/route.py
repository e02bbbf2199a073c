"""What a route is: a model name offered to callers, the deployments behind it, and the rules for choosing among them."""

from collections.abc import Iterator
from typing import Literal

import msgspec

from appliance.providers.wire import Deployment

Strategy = Literal["weighted", "round-robin", "least-latency", "least-busy", "cheapest", "local-first"]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """What a deployment takes at its provider; None: no bound of ours. Beyond it the next deployment is asked."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """A deployment within a route.

    weight:         its share where the strategy is weighted; 0: drained, nothing new goes there.
    order:          lower ones are tried first, whatever the strategy.
    context_tokens: the model's window, where it is known.
    name:           the deployment's.
    is_local:       it runs on this machine, or an administrator says that it is as good as that.
    """

    deployment: Deployment
    weight: float = 1.0
    order: int = 0
    limits: Limits | None = None
    context_tokens: int | None = None
    is_local: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "name", self.deployment.name)  # asked for many times a request


class BreakerRules(msgspec.Struct, frozen=True, kw_only=True):
    """When a deployment is left alone: `failure_rate` of at least `requests_min` requests within the window."""

    failure_rate: float = 0.5
    requests_min: int = 5
    window_seconds: float = 30.0
    open_seconds: float = 15.0


class Timeouts(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds; None: the appliance's own bounds hold. `first_token_seconds`: after that the next deployment is asked."""

    first_token_seconds: float | None = None
    request_seconds: float | None = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """One route, ready to be used.

    retries:   how often a request may be sent again to a deployment that failed it.
    fallbacks: what is tried when every deployment has failed, each a route of its own, in this order.
    breaker:   None: no circuit breaker.
    policy:    of guardrails, beside those of its callers; empty: none of its own.
    """

    name: str
    targets: tuple[Target, ...]
    strategy: Strategy = "weighted"
    retries: int = 2
    fallbacks: tuple["Route", ...] = ()
    breaker: BreakerRules | None = BreakerRules()
    timeouts: Timeouts = Timeouts()
    hedge: bool = False
    drop_unsupported: bool = False
    local_only: bool = False
    fallback_on_refusal: bool = False
    local_queue_max: int = 2
    policy: str = ""

    def all_targets(self) -> list[Target]:
        """Of the whole chain, each once."""
        found: dict[str, Target] = {}
        for route in chain(self):
            found |= {target.name: target for target in route.targets if target.name not in found}
        return list(found.values())


def single(deployment: Deployment, *, is_local: bool = False) -> Route:
    """The route that a name without one stands for: one deployment, tried once more where it fails."""
    target = Target(deployment=deployment, is_local=is_local)
    return Route(name=deployment.name, targets=(target,), retries=1)


def chain(route: Route) -> Iterator[Route]:
    """The route, its fallbacks, and theirs: each once, the nearer ones first."""
    seen, waiting = {route.name}, [route]
    while waiting:
        at = waiting.pop(0)
        yield at
        new = [fallback for fallback in at.fallbacks if fallback.name not in seen]
        seen.update(fallback.name for fallback in new)
        waiting += new
