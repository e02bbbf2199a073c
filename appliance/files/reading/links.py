"""What a link says to whoever undoes its writing: percent signs, and texts that are links by themselves (`data:`)."""

import base64
import binascii
import re
from urllib.parse import unquote

DATA_CHARACTERS_MAX = 2_000_000
_DATA = re.compile(r"\s*data:([^,;]{0,100})((?:;[^,;]{0,100}){0,5}),", re.IGNORECASE)


def link_text(link: str) -> str:
    """ "": nothing else than it shows."""
    data = _DATA.match(link)
    if data and len(link) <= DATA_CHARACTERS_MAX:
        said = unquote(link[data.end() :])
        if "base64" not in data[2].lower():
            return said
        try:
            raw = base64.b64decode(re.sub(r"\s", "", said) + "==")
        except (binascii.Error, ValueError):
            return ""
        text = raw.decode("utf-8", "replace")
        return text if text.count("\ufffd") * 10 < len(text) else ""
    plain = unquote(link)
    return plain if plain != link else ""


def holds_picture(link: str) -> bool:
    data = _DATA.match(link)
    return bool(data) and not re.match(r"text/|application/(?:json|xml|javascript)|$", data[1] if data else "", re.IGNORECASE)
