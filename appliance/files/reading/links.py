"""What a link says to whoever undoes its writing: percent signs, and texts that are links by themselves (`data:`)."""

import base64
import binascii
import html
import re
from urllib.parse import unquote

DATA_CHARACTERS_MAX = 2_000_000
_TAG = re.compile(r"<[^<>]{0,4000}>")
_SUFFIX = re.compile(
    r"\.(?:png|jpe?g|gif|bmp|tiff?|webp|emf|wmf|svg|do[ct][xm]?|xl[st][xm]?|pptx?|pdf|xml|bin|txt|html?)$", re.IGNORECASE
)
_DATA = re.compile(r"\s*data:([^,;]{0,100})((?:;[^,;]{0,100}){0,5}),", re.IGNORECASE)


def link_text(link: str) -> str:
    """ "": nothing else than it shows."""
    data = _DATA.match(link)
    if data and len(link) <= DATA_CHARACTERS_MAX:
        said = unquote(link[data.end() :])
        is_page = "html" in data[1].lower() or "svg" in data[1].lower()
        if "base64" not in data[2].lower():
            return page_text(said) or said if is_page else said
        try:
            raw = base64.b64decode(re.sub(r"\s", "", said) + "==")
        except (binascii.Error, ValueError):
            return ""
        text = raw.decode("utf-8", "replace")
        if text.count("\ufffd") * 10 >= len(text):
            return ""
        return page_text(text) or text if is_page else text
    plain = unquote(link)
    return plain if plain != link else ""


def without_suffix(name: str) -> str:
    """As long as before. A file's name that is an address by mail ends with no country or trade."""
    found = _SUFFIX.search(name)
    return f"{name[: found.start()]} {name[found.start() + 1 :]}" if found and "@" in name else name


def page_text(page: str) -> str:
    """What a page within a page shows. "": nothing else than is written."""
    plain = html.unescape(_TAG.sub("", page))
    return plain if plain != page else ""


def holds_picture(link: str) -> bool:
    data = _DATA.match(link)
    return bool(data) and not re.match(r"text/|application/(?:json|xml|javascript)|$", data[1] if data else "", re.IGNORECASE)
