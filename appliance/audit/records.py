"""Rows of the audit, for who asks what was changed."""

from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.clock import rfc3339
from appliance.store.tables import audit


class AuditRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One change: who (`actor`) did what (`action`) to whom (`target`), and when."""

    seq: int
    at: str
    actor: str
    action: str
    target: str
    detail: dict[str, Any]


async def last_target(connection: AsyncConnection, action: str) -> str | None:
    """To whom this was done last."""
    query = sa.select(audit.c.target).where(audit.c.action == action).order_by(audit.c.seq.desc()).limit(1)
    return (await connection.execute(query)).scalar_one_or_none()


async def records_between(
    connection: AsyncConnection, begin_ms: int, end_ms: int, *, actions: list[str], limit: int
) -> list[AuditRecord]:
    """The oldest first. `actions`: their beginnings (`policy.`)."""
    wanted = sa.or_(*(audit.c.action.startswith(one, autoescape=True) for one in actions))
    query = sa.select(audit).where(audit.c.at >= begin_ms, audit.c.at < end_ms, wanted).order_by(audit.c.seq).limit(limit)
    return [
        AuditRecord(
            seq=row.seq,
            at=rfc3339(row.at),
            actor=row.actor,
            action=row.action,
            target=row.target,
            detail=msgspec.json.decode(row.detail),
        )
        for row in (await connection.execute(query)).all()
    ]
