import asyncio
import sqlite3
import stat
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.errors import Unavailable
from appliance.store.engine import Database, sqlite_path, to_the_end
from appliance.store.refusals import DatabaseUnusable
from appliance.store.tables import names, tenants


async def _count(db: Database) -> int:
    async with db.read() as connection:
        return int((await connection.execute(sa.select(sa.func.count()).select_from(names))).scalar_one())


@pytest.mark.parametrize(
    ("address", "path"),
    [
        ("sqlite:////var/lib/gatehouse/gatehouse.db", "/var/lib/gatehouse/gatehouse.db"),
        ("sqlite:///gatehouse.db", "gatehouse.db"),
        ("sqlite+aiosqlite:////tmp/x.db", "/tmp/x.db"),
        ("/tmp/plain.db", "/tmp/plain.db"),
        ("sqlite:////tmp/x.db?timeout=5", "/tmp/x.db"),
    ],
)
def test_an_address_leads_to_its_file(address: str, path: str) -> None:
    assert sqlite_path(address) == Path(path)


@pytest.mark.parametrize("address", ["postgresql://user:hunter2@db/gatehouse", "postgresql+asyncpg://db/x", "postgres://db/x"])
def test_postgresql_is_refused_by_name_and_its_password_is_not_repeated(address: str) -> None:
    with pytest.raises(DatabaseUnusable, match="PostgreSQL is not offered by this version") as refused:
        sqlite_path(address)
    assert "hunter2" not in refused.value.message + refused.value.fix


@pytest.mark.parametrize("address", ["mysql://db/x", "sqlite://", "sqlite:///:memory:", "sqlite:///", "://x"])
def test_an_address_that_keeps_nothing_or_is_unknown_is_refused(address: str) -> None:
    with pytest.raises(DatabaseUnusable):
        sqlite_path(address)


async def test_a_transaction_that_raises_leaves_nothing(db: Database) -> None:
    try:
        async with db.transaction() as tx:
            await tx.execute(sa.insert(names).values(kind=1, value="lost"))
            raise RuntimeError("half way")
    except RuntimeError:
        pass
    assert await _count(db) == 0


async def test_a_hundred_transactions_at_once_take_turns(db: Database) -> None:
    async def add_one_more() -> None:
        async with db.transaction() as tx:
            count = (await tx.execute(sa.select(sa.func.count()).select_from(names))).scalar_one()
            await asyncio.sleep(0)
            await tx.execute(sa.insert(names).values(kind=1, value=f"number {count}"))  # unique: two that read the same fail

    await asyncio.gather(*(add_one_more() for _ in range(100)))
    assert await _count(db) == 100


async def test_readers_see_what_was_committed_while_a_transaction_runs(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(sa.insert(names).values(kind=1, value="not yet"))
        assert await _count(db) == 0
    assert await _count(db) == 1


async def test_a_reader_can_not_write(db: Database) -> None:
    with pytest.raises(Unavailable, match="SQLITE_READONLY"):
        async with db.read() as connection:
            await connection.execute(sa.insert(names).values(kind=1, value="sneaked in"))


async def test_references_are_enforced(db: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with db.transaction() as tx:
            await tx.exec_driver_sql("INSERT INTO departments (id, tenant_number, name, created_at) VALUES ('d', 99, 'n', 0)")


async def test_a_transaction_cancelled_at_any_point_leaves_the_next_one_free(db: Database) -> None:
    async def slow() -> None:
        async with db.transaction() as tx:
            for number in range(50):
                await tx.execute(sa.insert(names).values(kind=2, value=str(number)))

    for wait in range(20):
        task = asyncio.create_task(slow())
        await asyncio.sleep(wait / 1000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        async with db.transaction() as tx:
            await tx.execute(sa.delete(names))
    assert await _count(db) == 0


async def test_a_change_runs_to_its_end_although_its_caller_is_cancelled(db: Database) -> None:
    published = asyncio.Event()

    async def change() -> None:
        async with db.transaction() as tx:
            await tx.execute(sa.insert(names).values(kind=1, value="kept"))
        published.set()

    task = asyncio.create_task(to_the_end(change()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await published.wait()
    assert await _count(db) == 1


async def test_a_full_disk_is_told_as_such_and_a_mistake_in_sql_is_a_crash(db: Database) -> None:
    async def fill() -> None:
        async with db.transaction() as tx:
            await tx.exec_driver_sql("PRAGMA max_page_count = 1")
            for number in range(10_000):
                await tx.execute(sa.insert(names).values(kind=3, value=f"{number} {'x' * 500}"))

    with pytest.raises(Unavailable, match="SQLITE_FULL") as told:
        await fill()
    assert told.value.retry_after_seconds == 5
    with pytest.raises(sa.exc.OperationalError, match="no such table"):
        async with db.transaction() as tx:
            await tx.exec_driver_sql("SELECT * FROM no_such_table")


async def test_a_change_waits_for_the_ledger_to_end_its_transaction(db: Database) -> None:
    ledger = sqlite3.connect(db.sqlite_path, isolation_level=None)
    ledger.execute("BEGIN IMMEDIATE")

    async def change() -> None:
        async with db.transaction() as tx:
            await tx.execute(sa.insert(names).values(kind=1, value="after"))

    task = asyncio.create_task(change())
    await asyncio.sleep(0.1)
    assert not task.done()
    ledger.execute("COMMIT")
    ledger.close()
    await task


async def test_changes_survive_a_power_cut_by_default(db: Database) -> None:
    async with db.transaction() as tx:
        assert (await tx.exec_driver_sql("PRAGMA synchronous")).scalar_one() == 2  # FULL
        assert (await tx.exec_driver_sql("PRAGMA journal_mode")).scalar_one() == "wal"


@pytest.mark.skipif(sys.platform == "win32", reason="access lists there, no modes")
async def test_only_its_owner_may_read_the_database(db: Database) -> None:
    async with db.transaction() as tx:
        await tx.execute(sa.update(tenants).values(name="Ours"))
    for file in db.sqlite_path.parent.glob("gatehouse.db*"):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600, file


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "gatehouse.db"
    path.write_bytes(b"this is a letter to my aunt, not a database\n" * 100)
    with pytest.raises(DatabaseUnusable, match="can't be opened"):
        await Database(path).open()
    assert path.read_bytes().startswith(b"this is a letter")


async def test_a_folder_in_its_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "gatehouse.db").mkdir()
    with pytest.raises(DatabaseUnusable, match="can't be opened"):
        await Database(tmp_path / "gatehouse.db").open()
