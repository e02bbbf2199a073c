"""Uploaded files as OpenAI's clients read them, and as Anthropic's do.

Source: the openai Python SDK 3.57 (types/file_object, file_deleted, file_list_params) and the anthropic Python SDK 2.14
(types/file_metadata, deleted_file, file_list_params, SyncPageCursor), read 2026-11-27.
"""

import mimetypes
import re
from collections.abc import Mapping, Sequence
from typing import Any, Literal
from urllib.parse import parse_qsl

import msgspec

from appliance.clock import rfc3339
from appliance.errors import InvalidField
from appliance.gateway.uploaded_files import Told, UploadedFile, Wanted

PURPOSES = ("assistants", "batch", "evals", "fine-tune", "user_data", "vision")
OWN_PURPOSE = "user_data"  # of a file that came in Anthropic's form, which knows none
OPENAI_FIELDS = ("purpose", "expires_after[anchor]", "expires_after[seconds]")
ANTHROPIC_FIELDS = ("expires_in_seconds",)
EXPIRES_SECONDS = {"expires_after[seconds]": (3_600, 2_592_000), "expires_in_seconds": (3_600, 7_776_000)}
OPENAI_LIMIT, ANTHROPIC_LIMIT = (10_000, 10_000), (20, 1_000)  # (where none is given, at most)
ANY_TYPE = "application/octet-stream"
_MEDIA_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,90}")
_FIX = "Correct it, or leave it out."


class FileObject(msgspec.Struct):
    """A file, in OpenAI's form. Times in seconds."""

    id: str
    bytes: int
    created_at: int
    filename: str
    purpose: str
    expires_at: int | None
    object: Literal["file"] = "file"
    status: Literal["processed"] = "processed"
    status_details: None = None


class FileList(msgspec.Struct):
    data: list[FileObject]
    has_more: bool
    first_id: str | None
    last_id: str | None
    object: Literal["list"] = "list"


class FileDeleted(msgspec.Struct):
    id: str
    deleted: Literal[True] = True
    object: Literal["file"] = "file"


class FileMetadata(msgspec.Struct):
    """A file, in Anthropic's form."""

    id: str
    created_at: str
    filename: str
    mime_type: str
    size_bytes: int
    expires_at: str | None
    downloadable: Literal[True] = True
    type: Literal["file"] = "file"


class FilePage(msgspec.Struct):
    """`next_page` is what the SDK goes on with; the other three are what older ones do."""

    data: list[FileMetadata]
    has_more: bool
    first_id: str | None
    last_id: str | None
    next_page: str | None


class FileGone(msgspec.Struct):
    id: str
    type: Literal["file_deleted"] = "file_deleted"


def shown(file: UploadedFile, *, anthropic: bool) -> FileObject | FileMetadata:
    if anthropic:
        ends = None if file.expires_at is None else rfc3339(file.expires_at)
        return FileMetadata(file.id, rfc3339(file.created_at), file.name, file.media_type, file.bytes, ends)
    seconds = None if file.expires_at is None else file.expires_at // 1000
    return FileObject(file.id, file.bytes, file.created_at // 1000, file.name, file.purpose, seconds)


def page(files: Sequence[UploadedFile], *, more: bool, anthropic: bool) -> FileList | FilePage:
    ids = (files[0].id, files[-1].id) if files else (None, None)
    data: list[Any] = [shown(file, anthropic=anthropic) for file in files]
    if anthropic:
        return FilePage(data, more, ids[0], ids[1], next_page=ids[1] if more else None)
    return FileList(data, more, *ids)


def wanted(query: bytes, *, anthropic: bool) -> Wanted:
    """The page that is asked for. Errors: InvalidField."""
    given = dict(parse_qsl(query.decode("latin-1")))
    limit = _limit(given.get("limit"), *(ANTHROPIC_LIMIT if anthropic else OPENAI_LIMIT))
    if anthropic:
        return Wanted(limit, after=given.get("page") or given.get("after_id"), before=given.get("before_id"))
    order = given.get("order", "desc")
    if order not in ("asc", "desc"):
        raise InvalidField("order is asc or desc", param="order", fix=_FIX)
    return Wanted(limit, "asc" if order == "asc" else "desc", given.get("after"), purpose=given.get("purpose"))


def told(name: str, media_type: str, fields: Mapping[str, str], *, anthropic: bool) -> Told:
    """What a form says of its file. Errors: InvalidField."""
    if anthropic:
        return Told(name, _media_type(name, media_type), OWN_PURPOSE, _seconds(fields, "expires_in_seconds"))
    purpose = fields.get("purpose", "")
    if purpose not in PURPOSES:
        raise InvalidField(f"purpose is one of {', '.join(PURPOSES)}", param="purpose", fix="Send user_data where none fits.")
    if fields.get("expires_after[anchor]", "created_at") != "created_at":
        raise InvalidField("the anchor is created_at", param="expires_after.anchor", fix=_FIX)
    return Told(name, _media_type(name, media_type), purpose, _seconds(fields, "expires_after[seconds]"))


def _media_type(name: str, said: str) -> str:
    if said != ANY_TYPE and _MEDIA_TYPE.fullmatch(said.lower()):
        return said.lower()
    return mimetypes.guess_type(name)[0] or ANY_TYPE


def _seconds(fields: Mapping[str, str], name: str) -> int | None:
    given = fields.get(name)
    if given is None:
        return None
    least, most = EXPIRES_SECONDS[name]
    if not (given.isascii() and given.isdigit()) or not least <= int(given[:9]) <= most:
        param = name.replace("[", ".").replace("]", "")
        raise InvalidField(f"{param} is a whole number from {least:,} to {most:,}", param=param, fix=_FIX)
    return int(given)


def _limit(given: str | None, usual: int, most: int) -> int:
    if given is None:
        return usual
    if not (given.isascii() and given.isdigit()) or not 1 <= int(given[:9]) <= most:
        raise InvalidField(f"limit is from 1 to {most:,}", param="limit", fix=_FIX)
    return int(given)
