"""Accounts, by those who look after people: `/api/v1/admin/users`."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.auth import NO_STORE
from appliance.api.admin.etags import IfMatch, etag, version_in
from appliance.api.admin.invitations import link_to
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339, rfc3339_or_none
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX
from appliance.identity.people import People
from appliance.identity.people_import import ROWS_MAX, Imported, PeopleImport, PersonRow
from appliance.identity.person import NewPerson, Person, PersonChange, Wanted
from appliance.identity.roles import Role

UserId = Annotated[str, PathParameter(description="Its id (`user_…`).")]

IMPORT_BYTES_MAX = 16 * 1024 * 1024


class UserCreate(msgspec.Struct, forbid_unknown_fields=True):
    """A new account."""

    name: Annotated[str, Meta(description="Up to 200 characters.")]
    email: Annotated[str, Meta(description="Each address once on the whole appliance, in whatever spelling.")]
    role: Annotated[Role, Meta(description="None above one's own.")] = "member"
    department_id: str | None = None
    team_id: Annotated[str | None, Meta(description="It brings its department along.")] = None
    password: Annotated[str | None, Meta(description="Left out: an invitation lets them set one.")] = None
    tenant_id: Annotated[str | None, Meta(description="For the machine's own commands: whose it is. Left out: one's own.")] = None


class UserPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different."""

    name: str | UnsetType = UNSET
    email: str | UnsetType = UNSET
    role: Annotated[Role | UnsetType, Meta(description="Nobody's own, and none above one's own.")] = UNSET
    suspended: Annotated[bool | UnsetType, Meta(description="They don't sign in, and their keys stop.")] = UNSET
    department_id: str | UnsetType | None = UNSET
    team_id: Annotated[str | UnsetType | None, Meta(description="It brings its department along; null: none.")] = UNSET


class UserImport(msgspec.Struct, forbid_unknown_fields=True):
    """People to be taken, whole or not at all."""

    users: Annotated[list[PersonRow], Meta(max_length=ROWS_MAX)]
    invite: Annotated[bool, Meta(description="Give a link for each, with which they set their password.")] = False
    tenant_id: Annotated[str | None, Meta(description="For the machine's own commands: whose they are.")] = None


class PersonShown(msgspec.Struct):
    """An account as those see it who look after people. `version` is its ETag."""

    id: str
    name: str
    email: str
    role: str
    tenant_id: str
    department_id: str | None
    team_id: str | None
    has_password: bool
    second_factor: bool
    suspended_at: str | None
    last_sign_in_at: str | None
    created_at: str
    updated_at: str | None
    version: int


class LinkShown(msgspec.Struct):
    """Whose it is, and where they set their password."""

    email: str
    link: str


class ImportShown(msgspec.Struct):
    """Made, and left alone because their address has an account already. `links`: of those made, in their order, shown once."""

    created: list[str]
    links: list[LinkShown]
    unchanged: int
    departments_created: list[str]
    teams_created: list[str]
    dry_run: bool


