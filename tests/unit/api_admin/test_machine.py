"""The command line's own routes: by the control token, from loopback, and by nobody else."""

from typing import Any

import httpx
import pytest
from litestar import Litestar

from tests.unit.api_admin.admin_app import CONTROL_TOKEN
from tests.unit.api_admin.conftest import client_at
from tests.unit.identity.house import PASSWORD, THERE, House

MACHINE = "/api/v1/admin/machine"
CONTROL = {"Authorization": f"Bearer {CONTROL_TOKEN}"}
OWNER = {"name": "Ada", "email": "ada@example.com", "password": PASSWORD}
CALLS: list[tuple[str, dict[str, Any]]] = [
    (f"{MACHINE}/owner", OWNER),
    (f"{MACHINE}/password", {"email": "ada@example.com", "password": PASSWORD}),
    (f"{MACHINE}/api-keys", {"name": "CI"}),
]


async def test_an_owner_is_made_gets_a_key_and_a_new_password(here: httpx.AsyncClient, house: House) -> None:
    made = await here.post(f"{MACHINE}/owner", json=OWNER, headers=CONTROL)
    assert (made.status_code, made.json()["role"]) == (201, "owner")
    key = await here.post(f"{MACHINE}/api-keys", json={"name": "CI", "email": "Ada@example.com"}, headers=CONTROL)
    assert key.status_code == 201
    assert house.identify(key.json()["key"]).user_id == made.json()["id"]
    reset = await here.post(f"{MACHINE}/password", json={"email": "ada@example.com", "password": "new password"}, headers=CONTROL)
    assert reset.status_code == 200
    await house.sign_in.with_password("ada@example.com", "new password", THERE)


async def test_the_machine_sees_and_revokes_every_key(here: httpx.AsyncClient, house: House) -> None:
    key = await house.key(await house.owner())
    listed = await here.get("/api/v1/admin/api-keys", headers=CONTROL)
    assert [item["id"] for item in listed.json()["items"]] == [key.key.id]
    assert (await here.delete(f"/api/v1/admin/api-keys/{key.key.id}", headers=CONTROL)).status_code == 204


@pytest.mark.parametrize(("path", "body"), CALLS)
async def test_the_control_token_is_worth_nothing_from_another_machine(
    there: httpx.AsyncClient, house: House, path: str, body: dict[str, Any]
) -> None:
    answer = await there.post(path, json=body, headers=CONTROL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "invalid_token")
    assert not await house.users.owner_exists()


@pytest.mark.parametrize(("path", "body"), CALLS)
async def test_not_even_an_owner_may_call_them(app: Litestar, house: House, path: str, body: dict[str, Any]) -> None:
    token = (await house.register()).token
    async with client_at(app, "127.0.0.1") as client:
        answer = await client.post(path, json=body, headers={"Authorization": f"Bearer {token}"})
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")


@pytest.mark.parametrize("token", ["", " ", "x", CONTROL_TOKEN[:-1], CONTROL_TOKEN + "x", CONTROL_TOKEN.upper()])
async def test_another_control_token_is_refused(here: httpx.AsyncClient, token: str) -> None:
    answer = await here.post(f"{MACHINE}/owner", json=OWNER, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "body", [{**OWNER, "role": "owner"}, {"name": "Ada"}, {**OWNER, "password": "short"}, {**OWNER, "email": "x"}]
)
async def test_what_the_command_line_sends_is_checked_as_well(here: httpx.AsyncClient, body: dict[str, Any]) -> None:
    answer = await here.post(f"{MACHINE}/owner", json=body, headers=CONTROL)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "invalid_field")


async def test_an_account_that_is_not_there_is_told(here: httpx.AsyncClient) -> None:
    for path in ("password", "api-keys"):
        body = (
            {"email": "nobody@example.com", "password": PASSWORD}
            if path == "password"
            else {"name": "k", "email": "nobody@example.com"}
        )
        answer = await here.post(f"{MACHINE}/{path}", json=body, headers=CONTROL)
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "email")
