"""Every API key in memory, frozen: whose is this one? Asked at each request, so it costs microseconds."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import KeyExpired, KeyInvalid, KeyMissing, KeyRevoked, LoopbackOnly
from appliance.identity import key_format
from appliance.identity.caller import Caller
from appliance.store.tables import api_keys, departments, teams, tenants, users
from appliance.store.vault import Vault

PEPPER_LABEL = "api key hashes"
_NEVER = 1 << 62
_NEW_KEY = "Make a key: POST /api/v1/admin/api-keys, or `gatehouse keys create NAME` on the appliance."


class KeyEntry(msgspec.Struct, frozen=True):
    """One key: who its holder is, and what stands against using it."""

    caller: Caller
    expires_at: int = _NEVER
    loopback_only: bool = False
    is_revoked: bool = False
    holder_is_suspended: bool = False


class KeyTable:
    """Never changed: a change makes a new table, so a request keeps the one it began with."""

    __slots__ = ("_entries", "_hash", "_pepper")

    def __init__(self, pepper: bytes, entries: dict[bytes, KeyEntry]) -> None:
        self._pepper = pepper
        self._entries = entries
        self._hash = _Hash(pepper)

    def __len__(self) -> int:
        return len(self._entries)

    def identify(self, secret: str, *, from_loopback: Callable[[], bool], now_ms: int) -> Caller:
        """The caller with this key; `from_loopback` is asked where it matters.

        Errors:  KeyMissing, KeyInvalid, KeyRevoked, KeyExpired, LoopbackOnly.
        """
        if len(secret) > key_format.KEY_CHARACTERS_MAX:
            raise _unknown(secret)
        entry = self._entries.get(self._hash(secret.encode("utf-8", "replace")))
        if entry is None:
            raise _unknown(secret)
        if entry.is_revoked:
            raise KeyRevoked("this API key was revoked", fix=_NEW_KEY)
        if entry.holder_is_suspended:
            raise KeyRevoked("the holder of this API key is suspended", fix="Ask an administrator.")
        if now_ms >= entry.expires_at:
            raise KeyExpired("this API key has expired", fix=_NEW_KEY)
        if entry.loopback_only and not from_loopback():
            raise LoopbackOnly("this API key works on the appliance's own machine only", fix=_NEW_KEY)
        return entry.caller

    def with_key(self, key_hash: bytes, entry: KeyEntry) -> "KeyTable":
        """The table with one key more, or with another entry for it."""
        return KeyTable(self._pepper, {**self._entries, key_hash: entry})

    def with_revoked(self, key_hash: bytes) -> "KeyTable":
        return self.with_key(key_hash, msgspec.structs.replace(self._entries[key_hash], is_revoked=True))


class _Hash:
    """HMAC-SHA256 (RFC 2104) under one key, half of it computed once: a third of what hmac.digest takes, which has OpenSSL look
    its algorithms up each time."""

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes) -> None:
        block = (key if len(key) <= 64 else hashlib.sha256(key).digest()).ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in block))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in block))

    def __call__(self, message: bytes) -> bytes:
        inner, outer = self._inner.copy(), self._outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        return outer.digest()


def key_hash(pepper: bytes, secret: str) -> bytes:
    """What is stored of a key: HMAC-SHA256 under a pepper from the vault, so that a copied database can't be searched."""
    return hmac.digest(pepper, secret.encode("utf-8", "replace"), "sha256")


async def load_key_table(connection: AsyncConnection, vault: Vault) -> KeyTable:
    """All keys as they are now; revoked and expired ones too, so that their holders learn what is wrong."""
    rows = (await connection.execute(_entries_query())).all()
    return KeyTable(vault.derive(PEPPER_LABEL), {row.key_hash: _entry(row) for row in rows})


async def load_key_entry(connection: AsyncConnection, number: int) -> KeyEntry:
    """One key as it is now."""
    return _entry((await connection.execute(_entries_query().where(api_keys.c.number == number))).one())


def _entries_query() -> sa.Select[Any]:
    return (
        sa.select(
            api_keys,
            tenants.c.id.label("tenant_id"),
            departments.c.id.label("department_id"),
            teams.c.id.label("team_id"),
            users.c.id.label("user_id"),
            users.c.role.label("role"),
            sa.or_(tenants.c.suspended_at.is_not(None), users.c.suspended_at.is_not(None)).label("holder_is_suspended"),
        )
        .join(tenants, tenants.c.number == api_keys.c.tenant_number)
        .outerjoin(departments, departments.c.number == api_keys.c.department_number)
        .outerjoin(teams, teams.c.number == api_keys.c.team_number)
        .outerjoin(users, users.c.number == api_keys.c.user_number)
    )


def _entry(row: Any) -> KeyEntry:
    caller = Caller(
        kind="key",
        tenant_id=row.tenant_id,
        department_id=row.department_id,
        team_id=row.team_id,
        user_id=row.user_id,
        key_id=row.id,
        tenant_number=row.tenant_number,
        department_number=row.department_number,
        team_number=row.team_number,
        user_number=row.user_number,
        key_number=row.number,
        role=row.role or "service",
        scopes=frozenset(row.scopes),
        environment=row.environment,
        name=row.name,
    )
    return KeyEntry(
        caller,
        expires_at=_NEVER if row.expires_at is None else row.expires_at,
        loopback_only=row.loopback_only,
        is_revoked=row.revoked_at is not None,
        holder_is_suspended=bool(row.holder_is_suspended),
    )


def _unknown(secret: str) -> KeyMissing | KeyInvalid:
    """What is wrong with a key that isn't in the table; its own text is never repeated."""
    if not secret:
        return KeyMissing("no API key was sent", fix="Send the header `Authorization: Bearer YOUR_API_KEY`.")
    if secret == "YOUR_API_KEY":
        return KeyInvalid("YOUR_API_KEY stands for a key of yours", fix=_NEW_KEY)
    if secret.startswith("eyJ"):
        return KeyInvalid("this is a sign-in token; models are asked with an API key", fix=_NEW_KEY)
    if not key_format.looks_like_a_key(secret):
        return KeyInvalid("this is not an API key of this appliance (they begin with gh-)", fix=_NEW_KEY)
    if not key_format.well_formed(secret):
        return KeyInvalid("this API key was cut or mistyped: its checksum does not fit", fix="Copy it again, whole.")
    return KeyInvalid("this API key is not known here", fix=_NEW_KEY)
