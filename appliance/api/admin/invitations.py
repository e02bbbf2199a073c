"""Invitations: `POST` and `GET /api/v1/admin/invitations`, `DELETE /api/v1/admin/invitations/{invitation_id}`."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter, QueryParameter
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.auth import NO_STORE
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339, rfc3339_or_none
from appliance.identity.caller import Caller
from appliance.identity.cursors import LIST_MAX
from appliance.identity.invitation_places import HOURS_DEFAULT, HOURS_MAX, InvitationWanted
from appliance.identity.invitations import Invitation, Invitations, NewInvitation, State
from appliance.identity.roles import Role


class InvitationCreate(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to come, and as what."""

    email: Annotated[str | None, Meta(description="Then it is for this address alone; left out: for whoever holds the link.")] = (
        None
    )
    name: Annotated[str | None, Meta(description="As the form suggests it.")] = None
    role: Annotated[Role, Meta(description="Never above your own.")] = "member"
    department_id: str | None = None
    team_id: Annotated[str | None, Meta(description="Brings its department along.")] = None
    expires_in_hours: Annotated[int, Meta(ge=1, le=HOURS_MAX)] = HOURS_DEFAULT
    tenant_id: Annotated[str | None, Meta(description="Another one than your own: for the command line alone.")] = None


class InvitationShown(msgspec.Struct):
    """Everything but the link. `user_id`: of an account that is there already and gets its password by it."""

    id: str
    state: State
    email: str | None
    name: str | None
    role: str
    tenant_id: str
    department_id: str | None
    team_id: str | None
    user_id: str | None
    created_by: str
    created_at: str
    expires_at: str
    used_at: str | None
    used_by: str | None
    revoked_at: str | None


class InvitationCreated(msgspec.Struct):
    """`link` is in this answer and nowhere else: send it to your colleague now."""

    link: str
    invitation: InvitationShown


class InvitationList(msgspec.Struct):
    """One page, the newest first. `next_cursor` leads to the next one; null: there is none."""

    items: list[InvitationShown]
    next_cursor: str | None


EXAMPLE: dict[str, Any] = {
    "id": "inv_qw4hambglzmnu5i4fubob2da",
    "state": "open",
    "email": "ada@example.com",
    "name": "Ada",
    "role": "member",
    "tenant_id": "tenant_default",
    "department_id": None,
    "team_id": None,
    "user_id": None,
    "created_by": "user_trcsuj7puruldahodtkjrhgf",
    "created_at": "2026-11-25T13:17:08.123Z",
    "expires_at": "2026-11-28T13:17:08.123Z",
    "used_at": None,
    "used_by": None,
    "revoked_at": None,
}


@post(
    "/api/v1/admin/invitations",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="createInvitation",
    summary="Invite somebody",
    description=(
        "The link lets one person in, once: they choose a password and get an API key. It is shown this once. "
        "`gatehouse users invite` does the same at the command line."
    ),
    tags=["People"],
    response_headers=NO_STORE,
    responses={
        201: success(InvitationCreated, {"link": "https://10.0.0.5:8443/join/…", "invitation": EXAMPLE}, "The link, shown once."),
        **error_answers(
            errors.MalformedJson,
            errors.InvalidField,
            errors.TokenInvalid,
            errors.Forbidden,
            errors.NotFound,
            errors.Conflict,
        ),
    },
    **json_body(InvitationCreate),
)
async def create_invitation(
    data: Annotated[InvitationCreate, Body(examples=[Example(value={"email": "ada@example.com", "name": "Ada"})])],
    caller: NamedDependency[Caller],
    invitations: NamedDependency[Invitations],
    base_url: NamedDependency[Callable[[], str]],
) -> InvitationCreated:
    wanted = InvitationWanted(**msgspec.structs.asdict(data))
    return invitation_created(await invitations.create(caller, wanted), base_url())


@get(
    "/api/v1/admin/invitations",
    guards=[requires("people:read")],
    dependencies=CALLER,
    operation_id="listInvitations",
    summary="List invitations",
    description="Of one's own organisation; those that were used, revoked or have expired for 90 days more.",
    tags=["People"],
    responses={
        200: success(InvitationList, {"items": [EXAMPLE], "next_cursor": None}, "One page."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden),
    },
)
async def list_invitations(
    caller: NamedDependency[Caller],
    invitations: NamedDependency[Invitations],
    in_state: Annotated[State | None, QueryParameter(name="state", description="Only those in this state.")] = None,
    limit: Annotated[int, QueryParameter(ge=1, le=LIST_MAX, description="Invitations on a page.")] = 50,
    cursor: Annotated[str | None, QueryParameter(description="next_cursor of the page before.")] = None,
) -> InvitationList:
    page = await invitations.list(caller, state=in_state, limit=limit, after=cursor)
    return InvitationList([_shown(one) for one in page.items], page.next_cursor)


@delete(
    "/api/v1/admin/invitations/{invitation_id:str}",
    guards=[requires("people:change")],
    dependencies=CALLER,
    operation_id="revokeInvitation",
    summary="Take an invitation back",
    description="Its link leads nowhere from now on. One that is no longer open stays as it is, and that answers 204 as well.",
    tags=["People"],
    responses=error_answers(errors.TokenInvalid, errors.Forbidden, errors.NotFound),
)
async def revoke_invitation(
    invitation_id: Annotated[str, PathParameter(description="Its id (`inv_…`), not the link.")],
    caller: NamedDependency[Caller],
    invitations: NamedDependency[Invitations],
) -> None:
    await invitations.revoke(caller, invitation_id)


def link_to(base_url: str, token: str) -> str:
    """What a colleague opens. `base_url` without a path."""
    return f"{base_url}/join/{token}"


def invitation_created(new: NewInvitation, base_url: str) -> InvitationCreated:
    return InvitationCreated(link_to(base_url, new.token), _shown(new.invitation))


def _shown(one: Invitation) -> InvitationShown:
    times = {
        "created_at": rfc3339(one.created_at),
        "expires_at": rfc3339(one.expires_at),
        "used_at": rfc3339_or_none(one.used_at),
        "revoked_at": rfc3339_or_none(one.revoked_at),
    }
    return msgspec.convert({**msgspec.structs.asdict(one), **times}, InvitationShown)


routes: list[Any] = [create_invitation, list_invitations, revoke_invitation]
