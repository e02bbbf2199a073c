"""Who may call an admin route: a signed-in user by token, or the command line on this machine by its control token."""

import hmac
from collections.abc import Awaitable, Callable
from typing import Any

from litestar.connection import ASGIConnection
from litestar.di import Provide
from litestar.handlers import BaseRouteHandler

from appliance.api.door import from_loopback
from appliance.errors import Forbidden, TokenInvalid, Unavailable
from appliance.identity.accounts import Origin
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.key_format import looks_like_a_key
from appliance.identity.roles import PERMISSIONS, insist
from appliance.identity.sessions import AGENT_CHARACTERS_MAX

Connection = ASGIConnection[Any, Any, Any, Any]

_SIGN_IN = "Sign in (POST /api/v1/admin/auth/login) and send `Authorization: Bearer ACCESS_TOKEN`."
_STATE = "caller"
_PERMISSION = "permission"


class requires:  # noqa: N801 - reads as a sentence where it stands: guards=[requires("api_keys:create")]
    """A guard: the route's permission, held by the caller's role. It runs before the body is read."""

    def __init__(self, permission: str) -> None:
        assert permission in PERMISSIONS, f"identity/roles.py has no permission {permission!r}"
        self.permission = permission

    async def __call__(self, connection: Connection, handler: BaseRouteHandler) -> None:
        caller = await identified(connection)
        insist(caller, self.permission)
        connection.scope["state"] |= {_STATE: caller, _PERMISSION: self.permission}


async def identified(connection: Connection) -> Caller:
    """Who is asking. Errors: TokenInvalid."""
    token = _bearer(connection)
    control_token = await _service(connection, "control_token")
    if control_token and hmac.compare_digest(token.encode(), control_token.encode()) and from_loopback(dict(connection.scope)):
        return MACHINE
    if looks_like_a_key(token):
        raise TokenInvalid("this is an API key; admin routes take a sign-in token", fix=_SIGN_IN)
    tokens = await _service(connection, "tokens")
    caller: Caller = await tokens.verify(token)
    return caller


def the_caller(request: Any) -> Caller:
    """What the guard found out."""
    caller: Caller = request.scope["state"][_STATE]
    return caller


def still_may(connection: Connection) -> Callable[[], Awaitable[bool]]:
    """For an answer that goes on: may whoever the guard let in still have it? A sign-in ends, a role is changed."""

    async def look() -> bool:
        try:
            insist(await identified(connection), connection.scope["state"][_PERMISSION])
        except (TokenInvalid, Forbidden):
            return False
        except Unavailable:
            pass  # a disk that can't be read says nothing about anybody
        return True

    return look


async def _caller_dependency(request: Connection) -> Caller:
    return the_caller(request)


# For a handler that takes `caller`.
CALLER = {"caller": Provide(_caller_dependency)}


def origin(connection: Connection) -> Origin:
    """Where a request came from, for registering and signing in."""
    client = connection.scope.get("client")
    agent = connection.headers.get("user-agent", "")[:AGENT_CHARACTERS_MAX]
    printable = "".join(character if character.isprintable() else "?" for character in agent)
    return Origin(str(client[0]) if client else "", from_this_machine(connection), printable)


def from_this_machine(connection: Connection) -> bool:
    """Was it sent by somebody at this machine, and of their own will?

    A loopback address alone is no proof. A proxy on this machine hands on what strangers send; and a web site that the
    person at this machine looks at can make their browser post to localhost, under any Content-Type, or have a name of
    its own lead there. So: nothing forwarded it, it was addressed to localhost, and no foreign page stands behind it.
    """
    headers = connection.headers
    if not from_loopback(dict(connection.scope)):
        return False
    host = headers.get("host", "")
    if not _is_localhost(host):
        return False
    if headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
        return False
    page = headers.get("origin")
    return page is None or page in (f"http://{host}", f"https://{host}")


def _is_localhost(host: str) -> bool:
    name = host[: host.index("]") + 1] if host.startswith("[") and "]" in host else host.partition(":")[0]
    return name.lower() in ("localhost", "[::1]") or (name.startswith("127.") and name.replace(".", "").isdigit())


def _bearer(connection: Connection) -> str:
    kind, _, token = connection.headers.get("authorization", "").partition(" ")
    if kind.lower() != "bearer" or not token.strip():
        raise TokenInvalid("no sign-in token was sent", fix=_SIGN_IN)
    return token.strip()


async def _service(connection: Connection, name: str) -> Any:
    """A guard gets no dependencies by name; it asks the application for the same ones."""
    provide: Any = connection.app.dependencies[name]
    return await provide()
