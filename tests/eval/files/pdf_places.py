"""PDF files with values in the text of their pages and in every other place where a PDF keeps text."""

import random
from collections.abc import Iterator

from tests.eval.files.made import PDF_TEXT, Label, MadeFile
from tests.eval.files.pdf_bytes import Pdf, chained, encrypted, plain, refs, text
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


def beside_the_page(source: random.Random) -> Iterator[MadeFile]:
    """Annotations, fields, attachments, properties, XMP, scripts, bookmarks, links, alternative texts."""
    values = Values(source)
    yield _annotations(values)
    yield _fields(values)
    yield from _attachments(values)
    yield _properties(values)
    yield _scripts(values)
    yield _navigation(values)


def _annotations(values: Values) -> MadeFile:
    pdf, labels, annotations = Pdf(), [], []
    rows = [
        ("note", b"/Subtype /Text /Contents %s"),
        ("its author", b"/Subtype /Text /Contents (seen) /T %s"),
        ("its subject", b"/Subtype /Text /Contents (seen) /Subj %s"),
        ("free text", b"/Subtype /FreeText /DA (/Helv 11 Tf 0 g) /Contents %s"),
        ("rich text", b"/Subtype /FreeText /DA (/Helv 11 Tf 0 g) /Contents () /RC %s"),
        ("highlight", b"/Subtype /Highlight /QuadPoints [50 700 200 700 50 690 200 690] /Contents %s"),
        ("stamp", b"/Subtype /Stamp /Contents %s"),
        ("hidden note", b"/Subtype /Text /F 2 /Contents %s"),
    ]
    for place, (note, form) in enumerate(rows):
        one = values.one()
        said = f"<body><p>{one.sentence}</p></body>" if note == "rich text" else one.sentence
        box = b"/Type /Annot /Rect [50 %d 300 %d] " % (700 - 40 * place, 720 - 40 * place)
        annotations.append(pdf.add(b"<< " + box + form % text(said) + b" >>"))
        labels.append(label("annotation", one, note))
    one = values.one()
    looks = pdf.stream(
        line(one.sentence, 5, 5), b"/Type /XObject /Subtype /Form /BBox [0 0 400 20] /Resources << %s >>" % pdf.fonts
    )
    annotations.append(
        pdf.add(b"<< /Type /Annot /Subtype /Stamp /Rect [50 100 450 120] /Contents (seen) /AP << /N %d 0 R >> >>" % looks)
    )
    labels.append(label("annotation", one, "appearance only"))
    pdf.page(line(values.filler(10), 50, 780), more=b"/Annots [%s]" % refs(annotations))
    return made("annotations.pdf", pdf, labels)


def _fields(values: Values) -> MadeFile:
    pdf, labels, fields = Pdf(), [], []
    rows = [
        ("text field", b"/FT /Tx /T (first) /V %s"),
        ("default value", b"/FT /Tx /T (second) /DV %s"),
        ("tooltip", b"/FT /Tx /T (third) /TU %s"),
        ("choice", b"/FT /Ch /T (fourth) /Opt [(none) %s] /V (none)"),
        ("hidden field", b"/FT /Tx /T (fifth) /F 2 /V %s"),
        ("field's name", b"/FT /Tx /V (x) /T %s"),
    ]
    for place, (note, form) in enumerate(rows):
        one = values.one("US_SSN" if note == "field's name" else "")  # a full stop in a name parts it from its parent's
        said = text(one.sentence)
        box = b"/Type /Annot /Subtype /Widget /Rect [50 %d 400 %d] /DA (/F1 11 Tf 0 g) " % (600 - 40 * place, 620 - 40 * place)
        fields.append(pdf.add(b"<< " + box + form % said + b" >>"))
        labels.append(label("field", one, note))
    one = values.one()
    child, parent = len(pdf.objects) + 1, len(pdf.objects) + 2
    pdf.add(b"<< /Type /Annot /Subtype /Widget /Rect [50 100 400 120] /Parent %d 0 R /T (child) >>" % parent)
    pdf.add(b"<< /FT /Tx /T (parent) /V %s /Kids [%d 0 R] >>" % (text(one.sentence), child))
    labels.append(label("field", one, "value of a parent"))
    pdf.catalogue = b"/AcroForm << /Fields [%s %d 0 R] /NeedAppearances true >>" % (refs(fields), parent)
    pdf.page(line(values.filler(10), 50, 780), more=b"/Annots [%s %d 0 R]" % (refs(fields), child))
    return made("fields.pdf", pdf, labels)


def _attachments(values: Values) -> Iterator[MadeFile]:
    pdf, labels = Pdf(), []
    in_text, in_name, in_description, in_annotation, in_inner = (values.one(kind) for kind in ("", "US_SSN", "", "", ""))
    inner = Pdf()
    inner.page(line(in_inner.sentence, 50, 700))
    inner_data = inner.file()
    files = []
    for name, data, description in (
        ("notes.txt", in_text.sentence.encode(), ""),
        (f"{in_name.sentence}.txt".replace(":", ""), b"nothing", ""),
        ("plan.txt", b"nothing", in_description.sentence),
        ("inner.pdf", inner_data, ""),
    ):
        held = pdf.stream(data, b"/Type /EmbeddedFile")
        entry = b"<< /Type /Filespec /F %s /UF %s /EF << /F %d 0 R >> %s >>"
        said = b"/Desc " + text(description) if description else b""
        files.append((name, pdf.add(entry % (text(name), text(name), held, said))))
    names = b" ".join(text(name) + b" %d 0 R" % number for name, number in sorted(files))
    pdf.catalogue = b"/Names << /EmbeddedFiles << /Names [%s] >> >>" % names
    held_too = pdf.stream(in_annotation.sentence.encode(), b"/Type /EmbeddedFile")
    entry_too = pdf.add(b"<< /Type /Filespec /F (more.txt) /UF (more.txt) /EF << /F %d 0 R >> >>" % held_too)
    note = pdf.add(b"<< /Type /Annot /Subtype /FileAttachment /Rect [50 50 70 70] /FS %d 0 R >>" % entry_too)
    pdf.page(line(values.filler(10), 50, 780), more=b"/Annots [%d 0 R]" % note)
    for one, what in (
        (in_text, "text file"),
        (in_name, "its name"),
        (in_description, "its description"),
        (in_annotation, "attached to a page"),
        (in_inner, "PDF in the PDF"),
    ):
        labels.append(Label("attachment", one.type, one.text, what))
    yield made("attachments.pdf", pdf, labels)


