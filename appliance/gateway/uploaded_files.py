"""Files that callers uploaded to name them in requests: their bytes in a folder, a row for each in the database.

A file's bytes are on the disk before its row is, and its row is gone before its bytes are. So what was killed in between leaves
bytes that no row names: `open` and `delete_ended` remove these, and nobody was ever told of them.
"""

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.clock import Clock
from appliance.errors import FilesFull, FileUnknown, InvalidField, StorageFull
from appliance.faults import point
from appliance.gateway.stored_responses import owner_of
from appliance.gateway.uploaded_bytes import free_bytes, names_in, put, remove, room_failures
from appliance.identity.caller import Caller
from appliance.store.engine import Database, to_the_end
from appliance.store.new_id import new_id
from appliance.store.tables import uploaded_files
from appliance.telemetry.logs import get_logger

FREE_BYTES_MIN = 256 * 1024 * 1024  # left to the database, whatever is uploaded
ROWS_AT_ONCE = 500
DAY_SECONDS = 86_400
ARRIVING = ".arriving-"
_FULL = "Delete some (DELETE /v1/files/ID); an administrator may raise"
_t = uploaded_files.c
_log = get_logger("files")


class Keeping(msgspec.Struct, frozen=True):
    """How many and how long. files_max and bytes_max: of an organisation. days 0: for ever."""

    days: float
    files_max: int
    bytes_max: int
    total_bytes_max: int


class UploadedFile(msgspec.Struct, frozen=True):
    """number: in the order of their arrival. Times in UTC milliseconds; expires_at None: never."""

    number: int
    id: str
    name: str
    bytes: int
    media_type: str
    purpose: str
    created_at: int
    expires_at: int | None


class Arrival(msgspec.Struct, frozen=True):
    """A file that is on its way in: `id` is what it will have, `folder` a private one of its own."""

    id: str
    folder: Path


class Told(msgspec.Struct, frozen=True):
    """What its sender says of it. expires_seconds: from now; None: as long as any."""

    name: str
    media_type: str
    purpose: str
    expires_seconds: int | None = None


class Wanted(msgspec.Struct, frozen=True):
    """A page of a list. after, before: ids; the page ends, or begins, beside them."""

    limit: int
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    before: str | None = None
    purpose: str | None = None


