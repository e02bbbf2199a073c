"""Every text of a PDF is found, wherever it stands, and says where."""

import io
from pathlib import Path

import pytest
from PIL import ExifTags, Image
from pypdf import PdfReader, PdfWriter

from appliance.files.document import Document
from appliance.files.reading import pdf
from tests.unit.files.pdf_files import Pdf, image_of, jpeg_of, placed, shown, stream

VALUE = "Rosalind 4929 1234"


def found(document: Document, value: str = VALUE) -> set[tuple[str, int]]:
    return {(piece.where.part, piece.where.page) for piece in document.pieces if value in piece.text or value in piece.where.name}


def a_file(content: bytes = shown("A page"), **keys: bytes) -> tuple[Pdf, int]:
    file = Pdf()
    return file, file.page(content, **keys)


def annotated(file: Pdf, annotation: bytes) -> Pdf:
    number = file.add(annotation)
    file.page(shown("A page"), keys=b"/Annots[%d 0 R]" % number)
    return file


XMP = f"""<?xpacket begin='' id='W5M0MpCehiHzreSzNTczkc9d'?><x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF
 xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'><rdf:Description rdf:about='' xmlns:dc='http://purl.org/dc/elements/1.1/'
 a:note='attribute &amp; {VALUE}' a:When='2026-01-02T03:04:05Z'>
 <dc:title><rdf:Alt><rdf:li>Element {VALUE}</rdf:li></rdf:Alt></dc:title>
 <m:id>uuid:12345678-1234-1234-1234-123456789012</m:id></rdf:Description></rdf:RDF></x:xmpmeta>"""

PLACES = {
    "info": ("metadata", 0),
    "info, a key of its own": ("metadata", 0),
    "info, utf-16": ("metadata", 0),
    "xmp": ("xml", 0),
    "xmp of a picture": ("xml", 1),
    "note": ("annotation", 1),
    "author of a note": ("annotation", 1),
    "rich text of a note": ("annotation", 1),
    "looks of a stamp": ("annotation", 1),
    "link": ("link", 1),
    "field": ("field", 1),
    "field's name": ("field", 1),
    "field's value in its parent": ("field", 1),
    "choice": ("field", 1),
    "xfa": ("xml", 0),
    "text attached": ("attachment", 0),
    "attachment's name": ("attachment", 0),
    "attached to a page": ("attachment", 1),
    "pdf attached": ("attachment", 0),
    "bookmark": ("bookmark", 0),
    "script": ("script", 0),
    "script in a stream": ("script", 0),
    "script of a page": ("script", 1),
    "alternative text": ("alternative text", 0),
    "alternative text in the content": ("alternative text", 1),
    "text behind an alternative one": ("body", 1),
    "comment of a JPEG": ("metadata", 1),
    "EXIF of a JPEG": ("metadata", 1),
    "an object that nothing points at": ("metadata", 0),
    "a string nobody has a name for": ("metadata", 0),
}


def _with_catalog(catalog: bytes, *objects: bytes) -> Pdf:
    """`catalog` may name the objects, by their place."""
    file, _ = a_file()
    numbers = tuple(file.add(body) for body in objects)
    file.catalog = catalog % numbers if numbers else catalog
    return file


def _attached(data: bytes, name: bytes = b"notes.txt") -> Pdf:
    file, _ = a_file()
    embedded = file.add(stream(data, b"/Type/EmbeddedFile"))
    spec = file.add(b"<</Type/Filespec/F(%s)/EF<</F %d 0 R>>>>" % (name, embedded))
    file.catalog = b"/Names<</EmbeddedFiles<</Names[(a) %d 0 R]>>>>" % spec
    return file


def _with_picture(body: bytes) -> Pdf:
    file = Pdf()
    picture = file.add(body)
    file.page(shown("A page") + placed("P", 50, 300, 300, 80), resources=b"/XObject<</P %d 0 R>>" % picture)
    return file


