"""What the OpenAPI document says of the scanning of files, as plain JSON."""

from typing import Any

import msgspec

from appliance import errors
from appliance.api.openai_documents import openai_errors
from appliance.api.raw_documents import SCHEMA_PLACE, json_content
from appliance.gateway.file_verdict import FileScanAnswer

_FINDING = {
    "type": "US_SSN",
    "start": 5,
    "end": 16,
    "score": 0.9,
    "detector": "us_ssn",
    "action": "mask",
    "part": "body",
    "page": 2,
    "box": [0.21, 0.2, 0.4, 0.22],
}
_ANSWER = {
    "files": [
        {
            "name": "letter.pdf",
            "kind": "pdf",
            "verdict": "flagged",
            "findings": [_FINDING],
            "warnings": ["TYPE_MISMATCH"],
            "error": None,
            "engine": None,
            "pages": 2,
            "unread": [],
            "findings_left_out": 0,
        },
        {
            "name": "locked.pdf",
            "kind": None,
            "verdict": "unreadable",
            "findings": [],
            "warnings": [],
            "error": {
                "code": "ENCRYPTED",
                "message": "the file is encrypted",
                "fix": "Send its password in the field `password`.",
            },
            "engine": None,
            "pages": 0,
            "unread": [],
            "findings_left_out": 0,
        },
    ],
    "policy": "default@1",
}
# Of whoever asks for a file to be read here.
ERRORS = (
    errors.BadRequest,
    errors.InvalidField,
    errors.FileUnreadable,
    errors.KeyMissing,
    errors.KeyInvalid,
    errors.KeyRevoked,
    errors.KeyExpired,
    errors.TokenInvalid,
    errors.LoopbackOnly,
    errors.Forbidden,
    errors.MethodNotAllowed,
    errors.BodyTooSlow,
    errors.TooLarge,
    errors.Overloaded,
    errors.GuardrailFailed,
)
_FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "array", "items": {"type": "string", "format": "binary"}, "description": "One, or several."},
        "password": {"type": "string", "description": "Of those that are encrypted."},
    },
}


def _flag(name: str, meaning: str) -> dict[str, Any]:
    return {"name": name, "in": "query", "schema": {"type": "boolean", "default": False}, "description": meaning}


SCAN: dict[str, Any] = {
    "operationId": "scanFiles",
    "summary": "What guardrails find in files",
    "description": (
        "PDF, DOCX, images (read by OCR), text, CSV, Markdown and HTML, told by their content and read on this machine, judged "
        "by the policies that hold for the caller. Nothing is sent to a model, and nothing is kept. The form's field is `file`, "
        "once or several times. Error codes of files: EMPTY_FILE, MALFORMED, ENCRYPTED, TOO_LARGE, UNSAFE_XML, TYPE_MISMATCH, "
        "TIMEOUT, UNSUPPORTED. By API key (scope `files`), or by a sign-in token."
    ),
    "tags": ["Files"],
    "security": [{"bearer": []}],
    "parameters": [
        _flag("redact", "Give the file back without what was found; several as a ZIP, beside a report `scan.json`."),
        _flag("include_values", "Tell the values that were found: for keys of scope `file_values`, owner and admin."),
    ],
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
    "responses": {
        "200": {
            "description": "What was found; with `redact` the file, or the ZIP.",
            "content": {
                **json_content({"$ref": SCHEMA_PLACE.format(name="FileScanAnswer")}, several=_ANSWER),
                "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            },
        },
        **openai_errors(*ERRORS, errors.LedgerUnavailable),
    },
}


def schemas() -> dict[str, Any]:
    """The components that the operation refers to."""
    _, found = msgspec.json.schema_components([FileScanAnswer], ref_template=SCHEMA_PLACE)
    return found
