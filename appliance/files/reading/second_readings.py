"""Files that are two things at once, read as the second one too: what it says is judged like the rest of the file.

A redacted version is written from the first reading alone; what stood in the second is not in it.
"""

import importlib
import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from appliance.files.document import CHARACTERS_MAX, PIECES_MAX, Change, Document, FileError, Kind, Piece
from appliance.files.reading.sniff import kind_of_package
from appliance.files.reading.sniff_others import HEAD_BYTES, Other, others, pdf_at
from appliance.files.reading.sniff_texts import looks_binary

HANDLE = "second reading"
_BEHIND_A_PDF = "what stands after the PDF's end"  # as its reader tells it
_READERS: dict[str, str] = {"PDF": "pdf", "ZIP": "docx", "HTML": "html_text", "text": "texts"}
_TEXTS: frozenset[Kind] = frozenset({"text", "csv", "markdown", "html"})
_RUN = re.compile(rb"[\t\n\r\x20-\x7e\x80-\xff]{8,}")
_ASCII = bytes((*range(0x20, 0x7F), 9, 10, 13))


def add_to(document: Document, path: Path) -> None:
    """The pieces of what else `path` can be read as; what can't be read of it, to `unread`."""
    with path.open("rb") as file:
        size = path.stat().st_size
        found = others(file, file.read(HEAD_BYTES), size, document.kind)
    for other in found:
        try:
            second = _read(path, other)
        except FileError as error:
            if not (other.word == "PDF" and document.kind in _TEXTS and _is_text(path)):  # a text about PDFs is read whole as one
                document.unread.append(f"what it is as {other.word}: {error.message}")
            continue
        except Exception:  # a reader's own room answers any of them with an error
            document.unread.append(f"what it is as {other.word}")
            continue
        _take(document, second, other)
        if document.kind == "pdf" and other.start and not looks_binary(_bytes_of(path, other), whole=True):
            document.unread = [what for what in document.unread if what != _BEHIND_A_PDF]


def without_second(document: Document, changes: Sequence[Change]) -> list[Change]:
    """Changes of the first reading, numbered as its reader counts: pieces of the second stand between its own and pictures'."""
    second = [number for number, piece in enumerate(document.pieces) if piece.handle == HANDLE]
    if not second:
        return list(changes)
    return [
        change if change.piece < second[0] else msgspec.structs.replace(change, piece=change.piece - len(second))
        for change in changes
        if not second[0] <= change.piece <= second[-1]
    ]


def first_reading(document: Document) -> Document:
    """Without the pieces of the second."""
    return msgspec.structs.replace(document, pieces=[piece for piece in document.pieces if piece.handle != HANDLE])


def _take(document: Document, second: Document, other: Other) -> None:
    if second.pictures:
        document.unread.append(f"pictures in what it is as {other.word}")
    document.unread += [f"what it is as {other.word}: {what}" for what in second.unread]
    characters = sum(len(piece.text) for piece in document.pieces)
    for piece in second.pieces:
        characters += len(piece.text)
        if len(document.pieces) >= PIECES_MAX or characters > CHARACTERS_MAX:
            document.unread.append(f"what follows in what it is as {other.word}")
            return
        document.pieces.append(_second(piece, other))


def _second(piece: Piece, other: Other) -> Piece:
    where = msgspec.structs.replace(piece.where, page=0, name=piece.where.name or f"read as {other.word}")
    if where.part == "body":
        where = msgspec.structs.replace(where, part="attachment")
    return Piece(piece.text, where, piece.hidden, handle=HANDLE)


def _read(path: Path, other: Other) -> Document:
    """Errors: FileError."""
    reader: Any = importlib.import_module(f"appliance.files.reading.{_READERS[other.word]}")
    read: Document
    if other.word == "ZIP":
        with path.open("rb") as file:
            kind, word = kind_of_package(file, path.stat().st_size)
        if kind != "docx":
            raise FileError("UNSUPPORTED", f"files of this kind are not read: it is {word}", "Send it without that.")
        read = reader.read(path)
        return read
    data = _bytes_of(path, other)
    if other.word != "PDF":
        data = _words(data)
        if not data.strip():
            return Document("text")
    with _saved(data) as part:
        try:
            read = reader.read(part)
        except FileError:
            if other.word != "PDF" or not other.start:
                raise
            read = reader.read(path)  # places in it may count from the file's beginning
    return read


def _bytes_of(path: Path, other: Other) -> bytes:
    with path.open("rb") as file:
        file.seek(other.start)
        return file.read(other.end - other.start)


@contextmanager
def _saved(data: bytes) -> Iterator[Path]:
    handle, name = tempfile.mkstemp(prefix="second-")
    try:
        with open(handle, "wb") as file:  # closed before it is read: Windows opens no file twice
            file.write(data)
        yield Path(name)
    finally:
        Path(name).unlink(missing_ok=True)


def _words(data: bytes) -> bytes:
    """What a reader of texts makes of them: readable runs. The zeros and pixels between are nothing to it."""
    return b"".join(run for run in _RUN.findall(data) if _is_readable(run))


def _is_readable(run: bytes) -> bool:
    if len(run.translate(None, _ASCII)) * 8 <= len(run):
        return True
    try:
        run.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _is_text(path: Path) -> bool:
    data = path.read_bytes()
    return pdf_at(data) >= 0 and not looks_binary(data, whole=True)
