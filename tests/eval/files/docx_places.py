"""DOCX files with values in every part, split in every way, tracked, hidden, and in what stands beside the text."""

import io
import random
import zipfile
from collections.abc import Callable, Iterator

from tests.eval.files import docx_parts, paper
from tests.eval.files.docx_bytes import WORD, Docx, paragraph, run, said, zipped
from tests.eval.files.made import DOCX, HIDDEN, Label, MadeFile
from tests.eval.files.values import ATTACK, Value, Values


def label(place: str, value: Value, note: str) -> Label:
    return Label(place, value.type, value.text, note)


def made(name: str, docx: Docx, labels: list[Label]) -> MadeFile:
    return MadeFile(name, docx.file(), "docx", DOCX, tuple(labels))


def halves(words: str, value: str) -> tuple[str, str]:
    """Cut inside the value."""
    place = words.index(value) + len(value) // 2
    return words[:place], words[place:]


TEXT = "<w:t xml:space='preserve'>"
# What a paragraph holds, by the two halves of a sentence that is cut inside its value.
SPLITS: dict[str, Callable[[str, str], str]] = {
    "one run": lambda one, two: run(one + two),
    "run for each letter": lambda one, two: "".join(map(run, one + two)),
    "half of it bold": lambda one, two: run(one) + run(two, "<w:b/>"),
    "spelling marks inside": lambda one, two: (
        f'{run(one)}<w:proofErr w:type="spellStart"/>{run(two)}<w:proofErr w:type="spellEnd"/>'
    ),
    "bookmark inside": lambda one, two: f'{run(one)}<w:bookmarkStart w:id="7" w:name="b7"/><w:bookmarkEnd w:id="7"/>{run(two)}',
    "half in a link": lambda one, two: f'{run(one)}<w:hyperlink w:anchor="top">{run(two)}</w:hyperlink>',
    "smart tag": lambda one, two: f'<w:smartTag w:element="x">{run(one)}</w:smartTag>{run(two)}',
    "half inserted": lambda one, two: f'{run(one)}<w:ins w:id="8" w:author="R">{run(two)}</w:ins>',
    "deleted text inside": lambda one, two: (
        f'{run(one)}<w:del w:id="9" w:author="R">{run("no", tag="delText")}</w:del>{run(two)}'
    ),
    "several texts in a run": lambda one, two: f"<w:r>{TEXT}{one}</w:t>{TEXT}{two}</w:t></w:r>",
    "content control": lambda one, two: f"<w:sdt><w:sdtPr/><w:sdtContent>{run(one)}</w:sdtContent></w:sdt>{run(two)}",
    "simple field": lambda one, two: f'<w:fldSimple w:instr="QUOTE">{run(one + two)}</w:fldSimple>',
    "unbreakable hyphens": lambda one, two: run(one + two).replace("-", f"</w:t><w:noBreakHyphen/>{TEXT}"),
}


def body_texts(source: random.Random) -> Iterator[MadeFile]:
    """Each split with a value of each kind; tables and tables in tables; tracked and hidden texts."""
    values = Values(source)
    for number, (note, split) in enumerate(SPLITS.items()):
        docx, labels = Docx(), []
        for kind in ("US_SSN", "CREDIT_CARD", "EMAIL", "PAN", "AADHAAR", "SECRET"):
            one = values.one(kind)
            docx.body += [said(values.filler(14)), paragraph(split(*halves(one.sentence, one.text)))]
            labels.append(label("body", one, note))
        yield made(f"body-{number:02}.docx", docx, labels)
    yield _tables(values)
    yield _tracked(values)
    yield from _hidden(values)


def _tables(values: Values) -> MadeFile:
    docx, labels = Docx(), []

    def table(*cells: str) -> str:
        return "<w:tbl><w:tblPr/><w:tblGrid/><w:tr>" + "".join(f"<w:tc>{one}</w:tc>" for one in cells) + "</w:tr></w:tbl>"

    first, inner, control, row = values.one(), values.one(), values.one(), values.one()
    docx.body.append(table(said(first.sentence), table(said(inner.sentence)) + said("")))
    docx.body.append(f"<w:sdt><w:sdtPr/><w:sdtContent>{said(control.sentence)}</w:sdtContent></w:sdt>")
    docx.body.append(
        "<w:tbl><w:tblPr/><w:tblGrid/><w:sdt><w:sdtPr/><w:sdtContent><w:tr><w:tc>"
        f"{said(row.sentence)}</w:tc></w:tr></w:sdtContent></w:sdt></w:tbl>"
    )
    for one, what in (
        (first, "table"),
        (inner, "table in a table"),
        (control, "content control around paragraphs"),
        (row, "content control around a row"),
    ):
        labels.append(label("body", one, what))
    return made("tables.docx", docx, labels)


def _tracked(values: Values) -> MadeFile:
    docx, labels = Docx(), []
    who = 'w:id="{}" w:author="Reviewer" w:date="2026-01-01T00:00:00Z"'
    forms = (
        ("insertion", "inserted", "<w:ins {who}>{run}</w:ins>", "t"),
        ("deletion", "deleted", "<w:del {who}>{run}</w:del>", "delText"),
        ("deletion", "moved from here", "<w:moveFrom {who}>{run}</w:moveFrom>", "t"),
        ("insertion", "moved to here", "<w:moveTo {who}>{run}</w:moveTo>", "t"),
        ("deletion", "inserted, then deleted", '<w:ins {who}><w:del w:id="99" w:author="R">{run}</w:del></w:ins>', "delText"),
        ("deletion|field", "deleted field code", "<w:del {who}>{run}</w:del>", "delInstrText"),
    )
    for number, (place, note, form, tag) in enumerate(forms):
        one = values.one()
        docx.body.append(paragraph(run("Then "), form.format(who=who.format(number), run=run(one.sentence, tag=tag))))
        labels.append(label(place, one, note))
    return made("tracked.docx", docx, labels)


