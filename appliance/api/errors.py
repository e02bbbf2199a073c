"""Errors on Litestar's routes: the same body, status and code as everywhere, Litestar's own 400/404/405/413 included."""

import re
from typing import Any

from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException, ValidationException
from litestar.types import ExceptionHandlersMap

from appliance import errors
from appliance.api.door import error_headers
from appliance.errors import GatehouseError
from appliance.telemetry.logs import get_logger

_log = get_logger("api")

ADMINISTRATION = "/api/v1/admin"
_ROUTE_NAME = re.compile(r"[A-Za-z_-]{0,40}|v[0-9]{1,2}")
AnyRequest = Request[Any, Any, Any]


def _nothing(error: GatehouseError) -> None:
    """Where no policy can be."""


def _rendered(request: AnyRequest, error: GatehouseError, headers: dict[str, str] | None = None) -> Response[Any]:
    if not request.scope["path"].startswith(ADMINISTRATION):  # who administers works with addresses of people
        request.app.state.get("clean", _nothing)(error)
    request.scope["state"]["error_code"] = error.code_shown
    more = {name.decode(): value.decode() for name, value in error_headers(error)}
    return Response(error.body(), status_code=error.status, headers={**more, **(headers or {})}, media_type="application/json")


def _ours(request: AnyRequest, error: GatehouseError) -> Response[Any]:
    return _rendered(request, error)


def _litestars(request: AnyRequest, error: HTTPException) -> Response[Any]:
    if error.status_code >= 500:
        _log.error("a handler failed", route=request.scope.get("path_template", ""), exc_info=error.__cause__ or error)
    headers = {name.lower(): value for name, value in (error.headers or {}).items() if name.lower() == "allow"}
    return _rendered(request, translated(request.scope["path"], request.scope["method"], error), headers)


def translated(path: str, method: str, error: HTTPException) -> GatehouseError:
    """The error of our tree for one of Litestar's."""
    if isinstance(error, NotFoundException):
        return route_unknown(path)
    if isinstance(error, MethodNotAllowedException):
        return errors.MethodNotAllowed(f"{_shown(path)} doesn't take {method}", fix="The header Allow names what it takes.")
    if isinstance(error, ValidationException):
        return _invalid(error)
    if error.status_code == 413:
        return errors.TooLarge("the body is too large", fix="Send less; an administrator may raise body_bytes_max.")
    if error.status_code < 500:
        return errors.BadRequest("the request could not be read", fix="/docs shows what each route takes.")
    return GatehouseError("something went wrong inside the appliance", fix="Look at the log with this request's id.")


def route_unknown(path: str) -> errors.RouteUnknown:
    """A path that leads nowhere; OpenAI's own that we don't offer are called so."""
    shown = repr(_shown(path))
    if path.startswith(("/v1/", "/api/v1/")) and not path.startswith(ADMINISTRATION):
        return errors.RouteUnknown(f"{shown} isn't offered by this appliance", fix="/docs lists the routes that are.")
    if path in ("/chat/completions", "/embeddings", "/models"):
        return errors.RouteUnknown(f"there is nothing at {shown}: it is /v1{path}", fix="End the SDK's base_url with /v1.")
    return errors.RouteUnknown(f"there is nothing at {shown}", fix="/docs lists the routes.")


def _shown(path: str) -> str:
    """What isn't the name of a route may be anything that a caller works with: it is left out."""
    return "/".join(part if _ROUTE_NAME.fullmatch(part) else "…" for part in path[:200].split("/"))


def _invalid(error: ValidationException) -> errors.InvalidField:
    first = error.extra[0] if isinstance(error.extra, list) and error.extra and isinstance(error.extra[0], dict) else {}
    param = str(first.get("key", ""))[:200] or None
    message = str(first.get("message", "a value is wrong"))[:300]
    return errors.InvalidField(f"{param}: {message}" if param else message, param=param, fix="/docs shows what each field takes.")


def _unexpected(request: AnyRequest, error: Exception) -> Response[Any]:
    _log.error("a handler failed", route=request.scope.get("path_template", ""), exc_info=error)
    return _rendered(
        request, GatehouseError("something went wrong inside the appliance", fix="Look at the log with this request's id.")
    )


HANDLERS: ExceptionHandlersMap = {GatehouseError: _ours, HTTPException: _litestars, Exception: _unexpected}
