"""Lists a page at a time: sorted by a key that stays, so that a page begins where the one before it ended."""

import base64
import binascii
from collections.abc import Callable, Iterable
from typing import TypeVar

from appliance.errors import InvalidField

T = TypeVar("T")

LIST_MAX = 200


def page(items: Iterable[T], key: Callable[[T], str], limit: int, cursor: str | None) -> tuple[list[T], str | None]:
    """One page, and the cursor of the next; None: there is none. Errors: InvalidField."""
    before = None if cursor is None else _key_in(cursor)
    left = sorted((item for item in items if before is None or key(item) > before), key=key)
    found = left[:limit]
    return found, _cursor(key(found[-1])) if len(left) > limit else None


def _cursor(key: str) -> str:
    return base64.urlsafe_b64encode(b"k" + key.encode()).decode().rstrip("=")


def _key_in(cursor: str) -> str:
    try:
        text = base64.urlsafe_b64decode(cursor[:512].encode("ascii") + b"==").decode()
        if not text.startswith("k"):
            raise ValueError(text)
    except (binascii.Error, ValueError):
        raise InvalidField("this is not a cursor from next_cursor", param="cursor", fix="Begin without one.") from None
    return text[1:]
