"""Documents as their text, for whoever takes no files: a model on this machine, a vendor's format without room for them, a DOCX
for anybody. What an attempt is sent is decided for its own deployment, so one that takes the file itself gets it.

The text is what was inspected: with what the policy hides hidden, and without what nobody sees. Pictures are no documents.
"""

import asyncio
import base64
import binascii
from collections.abc import Iterator
from hashlib import blake2b
from secrets import token_bytes
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.errors import FeatureUnsupported
from appliance.files.document import FileError
from appliance.gateway.call import Call
from appliance.gateway.file_references import Place, parts
from appliance.gateway.file_types import kind_of_bytes
from appliance.gateway.inspected_texts import path_shown
from appliance.providers.registry import wire
from appliance.providers.support import DOCUMENTS, TEXT_SOURCE
from appliance.workers.launch import passing_folder

if TYPE_CHECKING:
    from appliance.gateway.file_scan import Reads

NO_TEXT = "[a file without text]"
# What stands for text in the place of a part of this type.
TEXT_TYPES = {
    "image_url": "text",
    "file": "text",
    "image": "text",
    "document": "text",
    "input_image": "input_text",
    "input_file": "input_text",
}
HEAD = 2_048  # characters of base64 by which most kinds are known
KEPT_CHARACTERS_MAX = 16 * 1024 * 1024


class Inline(msgspec.Struct):
    """A document in a request. value: base64, perhaps behind the head of a data URI; of kind `TEXT_SOURCE` the text itself."""

    path: Place
    part: dict[str, Any]
    kind: str
    value: str
    name: str


class FilesAsText:
    """One an appliance. A document comes again with every turn of a conversation: texts of the last ones are kept in memory."""

    def __init__(self, reads: "Reads") -> None:
        self._reads = reads
        self._key = token_bytes(32)
        self._kept: dict[bytes, str] = {}
        self._kept_characters = 0

    async def prepare(self, call: Call) -> None:
        """Read what a deployment that may be asked won't take as a file. Errors: Overloaded, GuardrailFailed."""
        found = list(documents(call.raw)) if call.chat is not None else []
        if not found:
            return
        assert call.resolution is not None
        kinds = {target.deployment.kind for target in call.resolution.route.all_targets()}
        taken = [takes(kind, call.dialect_name) for kind in kinds]
        for one in found:
            if one.path not in call.file_texts and any(one.kind not in kinds_taken for kinds_taken in taken):
                call.file_texts[one.path] = await self._text(call, one)

    async def _text(self, call: Call, one: Inline) -> str | FileError:
        if one.kind == TEXT_SOURCE:
            return one.value
        try:
            data = await asyncio.to_thread(decoded, one.value)
        except (ValueError, binascii.Error):
            return FileError("MALFORMED", "it is no base64", "Encode it again.")
        digest = blake2b(one.name.encode("utf-8", "replace") + b"\0" + data, digest_size=20, key=self._key).digest()
        known = self._kept.get(digest)
        if known is None:
            try:
                known = await self._read(data, one.name)
            except FileError as error:
                return error
            self._keep(digest, known)
        if call.placeholders is None:
            return known
        from appliance.guardrails.placeholders import escaped

        found = escaped(known)
        call.placeholders.has_escaped = call.placeholders.has_escaped or found != known
        return found

    async def _read(self, data: bytes, name: str) -> str:
        """Errors: FileError, Overloaded, GuardrailFailed."""
        from appliance.gateway.file_changes import text_of  # policies' libraries: only where they are used

        async with passing_folder() as folder:
            path = folder / "0.upload"
            await asyncio.to_thread(path.write_bytes, data)
            return text_of(await self._reads.read(path, name=name), ())

    def _keep(self, digest: bytes, text: str) -> None:
        if self._kept_characters + len(text) > KEPT_CHARACTERS_MAX:
            self._kept.clear()
            self._kept_characters = 0
        if len(text) <= KEPT_CHARACTERS_MAX // 4:
            self._kept[digest] = text
            self._kept_characters += len(text)


