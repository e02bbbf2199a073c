"""Files that callers have looked at: `POST /v1/files/scan` (raw, since a body is streamed to disk)."""

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol, TypeVar
from urllib.parse import parse_qsl, quote

import msgspec

from appliance.api import files_documents as documents
from appliance.api.chat_surface import identified, secret_in
from appliance.api.door import Door, ErrorForm, from_loopback, openai_error_body
from appliance.api.exchange import Exchange, overloaded
from appliance.api.raw import RawRoute
from appliance.api.uploads import Upload, UploadBounds, Uploads, last_part, uploads
from appliance.dialects import openai_chat
from appliance.errors import Forbidden, GatehouseError, InvalidField
from appliance.files.document import Kind
from appliance.gateway.file_redaction import Redaction, redaction, refuse_without, zipped
from appliance.gateway.file_scans import FileScans, ScanOrder
from appliance.gateway.file_types import MEDIA_TYPES
from appliance.gateway.file_verdict import FileScanAnswer, Scanned
from appliance.gateway.state import State
from appliance.gateway.truth import tally_headers
from appliance.identity.caller import MACHINE, Caller
from appliance.identity.key_format import looks_like_a_key
from appliance.identity.roles import insist, may
from appliance.workers.launch import passing_folder

T = TypeVar("T")
ERRORS = ErrorForm(openai_error_body, openai_chat.error_event)
MIB = 1024 * 1024
FILES_MAX, BYTES_MAX, SECONDS_MAX = 100, 150 * MIB, 300.0  # of a request
REQUESTS_MAX = 16  # at once: each may have that much on disk
WAITING_MAX = 600  # with these
FILES_AT_ONCE = 4  # of one request; the pool of readers has its own bound


class SignIns(Protocol):
    """Who signed in with a token. Errors: TokenInvalid."""

    async def verify(self, token: str) -> Caller: ...


class Asked(msgspec.Struct, frozen=True):
    """The query's parameters."""

    redact: bool = False
    include_values: bool = False


