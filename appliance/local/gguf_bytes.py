"""The bytes of a GGUF header, in order, a piece of the file at a time; never beyond its end, never all of them at once."""

import struct
from typing import Any, BinaryIO

PIECE_BYTES = 256 * 1024
HEADER_BYTES_MAX = 256 * 1024 * 1024  # the largest vocabularies take twenty megabytes

_LENGTH = struct.Struct("<Q")


class GgufError(Exception):
    """The file is no GGUF, is damaged, or lies about itself; the message says how."""


class HeaderBytes:
    """Reads forward only. A memory map would be quicker, but a file that is cut short meanwhile would end the process."""

    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._end = min(size, HEADER_BYTES_MAX)
        self._is_cut = size <= HEADER_BYTES_MAX
        self._piece = b""
        self._in_piece = 0
        self.at = 0

    def number(self, layout: struct.Struct) -> Any:
        return layout.unpack(self.take(layout.size))[0]

    def take(self, count: int) -> bytes:
        """The next `count` bytes. Errors: GgufError."""
        self._advance(count)
        if self._in_piece + count > len(self._piece):
            self._read_on(count)
        data = self._piece[self._in_piece : self._in_piece + count]
        self._in_piece += count
        return data

    def skip(self, count: int) -> None:
        """Pass over bytes without reading those that aren't here yet. Errors: GgufError."""
        self._advance(count)
        if self._in_piece + count > len(self._piece):
            self._file.seek(self.at)
            self._piece, self._in_piece = b"", 0
        else:
            self._in_piece += count

    def skip_texts(self, count: int, bytes_max: int) -> None:
        """Pass over `count` strings. The loop is the header's costly part, so it looks at the piece itself.

        Errors:  GgufError.
        """
        while count:
            piece, start, length_at = self._piece, self._in_piece, _LENGTH.unpack_from
            position, last = start, len(self._piece) - _LENGTH.size
            while count and position <= last:
                after = position + _LENGTH.size + length_at(piece, position)[0]
                if after > len(piece):
                    break
                position, count = after, count - 1
            self._advance(position - start)
            self._in_piece = position
            if count:
                self._skip_text(bytes_max)
                count -= 1

    def _skip_text(self, bytes_max: int) -> None:
        length = self.number(_LENGTH)
        if length > bytes_max:
            raise GgufError(f"the header claims {length} bytes in a string; more than {bytes_max} can't be right")
        self.skip(length)

    def _advance(self, count: int) -> None:
        self.at += count
        if self.at > self._end:
            if self._is_cut:
                raise GgufError("the file ends inside its header: it is cut off, or its header is wrong")
            raise GgufError(f"the header has more than {HEADER_BYTES_MAX} bytes")

    def _read_on(self, count: int) -> None:
        """Have at least `count` bytes in the piece, from the present place on."""
        rest = self._piece[self._in_piece :]
        parts, missing = [rest], count - len(rest)
        while missing > 0:
            data = self._file.read(max(PIECE_BYTES, missing))
            if not data:
                raise GgufError("the file became shorter while it was read")
            parts.append(data)
            missing -= len(data)
        self._piece, self._in_piece = b"".join(parts), 0
