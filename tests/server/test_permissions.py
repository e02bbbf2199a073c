"""Every admin route as every role, and as another organisation: generated from the routes themselves and identity/roles.py.

A route that names no permission and isn't among the open ones, or takes an id that this test knows nothing of, fails it.
"""

import http.client
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

from appliance.api.admin.access import requires
from appliance.api.web import _ROOMS
from appliance.home import Control, Home
from appliance.identity.caller import Caller
from appliance.identity.roles import HOUSE, PERMISSIONS, Role, may
from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

ROLES: list[Role] = ["owner", "admin", "billing", "auditor", "developer", "member"]
PASSWORD = "Password123!"
OPEN = {
    ("POST", "/api/v1/admin/auth/register"): "the first one makes the owner; then it is closed",
    ("POST", "/api/v1/admin/auth/login"): "who signs in isn't signed in yet",
}
# What they do can't be undone in a test of the running house; that they are refused to others is tried all the same.
NOT_TRIED_WHERE_ALLOWED = {"lan:change"}
ENDS_THE_SIGN_IN = {"/api/v1/admin/auth/logout", "/api/v1/admin/auth/logout-everywhere"}


class Route(msgspec.Struct, frozen=True):
    method: str
    path: str
    permissions: tuple[str, ...]
    parameters: tuple[str, ...]

    @property
    def name(self) -> str:
        return f"{self.method} {self.path}"


def admin_routes() -> Iterator[Route]:
    for room in _ROOMS:
        for handler in room.routes:
            if not isinstance(handler, HTTPRouteHandler):
                continue
            guards = tuple(guard.permission for guard in handler.guards or () if isinstance(guard, requires))
            for path in handler.paths:
                if not path.startswith("/api/v1/admin/"):
                    continue
                names = tuple(part[1:-1].partition(":")[0] for part in path.split("/") if part.startswith("{"))
                plain = re.sub(r"\{(\w+):\w+\}", r"{\1}", path)
                for method in handler.http_methods:
                    if method in ("GET", "POST", "PATCH", "PUT", "DELETE"):
                        yield Route(method, plain, guards, names)


ROUTES = list(admin_routes())
WITHIN = [one for one in ROUTES if one.parameters and HOUSE.isdisjoint(one.permissions)]


class People(msgspec.Struct):
    """Tokens of somebody of each role, in the appliance's organisation and among guests; and what the first one has."""

    house: dict[str, str]
    guests: dict[str, str]
    ids: dict[str, str]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"local_models": False, "providers": [upstream.provider("fake", models=["gpt-4o"])]})


@pytest.fixture(scope="module")
def people(door: Appliance) -> People:
    owner = door.owner_token
    machine = _machine(door).token
    guests = _made(door, owner, "tenants", {"name": "Guests"})
    ids = {"tenant_id": "tenant_default", "department_id": _made(door, owner, "departments", {"name": "Research"})}
    ids["team_id"] = _made(door, owner, "teams", {"name": "Models", "department_id": ids["department_id"]})
    house, others = {"owner": owner}, {}
    for role in ROLES:
        if role != "owner":
            house[role] = _person(door, owner, role, None)
        others[role] = _person(door, machine, role, guests)
    users = door.call("GET", "/api/v1/admin/users?role=member", token=owner).json["items"]
    ids["user_id"] = users[0]["id"]
    ids["session_id"] = door.call("GET", "/api/v1/admin/auth/sessions", token=owner).json["items"][0]["id"]
    ids["account_id"] = _made(door, owner, "service-accounts", {"name": "Build robot"})
    ids["invitation_id"] = door.call("POST", "/api/v1/admin/invitations", {}, token=owner).json["invitation"]["id"]
    ids["key_id"] = door.call("POST", "/api/v1/admin/api-keys", {"name": "Theirs"}, token=owner).json["id"]
    answered = door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=door.api_key)
    assert answered.status == 200, answered
    ids["request_id"] = answered.headers["x-request-id"]
    return People(house, others, ids)


def _machine(door: Appliance) -> Control:
    control = Home(door.home).read_control()
    assert control is not None
    return control


def _made(door: Appliance, token: str, what: str, body: dict[str, Any]) -> str:
    answer = door.call("POST", f"/api/v1/admin/{what}", body, token=token)
    assert answer.status == 201, answer
    return str(answer.json["id"])


