"""Files that come as a form (multipart/form-data), put on disk as they arrive: no more of one is in memory than a piece."""

import asyncio
import os
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import BinaryIO

import msgspec
from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser, parse_options_header

from appliance.api.exchange import Exchange
from appliance.errors import BadRequest, InvalidField, TooLarge

FIELD, PASSWORD = "file", "password"
FIELD_BYTES_MAX = 1_024  # of one that is no file
NAME_CHARACTERS_MAX = 255
_WRITTEN_AT_ONCE = 1024 * 1024
_SEND_A_FORM = "Send multipart/form-data with the field `file`: curl -F file=@letter.pdf …"


class UploadBounds(msgspec.Struct, frozen=True):
    """Of one request. `bytes_max`: all of it; `fields`: those that it may have beside files."""

    files_max: int
    file_bytes_max: int
    bytes_max: int
    seconds_max: float
    fields: tuple[str, ...] = (PASSWORD,)


class Upload(msgspec.Struct):
    """A file as it arrived. `name`: what its sender calls it, which is a name and no place; `media_type`: what they say it is."""

    path: Path
    name: str
    size: int = 0
    media_type: str = ""


class Uploads(msgspec.Struct):
    files: list[Upload] = []
    fields: dict[str, str] = {}

    @property
    def password(self) -> str:
        return self.fields.get(PASSWORD, "")


async def uploads(exchange: Exchange, bounds: UploadBounds, folder: Path) -> Uploads:
    """The files of a request, in `folder`, under names of ours.

    Errors:  TooLarge as soon as a bound is passed, InvalidField, BadRequest; those of Exchange.pieces.
    """
    form = _Form(_boundary(exchange), bounds, folder)
    try:
        async with aclosing(exchange.pieces(bounds.bytes_max)) as pieces:
            async for piece in pieces:
                form.feed(piece)
                await form.write(_WRITTEN_AT_ONCE)
        form.end()
        await form.write(0)
    finally:
        form.leave()
    if not form.found.files:
        raise InvalidField("there is no file in the form", param=FIELD, fix=_SEND_A_FORM)
    return form.found


def _boundary(exchange: Exchange) -> str:
    kind, options = parse_options_header(exchange.headers.get(b"content-type", b"").decode("latin-1"))
    boundary: str = options.get("boundary", "")
    if kind != "multipart/form-data" or not 1 <= len(boundary) <= 200:
        raise BadRequest("this route takes a form with files", fix=_SEND_A_FORM)
    return boundary


class _Form:
    """One form on its way in. What waits to be written is written on a thread."""

    def __init__(self, boundary: str, bounds: UploadBounds, folder: Path) -> None:
        self.found = Uploads()
        self._bounds = bounds
        self._folder = folder
        segments = bounds.files_max + len(bounds.fields)
        self._parser = PushMultipartParser(boundary, max_segment_count=segments, max_header_count=16)
        self._file: BinaryIO | None = None
        self._waiting: list[Callable[[], object]] = []
        self._waiting_bytes = 0
        self._field = ""
        self._value = bytearray()
        # Functions of the class, and no bound methods: a form that leads to itself keeps what it holds until the collector comes.
        self._take: Callable[[_Form, bytes], None] = _Form._nothing
        self._ending: Callable[[_Form], None] = _Form._nothing

    def feed(self, piece: bytes) -> None:
        """Errors: TooLarge, InvalidField, BadRequest."""
        try:
            for event in self._parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    self._ending(self)
                else:
                    self._take(self, bytes(event))
        except ParserLimitReached:
            raise self._too_many() from None
        except (MultipartError, UnicodeError, ValueError):
            raise _malformed() from None

    def end(self) -> None:
        """Nothing more comes. Errors: BadRequest."""
        try:
            self._parser.close()
        except MultipartError:
            raise _malformed() from None

    def _too_many(self) -> InvalidField:
        return InvalidField(
            f"a request takes at most {self._bounds.files_max} files", param=FIELD, fix="Send them in several requests."
        )

    def _begin(self, segment: MultipartSegment) -> None:
        if segment.name in self._bounds.fields and segment.name not in self.found.fields:
            self._field, self._value = segment.name, bytearray()
            self._take, self._ending = _Form._field_piece, _Form._field_end
            return
        if segment.name != FIELD:
            raise InvalidField("the form has a field that this route doesn't know", param=FIELD, fix=_SEND_A_FORM)
        if len(self.found.files) >= self._bounds.files_max:
            raise self._too_many()
        upload = Upload(self._folder / f"{len(self.found.files)}.upload", plain(segment.filename or FIELD))
        upload.media_type = (segment.content_type or "")[:FIELD_BYTES_MAX]
        self.found.files.append(upload)
        self._take, self._ending = _Form._file_piece, _Form._file_end
        self._waiting.append(lambda: self._open(upload.path))

    def _nothing(self, data: bytes = b"") -> None:
        """Before the first part: nothing that counts."""

    def _file_piece(self, data: bytes) -> None:
        upload = self.found.files[-1]
        upload.size += len(data)
        if upload.size > self._bounds.file_bytes_max:
            raise TooLarge(f"a file is larger than {self._bounds.file_bytes_max:,} bytes", param=FIELD, fix="Send a smaller one.")
        self._waiting.append(lambda: self._file is not None and self._file.write(data))
        self._waiting_bytes += len(data)

    def _file_end(self) -> None:
        self._waiting.append(self.close)

    def _field_piece(self, data: bytes) -> None:
        self._value += data
        if len(self._value) > FIELD_BYTES_MAX:
            raise InvalidField(f"{self._field} is too long", param=self._field, fix=f"It may have {FIELD_BYTES_MAX:,} bytes.")

    def _field_end(self) -> None:
        self.found.fields[self._field] = self._value.decode("utf-8", "replace")

    async def write(self, bytes_min: int) -> None:
        """What waits, if it is so much."""
        if self._waiting and self._waiting_bytes >= bytes_min:
            waiting, self._waiting, self._waiting_bytes = self._waiting, [], 0
            await asyncio.to_thread(_do, waiting)

    def _open(self, path: Path) -> None:
        self.close()
        self._file = open(path, "xb", opener=_private)  # noqa: SIM115 - written piece by piece, closed by whoever made the form

    def leave(self) -> None:
        """What still waits to be written never will be."""
        self._waiting.clear()
        self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _do(waiting: list[Callable[[], object]]) -> None:
    for one in waiting:
        one()


def plain(name: str) -> str:
    """A name as it may be shown: of characters that can be, and not endless."""
    return "".join(one if one.isprintable() else "\ufffd" for one in name)[:NAME_CHARACTERS_MAX] or FIELD


def last_part(name: str) -> str:
    """The name of a file in any folder: what stands before a slash of either kind is none of our business."""
    found = name.replace("\\", "/").rsplit("/", 1)[-1].strip(" .:")
    return "".join(one if one not in '<>:"|?*' else "_" for one in found) or FIELD


def _malformed() -> BadRequest:
    return BadRequest("the form can't be read", fix=_SEND_A_FORM)