class UploadedFiles:
    """One an appliance. `open` it before the first request. `free`: bytes that the disk of a folder has left."""

    def __init__(
        self, db: Database, clock: Clock, folder: Path, keeping: Keeping, free: Callable[[Path], int] = free_bytes
    ) -> None:
        self._db = db
        self._clock = clock
        self._folder = folder
        self._keeping = keeping
        self._free = free
        self._arriving: set[str] = set()

    async def open(self) -> None:
        """Remove what an end in the middle of something has left. Errors: HomeError's kin where the folder can't be used."""
        names = await asyncio.to_thread(names_in, self._folder)
        await self._remove_unnamed(names)
        async with self._db.read() as connection:
            ids = set((await connection.execute(sa.select(_t.id))).scalars())
        if lost := ids.difference(names):  # an administrator took them away, or put back an older folder
            _log.warning("uploaded files whose bytes are gone are listed no longer", files=len(lost))
            await self._delete_rows(sorted(lost))

    # In

    @asynccontextmanager
    async def arriving(self, announced_bytes: int) -> AsyncIterator[Arrival]:
        """Room for one more. Nothing is kept of it, unless `keep` says so. Errors: StorageFull."""
        with room_failures():
            if await asyncio.to_thread(self._free, self._folder) < announced_bytes + FREE_BYTES_MIN:
                raise StorageFull("the disk has no room for this file", fix="An administrator makes room on the disk.")
            arrival = Arrival(new_id("file").replace("_", "-", 1), self._folder / f"{ARRIVING}{new_id('upload')}")
            names = (arrival.id, arrival.folder.name)
            self._arriving.update(names)
            try:
                await asyncio.to_thread(arrival.folder.mkdir, 0o700)
                yield arrival
            finally:

                def end() -> None:
                    shutil.rmtree(arrival.folder, ignore_errors=True)
                    self._arriving.difference_update(names)

                # Not awaited: whoever is cut must not wait for a disk. A row that is still being written has its own hold.
                asyncio.get_running_loop().run_in_executor(None, end)

    async def keep(self, caller: Caller, arrival: Arrival, path: Path, told: Told) -> UploadedFile:
        """It is on the disk, and listed, when this returns: also where its caller left meanwhile. `path`: where it arrived.

        Errors:  FilesFull, StorageFull, InvalidField where it is empty, Unavailable.
        """
        return await to_the_end(self._kept(caller, arrival, path, told))

    async def _kept(self, caller: Caller, arrival: Arrival, path: Path, told: Told) -> UploadedFile:
        target = self._folder / arrival.id
        self._arriving.add(hold := f"{arrival.id}:kept")
        try:
            with room_failures():
                size, digest = await asyncio.to_thread(put, path, target)
            if not size:
                raise InvalidField("the file is empty", param="file", fix="Send one that has something in it.")
            point("uploads.row")
            return await self._listed(caller, arrival.id, told, size, digest)
        except BaseException:
            await asyncio.to_thread(remove, target)
            raise
        finally:
            self._arriving.discard(hold)

    async def _listed(self, caller: Caller, file_id: str, told: Told, size: int, digest: str) -> UploadedFile:
        now = self._clock.now_ms()
        row = {
            "tenant_number": caller.tenant_number,
            "owner": owner_of(caller),
            "id": file_id,
            "name": told.name,
            "bytes": size,
            "sha256": digest,
            "media_type": told.media_type,
            "purpose": told.purpose,
            "created_at": now,
            "expires_at": self._ends(now, told.expires_seconds),
        }
        async with self._db.transaction() as tx:
            await self._insist_on_room(tx, caller.tenant_number, size)
            number = (await tx.execute(sa.insert(uploaded_files).values(row))).inserted_primary_key
        return msgspec.convert({**row, "number": number[0] if number else 0}, UploadedFile)

    def _ends(self, now: int, seconds: int | None) -> int | None:
        kept = self._keeping.days * DAY_SECONDS or None
        lifetime = min((one for one in (kept, seconds) if one is not None), default=None)
        return None if lifetime is None else now + int(lifetime * 1000)

    async def _insist_on_room(self, tx: AsyncConnection, tenant_number: int, size: int) -> None:
        """Errors: FilesFull, StorageFull."""
        count, total = sa.func.count(), sa.func.coalesce(sa.func.sum(_t.bytes), 0)
        own = sa.select(count, total).where(_t.tenant_number == tenant_number, self._not_ended())
        files, held = (await tx.execute(own)).one()
        if files >= self._keeping.files_max:
            raise FilesFull(f"your organisation has {files:,} uploaded files, as many as it may", fix=f"{_FULL} files_kept_max.")
        if held + size > self._keeping.bytes_max:
            most = f"{self._keeping.bytes_max:,} bytes"
            raise FilesFull(f"your organisation's uploaded files may take {most} together", fix=f"{_FULL} files_kept_bytes_max.")
        if (await tx.execute(sa.select(total))).scalar_one() + size > self._keeping.total_bytes_max:
            raise StorageFull("uploaded files take all the room that they may", fix=f"{_FULL} files_kept_total_bytes_max.")

    # Out

    async def get(self, caller: Caller, file_id: str) -> UploadedFile:
        """Errors: FileUnknown, whoever's it is; Unavailable."""
        async with self._db.read() as connection:
            row = (await connection.execute(_query().where(*self._own(caller), _t.id == file_id))).one_or_none()
        if row is None:
            raise unknown(file_id)
        return _file(row)

    def path(self, file: UploadedFile) -> Path:
        """Where its bytes are; they may be gone by the time that somebody looks."""
        return self._folder / file.id

    async def listed(self, caller: Caller, wanted: Wanted) -> tuple[list[UploadedFile], bool]:
        """(a page, are there more). Errors: InvalidField where after or before names no file of the caller."""
        query = _query().where(*self._own(caller))
        if wanted.purpose is not None:
            query = query.where(_t.purpose == wanted.purpose)
        up = wanted.order == "asc"
        async with self._db.read() as connection:
            for name, given, forward in (("after", wanted.after, up), ("before", wanted.before, not up)):
                if given is not None:
                    number = await self._number(connection, caller, given, name)
                    query = query.where(_t.number > number if forward else _t.number < number)
            backwards = wanted.before is not None and wanted.after is None  # those just before it
            query = query.order_by(_t.number.asc() if up != backwards else _t.number.desc()).limit(wanted.limit + 1)
            rows = (await connection.execute(query)).all()
        page = [_file(row) for row in rows[: wanted.limit]]
        return page[::-1] if backwards else page, len(rows) > wanted.limit

    async def _number(self, connection: AsyncConnection, caller: Caller, file_id: str, param: str) -> int:
        query = sa.select(_t.number).where(*self._own(caller), _t.id == file_id)
        number = (await connection.execute(query)).scalar_one_or_none()
        if number is None:
            raise InvalidField(f"{param} names no file of yours", param=param, fix="Take the id of a file of the page before.")
        return int(number)

    # Away

    async def delete(self, caller: Caller, file_id: str) -> None:
        """Errors: FileUnknown, Unavailable."""
        if not await to_the_end(self._deleted(caller, file_id)):
            raise unknown(file_id)

    async def _deleted(self, caller: Caller, file_id: str) -> bool:
        async with self._db.transaction() as tx:
            gone = await tx.execute(sa.delete(uploaded_files).where(*self._own(caller), _t.id == file_id))
        if gone.rowcount:
            point("uploads.delete")
            await asyncio.to_thread(remove, self._folder / file_id)
        return gone.rowcount > 0

    async def delete_ended(self) -> None:
        """For the schedule: those that have expired, and the bytes of those whose person or organisation was deleted."""
        while True:
            query = sa.select(_t.id).where(sa.not_(self._not_ended())).limit(ROWS_AT_ONCE)
            async with self._db.read() as connection:
                ids = list((await connection.execute(query)).scalars())
            await self._delete_rows(ids)
            if len(ids) < ROWS_AT_ONCE:
                break
        await self._remove_unnamed(await asyncio.to_thread(names_in, self._folder))

    async def _delete_rows(self, ids: Sequence[str]) -> None:
        for begin in range(0, len(ids), ROWS_AT_ONCE):
            async with self._db.transaction() as tx:
                await tx.execute(sa.delete(uploaded_files).where(_t.id.in_(ids[begin : begin + ROWS_AT_ONCE])))

    async def _remove_unnamed(self, names: Sequence[str]) -> None:
        """Those of the folder's files that no row names. In this order: what arrives meanwhile is in none of `names`, or still
        arriving, or has its row."""
        arriving = {name.partition(":")[0] for name in self._arriving}
        left = [name for name in names if name not in arriving]
        for begin in range(0, len(left), ROWS_AT_ONCE):
            some = left[begin : begin + ROWS_AT_ONCE]
            async with self._db.read() as connection:
                named = set((await connection.execute(sa.select(_t.id).where(_t.id.in_(some)))).scalars())
            for name in some:
                if name not in named:
                    await asyncio.to_thread(remove, self._folder / name)

    def _own(self, caller: Caller) -> tuple[sa.ColumnElement[bool], ...]:
        return _t.tenant_number == caller.tenant_number, _t.owner == owner_of(caller), self._not_ended()

    def _not_ended(self) -> sa.ColumnElement[bool]:
        return sa.or_(_t.expires_at.is_(None), _t.expires_at > self._clock.now_ms())


def unknown(file_id: str) -> FileUnknown:
    return FileUnknown(
        f"No such File object: {file_id[:100]}",
        param="id",
        fix="GET /v1/files lists yours. Ids of files at a provider aren't known here: upload the file to this address.",
    )


def _query() -> sa.Select[Any]:
    return sa.select(*(_t[name] for name in UploadedFile.__struct_fields__))


def _file(row: Any) -> UploadedFile:
    return UploadedFile(*row)
