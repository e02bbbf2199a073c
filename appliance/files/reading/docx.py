"""DOCX: every text of every part, by place, with what nobody sees marked; pictures to look at; and what isn't read, told."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from appliance.files.document import (
    CHARACTERS_MAX,
    PICTURES_MAX,
    Change,
    Document,
    FileError,
    Notice,
    Picture,
    Piece,
    Pixels,
    Redacted,
    Where,
)
from appliance.files.reading import docx_pictures, docx_redaction
from appliance.files.reading.docx_archive import opened
from appliance.files.reading.docx_limits import DocxLimits
from appliance.files.reading.docx_package import Package, Part, handle_of
from appliance.files.reading.docx_xml import get, kind_of

LIMITS = DocxLimits()
_HARMLESS_RELATIONS = ("/hyperlink",)


def read(path: Path, password: str | None = None, *, limits: DocxLimits = LIMITS) -> Document:
    """A paragraph is a piece, however many runs it has; `handle` names its part and it.

    Errors: FileError EMPTY_FILE, MALFORMED, ENCRYPTED, TOO_LARGE, UNSAFE_XML.
    """
    document = Document(kind="docx")
    with package_of(path, password, limits) as package:
        _read_package(package, document, depth=0)
        if not any(entry.name.lower().startswith("word/") for entry in package.entries):
            raise FileError("MALFORMED", "It has no text part.", "Open it in a word processor and save it anew.")
    document.unread = list(dict.fromkeys(document.unread))
    document.notices = list(dict.fromkeys(document.notices))
    return document


def picture(path: Path, password: str | None, number: int, dpi: int, *, limits: DocxLimits = LIMITS) -> Pixels:
    """An embedded picture's pixels. Errors: FileError TOO_LARGE, MALFORMED, where it is damaged."""
    at = 0
    with package_of(path, password, limits) as package:
        for part in package.parts():
            if part.kind == "picture":
                if at <= number < at + len(part.pictures):
                    return docx_pictures.pixels(part.data, part.pictures[number - at], dpi)
                at += len(part.pictures)
    raise FileError("MALFORMED", "It has no such picture.", "Send the file anew.")


def redact(
    path: Path,
    password: str | None,
    changes: Sequence[Change],
    result: Path,
    *,
    seen: Sequence[Piece] = (),
    limits: DocxLimits = LIMITS,
) -> Redacted:
    """`path` with `changes` made in every part. `seen`: what was read in its pictures; numbered on from its own pieces."""
    with package_of(path, password, limits, to_change=True) as package:
        return docx_redaction.redact(package, changes, seen, result)


@contextmanager
def package_of(path: Path, password: str | None, limits: DocxLimits, *, to_change: bool = False) -> Iterator[Package]:
    """What any library raises becomes a FileError here."""
    try:
        with opened(path, limits, password) as archive:
            yield Package(archive, limits, to_change=to_change)
    except (FileError, GeneratorExit):
        raise
    except MemoryError as error:
        raise FileError("TOO_LARGE", "Reading it takes more memory than there is.", "Send a smaller one.") from error
    except Exception as error:
        raise FileError("MALFORMED", "The document is damaged.", "Open it in a word processor and save it anew.") from error


def _read_package(package: Package, document: Document, depth: int) -> None:
    names: set[str] = set()
    left = CHARACTERS_MAX - sum(len(piece.text) for piece in document.pieces)
    for part in package.parts():
        name = part.entry.name.lower()
        if name in names:
            document.notices.append(Notice("MALFORMED", "Two of its parts have one name: programs differ in which they show."))
        names.add(name)
        for number, found in enumerate(part.found):
            if depth:
                found.piece.where = Where("attachment", name=found.piece.where.name or part.entry.name)
            found.piece.handle = handle_of(found, part.entry, number)
            left -= len(found.piece.text)
            if left < 0:
                raise FileError("TOO_LARGE", f"It has more than {CHARACTERS_MAX:,} characters.", "Send it in parts.")
            _add(document, found.piece, package.pieces_max)
        _note(part, document, depth)
        if part.inner is not None:
            _read_package(part.inner, document, depth + 1)
    for found in package.between():
        _add(document, found.piece, package.pieces_max)
    if package.archive.has_lost:
        document.unread.append("parts of its archive that no list names")
    if package.has_macros:
        document.notices.append(Notice("JAVASCRIPT", "It holds macros (VBA)."))


def _add(document: Document, piece: Piece, pieces_max: int) -> None:
    document.pieces.append(piece)
    if len(document.pieces) > pieces_max:
        raise FileError("TOO_LARGE", f"It has more than {pieces_max:,} paragraphs.", "Send it in parts.")


def _note(part: Part, document: Document, depth: int) -> None:
    if part.unread:
        document.unread.append(part.unread)
    if part.kind == "picture" and depth:
        document.unread.append("pictures in documents inside of it")
    elif part.kind == "picture":
        where = Where("picture", name=part.entry.name.rpartition("/")[2])
        for _ in part.pictures:
            document.pictures.append(Picture(len(document.pictures), where, why="picture in the document"))
        if len(document.pictures) > PICTURES_MAX:
            raise FileError("TOO_LARGE", f"It has more than {PICTURES_MAX:,} pictures.", "Send it in parts.")
    if part.root is not None and kind_of(part.root) == "rel:Relationships" and _points_outside(part.root):
        document.notices.append(Notice("UNSAFE_XML", "It fetches parts from elsewhere when it is opened."))


def _points_outside(root: Any) -> bool:
    return any(
        get(relation, "TargetMode").lower() == "external" and not get(relation, "Type").endswith(_HARMLESS_RELATIONS)
        for relation in root
    )
