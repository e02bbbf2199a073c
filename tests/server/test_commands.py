"""`gatehouse …` in the appliance's home: the same commands work while the server runs and while it doesn't."""

import json
import stat
from typing import Any

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, Fake, eventually

FEATURES = "/api/v1/admin/features/status"
NEW_PASSWORD = "Another-Password456"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    box = appliances(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]})
    assert box.owner_token
    return box


@pytest.fixture(params=["while the server runs", "while it does not"])
def box(request: pytest.FixtureRequest, door: Appliance) -> Appliance:
    """The appliance, stopped for one half of the tests; `running` brings it back."""
    if request.param == "while it does not":
        door.stop()
    return running(door) if request.param == "while the server runs" else door


def running(box: Appliance) -> Appliance:
    if not box.is_running:
        box.start()
    return box


def run(box: Appliance, *arguments: str, stdin: str = "") -> str:
    done = box.command(*arguments, stdin=stdin)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr
    return done.stdout


def login(box: Appliance, password: str) -> Answer:
    return box.call("POST", "/api/v1/admin/auth/login", {"email": "owner@example.com", "password": password})


def test_a_password_is_reset_and_earlier_sign_ins_end(box: Appliance) -> None:
    running_before = box.is_running
    old_token = box.owner_token
    run(box, "users", "reset-password", "OWNER@example.com", "--password-stdin", stdin=f"{NEW_PASSWORD}\n")
    assert box.is_running == running_before
    running(box)
    assert login(box, PASSWORD).status == 401
    signed_in = login(box, NEW_PASSWORD)
    assert signed_in.status == 200
    assert box.call("GET", FEATURES, token=old_token).status == 401
    assert box.call("GET", FEATURES, token=signed_in.json["access_token"]).status == 200
    run(box, "users", "reset-password", "owner@example.com", "--password-stdin", stdin=f"{PASSWORD}\n")
    box.sign_in()


def test_a_key_is_made_listed_and_revoked(box: Appliance) -> None:
    name = f"From the terminal, running: {box.is_running}"
    key = run(box, "keys", "create", name, "--environment", "staging").strip()
    (row,) = [row for row in json.loads(run(box, "keys", "list", "--json")) if row["name"] == name]
    assert row["environment"] == "staging"
    assert key not in json.dumps(row)
    was_running = box.is_running
    running(box)
    assert box.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key).status == 200
    if not was_running:
        box.stop()
    run(box, "keys", "revoke", row["id"])
    running(box)
    refused = box.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key)
    assert (refused.status, refused.error["code"]) == (401, "revoked_api_key")
    assert len(box.rows("SELECT 1 FROM audit WHERE target LIKE ?", f"%{row['id']}%")) == 2


def test_the_list_of_keys_says_whose_each_is_and_how_it_fares(box: Appliance) -> None:
    tag = f"running: {box.is_running}"
    run(box, "service-accounts", "add", f"Wiki, {tag}")
    key = run(box, "keys", "create", f"Live, {tag}", "--service-account", f"Wiki, {tag}", "--model", "fake/*").strip()
    run(box, "keys", "create", f"Olga's, {tag}", "--email", "owner@example.com")
    was_running = box.is_running
    running(box)
    assert box.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key).status == 200
    assert box.call("POST", "/v1/chat/completions", chat("fake/no-such-model"), token=key).status >= 400
    if not was_running:
        box.stop()

    def listed(*options: str) -> list[dict[str, Any]]:
        return list(json.loads(run(box, "keys", "list", "--json", *options)))

    (live,) = listed("--service-account", f"Wiki, {tag}")
    assert (live["name"], live["holder"], live["models"]) == (f"Live, {tag}", f"Wiki, {tag}", ["fake/*"])
    assert (live["requests"], live["success_rate"], live["last_used_at"] is None) == (2, 0.5, False)
    of_owner = listed("--user", "OWNER@example.com")
    assert {one["holder"] for one in of_owner} == {"owner@example.com"}
    assert f"Olga's, {tag}" in {one["name"] for one in of_owner}
    (row,) = run(box, "keys", "list", "--service-account", f"Wiki, {tag}").splitlines()
    *_, name, whose, models, _, requests, rate = row.split("\t")
    assert [name, whose, models, requests, rate] == [
        f"Live, {tag}",
        f"of the service account Wiki, {tag}",
        "fake/*",
        "2",
        "0.5000",
    ]
    run(box, "keys", "revoke", live["id"])
    assert live["id"] in {one["id"] for one in listed("--state", "revoked")}
    assert live["id"] not in {one["id"] for one in listed("--state", "active")}
    assert "no account has this" in box.command("keys", "list", "--user", "nobody@example.com").stderr


def test_what_cannot_be_done_is_told_in_a_line_with_the_way_out(box: Appliance) -> None:
    for arguments, stdin in (
        (("users", "reset-password", "nobody@example.com", "--password-stdin"), f"{NEW_PASSWORD}\n"),
        (("keys", "revoke", "key_nobody"), ""),
    ):
        done = box.command(*arguments, stdin=stdin)
        assert done.returncode != 0, arguments
        assert "Fix:" in done.stderr, (arguments, done.stderr)
        assert "Traceback" not in done.stderr
        assert stdin.strip() == "" or stdin.strip() not in done.stderr


def test_an_owner_is_made_without_a_screen(appliance: MakeAppliance) -> None:
    for was_running in (False, True):
        box = appliance(start=was_running)
        arguments = ("owner", "create", "--email", "owner@example.com", "--name", "Olga", "--password-stdin")
        run(box, *arguments, stdin=f"{PASSWORD}\n")
        running(box)
        signed_in = login(box, PASSWORD)
        assert signed_in.status == 200
        assert signed_in.json["user"]["role"] == "owner"
        closed = box.call("POST", "/api/v1/admin/auth/register", {"name": "X", "email": "x@example.com", "password": PASSWORD})
        assert (closed.status, closed.error["code"]) == (403, "registration_closed")


def test_the_way_from_the_command_line_to_the_server_is_for_its_owner_alone(door: Appliance) -> None:
    running(door)
    control = door.home / "run" / "control.json"
    eventually(control.exists)
    assert stat.S_IMODE(control.stat().st_mode) == 0o600
    told = json.loads(control.read_text())
    assert told["pid"] == door.pid
    before = told["token"]
    assert door.call("GET", FEATURES, token=before[:-1] + "x").status == 401
    door.restart()
    eventually(control.exists)
    assert json.loads(control.read_text())["token"] != before, "the token is renewed at each start"


def test_a_command_that_only_looks_says_something_and_no_secret(box: Appliance) -> None:
    was_running = box.is_running
    for arguments in (("settings",), ("doctor",), ("models", "list")):
        done = box.command(*arguments)
        assert done.returncode in (0, 1), done.stderr  # doctor says 1 where something is to be mended
        assert done.stdout.strip()
        assert "Traceback" not in done.stderr
        assert "sk-fake" not in done.stdout + done.stderr, "a credential is shown"
    assert box.is_running == was_running
