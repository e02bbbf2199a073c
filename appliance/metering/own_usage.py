"""What one person used of late, model by model, out of the ledger."""

import asyncio
from typing import Any

import msgspec
import sqlalchemy as sa

from appliance.clock import Clock
from appliance.metering.entries import RequestState
from appliance.store.engine import Database
from appliance.store.tables import attempts, names, requests

DAYS = 30
MODELS_MAX = 50
KEPT_SECONDS = 5.0
KEPT_MAX = 1_000
_DAY_MS = 86_400_000


class ModelUse(msgspec.Struct, frozen=True):
    """`unpriced`: tries whose price nobody knows; they are not part of `cost_micro` (millionths of a US dollar)."""

    model: str
    requests: int
    failures: int
    tokens_in: int
    tokens_out: int
    cost_micro: int
    unpriced: int


class OwnUsage:
    """One query at a time, and an answer is kept for some seconds: the ledger is long, and whoever reloads a page in a loop
    must not keep the readers from everybody else."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._turn = asyncio.Lock()
        self._kept: dict[int, tuple[float, list[ModelUse]]] = {}

    async def of(self, user_number: int) -> list[ModelUse]:
        """The last 30 days, the most asked model first."""
        async with self._turn:
            now = self._clock.monotonic()
            at, found = self._kept.get(user_number, (now - KEPT_SECONDS, []))
            if now - at < KEPT_SECONDS:
                return found
            async with self._db.read() as connection:
                rows = (await connection.execute(_query(user_number, self._clock.now_ms() - DAYS * _DAY_MS))).all()
            if len(self._kept) >= KEPT_MAX:
                self._kept.clear()
            found = [ModelUse(**row._asdict()) for row in rows]
            self._kept[user_number] = (now, found)
            return found


def _query(user_number: int, since_ms: int) -> sa.Select[Any]:
    # Ids begin with their time, and they are the ledger's only index.
    first = max(since_ms, 0).to_bytes(6, "big") + bytes(10)
    mine = sa.and_(requests.c.id >= first, requests.c.user_number == user_number)
    used = (
        sa.select(
            attempts.c.request_id,
            sa.func.sum(attempts.c.tokens_in).label("tokens_in"),
            sa.func.sum(attempts.c.tokens_out).label("tokens_out"),
            sa.func.sum(sa.func.coalesce(attempts.c.cost_micro, 0)).label("cost_micro"),
            sa.func.sum(sa.case((attempts.c.cost_micro.is_(None), 1), else_=0)).label("unpriced"),
        )
        .join(requests, requests.c.id == attempts.c.request_id)
        .where(mine)
        .group_by(attempts.c.request_id)
        .subquery()
    )
    failed = requests.c.state.in_([RequestState.FAILED, RequestState.INTERRUPTED])
    return (
        sa.select(
            names.c.value.label("model"),
            sa.func.count().label("requests"),
            sa.func.sum(sa.case((failed, 1), else_=0)).label("failures"),
            *(sa.func.coalesce(sa.func.sum(used.c[name]), 0).label(name) for name in ("tokens_in", "tokens_out")),
            *(sa.func.coalesce(sa.func.sum(used.c[name]), 0).label(name) for name in ("cost_micro", "unpriced")),
        )
        .join(names, names.c.id == requests.c.model_name)
        .outerjoin(used, used.c.request_id == requests.c.id)
        .where(mine)
        .group_by(names.c.value)
        .order_by(sa.func.count().desc(), names.c.value)
        .limit(MODELS_MAX)
    )
