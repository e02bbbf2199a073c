"""Uploaded files: what a start makes of each half that an end has left, what expires, and a disk without room."""

import asyncio
import errno
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.errors import FilesFull, FileUnknown, StorageFull, Unavailable
from appliance.gateway.uploaded_bytes import room_failures
from appliance.gateway.uploaded_files import DAY_SECONDS, FREE_BYTES_MIN, Keeping, Told, UploadedFile, UploadedFiles, Wanted
from appliance.identity.caller import Caller
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from tests.fakes.clock import FakeClock

ASHA, BEN = Caller(kind="key", key_number=1, user_number=7), Caller(kind="key", key_number=2)
PLENTY = Keeping(days=30, files_max=100, bytes_max=10_000, total_bytes_max=20_000)
TEXT = Told("a.txt", "text/plain", "user_data")


@pytest.fixture
async def db(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(tmp_path / "gatehouse.db")
    await database.open()
    await migrate(database)
    yield database
    await database.close()


def files_in(
    tmp_path: Path, db: Database, clock: FakeClock, keeping: Keeping = PLENTY, free: int = 2 * FREE_BYTES_MIN
) -> UploadedFiles:
    folder = tmp_path / "uploads"
    folder.mkdir(exist_ok=True)
    return UploadedFiles(db, clock, folder, keeping, lambda _: free)


async def kept(files: UploadedFiles, content: bytes = b"Hello", caller: Caller = ASHA, told: Told = TEXT) -> UploadedFile:
    async with files.arriving(len(content)) as arrival:
        path = arrival.folder / "0.upload"
        path.write_bytes(content)
        return await files.keep(caller, arrival, path, told)


async def test_a_start_removes_each_half(tmp_path: Path, db: Database, clock: FakeClock) -> None:
    files = files_in(tmp_path, db, clock)
    whole, without_bytes = await kept(files), await kept(files)
    folder = tmp_path / "uploads"
    (folder / without_bytes.id).unlink()
    (folder / "file-withoutarow").write_bytes(b"x")
    (folder / ".arriving-cut").mkdir()
    (folder / ".arriving-cut" / "0.upload").write_bytes(b"half")
    again = files_in(tmp_path, db, clock)
    await again.open()
    assert [file.id for file in (await again.listed(ASHA, Wanted(10)))[0]] == [whole.id]
    assert {one.name for one in folder.iterdir()} == {whole.id}


async def test_what_expires_is_gone_at_once_and_its_bytes_with_the_next_run(
    tmp_path: Path, db: Database, clock: FakeClock
) -> None:
    files = files_in(tmp_path, db, clock)
    soon = await kept(files, told=Told("a", "text/plain", "user_data", expires_seconds=3600))
    later = await kept(files, told=Told("b", "text/plain", "user_data", expires_seconds=365 * DAY_SECONDS))
    assert later.expires_at == later.created_at + 30 * DAY_SECONDS * 1000, "no longer than the setting says"
    await clock.advance(3601)
    with pytest.raises(FileUnknown):
        await files.get(ASHA, soon.id)
    assert files.path(soon).exists()
    await files.delete_ended()
    assert not files.path(soon).exists()
    assert files.path(later).exists()
    forever = files_in(tmp_path, db, clock, Keeping(0, 100, 10_000, 20_000))
    assert (await kept(forever)).expires_at is None


async def test_the_schedule_leaves_what_is_arriving_alone(tmp_path: Path, db: Database, clock: FakeClock) -> None:
    files = files_in(tmp_path, db, clock)
    async with files.arriving(1) as arrival:
        path = arrival.folder / "0.upload"
        path.write_bytes(b"x")
        await files.delete_ended()
        assert path.exists()
        file = await files.keep(ASHA, arrival, path, TEXT)
    await files.delete_ended()
    assert files.path(file).read_bytes() == b"x"


async def test_bounds_are_of_an_organisation_and_of_all(tmp_path: Path, db: Database, clock: FakeClock) -> None:
    files = files_in(tmp_path, db, clock, Keeping(30, 3, 1_000, 1_500))
    guest = Caller(kind="key", key_number=9, tenant_number=2, tenant_id="tenant_2")
    await kept(files, b"x" * 800)
    with pytest.raises(FilesFull):
        await kept(files, b"x" * 300, BEN)
    with pytest.raises(StorageFull):
        await kept(files, b"x" * 800, guest)
    await kept(files, b"x" * 600, guest)
    async with asyncio.timeout(20):
        while any(one.name.startswith(".") for one in (tmp_path / "uploads").iterdir()):  # noqa: ASYNC110  # a thread removes it
            await asyncio.sleep(0.01)
    assert len(list((tmp_path / "uploads").iterdir())) == 2


async def test_a_disk_without_room_is_told_before_anything_is_taken(tmp_path: Path, db: Database, clock: FakeClock) -> None:
    files = files_in(tmp_path, db, clock, free=FREE_BYTES_MIN + 10)
    await kept(files, b"x" * 10)
    with pytest.raises(StorageFull):
        await kept(files, b"x" * 11)
    assert StorageFull.status == 507


@pytest.mark.parametrize(("number", "kind"), [(errno.ENOSPC, StorageFull), (errno.EDQUOT, StorageFull), (errno.EIO, Unavailable)])
def test_a_disk_that_fails_is_told_as_such(number: int, kind: type[Exception]) -> None:
    with pytest.raises(kind), room_failures():
        raise OSError(number, "the disk")


async def test_pages_go_both_ways(tmp_path: Path, db: Database, clock: FakeClock) -> None:
    files = files_in(tmp_path, db, clock)
    ids = [(await kept(files)).id for _ in range(5)]

    async def page(wanted: Wanted) -> tuple[list[int], bool]:
        found, more = await files.listed(ASHA, wanted)
        return [ids.index(file.id) for file in found], more

    assert await page(Wanted(2)) == ([4, 3], True)
    assert await page(Wanted(2, after=ids[3])) == ([2, 1], True)
    assert await page(Wanted(2, after=ids[1])) == ([0], False)
    assert await page(Wanted(2, before=ids[0])) == ([2, 1], True)
    assert await page(Wanted(9, before=ids[2])) == ([4, 3], False)
    assert await page(Wanted(2, "asc", after=ids[1])) == ([2, 3], True)
    assert await files.listed(BEN, Wanted(9)) == ([], False)
