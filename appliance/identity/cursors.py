"""Lists out of the database, a page at a time, by number: a page begins where the one before it ended."""

import base64
import binascii

from appliance.errors import InvalidField

LIST_MAX = 200


def check_limit(limit: int) -> None:
    """Errors: InvalidField."""
    if not 1 <= limit <= LIST_MAX:
        raise InvalidField(f"limit must be between 1 and {LIST_MAX}", param="limit", fix="Follow next_cursor for more.")


def cursor(number: int) -> str:
    return base64.urlsafe_b64encode(b"k%d" % number).decode().rstrip("=")


def number_in(text: str) -> int:
    """Errors: InvalidField."""
    try:
        found = base64.urlsafe_b64decode(text[:64].encode("ascii") + b"==").decode("ascii")
        number = int(found.removeprefix("k"))
        if not found.startswith("k") or not 0 < number < 1 << 62:
            raise ValueError(found)
    except (binascii.Error, ValueError):
        raise InvalidField("this is not a cursor from next_cursor", param="cursor", fix="Begin without one.") from None
    return number
