"""Teams, within a department or by themselves: `/api/v1/admin/teams`."""

from typing import Annotated, Any

import msgspec
from litestar import Response, delete, get, patch, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import UNSET, Meta, UnsetType

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.etags import IfMatch, version_in
from appliance.api.admin.units import BODY_ERRORS, READ_ERRORS, Forget, Release, UnitList, UnitShown, answer, listed
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX
from appliance.identity.units import UnitChange, Units

TeamId = Annotated[str, PathParameter(description="Its id (`team_…`).")]


class TeamCreate(msgspec.Struct, forbid_unknown_fields=True):
    """A new team."""

    name: Annotated[str, Meta(description="Up to 200 characters; no other's in its department.")]
    department_id: Annotated[str | None, Meta(description="Which it is part of; left out: none.")] = None
    tenant_id: Annotated[str | None, Meta(description="For the machine's own commands: whose it is. Left out: one's own.")] = None


class TeamPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different."""

    name: str | UnsetType = UNSET
    suspended: Annotated[bool | UnsetType, Meta(description="The keys of everybody in it stop.")] = UNSET
    department_id: Annotated[str | UnsetType | None, Meta(description="Where it moves, with its people and their keys.")] = UNSET


EXAMPLE: dict[str, Any] = {
    "id": "team_qw4hambglzmnu5i4fubob2da",
    "name": "Platform",
    "tenant_id": "tenant_default",
    "department_id": "dpt_qw4hambglzmnu5i4fubob2da",
    "users": 7,
    "suspended_at": None,
    "created_at": "2026-11-25T13:17:08.123Z",
    "updated_at": None,
    "version": 1,
}


@get(
    "/api/v1/admin/teams",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="listTeams",
    summary="List teams",
    description="Those of one's organisation, or of one department.",
    tags=["People"],
    responses={
        200: success(UnitList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *READ_ERRORS),
    },
)
async def list_teams(
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
    department_id: Annotated[str | None, QueryParameter(description="Only those of this department.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Teams on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> UnitList:
    page = await units.list(caller, "team", limit=limit, after=cursor, department_id=department_id)
    return listed(page)


@post(
    "/api/v1/admin/teams",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="createTeam",
    summary="Make a team",
    description="People can be part of it.",
    tags=["People"],
    responses={201: success(UnitShown, EXAMPLE, "It is made."), **error_answers(*BODY_ERRORS)},
    **json_body(TeamCreate),
)
async def create_team(
    data: Annotated[TeamCreate, Body(examples=[Example(value={"name": "Platform"})])],
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
) -> Response[UnitShown]:
    return answer(await units.create(caller, "team", data.name, department_id=data.department_id, tenant_id=data.tenant_id), 201)


@get(
    "/api/v1/admin/teams/{team_id:str}",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="getTeam",
    summary="One team",
    description="And how many people are in it.",
    tags=["People"],
    responses={200: success(UnitShown, EXAMPLE, "The team."), **error_answers(errors.NotFound, *READ_ERRORS)},
)
async def get_team(team_id: TeamId, caller: NamedDependency[Caller], units: NamedDependency[Units]) -> Response[UnitShown]:
    return answer(await units.get(caller, "team", team_id))


@patch(
    "/api/v1/admin/teams/{team_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="changeTeam",
    summary="Change a team",
    description="Its name and its department: its people and their keys go along. Suspended, it stops their keys at once.",
    tags=["People"],
    responses={
        200: success(UnitShown, EXAMPLE, "It is changed."),
        **error_answers(*BODY_ERRORS, errors.PreconditionFailed),
    },
    **json_body(TeamPatch),
)
async def change_team(
    team_id: TeamId,
    data: Annotated[TeamPatch, Body(examples=[Example(value={"department_id": "dpt_qw4hambglzmnu5i4fubob2da"})])],
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
    if_match: IfMatch = None,
) -> Response[UnitShown]:
    wanted = UnitChange(name=data.name, suspended=data.suspended, department_id=data.department_id)
    return answer(await units.change(caller, "team", team_id, wanted, version_in(if_match)))


@delete(
    "/api/v1/admin/teams/{team_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="deleteTeam",
    summary="Delete a team",
    description="What the ledger says of it stays.",
    tags=["People"],
    responses=error_answers(errors.InvalidField, *READ_ERRORS, errors.NotFound, errors.Conflict),
)
async def delete_team(
    team_id: TeamId,
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
    release: Release = False,
    forget: Forget = False,
) -> None:
    await units.delete(caller, "team", team_id, release=release, forget=forget)


routes: list[Any] = [list_teams, create_team, get_team, change_team, delete_team]
