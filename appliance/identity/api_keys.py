"""API keys: made, listed, changed, rotated, revoked. A change counts from the very next request: the new table of keys is
published after the commit and before the answer.
"""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock, rfc3339
from appliance.errors import Conflict, InvalidField, NotFound
from appliance.identity import key_format
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.cursors import check_limit, cursor, number_in
from appliance.identity.departed import next_number
from appliance.identity.key_holders import For, Holder, holder_of
from appliance.identity.key_orders import GRACE_SECONDS, KeyChange, KeyWanted, Scope, check_grace, told
from appliance.identity.key_ring import KeyRing
from appliance.identity.key_rows import ApiKey, KeyFilter, KeyPage, api_key, key_row, keys_query, visible
from appliance.identity.key_table import PEPPER_LABEL, KeyTable, key_hash, load_key_entries
from appliance.identity.roles import RANKS, insist, insist_on_rank
from appliance.identity.versions import changed, expect
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.state import raise_state_version
from appliance.store.tables import api_keys
from appliance.store.vault import Vault

__all__ = ["ApiKey", "ApiKeys", "For", "KeyChange", "KeyFilter", "KeyPage", "KeyWanted", "NewKey", "Revoked", "Scope"]

FIRST_RUN_NAME = "first-run"
FIRST_RUN_DAYS = 7
FIRST_RUN_MADE = "first_run_key_made"  # a mark in the vault: the key is made at the very first start, and never again
_DAY_MS = 86_400_000


class NewKey(msgspec.Struct, frozen=True):
    """A key just made, or made anew. `secret` is shown once and kept nowhere."""

    key: ApiKey
    secret: str

    def __repr__(self) -> str:  # it must not reach a log through a repr
        return f"NewKey({self.key.id!r})"


class Revoked(msgspec.Struct, frozen=True):
    """What somebody who held a value has ended: the key, or only what worked beside it since its rotation."""

    id: str
    key_prefix: str
    revoked_at: int
    only_previous: bool


