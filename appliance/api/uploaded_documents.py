"""What the OpenAPI document says of uploaded files, as plain JSON."""

from typing import Any

import msgspec

from appliance import errors
from appliance.api.openai_documents import openai_errors
from appliance.api.raw_documents import SCHEMA_PLACE, json_content
from appliance.api.uploaded_shapes import PURPOSES, FileDeleted, FileGone, FileList, FileMetadata, FileObject, FilePage

_ID = "file-mfrggzdfmztwq2lknnwg23tp"
_FILE = {
    "id": _ID,
    "bytes": 18230,
    "created_at": 1795777048,
    "filename": "letter.pdf",
    "purpose": "user_data",
    "expires_at": 1798369048,
    "object": "file",
    "status": "processed",
    "status_details": None,
}
_METADATA = {
    "id": _ID,
    "created_at": "2026-11-27T10:57:28.000Z",
    "filename": "letter.pdf",
    "mime_type": "application/pdf",
    "size_bytes": 18230,
    "expires_at": "2026-12-27T10:57:28.000Z",
    "downloadable": True,
    "type": "file",
}
_KEY = (errors.KeyMissing, errors.KeyInvalid, errors.KeyRevoked, errors.KeyExpired, errors.LoopbackOnly, errors.Forbidden)
_ANYWHERE = (*_KEY, errors.MethodNotAllowed, errors.Overloaded, errors.Unavailable)
_ANTHROPIC = "With the header `anthropic-version` the answer is Anthropic's."
_ONE = {"name": "file_id", "in": "path", "required": True, "schema": {"type": "string"}, "description": "The file's id."}


def _operation(
    name: str, summary: str, description: str, answer: dict[str, Any], *kinds: type[errors.GatehouseError], **more: Any
) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "tags": ["Files"],
        "security": [{"bearer": []}],
        **more,
        "responses": {"200": answer, **openai_errors(*_ANYWHERE, *kinds)},
    }


def _answer(description: str, ours: type[msgspec.Struct], theirs: type[msgspec.Struct], **examples: Any) -> dict[str, Any]:
    either = [{"$ref": SCHEMA_PLACE.format(name=kind.__name__)} for kind in (ours, theirs)]
    return {"description": description, "content": json_content({"anyOf": either}, **examples)}


def _query(name: str, schema: dict[str, Any], meaning: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


_FORM = {
    "type": "object",
    "required": ["file", "purpose"],
    "properties": {
        "file": {"type": "string", "format": "binary"},
        "purpose": {"enum": list(PURPOSES), "description": "Of no effect here. Anthropic's form has none."},
        "expires_after[anchor]": {"enum": ["created_at"]},
        "expires_after[seconds]": {"type": "integer", "description": "From 3,600 to 2,592,000; Anthropic's: expires_in_seconds."},
    },
}
CREATE = _operation(
    "uploadFile",
    "Upload a file",
    "It is kept on this machine, for its owner alone, and named in requests by its id; whenever one names it, it is inspected. "
    f"{_ANTHROPIC} By API key (scope `chat` or `files`).",
    _answer("The file.", FileObject, FileMetadata, openai=_FILE, anthropic=_METADATA),
    errors.BadRequest,
    errors.InvalidField,
    errors.FilesFull,
    errors.BodyTooSlow,
    errors.TooLarge,
    errors.StorageFull,
    requestBody={"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
)
LIST = _operation(
    "listFiles",
    "List the files that you uploaded",
    f"Newest first. {_ANTHROPIC} and so are its parameters: limit, page, after_id, before_id.",
    _answer(
        "A page.",
        FileList,
        FilePage,
        openai={"object": "list", "data": [_FILE], "has_more": False, "first_id": _ID, "last_id": _ID},
        anthropic={"data": [_METADATA], "has_more": False, "first_id": _ID, "last_id": _ID, "next_page": None},
    ),
    errors.InvalidField,
    parameters=[
        _query("limit", {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 10_000}, "How many at most."),
        _query("order", {"enum": ["asc", "desc"], "default": "desc"}, "By the time of their upload."),
        _query("after", {"type": "string"}, "The last id of the page before."),
        _query("purpose", {"type": "string"}, "Only those of this purpose."),
    ],
)
RETRIEVE = _operation(
    "getFile",
    "An uploaded file",
    f"What is known of it; its bytes are at `/content`. Other people's are as good as unknown. {_ANTHROPIC}",
    _answer("The file.", FileObject, FileMetadata, openai=_FILE, anthropic=_METADATA),
    errors.FileUnknown,
    parameters=[_ONE],
)
DELETE = _operation(
    "deleteFile",
    "Delete an uploaded file",
    f"Requests can't name it any more. {_ANTHROPIC}",
    _answer(
        "It is gone.",
        FileDeleted,
        FileGone,
        openai={"id": _ID, "object": "file", "deleted": True},
        anthropic={"id": _ID, "type": "file_deleted"},
    ),
    errors.FileUnknown,
    parameters=[_ONE],
)
CONTENT = _operation(
    "getFileContent",
    "The bytes of an uploaded file",
    "As they were uploaded.",
    {
        "description": "The file.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    },
    errors.FileUnknown,
    parameters=[_ONE],
)


def schemas() -> dict[str, Any]:
    """The components that the operations refer to."""
    shapes = [FileObject, FileList, FileDeleted, FileMetadata, FilePage, FileGone]
    _, found = msgspec.json.schema_components(shapes, ref_template=SCHEMA_PLACE)
    return found
