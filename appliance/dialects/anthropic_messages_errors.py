"""Errors as Anthropic's clients read them.

Source: the anthropic Python SDK 2.14 (_exceptions, _error_classes, types/shared/error_type), read 2026-11-26.
Quirks: the SDKs choose their exception by status, 529 means overloaded; `error.details.error_code` is a stable code, and the
id of the request stands in the body and in a header `request-id`. They show the message only, so what to do stands in it.
"""

from typing import Any

import msgspec

from appliance.errors import GatehouseError, Overloaded, UpstreamOverloaded

ID_HEADER = b"request-id"
OVERLOADED = 529

TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    402: "billing_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "timeout_error",
    409: "conflict_error",
    413: "request_too_large",
    421: "invalid_request_error",
    422: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    504: "timeout_error",
    OVERLOADED: "overloaded_error",
}
_write = msgspec.json.Encoder().encode


def error_status(error: GatehouseError) -> int:
    """The status: ours, but Anthropic has a number of its own for those who have too much to do."""
    return OVERLOADED if isinstance(error, Overloaded | UpstreamOverloaded) else error.status


def error_body(error: GatehouseError, request_id: str) -> bytes:
    return _write({**_shown(error), "request_id": request_id})


def error_event(error: GatehouseError) -> bytes:
    """What a stream ends with when it can't be finished; never followed by message_stop."""
    return b"event: error\ndata: " + _write(_shown(error)) + b"\n\n"


def _shown(error: GatehouseError) -> dict[str, Any]:
    kind = TYPES.get(error_status(error), "api_error")
    message = f"{error.message.rstrip('.')}. {error.fix}" if error.fix else error.message
    return {"type": "error", "error": {"type": kind, "message": message, "details": {"error_code": error.code_shown}}}
