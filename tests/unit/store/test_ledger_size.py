import os
import sqlite3
from collections import deque
from pathlib import Path

from appliance.store.engine import Database

ROWS = 20_000
BYTES_MAX = 250
_OPEN = (
    "INSERT INTO requests (id, started_at, kind, dialect, state, status, tenant_number, department_number, team_number,"
    " user_number, key_number, model_name, deployment_name, streamed, reserved_in, reserved_out, reserved_micro, duration_ms,"
    " estimated)"
    " VALUES (?,?,1,1,0,0,?,?,?,?,?,?,?,1,?,4096,?,0,0)"
)
_SETTLE = "UPDATE requests SET state = 1, status = 200, error_name = ?, duration_ms = ?, first_token_ms = ? WHERE id = ?"
_ATTEMPT = (
    "INSERT INTO attempts (request_id, ordinal, deployment_name, outcome, status, duration_ms, tokens_in, tokens_out, cached_in,"
    " reasoning_out, cost_micro, price_name, finish_name, estimated) VALUES (?,0,?,1,200,?,?,?,?,?,?,?,?,0)"
)


def fill(path: Path) -> int:
    """20,000 requests as a busy organisation makes them, every column filled, one attempt each. Answers bytes on disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    started = 1_795_000_000_000
    connection.execute("VACUUM")
    before = path.stat().st_size
    running: deque[tuple[int, bytes]] = deque()
    for group in range(ROWS // 100):  # committed in groups, and settled while others are open, as the ledger's writer does
        connection.execute("BEGIN IMMEDIATE")
        for number in range(group * 100, group * 100 + 100):
            at = started + number * 37
            request_id = at.to_bytes(6, "big") + os.urandom(10)
            people = (number % 40 + 1, number % 300 + 1, number % 900 + 1, number % 5000 + 1, number % 70_000 + 1)
            reserved = (number % 9000, number * 13)
            connection.execute(_OPEN, (request_id, at, *people, number % 30 + 100, number % 30 + 200, *reserved))
            running.append((number, request_id))
            if len(running) > 250:
                _settle(connection, *running.popleft())
        connection.execute("COMMIT")
    for number, request_id in running:
        _settle(connection, number, request_id)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path.stat().st_size - before


def _settle(connection: sqlite3.Connection, number: int, request_id: bytes) -> None:
    error = number % 20 + 400 if number % 30 == 0 else None
    connection.execute(_SETTLE, (error, number % 30_000, number % 900, request_id))
    usage = (number % 30_000, number % 9000, number % 4000, number % 2000, number % 500, number * 13)
    connection.execute(_ATTEMPT, (request_id, number % 30 + 200, *usage, number % 40 + 300, 7))


async def test_a_request_and_its_attempt_stay_within_250_bytes_with_their_indexes(db: Database) -> None:
    await db.close()
    bytes_each = fill(db.sqlite_path) / ROWS
    print(f"{bytes_each:.0f} bytes a request")
    assert bytes_each <= BYTES_MAX
