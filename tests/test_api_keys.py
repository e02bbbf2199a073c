"""API keys, end to end: made, used, listed, revoked. The details are in server/test_keys.py."""

from tests.calls import chat
from tests.running import Appliance


def test_a_key_is_made_used_listed_and_revoked(door: Appliance, owner: str) -> None:
    made = door.call("POST", "/api/v1/admin/api-keys", {"name": "My Key"}, token=owner)
    assert made.status == 201
    key, key_id = made.json["key"], made.json["id"]
    assert door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key).status == 200
    listed = door.call("GET", "/api/v1/admin/api-keys", token=owner)
    assert key_id in [row["id"] for row in listed.json["items"]]
    assert key not in listed.body.decode()
    assert door.call("DELETE", f"/api/v1/admin/api-keys/{key_id}", token=owner).status in (200, 204)
    refused = door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key)
    assert (refused.status, refused.error["code"]) == (401, "revoked_api_key")
