"""Service accounts: holders of keys that are no person, such as a wiki or a build server. Nobody signs in as one."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.caller import Caller
from appliance.identity.counts import counts_under
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import depart, next_number
from appliance.identity.key_ring import KeyRing
from appliance.identity.key_rows import depart_keys
from appliance.identity.roles import insist
from appliance.identity.text_rules import clean_name
from appliance.identity.versions import changed, expect
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.state import raise_state_version
from appliance.store.tables import api_keys, departments, service_accounts, teams, tenants


class ServiceAccount(msgspec.Struct, frozen=True, kw_only=True):
    """Times in UTC milliseconds. `keys`: how many it has, revoked ones too."""

    number: int
    id: str
    tenant_id: str
    department_id: str | None
    team_id: str | None
    name: str
    suspended_at: int | None
    created_by: str
    created_at: int
    updated_at: int | None
    version: int
    keys: int


class ServiceAccountWanted(msgspec.Struct, frozen=True, kw_only=True):
    """A team's department is the account's own, where none is named."""

    name: str
    department_id: str | None = None
    team_id: str | None = None


class ServiceAccountChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise; UNSET: stays."""

    name: str | UnsetType = UNSET
    department_id: str | UnsetType | None = UNSET
    team_id: str | UnsetType | None = UNSET
    suspended: bool | UnsetType = UNSET


class ServiceAccountPage(msgspec.Struct, frozen=True):
    items: list[ServiceAccount]
    next_cursor: str | None


class ServiceAccounts:
    """Every change is one transaction with its audit row; keys follow their holder with the very next request."""

    def __init__(self, db: Database, clock: Clock, ring: KeyRing) -> None:
        self._db = db
        self._clock = clock
        self._ring = ring

    async def list(self, caller: Caller, *, limit: int = 50, after: str | None = None) -> ServiceAccountPage:
        """The newest first. Errors: InvalidField, Forbidden."""
        insist(caller, "people:read")
        check_limit(limit)
        query = _query().where(*_visible(caller)).order_by(service_accounts.c.number.desc()).limit(limit + 1)
        if after is not None:
            query = query.where(service_accounts.c.number < number_in(after))
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
            items = await _accounts(connection, rows[:limit])
        return ServiceAccountPage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def get(self, caller: Caller, account_id: str) -> ServiceAccount:
        """Errors: NotFound, Forbidden."""
        insist(caller, "people:read")
        async with self._db.read() as connection:
            return (await _accounts(connection, [await _row(connection, caller, account_id)]))[0]

    async def create(self, caller: Caller, wanted: ServiceAccountWanted) -> ServiceAccount:
        """Errors: InvalidField, Conflict, Forbidden."""
        insist(caller, "people:change")
        return await to_the_end(self._created(caller, msgspec.structs.replace(wanted, name=clean_name(wanted.name))))

    async def change(
        self, caller: Caller, account_id: str, change: ServiceAccountChange, *, version: int | None = None
    ) -> ServiceAccount:
        """The keys of one that is suspended stop; they work again once it isn't.

        Errors:  InvalidField, Conflict, Forbidden, NotFound, PreconditionFailed.
        """
        insist(caller, "people:change")
        return await to_the_end(self._changed(caller, account_id, change, version))

    async def delete(self, caller: Caller, account_id: str, *, version: int | None = None) -> None:
        """Its keys go too. What they used stays in the ledger. Errors: Forbidden, NotFound, PreconditionFailed."""
        insist(caller, "people:change")
        await to_the_end(self._deleted(caller, account_id, version))

    async def _created(self, caller: Caller, wanted: ServiceAccountWanted) -> ServiceAccount:
        async with self._db.transaction() as tx:
            await _refuse_taken(tx, caller.tenant_number, wanted.name)
            account_id = new_id("sa")
            values = {
                "number": await next_number(tx, service_accounts),
                "id": account_id,
                "tenant_number": caller.tenant_number,
                "name": wanted.name,
                "created_by": caller.actor,
                "created_at": self._clock.now_ms(),
                **await _place(tx, caller.tenant_number, wanted.department_id, wanted.team_id),
            }
            await tx.execute(sa.insert(service_accounts).values(values))
            row = await _row(tx, caller, account_id)
            detail = {"name": wanted.name, "department": row.department_id, "team": row.team_id}
            await self._record(tx, caller, "service_account.create", account_id, detail)
            return (await _accounts(tx, [row]))[0]

    async def _changed(
        self, caller: Caller, account_id: str, change: ServiceAccountChange, version: int | None
    ) -> ServiceAccount:
        async with self._db.transaction() as tx:
            row = await _row(tx, caller, account_id)
            expect(row, version)
            columns = await _columns(tx, row, change, self._clock.now_ms())
            if not columns:
                return (await _accounts(tx, [row]))[0]
            bookkeeping = changed(service_accounts, self._clock.now_ms())
            is_it = service_accounts.c.number == row.number
            await tx.execute(sa.update(service_accounts).where(is_it).values(**columns, **bookkeeping))
            after = await _row(tx, caller, account_id)
            detail = {"name": after.name, "suspended": after.suspended_at is not None}
            detail |= {"department": after.department_id, "team": after.team_id}
            await self._record(tx, caller, "service_account.change", account_id, detail)
            (account,) = await _accounts(tx, [after])
            table = await self._ring.rebuilt(tx)
        self._ring.swap(table)
        return account

    async def _deleted(self, caller: Caller, account_id: str, version: int | None) -> None:
        now = self._clock.now_ms()
        async with self._db.transaction() as tx:
            row = await _row(tx, caller, account_id)
            expect(row, version)
            keys = await depart_keys(tx, api_keys.c.service_account_number == row.number, at_ms=now)
            await depart(tx, service_accounts, row, at_ms=now)
            await self._record(tx, caller, "service_account.delete", account_id, {"name": row.name, "keys": keys})
            table = await self._ring.rebuilt(tx)
        self._ring.swap(table)

    async def _record(self, tx: AsyncConnection, caller: Caller, action: str, target: str, detail: audit.Detail) -> None:
        await audit.append(tx, actor=caller.actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())
        await raise_state_version(tx)


