"""The raw routes: one table of path, handler, permission and OpenAPI operation, mounted in Litestar as plain ASGI.

Litestar's own handling costs 184 µs a request, a raw handler mounted in it 17, and the door calls it directly where no browser
asks (docs/decisions/0002). What Litestar does elsewhere (method check, body bound, errors, request id, metrics) the door does.
Litestar doesn't describe `@asgi` routes, so their operations are put into its OpenAPI document at start.
"""

from typing import Any, cast

import msgspec
from litestar import Litestar, asgi
from litestar.handlers import ASGIRouteHandler
from litestar.openapi.spec import PathItem

from appliance.api.door import ASGIApp, Door, ErrorForm, Handler, without_parameters
from appliance.api.exchange import Receive, Scope, Send


class RawRoute(msgspec.Struct, frozen=True):
    """One hot route. Several may share a path, with methods of their own; it may have a parameter (`/v1/files/{file_id:str}`).

    anthropic_errors: how errors are told to callers with the header `anthropic-version`, where both dialects' clients come here.
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
    anthropic_errors: ErrorForm | None = None


def handlers(routes: list[RawRoute], door: Door) -> dict[str, ASGIApp]:
    """Each path's handler as plain ASGI."""
    found: dict[str, dict[str, RawRoute]] = {}
    for route in routes:
        for path in route.paths:
            found.setdefault(path, {})[route.method] = route
    return {path: _handler(path, methods, door) for path, methods in found.items()}


def _handler(path: str, methods: dict[str, RawRoute], door: Door) -> ASGIApp:
    first = next(iter(methods.values()))
    if len(methods) == 1 and first.anthropic_errors is None:
        return _of_one(path, first, door)
    known = ", ".join(methods)

    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        route = methods.get(scope["method"])
        method, told = (known, first) if route is None else (route.method, route)
        form = told.errors
        if told.anthropic_errors is not None and any(name == b"anthropic-version" for name, _ in scope["headers"]):
            form = told.anthropic_errors
        await door.run(path, method, told.handler, form, scope, receive, send)

    return raw


def _of_one(path: str, route: RawRoute, door: Door) -> ASGIApp:
    async def raw(scope: Scope, receive: Receive, send: Send) -> None:
        await door.run(path, route.method, route.handler, route.errors, scope, receive, send)

    return raw


def mounted(raw: dict[str, ASGIApp]) -> list[ASGIRouteHandler]:
    """The handlers as Litestar takes them: for `@asgi` it knows no parameters, so the door tells it another path there."""
    return [asgi(without_parameters(path), copy_scope=False)(cast(Any, handler)) for path, handler in raw.items()]


def describe(app: Litestar, routes: list[RawRoute], schemas: dict[str, Any]) -> None:
    """Put the raw routes into the app's OpenAPI document, first: they are what most readers come for, and ReDoc lists eight of a
    kind. Litestar writes plain dictionaries through as they are."""
    document = app.openapi_schema
    assert document.paths is not None and document.components.schemas is not None
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for number, path in enumerate(route.paths):
            operation = dict(route.operation)
            operation["operationId"] = f"{operation['operationId']}{number or ''}"
            paths.setdefault(path.replace(":str}", "}"), {})[route.method.lower()] = operation
    document.paths = {**cast(dict[str, PathItem], paths), **document.paths}
    document.components.schemas.update(schemas)