def case(name: str) -> Pdf:
    value, rect = VALUE.encode(), b"/Rect[100 100 300 120]"
    match name:
        case "info":
            return Pdf_info(b"/Title(%s)" % value)
        case "info, a key of its own":
            return Pdf_info(b"/Patient(%s)" % value)
        case "info, utf-16":
            return Pdf_info(b"/Subject<%s>" % (b"\xfe\xff" + VALUE.encode("utf-16-be")).hex().encode())
        case "xmp":
            return _with_catalog(b"/Metadata %d 0 R", stream(XMP.encode(), b"/Type/Metadata/Subtype/XML"))
        case "xmp of a picture":
            file = Pdf()
            data = file.add(stream(XMP.encode(), b"/Type/Metadata/Subtype/XML"))
            picture = file.add(image_of("x").replace(b"/Type/XObject", b"/Type/XObject/Metadata %d 0 R" % data))
            file.page(placed("P", 0, 0, 90, 90), resources=b"/XObject<</P %d 0 R>>" % picture)
            return file
        case "note":
            return annotated(Pdf(), b"<</Type/Annot/Subtype/Text%s/Contents(%s)>>" % (rect, value))
        case "author of a note":
            return annotated(Pdf(), b"<</Type/Annot/Subtype/Text%s/Contents(x)/T(%s)>>" % (rect, value))
        case "rich text of a note":
            file = Pdf()
            rich = file.add(stream(b"<body><p>%s</p></body>" % value))
            return annotated(file, b"<</Type/Annot/Subtype/FreeText%s/Contents(x)/RC %d 0 R>>" % (rect, rich))
        case "looks of a stamp":
            file = Pdf()
            looks = file.add(stream(shown(VALUE, 0, 0), b"/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F1 3 0 R>>>>"))
            return annotated(file, b"<</Type/Annot/Subtype/Stamp%s/AP<</N %d 0 R>>>>" % (rect, looks))
        case "link":
            return annotated(Pdf(), b"<</Type/Annot/Subtype/Link%s/A<</S/URI/URI(mailto:%s)>>>>" % (rect, value))
        case "field":
            return annotated(Pdf(), b"<</Type/Annot/Subtype/Widget/FT/Tx/T(a)%s/V(%s)>>" % (rect, value))
        case "field's name":
            return annotated(Pdf(), b"<</Type/Annot/Subtype/Widget/FT/Tx/T(%s)%s/V(yes)>>" % (value, rect))
        case "field's value in its parent":
            file = Pdf()
            parent = file.add(b"<</FT/Tx/T(card)/V(%s)>>" % value)
            file.catalog = b"/AcroForm<</Fields[%d 0 R]>>" % parent
            return annotated(file, b"<</Type/Annot/Subtype/Widget%s/Parent %d 0 R>>" % (rect, parent))
        case "choice":
            return annotated(Pdf(), b"<</Type/Annot/Subtype/Widget/FT/Ch/T(a)%s/Opt[[(1)(%s)](other)]>>" % (rect, value))
        case "xfa":
            return _with_catalog(b"/AcroForm<</Fields[]/XFA[(datasets) %d 0 R]>>", stream(b"<d><n>%s</n></d>" % value))
        case "text attached":
            return _attached(b"some notes\n%s\n" % value)
        case "attachment's name":
            return _attached(b"some notes", value)
        case "attached to a page":
            file = Pdf()
            embedded = file.add(stream(VALUE.encode("utf-16"), b"/Type/EmbeddedFile"))
            return annotated(
                file, b"<</Type/Annot/Subtype/FileAttachment%s/FS<</Type/Filespec/EF<</F %d 0 R>>>>>>" % (rect, embedded)
            )
        case "pdf attached":
            return _attached(a_file(shown(VALUE))[0].data(), b"inner.pdf")
        case "bookmark":
            return _with_catalog(b"/Outlines<</First %d 0 R>>", b"<</Title(%s)>>" % value)
        case "script":
            return _with_catalog(b"/OpenAction<</S/JavaScript/JS(app.alert\\('%s'\\))>>" % value)
        case "script in a stream":
            return _with_catalog(b"/Names<</JavaScript<</Names[(a)<</S/JavaScript/JS %d 0 R>>]>>>>", stream(b"f('%s')" % value))
        case "script of a page":
            return a_file(keys=b"/AA<</O<</S/JavaScript/JS(f\\('%s'\\))>>>>" % value)[0]
        case "alternative text":
            return _with_catalog(b"/StructTreeRoot<</K<</S/Figure/Alt(%s)>>>>" % value)
        case "alternative text in the content":
            return a_file(shown("A page") + b"/Figure<</Alt(%s)>>BDC 0 0 5 5 re f EMC" % value)[0]
        case "text behind an alternative one":
            return a_file(b"/Span<</ActualText(harmless)>>BDC " + shown(VALUE) + b"EMC")[0]
        case "comment of a JPEG":
            return _with_picture(jpeg_of("x", comment=value))
        case "EXIF of a JPEG":
            exif = Image.Exif()
            exif[ExifTags.Base.Artist] = VALUE
            return _with_picture(jpeg_of("x", exif=exif))
        case "an object that nothing points at":
            file, _ = a_file()
            file.add(b"<</Note(%s)>>" % value)
            return file
        case _:
            return _with_catalog(b"/PieceInfo<</App<</Private<</Note(%s)>>>>>>" % value)


