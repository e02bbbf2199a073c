"""One's own second factor: `/api/v1/admin/auth/second-factor`."""

from typing import Annotated, Any

import msgspec
from litestar import delete, get, post
from litestar.di import NamedDependency
from litestar.openapi.spec import Example
from litestar.params import Body
from msgspec import Meta

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.admin.auth import NO_STORE
from appliance.api.bodies import json_body
from appliance.api.error_answers import error_answers, success
from appliance.api.qr_code import qr_svg
from appliance.clock import rfc3339_or_none
from appliance.identity.caller import Caller
from appliance.identity.second_factor import SecondFactors
from appliance.identity.sign_in import SignIn

PATH = "/api/v1/admin/auth/second-factor"
QR_SCALE = 4


class Proof(msgspec.Struct, forbid_unknown_fields=True):
    """Who holds a token alone may be somebody else: the password says that it is you."""

    password: str


class ProofAndCode(msgspec.Struct, forbid_unknown_fields=True):
    """The password, and a code of the second factor that is there; a recovery code will do."""

    password: str
    code: str


class Code(msgspec.Struct, forbid_unknown_fields=True):
    """What the app shows."""

    code: Annotated[str, Meta(description="Six digits.")]


class EnrolmentShown(msgspec.Struct):
    """For the app on a phone, shown once: as text, as an address, as a picture (SVG)."""

    secret: str
    uri: str
    qr_svg: str


class RecoveryCodes(msgspec.Struct):
    """Each works once, in place of a code. They are shown this once."""

    recovery_codes: list[str]


class FactorShown(msgspec.Struct):
    """`enabled_at` null: signing in asks for the password alone."""

    enabled_at: str | None
    recovery_codes_left: int


_ERRORS = (errors.TokenInvalid, errors.Forbidden)
_BODY_ERRORS = (errors.MalformedJson, errors.InvalidField, *_ERRORS, errors.NotFound, errors.Conflict, errors.TooManyAttempts)
_CODES = {"recovery_codes": ["k7wxm-3fjq2", "…"]}
_ENROLMENT = {"secret": "JBSWY3DP…", "uri": "otpauth://totp/Gatehouse:test%40example.com?…", "qr_svg": "<svg …"}


@get(
    PATH,
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="getSecondFactor",
    summary="Whether one has a second factor",
    description="And how many recovery codes are left.",
    tags=["Accounts"],
    responses={
        200: success(FactorShown, {"enabled_at": None, "recovery_codes_left": 0}, "How it stands."),
        **error_answers(*_ERRORS),
    },
)
async def get_second_factor(caller: NamedDependency[Caller], second_factors: NamedDependency[SecondFactors]) -> FactorShown:
    found = await second_factors.state(caller)
    return FactorShown(rfc3339_or_none(found.enabled_at), found.recovery_codes_left)


@post(
    PATH,
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="beginSecondFactor",
    summary="Begin a second factor",
    description="Nothing is asked for before a first code confirms that the app has it.",
    tags=["Accounts"],
    response_headers=NO_STORE,
    responses={201: success(EnrolmentShown, _ENROLMENT, "For the app, shown once."), **error_answers(*_BODY_ERRORS)},
    **json_body(Proof),
)
async def begin_second_factor(
    data: Annotated[Proof, Body(examples=[Example(value={"password": "Password123!"})])],
    caller: NamedDependency[Caller],
    sign_in: NamedDependency[SignIn],
    second_factors: NamedDependency[SecondFactors],
) -> EnrolmentShown:
    await sign_in.prove(caller, data.password)
    begun = await second_factors.begin(caller)
    return EnrolmentShown(begun.secret, begun.uri, qr_svg(begun.uri, scale=QR_SCALE))


@post(
    f"{PATH}/confirm",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="confirmSecondFactor",
    summary="Confirm the second factor",
    description="From now on signing in asks for it. Keep the recovery codes where the phone isn't.",
    tags=["Accounts"],
    status_code=200,
    response_headers=NO_STORE,
    responses={200: success(RecoveryCodes, _CODES, "The recovery codes."), **error_answers(*_BODY_ERRORS)},
    **json_body(Code),
)
async def confirm_second_factor(
    data: Annotated[Code, Body(examples=[Example(value={"code": "123456"})])],
    caller: NamedDependency[Caller],
    sign_in: NamedDependency[SignIn],
    second_factors: NamedDependency[SecondFactors],
) -> RecoveryCodes:
    with sign_in.guessing(caller):
        return RecoveryCodes(await second_factors.confirm(caller, data.code))


@post(
    f"{PATH}/recovery-codes",
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="renewRecoveryCodes",
    summary="New recovery codes",
    description="The old ones are void.",
    tags=["Accounts"],
    status_code=200,
    response_headers=NO_STORE,
    responses={200: success(RecoveryCodes, _CODES, "The recovery codes."), **error_answers(*_BODY_ERRORS)},
    **json_body(ProofAndCode),
)
async def renew_recovery_codes(
    data: Annotated[ProofAndCode, Body(examples=[Example(value={"password": "Password123!", "code": "123456"})])],
    caller: NamedDependency[Caller],
    sign_in: NamedDependency[SignIn],
    second_factors: NamedDependency[SecondFactors],
) -> RecoveryCodes:
    await sign_in.prove(caller, data.password)
    with sign_in.guessing(caller):
        return RecoveryCodes(await second_factors.renew_codes(caller, data.code))


@delete(
    PATH,
    guards=[requires("account:own")],
    dependencies=CALLER,
    operation_id="removeSecondFactor",
    summary="Remove the second factor",
    description="Signing in asks for the password alone again. Without phone and codes: `gatehouse users reset-password`.",
    tags=["Accounts"],
    responses=error_answers(*_BODY_ERRORS),
    **json_body(ProofAndCode),
)
async def remove_second_factor(
    data: Annotated[ProofAndCode, Body(examples=[Example(value={"password": "Password123!", "code": "123456"})])],
    caller: NamedDependency[Caller],
    sign_in: NamedDependency[SignIn],
    second_factors: NamedDependency[SecondFactors],
) -> None:
    await sign_in.prove(caller, data.password)
    with sign_in.guessing(caller):
        await second_factors.remove(caller, data.code)


routes: list[Any] = [
    get_second_factor,
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    remove_second_factor,
]
