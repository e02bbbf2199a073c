"""/me: one's own keys, usage and limits, by forms alone."""

import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.calls import chat
from tests.conftest import MakeAppliance
from tests.pages import FORM_TYPE, Visitor, blocks, invited, wrong_at
from tests.running import PASSWORD, Appliance, Fake, eventually
from tests.server.test_join import as_page

OWNER = {"email": "owner@example.com", "password": PASSWORD, "code": ""}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    made = appliances(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]})
    assert made.owner_token
    return made


def signed_in(door: Appliance, email: str = "owner@example.com") -> Visitor:
    visitor = Visitor(door)
    as_page(visitor.open("/me"), 200)
    answer = visitor.send("/me/sign-in", {"email": email, "password": PASSWORD})
    assert (answer.status, answer.headers["location"]) == (303, "/me"), answer
    return visitor


def joined(door: Appliance, email: str) -> Visitor:
    path, visitor = invited(door, email=email), Visitor(door)
    visitor.open(path)
    as_page(visitor.send(path, {"name": email.partition("@")[0], "password": PASSWORD, "again": PASSWORD}), 201)
    return signed_in(door, email)


def test_a_person_makes_a_key_uses_it_sees_it_and_revokes_it(door: Appliance) -> None:
    visitor = joined(door, "ada@example.com")
    assert "Nothing in the last 30 days" in as_page(visitor.open("/me"), 200)
    page = as_page(visitor.send("/me/keys", {"name": "Note <i>book</i>", "days": "30"}), 201)
    assert "Note &lt;i&gt;book&lt;/i&gt;" in page
    key = blocks(page)[0]
    assert all(key in block for block in blocks(page))
    for _ in range(2):
        assert door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key).status == 200
    told = re.compile(r'<tr><th scope="row">fake/gpt-4o</th><td>2</td><td>(\d+)</td><td>(\d+)</td><td>no price</td></tr>')
    row = eventually(lambda: told.search(as_page(visitor.open("/me"), 200)), seconds=30, every=0.5)  # it is kept for some seconds
    assert int(row[1]) > 0
    assert int(row[2]) > 0
    page = as_page(visitor.open("/me"), 200)
    assert key not in page
    assert "<i>" not in page
    (revoke,) = re.findall(r'action="(/me/keys/[^"]+/revoke)">(?:(?!</form>).)*Revoke Note', page)
    assert visitor.send(revoke, {}).status == 303
    refused = door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key)
    assert (refused.status, refused.error["code"]) == (401, "revoked_api_key")
    assert "Note" not in as_page(visitor.open("/me"), 200)


def test_the_cookies_are_for_these_pages_alone(door: Appliance) -> None:
    visitor = signed_in(door)
    form, session = visitor.set_cookies
    for cookie in (form, session):
        for rule in ("HttpOnly", "SameSite=strict", "Path=/me"):
            assert rule in cookie, cookie
        assert "Secure" not in cookie  # this is plain HTTP, to this machine itself
        assert "Domain" not in cookie
    assert visitor.send("/me/sign-out", {}).status == 303
    assert "gatehouse-session" not in visitor.cookies
    assert "Sign in" in as_page(visitor.open("/me"), 200)
    token = session.partition("=")[2].partition(";")[0]
    assert door.call("GET", "/api/v1/admin/api-keys", headers={"Cookie": f"gatehouse-session={token}"}).status == 401


def test_a_wrong_password_says_nothing_of_who_has_an_account(door: Appliance) -> None:
    told = []
    for email in ("owner@example.com", "nobody@example.com"):
        visitor = Visitor(door)
        visitor.open("/me")
        page = as_page(visitor.send("/me/sign-in", {"email": email, "password": "wrong password"}), 401)
        assert f'value="{email}"' in page
        assert "wrong password" not in page
        told.append(re.findall(r'role="alert">(.*?)</p>', page))
        assert "gatehouse-session" not in visitor.cookies
    assert told[0] == told[1] != []


