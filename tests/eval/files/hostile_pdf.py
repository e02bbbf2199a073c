"""PDF files that grow, loop and lie."""

import random
import zlib
from collections.abc import Callable, Iterator

from tests.eval.files.made import HOSTILE, MadeFile
from tests.eval.files.pdf_bytes import Pdf, encrypted
from tests.eval.files.pdf_writing import line

LARGE = ("TOO_LARGE", "MALFORMED", "TIMEOUT")
PASSWORD = b"open sesame"


def prosaic() -> Pdf:
    pdf = Pdf()
    pdf.page(line("Some words of prose", 50, 700))
    return pdf


def twice_deflated() -> Pdf:
    """420 MB in 2.5 kB."""
    packer, out = zlib.compressobj(9), bytearray()
    for _ in range(420):
        out += packer.compress(b" " * 1_000_000)
    once = bytes(out + packer.flush())
    pdf = Pdf()
    pdf.page([pdf.stream(b"", packed=(zlib.compress(once, 9), b"/Filter [/FlateDecode /FlateDecode]"))])
    return pdf


def deep_lists() -> Pdf:
    pdf = prosaic()
    pdf.catalogue = b"/Deep " + b"[" * 200_000 + b"]" * 200_000
    return pdf


def page_tree_loop() -> bytes:
    pdf = prosaic()
    pdf.close()
    number = pdf.add(b"<< /Type /Pages /Parent 2 0 R /Kids [2 0 R] /Count 1 >>")
    return _raw(pdf, {2: b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count 2 >>" % (pdf.pages[0], number)})


def own_parent() -> bytes:
    pdf = prosaic()
    pdf.close()
    return _raw(pdf, {2: b"<< /Type /Pages /Parent 2 0 R /Kids [%d 0 R] /Count 1 >>" % pdf.pages[0]})


def million_pages() -> bytes:
    """One page, a million times."""
    pdf = prosaic()
    pdf.close()
    return _raw(pdf, {2: b"<< /Type /Pages /Kids [%s] /Count 1000000 >>" % (b"%d 0 R " % pdf.pages[0] * 1_000_000)})


def page_tree_of_powers() -> bytes:
    """Thirty levels, each twice the one below: a thousand million pages in three kilobytes."""
    pdf = prosaic()
    pdf.close()
    below = pdf.pages[0]
    for level in range(30):
        below = pdf.add(b"<< /Type /Pages /Kids [%d 0 R %d 0 R] /Count %d >>" % (below, below, 2 ** (level + 1)))
    return _raw(pdf, {2: b"<< /Type /Pages /Kids [%d 0 R] /Count %d >>" % (below, 2**30)})


def says_a_million() -> bytes:
    pdf = prosaic()
    pdf.close()
    return _raw(pdf, {2: b"<< /Type /Pages /Kids [%d 0 R] /Count 1000000 >>" % pdf.pages[0]})


def _raw(pdf: Pdf, changed: dict[int, bytes]) -> bytes:
    """The file with some objects put in the place of those that `Pdf` writes."""

    class Kept(Pdf):
        def close(self) -> None:
            pass

    kept = Kept()
    kept.objects = [changed.get(number, body) for number, body in enumerate(pdf.objects, 1)]
    return kept.file()


def forms_in_themselves() -> Pdf:
    pdf = Pdf()
    number = len(pdf.objects) + 1
    head = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << /XObject << /Me %d 0 R >> >>" % number
    pdf.stream(b"/Me Do", head)
    pdf.page(b"/Me Do", b"/XObject << /Me %d 0 R >>" % number)
    return pdf


def forms_of_powers() -> Pdf:
    """Each draws the one below ten times: 10^12 lines."""
    pdf = Pdf()
    head = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << %s /XObject << /In %d 0 R >> >>"
    number = pdf.stream(line("Some words", 50, 700), head % (pdf.fonts, 1))
    for _ in range(12):
        number = pdf.stream(b"/In Do " * 10, head % (b"", number))
    pdf.page(b"/In Do", b"/XObject << /In %d 0 R >>" % number)
    return pdf


def fonts_in_themselves() -> Pdf:
    """A Type3 font whose letter draws that letter."""
    pdf = Pdf()
    font = len(pdf.objects) + 2
    glyph = pdf.stream(b"500 0 0 0 500 500 d1 BT /T 1 Tf (a) Tj ET")
    pdf.add(
        b"<< /Type /Font /Subtype /Type3 /FontBBox [0 0 500 500] /FontMatrix [0.001 0 0 0.001 0 0] /FirstChar 97 /LastChar 97 "
        b"/Widths [500] /Encoding << /Differences [97 /a] >> /CharProcs << /a %d 0 R >> /Resources << /Font << /T %d 0 R >> >> >>"
        % (glyph, font)
    )
    pdf.page(b"BT /Own 20 Tf 50 700 Td (aaaa) Tj ET")
    pdf.objects[pdf.pages[0] - 1] = pdf.objects[pdf.pages[0] - 1].replace(b"/Font << ", b"/Font << /Own %d 0 R " % font)
    return pdf


def large_map() -> Pdf:
    """A ToUnicode whose range covers four thousand million codes."""
    pdf = Pdf()
    table = pdf.stream(b"begincmap 1 beginbfrange <00000000> <FFFFFFFF> <0041> endbfrange endcmap")
    font = pdf.add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode %d 0 R >>" % table)
    pdf.page(b"BT /Own 20 Tf 50 700 Td (aaaa) Tj ET")
    pdf.objects[pdf.pages[0] - 1] = pdf.objects[pdf.pages[0] - 1].replace(b"/Font << ", b"/Font << /Own %d 0 R " % font)
    return pdf


def outline_loop() -> Pdf:
    pdf = prosaic()
    first = len(pdf.objects) + 1
    pdf.add(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R >>" % (first + 1, first + 1))
    pdf.add(b"<< /Title (again) /Parent %d 0 R /Next %d 0 R /First %d 0 R >>" % (first, first + 1, first + 1))
    pdf.catalogue = b"/Outlines %d 0 R" % first
    return pdf


def field_loop() -> Pdf:
    pdf = prosaic()
    number = len(pdf.objects) + 1
    pdf.add(b"<< /FT /Tx /T (a) /V (b) /Kids [%d 0 R] /Parent %d 0 R >>" % (number, number))
    pdf.catalogue = b"/AcroForm << /Fields [%d 0 R] >>" % number
    return pdf


def name_tree_loop() -> Pdf:
    pdf = prosaic()
    number = len(pdf.objects) + 1
    pdf.add(b"<< /Kids [%d 0 R %d 0 R] >>" % (number, number))
    pdf.catalogue = b"/Names << /EmbeddedFiles %d 0 R /JavaScript %d 0 R >>" % (number, number)
    return pdf


def huge_page() -> Pdf:
    pdf = Pdf()
    pdf.page(b"1 0 0 rg 0 0 100 100 re f", box=(0, 0, 100_000_000, 100_000_000))
    return pdf


def huge_picture() -> Pdf:
    pdf = Pdf()
    head = b"/Type /XObject /Subtype /Image /Width 100000 /Height 100000 /BitsPerComponent 8 /ColorSpace /DeviceRGB"
    pdf.page(b"q 595 0 0 842 0 0 cm /Im Do Q", b"/XObject << /Im %d 0 R >>" % pdf.stream(bytes(1000), head))
    return pdf


def many_pictures() -> Pdf:
    pdf = Pdf()
    head = b"/Type /XObject /Subtype /Image /Width 400 /Height 400 /BitsPerComponent 8 /ColorSpace /DeviceGray"
    numbers = [pdf.stream(bytes([place % 256]) * 160_000, head) for place in range(1500)]
    for number in numbers:
        pdf.page(b"q 595 0 0 842 0 0 cm /Im Do Q", b"/XObject << /Im %d 0 R >>" % number)
    return pdf


def many_strings() -> Pdf:
    pdf = Pdf()
    pdf.page(b"BT /F1 1 Tf " + b"(a) Tj " * 3_000_000 + b"ET")
    return pdf


def deep_states() -> Pdf:
    pdf = Pdf()
    pdf.page(b"q " * 1_000_000 + line("Some words", 50, 700))
    return pdf


def attachment_in_itself() -> Pdf:
    """PDFs in PDFs, forty deep."""
    data = prosaic().file()
    for _ in range(40):
        pdf = prosaic()
        held = pdf.stream(data, b"/Type /EmbeddedFile")
        entry = pdf.add(b"<< /Type /Filespec /F (inner.pdf) /EF << /F %d 0 R >> >>" % held)
        pdf.catalogue = b"/Names << /EmbeddedFiles << /Names [(inner.pdf) %d 0 R] >> >>" % entry
        data = pdf.file()
    return pdf


def length_loop() -> bytes:
    """A stream whose length is that stream."""
    pdf = Pdf()
    number = len(pdf.objects) + 1
    pdf.add(b"<< /Length %d 0 R >>\nstream\nBT /F1 11 Tf (x) Tj ET\nendstream" % number)
    pdf.page([number])
    return pdf.file()


def place_loop() -> bytes:
    """Tables of places that lead to one another."""
    data = prosaic().file()
    begin = data.rindex(b"xref\n0")
    return data.replace(b"trailer\n<<", b"trailer\n<< /Prev %d" % begin)


TRAPS: dict[str, tuple[Callable[[], Pdf | bytes], tuple[str, ...]]] = {
    # () : what it shows is to be read all the same, or one of LARGE
    "twice-deflated": (twice_deflated, LARGE),
    "deep-lists": (deep_lists, ()),
    "page-tree-loop": (page_tree_loop, ()),
    "own-parent": (own_parent, ()),
    "million-pages": (million_pages, LARGE),
    "page-tree-of-powers": (page_tree_of_powers, LARGE),
    "says-a-million": (says_a_million, ()),
    "forms-in-themselves": (forms_in_themselves, ()),
    "forms-of-powers": (forms_of_powers, ()),
    "fonts-in-themselves": (fonts_in_themselves, ()),
    "large-map": (large_map, ()),
    "outline-loop": (outline_loop, ()),
    "field-loop": (field_loop, ()),
    "name-tree-loop": (name_tree_loop, ()),
    "huge-page": (huge_page, ()),
    "huge-picture": (huge_picture, ()),
    "many-pictures": (many_pictures, ()),
    "many-strings": (many_strings, ()),
    "deep-states": (deep_states, ()),
    "attachment-in-itself": (attachment_in_itself, ()),
    "length-loop": (length_loop, ()),
    "place-loop": (place_loop, ()),
}


def traps(source: random.Random) -> Iterator[MadeFile]:
    for name, (make, codes) in TRAPS.items():
        made = make()
        data = made if isinstance(made, bytes) else made.file()
        yield MadeFile(f"trap-{name}.pdf", data, "pdf", HOSTILE, codes=codes or LARGE, may_be_read=not codes)
    yield MadeFile("locked.pdf", encrypted(prosaic(), PASSWORD), "pdf", HOSTILE, codes=("ENCRYPTED",))
