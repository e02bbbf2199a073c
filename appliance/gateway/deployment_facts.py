"""What the router asks other rooms about deployments: how busy, how large, how dear."""

from typing import Protocol

from appliance.routing.route import Target
from appliance.routing.strategies import Load


class LocalLoads(Protocol):
    """What is wanted of the local models."""

    def waiting(self, model_id: str) -> int: ...

    def context_tokens(self, model_id: str) -> int | None: ...


class Prices(Protocol):
    """What is wanted of the price list."""

    def estimate(self, kind: str, model: str, tokens_in: int, tokens_out: int) -> float | None: ...


class DeploymentFacts:
    """Answers from memory, in microseconds: every request on a route with several deployments asks."""

    def __init__(self, local: LocalLoads, prices: Prices) -> None:
        self._local = local
        self._prices = prices

    def price(self, target: Target, tokens_in: int, tokens_out: int) -> float | None:
        """In US dollars. Models of this machine cost nothing."""
        if target.is_local:
            return 0.0
        deployment = target.deployment
        return self._prices.estimate(deployment.kind, deployment.model, tokens_in, tokens_out)

    def load(self, target: Target) -> Load | None:
        if target.deployment.kind != "llamacpp":
            return None
        return Load(self._local.waiting(target.deployment.model))

    def window(self, target: Target) -> int | None:
        if target.deployment.kind != "llamacpp":
            return None
        return self._local.context_tokens(target.deployment.model)
