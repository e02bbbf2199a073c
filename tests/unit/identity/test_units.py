import asyncio

import msgspec
import pytest

from appliance.errors import Conflict, Forbidden, InvalidField, KeyRevoked, NotFound, PreconditionFailed, TokenInvalid
from appliance.identity.caller import MACHINE
from appliance.identity.people import People
from appliance.identity.person import NewPerson, PersonChange
from appliance.identity.tenant_rules import TenantRules
from appliance.identity.tenants import Tenants
from appliance.identity.units import Kind, Unit, UnitChange, Units
from tests.unit.identity.house import HERE, PASSWORD, House


@pytest.fixture
def units(house: House) -> Units:
    return Units(house.changes)


async def two(house: House, units: Units) -> tuple[Unit, Unit]:
    """A department, and a team in it."""
    research = await units.create(MACHINE, "department", "Research")
    return research, await units.create(MACHINE, "team", "Models", department_id=research.id)


async def test_names_are_one_organisations_and_one_departments(house: House, units: Units) -> None:
    owner = await house.owner()
    research, models = await two(house, units)
    assert models.department_id == research.id
    for name in ("Research", " research ", "RESEARCH"):
        with pytest.raises(Conflict, match="of this name"):
            await units.create(owner, "department", name)
    with pytest.raises(Conflict, match="a team of this name"):
        await units.create(owner, "team", "models", department_id=research.id)
    free = await units.create(owner, "team", "models")
    with pytest.raises(Conflict):
        await units.create(owner, "team", "Models")
    with pytest.raises(Conflict):
        await units.change(owner, "team", free.id, UnitChange(department_id=research.id))
    assert (await units.change(owner, "department", research.id, UnitChange(name="Research"))).version == 1, "nothing changed"


@pytest.mark.parametrize("kind", ["department", "team"])
async def test_each_tells_how_many_people_are_in_it(house: House, units: Units, kind: Kind) -> None:
    people = People(house.changes)
    made = [await units.create(MACHINE, kind, name) for name in ("Nobody", "One", "Two")]
    for number, unit in enumerate((made[1], made[2], made[2])):
        person = NewPerson(name="x", email=f"{number}@example.com", password=PASSWORD)
        await people.create(MACHINE, msgspec.structs.replace(person, **{f"{kind}_id": unit.id}))
    first = await units.list(MACHINE, kind, limit=2)
    second = await units.list(MACHINE, kind, limit=2, after=first.next_cursor)
    assert [(one.name, one.users) for one in (*first.items, *second.items)] == [("Nobody", 0), ("One", 1), ("Two", 2)]
    assert [(await units.get(MACHINE, kind, one.id)).users for one in made] == [0, 1, 2]
    assert (await units.change(MACHINE, kind, made[2].id, UnitChange(name="Both"))).users == 2


async def test_who_saw_an_older_version_is_told(house: House, units: Units) -> None:
    research, _ = await two(house, units)
    changed = await units.change(MACHINE, "department", research.id, UnitChange(name="R and D"), version=1)
    assert (changed.name, changed.version) == ("R and D", 2)
    with pytest.raises(PreconditionFailed, match="you saw version 1, it is version 2 now"):
        await units.change(MACHINE, "department", research.id, UnitChange(name="Lab"), version=1)
    raced = [units.change(MACHINE, "department", research.id, UnitChange(name=f"Lab {one}"), version=2) for one in range(8)]
    results = await asyncio.gather(*raced, return_exceptions=True)
    assert [type(one) for one in results].count(PreconditionFailed) == 7, "one of eight at once wins"


async def test_a_team_that_moves_takes_its_people_and_their_keys_along(house: House, units: Units) -> None:
    people = People(house.changes)
    await house.owner()
    member = await house.person("member")
    assert member.user_id is not None
    research, models = await two(house, units)
    sales = await units.create(MACHINE, "department", "Sales")
    await people.change(MACHINE, member.user_id, PersonChange(team_id=models.id))
    signed_in = await house.sign_in.with_password("member@example.com", PASSWORD, HERE)
    key = await house.key(await house.tokens.verify(signed_in.token))
    assert house.identify(key.secret).department_id == research.id
    await units.change(MACHINE, "team", models.id, UnitChange(department_id=sales.id))
    caller = house.identify(key.secret)
    assert (caller.department_id, caller.team_id) == (sales.id, models.id)
    assert (await people.get(MACHINE, member.user_id)).department_id == sales.id


