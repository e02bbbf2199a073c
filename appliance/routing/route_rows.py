"""The book's rows: read whole at a start, written row by row as a change asks for it. Credentials go to the vault."""

from collections.abc import Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.routing.route_book import (
    Book,
    Edit,
    ProviderEdit,
    RouteEdit,
    StoredDeployment,
    StoredProvider,
    StoredRoute,
    book_of,
)
from appliance.routing.route_forms import PROVIDER_SECRETS, DeploymentForm, ProviderForm, RouteForm
from appliance.store.new_id import new_id
from appliance.store.refusals import DatabaseUnusable
from appliance.store.tables import deployments, providers, routes
from appliance.store.vault import Vault

_NOT_IN_RULES = ("name", "deployments")


async def read_book(connection: AsyncConnection, vault: Vault) -> Book:
    """Errors: MasterKeyWrong, DatabaseUnusable where rows were damaged or changed by hand."""
    try:
        return await _read(connection, vault)
    except msgspec.MsgspecError as error:
        raise DatabaseUnusable(
            f"providers or routes in the database are not as this program wrote them ({error})",
            "Put back a copy of the database (gatehouse.db.before-…, or your own).",
        ) from None


async def _read(connection: AsyncConnection, vault: Vault) -> Book:
    found = [await _provider(connection, vault, row) for row in (await connection.execute(sa.select(providers))).all()]
    by_route: dict[int, list[StoredDeployment]] = {}
    for row in (await connection.execute(sa.select(deployments).order_by(deployments.c.position))).all():
        by_route.setdefault(row.route_number, []).append(StoredDeployment(number=row.number, id=row.id, form=_deployment(row)))
    rows = (await connection.execute(sa.select(routes))).all()
    return book_of(found, [_route(row, tuple(by_route.get(row.number, ()))) for row in rows])


async def write(tx: AsyncConnection, vault: Vault, book: Book, edit: Edit, now: int) -> Book:
    """Write the change, and give the book as it is then."""
    kept = {one.number: one for one in book.providers.values()}
    for one in edit.providers:
        if one.before is not None:
            del kept[one.before.number]
        stored = await _write_provider(tx, vault, one, now)
        if stored is not None:
            kept[stored.number] = stored
    kept_routes = {one.number: one for one in book.routes.values()}
    writing = _RouteRows(await _next_number(tx, routes), await _next_number(tx, deployments), now)
    for other in edit.routes:
        if other.before is not None:
            del kept_routes[other.before.number]
        route = writing.note(other)
        if route is not None:
            kept_routes[route.number] = route
    await writing.write(tx)
    return book_of(kept.values(), kept_routes.values())


async def _write_provider(tx: AsyncConnection, vault: Vault, edit: ProviderEdit, now: int) -> StoredProvider | None:
    before, form = edit.before, edit.after
    if form is None:
        assert before is not None
        await tx.execute(sa.delete(providers).where(providers.c.number == before.number))
        await vault.remove(tx, _secret_name(before.id))
        return None
    values: dict[str, Any] = {"name": form.name, "kind": form.kind, "base_url": form.base_url, "api_key_env": form.api_key_env}
    values |= {"api_version": form.api_version, "region": form.region, "updated_at": now}
    if before is None:
        provider_id, created_at = new_id("prov"), now
        insert = sa.insert(providers).values(id=provider_id, created_at=now, models=form.models, **values)
        number = (await tx.execute(insert.returning(providers.c.number))).scalar_one()
    else:
        number, provider_id, created_at = before.number, before.id, before.created_at
        await tx.execute(sa.update(providers).where(providers.c.number == number).values(models=form.models, **values))
    secrets = {name: value for name in PROVIDER_SECRETS if (value := getattr(form, name))}
    if secrets:
        await vault.put(tx, _secret_name(provider_id), msgspec.json.encode(secrets))
    else:
        await vault.remove(tx, _secret_name(provider_id))
    return StoredProvider(number=number, id=provider_id, form=form, created_at=created_at, updated_at=now)


async def _next_number(tx: AsyncConnection, table: sa.Table) -> int:
    return int((await tx.execute(sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0)))).scalar_one()) + 1


