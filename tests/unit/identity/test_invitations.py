"""Invitations at their seams: for an account that is there already, their bound, and who may come in how often."""

import asyncio
from typing import Any

import pytest
import sqlalchemy as sa

from appliance import audit
from appliance.errors import Conflict, CredentialsWrong, Forbidden, KeyRevoked, NotFound, TokenInvalid, TooManyAttempts
from appliance.identity import invitations as room
from appliance.identity.caller import MACHINE
from appliance.identity.invitation_places import InvitationWanted
from appliance.identity.invitations import Invitations
from appliance.identity.key_ring import KeyRing
from appliance.identity.passwords import Passwords
from appliance.store.tables import invitations as invitation_rows
from appliance.store.tables import users as user_rows
from tests.unit.identity.house import HERE, PASSWORD, THERE, House

NEW = "A new password 2"


@pytest.fixture
def inviting(house: House) -> Invitations:
    ring = KeyRing(house.vault, house._publish)
    return Invitations(house.db, house.vault, house.clock, ring, passwords=Passwords(cost=4))


async def row_of(house: House, email: str) -> Any:
    async with house.db.read() as connection:
        return (await connection.execute(sa.select(user_rows).where(user_rows.c.email == email))).one()


async def token_for(house: House, inviting: Invitations, email: str) -> str:
    user = await row_of(house, email)
    async with house.db.transaction() as tx:
        return await inviting.for_user(tx, user, actor="test")


async def test_an_account_that_is_there_gets_its_password_by_invitation(house: House, inviting: Invitations) -> None:
    before = await house.register("ada@example.com", "Ada")
    first, second = [await token_for(house, inviting, "ada@example.com") for _ in range(2)]
    with pytest.raises(Conflict, match="taken back"):  # the second one took its place
        await inviting.accept(first, "", "", NEW, THERE)
    invited = await inviting.accept(second, "Somebody Else", "", NEW, THERE)
    assert (invited.name, invited.email) == ("Ada", "ada@example.com")
    assert house.identify(str(invited.api_key)).user_id == invited.user_id == before.user.id
    assert (await house.sign_in.with_password("ada@example.com", NEW, HERE)).user.id == before.user.id
    with pytest.raises(CredentialsWrong):
        await house.sign_in.with_password("ada@example.com", PASSWORD, HERE)
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(before.token)
    assert (await row_of(house, "ada@example.com")).role == "owner"


async def test_what_ended_more_than_90_days_ago_is_deleted_a_bounded_number_a_run(
    house: House, inviting: Invitations, monkeypatch: pytest.MonkeyPatch
) -> None:
    day_ms = 86_400_000
    now = house.clock.now_ms()
    ends = {
        "expired": (now - 91 * day_ms, None, None),
        "used": (now + day_ms, now - 91 * day_ms, None),
        "revoked": (now + day_ms, None, now - 91 * day_ms),
        "expired lately": (now - 89 * day_ms, None, None),
        "used lately": (now - 200 * day_ms, now - 89 * day_ms, None),
        "revoked lately": (now - 200 * day_ms, None, now - 89 * day_ms),
        "open": (now + day_ms, None, None),
    }
    for name, (expires_at, used_at, revoked_at) in ends.items():
        made = await inviting.create(MACHINE, InvitationWanted(name=name))
        times = {"created_at": now - 300 * day_ms, "expires_at": expires_at, "used_at": used_at, "revoked_at": revoked_at}
        async with house.db.transaction() as tx:
            await tx.execute(sa.update(invitation_rows).where(invitation_rows.c.id == made.invitation.id).values(times))
    monkeypatch.setattr(room, "DELETED_AT_ONCE", 2)
    left = []
    for _ in range(3):
        await inviting.delete_ended()
        left.append([one.name for one in (await inviting.list(MACHINE)).items][::-1])
    kept = ["expired lately", "used lately", "revoked lately", "open"]
    assert left == [["revoked", *kept], kept, kept]
    house.clock.jump(92 * day_ms)
    await inviting.delete_ended()
    await inviting.delete_ended()
    assert (await inviting.list(MACHINE)).items == []
    assert (await inviting.create(MACHINE, InvitationWanted(name="next"))).invitation.state == "open"


async def test_thousands_of_accounts_get_theirs_in_one_transaction(house: House, inviting: Invitations) -> None:
    await house.register("ada@example.com", "Ada")
    user = await row_of(house, "ada@example.com")
    async with house.db.transaction() as tx:
        assert await inviting.for_users(tx, [], actor="test") == []
        first = await inviting.for_users(tx, [user] * 3_000, actor="test")
        again = await inviting.for_users(tx, [user], actor="test")
    assert len(set(first + again)) == 3_001
    states = [(await inviting.look(token, THERE)).state for token in (first[0], first[-1], again[0])]
    assert states == ["revoked", "revoked", "open"]


