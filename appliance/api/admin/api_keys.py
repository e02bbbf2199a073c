"""API keys: `/api/v1/admin/api-keys`."""

from typing import Annotated, Any

from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from appliance import errors
from appliance.api.admin import key_forms as forms
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.auth import NO_STORE
from appliance.api.admin.etags import IfMatch, etag, version_in
from appliance.api.admin.key_forms import ApiKeyCreated, ApiKeyList, ApiKeyRevoked, ApiKeyRotated, ApiKeyShown
from appliance.api.bodies import json_body, json_body_or_none
from appliance.api.error_answers import error_answers, success
from appliance.identity.api_keys import ApiKeys
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX

KeyId = Annotated[str, PathParameter(description="Its id (`key_…`), not the key itself.")]

_ERRORS = (errors.InvalidField, errors.TokenInvalid, errors.Forbidden)
_CHANGE_ERRORS = (errors.MalformedJson, *_ERRORS, errors.NotFound, errors.Conflict, errors.PreconditionFailed)


@post(
    "/api/v1/admin/api-keys",
    guards=[requires("api_keys:create")],
    dependencies=CALLER,
    operation_id="createApiKey",
    summary="Make an API key",
    description=(
        "For the caller; owner and admin also for another person of theirs, or for a service account. The key works from the "
        "very next request on, and is shown this once."
    ),
    tags=["API keys"],
    response_headers=NO_STORE,
    responses={
        201: success(ApiKeyCreated, forms.CREATED_EXAMPLE, "The key, shown once."),
        **error_answers(errors.MalformedJson, *_ERRORS),
    },
    **json_body(forms.ApiKeyCreate),
)
async def create_api_key(
    data: Annotated[
        forms.ApiKeyCreate,
        Body(
            examples=[
                Example(value={"name": "My Key"}),
                Example(value={"name": "CI", "environment": "test", "expires_at": "2027-01-01T00:00:00Z"}),
                Example(value={"name": "Wiki", "service_account_id": "sa_…", "models": ["fast", "openai/*"]}),
            ]
        ),
    ],
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
) -> ApiKeyCreated:
    return forms.key_created(await api_keys.create(caller, forms.key_wanted(data), whose=forms.key_holder(data)))


