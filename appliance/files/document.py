"""What was read in a file: its texts and where each stands. Plain data, which goes through the pipes of workers."""

from typing import Literal

import msgspec

Kind = Literal["pdf", "docx", "png", "jpeg", "webp", "tiff", "bmp", "gif", "text", "csv", "markdown", "html", "other"]
Code = Literal[
    "EMPTY_FILE", "MALFORMED", "ENCRYPTED", "TOO_LARGE", "UNSAFE_XML", "TYPE_MISMATCH", "TIMEOUT", "UNSUPPORTED", "JAVASCRIPT"
]
PICTURES_MAX = 2_000
PIECES_MAX = 200_000
CHARACTERS_MAX = 20_000_000
UNDER_PICTURE = "under a picture"  # `hidden` of the text that OCR left under a scan: the picture must say the same


class FileError(Exception):
    """A file that can't be read. `fix`: what its sender can do. The words quote nothing of the file."""

    def __init__(self, code: Code, message: str, fix: str) -> None:
        super().__init__(message)
        self.code: Code = code
        self.message = message
        self.fix = fix


class Where(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place for people. `page`: from 1 on; 0: the file has none, or it belongs to no page. `name`: a property's, field's or
    attachment's, which is content too: it is inspected like a text."""

    part: Literal[
        "body",
        "header",
        "footer",
        "footnote",
        "endnote",
        "comment",
        "text box",
        "insertion",
        "deletion",
        "field",
        "annotation",
        "attachment",
        "metadata",
        "xml",
        "alternative text",
        "picture",
        "link",
        "script",
        "bookmark",
    ] = "body"
    page: int = 0
    name: str = ""


class Span(msgspec.Struct, frozen=True, array_like=True):
    """Characters `start` to `end` of a piece, in a box of its page: left, top, right, bottom as parts of 1 of the page as it is
    shown (turned pages turned), from its upper left corner."""

    start: int
    end: int
    left: float
    top: float
    right: float
    bottom: float


class Piece(msgspec.Struct, omit_defaults=True):
    """A text. Pieces that stand side by side belong together: values may go over the border of two.

    hidden:  why a person who looks at the page doesn't see it, such as "white on white"; "": they do.
    engine:  what read it in a picture; "": it stood there as text. score: how sure that is, 0 to 1.
    handle:  where the reader finds it again to put another text there; "": it can only be painted over, or dropped.
    """

    text: str
    where: Where = Where()
    hidden: str = ""
    engine: str = ""
    score: float = 1.0
    spans: list[Span] = []
    handle: str = ""


class Picture(msgspec.Struct, omit_defaults=True):
    """Something that must be looked at: a page without text, or a picture in one. `left` to `bottom`: its place on the page,
    as in `Span`. `why`: such as "page without text"."""

    number: int
    where: Where
    width: int = 0
    height: int = 0
    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0
    why: str = ""
    dpi: int = 150


class Pixels(msgspec.Struct):
    """A drawn picture, in a file of the worker's folder: rows from above, `channels` bytes (1 or 3, RGB) a pixel."""

    file: str
    width: int
    height: int
    channels: int


class Notice(msgspec.Struct, frozen=True):
    """Something to be told of a file that was read all the same. `text` is for people and quotes nothing of the file."""

    code: Code
    text: str


class Document(msgspec.Struct, omit_defaults=True):
    """`unread`: what was left out, in words, such as "page 3: its picture is too large"; then the file isn't clean."""

    kind: Kind
    pieces: list[Piece] = []
    pictures: list[Picture] = []
    pages: int = 0
    notices: list[Notice] = []
    unread: list[str] = []


class Line(msgspec.Struct, frozen=True):
    """A line of text in a picture, in parts of 1 of the picture. `spans`: words, characters of `text`, where the engine tells."""

    text: str
    score: float
    left: float
    top: float
    right: float
    bottom: float
    spans: list[Span] = []


class Seen(msgspec.Struct):
    """What an engine read in a picture. `engine`: with version and weights, such as "tesseract 5.3.0 (eng+hin)"."""

    lines: list[Line]
    engine: str


class Change(msgspec.Struct):
    """Characters `start` to `end` of piece number `piece` of the document are to say `text` instead. Where that can't be written
    (a picture) they are painted over."""

    piece: int
    start: int
    end: int
    text: str = ""


class Redacted(msgspec.Struct):
    """`dropped`: what the new file lacks, in words, such as "2 attachments", "metadata"."""

    kind: Kind
    pages: int
    dropped: list[str] = []
