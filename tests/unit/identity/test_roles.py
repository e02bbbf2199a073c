import pytest
import sqlalchemy as sa

from appliance.errors import Forbidden
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.roles import HOUSE, PERMISSIONS, RANKS, insist, insist_on_rank, may
from appliance.store.tables import roles
from tests.unit.identity.house import House


async def test_the_roles_of_the_table_are_those_of_the_database(house: House) -> None:
    named = set().union(*PERMISSIONS.values())
    async with house.db.read() as connection:
        ranks = {row.name: row.rank for row in await connection.execute(sa.select(roles))}
    assert named == {*ranks, "machine"}
    assert {role: rank for role, rank in RANKS.items() if role != "machine"} == ranks


def test_an_auditor_changes_nothing_but_their_own_account() -> None:
    allowed = {permission for permission, who in PERMISSIONS.items() if "auditor" in who} - {"account:own"}
    assert all(permission.split(":")[1].startswith(("list", "read")) for permission in allowed)


def test_no_person_may_control_the_machine() -> None:
    assert PERMISSIONS["machine:control"] == {"machine"}
    assert may(MACHINE, "machine:control")


def test_an_owner_may_do_all_that_anyone_may() -> None:
    assert {permission for permission, who in PERMISSIONS.items() if "owner" not in who} == {"machine:control"}


def test_a_key_may_do_nothing_here_whatever_its_holders_role_is_called() -> None:
    for permission in PERMISSIONS:
        for role in ("service", "owner", "machine"):
            with pytest.raises(Forbidden, match=f"an API key may not do this .{permission}"):
                insist(Caller(kind="key", role=role), permission)


def test_a_permission_that_is_not_in_the_table_is_a_crash() -> None:
    with pytest.raises(KeyError):
        may(MACHINE, "api_keys:creat")


def test_whoever_runs_or_audits_the_house_sees_the_overview() -> None:
    assert PERMISSIONS["overview:read"] == {"owner", "admin", "auditor", "machine"}


def test_guests_neither_run_the_appliance_nor_look_into_it() -> None:
    guest = Caller(kind="user", role="owner", tenant_id="tenant_guest", tenant_number=2)
    assert {permission for permission in PERMISSIONS if may(guest, permission)} == set(PERMISSIONS) - HOUSE
    with pytest.raises(Forbidden, match="another organisation"):
        insist(guest, "routes:read")


@pytest.mark.parametrize(
    ("caller", "role", "allowed"),
    [("admin", "owner", False), ("admin", "admin", True), ("billing", "auditor", True), ("member", "developer", False)],
)
def test_nobody_reaches_above_their_own_rank(caller: str, role: str, allowed: bool) -> None:
    person = Caller(kind="user", role=caller)
    if allowed:
        insist_on_rank(person, role, "make one")
    else:
        with pytest.raises(Forbidden, match=f"may not make one: {role} is above it"):
            insist_on_rank(person, role, "make one")
