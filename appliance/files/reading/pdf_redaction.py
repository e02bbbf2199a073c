"""A PDF in which changed texts are nowhere.

Pages with changes are drawn, painted over and become pictures; the others are copied without anything that doesn't draw them.
Nothing else of the file comes along: no properties, attachments, scripts, fields, bookmarks, older states. Then the result is
unpacked and searched; where a value is left all the same, every page becomes a picture.
"""

import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from pypdf import PdfReader, PdfWriter
from pypdf.generic import (
    ArrayObject,
    DecodedStreamObject,
    DictionaryObject,
    FloatObject,
    NameObject,
    NumberObject,
    StreamObject,
)

from appliance.files.document import Change, Document, Redacted
from appliance.files.reading.pdf_bounds import BROKEN, malformed
from appliance.files.reading.pdf_copying import CantCopy, Copies
from appliance.files.reading.pdf_opening import OpenPdf
from appliance.files.reading.pdf_page import Page
from appliance.files.reading.pdf_painting import Painted, painted
from appliance.files.reading.pdf_plan import Plan, planned

_DROPPED = {
    "attachment": "attachments",
    "metadata": "metadata",
    "xml": "XMP and other XML",
    "script": "JavaScript",
    "bookmark": "bookmarks",
    "field": "form fields",
    "annotation": "texts of annotations",
    "alternative text": "alternative texts",
}


def redacted(pdf: OpenPdf, document: Document, changes: Sequence[Change], result: Path) -> Redacted:
    plan = planned(pdf, document, changes)
    can_copy = pdf.reader is not None and len(pdf.pages) == len(pdf.drawn)
    drawn = set(plan.pages) if can_copy else set(range(1, len(pdf.drawn) + 1))
    data = _built(pdf, plan, drawn)
    if _says(data, plan.values, pdf):
        drawn = set(range(1, len(pdf.drawn) + 1))
        data = _built(pdf, plan, drawn)
        if _says(data, plan.values, pdf):
            raise malformed("the PDF can't be redacted: a value is left in it")
    result.write_bytes(data)
    return Redacted("pdf", len(pdf.drawn), _dropped(pdf, document, drawn))


def _built(pdf: OpenPdf, plan: Plan, drawn: set[int]) -> bytes:
    """`drawn` gains the pages that can't be copied."""
    writer = PdfWriter()
    copies = Copies(writer)
    for number in range(1, len(pdf.drawn) + 1):
        pdf.deadline.check()
        copy = None
        if number not in drawn:
            copy = _copied(pdf, copies, number)
        if copy is None:
            drawn.add(number)
            with Page(pdf.drawn, number, pdf.deadline) as page:
                copy = _picture_page(writer, painted(page, plan.pages.get(number, []), pdf.limits.picture_pixels_max))
        _append(writer, copy)
    writer.metadata = None
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def _copied(pdf: OpenPdf, copies: Copies, number: int) -> DictionaryObject | None:
    try:
        return copies.page(pdf.pages[number - 1])
    except (CantCopy, *BROKEN):
        return None


def _append(writer: PdfWriter, page: DictionaryObject) -> None:
    tree = writer.root_object["/Pages"]
    assert isinstance(tree, DictionaryObject)
    page[NameObject("/Parent")] = writer.root_object.raw_get("/Pages")
    kids = tree["/Kids"]
    assert isinstance(kids, ArrayObject)
    kids.append(writer._add_object(page))
    tree[NameObject("/Count")] = NumberObject(len(kids))


def _picture_page(writer: PdfWriter, look: Painted) -> DictionaryObject:
    width, height = look.points
    image = StreamObject()
    image._data = look.jpeg
    image.update(
        {
            NameObject("/Type"): NameObject("/XObject"),
            NameObject("/Subtype"): NameObject("/Image"),
            NameObject("/Width"): NumberObject(look.width),
            NameObject("/Height"): NumberObject(look.height),
            NameObject("/ColorSpace"): NameObject("/DeviceGray" if look.is_grey else "/DeviceRGB"),
            NameObject("/BitsPerComponent"): NumberObject(8),
            NameObject("/Filter"): NameObject("/DCTDecode"),
        }
    )
    content = DecodedStreamObject()
    content.set_data(f"q {width:.3f} 0 0 {height:.3f} 0 0 cm /Page Do Q".encode())
    pictures = DictionaryObject({NameObject("/Page"): writer._add_object(image)})
    return DictionaryObject(
        {
            NameObject("/Type"): NameObject("/Page"),
            NameObject("/MediaBox"): ArrayObject([NumberObject(0), NumberObject(0), FloatObject(width), FloatObject(height)]),
            NameObject("/Resources"): DictionaryObject({NameObject("/XObject"): pictures}),
            NameObject("/Contents"): writer._add_object(content),
        }
    )


def _says(data: bytes, values: Iterable[str], pdf: OpenPdf) -> bool:
    """Whether a value is in the bytes of a PDF, unpacked."""
    wanted = {form for value in values for form in (value.encode(), value.encode("utf-16-be"), value.encode("latin-1", "ignore"))}
    wanted = {form for form in wanted if len(form) > 3}
    if not wanted:
        return False
    if any(form in data for form in wanted):
        return True
    reader = PdfReader(io.BytesIO(data))
    for number in reader.xref.get(0, {}):
        pdf.deadline.check()
        found = reader.get_object(number)
        if isinstance(found, StreamObject) and found.get("/Subtype") != "/Image":
            unpacked = found.get_data()
            if any(form in unpacked for form in wanted):
                return True
    return False


def _dropped(pdf: OpenPdf, document: Document, drawn: set[int]) -> list[str]:
    parts = {piece.where.part for piece in document.pieces}
    dropped = [words for part, words in _DROPPED.items() if part in parts]
    if "attachments" not in dropped and any("attached" in what for what in document.unread):
        dropped.insert(0, "attachments")
    if pdf.reader is not None and pdf.reader.is_encrypted:
        dropped.append("its password")
    if drawn:
        some = ", ".join(str(number) for number in sorted(drawn)[:20]) + (" …" if len(drawn) > 20 else "")
        dropped.append(f"the text of {'page' if len(drawn) == 1 else 'pages'} {some}, now drawn")
    return dropped
