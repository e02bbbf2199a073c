"""Every API key in memory, frozen: whose is this one? Asked at each request, so it costs microseconds."""

import hashlib
import hmac
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import KeyExpired, KeyInvalid, KeyMissing, KeyRevoked, LoopbackOnly
from appliance.identity import key_format
from appliance.identity.caller import Caller
from appliance.store.tables import api_keys, departments, service_accounts, teams, tenants, users
from appliance.store.vault import Vault

PEPPER_LABEL = "api key hashes"
_NEVER = 1 << 62
_NEW_KEY = "Make a key: POST /api/v1/admin/api-keys, or `gatehouse keys create NAME` on the appliance."
_ROTATED = "Use the value that the rotation gave; whoever rotated it has it. The key's name, limits and use are the same."


class KeyEntry(msgspec.Struct, frozen=True):
    """One secret: who its holder is, and what stands against using it. A key that was rotated has two of them for a while:
    `replaced_at` is when the older one ends."""

    caller: Caller
    expires_at: int = _NEVER
    replaced_at: int = _NEVER
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
        if now_ms >= entry.replaced_at:
            raise KeyExpired("this API key was rotated, and the time in which its old value worked is over", fix=_ROTATED)
        if entry.loopback_only and not from_loopback():
            raise LoopbackOnly("this API key works on the appliance's own machine only", fix=_NEW_KEY)
        return entry.caller

    def with_key(self, key_hash: bytes, entry: KeyEntry) -> "KeyTable":
        """The table with one key more, or with another entry for it."""
        return self.with_entries({key_hash: entry})

    def with_entries(self, entries: Mapping[bytes, KeyEntry], *, without: Iterable[bytes] = ()) -> "KeyTable":
        """The table with all secrets of a key as they are now, and without those that it had."""
        changed = {**self._entries, **entries}
        for gone in set(without) - entries.keys():
            changed.pop(gone, None)
        return KeyTable(self._pepper, changed)

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
    return KeyTable(vault.derive(PEPPER_LABEL), {secret: entry for row in rows for secret, entry in _entries(row)})


async def load_key_entries(connection: AsyncConnection, number: int) -> dict[bytes, KeyEntry]:
    """One key as it is now: its secret, and the one before it where it was rotated."""
    return dict(_entries((await connection.execute(_entries_query().where(api_keys.c.number == number))).one()))


def _entries_query() -> sa.Select[Any]:
    """Where a key stands is where its holder stands now, and whoever is above it may be suspended too."""
    department, team = _place("department_number"), _place("team_number")
    teams_own = departments.alias("teams_own")  # a team's department, whether or not its people name it themselves
    above = (tenants, departments, teams, teams_own, users, service_accounts)
    is_gone = sa.and_(api_keys.c.service_account_number.is_not(None), service_accounts.c.number.is_(None))
    return (
        sa.select(
            api_keys,
            tenants.c.id.label("tenant_id"),
            tenants.c.rules.label("tenant_rules"),
            departments.c.id.label("department_id"),
            teams.c.id.label("team_id"),
            users.c.id.label("user_id"),
            users.c.role.label("role"),
            departments.c.number.label("in_department"),
            teams.c.number.label("in_team"),
            sa.or_(is_gone, *(table.c.suspended_at.is_not(None) for table in above)).label("holder_is_suspended"),
        )
        .join(tenants, tenants.c.number == api_keys.c.tenant_number)
        .outerjoin(users, users.c.number == api_keys.c.user_number)
        .outerjoin(service_accounts, service_accounts.c.number == api_keys.c.service_account_number)
        .outerjoin(departments, departments.c.number == department)
        .outerjoin(teams, teams.c.number == team)
        .outerjoin(teams_own, teams_own.c.number == teams.c.department_number)
    )


def _place(name: str) -> sa.ColumnElement[Any]:
    return sa.case(
        (users.c.number.is_not(None), users.c[name]),
        (service_accounts.c.number.is_not(None), service_accounts.c[name]),
        else_=api_keys.c[name],
    )


def _entries(row: Any) -> list[tuple[bytes, KeyEntry]]:
    entry = _entry(row)
    if row.previous_hash is None:
        return [(row.key_hash, entry)]
    return [(row.key_hash, entry), (row.previous_hash, msgspec.structs.replace(entry, replaced_at=row.previous_until))]


def _entry(row: Any) -> KeyEntry:
    caller = Caller(
        kind="key",
        tenant_id=row.tenant_id,
        department_id=row.department_id,
        team_id=row.team_id,
        user_id=row.user_id,
        key_id=row.id,
        tenant_number=row.tenant_number,
        department_number=row.in_department,
        team_number=row.in_team,
        user_number=row.user_number,
        key_number=row.number,
        role=row.role or "service",
        scopes=frozenset(row.scopes),
        models=_names(row.models),
        tenant_models=_names(row.tenant_rules.get("models")),
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


def _names(listed: Any) -> tuple[str, ...] | None:
    return None if listed is None else tuple(listed)


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