class UserList(msgspec.Struct):
    """One page, the oldest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[PersonShown]
    next_cursor: str | None


EXAMPLE: dict[str, Any] = {
    "id": "user_trcsuj7puruldahodtkjrhgf",
    "name": "Asha Rao",
    "email": "asha@example.com",
    "role": "developer",
    "tenant_id": "tenant_default",
    "department_id": "dpt_qw4hambglzmnu5i4fubob2da",
    "team_id": None,
    "has_password": True,
    "second_factor": False,
    "suspended_at": None,
    "last_sign_in_at": "2026-11-26T08:00:00.000Z",
    "created_at": "2026-11-25T13:17:08.123Z",
    "updated_at": None,
    "version": 1,
}
_IMPORTED = {
    "created": ["user_trcsuj7puruldahodtkjrhgf"],
    "links": [{"email": "asha@example.com", "link": "https://10.0.0.5:8443/join/…"}],
    "unchanged": 0,
    "departments_created": ["Research"],
    "teams_created": [],
    "dry_run": False,
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS, errors.NotFound, errors.Conflict)


@get(
    "/api/v1/admin/users",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="listUsers",
    summary="List users",
    description="The accounts of one's organisation.",
    tags=["People"],
    responses={
        200: success(UserList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_ERRORS),
    },
)
async def list_users(
    caller: NamedDependency[Caller],
    people: NamedDependency[People],
    q: Annotated[str | None, QueryParameter(max_length=200, description="Only those with this in their name or address.")] = None,
    role: Annotated[Role | None, QueryParameter(description="Only those of this role.")] = None,
    department_id: Annotated[str | None, QueryParameter(description="Only those of this department.")] = None,
    team_id: Annotated[str | None, QueryParameter(description="Only those of this team.")] = None,
    suspended: Annotated[bool | None, QueryParameter(description="Only those who are, or are not.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Users on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> UserList:
    wanted = Wanted(words=q, role=role, department_id=department_id, team_id=team_id, suspended=suspended)
    page = await people.list(caller, wanted, limit=limit, after=cursor)
    return UserList([person_shown(one) for one in page.items], page.next_cursor)


@post(
    "/api/v1/admin/users",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="createUser",
    summary="Make an account",
    description="In one's own organisation.",
    tags=["People"],
    responses={201: success(PersonShown, EXAMPLE, "It is made."), **error_answers(*_BODY_ERRORS, errors.Overloaded)},
    **json_body(UserCreate),
)
async def create_user(
    data: Annotated[UserCreate, Body(examples=[Example(value={"name": "Asha Rao", "email": "asha@example.com"})])],
    caller: NamedDependency[Caller],
    people: NamedDependency[People],
) -> Response[PersonShown]:
    names = ("name", "email", "role", "department_id", "team_id", "password")
    wanted = NewPerson(**{name: getattr(data, name) for name in names})
    return _answer(await people.create(caller, wanted, tenant_id=data.tenant_id), 201)


@post(
    "/api/v1/admin/users/import",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="importUsers",
    summary="Make many accounts",
    description=(
        f"Up to {ROWS_MAX:,}, whole or not at all; every line that can't stand is named. Departments and teams are made where "
        "they are missing; who has an account already is left alone. `invite` gives each a link to set a password."
    ),
    tags=["People"],
    status_code=200,
    request_max_body_size=IMPORT_BYTES_MAX,
    response_headers=NO_STORE,
    responses={200: success(ImportShown, _IMPORTED, "They are made."), **error_answers(*_BODY_ERRORS)},
    **json_body(UserImport),
)
async def import_users(
    data: Annotated[
        UserImport,
        Body(examples=[Example(value={"users": [{"name": "Asha Rao", "email": "asha@example.com", "department": "Research"}]})]),
    ],
    caller: NamedDependency[Caller],
    people_import: NamedDependency[PeopleImport],
    base_url: NamedDependency[Callable[[], str]],
    dry_run: Annotated[bool, QueryParameter(description="Say what would become of it, and change nothing.")] = False,
) -> ImportShown:
    told = await people_import.take(caller, data.users, invite=data.invite, dry_run=dry_run, tenant_id=data.tenant_id)
    return import_shown(told, base_url())


@get(
    "/api/v1/admin/users/{user_id:str}",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="getUser",
    summary="One user",
    description="An account of one's organisation.",
    tags=["People"],
    responses={200: success(PersonShown, EXAMPLE, "The account."), **error_answers(errors.NotFound, *_ERRORS)},
)
async def get_user(user_id: UserId, caller: NamedDependency[Caller], people: NamedDependency[People]) -> Response[PersonShown]:
    return _answer(await people.get(caller, user_id))


@patch(
    "/api/v1/admin/users/{user_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="changeUser",
    summary="Change an account",
    description=(
        "Nobody touches who is above them, changes their own role, or suspends themselves; an organisation keeps an owner. "
        "Who moves takes their keys along. Counts from the next request on."
    ),
    tags=["People"],
    responses={
        200: success(PersonShown, EXAMPLE, "It is changed."),
        **error_answers(*_BODY_ERRORS, errors.PreconditionFailed),
    },
    **json_body(UserPatch),
)
async def change_user(
    user_id: UserId,
    data: Annotated[UserPatch, Body(examples=[Example(value={"role": "admin"}), Example(value={"suspended": True})])],
    caller: NamedDependency[Caller],
    people: NamedDependency[People],
    if_match: IfMatch = None,
) -> Response[PersonShown]:
    wanted = PersonChange(**{name: getattr(data, name) for name in UserPatch.__struct_fields__})
    return _answer(await people.change(caller, user_id, wanted, version_in(if_match)))


@delete(
    "/api/v1/admin/users/{user_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="deleteUser",
    summary="Delete an account",
    description="With its keys, sign-ins and kept responses. What the ledger says of it stays.",
    tags=["People"],
    responses=error_answers(errors.InvalidField, *_ERRORS, errors.NotFound, errors.Conflict),
)
async def delete_user(
    user_id: UserId,
    caller: NamedDependency[Caller],
    people: NamedDependency[People],
    forget: Annotated[
        bool, QueryParameter(description="Keep no name, also of who was deleted before: what they used stays under an id.")
    ] = False,
) -> None:
    await people.delete(caller, user_id, forget=forget)


def _answer(person: Person, status: int = 200) -> Response[PersonShown]:
    return Response(person_shown(person), status_code=status, headers=etag(person.version))


def import_shown(told: Imported, base_url: str) -> ImportShown:
    """`base_url` without a path."""
    links = [LinkShown(email, link_to(base_url, token)) for email, token in told.tokens]
    return ImportShown(told.created, links, told.unchanged, told.departments_created, told.teams_created, told.dry_run)


def person_shown(person: Person) -> PersonShown:
    return PersonShown(
        id=person.id,
        name=person.name,
        email=person.email,
        role=person.role,
        tenant_id=person.tenant_id,
        department_id=person.department_id,
        team_id=person.team_id,
        has_password=person.has_password,
        second_factor=person.second_factor,
        suspended_at=rfc3339_or_none(person.suspended_at),
        last_sign_in_at=rfc3339_or_none(person.last_sign_in_at),
        created_at=rfc3339(person.created_at),
        updated_at=rfc3339_or_none(person.updated_at),
        version=person.version,
    )


routes: list[Any] = [list_users, create_user, import_users, get_user, change_user, delete_user]
