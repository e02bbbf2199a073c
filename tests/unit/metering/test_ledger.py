import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from appliance import faults
from appliance.errors import LedgerUnavailable
from appliance.gateway.call import new_id
from appliance.metering.entries import AttemptEntry, AttemptOutcome, OpenEntry, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.store.engine import Database
from appliance.store.migrate import migrate


@pytest.fixture
async def path(tmp_path: Path) -> Path:
    database = Database(tmp_path / "gatehouse.db")
    await database.open()
    await migrate(database)
    await database.close()
    return tmp_path / "gatehouse.db"


@pytest.fixture
async def ledger(path: Path) -> AsyncIterator[Ledger]:
    ledger = Ledger(path, synchronous="NORMAL")
    await ledger.start()
    yield ledger
    await ledger.stop()


def opened(request_id: bytes, *, reserved_out: int = 4096) -> OpenEntry:
    return OpenEntry(request_id, 1, 1, 1, 1, None, None, None, None, "fast", "up/m", False, 30, reserved_out)


def settled(request_id: bytes, state: RequestState = RequestState.SETTLED) -> SettledEntry:
    attempt = AttemptEntry("up/m", AttemptOutcome.SUCCEEDED, 200, 5, 20, 120, 4, 0, False, "stop")
    return SettledEntry(request_id, state, 200, None, 7, 3, (attempt,))


def rows(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


async def test_a_request_is_open_until_it_is_settled(ledger: Ledger, path: Path) -> None:
    one = new_id(1)
    await ledger.open(opened(one))
    assert rows(path, "SELECT state, reserved_in, reserved_out FROM requests") == [(RequestState.OPEN, 30, 4096)]
    await ledger.settle(settled(one))
    assert rows(path, "SELECT state, status, duration_ms, first_token_ms FROM requests") == [(1, 200, 7, 3)]
    assert rows(path, "SELECT tokens_in, tokens_out, cached_in, estimated FROM attempts") == [(20, 120, 4, 0)]


async def test_names_are_kept_once(ledger: Ledger, path: Path) -> None:
    for _ in range(3):
        one = new_id(1)
        await ledger.open(opened(one))
        await ledger.settle(settled(one))
    assert sorted(rows(path, "SELECT value FROM names")) == [("fast",), ("stop",), ("up/m",)]


async def test_what_a_crash_left_open_is_booked_at_what_was_reserved(path: Path) -> None:
    first = Ledger(path, synchronous="NORMAL")
    await first.start()
    one, two = new_id(1), new_id(1)
    await first.open(opened(one, reserved_out=77))
    await first.open(opened(two))
    await first.settle(settled(two))
    await first.stop()
    second = Ledger(path, synchronous="NORMAL")
    await second.start()
    await second.stop()
    assert second.interrupted_at_start == 1
    query = """SELECT r.state, r.estimated, a.outcome, a.tokens_in, a.tokens_out, a.estimated
      FROM requests r JOIN attempts a ON a.request_id = r.id ORDER BY r.state"""
    assert rows(path, query) == [(1, 0, 1, 20, 120, 0), (2, 1, 4, 30, 77, 1)]


async def test_many_requests_share_a_commit(path: Path) -> None:
    groups: list[int] = []
    ledger = Ledger(path, synchronous="NORMAL", on_group=groups.append)
    await ledger.start()
    await asyncio.gather(*(ledger.open(opened(new_id(1))) for _ in range(2_000)))
    await ledger.stop()
    assert sum(groups) == 2_000
    assert len(groups) < 40


@pytest.fixture
async def faulty(path: Path, request: pytest.FixtureRequest) -> AsyncIterator[Ledger]:
    ledger = Ledger(path, synchronous="NORMAL", fault=faults.points(request.param))
    await ledger.start()
    yield ledger
    await ledger.stop()


@pytest.mark.parametrize("faulty", ["ledger.commit:1"], indirect=True)
async def test_a_commit_that_fails_refuses_the_request_and_the_next_one_is_served(faulty: Ledger, path: Path) -> None:
    ledger = faulty
    with pytest.raises(LedgerUnavailable):
        await ledger.open(opened(new_id(1)))
    await ledger.open(opened(new_id(2)))
    assert len(rows(path, "SELECT id FROM requests")) == 1


@pytest.mark.parametrize("faulty", ["ledger.commit:2"], indirect=True)
async def test_usage_whose_commit_failed_is_booked_later_as_not_answered(faulty: Ledger, path: Path) -> None:
    ledger, one = faulty, new_id(1)
    await ledger.open(opened(one))
    with pytest.raises(LedgerUnavailable):
        await ledger.settle(settled(one))
    await ledger.probe()
    assert rows(path, "SELECT state FROM requests") == [(RequestState.FAILED,)]
    assert rows(path, "SELECT tokens_out FROM attempts") == [(120,)]


@pytest.mark.parametrize("faulty", ["ledger.commit.rows:1"], indirect=True)
async def test_names_taken_in_a_lost_transaction_are_taken_again(faulty: Ledger, path: Path) -> None:
    ledger = faulty
    with pytest.raises(LedgerUnavailable):
        await ledger.open(opened(new_id(1)))
    await ledger.open(opened(new_id(2)))
    assert rows(path, "SELECT n.value FROM requests r JOIN names n ON n.id = r.model_name") == [("fast",)]


async def test_a_file_that_another_program_holds_refuses_and_recovers(ledger: Ledger, path: Path) -> None:
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    waiting = asyncio.ensure_future(ledger.open(opened(new_id(1))))
    await asyncio.sleep(0.3)
    assert not waiting.done(), "a short wait is no failure"
    other.execute("ROLLBACK")
    other.close()
    await waiting


async def test_ids_sort_by_time_and_never_repeat() -> None:
    ids = [new_id(milliseconds) for milliseconds in (1, 2, 70_000) for _ in range(1_000)]
    assert len(set(ids)) == 3_000
    assert [one[:6] for one in ids] == sorted(one[:6] for one in ids)


async def test_an_entry_that_cannot_be_written_fails_alone_and_is_not_tried_for_ever(ledger: Ledger, path: Path) -> None:
    good, bad = new_id(1), new_id(1)
    impossible = msgspec.structs.replace(settled(bad), duration_ms=2**70)
    await asyncio.gather(ledger.open(opened(good)), ledger.open(opened(bad)))
    done = await asyncio.gather(ledger.settle(settled(good)), ledger.settle(impossible), return_exceptions=True)
    assert done[0] is None
    assert isinstance(done[1], LedgerUnavailable)
    await ledger.probe()
    assert sorted(rows(path, "SELECT state FROM requests")) == [(RequestState.OPEN,), (RequestState.SETTLED,)]


@pytest.mark.parametrize("faulty", ["ledger.commit:1,ledger.names:2"], indirect=True)
async def test_the_writer_outlives_a_disk_that_fails_twice_in_a_row(faulty: Ledger, path: Path) -> None:
    for _ in range(2):  # the commit, then reading back what the file really holds
        with pytest.raises(LedgerUnavailable):
            await faulty.open(opened(new_id(1)))
    await faulty.open(opened(new_id(2)))
    assert len(rows(path, "SELECT id FROM requests")) == 1
