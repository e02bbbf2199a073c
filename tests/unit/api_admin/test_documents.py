"""What the OpenAPI document says of these routes."""

from collections.abc import Iterator
from typing import Any

import pytest

from appliance import errors
from tests.unit.api_admin.admin_app import admin_app
from tests.unit.identity.house import House

ROUTES = {
    ("/api/v1/admin/auth/register", "post"),
    ("/api/v1/admin/auth/login", "post"),
    ("/api/v1/admin/api-keys", "post"),
    ("/api/v1/admin/api-keys", "get"),
    ("/api/v1/admin/api-keys/revoke", "post"),
    ("/api/v1/admin/api-keys/{key_id}", "get"),
    ("/api/v1/admin/api-keys/{key_id}", "patch"),
    ("/api/v1/admin/api-keys/{key_id}", "delete"),
    ("/api/v1/admin/api-keys/{key_id}/rotate", "post"),
    ("/api/v1/admin/machine/owner", "post"),
    ("/api/v1/admin/machine/password", "post"),
    ("/api/v1/admin/machine/sessions", "get"),
    ("/api/v1/admin/machine/sign-out", "post"),
    ("/api/v1/admin/machine/api-keys", "post"),
    ("/api/v1/admin/machine/stop", "post"),
}


@pytest.fixture
def document(house: House) -> dict[str, Any]:
    return admin_app(house, documents=True).openapi_schema.to_schema()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield path, method, operation


def test_every_route_is_there(document: dict[str, Any]) -> None:
    assert {(path, method) for path, method, _ in operations(document)} == ROUTES


def test_every_route_says_what_it_is_for_and_shows_examples(document: dict[str, Any]) -> None:
    for path, method, operation in operations(document):
        assert operation["summary"], path
        assert operation["description"], path
        success = next(answer for status, answer in operation["responses"].items() if status.startswith("2"))
        assert method == "delete" or success["content"]["application/json"]["examples"], path
        if "requestBody" in operation:
            schema = operation["requestBody"]["content"]["application/json"]["schema"]
            (reference,) = schema.get("allOf") or [one for one in schema["oneOf"] if "$ref" in one]  # one that may be left out
            model = document["components"]["schemas"][reference["$ref"].rsplit("/", 1)[1]]
            assert schema["examples"], path
            assert all(set(example) <= set(model["properties"]) for example in schema["examples"])


def test_every_error_answer_has_an_example_a_code_in_our_form(document: dict[str, Any]) -> None:
    known = {kind.code: kind for kind in errors.all_errors()}
    for path, _, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status.startswith("2"):
                continue
            content = answer["content"]["application/json"]
            assert content["schema"] == {"$ref": "#/components/schemas/ErrorBody"}, (path, status)
            for example in content["examples"].values():
                assert set(example) <= {"summary", "description", "value"}
                assert str(known[example["value"]["error"]["code"]].status) == status


def test_the_two_public_routes_ask_for_no_credential(document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        assert ("/auth/" in path) == (operation.get("security") == [{}])