def test_who_is_no_longer_signed_in_changes_nothing(door: Appliance) -> None:
    visitor = joined(door, "past@example.com")
    done = door.command("users", "reset-password", "past@example.com", "--password-stdin", stdin=f"{PASSWORD}2\n")
    assert done.returncode == 0, done.stderr
    as_page(visitor.send("/me/keys", {"name": "Late", "days": ""}), 401)
    assert "Sign in" in as_page(visitor.open("/me"), 200)
    assert door.rows("SELECT 1 FROM api_keys WHERE name = 'Late'") == []


def test_nobody_revokes_anothers_key(door: Appliance) -> None:
    mine = str(door.make_key("Mine")["id"])
    visitor = joined(door, "eve@example.com")
    visitor.open("/me")
    there_is, there_never_was = (visitor.send(f"/me/keys/{key}/revoke", {}) for key in (mine, "key_nobody"))
    assert as_page(there_is, 404) == as_page(there_never_was, 404)
    assert door.rows("SELECT revoked_at FROM api_keys WHERE id = ?", mine) == [{"revoked_at": None}]


FORMS = {
    "/me/sign-in": OWNER,
    "/me/sign-out": {},
    "/me/keys": {"name": "Forged", "days": ""},
    "/me/keys/KEY/revoke": {},
}
FORGED: list[dict[str, str | None]] = [
    {"Origin": None},
    {"Origin": "https://evil.example"},
    {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Content-Type": "text/plain"},
    {"Content-Type": "application/json"},
    {"Cookie": None},
]


@pytest.mark.parametrize("headers", FORGED, ids=str)
@pytest.mark.parametrize("path", FORMS)
def test_a_form_from_elsewhere_changes_nothing(door: Appliance, path: str, headers: dict[str, str | None]) -> None:
    visitor = signed_in(door)
    visitor.open("/me")
    (key,) = door.rows("SELECT id FROM api_keys WHERE revoked_at IS NULL ORDER BY number DESC LIMIT 1")
    before = door.rows("SELECT id, revoked_at FROM api_keys")
    cookies = dict(visitor.cookies)
    answer = visitor.send(path.replace("KEY", key["id"]), FORMS[path], headers)
    assert answer.status in (400, 403), answer
    assert "set-cookie" not in answer.headers
    assert visitor.cookies == cookies
    assert door.rows("SELECT id, revoked_at FROM api_keys") == before


@pytest.mark.parametrize("path", FORMS)
def test_a_form_without_its_token_or_larger_than_a_form_changes_nothing(door: Appliance, path: str) -> None:
    visitor = signed_in(door)
    visitor.open("/me")
    for body, status in ((b"", 403), (b"form_token=" + b"A" * 43, 403), (b"form_token=" + b"A" * 16 * 1024, 413)):
        as_page(visitor.send_body(path, body), status)


WRONG_KEYS = {
    "no name": ({"name": " ", "days": ""}, "name"),
    "a right-to-left mark": ({"name": "a\u202eb", "days": ""}, "name"),
    "a time that isn't offered": ({"name": "x", "days": "9999"}, ""),
}


@pytest.mark.parametrize("what", WRONG_KEYS)
def test_a_key_that_is_refused_says_why(door: Appliance, what: str) -> None:
    fields, field = WRONG_KEYS[what]
    visitor = signed_in(door)
    visitor.open("/me")
    page = as_page(visitor.send("/me/keys", fields), 400)
    assert wrong_at(page, field) if field else "not offered" in page


def test_looking_has_no_body_with_head_and_forms_take_no_get(door: Appliance) -> None:
    received = door.raw(b"HEAD /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    head, _, body = received.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    assert body == b""
    for path in ("/me/sign-in", "/me/sign-out", "/me/keys"):
        assert door.call("GET", path).status == 405
    assert door.call("POST", "/me", b"x=1", headers={"Content-Type": FORM_TYPE}).status == 405


def test_twenty_at_once_see_their_page(door: Appliance) -> None:
    visitor = signed_in(door)
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: visitor.open("/me").status, range(20)))
    assert answers == [200] * 20


def test_somebody_elses_usage_is_not_mine(door: Appliance) -> None:
    assert door.chat(chat("fake/gpt-4o")).status == 200
    assert "Nothing in the last 30 days" in as_page(joined(door, "new@example.com").open("/me"), 200)
    eventually(lambda: "fake/gpt-4o" in as_page(signed_in(door).open("/me"), 200), seconds=30, every=1)
