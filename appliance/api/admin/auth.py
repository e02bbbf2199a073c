"""Registering and signing in: `POST /api/v1/admin/auth/register`, `POST /api/v1/admin/auth/login`."""

from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import origin
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339
from appliance.identity.accounts import Registration, SignedIn, User
from appliance.identity.sign_in import SignIn
from appliance.identity.users import Users

AnyRequest = Request[Any, Any, Any]

NO_STORE = {"cache-control": "no-store"}  # an answer with a secret in it stays out of every cache


class RegisterRequest(msgspec.Struct, forbid_unknown_fields=True):
    """A new account."""

    name: Annotated[str, Meta(description="Up to 200 characters.")]
    email: Annotated[str, Meta(description="Each address once, in whatever spelling.")]
    password: Annotated[str, Meta(description="At least 8 characters.")]
    setup_code: Annotated[str, Meta(description="For the owner, from another machine than this one: printed at start.")] = ""


class LoginRequest(msgspec.Struct, forbid_unknown_fields=True):
    """Who, and the proof."""

    email: str
    password: str
    code: Annotated[str, Meta(description="Of the second factor, where the account has one; or a recovery code.")] = ""


class UserShown(msgspec.Struct):
    """An account as its holder sees it."""

    id: str
    name: str
    email: str
    role: str
    tenant_id: str
    created_at: str


class Session(msgspec.Struct):
    """A sign-in: send `Authorization: Bearer ACCESS_TOKEN` for the next `expires_in` seconds."""

    access_token: str
    expires_in: int
    user: UserShown
    token_type: Literal["bearer"] = "bearer"


USER_EXAMPLE: dict[str, Any] = {
    "id": "user_trcsuj7puruldahodtkjrhgf",
    "name": "Test",
    "email": "test@example.com",
    "role": "owner",
    "tenant_id": "tenant_default",
    "created_at": "2026-11-25T13:17:08.123Z",
}
_SESSION_EXAMPLE = {"access_token": "eyJhbGciOi…", "expires_in": 86400, "user": USER_EXAMPLE, "token_type": "bearer"}
PERSON_EXAMPLE = {"email": "test@example.com", "password": "Password123!"}


@post(
    "/api/v1/admin/auth/register",
    operation_id="register",
    summary="Register",
    description=(
        "The first account is the owner's: free from the appliance's own machine, with the setup code from any other. "
        "Afterwards registration is closed, unless the setting registration_open opens it."
    ),
    tags=["Accounts"],
    security=[{}],
    response_headers=NO_STORE,
    responses={
        201: success(Session, _SESSION_EXAMPLE, "The account, signed in."),
        **error_answers(
            errors.MalformedJson,
            errors.InvalidField,
            errors.RegistrationClosed,
            errors.SetupCodeRequired,
            errors.Conflict,
            errors.TooManyAttempts,
        ),
    },
    **json_body(RegisterRequest),
)
async def register(
    request: AnyRequest,
    data: Annotated[RegisterRequest, Body(examples=[Example(value={"name": "Test", **PERSON_EXAMPLE})])],
    users: NamedDependency[Users],
) -> Session:
    wanted = Registration(data.name, data.email, data.password, data.setup_code)
    return _session(await users.register(wanted, origin(request)))


@post(
    "/api/v1/admin/auth/login",
    operation_id="login",
    summary="Sign in",
    description="A token for who knows the password. After several failures it takes longer and longer to try again.",
    tags=["Accounts"],
    security=[{}],
    status_code=200,
    response_headers=NO_STORE,
    responses={
        200: success(Session, _SESSION_EXAMPLE, "Signed in."),
        **error_answers(
            errors.MalformedJson,
            errors.InvalidField,
            errors.CredentialsWrong,
            errors.SecondFactorRequired,
            errors.Forbidden,
            errors.TooManyAttempts,
        ),
    },
    **json_body(LoginRequest),
)
async def login(
    request: AnyRequest,
    data: Annotated[LoginRequest, Body(examples=[Example(value=PERSON_EXAMPLE)])],
    sign_in: NamedDependency[SignIn],
) -> Session:
    return _session(await sign_in.with_password(data.email, data.password, origin(request), data.code))


def user_shown(user: User) -> UserShown:
    return UserShown(user.id, user.name, user.email, user.role, user.tenant_id, rfc3339(user.created_at))


def _session(signed_in: SignedIn) -> Session:
    return Session(signed_in.token, signed_in.expires_in, user_shown(signed_in.user))


routes: list[Any] = [register, login]
