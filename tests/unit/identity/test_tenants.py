import pytest
import sqlalchemy as sa

from appliance.errors import Conflict, Forbidden, InvalidField, KeyInvalid, KeyRevoked, NotFound
from appliance.identity.api_keys import KeyWanted
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.people import People
from appliance.identity.person import NewPerson
from appliance.identity.tenant_rules import TenantRules
from appliance.identity.tenants import TenantChange, Tenants
from appliance.store.tables import departed, users
from appliance.store.tables import tenants as rows
from tests.unit.identity.house import HERE, PASSWORD, House


@pytest.fixture
def tenants(house: House) -> Tenants:
    return Tenants(house.changes, house.invitations)


async def guest(house: House, tenants: Tenants) -> Caller:
    """The owner of an organisation of guests."""
    made = await tenants.create(MACHINE, "Guests", TenantRules())
    people = People(house.changes, house.users._passwords)
    wanted = NewPerson(name="Guest", email="guest@example.com", role="owner", password=PASSWORD)
    await people.create(MACHINE, wanted, tenant_id=made.id)
    return await house.tokens.verify((await house.sign_in.with_password("guest@example.com", PASSWORD, HERE)).token)


async def test_one_organisation_is_there_and_can_neither_go_nor_stop(house: House, tenants: Tenants) -> None:
    owner = await house.owner()
    (default,) = (await tenants.list(owner)).items
    assert (default.id, default.is_default, default.users) == ("tenant_default", True, 1)
    with pytest.raises(Conflict, match="the appliance's own"):
        await tenants.change(owner, default.id, TenantChange(suspended=True))
    with pytest.raises(Conflict, match="the appliance's own"):
        await tenants.delete(owner, default.id)
    assert (await tenants.change(owner, default.id, TenantChange(name="Acme"))).name == "Acme"


async def test_each_tells_how_many_people_are_in_it(house: House, tenants: Tenants) -> None:
    await guest(house, tenants)
    await tenants.create(MACHINE, "Nobody's", TenantRules())
    people = People(house.changes, house.users._passwords)
    for number in range(2):
        await people.create(MACHINE, NewPerson(name="x", email=f"{number}@example.com", password=PASSWORD))
    found = (await tenants.list(MACHINE)).items
    assert [(one.name, one.users) for one in found] == [("Default", 2), ("Guests", 1), ("Nobody's", 0)]
    assert [(await tenants.get(MACHINE, one.id)).users for one in found] == [2, 1, 0]


async def test_rules_are_merged_and_null_takes_one_back(house: House, tenants: Tenants) -> None:
    owner = await house.owner()
    changed = await tenants.change(owner, "tenant_default", TenantChange(rules={"currency": "INR", "time_zone": "Asia/Kolkata"}))
    assert (changed.rules.currency, changed.rules.time_zone, changed.rules.models) == ("INR", "Asia/Kolkata", None)
    changed = await tenants.change(
        owner, "tenant_default", TenantChange(rules={"models": ["fast", "openai/*"], "currency": None})
    )
    assert (changed.rules.currency, changed.rules.time_zone, changed.rules.models) == (None, "Asia/Kolkata", ["fast", "openai/*"])
    async with house.db.read() as connection:
        kept = (await connection.execute(sa.select(rows.c.rules).where(rows.c.number == 1))).scalar_one()
    assert kept == {"time_zone": "Asia/Kolkata", "models": ["fast", "openai/*"]}, "what has its default isn't kept"


@pytest.mark.parametrize(
    "rules",
    [
        {"time_zone": "Mars/Olympus"},
        {"time_zone": "../../etc/passwd"},
        {"currency": "rupees"},
        {"models": "fast"},
        {"models": ["*fast"]},
        {"models": [""]},
        {"retention_days": 0},
        {"sign_in_methods": []},
        {"sign_in_methods": ["telepathy"]},
        {"is_default": True},
        {"colour": 1},
    ],
)
async def test_rules_that_mean_nothing_are_refused(house: House, tenants: Tenants, rules: dict[str, object]) -> None:
    with pytest.raises(InvalidField, match="rules"):
        await tenants.change(MACHINE, "tenant_default", TenantChange(rules=rules))


async def test_guests_see_and_rule_their_own_alone(house: House, tenants: Tenants) -> None:
    await house.owner()
    theirs = await guest(house, tenants)
    (own,) = (await tenants.list(theirs)).items
    assert own.id == theirs.tenant_id
    with pytest.raises(NotFound):
        await tenants.get(theirs, "tenant_default")
    with pytest.raises(NotFound):
        await tenants.change(theirs, "tenant_default", TenantChange(name="Ours"))
    with pytest.raises(Forbidden):
        await tenants.create(theirs, "More", TenantRules())
    with pytest.raises(Forbidden):
        await tenants.change(theirs, theirs.tenant_id, TenantChange(suspended=True))
    with pytest.raises(Forbidden):
        await tenants.delete(theirs, theirs.tenant_id)
    assert (await tenants.change(theirs, theirs.tenant_id, TenantChange(name="Visitors"))).name == "Visitors"


async def test_a_suspended_organisation_is_out_and_a_deleted_one_leaves_numbers(house: House, tenants: Tenants) -> None:
    owner = await house.owner()
    theirs = await guest(house, tenants)
    key = await house.api_keys.create(theirs, KeyWanted(name="Theirs"))
    with pytest.raises(Conflict, match="suspend it first"):
        await tenants.delete(owner, theirs.tenant_id)
    await tenants.change(owner, theirs.tenant_id, TenantChange(suspended=True))
    with pytest.raises(KeyRevoked):
        house.identify(key.secret)
    with pytest.raises(Forbidden, match="suspended"):
        await house.sign_in.with_password("guest@example.com", PASSWORD, HERE)
    await tenants.delete(owner, theirs.tenant_id, forget=True)
    with pytest.raises(KeyInvalid):
        house.identify(key.secret)
    async with house.db.read() as connection:
        gone = {tuple(row) for row in await connection.execute(sa.select(departed.c.kind, departed.c.number, departed.c.name))}
        left = (await connection.execute(sa.select(sa.func.count()).select_from(users))).scalar_one()
    assert gone == {("tenants", 2, None), ("users", 2, None), ("api_keys", 1, None)}
    assert left == 1
    assert (await tenants.create(owner, "Guests", TenantRules())).number == 3
