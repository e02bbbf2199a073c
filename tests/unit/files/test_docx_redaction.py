"""What a redacted DOCX keeps, and what it loses on purpose."""

import io
import zipfile
from pathlib import Path

import docx as python_docx
from docx.document import Document as DocxDocument
from docx.shared import Pt, RGBColor

from appliance.files.document import Change
from appliance.files.reading import docx
from tests.unit.files.docx_files import CARD, W, everything, made, paragraph, part, run, saved, with_parts
from tests.unit.files.test_docx_places import changes_of


def redacted(tmp_path: Path, data: bytes, changes: list[Change] | None = None, instead: str = "[CARD]") -> bytes:
    path, result = saved(tmp_path, data), tmp_path / "result.docx"
    docx.redact(path, None, changes_of(docx.read(path, None), instead) if changes is None else changes, result)
    return result.read_bytes()


def opened(data: bytes) -> DocxDocument:
    return python_docx.Document(io.BytesIO(data))


def test_the_new_text_stands_in_the_first_run_that_the_old_one_touched_and_looks_like_it(tmp_path: Path) -> None:
    def fill(document: DocxDocument) -> None:
        each = document.add_paragraph(style="Normal")
        each.add_run("Card ").italic = True
        first = each.add_run("No 4111 ")
        first.bold, first.font.size, first.font.color.rgb = True, Pt(15), RGBColor(1, 2, 3)
        each.add_run("1111 1111 ")
        each.add_run("1111, thanks").underline = True

    runs = opened(redacted(tmp_path, made(fill))).paragraphs[-1].runs
    assert [each.text for each in runs] == ["Card ", "No [CARD]", "", ", thanks"]
    assert (runs[1].bold, runs[1].font.size, runs[1].font.color.rgb) == (True, Pt(15), RGBColor(1, 2, 3))
    assert (runs[0].italic, runs[3].underline) == (True, True)


def test_everything_else_is_the_same(tmp_path: Path) -> None:
    def fill(document: DocxDocument) -> None:
        document.add_heading("Title", 0) if "Title" in document.styles else document.add_paragraph("Title")
        table = document.add_table(2, 2)
        table.cell(1, 1).text = "kept"
        document.add_paragraph(f"a  {CARD}\tb\nc")
        document.sections[0].header.paragraphs[0].text = "header"

    document = opened(redacted(tmp_path, made(fill)))
    assert [each.text for each in document.paragraphs] == ["Title", "a  [CARD]\tb\nc"]
    assert document.tables[0].cell(1, 1).text == "kept"
    assert document.sections[0].header.paragraphs[0].text == "header"


def test_several_values_in_one_paragraph_are_each_replaced(tmp_path: Path) -> None:
    data = made(lambda document: document.add_paragraph("ab 12 cd 34 ef"))
    changes = [Change(0, 9, 11, "[B]"), Change(0, 3, 5, "[A]"), Change(0, 3, 5, "[A]"), Change(0, 4, 8, "[C]")]
    assert opened(redacted(tmp_path, data, changes)).paragraphs[0].text == "ab [A] [B] ef"


def test_a_longer_text_and_none_at_all_can_take_its_place(tmp_path: Path) -> None:
    data = made(body=paragraph(run("x " + CARD[:9]) + run(CARD[9:] + " y")))
    assert opened(redacted(tmp_path, data, instead="")).paragraphs[0].text == "x  y"
    assert opened(redacted(tmp_path, data, instead="<a&b> " * 9)).paragraphs[0].text == "x " + "<a&b> " * 9 + " y"


def test_a_tracked_deletion_with_a_value_goes_and_others_stay(tmp_path: Path) -> None:
    deletion = "<w:del w:id='1' w:author='A'><w:r><w:delText>{}</w:delText></w:r></w:del>"
    data = made(body=paragraph(run("a") + deletion.format(CARD) + run("b")) + paragraph(deletion.format("harmless") + run("c")))
    xml = part(redacted(tmp_path, data), "word/document.xml").decode()
    assert xml.count("<w:del ") == 1 and "harmless" in xml and "[CARD]" not in xml


def test_a_property_that_holds_a_value_is_cleared_and_others_stay(tmp_path: Path) -> None:
    def fill(document: DocxDocument) -> None:
        document.core_properties.title, document.core_properties.subject = f"Card {CARD} of mine", "Cards"

    properties = opened(redacted(tmp_path, made(fill))).core_properties
    assert (properties.title, properties.subject, properties.author) == ("", "Cards", "python-docx")


def test_a_value_goes_from_where_it_stands_unnoticed(tmp_path: Path) -> None:
    """Only the body's is asked for: the others are in an attribute that nobody reads, split over runs, and in an old shape."""
    parts = {
        "customXml/item2.xml": f"<a xmlns='urn:x' b='{CARD}'/>",
        "word/header7.xml": f"<w:hdr {W}>{paragraph(run('4111 1111 ') + run('1111 1111'))}</w:hdr>",
        "word/footer7.xml": f"<w:ftr {W}><w:p><w:pPr><w:pStyle w:val='x{CARD}x'/></w:pPr></w:p></w:ftr>",
    }
    data = with_parts(made(lambda document: document.add_paragraph(CARD)), parts)
    result = redacted(tmp_path, data, [Change(0, 0, len(CARD), "[CARD]")])
    assert not [content for content in everything(result) if CARD.encode() in content or b"1111" in content]


def test_a_short_value_is_replaced_where_it_was_found_alone(tmp_path: Path) -> None:
    data = made(lambda document: [document.add_paragraph("Rose is here"), document.add_paragraph("A rose, a Rose")])
    result = opened(redacted(tmp_path, data, [Change(0, 0, 4, "[NAME]")]))
    assert [each.text for each in result.paragraphs] == ["[NAME] is here", "A rose, a Rose"]


def test_the_preview_picture_and_marks_of_revision_are_left_out(tmp_path: Path) -> None:
    data = made(body="<w:p xmlns:w='x'/>".replace(" xmlns:w='x'", " w:rsidR='00A12345' w:rsidRDefault='00B12345'"))
    settings = f"<w:settings {W}><w:rsids><w:rsidRoot w:val='00A12345'/></w:rsids><w:zoom w:percent='100'/></w:settings>"
    result = redacted(tmp_path, with_parts(data, {"word/settings.xml": settings}))
    with zipfile.ZipFile(io.BytesIO(result)) as archive:
        assert not [name for name in archive.namelist() if "thumbnail" in name]
    assert b"rsid" not in part(result, "word/document.xml") + part(result, "word/settings.xml")
    assert b"zoom" in part(result, "word/settings.xml")
    opened(result)


def test_what_stands_between_the_parts_of_the_archive_is_gone(tmp_path: Path) -> None:
    data = made()
    assert b"hidden in front" not in redacted(tmp_path, b"hidden in front of it" + data)


def test_a_document_of_many_pages_is_written_in_time(tmp_path: Path) -> None:
    import time

    body = "".join(paragraph(run(f"Line {number} of a long letter ") + run(CARD, "<w:b/>")) for number in range(2_000))
    data = made(body=body)
    started = time.process_time()
    result = redacted(tmp_path, data)
    assert time.process_time() - started < 60
    assert CARD.encode() not in part(result, "word/document.xml")
    assert part(result, "word/document.xml").count(b"[CARD]") == 2_000
