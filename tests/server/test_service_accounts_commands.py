"""`gatehouse service-accounts`, with a server running and without one."""

import json

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance


@pytest.fixture(params=["running", "stopped"])
def box(appliance: MakeAppliance, request: pytest.FixtureRequest) -> Appliance:
    made = appliance(settings={"local_models": False})
    if request.param == "stopped":
        made.stop()
    return made


def done(box: Appliance, *arguments: str) -> str:
    result = box.command(*arguments)
    assert result.returncode == 0, result
    return result.stdout


def refused(box: Appliance, *arguments: str) -> str:
    result = box.command(*arguments)
    assert result.returncode == 1, result
    assert "Fix: " in result.stderr
    return result.stderr


def answered(box: Appliance, key: str) -> tuple[int, str | None]:
    """What a program with this key gets of the running server; a server that was stopped is stopped again."""
    was_running = box.is_running
    if not was_running:
        box.start()
    answer = box.call("GET", "/v1/models", token=key)
    if not was_running:
        box.stop()
    return answer.status, None if answer.status == 200 else answer.error["code"]


def test_a_service_account_comes_stops_and_goes_and_its_keys_with_it(box: Appliance) -> None:
    assert "There are no service accounts" in done(box, "service-accounts", "list")
    assert "Wiki is there now (sa_" in done(box, "service-accounts", "add", "Wiki")
    assert "of this name already" in refused(box, "service-accounts", "add", "Wiki")
    key = done(box, "keys", "create", "Its key", "--service-account", "Wiki").strip()
    (wiki,) = json.loads(done(box, "service-accounts", "list", "--json"))
    assert (wiki["name"], wiki["keys"], wiki["tenant_id"], wiki["suspended_at"]) == ("Wiki", 1, "tenant_default", None)
    assert answered(box, key) == (200, None)

    done(box, "service-accounts", "suspend", "Wiki")
    assert done(box, "service-accounts", "list").split("\t") == [wiki["id"], "suspended", "1", "Wiki\n"]
    assert answered(box, key) == (401, "revoked_api_key")
    done(box, "service-accounts", "resume", wiki["id"])
    done(box, "service-accounts", "rename", "Wiki", "Handbook")
    assert answered(box, key) == (200, None)

    assert "there is no such service account" in refused(box, "service-accounts", "delete", "Wiki", "--yes")
    assert "Handbook is deleted, and 1 key with it." in done(box, "service-accounts", "delete", "Handbook", "--yes")
    assert answered(box, key) == (401, "invalid_api_key")
    told = box.rows("SELECT action FROM audit WHERE target = ? ORDER BY seq", wiki["id"])
    assert [row["action"].removeprefix("service_account.") for row in told] == ["create", "change", "change", "change", "delete"]


def test_a_service_account_is_made_in_a_team_and_its_department(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_models": False})
    department = box.call("POST", "/api/v1/admin/departments", {"name": "Research"}, token=box.owner_token).json["id"]
    team = {"name": "Models", "department_id": department}
    team_id = box.call("POST", "/api/v1/admin/teams", team, token=box.owner_token).json["id"]
    done(box, "service-accounts", "add", "CI", "--team", team_id)
    (found,) = json.loads(done(box, "service-accounts", "list", "--json"))
    assert (found["department_id"], found["team_id"]) == (department, team_id)
    assert "no such team" in refused(box, "service-accounts", "add", "Other", "--team", "team_nobody")


def test_a_name_that_two_organisations_have_is_asked_for_by_its_id(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_models": False})
    assert box.owner_token
    done(box, "tenants", "create", "Guests")
    add = ("users", "add", "guest@example.com", "--role", "owner", "--tenant", "Guests", "--password-stdin")
    assert box.command(*add, stdin="Password123!\n").returncode == 0
    signed_in = box.call("POST", "/api/v1/admin/auth/login", {"email": "guest@example.com", "password": "Password123!"})
    theirs = box.call("POST", "/api/v1/admin/service-accounts", {"name": "Wiki"}, token=signed_in.json["access_token"])
    done(box, "service-accounts", "add", "Wiki")
    assert "several organisations" in refused(box, "service-accounts", "suspend", "Wiki")
    done(box, "service-accounts", "suspend", theirs.json["id"])
    assert [line.split("\t")[1] for line in done(box, "service-accounts", "list").splitlines()] == ["active", "suspended"]
