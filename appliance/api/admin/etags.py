"""Versions over HTTP: an answer's `ETag: "3"` is its object's version; a change may say which one it saw (`If-Match: "3"`)."""

import re
from typing import Annotated

from litestar.params import HeaderParameter

from appliance.errors import InvalidField

_ETAG = re.compile(r'(?:W/)?"(\d{1,18})"')

IfMatch = Annotated[
    str | None,
    HeaderParameter(name="If-Match", description="The ETag of what you saw: refused with 412 where it was changed meanwhile."),
]


def version_in(if_match: str | None) -> int | None:
    """None: any version will do. Errors: InvalidField."""
    if if_match is None or if_match.strip() == "*":
        return None
    found = _ETAG.fullmatch(if_match.strip())
    if found is None:
        raise InvalidField(
            "If-Match is no ETag of ours", param="If-Match", fix='Send the ETag as it came, such as "3", or leave it out.'
        )
    return int(found[1])


def etag(version: int) -> dict[str, str]:
    """The header of an answer."""
    return {"etag": f'"{version}"'}
