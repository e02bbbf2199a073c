# ruff: noqa: E501 -- markup that is cut in two is read by nobody
"""A value in every place of a DOCX where one can stand: a name, and a document that has it there and nowhere else."""

import io
import zipfile
from collections.abc import Callable

import docx
from docx.document import Document as DocxDocument
from docx.opc.constants import RELATIONSHIP_TYPE as RELATION

from tests.unit.files.docx_files import CARD, SHAPES, W, made, paragraph, part, run, with_parts

CORE = "http://schemas.openxmlformats.org/package/2006/metadata/core-properties"
HEAD, TAIL = "4111 1111", " 1111 1111"


def _attached(name: str, kind: str, content: str | bytes, content_type: str = "application/xml") -> bytes:
    """A part that the main part points to."""
    data = made()
    relations = part(data, "word/_rels/document.xml.rels").decode()
    relations = relations.replace(
        "</Relationships>",
        f'<Relationship Id="rId99" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/{kind}" '
        f'Target="{name}"/></Relationships>',
    )
    types = part(data, "[Content_Types].xml").decode()
    types = types.replace("</Types>", f'<Override PartName="/word/{name}" ContentType="{content_type}"/></Types>')
    return with_parts(data, {"[Content_Types].xml": types, "word/_rels/document.xml.rels": relations, f"word/{name}": content})


def _notes(root: str, name: str) -> bytes:
    return _attached(
        name + ".xml", name, f"<w:{root} {W}><w:{root[:-1]} w:id='2'>{paragraph(run(CARD))}</w:{root[:-1]}></w:{root}>"
    )


def _header(document: DocxDocument) -> None:
    document.sections[0].header.paragraphs[0].text = CARD


def _footer(document: DocxDocument) -> None:
    document.sections[0].first_page_footer.paragraphs[0].text = CARD


def _table(document: DocxDocument) -> None:
    document.add_table(1, 2).cell(0, 1).text = CARD


def _nested_table(document: DocxDocument) -> None:
    document.add_table(1, 1).cell(0, 0).add_table(1, 1).cell(0, 0).text = CARD


def _comment(document: DocxDocument) -> None:
    document.add_comment(document.add_paragraph("x").runs, text=CARD, author="A", initials="B")


def _commenter(document: DocxDocument) -> None:
    document.add_comment(document.add_paragraph("x").runs, text="t", author=CARD, initials="B")


def _property(name: str) -> Callable[[DocxDocument], None]:
    return lambda document: setattr(document.core_properties, name, CARD)


def _link(document: DocxDocument) -> None:
    document.part.relate_to("https://example.com/?card=4111%201111%201111%201111", RELATION.HYPERLINK, is_external=True)


