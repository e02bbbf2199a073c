"""API keys as rows: what may be told of one, which ones exist for whom, and how they go when their holder does."""

from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import NotFound
from appliance.identity.caller import Caller
from appliance.identity.departed import depart
from appliance.identity.roles import may
from appliance.store.tables import api_keys, key_use, service_accounts, tenants, users

KeyState = Literal["active", "revoked", "expired"]


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it may be listed: everything but the key. Times in UTC milliseconds.

    holder:        the user's e-mail address or the service account's name; None: the key is nobody's.
    models:        names that it may ask for; None: all that its tenant may.
    previous_until: until when the value before the last rotation works, or worked.
    requests, failures: as the ledger has them: what was admitted, and of that what was not answered whole.
    """

    number: int
    id: str
    name: str
    environment: str
    key_prefix: str
    scopes: list[str]
    loopback_only: bool
    user_id: str | None
    created_by: str
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    service_account_id: str | None = None
    holder: str | None = None
    models: list[str] | None = None
    rotated_at: int | None = None
    previous_until: int | None = None
    updated_at: int | None = None
    version: int = 1
    requests: int = 0
    failures: int = 0
    last_used_at: int | None = None
    state: KeyState = "active"

    @property
    def success_rate(self) -> float | None:
        """None: it was never used."""
        return None if self.requests == 0 else 1 - self.failures / self.requests


class KeyPage(msgspec.Struct, frozen=True):
    items: list[ApiKey]
    next_cursor: str | None


class KeyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which keys are listed; None: whichever."""

    user_id: str | None = None
    service_account_id: str | None = None
    state: KeyState | None = None

    def conditions(self, now_ms: int) -> list[sa.ColumnElement[bool]]:
        found: list[sa.ColumnElement[bool]] = []
        if self.user_id is not None:
            found.append(users.c.id == self.user_id)
        if self.service_account_id is not None:
            found.append(service_accounts.c.id == self.service_account_id)
        if self.state is not None:
            found += self._in_state(now_ms)
        return found

    def _in_state(self, now_ms: int) -> list[sa.ColumnElement[bool]]:
        if self.state == "revoked":
            return [api_keys.c.revoked_at.is_not(None)]
        is_over = sa.and_(api_keys.c.expires_at.is_not(None), api_keys.c.expires_at <= now_ms)
        return [api_keys.c.revoked_at.is_(None), is_over if self.state == "expired" else sa.not_(is_over)]


def visible(caller: Caller, permission_for_all: str) -> list[sa.ColumnElement[bool]]:
    """Which keys exist for this caller. The machine stands above tenants."""
    if caller.kind == "machine":
        return []
    same_tenant = api_keys.c.tenant_number == caller.tenant_number
    if may(caller, permission_for_all):
        return [same_tenant]
    return [same_tenant, api_keys.c.user_number == caller.user_number]


def keys_query() -> sa.Select[Any]:
    """`holder_role`: of the user whose key it is."""
    return (
        sa.select(
            api_keys,
            users.c.id.label("user_id"),
            users.c.role.label("holder_role"),
            service_accounts.c.id.label("service_account_id"),
            sa.func.coalesce(users.c.email, service_accounts.c.name).label("holder"),
            sa.func.coalesce(key_use.c.requests, 0).label("requests"),
            sa.func.coalesce(key_use.c.failures, 0).label("failures"),
            key_use.c.last_used_at,
        )
        .join(tenants, tenants.c.number == api_keys.c.tenant_number)
        .outerjoin(users, users.c.number == api_keys.c.user_number)
        .outerjoin(service_accounts, service_accounts.c.number == api_keys.c.service_account_number)
        .outerjoin(key_use, key_use.c.key_number == api_keys.c.number)
    )


async def key_row(connection: AsyncConnection, caller: Caller, key_id: str, permission_for_all: str) -> Any:
    """Errors: NotFound, for another's key too."""
    query = keys_query().where(api_keys.c.id == key_id, *visible(caller, permission_for_all))
    row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFound("there is no such API key", fix="GET /api/v1/admin/api-keys lists yours.", param="key_id")
    return row


def api_key(row: Any, now_ms: int) -> ApiKey:
    kept = {field: getattr(row, field) for field in ApiKey.__struct_fields__ if field != "state"}
    return ApiKey(**kept, state=_state(row, now_ms))


def _state(row: Any, now_ms: int) -> KeyState:
    if row.revoked_at is not None:
        return "revoked"
    return "expired" if row.expires_at is not None and now_ms >= row.expires_at else "active"


async def depart_keys(tx: AsyncConnection, held: sa.ColumnElement[bool], *, at_ms: int, forget: bool = False) -> list[str]:
    """Delete the keys that `held` is true of, with their holder: what they used stays in the ledger. Their ids."""
    rows = (await tx.execute(sa.select(api_keys).where(held))).all()
    for row in rows:
        await depart(tx, api_keys, row, at_ms=at_ms, forget=forget)
        await tx.execute(sa.delete(key_use).where(key_use.c.key_number == row.number))
    return [row.id for row in rows]
