"""What was asked long ago leaves the ledger: after as many days as its organisation says, or else the appliance."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from appliance import audit
from appliance.clock import Clock, rfc3339
from appliance.metering.entries import RequestState
from appliance.metering.ledger import POLICY_NAME
from appliance.store.engine import Database
from appliance.store.tables import attempts, findings, names, requests

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


KeptUnder = Callable[[], Awaitable[Mapping[str, int]]]


async def _nothing_longer() -> Mapping[str, int]:
    return {}


class Retention:
    """`kept_days`: of whoever set none, and of organisations that were deleted; 0: for ever. `kept_under`: the days that requests
    stay at least which were under these guardrail policies, by their name in the ledger."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        holders: Callable[[], Awaitable[Sequence[Holder]]],
        *,
        kept_days: int,
        kept_under: KeptUnder = _nothing_longer,
    ) -> None:
        self._kept_under = kept_under
        self._db = db
        self._clock = clock
        self._holders = holders
        self._kept_days = kept_days
        self._deleted_to: dict[str, bytes] = {}  # where the next run begins, so that it doesn't read what it keeps for others

    async def delete_old(self) -> None:
        """Whole days at a time: a run an hour finds something once a day."""
        holders = await self._holders()
        longer = await self._longer()
        for holder in holders:
            days = holder.retention_days or self._kept_days
            if days:
                await self._delete_of(holder.id, requests.c.tenant_number == holder.number, days, holder.time_zone, longer)
        if self._kept_days:
            gone = requests.c.tenant_number.not_in([holder.number for holder in holders])
            await self._delete_of("deleted organisations", gone, self._kept_days, "UTC", longer)

    async def _longer(self) -> dict[int, int]:
        """Days by the policy's number among the ledger's names."""
        days = await self._kept_under()
        query = sa.select(names.c.id, names.c.value).where(names.c.kind == POLICY_NAME)
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
        return {number: max(days.get(label, 0) for label in value.split("+")) for number, value in rows}

    async def _delete_of(
        self, target: str, whose: sa.ColumnElement[bool], days: int, time_zone: str, longer: Mapping[int, int]
    ) -> None:
        """Those under policies that keep longer by themselves, each in its time."""
        now = self._clock.now_ms()
        kept = {number: its_days for number, its_days in longer.items() if its_days > days}
        freely = sa.or_(requests.c.policy_name.is_(None), requests.c.policy_name.not_in(list(kept)))
        await self._delete(target, "", sa.and_(whose, freely), _day_begin(now, days, time_zone), days)
        for number, its_days in kept.items():
            under = sa.and_(whose, requests.c.policy_name == number)
            await self._delete(target, f" policy {number}", under, _day_begin(now, its_days, time_zone), its_days)

    async def _delete(self, target: str, part: str, whose: sa.ColumnElement[bool], before_ms: int, days: int) -> None:
        """In groups; the first one's transaction says to the auditors what goes."""
        is_first = True
        while ids := await self._found(target + part, whose, before_ms):
            async with self._db.transaction() as tx:
                if is_first:
                    detail: audit.Detail = {"before": rfc3339(before_ms), "days": days}
                    now = self._clock.now_ms()
                    await audit.append(tx, actor="schedule", action="ledger.expire", target=target, detail=detail, at_ms=now)
                await tx.execute(sa.delete(attempts).where(attempts.c.request_id.in_(ids)))
                await tx.execute(sa.delete(findings).where(findings.c.request_id.in_(ids)))
                await tx.execute(sa.delete(requests).where(requests.c.id.in_(ids)))
            is_first = False
            self._deleted_to[target + part] = ids[-1]
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