class FilesRoutes:
    """The raw handler, and what it needs."""

    def __init__(
        self,
        door: Door,
        scans: FileScans,
        sign_ins: SignIns,
        clean: Callable[[GatehouseError], None],
        file_bytes_max: int = 64 * MIB,
        control_token: str = "",
    ) -> None:
        self._control_token = control_token
        self._door = door
        self._scans = scans
        self._sign_ins = sign_ins
        self._clean = clean
        self._bounds = UploadBounds(FILES_MAX, file_bytes_max, max(BYTES_MAX, file_bytes_max + MIB), SECONDS_MAX)
        self._here = 0
        self._places = asyncio.Semaphore(REQUESTS_MAX)

    @property
    def one(self) -> UploadBounds:
        """What holds for a request with a single file."""
        return msgspec.structs.replace(self._bounds, files_max=1)

    @property
    def state(self) -> State:
        return self._door.holder.current

    def table(self) -> list[RawRoute]:
        return [
            RawRoute(
                paths=("/v1/files/scan", "/api/v1/files/scan"),
                method="POST",
                handler=self.scan,
                errors=ERRORS,
                permission="files",
                carries_content=False,  # of files; none of it goes to a model
                operation=documents.SCAN,
            )
        ]

    async def scan(self, exchange: Exchange) -> None:
        caller = exchange.caller = await self.caller(exchange)
        exchange.clean = self._clean
        asked = _asked(exchange)
        if asked.include_values:
            _insist_on_values(caller)
        state = self._door.holder.current
        order = ScanOrder(exchange.call_id, exchange.started_at, caller, state, asked.include_values)
        exchange.expect_body_within(SECONDS_MAX)
        async with self.folder() as folder:
            form = await uploads(exchange, self._bounds, folder)
            if asked.redact:
                await self._redacted(exchange, order, form, folder)
            else:
                await self._told(exchange, order, form)

    async def caller(self, exchange: Exchange) -> Caller:
        """By API key, by a sign-in token, or this machine itself, for the tray app. Errors: as `identified`; TokenInvalid,
        Forbidden."""
        secret = secret_in(exchange.headers)
        control = self._control_token
        if control and hmac.compare_digest(secret.encode(), control.encode()) and from_loopback(exchange.scope):
            return MACHINE
        if looks_like_a_key(secret) or b"authorization" not in exchange.headers or secret.count(".") != 2:
            return identified(exchange.scope, exchange.headers, self._door.holder.current, self._door.clock, "files")
        caller = await self._sign_ins.verify(secret)
        insist(caller, "files:read")
        return caller

    @asynccontextmanager
    async def folder(self) -> AsyncIterator[Path]:
        """A private one, when it is our turn, gone afterwards; removed at the next start where the process was killed.

        Errors:  Overloaded.
        """
        if self._here >= WAITING_MAX:
            raise overloaded()
        self._here += 1
        try:
            async with self._places, passing_folder() as folder:
                yield folder
        finally:
            self._here -= 1

    async def _told(self, exchange: Exchange, order: ScanOrder, form: Uploads) -> None:
        async with self._scans.booked(order) as scan:

            async def one(upload: Upload) -> Scanned:
                return await scan.scan(upload.path, upload.name, form.password)

            found = await _each(form.files, one)
        for scanned in found:
            self._scans.count(scanned)
        answer = FileScanAnswer(files=[scanned.told for scanned in found], policy=scan.tally.policy)
        await exchange.answer(200, msgspec.json.encode(answer), tally_headers(scan.tally))

    async def _redacted(self, exchange: Exchange, order: ScanOrder, form: Uploads, folder: Path) -> None:
        async with self._scans.booked(order) as scan:

            async def one(upload: Upload) -> Redaction:
                scanned = await scan.scan(upload.path, upload.name, form.password)
                self._scans.count(scanned)
                return await redaction(scan, upload.path, scanned, last_part(upload.name), form.password)

            found = await _each(form.files, one)
            if len(found) == 1:
                refuse_without(found[0])
        headers = tally_headers(scan.tally)
        if len(found) > 1:
            target = folder / "redacted.zip"
            await zipped(found, target)
            await exchange.file(target, b"application/zip", [*headers, named("redacted.zip")])
            return
        (only,) = found
        assert only.path is not None
        await exchange.file(only.path, _media_type(only.told.kind), [*headers, named(only.name)])


async def _each(files: list[Upload], work: Callable[[Upload], Awaitable[T]]) -> list[T]:
    """In their order, a few at a time. The first that fails ends the others."""
    places = asyncio.Semaphore(FILES_AT_ONCE)

    async def one(upload: Upload) -> T:
        async with places:
            return await work(upload)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(upload)) for upload in files]
    except ExceptionGroup as errors:
        raise next((error for error in errors.exceptions if isinstance(error, GatehouseError)), errors.exceptions[0]) from None
    return [task.result() for task in tasks]


def _media_type(kind: Kind | None) -> bytes:
    """HTML as text: nobody's page is to run here, it is theirs who sent it."""
    return MEDIA_TYPES["text" if kind == "html" else kind or "other"].encode()


def _asked(exchange: Exchange) -> Asked:
    """Errors: InvalidField."""
    words = {"true": True, "1": True, "yes": True, "": True, "false": False, "0": False, "no": False}
    given = parse_qsl(exchange.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    found: dict[str, bool] = {}
    for name, value in given:
        if name not in Asked.__struct_fields__ or value.lower() not in words:
            known = " and ".join(Asked.__struct_fields__)
            raise InvalidField(f"the query may have {known}, true or false", param=name[:40], fix="Such as ?redact=true.")
        found[name] = words[value.lower()]
    return Asked(**found)


def _insist_on_values(caller: Caller) -> None:
    """Errors: Forbidden."""
    if "file_values" in caller.scopes or (caller.kind != "key" and may(caller, "files:values")):
        return
    raise Forbidden(
        "values that were found are not told to this caller",
        fix="Ask without include_values, or with a key of scope file_values, which owner and admin give.",
    )


def named(name: str) -> tuple[bytes, bytes]:
    plain = "".join(letter if letter.isascii() and letter not in '"\\' and letter.isprintable() else "_" for letter in name)
    return b"content-disposition", f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}".encode()
