"""A page copied without what it doesn't need to look as it does: only what its content names comes along."""

from typing import Any

from pypdf import PageObject, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    IndirectObject,
    NameObject,
    NumberObject,
    PdfObject,
    StreamObject,
    TextStringObject,
)

from appliance.files.reading.pdf_content import DRAWS
from appliance.files.reading.pdf_place import at
from appliance.files.reading.pdf_second import undrawn_words

_NESTED_MAX = 12
_RESOURCES = ("/Font", "/ExtGState", "/ColorSpace", "/Pattern", "/Shading")
_LEFT_OUT = ("/Metadata", "/PieceInfo", "/StructParent", "/StructParents", "/Parent", "/P", "/OPI", "/LastModified", "/Name")
_IMAGE_KEYS = (
    "/Subtype /Width /Height /ColorSpace /BitsPerComponent /Intent /ImageMask /Mask /Decode /Interpolate /SMask /SMaskInData "
    "/Filter /DecodeParms /Matte"
)
_FORM_KEYS = "/Subtype /FormType /BBox /Matrix /Group"
_ANNOTATION_KEYS = "/Rect /F /Border /BS /C /IC /QuadPoints /L /LE /Vertices /InkList /AS /H /CA"
_MARKUPS = frozenset(("/Highlight", "/Underline", "/Squiggly", "/StrikeOut", "/Line", "/Square", "/Circle", "/Ink"))
_HIDDEN = 2 | 32


class CantCopy(Exception):
    """The page is to be drawn instead."""


class Copies:
    """Of pages of one file into another. Things that pages share are copied once."""

    def __init__(self, writer: PdfWriter) -> None:
        self._writer = writer
        self._drawn: dict[int, PdfObject] = {}

    def page(self, page: PageObject) -> DictionaryObject:
        """Errors: CantCopy, where it has layers or content that is told in a way that this doesn't follow."""
        contents = page.get_contents()
        data = b"" if contents is None else contents.get_data()
        resources = at(page, "/Resources")
        copy = DictionaryObject({NameObject("/Type"): NameObject("/Page")})
        for key in ("/MediaBox", "/CropBox", "/Rotate", "/UserUnit"):
            if key in page:
                copy[NameObject(key)] = self._clone(page[key])
        _check_words(data)
        copy[NameObject("/Contents")] = self._add(_stream(data))
        copy[NameObject("/Resources")] = self._resources(resources, data, 0)
        annotations = self._annotations(page)
        if annotations:
            copy[NameObject("/Annots")] = annotations
        return copy

    def _resources(self, resources: Any, data: bytes, depth: int) -> DictionaryObject:
        copy = DictionaryObject()
        if not isinstance(resources, DictionaryObject):
            return copy
        if depth > _NESTED_MAX:
            raise CantCopy
        if any(str(at(each, "/Type")) in ("/OCG", "/OCMD") for each in _values(at(resources, "/Properties"))):
            raise CantCopy
        for key in _RESOURCES:
            if key in resources:
                copy[NameObject(key)] = self._clone(resources[key])
        named = at(resources, "/XObject")
        if isinstance(named, DictionaryObject):
            names = {"/" + name.decode("latin-1") for name in DRAWS.findall(data)}
            if any("#" in name for name in names):
                raise CantCopy
            drawn = {NameObject(name): self._x_object(named.raw_get(name), depth) for name in named if name in names}
            copy[NameObject("/XObject")] = DictionaryObject(drawn)
        return copy

    def _x_object(self, reference: PdfObject, depth: int) -> PdfObject:
        number = reference.idnum if isinstance(reference, IndirectObject) else 0
        if number in self._drawn:
            return self._drawn[number]
        found = reference.get_object()
        if not isinstance(found, StreamObject) or "/OC" in found:
            raise CantCopy
        copy = self._form(found, depth) if at(found, "/Subtype") == "/Form" else self._image(found)
        if number:
            self._drawn[number] = copy
        return copy

    def _form(self, form: StreamObject, depth: int) -> PdfObject:
        data = form.get_data()
        _check_words(data)
        copy = _stream(data)
        self._take(form, copy, _FORM_KEYS)
        copy[NameObject("/Type")] = NameObject("/XObject")
        copy[NameObject("/Resources")] = self._resources(at(form, "/Resources"), data, depth + 1)
        return self._add(copy)

    def _image(self, image: StreamObject) -> PdfObject:
        copy = StreamObject()
        copy._data = image._data  # as it is packed: unpacking a picture may not give it back the same
        self._take(image, copy, _IMAGE_KEYS)
        copy[NameObject("/Type")] = NameObject("/XObject")
        return self._add(copy)

    def _annotations(self, page: PageObject) -> ArrayObject:
        """How they look, and where links lead; nothing of what they say."""
        copies = ArrayObject()
        annotations = at(page, "/Annots")
        for each in annotations if isinstance(annotations, ArrayObject) else []:
            found = each.get_object()
            if isinstance(found, DictionaryObject) and (copy := self._annotation(found)) is not None:
                copies.append(self._add(copy))
        return copies

    def _annotation(self, found: DictionaryObject) -> DictionaryObject | None:
        kind, flags = at(found, "/Subtype"), at(found, "/F")
        if kind == "/Popup" or (isinstance(flags, int) and flags & _HIDDEN) or "/OC" in found:
            return None
        copy = DictionaryObject({NameObject("/Type"): NameObject("/Annot")})
        self._take(found, copy, _ANNOTATION_KEYS)
        action = at(found, "/A")
        if kind == "/Link":
            copy[NameObject("/Subtype")] = NameObject("/Link")
            if isinstance(action, DictionaryObject) and at(action, "/S") == "/URI":
                uri = {NameObject("/S"): NameObject("/URI"), NameObject("/URI"): TextStringObject(str(at(action, "/URI")))}
                copy[NameObject("/A")] = DictionaryObject(uri)
            return copy
        appearance = self._appearance(found)
        if appearance is None:
            return None
        copy[NameObject("/Subtype")] = NameObject(str(kind) if kind in _MARKUPS else "/Stamp")
        copy[NameObject("/F")] = NumberObject(4)
        copy[NameObject("/AP")] = DictionaryObject({NameObject("/N"): appearance})
        return copy

    def _appearance(self, found: DictionaryObject) -> PdfObject | None:
        looks = at(found, "/AP")
        normal = at(looks, "/N") if isinstance(looks, DictionaryObject) else None
        if isinstance(normal, DictionaryObject) and not isinstance(normal, StreamObject):
            normal = at(normal, str(at(found, "/AS")))
        return self._form(normal, 0) if isinstance(normal, StreamObject) else None

    def _take(self, found: DictionaryObject, copy: DictionaryObject, keys: str) -> None:
        for key in keys.split():
            if key in found:
                copy[NameObject(key)] = self._clone(found.raw_get(key))

    def _clone(self, value: PdfObject) -> PdfObject:
        return value.clone(self._writer, ignore_fields=_LEFT_OUT)

    def _add(self, value: PdfObject) -> IndirectObject:
        return self._writer._add_object(value)


def _stream(data: bytes) -> StreamObject:
    plain = DecodedStreamObject()
    plain.set_data(data)
    return plain.flate_encode()


def _check_words(data: bytes) -> None:
    """Content may carry words that aren't drawn."""
    if b"/ActualText" in data or b"/Alt" in data or b"/OC" in data or undrawn_words(data):
        raise CantCopy


def _values(named: Any) -> list[DictionaryObject]:
    found = [each.get_object() for each in named.values()] if isinstance(named, DictionaryObject) else []
    return [each for each in found if isinstance(each, DictionaryObject)]
