"""A redacted PDF holds a value nowhere: not as text, not in a stream, not in a byte, and not to be seen."""

import io
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from pypdf import PdfReader, PdfWriter
from pypdf.generic import StreamObject

from appliance.files.document import Change, Document, Piece, Span, Where
from appliance.files.reading import pdf
from tests.unit.files.pdf_files import Pdf, image_of, jpeg_of, placed, shown, stream
from tests.unit.files.test_pdf_reading import PLACES, VALUE, case

FORMS = (VALUE.encode(), VALUE.encode("utf-16-be"), VALUE.encode("utf-16-le"), VALUE.encode().hex().encode())


def everything_in(path: Path) -> bytes:
    """All bytes, all streams unpacked, and the text as two readers see it."""
    reader = PdfReader(path, strict=True)
    parts = [path.read_bytes()]
    for number in reader.xref[0]:
        found = reader.get_object(number)
        parts.append(repr(found).encode("utf-8", "replace"))
        if isinstance(found, StreamObject):
            parts += [found._data, b"" if found.get("/Filter") == "/DCTDecode" else found.get_data()]
    parts += [page.extract_text().encode() for page in reader.pages]
    drawn = pypdfium2.PdfDocument(path)
    parts += [page.get_textpage().get_text_range().encode() for page in drawn]
    return b"\n".join(parts)


def changes_for(document: Document, value: str = VALUE, text: str = "") -> list[Change]:
    found = []
    for index, piece in enumerate(document.pieces):
        at = piece.text.find(value)
        if at >= 0:
            found.append(Change(index, at, at + len(value), text))
    return found


def redacted(path: Path, value: str = VALUE, text: str = "") -> tuple[Path, list[str]]:
    document = pdf.read(path)
    result = path.with_name("redacted.pdf")
    report = pdf.redact(path, None, document, changes_for(document, value, text), result)
    assert report.pages == document.pages
    return result, report.dropped


def pixels(path: Path, page: int, dpi: int = 72) -> np.ndarray:
    return pypdfium2.PdfDocument(path)[page].render(scale=dpi / 72, rev_byteorder=True).to_numpy().copy()


@pytest.mark.parametrize("name", PLACES)
def test_a_value_is_nowhere_in_the_result(name: str, tmp_path: Path) -> None:
    path = case(name).save(tmp_path)
    result, dropped = redacted(path)
    everything = everything_in(result)
    assert not [form for form in FORMS if form in everything]
    assert b"A page" in everything or dropped
    again = pdf.read(result)
    assert not changes_for(again)
    assert again.notices == []


def test_a_page_with_a_value_is_painted_and_the_others_stay_text(tmp_path: Path) -> None:
    file = Pdf()
    file.page(shown("Before", y=760) + shown(f"Name {VALUE} end", x=60, y=700, size=14) + shown("After", y=600))
    file.page(shown("Another page with words"))
    path = file.save(tmp_path)
    result, dropped = redacted(path, text="[NAME]")
    reader = PdfReader(result)
    assert [page.extract_text() for page in reader.pages] == ["", "Another page with words"]
    assert dropped == ["the text of page 1, now drawn"]
    before, after = pixels(path, 0), pixels(result, 0)
    assert before.shape[:2] == after.shape[:2]
    value = after[842 - 710 : 842 - 698, 110:215]
    assert value.mean() < 150, "painted, with something light written over it"
    left = slice(842 - 720, 842 - 690), slice(50, 94)
    assert np.abs(before[left].mean() - after[left].mean()) < 8, "what stands beside it stays"


def test_a_value_over_two_lines_is_painted_in_both(tmp_path: Path) -> None:
    file = Pdf()
    file.page(shown("first Rosalind", y=700) + shown("Franklin last", y=680))
    path = file.save(tmp_path)
    result, _ = redacted(path, "Rosalind\nFranklin")
    after = pixels(result, 0)[:, :, 0]
    assert (after[842 - 706 : 842 - 700, 88:130] < 60).all()
    assert (after[842 - 686 : 842 - 680, 62:100] < 60).all()
    assert after[842 - 706 : 842 - 700, 140:].min() > 200


@pytest.mark.parametrize("turns", [90, 180, 270])
def test_turned_pages_are_painted_where_the_value_is(turns: int, tmp_path: Path) -> None:
    file = Pdf()
    file.page(
        b"q 0 1 -1 0 300 300 cm " + shown(VALUE, 0, 0) + b"Q " + shown(VALUE), keys=b"/Rotate %d/CropBox[20 30 560 800]" % turns
    )
    path = file.save(tmp_path)
    result, _ = redacted(path)
    before, after = pixels(path, 0)[:, :, 0], pixels(result, 0)[:, :, 0]
    assert before.shape == after.shape
    ink = before < 100
    assert ink.sum() > 100
    assert (after[ink] < 60).all()
    assert (after < 60).sum() > 3 * ink.sum(), "a box, not the letters"


