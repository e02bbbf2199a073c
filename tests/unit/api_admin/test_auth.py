"""Registering and signing in over HTTP: who may, from where, and what a strange body gets."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from tests.unit.api_admin.conftest import client_at
from tests.unit.identity.house import PASSWORD, House

REGISTER = "/api/v1/admin/auth/register"
LOGIN = "/api/v1/admin/auth/login"
PERSON = {"name": "Test", "email": "test@example.com", "password": PASSWORD}


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    assert error["fix"]
    return error


async def test_registering_twice_is_refused(here: httpx.AsyncClient) -> None:
    assert (await here.post(REGISTER, json=PERSON)).status_code == 201
    again = await here.post(REGISTER, json={**PERSON, "email": "b@example.com"})
    assert (again.status_code, error_of(again)["code"]) == (403, "registration_closed")


async def test_signing_in_answers_as_registering_does(here: httpx.AsyncClient, there: httpx.AsyncClient) -> None:
    registered = (await here.post(REGISTER, json=PERSON)).json()
    answer = await there.post(LOGIN, json={"email": "TEST@example.com", "password": PASSWORD})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    session = answer.json()
    assert session["user"] == registered["user"]
    assert set(session) == {"access_token", "token_type", "expires_in", "user"}
    wrong = await there.post(LOGIN, json={"email": "test@example.com", "password": "wrong password"})
    assert (wrong.status_code, error_of(wrong)["code"]) == (401, "wrong_credentials")


async def test_too_many_failures_are_told_when_to_come_back(here: httpx.AsyncClient) -> None:
    await here.post(REGISTER, json=PERSON)
    for _ in range(5):
        await here.post(LOGIN, json={"email": "test@example.com", "password": "wrong password"})
    refused = await here.post(LOGIN, json={"email": "test@example.com", "password": PASSWORD})
    assert (refused.status_code, error_of(refused)["code"]) == (429, "too_many_attempts")
    assert int(refused.headers["retry-after"]) >= 1


# From where


async def test_from_another_machine_the_setup_code_is_asked_for(there: httpx.AsyncClient, house: House) -> None:
    refused = await there.post(REGISTER, json=PERSON)
    assert (refused.status_code, error_of(refused)["code"], error_of(refused)["param"]) == (
        403,
        "setup_code_required",
        "setup_code",
    )
    assert house.setup_code.value not in refused.text
    admitted = await there.post(REGISTER, json={**PERSON, "setup_code": house.setup_code.value})
    assert admitted.status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-For": "203.0.113.9"},
        {"Forwarded": "for=203.0.113.9"},
        {"X-Real-IP": "127.0.0.1"},
        {"Via": "1.1 proxy"},
        {"X-Forwarded-Host": "localhost"},
    ],
)
async def test_what_a_proxy_on_this_machine_hands_on_is_not_from_this_machine(
    here: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    refused = await here.post(REGISTER, json=PERSON, headers=headers)
    assert error_of(refused)["code"] == "setup_code_required"


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:3000"},
        {"Origin": "http://localhost"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example", "Content-Type": "text/plain"},
        {"Origin": "https://evil.example", "Content-Type": "application/x-www-form-urlencoded"},
    ],
)
async def test_a_foreign_page_in_a_browser_on_this_machine_can_not_become_the_owner(
    here: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    refused = await here.post(REGISTER, json=PERSON, headers=headers)
    assert error_of(refused)["code"] == "setup_code_required"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "127.0.0.1x"]
)
async def test_a_name_of_its_own_that_leads_here_does_not_help_it(here: httpx.AsyncClient, host: str) -> None:
    refused = await here.post(REGISTER, json=PERSON, headers={"Host": host})
    assert error_of(refused)["code"] == "setup_code_required"


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:8000", "LOCALHOST:8000", "127.0.0.1:8000", "127.1.2.3", "[::1]:8000", "[::1]"]
)
async def test_every_name_of_localhost_will_do(here: httpx.AsyncClient, host: str) -> None:
    assert (await here.post(REGISTER, json=PERSON, headers={"Host": host})).status_code == 201


async def test_our_own_pages_may(here: httpx.AsyncClient) -> None:
    headers = {"Origin": "http://localhost:8000", "Sec-Fetch-Site": "same-origin"}
    assert (await here.post(REGISTER, json=PERSON, headers=headers)).status_code == 201


@pytest.mark.parametrize("address", ["::1", "::ffff:127.0.0.1", "127.0.0.53"])
async def test_every_loopback_address_is_this_machine(app: Litestar, address: str) -> None:
    async with client_at(app, address) as client:
        assert (await client.post(REGISTER, json=PERSON)).status_code == 201


# Strange bodies


@pytest.mark.parametrize(
    "content_type", [None, "text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x", "image/png"]
)
async def test_a_json_body_is_read_whatever_its_content_type(here: httpx.AsyncClient, content_type: str | None) -> None:
    headers = {} if content_type is None else {"Content-Type": content_type}
    body = b'{"name": "Test", "email": "test@example.com", "password": "Password123!"}'
    assert (await here.post(REGISTER, content=body, headers=headers)).status_code == 201


@pytest.mark.parametrize(
    ("body", "code", "param", "said"),
    [
        (b"", "invalid_json", None, "the body is empty"),
        (b"  \n", "invalid_json", None, "the body is empty"),
        (b"{", "invalid_json", None, "no valid JSON"),
        (b'{"name": "Test",\n  "email": oops}', "invalid_json", None, "line 2, column 12"),
        (b"name=Test&email=x", "invalid_json", None, "line 1, column"),
        (b"\xff\xfe", "invalid_json", None, "line 1"),
        (b'{"name": "\xff", "email": "a@b", "password": "Password123!"}', "invalid_json", None, "UTF-8"),
        (b'{"name": "\\ud800", "email": "a@b", "password": "Password123!"}', "invalid_json", None, ""),
        (b"[" * 10_000 + b"]" * 10_000, None, None, ""),
        (b'{"name":' * 10_000 + b"1" + b"}" * 10_000, None, None, ""),
        (b"[]", "invalid_field", None, "object"),
        (b"null", "invalid_field", None, "object"),
        (b"1e999", None, None, ""),
        (b"{}", "invalid_field", "name", "name"),
        (b'{"name": 1, "email": "a@b", "password": "Password123!"}', "invalid_field", "name", "str"),
        (b'{"name": "T", "email": null, "password": "Password123!"}', "invalid_field", "email", "str"),
        (b'{"name": "T", "email": "a@b", "password": {}}', "invalid_field", "password", "str"),
        (b'{"name": "T", "email": "a@b", "password": "Password123!", "role": "owner"}', "invalid_field", "role", "no such field"),
        (b'{"name": "T", "email": "a@b", "password": "short"}', "invalid_field", "password", "shorter than 8"),
        (b'{"name": "T\\u0000", "email": "a@b", "password": "Password123!"}', "invalid_field", "name", "U+0000"),
        (b'{"name": "' + b"x" * 1_000_000 + b'", "email": "a@b", "password": "Password123!"}', "invalid_field", "name", "longer"),
    ],
    ids=lambda value: repr(value)[:40],
)
async def test_a_body_that_can_not_be_read_says_where(
    here: httpx.AsyncClient, house: House, body: bytes, code: str | None, param: str | None, said: str
) -> None:
    answer = await here.post(REGISTER, content=body)
    assert answer.status_code == 400
    error = error_of(answer)
    assert code is None or error["code"] == code
    assert code is None or error["param"] == param
    assert said in error["message"]
    assert len(answer.content) < 2000
    assert not await house.users.owner_exists()


async def test_a_method_that_is_not_offered_is_told(here: httpx.AsyncClient) -> None:
    answer = await here.get(REGISTER)
    assert (answer.status_code, error_of(answer)["code"]) == (405, "method_not_allowed")
