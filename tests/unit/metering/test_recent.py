"""The last hour as a restart finds it in the ledger."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.gateway.call import new_id
from appliance.metering import recent
from appliance.metering.entries import AttemptEntry, OpenEntry, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.telemetry.activity import MINUTE_MS, Activity
from tests.fakes.clock import START_MS

NOW = START_MS // MINUTE_MS * MINUTE_MS + 30_000
LONGEST_SECONDS = 1800.0


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "gatehouse.db")
    await opened.open()
    await migrate(opened)
    yield opened
    await opened.close()


@pytest.fixture
async def ledger(database: Database) -> AsyncIterator[Ledger]:
    started = Ledger(database.sqlite_path, synchronous="NORMAL")
    await started.start()
    yield started
    await started.stop()


async def booked(
    ledger: Ledger, at_ms: int, state: RequestState = RequestState.SETTLED, *, seconds: int = 1, streamed: bool = False
) -> None:
    """A request that began then; one that stays open is what a crash leaves."""
    one = new_id(at_ms)
    await ledger.open(OpenEntry(one, at_ms, 1, 1, 1, None, None, None, None, "fast", "up/m", streamed, 30, 40))
    if state is not RequestState.OPEN:
        duration_ms = seconds * 1000
        attempts = tuple(AttemptEntry("up/m", 1, 200, duration_ms, 10, 20, 0, 0, False, "stop") for _ in range(2))
        await ledger.settle(SettledEntry(one, state, 200, None, duration_ms, 100, attempts))


async def activity_of(database: Database) -> Activity:
    activity = Activity()
    await recent.fill(activity, database, NOW, LONGEST_SECONDS)
    return activity


async def test_every_ending_is_counted_as_it_was_while_it_ran(database: Database, ledger: Ledger) -> None:
    await booked(ledger, NOW - 5_000, streamed=True)
    await booked(ledger, NOW - 5_000, RequestState.FAILED, seconds=3)
    await booked(ledger, NOW - 5_000, RequestState.CANCELLED, seconds=3)
    hour = (await activity_of(database)).last_hour(NOW)
    assert (hour.totals.requests, hour.totals.failed) == (3, 1)
    assert (hour.totals.tokens_in, hour.totals.tokens_out) == (60, 120)  # of all attempts
    assert hour.latency_ms_p95 == pytest.approx(1000, rel=0.03)  # of whole answers alone
    assert hour.first_token_ms_p50 == pytest.approx(100, rel=0.03)  # of streams alone


async def test_a_request_counts_in_the_minute_in_which_it_ended(database: Database, ledger: Ledger) -> None:
    await booked(ledger, NOW - 85 * 60_000, seconds=29 * 60)  # began long before the hour, ended in it
    await booked(ledger, NOW - 62 * 60_000)
    await booked(ledger, NOW + 60_000)  # the clock was set back since
    hour = (await activity_of(database)).last_hour(NOW)
    assert [minute.requests for minute in hour.minutes] == [0, 0, 0, 1, *[0] * 56]


async def test_what_a_crash_left_open_failed(database: Database) -> None:
    for state in (RequestState.OPEN, RequestState.SETTLED):
        ledger = Ledger(database.sqlite_path, synchronous="NORMAL")
        await ledger.start()
        await booked(ledger, NOW - 1_000, state, seconds=0)
        await ledger.stop()
    hour = (await activity_of(database)).last_hour(NOW)
    assert (hour.totals.requests, hour.totals.failed) == (2, 1)
