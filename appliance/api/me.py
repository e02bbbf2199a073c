"""`/me`: one's own keys, usage and limits, for somebody with a browser and no wish to write programs. Its forms
are kept by api/forms.py."""

from typing import Any

from litestar import HttpMethod, post, route
from litestar.datastructures import Cookie
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.api.addresses import Addresses
from appliance.api.forms import (
    PAGE,
    AnyRequest,
    Page,
    answer,
    cookie,
    form_token,
    is_about_the_form,
    read_form,
    see_other,
    wrong_fields,
)
from appliance.api.me_page import DAYS_OFFERED, made_page, own_page, sign_in_page
from appliance.api.me_session import PATH, MeSessions, signed_out
from appliance.clock import Clock
from appliance.errors import GatehouseError, InvalidField
from appliance.identity.api_keys import ApiKeys, KeyWanted
from appliance.identity.caller import Caller
from appliance.identity.own_keys import OwnKeys
from appliance.metering.own_usage import OwnUsage

_DAY_MS = 86_400_000


class Me:
    """What the page is made of."""

    def __init__(self, sessions: MeSessions, keys: OwnKeys, usage: OwnUsage, clock: Clock) -> None:
        self.sessions = sessions
        self._keys = keys
        self._usage = usage
        self._clock = clock

    async def caller(self, request: AnyRequest) -> Caller:
        """Errors: TokenInvalid."""
        return await self.sessions.caller(request) or signed_out()

    async def page(self, request: AnyRequest, caller: Caller, error: GatehouseError | None = None) -> Page:
        assert caller.user_number is not None, "only people sign in"
        person = await self._keys.person(caller.user_number)
        usage, token = await self._usage.of(caller.user_number), form_token(request)
        text = own_page(token, person, usage, self._clock.now_ms(), wrong_fields(error) if error else None)
        return answer(request, text, error.status if error else 200, cookies=[_form_cookie(request, token)])

    def expiry(self, days: str) -> int | None:
        """Errors: InvalidField."""
        if days not in DAYS_OFFERED:
            raise InvalidField("this time is not offered", param="days", fix="Choose one of the list.")
        return self._clock.now_ms() + int(days) * _DAY_MS if days else None


@route(PATH, http_method=[HttpMethod.GET, HttpMethod.HEAD], status_code=200, **PAGE)
async def show(request: AnyRequest, me: NamedDependency[Me]) -> Page:
    caller = await me.sessions.caller(request)
    if caller is not None:
        return await me.page(request, caller)
    return _sign_in(request)


@post(f"{PATH}/sign-in", status_code=303, **PAGE)
async def sign_in(request: AnyRequest, me: NamedDependency[Me]) -> Page:
    fields = await read_form(request, frozenset({"email", "password", "code"}))
    email = fields.get("email", "")
    try:
        session = await me.sessions.begin(request, email, fields.get("password", ""), fields.get("code", "").strip())
    except GatehouseError as error:
        if not is_about_the_form(error):
            raise
        request.scope["state"]["error_code"] = error.code_shown
        return _sign_in(request, email, wrong_fields(error), error.status)
    return see_other(PATH, [session])


@post(f"{PATH}/sign-out", status_code=303, **PAGE)
async def sign_out(request: AnyRequest, me: NamedDependency[Me]) -> Page:
    await read_form(request, frozenset())
    return see_other(PATH, [await me.sessions.end(request)])


@post(f"{PATH}/keys", status_code=201, **PAGE)
async def make_key(
    request: AnyRequest, me: NamedDependency[Me], api_keys: NamedDependency[ApiKeys], addresses: NamedDependency[Addresses]
) -> Page:
    fields = await read_form(request, frozenset({"name", "days"}))
    caller = await me.caller(request)
    try:
        wanted = KeyWanted(name=fields.get("name", ""), expires_at=me.expiry(fields.get("days", "")))
        made = await api_keys.create(caller, wanted)
    except GatehouseError as error:
        if not is_about_the_form(error):
            raise
        request.scope["state"]["error_code"] = error.code_shown
        return await me.page(request, caller, error)
    assert caller.user_number is not None, "only people sign in"
    lines = await addresses.lines(request, made.secret, caller.user_number)
    return answer(request, made_page(made.key.name, made.secret, lines), 201)


@post(f"{PATH}/keys/{{key_id:str}}/revoke", status_code=303, **PAGE)
async def revoke_key(
    request: AnyRequest, key_id: FromPath[str], me: NamedDependency[Me], api_keys: NamedDependency[ApiKeys]
) -> Page:
    await read_form(request, frozenset())
    await api_keys.revoke(await me.caller(request), key_id)
    return see_other(PATH)


def _sign_in(request: AnyRequest, email: str = "", wrong: dict[str, str] | None = None, status: int = 200) -> Page:
    token = form_token(request)
    return answer(request, sign_in_page(token, email, wrong or {}), status, cookies=[_form_cookie(request, token)])


def _form_cookie(request: AnyRequest, token: str) -> Cookie:
    return cookie(request, "form", token, PATH)


routes: list[Any] = [show, sign_in, sign_out, make_key, revoke_key]
