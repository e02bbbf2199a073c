"""API keys: made, listed, revoked. A change counts from the very next request: the new table of keys is published after
the commit and before the answer.
"""

from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock, rfc3339
from appliance.errors import InvalidField, NotFound
from appliance.identity import key_format
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import next_number
from appliance.identity.key_format import Environment
from appliance.identity.key_ring import KeyRing
from appliance.identity.key_table import PEPPER_LABEL, key_hash, load_key_entry
from appliance.identity.roles import insist, may
from appliance.identity.text_rules import clean_email, clean_name
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.state import raise_state_version
from appliance.store.tables import api_keys, tenants, users
from appliance.store.vault import Vault

Scope = Literal["chat", "embeddings", "models", "metrics"]

FIRST_RUN_NAME = "first-run"
FIRST_RUN_DAYS = 7
FIRST_RUN_MADE = "first_run_key_made"  # a mark in the vault: the key is made at the very first start, and never again
_DAY_MS = 86_400_000


class KeyWanted(msgspec.Struct, frozen=True, kw_only=True):
    """What a new key is to be. `expires_at` in UTC milliseconds, None: it does not expire."""

    name: str
    environment: Environment = "development"
    expires_at: int | None = None
    scopes: frozenset[Scope] = frozenset()
    loopback_only: bool = False


class ApiKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it may be listed: everything but the key."""

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


class NewKey(msgspec.Struct, frozen=True):
    """A key just made. `secret` is shown once and kept nowhere."""

    key: ApiKey
    secret: str

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return f"NewKey({self.key.id!r})"


class KeyPage(msgspec.Struct, frozen=True):
    items: list[ApiKey]
    next_cursor: str | None


class ApiKeys:
    """Every change is one transaction with its audit row; then the ring gets the new table."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, ring: KeyRing) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._ring = ring
        self._pepper = vault.derive(PEPPER_LABEL)

    async def create(self, caller: Caller, wanted: KeyWanted, *, for_email: str | None = None) -> NewKey:
        """A key for the caller, or, at the machine's own command line, for the user with `for_email` or for nobody.

        Errors:  InvalidField, NotFound, Forbidden.
        """
        insist(caller, "api_keys:create")
        if "metrics" in wanted.scopes:
            insist(caller, "api_keys:grant_metrics")
        if wanted.expires_at is not None and wanted.expires_at <= self._clock.now_ms():
            raise InvalidField("expires_at lies in the past", param="expires_at", fix="Choose a later time, or leave it out.")
        wanted = msgspec.structs.replace(wanted, name=clean_name(wanted.name))
        return await to_the_end(self._created(caller, wanted, for_email))

    async def first_run_key(self) -> str | None:
        """The development key of the very first start: this machine only, 7 days. None at every later start."""
        if await self._vault.get(FIRST_RUN_MADE) is not None:
            return None
        expires_at = self._clock.now_ms() + FIRST_RUN_DAYS * _DAY_MS
        wanted = KeyWanted(name=FIRST_RUN_NAME, expires_at=expires_at, loopback_only=True)
        return (await to_the_end(self._created(MACHINE, wanted, None, first_run=True))).secret

    async def list(self, caller: Caller, *, limit: int = 50, after: str | None = None) -> KeyPage:
        """The caller's own keys, the newest first; all keys of the tenant for who may see them. Errors: InvalidField."""
        insist(caller, "api_keys:list")
        check_limit(limit)
        query = _keys_query().where(*_visible(caller, "api_keys:list_all")).order_by(api_keys.c.number.desc()).limit(limit + 1)
        if after is not None:
            query = query.where(api_keys.c.number < number_in(after))
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        items = [_api_key(row) for row in rows[:limit]]
        return KeyPage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def revoke(self, caller: Caller, key_id: str) -> None:
        """The key stops working with the next request. Revoking one that is revoked changes nothing and is no error:
        whoever asks twice wants it to be so. Another's key is not there, for who may not revoke it.

        Errors:  NotFound, Forbidden.
        """
        insist(caller, "api_keys:revoke")
        await to_the_end(self._revoked(caller, key_id))

    async def _created(self, caller: Caller, wanted: KeyWanted, for_email: str | None, *, first_run: bool = False) -> NewKey:
        secret = key_format.new_key(wanted.environment)
        hashed = key_hash(self._pepper, secret)
        async with self._db.transaction() as tx:
            holder = await _holder(tx, caller, for_email)
            key = await self._insert(tx, caller, wanted, holder, secret, hashed)
            if first_run:
                await self._vault.put(tx, FIRST_RUN_MADE, b"1")
            entry = await load_key_entry(tx, key.number)
            table = await self._ring.current(tx)
        self._ring.swap(table.with_key(hashed, entry))
        return NewKey(key, secret)

    async def _insert(
        self, tx: AsyncConnection, caller: Caller, wanted: KeyWanted, holder: "_Holder", secret: str, hashed: bytes
    ) -> ApiKey:
        now = self._clock.now_ms()
        values: dict[str, Any] = {
            "id": new_id("key"),
            "name": wanted.name,
            "environment": wanted.environment,
            "key_prefix": key_format.shown_prefix(secret),
            "loopback_only": wanted.loopback_only,
            "scopes": sorted(wanted.scopes),
            "created_by": caller.actor,
            "created_at": now,
            "expires_at": wanted.expires_at,
        }
        number = await next_number(tx, api_keys)
        await tx.execute(sa.insert(api_keys).values(number=number, key_hash=hashed, **holder.columns(), **values))
        detail: audit.Detail = {
            "name": wanted.name,
            "environment": wanted.environment,
            "expires_at": None if wanted.expires_at is None else rfc3339(wanted.expires_at),
            "user": holder.user_id,
            "scopes": values["scopes"],
        }
        await self._record(tx, caller, "api_key.create", values["id"], detail)
        return ApiKey(number=number, user_id=holder.user_id, revoked_at=None, **values)

    async def _revoked(self, caller: Caller, key_id: str) -> None:
        async with self._db.transaction() as tx:
            query = _keys_query().where(api_keys.c.id == key_id, *_visible(caller, "api_keys:revoke_all"))
            row = (await tx.execute(query)).one_or_none()
            if row is None:
                raise NotFound("there is no such API key", fix="GET /api/v1/admin/api-keys lists yours.", param="key_id")
            if row.revoked_at is not None:
                return
            await tx.execute(sa.update(api_keys).where(api_keys.c.number == row.number).values(revoked_at=self._clock.now_ms()))
            await self._record(tx, caller, "api_key.revoke", key_id, {"name": row.name})
            table = await self._ring.current(tx)
        self._ring.swap(table.with_revoked(row.key_hash))

    async def _record(self, tx: AsyncConnection, caller: Caller, action: str, target: str, detail: audit.Detail) -> None:
        await audit.append(tx, actor=caller.actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())
        await raise_state_version(tx)


