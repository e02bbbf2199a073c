"""Where a request would go now, and why: the router's own choice, with nothing sent and nobody's turn taken."""

import copy
from collections.abc import Mapping

import msgspec

from appliance.chat import ChatRequest
from appliance.errors import (
    DeploymentsUnavailable,
    FeatureUnsupported,
    UpstreamForbidden,
    UpstreamModelUnknown,
    UpstreamUnauthorized,
)
from appliance.gateway.state import State
from appliance.identity.caller import Caller
from appliance.identity.model_lists import may_ask
from appliance.providers.registry import PROVIDERS
from appliance.providers.support import asked
from appliance.routing.route import Route, Target, chain
from appliance.routing.router import Router
from appliance.routing.strategies import Wanted

NAMED_MAX = 10


class Step(msgspec.Struct, frozen=True):
    """A deployment, the route it stands in, and why it would be asked then, or not at all.

    lacks: features of the request that its provider can't do: it would refuse, and the next one would be asked.
    """

    deployment: str
    route: str
    why: str
    circuit: str
    lacks: list[str]


class Explanation(msgspec.Struct, frozen=True):
    """`tried` in their order; behind the first route's deployments come `retries` of those that failed for a moment."""

    model: str
    route: str
    strategy: str
    alias: str | None
    tokens_in: int
    local_only: bool
    retries: int
    tried: list[Step]
    left_out: list[Step]


def explain(
    router: Router, state: State, missing: Mapping[str, list[str]], model: str, wanted: Wanted, chat: ChatRequest | None
) -> Explanation:
    """`missing`: as routing/building.py tells it. Errors: ModelUnknown and its kin, as the request would."""
    resolution = state.names.resolve(model)
    first = resolution.route
    tried: list[Step] = []
    left_out: list[Step] = []
    seen: set[str] = set()
    for route in chain(first):
        bound = msgspec.structs.replace(wanted, local_only=wanted.local_only or first.local_only)
        choice = router.choose(route, bound, turns=router.turns.copy())
        for place in choice.places:
            why = place.why if place.target.name not in seen else f"{place.why}; not again, it was asked above"
            seen.add(place.target.name)
            tried.append(_step(router, route, place.target, why, chat))
        left_out += [_step(router, route, place.target, place.why, chat) for place in choice.skipped]
        left_out += [_absent(route, line) for line in missing.get(route.name, ())]
    return Explanation(
        model=model,
        route=first.name,
        strategy=first.strategy,
        alias=resolution.alias,
        tokens_in=wanted.tokens_in,
        local_only=wanted.local_only or first.local_only,
        retries=first.retries,
        tried=tried,
        left_out=left_out,
    )


def _step(router: Router, route: Route, target: Target, why: str, chat: ChatRequest | None) -> Step:
    return Step(target.name, route.name, why, router.circuit(target), lacking(target, chat))


def _absent(route: Route, line: str) -> Step:
    """A deployment that has nothing to stand on now: the router doesn't know it. `line`: its name, a colon, and why."""
    name, _, why = line.partition(": ")
    return Step(name, route.name, why, "closed", [])


def lacking(target: Target, chat: ChatRequest | None) -> list[str]:
    """What the request asks for and this deployment's provider has no room for."""
    provider = PROVIDERS.get(target.deployment.kind)
    if chat is None or provider is None:
        return []
    return sorted(feature for feature in asked(chat) if feature not in provider.support and feature != "files")  # these get text


def name_who_can(state: State, error: FeatureUnsupported, caller: Caller) -> None:
    """Add to an error the names that this caller may write instead, whose providers can do what was refused."""
    if error.param is None:
        return
    names = [name for name, kind in state.names.kinds() if kind in PROVIDERS and error.param in PROVIDERS[kind].support]
    names = [name for name in names if may_ask(caller, name)]
    if names:
        more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
        error.fix = f"{error.fix} These can: {', '.join(names[:NAMED_MAX])}{more}."


def with_guess(state: State, model: str, provider: str, error: BaseException) -> BaseException:
    """A refusal that says as well that nobody here knows the model's name: a slip of the pen reads as a bad credential
    otherwise. A new error, since the router goes on telling others of this one. `provider`: Resolution.guessed.
    """
    if not provider or not isinstance(error, UpstreamModelUnknown | UpstreamUnauthorized | UpstreamForbidden):
        return error
    told = copy.copy(error)
    told.message = f"{error.message.rstrip('.')}. {state.names.told_of_guess(model, provider)}"
    return told


def with_kept_here(policy: str, kept: list[str], error: BaseException) -> BaseException:
    """A refusal that says as well for which findings the request may not leave this machine. A new error, as above."""
    if not kept or not isinstance(error, DeploymentsUnavailable):
        return error
    told = copy.copy(error)
    types = ", ".join(kept)
    told.message = f"{error.message.rstrip('.')}. Under {policy} a text with {types} goes to models on this machine only"
    told.fix = "Ask for a model that runs on this machine, or leave it out."
    return told
