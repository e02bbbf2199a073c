"""Past requests out of the ledger: where each went, why, and what it used. Never what was said."""

import re
from typing import Any

import msgspec
import sqlalchemy as sa

from appliance.clock import rfc3339
from appliance.metering.entries import AttemptOutcome, Dialect, Direction, FindingAction, Kind, RequestState
from appliance.store.engine import Database
from appliance.store.tables import api_keys, attempts, findings, names, requests, users

LIST_MAX = 200

# As in x-request-id (req_…), and as the answers' own ids carry it (chatcmpl-…, msg_…, resp_…).
_ID = re.compile(r"(?:[a-z]{1,12}[-_])?([0-9a-f]{32})")


class AttemptRecord(msgspec.Struct, kw_only=True):
    """One try at one deployment. `why`: None where there was no other."""

    deployment: str
    why: str | None
    outcome: str
    status: int
    error: str | None
    duration_ms: int
    tokens_in: int
    tokens_out: int
    cached_in: int
    reasoning_out: int
    finish: str | None
    estimated: bool
    cost_micro: int | None


class FindingRecord(msgspec.Struct, kw_only=True):
    """How often guardrails found something of a type. `is_shadow`: recorded only, what a policy would have done."""

    direction: str
    type: str
    action: str
    is_shadow: bool
    count: int


class RequestRecord(msgspec.Struct, kw_only=True):
    """One request. `started_at` as RFC 3339; `attempts` in their order, empty while it runs. `policy`: of guardrails, with its
    version; null: there were none yet."""

    id: str
    started_at: str
    kind: str
    dialect: str
    state: str
    status: int
    error: str | None
    model: str
    streamed: bool
    user_id: str | None
    key_id: str | None
    duration_ms: int
    first_token_ms: int | None
    policy: str | None
    findings: list[FindingRecord]
    attempts: list[AttemptRecord]


def request_id(call_id: bytes) -> str:
    """As x-request-id gives it."""
    return f"req_{call_id.hex()}"


def call_id(shown: str) -> bytes | None:
    """From any of the ids that an answer shows; None where it is none of ours."""
    found = _ID.fullmatch(shown)
    return None if found is None else bytes.fromhex(found.group(1))


class Requests:
    """Reads the ledger. `tenant_number`: whose requests there are for who asks; None: everybody's."""

    def __init__(self, db: Database) -> None:
        self._db = db

    async def get(self, call_id: bytes, tenant_number: int | None) -> RequestRecord | None:
        found = await self._read(_requests(tenant_number).where(requests.c.id == call_id))
        return found[0] if found else None

    async def newest(self, tenant_number: int | None, *, limit: int, before: bytes | None) -> list[RequestRecord]:
        """The newest first, from `before` on into the past."""
        query = _requests(tenant_number).order_by(requests.c.id.desc()).limit(limit)
        return await self._read(query if before is None else query.where(requests.c.id < before))

    async def _read(self, query: sa.Select[Any]) -> list[RequestRecord]:
        async with self._db.read() as connection:
            rows = (await connection.execute(query)).all()
            ids = [row.id for row in rows]
            tries = (await connection.execute(_attempts(ids))).all() if rows else []
            found = (await connection.execute(_findings(ids))).all() if rows else []
        by_request: dict[bytes, list[AttemptRecord]] = {}
        for row in tries:
            by_request.setdefault(row.request_id, []).append(attempt_record(row))
        findings_of: dict[bytes, list[FindingRecord]] = {}
        for row in found:
            findings_of.setdefault(row.request_id, []).append(finding_record(row))
        return [_request(row, by_request.get(row.id, []), findings_of.get(row.id, [])) for row in rows]


def _requests(tenant_number: int | None) -> sa.Select[Any]:
    model, error, policy = names.alias("model"), names.alias("error"), names.alias("policy")
    query = (
        sa.select(
            requests,
            model.c.value.label("model"),
            error.c.value.label("error"),
            policy.c.value.label("policy"),
            users.c.id.label("user_id"),
            api_keys.c.id.label("key_id"),
        )
        .join(model, model.c.id == requests.c.model_name)
        .outerjoin(error, error.c.id == requests.c.error_name)
        .outerjoin(policy, policy.c.id == requests.c.policy_name)
        .outerjoin(users, users.c.number == requests.c.user_number)
        .outerjoin(api_keys, api_keys.c.number == requests.c.key_number)
    )
    return query if tenant_number is None else query.where(requests.c.tenant_number == tenant_number)


def _attempts(ids: list[bytes]) -> sa.Select[Any]:
    deployment, error, finish = names.alias("deployment"), names.alias("error"), names.alias("finish")
    return (
        sa.select(
            attempts,
            deployment.c.value.label("deployment"),
            error.c.value.label("error"),
            finish.c.value.label("finish"),
        )
        .join(deployment, deployment.c.id == attempts.c.deployment_name)
        .outerjoin(error, error.c.id == attempts.c.error_name)
        .outerjoin(finish, finish.c.id == attempts.c.finish_name)
        .where(attempts.c.request_id.in_(ids))
        .order_by(attempts.c.request_id, attempts.c.ordinal)
    )


def _findings(ids: list[bytes]) -> sa.Select[Any]:
    found = sa.select(findings, names.c.value.label("type")).join(names, names.c.id == findings.c.type_name)
    return found.where(findings.c.request_id.in_(ids))


def finding_record(row: Any) -> FindingRecord:
    """From a row of the ledger, or from the FindingEntry that is about to become one."""
    return FindingRecord(
        direction=Direction(row.direction).name.lower(),
        type=row.type,
        action=FindingAction(row.action).name.lower(),
        is_shadow=row.is_shadow,
        count=row.count,
    )


def _request(row: Any, tries: list[AttemptRecord], found: list[FindingRecord]) -> RequestRecord:
    return RequestRecord(
        id=request_id(row.id),
        started_at=rfc3339(row.started_at),
        kind=Kind(row.kind).name.lower(),
        dialect=Dialect(row.dialect).name.lower(),
        state=RequestState(row.state).name.lower(),
        status=row.status,
        error=row.error,
        model=row.model,
        streamed=row.streamed,
        user_id=row.user_id,
        key_id=row.key_id,
        duration_ms=row.duration_ms,
        first_token_ms=row.first_token_ms,
        policy=row.policy,
        findings=found,
        attempts=tries,
    )


def attempt_record(row: Any) -> AttemptRecord:
    """From a row of the ledger, or from the AttemptEntry that is about to become one: they name their parts alike."""
    return AttemptRecord(
        deployment=row.deployment,
        why=row.why,
        outcome=AttemptOutcome(row.outcome).name.lower(),
        status=row.status,
        error=row.error,
        duration_ms=row.duration_ms,
        tokens_in=row.tokens_in,
        tokens_out=row.tokens_out,
        cached_in=row.cached_in,
        reasoning_out=row.reasoning_out,
        finish=row.finish,
        estimated=row.estimated,
        cost_micro=row.cost_micro,
    )
