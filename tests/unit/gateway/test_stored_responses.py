"""Kept responses: whose they are, how long they last, and that nobody reads them in the file."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from appliance import bodies
from appliance.clock import Clock
from appliance.errors import PreviousResponseUnknown, ResponseUnknown, TooLarge, Unavailable, UpstreamFailed
from appliance.gateway import stored_responses as module
from appliance.gateway.stored_responses import StoredResponses
from appliance.home import Home
from appliance.identity.caller import Caller
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.store.tables import stored_response_items, stored_responses
from appliance.store.vault import Vault
from tests.fakes.clock import FakeClock

OLGA = Caller(kind="key", user_number=7, key_number=1)
OLGAS_OTHER_KEY = Caller(kind="key", user_number=7, key_number=2)
OTHERS = (
    Caller(kind="key", user_number=8, key_number=1),
    Caller(kind="key", key_number=7),
    Caller(kind="key", user_number=7, key_number=1, tenant_number=2),
)
HOUR = 3600.0
CANARY = "canary-4711-prompt"


class Place:
    """A home, its database and vault, and the kept responses in it."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.home = Home(root).make()
        self.clock = clock

    async def open(self, kept_hours: float = 2, kept_max: int = 100_000) -> StoredResponses:
        self.db = Database(self.home.database)
        await self.db.open()
        await migrate(self.db)
        vault = await Vault.open(self.db, self.home, "file", {}, self.clock)
        return StoredResponses(self.db, vault, self.clock, kept_hours=kept_hours, kept_max=kept_max)

    async def count(self, table: sa.Table = stored_responses) -> int:
        async with self.db.read() as connection:
            return int((await connection.execute(sa.select(sa.func.count()).select_from(table))).scalar_one())


@pytest.fixture
async def place(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Place]:
    made = Place(tmp_path / "home", clock)
    yield made
    await made.db.close()


@pytest.fixture
async def kept(place: Place) -> StoredResponses:
    return await place.open()


def response(name: str, text: str = "answer") -> bytes:
    content = [{"type": "output_text", "text": text}]
    output = [{"type": "message", "role": "assistant", "id": f"msg_{name}", "content": content}]
    return json.dumps({"id": f"resp_{name}", "output": output}, indent=1).encode()


def asked(text: str) -> list[dict[str, Any]]:
    return [{"role": "user", "content": text}]


async def keep(kept: StoredResponses, name: str, previous: str | None = None, caller: Caller = OLGA) -> None:
    await kept.keep(caller, response(name), asked(f"question {name}"), f"resp_{previous}" if previous else None)


async def test_what_was_kept_comes_back_as_it_was(kept: StoredResponses) -> None:
    await keep(kept, "a")
    turn = await kept.get(OLGA, "resp_a")
    assert bytes(turn.response) == response("a")
    assert turn.input == asked("question a")


async def test_a_person_reads_with_any_key_and_nobody_else_does(kept: StoredResponses) -> None:
    await keep(kept, "a")
    assert bytes((await kept.get(OLGAS_OTHER_KEY, "resp_a")).response) == response("a")
    for other in OTHERS:
        with pytest.raises(ResponseUnknown) as theirs:
            await kept.get(other, "resp_a")
        with pytest.raises(ResponseUnknown) as nobodys:
            await kept.get(other, "resp_b")
        assert theirs.value.message.replace("resp_a", "resp_b") == nobodys.value.message
        with pytest.raises(ResponseUnknown):
            await kept.delete(other, "resp_a")
        with pytest.raises(PreviousResponseUnknown):
            await kept.conversation(other, "resp_a")
        assert await kept.items(other, ["msg_a"]) == {}
    assert bytes((await kept.get(OLGA, "resp_a")).response) == response("a")


async def test_two_callers_may_have_responses_of_the_same_id(kept: StoredResponses) -> None:
    """An upstream makes the ids of what passes through: they need not be unique."""
    await keep(kept, "a")
    await kept.keep(OTHERS[0], response("a", "theirs"), asked("x"), None)
    assert bytes((await kept.get(OLGA, "resp_a")).response) == response("a")
    await kept.keep(OLGA, response("a", "newer"), asked("y"), None)
    assert bytes((await kept.get(OLGA, "resp_a")).response) == response("a", "newer")
    assert bytes((await kept.get(OTHERS[0], "resp_a")).response) == response("a", "theirs")


