"""Forms of pages, and what keeps other web sites from sending them in a person's name.

Three things together: a random token in a cookie that only our own pages are sent (SameSite=Strict, HttpOnly), the same token
in the form; what the browser says of the page that the form stood on; and no content type but a form's own. Nothing else of
the appliance reads forms.
"""

import hmac
import re
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from appliance.api.errors import translated
from appliance.api.html_page import HEADERS, notice, sentence
from appliance.errors import BadRequest, Forbidden, GatehouseError, InvalidField, Overloaded
from appliance.telemetry.logs import get_logger

AnyRequest = Request[Any, Any, Any]
Page = Response[bytes]

FORM_TYPE = "application/x-www-form-urlencoded"
BODY_BYTES_MAX = 16 * 1024
FIELDS_MAX = 20
TOKEN_FIELD = "form_token"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_log = get_logger("api")


# The form's token


def is_secure(request: AnyRequest) -> bool:
    """Does the browser speak HTTPS, to us or to a proxy before us? Who lies about it only harms their own cookie."""
    return request.scope["scheme"] == "https" or request.headers.get("x-forwarded-proto", "").lower() == "https"


def cookie_name(request: AnyRequest, what: str) -> str:
    """Another name over HTTPS: a browser shares its cookies among ports, and keeps plain HTTP from replacing a secure one."""
    return f"__Secure-gatehouse-{what}" if is_secure(request) else f"gatehouse-{what}"


def cookie(request: AnyRequest, what: str, value: str, path: str, *, seconds: int | None = None) -> Cookie:
    """`seconds` 0: the browser forgets it; None: it does when it is closed."""
    return Cookie(
        cookie_name(request, what),
        path=path,
        value=value,
        max_age=seconds,
        secure=is_secure(request),
        httponly=True,
        samesite="strict",
    )


def form_token(request: AnyRequest) -> str:
    """The one that the browser has, for a second form in another tab to hold; else a new one."""
    kept = request.cookies.get(cookie_name(request, "form"), "")
    return kept if _TOKEN.fullmatch(kept) else secrets.token_urlsafe(32)


def token_field(token: str) -> str:
    return f'<input type="hidden" name="{TOKEN_FIELD}" value="{token}">'


# What comes back


async def read_form(request: AnyRequest, names: frozenset[str]) -> dict[str, str]:
    """The fields that were sent, without the token. Errors: BadRequest, InvalidField, Forbidden; TooLarge by Litestar."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM_TYPE:
        raise BadRequest("this page takes a form", fix=f"Send {FORM_TYPE}, as the page's own form does.")
    _refuse_other_pages(request)
    fields = _parsed(await request.body(), names | {TOKEN_FIELD})
    kept = request.cookies.get(cookie_name(request, "form"), "")
    given = fields.pop(TOKEN_FIELD, "")
    if not _TOKEN.fullmatch(kept) or not hmac.compare_digest(kept.encode(), given.encode()):
        raise Forbidden("this form is out of date, or cookies are switched off", fix="Open the page again and fill it in anew.")
    return fields


def _refuse_other_pages(request: AnyRequest) -> None:
    """A browser always says where a form stood: Sec-Fetch-Site over HTTPS and to this machine itself, else Origin. Our pages send
    no referrer, and for that Origin is `null` there. Errors: Forbidden."""
    site, page = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    host = request.headers.get("host", "")
    ours = page in (f"http://{host}", f"https://{host}")
    if (site is None and not ours) or site not in (None, "same-origin", "none") or not (ours or page in (None, "null")):
        raise Forbidden("this form was sent from another page", fix="Open the page here, and send its own form.")


def _parsed(body: bytes, names: frozenset[str]) -> dict[str, str]:
    try:
        # Strict, so that no lone surrogate and no broken character comes in.
        pairs = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, encoding="utf-8", errors="strict", max_num_fields=FIELDS_MAX
        )
    except ValueError:  # a UnicodeDecodeError, or too many fields
        raise BadRequest("the form can't be read", fix="Send the page's own form, in UTF-8.") from None
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise BadRequest("a field of the form was sent twice", fix="Send the page's own form.")
    if unknown := fields.keys() - names:
        raise InvalidField("the form has fields that this page doesn't know", param=min(unknown)[:40], fix="Leave them out.")
    return fields


# What is answered


def answer(
    request: AnyRequest,
    text: str,
    status: int = 200,
    *,
    cookies: list[Cookie] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Page:
    return Response(
        text.encode("utf-8", "replace"),
        status_code=status,
        headers={**HEADERS, **(headers or {})},
        cookies=cookies or [],
        media_type="text/html",
    )


def see_other(path: str, cookies: list[Cookie] | None = None) -> Page:
    """After a form that changed something: looking again does not send it again."""
    return Response(b"", status_code=303, headers={**HEADERS, "location": path}, cookies=cookies or [], media_type="text/html")


def refused(request: AnyRequest, error: GatehouseError) -> Page:
    """A refusal that belongs to no field: a page of its own."""
    request.scope["state"]["error_code"] = error.code_shown
    title = "That didn't work" if error.status != 429 else "Please wait"
    path = request.scope["path"]
    page = next((one for one in ("/me/security", "/me") if path.startswith(one)), path)
    text = notice(title, _words(error.message), _words(_fix(error)), link=(page, "Open the page again"))
    return answer(request, text, error.status, headers=retry_after(error))


def retry_after(error: GatehouseError) -> dict[str, str]:
    """The header, where one has to wait."""
    return {} if error.retry_after_seconds is None else {"retry-after": str(_seconds(error.retry_after_seconds))}


def _seconds(wait: float) -> int:
    return -int(-wait // 1)


def _fix(error: GatehouseError) -> str:
    """People don't see the header that an error may speak of."""
    if error.status != 429 or error.retry_after_seconds is None:
        return error.fix
    seconds = _seconds(error.retry_after_seconds)
    return f"Wait {seconds} second{'' if seconds == 1 else 's'}, then try again."


def wrong_fields(error: GatehouseError) -> dict[str, str]:
    """The field that an error is about, and its words as HTML."""
    param = error.param or ""
    message = error.message.removeprefix(f"{param}: ")  # it stands at the field
    if message.startswith(f"{param} "):
        message = param.replace("_", " ") + message.removeprefix(param)
    return {param: " ".join(filter(None, (sentence(message), sentence(_fix(error)))))}


def is_about_the_form(error: GatehouseError) -> bool:
    """Can whoever filled it in mend it there and then?"""
    return isinstance(error, Overloaded | InvalidField) or error.status in (401, 409)


def _words(text: str) -> str:
    return text[:1].upper() + text[1:].rstrip(".") + "." if text else ""


def _litestars(request: AnyRequest, error: HTTPException) -> Page:
    if error.status_code >= 500:
        _log.error("a page failed", route=request.scope.get("path_template", ""), exc_info=error.__cause__ or error)
    return refused(request, translated("this page", request.scope["method"], error))


def _unexpected(request: AnyRequest, error: Exception) -> Page:
    _log.error("a page failed", route=request.scope.get("path_template", ""), exc_info=error)
    return refused(request, GatehouseError("something went wrong inside the appliance", fix="Try again; else ask who runs it."))


HANDLERS: ExceptionHandlersMap = {GatehouseError: refused, HTTPException: _litestars, Exception: _unexpected}
PAGE: dict[str, Any] = {
    "include_in_schema": False,
    "exception_handlers": HANDLERS,
    "request_max_body_size": BODY_BYTES_MAX,
    "media_type": "text/html",
}
