"""PDF files with values in the text of their pages, written in every way that there is."""

import random
from collections.abc import Iterator

from tests.eval.files.made import PDF_TEXT, Label, MadeFile
from tests.eval.files.pdf_bytes import Pdf, chained, encrypted, plain, text
from tests.eval.files.pdf_writing import WRITERS, line, scrambled_font
from tests.eval.files.values import Value, Values


def label(place: str, value: Value, note: str, page: int = 1) -> Label:
    return Label(place, value.type, value.text, note, page)


def made(name: str, pdf: Pdf | bytes, labels: list[Label], notices: tuple[str, ...] = ()) -> MadeFile:
    data = pdf if isinstance(pdf, bytes) else pdf.file()
    return MadeFile(name, data, "pdf", PDF_TEXT, tuple(labels), notices=notices)


def body_texts(source: random.Random) -> Iterator[MadeFile]:
    """Every way of writing a line, with a value of each of five kinds among lines of prose."""
    values = Values(source)
    for number, (note, writer) in enumerate(WRITERS.items()):
        pdf, labels = Pdf(), []
        contents, y = b"", 780.0
        for kind in ("US_SSN", "CREDIT_CARD", "EMAIL", "PAN", "SECRET"):
            one = values.one(kind)
            contents += line(values.filler(11), 50, y) + writer(one.sentence, 50, y - 20)
            labels.append(label("body", one, note))
            y -= 60
        pdf.page(contents)
        yield made(f"body-{number:02}.pdf", pdf, labels)


def many_pages(source: random.Random) -> Iterator[MadeFile]:
    """Prose over several pages, a value on each; two columns; a table; a value over the end of a line."""
    values, pdf, labels = Values(source), Pdf(), []
    for page in range(1, 8):
        one = values.one()
        rows = [values.filler(12) for _ in range(30)]
        rows[source.randrange(30)] = one.sentence
        pdf.page(b"".join(line(row, 50, 790 - 18 * place, "F2") for place, row in enumerate(rows)))
        labels.append(label("body", one, "prose", page))
    yield made("pages.pdf", pdf, labels)

    pdf, labels = Pdf(), []
    left, right = values.one("US_SSN"), values.one("EMAIL")
    contents = b"".join(line(values.filler(5), x, 780 - 16 * row, "F2", 9) for row in range(3, 20) for x in (50, 310))
    pdf.page(line(left.sentence, 50, 780, "F2", 9) + line(right.sentence, 310, 780, "F2", 9) + contents)
    labels += [label("body", left, "two columns"), label("body", right, "two columns")]
    cells = [[values.one("EMAIL"), values.one("PAN"), values.one("US_SSN")] for _ in range(4)]
    contents = b"".join(line(head, 50 + 180 * x, 780) for x, head in enumerate(("E-mail", "PAN", "SSN")))
    for row, cell_row in enumerate(cells):
        contents += b"".join(line(one.text, 50 + 180 * x, 760 - 16 * row, "F1", 9) for x, one in enumerate(cell_row))
        labels += [label("body", one, "table", 2) for one in cell_row]
    pdf.page(contents)
    card = values.one("CREDIT_CARD")
    digits = [character for character in card.text if character.isdigit()]
    first, second = "".join(digits[:8]), "".join(digits[8:])
    pdf.page(
        line(f"Paid by credit card {first[:4]} {first[4:]}", 50, 780) + line(f"{second[:4]} {second[4:]} on Monday", 50, 766)
    )
    labels.append(label("body", card, "over the end of a line", 3))
    yield made("layout.pdf", pdf, labels)


def structures(source: random.Random) -> Iterator[MadeFile]:
    """The same page, kept in the ways in which files keep pages."""
    values = Values(source)

    def new(place_note: str) -> tuple[Pdf, Value, Label]:
        one = values.one()
        return Pdf(), one, label("body", one, place_note)

    pdf, one, told = new("object streams")
    pdf.page(line(one.sentence, 50, 700))
    yield made("objects.pdf", pdf.packed_file(), [told])
    pdf, one, told = new("three filters")
    pdf.page([pdf.stream(line(one.sentence, 50, 700), packed=chained(line(one.sentence, 50, 700)))])
    yield made("filters.pdf", pdf, [told])
    pdf, one, told = new("no filter")
    pdf.page([pdf.stream(b"", packed=plain(line(one.sentence, 50, 700)))])
    yield made("unpacked.pdf", pdf, [told])
    pdf, one, told = new("encrypted, opens without a password")
    pdf.page(line(one.sentence, 50, 700))
    yield made("owner-locked.pdf", encrypted(pdf, b""), [told])
    pdf, one, told = new("two streams, cut inside the value")
    head, tail = one.sentence[:-5], one.sentence[-5:]
    pdf.page([pdf.stream(b"BT /F1 11 Tf 50 700 Td " + text(head) + b" Tj"), pdf.stream(text(tail) + b" Tj ET")])
    yield made("streams.pdf", pdf, [told])
    pdf, one, told = new("form in a form")
    form = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << %s %s >>"
    inner = pdf.stream(line(one.sentence, 50, 700), form % (pdf.fonts, b""))
    outer = pdf.stream(b"q /In Do Q", form % (pdf.fonts, b"/XObject << /In %d 0 R >>" % inner))
    pdf.page(b"/Out Do", b"/XObject << /Out %d 0 R >>" % outer)
    yield made("forms.pdf", pdf, [told])
    pdf, one, told = new("subset font")
    font, codes = scrambled_font(pdf, one.sentence)
    string = bytes(codes[letter] for letter in one.sentence).hex().encode()
    pdf.page(b"BT /Own 11 Tf 50 700 Td <%s> Tj ET" % string, b"")
    pdf.objects[pdf.pages[0] - 1] = pdf.objects[pdf.pages[0] - 1].replace(b"/Font << ", b"/Font << /Own %d 0 R " % font)
    yield made("subset.pdf", pdf, [told])
    for degrees in (90, 180, 270):
        pdf, one, told = new(f"page turned by {degrees}")
        pdf.page(line(one.sentence, 50, 400), more=b"/Rotate %d" % degrees)
        yield made(f"turned-{degrees}.pdf", pdf, [told])
    pdf, one, told = new("text runs upwards")
    pdf.page(b"BT /F1 11 Tf 0 1 -1 0 300 100 Tm %s Tj ET" % text(one.sentence))
    yield made("upwards.pdf", pdf, [told])
    pdf, one, told = new("page box begins elsewhere")
    pdf.page(line(one.sentence, -250, 5100), box=(-300, 5000, 295, 5842))
    yield made("box.pdf", pdf, [told])
    pdf, one, told = new("white on a black bar, as headings are")
    pdf.page(b"0 0 0 rg 40 690 500 30 re f 1 1 1 rg " + line(one.sentence, 50, 700))
    yield made("on-black.pdf", pdf, [told])
