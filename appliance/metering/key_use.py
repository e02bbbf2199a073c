"""How much each key is used, told from the ledger's own rows in the transaction that settles them: never more, never less.

A request that was settled succeeded: it was answered whole, with a status below 400. One that failed, was broken off by its
caller, or was left open by a crash did not.
"""

import sqlite3
from collections.abc import Iterable

from appliance.metering.entries import RequestState
from appliance.metering.rows import Many

_UPSERT = """ ON CONFLICT (key_number) DO UPDATE SET requests = requests + excluded.requests,
 failures = failures + excluded.failures, last_used_at = max(last_used_at, excluded.last_used_at)"""
_COUNT = Many("INSERT INTO key_use (key_number, requests, failures, last_used_at) VALUES ", "(?,?,?,?)", _UPSERT)
COUNT_INTERRUPTED = f"""INSERT INTO key_use (key_number, requests, failures, last_used_at)
 SELECT key_number, count(*), count(*), max(started_at) FROM requests WHERE state = 0 AND key_number IS NOT NULL
 GROUP BY key_number{_UPSERT}"""


def count(connection: sqlite3.Connection, settled: Iterable[tuple[int | None, int, int]]) -> None:
    """`settled`: (key_number, state, started_at) of each request; one row a key is written, however many they are."""
    use: dict[int, tuple[int, int, int]] = {}
    for number, state, started_at in settled:
        if number is not None:
            requests, failures, last = use.get(number, (0, 0, 0))
            use[number] = (requests + 1, failures + (state != RequestState.SETTLED), max(last, started_at))
    _COUNT.write(connection, [(number, *figures) for number, figures in use.items()])
