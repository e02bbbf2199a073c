import asyncio

import pytest
import sqlalchemy as sa

from appliance.errors import Conflict, Forbidden, InvalidField, KeyInvalid, KeyRevoked, NotFound, TokenInvalid
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.people import People
from appliance.identity.people_import import PeopleImport, PersonRow
from appliance.identity.person import NewPerson, Person, PersonChange, Wanted
from appliance.identity.tenant_rules import TenantRules
from appliance.identity.tenants import Tenants
from appliance.identity.units import Units
from appliance.store.tables import departed
from tests.unit.identity.house import HERE, PASSWORD, House


@pytest.fixture
def people(house: House) -> People:
    return People(house.changes, house.users._passwords)


async def made(people: People, caller: Caller, role: str = "member", name: str = "asha") -> Person:
    return await people.create(caller, NewPerson(name=name, email=f"{name}@example.com", role=role))  # type: ignore[arg-type]


async def test_an_account_with_a_password_signs_in_and_one_without_does_not(house: House, people: People) -> None:
    owner = await house.owner()
    person = await people.create(owner, NewPerson(name="Asha", email="Asha@Example.com", password=PASSWORD))
    assert (person.has_password, person.role, person.tenant_id) == (True, "member", "tenant_default")
    assert (await house.sign_in.with_password("asha@example.com", PASSWORD, HERE)).user.id == person.id
    assert not (await made(people, owner, name="bela")).has_password
    with pytest.raises(Exception, match="don't match"):
        await house.sign_in.with_password("bela@example.com", "", HERE)


@pytest.mark.parametrize(
    "email", ["asha@example.com", "ASHA@example.COM", "\uff41\uff53\uff48\uff41@example.com", " asha@example.com "]
)
async def test_one_mailbox_is_one_account_in_whatever_spelling(house: House, people: People, email: str) -> None:
    owner = await house.owner()
    await made(people, owner)
    other = await made(people, owner, name="bela")
    with pytest.raises(Conflict, match="has this e-mail address already"):
        await people.create(owner, NewPerson(name="Twin", email=email))
    with pytest.raises(Conflict, match="has this e-mail address already"):
        await people.change(owner, other.id, PersonChange(email=email))


@pytest.mark.parametrize("name", ["a\u202eb", "a\x00", "\u2066x", "", "  ", "x" * 201, "\ud800"])
async def test_names_that_deceive_are_refused(house: House, people: People, name: str) -> None:
    with pytest.raises(InvalidField):
        await people.create(await house.owner(), NewPerson(name=name, email="a@example.com"))


async def test_nobody_reaches_above_themselves_nor_changes_their_own_role(house: House, people: People) -> None:
    owner, admin = await house.owner(), await house.person("admin")
    assert owner.user_id is not None and admin.user_id is not None
    with pytest.raises(Forbidden, match="may not make somebody owner"):
        await made(people, admin, "owner")
    member = await made(people, admin)
    with pytest.raises(Forbidden, match="may not make somebody owner"):
        await people.change(admin, member.id, PersonChange(role="owner"))
    with pytest.raises(Forbidden, match="nobody changes their own role"):
        await people.change(admin, admin.user_id, PersonChange(role="member"))
    for attempt in (
        people.change(admin, owner.user_id, PersonChange(name="Fool")),
        people.change(admin, owner.user_id, PersonChange(suspended=True)),
        people.delete(admin, owner.user_id),
    ):
        with pytest.raises(Forbidden, match="owner is above it"):
            await attempt
    assert (await people.change(admin, member.id, PersonChange(role="admin"))).role == "admin"
    for role in ("auditor", "billing", "developer", "member"):
        person = await house.person(role)
        for attempt in (made(people, person), people.delete(person, member.id)):
            with pytest.raises(Forbidden, match=f"the role {role} may not do this"):
                await attempt


async def test_an_organisation_keeps_an_owner(house: House, people: People) -> None:
    owner = await house.owner()
    assert owner.user_id is not None
    for attempt in (
        people.change(MACHINE, owner.user_id, PersonChange(role="admin")),
        people.change(MACHINE, owner.user_id, PersonChange(suspended=True)),
        people.delete(MACHINE, owner.user_id),
    ):
        with pytest.raises(Conflict, match="at least one owner"):
            await attempt
    second = await people.create(owner, NewPerson(name="Second", email="second@example.com", role="owner", password=PASSWORD))
    async with asyncio.TaskGroup() as group:  # each removes the other at once: one of them stays
        first = group.create_task(_outcome(people.change(MACHINE, owner.user_id, PersonChange(suspended=True))))
        other = group.create_task(_outcome(people.delete(MACHINE, second.id)))
    assert sorted([first.result(), other.result()]) == ["Conflict", "done"]


async def _outcome(attempt: object) -> str:
    try:
        await attempt  # type: ignore[misc]
    except Conflict as error:
        return type(error).__name__
    return "done"


