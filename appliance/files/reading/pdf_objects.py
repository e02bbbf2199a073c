"""Every text of a PDF beside its pages' content: in annotations, fields, attachments, properties, scripts, bookmarks, links and
whatever else holds a string. One walk over its objects, each once, however they point at each other."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from pypdf import PageObject
from pypdf.generic import (
    ArrayObject,
    ByteStringObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NullObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from appliance.files.document import PIECES_MAX, Notice, Piece, Where
from appliance.files.reading import pdf_streams
from appliance.files.reading.pdf_bounds import BROKEN, too_large
from appliance.files.reading.pdf_embedded import string_text
from appliance.files.reading.pdf_leftovers import EARLIER, comments, earlier_objects
from appliance.files.reading.pdf_opening import OpenPdf
from appliance.files.reading.pdf_place import Place, at, place_in, place_of_key
from appliance.files.reading.pdfium import Rect

# Parents lead back; fonts, colours and shapes hold no words; the rest are keys and checksums.
_SKIPPED_NAMES = """
    /Parent /Prev /Last /Pg /IRT /Font /ColorSpace /ExtGState /Shading /Function /Encoding /Widths /W /DescendantFonts /ToUnicode
    /FontDescriptor /ID /Cert /DA /Lang /CheckSum /CharSet /Encrypt /ParentTree /IDTree /Registry /Ordering /Lookup
