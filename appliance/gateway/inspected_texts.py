"""Which strings of a request guardrails read, and which they can't."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec

from appliance.chat import ORDINARY_NAME, Text, texts
from appliance.dialects.openai_responses_items import opened, sealed

# Not made by people, and nothing that could be changed: a vendor's seals, and what is read back by its exact form.
SEALED = frozenset({"signature", "thought_signature", "encrypted_content", "redacted_thinking"})
FILES = frozenset({"data", "file_data", "b64_json", "image_url", "url"})
SYSTEM = frozenset({"system", "developer"})
BLOB_MIN = 256
SEAL_MIN = 64
_SEAL = re.compile(r"[A-Za-z0-9+/_=.:-]*")
# Base64 in one line, or in lines of one length, as mail and PEM have it: words between spaces are a text.
_CODE = r"(?:[A-Za-z0-9+/_-]{60,}\r?\n)*[A-Za-z0-9+/_-]*={0,2}(?:\r?\n)?"
_BLOB = re.compile(rf"(?:data:([a-z0-9.+-]{{1,40}})/[a-z0-9.+-]{{1,80}}[^,]{{0,200}},)?{_CODE}", re.IGNORECASE)


class _SealedThought(Text, kw_only=True):
    """A thought that we sealed for its caller, as it came back: sealed again where it is changed."""

    blocks: list[dict[str, Any]]
    number: int

    def replace(self, value: str) -> None:
        self.blocks[self.number] |= {"thinking": value, "signature": ""}
        self.holder[self.path[-1]] = sealed(self.blocks)
        self.value = value


class Readable(msgspec.Struct):
    """`unread`: kinds of contents that no detector here reads, and how many there are of each; `files`: those that are files."""

    texts: list[Text]
    unread: dict[str, int]
    files: list[Text] = []


def readable(raw: dict[str, Any], *, system_prompts: bool) -> Readable:
    """The strings of a request's body, in their order."""
    found = Readable([], {}, [])
    for text in texts(raw):
        name = text.path[-1]
        if name == "encrypted_content" and (blocks := opened(text.value)):
            found.texts += _thoughts(text, blocks)
            continue
        if is_seal(name, text.value) or (text.role in SYSTEM and not system_prompts):
            continue
        kind = kind_of(text)
        if kind is not None:
            found.unread[kind] = found.unread.get(kind, 0) + 1
            if kind in ("image", "file"):
                found.files.append(text)
        else:
            found.texts.append(text)
    return found


def _thoughts(text: Text, blocks: list[dict[str, Any]]) -> Iterator[Text]:
    for number, block in enumerate(blocks):
        thought = block.get("thinking")
        if isinstance(thought, str) and thought:
            yield _SealedThought(text.path, text.role, thought, text.holder, blocks=blocks, number=number)


def is_seal(name: str | int, value: str) -> bool:
    """A vendor's seal: a field of that name that holds what no person wrote."""
    return name in SEALED and len(value) >= SEAL_MIN and _SEAL.fullmatch(value) is not None


def kind_of(text: Text) -> str | None:
    """The same, also by what stands beside a string or around it."""
    kind = file_kind(text.path[-1], text.value)
    return "audio" if kind == "file" and "input_audio" in text.path else kind


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


def path_shown(path: Sequence[str | int]) -> str:
    """A name that a person may have made could be what was found: it is left out."""
    shown = ""
    for part in path:
        name = part if isinstance(part, int) or ORDINARY_NAME.fullmatch(part) else "*"
        shown += f"[{name}]" if isinstance(name, int) else f".{name}" if shown else name
    return shown
