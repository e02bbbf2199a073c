"""Deployments, one by one: `/api/v1/admin/deployments`. Each is part of a route, and can be changed there as well."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.pages import LIST_MAX, page
from appliance.api.admin.standing import STANDING
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.identity.caller import Caller
from appliance.routing.catalog import Catalog
from appliance.routing.route_book import Book, Edit
from appliance.routing.route_changes import Changes, deployment_at, deployment_to, route_of
from appliance.routing.route_forms import DeploymentForm
from appliance.routing.route_shown import DeploymentShown, Standing, deployment_shown, deployments_shown

DeploymentId = Annotated[str, PathParameter(description="Its id (`dep_…`).")]


class DeploymentCreate(DeploymentForm, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A deployment, and the route that it is to be part of."""

    route: Annotated[str, Meta(description="The route's id or name.")]


class DeploymentList(msgspec.Struct):
    """One page, the oldest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[DeploymentShown]
    next_cursor: str | None


EXAMPLE: dict[str, Any] = {
    "id": "dep_2xkq4hambglzmnu5i4fubob2",
    "route": "fast",
    "route_id": "route_trcsuj7puruldahodtkjrhgf",
    "provider": "openai",
    "model": "gpt-4o-mini",
    "weight": 1.0,
    "order": 0,
    "limits": {"requests_per_minute": None, "tokens_per_minute": None, "concurrent": None},
    "context_tokens": None,
    "local": False,
    "problem": None,
    "circuit": {"state": "closed", "why": None, "seconds_left": 0.0},
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS, errors.NotFound)


@get(
    "/api/v1/admin/deployments",
    guards=[requires("routes:read")],
    dependencies=STANDING,
    operation_id="listDeployments",
    summary="List deployments",
    description="Of all routes, or of one.",
    tags=["Routes"],
    responses={
        200: success(DeploymentList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *_ERRORS),
    },
    sync_to_thread=False,
)
def list_deployments(
    catalog: NamedDependency[Catalog],
    standing: NamedDependency[Standing],
    route: Annotated[str | None, QueryParameter(description="Only those of this route: its id or its name.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Deployments on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> DeploymentList:
    found = (one for one in deployments_shown(catalog.book, standing) if route in (None, one[1].route, one[1].route_id))
    shown, following = page(found, lambda pair: f"{pair[0]:012d}", limit, cursor)
    return DeploymentList([one for _, one in shown], following)


@post(
    "/api/v1/admin/deployments",
    guards=[requires("routes:change")],
    dependencies=CALLER | STANDING,
    operation_id="createDeployment",
    summary="Add a deployment to a route",
    description="It is asked from the next request on.",
    tags=["Routes"],
    status_code=201,
    responses={201: success(DeploymentShown, EXAMPLE, "It is added."), **error_answers(*_BODY_ERRORS)},
    **json_body(DeploymentCreate),
)
async def create_deployment(
    data: Annotated[
        DeploymentCreate, Body(examples=[Example(value={"route": "fast", "provider": "openai", "model": "gpt-4o-mini"})])
    ],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    standing: NamedDependency[Standing],
) -> DeploymentShown:
    document = msgspec.to_builtins(data)
    route_id = route_of(catalog.book, document.pop("route"), param="route").id
    await catalog.change(caller.actor, lambda book, changes: changes.deployment_made(book, route_id, document))
    return _shown(catalog, standing, deployment_to(catalog.book, route_id, data.provider, data.model))


@get(
    "/api/v1/admin/deployments/{deployment_id:str}",
    guards=[requires("routes:read")],
    dependencies=STANDING,
    operation_id="getDeployment",
    summary="One deployment",
    description="As it stands in its route.",
    tags=["Routes"],
    responses={200: success(DeploymentShown, EXAMPLE, "The deployment."), **error_answers(errors.NotFound, *_ERRORS)},
    sync_to_thread=False,
)
def get_deployment(
    deployment_id: DeploymentId, catalog: NamedDependency[Catalog], standing: NamedDependency[Standing]
) -> DeploymentShown:
    return _shown(catalog, standing, deployment_id)


@patch(
    "/api/v1/admin/deployments/{deployment_id:str}",
    guards=[requires("routes:change")],
    dependencies=CALLER | STANDING,
    operation_id="changeDeployment",
    summary="Change a deployment",
    description=(
        "The fields that are sent take the place of those that are there. Weight 0 drains it: what runs there ends, nothing new "
        "begins. One that is led to another model or provider becomes another deployment, with an id of its own."
    ),
    tags=["Routes"],
    responses={200: success(DeploymentShown, EXAMPLE, "It is changed."), **error_answers(*_BODY_ERRORS)},
    **json_body(dict),
)
async def change_deployment(
    deployment_id: DeploymentId,
    data: Annotated[dict[str, Any], Body(examples=[Example(value={"weight": 0})])],
    caller: NamedDependency[Caller],
    catalog: NamedDependency[Catalog],
    standing: NamedDependency[Standing],
) -> DeploymentShown:
    now: list[tuple[str, DeploymentForm]] = []  # its place may be another one by the time that it is our turn

    def decide(book: Book, changes: Changes) -> Edit:
        before, place = deployment_at(book, deployment_id)
        edit = changes.deployment_changed(book, deployment_id, data)
        after = edit.routes[0].after if edit.routes else None
        now.append((before.id, (after or before.form).deployments[place]))
        return edit

    await catalog.change(caller.actor, decide)
    route_id, form = now[0]
    return _shown(catalog, standing, deployment_to(catalog.book, route_id, form.provider, form.model))


@delete(
    "/api/v1/admin/deployments/{deployment_id:str}",
    guards=[requires("routes:change")],
    dependencies=CALLER,
    operation_id="removeDeployment",
    summary="Take a deployment out of its route",
    description="Nothing new is sent there. The last of a route stays: remove the route.",
    tags=["Routes"],
    responses=error_answers(errors.InvalidField, *_ERRORS, errors.NotFound),
)
async def remove_deployment(
    deployment_id: DeploymentId, caller: NamedDependency[Caller], catalog: NamedDependency[Catalog]
) -> None:
    await catalog.change(caller.actor, lambda book, changes: changes.deployment_removed(book, deployment_id))


def _shown(catalog: Catalog, standing: Standing, deployment_id: str) -> DeploymentShown:
    route, place = deployment_at(catalog.book, deployment_id)
    return deployment_shown(route, route.deployments[place], standing)


routes: list[Any] = [list_deployments, create_deployment, get_deployment, change_deployment, remove_deployment]
