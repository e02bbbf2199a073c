"""The rows of policies and assignments. Versions are written once, and never changed or deleted."""

from collections.abc import Iterable
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.guardrails.policy import Policy, PolicyForm
from appliance.guardrails.policy_book import Assignment, Mode, PolicyBook, Source, StoredPolicy, Subject
from appliance.store.new_id import new_id
from appliance.store.refusals import DatabaseUnusable
from appliance.store.tables import policies, policy_assignments, policy_versions


class PolicyVersion(msgspec.Struct, frozen=True, kw_only=True):
    """One version as it was made. `made_by`: an actor as in the audit."""

    version: int
    made_at: int
    made_by: str
    policy: PolicyForm


async def read_book(connection: AsyncConnection, base: str) -> PolicyBook:
    """Errors: DatabaseUnusable where rows were damaged or changed by hand."""
    try:
        return await _read(connection, base)
    except msgspec.MsgspecError as error:
        raise DatabaseUnusable(
            f"policies in the database are not as this program wrote them ({error})",
            "Put back a copy of the database (gatehouse.db.before-…, or your own).",
        ) from None


async def _read(connection: AsyncConnection, base: str) -> PolicyBook:
    newest = sa.and_(policy_versions.c.policy_number == policies.c.number, policy_versions.c.version == policies.c.version)
    query = sa.select(policies, policy_versions.c.form).join(policy_versions, newest).where(policies.c.removed_at.is_(None))
    stored = [_stored(row) for row in (await connection.execute(query)).all()]
    names = {one.number: one.policy.name for one in stored}
    rows = (await connection.execute(sa.select(policy_assignments))).all()
    return PolicyBook(stored, [_assignment(row, names[row.policy_number]) for row in rows], base)


def _stored(row: Any) -> StoredPolicy:
    policy = Policy(msgspec.convert(row.form, PolicyForm), row.version)
    return StoredPolicy(number=row.number, policy=policy, source=row.source, created_at=row.created_at, updated_at=row.updated_at)


def _assignment(row: Any, policy: str) -> Assignment:
    subject = Subject(row.subject_kind, row.subject_id)
    return Assignment(number=row.number, id=row.id, subject=subject, policy=policy, mode=row.mode, created_at=row.created_at)


async def write_version(tx: AsyncConnection, form: PolicyForm, *, source: Source, by: str, now: int) -> int:
    """As the newest of its name, also where one of that name was removed before. Its version."""
    here = policies.c.name == form.name
    row = (await tx.execute(sa.select(policies.c.number, policies.c.version).where(here))).one_or_none()
    if row is None:
        version = 1
        values = {"name": form.name, "source": source, "version": version, "created_at": now, "updated_at": now}
        number = (await tx.execute(sa.insert(policies).values(values).returning(policies.c.number))).scalar_one()
    else:
        number, version = row.number, row.version + 1
        changed = {"source": source, "version": version, "updated_at": now, "removed_at": None}
        await tx.execute(sa.update(policies).where(policies.c.number == number).values(changed))
    document = msgspec.to_builtins(form)
    made = {"policy_number": number, "version": version, "form": document, "made_at": now, "made_by": by}
    await tx.execute(sa.insert(policy_versions).values(made))
    return int(version)


async def mark_removed(tx: AsyncConnection, number: int, now: int) -> None:
    await tx.execute(sa.update(policies).where(policies.c.number == number).values(removed_at=now, updated_at=now))


async def make_own(tx: AsyncConnection, numbers: Iterable[int]) -> None:
    """What no longer ships, and is in use."""
    await tx.execute(sa.update(policies).where(policies.c.number.in_(list(numbers))).values(source="own"))


async def versions_of(connection: AsyncConnection, number: int, *, limit: int, before: int | None = None) -> list[PolicyVersion]:
    """The newest first."""
    query = sa.select(policy_versions).where(policy_versions.c.policy_number == number)
    if before is not None:
        query = query.where(policy_versions.c.version < before)
    rows = (await connection.execute(query.order_by(policy_versions.c.version.desc()).limit(limit))).all()
    return [
        PolicyVersion(version=row.version, made_at=row.made_at, made_by=row.made_by, policy=msgspec.convert(row.form, PolicyForm))
        for row in rows
    ]


async def write_assignment(tx: AsyncConnection, subject: Subject, policy: int, mode: Mode, now: int) -> str:
    """Its id: that of the same subject and policy keeps its own."""
    here = sa.and_(
        policy_assignments.c.subject_kind == subject.kind,
        policy_assignments.c.subject_id == subject.id,
        policy_assignments.c.policy_number == policy,
    )
    known = (await tx.execute(sa.select(policy_assignments.c.id).where(here))).scalar_one_or_none()
    if known is not None:
        await tx.execute(sa.update(policy_assignments).where(here).values(mode=mode))
        return str(known)
    made = new_id("asg")
    values = {"id": made, "subject_kind": subject.kind, "subject_id": subject.id, "policy_number": policy, "mode": mode}
    await tx.execute(sa.insert(policy_assignments).values(created_at=now, **values))
    return made


async def delete_assignment(tx: AsyncConnection, number: int) -> None:
    await tx.execute(sa.delete(policy_assignments).where(policy_assignments.c.number == number))


async def kept_days(connection: AsyncConnection) -> dict[str, int]:
    """By label (`dpdp@1`), of all versions that say so."""
    query = sa.select(policies.c.name, policy_versions.c.version, policy_versions.c.form).join(
        policies, policies.c.number == policy_versions.c.policy_number
    )
    rows = (await connection.execute(query)).all()
    return {f"{row.name}@{row.version}": days for row in rows if (days := row.form.get("kept_days"))}