async def test_what_still_holds_somebody_goes_only_when_they_are_released(house: House, units: Units) -> None:
    people = People(house.changes)
    await house.owner()
    member = await house.person("member")
    assert member.user_id is not None
    research, models = await two(house, units)
    await people.change(MACHINE, member.user_id, PersonChange(team_id=models.id))
    with pytest.raises(Conflict, match="1 team and 1 user"):
        await units.delete(MACHINE, "department", research.id)
    await units.delete(MACHINE, "department", research.id, release=True)
    left = await people.get(MACHINE, member.user_id)
    assert (left.department_id, left.team_id) == (None, models.id)
    assert (await units.get(MACHINE, "team", models.id)).department_id is None
    with pytest.raises(NotFound):
        await units.get(MACHINE, "department", research.id)
    assert (await units.create(MACHINE, "department", "Research")).number > research.number, "its name is free, its number is not"


async def test_another_organisations_do_not_exist(house: House, units: Units) -> None:
    owner = await house.owner()
    guests = await Tenants(house.changes, house.invitations).create(MACHINE, "Guests", TenantRules())
    theirs = await units.create(MACHINE, "department", "Secret", tenant_id=guests.id)
    for attempt in (
        units.get(owner, "department", theirs.id),
        units.change(owner, "department", theirs.id, UnitChange(name="Mine")),
        units.delete(owner, "department", theirs.id),
        units.create(owner, "team", "Spies", department_id=theirs.id),
        units.create(owner, "department", "Spies", tenant_id=guests.id),
    ):
        with pytest.raises(NotFound, match="there is no such"):
            await attempt
    assert [one.name for one in (await units.list(owner, "department")).items] == []
    assert [one.name for one in (await units.list(MACHINE, "department")).items] == ["Secret"]


async def test_lists_go_page_by_page(house: House, units: Units) -> None:
    for number in range(7):
        await units.create(MACHINE, "team", f"Team {number}")
    found: list[str] = []
    after: str | None = None
    while True:
        page = await units.list(MACHINE, "team", limit=3, after=after)
        found += [one.name for one in page.items]
        after = page.next_cursor
        if after is None:
            break
    assert found == [f"Team {number}" for number in range(7)]
    with pytest.raises(InvalidField, match="not a cursor"):
        await units.list(MACHINE, "team", after="k1")
    with pytest.raises(InvalidField, match="limit must be"):
        await units.list(MACHINE, "team", limit=201)


async def test_roles_hold(house: House, units: Units) -> None:
    await house.owner()
    for role in ("auditor", "billing", "developer", "member"):
        with pytest.raises(Forbidden):
            await units.create(await house.person(role), "department", role)


async def test_a_department_is_part_of_no_other(house: House, units: Units) -> None:
    research, _ = await two(house, units)
    with pytest.raises(InvalidField, match="part of no other"):
        await units.change(MACHINE, "department", research.id, UnitChange(department_id=research.id))


@pytest.mark.parametrize("kind", ["department", "team"])
async def test_keys_of_who_is_in_a_suspended_one_stop(house: House, units: Units, kind: str) -> None:
    people = People(house.changes)
    await house.owner()
    member = await house.person("member")
    assert member.user_id is not None
    research, models = await two(house, units)
    await people.change(MACHINE, member.user_id, PersonChange(team_id=models.id))
    key, token = await house.key(member), await house.token(member)
    which = research if kind == "department" else models
    await units.change(MACHINE, kind, which.id, UnitChange(suspended=True))  # type: ignore[arg-type]
    with pytest.raises(KeyRevoked, match="suspended"):
        house.identify(key.secret)
    with pytest.raises(Forbidden, match="suspended"):
        await house.sign_in.with_password("member@example.com", PASSWORD, HERE)
    with pytest.raises(TokenInvalid, match="suspended"):
        await house.tokens.verify(token)
    await units.change(MACHINE, kind, which.id, UnitChange(suspended=False))  # type: ignore[arg-type]
    assert house.identify(key.secret).user_id == member.user_id
