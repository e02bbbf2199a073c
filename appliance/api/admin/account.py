"""One's own account: its sign-ins and its password, under `/api/v1/admin/auth`."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, PathParameter
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339
from appliance.identity.caller import Caller
from appliance.identity.sessions import Session, Sessions
from appliance.identity.sign_in import SignIn


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """The old one, as proof, and the new one."""

    current_password: str
    new_password: Annotated[str, Meta(description="At least 8 characters, and none of the most common ones.")]


class SessionShown(msgspec.Struct):
    """A sign-in that holds. `current`: the one that asks."""

    id: str
    method: str
    address: str
    agent: str
    created_at: str
    last_seen_at: str
    expires_at: str
    current: bool


class SessionList(msgspec.Struct):
    """All of one's own, the last seen first."""

    items: list[SessionShown]


SESSION_EXAMPLE: dict[str, Any] = {
    "id": "sess_qw4hambglzmnu5i4fubob2da",
    "method": "password",
    "address": "192.168.1.20",
    "agent": "Mozilla/5.0 …",
    "created_at": "2026-11-25T13:17:08.123Z",
    "last_seen_at": "2026-11-26T08:00:00.000Z",
    "expires_at": "2026-11-26T13:17:08.123Z",
    "current": True,
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)


@get(
    "/api/v1/admin/auth/sessions",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="listSessions",
    summary="Where one is signed in",
    description="At most 50; of more, the one that was seen longest ago ends.",
    tags=["Accounts"],
    responses={200: success(SessionList, {"items": [SESSION_EXAMPLE]}, "One's own sign-ins."), **error_answers(*_ERRORS)},
)
async def list_sessions(caller: NamedDependency[Caller], sessions: NamedDependency[Sessions]) -> SessionList:
    return SessionList([session_shown(one, caller.session_id) for one in await sessions.list(caller)])


@delete(
    "/api/v1/admin/auth/sessions/{session_id:str}",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="endSession",
    summary="End one of one's sign-ins",
    description="Its token is worth nothing from the next request on.",
    tags=["Accounts"],
    responses=error_answers(*_ERRORS, errors.NotFound),
)
async def end_session(
    session_id: Annotated[str, PathParameter(description="Its id (`sess_…`).")],
    caller: NamedDependency[Caller],
    sessions: NamedDependency[Sessions],
) -> None:
    await sessions.end(caller, session_id)


@post(
    "/api/v1/admin/auth/logout",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="logout",
    summary="Sign out",
    description="The token that is sent is worth nothing from the next request on.",
    tags=["Accounts"],
    status_code=204,
    responses=error_answers(*_ERRORS),
)
async def logout(caller: NamedDependency[Caller], sessions: NamedDependency[Sessions]) -> None:
    await sessions.leave(caller)


@post(
    "/api/v1/admin/auth/logout-everywhere",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="logoutEverywhere",
    summary="Sign out everywhere",
    description="Every token of one's own is void, the one that is sent too. API keys go on working.",
    tags=["Accounts"],
    status_code=204,
    responses=error_answers(*_ERRORS),
)
async def logout_everywhere(caller: NamedDependency[Caller], sessions: NamedDependency[Sessions]) -> None:
    await sessions.end_everywhere(caller)


@post(
    "/api/v1/admin/auth/password",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="changePassword",
    summary="Change one's password",
    description="Every other sign-in of one's own ends.",
    tags=["Accounts"],
    status_code=204,
    responses=error_answers(errors.MalformedJson, errors.InvalidField, *_ERRORS, errors.TooManyAttempts, errors.Overloaded),
    **json_body(PasswordChange),
)
async def change_password(
    data: Annotated[
        PasswordChange,
        Body(examples=[Example(value={"current_password": "Password123!", "new_password": "seven grey herons wait"})]),
    ],
    caller: NamedDependency[Caller],
    sign_in: NamedDependency[SignIn],
) -> None:
    await sign_in.change_password(caller, data.current_password, data.new_password)


def session_shown(one: Session, current: str | None = None) -> SessionShown:
    return SessionShown(
        id=one.id,
        method=one.method,
        address=one.address,
        agent=one.agent,
        created_at=rfc3339(one.created_at),
        last_seen_at=rfc3339(one.last_seen_at),
        expires_at=rfc3339(one.expires_at),
        current=one.id == current,
    )


routes: list[Any] = [list_sessions, end_session, logout, logout_everywhere, change_password]
