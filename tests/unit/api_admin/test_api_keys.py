from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from litestar import Litestar

from appliance.errors import KeyRevoked
from tests.unit.api_admin.conftest import client_at
from tests.unit.identity.house import House

KEYS = "/api/v1/admin/api-keys"


def error_of(answer: httpx.Response) -> dict[str, Any]:
    error: dict[str, Any] = answer.json()["error"]
    return error


@pytest.fixture
async def owner(app: Litestar, house: House) -> AsyncIterator[httpx.AsyncClient]:
    """The owner, from another machine."""
    token = (await house.register()).token
    async with client_at(app, "192.0.2.7") as client:
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


async def test_a_key_is_made_listed_and_revoked(owner: httpx.AsyncClient, house: House) -> None:
    wanted = {"name": "CI", "environment": "test", "expires_at": "2027-01-01T05:30:00+05:30", "scopes": ["chat"]}
    made = await owner.post(KEYS, json=wanted)
    assert made.status_code == 201
    key = made.json()
    assert key["expires_at"] == "2027-01-01T00:00:00.000Z"
    assert key["key"].startswith("gh-test-")
    assert house.identify(key["key"]).scopes == {"chat"}

    listed = await owner.get(KEYS)
    assert listed.status_code == 200
    (shown,) = listed.json()["items"]
    assert key["key"] not in listed.text
    assert shown["key_prefix"] == key["key_prefix"]
    assert {name: shown[name] for name in ("id", "name", "environment", "scopes", "loopback_only", "revoked_at")} == {
        "id": key["id"],
        "name": "CI",
        "environment": "test",
        "scopes": ["chat"],
        "loopback_only": False,
        "revoked_at": None,
    }
    assert listed.json()["next_cursor"] is None

    for _ in range(2):  # asking twice is no error
        revoked = await owner.delete(f"{KEYS}/{key['id']}")
        assert (revoked.status_code, revoked.content) == (204, b"")
    with pytest.raises(KeyRevoked):
        house.identify(key["key"])
    (shown,) = (await owner.get(KEYS)).json()["items"]
    assert shown["revoked_at"] is not None


async def test_pages_are_followed_by_their_cursor(owner: httpx.AsyncClient) -> None:
    made = [(await owner.post(KEYS, json={"name": f"key {number}"})).json()["id"] for number in range(5)]
    first = (await owner.get(KEYS, params={"limit": 3})).json()
    second = (await owner.get(KEYS, params={"limit": 3, "cursor": first["next_cursor"]})).json()
    assert [key["id"] for key in first["items"] + second["items"]] == made[::-1]
    assert second["next_cursor"] is None


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"name": "k", "environment": "prod"}, "environment"),
        ({"name": "k", "environment": None}, "environment"),
        ({"name": "k", "expires_at": "tomorrow"}, "expires_at"),
        ({"name": "k", "expires_at": "2027-01-01T00:00:00"}, "expires_at"),
        ({"name": "k", "expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
        ({"name": "k", "expires_at": 1_900_000_000}, "expires_at"),
        ({"name": "k", "scopes": ["everything"]}, "scopes[0]"),
        ({"name": "k", "scopes": "chat"}, "scopes"),
        ({"name": "k", "loopback_only": False}, "loopback_only"),
        ({"name": "k", "user_id": "user_of_another"}, "user_id"),
        ({"name": "k", "tenant_id": "t2"}, "tenant_id"),
        ({"name": "k", "email": "other@example.com"}, "email"),
    ],
)
async def test_a_field_that_is_wrong_or_not_ours_to_set_is_named(
    owner: httpx.AsyncClient, house: House, body: dict[str, Any], param: str
) -> None:
    answer = await owner.post(KEYS, json=body)
    assert (answer.status_code, error_of(answer)["code"], error_of(answer)["param"]) == (400, "invalid_field", param)
    assert len(house.keys) == 0


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=201", "limit=-1", "limit=x", "limit=", "limit=99999999999999999999", "limit=1.5", "cursor=x"]
)
async def test_a_query_that_is_wrong_is_named(owner: httpx.AsyncClient, query: str) -> None:
    answer = await owner.get(f"{KEYS}?{query}")
    assert answer.status_code == 400
    assert (error_of(answer)["code"], error_of(answer)["param"]) == ("invalid_field", query.partition("=")[0])


@pytest.mark.parametrize("key_id", ["key_unknown", "%00", "..", "%F0%9F%94%91", "x" * 5000, "'%20OR%201=1%20--"])
async def test_a_key_that_is_not_there_is_told(owner: httpx.AsyncClient, key_id: str) -> None:
    answer = await owner.delete(f"{KEYS}/{key_id}")
    assert answer.status_code in (404, 405)  # `..` leads to the route above, as URLs do


# Who


@pytest.mark.parametrize(("method", "path"), [("POST", KEYS), ("GET", KEYS), ("DELETE", f"{KEYS}/key_x")])
@pytest.mark.parametrize(
    ("authorization", "said"),
    [
        (None, "no sign-in token"),
        ("", "no sign-in token"),
        ("Bearer", "no sign-in token"),
        ("Bearer ", "no sign-in token"),
        ("Basic dGVzdDp0ZXN0", "no sign-in token"),
        ("Bearer rubbish", "not a valid sign-in token"),
        ("Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c2VyIn0.", "not a valid sign-in token"),
        ("Bearer gh-dev-0123", "this is an API key"),
        ("Bearer ' OR 1=1 --", "not a valid sign-in token"),
    ],
)
async def test_nobody_gets_in_without_a_sign_in(
    here: httpx.AsyncClient, method: str, path: str, authorization: str | None, said: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answer = await here.request(method, path, headers=headers, content=b"not even JSON" if method == "POST" else None)
    assert (answer.status_code, error_of(answer)["code"]) == (401, "invalid_token")
    assert said in error_of(answer)["message"]


async def test_a_non_ascii_credential_is_refused_like_any_other(here: httpx.AsyncClient) -> None:
    answer = await here.get(KEYS, headers=[(b"authorization", b"Bearer \xff\xfe\xe9")])
    assert answer.status_code == 401


async def test_the_word_bearer_may_be_written_as_one_likes(owner: httpx.AsyncClient) -> None:
    token = owner.headers["Authorization"].split()[1]
    for word in ("bearer", "BEARER"):
        assert (await owner.get(KEYS, headers={"Authorization": f"{word}  {token}"})).status_code == 200


async def test_an_api_key_opens_no_admin_route(app: Litestar, house: House) -> None:
    key = await house.key(await house.owner())
    async with client_at(app, "127.0.0.1") as client:
        answer = await client.get(KEYS, headers={"Authorization": f"Bearer {key.secret}"})
    assert (answer.status_code, key.secret in answer.text) == (401, False)


async def test_a_role_without_the_permission_is_told_which(app: Litestar, house: House) -> None:
    auditor = await house.person("auditor")
    token = await house.token(auditor)
    async with client_at(app, "127.0.0.1") as client:
        answer = await client.post(KEYS, headers={"Authorization": f"Bearer {token}"}, content=b"not even JSON")
    assert (answer.status_code, error_of(answer)["code"]) == (403, "forbidden")
    assert "api_keys:create" in error_of(answer)["message"]