@get(
    "/api/v1/admin/api-keys",
    guards=[requires("api_keys:list")],
    dependencies=CALLER,
    operation_id="listApiKeys",
    summary="List API keys",
    description="One's own, revoked ones too; owner, admin and auditor see all of their tenant.",
    tags=["API keys"],
    responses={
        200: success(ApiKeyList, {"items": [forms.SHOWN_EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(*_ERRORS),
    },
)
async def list_api_keys(
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Keys on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
    user_id: Annotated[str | None, QueryParameter(description="Only this user's.")] = None,
    service_account_id: Annotated[str | None, QueryParameter(description="Only this service account's.")] = None,
    key_state: Annotated[
        str | None, QueryParameter(name="state", description="Only those that are `active`, `revoked` or `expired`.")
    ] = None,
) -> ApiKeyList:
    wanted = forms.key_filter(user_id, service_account_id, key_state)
    page = await api_keys.list(caller, limit=limit, after=cursor, wanted=wanted)
    return ApiKeyList([forms.key_shown(key) for key in page.items], page.next_cursor)


@get(
    "/api/v1/admin/api-keys/{key_id:str}",
    guards=[requires("api_keys:list")],
    dependencies=CALLER,
    operation_id="getApiKey",
    summary="One API key",
    description="Everything but the key itself; its ETag is its version.",
    tags=["API keys"],
    responses={
        200: success(ApiKeyShown, forms.SHOWN_EXAMPLE, "The key, without its value."),
        **error_answers(*_ERRORS, errors.NotFound),
    },
)
async def get_api_key(
    key_id: KeyId, caller: NamedDependency[Caller], api_keys: NamedDependency[ApiKeys]
) -> Response[ApiKeyShown]:
    key = await api_keys.get(caller, key_id)
    return Response(forms.key_shown(key), headers=etag(key.version))


@patch(
    "/api/v1/admin/api-keys/{key_id:str}",
    guards=[requires("api_keys:change")],
    dependencies=CALLER,
    operation_id="changeApiKey",
    summary="Change an API key",
    description=(
        "Its name, end, scopes and models; it counts from the very next request on. One's own; owner and admin may change any of "
        "their tenant whose holder isn't above them."
    ),
    tags=["API keys"],
    responses={
        200: success(ApiKeyShown, {**forms.SHOWN_EXAMPLE, "version": 2}, "The key as it is now."),
        **error_answers(*_CHANGE_ERRORS),
    },
    **json_body(forms.ApiKeyChange),
)
async def change_api_key(
    key_id: KeyId,
    data: Annotated[
        forms.ApiKeyChange, Body(examples=[Example(value={"models": ["fast"]}), Example(value={"expires_at": None})])
    ],
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
    if_match: IfMatch = None,
) -> Response[ApiKeyShown]:
    key = await api_keys.change(caller, key_id, forms.key_change(data), version=version_in(if_match))
    return Response(forms.key_shown(key), headers=etag(key.version))


@post(
    "/api/v1/admin/api-keys/{key_id:str}/rotate",
    guards=[requires("api_keys:change")],
    dependencies=CALLER,
    operation_id="rotateApiKey",
    summary="Rotate an API key",
    description=(
        "A new value for the same key: id, name, limits and use stay. The value before works beside it for `grace_seconds` (a "
        "day, at most 30), so that nothing stops while it is replaced; one that is still older ends at once."
    ),
    tags=["API keys"],
    status_code=200,
    responses={
        200: success(ApiKeyRotated, forms.ROTATED_EXAMPLE, "The new value, shown once."),
        **error_answers(*_CHANGE_ERRORS),
    },
    **json_body_or_none(forms.ApiKeyRotate),
)
async def rotate_api_key(
    key_id: KeyId,
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
    data: Annotated[forms.ApiKeyRotate | None, Body(examples=[Example(value={"grace_seconds": 86400})])] = None,
    if_match: IfMatch = None,
) -> Response[ApiKeyRotated]:
    grace_seconds = (data or forms.ApiKeyRotate()).grace_seconds
    new = await api_keys.rotate(caller, key_id, grace_seconds=grace_seconds, version=version_in(if_match))
    return Response(forms.key_rotated(new), headers={**NO_STORE, **etag(new.key.version)})


@post(
    "/api/v1/admin/api-keys/revoke",
    guards=[requires("api_keys:list")],  # whoever is signed in; that they hold the value is the proof
    dependencies=CALLER,
    operation_id="revokeApiKeyByValue",
    summary="Revoke a leaked API key",
    description=(
        "For whoever found a key where it should not be: whoever is signed in and holds the value may revoke it, another "
        "person's too. The value is kept nowhere. Of a key that was rotated, the value before is ended alone."
    ),
    tags=["API keys"],
    status_code=200,
    responses={
        200: success(ApiKeyRevoked, forms.REVOKED_EXAMPLE, "It works no more."),
        **error_answers(errors.MalformedJson, *_ERRORS, errors.NotFound),
    },
    **json_body(forms.ApiKeyRevoke),
)
async def revoke_api_key_by_value(
    data: Annotated[forms.ApiKeyRevoke, Body(examples=[Example(value={"key": "gh-dev-…"})])],
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
) -> ApiKeyRevoked:
    return forms.key_revoked(await api_keys.revoke_value(caller, data.key.strip()))


@delete(
    "/api/v1/admin/api-keys/{key_id:str}",
    guards=[requires("api_keys:revoke")],
    dependencies=CALLER,
    operation_id="revokeApiKey",
    summary="Revoke an API key",
    description=(
        "It stops working with the very next request, for good, and stays listed. One's own; owner and admin may revoke any of "
        "their tenant whose holder isn't above them. Revoking a key that is revoked already answers 204 as well."
    ),
    tags=["API keys"],
    responses=error_answers(*_ERRORS, errors.NotFound),
)
async def revoke_api_key(key_id: KeyId, caller: NamedDependency[Caller], api_keys: NamedDependency[ApiKeys]) -> None:
    await api_keys.revoke(caller, key_id)


routes: list[Any] = [
    create_api_key,
    list_api_keys,
    get_api_key,
    change_api_key,
    rotate_api_key,
    revoke_api_key_by_value,
    revoke_api_key,
]
