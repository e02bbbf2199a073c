"""Opening the appliance to the local network, and what stands in the way of colleagues."""

from typing import Annotated, Any

import msgspec
from litestar import get, post
from litestar.di import NamedDependency
from litestar.params import Parameter

from appliance import errors
from appliance.api.admin.access import CALLER, requires
from appliance.api.error_answers import error_answers, success
from appliance.clock import rfc3339_or_none
from appliance.identity.caller import Caller
from appliance.lan.lan import Lan, LanStatus
from appliance.lan.problem import Problem


class LanShown(msgspec.Struct):
    """Whether others can reach the appliance, and how. `reachable`: it answered itself at every address, over verified TLS."""

    on: bool
    urls: list[str]
    join_urls: list[str]
    fingerprint: str | None
    expires_at: str | None
    reachable: bool | None
    problems: list[Problem]


_EXAMPLE = {
    "on": True,
    "urls": ["https://192.168.1.5:8443/v1", "https://gateway.local:8443/v1"],
    "join_urls": ["http://192.168.1.5:8000/join"],
    "fingerprint": "3A:5F:…",
    "expires_at": "2027-02-22T10:00:00.000Z",
    "reachable": True,
    "problems": [],
}
_ERRORS = (errors.TokenInvalid, errors.Forbidden)


@get(
    "/api/v1/admin/lan",
    guards=[requires("lan:read")],
    operation_id="getLan",
    summary="Can others on the local network reach the appliance?",
    description="It calls itself at each of its addresses and looks at the machine's firewall, which may take some seconds.",
    tags=["Admin"],
    responses={200: success(LanShown, _EXAMPLE, "How it stands."), **error_answers(*_ERRORS)},
)
async def lan_status(lan: NamedDependency[Lan]) -> LanShown:
    return shown(await lan.status())


@post(
    "/api/v1/admin/lan/on",
    guards=[requires("lan:change")],
    dependencies=CALLER,
    operation_id="openLan",
    summary="Open the appliance to the local network",
    description="Makes a certificate authority (once) and a certificate, and opens HTTPS beside loopback's port. Stays so.",
    tags=["Admin"],
    status_code=200,
    responses={200: success(LanShown, _EXAMPLE, "It is open."), **error_answers(*_ERRORS, errors.Conflict)},
)
async def lan_on(
    caller: NamedDependency[Caller],
    lan: NamedDependency[Lan],
    new_ca: Annotated[bool, Parameter(description="Make another authority; colleagues then have to trust that one.")] = False,
) -> LanShown:
    return shown(await lan.turn_on(actor=caller.actor, new_authority=new_ca))


@post(
    "/api/v1/admin/lan/off",
    guards=[requires("lan:change")],
    dependencies=CALLER,
    operation_id="closeLan",
    summary="Close the appliance to the local network",
    description="Requests that run may end; the certificate authority is kept.",
    tags=["Admin"],
    status_code=200,
    responses={
        200: success(LanShown, {**_EXAMPLE, "on": False}, "It is closed."),
        **error_answers(*_ERRORS, errors.Conflict),
    },
)
async def lan_off(caller: NamedDependency[Caller], lan: NamedDependency[Lan]) -> LanShown:
    return shown(await lan.turn_off(actor=caller.actor))


def shown(status: LanStatus) -> LanShown:
    return LanShown(
        on=status.on,
        urls=status.urls,
        join_urls=status.join_urls,
        fingerprint=status.fingerprint,
        expires_at=rfc3339_or_none(status.expires_at_ms),
        reachable=status.reachable,
        problems=status.problems,
    )


routes: list[Any] = [lan_status, lan_on, lan_off]
