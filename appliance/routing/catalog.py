"""Providers, routes and deployments of the database: one transaction a change, and it counts from the very next request on.

What the settings say of providers stands beside it and can't be changed here.
"""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.routing.building import offer_of
from appliance.routing.names import ProviderOffer
from appliance.routing.route_book import Book, Edit, ProviderEdit, RouteEdit
from appliance.routing.route_changes import Changes
from appliance.routing.route_checks import base_url_of, where_it_stands
from appliance.routing.route_forms import PROVIDER_SECRETS, ProviderForm, RouteForm
from appliance.routing.route_import import Imported, planned
from appliance.routing.route_rows import read_book, write
from appliance.routing.route_toml import written_toml
from appliance.settings import Settings
from appliance.store.engine import Database, to_the_end
from appliance.store.state import raise_state_version
from appliance.store.vault import Vault
from appliance.telemetry.events import Events

ROUTES_EVENT = "routes"
NAMES_TOLD_MAX = 100


class RoutesChanged(msgspec.Struct, frozen=True):
    """The event: names of what was made, changed or removed, the first hundred of each."""

    providers: list[str]
    routes: list[str]


class Catalog:
    """One an appliance. `open` it before anything asks."""

    def __init__(
        self,
        db: Database,
        vault: Vault,
        clock: Clock,
        settings: Settings,
        environ: Mapping[str, str],
        events: Events | None = None,
    ) -> None:
        """`publish` is called after each change, `on_provider_changed` before it for each provider that is another now."""
        self.book = Book()
        self.changes = Changes(settings, environ)
        self.publish: Callable[[], None] = lambda: None
        self.on_provider_changed: Callable[[str], None] = lambda name: None
        self._db = db
        self._vault = vault
        self._clock = clock
        self._environ = environ
        self._events = events

    async def open(self) -> None:
        """Read the book. Errors: MasterKeyWrong."""
        async with self._db.read() as connection:
            self.book = await read_book(connection, self._vault)

    # What requests are built on

    def offers(self) -> list[ProviderOffer]:
        """The database's providers, each with its credential as it is now."""
        return [self.offer(stored.form) for stored in self.book.providers.values()]

    def offer(self, form: ProviderForm) -> ProviderOffer:
        api_key = self._environ.get(form.api_key_env, "") if form.api_key_env else form.api_key
        return offer_of(form, base_url_of(form), api_key)

    def problem_of(self, form: ProviderForm) -> str | None:
        """What became wrong with a provider of the database since it was written: the settings and the environment change."""
        stands = self.changes.of_settings(form.name)
        if stands is not None:
            return f"another provider of this name stands in {where_it_stands(stands)}, and that one counts"
        if form.api_key_env and not self._environ.get(form.api_key_env):
            return f"the server's environment has no {form.api_key_env}, so it has no credential"
        return None

    def routes(self) -> dict[str, RouteForm]:
        return {name: stored.form for name, stored in self.book.routes.items()}

    def routes_under(self, policy: str) -> list[str]:
        """Names of the routes that give themselves this guardrail policy."""
        return [name for name, stored in self.book.routes.items() if stored.form.policy == policy]

    # Changes

    async def change(self, actor: str, decide: Callable[[Book, Changes], Edit]) -> Edit:
        """Do what `decide` finds right on the book as it stands when it is our turn.

        Errors:  whatever `decide` raises, with nothing changed.
        """
        return await to_the_end(self._changed(actor, decide))

    async def take_in(self, actor: str, document: dict[str, Any], *, dry_run: bool = False) -> Imported:
        """A whole file of providers and routes. Errors: InvalidField with everything that is wrong; then nothing is changed."""
        if dry_run:
            return planned(document, self.book, self.changes, dry_run=True).told
        told: list[Imported] = []

        def decide(book: Book, changes: Changes) -> Edit:
            plan = planned(document, book, changes)
            told.append(plan.told)
            return plan.edit

        await self.change(actor, decide)
        return told[0]

    def written(self) -> str:
        """The book as a TOML file, without credentials."""
        elsewhere = [
            f"The provider {provider.name} stands in {where_it_stands(provider)}." for provider in self.changes.settings.providers
        ]
        return written_toml(self.book, elsewhere)

    async def _changed(self, actor: str, decide: Callable[[Book, Changes], Edit]) -> Edit:
        async with self._db.transaction() as tx:
            edit = decide(self.book, self.changes)
            if edit.is_empty:
                return edit
            book = await write(tx, self._vault, self.book, edit, self._clock.now_ms())
            await self._record(tx, actor, edit, book)
            await raise_state_version(tx)
        self.book = book
        self._tell(edit)
        return edit

    def _tell(self, edit: Edit) -> None:
        providers = [_name(one) for one in edit.providers]
        for name in providers:
            self.on_provider_changed(name)
        self.publish()
        if self._events is not None:
            routes = [_name(one) for one in edit.routes]
            self._events.publish(ROUTES_EVENT, RoutesChanged(providers[:NAMES_TOLD_MAX], routes[:NAMES_TOLD_MAX]))

    async def _record(self, tx: AsyncConnection, actor: str, edit: Edit, book: Book) -> None:
        if len(edit.providers) + len(edit.routes) > 1:
            detail: audit.Detail = {"providers": list(map(_told, edit.providers)), "routes": list(map(_told, edit.routes))}
            action, target = "routes.import", "routes"
        elif edit.providers:
            action, target, detail = _told_provider(edit.providers[0], book)
        else:
            action, target, detail = _told_route(edit.routes[0], book)
        await audit.append(tx, actor=actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())


def _name(edit: ProviderEdit | RouteEdit) -> str:
    stands = edit.after or (edit.before.form if edit.before is not None else None)
    assert stands is not None
    return stands.name


def _verb(edit: ProviderEdit | RouteEdit) -> str:
    return "create" if edit.before is None else "remove" if edit.after is None else "change"


def _told(edit: ProviderEdit | RouteEdit) -> str:
    return f"{_verb(edit)} {_name(edit)}"


def _told_provider(edit: ProviderEdit, book: Book) -> tuple[str, str, audit.Detail]:
    """For the audit: where it leads, and which fields are others now. No credential, not even a part of one."""
    stored = book.providers.get(_name(edit)) or edit.before
    assert stored is not None
    detail: audit.Detail = {"name": _name(edit)}
    if edit.after is not None:
        detail |= {"kind": edit.after.kind, "base_url": edit.after.base_url, "api_key_env": edit.after.api_key_env}
        detail["credential"] = [name for name in PROVIDER_SECRETS if getattr(edit.after, name)]
    detail["changed"] = _changed_fields(edit.before.form if edit.before is not None else None, edit.after)
    return f"provider.{_verb(edit)}", stored.id, detail


def _told_route(edit: RouteEdit, book: Book) -> tuple[str, str, audit.Detail]:
    stored = book.routes.get(_name(edit)) or edit.before
    assert stored is not None
    detail: audit.Detail = {"name": _name(edit)}
    if edit.after is not None:
        detail["deployments"] = [f"{one.provider}/{one.model} weight {one.weight:g}" for one in edit.after.deployments]
        detail["fallbacks"] = edit.after.fallbacks
    detail["changed"] = _changed_fields(edit.before.form if edit.before is not None else None, edit.after)
    return f"route.{_verb(edit)}", stored.id, detail


def _changed_fields(before: Any, now: Any) -> list[str]:
    if before is None or now is None:
        return []
    return [name for name in before.__struct_fields__ if getattr(before, name) != getattr(now, name)]
