"""`gatehouse tenants` and `gatehouse users`, with a server running and without one."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance
from tests.pages import Visitor
from tests.running import Appliance

PASSWORD = "Password123!\n"
CSV = '\ufeffName,Email,Department\n"Rao, Asha",asha@example.com,Sales\nBela,bela@example.com,\n'


@pytest.fixture(params=["running", "stopped"])
def box(appliance: MakeAppliance, request: pytest.FixtureRequest) -> Appliance:
    made = appliance(settings={"local_models": False})
    if request.param == "stopped":
        made.stop()
    done(made, "owner", "create", "--email", "owner@example.com", "--name", "Owner", "--password-stdin", stdin=PASSWORD)
    return made


def done(box: Appliance, *arguments: str, stdin: str = "") -> str:
    result = box.command(*arguments, stdin=stdin)
    assert result.returncode == 0, result
    return result.stdout + result.stderr


def refused(box: Appliance, *arguments: str, stdin: str = "") -> str:
    result: subprocess.CompletedProcess[str] = box.command(*arguments, stdin=stdin)
    assert result.returncode == 1, result
    assert "Fix: " in result.stderr
    return result.stderr


def test_an_organisation_comes_stops_and_goes(box: Appliance) -> None:
    assert "Guests is there now" in done(box, "tenants", "create", "Guests")
    add = ("users", "add", "guest@example.com", "--role", "owner", "--tenant", "guests", "--password-stdin")
    assert "guest@example.com has an account now: owner" in done(box, *add, stdin=PASSWORD)
    assert [line.split("\t")[1:] for line in done(box, "tenants", "list").splitlines()] == [
        ["active", "1", "Default"],
        ["active", "1", "Guests"],
    ]
    assert "suspend it first" in refused(box, "tenants", "delete", "Guests", "--yes").lower()
    done(box, "tenants", "suspend", "Guests")
    done(box, "tenants", "resume", "Guests")
    done(box, "tenants", "rename", "Guests", "Visitors")
    done(box, "tenants", "suspend", "Visitors")
    done(box, "tenants", "delete", "Visitors", "--yes", "--forget")
    assert "there is no such tenant" in refused(box, "tenants", "suspend", "Visitors")
    assert "guest@example.com" not in done(box, "users", "list")


def test_an_organisation_comes_with_a_link_for_its_first_owner_or_not_at_all(box: Appliance) -> None:
    told = box.command("tenants", "add", "Guests", "--owner", "ada@guests.example", "--owner-name", "Ada", "--days", "7")
    assert told.returncode == 0, told
    (link,) = told.stdout.splitlines()
    (guests,) = [one for one in json.loads(done(box, "tenants", "list", "--json")) if one["name"] == "Guests"]
    assert f"Guests is there now ({guests['id']})" in told.stderr
    taken = ("tenants", "add", "Others", "--owner", "OWNER@example.com")
    assert "an account has this e-mail address already" in refused(box, *taken)
    assert "of this name already" in refused(box, "tenants", "add", "guests", "--owner", "eve@guests.example")
    assert {one["name"] for one in json.loads(done(box, "tenants", "list", "--json"))} == {"Default", "Guests"}
    assert len(box.rows("SELECT 1 FROM invitations")) == 1

    if not box.is_running:
        box.start()
    path, visitor = link[link.index("/join/") :], Visitor(box)
    visitor.open(path)
    form = {"name": "Ada", "email": "ada@guests.example", "password": "A password & more = 1", "again": "A password & more = 1"}
    assert visitor.send(path, form).status == 201
    login = {"email": form["email"], "password": form["password"]}
    ada = box.call("POST", "/api/v1/admin/auth/login", login).json
    assert ada["user"]["role"] == "owner"
    (seen,) = box.call("GET", "/api/v1/admin/tenants", token=ada["access_token"]).json["items"]
    assert (seen["id"], seen["users"]) == (guests["id"], 1)
    days = box.rows("SELECT (expires_at - created_at) / 86400000.0 AS days FROM invitations")[0]["days"]
    assert days == 7


def test_people_are_changed_by_their_address(box: Appliance) -> None:
    done(box, "users", "add", "asha@example.com", "--name", "Asha", "--password-stdin", stdin=PASSWORD)
    assert "an account has this e-mail" in refused(box, "users", "add", "ASHA@example.com", "--password-stdin", stdin=PASSWORD)
    assert "asha@example.com is developer now" in done(box, "users", "set-role", "Asha@Example.com", "developer")
    done(box, "users", "suspend", "asha@example.com")
    (asha,) = json.loads(done(box, "users", "list", "--role", "developer", "--json"))
    assert (asha["name"], asha["suspended_at"] is None) == ("Asha", False)
    done(box, "users", "resume", "asha@example.com")
    assert "keeps at least one owner" in refused(box, "users", "suspend", "owner@example.com")
    done(box, "users", "delete", "asha@example.com", "--yes")
    assert "no account has this e-mail address" in refused(box, "users", "suspend", "asha@example.com")


def test_a_file_of_people_is_taken_whole_or_not_at_all(box: Appliance, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text(CSV, encoding="utf-8")
    assert "2 accounts would be made" in done(box, "users", "import", str(file), "--dry-run")
    assert done(box, "users", "import", str(file)).splitlines() == [
        "department Sales: made",
        "2 accounts made; 0 are there already.",
    ]
    assert "0 accounts made; 2 are there already." in done(box, "users", "import", str(file))
    assert "Rao, Asha" in done(box, "users", "list")
    file.write_text("name,email\nDora,dora@example.com\nAsha,asha@example.com\n", encoding="utf-8")
    address, _, link = box.command("users", "import", str(file), "--invite").stdout.strip().partition("\t")
    assert address == "dora@example.com"
    assert "/join/" in link
    bad = "name;email\nCleo;cleo@example.com\nDan;dan\n;e@example.com\n"
    told = refused(box, "users", "import", "-", stdin=bad)
    assert "users[1]: " in told and "users[2]: " in told
    assert "cleo@example.com" not in done(box, "users", "list")


@pytest.mark.parametrize("text", ["", "name\nx\n", "name,email,salary\n", "name,email\na,b,c\n", 'name,email\n"a,b\n'])
def test_what_is_no_list_of_people_is_refused_with_its_mend(appliance: MakeAppliance, text: str) -> None:
    made = appliance(settings={"local_models": False})
    refused(made, "users", "import", "-", stdin=text)