HIDDEN_RUNS = {
    "vanish": "<w:vanish/>",
    "vanish in web view": "<w:webHidden/>",
    "white": '<w:color w:val="FFFFFF"/>',
    "size 1": '<w:sz w:val="2"/>',
    "special vanish": "<w:specVanish/><w:vanish/>",
    "colour of its shade": '<w:color w:val="336699"/><w:shd w:val="clear" w:fill="336699"/>',
    "by its style": '<w:rStyle w:val="Unseen"/>',
}


def _hidden(values: Values) -> Iterator[MadeFile]:
    for number, (note, properties) in enumerate(HIDDEN_RUNS.items()):
        for name, one in (("value", values.one()), ("attack", None)):
            docx = Docx()
            docx.related("styles", "styles.xml", docx_parts.STYLES, WORD + "styles+xml")
            docx.body += [
                said(values.filler(14)),
                paragraph(run(one.sentence if one else ATTACK, properties)),
                said(values.filler(9)),
            ]
            own = label("body", one, note) if one else Label("body", "PROMPT_INJECTION", "", note)
            labels = [own]
            if note != "vanish in web view":  # on paper it is seen
                labels.append(Label("body", HIDDEN, "", note))
            yield made(f"hidden-{name}-{number}.docx", docx, labels)


def every_part(source: random.Random) -> Iterator[MadeFile]:
    """A value in each part, element and attribute that holds text: a file for each family of them."""
    values = Values(source)
    for name, spots in docx_parts.FAMILIES.items():
        docx, labels = Docx(), []
        docx.body.append(said(values.filler(12)))
        for spot in spots:
            one = values.one(spot.kind)
            spot.put(docx, one.sentence)
            labels.append(label(spot.place, one, spot.note))
        yield made(f"{name}.docx", docx, labels)


def packages(source: random.Random) -> Iterator[MadeFile]:
    """Packages that are right, and not as Word writes them by itself: a reader that knows parts by their names is lost."""
    values = Values(source)

    def new(note: str, main: str = "word/document.xml") -> tuple[Docx, list[Label]]:
        docx, body, foot = Docx(main), values.one(), values.one()
        docx.body += [said(values.filler(12)), said(body.sentence)]
        docx_parts.FAMILIES["notes"][0].put(docx, foot.sentence)
        return docx, [label("body", body, note), label("footnote", foot, note)]

    docx, labels = new("main part of another name", "word/document2.xml")
    yield made("other-name.docx", docx, labels)
    docx, labels = new("strict")
    strict = {name: _strict(data) for name, data in parts_of(docx).items()}
    yield MadeFile("strict.docx", zipped(strict), "docx", DOCX, tuple(labels))
    docx, labels = new("parts in UTF-16")
    wide = {
        name: data if name.endswith(".rels") or name.startswith("[") else _wide(data) for name, data in parts_of(docx).items()
    }
    yield MadeFile("wide.docx", zipped(wide), "docx", DOCX, tuple(labels))
    docx, labels = new("not packed")
    yield MadeFile("stored.docx", zipped(parts_of(docx), level=0), "docx", DOCX, tuple(labels))
    docx, labels = new("main part first")
    backwards = dict(reversed(parts_of(docx).items()))
    yield MadeFile("backwards.docx", zipped(backwards), "docx", DOCX, tuple(labels))
    docx, labels = new("other prefixes")
    renamed = {
        name: data.replace(b"<w:", b"<ns0:").replace(b"</w:", b"</ns0:").replace(b" w:", b" ns0:").replace(b":w=", b":ns0=")
        for name, data in parts_of(docx).items()
    }
    yield MadeFile("prefixes.docx", zipped(renamed), "docx", DOCX, tuple(labels))


def parts_of(docx: Docx) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(docx.file())) as package:
        return {name: package.read(name) for name in package.namelist()}


def _strict(data: bytes) -> bytes:
    """In the names of ISO 29500 Strict, which Word reads and writes too."""
    data = data.replace(
        b"http://schemas.openxmlformats.org/wordprocessingml/2006/main", b"http://purl.oclc.org/ooxml/wordprocessingml/main"
    )
    return data.replace(b"http://schemas.openxmlformats.org/officeDocument/2006/", b"http://purl.oclc.org/ooxml/officeDocument/")


def _wide(data: bytes) -> bytes:
    return data.decode().replace('encoding="UTF-8"', 'encoding="UTF-16"').encode("utf-16")


def pictures(source: random.Random) -> Iterator[MadeFile]:
    """Pictures of text: in the body, in a header, and one that no text refers to."""
    values = Values(source)
    docx, labels = Docx(), []
    for place, (note, form) in enumerate((("in the text", "png"), ("JPEG", "jpeg"), ("referred to by nothing", "png"))):
        own = values.on_paper(2)
        data = paper.encoded(paper.card(own, points=28), form.upper())
        target = docx.related("image", f"media/image{place}.{form}", data)
        if note != "referred to by nothing":
            docx.body.append(docx_parts.picture(target))
        labels += [label("picture", one, note) for one in own]
    yield made("pictures.docx", docx, labels)
