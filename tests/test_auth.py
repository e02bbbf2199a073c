"""Signing in, end to end: register, sign in, and what a token opens. The details are in server/test_accounts.py."""

from tests.running import PASSWORD, Appliance


def test_an_owner_registers_signs_in_and_sees_what_the_appliance_can_do(door: Appliance, owner: str) -> None:
    assert door.call("GET", "/api/v1/admin/features/status", token=owner).status == 200
    signed_in = door.call("POST", "/api/v1/admin/auth/login", {"email": "owner@example.com", "password": PASSWORD})
    assert signed_in.status == 200
    assert signed_in.json["token_type"] == "bearer"
    assert door.call("GET", "/api/v1/admin/features/status", token=signed_in.json["access_token"]).status == 200


def test_a_wrong_password_opens_nothing(door: Appliance, owner: str) -> None:
    answer = door.call("POST", "/api/v1/admin/auth/login", {"email": "owner@example.com", "password": "Not-the-password1"})
    assert (answer.status, answer.error["code"]) == (401, "wrong_credentials")
    assert door.call("GET", "/api/v1/admin/features/status").status == 401
