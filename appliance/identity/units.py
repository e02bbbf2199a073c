"""Departments and teams: made, shown, renamed, moved, suspended, deleted. A team is part of a department, or of none."""

from collections.abc import Sequence
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.caller import Caller
from appliance.identity.changes import Change, Changes, forgotten, mine, tenant_for
from appliance.identity.counts import counts_under
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import depart, next_number
from appliance.identity.roles import insist
from appliance.identity.text_rules import clean_name
from appliance.identity.versions import changed, expect
from appliance.store.new_id import new_id
from appliance.store.tables import api_keys, departments, invitations, service_accounts, teams, tenants, users

Kind = Literal["department", "team"]

TABLES: dict[Kind, sa.Table] = {"department": departments, "team": teams}
PREFIXES: dict[Kind, str] = {"department": "dpt", "team": "team"}
HOLDERS = (users, api_keys, service_accounts, invitations)  # what stands in a department and a team
UNITS_MAX = 10_000  # in an organisation, of each kind


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A department or a team. `department_id`: of a team, the one that it is part of. `users`: how many are in it."""

    number: int
    id: str
    name: str
    tenant_id: str
    department_id: str | None
    users: int
    suspended_at: int | None
    created_at: int
    updated_at: int | None
    version: int


class UnitChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; UNSET: nothing. `department_id` None: a team of no department."""

    name: str | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    department_id: str | UnsetType | None = UNSET


class UnitPage(msgspec.Struct, frozen=True):
    items: list[Unit]
    next_cursor: str | None


class Units:
    """Asked with what a caller may see, and by whom a change is made."""

    def __init__(self, changes: Changes) -> None:
        self._changes = changes

    async def list(
        self, caller: Caller, kind: Kind, *, limit: int = 50, after: str | None = None, department_id: str | None = None
    ) -> UnitPage:
        """The oldest first. Errors: Forbidden, InvalidField."""
        insist(caller, "people:read")
        check_limit(limit)
        table = TABLES[kind]
        query = _query(kind).where(*mine(caller, table)).order_by(table.c.number).limit(limit + 1)
        if department_id is not None:
            query = query.where(departments.c.id == department_id)
        if after is not None:
            query = query.where(table.c.number > number_in(after))
        async with self._changes.db.read() as connection:
            rows = (await connection.execute(query)).all()
            items = await _units(connection, kind, rows[:limit])
        return UnitPage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def get(self, caller: Caller, kind: Kind, unit_id: str) -> Unit:
        """Errors: Forbidden, NotFound."""
        insist(caller, "people:read")
        async with self._changes.db.read() as connection:
            return await _shown(connection, caller, kind, unit_id)

    async def create(
        self, caller: Caller, kind: Kind, name: str, *, department_id: str | None = None, tenant_id: str | None = None
    ) -> Unit:
        """Errors: Forbidden, InvalidField, NotFound, Conflict."""
        insist(caller, "people:change")
        clean = clean_name(name)

        async def change(one: Change) -> Unit:
            tenant = await tenant_for(one.tx, caller, tenant_id)
            table = TABLES[kind]
            await _refuse_too_many(one.tx, table, tenant.number)
            values = {"number": await next_number(one.tx, table), "id": new_id(PREFIXES[kind]), "tenant_number": tenant.number}
            if kind == "team":
                values["department_number"] = await department_number(one.tx, tenant.number, department_id)
            await _refuse_twin(one.tx, kind, clean, tenant.number, values.get("department_number"))
            await one.tx.execute(sa.insert(table).values(name=clean, created_at=one.now, **values))
            await one.record(caller, f"{kind}.create", values["id"], {"name": clean, "department": department_id})
            return await _shown(one.tx, caller, kind, values["id"])

        return await self._changes.make(change)

    async def change(self, caller: Caller, kind: Kind, unit_id: str, wanted: UnitChange, version: int | None = None) -> Unit:
        """Errors: Forbidden, InvalidField, NotFound, Conflict, PreconditionFailed."""
        insist(caller, "people:change")

        async def change(one: Change) -> Unit:
            row = await _found(one.tx, caller, kind, unit_id)
            expect(row, version)
            values = await _values(one, kind, row, wanted)
            if values:
                table = TABLES[kind]
                await one.tx.execute(
                    sa.update(table).where(table.c.number == row.number).values(**values, **changed(table, one.now))
                )
                await one.record(caller, f"{kind}.change", unit_id, _told(wanted))
                one.touches_keys = "name" not in values or len(values) > 1
            return await _shown(one.tx, caller, kind, unit_id)

        return await self._changes.make(change)

    async def delete(self, caller: Caller, kind: Kind, unit_id: str, *, release: bool = False, forget: bool = False) -> None:
        """What the ledger says of it stays. One that holds something goes only with `release`: people and keys then stay in
        the organisation, without it; teams too. `forget`: its name isn't kept.

        Errors:  Forbidden, NotFound, Conflict.
        """
        insist(caller, "people:change")

        async def change(one: Change) -> None:
            if forget and await forgotten(one, caller, TABLES[kind], unit_id):
                return
            row = await _found(one.tx, caller, kind, unit_id)
            held = await _held(one.tx, kind, row.number)
            if held and not release:
                raise Conflict(
                    f"it still has {' and '.join(held)}",
                    fix="Move them first, or send ?release=true: they stay in the organisation, without it.",
                )
            await _let_go(one.tx, kind, row.number)
            await depart(one.tx, TABLES[kind], row, at_ms=one.now, forget=forget)
            await one.record(caller, f"{kind}.delete", unit_id, {"name": None if forget else row.name})
            one.touches_keys = True

        await self._changes.make(change)


