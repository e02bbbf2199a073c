"""What a PDF may cost: pages, objects, unpacked bytes, pixels, seconds. A file's own numbers are never believed."""

import re
import time
import zlib

import msgspec
from pypdf.errors import ParseError, PdfReadError

from appliance.files.document import FileError

# What reading a damaged part raises: the rest may be read all the same. (A bound that is reached, or memory, isn't among them.)
BROKEN = (
    *(ValueError, TypeError, KeyError, AttributeError, IndexError),
    *(NotImplementedError, ZeroDivisionError, OverflowError, PdfReadError, ParseError),
)

_STREAM = re.compile(rb"stream\r?\n")
_ALTERNATIVES = re.compile(rb"/(?:Alt|ActualText|E)\b")
_LAYERS_MAX = 2  # nobody packs a thing three times, except to hide how large it is
_CHUNK_BYTES = 1 << 16
_UNPACKED_BYTES = 1 << 20


class Limits(msgspec.Struct, frozen=True):
    """`stream_bytes_max`: of one stream, unpacked. `objects_max`: that are looked at. `seconds_max`: for one file."""

    pages_max: int = 2_000
    objects_max: int = 300_000
    stream_bytes_max: int = 64_000_000
    attachment_bytes_max: int = 8_000_000
    picture_pixels_max: int = 24_000_000
    seconds_max: float = 120.0


class Deadline:
    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def check(self) -> None:
        if time.monotonic() > self._end:
            raise FileError("TIMEOUT", "the PDF takes too long to read", "send a simpler file, or fewer pages at a time")


def too_large(what: str) -> FileError:
    return FileError("TOO_LARGE", f"the PDF has {what}", "send it in smaller parts")


def malformed(what: str = "the PDF is damaged") -> FileError:
    return FileError("MALFORMED", what, "save it anew with the program that made it")


class Unpacked(msgspec.Struct):
    """What a look at all streams tells. `says_alternatives`: a texts for those who don't see may be in its structure."""

    says_alternatives: bool = False


def checked_streams(data: bytes, limits: Limits, deadline: Deadline) -> Unpacked:
    """Unpacks every deflated stream once, keeping nothing, before a library does so and keeps all of it.

    By the words `stream` in the bytes, not by the file's tables: what a library takes for a stream is one of these. Encrypted
    ones don't unpack here; they are bounded where they are read.
    Errors: TOO_LARGE for one that unpacks to too much, or is packed several times over. TIMEOUT.
    """
    told = Unpacked(says_alternatives=_ALTERNATIVES.search(data) is not None)
    view = memoryview(data)
    for match in _STREAM.finditer(data):
        deadline.check()
        start = match.end()
        if _is_deflated(data[start : start + 2]):
            is_table = b"/ObjStm" in data[max(0, match.start() - 400) : match.start()]
            told.says_alternatives |= _unpacked(view[start:], limits, deadline, is_table and not told.says_alternatives)
    return told


def _is_deflated(head: bytes) -> bool:
    return len(head) == 2 and head[0] & 0x0F == 8 and head[0] >> 4 <= 7 and (head[0] << 8 | head[1]) % 31 == 0


def _unpacked(view: memoryview, limits: Limits, deadline: Deadline, look: bool) -> bool:
    """True where `look` is set and it names a text for those who don't see."""
    layers = [_Layer(limits.stream_bytes_max)]
    found = False
    for at in range(0, len(view), _CHUNK_BYTES):
        deadline.check()
        pending = bytes(view[at : at + _CHUNK_BYTES])
        while pending or layers[0].rest:
            part = layers[0].feed(pending)
            pending = b""
            found = found or (look and _ALTERNATIVES.search(part) is not None)
            _feed_inner(part, layers, limits)
            if not part:
                break
        if layers[0].is_done:
            break
    return found


def _feed_inner(part: bytes, layers: list["_Layer"], limits: Limits) -> None:
    """What comes out of a layer may be packed once more: then that is unpacked too."""
    depth = 1
    while part:
        if depth == len(layers):
            if layers[depth - 1].is_begun or not _is_deflated(part[:2]):
                layers[depth - 1].is_begun = True
                return
            layers[depth - 1].is_begun = True
            layers.append(_Layer(limits.stream_bytes_max))
        part = _all_of(layers[depth], part)
        if depth >= _LAYERS_MAX and layers[depth].bytes_out > _CHUNK_BYTES:
            raise too_large("a stream that is packed several times over")
        depth += 1


def _all_of(layer: "_Layer", part: bytes) -> bytes:
    """The beginning of what comes out; all of it is counted."""
    first = layer.feed(part)
    while layer.rest and layer.feed(b""):
        pass
    return first


class _Layer:
    def __init__(self, bytes_max: int) -> None:
        self._inflate = zlib.decompressobj()
        self._bytes_max = bytes_max
        self.bytes_out = 0
        self.rest = b""
        self.is_done = False
        self.is_begun = False  # whether what comes out of it has been looked at for another layer

    def feed(self, data: bytes) -> bytes:
        if self.is_done:
            return b""
        try:
            out = self._inflate.decompress(self.rest + data, _UNPACKED_BYTES)
        except zlib.error:
            self.is_done, self.rest = True, b""
            return b""
        self.rest = self._inflate.unconsumed_tail
        self.is_done = self._inflate.eof
        self.bytes_out += len(out)
        if self.bytes_out > self._bytes_max:
            raise too_large(f"a stream of more than {self._bytes_max // 1_000_000} MB when unpacked")
        return out
