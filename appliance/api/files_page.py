"""Pages of files, for who looks at what was found in them: `POST /api/v1/files/page` (raw: a body is streamed to disk)."""

import re
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from appliance.api import files_documents as documents
from appliance.api.exchange import Exchange
from appliance.api.files import ERRORS, SECONDS_MAX, FilesRoutes
from appliance.api.openai_documents import openai_errors
from appliance.api.raw import RawRoute
from appliance.api.uploads import FIELD, uploads
from appliance.errors import InvalidField
from appliance.gateway.file_pages import FilePages

WIDTHS, WIDTH = (64, 2_400), 1_000
PAGE_MAX = 100_000
NO_STORE = (b"cache-control", b"no-store")


class Asked(msgspec.Struct, frozen=True):
    """The query's parameters."""

    page: int = 1
    width: int = WIDTH


class FilesPageRoutes:
    """`files`: who may look at files, and where their uploads lie."""

    def __init__(self, files: FilesRoutes, pages: FilePages) -> None:
        self._files = files
        self._pages = pages

    def table(self) -> list[RawRoute]:
        return [
            RawRoute(
                paths=("/api/v1/files/page",),
                method="POST",
                handler=self.page,
                errors=ERRORS,
                permission="files",
                carries_content=False,  # a file's, and it goes back to who sent it
                operation=OPERATION,
            )
        ]

    async def page(self, exchange: Exchange) -> None:
        caller = exchange.caller = await self._files.caller(exchange)
        asked = _asked(exchange)
        exchange.expect_body_within(SECONDS_MAX)
        async with self._files.folder() as folder:
            form = await uploads(exchange, self._files.one, folder)
            (upload,) = form.files
            target = folder / "page.png"
            await self._pages.draw(
                upload.path,
                target,
                caller,
                self._files.state,
                page=asked.page,
                width=asked.width,
                name=upload.name,
                password=form.password,
            )
            await exchange.file(target, b"image/png", [NO_STORE, (b"x-content-type-options", b"nosniff")])


def _asked(exchange: Exchange) -> Asked:
    """Errors: InvalidField."""
    bounds = {"page": (1, PAGE_MAX), "width": WIDTHS}
    found: dict[str, int] = {}
    for name, value in parse_qsl(exchange.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True):
        if name not in bounds:
            raise InvalidField("the query may have page and width", param=name[:40], fix="Such as ?page=2&width=1000.")
        least, most = bounds[name]
        if not re.fullmatch(r"[0-9]{1,6}", value) or not least <= int(value) <= most:
            raise InvalidField(f"{name} is a number from {least} to {most:,}", param=name, fix="Such as ?page=2&width=1000.")
        found[name] = int(value)
    return Asked(**found)


_FORM = {
    "type": "object",
    "required": [FIELD],
    "properties": {
        FIELD: {"type": "string", "format": "binary"},
        "password": {"type": "string", "description": "Where it is encrypted."},
    },
}


def _number(name: str, meaning: str, least: int, most: int, default: int) -> dict[str, Any]:
    schema = {"type": "integer", "minimum": least, "maximum": most, "default": default}
    return {"name": name, "in": "query", "schema": schema, "description": meaning}


OPERATION: dict[str, Any] = {
    "operationId": "drawFilePage",
    "summary": "A page of a file as a picture",
    "description": (
        "A page of a PDF, or a frame of an image, as people see it: for showing where findings stand, whose boxes are parts of 1 "
        "of this picture. It is drawn by the same confined readers as a scan, and nothing is kept. DOCX and texts have no pages "
        "(`file_unreadable`, UNSUPPORTED). By API key (scope `files`), or by a sign-in token."
    ),
    "tags": ["Files"],
    "security": [{"bearer": []}],
    "parameters": [
        _number("page", "Which one.", 1, PAGE_MAX, 1),
        _number("width", "In pixels. A very high page, or a small image, comes narrower.", *WIDTHS, WIDTH),
    ],
    "requestBody": {"required": True, "content": {"multipart/form-data": {"schema": _FORM}}},
    "responses": {
        "200": {
            "description": "The page.",
            "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
        },
        **openai_errors(*documents.ERRORS),
    },
}
