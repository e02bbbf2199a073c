"""Being signed in on /me: a sign-in token in a cookie that no script reads and no other page's request carries."""

from typing import NoReturn

from litestar.datastructures import Cookie

from appliance.api.admin.access import origin
from appliance.api.forms import AnyRequest, cookie, cookie_name
from appliance.errors import TokenInvalid
from appliance.identity.caller import Caller
from appliance.identity.identity import Identity

PATH = "/me"
NAME = "session"


class MeSessions:
    """`code`: of the second factor, where the account has one."""

    def __init__(self, people: Identity) -> None:
        self._people = people

    async def begin(self, request: AnyRequest, email: str, password: str, code: str) -> Cookie:
        """The cookie of who knows the password. Errors: as Users.sign_in."""
        signed_in = await self._people.sign_in.with_password(email, password, origin(request), code)
        return cookie(request, NAME, signed_in.token, PATH, seconds=signed_in.expires_in)

    async def caller(self, request: AnyRequest) -> Caller | None:
        """Who it is; None: nobody, or not any more."""
        try:
            return await self._people.tokens.verify(request.cookies.get(cookie_name(request, NAME), ""))
        except TokenInvalid:
            return None

    async def end(self, request: AnyRequest) -> Cookie:
        """The cookie that takes the first one's place. What it held is worth nothing from now on."""
        caller = await self.caller(request)
        if caller is not None:
            await self._people.sessions.leave(caller)
        return self.forgotten(request)

    def forgotten(self, request: AnyRequest) -> Cookie:
        """The cookie for a browser whose sign-in has ended."""
        return cookie(request, NAME, "", PATH, seconds=0)


def signed_out() -> NoReturn:
    raise TokenInvalid("your sign-in has ended", fix="Open /me and sign in again.")
