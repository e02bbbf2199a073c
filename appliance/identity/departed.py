"""What was deleted: its number, which the ledger still holds and nobody gets again, and its name, unless it is to be forgotten.

SQLite gives the highest number + 1, so after the newest row is deleted the next one would inherit its requests and its spend.
"""

from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store.tables import departed


async def next_number(tx: AsyncConnection, table: sa.Table) -> int:
    """For a new row of the table, in the transaction that makes it: one that nothing ever had."""
    living = sa.select(sa.func.coalesce(sa.func.max(table.c.number), 0)).scalar_subquery()
    gone = sa.select(sa.func.coalesce(sa.func.max(departed.c.number), 0)).where(departed.c.kind == table.name).scalar_subquery()
    found = (await tx.execute(sa.select(living, gone))).one()
    return int(max(found)) + 1


async def depart(tx: AsyncConnection, table: sa.Table, row: Any, *, at_ms: int, forget: bool = False) -> None:
    """Delete a row of the table. `row`: with number, id, tenant_number (of a tenant: its own number) and name.

    forget: its name is not kept either; what it used stays, under its id alone.
    """
    await tx.execute(sa.delete(table).where(table.c.number == row.number))
    await tx.execute(
        sa.insert(departed).values(
            kind=table.name,
            number=row.number,
            id=row.id,
            tenant_number=getattr(row, "tenant_number", row.number),
            name=None if forget else row.name,
            departed_at=at_ms,
        )
    )


async def forget(tx: AsyncConnection, kind: str, tenant_number: int | None, departed_id: str) -> bool:
    """Take the name from what has departed already. False: there is nothing of this id (in this tenant)."""
    mine = [] if tenant_number is None else [departed.c.tenant_number == tenant_number]
    query = sa.update(departed).where(departed.c.kind == kind, departed.c.id == departed_id, *mine).values(name=None)
    return (await tx.execute(query)).rowcount > 0
