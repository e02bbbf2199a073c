"""Names of those whom something was assigned to, by their ids: for lists that show them."""

from collections.abc import Iterable
from typing import Any

import sqlalchemy as sa

from appliance.store.engine import Database
from appliance.store.tables import api_keys, departments, teams, tenants, users

_TABLES: dict[str, tuple[sa.Table, sa.ColumnElement[Any]]] = {
    "tenant": (tenants, tenants.c.name),
    "department": (departments, departments.c.name),
    "team": (teams, teams.c.name),
    "user": (users, users.c.email),
    "key": (api_keys, api_keys.c.name),
}
_AT_ONCE = 500


async def subject_names(db: Database, subjects: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """By kind and id; of who isn't there (any more) nothing."""
    wanted: dict[str, set[str]] = {}
    for kind, its_id in subjects:
        if kind in _TABLES:
            wanted.setdefault(kind, set()).add(its_id)
    found: dict[tuple[str, str], str] = {}
    async with db.read() as connection:
        for kind, ids in wanted.items():
            table, name = _TABLES[kind]
            listed = sorted(ids)
            for begin in range(0, len(listed), _AT_ONCE):
                query = sa.select(table.c.id, name).where(table.c.id.in_(listed[begin : begin + _AT_ONCE]))
                found |= {(kind, row[0]): row[1] for row in (await connection.execute(query)).all()}
    return found
