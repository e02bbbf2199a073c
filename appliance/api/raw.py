"""The raw routes: one table of path, handler, permission and OpenAPI operation, mounted in Litestar as plain ASGI.

Litestar's own handling costs 184 µs a request, a raw handler 17 (docs/decisions/0002). What Litestar does elsewhere (method
check, body bound, errors, request id, metrics) the door does for these. Litestar doesn't describe `@asgi` routes, so
their operations are put into its OpenAPI document at start.
"""

from typing import Any, cast

import msgspec
from litestar import Litestar, asgi
from litestar.handlers import ASGIRouteHandler
from litestar.openapi.spec import PathItem

from appliance.api.door import Door, ErrorForm, Handler
from appliance.api.exchange import Receive, Scope, Send


class RawRoute(msgspec.Struct, frozen=True):
    """One hot route.

    permission:      what a key's scopes must allow.
    carries_content: prompts or answers pass here, so guardrails must see them.
    operation:       its entry in the OpenAPI document, as plain JSON.
    """

    paths: tuple[str, ...]
    method: str
    handler: Handler
    errors: ErrorForm
    permission: str
    carries_content: bool
    operation: dict[str, Any]


def mounted(routes: list[RawRoute], door: Door) -> list[ASGIRouteHandler]:
    """The routes as Litestar takes them."""
    return [_mount(path, route, door) for route in routes for path in route.paths]


def _mount(path: str, route: RawRoute, door: Door) -> ASGIRouteHandler:
    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        await door.run(path, route.method, route.handler, route.errors, scope, receive, send)

    return asgi(path, copy_scope=False)(cast(Any, raw))


def paths_of(routes: list[RawRoute]) -> frozenset[str]:
    return frozenset(path for route in routes for path in route.paths)


def describe(app: Litestar, routes: list[RawRoute], schemas: dict[str, Any]) -> None:
    """Add the raw routes to the app's OpenAPI document. Litestar writes plain dictionaries through as they are."""
    document = app.openapi_schema
    assert document.paths is not None and document.components.schemas is not None
    for route in routes:
        for number, path in enumerate(route.paths):
            operation = dict(route.operation)
            operation["operationId"] = f"{operation['operationId']}{number or ''}"
            document.paths[path] = cast(PathItem, {route.method.lower(): operation})
    document.components.schemas.update(schemas)
