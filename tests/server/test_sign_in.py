"""Signing in over real sockets: sessions, a new password, the second factor, by API and by form."""

import json
import time
from collections.abc import Iterator

import pyotp
import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.pages import Visitor, wrong_at
from tests.running import PASSWORD, Appliance

NEW = "seven grey herons wait"
AUTH = "/api/v1/admin/auth"


@pytest.fixture
def door(appliance: MakeAppliance) -> Iterator[Appliance]:
    made = appliance(settings={"local_models": False})
    assert made.owner_token
    return made


def login(door: Appliance, password: str = PASSWORD, **more: str) -> Answer:
    return door.call("POST", f"{AUTH}/login", {"email": "owner@example.com", "password": password, **more})


def token_of(answer: Answer) -> str:
    assert answer.status == 200, answer
    return str(answer.json["access_token"])


def code_of(app: pyotp.TOTP) -> str:
    """A code that wasn't used yet: of the next step, which the server takes already."""
    return app.at(time.time() + 30)


def test_a_sign_in_is_listed_and_ended_and_stays_so_over_a_restart(door: Appliance) -> None:
    here, there = door.owner_token, token_of(login(door))
    listed = door.call("GET", f"{AUTH}/sessions", token=here).json["items"]
    assert sorted(one["method"] for one in listed) == ["password", "registration"]
    (current,) = [one for one in listed if one["current"]]
    assert current["address"] == "127.0.0.1"
    assert door.call("POST", f"{AUTH}/logout", token=there).status == 204
    assert door.call("GET", f"{AUTH}/sessions", token=there).error["code"] == "invalid_token"
    door.restart()
    assert door.call("GET", f"{AUTH}/sessions", token=there).status == 401
    assert len(door.call("GET", f"{AUTH}/sessions", token=here).json["items"]) == 1
    assert door.call("POST", f"{AUTH}/logout-everywhere", token=here).status == 204
    assert door.call("GET", f"{AUTH}/sessions", token=here).status == 401


def test_a_new_password_takes_the_old_ones_place_at_once(door: Appliance) -> None:
    mine, other = door.owner_token, token_of(login(door))
    asked = {"current_password": PASSWORD, "new_password": "Password1"}
    refused = door.call("POST", f"{AUTH}/password", asked, token=mine)
    assert (refused.status, refused.error["param"]) == (400, "new_password")
    assert "most common" in refused.error["message"]
    assert door.call("POST", f"{AUTH}/password", {**asked, "new_password": NEW}, token=mine).status == 204
    assert door.call("GET", f"{AUTH}/sessions", token=other).status == 401
    assert door.call("GET", f"{AUTH}/sessions", token=mine).status == 200
    assert login(door).error["code"] == "wrong_credentials"
    token_of(login(door, NEW))


def test_the_second_factor_is_asked_for_by_the_api_and_by_the_form(door: Appliance) -> None:
    token = door.owner_token
    refused = door.call("POST", f"{AUTH}/second-factor", {"password": "not it, surely"}, token=token)
    assert (refused.status, refused.error["param"]) == (400, "password")
    begun = door.call("POST", f"{AUTH}/second-factor", {"password": PASSWORD}, token=token)
    assert (begun.status, begun.headers["cache-control"]) == (201, "no-store")
    assert begun.json["qr_svg"].startswith("<svg")
    app = pyotp.TOTP(begun.json["secret"])
    confirmed = door.call("POST", f"{AUTH}/second-factor/confirm", {"code": app.now()}, token=token)
    assert confirmed.status == 200, confirmed
    first, second, third, *_ = confirmed.json["recovery_codes"]
    asked = login(door)
    assert (asked.status, asked.error["code"], asked.error["param"]) == (401, "second_factor_required", "code")
    token_of(login(door, code=code_of(app)))
    assert login(door, code=code_of(app)).status == 401, "a code counts once"
    token_of(login(door, code=first))
    visitor = Visitor(door)
    visitor.open("/me")
    fields = {"email": "owner@example.com", "password": PASSWORD}
    told = visitor.send("/me/sign-in", fields)
    assert told.status == 401
    assert "second factor" in wrong_at(told.body.decode(), "code")
    assert visitor.send("/me/sign-in", {**fields, "code": second}).status == 303
    assert b"Sign out" in visitor.open("/me").body
    state = door.call("GET", f"{AUTH}/second-factor", token=token).json
    assert state["recovery_codes_left"] == 8
    removed = door.call("DELETE", f"{AUTH}/second-factor", {"password": PASSWORD, "code": third}, token=token)
    assert removed.status == 204, removed
    token_of(login(door))


def test_who_lost_phone_and_codes_is_let_in_by_the_machine(door: Appliance) -> None:
    begun = door.call("POST", f"{AUTH}/second-factor", {"password": PASSWORD}, token=door.owner_token)
    code = pyotp.TOTP(begun.json["secret"]).now()
    assert door.call("POST", f"{AUTH}/second-factor/confirm", {"code": code}, token=door.owner_token).status == 200
    words = ("users", "reset-password", "owner@example.com", "--password-stdin")
    assert "still asks for the second factor" in door.command(*words, stdin=NEW).stdout
    assert login(door, NEW).error["code"] == "second_factor_required"
    done = door.command(*words, "--drop-second-factor", stdin=NEW)
    assert "password alone" in done.stdout
    token_of(login(door, NEW))


def test_the_machine_sees_and_ends_sign_ins_and_says_what_a_reset_ended(door: Appliance) -> None:
    token_of(login(door))
    listed = door.command("users", "sessions", "OWNER@example.com").stdout.splitlines()
    assert sorted(line.split("\t")[2:4] for line in listed) == [["password", "127.0.0.1"], ["registration", "127.0.0.1"]]
    assert door.command("users", "sign-out", "owner@example.com").stdout == "2 sign-ins have ended.\n"
    assert door.call("GET", f"{AUTH}/sessions", token=door.owner_token).status == 401
    token_of(login(door))
    door.stop()  # the same without a server
    (one,) = json.loads(door.command("users", "sessions", "owner@example.com", "--json").stdout)
    assert one["method"] == "password"
    words = ("users", "reset-password", "owner@example.com", "--password-stdin")
    assert "has a new password. One sign-in has ended." in door.command(*words, stdin=NEW).stdout
    told = door.command(*words, "--drop-second-factor", stdin=NEW).stdout
    assert "Nobody was signed in." in told
    assert "There was no second factor" in told
    assert "isn't signed in anywhere" in door.command("users", "sessions", "owner@example.com").stdout
    for command in ("sessions", "sign-out"):
        refused = door.command("users", command, "nobody@example.com")
        assert (refused.returncode, "no account has this e-mail address" in refused.stderr) == (1, True), refused


def test_signing_out_of_the_page_ends_what_its_cookie_held(door: Appliance) -> None:
    visitor = Visitor(door)
    visitor.open("/me")
    assert visitor.send("/me/sign-in", {"email": "owner@example.com", "password": PASSWORD}).status == 303
    visitor.open("/me")
    kept = dict(visitor.cookies)
    assert visitor.send("/me/sign-out", {}).status == 303
    visitor.cookies = kept  # somebody copied them
    assert b"Sign out" not in visitor.open("/me").body