async def test_who_is_suspended_or_deleted_is_out_at_once(house: House, people: People) -> None:
    owner = await house.owner()
    person = await people.create(owner, NewPerson(name="Asha", email="asha@example.com", password=PASSWORD))
    signed_in = await house.sign_in.with_password("asha@example.com", PASSWORD, HERE)
    key = await house.key(await house.tokens.verify(signed_in.token))
    await people.change(owner, person.id, PersonChange(suspended=True))
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(signed_in.token)
    with pytest.raises(KeyRevoked, match="suspended"):
        house.identify(key.secret)
    await people.change(owner, person.id, PersonChange(suspended=False))
    assert house.identify(key.secret).user_id == person.id
    await people.delete(owner, person.id, forget=True)
    with pytest.raises(KeyInvalid):
        house.identify(key.secret)
    with pytest.raises(TokenInvalid):
        await house.tokens.verify(signed_in.token)
    async with house.db.read() as connection:
        gone = (await connection.execute(sa.select(departed.c.kind, departed.c.id, departed.c.name))).all()
    assert sorted(tuple(row) for row in gone) == [("api_keys", key.key.id, None), ("users", person.id, None)]


async def test_who_was_deleted_can_be_forgotten_later(house: House, people: People) -> None:
    owner = await house.owner()
    person = await made(people, owner)
    await people.delete(owner, person.id)
    guests = await Tenants(house.changes, house.invitations).create(owner, "Guests", TenantRules())
    theirs = await people.create(MACHINE, NewPerson(name="Guest", email="guest@example.com"), tenant_id=guests.id)
    await people.delete(MACHINE, theirs.id)

    async def names() -> set[str | None]:
        async with house.db.read() as connection:
            return set((await connection.execute(sa.select(departed.c.name).where(departed.c.kind == "users"))).scalars())

    assert await names() == {"asha", "Guest"}
    await people.delete(owner, person.id, forget=True)
    assert await names() == {None, "Guest"}
    for gone in (person.id, theirs.id):
        with pytest.raises(NotFound):
            await people.delete(owner, gone)
    with pytest.raises(NotFound):
        await people.delete(owner, theirs.id, forget=True)


async def test_another_organisations_people_do_not_exist(house: House, people: People) -> None:
    owner = await house.owner()
    guests = await Tenants(house.changes, house.invitations).create(owner, "Guests", TenantRules())
    with pytest.raises(NotFound):
        await people.create(owner, NewPerson(name="Spy", email="spy@example.com"), tenant_id=guests.id)
    theirs = await people.create(MACHINE, NewPerson(name="Guest", email="guest@example.com", role="owner"), tenant_id=guests.id)
    for attempt in (
        people.get(owner, theirs.id),
        people.change(owner, theirs.id, PersonChange(name="x")),
        people.delete(owner, theirs.id),
    ):
        with pytest.raises(NotFound, match="there is no such user"):
            await attempt
    assert [one.email for one in (await people.list(owner, Wanted())).items] == ["owner@example.com"]


async def test_a_list_is_narrowed(house: House, people: People) -> None:
    owner = await house.owner()
    for name in ("asha", "bela", "100%_sure"):
        await made(people, owner, "developer" if name == "bela" else "member", name)

    async def names(**wanted: object) -> list[str]:
        return [one.name for one in (await people.list(owner, Wanted(**wanted))).items]  # type: ignore[arg-type]

    assert await names(words="%_") == ["100%_sure"]
    assert await names(words="ASHA") == ["asha"]
    assert await names(role="developer") == ["bela"]
    assert await names(suspended=True) == []


async def test_ten_thousand_people_come_at_once_or_not_at_all(house: House, people: People) -> None:
    owner = await house.owner()
    incoming = PeopleImport(house.changes, house.invitations)
    rows = [
        PersonRow(name=f"Person {one}", email=f"p{one}@example.com", department=f"D{one % 7}", team=f"T{one % 13}")
        for one in range(10_000)
    ]
    bad = [*rows[:-1], PersonRow(name="Twin", email="P0@EXAMPLE.com")]
    with pytest.raises(InvalidField, match=r"users\[9999\]: the address is that of users\[0\] too"):
        await incoming.take(owner, bad)
    tried = await incoming.take(owner, rows, dry_run=True)
    assert (len(tried.created), tried.dry_run) == (10_000, True)
    assert len((await people.list(owner, Wanted())).items) == 1, "nothing stayed of the trial"
    done = await incoming.take(owner, rows)
    assert (len(done.created), done.unchanged, len(done.departments_created), len(done.teams_created)) == (10_000, 0, 7, 91)
    again = await incoming.take(owner, rows)
    assert (again.created, again.unchanged, again.teams_created) == ([], 10_000, [])
    assert len((await Units(house.changes).list(owner, "team", limit=200)).items) == 91


async def test_every_line_that_can_not_stand_is_named(house: House) -> None:
    admin = (await house.owner(), await house.person("admin"))[1]
    rows = [
        PersonRow(name="", email="a@example.com"),
        PersonRow(name="B", email="b"),
        PersonRow(name="C", email="c@example.com", role="owner"),
        PersonRow(name="D", email="d@example.com", team="T\u202e"),
        PersonRow(name="E", email="e@example.com"),
    ]
    with pytest.raises(InvalidField) as refused:
        await PeopleImport(house.changes, house.invitations).take(admin, rows)
    assert [line.partition(":")[0] for line in refused.value.message.split("; ")] == [f"users[{n}]" for n in range(4)]
