"""Service accounts: `/api/v1/admin/service-accounts`. Their keys are made at `/api/v1/admin/api-keys`."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.etags import IfMatch, etag, version_in
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339, rfc3339_or_none
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX
from appliance.identity.service_accounts import ServiceAccount, ServiceAccountChange, ServiceAccounts, ServiceAccountWanted

AccountId = Annotated[str, PathParameter(description="Its id (`sa_…`).")]


class ServiceAccountCreate(msgspec.Struct, forbid_unknown_fields=True):
    """A new one."""

    name: Annotated[str, Meta(description="Each name once in an organisation; up to 200 characters.")]
    department_id: str | None = None
    team_id: Annotated[str | None, Meta(description="Its department is the account's then.")] = None


class ServiceAccountPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be otherwise; what is left out stays."""

    name: str | UnsetType = UNSET
    department_id: str | UnsetType | None = UNSET
    team_id: str | UnsetType | None = UNSET
    suspended: Annotated[bool, Meta(description="Its keys stop with the next request, until it is false again.")] | UnsetType = (
        UNSET
    )


class ServiceAccountShown(msgspec.Struct):
    """One service account. `keys`: how many it has, revoked ones too."""

    id: str
    name: str
    tenant_id: str
    department_id: str | None
    team_id: str | None
    suspended_at: str | None
    keys: int
    created_by: str
    created_at: str
    updated_at: str | None
    version: int


class ServiceAccountList(msgspec.Struct):
    """One page, the newest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[ServiceAccountShown]
    next_cursor: str | None


_EXAMPLE: dict[str, Any] = {
    "id": "sa_qw4hambglzmnu5i4fubob2da",
    "name": "Wiki",
    "tenant_id": "tenant_default",
    "department_id": "dpt_trcsuj7puruldahodtkjrhgf",
    "team_id": None,
    "suspended_at": None,
    "keys": 1,
    "created_by": "user_trcsuj7puruldahodtkjrhgf",
    "created_at": "2026-11-26T08:00:00.000Z",
    "updated_at": None,
    "version": 1,
}
_ERRORS = (errors.InvalidField, errors.TokenInvalid, errors.Forbidden)


@get(
    "/api/v1/admin/service-accounts",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="listServiceAccounts",
    summary="List service accounts",
    description="Holders of keys that are no person: a wiki, a build server.",
    tags=["Service accounts"],
    responses={
        200: success(ServiceAccountList, {"items": [_EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(*_ERRORS),
    },
)
async def list_service_accounts(
    caller: NamedDependency[Caller],
    service_accounts: NamedDependency[ServiceAccounts],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Service accounts on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> ServiceAccountList:
    page = await service_accounts.list(caller, limit=limit, after=cursor)
    return ServiceAccountList([account_shown(account) for account in page.items], page.next_cursor)


@post(
    "/api/v1/admin/service-accounts",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="createServiceAccount",
    summary="Make a service account",
    description="It has no key yet: `POST /api/v1/admin/api-keys` with its id as `service_account_id` makes one.",
    tags=["Service accounts"],
    responses={
        201: success(ServiceAccountShown, {**_EXAMPLE, "keys": 0}, "The service account."),
        **error_answers(errors.MalformedJson, *_ERRORS, errors.Conflict),
    },
    **json_body(ServiceAccountCreate),
)
async def create_service_account(
    data: Annotated[
        ServiceAccountCreate, Body(examples=[Example(value={"name": "Wiki"}), Example(value={"name": "CI", "team_id": "team_…"})])
    ],
    caller: NamedDependency[Caller],
    service_accounts: NamedDependency[ServiceAccounts],
) -> Response[ServiceAccountShown]:
    wanted = ServiceAccountWanted(name=data.name, department_id=data.department_id, team_id=data.team_id)
    return _answer(await service_accounts.create(caller, wanted))


@get(
    "/api/v1/admin/service-accounts/{account_id:str}",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="getServiceAccount",
    summary="One service account",
    description="Its ETag is its version.",
    tags=["Service accounts"],
    responses={200: success(ServiceAccountShown, _EXAMPLE, "It."), **error_answers(*_ERRORS, errors.NotFound)},
)
async def get_service_account(
    account_id: AccountId, caller: NamedDependency[Caller], service_accounts: NamedDependency[ServiceAccounts]
) -> Response[ServiceAccountShown]:
    return _answer(await service_accounts.get(caller, account_id))


@patch(
    "/api/v1/admin/service-accounts/{account_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="changeServiceAccount",
    summary="Change a service account",
    description="Rename, move or suspend it. Its keys follow with the very next request.",
    tags=["Service accounts"],
    responses={
        200: success(ServiceAccountShown, {**_EXAMPLE, "version": 2}, "As it is now."),
        **error_answers(errors.MalformedJson, *_ERRORS, errors.NotFound, errors.Conflict, errors.PreconditionFailed),
    },
    **json_body(ServiceAccountPatch),
)
async def change_service_account(
    account_id: AccountId,
    data: Annotated[
        ServiceAccountPatch, Body(examples=[Example(value={"suspended": True}), Example(value={"department_id": None})])
    ],
    caller: NamedDependency[Caller],
    service_accounts: NamedDependency[ServiceAccounts],
    if_match: IfMatch = None,
) -> Response[ServiceAccountShown]:
    change = ServiceAccountChange(
        name=data.name, department_id=data.department_id, team_id=data.team_id, suspended=data.suspended
    )
    return _answer(await service_accounts.change(caller, account_id, change, version=version_in(if_match)))


@delete(
    "/api/v1/admin/service-accounts/{account_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="deleteServiceAccount",
    summary="Delete a service account",
    description="Its keys go with it, for good; what they used stays in the ledger.",
    tags=["Service accounts"],
    responses=error_answers(*_ERRORS, errors.NotFound, errors.PreconditionFailed),
)
async def delete_service_account(
    account_id: AccountId,
    caller: NamedDependency[Caller],
    service_accounts: NamedDependency[ServiceAccounts],
    if_match: IfMatch = None,
) -> None:
    await service_accounts.delete(caller, account_id, version=version_in(if_match))


def _answer(account: ServiceAccount) -> Response[ServiceAccountShown]:
    return Response(account_shown(account), headers=etag(account.version))


def account_shown(account: ServiceAccount) -> ServiceAccountShown:
    return ServiceAccountShown(
        id=account.id,
        name=account.name,
        tenant_id=account.tenant_id,
        department_id=account.department_id,
        team_id=account.team_id,
        suspended_at=rfc3339_or_none(account.suspended_at),
        keys=account.keys,
        created_by=account.created_by,
        created_at=rfc3339(account.created_at),
        updated_at=rfc3339_or_none(account.updated_at),
        version=account.version,
    )


routes: list[Any] = [
    list_service_accounts,
    create_service_account,
    get_service_account,
    change_service_account,
    delete_service_account,
]
