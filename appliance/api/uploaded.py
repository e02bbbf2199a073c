"""Files that callers upload, to name them in requests by their ids: `/v1/files` (raw, since bodies are streamed to disk).

With the header `anthropic-version` they are told as Anthropic's Files API tells them. Nothing is looked at here: a file is
inspected whenever a request names it, by the policies that hold then.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from appliance.api import uploaded_documents as documents
from appliance.api.anthropic import ERRORS as ANTHROPIC_ERRORS
from appliance.api.chat_surface import identified
from appliance.api.door import ASKED_PATH, Door, ErrorForm, openai_error_body
from appliance.api.exchange import Exchange, overloaded
from appliance.api.files import named
from appliance.api.raw import RawRoute
from appliance.api.uploaded_shapes import ANTHROPIC_FIELDS, OPENAI_FIELDS, FileDeleted, FileGone, page, shown, told, wanted
from appliance.api.uploads import UploadBounds, last_part, uploads
from appliance.dialects import openai_chat
from appliance.errors import GatehouseError
from appliance.gateway.uploaded_files import UploadedFiles, unknown

ERRORS = ErrorForm(openai_error_body, openai_chat.error_event)
SCOPES = ("chat", "files")  # either: whoever may send a file inside a request may upload it first
FORM_BYTES_MAX = 64 * 1024  # of the form around the file
SECONDS_MAX = 600.0
UPLOADS_MAX, WAITING_MAX = 16, 600  # at once, and with those that wait for a place
CONTENT_HEADERS = [(b"x-content-type-options", b"nosniff"), (b"cache-control", b"private, no-store")]
_write = msgspec.json.Encoder().encode


class UploadedRoutes:
    """The raw handlers, and what they need."""

    def __init__(self, door: Door, files: UploadedFiles, clean: Callable[[GatehouseError], None], file_bytes_max: int) -> None:
        self._door = door
        self._files = files
        self._clean = clean
        self._bytes_max = file_bytes_max
        self._here = 0
        self._places = asyncio.Semaphore(UPLOADS_MAX)

    def table(self) -> list[RawRoute]:
        return [
            self._route("", "POST", self.create, documents.CREATE),
            self._route("", "GET", self.list_all, documents.LIST),
            self._route("/{file_id:str}", "GET", self.retrieve, documents.RETRIEVE),
            self._route("/{file_id:str}", "DELETE", self.delete, documents.DELETE),
            self._route("/{file_id:str}/content", "GET", self.content, documents.CONTENT),
        ]

    def _route(self, path: str, method: str, handler: Any, operation: dict[str, Any]) -> RawRoute:
        return RawRoute(
            paths=(f"/v1/files{path}", f"/api/v1/files{path}"),
            method=method,
            handler=handler,
            errors=ERRORS,
            anthropic_errors=ANTHROPIC_ERRORS,
            permission="chat",
            carries_content=False,  # what is kept goes to its owner alone; to models by the routes that name it
            operation=operation,
        )

    async def create(self, exchange: Exchange) -> None:
        self._identify(exchange)
        anthropic = _is_anthropic(exchange)
        fields = ANTHROPIC_FIELDS if anthropic else OPENAI_FIELDS
        bounds = UploadBounds(1, self._bytes_max, self._bytes_max + FORM_BYTES_MAX, SECONDS_MAX, fields)
        exchange.expect_body_within(SECONDS_MAX)
        assert exchange.caller is not None
        async with self._place(), self._files.arriving(_announced(exchange)) as arrival:
            form = await uploads(exchange, bounds, arrival.folder)
            (upload,) = form.files
            said = told(last_part(upload.name), upload.media_type, form.fields, anthropic=anthropic)
            file = await self._files.keep(exchange.caller, arrival, upload.path, said)
        await exchange.answer(200, _write(shown(file, anthropic=anthropic)), [])

    async def list_all(self, exchange: Exchange) -> None:
        caller, anthropic = await self._asked(exchange), _is_anthropic(exchange)
        asked = wanted(exchange.scope.get("query_string", b""), anthropic=anthropic)
        files, more = await self._files.listed(caller, asked)
        await exchange.answer(200, _write(page(files, more=more, anthropic=anthropic)), [])

    async def retrieve(self, exchange: Exchange) -> None:
        file = await self._files.get(await self._asked(exchange), _file_id(exchange))
        await exchange.answer(200, _write(shown(file, anthropic=_is_anthropic(exchange))), [])

    async def delete(self, exchange: Exchange) -> None:
        caller, file_id = await self._asked(exchange), _file_id(exchange)
        await self._files.delete(caller, file_id)
        gone = FileGone(file_id) if _is_anthropic(exchange) else FileDeleted(file_id)
        await exchange.answer(200, _write(gone), [])

    async def content(self, exchange: Exchange) -> None:
        """As bytes of no kind: nobody's page is to run here."""
        file = await self._files.get(await self._asked(exchange), _file_id(exchange))
        try:
            await exchange.file(self._files.path(file), b"application/octet-stream", [*CONTENT_HEADERS, named(file.name)])
        except FileNotFoundError:  # deleted since
            raise unknown(file.id) from None

    def _identify(self, exchange: Exchange) -> None:
        exchange.clean = self._clean
        state = self._door.holder.current
        exchange.caller = identified(exchange.scope, exchange.headers, state, self._door.clock, *SCOPES)

    async def _asked(self, exchange: Exchange) -> Any:
        """The caller of a request without a body. Errors: as `identified`."""
        self._identify(exchange)
        await exchange.body()
        return exchange.caller

    @asynccontextmanager
    async def _place(self) -> AsyncIterator[None]:
        """When it is our turn. Errors: Overloaded."""
        if self._here >= WAITING_MAX:
            raise overloaded()
        self._here += 1
        try:
            async with self._places:
                yield
        finally:
            self._here -= 1


def _is_anthropic(exchange: Exchange) -> bool:
    return b"anthropic-version" in exchange.headers


def _file_id(exchange: Exchange) -> str:
    return str(exchange.scope[ASKED_PATH].partition("/v1/files/")[2].partition("/")[0])


def _announced(exchange: Exchange) -> int:
    """Bytes; `pieces` looks whether they are too many, or no number."""
    length = exchange.headers.get(b"content-length", b"")
    return int(length) if length.isdigit() and len(length) < 15 else 0
