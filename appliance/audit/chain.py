"""The hash-chained record: appended in the transaction of the change it tells of, and checked from its first row.

A row's hash is SHA-256 over the canonical JSON of its fields and of the hash before it. The row `state` holds where the
chain ends, so that a chain whose last rows were cut off is noticed as well. Whoever can write the whole database can
write a new chain; what they can't do is change one row and leave the rest. Keep `Verdict.hash` elsewhere to hold that too.
"""

import hashlib
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.store import tables

FIRST_PREVIOUS = bytes(32)
_ROWS_AT_ONCE = 500

Detail = dict[str, str | int | bool | list[str] | None]

_canonical = msgspec.json.Encoder(order="deterministic").encode


class Verdict(msgspec.Struct, frozen=True):
    """What `verify` found. `broken_at` is the first row that does not hold, or the first that is missing.

    rows: how many hold, from the beginning.  hash: the hash of the last of them, for keeping elsewhere.
    """

    rows: int
    hash: bytes
    broken_at: int | None = None
    reason: str = ""

    @property
    def holds(self) -> bool:
        return self.broken_at is None


async def append(tx: AsyncConnection, *, actor: str, action: str, target: str, detail: Detail, at_ms: int) -> None:
    """Tell of a change, in its own transaction. No secret may stand in `detail`."""
    seq, previous = (await tx.execute(sa.select(tables.state.c.audit_seq, tables.state.c.audit_hash))).one()
    seq += 1
    text = _canonical(detail).decode()
    row_hash = hashed(seq, at_ms, actor, action, target, text, previous)
    await tx.execute(
        sa.insert(tables.audit).values(
            seq=seq, at=at_ms, actor=actor, action=action, target=target, detail=text, previous_hash=previous, hash=row_hash
        )
    )
    await tx.execute(sa.update(tables.state).values(audit_seq=seq, audit_hash=row_hash))


def hashed(seq: int, at_ms: int, actor: str, action: str, target: str, detail: str, previous: bytes) -> bytes:
    """The hash of a row. A list keeps the fields apart, so that text can't move from one to the next unnoticed."""
    return hashlib.sha256(_canonical([seq, at_ms, actor, action, target, detail, previous.hex()])).digest()


async def verify(connection: AsyncConnection) -> Verdict:
    """Walk the whole chain. Memory does not grow with it."""
    verdict, rows_at_once = Verdict(0, FIRST_PREVIOUS), _ROWS_AT_ONCE
    while True:
        try:
            page = (await connection.execute(_rows_after(verdict.rows, rows_at_once))).all()
        except sa.exc.DBAPIError:
            if rows_at_once == 1:
                return _broken(verdict, verdict.rows + 1, f"row {verdict.rows + 1} can't be read")
            rows_at_once = 1  # text that is no text, put there by hand: go on row by row, to find which
            continue
        for row in page:
            reason = _fault(row, verdict)
            if reason:
                return _broken(verdict, verdict.rows + 1, reason)
            verdict = Verdict(row.seq, row.hash)
        if len(page) < rows_at_once:
            return await _checked_end(connection, verdict)


def _rows_after(seq: int, limit: int) -> sa.Select[Any]:
    """Columns without their types: a value of another kind is to be found here, not to fail while it is read."""
    columns: list[sa.ColumnClause[Any]] = [sa.column(column.name) for column in tables.audit.columns]
    return sa.select(*columns).select_from(tables.audit).where(tables.audit.c.seq > seq).order_by(tables.audit.c.seq).limit(limit)


def _fault(row: Any, before: Verdict) -> str:
    seq, at, actor, action, target, detail, previous, row_hash = row
    if seq != before.rows + 1:
        return f"row {before.rows + 1} is missing"
    if previous != before.hash:
        return f"row {seq} does not follow from the row before it"
    expected = hashed(seq, at, actor, action, target, detail, before.hash)
    return "" if row_hash == expected else f"row {seq} was changed"


async def _checked_end(connection: AsyncConnection, verdict: Verdict) -> Verdict:
    first = (await connection.execute(sa.select(sa.func.min(tables.audit.c.seq)))).scalar_one()
    if first is not None and first < 1:
        return _broken(verdict, first, f"row {first} was put in before the first")
    seq, row_hash = (await connection.execute(sa.select(tables.state.c.audit_seq, tables.state.c.audit_hash))).one()
    if seq > verdict.rows:
        return _broken(verdict, verdict.rows + 1, f"the last {seq - verdict.rows} of {seq} rows are missing")
    if seq < verdict.rows or row_hash != verdict.hash:
        return _broken(verdict, min(seq, verdict.rows) + 1, "there are rows that were never recorded")
    return verdict


def _broken(verdict: Verdict, at: int, reason: str) -> Verdict:
    return msgspec.structs.replace(verdict, broken_at=at, reason=reason)