def _person(door: Appliance, token: str, role: str, tenant_id: str | None) -> str:
    """The token of somebody new."""
    email = f"{role}@{'house' if tenant_id is None else 'guests'}.example.com"
    body = {"name": role, "email": email, "role": role, "password": PASSWORD, "tenant_id": tenant_id}
    _made(door, token, "users", body)
    signed_in = door.call("POST", "/api/v1/admin/auth/login", {"email": email, "password": PASSWORD})
    assert signed_in.status == 200, signed_in
    return str(signed_in.json["access_token"])


def attempt(door: Appliance, route: Route, token: str | None, ids: dict[str, str]) -> Answer:
    """The answer's head and, where it refuses, its body: some routes answer for ever."""
    path = route.path
    for name in route.parameters:
        path = path.replace(f"{{{name}}}", ids.get(name, "nothing_of_this_id"))
    connection = http.client.HTTPConnection("127.0.0.1", door.port, timeout=20)
    try:
        body = None if route.method in ("GET", "DELETE") else b"{}"
        connection.request(route.method, path, body, {"authorization": f"Bearer {token}"} if token else {})
        response = connection.getresponse()
        return Answer(response.status, dict(response.getheaders()), response.read() if response.status >= 400 else b"")
    finally:
        connection.close()


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
def test_every_route_names_a_permission_or_is_open_for_a_reason(route: Route) -> None:
    assert bool(route.permissions) is not ((route.method, route.path) in OPEN)
    assert set(route.permissions) <= PERMISSIONS.keys()


def test_every_permission_is_some_routes_or_asked_for_within_one() -> None:
    named = {permission for route in ROUTES for permission in route.permissions}
    within = {"api_keys:list_all", "api_keys:revoke_all", "api_keys:change_all", "api_keys:grant_metrics"}
    of_files = {"api_keys:grant_file_values", "files:read", "files:values"}  # a raw route asks for them (test_files_scan)
    assert set(PERMISSIONS) - named <= within | of_files


@pytest.mark.parametrize("route", [one for one in ROUTES if one.permissions], ids=lambda route: route.name)
def test_each_role_gets_what_the_table_says_and_no_more(door: Appliance, people: People, route: Route) -> None:
    assert attempt(door, route, None, {}).status == 401
    assert attempt(door, route, door.api_key, {}).status == 401, "an API key is no sign-in"
    for tenant_number, tokens in ((1, people.house), (2, people.guests)):
        for role in ROLES:
            caller = Caller(kind="user", role=role, tenant_number=tenant_number)
            lacks = [permission for permission in route.permissions if not may(caller, permission)]
            is_tried = NOT_TRIED_WHERE_ALLOWED.isdisjoint(route.permissions) and route.path not in ENDS_THE_SIGN_IN
            if not lacks and not is_tried:
                continue
            answer = attempt(door, route, tokens[role], {})
            assert (answer.status == 403) is bool(lacks), (role, tenant_number, answer)
            assert answer.status not in (401, 500), (role, tenant_number, answer)
            if lacks:
                assert lacks[0] in json.loads(answer.body)["error"]["message"]


@pytest.mark.parametrize("route", WITHIN, ids=lambda route: route.name)
def test_what_another_organisation_has_does_not_exist(door: Appliance, people: People, route: Route) -> None:
    """Word for word the answer of what never was."""
    known = {name: people.ids[name] for name in route.parameters if name in people.ids}
    unknown = set(route.parameters) - set(known)
    assert not unknown, f"this test knows no {unknown}: give it one of the house's"
    if route.method == "GET":
        assert attempt(door, route, people.house["owner"], known).status == 200, "or else 404 would say nothing"
    theirs = attempt(door, route, people.guests["owner"], known)
    never = attempt(door, route, people.guests["owner"], {})
    assert (theirs.status, _without_id(theirs)) == (never.status, _without_id(never))
    assert theirs.status in (400, 404), theirs
    if route.method in ("GET", "DELETE"):
        assert theirs.status == 404, theirs


def _without_id(answer: Answer) -> Any:
    return json.loads(answer.body)["error"]


def test_nothing_of_the_house_was_changed_by_all_that(door: Appliance, people: People) -> None:
    for what, name in (("departments", "department_id"), ("teams", "team_id"), ("users", "user_id")):
        found = door.call("GET", f"/api/v1/admin/{what}/{people.ids[name]}", token=door.owner_token)
        assert (found.status, found.json["version"]) == (200, 1)
