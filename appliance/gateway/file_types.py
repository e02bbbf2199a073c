"""What kinds of files are called elsewhere."""

from typing import cast

from appliance.files.document import Kind

MEDIA_TYPES: dict[Kind, str] = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "png": "image/png",
    "jpeg": "image/jpeg",
    "webp": "image/webp",
    "tiff": "image/tiff",
    "bmp": "image/bmp",
    "gif": "image/gif",
    "text": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "markdown": "text/markdown; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "other": "application/octet-stream",
}

_TEXTS = {"text/csv": "csv", "text/markdown": "markdown", "text/html": "html"}
_BEGINNINGS: tuple[tuple[bytes, Kind], ...] = (
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"\xff\xd8\xff", "jpeg"),
    (b"GIF8", "gif"),
    (b"II*\0", "tiff"),
    (b"MM\0*", "tiff"),
    (b"BM", "bmp"),
)
_PDF_WITHIN = 1024  # readers look for its beginning so far


def kind_of_bytes(data: bytes, said: str = "") -> Kind:
    """What a file is, by its first bytes, as far as one must know to hand it on; a reader knows better (files/reading/sniff.py).

    said: the media type that its sender gave it, which counts only among texts.
    """
    if b"%PDF-" in data[:_PDF_WITHIN]:
        return "pdf"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    for beginning, kind in _BEGINNINGS:
        if data.startswith(beginning):
            return kind
    if data.startswith(b"PK\x03\x04"):
        return "docx" if b"word/" in data else "other"
    if b"\0" in data[:4096] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "other"
    return cast(Kind, _TEXTS.get(said.partition(";")[0].strip().lower(), "text"))


def media_type_of(data: bytes, said: str) -> str:
    """For the address of data, or beside it."""
    kind = kind_of_bytes(data, said)
    return said if kind == "other" and said else MEDIA_TYPES[kind].partition(";")[0]
