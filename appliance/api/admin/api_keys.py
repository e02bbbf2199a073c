"""API keys: `POST` and `GET /api/v1/admin/api-keys`, `DELETE /api/v1/admin/api-keys/{key_id}`."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.auth import NO_STORE
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339, rfc3339_or_none
from appliance.identity.api_keys import ApiKey, ApiKeys, KeyWanted, NewKey, Scope
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX
from appliance.identity.key_format import Environment


class ApiKeyCreate(msgspec.Struct, forbid_unknown_fields=True):
    """What the new key is to be."""

    name: Annotated[str, Meta(description="By which you will know it; up to 200 characters.")]
    environment: Annotated[Environment, Meta(description="Where it will be used; stands in the key itself.")] = "development"
    expires_at: Annotated[datetime, Meta(tz=True)] | None = None
    scopes: Annotated[
        list[Scope],
        Meta(description="What it may do; empty: chat, embeddings and models. `metrics` must be named, by an administrator."),
    ] = []


class ApiKeyCreated(msgspec.Struct):
    """The key. `key` is in this answer and nowhere else: copy it now."""

    id: str
    name: str
    environment: str
    key: str
    key_prefix: str
    created_at: str
    expires_at: str | None


class ApiKeyShown(msgspec.Struct):
    """Everything but the key."""

    id: str
    name: str
    environment: str
    key_prefix: str
    scopes: list[str]
    loopback_only: bool
    user_id: str | None
    created_by: str
    created_at: str
    expires_at: str | None
    revoked_at: str | None


class ApiKeyList(msgspec.Struct):
    """One page, the newest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[ApiKeyShown]
    next_cursor: str | None


_CREATED_EXAMPLE: dict[str, Any] = {
    "id": "key_qw4hambglzmnu5i4fubob2da",
    "name": "My Key",
    "environment": "development",
    "key": "gh-dev-…",
    "key_prefix": "gh-dev-DPQt",
    "created_at": "2026-11-25T13:17:08.123Z",
    "expires_at": None,
}
_SHOWN_EXAMPLE = {
    **{name: value for name, value in _CREATED_EXAMPLE.items() if name != "key"},
    "scopes": [],
    "loopback_only": False,
    "user_id": "user_trcsuj7puruldahodtkjrhgf",
    "created_by": "user_trcsuj7puruldahodtkjrhgf",
    "revoked_at": None,
}


@post(
    "/api/v1/admin/api-keys",
    guards=[requires("api_keys:create")],
    dependencies=CALLER,
    operation_id="createApiKey",
    summary="Make an API key",
    description="For the caller. The key works from the very next request on, and is shown this once.",
    tags=["API keys"],
    response_headers=NO_STORE,
    responses={
        201: success(ApiKeyCreated, _CREATED_EXAMPLE, "The key, shown once."),
        **error_answers(errors.MalformedJson, errors.InvalidField, errors.TokenInvalid, errors.Forbidden),
    },
    **json_body(ApiKeyCreate),
)
async def create_api_key(
    data: Annotated[
        ApiKeyCreate,
        Body(
            examples=[
                Example(value={"name": "My Key"}),
                Example(value={"name": "CI", "environment": "test", "expires_at": "2027-01-01T00:00:00Z"}),
            ]
        ),
    ],
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
) -> ApiKeyCreated:
    return key_created(await api_keys.create(caller, key_wanted(data)))


@get(
    "/api/v1/admin/api-keys",
    guards=[requires("api_keys:list")],
    dependencies=CALLER,
    operation_id="listApiKeys",
    summary="List API keys",
    description="One's own, revoked ones too; owner, admin and auditor see all of their tenant.",
    tags=["API keys"],
    responses={
        200: success(ApiKeyList, {"items": [_SHOWN_EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden),
    },
)
async def list_api_keys(
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Keys on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> ApiKeyList:
    page = await api_keys.list(caller, limit=limit, after=cursor)
    return ApiKeyList([_shown(key) for key in page.items], page.next_cursor)


@delete(
    "/api/v1/admin/api-keys/{key_id:str}",
    guards=[requires("api_keys:revoke")],
    dependencies=CALLER,
    operation_id="revokeApiKey",
    summary="Revoke an API key",
    description=(
        "It stops working with the very next request, for good. One's own; owner and admin may revoke any of their tenant. "
        "Revoking a key that is revoked already answers 204 as well."
    ),
    tags=["API keys"],
    responses=error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden, errors.NotFound),
)
async def revoke_api_key(
    key_id: Annotated[str, PathParameter(description="Its id (`key_…`), not the key itself.")],
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
) -> None:
    await api_keys.revoke(caller, key_id)


def key_wanted(data: ApiKeyCreate) -> KeyWanted:
    """Times come as people write them and are kept as integers."""
    expires_at = None if data.expires_at is None else round(data.expires_at.timestamp() * 1000)
    return KeyWanted(name=data.name, environment=data.environment, expires_at=expires_at, scopes=frozenset(data.scopes))


def key_created(new: NewKey) -> ApiKeyCreated:
    key = new.key
    return ApiKeyCreated(
        key.id, key.name, key.environment, new.secret, key.key_prefix, rfc3339(key.created_at), rfc3339_or_none(key.expires_at)
    )


def _shown(key: ApiKey) -> ApiKeyShown:
    return ApiKeyShown(
        id=key.id,
        name=key.name,
        environment=key.environment,
        key_prefix=key.key_prefix,
        scopes=key.scopes,
        loopback_only=key.loopback_only,
        user_id=key.user_id,
        created_by=key.created_by,
        created_at=rfc3339(key.created_at),
        expires_at=rfc3339_or_none(key.expires_at),
        revoked_at=rfc3339_or_none(key.revoked_at),
    )


routes: list[Any] = [create_api_key, list_api_keys, revoke_api_key]
