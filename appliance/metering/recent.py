"""The ledger's last hour, so that what the overview shows survives a restart."""

import sqlalchemy as sa

from appliance.metering.entries import RequestState
from appliance.store.engine import Database
from appliance.store.tables import attempts, requests
from appliance.telemetry.activity import MINUTE_MS, MINUTES, Activity

ROWS_MAX = 100_000  # read in half a second; of an hour that had more, the latest count


async def fill(activity: Activity, database: Database, now_ms: int, request_seconds_max: float) -> None:
    """Count what ended within the hour before `now_ms`. Requests are found by their start, so the longest one's time is added."""
    oldest = (now_ms // MINUTE_MS - MINUTES + 1) * MINUTE_MS
    begun = max(oldest - int(request_seconds_max * 1000), 0)
    query = (
        sa.select(
            requests.c.started_at,
            requests.c.state,
            requests.c.duration_ms,
            requests.c.streamed,
            requests.c.first_token_ms,
            sa.func.coalesce(sa.func.sum(attempts.c.tokens_in), 0),
            sa.func.coalesce(sa.func.sum(attempts.c.tokens_out), 0),
        )
        .select_from(requests.outerjoin(attempts, attempts.c.request_id == requests.c.id))
        .where(requests.c.id >= begun.to_bytes(6, "big") + bytes(10), requests.c.state != RequestState.OPEN)
        .group_by(requests.c.id)
        .order_by(requests.c.id.desc())
        .limit(ROWS_MAX)
    )
    async with database.read() as connection:
        rows = (await connection.execute(query)).all()
    for started_at, state, duration_ms, streamed, first_token_ms, tokens_in, tokens_out in rows:
        at = started_at + duration_ms
        if oldest <= at <= now_ms:
            failed = state in (RequestState.FAILED, RequestState.INTERRUPTED)
            latency_ms = duration_ms if state == RequestState.SETTLED else None
            activity.finished(at, failed, tokens_in, tokens_out, latency_ms, first_token_ms if streamed else None)