class _RouteRows:
    """The rows of routes that a change adds, alters and removes. Noted first and written in a few statements: an import may
    have tens of thousands, and the ledger waits while a transaction is open."""

    def __init__(self, next_route: int, next_deployment: int, now: int) -> None:
        self._next_route = next_route
        self._next_deployment = next_deployment
        self._now = now
        self._rows: dict[str, list[dict[str, Any]]] = {}

    def note(self, edit: RouteEdit) -> StoredRoute | None:
        before, form = edit.before, edit.after
        if form is None:
            assert before is not None
            self._add("routes gone", at=before.number)  # its deployments go with it
            return None
        rules = {name: value for name, value in msgspec.to_builtins(form).items() if name not in _NOT_IN_RULES}
        if before is None:
            number, route_id, created_at = self._next_route, new_id("route"), self._now
            self._next_route += 1
            new = {"number": number, "id": route_id, "created_at": created_at}
            self._add("routes new", name=form.name, rules=rules, updated_at=self._now, **new)
        else:
            number, route_id, created_at = before.number, before.id, before.created_at
            self._add("routes changed", at=number, name=form.name, rules=rules, updated_at=self._now)
        kept = self._deployments(number, before.deployments if before is not None else (), form)
        return StoredRoute(number=number, id=route_id, form=form, deployments=kept, created_at=created_at, updated_at=self._now)

    def _deployments(
        self, route_number: int, before: tuple[StoredDeployment, ...], form: RouteForm
    ) -> tuple[StoredDeployment, ...]:
        """A deployment keeps its id while it leads to the same model at the same provider."""
        old = {(one.form.provider, one.form.model): (place, one) for place, one in enumerate(before)}
        kept: list[StoredDeployment] = []
        for place, wanted in enumerate(form.deployments):
            place_before, stored = old.pop((wanted.provider, wanted.model), (-1, None))
            values = {"position": place, **_columns(wanted)}
            if stored is None:
                stored = StoredDeployment(number=self._next_deployment, id=new_id("dep"), form=wanted)
                self._next_deployment += 1
                self._add("deployments new", number=stored.number, id=stored.id, route_number=route_number, **values)
            elif stored.form != wanted or place_before != place:
                self._add("deployments changed", at=stored.number, **values)
            kept.append(msgspec.structs.replace(stored, form=wanted))
        for _, gone in old.values():
            self._add("deployments gone", at=gone.number)
        return tuple(kept)

    def _add(self, where: str, **values: Any) -> None:
        self._rows.setdefault(where, []).append(values)

    async def write(self, tx: AsyncConnection) -> None:
        for name, table in (("routes", routes), ("deployments", deployments)):
            here = table.c.number == sa.bindparam("at")
            for what, statement in (
                ("gone", sa.delete(table).where(here)),
                ("changed", sa.update(table).where(here)),
                ("new", sa.insert(table)),
            ):
                if rows := self._rows.get(f"{name} {what}"):
                    await tx.execute(statement, rows)


def _columns(form: DeploymentForm) -> dict[str, Any]:
    return {
        "provider": form.provider,
        "model": form.model,
        "weight": form.weight,
        "try_order": form.order,
        "limits": msgspec.to_builtins(form.limits),
        "context_tokens": form.context_tokens,
        "is_local": form.local,
    }


async def _provider(connection: AsyncConnection, vault: Vault, row: Any) -> StoredProvider:
    sealed = await vault.get_in(connection, _secret_name(row.id))
    document: Mapping[str, Any] = {
        **{name: getattr(row, name) for name in ("name", "kind", "base_url", "api_key_env", "api_version", "region", "models")},
        **(msgspec.json.decode(sealed) if sealed is not None else {}),
    }
    form = msgspec.convert(document, ProviderForm)
    return StoredProvider(number=row.number, id=row.id, form=form, created_at=row.created_at, updated_at=row.updated_at)


def _deployment(row: Any) -> DeploymentForm:
    document = {"provider": row.provider, "model": row.model, "weight": row.weight, "order": row.try_order}
    document |= {"limits": row.limits, "context_tokens": row.context_tokens, "local": row.is_local}
    return msgspec.convert(document, DeploymentForm)


def _route(row: Any, stored: tuple[StoredDeployment, ...]) -> StoredRoute:
    form = msgspec.convert({**row.rules, "name": row.name, "deployments": [one.form for one in stored]}, RouteForm)
    return StoredRoute(
        number=row.number, id=row.id, form=form, deployments=stored, created_at=row.created_at, updated_at=row.updated_at
    )


def _secret_name(provider_id: str) -> str:
    return f"provider/{provider_id}"
