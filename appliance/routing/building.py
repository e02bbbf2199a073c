"""From routes as they were written to routes that requests take. Pure: what is there at the moment is passed in."""

from collections.abc import Mapping, Sequence

import msgspec

from appliance.providers.wire import Deployment
from appliance.routing.names import LOCAL_PROVIDER, VLLM_PROVIDER, LocalOffer, ProviderOffer, VllmOffer
from appliance.routing.route import BreakerRules, Limits, Route, Target, Timeouts
from appliance.routing.route_forms import DeploymentForm, ProviderForm, RouteForm
from appliance.settings import ProviderSettings


class There(msgspec.Struct, frozen=True):
    """What deployments can be built on, by name."""

    local: Mapping[str, LocalOffer]
    vllm: Mapping[str, VllmOffer]
    providers: Mapping[str, ProviderOffer]


class Built(msgspec.Struct, frozen=True):
    """Routes, and what is missing of them: by the route's name, a line a deployment that had to be left out."""

    routes: tuple[Route, ...]
    missing: dict[str, list[str]]


class Missing(Exception):
    """A deployment has nothing to stand on now; the message says what."""


def offer_of(form: ProviderForm, base_url: str, api_key: str) -> ProviderOffer:
    """A provider as the table of names has it. `base_url` and `api_key` as they are in the end."""
    return ProviderOffer(
        form.name,
        form.kind,
        base_url,
        api_key,
        frozenset(form.models) if form.models else None,
        form.api_version,
        form.region,
        form.access_key_id,
        form.secret_access_key,
    )


def offer_of_settings(provider: ProviderSettings) -> ProviderOffer:
    return ProviderOffer(
        provider.name,
        provider.kind,
        provider.base_url.rstrip("/"),
        provider.api_key,
        frozenset(provider.models) if provider.models else None,
        provider.api_version,
        provider.region,
        provider.access_key_id,
        provider.secret_access_key,
    )


def built(forms: Mapping[str, RouteForm], there: There) -> Built:
    """Every route, each with its fallbacks in it; a fallback that isn't there is left out."""
    missing: dict[str, list[str]] = {}
    targets = {name: _targets(form.deployments, there, missing.setdefault(name, [])) for name, form in forms.items()}
    done: dict[str, Route] = {}

    def route(name: str, way: tuple[str, ...]) -> Route:
        if name not in done:
            behind = [other for other in forms[name].fallbacks if other in forms and other not in way]
            fallbacks = tuple(route(other, (*way, other)) for other in behind)
            done[name] = _route(forms[name], targets[name], fallbacks)
        return done[name]

    routes = tuple(route(name, (name,)) for name in forms)
    return Built(routes, {name: lines for name, lines in missing.items() if lines})


def _route(form: RouteForm, targets: tuple[Target, ...], fallbacks: tuple[Route, ...]) -> Route:
    breaker = form.circuit_breaker
    return Route(
        name=form.name,
        targets=targets,
        strategy=form.strategy,
        retries=form.retries,
        fallbacks=fallbacks,
        breaker=None if breaker is False else BreakerRules(**msgspec.structs.asdict(breaker)),
        timeouts=Timeouts(**msgspec.structs.asdict(form.timeouts)),
        hedge=form.hedge,
        drop_unsupported=form.drop_unsupported,
        local_only=form.local_only,
        policy=form.policy,
        fallback_on_refusal=form.fallback_on_refusal,
        local_queue_max=form.local_queue_max,
    )


def _targets(forms: Sequence[DeploymentForm], there: There, missing: list[str]) -> tuple[Target, ...]:
    found = []
    for form in forms:
        try:
            found.append(_target(form, there))
        except Missing as problem:
            missing.append(str(problem))
    return tuple(found)


def _target(form: DeploymentForm, there: There) -> Target:
    deployment, is_local = deployment_of(form.provider, form.model, there)
    limits = Limits(**msgspec.structs.asdict(form.limits))
    return Target(
        deployment=deployment,
        weight=form.weight,
        order=form.order,
        limits=None if limits == Limits() else limits,
        context_tokens=form.context_tokens,
        is_local=is_local or form.local,
    )


def deployment_of(provider: str, model: str, there: There) -> tuple[Deployment, bool]:
    """Where a deployment leads, and whether it runs on this machine. Errors: Missing."""
    if provider == VLLM_PROVIDER and model in there.vllm:
        served = there.vllm[model]
        if not served.is_ready:
            raise Missing(f"{provider}/{model}: {served.why or 'vLLM does not serve it at the moment'}")
        return served.deployment(), True
    found = there.providers.get(provider)
    if provider == LOCAL_PROVIDER or (found is not None and found.kind == "llamacpp"):
        if model not in there.local:
            raise Missing(f"{provider}/{model}: this machine has no such model")
        return Deployment(f"{provider}/{model}", provider, "llamacpp", model), True
    if found is None:
        raise Missing(f"{provider}/{model}: there is no provider {provider!r}")
    return found.deployment(model), False
