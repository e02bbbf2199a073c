import asyncio

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from appliance import audit
from appliance.audit.chain import FIRST_PREVIOUS, hashed
from appliance.store.engine import Database
from appliance.store.tables import audit as rows

AT = 1_795_000_000_000
LENGTH = 7


async def add(db: Database, count: int, *, first: int = 1) -> None:
    for number in range(first, first + count):
        async with db.transaction() as tx:
            detail: audit.Detail = {"role": "member", "number": number, "name": "Zoë \u202e <b>"}
            target = f"user_{number}"
            await audit.append(tx, actor="user_a", action="user.create", target=target, detail=detail, at_ms=AT + number)


async def verdict(db: Database) -> audit.Verdict:
    async with db.read() as connection:
        return await audit.verify(connection)


async def test_an_empty_chain_holds(db: Database) -> None:
    assert await verdict(db) == audit.Verdict(0, FIRST_PREVIOUS)


async def test_a_chain_longer_than_a_page_holds(db: Database) -> None:
    async with db.transaction() as tx:
        for number in range(603):
            await audit.append(tx, actor="a", action="b", target=str(number), detail={}, at_ms=AT)
    found = await verdict(db)
    assert found.holds
    assert found.rows == 603


async def test_a_change_that_is_rolled_back_leaves_no_row(db: Database) -> None:
    await add(db, 2)
    try:
        async with db.transaction() as tx:
            await audit.append(tx, actor="a", action="b", target="c", detail={}, at_ms=AT)
            raise RuntimeError("half way")
    except RuntimeError:
        pass
    await add(db, 1, first=3)
    found = await verdict(db)
    assert (found.holds, found.rows) == (True, 3)


async def test_changes_at_the_same_time_make_one_chain(db: Database) -> None:
    await asyncio.gather(*(add(db, 3, first=number * 10) for number in range(10)))
    found = await verdict(db)
    assert (found.holds, found.rows) == (True, 30)


async def test_the_detail_is_stored_as_the_text_that_was_hashed(db: Database) -> None:
    async with db.transaction() as tx:
        await audit.append(tx, actor="a", action="b", target="c", detail={"z": 1, "a": None, "é": ["x"]}, at_ms=AT)
    async with db.read() as connection:
        row = (await connection.execute(sa.select(rows))).one()
    assert row.detail == '{"a":null,"z":1,"é":["x"]}'
    assert row.hash == hashed(1, AT, "a", "b", "c", row.detail, FIRST_PREVIOUS)


def edit(row: int, /, **values: object) -> sa.Update:
    return sa.update(rows).where(rows.c.seq == row).values(**values)


@pytest.mark.parametrize("column", ["at", "actor", "action", "target", "detail", "hash", "previous_hash"])
@pytest.mark.parametrize("seq", [1, 4, LENGTH])
async def test_editing_any_field_of_any_row_is_found_at_that_row(db: Database, column: str, seq: int) -> None:
    await add(db, LENGTH)
    value: object = {"at": AT, "hash": b"h" * 32, "previous_hash": b"p" * 32}.get(column, "edited")
    async with db.transaction() as tx:
        await tx.execute(edit(seq, **{column: value}))
    found = await verdict(db)
    assert found.broken_at == seq, found
    assert found.rows == seq - 1


async def test_an_edit_with_its_own_hash_made_anew_is_found_at_the_next_row(db: Database) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        row = (await tx.execute(sa.select(rows).where(rows.c.seq == 3))).one()
        new = hashed(3, row.at, "somebody else", row.action, row.target, row.detail, row.previous_hash)
        await tx.execute(edit(3, actor="somebody else", hash=new))
    found = await verdict(db)
    assert (found.broken_at, found.reason) == (4, "row 4 does not follow from the row before it")


@pytest.mark.parametrize("seq", [1, 4])
async def test_deleting_a_row_is_found(db: Database, seq: int) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        await tx.execute(sa.delete(rows).where(rows.c.seq == seq))
    found = await verdict(db)
    assert (found.broken_at, found.reason) == (seq, f"row {seq} is missing")


