import asyncio
import itertools

import pytest
import sqlalchemy as sa

from appliance import audit
from appliance.errors import Forbidden, InvalidField, KeyExpired, KeyInvalid, KeyRevoked, LoopbackOnly, NotFound
from appliance.identity.api_keys import FIRST_RUN_NAME, ApiKeys, KeyWanted
from appliance.identity.caller import MACHINE
from appliance.identity.key_format import well_formed
from appliance.identity.key_ring import KeyRing
from appliance.store.state import state_version
from appliance.store.tables import api_keys as key_rows
from appliance.store.tables import audit as audit_rows
from tests.unit.identity.house import House

DAY_MS = 86_400_000


async def actions(house: House) -> list[str]:
    async with house.db.read() as connection:
        assert (await audit.verify(connection)).holds
        return list((await connection.execute(sa.select(audit_rows.c.action).order_by(audit_rows.c.seq))).scalars())


async def version(house: House) -> int:
    async with house.db.read() as connection:
        return await state_version(connection)


async def test_a_new_key_works_at_once_and_says_whose_it_is(house: House) -> None:
    owner = await house.owner()
    new = await house.api_keys.create(owner, KeyWanted(name=" My Key ", environment="staging"))
    assert well_formed(new.secret)
    assert new.secret.startswith(new.key.key_prefix)
    assert (new.key.name, new.key.environment, new.key.expires_at) == ("My Key", "staging", None)
    caller = house.identify(new.secret, from_loopback=False)
    assert (caller.kind, caller.key_id, caller.user_id, caller.tenant_id) == ("key", new.key.id, owner.user_id, "tenant_default")
    assert (caller.key_number, caller.user_number, caller.tenant_number) == (new.key.number, owner.user_number, 1)
    assert (caller.role, caller.environment, caller.name, caller.scopes) == ("owner", "staging", "My Key", frozenset())


async def test_a_revoked_key_stops_at_once_for_good_and_twice_is_no_error(house: House) -> None:
    owner = await house.owner()
    new = await house.key(owner)
    await house.api_keys.revoke(owner, new.key.id)
    with pytest.raises(KeyRevoked):
        house.identify(new.secret)
    before = await version(house)
    await house.api_keys.revoke(owner, new.key.id)
    assert await version(house) == before
    assert await actions(house) == ["user.register", "api_key.create", "api_key.revoke"]


async def test_the_key_itself_is_nowhere_but_in_the_answer(house: House) -> None:
    new = await house.key(await house.owner())
    assert new.secret not in repr(new)
    random_part = new.secret[len(new.key.key_prefix) :]
    data = b"".join(path.read_bytes() for path in house.home.root.glob("gatehouse.db*"))
    assert random_part.encode() not in data
    async with house.db.read() as connection:
        row = (await connection.execute(sa.select(key_rows))).one()
    assert row.key_hash not in (b"", new.secret.encode())


async def test_a_key_expires(house: House) -> None:
    expires_at = house.clock.now_ms() + DAY_MS
    new = await house.api_keys.create(await house.owner(), KeyWanted(name="short", expires_at=expires_at))
    house.identify(new.secret)
    house.clock.jump(DAY_MS)
    with pytest.raises(KeyExpired):
        house.identify(new.secret)


@pytest.mark.parametrize("offset", [0, -1, -10 * DAY_MS])
async def test_a_key_that_has_expired_already_is_not_made(house: House, offset: int) -> None:
    with pytest.raises(InvalidField) as refused:
        await house.api_keys.create(await house.owner(), KeyWanted(name="late", expires_at=house.clock.now_ms() + offset))
    assert refused.value.param == "expires_at"


@pytest.mark.parametrize("name", ["", " ", "a\x00b", "a\u202eb", "\ud800", "x" * 1_000_000])
async def test_a_name_that_can_not_be_is_refused(house: House, name: str) -> None:
    with pytest.raises(InvalidField) as refused:
        await house.key(await house.owner(), name)
    assert refused.value.param == "name"
    assert len(house.keys) == 0


