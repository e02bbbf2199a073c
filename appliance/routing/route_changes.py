"""What a change asks for, worked out on the book and checked, before anything is written. Pure."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import msgspec

from appliance.bodies import read_document
from appliance.errors import Conflict, NotFound
from appliance.routing.route_book import Book, Edit, ProviderEdit, RouteEdit, StoredProvider, StoredRoute, after
from appliance.routing.route_checks import House, Place, PlaceOf, base_url_of, origin_of, problems_of, refusal, where_it_stands
from appliance.routing.route_forms import PROVIDER_SECRETS, ProviderForm, RouteForm, merged
from appliance.settings import ProviderSettings, Settings
from appliance.settings_rules import Problem

NAMES_TOLD_MAX = 10


class Changes:
    """The edits of one appliance's book. Each method gives what is to be written, or refuses."""

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self._environ = environ
        self.policies: Callable[[], Collection[str]] | None = None  # names of guardrail policies, where somebody knows them

    def provider_made(self, book: Book, form: ProviderForm) -> Edit:
        """Errors: Conflict, InvalidField."""
        self.refuse_of_settings(form.name)
        if form.name in book.providers:
            raise _taken("provider", form.name)
        return self.checked(book, Edit(providers=(ProviderEdit(None, form),)))

    def provider_changed(self, book: Book, id_or_name: str, patch: dict[str, Any]) -> Edit:
        """Errors: NotFound, Conflict, InvalidField."""
        before = self.provider(book, id_or_name)
        form = read_document(merged(before.form, _one_credential(patch)), ProviderForm)
        if form.name != before.form.name:
            self.refuse_of_settings(form.name)
            if form.name in book.providers:
                raise _taken("provider", form.name)
            _refuse_in_use(book, before, "renamed")
        given = {name for name in PROVIDER_SECRETS if patch.get(name)}
        wrong = credential_led_away(before.form, form, given, str)
        if wrong is not None:
            raise refusal([wrong])
        return self.checked(book, _edit_of_provider(before, form))

    def provider_removed(self, book: Book, id_or_name: str) -> Edit:
        """Errors: NotFound, Conflict."""
        before = self.provider(book, id_or_name)
        _refuse_in_use(book, before, "removed")
        return Edit(providers=(ProviderEdit(before, None),))

    def route_made(self, book: Book, form: RouteForm) -> Edit:
        """Errors: Conflict, InvalidField."""
        if form.name in book.routes:
            raise _taken("route", form.name)
        return self.checked(book, Edit(routes=(RouteEdit(None, form),)))

    def route_changed(self, book: Book, id_or_name: str, patch: dict[str, Any]) -> Edit:
        """Errors: NotFound, Conflict, InvalidField."""
        before = route_of(book, id_or_name)
        form = read_document(merged(before.form, patch), RouteForm)
        if form.name != before.form.name:
            if form.name in book.routes:
                raise _taken("route", form.name)
            _refuse_fallback(book, before, "renamed")
        return self._route_edited(book, before, form)

    def route_removed(self, book: Book, id_or_name: str) -> Edit:
        """Errors: NotFound, Conflict."""
        before = route_of(book, id_or_name)
        _refuse_fallback(book, before, "removed")
        return Edit(routes=(RouteEdit(before, None),))

    def deployment_made(self, book: Book, route: str, document: dict[str, Any]) -> Edit:
        """Errors: NotFound, InvalidField."""
        before = route_of(book, route, param="route")
        return self._with_deployments(book, before, [*msgspec.to_builtins(before.form.deployments), document])

    def deployment_changed(self, book: Book, deployment_id: str, patch: dict[str, Any]) -> Edit:
        """Errors: NotFound, InvalidField."""
        before, place = deployment_at(book, deployment_id)
        documents = msgspec.to_builtins(before.form.deployments)
        documents[place] = merged(before.form.deployments[place], patch)
        return self._with_deployments(book, before, documents)

    def deployment_removed(self, book: Book, deployment_id: str) -> Edit:
        """Errors: NotFound, InvalidField where it is the route's last."""
        before, place = deployment_at(book, deployment_id)
        documents = msgspec.to_builtins(before.form.deployments)
        del documents[place]
        return self._with_deployments(book, before, documents)

    def checked(self, book: Book, edit: Edit, place_of: PlaceOf | None = None, problems: list[Problem] | None = None) -> Edit:
        """The edit, where nothing is wrong with it. `problems`: what was found before. Errors: InvalidField."""
        house = House(self.settings, self._environ, after(book, edit), self.policies() if self.policies is not None else None)
        found = [*(problems or ()), *problems_of(edit, house, place_of or _field)]
        if found:
            raise refusal(found)
        return edit

    def provider(self, book: Book, id_or_name: str) -> StoredProvider:
        """One that can be changed here. Errors: NotFound, Conflict where it stands in the settings."""
        found = book.provider(id_or_name)
        if found is None:
            self.refuse_of_settings(id_or_name)
            raise NotFound("there is no such provider", fix="GET /api/v1/admin/providers lists them.", param="provider_id")
        return found

    def of_settings(self, name: str) -> ProviderSettings | None:
        return next((provider for provider in self.settings.providers if provider.name == name), None)

    def refuse_of_settings(self, name: str) -> None:
        """Errors: Conflict, saying where it stands."""
        stands = self.of_settings(name)
        if stands is not None:
            where = where_it_stands(stands)
            raise Conflict(
                f"the provider {name} stands in {where} and can't be made, changed or removed here",
                fix=f"Change it in {where} and start the appliance again, or choose another name.",
                param="name",
            )

    def _with_deployments(self, book: Book, before: StoredRoute, documents: list[Any]) -> Edit:
        form = read_document({**msgspec.to_builtins(before.form), "deployments": documents}, RouteForm)
        return self._route_edited(book, before, form)

    def _route_edited(self, book: Book, before: StoredRoute, form: RouteForm) -> Edit:
        return Edit() if form == before.form else self.checked(book, Edit(routes=(RouteEdit(before, form),)))


