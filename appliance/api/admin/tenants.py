"""Organisations: `/api/v1/admin/tenants`. Most appliances have one, and nobody there has to think of it."""

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
from appliance.api.admin.invitations import InvitationCreated, invitation_created
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339, rfc3339_or_none
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX
from appliance.identity.invitation_places import HOURS_DEFAULT, HOURS_MAX, InvitationWanted
from appliance.identity.tenant_rules import TenantRules
from appliance.identity.tenants import Begun, Tenant, TenantChange, Tenants

TenantId = Annotated[str, PathParameter(description="Its id (`tenant_…`).")]


class FirstOwner(msgspec.Struct, forbid_unknown_fields=True):
    """Who is invited to be the owner of a new organisation."""

    email: str
    name: Annotated[str | None, Meta(description="As the form suggests it.")] = None
    expires_in_hours: Annotated[int, Meta(ge=1, le=HOURS_MAX)] = HOURS_DEFAULT


class TenantCreate(msgspec.Struct, forbid_unknown_fields=True):
    """A new organisation."""

    name: Annotated[str, Meta(description="Up to 200 characters; no other's.")]
    rules: TenantRules = msgspec.field(default_factory=TenantRules)
    owner: Annotated[
        FirstOwner | None, Meta(description="Whom to invite as its first owner: both are done, or neither. Left out: nobody.")
    ] = None


class TenantPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different."""

    name: str | UnsetType = UNSET
    suspended: Annotated[bool | UnsetType, Meta(description="Nobody of it signs in, and its keys stop.")] = UNSET
    rules: Annotated[dict[str, Any] | UnsetType, Meta(description="Those named change; null takes one back to its default.")] = (
        UNSET
    )


class TenantShown(msgspec.Struct):
    """An organisation. `version` is its ETag."""

    id: str
    name: str
    is_default: bool
    rules: TenantRules
    users: int
    suspended_at: str | None
    created_at: str
    updated_at: str | None
    version: int


class TenantCreated(TenantShown):
    """`invitation`: of its first owner, where one was named; its link is in this answer and nowhere else."""

    invitation: InvitationCreated | None


class TenantList(msgspec.Struct):
    """One page, the oldest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[TenantShown]
    next_cursor: str | None


EXAMPLE: dict[str, Any] = {
    "id": "tenant_default",
    "name": "Acme",
    "is_default": True,
    "rules": {"currency": "INR", "time_zone": "Asia/Kolkata"},
    "users": 12,
    "suspended_at": None,
    "created_at": "2026-11-25T13:17:08.123Z",
    "updated_at": None,
    "version": 1,
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS, errors.Conflict)