def fitted(call: Call, kind: str, who: str) -> Call:
    """The call as a deployment of this kind takes it; the call itself stays, for the next attempt. Errors: FeatureUnsupported."""
    taken = takes(kind, call.dialect_name)
    raw = call.raw
    for one in documents(call.raw):
        said = call.file_texts.get(one.path)
        if one.kind in taken or said is None:
            continue
        if isinstance(said, FileError):
            raise FeatureUnsupported(
                f"{who} takes no files of this kind, and this one has no text that can be read: {said.message}",
                param=path_shown(one.path),
                fix=said.fix,
            )
        raw = _with(raw, one.path, as_text(one.part, said, one.name))
    if raw is call.raw or call.form is None:
        return call
    return msgspec.structs.replace(call, raw=raw, chat=call.form.chat(raw))


def takes(kind: str, dialect: str) -> frozenset[str]:
    """Kinds of documents that may go, as files, to a deployment of this kind when a caller of this dialect asks."""
    if kind == "llamacpp":
        return frozenset()
    provider = wire(kind, dialect)
    return provider.documents if provider.dialect == dialect or "files" in provider.support else frozenset()


def as_text(part: dict[str, Any], text: str, name: str = "") -> dict[str, Any]:
    """What stands in the place of a file."""
    said = (text.strip() and text) or NO_TEXT
    shown = {"type": TEXT_TYPES[part["type"]], "text": f"[{name}]\n{said}" if name else said}
    return {**shown, "cache_control": part["cache_control"]} if "cache_control" in part else shown


def documents(raw: dict[str, Any]) -> Iterator[Inline]:
    """Those that stand in a request's body, of kinds that have a text."""
    for path, part in parts(raw):
        kind = part["type"]
        holder: Any = part
        if kind == "file":
            holder = part.get("file")
        elif kind == "document":
            holder = part.get("source")
        elif kind != "input_file":
            continue
        if not isinstance(holder, dict):
            continue
        value, said = holder.get("file_data" if kind != "document" else "data"), str(holder.get("media_type") or "")
        name = part.get("title") if kind == "document" else holder.get("filename")
        if not isinstance(value, str):
            continue
        is_text = kind == "document" and holder.get("type") == "text"
        found = TEXT_SOURCE if is_text else _kind(value, said)
        if found in DOCUMENTS or found == TEXT_SOURCE:
            yield Inline(path, part, found, value, name if isinstance(name, str) else "")


def _kind(value: str, said: str) -> str:
    head, comma, _ = value[:HEAD].partition(",")
    if comma and head[:5].lower() == "data:":
        said = head[5:]
    try:
        data = decoded(_beginning(value))
        return kind_of_bytes(decoded(value) if data.startswith(b"PK\x03\x04") else data, said)
    except (ValueError, binascii.Error):
        return "other"


def _beginning(value: str) -> str:
    encoded = value[:HEAD].partition(",")[2] if value[:5].lower() == "data:" else value[:HEAD]
    plain = "".join(encoded.split())
    return plain[: len(plain) // 4 * 4] if len(value) > HEAD else plain


def decoded(value: str) -> bytes:
    """Errors: ValueError."""
    encoded = value.partition(",")[2] if value[:5].lower() == "data:" else value
    plain = "".join(encoded.split()).replace("-", "+").replace("_", "/").rstrip("=")
    return base64.b64decode(plain + "=" * (-len(plain) % 4), validate=True)


def _with(node: Any, path: Place, part: dict[str, Any]) -> Any:
    """The same with this part at its place; what stands beside it is shared, not copied."""
    if not path:
        return part
    if isinstance(node, dict):
        return {**node, path[0]: _with(node[path[0]], path[1:], part)}
    return [_with(one, path[1:], part) if place == path[0] else one for place, one in enumerate(node)]
