"""Files inside requests, scanned before anything leaves: stopped, replaced by a redacted version or by their text, or passed.

They stand in a body as base64: data URIs of `image_url` and `file` parts, `input_image` and `input_file`, and the sources of
`image` and `document` blocks. Whatever else holds such a string is read likewise.
"""

import asyncio
import base64
import binascii
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from appliance.chat import Text
from appliance.errors import ContentBlocked, InvalidField
from appliance.files.document import FileError
from appliance.gateway.call import Call
from appliance.gateway.clean_files import CleanFiles
from appliance.gateway.file_changes import text_of
from appliance.gateway.file_references import Place
from appliance.gateway.file_scan import FileScan
from appliance.gateway.file_types import MEDIA_TYPES
from appliance.gateway.file_verdict import Scanned
from appliance.gateway.files_as_text import TEXT_TYPES, as_text, decoded
from appliance.gateway.inspected_texts import kind_of, path_shown
from appliance.guardrails.policy_set import PolicySet
from appliance.providers.support import DOCUMENTS
from appliance.workers.launch import passing_folder

if TYPE_CHECKING:
    from appliance.gateway.tally import Tally

FILES_MAX = 100
TOLD_MAX = 20


class FileInputs:
    """Of one request. files: its strings that hold one."""

    def __init__(self, call: Call, policy: PolicySet, scan: FileScan, clean: CleanFiles) -> None:
        assert call.tally is not None
        self._call = call
        self._policy = policy
        self._scan = scan
        self._clean = clean
        self._tally: Tally = call.tally

    async def inspect(self, files: Sequence[Text]) -> bool:
        """Whether anything was changed. One after another: placeholders are numbered by where values appear first.

        Errors:  ContentBlocked, InvalidField, Overloaded, GuardrailFailed.
        """
        if len(files) > FILES_MAX:
            raise InvalidField(
                f"the request has more than {FILES_MAX} files", param=path_shown(files[FILES_MAX].path), fix="Send fewer."
            )
        async with passing_folder() as folder:
            changed = [await self._inspected(text, folder / f"{number}.upload") for number, text in enumerate(files)]
        return any(changed)

    async def _inspected(self, text: Text, path: Path) -> bool:
        try:
            data = await asyncio.to_thread(decoded, text.value)
        except (ValueError, binascii.Error):
            return self._refuse_unreadable(text, FileError("MALFORMED", "it is no base64", "Encode it again."))
        digest = self._clean.digest(data, self._policy)
        if self._clean.has(digest):
            self._is_read(text)
            return False
        await asyncio.to_thread(path.write_bytes, data)
        scanned = await self._scan.scan(path, _name(text))
        if scanned.error is not None:
            return self._refuse_unreadable(text, scanned.error)
        if scanned.becomes == "block":
            raise self._refusal(text, scanned)
        if scanned.document is not None and not scanned.document.unread:
            self._is_read(text)
        if scanned.told.verdict == "clean":
            self._clean.add(digest)
        place = _part(self._call.raw, text.path)
        is_hidden = scanned.becomes != "pass" and bool(scanned.changes)
        if place is not None and scanned.document is not None and scanned.document.kind in DOCUMENTS:
            self._call.file_texts[place[0]] = self._said(scanned, hidden=is_hidden)
        if not is_hidden:
            return False
        if scanned.becomes == "as_text" and place is not None:
            part = place[1]
            said = as_text(part, self._said(scanned, hidden=True))
            part.clear()
            part.update(said)
            return True
        await self._redact(text, scanned, path)
        return True

    def _is_read(self, text: Text) -> None:
        """It was counted as uninspected before."""
        kind = kind_of(text) or "file"
        left = self._tally.unread.get(kind, 0) - 1
        if left > 0:
            self._tally.unread[kind] = left
        else:
            self._tally.unread.pop(kind, None)

    def _refuse_unreadable(self, text: Text, error: FileError) -> bool:
        """False: the policy lets it pass. Errors: ContentBlocked."""
        if self._policy.unreadable == "pass":
            return False
        raise ContentBlocked(
            f"the policy {self._policy.name} stops files that can't be read: {error.code}, {error.message}",
            param=path_shown(text.path),
            fix=error.fix,
        )

    def _refusal(self, text: Text, scanned: Scanned) -> ContentBlocked:
        """Types and places, never values."""
        param = path_shown(text.path)
        stopping = [one for one in scanned.told.findings if one.action == "block"]
        kinds = ", ".join(sorted({one.type for one in stopping}))
        if not kinds and scanned.document is not None:
            kinds = f"parts that can't be read: {scanned.document.unread[0]}"
        return ContentBlocked(
            f"the policy {self._policy.name} stops files with {kinds}",
            findings=[{**msgspec.to_builtins(one), "param": param} for one in stopping[:TOLD_MAX]],
            param=param,
            fix="Leave it out, or ask whoever runs Gatehouse about the policy. POST /v1/files/scan tells more.",
        )

    def _said(self, scanned: Scanned, *, hidden: bool) -> str:
        """The file's text; `hidden`: without what was found."""
        assert scanned.document is not None
        return text_of(scanned.document, scanned.changes if hidden else (), self._call.placeholders)

    async def _redact(self, text: Text, scanned: Scanned, path: Path) -> None:
        """Errors: ContentBlocked: there is something in it, and it can't be taken out."""
        result = path.with_suffix(".redacted")
        try:
            done = await self._scan.redact(path, scanned, result)
        except FileError as error:
            raise ContentBlocked(
                f"what the policy {self._policy.name} hides in a file can't be taken out of it: {error.message}",
                param=path_shown(text.path),
                fix=error.fix,
            ) from None
        data = await asyncio.to_thread(result.read_bytes)
        media_type = MEDIA_TYPES[done.kind].partition(";")[0]
        encoded = await asyncio.to_thread(base64.b64encode, data)
        prefix = f"data:{media_type};base64," if text.value[:5].lower() == "data:" else ""
        if "media_type" in text.holder:
            text.holder["media_type"] = media_type
        text.replace(prefix + encoded.decode())


def _name(text: Text) -> str:
    """What its sender calls it."""
    holder = text.holder
    found = holder.get("filename") if isinstance(holder, dict) else None
    return found if isinstance(found, str) else ""


def _part(raw: dict[str, Any], path: Sequence[str | int]) -> tuple[Place, dict[str, Any]] | None:
    """The part of a message in which the string at `path` stands, and its own place."""
    node: Any = raw
    found = None
    for number, step in enumerate(path[:-1], 1):
        node = node[step]
        if isinstance(node, dict) and node.get("type") in TEXT_TYPES:
            found = tuple(path[:number]), node
    return found
