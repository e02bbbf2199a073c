"""Streams of a compound file (OLE), in which an encrypted DOCX is kept.

Source: [MS-CFB] 2.2 to 2.6. Its numbers are bounded by the file's own size: a chain of sectors that is longer is a loop.
"""

from collections.abc import Iterator

from appliance.files.document import FileError

_END = 0xFFFFFFFA  # and above: no sector
_ENTRY_BYTES = 128


class Compound:
    """Errors, also of `stream`: FileError MALFORMED."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._sector_bytes = 1 << min(_number(data, 30, 2), 12)
        self._small_bytes = 1 << min(_number(data, 32, 2), 12)
        self._cutoff = _number(data, 56)
        if self._sector_bytes < 512 or len(data) < 512:
            raise _damaged()
        self._table = self._numbers(self._table_sectors())
        self._small_table = self._numbers(self._chain(_number(data, 60), self._table))
        self._entries = b"".join(self._sector(each) for each in self._chain(_number(data, 48), self._table))
        root = self._entry(5)
        self._small = self._big(_number(root, 116), _number(root, 120)) if root else b""

    def stream(self, name: str) -> bytes:
        """b"" where there is none of the name."""
        entry = self._entry(2, name)
        if not entry:
            return b""
        start, size = _number(entry, 116), _number(entry, 120)
        if size >= self._cutoff:
            return self._big(start, size)
        width = self._small_bytes
        return b"".join(self._small[each * width : (each + 1) * width] for each in self._chain(start, self._small_table))[:size]

    def _entry(self, kind: int, name: str = "") -> bytes:
        for at in range(0, len(self._entries) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
            entry = self._entries[at : at + _ENTRY_BYTES]
            length = max(0, min(_number(entry, 64, 2), 64) - 2)
            if entry[66] == kind and (not name or entry[:length].decode("utf-16-le", "replace") == name):
                return entry
        return b""

    def _sector(self, number: int) -> bytes:
        start = (number + 1) * self._sector_bytes
        if start >= len(self._data):
            raise _damaged()
        return self._data[start : start + self._sector_bytes]

    def _big(self, start: int, size: int) -> bytes:
        return b"".join(self._sector(each) for each in self._chain(start, self._table))[:size]

    def _numbers(self, sectors: Iterator[int]) -> list[int]:
        whole = b"".join(self._sector(each) for each in sectors)
        return [_number(whole, at) for at in range(0, len(whole) - 3, 4)]

    def _chain(self, start: int, table: list[int]) -> Iterator[int]:
        for _ in range(len(table) + 1):
            if start >= _END:
                return
            yield start
            if start >= len(table):
                raise _damaged()
            start = table[start]
        raise _damaged()

    def _table_sectors(self) -> Iterator[int]:
        """The first 109 stand in the header, others in sectors of their own."""
        yield from (each for at in range(76, 512, 4) if (each := _number(self._data, at)) < _END)
        further, per_sector = _number(self._data, 68), self._sector_bytes // 4 - 1
        for _ in range(len(self._data) // self._sector_bytes + 1):
            if further >= _END:
                return
            sector = self._sector(further)
            yield from (each for at in range(per_sector) if (each := _number(sector, at * 4)) < _END)
            further = _number(sector, per_sector * 4)
        raise _damaged()


def _number(data: bytes, at: int, size: int = 4) -> int:
    return int.from_bytes(data[at : at + size], "little")


def _damaged() -> FileError:
    return FileError("MALFORMED", "The encrypted document is damaged.", "Save it anew and send that.")
