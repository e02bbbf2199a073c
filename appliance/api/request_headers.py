"""What a caller may say beside the body, in headers of the request."""

from appliance.api.exchange import Scope
from appliance.dialects.writer import ChatDialect
from appliance.errors import InvalidField

OWN_HEADER_CHARS_MAX = 1_024
SECONDS_MAX = 1e6


def own_headers(scope: Scope, dialect: ChatDialect) -> dict[str, str]:
    """The headers of a request that belong to its format; one that is sent twice is a list. Errors: InvalidField."""
    found: dict[str, str] = {}
    for name, value in scope["headers"] if dialect.own_headers else ():
        if name in dialect.own_headers:
            key, text = name.decode(), value.decode("latin-1")
            found[key] = text = f"{found[key]},{text}" if key in found else text
            if len(text) > OWN_HEADER_CHARS_MAX or not (text.isascii() and text.isprintable()):
                raise InvalidField(
                    f"the header {key} is too long, or holds more than letters", fix="Correct it, or leave it out."
                )
    return {key: text for key, text in found.items() if text}


def seconds_wanted(headers: dict[bytes, bytes]) -> float | None:
    """The caller's own deadline. Errors: InvalidField."""
    given = headers.get(b"x-request-timeout")
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < SECONDS_MAX:
        raise InvalidField(
            "X-Request-Timeout must be a number of seconds above 0",
            param="X-Request-Timeout",
            fix="Send `X-Request-Timeout: 30`.",
        )
    return seconds


def stays_here(headers: dict[bytes, bytes]) -> bool:
    """The caller wants to stay on this machine: whatever isn't a plain no, since that wish is not to be misread."""
    return _is_set(headers.get(b"x-gatehouse-local-only"))


def wants_event(headers: dict[bytes, bytes]) -> bool:
    """The caller wants an event at a stream's end that says how the answer came about."""
    return _is_set(headers.get(b"x-gatehouse-stream-event"))


def _is_set(value: bytes | None) -> bool:
    return value is not None and value.strip().lower() not in (b"", b"0", b"false", b"no", b"off")