async def test_who_has_a_key_that_works_gets_no_second_one(house: House, inviting: Invitations) -> None:
    owner = await house.owner()
    key = await house.key(owner)
    invited = await inviting.accept(await token_for(house, inviting, "owner@example.com"), "", "", NEW, THERE)
    assert invited.api_key is None
    house.identify(key.secret)
    await house.api_keys.revoke(owner, key.key.id)
    invited = await inviting.accept(await token_for(house, inviting, "owner@example.com"), "", "", NEW, THERE)
    assert house.identify(str(invited.api_key)).user_id == owner.user_id
    with pytest.raises(KeyRevoked):
        house.identify(key.secret)


@pytest.mark.parametrize("change", ["UPDATE users SET suspended_at = 1", "DELETE FROM users"])
async def test_an_account_that_is_out_of_use_gets_nothing(house: House, inviting: Invitations, change: str) -> None:
    await house.register("ada@example.com", "Ada")
    token = await token_for(house, inviting, "ada@example.com")
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql(change)
    with pytest.raises(Conflict, match="not in use"):
        await inviting.accept(token, "Ada", "", NEW, THERE)


async def test_time_ends_an_invitation(house: House, inviting: Invitations) -> None:
    new = await inviting.create(MACHINE, InvitationWanted(expires_in_hours=1))
    await house.clock.advance(3599)
    assert (await inviting.look(new.token, THERE)).state == "open"
    await house.clock.advance(1)
    assert (await inviting.look(new.token, THERE)).state == "expired"
    with pytest.raises(Conflict, match="expired"):
        await inviting.accept(new.token, "Ada", "ada@example.com", NEW, THERE)


async def test_open_ones_are_bounded_and_what_has_ended_makes_room(
    house: House, inviting: Invitations, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "OPEN_MAX", 3)
    made = [await inviting.create(MACHINE, InvitationWanted()) for _ in range(3)]
    with pytest.raises(Conflict, match="3 open invitations"):
        await inviting.create(MACHINE, InvitationWanted())
    await inviting.revoke(MACHINE, made[0].invitation.id)
    await inviting.accept(made[1].token, "Ada", "ada@example.com", NEW, THERE)
    for _ in range(2):
        await inviting.create(MACHINE, InvitationWanted())
    await token_for(house, inviting, "ada@example.com")  # of whom there are as many as there are accounts


async def test_of_many_at_once_one_comes_in_and_the_record_holds(house: House, inviting: Invitations) -> None:
    new = await inviting.create(MACHINE, InvitationWanted())
    tries = (inviting.accept(new.token, "Ada", f"ada{number}@example.com", NEW, THERE) for number in range(50))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in ended].count(Conflict) == 49
    async with house.db.read() as connection:
        assert (await audit.verify(connection)).holds
        counted = sa.select(sa.func.count()).select_from(user_rows)
        assert (await connection.execute(counted)).scalar_one() == 1
        kept = (await connection.execute(sa.select(invitation_rows))).one()
    assert new.token.encode() not in kept.token_hash
    assert new.token not in repr(new)


async def test_who_guesses_is_kept_out_and_others_are_not(house: House, inviting: Invitations) -> None:
    new = await inviting.create(MACHINE, InvitationWanted())
    for number in range(room.GUESSES_FREE_PER_ADDRESS):
        await inviting.look(new.token, THERE)  # a right one neither counts nor forgives
        with pytest.raises(NotFound):
            await inviting.look(f"guess{number}", THERE)
    with pytest.raises(TooManyAttempts):
        await inviting.look(new.token, THERE)
    assert (await inviting.look(new.token, HERE)).state == "open"


@pytest.mark.parametrize("change", ["role = 'member'", "suspended_at = 1", "role = 'developer', suspended_at = 1"])
async def test_a_link_is_worth_what_its_maker_may_still_give(house: House, inviting: Invitations, change: str) -> None:
    await house.owner()
    admin = await house.person("admin")
    link = (await inviting.create(admin, InvitationWanted(email="ada@example.com", role="admin"))).token
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql(f"UPDATE users SET {change} WHERE id = ?", (admin.user_id,))
    with pytest.raises(Conflict, match="may no longer do so"):
        await inviting.accept(link, "Ada", "", NEW, HERE)
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET role = 'admin', suspended_at = NULL WHERE id = ?", (admin.user_id,))
    assert (await inviting.accept(link, "Ada", "", NEW, HERE)).email == "ada@example.com"


async def test_who_may_not_change_people_invites_nobody(house: House, inviting: Invitations) -> None:
    await house.owner()
    for role in ("member", "developer", "auditor", "billing"):
        caller = await house.person(role)
        with pytest.raises(Forbidden):
            await inviting.create(caller, InvitationWanted())
