import sqlalchemy as sa

from appliance.identity.departed import depart, forget, next_number
from appliance.store.tables import departed, users
from tests.unit.identity.house import House


async def test_the_number_of_who_left_is_never_given_again(house: House) -> None:
    owner = await house.owner()
    leaver = await house.person("member")
    assert (owner.user_number, leaver.user_number) == (1, 2)
    async with house.db.transaction() as tx:
        row = (await tx.execute(sa.select(users).where(users.c.number == 2))).one()
        await depart(tx, users, row, at_ms=7)
        assert await next_number(tx, users) == 3
    assert (await house.person("member", "next@example.com")).user_number == 3
    async with house.db.read() as connection:
        gone = (await connection.execute(sa.select(departed))).one()
    assert (gone.kind, gone.number, gone.id, gone.name, gone.tenant_number) == ("users", 2, leaver.user_id, "Member", 1)


async def test_who_is_to_be_forgotten_leaves_an_id_alone(house: House) -> None:
    await house.owner()
    leaver = await house.person("member")
    assert leaver.user_id is not None
    async with house.db.transaction() as tx:
        row = (await tx.execute(sa.select(users).where(users.c.number == 2))).one()
        await depart(tx, users, row, at_ms=7)
        assert not await forget(tx, "users", 2, leaver.user_id), "of another tenant: not there"
        assert await forget(tx, "users", 1, leaver.user_id)
        assert (await tx.execute(sa.select(departed.c.name))).scalar_one() is None