async def test_deleting_a_row_and_counting_on_without_it_is_found(db: Database) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        await tx.execute(sa.delete(rows).where(rows.c.seq == 4))
        for seq in range(5, LENGTH + 1):
            await tx.execute(edit(seq, seq=seq - 1))
    assert (await verdict(db)).broken_at == 4


async def test_swapping_two_rows_is_found(db: Database) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        await tx.execute(edit(3, seq=100))
        await tx.execute(edit(4, seq=3))
        await tx.execute(edit(100, seq=4))
    assert (await verdict(db)).broken_at == 3


@pytest.mark.parametrize("seq", [0, -5])
async def test_inserting_a_row_before_the_first_is_found(db: Database, seq: int) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        await tx.execute(_forged(seq))
    found = await verdict(db)
    assert (found.holds, found.broken_at) == (False, seq)


async def test_inserting_a_row_in_the_middle_is_found(db: Database) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        for seq in range(LENGTH, 3, -1):
            await tx.execute(edit(seq, seq=seq + 1))
        await tx.execute(_forged(4))
    assert (await verdict(db)).broken_at == 4


async def test_a_row_added_behind_the_programs_back_is_found_even_with_a_right_hash(db: Database) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        last = (await tx.execute(sa.select(rows).where(rows.c.seq == LENGTH))).one()
        new = hashed(LENGTH + 1, AT, "x", "y", "z", "{}", last.hash)
        values = {"seq": LENGTH + 1, "at": AT, "actor": "x", "action": "y", "target": "z", "detail": "{}"}
        await tx.execute(sa.insert(rows).values(**values, previous_hash=last.hash, hash=new))
    found = await verdict(db)
    assert (found.broken_at, found.reason) == (LENGTH + 1, "there are rows that were never recorded")


@pytest.mark.parametrize("kept", [0, 3, LENGTH - 1])
async def test_cutting_off_the_end_is_found_and_counted(db: Database, kept: int) -> None:
    await add(db, LENGTH)
    async with db.transaction() as tx:
        await tx.execute(sa.delete(rows).where(rows.c.seq > kept))
    found = await verdict(db)
    assert found.broken_at == kept + 1
    assert found.reason == f"the last {LENGTH - kept} of {LENGTH} rows are missing"


VALUES = ["x'fffe'", "'not a number'", "1.5", "999999999999", "CAST(x'ff' AS TEXT)"]


@pytest.mark.parametrize("column", ["at", "actor", "action", "target", "detail", "hash", "previous_hash"])
@pytest.mark.parametrize("value", VALUES)
async def test_a_value_of_another_kind_is_a_change_and_no_crash(db: Database, column: str, value: str) -> None:
    """SQLite keeps whatever it is given."""
    await add(db, LENGTH)
    async with db.transaction() as tx:
        await tx.exec_driver_sql(f"UPDATE audit SET {column} = {value} WHERE seq = 4")
    found = await verdict(db)
    assert (found.broken_at, found.rows) == (4, 3)


@given(
    fields=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=4, max_size=4),
    other=st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=20), min_size=4, max_size=4),
)
def test_no_two_rows_that_differ_share_a_hash(fields: list[str], other: list[str]) -> None:
    """Text can't move from one field into the next unnoticed."""
    actor, action, target, detail = fields
    one = hashed(1, AT, actor, action, target, detail, FIRST_PREVIOUS)
    assert (one == hashed(1, AT, *other, FIRST_PREVIOUS)) == (fields == other)
    if actor:
        assert one != hashed(1, AT, actor[:-1], actor[-1] + action, target, detail, FIRST_PREVIOUS)


def _forged(seq: int) -> sa.Insert:
    values = {"seq": seq, "at": AT, "actor": "x", "action": "y", "target": "z", "detail": "{}"}
    return sa.insert(rows).values(**values, previous_hash=FIRST_PREVIOUS, hash=b"f" * 32)
