"""One person's own API keys that still count, for their own page."""

from typing import Any

import msgspec
import sqlalchemy as sa

from appliance.store.engine import Database
from appliance.store.tables import api_keys, key_use, tenants, users

SHOWN_MAX = 100


class OwnKey(msgspec.Struct, frozen=True, kw_only=True):
    """`models` None: all that its organisation may use; `scopes` empty: all that a key may do, save metrics."""

    id: str
    name: str
    environment: str
    key_prefix: str
    scopes: list[str]
    models: list[str] | None
    loopback_only: bool
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class Person(msgspec.Struct, frozen=True):
    """Whose page it is. `models`: those that the organisation may use; None: all. `time_zone`: the organisation's (IANA)."""

    name: str
    email: str
    role: str
    models: list[str] | None
    keys: list[OwnKey]
    time_zone: str = "UTC"


class OwnKeys:
    def __init__(self, db: Database) -> None:
        self._db = db

    async def person(self, user_number: int) -> Person:
        """With their keys that weren't revoked, the newest first."""
        async with self._db.read() as connection:
            query = sa.select(users, tenants.c.rules).join(tenants, tenants.c.number == users.c.tenant_number)
            user = (await connection.execute(query.where(users.c.number == user_number))).one()
            rows = (await connection.execute(_query(user_number))).all()
        rules, keys = user.rules, [_own_key(row) for row in rows]
        return Person(user.name, user.email, user.role, rules.get("models"), keys, rules.get("time_zone", "UTC"))


def _query(user_number: int) -> sa.Select[Any]:
    return (
        sa.select(api_keys, key_use.c.last_used_at)
        .outerjoin(key_use, key_use.c.key_number == api_keys.c.number)
        .where(api_keys.c.user_number == user_number, api_keys.c.revoked_at.is_(None))
        .order_by(api_keys.c.number.desc())
        .limit(SHOWN_MAX)
    )


def _own_key(row: Any) -> OwnKey:
    return OwnKey(**{field: getattr(row, field) for field in OwnKey.__struct_fields__})
