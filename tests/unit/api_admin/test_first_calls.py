"""What a newcomer pastes: register, then a key."""

import httpx

from tests.unit.identity.house import House

REGISTER = '{"name": "Test", "email": "test@example.com", "password": "Password123!"}'


async def test_the_first_calls_work_as_pasted_although_curl_says_form(here: httpx.AsyncClient, house: House) -> None:
    registered = await here.post("/api/v1/admin/auth/register", content=REGISTER, headers={"Content-Type": "application/json"})
    assert registered.status_code == 201
    session = registered.json()
    assert set(session) == {"access_token", "token_type", "expires_in", "user"}
    assert session["token_type"] == "bearer"
    assert session["expires_in"] == 86_400
    assert session["user"]["role"] == "owner"
    assert "password" not in registered.text

    made = await here.post(
        "/api/v1/admin/api-keys",
        content='{"name": "My Key"}',
        headers={"Authorization": f"Bearer {session['access_token']}", "Content-Type": "application/x-www-form-urlencoded"},
    )
    assert made.status_code == 201
    key = made.json()
    assert set(key) == {"id", "name", "environment", "key", "key_prefix", "created_at", "expires_at"}
    assert key["environment"] == "development"
    assert key["expires_at"] is None
    assert made.headers["cache-control"] == "no-store"
    assert house.identify(key["key"]).key_id == key["id"]
