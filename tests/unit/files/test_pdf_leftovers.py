"""Texts that a PDF holds where no program shows them: earlier states, comments, names, streams that nothing leads to."""

from pathlib import Path

import pytest
from pypdf import PdfReader

from appliance.files.document import Document
from appliance.files.reading import pdf
from tests.unit.files.pdf_files import Pdf, shown, stream
from tests.unit.files.test_pdf_reading import VALUE, a_file, annotated
from tests.unit.files.test_pdf_redaction import FORMS, everything_in

V = VALUE.encode()
NAME = VALUE.replace(" ", "#20").encode()


def later(data: bytes, number: int, body: bytes) -> bytes:
    """With object `number` replaced, as programs do that save a change alone."""
    size = int(data.rsplit(b"/Size ", 1)[1].split(b"/")[0])
    at, before = len(data), int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    changed = b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"xref\n0 1\n0000000000 65535 f \n%d 1\n%010d 00000 n \n" % (number, at)
    trailer = b"trailer\n<</Size %d/Root 1 0 R/Prev %d>>\nstartxref\n%d\n%%%%EOF\n" % (size, before, at + len(changed))
    return data + changed + table + trailer


def _catalog(keys: bytes, *objects: bytes) -> bytes:
    file, _ = a_file()
    numbers = tuple(file.add(body) for body in objects)
    file.catalog = keys % numbers if b"%d" in keys else keys
    return file.data()


def _info() -> bytes:
    file, _ = a_file()
    number = file.add(b"<</Title(%s)>>" % V)
    file.trailer = b"/Info %d 0 R" % number
    return later(file.data(), number, b"<</Title(none)>>")


def _trailer() -> bytes:
    file, _ = a_file()
    file.trailer = b"/Own(%s)" % V
    return file.data()


def _form() -> bytes:
    file = Pdf()
    form = file.add(stream(shown(VALUE), b"/Type/XObject/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>>>"))
    file.page(shown("A page"), resources=b"/XObject<</X %d 0 R>>" % form)
    return file.data()


CASES = {
    "earlier content": lambda: later(a_file(shown(VALUE))[0].data(), 4, stream(shown("A page"))),
    "earlier properties": _info,
    "comment of the file": lambda: a_file()[0].data().replace(b"\ntrailer\n", b"\n% written for " + V + b"\ntrailer\n"),
    "comment in content": a_file(shown("A page") + b"% for " + V + b"\n")[0].data,
    "key of marked content": a_file(shown("A page") + b"/Span<</Own(" + V + b")>>BDC EMC\n")[0].data,
    "key of the trailer": _trailer,
    "name of a place": lambda: _catalog(b"/Dests<</" + NAME + b"[4 0 R/Fit]>>"),
    "private stream": lambda: _catalog(b"/PieceInfo<</App<</Private %d 0 R>>>>", stream(b"for " + V)),
    "stream that nothing leads to": lambda: _catalog(b"", stream(b"for " + V)),
    "form that is drawn nowhere": _form,
}


def texts(document: Document) -> str:
    return "\n".join(piece.text for piece in document.pieces)


@pytest.mark.parametrize("name", CASES)
def test_a_value_is_found_where_no_program_shows_it_and_is_gone_from_the_redacted_file(name: str, tmp_path: Path) -> None:
    path, result = tmp_path / "file.pdf", tmp_path / "redacted.pdf"
    path.write_bytes(CASES[name]())
    PdfReader(path, strict=True)
    document = pdf.read(path)
    assert VALUE in texts(document)
    assert document.unread == []
    pdf.redact(path, None, document, [], result)
    assert not [form for form in FORMS if form in everything_in(result)]


def test_what_earlier_states_say_and_the_pages_say_still_is_told_once(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(later(a_file(shown(VALUE))[0].data(), 4, stream(shown(VALUE) + shown("and more", y=600))))
    assert texts(pdf.read(path)).count(VALUE) == 1


@pytest.mark.parametrize("number", ["536278941", "234567890124", "9876543210"])
def test_a_field_may_hold_nothing_but_a_number(number: str, tmp_path: Path) -> None:
    file = annotated(Pdf(), b"<</Type/Annot/Subtype/Widget/FT/Tx/T(SSN)/V(%s)/Rect[100 100 300 120]>>" % number.encode())
    assert number in texts(pdf.read(file.save(tmp_path)))


def test_content_and_fonts_are_no_texts_beside_the_pages(tmp_path: Path) -> None:
    file, _ = a_file()
    file.add(stream(b"q 0.1 0 0 -0.1 20.5 700 cm 1 0 0 RG 10 w 0 0 m 120 300 l 40 0 l S Q\n" * 20))
    file.add(stream(b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def endcmap end end"))
    file.add(stream(b"{ 1 exch sub dup 0.5 mul 3 1 roll pop }"))
    assert texts(pdf.read(file.save(tmp_path))) == "A page"


def test_a_page_with_letters_that_are_texts_is_looked_at(tmp_path: Path) -> None:
    file = Pdf()
    glyph = file.add(stream(b"1000 0 d0 BT /F1 1000 Tf (" + V + b") Tj ET"))
    font = file.add(
        b"<</Type/Font/Subtype/Type3/FontBBox[0 0 30000 1000]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 97/LastChar 97/Widths[9000]"
        b"/Encoding<</Differences[97/a]>>/CharProcs<</a %d 0 R>>/Resources<</Font<</F1 3 0 R>>>>>>" % glyph
    )
    file.page(shown("A page") + b"BT /T 12 Tf 60 600 Td (a) Tj ET", resources=b"/Font<</F1 3 0 R/T %d 0 R>>" % font)
    (picture,) = pdf.read(file.save(tmp_path)).pictures
    assert picture.why == "letters that are texts of their own"


@pytest.mark.parametrize(
    "content", [b"BT " * 300_000 + b"Tj", b"BT (\\9\\0) Tj ET", b"(" * 300_000 + b"BT Tj", b"stream\n" * 300_000]
)
def test_streams_made_to_be_searched_for_long_are_not(content: bytes, tmp_path: Path) -> None:
    file, _ = a_file()
    file.add(stream(content, packed=0))
    assert "A page" in texts(pdf.read(file.save(tmp_path), limits=pdf.Limits(seconds_max=60)))
