"""The worker that reads files: what a file is, and which module reads that. Imported once the worker is confined.

A reader is a module with `read`, `redact`, and where its files have pictures `picture`. It is imported when the first file of its
kind comes.
"""

import importlib
from pathlib import Path
from typing import Any

from appliance.files.document import Document, FileError, Kind, Notice, Pixels, Redacted
from appliance.files.orders import Draw, Read, Redact, Show
from appliance.files.rooms import answering
from appliance.workers.child import Room

_READERS: dict[Kind, str] = {
    "pdf": "pdf",
    "docx": "docx",
    **dict.fromkeys(("png", "jpeg", "webp", "tiff", "bmp", "gif"), "images"),
    **dict.fromkeys(("text", "csv", "markdown"), "texts"),
    "html": "html_text",
}
_OF_TEXT: frozenset[Kind] = frozenset(("text", "csv", "markdown", "html"))
_UNSUPPORTED_FIX = "Send a PDF, DOCX, image, plain text, CSV, Markdown or HTML."


def read(order: Read) -> Document:
    kind, notices = _sniffed(order.path, order.name)
    if kind == "other":
        error: FileError = importlib.import_module("appliance.files.reading.sniff").unsupported(Path(order.path), order.name)
        raise error
    path, password = Path(order.path), order.password or None
    try:
        document: Document = _reader(kind).read(path, password)
    except FileError as error:
        kind_of_text = _as_text(path, order.name) if kind == "pdf" and error.code == "MALFORMED" else None
        if kind_of_text is None:
            raise
        kind = kind_of_text
        document = _reader(kind).read(path, password)
    document.kind = kind
    document.notices = [*notices, *document.notices]
    importlib.import_module("appliance.files.reading.second_readings").add_to(document, path)
    return document


def picture(order: Draw) -> Pixels:
    kind, _ = _sniffed(order.path, order.name)
    drawn: Pixels = _reader(kind).picture(Path(order.path), order.password or None, order.number, order.dpi)
    return drawn


def page(order: Show) -> Pixels:
    kind, _ = _sniffed(order.path, order.name)
    reader = _reader(kind)
    if not hasattr(reader, "page"):
        raise FileError("UNSUPPORTED", "a file of this kind has no pages that can be drawn", "Look at it in its own program.")
    drawn: Pixels = reader.page(Path(order.path), order.password or None, order.page, order.width)
    return drawn


def redact(order: Redact) -> Redacted:
    kind = order.document.kind  # as it was read; its name, which may have decided that, isn't here
    path, result, password = Path(order.path), Path(order.result), order.password or None
    second = importlib.import_module("appliance.files.reading.second_readings")
    changes = second.without_second(order.document, order.changes)
    redacted: Redacted
    if kind == "pdf":
        redacted = _reader(kind).redact(path, password, second.first_reading(order.document), changes, result)
    elif kind in _OF_TEXT:
        redacted = _reader(kind).redact(path, password, changes, result)
    else:
        seen = [piece for piece in order.document.pieces if piece.engine]  # the last ones, which the pool added
        redacted = _reader(kind).redact(path, password, changes, result, seen=seen)
    redacted.kind = kind
    return redacted


def _as_text(path: Path, name: str) -> Kind | None:
    """A text that quotes a PDF, which no reader of PDFs takes for one. None: it is none."""
    found: Kind | None = importlib.import_module("appliance.files.reading.sniff").kind_as_text(path, name)
    return found


def _sniffed(path: str, name: str) -> tuple[Kind, list[Notice]]:
    sniff = importlib.import_module("appliance.files.reading.sniff")
    found: tuple[Kind, list[Notice]] = sniff.sniff(Path(path), name)
    return found


def _reader(kind: Kind) -> Any:
    if kind not in _READERS:
        raise FileError("UNSUPPORTED", "files of this kind are not read", _UNSUPPORTED_FIX)
    return importlib.import_module(f"appliance.files.reading.{_READERS[kind]}")


ROOM = Room(
    {
        "read": answering(Read, read),
        "picture": answering(Draw, picture),
        "page": answering(Show, page),
        "redact": answering(Redact, redact),
    },
    threads=1,  # a worker has one file in hand: its bounds are that file's
)
