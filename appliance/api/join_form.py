"""`/join/{invitation}`: where somebody who was invited chooses a password and gets their first API key. Its form is kept by
api/forms.py; the plain HTTP listener of the local network has another /join, which only says how to trust the certificate."""

from typing import Any

from litestar import HttpMethod, post, route
from litestar.di import NamedDependency
from litestar.params import FromPath

from appliance.api.addresses import Addresses
from appliance.api.admin.access import origin
from appliance.api.forms import (
    PAGE,
    AnyRequest,
    Page,
    answer,
    cookie,
    form_token,
    is_about_the_form,
    read_form,
    token_field,
    wrong_fields,
)
from appliance.api.html_page import Field, notice, page, pre, quoted
from appliance.errors import Conflict, GatehouseError, InvalidField, NotFound
from appliance.identity.caller import DEFAULT_TENANT_ID
from appliance.identity.invitations import Invitation, Invitations
from appliance.identity.invited import Invited
from appliance.identity.passwords import CHARACTERS_MAX, CHARACTERS_MIN
from appliance.lan.lines import Section

PATH = "/join"
_ASK = "Ask whoever invited you for another one."
_OVER = {
    "used": (
        "This invitation was used already",
        "If it wasn't you, tell whoever invited you at once.",
    ),
    "expired": ("This invitation has expired", _ASK),
    "revoked": ("This invitation was taken back", _ASK),
}
_LENGTH = f'minlength="{CHARACTERS_MIN}" maxlength="{CHARACTERS_MAX}"'
_NAME = Field("name", "Your name", autocomplete="name", more='maxlength="200"')
_EMAIL = Field("email", "E-mail address", "email", autocomplete="username", more='maxlength="254"')
_PASSWORD = Field(
    "password",
    "Password",
    "password",
    autocomplete="new-password",
    hint=f"At least {CHARACTERS_MIN} characters; a few words that nobody would guess are good.",
    more=_LENGTH,
)
_AGAIN = Field("again", "The password once more", "password", autocomplete="new-password", more=_LENGTH)
_FIELDS = frozenset({"name", "email", "password", "again"})


@route(f"{PATH}/{{token:str}}", http_method=[HttpMethod.GET, HttpMethod.HEAD], status_code=200, **PAGE)
async def show(request: AnyRequest, token: FromPath[str], invitations: NamedDependency[Invitations]) -> Page:
    try:
        invitation = await invitations.look(token, origin(request))
    except NotFound as error:
        return _unknown(request, error)
    if invitation.state != "open":
        return _over(request, invitation)
    return _form(request, invitation, {"name": invitation.name or ""})


@post(f"{PATH}/{{token:str}}", status_code=201, **PAGE)
async def join(
    request: AnyRequest,
    token: FromPath[str],
    invitations: NamedDependency[Invitations],
    addresses: NamedDependency[Addresses],
) -> Page:
    fields = await read_form(request, _FIELDS)
    came_from = origin(request)
    try:
        invitation = await invitations.look(token, came_from)
    except NotFound as error:
        return _unknown(request, error)
    if invitation.state != "open":
        return _over(request, invitation)
    try:
        password = fields.get("password", "")
        if password != fields.get("again", ""):
            raise InvalidField("the two passwords are not the same", param="again", fix="Type the same one twice.")
        invited = await invitations.accept(token, fields.get("name", ""), fields.get("email", ""), password, came_from)
    except Conflict as error:
        if error.param == "invitation":  # somebody was faster, or it ended while the form was filled in
            now = await invitations.look(token, came_from)
            return _over(request, now) if now.state != "open" else _refused(request, invitation, fields, error)
        return _refused(request, invitation, fields, error)
    except GatehouseError as error:
        if not is_about_the_form(error):
            raise
        return _refused(request, invitation, fields, error)
    lines = await addresses.lines(request, invited.api_key, invited.user_number) if invited.api_key else []
    return _welcome(request, invited, lines)


def _refused(request: AnyRequest, invitation: Invitation, fields: dict[str, str], error: GatehouseError) -> Page:
    request.scope["state"]["error_code"] = error.code_shown
    return _form(request, invitation, fields, wrong_fields(error), error.status)


def _form(
    request: AnyRequest,
    invitation: Invitation,
    values: dict[str, str],
    wrong: dict[str, str] | None = None,
    status: int = 200,
) -> Page:
    token, wrong = form_token(request), wrong or {}
    is_known = invitation.user_id is not None
    email = invitation.email or values.get("email", "")
    name = (invitation.name or "") if is_known else values.get("name", "")
    elsewhere = "".join(f'<p class="wrong" role="alert">{words}</p>' for param, words in wrong.items() if param not in _FIELDS)
    organisation = "" if invitation.tenant_id == DEFAULT_TENANT_ID else f" for {quoted(invitation.tenant_name)}"
    body = (
        f"<h1>{'Choose a password' if is_known else 'Join Gatehouse'}</h1>"
        f"<p>You are invited to use AI models{organisation}. Choose a password; you then get an API key and lines to paste.</p>"
        f'<form class="card narrow" method="post">{token_field(token)}{elsewhere}'
        + _NAME.html(name, wrong.get("name", ""), readonly=is_known)
        + _EMAIL.html(email, wrong.get("email", ""), readonly=invitation.email is not None)
        + _PASSWORD.html(wrong=wrong.get("password", ""))
        + _AGAIN.html(wrong=wrong.get("again", ""))
        + '<button type="submit">Join</button></form>'
    )
    return answer(request, page("Join Gatehouse", body), status, cookies=[cookie(request, "form", token, PATH)])


def _welcome(request: AnyRequest, invited: Invited, lines: list[Section]) -> Page:
    key = (
        '<section class="card"><h2>Your API key</h2><p>Copy it now: it is shown this once and kept nowhere.</p>'
        f"{pre(invited.api_key, 'key', 'Your API key')}</section><h2>Lines to paste</h2>"
        '<p class="soft">Your key stands in them. A click selects a whole block.</p>'
        if invited.api_key
        else "<p>The API keys that you have work on.</p>"
    )
    body = (
        f"<h1>Welcome, {quoted(invited.name)}</h1>"
        f'<p>Your account is {quoted(invited.email)}. <a href="/me">Your page</a> has your keys and what you used.</p>'
        + key
        + "".join(section_html(section) for section in lines)
    )
    return answer(request, page("Welcome to Gatehouse", body), 201)


def section_html(section: Section) -> str:
    note = f'<p class="hint">{quoted(section.note)}</p>' if section.note else ""
    return f"<h3>{quoted(section.title)}</h3>{note}{pre(chr(10).join(section.lines), label=section.title)}"


def _unknown(request: AnyRequest, error: NotFound) -> Page:
    request.scope["state"]["error_code"] = error.code_shown
    told = "Was the link cut? Copy the whole of it. Otherwise ask whoever invited you for another one."
    return answer(request, notice("There is no such invitation", told), error.status)


def _over(request: AnyRequest, invitation: Invitation) -> Page:
    title, told = _OVER[invitation.state]
    link = ("/me", "It was me: sign in") if invitation.state == "used" else None
    return answer(request, notice(title, told, link=link), 410)


routes: list[Any] = [show, join]
