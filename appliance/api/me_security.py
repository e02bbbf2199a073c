"""`/me/security`: one's password, sign-ins and second factor, by forms alone. What /api/v1/admin/auth does for programs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from litestar import HttpMethod, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.api.forms import (
    PAGE,
    AnyRequest,
    Page,
    answer,
    cookie,
    form_token,
    read_form,
    retry_after,
    see_other,
    wrong_fields,
)
from appliance.api.me_security_page import PATH, SigningIn, codes_page, confirm_page, enrolment_page, security_page
from appliance.api.me_session import PATH as MY_PAGE
from appliance.api.me_session import MeSessions, signed_out
from appliance.errors import Conflict, GatehouseError, InvalidField, NotFound, Overloaded, TokenInvalid, TooManyAttempts
from appliance.identity.caller import Caller
from appliance.identity.identity import Identity
from appliance.identity.own_keys import OwnKeys
from appliance.identity.roles import insist


class MeSecurity:
    """What the page is made of."""

    def __init__(self, me_sessions: MeSessions, people: Identity, keys: OwnKeys) -> None:
        self.me_sessions = me_sessions
        self.sessions = people.sessions
        self.sign_in = people.sign_in
        self.factors = people.second_factors
        self._keys = keys

    async def caller(self, request: AnyRequest) -> Caller:
        """Errors: TokenInvalid, Forbidden."""
        caller = await self.me_sessions.caller(request) or signed_out()
        insist(caller, "account:own")
        return caller

    async def page(self, request: AnyRequest, caller: Caller, *, error: GatehouseError | None = None, done: str = "") -> Page:
        assert caller.user_number is not None, "only people sign in"
        told = SigningIn(
            email=(await self._keys.person(caller.user_number)).email,
            sessions=list(await self.sessions.list(caller)),
            session_id=caller.session_id,
            factor=await self.factors.state(caller),
        )
        token = form_token(request)
        return _answer(request, token, security_page(token, told, wrong_fields(error) if error else None, done), error=error)


@route(PATH, http_method=[HttpMethod.GET, HttpMethod.HEAD], status_code=200, **PAGE)
async def show(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    caller = await me_security.me_sessions.caller(request)
    if caller is None:
        return see_other(MY_PAGE)
    insist(caller, "account:own")
    return await me_security.page(request, caller, done=request.query_params.get("done", ""))


@post(f"{PATH}/password", status_code=303, **PAGE)
async def change_password(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    fields = await read_form(request, frozenset({"current_password", "new_password", "again"}))
    caller = await me_security.caller(request)
    password = fields.get("new_password", "")
    try:
        if password != fields.get("again", ""):
            raise InvalidField("the two passwords are not the same", param="again", fix="Type the same one twice.")
        with _for_people("current_password"):
            await me_security.sign_in.change_password(caller, fields.get("current_password", ""), password)
    except _FORMS as error:
        return await me_security.page(request, caller, error=error)
    return see_other(f"{PATH}?done=password")


@post(f"{PATH}/sessions/{{session_id:str}}/end", status_code=303, **PAGE)
async def end_session(request: AnyRequest, session_id: FromPath[str], me_security: NamedDependency[MeSecurity]) -> Page:
    await read_form(request, frozenset())
    caller = await me_security.caller(request)
    with _for_people():
        await me_security.sessions.end(caller, session_id)
    if session_id == caller.session_id:
        return see_other(MY_PAGE, [me_security.me_sessions.forgotten(request)])
    return see_other(f"{PATH}?done=ended")


@post(f"{PATH}/sign-out-everywhere", status_code=303, **PAGE)
async def sign_out_everywhere(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    await read_form(request, frozenset())
    await me_security.sessions.end_everywhere(await me_security.caller(request))
    return see_other(MY_PAGE, [me_security.me_sessions.forgotten(request)])


@post(f"{PATH}/second-factor", status_code=201, **PAGE)
async def begin_second_factor(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    fields = await read_form(request, frozenset({"password"}))
    caller = await me_security.caller(request)
    try:
        with _for_people("password"):
            await me_security.sign_in.prove(caller, fields.get("password", ""))
            begun = await me_security.factors.begin(caller)
    except _FORMS as error:
        return await me_security.page(request, caller, error=error)
    token = form_token(request)
    return _answer(request, token, enrolment_page(token, begun), 201)


@post(f"{PATH}/second-factor/confirm", status_code=200, **PAGE)
async def confirm_second_factor(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    fields = await read_form(request, frozenset({"code"}))
    caller = await me_security.caller(request)
    try:
        with _for_people("code"), me_security.sign_in.guessing(caller):
            codes = await me_security.factors.confirm(caller, fields.get("code", ""))
    except Conflict as error:  # in another tab, say
        return await me_security.page(request, caller, error=error)
    except _FORMS as error:
        token = form_token(request)
        return _answer(request, token, confirm_page(token, wrong_fields(error).get("code", "")), error=error)
    token = form_token(request)
    return _answer(request, token, codes_page(token, codes))


@post(f"{PATH}/second-factor/recovery-codes", status_code=200, **PAGE)
async def renew_recovery_codes(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    fields = await read_form(request, frozenset({"password", "code"}))
    caller = await me_security.caller(request)
    try:
        with _for_people("password"):
            await me_security.sign_in.prove(caller, fields.get("password", ""))
        with _for_people("code"), me_security.sign_in.guessing(caller):
            codes = await me_security.factors.renew_codes(caller, fields.get("code", ""))
    except _FORMS as error:
        return await me_security.page(request, caller, error=error)
    token = form_token(request)
    return _answer(request, token, codes_page(token, codes))


@post(f"{PATH}/second-factor/remove", status_code=303, **PAGE)
async def remove_second_factor(request: AnyRequest, me_security: NamedDependency[MeSecurity]) -> Page:
    fields = await read_form(request, frozenset({"password", "code"}))
    caller = await me_security.caller(request)
    try:
        with _for_people("password"):
            await me_security.sign_in.prove(caller, fields.get("password", ""))
        with _for_people("code"), me_security.sign_in.guessing(caller):
            await me_security.factors.remove(caller, fields.get("code", ""))
    except _FORMS as error:
        return await me_security.page(request, caller, error=error)
    return see_other(f"{PATH}?done=removed")


_FORMS = (InvalidField, Conflict, Overloaded, TooManyAttempts)  # what whoever filled a form in can mend there


@contextmanager
def _for_people(param: str | None = None) -> Iterator[None]:
    """Errors as the page tells them: those of the services name routes of the API. `param`: the field that has to wait."""
    try:
        yield
    except TokenInvalid:
        signed_out()
    except NotFound as error:
        raise NotFound(error.message, fix="It was ended or changed in another place.") from None
    except (Overloaded, TooManyAttempts) as error:
        error.param = error.param or param
        raise


def _answer(request: AnyRequest, token: str, text: str, status: int = 200, *, error: GatehouseError | None = None) -> Page:
    """A page with forms that hold `token`. `error`: what its status and the log tell of."""
    more: dict[str, str] = {}
    if error is not None:
        request.scope["state"]["error_code"] = error.code_shown
        status, more = error.status, retry_after(error)
    return answer(request, text, status, cookies=[cookie(request, "form", token, MY_PAGE)], headers=more)


routes: list[Any] = [
    show,
    change_password,
    end_session,
    sign_out_everywhere,
    begin_second_factor,
    confirm_second_factor,
    renew_recovery_codes,
    remove_second_factor,
]