async def _columns(tx: AsyncConnection, row: Any, change: ServiceAccountChange, now_ms: int) -> dict[str, Any]:
    """What differs from the row, as it keeps it. Errors: InvalidField, Conflict."""
    found: dict[str, Any] = {}
    if change.name is not UNSET:
        found["name"] = clean_name(change.name)
        if found["name"] != row.name:
            await _refuse_taken(tx, row.tenant_number, found["name"])
    if change.suspended is not UNSET and change.suspended != (row.suspended_at is not None):
        found["suspended_at"] = now_ms if change.suspended else None
    if change.department_id is not UNSET or change.team_id is not UNSET:
        found |= await _moved(tx, row, change)
    return {column: value for column, value in found.items() if value != getattr(row, column)}


async def _moved(tx: AsyncConnection, row: Any, change: ServiceAccountChange) -> dict[str, int | None]:
    """To another department one goes without its team, unless one is named; to another team, into that one's department."""
    if change.team_id is UNSET:
        assert change.department_id is not UNSET
        return await _place(tx, row.tenant_number, change.department_id, None)
    stays = row.department_id if change.team_id is None else None
    department_id = stays if change.department_id is UNSET else change.department_id
    return await _place(tx, row.tenant_number, department_id, change.team_id)


async def _place(
    tx: AsyncConnection, tenant_number: int, department_id: str | None, team_id: str | None
) -> dict[str, int | None]:
    """Errors: InvalidField where there is no such thing in this tenant, or the team is another department's."""
    department = await _found(tx, departments, tenant_number, department_id, "department_id")
    team = await _found(tx, teams, tenant_number, team_id, "team_id")
    if team is None:
        return {"department_number": None if department is None else department.number, "team_number": None}
    if department is not None and team.department_number != department.number:
        raise InvalidField("this team is not of this department", param="team_id", fix="Name the team alone.")
    return {"department_number": team.department_number, "team_number": team.number}


async def _found(tx: AsyncConnection, table: sa.Table, tenant_number: int, wanted: str | None, param: str) -> Any:
    if wanted is None:
        return None
    query = sa.select(table).where(table.c.id == wanted, table.c.tenant_number == tenant_number)
    row = (await tx.execute(query)).one_or_none()
    if row is None:
        raise InvalidField(f"there is no such {param.removesuffix('_id')}", param=param, fix="Look at its id, or leave it out.")
    return row


async def _refuse_taken(tx: AsyncConnection, tenant_number: int, name: str) -> None:
    is_it = (service_accounts.c.tenant_number == tenant_number, service_accounts.c.name == name)
    if (await tx.execute(sa.select(service_accounts.c.number).where(*is_it))).first() is not None:
        raise Conflict("there is a service account of this name already", fix="Choose another one.", param="name")


async def _row(connection: AsyncConnection, caller: Caller, account_id: str) -> Any:
    """Errors: NotFound."""
    query = _query().where(service_accounts.c.id == account_id, *_visible(caller))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound(
            "there is no such service account", fix="GET /api/v1/admin/service-accounts lists yours.", param="account_id"
        )
    return row


def _visible(caller: Caller) -> list[sa.ColumnElement[bool]]:
    return [] if caller.kind == "machine" else [service_accounts.c.tenant_number == caller.tenant_number]


def _query() -> sa.Select[Any]:
    return (
        sa.select(
            service_accounts,
            tenants.c.id.label("tenant_id"),
            departments.c.id.label("department_id"),
            teams.c.id.label("team_id"),
        )
        .join(tenants, tenants.c.number == service_accounts.c.tenant_number)
        .outerjoin(departments, departments.c.number == service_accounts.c.department_number)
        .outerjoin(teams, teams.c.number == service_accounts.c.team_number)
    )


async def _accounts(connection: AsyncConnection, rows: Sequence[Any]) -> list[ServiceAccount]:
    counts = await counts_under(connection, api_keys.c.service_account_number, rows)
    kept = [field for field in ServiceAccount.__struct_fields__ if field != "keys"]
    return [ServiceAccount(keys=counts.get(row.number, 0), **{field: getattr(row, field) for field in kept}) for row in rows]