async def test_a_change_that_fails_publishes_nothing(house: House) -> None:
    owner = await house.owner()
    before = house.keys
    with pytest.raises(NotFound):
        await house.api_keys.revoke(owner, "key_of_nobody")
    with pytest.raises(NotFound):
        await house.api_keys.create(MACHINE, KeyWanted(name="x"), for_email="nobody@example.com")
    assert house.keys is before


async def test_a_caller_that_leaves_while_a_key_is_revoked_does_not_leave_it_working(house: House) -> None:
    """Cancelled at any moment: what is committed is published as well."""
    owner = await house.owner()
    for wait in range(12):
        new = await house.key(owner)
        task = asyncio.create_task(house.api_keys.revoke(owner, new.key.id))
        await asyncio.sleep(wait / 2000)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await house.key(owner, "waits its turn")  # so the one before has ended
        async with house.db.read() as connection:
            query = sa.select(key_rows.c.revoked_at).where(key_rows.c.number == new.key.number)
            is_revoked = (await connection.execute(query)).scalar_one() is not None
        if is_revoked:
            with pytest.raises(KeyRevoked):
                house.identify(new.secret)
        else:
            house.identify(new.secret)


async def test_keys_made_and_revoked_at_the_same_time_all_count(house: House) -> None:
    owner = await house.owner()
    old = [await house.key(owner) for _ in range(10)]
    new, _ = await asyncio.gather(
        asyncio.gather(*(house.key(owner) for _ in range(10))),
        asyncio.gather(*(house.api_keys.revoke(owner, key.key.id) for key in old)),
    )
    for key in new:
        house.identify(key.secret)
    for key in old:
        with pytest.raises(KeyRevoked):
            house.identify(key.secret)
    assert await version(house) == 1 + 1 + 30


# Whose keys


@pytest.mark.parametrize("role", ["owner", "admin", "billing", "auditor", "developer", "member"])
async def test_who_sees_and_revokes_what(house: House, role: str) -> None:
    person = await house.person(role)
    other = await house.person("developer", "other@example.com")
    theirs = await house.key(other, "theirs")
    service = await house.key(MACHINE, "service")
    if role == "auditor":
        with pytest.raises(Forbidden):
            await house.key(person)
    else:
        own = await house.key(person, "own")
        await house.api_keys.revoke(person, own.key.id)
        with pytest.raises(KeyRevoked):
            house.identify(own.secret)

    seen = {key.name for key in (await house.api_keys.list(person)).items}
    everything = {"theirs", "service"} if role == "auditor" else {"theirs", "service", "own"}
    assert seen == (everything if role in ("owner", "admin", "auditor") else {"own"})

    for key in (theirs, service):
        if role in ("owner", "admin"):
            await house.api_keys.revoke(person, key.key.id)
            continue
        with pytest.raises(Forbidden if role == "auditor" else NotFound):
            await house.api_keys.revoke(person, key.key.id)
        house.identify(key.secret)


async def test_another_tenants_keys_do_not_exist_even_for_an_owner(house: House) -> None:
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("INSERT INTO tenants (number, id, name, is_default, created_at) VALUES (2, 't2', 'Two', 0, 0)")
    stranger = await house.person("owner", "stranger@example.com")
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET tenant_number = 2")
    stranger = await house.tokens.verify(await house.token(stranger))
    ours = await house.key(await house.person("owner"))
    theirs = await house.key(stranger)
    assert house.identify(theirs.secret).tenant_number == 2
    assert [key.id for key in (await house.api_keys.list(stranger)).items] == [theirs.key.id]
    with pytest.raises(NotFound):
        await house.api_keys.revoke(stranger, ours.key.id)
    house.identify(ours.secret)
    assert len((await house.api_keys.list(MACHINE)).items) == 2


