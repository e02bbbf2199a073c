"""Routes, the names that callers write as `model`: `/api/v1/admin/routes`."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter

from appliance import errors
from appliance.api.admin import deployments
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.pages import LIST_MAX, page
from appliance.api.admin.standing import STANDING
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.identity.caller import Caller
from appliance.routing.catalog import Catalog
from appliance.routing.route_changes import route_of
from appliance.routing.route_forms import RouteForm
from appliance.routing.route_shown import RouteShown, Standing, route_shown

_ID_TOLD = "Its id (`route_…`), or its name unless that has a slash or is `export`, `import` or `explain`."
RouteId = Annotated[str, PathParameter(description=_ID_TOLD)]


class RouteList(msgspec.Struct):
    """One page, by name. `next_cursor` leads to the next one; null: there is none."""

    items: list[RouteShown]
    next_cursor: str | None


_FORM_EXAMPLE: dict[str, Any] = {
    "name": "fast",
    "deployments": [
        {"provider": "openai", "model": "gpt-4o-mini", "weight": 3},
        {"provider": "local", "model": "qwen2.5-7b-instruct"},
    ],
}
_EXAMPLE: dict[str, Any] = {
    "id": "route_trcsuj7puruldahodtkjrhgf",
    "name": "fast",
    "strategy": "weighted",
    "retries": 2,
    "circuit_breaker": {"failure_rate": 0.5, "requests_min": 5, "window_seconds": 30.0, "open_seconds": 15.0},
    "fallbacks": [],
    "timeouts": {"first_token_seconds": None, "request_seconds": None},
    "hedge": False,
    "drop_unsupported": False,
    "local_only": False,
    "fallback_on_refusal": False,
    "local_queue_max": 2,
    "cache": None,
    "policy": "",
    "deployments": [deployments.EXAMPLE],
    "problems": [],
    "created_at": "2026-11-26T08:00:00.000Z",
    "updated_at": "2026-11-26T08:00:00.000Z",
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS, errors.Conflict)


@get(
    "/api/v1/admin/routes",
    guards=[requires("routes:read")],
    dependencies=STANDING,
    operation_id="listRoutes",
    summary="List routes",
    description="With their deployments, and what is wrong with them now.",
    tags=["Routes"],
    responses={
        200: success(RouteList, {"items": [_EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_ERRORS),
    },
    sync_to_thread=False,
)
def list_routes(
    catalog: NamedDependency[Catalog],
    standing: NamedDependency[Standing],
    name: Annotated[str | None, QueryParameter(description="Only the one of this name.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Routes on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> RouteList:
    found = (stored for stored in catalog.book.routes.values() if name is None or stored.form.name == name)
    stored, following = page(found, lambda route: route.form.name, limit, cursor)
    return RouteList([route_shown(one, standing) for one in stored], following)


@post(
    "/api/v1/admin/routes",
    guards=[requires("routes:change")],
    dependencies=CALLER | STANDING,
    operation_id="createRoute",
    summary="Make a route",
    description="Callers can ask for it by its name from the next request on.",
    tags=["Routes"],
    status_code=201,
    responses={201: success(RouteShown, _EXAMPLE, "It is made."), **error_answers(*_BODY_ERRORS)},
    **json_body(RouteForm),
)
async def create_route(
    data: Annotated[RouteForm, Body(examples=[Example(value=_FORM_EXAMPLE)])],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    standing: NamedDependency[Standing],
) -> RouteShown:
    await catalog.change(caller.actor, lambda book, changes: changes.route_made(book, data))
    return route_shown(route_of(catalog.book, data.name), standing)


@get(
    "/api/v1/admin/routes/{route_id:str}",
    guards=[requires("routes:read")],
    dependencies=STANDING,
    operation_id="getRoute",
    summary="One route",
    description="With its deployments, and what is wrong with it now.",
    tags=["Routes"],
    responses={200: success(RouteShown, _EXAMPLE, "The route."), **error_answers(errors.NotFound, *_ERRORS)},
    sync_to_thread=False,
)
def get_route(route_id: RouteId, catalog: NamedDependency[Catalog], standing: NamedDependency[Standing]) -> RouteShown:
    return route_shown(route_of(catalog.book, route_id), standing)


@patch(
    "/api/v1/admin/routes/{route_id:str}",
    guards=[requires("routes:change")],
    dependencies=CALLER | STANDING,
    operation_id="changeRoute",
    summary="Change a route",
    description=(
        "The fields that are sent take the place of those that are there; null takes one back to its default. `deployments` is "
        "the whole new list: those that lead where one led before keep their id. Counts from the next request on."
    ),
    tags=["Routes"],
    responses={200: success(RouteShown, _EXAMPLE, "It is changed."), **error_answers(*_BODY_ERRORS, errors.NotFound)},
    **json_body(dict),
)
async def change_route(
    route_id: RouteId,
    data: Annotated[
        dict[str, Any], Body(examples=[Example(value={"strategy": "least-latency"}), Example(value={"fallbacks": ["slow"]})])
    ],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    standing: NamedDependency[Standing],
) -> RouteShown:
    known = route_of(catalog.book, route_id).id
    await catalog.change(caller.actor, lambda book, changes: changes.route_changed(book, known, data))
    return route_shown(route_of(catalog.book, known), standing)


@delete(
    "/api/v1/admin/routes/{route_id:str}",
    guards=[requires("routes:change")],
    dependencies=CALLER,
    operation_id="removeRoute",
    summary="Remove a route",
    description="And its deployments. One that others fall back to stays: the answer names them.",
    tags=["Routes"],
    responses=error_answers(*_ERRORS, errors.NotFound, errors.Conflict),
)
async def remove_route(route_id: RouteId, caller: NamedDependency[Caller], catalog: NamedDependency[Catalog]) -> None:
    await catalog.change(caller.actor, lambda book, changes: changes.route_removed(book, route_id))


routes: list[Any] = [list_routes, create_route, get_route, change_route, remove_route]
