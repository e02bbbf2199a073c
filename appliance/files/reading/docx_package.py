"""A DOCX as its parts, each with all its texts: what reading and redaction both walk, in the same order.

Packages inside of it (a chart's workbook, a document in the document) are walked as well, some levels deep.
"""

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from appliance.files.document import FileError, Piece, Where
from appliance.files.reading import docx_pictures
from appliance.files.reading.docx_archive import Archive, Entry
from appliance.files.reading.docx_limits import DocxLimits
from appliance.files.reading.docx_looks import Looks
from appliance.files.reading.docx_metafile import metafile_texts
from appliance.files.reading.docx_walk import walk
from appliance.files.reading.docx_xml import child, kind_of, parsed
from appliance.files.reading.leaves import Found, Leaf
from appliance.files.reading.links import page_text, without_suffix
from appliance.files.reading.texts import decode

_PICTURES = (b"\x89PNG\r\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"II*\0", b"MM\0*", b"RIFF")
_METAFILES = (b"\x01\0\0\0", b"\xd7\xcd\xc6\x9a", b"\x01\0\x09\0", b"\x02\0\x09\0")
_XML_NAMES = (".xml", ".rels", ".vml", ".xsl", ".svg", ".xhtml")
_TEXT_NAMES = (".htm", ".html", ".txt", ".mht", ".mhtml", ".rtf", ".csv", ".eml", ".json", ".md")
_PAGES = (".htm", ".html")  # read as they are shown: a value may go over their marks
_FONTS = (".odttf", ".fntdata", ".ttf", ".otf")
_SIZE = re.compile(rb"<w:pgSz\b[^>]{0,200}?w:(w|h)=[\"'](\d{1,6})[\"'][^>]{0,200}?w:(w|h)=[\"'](\d{1,6})[\"']")
_PAGE = re.compile(rb"<w:background\b[^>]{0,200}?w:color=[\"']([0-9A-Fa-f]{6})[\"']")
_UNDRAWN = "a picture of a kind that isn't drawn (EMF, WMF)"
_BLANK_THUMBNAILS = frozenset({"96367138dc44ce09"})  # of python-docx's own template: nothing is on it
_ODD_NAME = re.compile(r"@|\d{6}|\d{2,}[-. ]\d{2,}|[^\x00-\x7f]| ")


class Part(msgspec.Struct):
    """One entry, read. root: of its XML. pictures: numbers, within it, of those to look at. unread: in words."""

    entry: Entry
    kind: str  # xml, picture, text, package, font, macros, folder, other
    found: list[Found] = []
    root: Any = None
    data: bytes = b""
    inner: "Package | None" = None
    pictures: list[int] = []
    unread: str = ""


class Package:
    """to_change: pieces keep the places of their texts, which takes four times their memory."""

    def __init__(self, archive: Archive, limits: DocxLimits, depth: int = 0, *, to_change: bool = False) -> None:
        self.archive, self._limits, self._depth, self._to_change = archive, limits, depth, to_change
        self.entries = sorted(archive.entries, key=_order)
        self.has_macros = False
        self.pieces_max = limits.pieces_max
        self.looks = self._looks()

    def parts(self, *, whole: bool = False) -> Iterator[Part]:
        """All of them, each read when it is asked for. `whole`: as for `walk`. Errors: FileError."""
        for entry in self.entries:
            is_folder = entry.name.endswith("/")
            part = Part(entry, "folder") if is_folder else self._part(entry, whole=whole)
            if _ODD_NAME.search(entry.name.rstrip("/").rpartition("/")[2]):
                part.found.append(Found(Piece(without_suffix(entry.name), Where("metadata")), ()))
            yield part

    def between(self) -> list[Found]:
        """What stands in the archive but in none of its entries."""
        texts = self.archive.between
        return [Found(Piece("\n".join(texts), Where("metadata"), "between the parts of the file"), ())] if texts else []

    def _part(self, entry: Entry, *, whole: bool) -> Part:
        name = entry.name.lower()
        if name.endswith(_XML_NAMES):
            return self._xml(entry, self.archive.data(entry, bytes_max=self._limits.part_bytes_max), whole=whole)
        data = self.archive.data(entry, bytes_max=self._limits.picture_bytes_max)
        if name.endswith(("vbaproject.bin", "vbadata.xml")):
            self.has_macros = True
            return Part(entry, "macros", unread="its macros")
        if data.startswith(_PICTURES):
            return self._picture(entry, data)
        if data[:4] == b"PK\3\4":
            return self._package(entry, data)
        if data.startswith(_METAFILES):
            return self._metafile(entry, data)
        if name.endswith(_PAGES):
            return self._text(entry, data)
        if data.lstrip()[:1] == b"<" or data[:4] in {b"\xef\xbb\xbf<", b"\xff\xfe<\0", b"\xfe\xff\0<"}:
            return self._markup(entry, data, whole=whole)
        if name.endswith(_TEXT_NAMES):
            return self._text(entry, data)
        if name.endswith(_FONTS) or not data:
            return Part(entry, "font", data=data)
        return Part(entry, "other", unread="an embedded object of a kind that isn't read")

    def _xml(self, entry: Entry, data: bytes, *, whole: bool) -> Part:
        if not data.strip():
            return Part(entry, "font", data=data)
        root = parsed(data)
        found = walk(root, self.looks, nested=self._depth > 0, whole=whole)
        return Part(entry, "xml", list(found) if self._to_change else [_light(each) for each in found], root)

    def _markup(self, entry: Entry, data: bytes, *, whole: bool) -> Part:
        try:
            return self._xml(entry, data, whole=whole)
        except FileError as error:
            if error.code != "MALFORMED":
                raise
            return self._text(entry, data)

    def _text(self, entry: Entry, data: bytes) -> Part:
        """HTML or plain text that the document takes in ("alternative chunks"), as it stands there."""
        decoded = decode(data)
        unread = "a text in RTF" if data.startswith(b"{\\rtf") else ""
        texts = [decoded.text, *((shown,) if (shown := page_text(decoded.text)) and not unread else ())]
        return Part(
            entry, "text", [Found(Piece(text, Where("attachment", name=entry.name)), ()) for text in texts], unread=unread
        )

    def _picture(self, entry: Entry, data: bytes) -> Part:
        if hashlib.sha256(data).hexdigest()[:16] in _BLANK_THUMBNAILS:
            return Part(entry, "font", data=data)
        try:
            image = docx_pictures.read(data)
        except FileError as error:
            return Part(entry, "picture", data=data, unread=docx_pictures.refused(error))
        name = entry.name.rpartition("/")[2]
        found = [Found(Piece(piece.text, Where("metadata", name=piece.where.name or name)), ()) for piece in image.pieces]
        numbers = [picture.number for picture in image.pictures]
        return Part(entry, "picture", found, data=data, pictures=numbers, unread="; ".join(image.unread))

    def _metafile(self, entry: Entry, data: bytes) -> Part:
        texts, has_more = metafile_texts(data)
        found = [Found(Piece("\n".join(texts), Where("picture", name=entry.name)), ())] if texts else []
        return Part(entry, "metafile", found, data=data, unread=_UNDRAWN if has_more else "")

    def _package(self, entry: Entry, data: bytes) -> Part:
        if self._depth >= self._limits.nested_max:
            return Part(entry, "other", unread="documents inside of documents inside of it")
        try:
            inner = Package(Archive(data, self._limits), self._limits, self._depth + 1, to_change=self._to_change)
        except FileError as error:
            if error.code in {"UNSAFE_XML", "TOO_LARGE"}:
                raise
            return Part(entry, "other", unread="an embedded document that is damaged or encrypted")
        return Part(entry, "package", inner=inner)

    def _looks(self) -> Looks:
        """From the styles, the theme and the settings, wherever they are: by their usual names, and by what stands in them."""
        roots: dict[str, Any] = {}
        colour, size = b"", (12_240, 16_840)
        for entry in self.entries if self._depth == 0 else ():
            name = entry.name.lower().rpartition("/")[2]
            if re.fullmatch(r"(?:styles|theme|settings)\d*\.xml", name):
                root = parsed(self.archive.data(entry, bytes_max=self._limits.part_bytes_max))
                roots.setdefault(kind_of(root), root)
            elif name == "document.xml":
                data = self.archive.data(entry, bytes_max=self._limits.part_bytes_max)
                found = _PAGE.search(data[:100_000])
                colour = found[1] if found else b""
                size = _largest_page(data, size)
        self.archive.again()
        has_colour = child(roots.get("w:settings"), "w:displayBackgroundShape") is not None and colour
        page = colour.decode("ascii").upper() if has_colour else "FFFFFF"
        return Looks(roots.get("w:styles"), roots.get("a:theme"), page, size)


def _largest_page(data: bytes, size: tuple[int, int]) -> tuple[int, int]:
    for one, first, _, second in _SIZE.findall(data):
        width, height = (int(first), int(second)) if one == b"w" else (int(second), int(first))
        size = max(size[0], width), max(size[1], height)
    return size


def _order(entry: Entry) -> tuple[int, int]:
    """What people read first comes first; what names other parts, last."""
    name = entry.name.lower()
    if name == "word/document.xml":
        return 0, entry.number
    if name.endswith(".rels") or name == "[content_types].xml":
        return 3, entry.number
    return (1 if name.startswith("word/") else 2), entry.number


_SOMEWHERE = ((0, Leaf(None, "")),)


def _light(found: Found) -> Found:
    return Found(found.piece, _SOMEWHERE)


def handle_of(found: Found, entry: Entry, number: int) -> str:
    """Where a piece stands: the part's number in the archive, and its own in the part. "": it can only be dropped."""
    return f"{entry.number}:{number}" if found.leaves else ""
