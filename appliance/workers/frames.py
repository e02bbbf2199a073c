"""What goes through the pipes between the appliance and a worker: u32 length (little endian), then msgpack.

    parent → child   Call, Cancel, Credit, Event("start")
    child → parent   Chunk, End, Error, Event("ready" | "alive")

A frame holds at most 16 MiB. A larger body travels as a file in a folder that only these two share: the frame then
carries the file's bare name, and whoever reads the frame reads and removes the file. Neither side trusts the other's
lengths, names or bytes. No I/O here except for those files.
"""

import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

FRAME_BYTES_MAX = 16 * 1024 * 1024
SPILLED_BYTES_MAX = 512 * 1024 * 1024
UNTRUSTED_BYTES_MAX = 96 * 1024 * 1024
CREDIT_CHUNKS = 32  # what a stream may have on its way that its reader hasn't taken yet
_LENGTH_BYTES = 4
_NAME_PREFIX = "frame-"


class FrameError(Exception):
    """The other side sent what is no frame. The stream can't be read any further."""


class FrameTooLarge(Exception):
    """A frame of our own that exceeds FRAME_BYTES_MAX: its body must travel as a file."""


class Call(msgspec.Struct, array_like=True, tag=0):
    """Run `method`. `file` names the body's file where the body was too large to stand here; so below."""

    id: int
    method: str
    body: Any = None
    file: str = ""


class Chunk(msgspec.Struct, array_like=True, tag=1):
    """A piece of an answer."""

    id: int
    body: Any = None
    file: str = ""


class End(msgspec.Struct, array_like=True, tag=2):
    """The call is over and went well; `body` is what it returned."""

    id: int
    body: Any = None
    file: str = ""


class Error(msgspec.Struct, array_like=True, tag=3):
    """The call is over and failed."""

    id: int
    code: str
    message: str = ""
    detail: dict[str, Any] = {}


class Cancel(msgspec.Struct, array_like=True, tag=4):
    """Nobody wants this call's answer any more. It still ends with End or Error."""

    id: int


class Credit(msgspec.Struct, array_like=True, tag=5):
    """The reader took `chunks` chunks: as many more may be sent."""

    id: int
    chunks: int


class Event(msgspec.Struct, array_like=True, tag=6):
    """Something to tell that belongs to no call."""

    name: str
    body: Any = None


class EndOfBytes(End, array_like=True, tag=2):
    """Of a worker that isn't trusted: its answer is bytes, for whoever knows what shape they shall have. Sixteen MiB of anything
    else could become a gigabyte of empty lists in our memory."""

    body: bytes | None = None


class PlainError(Error, array_like=True, tag=3):
    """Of a worker that isn't trusted."""

    detail: dict[str, int | float | bool | str] = {}


class PlainEvent(Event, array_like=True, tag=6):
    """Of a worker that isn't trusted."""

    body: dict[str, list[str]] | None = None


Frame = Call | Chunk | End | Error | Cancel | Credit | Event
WithBody = TypeVar("WithBody", bound=Call | Chunk | End)

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Frame).decode
_decode_untrusted = msgspec.msgpack.Decoder(EndOfBytes | PlainError | PlainEvent).decode
_decode_bytes = msgspec.msgpack.Decoder(bytes).decode
_decode_any = msgspec.msgpack.Decoder().decode


def encode(frame: Frame) -> bytes:
    """The frame's bytes, length first.

    Errors:  FrameTooLarge, when `spill` has to come first; TypeError for a body that msgpack doesn't know.
    """
    data = _encode(frame)
    if len(data) > FRAME_BYTES_MAX:
        raise FrameTooLarge(f"a frame of {len(data)} bytes")
    return len(data).to_bytes(_LENGTH_BYTES, "little") + data


class FrameReader:
    """Bytes in, frames out. Holds at most one incomplete frame."""

    def __init__(self, *, is_trusted: bool = True) -> None:
        self._data = bytearray()
        self._decode = _decode if is_trusted else _decode_untrusted

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes.

        Errors:  FrameError; the reader is of no use afterwards.
        """
        self._data += data
        frames = []
        while len(self._data) >= _LENGTH_BYTES:
            length = int.from_bytes(self._data[:_LENGTH_BYTES], "little")
            if not 0 < length <= FRAME_BYTES_MAX:
                raise FrameError(f"a frame can't be {length} bytes long")
            end = _LENGTH_BYTES + length
            if len(self._data) < end:
                break
            frames.append(_decoded(self._decode, bytes(self._data[_LENGTH_BYTES:end])))
            del self._data[:end]
        return frames

    @property
    def is_empty(self) -> bool:
        """True where the stream may end: no frame is half read."""
        return not self._data


def _decoded(decode: Callable[[bytes], Any], data: bytes) -> Frame:
    try:
        frame: Frame = decode(data)
        return frame
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        # msgspec's text names types and places, never values
        raise FrameError(f"not a frame: {error}") from error


def spill(frame: WithBody, folder: Path) -> WithBody:
    """The same frame with its body put into a file in `folder`.

    Errors:  FrameTooLarge beyond SPILLED_BYTES_MAX; OSError, such as a full disk.
    """
    data = _encode(frame.body)
    if len(data) > SPILLED_BYTES_MAX:
        raise FrameTooLarge(f"a body of {len(data)} bytes")
    path = folder / f"{_NAME_PREFIX}{secrets.token_hex(16)}"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o600)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
    except OSError:
        path.unlink(missing_ok=True)
        raise
    return msgspec.structs.replace(frame, body=None, file=path.name)


def unspill(frame: WithBody, folder: Path) -> WithBody:
    """The same frame with the body that its file holds; the file is removed.

    Errors:  FrameError for a name, kind, size or content that our `spill` doesn't make: the other side may be hostile.
    """
    name = frame.file
    if not (name.startswith(_NAME_PREFIX) and name.removeprefix(_NAME_PREFIX).isalnum()):
        raise FrameError("a frame names a file that isn't one of ours")
    path = folder / name
    try:
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0)
        with open(os.open(path, flags), "rb") as file:
            status = os.fstat(file.fileno())
            bytes_max = UNTRUSTED_BYTES_MAX if isinstance(frame, EndOfBytes) else SPILLED_BYTES_MAX
            if not stat.S_ISREG(status.st_mode) or status.st_size > bytes_max:
                raise FrameError("a frame's file is no plain file of bounded size")
            data = file.read(status.st_size)  # not the bound: so much memory is taken before anything is read
    except OSError as error:
        raise FrameError(f"a frame's file can't be read: {error.strerror}") from error
    finally:
        path.unlink(missing_ok=True)
    try:
        body = _decode_bytes(data) if isinstance(frame, EndOfBytes) else _decode_any(data)
        return msgspec.structs.replace(frame, body=body, file="")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FrameError(f"a frame's file is no msgpack: {error}") from error
