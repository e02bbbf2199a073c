import pytest
import sqlalchemy as sa

from appliance.errors import Conflict, Forbidden, InvalidField, KeyInvalid, KeyRevoked, NotFound, PreconditionFailed
from appliance.identity.api_keys import For, KeyWanted
from appliance.identity.caller import Caller
from appliance.identity.key_table import load_key_table
from appliance.identity.service_accounts import ServiceAccount, ServiceAccountChange, ServiceAccountWanted
from appliance.store.tables import audit as audit_rows
from appliance.store.tables import departed
from tests.unit.identity.house import House
from tests.unit.identity.test_key_changes import stranger_of

WIKI = ServiceAccountWanted(name="Wiki")


async def wiki(house: House, caller: Caller) -> tuple[ServiceAccount, str, str]:
    """(it, the id of its key, that key)."""
    account = await house.service_accounts.create(caller, WIKI)
    new = await house.api_keys.create(caller, KeyWanted(name="key"), whose=For(service_account=account.id))
    return account, new.key.id, new.secret


async def test_each_tells_how_many_keys_it_has(house: House) -> None:
    admin = await house.person("admin")
    for name, keys in (("none", 0), ("two", 2), ("one", 1)):
        account = await house.service_accounts.create(admin, ServiceAccountWanted(name=name))
        for _ in range(keys):
            await house.api_keys.create(admin, KeyWanted(name="key"), whose=For(service_account=account.id))
    await house.key(admin, "nobody's in particular")
    found = (await house.service_accounts.list(admin)).items
    assert [(one.name, one.keys) for one in found] == [("one", 1), ("two", 2), ("none", 0)]
    assert [(await house.service_accounts.get(admin, one.id)).keys for one in found] == [1, 2, 0]


async def departments_and_teams(house: House) -> None:
    """dpt_a with team_a, dpt_b with team_b, team_free in none; dpt_x and team_x of another organisation."""
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("INSERT INTO tenants (number, id, name, is_default, created_at) VALUES (9, 't9', 'Nine', 0, 0)")
        for number, name, tenant in ((1, "a", 1), (2, "b", 1), (3, "x", 9)):
            await tx.exec_driver_sql(
                "INSERT INTO departments (number, id, tenant_number, name, created_at) VALUES (?, ?, ?, ?, 0)",
                (number, f"dpt_{name}", tenant, name),
            )
        for number, name, tenant, department in ((1, "a", 1, 1), (2, "b", 1, 2), (3, "x", 9, 3), (4, "free", 1, None)):
            await tx.exec_driver_sql(
                "INSERT INTO teams (number, id, tenant_number, department_number, name, created_at) VALUES (?, ?, ?, ?, ?, 0)",
                (number, f"team_{name}", tenant, department, name),
            )


async def test_the_keys_of_one_that_is_suspended_stop_with_the_next_request_until_it_is_not(house: House) -> None:
    admin = await house.person("admin")
    account, _, secret = await wiki(house, admin)
    house.identify(secret)
    changed = await house.service_accounts.change(admin, account.id, ServiceAccountChange(suspended=True))
    assert changed.suspended_at == house.clock.now_ms()
    with pytest.raises(KeyRevoked, match="suspended"):
        house.identify(secret)
    await house.key(admin, "another change in between")
    with pytest.raises(KeyRevoked):
        house.identify(secret)
    changed = await house.service_accounts.change(admin, account.id, ServiceAccountChange(suspended=False))
    assert (changed.suspended_at, changed.version, changed.keys) == (None, 3, 1)
    house.identify(secret)


async def test_one_that_is_deleted_takes_its_keys_with_it_and_nobody_gets_their_numbers(house: House) -> None:
    admin = await house.person("admin")
    account, key_id, secret = await wiki(house, admin)
    number = house.identify(secret).key_number
    await house.service_accounts.delete(admin, account.id)
    with pytest.raises(KeyInvalid):
        house.identify(secret)
    for attempt in (house.service_accounts.get(admin, account.id), house.api_keys.get(admin, key_id)):
        with pytest.raises(NotFound):
            await attempt
    async with house.db.read() as connection:
        rows = {(row.kind, row.id) for row in await connection.execute(sa.select(departed))}
        assert (await load_key_table(connection, house.vault))._entries == house.keys._entries
    assert rows == {("service_accounts", account.id), ("api_keys", key_id)}
    again, _, secret = await wiki(house, admin)
    assert again.number > account.number
    assert (house.identify(secret).key_number or 0) > (number or 0)


async def test_it_stands_in_a_department_and_a_team_and_its_keys_with_it(house: House) -> None:
    admin = await house.person("admin")
    await departments_and_teams(house)
    account, _, secret = await wiki(house, admin)

    async def moved(change: ServiceAccountChange) -> tuple[str | None, str | None]:
        after = await house.service_accounts.change(admin, account.id, change)
        caller = house.identify(secret)
        assert (caller.department_id, caller.team_id) == (after.department_id, after.team_id)
        return after.department_id, after.team_id

    assert await moved(ServiceAccountChange(team_id="team_a")) == ("dpt_a", "team_a")
    assert await moved(ServiceAccountChange(department_id="dpt_b")) == ("dpt_b", None)
    assert await moved(ServiceAccountChange(department_id="dpt_b", team_id="team_b")) == ("dpt_b", "team_b")
    assert await moved(ServiceAccountChange(team_id=None)) == ("dpt_b", None)
    assert await moved(ServiceAccountChange(team_id="team_free")) == (None, "team_free")
    assert await moved(ServiceAccountChange(department_id=None)) == (None, None)
    for change, param in (
        (ServiceAccountChange(department_id="dpt_a", team_id="team_b"), "team_id"),
        (ServiceAccountChange(department_id="dpt_x"), "department_id"),
        (ServiceAccountChange(team_id="team_x"), "team_id"),
        (ServiceAccountChange(team_id=""), "team_id"),
    ):
        with pytest.raises(InvalidField) as refused:
            await house.service_accounts.change(admin, account.id, change)
        assert refused.value.param == param


