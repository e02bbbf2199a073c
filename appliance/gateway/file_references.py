"""Uploaded files that a request names by their ids, put into it as if they had been sent with it: all that follows sees no other.

OpenAI's `file` parts, `input_file` and `input_image` with a `file_id`, Anthropic's `document` and `image` with a source of type
`file`. No provider knows our ids, so this is done whatever the policy says; and ids of files at a provider mean nothing here.
"""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import msgspec

from appliance.chat import ARGUMENTS
from appliance.errors import FileUnknown, InvalidField, Overloaded, TooLarge
from appliance.gateway.call import Call
from appliance.gateway.file_types import media_type_of
from appliance.gateway.inspected_texts import path_shown
from appliance.gateway.uploaded_files import UploadedFile
from appliance.identity.caller import Caller

REFERENCES_MAX = 100
REQUEST_BYTES_MAX = 64 * 1024 * 1024  # of one request, unless a single file may be larger
HELD_BYTES_MAX = 256 * 1024 * 1024  # of all requests that are being served
PART_TYPES = frozenset({"file", "input_file", "input_image", "document", "image"})
ROOTS = ("messages", "input")
_FIX = (
    "Upload it with POST /v1/files to this address, and name the id that this gives. Ids of files that lie with a provider are "
    "not known here, nor are those of other people."
)
Place = tuple[str | int, ...]


class Kept(Protocol):
    """Where uploaded files are."""

    async def get(self, caller: Caller, file_id: str) -> UploadedFile:
        """Errors: FileUnknown, Unavailable."""
        ...

    def path(self, file: UploadedFile) -> Path: ...


class Reference(msgspec.Struct):
    """A part that names a file, and where it stands."""

    path: Place
    part: dict[str, Any]
    file_id: str


class FileReferences:
    """One an appliance."""

    def __init__(self, files: Kept, file_bytes_max: int) -> None:
        self._files = files
        self._bytes_max = max(REQUEST_BYTES_MAX, file_bytes_max)
        self._held = 0

    async def inline(self, call: Call) -> int:
        """Put the named files into the body. How many bytes it has grown by; they count as held until the call ends.

        Errors:  FileUnknown, InvalidField, TooLarge, Overloaded, Unavailable.
        """
        named = list(references(call.raw))
        if not named:
            return 0
        if len(named) > REFERENCES_MAX:
            where = path_shown(named[REFERENCES_MAX].path)
            raise InvalidField(f"the request names more than {REFERENCES_MAX} files", param=where, fix="Name fewer.")
        files = {one.file_id: await self._found(call, one) for one in named}
        size = sum(files[one.file_id].bytes for one in named)
        if size > self._bytes_max:
            raise TooLarge(f"the files that are named have more than {self._bytes_max:,} bytes together", fix="Name fewer.")
        self._hold(call, size)
        for one in named:
            await self._put(files[one.file_id], one)
        if call.form is not None:
            call.chat = call.form.chat(call.raw)
        return size * 4 // 3

    async def _found(self, call: Call, one: Reference) -> UploadedFile:
        try:
            return await self._files.get(call.caller, one.file_id)
        except FileUnknown:
            raise _unknown(one) from None

    def _hold(self, call: Call, size: int) -> None:
        """Errors: Overloaded."""
        if self._held and self._held + size > HELD_BYTES_MAX:
            raise Overloaded(
                "too many uploaded files are being sent at once", fix="Try again in a moment.", retry_after_seconds=5
            )
        self._held += size

        async def let_go(call: Call, error: BaseException | None) -> None:
            self._held -= size

        call.on_end(let_go)

    async def _put(self, file: UploadedFile, one: Reference) -> None:
        try:
            data = await asyncio.to_thread(self._files.path(file).read_bytes)
        except FileNotFoundError:  # deleted since
            raise _unknown(one) from None
        await asyncio.to_thread(_put, one.part, file, data)


def _put(part: dict[str, Any], file: UploadedFile, data: bytes) -> None:
    media_type = media_type_of(data, file.media_type)
    kind = part["type"]
    if kind in ("document", "image"):
        part["source"] = _source(kind, media_type, data)
        return
    uri = f"data:{media_type};base64,{base64.b64encode(data).decode()}"
    if kind == "input_image":
        del part["file_id"]
        part["image_url"] = uri
        return
    holder = part["file"] if kind == "file" else part
    del holder["file_id"]
    holder["filename"] = holder.get("filename") or file.name
    holder["file_data"] = uri


def _source(kind: str, media_type: str, data: bytes) -> dict[str, Any]:
    """Anthropic takes text as text, where it takes it."""
    if kind == "document" and media_type.startswith("text/"):
        try:
            return {"type": "text", "media_type": "text/plain", "data": data.decode("utf-8-sig")}
        except UnicodeDecodeError:
            pass  # in another encoding: whoever reads files finds out which
    return {"type": "base64", "media_type": media_type, "data": base64.b64encode(data).decode()}


def references(raw: dict[str, Any]) -> Iterator[Reference]:
    """Those of a request's body, in their order."""
    for path, part in parts(raw):
        kind = part["type"]
        holder: Any = part
        if kind == "file":
            holder = part.get("file")
        elif kind in ("document", "image"):
            holder = part.get("source")
            if not isinstance(holder, dict) or holder.get("type") != "file":
                continue
        file_id = holder.get("file_id") if isinstance(holder, dict) else None
        if file_id is None:
            continue
        if not isinstance(file_id, str) or not file_id:
            raise InvalidField("the id of a file is a word", param=path_shown(path), fix=_FIX)
        yield Reference(path, part, file_id)


def parts(raw: dict[str, Any]) -> Iterator[tuple[Place, dict[str, Any]]]:
    """Parts of messages that may hold a file, in their order; what tools are called with is nobody's part."""
    stack: list[tuple[Place, Any]] = [((name,), raw[name]) for name in reversed(ROOTS) if isinstance(raw.get(name), list)]
    while stack:
        path, node = stack.pop()
        if isinstance(node, dict):
            if isinstance(node.get("type"), str) and node["type"] in PART_TYPES:
                yield path, node
                continue
            stack += [
                ((*path, name), value)
                for name, value in reversed(node.items())
                if isinstance(value, list | dict) and name not in ARGUMENTS
            ]
        else:
            stack += [
                ((*path, place), node[place]) for place in reversed(range(len(node))) if isinstance(node[place], list | dict)
            ]


def _unknown(one: Reference) -> FileUnknown:
    return FileUnknown(f"No such File object: {one.file_id[:100]}", param=path_shown((*one.path, "file_id")), fix=_FIX)
