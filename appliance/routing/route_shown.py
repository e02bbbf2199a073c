"""Providers, routes and deployments as they may be seen: everything but the credentials."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal

import msgspec

from appliance.clock import rfc3339
from appliance.routing.route_book import Book, StoredDeployment, StoredProvider, StoredRoute
from appliance.routing.route_forms import BreakerForm, LimitsForm, ProviderForm, TimeoutsForm
from appliance.settings import ProviderSettings, Settings

if TYPE_CHECKING:
    from appliance.routing.catalog import Catalog  # with all of the database behind it, which commands don't need

SHOWN_FROM_CHARACTERS = 12  # four of fewer would be too much of it
SHOWN_CHARACTERS = 4


class ProviderShown(msgspec.Struct, kw_only=True):
    """A provider. `…_end`: the last four characters of a credential, where it is long enough for that; never more.

    source:  `database`: can be changed here; `file`, `environment`: stands in the settings, its id is its name.
    used_by: names of the routes with a deployment at it.
    problem: why nothing can be sent to it as it stands; null where nothing is wrong that can be seen from here.
    """

    id: str
    name: str
    kind: str
    base_url: str
    api_version: str
    region: str
    models: list[str]
    api_key_env: str
    api_key_end: str | None
    access_key_id_end: str | None
    secret_access_key_end: str | None
    has_credential: bool
    source: Literal["database", "file", "environment"]
    used_by: list[str]
    problem: str | None
    created_at: str | None
    updated_at: str | None


class CircuitShown(msgspec.Struct):
    """Whether a deployment is asked.

    state: closed: yes; open: not for `seconds_left`, because of `why`; half-open: one request may try it.
    """

    state: Literal["closed", "open", "half-open"]
    why: str | None = None
    seconds_left: float = 0.0


class Standing(msgspec.Struct, frozen=True):
    """How it stands with what is kept, at the moment of asking. Without a server nothing is known.

    problems: of a route by its name: the deployments that can't be asked, as building.py tells it.
    circuit:  of a deployment by its name.
    """

    problems: Callable[[str], list[str]] = lambda route: []
    circuit: Callable[[str], CircuitShown | None] = lambda deployment: None


class DeploymentShown(msgspec.Struct, kw_only=True):
    """A deployment. `route` and `route_id`: what it is part of; `problem`: why it can't be asked as it stands, null where it
    can; `circuit`: null where only the database was read.
    """

    id: str
    route: str
    route_id: str
    provider: str
    model: str
    weight: float
    order: int
    limits: LimitsForm
    context_tokens: int | None
    local: bool
    problem: str | None
    circuit: CircuitShown | None


class RouteShown(msgspec.Struct, kw_only=True):
    """A route. `problems`: deployments that aren't asked now, and why."""

    id: str
    name: str
    strategy: str
    retries: int
    circuit_breaker: BreakerForm | Literal[False]
    fallbacks: list[str]
    timeouts: TimeoutsForm
    hedge: bool
    drop_unsupported: bool
    local_only: bool
    fallback_on_refusal: bool
    local_queue_max: int
    cache: bool | None
    policy: str
    deployments: list[DeploymentShown]
    problems: list[str]
    created_at: str
    updated_at: str


_RULES = tuple(
    name
    for name in RouteShown.__struct_fields__
    if name not in ("id", "name", "deployments", "problems", "created_at", "updated_at")
)


def providers_shown(catalog: "Catalog", settings: Settings) -> list[ProviderShown]:
    """Those of the settings and those of the database, by name."""
    users = _users(catalog.book)
    found = [_of_settings(provider, users.get(provider.name, [])) for provider in settings.providers]
    found += [
        provider_shown(stored, users.get(name, []), catalog.problem_of(stored.form))
        for name, stored in catalog.book.providers.items()
    ]
    return sorted(found, key=lambda shown: shown.name)


def provider_shown(stored: StoredProvider, used_by: list[str], problem: str | None = None) -> ProviderShown:
    form = stored.form
    return ProviderShown(
        id=stored.id,
        name=form.name,
        kind=form.kind,
        base_url=form.base_url,
        api_version=form.api_version,
        region=form.region,
        models=form.models,
        api_key_env=form.api_key_env,
        api_key_end=end_of(form.api_key),
        access_key_id_end=end_of(form.access_key_id),
        secret_access_key_end=end_of(form.secret_access_key),
        has_credential=_has_credential(form),
        source="database",
        used_by=used_by,
        problem=problem,
        created_at=rfc3339(stored.created_at),
        updated_at=rfc3339(stored.updated_at),
    )


def route_shown(stored: StoredRoute, standing: Standing) -> RouteShown:
    rules = {name: getattr(stored.form, name) for name in _RULES}
    problems = standing.problems(stored.form.name)
    return RouteShown(
        id=stored.id,
        name=stored.form.name,
        deployments=[deployment_shown(stored, one, standing) for one in stored.deployments],
        problems=problems,
        created_at=rfc3339(stored.created_at),
        updated_at=rfc3339(stored.updated_at),
        **rules,
    )


def deployment_shown(route: StoredRoute, stored: StoredDeployment, standing: Standing) -> DeploymentShown:
    form = stored.form
    name = f"{form.provider}/{form.model}"
    problems = standing.problems(route.form.name)
    return DeploymentShown(
        id=stored.id,
        route=route.form.name,
        route_id=route.id,
        provider=form.provider,
        model=form.model,
        weight=form.weight,
        order=form.order,
        limits=form.limits,
        context_tokens=form.context_tokens,
        local=form.local,
        problem=next((line.removeprefix(f"{name}: ") for line in problems if line.startswith(f"{name}: ")), None),
        circuit=standing.circuit(name),
    )


def deployments_shown(book: Book, standing: Standing) -> Iterator[tuple[int, DeploymentShown]]:
    """All of them, each with its number."""
    for route in book.routes.values():
        for stored in route.deployments:
            yield stored.number, deployment_shown(route, stored, standing)


def end_of(secret: str) -> str | None:
    return f"…{secret[-SHOWN_CHARACTERS:]}" if len(secret) >= SHOWN_FROM_CHARACTERS else None


def _has_credential(form: ProviderForm) -> bool:
    return bool(form.api_key or form.api_key_env or form.secret_access_key)


def _of_settings(provider: ProviderSettings, used_by: list[str]) -> ProviderShown:
    return ProviderShown(
        id=provider.name,
        name=provider.name,
        kind=provider.kind,
        base_url=provider.base_url,
        api_version=provider.api_version,
        region=provider.region,
        models=provider.models,
        api_key_env=provider.api_key_env,
        api_key_end=end_of(provider.api_key),
        access_key_id_end=end_of(provider.access_key_id),
        secret_access_key_end=end_of(provider.secret_access_key),
        has_credential=bool(provider.api_key or provider.secret_access_key),
        source=provider.source,
        used_by=used_by,
        problem=None,
        created_at=None,
        updated_at=None,
    )


def _users(book: Book) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, route in book.routes.items():
        for provider in {one.provider for one in route.form.deployments}:
            found.setdefault(provider, []).append(name)
    return found