async def test_a_name_is_given_once_in_an_organisation(house: House) -> None:
    admin, stranger = await house.person("admin"), await stranger_of(house)
    first = await house.service_accounts.create(admin, WIKI)
    other = await house.service_accounts.create(admin, ServiceAccountWanted(name="CI"))
    await house.service_accounts.create(stranger, WIKI)
    with pytest.raises(Conflict):
        await house.service_accounts.create(admin, ServiceAccountWanted(name=" Wiki "))
    with pytest.raises(Conflict):
        await house.service_accounts.change(admin, other.id, ServiceAccountChange(name="Wiki"))
    await house.service_accounts.change(admin, first.id, ServiceAccountChange(name="Wiki"))
    for name in ("", "a\u202eb", "x" * 201):
        with pytest.raises(InvalidField):
            await house.service_accounts.create(admin, ServiceAccountWanted(name=name))


@pytest.mark.parametrize("role", ["owner", "admin", "billing", "auditor", "developer", "member"])
async def test_who_sees_and_changes_them(house: House, role: str) -> None:
    person, admin = await house.person(role), await house.person("admin", "boss@example.com")
    account = await house.service_accounts.create(admin, WIKI)
    if role in ("owner", "admin", "billing", "auditor"):
        assert [found.id for found in (await house.service_accounts.list(person)).items] == [account.id]
    else:
        with pytest.raises(Forbidden):
            await house.service_accounts.list(person)
    if role in ("owner", "admin"):
        await house.service_accounts.delete(person, account.id)
        return
    for attempt in (
        house.service_accounts.create(person, WIKI),
        house.service_accounts.change(person, account.id, ServiceAccountChange(suspended=True)),
        house.service_accounts.delete(person, account.id),
    ):
        with pytest.raises(Forbidden):
            await attempt


async def test_another_organisations_are_not_there(house: House) -> None:
    stranger, admin = await stranger_of(house), await house.person("admin")
    account = await house.service_accounts.create(admin, WIKI)
    assert (await house.service_accounts.list(stranger)).items == []
    for attempt in (
        house.service_accounts.get(stranger, account.id),
        house.service_accounts.change(stranger, account.id, ServiceAccountChange(name="x")),
        house.service_accounts.delete(stranger, account.id),
    ):
        with pytest.raises(NotFound):
            await attempt


async def test_every_change_is_in_the_audit_and_who_saw_an_older_one_is_told(house: House) -> None:
    admin = await house.person("admin")
    account = await house.service_accounts.create(admin, WIKI)
    await house.service_accounts.change(admin, account.id, ServiceAccountChange(suspended=True), version=1)
    with pytest.raises(PreconditionFailed):
        await house.service_accounts.change(admin, account.id, ServiceAccountChange(suspended=False), version=1)
    with pytest.raises(PreconditionFailed):
        await house.service_accounts.delete(admin, account.id, version=1)
    await house.service_accounts.delete(admin, account.id, version=2)
    async with house.db.read() as connection:
        query = sa.select(audit_rows.c.action).where(audit_rows.c.target == account.id).order_by(audit_rows.c.seq)
        actions = list((await connection.execute(query)).scalars())
    assert actions == [f"service_account.{what}" for what in ("create", "change", "delete")]


# Whose suspension stops whose keys


@pytest.mark.parametrize("table", ["tenants", "departments", "teams", "users", "service_accounts"])
async def test_whoever_is_suspended_above_a_key_stops_it(house: House, table: str) -> None:
    admin = await house.person("admin")
    await departments_and_teams(house)
    member = await house.person("member")
    account, _, wikis = await wiki(house, admin)
    await house.service_accounts.change(admin, account.id, ServiceAccountChange(team_id="team_a"))
    # One who names their team alone stands in its department all the same.
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("UPDATE users SET team_number = 1 WHERE id = ?", (member.user_id,))
    members = (await house.key(member)).secret
    others = (await house.key(admin)).secret
    touched = {"users": {members}, "service_accounts": {wikis}, "tenants": {members, wikis, others}}.get(table, {members, wikis})
    which = f"id = '{member.user_id}'" if table == "users" else "number = 1"
    for moment in ("1", "NULL"):
        async with house.db.transaction() as tx:
            await tx.exec_driver_sql(f"UPDATE {table} SET suspended_at = {moment} WHERE {which}")
            rebuilt = await house.ring.rebuilt(tx)
        house.ring.swap(rebuilt)
        for secret in (members, wikis, others):
            if moment == "1" and secret in touched:
                with pytest.raises(KeyRevoked, match="suspended"):
                    house.identify(secret)
            else:
                house.identify(secret)


async def test_a_tenants_own_list_of_models_comes_with_each_of_its_keys(house: House) -> None:
    secret = (await house.key(await house.person("admin"))).secret
    async with house.db.transaction() as tx:
        await tx.exec_driver_sql("""UPDATE tenants SET rules = '{"models": ["fast", "openai/*"]}'""")
        rebuilt = await house.ring.rebuilt(tx)
    house.ring.swap(rebuilt)
    assert house.identify(secret).tenant_models == ("fast", "openai/*")
