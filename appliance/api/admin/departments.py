"""Departments of an organisation: `/api/v1/admin/departments`."""

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

DepartmentId = Annotated[str, PathParameter(description="Its id (`dpt_…`).")]


class DepartmentCreate(msgspec.Struct, forbid_unknown_fields=True):
    """A new department."""

    name: Annotated[str, Meta(description="Up to 200 characters; no other's in the organisation.")]
    tenant_id: Annotated[str | None, Meta(description="For the machine's own commands: whose it is. Left out: one's own.")] = None


class DepartmentPatch(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be different."""

    name: str | UnsetType = UNSET
    suspended: Annotated[bool | UnsetType, Meta(description="The keys of everybody in it stop.")] = UNSET


EXAMPLE: dict[str, Any] = {
    "id": "dpt_qw4hambglzmnu5i4fubob2da",
    "name": "Research",
    "tenant_id": "tenant_default",
    "department_id": None,
    "users": 7,
    "suspended_at": None,
    "created_at": "2026-11-25T13:17:08.123Z",
    "updated_at": None,
    "version": 1,
}


@get(
    "/api/v1/admin/departments",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="listDepartments",
    summary="List departments",
    description="Those of one's organisation.",
    tags=["People"],
    responses={
        200: success(UnitList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, *READ_ERRORS),
    },
)
async def list_departments(
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Departments on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> UnitList:
    page = await units.list(caller, "department", limit=limit, after=cursor)
    return listed(page)


@post(
    "/api/v1/admin/departments",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="createDepartment",
    summary="Make a department",
    description="Teams and people can be part of it.",
    tags=["People"],
    responses={201: success(UnitShown, EXAMPLE, "It is made."), **error_answers(*BODY_ERRORS)},
    **json_body(DepartmentCreate),
)
async def create_department(
    data: Annotated[DepartmentCreate, Body(examples=[Example(value={"name": "Research"})])],
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
) -> Response[UnitShown]:
    return answer(await units.create(caller, "department", data.name, tenant_id=data.tenant_id), 201)


@get(
    "/api/v1/admin/departments/{department_id:str}",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="getDepartment",
    summary="One department",
    description="And how many people are in it.",
    tags=["People"],
    responses={200: success(UnitShown, EXAMPLE, "The department."), **error_answers(errors.NotFound, *READ_ERRORS)},
)
async def get_department(
    department_id: DepartmentId, caller: NamedDependency[Caller], units: NamedDependency[Units]
) -> Response[UnitShown]:
    return answer(await units.get(caller, "department", department_id))


@patch(
    "/api/v1/admin/departments/{department_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="changeDepartment",
    summary="Change a department",
    description="Its name; suspended, it stops the keys of everybody in it, from the next request on.",
    tags=["People"],
    responses={
        200: success(UnitShown, EXAMPLE, "It is changed."),
        **error_answers(*BODY_ERRORS, errors.PreconditionFailed),
    },
    **json_body(DepartmentPatch),
)
async def change_department(
    department_id: DepartmentId,
    data: Annotated[DepartmentPatch, Body(examples=[Example(value={"name": "Research and development"})])],
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
    if_match: IfMatch = None,
) -> Response[UnitShown]:
    wanted = UnitChange(name=data.name, suspended=data.suspended)
    return answer(await units.change(caller, "department", department_id, wanted, version_in(if_match)))


@delete(
    "/api/v1/admin/departments/{department_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="deleteDepartment",
    summary="Delete a department",
    description="What the ledger says of it stays.",
    tags=["People"],
    responses=error_answers(errors.InvalidField, *READ_ERRORS, errors.NotFound, errors.Conflict),
)
async def delete_department(
    department_id: DepartmentId,
    caller: NamedDependency[Caller],
    units: NamedDependency[Units],
    release: Release = False,
    forget: Forget = False,
) -> None:
    await units.delete(caller, "department", department_id, release=release, forget=forget)


routes: list[Any] = [list_departments, create_department, get_department, change_department, delete_department]
