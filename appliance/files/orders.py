"""What the workers that read files are asked, and how they answer: both sides of the pipe know these shapes.

room `files`:  read Read → Document · picture Draw → Pixels · page Show → Pixels · redact Redact → Redacted
room `ocr`:    lines Look → Seen · warm Warm → list[EngineHere]
"""

from typing import TypeVar

import msgspec

from appliance.files.document import Change, Code, Document, FileError, Pixels

Shape = TypeVar("Shape")
WORN = "worn"  # in a refusal's detail: the worker had better be replaced


class Read(msgspec.Struct):
    """`path` is a file in the worker's folder; `name`: what its sender calls it. `cpu_seconds`: for this call; 0: no bound."""

    path: str
    name: str = ""
    password: str = ""
    cpu_seconds: int = 0


class Draw(msgspec.Struct):
    """Picture `number` of the file's Document, as pixels."""

    path: str
    number: int
    dpi: int = 150
    name: str = ""
    password: str = ""
    cpu_seconds: int = 0


class Show(msgspec.Struct):
    """Page `page` of the file, from 1 on, as people see it, `width` pixels wide at most; of an image a frame, turned upright."""

    path: str
    page: int
    width: int
    name: str = ""
    password: str = ""
    cpu_seconds: int = 0


class Redact(msgspec.Struct):
    """Write the file anew to `result`. Piece numbers of `changes` count in `document`: the file's own pieces, then those that
    were read in its pictures, which can only be painted over (their spans say where)."""

    path: str
    result: str
    changes: list[Change]
    document: Document
    password: str = ""
    cpu_seconds: int = 0


class Look(msgspec.Struct):
    """Read what stands in a picture. `engine`: as in the setting. `languages`: tesseract's names; none: all that are here."""

    pixels: Pixels
    engine: str = "auto"
    languages: list[str] = []
    cpu_seconds: int = 0


class EngineHere(msgspec.Struct, frozen=True):
    """An engine that can be used here. `scripts`: ISO 15924 codes of what it reads, such as Latn and Deva."""

    name: str
    scripts: list[str]


class Warm(msgspec.Struct):
    """Load what `engine` needs, so that the first picture doesn't wait for it. The answer says which engines that are, in the
    order in which they are asked."""

    engine: str = "auto"
    languages: list[str] = []
    cpu_seconds: int = 0


def shaped(body: bytes, kind: type[Shape]) -> Shape:
    """What came through the pipe, as its shape. It was made of untrusted files, maybe by a worker that they took over.

    Errors:  FileError, where it has another shape.
    """
    try:
        return msgspec.msgpack.decode(body, type=kind)
    except (msgspec.DecodeError, TypeError, RecursionError):
        raise FileError("MALFORMED", "what was read in the file makes no sense", "Send it in another format.") from None


def failed(code: str, message: str, fix: str) -> FileError:
    """A worker's refusal as the error that it raised there."""
    known: Code = msgspec.convert(code, Code)
    return FileError(known, message, fix)
