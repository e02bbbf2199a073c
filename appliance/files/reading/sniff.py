"""What a file is, by its content. Its name is only compared with that.

Sources: WHATWG MIME Sniffing (whom browsers believe), PNG, GIF89a, RFC 9649 (WebP), TIFF 6.0, PKWARE APPNOTE 4.3.16,
[MS-CFB] 2.2.
"""

import re
import zipfile
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from appliance.files.document import FileError, Kind, Notice
from appliance.files.reading.sniff_others import HEAD_BYTES, OLE, SCANNED_BYTES_MAX, has_zip_directory, is_pdf, others, word_for
from appliance.files.reading.sniff_texts import HTML_SUFFIXES, looks_binary, text_kind

ZIP_NAMES_MAX = 20_000

_SUFFIXES: dict[Kind, frozenset[str]] = {
    "pdf": frozenset({"pdf"}),
    "docx": frozenset({"docx", "docm", "dotx", "dotm"}),
    "png": frozenset({"png", "apng"}),
    "jpeg": frozenset({"jpg", "jpeg", "jpe", "jfif"}),
    "webp": frozenset({"webp"}),
    "tiff": frozenset({"tif", "tiff"}),
    "bmp": frozenset({"bmp", "dib"}),
    "gif": frozenset({"gif"}),
    "html": HTML_SUFFIXES,
}
_TELLING = frozenset(suffix for suffixes in _SUFFIXES.values() for suffix in suffixes)
_TELLING_OTHERS = frozenset(
    re.findall(
        r"\w+",
        "doc xls ppt xlsx xlsm pptx pptm odt ods odp rtf msg zip gz tar 7z rar exe dll heic avif ico mp3 mp4 wav epub jar",
    )
)
_OLD_OFFICE = (("WordDocument", "DOC (Word 97)"), ("Workbook", "XLS"), ("PowerPoint Document", "PPT"), ("__substg1.0", "MSG"))
_SAVED_AS = {
    **dict.fromkeys(("RTF", "DOC (Word 97)", "an OpenDocument, EPUB or JAR"), "Save it as DOCX or PDF and send that."),
    **dict.fromkeys(("XLSX", "XLS"), "Save it as CSV or PDF and send that."),
    **dict.fromkeys(("PPTX", "PPT", "VSDX", "PostScript"), "Save it as PDF and send that."),
    **dict.fromkeys(("ZIP", "gzip", "bzip2", "xz", "7z", "RAR", "Zstandard"), "Unpack it and send its files."),
}
_IMAGES: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF87a", "gif"),
    (b"GIF89a", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"II+\0", "tiff"),
    (b"MM\0+", "tiff"),
)
_OTHERS: tuple[tuple[bytes, str], ...] = (
    (b"{\\rtf", "RTF"),
    (b"\x1f\x8b", "gzip"),
    (b"BZh", "bzip2"),
    (b"\xfd7zXZ\0", "xz"),
    (b"7z\xbc\xaf'\x1c", "7z"),
    (b"Rar!\x1a\x07", "RAR"),
    (b"\x28\xb5\x2f\xfd", "Zstandard"),
    (b"MZ\x90", "a Windows program"),
    (b"\x7fELF", "a Linux program"),
    (b"%!PS", "PostScript"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"\0\0\1\0", "ICO"),
    (b"SQLite format 3\0", "SQLite"),
    (b"ID3", "audio"),
    (b"OggS", "audio"),
    (b"fLaC", "audio"),
    (b"FWS", "Flash"),
    (b"CWS", "Flash"),
)


def sniff(path: Path, name: str) -> tuple[Kind, list[Notice]]:
    """What `path` is, and TYPE_MISMATCH where its `name` says another thing or where it can be read as several.

    Errors: FileError EMPTY_FILE. "other": nothing that we read (then the room answers UNSUPPORTED).
    """
    size = path.stat().st_size
    if size == 0:
        raise FileError("EMPTY_FILE", "The file is empty.", "Send a file with content.")
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
        kind, word = _kind(file, head, size, name)
        notices = [] if _fits(kind, name) else [_mismatch(kind, word)]
        words = [word_for(other, kind) for other in others(file, head, size, kind)]
    also = list(dict.fromkeys(filter(None, words)))
    if also:
        notices.append(Notice("TYPE_MISMATCH", f"It is {word}, and can be read as {' and as '.join(also)} as well."))
    return kind, notices


def kind_as_text(path: Path, name: str) -> Kind | None:
    """Of a file that is called a PDF for what it quotes; None: it begins as one, or isn't text as a whole."""
    data = path.read_bytes() if path.stat().st_size <= SCANNED_BYTES_MAX else b"%PDF-"
    if data.lstrip(b"\0\t\n\f\r \xef\xbb\xbf").startswith(b"%PDF-") or looks_binary(data, whole=True):
        return None
    return text_kind(data[:HEAD_BYTES], len(data), name)[0]


