"""Google's errors: `{"error": {"code", "message", "status", "details"}}`, in a body, in a list of one, or in mid-stream.

Source: ai.google.dev/gemini-api/docs/troubleshooting, google.rpc error_details.proto, read 2026-11-26.
Quirks: a bad key is a 400 with the reason API_KEY_INVALID. The wait after a 429 stands in the details (`retryDelay: "7s"`),
not in a header. A key used from a country that isn't served is a 400 FAILED_PRECONDITION: nothing that the caller did.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.errors import GatehouseError
from appliance.providers.failures import RETRY_AFTER_SECONDS_MAX, failure, retry_after_seconds

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_STATUSES = {
    "INVALID_ARGUMENT": 400, "FAILED_PRECONDITION": 403, "OUT_OF_RANGE": 400, "UNAUTHENTICATED": 401, "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404, "ABORTED": 409, "RESOURCE_EXHAUSTED": 429, "CANCELLED": 504, "INTERNAL": 500, "UNKNOWN": 500,
    "UNIMPLEMENTED": 400, "UNAVAILABLE": 503, "DEADLINE_EXCEEDED": 504,
}  # fmt: skip
_BAD_KEY = frozenset(("API_KEY_INVALID", "API_KEY_EXPIRED", "ACCESS_TOKEN_EXPIRED"))


class Error(msgspec.Struct):
    """What Google says of a failure."""

    code: int | None = None
    message: str | None = None
    status: str | None = None
    details: list[dict[str, Any]] | None = None


class _ErrorBody(msgspec.Struct):
    error: Error | None = None


_read = msgspec.json.Decoder(_ErrorBody | list[_ErrorBody]).decode


def read_error(body: bytes) -> Error:
    """The error in a body; an empty one where it holds none: an HTML page from a proxy, say."""
    try:
        read = _read(body)
    except UNREADABLE:
        return Error()
    if isinstance(read, list):
        return next((item.error for item in read if item.error is not None), Error())
    return read.error or Error()


def said_failure(
    provider: str, error: Error, status: int | None = None, headers: "Mapping[str, str] | None" = None
) -> GatehouseError:
    """The error of our tree. `status` is HTTP's; None inside an answer that began with 200: then the body's own counts."""
    status = _STATUSES.get(error.status or "", status or error.code or 500)
    if not 400 <= status < 600:
        status = 500
    details = error.details or []
    if any(str(detail.get("reason")) in _BAD_KEY for detail in details):
        status = 401
    message = error.message or ""
    code = "context_length_exceeded" if status == 400 and _is_too_long(message) else None
    wait = retry_after_seconds(headers or {})
    return failure(status, provider, message, code=code, param=None, retry_after=_retry_delay(details) if wait is None else wait)


def _is_too_long(message: str) -> bool:
    small = message.lower()
    return "token count" in small and "exceeds" in small


def _retry_delay(details: list[dict[str, Any]]) -> float | None:
    """RetryInfo's wait: a protobuf Duration, "34.07s"."""
    for detail in details:
        delay = detail.get("retryDelay")
        if isinstance(delay, str) and delay.endswith("s"):
            try:
                seconds = float(delay[:-1])
            except ValueError:
                continue
            if 0 <= seconds <= RETRY_AFTER_SECONDS_MAX:
                return seconds
    return None
