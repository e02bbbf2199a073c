"""The ZIP that a DOCX is, read without trust: its own numbers bound nothing, and what stands outside of its entries is told.

Source: PKWARE APPNOTE 4.3.16; ECMA-376 part 2 (packages). Bombs: David Fifield, "A better zip bomb" (2019): entries that overlap.
"""

import importlib
import io
import mmap
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from appliance.files.document import FileError
from appliance.files.reading.docx_limits import DocxLimits
from appliance.files.reading.sniff_others import OLE, ZIP_DIRECTORY_BYTES_MAX, ZIP_TAIL_BYTES

_READABLE = re.compile(rb"[\x20-\x7e]{4,}")
_READABLE_WIDE = re.compile(rb"(?:[\x20-\x7e]\0){4,}|(?:\0[\x20-\x7e]){4,}")  # in UTF-16
_GAP_BYTES_MAX = 1_000_000
_LOCAL, _CENTRAL = b"PK\3\4", b"PK\1\2"
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError)


class Entry(NamedTuple):
    """One file in it. number: its place in the directory; names may come twice."""

    number: int
    name: str
    size: int


class Archive:
    """Entries by number. between: readable text that stands in no entry, and comments. has_lost: it has entries in no list."""

    def __init__(self, data: bytes | mmap.mmap, limits: DocxLimits, file: BinaryIO | None = None) -> None:
        """`file`: with the same data, for zipfile. Errors: FileError MALFORMED, ENCRYPTED, TOO_LARGE."""
        self._limits = limits
        self._left = limits.bytes_total_max
        self._data = data
        if len(data) > limits.file_bytes_max:
            raise FileError("TOO_LARGE", "The file is too large.", f"Send at most {limits.file_bytes_max // 1_000_000} MB.")
        self._check_start()
        try:
            self._zip = zipfile.ZipFile(file or io.BytesIO(data))
        except _BROKEN as error:
            raise _malformed() from error
        self._infos = self._zip.infolist()
        self.entries = [Entry(number, info.filename, info.file_size) for number, info in enumerate(self._infos)]
        self.between: list[str] = []
        self.has_lost = False
        self.was_encrypted = False
        self._check_entries()
        self._look_between()

    def close(self) -> None:
        self._zip.close()

    def data(self, entry: Entry, *, bytes_max: int) -> bytes:
        """What it unpacks to. Errors: FileError TOO_LARGE, MALFORMED."""
        if entry.size > bytes_max:
            raise _too_large()
        try:
            with self._zip.open(self._infos[entry.number]) as stream:
                data = stream.read(bytes_max + 1)
        except _BROKEN as error:
            raise _malformed() from error
        self._left -= len(data)
        if len(data) > bytes_max or self._left < 0:
            raise _too_large()
        return data

    def again(self) -> None:
        """What was unpacked no longer counts: a second pass begins."""
        self._left = self._limits.bytes_total_max

    def _check_start(self) -> None:
        if self._data[:8] == OLE:
            raise FileError("ENCRYPTED", "The document is encrypted.", "Save it without a password.")
        tail = self._data[-ZIP_TAIL_BYTES:]
        at = tail.rfind(b"PK\5\6")
        if at >= 0 and int.from_bytes(tail[at + 12 : at + 16], "little") > ZIP_DIRECTORY_BYTES_MAX:
            raise _too_large()

    def _check_entries(self) -> None:
        limits = self._limits
        if len(self._infos) > limits.entries_max:
            raise _too_large()
        if any(info.flag_bits & 1 for info in self._infos):
            raise FileError("ENCRYPTED", "The document is encrypted.", "Save it without a password.")
        if sum(info.file_size for info in self._infos) > limits.bytes_total_max:
            raise _too_large()
        for info in self._infos:
            if info.file_size > limits.ratio_from_bytes and info.file_size > limits.ratio_max * max(info.compress_size, 1):
                raise _too_large()

    def _look_between(self) -> None:
        """Entries that overlap are a bomb; what no entry holds is read as text, for a value may stand in it."""
        at = 0
        for info in sorted(self._infos, key=lambda info: info.header_offset):
            start = info.header_offset
            if start < at:
                raise FileError("TOO_LARGE", "Its parts overlap, as they do in a zip bomb.", "Save it anew and send that.")
            self._note(self._data[at:start])
            head = self._data[start : start + 30]
            if head[:4] != _LOCAL:
                raise _malformed()
            name, extra = int.from_bytes(head[26:28], "little"), int.from_bytes(head[28:30], "little")
            at = self._behind_descriptor(info, start + 30 + name + extra + info.compress_size)
            self._note(self._data[start + 30 + name : start + 30 + name + extra])
            self._note(info.comment)
            if self._data[start + 30 : start + 30 + name] != self._data_name(info):
                self._note(self._data[start + 30 : start + 30 + name])
        central = self._data.find(_CENTRAL, at)
        if central > at:
            self._note(self._data[at:central])
        self._note(self._zip.comment)
        end = self._data.rfind(b"PK\5\6")
        self._note(self._data[end + 22 + len(self._zip.comment) :])

    def _behind_descriptor(self, info: zipfile.ZipInfo, at: int) -> int:
        """Its sum and sizes once more, as whoever packs without knowing them before writes them (LibreOffice)."""
        if not info.flag_bits & 8:
            return at
        for mark in (b"PK\7\x08", b""):
            for width in (4, 8):
                sizes = (
                    size.to_bytes(width, "little") for size in (info.compress_size, info.file_size) if size >> 8 * width == 0
                )
                told = b"".join((mark, info.CRC.to_bytes(4, "little"), *sizes))
                if self._data[at : at + len(told)] == told:
                    return at + len(told)
        return at

    def _data_name(self, info: zipfile.ZipInfo) -> bytes:
        return info.orig_filename.encode("utf-8" if info.flag_bits & 0x800 else "cp437", "replace")

    def _note(self, data: bytes) -> None:
        if not data:
            return
        if data.startswith(_LOCAL) or _LOCAL in data[:_GAP_BYTES_MAX]:
            self.has_lost = True
        looked = data[:_GAP_BYTES_MAX]
        self.between += [found.decode("ascii") for found in _READABLE.findall(looked)]
        self.between += [found.replace(b"\0", b"").decode("ascii") for found in _READABLE_WIDE.findall(looked)]


def _decrypted(data: mmap.mmap, limits: DocxLimits, password: str | None) -> Archive:
    if len(data) > limits.encrypted_bytes_max:
        raise _too_large()
    encrypted = importlib.import_module("appliance.files.reading.docx_encrypted")  # few documents need its library
    plain: bytes = encrypted.decrypted(data[:], password)
    archive = Archive(plain, limits)
    archive.was_encrypted = True
    return archive


@contextmanager
def opened(path: Path, limits: DocxLimits, password: str | None = None) -> Iterator[Archive]:
    """Errors: as `Archive`; EMPTY_FILE."""
    if path.stat().st_size == 0:
        raise FileError("EMPTY_FILE", "The file is empty.", "Send a file with content.")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        archive = _decrypted(data, limits, password) if data[:8] == OLE else Archive(data, limits, file)
        try:
            yield archive
        finally:
            archive.close()


def _malformed() -> FileError:
    return FileError(
        "MALFORMED", "The document is damaged, or is none.", "Open it in a word processor, save it anew and send that."
    )


def _too_large() -> FileError:
    return FileError("TOO_LARGE", "The document unpacks to more than is read.", "Send a smaller one, or its parts one by one.")