def Pdf_info(keys: bytes) -> Pdf:  # noqa: N802
    file, _ = a_file()
    file.trailer = b"/Info %d 0 R" % file.add(b"<<%s/CreationDate(D:20260102030405Z)>>" % keys)
    return file


@pytest.mark.parametrize("name", PLACES)
def test_a_value_is_found_wherever_it_stands(name: str, tmp_path: Path) -> None:
    document = pdf.read(case(name).save(tmp_path))
    assert PLACES[name] in found(document)
    assert document.unread == []


@pytest.mark.parametrize("name", PLACES)
def test_a_value_is_found_in_an_encrypted_file_and_in_object_streams_too(name: str, tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(case(name).data()))
    writer.encrypt("", "owner", algorithm="AES-256")
    path = tmp_path / "file.pdf"
    writer.write(path)
    if name != "an object that nothing points at":  # the writer leaves it out
        assert PLACES[name] in found(pdf.read(path))


def test_javascript_is_reported(tmp_path: Path) -> None:
    assert [notice.code for notice in pdf.read(case("script").save(tmp_path)).notices] == ["JAVASCRIPT"]
    assert pdf.read(case("note").save(tmp_path)).notices == []


def test_dates_and_identifiers_of_programs_are_not_read_as_words(tmp_path: Path) -> None:
    said = " ".join(piece.text for name in ("info", "xmp") for piece in pdf.read(case(name).save(tmp_path)).pieces)
    assert "2026" not in said
    assert "uuid" not in said


def test_an_attached_file_that_is_no_text_is_unread(tmp_path: Path) -> None:
    assert pdf.read(_attached(bytes(range(256)) * 20).save(tmp_path)).unread == ["an attached file: it isn't text"]


def test_words_have_their_boxes_and_an_annotation_has_its_own(tmp_path: Path) -> None:
    file = annotated(Pdf(), b"<</Type/Annot/Subtype/Text/Rect[59.5 0 297.5 421]/Contents(a remark)>>")
    body, remark = pdf.read(file.save(tmp_path)).pieces
    (a, page) = body.spans
    assert (body.text[a.start : a.end], body.text[page.start : page.end]) == ("A", "page")
    assert a.left == pytest.approx(60 / 595, abs=0.01)
    assert a.top < 1 - 700 / 842 < a.bottom
    assert page.left > a.right
    (whole,) = remark.spans
    assert (whole.left, whole.top, whole.right, whole.bottom) == pytest.approx((0.1, 0.5, 0.5, 1.0))


def test_lines_and_pages_follow_each_other(tmp_path: Path) -> None:
    file, _ = a_file(shown("first line", y=700) + shown("second line", y=680))
    file.page(shown("third line"))
    pieces = pdf.read(file.save(tmp_path)).pieces
    assert [(piece.where.page, piece.text) for piece in pieces] == [(1, "first line\nsecond line"), (2, "third line")]


def test_the_samples_are_files_that_others_read_too() -> None:
    for name in PLACES:
        assert len(PdfReader(io.BytesIO(case(name).data()), strict=True).pages) == 1
