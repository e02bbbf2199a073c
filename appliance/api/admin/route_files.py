"""All providers and routes as one TOML file: `POST /api/v1/admin/routes/import`, `GET /api/v1/admin/routes/export`."""

import asyncio
from typing import Annotated, Any

from litestar import Request, Response, get, post
from litestar.di import NamedDependency
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example, OpenAPIMediaType, OpenAPIType, Operation, RequestBody, Schema
from litestar.params import QueryParameter

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.error_answers import error_answers, success
from appliance.errors import InvalidField
from appliance.identity.caller import Caller
from appliance.routing.catalog import Catalog
from appliance.routing.route_import import Imported
from appliance.routing.route_toml import read_toml

TOML = "application/toml"
_FILE_EXAMPLE = """\
[[providers]]
name = "openai"
kind = "openai"
api_key = "sk-…"

[[routes]]
name = "fast"
strategy = "weighted"

[[routes.deployments]]
provider = "openai"
model = "gpt-4o-mini"
weight = 1
"""
_EXPORT_EXAMPLE = _FILE_EXAMPLE.replace('api_key = "sk-…"\n', 'api_key_env = "OPENAI_API_KEY"\n')
_IMPORTED_EXAMPLE = {
    "dry_run": False,
    "providers": {"created": ["openai"], "changed": [], "unchanged": []},
    "routes": {"created": [], "changed": ["fast"], "unchanged": ["slow"]},
}


class _TomlBody(Operation):
    """An operation whose body is a TOML file; Litestar knows nothing of the kind."""

    def __init__(self, **fields: Any) -> None:
        media = OpenAPIMediaType(schema=Schema(type=OpenAPIType.STRING), examples={"file": Example(value=_FILE_EXAMPLE)})
        super().__init__(**{**fields, "request_body": RequestBody(content={TOML: media}, required=True)})


@post(
    "/api/v1/admin/routes/import",
    guards=[requires("providers:change"), requires("routes:change")],
    dependencies=CALLER,
    operation_id="importRoutes",
    summary="Take in providers and routes from a TOML file",
    description=(
        "All of it or nothing. What has the same name is replaced, everything else stays. A provider that is there already and "
        "comes without a credential keeps its own. Counts from the next request on."
    ),
    tags=["Routes"],
    status_code=200,
    operation_class=_TomlBody,
    responses={
        200: success(Imported, _IMPORTED_EXAMPLE, "What became of it."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden),
    },
)
async def import_routes(
    request: Request[Any, Any, Any],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    dry_run: Annotated[bool, QueryParameter(description="Only say what would be done.")] = False,
) -> Imported:
    body = await request.body()
    if not body.strip():
        raise InvalidField("the body is empty", fix="Send a TOML file.")
    document = await asyncio.to_thread(read_toml, body)
    return await catalog.take_in(caller.actor, document, dry_run=dry_run)


@get(
    "/api/v1/admin/routes/export",
    guards=[requires("providers:read"), requires("routes:read")],
    operation_id="exportRoutes",
    summary="All providers and routes as a TOML file",
    description="Without credentials. Taken in where the providers are there already, it changes nothing.",
    tags=["Routes"],
    media_type=TOML,
    responses={
        200: ResponseSpec(
            str, generate_examples=False, description="The file.", media_type=TOML, examples=[Example(value=_EXPORT_EXAMPLE)]
        ),
        **error_answers(errors.TokenInvalid, errors.Forbidden),
    },
    sync_to_thread=False,
)
def export_routes(catalog: NamedDependency[Catalog]) -> Response[bytes]:
    return Response(
        catalog.written().encode(), media_type=TOML, headers={"content-disposition": 'attachment; filename="routes.toml"'}
    )


routes: list[Any] = [import_routes, export_routes]
