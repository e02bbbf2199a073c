"""Which strings of a request guardrails read, and which they can't."""

import re
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from appliance.chat import Text, texts

# Not made by people, and nothing that could be changed: a vendor's seals, and what is read back by its exact form.
SEALED = frozenset({"signature", "thought_signature", "encrypted_content", "redacted_thinking"})
FILES = frozenset({"data", "file_data", "b64_json", "image_url", "url"})
SYSTEM = frozenset({"system", "developer"})
BLOB_MIN = 256
_BLOB = re.compile(r"(?:data:([a-z0-9.+-]{1,40})/[a-z0-9.+-]{1,80}[^,]{0,200},)?[A-Za-z0-9+/_=\s-]*", re.IGNORECASE)


class Readable(msgspec.Struct):
    """`unread`: kinds of contents that no detector here reads, and how many there are of each."""

    texts: list[Text]
    unread: dict[str, int]


def readable(raw: dict[str, Any], *, system_prompts: bool) -> Readable:
    """The strings of a request's body, in their order."""
    found = Readable([], {})
    for text in texts(raw):
        name = text.path[-1]
        if name in SEALED or (text.role in SYSTEM and not system_prompts):
            continue
        kind = file_kind(name, text.value)
        if kind is not None:
            found.unread[kind] = found.unread.get(kind, 0) + 1
        else:
            found.texts.append(text)
    return found


def file_kind(name: str | int, value: str) -> str | None:
    """What a string holds that is no text: `image`, `audio`, `file`; None: it is one."""
    if name not in FILES:
        return None
    if value[:5].lower() != "data:" and len(value) < BLOB_MIN:
        return None
    match = _BLOB.fullmatch(value)
    if match is None:
        return None
    kind = (match[1] or "").lower()
    return kind if kind in ("image", "audio", "video") else "file"


def instructed(found: Iterable[Text]) -> Iterator[Text]:
    """Those that may carry instructions which nobody here gave: of users, tools and documents, not of the application itself."""
    for text in found:
        if text.role not in SYSTEM and text.role != "assistant" and len(text.value) >= 12:
            yield text