def _text_box() -> str:
    inner = f"<w:txbxContent>{paragraph(run(HEAD) + run(TAIL, '<w:b/>'))}</w:txbxContent>"
    return paragraph(
        "<w:r><mc:AlternateContent><mc:Choice Requires='wps'><w:drawing><wp:inline><wp:extent cx='999999' cy='999999'/>"
        f"<wp:docPr id='1' name='Text Box 1'/><a:graphic><a:graphicData uri='x'><wps:wsp><wps:txbx>{inner}</wps:txbx></wps:wsp>"
        "</a:graphicData></a:graphic></wp:inline></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape style='width:9pt'><v:textbox>"
        f"{inner}</v:textbox></v:shape></w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )


def _either(new: str, old: str) -> str:
    return (
        f"<mc:AlternateContent><mc:Choice Requires='w14'>{new}</mc:Choice><mc:Fallback>{old}</mc:Fallback></mc:AlternateContent>"
    )


def _drawing(attributes: str) -> str:
    return paragraph(f"<w:r><w:drawing><wp:inline><wp:docPr id='1' name='P' {attributes}/></wp:inline></w:drawing></w:r>")


def _workbook() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
        archive.writestr("xl/sharedStrings.xml", f"<sst xmlns='{space}'><si><r><t>{HEAD}</t></r><r><t>{TAIL}</t></r></si></sst>")
    return buffer.getvalue()


def _inner_docx() -> bytes:
    buffer = io.BytesIO()
    document = docx.Document()
    document.add_paragraph(CARD)
    document.save(buffer)
    return buffer.getvalue()


def _between() -> bytes:
    data = made()
    end = data.rfind(b"PK\5\6")
    return data[:end] + data[end : end + 20] + len(CARD).to_bytes(2, "little") + CARD.encode()


CHART = (
    "<c:chartSpace xmlns:c='http://schemas.openxmlformats.org/drawingml/2006/chart' "
    "xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'>{}</c:chartSpace>"
)
CUSTOM = (
    "<Properties xmlns='http://schemas.openxmlformats.org/officeDocument/2006/custom-properties' "
    "xmlns:vt='http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes'>"
    "<property fmtid='{{D5CDD505-2E9C-101B-9397-08002B2CF9AE}}' pid='2' name='{}'><vt:lpwstr>{}</vt:lpwstr></property></Properties>"
)
APP = "<Properties xmlns='http://schemas.openxmlformats.org/officeDocument/2006/extended-properties'><Company>{}</Company></Properties>"
DELETED = "<w:del w:id='1' w:author='A'><w:r><w:delText>{}</w:delText></w:r></w:del>"

PLACES: dict[str, Callable[[], bytes]] = {
    "body": lambda: made(lambda document: document.add_paragraph(f"My card is {CARD}, thanks")),
    "split over runs": lambda: made(body=paragraph(run("4111 ") + run("1111 11", "<w:b/>") + run("11") + run(" 1111", "<w:i/>"))),
    "split by a tab and a hyphen": lambda: made(body=paragraph("<w:r><w:t>4111 1111</w:t><w:tab/><w:t>1111 1111</w:t></w:r>")),
    "split by marks": lambda: made(
        body=paragraph(
            "<w:r><w:t>4111 1</w:t><w:softHyphen/><w:t>111 </w:t><w:lastRenderedPageBreak/><w:sym w:font='Wingdings' w:char='F031'/></w:r>"
            f"<w:smartTag>{run('11')}</w:smartTag><w:proofErr w:type='spellStart'/><w:hyperlink>{run('1 1111')}</w:hyperlink>"
        )
    ),
    "strict namespaces": lambda: with_parts(
        made(),
        {
            "word/header3.xml": f"<w:hdr {SHAPES}>{paragraph(run(HEAD) + run(TAIL))}</w:hdr>".replace(
                "http://schemas.openxmlformats.org/wordprocessingml/2006/main", "http://purl.oclc.org/ooxml/wordprocessingml/main"
            )
        },
    ),
    "list to choose from": lambda: made(
        body=f"<w:sdt><w:sdtPr><w:dropDownList><w:listItem w:displayText='a' w:value='{CARD}'/></w:dropDownList></w:sdtPr>"
        f"<w:sdtContent>{paragraph(run('x'))}</w:sdtContent></w:sdt>"
    ),
    "formula": lambda: made(
        body=paragraph(
            f"<m:oMath xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'><m:r><m:t>{CARD}</m:t></m:r></m:oMath>"
        )
    ),
    "diagram": lambda: _attached(
        "diagrams/data1.xml",
        "diagramData",
        "<dgm:dataModel xmlns:dgm='http://schemas.openxmlformats.org/drawingml/2006/diagram' "
        f"xmlns:a='http://schemas.openxmlformats.org/drawingml/2006/main'><dgm:pt><dgm:t><a:p><a:r><a:t>{CARD}</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:dataModel>",
    ),
    "drawing in SVG": lambda: _attached(
        "media/image1.svg", "image", f"<svg xmlns='http://www.w3.org/2000/svg'><text>{CARD}</text></svg>", "image/svg+xml"
    ),
    "drawing in SVG, in parts": lambda: _attached(
        "media/image1.svg",
        "image",
        "<svg xmlns='http://www.w3.org/2000/svg'><text>4111 <tspan>1111 1</tspan>111<tspan> 1111</tspan></text></svg>",
        "image/svg+xml",
    ),
    "above a fraction": lambda: made(
        body=paragraph(
            "<m:oMath xmlns:m='http://schemas.openxmlformats.org/officeDocument/2006/math'><m:f><m:num><m:r>"
            f"<m:t>{CARD}</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f></m:oMath>"
        )
    ),
    "under what tells how it is spoken": lambda: made(
        body=paragraph(f"<w:r><w:ruby><w:rt>{run('7')}</w:rt><w:rubyBase>{run(CARD)}</w:rubyBase></w:ruby></w:r>")
    ),
    "one of two ways to write it": lambda: made(body=paragraph(run(HEAD) + _either(run(TAIL), run("9")))),
    "the other of two ways to write it": lambda: made(body=paragraph(run(HEAD) + _either(run("9"), run(TAIL)))),
    "round a comment of the XML": lambda: made(body=paragraph("<w:r><w:t>4111 1111 1<!-- x -->111 1111</w:t></w:r>")),
    "round a comment in custom XML": lambda: with_parts(
        made(), {"customXml/item1.xml": "<order>4111 1111 1<!-- x -->111 <!-- y -->1111</order>"}
    ),
    "table": lambda: made(_table),
    "table in a table": lambda: made(_nested_table),
    "header": lambda: made(_header),
    "footer": lambda: made(_footer),
    "footnote": lambda: _notes("footnotes", "footnotes"),
    "endnote": lambda: _notes("endnotes", "endnotes"),
    "comment": lambda: made(_comment),
    "commenter": lambda: made(_commenter),
    "text box": lambda: made(body=_text_box()),
    "word art": lambda: made(body=paragraph(f"<w:r><w:pict><v:shape><v:textpath string='{CARD}'/></v:shape></w:pict></w:r>")),
    "insertion": lambda: made(body=paragraph(run(HEAD) + f"<w:ins w:id='1' w:author='A'>{run(TAIL)}</w:ins>")),
    "deletion": lambda: made(body=paragraph(run("gone: ") + DELETED.format(CARD))),
    "deletion beside digits": lambda: made(body=paragraph(DELETED.format(CARD) + run("7"))),
    "half a deletion": lambda: made(body=paragraph(run(HEAD) + DELETED.format(TAIL))),
    "around a deletion": lambda: made(body=paragraph(run(HEAD) + DELETED.format(" and more") + run(TAIL))),
    "moved away": lambda: made(body=paragraph(f"<w:moveFrom w:id='1' w:author='A'>{run(CARD)}</w:moveFrom>")),
    "vanished": lambda: made(body=paragraph(run("see ") + run(CARD, "<w:vanish/>"))),
    "half vanished": lambda: made(body=paragraph(run(HEAD) + run(TAIL, "<w:vanish/>"))),
    "around what vanished": lambda: made(body=paragraph(run(HEAD) + run("99", "<w:vanish/>") + run(TAIL))),
    "content control": lambda: made(body=f"<w:sdt><w:sdtPr/><w:sdtContent>{paragraph(run(CARD))}</w:sdtContent></w:sdt>"),
    "content control's name": lambda: made(
        body=f"<w:sdt><w:sdtPr><w:alias w:val='{CARD}'/></w:sdtPr><w:sdtContent>{paragraph(run('x'))}</w:sdtContent></w:sdt>"
    ),
    "field's code": lambda: made(
        body=paragraph("<w:r><w:instrText>QUOTE 4111 11</w:instrText><w:instrText>11 1111 1111</w:instrText></w:r>")
    ),
    "simple field": lambda: made(body=paragraph(f"<w:fldSimple w:instr='QUOTE {CARD}'>{run('x')}</w:fldSimple>")),
    "form field": lambda: made(
        body=paragraph(
            f"<w:r><w:fldChar w:fldCharType='begin'><w:ffData><w:default w:val='{CARD}'/></w:ffData></w:fldChar></w:r>"
        )
    ),
    "bookmark": lambda: made(body=paragraph(f"<w:bookmarkStart w:id='1' w:name='{CARD}'/>{run('x')}")),
    "alternative text": lambda: made(body=_drawing(f"descr='{CARD}'")),
    "picture's title": lambda: made(body=_drawing(f"title='{CARD}'")),
    "hyperlink": lambda: made(_link),
    "tooltip": lambda: made(body=paragraph(f"<w:hyperlink w:tooltip='{CARD}'>{run('x')}</w:hyperlink>")),
    "table's description": lambda: made(
        body=f"<w:tbl><w:tblPr><w:tblDescription w:val='{CARD}'/></w:tblPr><w:tr><w:tc>{paragraph('')}</w:tc></w:tr></w:tbl>{paragraph('')}"
    ),
    **{
        f"property {name}": (lambda name=name: made(_property(name)))
        for name in ("author", "title", "keywords", "subject", "comments")
    },
    "company": lambda: with_parts(made(), {"docProps/app.xml": APP.format(CARD)}),
    "custom property": lambda: _attached("custom.xml", "custom-properties", CUSTOM.format("Number", CARD)),
    "custom property's name": lambda: _attached("custom.xml", "custom-properties", CUSTOM.format(CARD, "x")),
    "document variable": lambda: _attached(
        "more.xml", "settings", f"<w:settings {W}><w:docVars><w:docVar w:name='v' w:val='{CARD}'/></w:docVars></w:settings>"
    ),
    "custom XML": lambda: with_parts(made(), {"customXml/item1.xml": f"<order xmlns='urn:us'><card>{CARD}</card></order>"}),
    "custom XML's attribute": lambda: with_parts(made(), {"customXml/item1.xml": f"<order card='{CARD}'/>"}),
    "mixed custom XML": lambda: with_parts(made(), {"customXml/item1.xml": f"<order>a<b/>{CARD}</order>"}),
    "XML comment": lambda: with_parts(made(), {"customXml/item1.xml": f"<order><!-- {CARD} --></order>"}),
    "XML comment before the root": lambda: with_parts(made(), {"customXml/item1.xml": f"<!-- {CARD} --><order/>"}),
    "XML instruction": lambda: with_parts(made(), {"customXml/item1.xml": f"<order><?card {CARD}?></order>"}),
    "custom XML in UTF-16": lambda: with_parts(
        made(), {"customXml/item1.xml": f"<?xml version='1.0' encoding='UTF-16'?><order>{CARD}</order>".encode("utf-16")}
    ),
    "custom XML in references": lambda: with_parts(
        made(), {"customXml/item1.xml": "<order>" + "".join(f"&#{ord(character)};" for character in CARD) + "</order>"}
    ),
    "glossary": lambda: _attached(
        "glossary/document.xml",
        "glossaryDocument",
        f"<w:glossaryDocument {W}><w:docParts><w:docPart><w:docPartBody>{paragraph(run(CARD))}</w:docPartBody></w:docPart>"
        "</w:docParts></w:glossaryDocument>",
    ),
    "chart's title": lambda: _attached(
        "charts/chart1.xml",
        "chart",
        CHART.format(f"<c:tx><c:rich><a:p><a:r><a:t>{HEAD}</a:t></a:r><a:r><a:t>{TAIL}</a:t></a:r></a:p></c:rich></c:tx>"),
    ),
    "chart's label": lambda: _attached(
        "charts/chart1.xml", "chart", CHART.format(f"<c:strCache><c:pt idx='0'><c:v>{CARD}</c:v></c:pt></c:strCache>")
    ),
    "numbering": lambda: _attached(
        "numbers.xml",
        "numbering",
        f"<w:numbering {W}><w:abstractNum><w:lvl><w:lvlText w:val='{CARD} %1'/></w:lvl></w:abstractNum></w:numbering>",
    ),
    "chart's workbook": lambda: _attached("embeddings/book.xlsx", "package", _workbook(), "application/vnd.ms-excel"),
    "document inside": lambda: _attached("embeddings/inner.docx", "package", _inner_docx(), "application/msword"),
    "page of HTML inside": lambda: _attached("chunk.html", "aFChunk", f"<html><body>{CARD}</body></html>", "text/html"),
    "page of HTML inside, in parts": lambda: _attached(
        "chunk.html", "aFChunk", f"<html><body><p>{HEAD}<b>{TAIL}</b><br></body></html>", "text/html"
    ),
    "page of XHTML inside, in parts": lambda: _attached(
        "chunk.html", "aFChunk", f"<html><body><p>{HEAD}<b>{TAIL}</b></p></body></html>", "text/html"
    ),
    "part of an unknown name": lambda: _attached("x.bin", "x", f"<?xml version='1.0'?><a>{CARD}</a>", "x/y"),
    "old header that nothing uses": lambda: with_parts(
        made(), {"word/header9.xml": f"<w:hdr {SHAPES}>{paragraph(run(CARD))}</w:hdr>"}
    ),
    "archive's comment": _between,
    "folder's name": lambda: with_parts(made(), {f"word/{CARD}/": b""}),
    "custom property's source": lambda: _attached(
        "custom.xml", "custom-properties", CUSTOM.format("Number", "x").replace("pid=", f"linkTarget='{CARD}' pid=")
    ),
    "part's name": lambda: with_parts(made(), {f"word/media/{CARD}.xml": "<a/>"}),
}
