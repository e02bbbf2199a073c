"""PDF files with texts that nobody sees who looks at their pages."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from tests.eval.files.made import HIDDEN, PDF_TEXT, Label, MadeFile
from tests.eval.files.pdf_bytes import Pdf, text
from tests.eval.files.pdf_writing import line
from tests.eval.files.values import ATTACK, Values

INK = b"0 0 1 rg 40 640 520 90 re f "


class Way(NamedTuple):
    """`operators`: what a page says, `%s` where the line's own operators go; `page`: entries of the page."""

    note: str
    operators: bytes
    resources: bytes = b""
    page: bytes = b""
    x: float = 50
    y: float = 700
    size: float = 11


WAYS = (
    Way("white on white", b"1 1 1 rg %s"),
    Way("nearly white on white", b"0.99 g %s"),
    Way("white in CMYK", b"0 0 0 0 k %s"),
    Way("colour of the box behind it", INK + b"%s"),
    Way("render mode 3", b"3 Tr %s"),
    Way("render mode 7", b"7 Tr %s"),
    Way("tiny", b"%s", size=0.4),
    Way("scaled to nothing", b"q 0.01 0 0 0.01 50 700 cm %s Q"),
    Way("narrowed to nothing", b"0.1 Tz %s"),
    Way("clipped away", b"q 0 0 5 5 re W n %s Q"),
    Way("beside the page", b"%s", x=700),
    Way("below the page", b"%s", y=-60),
    Way("outside the crop box", b"%s", page=b"/CropBox [0 0 595 600]"),
    Way("switched-off layer", b"/OC /Layer BDC %s EMC", b"/Properties << /Layer {layer} 0 R >>"),
    Way("under a box", b"%s 1 1 1 rg 40 640 520 90 re f"),
    Way("under a picture", b"%s q 520 0 0 90 40 640 cm /Im Do Q", b"/XObject << /Im {image} 0 R >>"),
    Way("white as a spot colour", b"/Spot cs 0 scn %s", b"/ColorSpace << /Spot [/Separation /Own /DeviceGray {tint} 0 R] >>"),
    Way("letters without ink", b"%s", b"/Blank {blank} 0 R"),
    Way("under an annotation", b"%s", page=b"/Annots [{cover} 0 R]"),
    Way("transparent", b"/Clear gs %s", b"/ExtGState << /Clear << /ca 0 /CA 0 >> >>"),
)


def page_of(way: Way, words: str, pdf: Pdf, prose: bytes) -> None:
    layer, image = b"", b""
    if b"{layer}" in way.resources:
        number = pdf.add(b"<< /Type /OCG /Name (Notes) >>")
        layer = b"%d" % number
        pdf.catalogue = b"/OCProperties << /OCGs [%d 0 R] /D << /OFF [%d 0 R] >> >>" % (number, number)
    if b"{image}" in way.resources:
        head = b"/Type /XObject /Subtype /Image /Width 1 /Height 1 /BitsPerComponent 8 /ColorSpace /DeviceGray"
        image = b"%d" % pdf.stream(b"\xd0", head)
    entries, font = way.page, "F1"
    if b"{tint}" in way.resources:
        layer = b"%d" % pdf.add(b"<< /FunctionType 2 /Domain [0 1] /C0 [1] /C1 [0] /N 1 >>")
    if b"{blank}" in way.resources:
        font, number = "Blank", blank_font(pdf, words)
        pdf.fonts = pdf.fonts.replace(b"/Font << ", b"/Font << /Blank %d 0 R " % number)
    if b"{cover}" in entries:
        head = b"/Type /XObject /Subtype /Form /BBox [0 0 520 90]"
        looks = pdf.stream(b"1 1 1 rg 0 0 520 90 re f", head)
        cover = b"<< /Type /Annot /Subtype /Square /F 4 /Rect [40 640 560 730] /C [1 1 1] /IC [1 1 1] /AP << /N %d 0 R >> >>"
        entries = entries.replace(b"{cover}", b"%d" % pdf.add(cover % looks))
    x, y = (0.0, 0.0) if b" cm %s" in way.operators else (way.x, way.y)
    own = line(words, x, y, font, way.size)
    if way.note == "colour of the box behind it":
        own = b"0 0 1 rg " + own
    contents = prose + way.operators.replace(b"%s", own)
    resources = b"" if b"{blank}" in way.resources else way.resources
    resources = resources.replace(b"{layer}", layer).replace(b"{image}", image).replace(b"{tint}", layer)
    pdf.page(contents, resources, entries)


