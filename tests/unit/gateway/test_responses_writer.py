"""Kept responses are written in groups: everybody's is on disk, or everybody is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from appliance.errors import Unavailable
from appliance.gateway import responses_bound as bound_module
from appliance.gateway import responses_writer as module
from appliance.gateway.responses_writer import ResponsesWriter
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.store.tables import stored_response_items, stored_responses


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(tmp_path / "gatehouse.db")
    await opened.open()
    await migrate(opened)
    yield opened
    await opened.close()


def row(name: str, sealed: bytes = b"sealed", owner: str = "user:7") -> dict[str, Any]:
    made = {"tenant_number": 1, "owner": owner, "id": name, "previous_id": None, "created_at": 1, "expires_at": 2}
    return {**made, "sealed": sealed}


class Counting(ResponsesWriter):
    """Counts the transactions it takes."""

    def __init__(self, db: Database) -> None:
        super().__init__(db, 100_000)
        self.groups: list[int] = []

    async def _write_group(self, group: list[Any]) -> None:
        self.groups.append(len(group))
        await super()._write_group(group)


async def found(db: Database, *columns: Any) -> list[tuple[Any, ...]]:
    async with db.read() as connection:
        return [tuple(one) for one in await connection.execute(sa.select(*columns).order_by(*columns))]


async def test_those_who_come_together_are_written_together(db: Database) -> None:
    writer = Counting(db)
    await asyncio.gather(*(writer.write(row(f"r{number:03}"), {f"a{number}", f"b{number}"}) for number in range(300)))
    assert writer.groups == [128, 128, 44]
    assert [name for (name,) in await found(db, stored_responses.c.id)] == [f"r{number:03}" for number in range(300)]
    named = await found(db, stored_response_items.c.response_number, stored_response_items.c.id)
    numbers = {name: number for number, name in await found(db, stored_responses.c.number, stored_responses.c.id)}
    assert sorted(named) == sorted((numbers[f"r{n:03}"], f"{kind}{n}") for n in range(300) for kind in "ab")


async def test_one_alone_does_not_wait_for_others(db: Database) -> None:
    writer = Counting(db)
    for number in range(3):
        await writer.write(row(f"r{number}"), set())
    assert writer.groups == [1, 1, 1]


async def test_the_last_of_the_same_id_stays_with_its_own_items(db: Database) -> None:
    writer = Counting(db)
    await asyncio.gather(
        writer.write(row("a", b"first"), {"x"}),
        writer.write(row("a", b"second"), {"y"}),
        writer.write(row("a", b"other's", owner="user:8"), {"z"}),
    )
    assert writer.groups == [1, 2]
    rows = await found(db, stored_responses.c.owner, stored_responses.c.sealed)
    assert rows == [("user:7", b"second"), ("user:8", b"other's")]
    assert [name for (name,) in await found(db, stored_response_items.c.id)] == ["y", "z"]


async def test_a_group_has_a_bound_on_its_bytes(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GROUP_BYTES_MAX", 100)
    writer = Counting(db)
    await asyncio.gather(*(writer.write(row(f"r{number}", bytes(60)), set()) for number in range(3)))
    await writer.write(row("large", bytes(1000)), set())
    assert writer.groups == [1, 1, 1, 1]


async def test_a_full_disk_is_told_to_everybody_of_the_group_and_the_next_one_is_tried(db: Database) -> None:
    async with db.transaction() as tx:
        pages = (await tx.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}")
    writer = ResponsesWriter(db, 100_000)
    large = [writer.write(row(f"r{number}", bytes(50_000)), {"x"}) for number in range(5)]
    told = await asyncio.gather(*large, return_exceptions=True)
    assert [type(one) for one in told] == [Unavailable] * 5
    assert await found(db, stored_responses.c.id) == []
    async with db.transaction() as tx:
        await tx.exec_driver_sql("PRAGMA max_page_count=100000")
    await writer.write(row("after"), {"x"})
    assert await found(db, stored_responses.c.id) == [("after",)]


async def test_who_is_left_waiting_when_the_writer_is_stopped_is_told(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, never = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def stuck() -> Any:
        begun.set()
        await never.wait()
        yield

    monkeypatch.setattr(db, "transaction", stuck)  # a disk that never answers
    writer = ResponsesWriter(db, 100_000)
    waiting = asyncio.ensure_future(writer.write(row("a"), set()))
    await begun.wait()
    assert writer._writing is not None
    writer._writing.cancel()
    with pytest.raises(Unavailable):
        await waiting


async def ids_of(db: Database, owner: str = "user:7") -> list[str]:
    query = sa.select(stored_responses.c.id).where(stored_responses.c.owner == owner).order_by(stored_responses.c.number)
    async with db.read() as connection:
        return list((await connection.execute(query)).scalars())


async def test_the_newest_of_each_owner_stay_and_a_hundredth_may_be_there_too_many(db: Database) -> None:
    writer = ResponsesWriter(db, 200)
    await asyncio.gather(*(writer.write(row(f"r{number:03}", owner="user:8"), set()) for number in range(202)))
    await asyncio.gather(*(writer.write(row(f"r{number:03}"), {f"m{number}"}) for number in range(500)))
    kept = await ids_of(db)
    assert 200 <= len(kept) <= 202
    assert kept == [f"r{number:03}" for number in range(500 - len(kept), 500)]
    assert len(await ids_of(db, "user:8")) == 202
    assert len(await found(db, stored_response_items.c.id)) == len(kept)
    await writer.write(row("r999", owner="user:8"), set())
    assert len(await ids_of(db, "user:8")) == 200


async def test_what_was_deleted_elsewhere_is_not_deleted_again_for_room(db: Database) -> None:
    writer = ResponsesWriter(db, 3)
    for number in range(3):
        await writer.write(row(f"r{number}"), set())
    async with db.transaction() as tx:
        await tx.execute(sa.delete(stored_responses).where(stored_responses.c.id == "r1"))
    await writer.write(row("r3"), set())
    assert await ids_of(db) == ["r0", "r2", "r3"]
    await writer.write(row("r3"), set())  # takes its own place
    assert await ids_of(db) == ["r0", "r2", "r3"]
    await writer.write(row("r4"), set())
    assert await ids_of(db) == ["r2", "r3", "r4"]


async def test_a_group_that_failed_does_not_count(db: Database) -> None:
    writer = ResponsesWriter(db, 3)
    for number in range(3):
        await writer.write(row(f"r{number}"), set())
    async with db.transaction() as tx:
        words = "CREATE TRIGGER broken BEFORE DELETE ON stored_responses WHEN old.id = 'r0' BEGIN SELECT RAISE(FAIL, 'x'); END"
        await tx.execute(sa.text(words))
    for _ in range(5):
        with pytest.raises(sa.exc.IntegrityError):
            await writer.write(row("r3"), set())
    async with db.transaction() as tx:
        await tx.execute(sa.text("DROP TRIGGER broken"))
    assert await ids_of(db) == ["r0", "r1", "r2"]
    await writer.write(row("r3"), set())
    assert await ids_of(db) == ["r1", "r2", "r3"]


async def test_far_too_many_are_taken_away_little_by_little(db: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after the setting was lowered: nobody waits until thousands are gone."""
    monkeypatch.setattr(bound_module, "TRIMMED_AT_ONCE", 10)
    await asyncio.gather(*(ResponsesWriter(db, 1000).write(row(f"r{number:03}"), set()) for number in range(60)))
    writer, sizes = ResponsesWriter(db, 20), []
    for number in range(8):
        await writer.write(row(f"s{number}"), set())
        sizes.append(len(await ids_of(db)))
    assert sizes == [51, 42, 33, 24, 20, 20, 20, 20]
    assert (await ids_of(db))[-8:] == [f"s{number}" for number in range(8)]