async def test_the_scope_of_metrics_is_an_administrators_to_give(house: House) -> None:
    wanted = KeyWanted(name="prometheus", scopes=frozenset({"metrics"}))
    with pytest.raises(Forbidden, match="grant_metrics"):
        await house.api_keys.create(await house.person("developer"), wanted)
    new = await house.api_keys.create(await house.person("admin"), wanted)
    assert house.identify(new.secret).scopes == {"metrics"}


async def test_the_command_line_makes_keys_for_users_and_for_services(house: House) -> None:
    owner = await house.owner()
    for_user = await house.api_keys.create(MACHINE, KeyWanted(name="CI"), for_email="OWNER@example.com")
    assert house.identify(for_user.secret).user_id == owner.user_id
    assert for_user.key.created_by == "machine"
    service = await house.key(MACHINE, "service")
    caller = house.identify(service.secret)
    assert (caller.user_id, caller.user_number, caller.role) == (None, None, "service")


# The list


async def test_pages_follow_each_other_without_gap_or_repeat_while_keys_are_made(house: House) -> None:
    owner = await house.owner()
    made = [(await house.key(owner, f"key {number}")).key.id for number in range(7)]
    seen: list[str] = []
    cursor: str | None = None
    for turn in itertools.count():
        page = await house.api_keys.list(owner, limit=3, after=cursor)
        seen += [key.id for key in page.items]
        cursor = page.next_cursor
        if cursor is None:
            break
        await house.key(owner, f"made meanwhile {turn}")
    assert seen == made[::-1]


@pytest.mark.parametrize("limit", [0, -1, 201, 10**30])
async def test_a_limit_out_of_bounds_is_refused(house: House, limit: int) -> None:
    with pytest.raises(InvalidField) as refused:
        await house.api_keys.list(await house.owner(), limit=limit)
    assert refused.value.param == "limit"


CURSORS = ["", "x", "k1", "azA", "a2EK", "\ud800", "é", "' OR 1=1", "a" * 1_000_000, "azk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk"]


@pytest.mark.parametrize("cursor", CURSORS)
async def test_a_cursor_that_is_not_ours_is_refused(house: House, cursor: str) -> None:
    with pytest.raises(InvalidField) as refused:
        await house.api_keys.list(await house.owner(), after=cursor)
    assert refused.value.param == "cursor"


# The key of the first start


async def test_the_first_start_makes_one_key_for_this_machine_and_seven_days(house: House) -> None:
    secret = await house.api_keys.first_run_key()
    assert secret is not None
    caller = house.identify(secret)
    assert (caller.name, caller.tenant_number, caller.user_id, caller.environment) == (FIRST_RUN_NAME, 1, None, "development")
    with pytest.raises(LoopbackOnly):
        house.identify(secret, from_loopback=False)
    (listed,) = (await house.api_keys.list(await house.owner())).items
    assert (listed.name, listed.loopback_only, listed.created_by) == (FIRST_RUN_NAME, True, "machine")
    assert listed.expires_at == house.clock.now_ms() + 7 * DAY_MS
    house.clock.jump(7 * DAY_MS)
    with pytest.raises(KeyExpired):
        house.identify(secret)


async def test_no_later_start_makes_another(house: House) -> None:
    secret = await house.api_keys.first_run_key()
    assert await house.api_keys.first_run_key() is None
    again = ApiKeys(house.db, house.vault, house.clock, KeyRing(house.vault, house._publish))
    assert await again.first_run_key() is None
    owner = await house.owner()
    (key,) = (await again.list(owner)).items
    await again.revoke(owner, key.id)
    assert await again.first_run_key() is None
    with pytest.raises(KeyRevoked):
        house.identify(secret or "")


async def test_a_key_of_another_appliance_is_unknown_here(house: House) -> None:
    new = await house.key(await house.owner())
    stranger = type(house.keys)(b"another pepper".ljust(32), dict(house.keys._entries))
    with pytest.raises(KeyInvalid, match="not known here"):
        stranger.identify(new.secret, from_loopback=lambda: True, now_ms=house.clock.now_ms())
