"""Writes kept responses in groups: whoever comes while a group is being committed goes into the next one.

A commit that must reach the disk takes milliseconds, whether of one answer or of fifty. Measured with 8 callers: 750 answers a
second that aren't kept, 270 kept one by one, 420 kept in groups.
"""

import asyncio
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.errors import ShuttingDown
from appliance.gateway.responses_bound import ResponsesBound
from appliance.store.engine import Database
from appliance.store.tables import stored_response_items, stored_responses

GROUP_MAX = 128
GROUP_BYTES_MAX = 32 * 1024 * 1024  # sealed; one answer may be larger

_t = stored_responses.c
_same = (
    _t.tenant_number == sa.bindparam("key_tenant"),
    _t.owner == sa.bindparam("key_owner"),
    _t.id == sa.bindparam("key_id"),
)
_DELETE = sa.delete(stored_responses).where(*_same)
_INSERT = sa.insert(stored_responses)
_INSERT_ITEMS = sa.insert(stored_response_items).from_select(
    ["response_number", "id"], sa.select(_t.number, sa.bindparam("item", type_=sa.Text)).where(*_same)
)


class _Entry(msgspec.Struct, eq=False):
    row: dict[str, Any]
    item_ids: set[str]
    written: "asyncio.Future[None]"

    @property
    def owner(self) -> tuple[int, str]:
        return self.row["tenant_number"], self.row["owner"]

    @property
    def key(self) -> dict[str, Any]:
        return {"key_tenant": self.row["tenant_number"], "key_owner": self.row["owner"], "key_id": self.row["id"]}


class ResponsesWriter:
    """One per process."""

    def __init__(self, db: Database, kept_max: int) -> None:
        self._db = db
        self._bound = ResponsesBound(kept_max)
        self._waiting: list[_Entry] = []
        self._writing: asyncio.Task[None] | None = None

    async def write(self, row: dict[str, Any], item_ids: set[str]) -> None:
        """Put a row of stored_responses in the place of the one of the same owner and id; it is on disk when this returns.

        A caller who leaves meanwhile stops nobody: the row is written.
        Errors:  Unavailable.
        """
        entry = _Entry(row, item_ids, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        if self._writing is None:
            self._writing = asyncio.ensure_future(self._write_all())
        await entry.written

    async def _write_all(self) -> None:
        try:
            while self._waiting:
                await self._write_group(self._next_group())
        finally:
            self._writing = None

    def _next_group(self) -> list[_Entry]:
        """The first of those who wait, no two for the same row."""
        group: dict[tuple[Any, ...], _Entry] = {}
        size = 0
        for entry in self._waiting:
            key, size = tuple(entry.key.values()), size + len(entry.row["sealed"])
            if key in group or len(group) >= GROUP_MAX or (group and size > GROUP_BYTES_MAX):
                break
            group[key] = entry
        del self._waiting[: len(group)]
        return list(group.values())

    async def _write_group(self, group: list[_Entry]) -> None:
        failure: BaseException | None = ShuttingDown("the appliance is stopping", fix="Try again in a moment.")
        owners = [entry.owner for entry in group]
        try:
            async with self._db.transaction() as tx:
                await _put(tx, group)
                await self._bound.hold(tx, owners)
            failure = None
        except Exception as error:
            failure = error
        finally:
            if failure is not None:
                self._bound.forget(owners)
            for entry in group:
                if entry.written.done():  # its caller left
                    continue
                if failure is None:
                    entry.written.set_result(None)
                else:
                    entry.written.set_exception(failure)


async def _put(tx: AsyncConnection, group: list[_Entry]) -> None:
    await tx.execute(_DELETE, [entry.key for entry in group])
    await tx.execute(_INSERT, [entry.row for entry in group])
    items = [{**entry.key, "item": item_id} for entry in group for item_id in entry.item_ids]
    if items:
        await tx.execute(_INSERT_ITEMS, items)