def blank_font(pdf: Pdf, words: str) -> int:
    """A Type3 font whose letters draw nothing."""
    codes = sorted({ord(one) for one in words})
    glyph = pdf.stream(b"600 0 0 0 0 0 d1")
    rows = "".join(f"<{code:02X}> <{code:04X}>\n" for code in codes)
    table = pdf.stream(
        (
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
            f"1 begincodespacerange <00> <FF> endcodespacerange\n{len(codes)} beginbfchar\n{rows}endbfchar\nendcmap end end"
        ).encode()
    )
    names = " ".join(f"{code} /g{code}" for code in codes)
    drawn = " ".join(f"/g{code} {glyph} 0 R" for code in codes)
    widths = " ".join(["600"] * 256)
    return pdf.add(
        (
            "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 600 700] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 0 /LastChar 255 "
            f"/Widths [{widths}] /Encoding << /Type /Encoding /Differences [{names}] >> /CharProcs << {drawn} >> "
            f"/ToUnicode {table} 0 R /Resources << >> >>"
        ).encode()
    )


def hidden_texts(source: random.Random) -> Iterator[MadeFile]:
    """A value in each way, and that it is hidden; then an instruction to a model in each."""
    values = Values(source)
    for place, way in enumerate(WAYS):
        for name, one in (("value", values.one()), ("attack", None)):
            pdf = Pdf()
            prose = b"".join(line(values.filler(12), 50, 560 - 20 * row) for row in range(4))
            page_of(way, one.sentence if one else ATTACK, pdf, prose)
            own = Label("body", one.type, one.text, way.note, 1) if one else Label("body", "PROMPT_INJECTION", "", way.note, 1)
            labels = (own, Label("body", HIDDEN, "", way.note, 1))
            yield MadeFile(f"hidden-{name}-{place:02}.pdf", pdf.file(), "pdf", PDF_TEXT, labels)


def seen_texts(source: random.Random) -> list[bytes]:
    """Pages that look like the hidden ones to a program that looks badly: all that they say is seen."""
    values = Values(source)
    said = text(values.filler(8))
    rows = (
        b"0 0 0 rg 40 690 500 30 re f 1 1 1 rg BT /F1 11 Tf 50 700 Td %s Tj ET",  # white on black
        b"0.55 g BT /F1 10 Tf 50 700 Td %s Tj ET",  # grey, as captions are
        b"BT /F1 5 Tf 50 700 Td %s Tj ET",  # small print
        b"1 Tr 0 0 0 RG BT /F1 24 Tf 50 700 Td %s Tj ET",  # outlines
        b"1 1 1 rg 40 690 500 30 re f 0 g BT /F1 11 Tf 50 700 Td %s Tj ET",  # on a white box
        b"q 40 600 500 200 re W n BT /F1 11 Tf 50 700 Td %s Tj ET Q",  # clipped, but inside
        b"q 0.1 0 0 0.1 0 0 cm BT /F1 110 Tf 500 7000 Td %s Tj ET Q",  # scaled down from large
        b"0.9 0.9 0.2 rg 40 690 500 30 re f 0.1 0.1 0.4 rg BT /F1 11 Tf 50 700 Td %s Tj ET",  # dark on yellow
    )
    return [row % said for row in rows]