"""
_SKIPPED = frozenset(_SKIPPED_NAMES.split())
_TYPES_SKIPPED = frozenset(
    ("/Font", "/FontDescriptor", "/Encoding", "/ObjStm", "/XRef", "/ExtGState", "/CMap", "/Page", "/Pages")
)
_OF_TABLES_NAMES = "/Root /Info /Encrypt /ID /Size /Prev /XRefStm /W /Index /Length /Filter /DecodeParms /Type"
_OF_TABLES = frozenset(_OF_TABLES_NAMES.split())
_KEY_TELLS = re.compile(r"[ @]|\d{3}-\d\d-\d{4}|\d{9}")
_DEPTH_MAX = 200
_SWEPT_MAX = 5_000
_PARENTS_MAX = 32


@dataclass
class Found:
    """`rects`: of pieces that have a place on their page, by their number. `looks`: pages that must be looked at, and why."""

    pieces: list[Piece] = field(default_factory=list)
    rects: dict[int, Rect] = field(default_factory=dict)
    notices: list[Notice] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    looks: dict[int, str] = field(default_factory=dict)


def texts_of_objects(pdf: OpenPdf) -> Found:
    walk = Walk(pdf)
    if pdf.reader is not None:
        walk.run()
    return walk.found


class Walk:
    def __init__(self, pdf: OpenPdf) -> None:
        self.pdf = pdf
        self.found = Found()
        self._seen: set[int] = set()
        self._said: set[tuple[str, int, str, Rect | None]] = set()
        self._count = 0
        self._is_sweeping = False  # through objects that nothing points at
        self._pending: list[tuple[PdfObject | None, Place, str, int]] = []
        reader = pdf.reader
        self._with_structure = pdf.unpacked.says_alternatives or (reader is not None and reader.is_encrypted)

    def run(self) -> None:
        reader = self.pdf.reader
        assert reader is not None
        encrypt = reader.trailer.raw_get("/Encrypt") if "/Encrypt" in reader.trailer else None
        if isinstance(encrypt, IndirectObject):
            self._seen.add(encrypt.idnum)
        for number, page in enumerate(self.pdf.pages, 1):
            self._page(number, page)
        self._visit(reader.trailer.raw_get("/Root"), Place(), "/Root")
        self._visit(reader.trailer.get("/Info"), Place(), "/Info")
        for key in reader.trailer:
            if key not in _OF_TABLES:
                self._visit(reader.trailer.raw_get(key), Place(), key)
        self._is_sweeping = True
        unseen = [id_ for table in reader.xref.values() for id_ in table] + list(reader.xref_objStm)
        for id_ in [id_ for id_ in unseen if id_ not in self._seen][:_SWEPT_MAX]:
            self._visit(IndirectObject(id_, 0, reader), Place(), "")
        for found in earlier_objects(reader, self.pdf.data, self.pdf.deadline):
            self._visit(found, Place(name=EARLIER), "")
        for comment in comments(self.pdf.data):
            if said := string_text(comment):
                self.say(said, Place(name="comment"))

    def say(self, text: str, place: Place) -> None:
        key = (text, place.page, place.part, place.rect)
        if key in self._said:
            return
        self._said.add(key)
        if place.rect is not None:
            self.found.rects[len(self.found.pieces)] = place.rect
        self.found.pieces.append(Piece(text, Where(place.part, place.page, place.name), hidden=place.hidden))
        if len(self.found.pieces) > PIECES_MAX:
            raise too_large("too many texts beside its pages")

    def script(self, text: str, place: Place) -> None:
        if not self.found.notices:
            self.found.notices.append(Notice("JAVASCRIPT", "the PDF holds JavaScript"))
        self.say(text, replace(place, part="script", rect=None))

    def _page(self, number: int, page: PageObject) -> None:
        if page.indirect_reference is not None:
            self._seen.add(page.indirect_reference.idnum)
        for key in page:
            if key == "/Contents":
                self._see_contents(page.raw_get(key))
            elif key != "/Parent":
                place = Place("annotation" if key == "/Annots" else "metadata", number)
                self._visit(page.raw_get(key), place, key)

    def _see_contents(self, contents: PdfObject) -> None:
        """They are read as pages."""
        found = contents
        if isinstance(contents, IndirectObject):
            self._seen.add(contents.idnum)
            found = at(DictionaryObject({NameObject("/Contents"): contents}), "/Contents")
        if isinstance(found, ArrayObject):
            self._seen |= {each.idnum for each in found if isinstance(each, IndirectObject)}

    def _visit(self, start: PdfObject | None, place: Place, key: str) -> None:
        self._pending = [(start, place, key, 0)]
        while self._pending:
            value, at, of, depth = self._pending.pop()
            self._count += 1
            if self._count % 256 == 0:
                self.pdf.deadline.check()
            if depth > _DEPTH_MAX or self._count > self.pdf.limits.objects_max * 10:
                raise too_large("too many objects, or too deep ones")
            if isinstance(value, IndirectObject):
                value = self._fetched(value)
            if value is not None:
                self._look(value, at, of, depth + 1)

    def _fetched(self, reference: IndirectObject) -> PdfObject | None:
        if reference.idnum in self._seen:
            return None
        self._seen.add(reference.idnum)
        if len(self._seen) > self.pdf.limits.objects_max:
            raise too_large(f"more than {self.pdf.limits.objects_max} objects")
        try:
            found: PdfObject | None = reference.get_object()
        except BROKEN:
            if not self._is_sweeping:
                self.found.unread.append("what stands beside its pages, in part: it is damaged")
            return None
        return None if isinstance(found, NullObject) else found

    def _look(self, value: PdfObject, place: Place, key: str, depth: int) -> None:
        if isinstance(value, TextStringObject | ByteStringObject):
            self._string(string_text(value), place, key)
        elif isinstance(value, DictionaryObject):
            self._dictionary(value, place, key, depth)
        elif isinstance(value, ArrayObject):
            self._pending += [(each, place, key, depth) for each in reversed(value)]

    def _string(self, text: str, place: Place, key: str) -> None:
        if key == "/JS":
            self.script(text, place)
        elif text:
            self.say(text, place_of_key(place, key))

    def _dictionary(self, value: DictionaryObject, place: Place, key: str, depth: int) -> None:
        kind = at(value, "/Type")
        if isinstance(kind, str) and kind in _TYPES_SKIPPED:
            return
        place = place_in(value, place, key)
        if isinstance(value, StreamObject):
            pdf_streams.read(self, value, place, key)
        if place.part == "field" and at(value, "/Subtype") == "/Widget":
            self._parents(value, place)
        for each in value:
            if len(each) > 8 and _KEY_TELLS.search(each) and (said := string_text(each[1:])):
                self.say(said, place)  # a name, such as that of a place to go to
        for each in reversed(list(_keys(value, key, self._with_structure))):
            self._pending.append((value.raw_get(each), place, each, depth))

    def _parents(self, widget: DictionaryObject, place: Place) -> None:
        """A field's value may stand in a parent of what is seen of it."""
        above = at(widget, "/Parent")
        for _ in range(_PARENTS_MAX):
            if not isinstance(above, DictionaryObject):
                return
            for key in ("/V", "/DV", "/RV", "/T", "/TU"):
                value = at(above, key)
                if isinstance(value, TextStringObject | ByteStringObject):
                    self._string(string_text(value), place, key)
            above = at(above, "/Parent")


def _keys(value: DictionaryObject, of: str, with_structure: bool) -> Iterable[str]:
    """`of`: the key at which the dictionary stands. Those of XObjects are any names."""
    is_signature = at(value, "/Type") == "/Sig"
    for key in value:
        if of != "/XObject" and (key in _SKIPPED or (key == "/StructTreeRoot" and not with_structure)):
            continue
        if not (is_signature and key == "/Contents"):
            yield key
