"""Opens a PDF with both libraries: pypdf for its objects, pdfium for its pages as they look."""

import contextlib
import io
import itertools
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pypdfium2 as pdfium
from pypdf import PageObject, PasswordType, PdfReader, apply_configuration
from pypdf.errors import DependencyError, FileNotDecryptedError, LimitReachedError
from pypdf.filters import ASCII85Decode, ASCIIHexDecode
from pypdf.generic import ArrayObject, StreamObject

from appliance.files.document import Document, FileError
from appliance.files.reading.pdf_bounds import BROKEN, Deadline, Limits, Unpacked, checked_streams, malformed, too_large

logging.getLogger("pypdf").setLevel(logging.CRITICAL + 1)  # it says what it stumbles over, which is the file's content

_WRAPPED = re.compile(rb"/(?:ASCIIHexDecode|ASCII85Decode|AHx|A85)\b")
_END = re.compile(rb"%%EOF|startxref")
_HEAD_BYTES = 1024  # where readers look for "%PDF-"
_TAIL_BYTES = 4096
_WRONG_PASSWORD = 4  # FPDF_ERR_PASSWORD


@dataclass
class OpenPdf:
    """`pages`: pypdf's, or [] where it can't read the file (`reader` is None then)."""

    drawn: pdfium.PdfDocument
    reader: PdfReader | None
    pages: list[PageObject]
    limits: Limits
    deadline: Deadline
    unpacked: Unpacked
    data: bytes = b""
    depth: int = 0  # 1: it is attached to another
    read_attached: Callable[[Path, Limits], Document] | None = None  # None: it is attached itself
    unread: list[str] = field(default_factory=list)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Every library's exception as a FileError; none of them says anything of what the file holds."""
    try:
        yield
    except FileError:
        raise
    except MemoryError:
        raise too_large("more in it than fits into memory") from None
    except LimitReachedError:
        raise too_large("more in it than may be unpacked") from None
    except (FileNotDecryptedError, DependencyError):
        raise encrypted() from None
    except FileNotFoundError:
        raise
    except Exception:  # a damaged file raises nearly anything: ten classes were seen
        raise malformed() from None


def encrypted() -> FileError:
    return FileError("ENCRYPTED", "the PDF is encrypted", "send its password too, or a copy without one")


@contextlib.contextmanager
def open_pdf(path: Path, password: str | None, limits: Limits) -> Iterator[OpenPdf]:
    """Errors: EMPTY_FILE, MALFORMED, ENCRYPTED (no password, or not this one), TOO_LARGE, TIMEOUT."""
    deadline = Deadline(limits.seconds_max)
    data = path.read_bytes()
    _check_ends(data)
    unpacked = checked_streams(data, limits, deadline)
    with _bounded(limits):
        reader, opens = _reader(data, password)
        pages = _pages(reader, limits) if reader is not None else []
        if reader is not None and (reader.is_encrypted or _WRAPPED.search(data)):
            _check_wrapped(reader, limits, deadline)
        with _drawn(path, opens) as drawn:
            if len(drawn) > limits.pages_max:
                raise too_large(f"more than {limits.pages_max} pages")
            if not len(drawn):
                raise malformed("the PDF has no pages")
            pdf = OpenPdf(drawn, reader, pages, limits, deadline, unpacked, data)
            _compare(pdf)
            yield pdf


@contextlib.contextmanager
def _bounded(limits: Limits) -> Iterator[None]:
    size = limits.stream_bytes_max
    with apply_configuration(
        maximum_declared_stream_length=size,
        array_based_stream_maximum_output_length=size,
        lzw_maximum_output_length=size,
        run_length_maximum_output_length=size,
        zlib_maximum_output_length=size,
        brotli_maximum_output_length=size,
        stream_decoding_work_maximum_length=4 * size,
        page_tree_maximum_entries=2 * limits.pages_max,
        jbig2dec_binary=None,  # nothing is started from here
    ):
        yield


def _check_ends(data: bytes) -> None:
    if not data.strip(b"\0 \t\r\n"):
        raise FileError("EMPTY_FILE", "the file is empty", "send one with something in it")
    if b"%PDF-" not in data[:_HEAD_BYTES]:
        raise malformed("this is not a PDF")
    if not _END.search(data.rstrip(b"\0 \t\r\n")[-_TAIL_BYTES:]):
        raise malformed("the PDF is cut off, or something else stands after its end")


def _reader(data: bytes, password: str | None) -> tuple[PdfReader | None, str]:
    """And the password that opens it: an empty one does where only its owner has one."""
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        if not reader.is_encrypted:
            return reader, ""
        for attempt in ([password] if password else []) + [""]:
            if reader.decrypt(attempt) != PasswordType.NOT_DECRYPTED:
                return reader, attempt
    except (MemoryError, LimitReachedError, FileNotDecryptedError, DependencyError):
        raise
    except Exception:  # pdfium may mend what pypdf can't
        return None, password or ""
    raise encrypted()


def _pages(reader: PdfReader, limits: Limits) -> list[PageObject]:
    pages = reader.pages
    if len(pages) > limits.pages_max:
        raise too_large(f"more than {limits.pages_max} pages")
    return list(pages)


def _check_wrapped(reader: PdfReader, limits: Limits, deadline: Deadline) -> None:
    """Streams that didn't unpack by the look of their bytes, since they are encrypted or written in letters."""
    numbers = {number for table in reader.xref.values() for number in table}
    for number in itertools.islice(numbers, limits.objects_max):
        deadline.check()
        try:
            found = reader.get_object(number)
            if isinstance(found, StreamObject):
                wrapped = _unwrapped(found)
                checked_streams(b"stream\n" + wrapped, limits, deadline)
        except BROKEN:
            continue  # what no reader can read


def _unwrapped(stream: StreamObject) -> bytes:
    filters = stream.get("/Filter")
    names = [str(each.get_object()) for each in filters] if isinstance(filters, ArrayObject) else [str(filters)]
    data: bytes = stream._data
    for name in names:
        if name in ("/ASCIIHexDecode", "/AHx"):
            data = ASCIIHexDecode.decode(data)
        elif name in ("/ASCII85Decode", "/A85"):
            data = ASCII85Decode.decode(data)
        else:
            break
    return data


@contextlib.contextmanager
def _drawn(path: Path, password: str) -> Iterator[pdfium.PdfDocument]:
    try:
        document = pdfium.PdfDocument(path, password=password or None)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", 0) == _WRONG_PASSWORD:
            raise encrypted() from None
        raise malformed() from None
    try:
        yield document
    finally:
        document.close()


def _compare(pdf: OpenPdf) -> None:
    if pdf.reader is None:
        pdf.unread.append("what stands beside its pages: the file's tables are damaged")
    elif len(pdf.pages) != len(pdf.drawn):
        pdf.unread.append("some pages: the file's tables are damaged, and two readers count them differently")


@contextlib.contextmanager
def drawn_alone(path: Path, password: str | None) -> Iterator[pdfium.PdfDocument]:
    """For drawing a page of a file that has been read before: nothing else is looked at."""
    with path.open("rb") as file:
        is_empty = not file.read(1)
    if is_empty:
        raise FileError("EMPTY_FILE", "the file is empty", "send one with something in it")
    try:
        with _drawn(path, password or "") as document:
            yield document
    except FileError as error:
        if error.code != "ENCRYPTED" or not password:
            raise
        with _drawn(path, "") as document:
            yield document
