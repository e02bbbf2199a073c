"""What was asked long ago leaves the ledger: after as many days as its organisation says, or else the appliance."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from appliance import audit
from appliance.clock import Clock, rfc3339
from appliance.metering.entries import RequestState
from appliance.store.engine import Database
from appliance.store.tables import attempts, requests

ROWS_AT_ONCE = 1_000
PAUSE_SECONDS = 0.05  # between two groups: the ledger's own writer waits for nobody long


class Holder(Protocol):
    """Whose requests they are. `retention_days`: None where the appliance's own time holds."""

    @property
    def number(self) -> int: ...
    @property
    def id(self) -> str: ...
    @property
    def retention_days(self) -> int | None: ...
    @property
    def time_zone(self) -> str: ...


class Retention:
    """`kept_days`: of whoever set none, and of organisations that were deleted; 0: for ever."""

    def __init__(self, db: Database, clock: Clock, holders: Callable[[], Awaitable[Sequence[Holder]]], *, kept_days: int) -> None:
        self._db = db
        self._clock = clock
        self._holders = holders
        self._kept_days = kept_days
        self._deleted_to: dict[str, bytes] = {}  # where the next run begins, so that it doesn't read what it keeps for others

    async def delete_old(self) -> None:
        """Whole days at a time: a run an hour finds something once a day."""
        holders = await self._holders()
        for holder in holders:
            days = holder.retention_days or self._kept_days
            if days:
                before = _day_begin(self._clock.now_ms(), days, holder.time_zone)
                await self._delete(holder.id, requests.c.tenant_number == holder.number, before, days)
        if self._kept_days:
            before = _day_begin(self._clock.now_ms(), self._kept_days, "UTC")
            gone = requests.c.tenant_number.not_in([holder.number for holder in holders])
            await self._delete("deleted organisations", gone, before, self._kept_days)

    async def _delete(self, target: str, whose: sa.ColumnElement[bool], before_ms: int, days: int) -> None:
        """In groups; the first one's transaction says to the auditors what goes."""
        is_first = True
        while ids := await self._found(target, whose, before_ms):
            async with self._db.transaction() as tx:
                if is_first:
                    detail: audit.Detail = {"before": rfc3339(before_ms), "days": days}
                    now = self._clock.now_ms()
                    await audit.append(tx, actor="schedule", action="ledger.expire", target=target, detail=detail, at_ms=now)
                await tx.execute(sa.delete(attempts).where(attempts.c.request_id.in_(ids)))
                await tx.execute(sa.delete(requests).where(requests.c.id.in_(ids)))
            is_first = False
            self._deleted_to[target] = ids[-1]
            await asyncio.sleep(PAUSE_SECONDS)

    async def _found(self, target: str, whose: sa.ColumnElement[bool], before_ms: int) -> list[Any]:
        """Ids begin with their time, and rows lie in their order: nothing younger is read."""
        first, end = self._deleted_to.get(target, b""), before_ms.to_bytes(6, "big") + bytes(10)
        old = (requests.c.id > first, requests.c.id < end, requests.c.state != RequestState.OPEN)
        query = sa.select(requests.c.id).where(whose, *old).order_by(requests.c.id).limit(ROWS_AT_ONCE)
        async with self._db.read() as connection:
            return list((await connection.execute(query)).scalars())


def _day_begin(now_ms: int, days: int, time_zone: str) -> int:
    """The midnight, there, from which on everything is kept."""
    there = datetime.fromtimestamp(now_ms / 1000, ZoneInfo(time_zone))
    midnight = there.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=days)
    return max(0, int(midnight.timestamp() * 1000))
