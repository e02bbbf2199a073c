"""What every change of the organisation does: one transaction, its audit row, the new table of keys after it."""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance import audit
from appliance.clock import Clock
from appliance.errors import NotFound
from appliance.identity.caller import DEFAULT_TENANT_NUMBER, Caller
from appliance.identity.departed import forget as forget_departed
from appliance.identity.key_ring import KeyRing
from appliance.store.engine import Database, to_the_end
from appliance.store.state import raise_state_version
from appliance.store.tables import tenants

T = TypeVar("T")


class Changes:
    """What the rooms of the organisation have in common. One per process."""

    def __init__(self, db: Database, clock: Clock, ring: KeyRing) -> None:
        self.db = db
        self.clock = clock
        self.ring = ring

    async def make(self, change: Callable[["Change"], Awaitable[T]]) -> T:
        """Run it in one transaction, to its end. What holders of keys are is read anew where it says so."""

        async def made() -> T:
            table = None
            async with self.db.transaction() as tx:
                one = Change(tx, self.clock.now_ms())
                found = await change(one)
                if one.is_recorded:
                    await raise_state_version(tx)
                if one.touches_keys:
                    table = await self.ring.rebuilt(tx)
            if table is not None:
                self.ring.swap(table)
            return found

        return await to_the_end(made())


class Change:
    """One change, while it is made. `touches_keys`: to be set where keys or their holders are no longer what they were."""

    def __init__(self, tx: AsyncConnection, now: int) -> None:
        self.tx = tx
        self.now = now
        self.touches_keys = False
        self.is_recorded = False

    async def record(self, caller: Caller, action: str, target: str, detail: audit.Detail) -> None:
        self.is_recorded = True
        await audit.append(self.tx, actor=caller.actor, action=action, target=target, detail=detail, at_ms=self.now)


async def forgotten(one: Change, caller: Caller, table: sa.Table, departed_id: str) -> bool:
    """Was this deleted before, and is its name taken now? The machine stands above organisations."""
    tenant_number = None if caller.kind == "machine" else caller.tenant_number
    if not await forget_departed(one.tx, table.name, tenant_number, departed_id):
        return False
    await one.record(caller, "departed.forget", departed_id, {})
    return True


def mine(caller: Caller, table: sa.Table) -> list[sa.ColumnElement[bool]]:
    """Which rows exist for this caller: those of their own organisation. The machine stands above organisations."""
    return [] if caller.kind == "machine" else [table.c.tenant_number == caller.tenant_number]


async def tenant_for(tx: AsyncConnection, caller: Caller, tenant_id: str | None) -> Any:
    """The row of the organisation that something new is to be part of: the caller's own; the machine may name another.

    Errors:  NotFound.
    """
    number = DEFAULT_TENANT_NUMBER if caller.kind == "machine" else caller.tenant_number
    which = tenants.c.number == number if tenant_id is None else tenants.c.id == tenant_id
    row = (await tx.execute(sa.select(tenants).where(which))).one_or_none()
    if row is None or (caller.kind != "machine" and row.number != caller.tenant_number):
        raise NotFound("there is no such tenant", param="tenant_id", fix="Leave it out: it is your own.")
    return row
