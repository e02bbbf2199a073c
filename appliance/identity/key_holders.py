"""Whom a new key belongs to: whoever makes it, another person, a service account, or nobody."""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity.caller import Caller
from appliance.identity.roles import insist, insist_on_rank
from appliance.identity.text_rules import clean_email
from appliance.store.tables import service_accounts, users

MAKE_KEYS_FOR = "make keys for somebody else"


class For(msgspec.Struct, frozen=True, kw_only=True):
    """Whom, where it isn't the caller: one of them. `email` is the command line's; so is a service account's name."""

    email: str | None = None
    user_id: str | None = None
    service_account: str | None = None


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Numbers as the key's row keeps them."""

    tenant_number: int
    department_number: int | None
    team_number: int | None
    user_number: int | None = None
    user_id: str | None = None
    service_account_number: int | None = None
    service_account_id: str | None = None

    def columns(self) -> dict[str, int | None]:
        return {name: getattr(self, name) for name in self.__struct_fields__ if name.endswith("_number")}


async def holder_of(tx: AsyncConnection, caller: Caller, whose: For) -> Holder:
    """Errors: InvalidField where there is none such for this caller; NotFound for an e-mail address; Forbidden; Conflict."""
    if whose.service_account is not None:
        if whose.user_id is not None or whose.email is not None:
            raise InvalidField(
                "a key belongs to a user or to a service account, not to both",
                param="service_account_id",
                fix="Name one of them.",
            )
        return await _service_account(tx, caller, whose.service_account)
    if whose.email is not None:
        return await _by_email(tx, caller, whose.email)
    if whose.user_id is not None and whose.user_id != caller.user_id:
        return await _user(tx, caller, whose.user_id)
    return Holder(
        tenant_number=caller.tenant_number,
        department_number=caller.department_number,
        team_number=caller.team_number,
        user_number=caller.user_number,
        user_id=caller.user_id,
    )


async def _user(tx: AsyncConnection, caller: Caller, user_id: str) -> Holder:
    insist(caller, "api_keys:change_all")
    row = (await tx.execute(sa.select(users).where(users.c.id == user_id, *_own(caller, users)))).one_or_none()
    if row is None:
        raise InvalidField("there is no such user", param="user_id", fix="GET /api/v1/admin/users lists them.")
    insist_on_rank(caller, row.role, MAKE_KEYS_FOR)
    return _person(row)


async def _by_email(tx: AsyncConnection, caller: Caller, email: str) -> Holder:
    assert caller.kind == "machine", "only the command line makes keys by e-mail address"
    row = (await tx.execute(sa.select(users).where(users.c.email_key == clean_email(email).key))).one_or_none()
    if row is None:
        raise NotFound("no account has this e-mail address", fix="Look at its spelling.", param="email")
    return _person(row)


def _person(row: Any) -> Holder:
    return Holder(
        tenant_number=row.tenant_number,
        department_number=row.department_number,
        team_number=row.team_number,
        user_number=row.number,
        user_id=row.id,
    )


async def _service_account(tx: AsyncConnection, caller: Caller, named: str) -> Holder:
    insist(caller, "api_keys:change_all")
    is_it = service_accounts.c.id == named
    if caller.kind == "machine":
        is_it = sa.or_(is_it, service_accounts.c.name == named)
    rows = (await tx.execute(sa.select(service_accounts).where(is_it, *_own(caller, service_accounts)))).all()
    if not rows:
        raise InvalidField(
            "there is no such service account",
            param="service_account_id",
            fix="GET /api/v1/admin/service-accounts lists them; POST makes one.",
        )
    if len(rows) > 1:
        raise Conflict("several organisations have a service account of this name", fix="Give its id (sa_…).")
    row = rows[0]
    return Holder(
        tenant_number=row.tenant_number,
        department_number=row.department_number,
        team_number=row.team_number,
        service_account_number=row.number,
        service_account_id=row.id,
    )


def _own(caller: Caller, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    return [] if caller.kind == "machine" else [table.c.tenant_number == caller.tenant_number]
