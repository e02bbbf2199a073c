"""/me/security as somebody would break it: with a sign-in that has ended, and with forms from elsewhere."""

import re
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pyotp
import pytest
from litestar.handlers import HTTPRouteHandler

from appliance.api.web import _ROOMS
from tests.conftest import MakeAppliance
from tests.pages import Visitor, blocks
from tests.running import PASSWORD, Appliance
from tests.server import test_me
from tests.server.test_join import as_page
from tests.server.test_me_security import CHANGE, PAGE, PROOF, is_in, somebody, with_factor


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    made = appliances(settings={"local_models": False})
    assert made.owner_token
    return made


# Meanwhile


@contextmanager
def writing(door: Appliance) -> Iterator[sqlite3.Connection]:
    """Nobody else writes until this has ended."""
    connection = sqlite3.connect(door.home / "gatehouse.db", timeout=10, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        yield connection
        connection.execute("COMMIT")
    finally:
        connection.close()


LATE = {
    "password": CHANGE,
    "second-factor": {"password": PASSWORD},
    "second-factor/recovery-codes": PROOF,
    "second-factor/remove": PROOF,
}
LATE_CONFIRM = "second-factor/confirm"


@pytest.mark.parametrize("what", [*LATE, LATE_CONFIRM])
def test_who_is_put_out_while_a_form_is_on_its_way_changes_nothing(door: Appliance, what: str) -> None:
    name = f"late-{what.replace('/', '-')}"
    visitor = somebody(door, name)
    if what in ("second-factor/recovery-codes", "second-factor/remove"):
        _, codes = with_factor(visitor)
        fields = {**LATE[what], "code": codes[0]}
    elif what == LATE_CONFIRM:
        begun = as_page(visitor.send(f"{PAGE}/second-factor", {"password": PASSWORD}), 201)
        fields = {"code": pyotp.TOTP(blocks(begun)[0]).now()}
    else:
        fields = LATE[what]
    mine = f"(SELECT number FROM users WHERE email = '{name}@example.com')"
    factor = f"SELECT sealed, confirmed_at, recovery FROM second_factors WHERE user_number = {mine}"
    before = door.rows(factor)
    with ThreadPoolExecutor(1) as thread:
        with writing(door) as connection:
            sent = thread.submit(visitor.send, f"{PAGE}/{what}", fields)
            time.sleep(2)  # the password is looked at, and only writing is left
            # As another browser that changes the password, or the machine that sets a new one.
            connection.execute(f"DELETE FROM sessions WHERE user_number = {mine}")
        page = as_page(sent.result(60), 401)
    assert "sign in again" in page
    assert "/api/" not in page
    assert door.rows(factor) == before
    if what == "password":
        fresh = Visitor(door)
        fresh.open("/me")
        told = fresh.send("/me/sign-in", {"email": f"{name}@example.com", "password": PASSWORD})
        assert told.status == 303, "the password is the old one"


def test_a_sign_in_that_has_ended_changes_and_sees_nothing(door: Appliance) -> None:
    visitor = somebody(door, "kim")
    assert door.command("users", "sign-out", "kim@example.com").returncode == 0
    for path, fields in FORMS.items():
        as_page(visitor.send(path, fields), 401)
    answer = visitor.open(PAGE)
    assert (answer.status, answer.headers["location"], answer.body) == (303, "/me", b"")
    assert answer.headers["cache-control"] == "no-store"


def test_a_browser_that_has_forgotten_the_forms_cookie_gets_one_that_counts(door: Appliance) -> None:
    visitor = somebody(door, "lea")
    del visitor.cookies["gatehouse-form"]  # it was closed; it keeps the sign-in's
    visitor.open(PAGE)
    assert visitor.send(f"{PAGE}/password", CHANGE).status == 303


# From elsewhere

FORMS = {
    f"{PAGE}/password": CHANGE,
    f"{PAGE}/sessions/SESSION/end": {},
    f"{PAGE}/sign-out-everywhere": {},
    f"{PAGE}/second-factor": {"password": PASSWORD},
    f"{PAGE}/second-factor/confirm": {"code": "123456"},
    f"{PAGE}/second-factor/recovery-codes": PROOF,
    f"{PAGE}/second-factor/remove": PROOF,
}


def test_every_form_of_every_page_is_tried() -> None:
    """A page that takes forms and that nobody sends forged ones fails this."""
    handlers = [one for room in _ROOMS for one in room.routes if isinstance(one, HTTPRouteHandler) and "POST" in one.http_methods]
    taken = {path for one in handlers for path in one.paths if not path.startswith(("/api/", "/v1/"))}
    tried = {*FORMS, *test_me.FORMS, "/join/TOKEN"}
    assert {re.sub(r"\{\w+:str\}", "ID", path) for path in taken} == {re.sub("KEY|SESSION|TOKEN", "ID", path) for path in tried}


@pytest.fixture(scope="module")
def forged_on(door: Appliance) -> Visitor:
    return somebody(door, "mia")


@pytest.mark.parametrize("headers", test_me.FORGED, ids=str)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_from_elsewhere_changes_nothing(
    door: Appliance, forged_on: Visitor, path: str, headers: dict[str, str | None]
) -> None:
    tables = ("sessions", "second_factors", "audit")
    before = [door.rows(f"SELECT count(*) FROM {table}") for table in tables]
    (session,) = door.rows("SELECT id FROM sessions ORDER BY rowid DESC LIMIT 1")
    cookies = dict(forged_on.cookies)
    answer = forged_on.send(path.replace("SESSION", session["id"]), FORMS[path], headers)
    assert answer.status in (400, 403), answer
    assert "set-cookie" not in answer.headers
    assert forged_on.cookies == cookies
    assert [door.rows(f"SELECT count(*) FROM {table}") for table in tables] == before


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_or_larger_than_a_form_changes_nothing(forged_on: Visitor, path: str) -> None:
    for body, status in ((b"", 403), (b"form_token=" + b"A" * 43, 403), (b"form_token=" + b"A" * 16 * 1024, 413)):
        as_page(forged_on.send_body(path, body), status)
    assert is_in(forged_on)
