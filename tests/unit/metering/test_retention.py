"""What is deleted out of a real ledger, and what stays."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from appliance.gateway.call import new_id
from appliance.metering import retention
from appliance.metering.entries import AttemptEntry, AttemptOutcome, OpenEntry, RequestState, SettledEntry
from appliance.metering.ledger import Ledger
from appliance.metering.retention import Retention
from appliance.store.engine import Database
from appliance.store.tables import attempts, audit, requests
from tests.fakes.clock import FakeClock
from tests.unit.store.fresh import fresh_database

DAY_MS = 86_400_000
HOUR_MS = 3_600_000
ONE, TWO, DELETED = 1, 2, 9


class Kept(msgspec.Struct, frozen=True):
    number: int
    id: str
    retention_days: int | None
    time_zone: str = "UTC"


@pytest.fixture(autouse=True)
def small_groups(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 2)
    monkeypatch.setattr(retention, "PAUSE_SECONDS", 0.0)
    return


class Books:
    """A ledger with requests of several organisations, by the hours of their age."""

    def __init__(self, database: Database, ledger: Ledger, clock: FakeClock) -> None:
        self.database = database
        self.ledger = ledger
        self.clock = clock

    async def add(self, tenant: int, hours_ago: float, *, is_settled: bool = True) -> None:
        at_ms = self.clock.now_ms() - int(hours_ago * HOUR_MS)
        one = new_id(at_ms)
        await self.ledger.open(OpenEntry(one, at_ms, 1, 1, tenant, None, None, 7, None, "fast", "up/m", False, 30, 4096))
        if is_settled:
            tries = tuple(AttemptEntry("up/m", AttemptOutcome.SUCCEEDED, 200, 5, 20, 100, 0, 0, False, "stop") for _ in range(2))
            await self.ledger.settle(SettledEntry(one, RequestState.SETTLED, 200, None, 7, 3, tries))

    async def ages(self, tenant: int) -> list[int]:
        """In hours, the oldest first; every request has its two attempts still."""
        async with self.database.read() as connection:
            rows = (await connection.execute(sa.select(requests).where(requests.c.tenant_number == tenant))).all()
            tries = (await connection.execute(sa.select(attempts.c.request_id))).scalars().all()
            owners = set((await connection.execute(sa.select(requests.c.id))).scalars().all())
        assert set(tries) <= owners, "no attempt is left without its request"
        assert all(tries.count(row.id) == 2 for row in rows if row.state == RequestState.SETTLED)
        return sorted(((self.clock.now_ms() - row.started_at) // HOUR_MS for row in rows), reverse=True)

    async def told(self) -> list[tuple[str, str]]:
        async with self.database.read() as connection:
            rows = (await connection.execute(sa.select(audit).where(audit.c.action == "ledger.expire"))).all()
        return [(row.target, row.detail) for row in rows]

    async def delete(self, *holders: Kept, kept_days: int = 0) -> Retention:
        async def known() -> list[Kept]:
            return list(holders)

        keeper = Retention(self.database, self.clock, known, kept_days=kept_days)
        await keeper.delete_old()
        return keeper


@pytest.fixture
async def books(tmp_path: Path, clock: FakeClock) -> Books:
    database = await fresh_database(tmp_path / "gatehouse.db")
    ledger = Ledger(tmp_path / "gatehouse.db", synchronous="NORMAL")
    await ledger.start()
    return Books(database, ledger, clock)


@pytest.fixture(autouse=True)
async def closed(books: Books) -> object:
    yield
    await books.ledger.stop()
    await books.database.close()


async def test_an_organisations_own_days_hold_for_it_alone(books: Books) -> None:
    for hours in (24 * 40, 24 * 35, 24 * 34, 24 * 33, 24 * 20, 1):
        await books.add(ONE, hours)
        await books.add(TWO, hours)
    await books.delete(Kept(ONE, "tenant_one", 30), Kept(TWO, "tenant_two", None))
    assert await books.ages(ONE) == [24 * 20, 1]
    assert len(await books.ages(TWO)) == 6
    ((target, detail),) = await books.told()
    assert target == "tenant_one"
    assert msgspec.json.decode(detail)["days"] == 30


async def test_whoever_set_none_and_the_deleted_follow_the_appliances_own_days(books: Books) -> None:
    for tenant in (ONE, TWO, DELETED):
        for hours in (24 * 12, 24 * 3):
            await books.add(tenant, hours)
    await books.delete(Kept(ONE, "tenant_one", 365), Kept(TWO, "tenant_two", None), kept_days=7)
    assert await books.ages(ONE) == [24 * 12, 24 * 3]
    assert await books.ages(TWO) == await books.ages(DELETED) == [24 * 3]
    assert [target for target, _ in await books.told()] == ["tenant_two", "deleted organisations"]


async def test_days_begin_where_the_organisation_is_and_what_runs_stays(books: Books) -> None:
    """Half past midnight in Kolkata is seven in the evening of the day before in UTC."""
    into_the_day = books.clock.now_ms() % DAY_MS / HOUR_MS
    midnight_there = (into_the_day + 5.5) % 24  # so many hours ago it was midnight in Kolkata
    await books.add(ONE, 48 + midnight_there + 0.1)
    await books.add(ONE, 48 + midnight_there - 0.1)
    await books.add(ONE, 24 * 9, is_settled=False)
    await books.delete(Kept(ONE, "tenant_one", 2, "Asia/Kolkata"))
    ages = await books.ages(ONE)
    assert ages == [24 * 9, int(48 + midnight_there - 0.1)]


async def test_a_second_run_finds_nothing_and_says_nothing_until_the_next_day(books: Books) -> None:
    for hours in (24 * 5, 24 * 4, 24 * 3, 24 * 2, 1):
        await books.add(ONE, hours)
    keeper = await books.delete(Kept(ONE, "tenant_one", 3))
    before = await books.ages(ONE)
    await keeper.delete_old()
    assert await books.ages(ONE) == before
    assert len(await books.told()) == 1
    books.clock.jump(DAY_MS)
    await keeper.delete_old()
    assert len(await books.ages(ONE)) == len(before) - 1
    assert len(await books.told()) == 2
