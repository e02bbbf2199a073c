"""What else a program could take a file for: polyglots, which show one thing to a guard and another to a reader.

Sources: WHATWG MIME Sniffing; PDFium, Poppler and pypdf, which take a PDF's header where it stands; zipfile and Info-ZIP, which
look for a ZIP's end from the file's end.
"""

import re
from typing import BinaryIO, Literal, NamedTuple

from appliance.files.document import Kind

HEAD_BYTES = 8_192
SCANNED_BYTES_MAX = 64_000_000
ZIP_TAIL_BYTES = 66_000  # its last record is 22 bytes, and a comment of at most 65,535
ZIP_DIRECTORY_BYTES_MAX = 16_000_000
PDF_HEAD_BYTES = 1_024
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_IMAGES: frozenset[Kind] = frozenset({"png", "jpeg", "gif", "bmp", "webp", "tiff"})
_TEXTS: frozenset[Kind] = frozenset({"text", "csv", "markdown", "html"})
_MARKUP_ANYWHERE = re.compile(rb"<(?:html|script|svg|iframe|\?php|!doctype\s+html)[\s>/]", re.IGNORECASE)
_OBJECT = re.compile(rb"(?<![0-9])[0-9]{1,10}[ \t\r\n\f\0]+[0-9]{1,5}[ \t\r\n\f\0]+obj\b")
_BLANK = b"\0\t\n\f\r \xef\xbb\xbf"


class Other(NamedTuple):
    """`start`, `end`: the bytes that hold it. A "ZIP" is looked for in the whole file: its own places count from anywhere."""

    word: Literal["PDF", "ZIP", "HTML", "text"]
    start: int
    end: int


def others(file: BinaryIO, head: bytes, size: int, kind: Kind) -> list[Other]:
    """Second readings of a file that is read as `kind`."""
    if kind == "other" or (kind == "docx" and head.startswith(OLE)):
        return []
    data = _start(file, size)
    found: list[Other] = []
    if kind == "pdf":
        found += _around_pdf(data)
    elif kind == "docx":
        found += _around_zip(data)
    elif (at := pdf_at(data)) >= 0:
        found.append(Other("PDF", at, _pdf_end(data, at)))
    if kind != "docx" and has_zip_directory(file, size):
        found.append(Other("ZIP", 0, size))
    if kind in _IMAGES and (markup := _MARKUP_ANYWHERE.search(data)):
        found.append(Other("HTML", markup.start(), len(data)))
    return found


def word_for(other: Other, kind: Kind) -> str:
    """For people. "": nothing that a program would take the file for."""
    if other.word != "text":
        return other.word
    return "something else that stands before its beginning" if kind == "pdf" and other.start == 0 else ""


def pdf_at(data: bytes, begin: int = 0, end: int | None = None) -> int:
    """Where a PDF begins: its header, and an object behind it, without which nobody shows anything. -1: nowhere."""
    at = data.find(b"%PDF-", begin, end)
    return at if at >= 0 and _OBJECT.search(data, at) else -1


def _pdf_end(data: bytes, at: int) -> int:
    """Behind its last mark of an end; what follows belongs to the file that it stands in."""
    end = data.rfind(b"%%EOF", at)
    return end + 5 if end >= 0 else len(data)


def is_pdf(file: BinaryIO, head: bytes, size: int) -> bool:
    """Whether readers take it for one: the header in the first 1,024 bytes, where other text goes before it with an object."""
    at = head[:PDF_HEAD_BYTES].find(b"%PDF-")
    return at >= 0 and (not head[:at].strip(_BLANK) or _OBJECT.search(_start(file, size), at) is not None)


def _around_pdf(data: bytes) -> list[Other]:
    """What stands before its header and behind its end. A page before it may go on behind it, so that is the whole file."""
    at, end = max(0, data.find(b"%PDF-")), data.rfind(b"%%EOF")
    found: list[Other] = []
    if markup := _MARKUP_ANYWHERE.search(data, 0, at):
        found.append(Other("HTML", markup.start(), len(data)))
    if data[:at].strip(_BLANK):
        found.append(Other("text", 0, at))
    if end >= 0 and (behind := data[end + 5 :]).strip(_BLANK):
        markup = _MARKUP_ANYWHERE.search(behind)
        found.append(Other("HTML" if markup else "text", end + 5, len(data)))
    return found


def _around_zip(data: bytes) -> list[Other]:
    found: list[Other] = []
    end = data.rfind(b"PK\5\6")
    behind = end + 22 if end >= 0 else len(data)
    at = pdf_at(data, 0, PDF_HEAD_BYTES)
    at = at if at >= 0 else pdf_at(data, behind)
    if at >= 0:
        found.append(Other("PDF", at, _pdf_end(data, at)))
    if _MARKUP_ANYWHERE.search(data, 0, 30):
        found.append(Other("HTML", 0, len(data)))
    if data[behind:].strip(_BLANK):
        found.append(Other("HTML" if _MARKUP_ANYWHERE.search(data, behind) else "text", behind, len(data)))
    return found


def has_zip_directory(file: BinaryIO, size: int) -> bool:
    """Whether a ZIP's end stands at the file's end, and the list of its entries before it."""
    file.seek(max(0, size - ZIP_TAIL_BYTES))
    tail = file.read(ZIP_TAIL_BYTES)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or len(tail) - at < 22:
        return False
    length = int.from_bytes(tail[at + 12 : at + 16], "little")
    start = max(0, size - ZIP_TAIL_BYTES) + at - length
    if length == 0xFFFFFFFF:
        return True  # ZIP64: zipfile looks for itself
    if length > ZIP_DIRECTORY_BYTES_MAX or start < 0 or length < 46:
        return False
    file.seek(start)
    return file.read(4) == b"PK\1\2"


def _start(file: BinaryIO, size: int) -> bytes:
    file.seek(0)
    return file.read(min(size, SCANNED_BYTES_MAX))
