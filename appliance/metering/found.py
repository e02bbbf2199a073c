"""What guardrails did over a time, out of the ledger: requests by policy, and findings by type and action. Never a value."""

from typing import Any

import msgspec
import sqlalchemy as sa

from appliance.metering.entries import Direction, FindingAction, RequestState
from appliance.store.engine import Database
from appliance.store.tables import findings, names, requests


class FoundCount(msgspec.Struct, frozen=True, kw_only=True):
    """`count`: how often; `requests`: in how many. `is_shadow`: recorded only, what a policy would have done."""

    direction: str
    type: str
    action: str
    is_shadow: bool
    count: int
    requests: int


class UnderPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """Requests that were under these policies (with versions; null: before there were any), and how many of them were stopped or
    failed."""

    policy: str | None
    requests: int
    failed: int


class Found(msgspec.Struct, frozen=True):
    requests: list[UnderPolicy]
    findings: list[FoundCount]


async def found_between(db: Database, begin_ms: int, end_ms: int, tenant_number: int | None) -> Found:
    """Of requests that began in [begin, end), of one organisation or (None) of all. All of that time is read, once."""
    first, end = _first_id(begin_ms), _first_id(end_ms)
    there = [requests.c.id >= first, requests.c.id < end, requests.c.state != RequestState.OPEN]
    if tenant_number is not None:
        there.append(requests.c.tenant_number == tenant_number)
    async with db.read() as connection:
        under = (await connection.execute(_by_policy(there))).all()
        those = [*there, findings.c.request_id >= first, findings.c.request_id < end]  # their own index, not one look for each
        found = (await connection.execute(_by_finding(those))).all()
    return Found([UnderPolicy(**row._asdict()) for row in under], [_shown(row) for row in found])


def _first_id(at_ms: int) -> bytes:
    """Ids begin with their time."""
    return max(at_ms, 0).to_bytes(6, "big") + bytes(10)


def _by_policy(there: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    failed = sa.func.sum(sa.case((requests.c.state == RequestState.FAILED, 1), else_=0))
    return (
        sa.select(names.c.value.label("policy"), sa.func.count().label("requests"), failed.label("failed"))
        .select_from(requests.outerjoin(names, names.c.id == requests.c.policy_name))
        .where(*there)
        .group_by(names.c.value)
        .order_by(names.c.value)
    )


def _by_finding(there: list[sa.ColumnElement[bool]]) -> sa.Select[Any]:
    kept = findings.c
    return (
        sa.select(
            kept.direction,
            names.c.value.label("type"),
            kept.action,
            kept.is_shadow,
            sa.func.sum(kept["count"]).label("times"),
            sa.func.count(kept.request_id.distinct()).label("requests"),
        )
        .select_from(findings.join(requests, requests.c.id == kept.request_id).join(names, names.c.id == kept.type_name))
        .where(*there)
        .group_by(kept.direction, names.c.value, kept.action, kept.is_shadow)
        .order_by(names.c.value, kept.direction, kept.action, kept.is_shadow)
    )


def _shown(row: Any) -> FoundCount:
    return FoundCount(
        direction=Direction(row.direction).name.lower(),
        type=row.type,
        action=FindingAction(row.action).name.lower(),
        is_shadow=row.is_shadow,
        count=row.times,
        requests=row.requests,
    )
