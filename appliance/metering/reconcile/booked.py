"""What the ledger booked at a vendor's providers, by day of UTC and model. The SQL of this room."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from appliance.metering.entries import Kind
from appliance.store.engine import Database
from appliance.store.tables import attempts, names, requests

DAY_MS = 86_400_000
_EPOCH = date(1970, 1, 1)
_APART_MS = 3_600_000  # ids carry the time of arrival, which a clock that was set may put beside `started_at`


class Booked(msgspec.Struct, frozen=True):
    """`attempts`: those that used anything. `unpriced` of them no price is known for, and they are no part of `cost_micro`;
    `estimated` of them nobody counted the tokens exactly."""

    day: date
    model: str
    tokens_in: int
    tokens_out: int
    cached_in: int
    attempts: int
    cost_micro: int
    unpriced: int
    estimated: int


async def booked(db: Database, providers: Sequence[str], kinds: Sequence[Kind], first: date, last: date) -> list[Booked]:
    """From `first` to `last`, itself included."""
    begin_ms, end_ms = ((day - _EPOCH).days * DAY_MS for day in (first, last + timedelta(days=1)))
    async with db.read() as connection:
        rows = (await connection.execute(_query(providers, kinds, begin_ms, end_ms))).all()
    found = []
    for row in rows:
        provider, _, model = row.deployment.partition("/")
        if provider in providers:  # LIKE knows no capitals on SQLite
            sums = {name: int(getattr(row, name)) for name in Booked.__struct_fields__[2:]}
            found.append(Booked(day=_EPOCH + timedelta(days=int(row.day)), model=model, **sums))
    return found


def _query(providers: Sequence[str], kinds: Sequence[Kind], begin_ms: int, end_ms: int) -> sa.Select[Any]:
    used = attempts.c
    # Ids begin with their time, and they are the ledger's only index.
    from_id, to_id = (max(ms, 0).to_bytes(6, "big") + bytes(10) for ms in (begin_ms - _APART_MS, end_ms + _APART_MS))
    day = (requests.c.started_at // DAY_MS).label("day")

    def total(what: Any) -> Any:
        return sa.func.coalesce(sa.func.sum(what), 0)

    return (
        sa.select(
            day,
            names.c.value.label("deployment"),
            *(total(used[name]).label(name) for name in ("tokens_in", "tokens_out", "cached_in", "cost_micro")),
            sa.func.count().label("attempts"),
            total(sa.case((used.cost_micro.is_(None), 1), else_=0)).label("unpriced"),
            total(sa.case((used.estimated, 1), else_=0)).label("estimated"),
        )
        .select_from(attempts)
        .join(requests, requests.c.id == used.request_id)
        .join(names, names.c.id == used.deployment_name)
        .where(
            requests.c.id >= from_id,
            requests.c.id < to_id,
            requests.c.started_at >= begin_ms,
            requests.c.started_at < end_ms,
            requests.c.kind.in_([int(kind) for kind in kinds]),
            sa.or_(used.tokens_in > 0, used.tokens_out > 0),
            sa.or_(*(names.c.value.startswith(f"{provider}/", autoescape=True) for provider in providers)),
        )
        .group_by(day, names.c.value)
    )