class _Holder(msgspec.Struct, frozen=True):
    """Whom a new key belongs to."""

    tenant_number: int
    department_number: int | None
    team_number: int | None
    user_number: int | None
    user_id: str | None

    def columns(self) -> dict[str, int | None]:
        numbers = ("tenant_number", "department_number", "team_number", "user_number")
        return {name: getattr(self, name) for name in numbers}


async def _holder(tx: AsyncConnection, caller: Caller, for_email: str | None) -> _Holder:
    if for_email is None:
        return _Holder(caller.tenant_number, caller.department_number, caller.team_number, caller.user_number, caller.user_id)
    assert caller.kind == "machine", "only the command line makes keys for others"
    row = (await tx.execute(sa.select(users).where(users.c.email_key == clean_email(for_email).key))).one_or_none()
    if row is None:
        raise NotFound("no account has this e-mail address", fix="Look at its spelling.", param="email")
    return _Holder(row.tenant_number, row.department_number, row.team_number, row.number, row.id)


def _visible(caller: Caller, permission_for_all: str) -> list[sa.ColumnElement[bool]]:
    """Which keys exist for this caller. The machine stands above tenants."""
    if caller.kind == "machine":
        return []
    same_tenant = api_keys.c.tenant_number == caller.tenant_number
    if may(caller, permission_for_all):
        return [same_tenant]
    return [same_tenant, api_keys.c.user_number == caller.user_number]


def _keys_query() -> sa.Select[Any]:
    return (
        sa.select(api_keys, users.c.id.label("user_id"))
        .join(tenants, tenants.c.number == api_keys.c.tenant_number)
        .outerjoin(users, users.c.number == api_keys.c.user_number)
    )


def _api_key(row: Any) -> ApiKey:
    return ApiKey(**{field: getattr(row, field) for field in ApiKey.__struct_fields__})
