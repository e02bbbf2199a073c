"""PDF files with values in the places beside their pages' text."""

import random
from collections.abc import Iterator

from tests.eval.files.made import HIDDEN, Label, MadeFile
from tests.eval.files.pdf_bytes import Pdf, plain, refs, text
from tests.eval.files.pdf_places import label, made
from tests.eval.files.pdf_writing import line
from tests.eval.files.values import Values


def beside_the_page(source: random.Random) -> Iterator[MadeFile]:
    """Annotations, fields, attachments, properties, XMP, scripts, bookmarks, links, alternative texts."""
    values = Values(source)
    yield _annotations(values)
    yield _fields(values)
    yield _forms(values)
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
        if note == "hidden note":
            labels.append(Label("annotation", HIDDEN, "", note, 1))
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


def _forms(values: Values) -> MadeFile:
    """What a form has beside its fields: an XFA description, a signature, actions."""
    pdf, labels = Pdf(), []
    data, template, reason, place, submit, launch = (values.one() for _ in range(6))
    packets = (
        (
            "datasets",
            f'<xfa:datasets xmlns:xfa="http://www.xfa.org/schema/xfa-data/1.0/"><name>{data.sentence}</name></xfa:datasets>',
        ),
        (
            "template",
            f'<template xmlns="http://www.xfa.org/schema/xfa-template/3.3/"><text>{template.sentence}</text></template>',
        ),
    )
    parts = b" ".join(text(name) + b" %d 0 R" % pdf.stream(packet.encode()) for name, packet in packets)
    signature = b"<< /Type /Sig /Filter /Own /Reason %s /Location %s >>" % (text(reason.sentence), text(place.sentence))
    box = b"/Type /Annot /Subtype /Widget /Rect [50 600 200 620]"
    signed = pdf.add(b"<< %s /FT /Sig /T (signature) /V %s >>" % (box, signature))
    action = b"<< /S /SubmitForm /F << /FS /URL /F %s >> >>" % text(f"https://host.test/?note={submit.text}")
    button = pdf.add(b"<< %s /FT /Btn /T (send) /Ff 65536 /A %s >>" % (box, action))
    opening = b"/OpenAction << /S /Launch /F %s >>" % text(f"{launch.sentence}.exe")
    pdf.catalogue = b"/AcroForm << /Fields [%d 0 R %d 0 R] /XFA [%s] >> %s" % (signed, button, parts, opening)
    pdf.page(line(values.filler(10), 50, 780), more=b"/Annots [%d 0 R %d 0 R]" % (signed, button))
    for one, where, what in (
        (data, "field|xml", "XFA, data"),
        (template, "field|xml", "XFA, template"),
        (reason, "field|metadata", "reason of a signature"),
        (place, "field|metadata", "place of a signature"),
        (submit, "link|field|script", "where a form is sent"),
        (launch, "link|script|field|metadata", "what is started"),
    ):
        labels.append(Label(where, one.type, one.text, what))
    return made("forms-beside.pdf", pdf, labels)


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
        labels.append(Label("metadata|xml", one.type, one.text, what))
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
    labels.append(Label("alternative text|body", actual.type, actual.text, "actual text"))
    return made("navigation.pdf", pdf, labels)
