"""The last line of defence of the logs: what must not be in a line is replaced, whoever put it there.

Never a substitute for not logging it. Values of kinds that the encoder would open up (structs, bytes, exceptions)
become their type's name; a traceback keeps places and drops words.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from appliance.errors import GatehouseError

REMOVED = "[removed]"
TEXT_CHARACTERS_MAX = 2_000
ITEMS_MAX = 100
DEPTH_MAX = 4
FRAMES_MAX = 20

# fmt: off
SECRET_NAMES = frozenset((
    "api_key", "apikey", "authorization", "auth", "body", "choices", "content", "cookie", "cookies", "credential",
    "credentials", "data_key", "email", "embedding", "form", "headers", "input", "jwt", "key_hash", "master_key",
    "message_content", "messages", "output", "password", "passwd", "payload", "pepper", "private_key", "prompt",
    "query_string", "raw", "request_body", "response_body", "secret", "session", "set_cookie", "setup_code", "system",
    "text", "token", "tool_calls", "value", "values", "x_api_key",
))
# fmt: on
SECRET_ENDINGS = (
    "_secret",
    "_password",
    "_token",
    "_api_key",
    "_credential",
    "_cookie",
    "_secret_key",
    "_access_key",
    "_prompt",
    "_content",
)

SECRET_VALUES = re.compile(
    r"""
      (?i:bearer|basic)\s+[A-Za-z0-9+/._~=-]{8,}      # an Authorization header's value
    | \b(?:(?:sk|gsk|pk|rk|gh|xai)[-_]|AKIA|AIza)[-_A-Za-z0-9]{12,}   # keys as vendors write them, and ours
    | eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+    # a JWT
    | (?<=/join/)[A-Za-z0-9_-]{20,}                   # an invitation's link
    | (?<=://)[^\s/@:]+:[^\s/@]+(?=@)                 # a password in a URL
    """,
    re.VERBOSE,
)

_judged: dict[str, bool] = {}


def clean(fields: Mapping[str, Any], depth: int = 0) -> dict[str, Any]:
    """The fields, fit to be written."""
    cleaned: dict[str, Any] = {}
    for name, value in fields.items():
        secret = _judged.get(name)
        if secret is None:
            secret = _judge(name)
        if secret:
            cleaned[name] = REMOVED
        elif value is None or value.__class__ in _PLAIN:
            cleaned[name] = value
        else:
            cleaned[name] = _clean_value(value, depth)
    return cleaned


_PLAIN = frozenset((int, float, bool))


def scrub(text: str) -> str:
    """Text from elsewhere without what looks like a credential, and bounded."""
    return SECRET_VALUES.sub(REMOVED, text[:TEXT_CHARACTERS_MAX])


def _judge(name: Any) -> bool:
    plain = str(name).lower().replace("-", "_")
    secret = plain in SECRET_NAMES or plain.endswith(SECRET_ENDINGS)
    if len(_judged) < 2_000 and isinstance(name, str):  # names come from our code; a bound all the same
        _judged[name] = secret
    return secret


def _clean_value(value: Any, depth: int) -> Any:
    if isinstance(value, str):
        return value if len(value) <= TEXT_CHARACTERS_MAX else value[:TEXT_CHARACTERS_MAX]
    if depth >= DEPTH_MAX:
        return f"<{type(value).__name__}>"
    if isinstance(value, dict):
        return clean(dict(list(value.items())[:ITEMS_MAX]), depth + 1)
    if isinstance(value, list | tuple | set | frozenset):
        return [_clean_item(item, depth + 1) for item in list(value)[:ITEMS_MAX]]
    if isinstance(value, Path):
        return str(value)
    return f"<{type(value).__name__}>"


def _clean_item(value: Any, depth: int) -> Any:
    return value if value is None or value.__class__ in _PLAIN else _clean_value(value, depth)


def describe_exception(error: BaseException) -> dict[str, Any]:
    """An exception as a log may hold it: its type, where it arose, and its words only where they are known to be harmless.

    An exception of a library may quote the prompt that it could not read (UnicodeDecodeError, KeyError …).
    """
    described: dict[str, Any] = {"type": type(error).__name__, "at": _places(error.__traceback__)}
    if isinstance(error, OSError) and error.strerror:
        described["says"] = error.strerror
    if isinstance(error, GatehouseError):
        described["code"] = error.code
    cause = error.__cause__ or error.__context__
    if cause is not None:
        described["because"] = type(cause).__name__
    return described


def _places(trace: TracebackType | None) -> list[str]:
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{'/'.join(Path(code.co_filename).parts[-3:])}:{trace.tb_lineno} {code.co_name}")
        trace = trace.tb_next
    return places[-FRAMES_MAX:]
