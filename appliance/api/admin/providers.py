"""Providers: `/api/v1/admin/providers`. Credentials are taken in and never given out beyond their last four characters."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.pages import LIST_MAX, page
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.errors import NotFound
from appliance.identity.caller import Caller
from appliance.routing.catalog import Catalog
from appliance.routing.connection import ConnectionTried
from appliance.routing.connections import Connections
from appliance.routing.route_forms import ProviderForm
from appliance.routing.route_shown import ProviderShown, providers_shown
from appliance.settings import Settings

ProviderId = Annotated[str, PathParameter(description="Its id (`prov_…`), or its name unless that is `test`.")]


class ProviderList(msgspec.Struct):
    """One page, by name. `next_cursor` leads to the next one; null: there is none."""

    items: list[ProviderShown]
    next_cursor: str | None


FORM_EXAMPLE: dict[str, Any] = {"name": "openai", "kind": "openai", "api_key": "sk-…"}
EXAMPLE: dict[str, Any] = {
    "id": "prov_qw4hambglzmnu5i4fubob2da",
    "name": "openai",
    "kind": "openai",
    "base_url": "",
    "api_version": "",
    "region": "",
    "models": [],
    "api_key_env": "",
    "api_key_end": "…wXyZ",
    "access_key_id_end": None,
    "secret_access_key_end": None,
    "has_credential": True,
    "source": "database",
    "used_by": ["fast"],
    "problem": None,
    "created_at": "2026-11-26T08:00:00.000Z",
    "updated_at": "2026-11-26T08:00:00.000Z",
}
_TRIED_EXAMPLE = {"ok": True, "seconds": 0.184, "models": ["gpt-4o", "gpt-4o-mini"], "error": None}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS)


@get(
    "/api/v1/admin/providers",
    guards=[requires("providers:read")],
    operation_id="listProviders",
    summary="List providers",
    description="Those of the database, which can be changed here, and those of gatehouse.toml and the environment.",
    tags=["Providers"],
    responses={
        200: success(ProviderList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_ERRORS),
    },
    sync_to_thread=False,
)
def list_providers(
    catalog: NamedDependency[Catalog],
    settings: NamedDependency[Settings],
    name: Annotated[str | None, QueryParameter(description="Only the one of this name.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Providers on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> ProviderList:
    found = [shown for shown in providers_shown(catalog, settings) if name is None or shown.name == name]
    return ProviderList(*page(found, lambda shown: shown.name, limit, cursor))


@post(
    "/api/v1/admin/providers",
    guards=[requires("providers:change")],
    dependencies=CALLER,
    operation_id="createProvider",
    summary="Add a provider",
    description="Its models can be asked for from the next request on, as `name/model`, and routes can send requests to it.",
    tags=["Providers"],
    status_code=201,
    responses={201: success(ProviderShown, EXAMPLE, "It is added."), **error_answers(*_BODY_ERRORS, errors.Conflict)},
    **json_body(ProviderForm),
)
async def create_provider(
    data: Annotated[ProviderForm, Body(examples=[Example(value=FORM_EXAMPLE)])],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    settings: NamedDependency[Settings],
) -> ProviderShown:
    await catalog.change(caller.actor, lambda book, changes: changes.provider_made(book, data))
    return _shown(catalog, settings, data.name)


@get(
    "/api/v1/admin/providers/{provider_id:str}",
    guards=[requires("providers:read")],
    operation_id="getProvider",
    summary="One provider",
    description="Without its credential.",
    tags=["Providers"],
    responses={200: success(ProviderShown, EXAMPLE, "The provider."), **error_answers(errors.NotFound, *_ERRORS)},
    sync_to_thread=False,
)
def get_provider(
    provider_id: ProviderId, catalog: NamedDependency[Catalog], settings: NamedDependency[Settings]
) -> ProviderShown:
    return _shown(catalog, settings, provider_id)


@patch(
    "/api/v1/admin/providers/{provider_id:str}",
    guards=[requires("providers:change")],
    dependencies=CALLER,
    operation_id="changeProvider",
    summary="Change a provider",
    description=(
        "The fields that are sent take the place of those that are there. A credential left out stays; an empty text removes it. "
        "Where the address changes the credential must be given anew. Counts from the next request on."
    ),
    tags=["Providers"],
    responses={
        200: success(ProviderShown, EXAMPLE, "It is changed."),
        **error_answers(*_BODY_ERRORS, errors.NotFound, errors.Conflict),
    },
    **json_body(dict),
)
async def change_provider(
    provider_id: ProviderId,
    data: Annotated[dict[str, Any], Body(examples=[Example(value={"api_key": "sk-…"}), Example(value={"models": ["gpt-4o"]})])],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    settings: NamedDependency[Settings],
) -> ProviderShown:
    known = catalog.changes.provider(catalog.book, provider_id).id
    await catalog.change(caller.actor, lambda book, changes: changes.provider_changed(book, known, data))
    return _shown(catalog, settings, known)


@delete(
    "/api/v1/admin/providers/{provider_id:str}",
    guards=[requires("providers:change")],
    dependencies=CALLER,
    operation_id="removeProvider",
    summary="Remove a provider",
    description="And its credential. One that routes send requests to stays: the answer names them.",
    tags=["Providers"],
    responses=error_answers(*_ERRORS, errors.NotFound, errors.Conflict),
)
async def remove_provider(provider_id: ProviderId, caller: NamedDependency[Caller], catalog: NamedDependency[Catalog]) -> None:
    await catalog.change(caller.actor, lambda book, changes: changes.provider_removed(book, provider_id))


@post(
    "/api/v1/admin/providers/test",
    guards=[requires("providers:change")],
    dependencies=CALLER,
    operation_id="testNewProvider",
    summary="Try a provider before it is added",
    description=(
        "Asks it for its models, which shows that it is there and that the credential is good. Nothing is kept; the audit tells "
        "who tried which host."
    ),
    tags=["Providers"],
    status_code=200,
    responses={200: success(ConnectionTried, _TRIED_EXAMPLE, "How it went."), **error_answers(*_BODY_ERRORS)},
    **json_body(ProviderForm),
)
async def try_new_provider(
    data: Annotated[ProviderForm, Body(examples=[Example(value=FORM_EXAMPLE)])],
    caller: NamedDependency[Caller],
    connections: NamedDependency[Connections],
) -> ConnectionTried:
    return await connections.try_form(caller.actor, data)


@post(
    "/api/v1/admin/providers/{provider_id:str}/test",
    guards=[requires("providers:change")],
    dependencies=CALLER,
    operation_id="testProvider",
    summary="Try a provider",
    description="Asks it for its models, with the credential that is kept.",
    tags=["Providers"],
    status_code=200,
    responses={200: success(ConnectionTried, _TRIED_EXAMPLE, "How it went."), **error_answers(*_ERRORS, errors.NotFound)},
)
async def try_provider(
    provider_id: ProviderId, caller: NamedDependency[Caller], connections: NamedDependency[Connections]
) -> ConnectionTried:
    return await connections.try_stored(caller.actor, provider_id)


def _shown(catalog: Catalog, settings: Settings, id_or_name: str) -> ProviderShown:
    found = [shown for shown in providers_shown(catalog, settings) if id_or_name in (shown.id, shown.name)]
    if not found:
        raise NotFound("there is no such provider", fix="GET /api/v1/admin/providers lists them.", param="provider_id")
    return found[0]


routes: list[Any] = [
    list_providers,
    create_provider,
    try_new_provider,
    get_provider,
    change_provider,
    remove_provider,
    try_provider,
]