def unsupported(path: Path, name: str) -> FileError:
    """What to say of a file that is "other"."""
    with path.open("rb") as file:
        word = _kind(file, file.read(HEAD_BYTES), path.stat().st_size, name)[1]
    fix = _SAVED_AS.get(word, "Send a PDF, DOCX, image, plain text, CSV, Markdown or HTML.")
    return FileError("UNSUPPORTED", f"files of this kind are not read: it is {word}", fix)


def _mismatch(kind: Kind, word: str) -> Notice:
    read = "not read" if kind == "other" else "read as that"
    return Notice("TYPE_MISMATCH", f"Its name says another thing than its content: it is {word}, and was {read}.")


def _fits(kind: Kind, name: str) -> bool:
    suffix = PurePosixPath(name.replace("\\", "/")).suffix.lower().lstrip(".")
    if kind in _SUFFIXES:
        return not suffix or suffix in _SUFFIXES[kind] or (kind == "html" and suffix in {"md", "markdown", "xsl"})
    if kind == "other":
        return suffix not in _TELLING
    return suffix not in _TELLING - {"xml", "svg"} and suffix not in _TELLING_OTHERS


def _kind(file: BinaryIO, head: bytes, size: int, name: str) -> tuple[Kind, str]:
    for magic, image in _IMAGES:
        if head.startswith(magic):
            return image, image.upper()
    if head[:4] == b"RIFF":
        return ("webp", "WebP") if head[8:12] == b"WEBP" else ("other", "RIFF")
    if head[:2] == b"BM" and _is_bitmap(head, size):
        return "bmp", "BMP"
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08PK\3\4")):
        return kind_of_package(file, size)
    if head.startswith(OLE):
        return _compound(file, size)
    if is_pdf(file, head, size):
        return "pdf", "PDF"
    for magic, word in _OTHERS:
        if head.startswith(magic):
            return "other", word
    if head[4:8] == b"ftyp":
        return "other", "a film or a HEIF picture"
    return text_kind(head, size, name)


def _is_bitmap(head: bytes, size: int) -> bool:
    """Two letters are too few to go by: its header's size must be one that exists."""
    return len(head) >= 26 and int.from_bytes(head[14:18], "little") in {12, 16, 40, 52, 56, 64, 108, 124} and size > 26


def kind_of_package(file: BinaryIO, size: int) -> tuple[Kind, str]:
    """A ZIP: DOCX where its list of content types names a Word document, or where such a one has lost its end."""
    names = _zip_names(file, size)
    if names is None:
        file.seek(0)
        start = file.read(65_536)
        if (b"[Content_Types].xml" in start and b"word/" in start) or b"word/document.xml" in start:
            return "docx", "DOCX"
        return "other", "a damaged ZIP"
    lowered = {name.lower().replace("\\", "/").lstrip("/") for name in names}
    if "[content_types].xml" in lowered and _names_word(file, lowered):
        return "docx", "DOCX"
    for folder, word in (("xl/", "XLSX"), ("ppt/", "PPTX"), ("visio/", "VSDX"), ("meta-inf/", "an OpenDocument, EPUB or JAR")):
        if any(name.startswith(folder) for name in lowered):
            return "other", word
    return "other", "ZIP"


def _names_word(file: BinaryIO, lowered: set[str]) -> bool:
    if "word/document.xml" in lowered:
        return True
    try:
        with zipfile.ZipFile(file) as archive:
            entry = next(info for info in archive.infolist() if info.filename.lower().lstrip("/") == "[content_types].xml")
            with archive.open(entry) as types:
                return b"wordprocessingml.document.main+xml" in types.read(1_000_000) or any(
                    n.startswith("word/") for n in lowered
                )
    except Exception:  # of any library that unpacks: then its folders tell
        return any(part.startswith("word/") for part in lowered)


def _zip_names(file: BinaryIO, size: int) -> list[str] | None:
    """None: its directory isn't there, isn't readable or is beyond all measure."""
    if not has_zip_directory(file, size):
        return None
    try:
        with zipfile.ZipFile(file) as archive:
            return archive.namelist()[:ZIP_NAMES_MAX]
    except Exception:
        return None


def _compound(file: BinaryIO, size: int) -> tuple[Kind, str]:
    """[MS-CFB]: an encrypted DOCX is one, as old Office files are. Their streams' names stand in UTF-16 in sectors anywhere."""
    file.seek(0)
    data = file.read(min(size, SCANNED_BYTES_MAX))
    if "EncryptedPackage".encode("utf-16-le") in data:
        return "docx", "an encrypted Office document"
    for name, word in _OLD_OFFICE:
        if name.encode("utf-16-le") in data:
            return "other", word
    return "other", "an OLE container"
