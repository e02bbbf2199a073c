"""What departments and teams have in common over HTTP."""

from typing import Annotated

import msgspec
from litestar import Response
from litestar.params import QueryParameter

from appliance import errors
from appliance.api.admin.etags import etag
from appliance.clock import rfc3339, rfc3339_or_none
from appliance.identity.units import Unit, UnitPage

READ_ERRORS = (errors.TokenInvalid, errors.Forbidden)
BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *READ_ERRORS, errors.NotFound, errors.Conflict)

Release = Annotated[bool, QueryParameter(description="Though somebody is in it: they stay in the organisation.")]
Forget = Annotated[bool, QueryParameter(description="Keep no name, also of one deleted before: what it used stays under its id.")]


class UnitShown(msgspec.Struct):
    """A department or a team. `department_id`: of a team, the one that it is part of. `version` is its ETag."""

    id: str
    name: str
    tenant_id: str
    department_id: str | None
    users: int
    suspended_at: str | None
    created_at: str
    updated_at: str | None
    version: int


class UnitList(msgspec.Struct):
    """One page, the oldest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[UnitShown]
    next_cursor: str | None


def listed(page: UnitPage) -> UnitList:
    return UnitList([_shown(one) for one in page.items], page.next_cursor)


def answer(unit: Unit, status: int = 200) -> Response[UnitShown]:
    return Response(_shown(unit), status_code=status, headers=etag(unit.version))


def _shown(unit: Unit) -> UnitShown:
    return UnitShown(
        id=unit.id,
        name=unit.name,
        tenant_id=unit.tenant_id,
        department_id=unit.department_id,
        users=unit.users,
        suspended_at=rfc3339_or_none(unit.suspended_at),
        created_at=rfc3339(unit.created_at),
        updated_at=rfc3339_or_none(unit.updated_at),
        version=unit.version,
    )