XMP = """<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>
<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:own="urn:own" own:owner="{attribute}">
<dc:description><rdf:Alt><rdf:li xml:lang="x-default">{element}</rdf:li></rdf:Alt></dc:description>
</rdf:Description></rdf:RDF></x:xmpmeta>
<?xpacket end="w"?>"""


def _properties(values: Values) -> MadeFile:
    pdf, labels = Pdf(), []
    entries = b""
    for name in ("Title", "Author", "Subject", "Keywords", "Creator", "Case-Number"):
        one = values.one()
        entries += b"/%s %s " % (name.encode(), text(one.sentence))
        labels.append(Label("metadata", one.type, one.text, f"Info, {name}"))
    one = values.one("EMAIL")
    entries += b"/Reviewer <FEFF%s> " % one.sentence.encode("utf-16-be").hex().encode()
    labels.append(Label("metadata", one.type, one.text, "Info, UTF-16"))
    pdf.trailer = b"/Info %d 0 R" % pdf.add(b"<< %s >>" % entries)
    element, attribute, on_page = values.one(), values.one(), values.one()
    packet = XMP.format(element=element.sentence, attribute=attribute.sentence).encode()
    pdf.catalogue = b"/Metadata %d 0 R" % pdf.stream(packet, b"/Type /Metadata /Subtype /XML", plain(packet))
    packet = XMP.format(element=on_page.sentence, attribute="").encode()
    pdf.page(line(values.filler(10), 50, 780), more=b"/Metadata %d 0 R" % pdf.stream(packet, b"/Type /Metadata /Subtype /XML"))
    for one, what in ((element, "XMP, element"), (attribute, "XMP, attribute"), (on_page, "XMP of a page")):
        labels.append(Label("metadata", one.type, one.text, what))
    return made("properties.pdf", pdf, labels)


def _scripts(values: Values) -> MadeFile:
    pdf, labels = Pdf(), []
    first, second, third = values.one(), values.one(), values.one()
    action = b"<< /S /JavaScript /JS %s >>"
    pdf.catalogue = b"/OpenAction %s /Names << /JavaScript << /Names [(a) %d 0 R] >> >>" % (
        action % text(f"app.alert('{first.sentence}');"),
        pdf.add(b"<< /S /JavaScript /JS %d 0 R >>" % pdf.stream(f"var text = '{second.sentence}';".encode())),
    )
    pdf.page(line(values.filler(10), 50, 780), more=b"/AA << /O %s >>" % (action % text(f"var x = '{third.sentence}';")))
    for one, what in ((first, "when opened"), (second, "by name, in a stream"), (third, "of a page")):
        labels.append(Label("script", one.type, one.text, what))
    return made("scripts.pdf", pdf, labels, ("JAVASCRIPT",))


def _navigation(values: Values) -> MadeFile:
    pdf, labels = Pdf(), []
    mark, link, tip, alternative, actual = values.one(), values.one("EMAIL"), values.one(), values.one(), values.one()
    root = len(pdf.objects) + 1
    pdf.add(b"<< /Type /Outlines /First %d 0 R /Last %d 0 R /Count 1 >>" % (root + 1, root + 1))
    pdf.add(b"<< /Title %s /Parent %d 0 R >>" % (text(mark.sentence), root))
    uri = b"<< /Type /Annot /Subtype /Link /Rect [50 690 200 710] /A << /S /URI /URI %s >> >>"
    notes = [
        pdf.add(uri % text(f"mailto:{link.text}?subject=Report")),
        pdf.add(uri % text(f"https://host.test/?note={tip.text}")),
    ]
    contents = b"/Figure << /MCID 0 >> BDC 0 0 1 rg 60 600 80 40 re f EMC /Span << /ActualText %s >> BDC %s EMC" % (
        text(actual.sentence),
        line("see above", 50, 500),
    )
    page = pdf.page(contents, more=b"/StructParents 0 /Annots [%s]" % refs(notes))
    tree = len(pdf.objects) + 1
    pdf.add(b"<< /Type /StructTreeRoot /K [%d 0 R] /ParentTree << /Nums [0 [%d 0 R]] >> >>" % (tree + 1, tree + 1))
    pdf.add(b"<< /Type /StructElem /S /Figure /P %d 0 R /Pg %d 0 R /K 0 /Alt %s >>" % (tree, page, text(alternative.sentence)))
    pdf.catalogue = b"/Outlines %d 0 R /StructTreeRoot %d 0 R /MarkInfo << /Marked true >>" % (root, tree)
    labels.append(Label("bookmark", mark.type, mark.text, "outline"))
    labels.append(label("link", link, "mailto"))
    labels.append(label("link", tip, "address of a link"))
    labels.append(Label("alternative text", alternative.type, alternative.text, "of a figure"))
    labels.append(Label("alternative text", actual.type, actual.text, "actual text"))
    return made("navigation.pdf", pdf, labels)
