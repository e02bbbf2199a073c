"""What the command line asks of the running server, with the control token of run/control.json; from loopback only."""

from collections.abc import Callable
from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body, QueryParameter

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.account import SESSION_EXAMPLE, SessionList, session_shown
from appliance.api.admin.auth import NO_STORE, PERSON_EXAMPLE, USER_EXAMPLE, UserShown, user_shown
from appliance.api.admin.key_forms import ApiKeyCreate, ApiKeyCreated, key_created, key_holder, key_wanted
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.identity.accounts import FactorFate
from appliance.identity.api_keys import ApiKeys
from appliance.identity.caller import Caller
from appliance.identity.sessions import Sessions
from appliance.identity.sign_in import SignIn
from appliance.identity.users import Users


class OwnerCreate(msgspec.Struct, forbid_unknown_fields=True):
    """The owner's account."""

    name: str
    email: str
    password: str


class PasswordReset(msgspec.Struct, forbid_unknown_fields=True):
    """Whose password, and the new one."""

    email: str
    password: str
    drop_second_factor: bool = False


class PasswordWasReset(msgspec.Struct):
    """What came of it. `second_factor`: `kept` where signing in still asks for it."""

    user: UserShown
    sessions_ended: int
    second_factor: FactorFate


class SignOut(msgspec.Struct, forbid_unknown_fields=True):
    """Who is to be out."""

    email: str


class SignedOut(msgspec.Struct):
    """How many sign-ins that held have ended."""

    sessions_ended: int


class MachineKeyCreate(ApiKeyCreate, forbid_unknown_fields=True):
    """A key for the user with this e-mail address, or for a service account by its id or name; without either, for a service
    that belongs to nobody."""

    email: str | None = None


class Stopping(msgspec.Struct):
    """Running requests have until their deadline to end; no new ones are taken."""

    status: str = "stopping"


_KEY_EXAMPLE = {"name": "CI", "environment": "test", "email": "test@example.com"}
_RESET_EXAMPLE = {"user": USER_EXAMPLE, "sessions_ended": 2, "second_factor": "dropped"}
_ERRORS = (errors.MalformedJson, errors.InvalidField, errors.TokenInvalid, errors.Forbidden)


@post(
    "/api/v1/admin/machine/owner",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="createOwner",
    summary="Make an owner's account",
    description="`gatehouse owner create`, for a machine without a screen. Takes the control token, from loopback only.",
    tags=["This machine"],
    responses={201: success(UserShown, USER_EXAMPLE, "The account."), **error_answers(*_ERRORS, errors.Conflict)},
    **json_body(OwnerCreate),
)
async def create_owner(
    data: Annotated[OwnerCreate, Body(examples=[Example(value={"name": "Test", **PERSON_EXAMPLE})])],
    caller: NamedDependency[Caller],
    users: NamedDependency[Users],
) -> UserShown:
    return user_shown(await users.create_owner(data.name, data.email, data.password, actor=caller.actor))


@post(
    "/api/v1/admin/machine/password",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="resetPassword",
    summary="Set a user's password",
    description="`gatehouse users reset-password`. Every sign-in of that user ends. Takes the control token, from loopback only.",
    tags=["This machine"],
    status_code=200,
    responses={200: success(PasswordWasReset, _RESET_EXAMPLE, "It is set."), **error_answers(*_ERRORS, errors.NotFound)},
    **json_body(PasswordReset),
)
async def reset_password(
    data: Annotated[PasswordReset, Body(examples=[Example(value=PERSON_EXAMPLE)])],
    caller: NamedDependency[Caller],
    sign_in: NamedDependency[SignIn],
) -> PasswordWasReset:
    drop = data.drop_second_factor
    done = await sign_in.reset_password(data.email, data.password, actor=caller.actor, drop_factor=drop)
    return PasswordWasReset(user_shown(done.user), done.sessions_ended, done.second_factor)


@get(
    "/api/v1/admin/machine/sessions",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="listSessionsOfUser",
    summary="Where a user is signed in",
    description="`gatehouse users sessions`. Takes the control token, from loopback only.",
    tags=["This machine"],
    responses={
        200: success(SessionList, {"items": [{**SESSION_EXAMPLE, "current": False}]}, "Sign-ins that hold."),
        **error_answers(errors.InvalidField, errors.TokenInvalid, errors.Forbidden, errors.NotFound),
    },
)
async def list_sessions_of_user(
    caller: NamedDependency[Caller],
    sessions: NamedDependency[Sessions],
    email: Annotated[str, QueryParameter(max_length=400, description="Whose.")],
) -> SessionList:
    return SessionList([session_shown(one) for one in await sessions.of_account(caller, email)])


@post(
    "/api/v1/admin/machine/sign-out",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="signOutUser",
    summary="Sign a user out everywhere",
    description="`gatehouse users sign-out`. Their API keys go on working. Takes the control token, from loopback only.",
    tags=["This machine"],
    status_code=200,
    responses={200: success(SignedOut, {"sessions_ended": 2}, "They are out."), **error_answers(*_ERRORS, errors.NotFound)},
    **json_body(SignOut),
)
async def sign_out_user(
    data: Annotated[SignOut, Body(examples=[Example(value={"email": "test@example.com"})])],
    caller: NamedDependency[Caller],
    sessions: NamedDependency[Sessions],
) -> SignedOut:
    return SignedOut(await sessions.end_all_of_account(caller, data.email))


@post(
    "/api/v1/admin/machine/api-keys",
    guards=[requires("machine:control")],
    dependencies=CALLER,
    operation_id="createMachineApiKey",
    summary="Make an API key at the command line",
    description="`gatehouse keys create`. Takes the control token, from loopback only.",
    tags=["This machine"],
    response_headers=NO_STORE,
    responses={
        201: success(ApiKeyCreated, {"id": "key_…", "name": "CI", "key": "gh-test-…"}, "The key, shown once."),
        **error_answers(*_ERRORS, errors.NotFound),
    },
    **json_body(MachineKeyCreate),
)
async def create_api_key(
    data: Annotated[MachineKeyCreate, Body(examples=[Example(value=_KEY_EXAMPLE)])],
    caller: NamedDependency[Caller],
    api_keys: NamedDependency[ApiKeys],
) -> ApiKeyCreated:
    return key_created(await api_keys.create(caller, key_wanted(data), whose=key_holder(data, email=data.email)))


@post(
    "/api/v1/admin/machine/stop",
    guards=[requires("machine:control")],
    operation_id="stopMachine",
    summary="Stop the appliance",
    description="As on SIGTERM: running requests may end, then the server does. Takes the control token, from loopback only.",
    tags=["This machine"],
    status_code=202,
    responses={
        202: success(Stopping, {"status": "stopping"}, "It will stop."),
        **error_answers(errors.TokenInvalid, errors.Forbidden),
    },
    sync_to_thread=False,
)
def stop(stop_wanted: NamedDependency[Callable[[], None]]) -> Stopping:
    stop_wanted()
    return Stopping()


routes: list[Any] = [create_owner, reset_password, list_sessions_of_user, sign_out_user, create_api_key, stop]
