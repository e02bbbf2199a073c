"""Organisations. One is there from the beginning, the appliance's own; nobody has to think of others before they need one."""

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from msgspec import UNSET, UnsetType
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.caller import Caller
from appliance.identity.changes import Change, Changes
from appliance.identity.counts import counts_under
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import depart, next_number
from appliance.identity.invitation_places import InvitationWanted, Place, checked
from appliance.identity.invitations import Invitations, NewInvitation
from appliance.identity.roles import insist, may
from appliance.identity.tenant_rules import TenantRules, check, kept
from appliance.identity.text_rules import clean_name
from appliance.identity.versions import changed, expect
from appliance.store.new_id import new_id
from appliance.store.tables import (
    api_keys,
    departments,
    invitations,
    service_accounts,
    stored_responses,
    teams,
    tenants,
    uploaded_files,
    users,
)

TENANTS_MAX = 1_000


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """An organisation, and how many accounts it has."""

    number: int
    id: str
    name: str
    is_default: bool
    rules: TenantRules
    users: int
    suspended_at: int | None
    created_at: int
    updated_at: int | None
    version: int


class TenantChange(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be different; UNSET: nothing. `rules`: those named take the place of what is there; None: its default."""

    name: str | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    rules: dict[str, Any] | UnsetType = UNSET


class KeptTime(msgspec.Struct, frozen=True):
    """How long an organisation's requests are kept; None: as long as the appliance's own rule says."""

    number: int
    id: str
    retention_days: int | None
    time_zone: str


class TenantPage(msgspec.Struct, frozen=True):
    items: list[Tenant]
    next_cursor: str | None


class Begun(msgspec.Struct, frozen=True):
    """An organisation just made, and the way in for its first owner."""

    tenant: Tenant
    invitation: NewInvitation | None


class Tenants:
    """Whoever may manage organisations sees all of them, and nothing of what is in the others."""

    def __init__(self, changes: Changes, invitations: Invitations) -> None:
        self._changes = changes
        self._invitations = invitations

    async def list(self, caller: Caller, *, limit: int = 50, after: str | None = None) -> TenantPage:
        """The oldest first. Errors: Forbidden, InvalidField."""
        insist(caller, "tenants:read")
        check_limit(limit)
        query = sa.select(tenants).where(*_visible(caller)).order_by(tenants.c.number).limit(limit + 1)
        if after is not None:
            query = query.where(tenants.c.number > number_in(after))
        async with self._changes.db.read() as connection:
            rows = (await connection.execute(query)).all()
            items = await _tenants(connection, rows[:limit])
        return TenantPage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def get(self, caller: Caller, tenant_id: str) -> Tenant:
        """Errors: Forbidden, NotFound."""
        insist(caller, "tenants:read")
        async with self._changes.db.read() as connection:
            return await _shown(connection, caller, tenant_id)

    async def kept_times(self) -> Sequence[KeptTime]:
        """Of every organisation, for the one who deletes."""
        async with self._changes.db.read() as connection:
            rows = (await connection.execute(sa.select(tenants.c.number, tenants.c.id, tenants.c.rules))).all()
        rules = [(row, msgspec.convert(row.rules, TenantRules)) for row in rows]
        return [KeptTime(row.number, row.id, rule.retention_days, rule.time_zone) for row, rule in rules]

    async def create(self, caller: Caller, name: str, rules: TenantRules) -> Tenant:
        """One that nobody is in yet. Errors: Forbidden, InvalidField, Conflict."""
        return (await self.begin(caller, name, rules, None)).tenant

    async def begin(self, caller: Caller, name: str, rules: TenantRules, owner: InvitationWanted | None) -> Begun:
        """With an invitation for its first owner, or not at all: one without an owner could be entered by the machine alone.

        Errors:  Forbidden, InvalidField, Conflict.
        """
        insist(caller, "tenants:manage")
        clean = clean_name(name)
        check(rules)
        first = None if owner is None else checked(msgspec.structs.replace(owner, role="owner"))

        async def change(one: Change) -> Begun:
            tenant = await _made(one, caller, clean, rules)
            if first is None:
                return Begun(tenant, None)
            return Begun(tenant, await self._invitations.within(one.tx, caller, Place(tenant.number), first))

        return await self._changes.make(change)

    async def change(self, caller: Caller, tenant_id: str, wanted: TenantChange, version: int | None = None) -> Tenant:
        """One's own name and rules; who manages organisations may suspend one, save the appliance's own.

        Errors:  Forbidden, InvalidField, NotFound, Conflict, PreconditionFailed.
        """
        insist(caller, "tenants:change")

        async def change(one: Change) -> Tenant:
            row = await _found(one.tx, caller, tenant_id)
            expect(row, version)
            values = await _values(one, caller, row, wanted)
            if values:
                await one.tx.execute(
                    sa.update(tenants).where(tenants.c.number == row.number).values(**values, **changed(tenants, one.now))
                )
                told = {name: value for name, value in values.items() if name == "name"}
                if "rules" in values:
                    told["rules"] = _text(values["rules"])
                if "suspended_at" in values:
                    told["suspended"] = values["suspended_at"] is not None
                await one.record(caller, "tenant.change", tenant_id, told)
                one.touches_keys = values.keys() != {"name"}
            return await _shown(one.tx, caller, tenant_id)

        return await self._changes.make(change)

    async def delete(self, caller: Caller, tenant_id: str, *, forget: bool = False) -> None:
        """With everybody and everything in it. What the ledger says of it stays; `forget`: under numbers alone.

        Errors:  Forbidden, NotFound, Conflict: it must be suspended first, so that nobody deletes a living one by mistake.
        """
        insist(caller, "tenants:manage")

        async def change(one: Change) -> None:
            row = await _found(one.tx, caller, tenant_id)
            people = (await counts_under(one.tx, users.c.tenant_number, [row])).get(row.number, 0)
            if row.is_default:
                raise Conflict("this is the appliance's own organisation", fix="Delete others; this one may be renamed.")
            if row.suspended_at is None:
                raise Conflict(
                    "it is in use: suspend it first",
                    fix='Suspend it (PATCH {"suspended": true}, or `gatehouse tenants suspend`), then delete it.',
                )
            await _empty(one, row.number, forget=forget)
            await depart(one.tx, tenants, row, at_ms=one.now, forget=forget)
            await one.record(caller, "tenant.delete", tenant_id, {"name": None if forget else row.name, "users": people})
            one.touches_keys = True

        await self._changes.make(change)


async def _made(one: Change, caller: Caller, name: str, rules: TenantRules) -> Tenant:
    """Errors: Conflict."""
    await _refuse_twin(one.tx, name)
    count = (await one.tx.execute(sa.select(sa.func.count()).select_from(tenants))).scalar_one()
    if count >= TENANTS_MAX:
        raise Conflict(f"there are {count:,} tenants already, and no more are taken", fix="Delete some that nobody needs.")
    tenant_id = new_id("tenant")
    values = {"number": await next_number(one.tx, tenants), "id": tenant_id, "name": name, "is_default": False}
    await one.tx.execute(sa.insert(tenants).values(created_at=one.now, rules=kept(rules), **values))
    await one.record(caller, "tenant.create", tenant_id, {"name": name, "rules": _text(kept(rules))})
    return await _shown(one.tx, caller, tenant_id)


async def _values(one: Change, caller: Caller, row: Any, wanted: TenantChange) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if wanted.name is not UNSET and (name := clean_name(wanted.name)) != row.name:
        await _refuse_twin(one.tx, name, row.number)
        values["name"] = name
    if wanted.rules is not UNSET:
        rules = _merged(row.rules, wanted.rules)
        if rules != row.rules:
            values["rules"] = rules
    if wanted.suspended is not UNSET and wanted.suspended != (row.suspended_at is not None):
        insist(caller, "tenants:manage")
        if row.is_default:
            raise Conflict("the appliance's own organisation can't be suspended", fix="Suspend users or departments of it.")
        values["suspended_at"] = one.now if wanted.suspended else None
    return values


def _merged(before: dict[str, Any], wanted: dict[str, Any]) -> dict[str, Any]:
    """What is kept. Errors: InvalidField."""
    merged = {name: value for name, value in {**before, **wanted}.items() if value is not None}
    try:
        rules = msgspec.convert(merged, TenantRules)
    except msgspec.ValidationError as error:
        raise InvalidField(f"rules: {error}", param="rules", fix="See the reference of tenants for what they take.") from None
    check(rules)
    return kept(rules)


async def _empty(one: Change, tenant_number: int, *, forget: bool) -> None:
    """Keys before their holders, people before where they stand: as the references ask."""
    for belongings in (stored_responses, uploaded_files, invitations):
        await one.tx.execute(sa.delete(belongings).where(belongings.c.tenant_number == tenant_number))
    for table in (api_keys, service_accounts, users, teams, departments):
        for row in (await one.tx.execute(sa.select(table).where(table.c.tenant_number == tenant_number))).all():
            await depart(one.tx, table, row, at_ms=one.now, forget=forget)


async def _refuse_twin(tx: AsyncConnection, name: str, but: int = 0) -> None:
    taken = {other.casefold() for other in (await tx.execute(sa.select(tenants.c.name).where(tenants.c.number != but))).scalars()}
    if name.casefold() in taken:
        raise Conflict("there is a tenant of this name already", param="name", fix="Choose another name.")


def _visible(caller: Caller) -> list[sa.ColumnElement[bool]]:
    return [] if may(caller, "tenants:manage") else [tenants.c.number == caller.tenant_number]


async def _found(connection: AsyncConnection, caller: Caller, tenant_id: str) -> Any:
    row = (await connection.execute(sa.select(tenants).where(tenants.c.id == tenant_id, *_visible(caller)))).one_or_none()
    if row is None:
        raise NotFound("there is no such tenant", param="tenant_id", fix="GET /api/v1/admin/tenants lists them.")
    return row


async def _shown(connection: AsyncConnection, caller: Caller, tenant_id: str) -> Tenant:
    """Errors: NotFound."""
    return (await _tenants(connection, [await _found(connection, caller, tenant_id)]))[0]


async def _tenants(connection: AsyncConnection, rows: Sequence[Any]) -> list[Tenant]:
    counts = await counts_under(connection, users.c.tenant_number, rows)
    kept = [field for field in Tenant.__struct_fields__ if field not in ("rules", "users")]
    return [
        Tenant(
            rules=msgspec.convert(row.rules, TenantRules),
            users=counts.get(row.number, 0),
            **{field: getattr(row, field) for field in kept},
        )
        for row in rows
    ]


def _text(rules: Any) -> str:
    return msgspec.json.encode(rules).decode()
