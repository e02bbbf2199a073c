"""The book of providers and routes as the database has it, and what a change makes of it. Frozen: a change makes a new book."""

from collections.abc import Iterable, Mapping

import msgspec

from appliance.routing.route_forms import DeploymentForm, ProviderForm, RouteForm


class StoredProvider(msgspec.Struct, frozen=True, kw_only=True):
    """A provider of the database. `form` has its credentials: it is for sending, not for showing."""

    number: int
    id: str
    form: ProviderForm
    created_at: int
    updated_at: int


class StoredDeployment(msgspec.Struct, frozen=True, kw_only=True):
    number: int
    id: str
    form: DeploymentForm


class StoredRoute(msgspec.Struct, frozen=True, kw_only=True):
    """A route. Its deployments stand in `form` as well, in the same order."""

    number: int
    id: str
    form: RouteForm
    deployments: tuple[StoredDeployment, ...]
    created_at: int
    updated_at: int


class Book(msgspec.Struct, frozen=True):
    """By name."""

    providers: Mapping[str, StoredProvider] = {}
    routes: Mapping[str, StoredRoute] = {}

    def provider(self, id_or_name: str) -> StoredProvider | None:
        return next((one for one in self.providers.values() if one.id == id_or_name), self.providers.get(id_or_name))

    def route(self, id_or_name: str) -> StoredRoute | None:
        return next((one for one in self.routes.values() if one.id == id_or_name), self.routes.get(id_or_name))

    def deployment(self, deployment_id: str) -> tuple[StoredRoute, int] | None:
        """The route that it is part of, and its place there."""
        for route in self.routes.values():
            for place, deployment in enumerate(route.deployments):
                if deployment.id == deployment_id:
                    return route, place
        return None

    def routes_on(self, provider: str) -> list[str]:
        """Names of the routes with a deployment at this provider."""
        return [name for name, route in self.routes.items() if any(one.provider == provider for one in route.form.deployments)]

    def routes_before(self, route: str) -> list[str]:
        """Names of the routes that fall back to this one."""
        return [name for name, other in self.routes.items() if route in other.form.fallbacks and name != route]


class ProviderEdit(msgspec.Struct, frozen=True):
    """`before` None: it is made; `after` None: it goes."""

    before: StoredProvider | None
    after: ProviderForm | None


class RouteEdit(msgspec.Struct, frozen=True):
    """`before` None: it is made; `after` None: it goes."""

    before: StoredRoute | None
    after: RouteForm | None


class Edit(msgspec.Struct, frozen=True):
    """One change, written in one transaction or not at all. What stays as it is has no place in it."""

    providers: tuple[ProviderEdit, ...] = ()
    routes: tuple[RouteEdit, ...] = ()

    @property
    def is_empty(self) -> bool:
        return not self.providers and not self.routes


class Forms(msgspec.Struct, frozen=True):
    """What the book would say after a change, without numbers and dates: what the checks look at."""

    providers: Mapping[str, ProviderForm]
    routes: Mapping[str, RouteForm]


def after(book: Book, edit: Edit) -> Forms:
    providers = {name: stored.form for name, stored in book.providers.items()}
    routes = {name: stored.form for name, stored in book.routes.items()}
    for one in edit.providers:
        if one.before is not None:
            providers.pop(one.before.form.name, None)
    for other in edit.routes:
        if other.before is not None:
            routes.pop(other.before.form.name, None)
    providers |= {one.after.name: one.after for one in edit.providers if one.after is not None}
    routes |= {other.after.name: other.after for other in edit.routes if other.after is not None}
    return Forms(providers, routes)


def book_of(providers: Iterable[StoredProvider], routes: Iterable[StoredRoute]) -> Book:
    """In the order of their numbers."""
    return Book(
        {one.form.name: one for one in sorted(providers, key=lambda stored: stored.number)},
        {one.form.name: one for one in sorted(routes, key=lambda stored: stored.number)},
    )