async def department_number(tx: AsyncConnection, tenant_number: int, department_id: str | None) -> int | None:
    """Errors: NotFound, where it is none of this organisation's."""
    return (
        None
        if department_id is None
        else int((await _of_tenant(tx, departments, tenant_number, department_id, "department")).number)
    )


async def team_row(tx: AsyncConnection, tenant_number: int, team_id: str) -> Any:
    """Errors: NotFound, where it is none of this organisation's."""
    return await _of_tenant(tx, teams, tenant_number, team_id, "team")


async def _of_tenant(tx: AsyncConnection, table: sa.Table, tenant_number: int, wanted: str, word: str) -> Any:
    query = sa.select(table).where(table.c.tenant_number == tenant_number, table.c.id == wanted)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise NotFound(f"there is no such {word}", param=f"{word}_id", fix=f"GET /api/v1/admin/{word}s lists them.")
    return row


async def _values(one: Change, kind: Kind, row: Any, wanted: UnitChange) -> dict[str, Any]:
    """The columns that differ. A team that moves takes its people and their keys along."""
    values: dict[str, Any] = {}
    place = row.department_number if kind == "team" else None
    if wanted.department_id is not UNSET:
        if kind == "department":
            raise InvalidField("a department is part of no other", param="department_id", fix="Leave it out.")
        place = await department_number(one.tx, row.tenant_number, wanted.department_id)
        if place != row.department_number:
            values["department_number"] = place
    if wanted.name is not UNSET and (name := clean_name(wanted.name)) != row.name:
        values["name"] = name
    if "name" in values or "department_number" in values:
        await _refuse_twin(one.tx, kind, values.get("name", row.name), row.tenant_number, place, row.number)
    if "department_number" in values:
        for table in HOLDERS:
            await one.tx.execute(sa.update(table).where(table.c.team_number == row.number).values(department_number=place))
    if wanted.suspended is not UNSET and wanted.suspended != (row.suspended_at is not None):
        values["suspended_at"] = one.now if wanted.suspended else None
    return values


async def _held(tx: AsyncConnection, kind: Kind, number: int) -> list[str]:
    """What is in it, in words."""
    column, found = f"{kind}_number", []
    counted = (*((teams, "teams"),) * (kind == "department"), (users, "users"), (service_accounts, "service accounts"))
    for table, word in counted:
        count = (await tx.execute(sa.select(sa.func.count()).select_from(table).where(table.c[column] == number))).scalar_one()
        if count:
            found.append(f"{count} {word if count > 1 else word.removesuffix('s')}")
    return found


async def _let_go(tx: AsyncConnection, kind: Kind, number: int) -> None:
    column = f"{kind}_number"
    for table in (*HOLDERS, *((teams,) * (kind == "department"))):
        await tx.execute(sa.update(table).where(table.c[column] == number).values({column: None}))


async def _refuse_twin(
    tx: AsyncConnection, kind: Kind, name: str, tenant_number: int, department: int | None, but: int = 0
) -> None:
    """Names are compared as people read them. (The constraint alone would let teams of no department share one.)"""
    table = TABLES[kind]
    query = sa.select(table.c.name).where(table.c.tenant_number == tenant_number, table.c.number != but)
    if kind == "team":
        query = query.where(table.c.department_number.is_not_distinct_from(department))
    taken = {other.casefold() for other in (await tx.execute(query)).scalars()}
    if name.casefold() in taken:
        raise Conflict(f"there is a {kind} of this name already", param="name", fix="Choose another name.")


async def _refuse_too_many(tx: AsyncConnection, table: sa.Table, tenant_number: int) -> None:
    count = (
        await tx.execute(sa.select(sa.func.count()).select_from(table).where(table.c.tenant_number == tenant_number))
    ).scalar_one()
    if count >= UNITS_MAX:
        raise Conflict(f"there are {count:,} {table.name} already, and no more are taken", fix="Delete some that nobody needs.")


async def _found(connection: AsyncConnection, caller: Caller, kind: Kind, unit_id: str) -> Any:
    table = TABLES[kind]
    row = (await connection.execute(_query(kind).where(table.c.id == unit_id, *mine(caller, table)))).one_or_none()
    if row is None:
        raise NotFound(f"there is no such {kind}", param=f"{kind}_id", fix=f"GET /api/v1/admin/{kind}s lists them.")
    return row


def _query(kind: Kind) -> sa.Select[Any]:
    table = TABLES[kind]
    found = sa.select(table, tenants.c.id.label("tenant_id")).join(tenants, tenants.c.number == table.c.tenant_number)
    if kind == "department":
        return found.add_columns(sa.null().label("department_id"))
    return found.add_columns(departments.c.id.label("department_id")).outerjoin(
        departments, departments.c.number == teams.c.department_number
    )


async def _shown(connection: AsyncConnection, caller: Caller, kind: Kind, unit_id: str) -> Unit:
    """Errors: NotFound."""
    return (await _units(connection, kind, [await _found(connection, caller, kind, unit_id)]))[0]


async def _units(connection: AsyncConnection, kind: Kind, rows: Sequence[Any]) -> list[Unit]:
    """With how many people are in each."""
    counts = await counts_under(connection, users.c[f"{kind}_number"], rows)
    kept = [field for field in Unit.__struct_fields__ if field != "users"]
    return [Unit(users=counts.get(row.number, 0), **{field: getattr(row, field) for field in kept}) for row in rows]


def _told(wanted: UnitChange) -> dict[str, Any]:
    return {name: value for name in wanted.__struct_fields__ if (value := getattr(wanted, name)) is not UNSET}