async def test_a_conversation_is_all_turns_in_order(kept: StoredResponses) -> None:
    await keep(kept, "a")
    await keep(kept, "b", "a")
    await keep(kept, "branch", "a")
    await keep(kept, "c", "b")
    items = await kept.conversation(OLGA, "resp_c")
    assert [item.get("id") or item["content"] for item in items] == [
        "question a", "msg_a", "question b", "msg_b", "question c", "msg_c",
    ]  # fmt: skip


async def test_a_conversation_that_lacks_a_turn_is_not_continued_without_it(kept: StoredResponses) -> None:
    await keep(kept, "a")
    await keep(kept, "b", "a")
    await kept.delete(OLGA, "resp_a")
    with pytest.raises(PreviousResponseUnknown, match="resp_a") as refused:
        await kept.conversation(OLGA, "resp_b")
    assert (refused.value.status, refused.value.code, refused.value.param) == (
        400,
        "previous_response_not_found",
        "previous_response_id",
    )


async def test_a_conversation_has_a_bound_on_turns_and_bytes(kept: StoredResponses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURNS_MAX", 3)
    await keep(kept, "0")
    for number in range(1, 4):
        await keep(kept, str(number), str(number - 1))
    assert len(await kept.conversation(OLGA, "resp_2")) == 6
    with pytest.raises(TooLarge):
        await kept.conversation(OLGA, "resp_3")
    monkeypatch.setattr(module, "BYTES_MAX", 300)
    with pytest.raises(TooLarge):
        await kept.conversation(OLGA, "resp_2")


async def test_a_conversation_of_too_many_parts_is_refused_before_it_is_read(
    kept: StoredResponses, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Megabytes of empty lists would take everybody's time and memory."""
    monkeypatch.setattr(bodies, "PARTS_MAX", 1_000)
    previous = None
    for name in "abc":
        await kept.keep(OLGA, response(name), [{"role": "user", "content": "x", "junk": [[]] * 400}], previous)
        previous = f"resp_{name}"
    assert len(await kept.conversation(OLGA, "resp_b")) == 4
    with pytest.raises(TooLarge, match="parts"):
        await kept.conversation(OLGA, "resp_c")
    with pytest.raises(TooLarge, match="parts"):
        await kept.items(OLGA, ["msg_a", "msg_b", "msg_c"])
    assert (await kept.get(OLGA, "resp_c")).input


async def test_a_caller_who_leaves_does_not_stop_the_writer(place: Place, kept: StoredResponses) -> None:
    for delay in range(12):
        task = asyncio.ensure_future(kept.keep(OLGA, response(f"a{delay}"), asked("x"), None))
        for _ in range(delay):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    await keep(kept, "last")
    assert (await kept.get(OLGA, "resp_last")).input == asked("question last")
    async with place.db.read() as connection:
        kept_whole = (await connection.execute(sa.select(stored_responses.c.number))).scalars().all()
    assert await place.count(stored_response_items) == len(kept_whole)


async def test_a_circle_in_a_damaged_file_ends(place: Place, kept: StoredResponses) -> None:
    await keep(kept, "a")
    async with place.db.transaction() as tx:
        await tx.execute(sa.update(stored_responses).values(previous_id="resp_a"))
    with pytest.raises(TooLarge):
        await kept.conversation(OLGA, "resp_a")


async def test_items_are_found_by_their_own_ids(kept: StoredResponses) -> None:
    await keep(kept, "a")
    await keep(kept, "b")
    found = await kept.items(OLGA, ["msg_b", "msg_a", "msg_none"])
    assert sorted(found) == ["msg_a", "msg_b"]
    with pytest.raises(TooLarge):
        await kept.items(OLGA, ["msg_a"] * 501)


async def test_what_has_expired_is_gone_at_once_and_deleted_later(place: Place, kept: StoredResponses, clock: FakeClock) -> None:
    await keep(kept, "a")
    await clock.advance(1 * HOUR)
    await keep(kept, "b", "a")
    await clock.advance(1 * HOUR - 0.001)
    assert bytes((await kept.get(OLGA, "resp_a")).response) == response("a")
    await clock.advance(0.001)
    with pytest.raises(ResponseUnknown):
        await kept.get(OLGA, "resp_a")
    with pytest.raises(PreviousResponseUnknown):
        await kept.conversation(OLGA, "resp_b")
    assert await kept.items(OLGA, ["msg_a"]) == {}
    assert await place.count() == 2
    await kept.delete_expired()
    assert (await place.count(), await place.count(stored_response_items)) == (1, 1)


async def test_all_that_has_expired_is_deleted_however_much_it_is(
    place: Place, kept: StoredResponses, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "EXPIRED_AT_ONCE", 2)
    for number in range(5):
        await keep(kept, str(number))
    await clock.advance(3 * HOUR)
    await kept.delete_expired()
    assert await place.count() == 0


async def test_a_users_are_deleted_with_the_user(place: Place, kept: StoredResponses) -> None:
    await keep(kept, "a")
    await keep(kept, "b", caller=OTHERS[0])
    async with place.db.transaction() as tx:
        assert await kept.delete_of_user(tx, 7) == 1
    assert (await place.count(), await place.count(stored_response_items)) == (1, 1)


async def test_they_are_there_after_a_restart(place: Place, kept: StoredResponses) -> None:
    await keep(kept, "a")
    await place.db.close()
    again = await place.open()
    assert bytes((await again.get(OLGA, "resp_a")).response) == response("a")


async def test_nothing_of_them_can_be_read_in_the_files(place: Place, kept: StoredResponses) -> None:
    await kept.keep(OLGA, response("a", CANARY), asked(CANARY), None)
    await place.db.close()
    await place.open()
    for path in place.home.database.parent.glob("gatehouse.db*"):
        assert CANARY.encode() not in path.read_bytes()


async def test_a_row_in_another_place_does_not_open(place: Place, kept: StoredResponses) -> None:
    """Whoever can write to the file can't give one person what another said."""
    await keep(kept, "a")
    async with place.db.transaction() as tx:
        await tx.execute(sa.update(stored_responses).values(owner="user:8"))
    with pytest.raises(Unavailable):
        await kept.get(OTHERS[0], "resp_a")
    async with place.db.transaction() as tx:
        await tx.execute(sa.update(stored_responses).values(owner="user:7", sealed=b"short"))
    with pytest.raises(Unavailable):
        await kept.get(OLGA, "resp_a")


async def test_with_nothing_to_be_kept_it_says_so(place: Place, kept: StoredResponses) -> None:
    await place.db.close()
    assert kept.keeps
    assert not (await place.open(kept_hours=0)).keeps


async def test_a_full_disk_is_told_and_leaves_nothing_half_done(place: Place, kept: StoredResponses) -> None:
    async with place.db.transaction() as tx:
        pages = (await tx.exec_driver_sql("PRAGMA page_count")).scalar_one()
        await tx.exec_driver_sql(f"PRAGMA max_page_count={pages + 1}")
    with pytest.raises(Unavailable, match="SQLITE_FULL"):
        await kept.keep(OLGA, response("a", "long " * 10_000), asked("x"), None)
    assert (await place.count(), await place.count(stored_response_items)) == (0, 0)


@pytest.mark.parametrize(
    "body", [b"{}", b'{"id":""}', b'{"id":5}', b"[", b"\xff", b'{"id":"x","output":[5]}', b'{"id":"%s"}' % (b"x" * 300)]
)
async def test_an_upstreams_answer_without_an_id_is_not_kept(place: Place, kept: StoredResponses, body: bytes) -> None:
    with pytest.raises(UpstreamFailed):
        await kept.keep(OLGA, body, asked("x"), None)
    assert await place.count() == 0


async def test_an_answer_that_is_called_as_the_one_before_it_takes_nothing_away(kept: StoredResponses) -> None:
    await keep(kept, "a")
    await keep(kept, "b", "a")
    with pytest.raises(UpstreamFailed):
        await keep(kept, "b", "b")
    assert len(await kept.conversation(OLGA, "resp_b")) == 4