@get(
    "/api/v1/admin/tenants",
    guards=[requires("tenants:read")],
    dependencies=CALLER,
    operation_id="listTenants",
    summary="List organisations",
    description="One's own; the owner of the appliance's own organisation sees that there are others, and not what is in them.",
    tags=["People"],
    responses={
        200: success(TenantList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_ERRORS),
    },
)
async def list_tenants(
    caller: NamedDependency[Caller],
    tenants: NamedDependency[Tenants],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Organisations on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> TenantList:
    page = await tenants.list(caller, limit=limit, after=cursor)
    return TenantList([tenant_shown(one) for one in page.items], page.next_cursor)


@post(
    "/api/v1/admin/tenants",
    guards=[requires("tenants:manage")],
    dependencies=CALLER,
    operation_id="createTenant",
    summary="Make an organisation",
    description=(
        "Its people see nothing of the others, and neither run the appliance nor look into it. With `owner` the answer holds a "
        "link with which its first owner comes in, shown this once."
    ),
    tags=["People"],
    response_headers=NO_STORE,
    responses={
        201: success(TenantCreated, {**EXAMPLE, "is_default": False, "users": 0, "invitation": None}, "It is made."),
        **error_answers(*_BODY_ERRORS),
    },
    **json_body(TenantCreate),
)
async def create_tenant(
    data: Annotated[
        TenantCreate,
        Body(
            examples=[
                Example(value={"name": "Acme", "rules": {"time_zone": "Asia/Kolkata"}}),
                Example(value={"name": "Acme", "owner": {"email": "ada@acme.example", "name": "Ada"}}),
            ]
        ),
    ],
    caller: NamedDependency[Caller],
    tenants: NamedDependency[Tenants],
    base_url: NamedDependency[Callable[[], str]],
) -> Response[TenantCreated]:
    owner = None if data.owner is None else InvitationWanted(**msgspec.structs.asdict(data.owner))
    begun = await tenants.begin(caller, data.name, data.rules, owner)
    return Response(tenant_created(begun, base_url()), status_code=201, headers={**NO_STORE, **etag(begun.tenant.version)})


@get(
    "/api/v1/admin/tenants/{tenant_id:str}",
    guards=[requires("tenants:read")],
    dependencies=CALLER,
    operation_id="getTenant",
    summary="One organisation",
    description="Its name and its rules.",
    tags=["People"],
    responses={200: success(TenantShown, EXAMPLE, "The organisation."), **error_answers(errors.NotFound, *_ERRORS)},
)
async def get_tenant(
    tenant_id: TenantId, caller: NamedDependency[Caller], tenants: NamedDependency[Tenants]
) -> Response[TenantShown]:
    return _answer(await tenants.get(caller, tenant_id))


@patch(
    "/api/v1/admin/tenants/{tenant_id:str}",
    guards=[requires("tenants:change")],
    dependencies=CALLER,
    operation_id="changeTenant",
    summary="Change an organisation",
    description="Its name and rules; whoever manages organisations may suspend one too. Counts from the next request on.",
    tags=["People"],
    responses={
        200: success(TenantShown, EXAMPLE, "It is changed."),
        **error_answers(*_BODY_ERRORS, errors.NotFound, errors.PreconditionFailed),
    },
    **json_body(TenantPatch),
)
async def change_tenant(
    tenant_id: TenantId,
    data: Annotated[TenantPatch, Body(examples=[Example(value={"rules": {"currency": "INR", "models": ["fast", "local/*"]}})])],
    caller: NamedDependency[Caller],
    tenants: NamedDependency[Tenants],
    if_match: IfMatch = None,
) -> Response[TenantShown]:
    wanted = TenantChange(name=data.name, suspended=data.suspended, rules=data.rules)
    return _answer(await tenants.change(caller, tenant_id, wanted, version_in(if_match)))


@delete(
    "/api/v1/admin/tenants/{tenant_id:str}",
    guards=[requires("tenants:manage")],
    dependencies=CALLER,
    operation_id="deleteTenant",
    summary="Delete an organisation",
    description="With everybody and every key in it; it must be suspended. What the ledger says of it stays.",
    tags=["People"],
    responses=error_answers(errors.InvalidField, *_ERRORS, errors.NotFound, errors.Conflict),
)
async def delete_tenant(
    tenant_id: TenantId,
    caller: NamedDependency[Caller],
    tenants: NamedDependency[Tenants],
    forget: Annotated[bool, QueryParameter(description="Keep no names: what it used stays under ids alone.")] = False,
) -> None:
    await tenants.delete(caller, tenant_id, forget=forget)


def _answer(tenant: Tenant, status: int = 200) -> Response[TenantShown]:
    return Response(tenant_shown(tenant), status_code=status, headers=etag(tenant.version))


def tenant_created(begun: Begun, base_url: str) -> TenantCreated:
    invitation = None if begun.invitation is None else invitation_created(begun.invitation, base_url)
    return TenantCreated(**msgspec.structs.asdict(tenant_shown(begun.tenant)), invitation=invitation)


def tenant_shown(tenant: Tenant) -> TenantShown:
    return TenantShown(
        id=tenant.id,
        name=tenant.name,
        is_default=tenant.is_default,
        rules=tenant.rules,
        users=tenant.users,
        suspended_at=rfc3339_or_none(tenant.suspended_at),
        created_at=rfc3339(tenant.created_at),
        updated_at=rfc3339_or_none(tenant.updated_at),
        version=tenant.version,
    )


routes: list[Any] = [list_tenants, create_tenant, get_tenant, change_tenant, delete_tenant]
