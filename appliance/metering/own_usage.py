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
    # Ids begin with their time, and they are the ledger's only index: all of the time is read, once.
    first = max(since_ms, 0).to_bytes(6, "big") + bytes(10)
    failed = requests.c.state.in_([RequestState.FAILED, RequestState.INTERRUPTED])
    asked = sa.func.count(requests.c.id.distinct())  # one that was tried twice is one request
    used = attempts.c
    return (
        sa.select(
            names.c.value.label("model"),
            asked.label("requests"),
            sa.func.count(sa.case((failed, requests.c.id)).distinct()).label("failures"),
            *(sa.func.coalesce(sa.func.sum(used[name]), 0).label(name) for name in ("tokens_in", "tokens_out", "cost_micro")),
            sa.func.count(sa.case((used.cost_micro.is_(None), used.request_id))).label("unpriced"),
        )
        .join(names, names.c.id == requests.c.model_name)
        .outerjoin(attempts, used.request_id == requests.c.id)
        .where(requests.c.id >= first, requests.c.user_number == user_number)
        .group_by(names.c.value)
        .order_by(asked.desc(), names.c.value)
        .limit(MODELS_MAX)
    )