def route_of(book: Book, id_or_name: str, param: str = "route_id") -> StoredRoute:
    """Errors: NotFound."""
    found = book.route(id_or_name)
    if found is None:
        raise NotFound("there is no such route", fix="GET /api/v1/admin/routes lists them.", param=param)
    return found


def deployment_at(book: Book, deployment_id: str) -> tuple[StoredRoute, int]:
    """Its route, and its place there. Errors: NotFound."""
    found = book.deployment(deployment_id)
    if found is None:
        raise NotFound("there is no such deployment", fix="GET /api/v1/admin/deployments lists them.", param="deployment_id")
    return found


def deployment_to(book: Book, route_id: str, provider: str, model: str) -> str:
    """Its id. Errors: NotFound, also where somebody else has taken it out since."""
    found = route_of(book, route_id).deployments
    known = next((one.id for one in found if (one.form.provider, one.form.model) == (provider, model)), "")
    deployment_at(book, known)
    return known


def credential_led_away(before: ProviderForm, form: ProviderForm, given: set[str], place: Place) -> Problem | None:
    """A kept credential is for where it was given for: who may change the address must not get hold of it that way."""
    kept = [name for name in PROVIDER_SECRETS if getattr(form, name) and name not in given]
    if not kept or origin_of(base_url_of(before)) == origin_of(base_url_of(form)):
        return None
    what = "the credential that is kept was given for another address"
    return Problem(place(kept[0]), what, "Give the credential anew, or take it out.")


def _one_credential(patch: dict[str, Any]) -> dict[str, Any]:
    """Who gives a key means it to stand in the place of the variable, and the other way round."""
    if patch.get("api_key") and "api_key_env" not in patch:
        return {**patch, "api_key_env": ""}
    if patch.get("api_key_env") and "api_key" not in patch:
        return {**patch, "api_key": ""}
    return patch


def _edit_of_provider(before: StoredProvider, form: ProviderForm) -> Edit:
    return Edit() if form == before.form else Edit(providers=(ProviderEdit(before, form),))


def _field(what: str, name: str) -> Place:
    return str


def _taken(what: str, name: str) -> Conflict:
    return Conflict(f"a {what} called {name} is there already", fix="Choose another name, or change that one.", param="name")


def _refuse_in_use(book: Book, provider: StoredProvider, done: str) -> None:
    users = book.routes_on(provider.form.name)
    if users:
        message = f"the provider {provider.form.name} can't be {done}: routes send requests to it ({_listed(users)})"
        raise Conflict(message, fix="Take its deployments out of these routes first.", param="provider_id")


def _refuse_fallback(book: Book, route: StoredRoute, done: str) -> None:
    users = book.routes_before(route.form.name)
    if users:
        message = f"the route {route.form.name} can't be {done}: other routes fall back to it ({_listed(users)})"
        raise Conflict(message, fix="Take it out of their fallbacks first.", param="route_id")


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - NAMES_TOLD_MAX} more" if len(names) > NAMES_TOLD_MAX else ""
    return ", ".join(names[:NAMES_TOLD_MAX]) + more