def test_a_value_in_a_picture_is_painted_where_ocr_saw_it_and_on_every_page_with_that_picture(tmp_path: Path) -> None:
    file = Pdf()
    picture = file.add(image_of(VALUE))
    for _ in range(2):
        file.page(shown("A page") + placed("P", 60, 300, 310, 60), resources=b"/XObject<</P %d 0 R>>" % picture)
    path = file.save(tmp_path)
    document = pdf.read(path)
    first = document.pictures[0]
    span = Span(0, len(VALUE), first.left, first.top, first.right, first.bottom)
    document.pieces.append(Piece(VALUE, Where("picture", 1), engine="an engine", spans=[span]))
    result = tmp_path / "redacted.pdf"
    pdf.redact(path, None, document, changes_for(document), result)
    for page in range(2):
        assert pixels(result, page)[842 - 355 : 842 - 305, 65:365].max() < 60


def test_a_picture_of_a_page_that_is_redrawn_is_not_carried_along_by_the_others(tmp_path: Path) -> None:
    file = Pdf()
    picture = file.add(jpeg_of(VALUE))
    shared = b"/XObject<</P %d 0 R>>" % picture
    file.page(shown(VALUE) + placed("P", 60, 300, 310, 60), resources=shared)
    file.page(shown("A page"), resources=shared)
    result, _ = redacted(file.save(tmp_path))
    images = [found for number in PdfReader(result).xref[0] if "/Width" in (found := PdfReader(result).get_object(number))]
    assert len(images) == 1


def test_a_value_that_was_found_once_is_painted_wherever_it_stands(tmp_path: Path) -> None:
    file = Pdf()
    file.page(shown(VALUE))
    file.page(shown(f"and here {VALUE} again"))
    path = file.save(tmp_path)
    document = pdf.read(path)
    result = tmp_path / "redacted.pdf"
    pdf.redact(path, None, document, changes_for(document)[:1], result)
    assert not [form for form in FORMS if form in everything_in(result)]


def test_what_nobody_asked_to_change_is_dropped_too_but_looks_the_same(tmp_path: Path) -> None:
    file = Pdf(catalog=b"/OpenAction<</S/JavaScript/JS(1+1)>>/Outlines<</First<</Title(one)>>>>")
    looks = file.add(stream(shown("stamped", 0, 2), b"/Subtype/Form/BBox[0 0 200 20]/Resources<</Font<</F1 3 0 R>>>>"))
    stamp = file.add(b"<</Type/Annot/Subtype/Stamp/Contents(a remark)/Rect[100 100 300 120]/AP<</N %d 0 R>>>>" % looks)
    link = file.add(b"<</Type/Annot/Subtype/Link/Rect[9 9 99 99]/A<</S/URI/URI(https://example.org)>>>>")
    file.page(shown("A page"), keys=b"/Annots[%d 0 R %d 0 R]" % (stamp, link))
    path = file.save(tmp_path)
    document = pdf.read(path)
    result = tmp_path / "redacted.pdf"
    report = pdf.redact(path, None, document, [], result)
    assert report.dropped == ["JavaScript", "bookmarks", "texts of annotations"]
    everything = everything_in(result)
    assert b"remark" not in everything
    assert b"https://example.org" in everything
    assert np.array_equal(pixels(path, 0), pixels(result, 0))
    assert PdfReader(result).pages[0].extract_text().strip() == "A page"


def test_an_encrypted_file_is_redacted_into_an_open_one(tmp_path: Path) -> None:
    writer = PdfWriter(clone_from=io.BytesIO(case("note").data()))
    writer.encrypt("secret", "owner")
    path = tmp_path / "file.pdf"
    writer.write(path)
    document = pdf.read(path, "secret")
    result = tmp_path / "redacted.pdf"
    report = pdf.redact(path, "secret", document, changes_for(document), result)
    assert "its password" in report.dropped
    assert not [form for form in FORMS if form in everything_in(result)]


def test_a_layer_that_is_off_does_not_appear(tmp_path: Path) -> None:
    file = Pdf()
    off = file.add(b"<</Type/OCG/Name(one)>>")
    file.catalog = b"/OCProperties<</OCGs[%d 0 R]/D<</OFF[%d 0 R]>>>>" % (off, off)
    file.page(shown("A page") + b"/OC /Off BDC " + shown("unseen", y=500) + b"EMC", resources=b"/Properties<</Off %d 0 R>>" % off)
    path = file.save(tmp_path)
    result = tmp_path / "redacted.pdf"
    pdf.redact(path, None, pdf.read(path), [], result)
    assert np.abs(pixels(path, 0).astype(int) - pixels(result, 0)).mean() < 1
    assert b"unseen" not in everything_in(result)


def test_what_cannot_be_placed_costs_the_whole_page(tmp_path: Path) -> None:
    path = case("text behind an alternative one").save(tmp_path)
    result, _ = redacted(path)
    assert pixels(result, 0).max() < 60
