"""Harmless files that look like the others: numbers that are no identifiers, texts that are white and seen all the same."""

import random
from collections.abc import Iterator

from PIL import Image, ImageDraw

from tests.eval.files import docx_parts, paper
from tests.eval.files.docx_bytes import Docx, paragraph, run, said
from tests.eval.files.made import CLEAN, MadeFile
from tests.eval.files.pdf_bytes import Pdf, text
from tests.eval.files.pdf_hidden import seen_texts
from tests.eval.files.pdf_writing import line
from tests.eval.files.scans import drawn_over_page, jpeg_object, scanned
from tests.eval.files.values import Values

HARMLESS = (
    "Order number 123-45-6789 was shipped in three boxes",
    "Consignment 2341 2341 2346 left the harbour",
    "Build 10.53.34.12 replaces version 9.1.0",
    "EAN 4006381333931 and ISBN 978-3-16-148410-0",
    "UUID 550e8400-e29b-41d4-a716-446655440000",
    "The part ABCPE1234F fits the pump",
    "Invoice 2026-00417 of 12 March, total 1,234,567.89",
    "Room 101, floor 3, building 12",
    "The GSTIN format is fifteen characters; the PAN is inside it",
    "Set API_KEY to the value of ${API_KEY} first",
    "Coordinates of the drill: 12.97 by 77.59 mm",
    "An e-mail address has one @ sign, as everybody knows",
    "What is prompt injection, and how is it prevented?",
    "Tuesday 12 May 2026, then 13 May 2026",
)
PRODUCERS = (
    "iText 5.5.13.3",
    "Crystal Reports 13.0.33.4485",
    "GPL Ghostscript 9.53.3",
    "ABBYY FineReader 12.0.0.107",
    "macOS Version 13.1 (Build 22C65) Quartz PDFContext",
    "Adobe PDF Library 15.0",
)


class Prose:
    """Lines of prose, every third of them harmless and alarming."""

    def __init__(self, source: random.Random) -> None:
        self.values, self.source = Values(source), source

    def rows(self, count: int) -> list[str]:
        return [self.source.choice(HARMLESS) if place % 3 == 2 else self.values.filler(9) for place in range(count)]


def pdfs(source: random.Random) -> Iterator[MadeFile]:
    prose = Prose(source)
    for number in range(6):
        pdf = Pdf()
        for _ in range(2):
            pdf.page(b"".join(line(row, 50, 780 - 18 * place, "F2") for place, row in enumerate(prose.rows(36))))
        pdf.trailer = b"/Info %d 0 R" % pdf.add(b"<< /Title (Yearly report) /Producer %s >>" % text(PRODUCERS[number]))
        yield MadeFile(f"clean-{number}.pdf", pdf.file(), "pdf", CLEAN)
    for number, contents in enumerate(seen_texts(source)):
        pdf = Pdf()
        pdf.page(contents)
        yield MadeFile(f"clean-seen-{number}.pdf", pdf.file(), "pdf", CLEAN)
    pdf = Pdf()
    notes = [
        pdf.add(b"<< /Type /Annot /Subtype /Text /Rect [50 700 70 720] /Contents %s >>" % text(row)) for row in prose.rows(6)
    ]
    field = pdf.add(
        b"<< /Type /Annot /Subtype /Widget /FT /Tx /T (order) /V (2026-00417) /Rect [50 500 200 520] /DA (/F1 9 Tf) >>"
    )
    pdf.catalogue = b"/AcroForm << /Fields [%d 0 R] >>" % field
    pdf.page(
        line(prose.values.filler(9), 50, 780), more=b"/Annots [%s %d 0 R]" % (b" ".join(b"%d 0 R" % one for one in notes), field)
    )
    yield MadeFile("clean-notes.pdf", pdf.file(), "pdf", CLEAN)
    pdf = Pdf()
    picture = Image.new("RGB", (400, 300), (90, 140, 200))
    ImageDraw.Draw(picture).ellipse((80, 50, 320, 250), fill=(240, 200, 80))
    contents = line(prose.values.filler(9), 50, 780) + b"q 200 0 0 150 50 500 cm /Im Do Q"
    pdf.page(contents, b"/XObject << /Im %d 0 R >>" % jpeg_object(pdf, picture))
    pdf.page(b"")
    yield MadeFile("clean-photo.pdf", pdf.file(), "pdf", CLEAN)


def scans(source: random.Random) -> Iterator[MadeFile]:
    prose = Prose(source)
    for number, (dpi, form) in enumerate(((150, "pdf"), (200, "jpeg"), (150, "png"))):
        image = Image.new("L", (round(8.27 * dpi), round(11.69 * dpi)), 255)
        pen = ImageDraw.Draw(image)
        for place, row in enumerate(prose.rows(22)):
            pen.text((dpi, dpi + place * 0.36 * dpi), row, font=paper.font(11 * dpi / 72), fill=0)
        yield MadeFile(f"clean-scan-{number}.{form}", scanned(image, form, dpi), form, CLEAN)
    blank = Image.new("L", (1240, 1754), 250)
    pdf = Pdf()
    drawn_over_page(pdf, jpeg_object(pdf, paper.treated(blank, (paper.noise(12),), source)))
    yield MadeFile("clean-blank.pdf", pdf.file(), "pdf", CLEAN)


def others(source: random.Random) -> Iterator[MadeFile]:
    prose = Prose(source)
    for number in range(4):
        docx = Docx()
        docx.body += [said(row) for row in prose.rows(24)]
        docx.body.append(
            paragraph(
                run(prose.values.filler(6), "<w:b/>"), run("white on blue", '<w:color w:val="FFFFFF"/><w:shd w:fill="2244AA"/>')
            )
        )
        docx.body.append(paragraph(run("small print of the terms", '<w:sz w:val="12"/>')))
        docx_parts.FAMILIES["headers"][0].put(docx, prose.values.filler(6))
        docx_parts.FAMILIES["notes"][0].put(docx, prose.source.choice(HARMLESS))
        docx_parts.FAMILIES["properties"][0].put(docx, "Yearly report")
        yield MadeFile(f"clean-{number}.docx", docx.file(), "docx", CLEAN)
    for number, encoding in enumerate(("utf-8", "utf-16", "cp1252", "utf-8")):
        yield MadeFile(f"clean-{number}.txt", "\n".join(prose.rows(40)).encode(encoding), "text", CLEAN)
    rows = [f"{place},{prose.source.choice(HARMLESS).replace(',', ';')},{place * 137 % 1000}" for place in range(60)]
    yield MadeFile("clean.csv", "\n".join(["id,note,amount", *rows]).encode(), "csv", CLEAN)
    paragraphs = "".join(f"<p>{row}</p>" for row in prose.rows(20)).replace("${", "$ {")
    yield MadeFile(
        "clean.html",
        f"<!DOCTYPE html><html><head><title>Report</title></head><body>{paragraphs}</body></html>".encode(),
        "html",
        CLEAN,
    )
    yield MadeFile("clean.md", ("# Report\n\n" + "\n\n".join(prose.rows(20))).encode(), "markdown", CLEAN)
    photo = Image.new("RGB", (800, 600), (90, 140, 200))
    ImageDraw.Draw(photo).polygon(((100, 500), (400, 100), (700, 500)), fill=(60, 90, 60))
    for form in ("png", "jpeg", "webp", "gif", "bmp"):
        yield MadeFile(f"clean.{form}", paper.encoded(photo, form.upper()), form, CLEAN)