class ApiKeys:
    """Every change is one transaction with its audit row; then the ring gets the new table."""

    def __init__(self, db: Database, vault: Vault, clock: Clock, ring: KeyRing) -> None:
        self._db = db
        self._vault = vault
        self._clock = clock
        self._ring = ring
        self._pepper = vault.derive(PEPPER_LABEL)

    async def create(
        self, caller: Caller, wanted: KeyWanted, *, for_email: str | None = None, whose: For | None = None
    ) -> NewKey:
        """A key for the caller, or for whoever is named: who may change all keys makes them for others.

        Errors:  InvalidField, NotFound, Forbidden, Conflict.
        """
        insist(caller, "api_keys:create")
        wanted = wanted.checked(caller, self._clock.now_ms())
        return await to_the_end(self._created(caller, wanted, whose or For(email=for_email)))

    async def first_run_key(self) -> str | None:
        """The development key of the very first start: this machine only, 7 days. None at every later start."""
        if await self._vault.get(FIRST_RUN_MADE) is not None:
            return None
        expires_at = self._clock.now_ms() + FIRST_RUN_DAYS * _DAY_MS
        wanted = KeyWanted(name=FIRST_RUN_NAME, expires_at=expires_at, loopback_only=True)
        return (await to_the_end(self._created(MACHINE, wanted, For(), first_run=True))).secret

    async def list(
        self, caller: Caller, *, limit: int = 50, after: str | None = None, wanted: KeyFilter | None = None
    ) -> KeyPage:
        """The caller's own keys, the newest first; all keys of the tenant for who may see them. Errors: InvalidField."""
        insist(caller, "api_keys:list")
        check_limit(limit)
        query = keys_query().where(*visible(caller, "api_keys:list_all")).order_by(api_keys.c.number.desc()).limit(limit + 1)
        if wanted is not None:
            query = query.where(*wanted.conditions(self._clock.now_ms()))
        if after is not None:
            query = query.where(api_keys.c.number < number_in(after))
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        items = [self._told(row) for row in rows[:limit]]
        return KeyPage(items, cursor(items[-1].number) if len(rows) > limit else None)

    async def get(self, caller: Caller, key_id: str) -> ApiKey:
        """Errors: NotFound."""
        insist(caller, "api_keys:list")
        async with self._db.read() as connection:
            return self._told(await key_row(connection, caller, key_id, "api_keys:list_all"))

    async def change(self, caller: Caller, key_id: str, change: KeyChange, *, version: int | None = None) -> ApiKey:
        """What a change leaves as it was counts as no change.

        Errors:  InvalidField, Forbidden, NotFound, PreconditionFailed; Conflict for one that is revoked.
        """
        insist(caller, "api_keys:change")
        return await to_the_end(self._changed(caller, key_id, change, version))

    async def rotate(
        self, caller: Caller, key_id: str, *, grace_seconds: int = GRACE_SECONDS, version: int | None = None
    ) -> NewKey:
        """A new secret for the same key. The one before works for the grace time; one still older ends at once.

        Errors:  InvalidField, Forbidden, NotFound, PreconditionFailed; Conflict for one that is revoked or has expired.
        """
        insist(caller, "api_keys:change")
        check_grace(grace_seconds)
        return await to_the_end(self._rotated(caller, key_id, grace_seconds, version))

    async def revoke(self, caller: Caller, key_id: str) -> None:
        """The key stops working with the next request. Revoking one that is revoked changes nothing and is no error:
        whoever asks twice wants it to be so. Another's key is not there, for who may not revoke it.

        Errors:  NotFound, Forbidden.
        """
        insist(caller, "api_keys:revoke")
        await to_the_end(self._revoked(caller, key_id))

    async def revoke_value(self, caller: Caller, secret: str) -> Revoked:
        """Revoke the key with this value, whoever's: to hold it is the proof. Of a key that was rotated, the older value is
        ended alone: whoever holds that doesn't hold the newer one.

        Errors:  InvalidField for what can be no key of ours; NotFound.
        """
        insist(caller, "api_keys:list")  # whoever is signed in, an auditor too
        if not key_format.well_formed(secret):
            raise InvalidField(
                "this is no whole API key of ours: it was cut or mistyped, since its checksum does not fit",
                param="key",
                fix="Copy it again, whole, from gh- to its last character.",
            )
        return await to_the_end(self._revoked_by_value(caller, key_hash(self._pepper, secret)))

    async def _created(self, caller: Caller, wanted: KeyWanted, whose: For, *, first_run: bool = False) -> NewKey:
        secret = key_format.new_key(wanted.environment)
        async with self._db.transaction() as tx:
            holder = await holder_of(tx, caller, whose)
            key = await self._insert(tx, caller, wanted, holder, secret)
            if first_run:
                await self._vault.put(tx, FIRST_RUN_MADE, b"1")
            table = await self._table_with(tx, key.number)
        self._ring.swap(table)
        return NewKey(key, secret)

    async def _insert(self, tx: AsyncConnection, caller: Caller, wanted: KeyWanted, holder: Holder, secret: str) -> ApiKey:
        values: dict[str, Any] = {
            "number": await next_number(tx, api_keys),
            "id": new_id("key"),
            "name": wanted.name,
            "environment": wanted.environment,
            "key_prefix": key_format.shown_prefix(secret),
            "loopback_only": wanted.loopback_only,
            "scopes": sorted(wanted.scopes),
            "models": wanted.models,
            "created_by": caller.actor,
            "created_at": self._clock.now_ms(),
            "expires_at": wanted.expires_at,
        }
        await tx.execute(sa.insert(api_keys).values(key_hash=key_hash(self._pepper, secret), **holder.columns(), **values))
        detail: audit.Detail = {
            "name": wanted.name,
            "environment": wanted.environment,
            "expires_at": None if wanted.expires_at is None else rfc3339(wanted.expires_at),
            "user": holder.user_id,
            "service_account": holder.service_account_id,
            "scopes": values["scopes"],
            "models": wanted.models,
        }
        await self._record(tx, caller, "api_key.create", values["id"], detail)
        return self._told((await tx.execute(keys_query().where(api_keys.c.number == values["number"]))).one())

    async def _changed(self, caller: Caller, key_id: str, change: KeyChange, version: int | None) -> ApiKey:
        async with self._db.transaction() as tx:
            row = await self._to_change(tx, caller, key_id, version)
            columns = change.columns(caller, row, self._clock.now_ms())
            if not columns:
                return self._told(row)
            await self._update(tx, row, **columns)
            await self._record(tx, caller, "api_key.change", key_id, told(columns))
            key = self._told(await key_row(tx, caller, key_id, "api_keys:change_all"))
            table = await self._table_with(tx, row.number)
        self._ring.swap(table)
        return key

    async def _rotated(self, caller: Caller, key_id: str, grace_seconds: int, version: int | None) -> NewKey:
        now = self._clock.now_ms()
        async with self._db.transaction() as tx:
            row = await self._to_change(tx, caller, key_id, version)
            if row.expires_at is not None and now >= row.expires_at:
                raise Conflict(
                    "this API key has expired, and so would its new value", fix="Set another expires_at first (PATCH)."
                )
            secret = key_format.new_key(row.environment)
            until = now + grace_seconds * 1000
            fresh = {"key_hash": key_hash(self._pepper, secret), "key_prefix": key_format.shown_prefix(secret)}
            await self._update(tx, row, **fresh, previous_hash=row.key_hash, previous_until=until, rotated_at=now)
            detail: audit.Detail = {"name": row.name, "previous_until": rfc3339(until)}
            await self._record(tx, caller, "api_key.rotate", key_id, detail)
            key = self._told(await key_row(tx, caller, key_id, "api_keys:change_all"))
            table = await self._table_with(tx, row.number, without=row.previous_hash)
        self._ring.swap(table)
        return NewKey(key, secret)

    async def _revoked(self, caller: Caller, key_id: str) -> None:
        async with self._db.transaction() as tx:
            row = await key_row(tx, caller, key_id, "api_keys:revoke_all")
            _insist_on_holders_rank(caller, row, "revoke this key")
            if row.revoked_at is not None:
                return
            await self._update(tx, row, revoked_at=self._clock.now_ms())
            await self._record(tx, caller, "api_key.revoke", key_id, {"name": row.name})
            table = await self._table_with(tx, row.number)
        self._ring.swap(table)

    async def _revoked_by_value(self, caller: Caller, hashed: bytes) -> Revoked:
        now = self._clock.now_ms()
        async with self._db.transaction() as tx:
            is_it = sa.or_(api_keys.c.key_hash == hashed, api_keys.c.previous_hash == hashed)
            row = (await tx.execute(keys_query().where(is_it))).one_or_none()
            if row is None:
                raise NotFound("this API key is not known here", fix="It is another appliance's, or was deleted.", param="key")
            only_previous = bool(row.key_hash != hashed)
            ended = row.previous_until if only_previous else row.revoked_at
            if row.revoked_at is not None or (ended is not None and ended <= now):
                return Revoked(row.id, row.key_prefix, row.revoked_at or ended, only_previous)
            await self._update(tx, row, **({"previous_until": now} if only_previous else {"revoked_at": now}))
            detail: audit.Detail = {"name": row.name, "only_previous": only_previous}
            await self._record(tx, caller, "api_key.revoke_by_value", row.id, detail)
            table = await self._table_with(tx, row.number)
        self._ring.swap(table)
        return Revoked(row.id, row.key_prefix, now, only_previous)

    async def _to_change(self, tx: AsyncConnection, caller: Caller, key_id: str, version: int | None) -> Any:
        row = await key_row(tx, caller, key_id, "api_keys:change_all")
        _insist_on_holders_rank(caller, row, "change this key")
        expect(row, version)
        if row.revoked_at is not None:
            raise Conflict("this API key was revoked, for good", fix="Make another one.")
        return row

    async def _table_with(self, tx: AsyncConnection, number: int, *, without: bytes | None = None) -> KeyTable:
        """The table in force with this key as it is now; `without` a secret that it had."""
        table = await self._ring.current(tx)
        return table.with_entries(await load_key_entries(tx, number), without=[] if without is None else [without])

    def _told(self, row: Any) -> ApiKey:
        return api_key(row, self._clock.now_ms())

    async def _update(self, tx: AsyncConnection, row: Any, **columns: Any) -> None:
        bookkeeping = changed(api_keys, self._clock.now_ms())
        await tx.execute(sa.update(api_keys).where(api_keys.c.number == row.number).values(**columns, **bookkeeping))

    async def _record(self, tx: AsyncConnection, caller: Caller, action: str, target: str, detail: audit.Detail) -> None:
        await audit.append(tx, actor=caller.actor, action=action, target=target, detail=detail, at_ms=self._clock.now_ms())
        await raise_state_version(tx)


def _insist_on_holders_rank(caller: Caller, row: Any, doing: str) -> None:
    """Nobody touches what belongs to a higher role. Errors: Forbidden."""
    if row.holder_role in RANKS:
        insist_on_rank(caller, row.holder_role, doing)
