"""Where a DOCX keeps text beside its body: each spot with the way to put a text there."""

from collections.abc import Callable
from typing import NamedTuple
from xml.sax.saxutils import escape, quoteattr

from tests.eval.files.docx_bytes import NAMES, OFFICE, PACKAGE, WORD, Docx, paragraph, run, said

Put = Callable[[Docx, str], None]
STYLES = (
    f'<w:styles {NAMES}><w:style w:type="character" w:styleId="Unseen"><w:name w:val="Unseen"/>'
    "<w:rPr><w:vanish/></w:rPr></w:style></w:styles>"
)
CHART = 'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"'
DIAGRAM = 'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram"'
PROPERTIES = "http://schemas.openxmlformats.org/officeDocument/2006/"


class Spot(NamedTuple):
    """kind: of the values that can stand there; "": all."""

    place: str
    note: str
    put: Put
    kind: str = ""


def _framed(tag: str, kind: str) -> Put:
    """A header or a footer."""

    def put(docx: Docx, words: str) -> None:
        name = f"{tag}{len(docx.parts)}.xml"
        element = "hdr" if tag == "header" else "ftr"
        data = f"<w:{element} {NAMES}>{said(words)}</w:{element}>"
        number = docx.related(tag, name, data, f"{WORD}{tag}+xml")
        docx.section += f'<w:{tag}Reference w:type="{kind}" r:id="{number}"/>'

    return put


def _noted(tag: str) -> Put:
    """A footnote or an endnote."""

    def put(docx: Docx, words: str) -> None:
        data = f'<w:{tag}s {NAMES}><w:{tag} w:id="2">{said(words)}</w:{tag}></w:{tag}s>'
        docx.related(f"{tag}s", f"{tag}s.xml", data, f"{WORD}{tag}s+xml")
        docx.body.append(paragraph(f'<w:r><w:{tag}Reference w:id="2"/></w:r>'))

    return put


def _comment(docx: Docx, words: str) -> None:
    data = f'<w:comments {NAMES}><w:comment w:id="3" w:author="R" w:initials="R">{said(words)}</w:comment></w:comments>'
    docx.related("comments", "comments.xml", data, f"{WORD}comments+xml")
    docx.body.append(paragraph('<w:r><w:commentReference w:id="3"/></w:r>'))


def _comment_author(docx: Docx, words: str) -> None:
    docx.parts["word/comments.xml"] = docx.parts["word/comments.xml"].replace(
        b'w:author="R"', f"w:author={quoteattr(words)}".encode()
    )


def in_old_box(words: str) -> str:
    return f"<w:pict><v:shape><v:textbox><w:txbxContent>{said(words)}</w:txbxContent></v:textbox></v:shape></w:pict>"


def graphic(kind: str, inside: str) -> str:
    return f'<a:graphic><a:graphicData uri="{kind}">{inside}</a:graphicData></a:graphic>'


SIZE = '<wp:extent cx="1800000" cy="900000"/>'  # 5 cm x 2.5 cm


def _shape(docx: Docx, words: str) -> None:
    """A text box as Word 2010 writes it, with an older one for others: the value stands twice."""
    new = f"<wps:wsp><wps:txbx><w:txbxContent>{said(words)}</w:txbxContent></wps:txbx></wps:wsp>"
    shown = graphic("http://schemas.microsoft.com/office/word/2010/wordprocessingShape", new)
    drawn = f'<w:drawing><wp:inline>{SIZE}<wp:docPr id="5" name="Box"/>{shown}</wp:inline></w:drawing>'
    fallback = f"<mc:Fallback>{in_old_box(words)}</mc:Fallback>"
    both = f'<mc:AlternateContent><mc:Choice Requires="wps">{drawn}</mc:Choice>{fallback}</mc:AlternateContent>'
    docx.body.append(f"<w:p><w:r>{both}</w:r></w:p>")


def _old_box(docx: Docx, words: str) -> None:
    docx.body.append(f"<w:p><w:r>{in_old_box(words)}</w:r></w:p>")


def _box_in_header(docx: Docx, words: str) -> None:
    box = f"<w:p><w:r>{in_old_box(words)}</w:r></w:p>"
    number = docx.related("header", "header_box.xml", f"<w:hdr {NAMES}>{box}</w:hdr>", f"{WORD}header+xml")
    docx.section += f'<w:headerReference w:type="default" r:id="{number}"/>'


def _body(form: str) -> Put:
    """`form`: with `{}` for the text in an element, `{q}` for it as a quoted attribute."""
    return lambda docx, words: docx.body.append(form.format(escape(words), q=quoteattr(words)))


def _part(name: str, kind: str, form: str, content: str) -> Put:
    """A part of its own in word/."""

    def put(docx: Docx, words: str) -> None:
        docx.related(kind, name, form.format(escape(words), q=quoteattr(words), names=NAMES), content)

    return put


def _property(docx: Docx, name: str, words: str) -> None:
    prefix = "cp" if name in ("keywords", "category", "contentStatus", "lastModifiedBy") else "dc"
    element = f"<{prefix}:{name}>{escape(words)}</{prefix}:{name}>".encode()
    if "docProps/core.xml" not in docx.parts:
        data = f'<cp:coreProperties xmlns:cp="{PACKAGE}metadata/core-properties" xmlns:dc="http://purl.org/dc/elements/1.1/"></cp:coreProperties>'
        kind = "application/vnd.openxmlformats-package.core-properties+xml"
        docx.of_package(PACKAGE + "relationships/metadata/core-properties", "docProps/core.xml", data, kind)
    docx.parts["docProps/core.xml"] = docx.parts["docProps/core.xml"].replace(b"</cp:coreP", element + b"</cp:coreP")


def _core_property(name: str) -> Put:
    return lambda docx, words: _property(docx, name, words)


def _app(name: str) -> Put:
    def put(docx: Docx, words: str) -> None:
        element = f"<{name}>{escape(words)}</{name}>".encode()
        if "docProps/app.xml" not in docx.parts:
            data = f'<Properties xmlns="{PROPERTIES}extended-properties"></Properties>'
            docx.of_package(
                PROPERTIES + "relationships/extended-properties", "docProps/app.xml", data, OFFICE + "extended-properties+xml"
            )
        docx.parts["docProps/app.xml"] = docx.parts["docProps/app.xml"].replace(b"</Prop", element + b"</Prop")

    return put


def _custom_property(docx: Docx, words: str) -> None:
    types = 'xmlns:vt="http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes"'
    fmtid = "{D5CDD505-2E9C-101B-9397-08002B2CF9AE}"
    entry = f'<property fmtid="{fmtid}" pid="2" name="Case"><vt:lpwstr>{escape(words)}</vt:lpwstr></property>'
    data = f'<Properties xmlns="{PROPERTIES}custom-properties" {types}>{entry}</Properties>'
    docx.of_package(PROPERTIES + "relationships/custom-properties", "docProps/custom.xml", data, OFFICE + "custom-properties+xml")


def _custom_xml(form: str, name: str) -> Put:
    def put(docx: Docx, words: str) -> None:
        docx.part(f"customXml/{name}", form.format(escape(words), q=quoteattr(words)))
        docx.relation("customXml", f"../customXml/{name}")

    return put


def _chunk(docx: Docx, words: str) -> None:
    number = docx.related("aFChunk", "chunk.html", f"<html><body><p>{escape(words)}</p></body></html>".encode(), "text/html")
    docx.body.append(f'<w:altChunk r:id="{number}"/>')


def _mail_link(docx: Docx, words: str) -> None:
    number = docx.relation("hyperlink", f"mailto:{words.split()[2]}", external=True)
    docx.body.append(f'<w:p><w:hyperlink r:id="{number}">{run("write to us")}</w:hyperlink></w:p>')


def _web_link(docx: Docx, words: str) -> None:
    number = docx.relation("hyperlink", f"https://host.test/?note={words.replace(' ', '%20')}", external=True)
    docx.body.append(f'<w:p><w:hyperlink r:id="{number}">{run("more")}</w:hyperlink></w:p>')


def picture(target: str) -> str:
    """A paragraph with a picture."""
    blip = f'<pic:pic><pic:blipFill><a:blip r:embed="{target}"/></pic:blipFill></pic:pic>'
    shown = graphic("http://schemas.openxmlformats.org/drawingml/2006/picture", blip)
    own = f'<wp:inline><wp:extent cx="5000000" cy="1000000"/><wp:docPr id="6" name="Picture"/>{shown}</wp:inline>'
    return f"<w:p><w:r><w:drawing>{own}</w:drawing></w:r></w:p>"


def _described(attribute: str) -> Put:
    """`attribute` of a drawing that shows nothing."""

    def put(docx: Docx, words: str) -> None:
        own = f'<wp:docPr id="6" {attribute}={quoteattr(words)} {"" if attribute == "name" else "name=" + quoteattr("Box")}/>'
        docx.body.append(f'<w:p><w:r><w:drawing><wp:inline><wp:extent cx="9" cy="9"/>{own}</wp:inline></w:drawing></w:r></w:p>')

    return put


def _field(data: str, code: str) -> Put:
    """`data`, `code`: with `{}` for the text, `{q}` for it as a quoted attribute."""

    def put(docx: Docx, words: str) -> None:
        begin, inside = (form.format(escape(words), q=quoteattr(words)) for form in (data, code))
        runs = (
            f'<w:fldChar w:fldCharType="begin">{begin}</w:fldChar>',
            f'<w:instrText xml:space="preserve">{inside}</w:instrText>',
            '<w:fldChar w:fldCharType="end"/>',
        )
        docx.body.append("<w:p>" + "".join(f"<w:r>{one}</w:r>" for one in runs) + "</w:p>")

    return put


def _control(properties: str) -> Put:
    return _body(f"<w:sdt><w:sdtPr>{properties}</w:sdtPr><w:sdtContent><w:p/></w:sdtContent></w:sdt>")


def _chart(number: int, inside: str) -> Put:
    form = f"<c:chartSpace {CHART} {{names}}><c:chart>{inside}</c:chart></c:chartSpace>"
    return _part(f"charts/chart{number}.xml", "chart", form, OFFICE + "drawingml.chart+xml")


TITLE = "<c:title><c:tx><c:rich><a:p><a:r><a:t>{}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
CACHE = "<c:plotArea><c:cat><c:strCache><c:pt idx='0'><c:v>{}</c:v></c:pt></c:strCache></c:cat></c:plotArea>"
POINT = "<dgm:pt><dgm:t><a:p><a:r><a:t>{}</a:t></a:r></a:p></dgm:t></dgm:pt>"
POINTS = f"<dgm:dataModel {DIAGRAM} {{names}}><dgm:ptLst>{POINT}</dgm:ptLst></dgm:dataModel>"
BLOCK = "<w:docPart><w:docPartBody><w:p><w:r><w:t>{}</w:t></w:r></w:p></w:docPartBody></w:docPart>"
GLOSSARY = f"<w:glossaryDocument {{names}}><w:docParts>{BLOCK}</w:docParts></w:glossaryDocument>"
VARIABLES = "<w:settings {names}><w:docVars><w:docVar w:name='v' w:val={q}/></w:docVars></w:settings>"
RUBY = "<w:ruby><w:rt><w:r><w:t>x</w:t></w:r></w:rt><w:rubyBase><w:r><w:t>{}</w:t></w:r></w:rubyBase></w:ruby>"
FORM_FIELD = "<w:ffData><w:name w:val='a'/><w:textInput><w:default w:val={q}/></w:textInput></w:ffData>"
CONTROLS = "field|metadata|xml|alternative text"
DRAWN = "body|xml|text box|field"
FAMILIES: dict[str, tuple[Spot, ...]] = {
    "headers": (
        Spot("header", "header", _framed("header", "default")),
        Spot("header", "header of the first page", _framed("header", "first")),
        Spot("header", "header of even pages", _framed("header", "even")),
        Spot("footer", "footer", _framed("footer", "default")),
        Spot("footer", "footer of the first page", _framed("footer", "first")),
    ),
    "notes": (
        Spot("footnote", "footnote", _noted("footnote")),
        Spot("endnote", "endnote", _noted("endnote")),
        Spot("comment", "comment", _comment),
        Spot("comment", "comment's author", _comment_author),
    ),
    "boxes": (
        Spot("text box", "text box", _shape),
        Spot("text box", "old text box", _old_box),
        Spot("text box", "text box in a header", _box_in_header),
        Spot("text box", "text art", _body("<w:p><w:r><w:pict><v:shape><v:textpath string={q}/></v:shape></w:pict></w:r></w:p>")),
    ),
    "alternatives": (
        Spot("alternative text", "description", _described("descr")),
        Spot("alternative text", "title", _described("title")),
        Spot("alternative text", "name", _described("name")),
        Spot("alternative text", "old description", _body("<w:p><w:r><w:pict><v:shape alt={q}/></w:pict></w:r></w:p>")),
        Spot(
            "alternative text",
            "description of a table",
            _body("<w:tbl><w:tblPr><w:tblDescription w:val={q}/></w:tblPr><w:tblGrid/><w:tr><w:tc><w:p/></w:tc></w:tr></w:tbl>"),
        ),
    ),
    "properties": (
        *(
            Spot("metadata", f"core, {name}", _core_property(name))
            for name in ("title", "creator", "subject", "description", "keywords", "category", "lastModifiedBy", "contentStatus")
        ),
        *(Spot("metadata", f"app, {name}", _app(name)) for name in ("Company", "Manager", "HyperlinkBase", "Template")),
        Spot("metadata", "custom property", _custom_property),
    ),
    "xml": (
        Spot("xml", "custom XML, element", _custom_xml("<case><note>{}</note></case>", "item1.xml")),
        Spot("xml", "custom XML, attribute", _custom_xml("<case note={q}/>", "item2.xml")),
        Spot("xml", "custom XML, comment", _custom_xml("<case><!-- {} --></case>", "item3.xml"), "US_SSN"),
        Spot("xml", "custom XML, CDATA", _custom_xml("<case><![CDATA[{}]]></case>", "item4.xml")),
    ),
    "fields": (
        Spot("field", "field code", _field("", ' QUOTE "{}" ')),
        Spot("field", "form field's default", _field(FORM_FIELD, "FORMTEXT")),
        Spot("field", "simple field's code", _body("<w:p><w:fldSimple w:instr={q}/></w:p>")),
        Spot(CONTROLS, "control's title", _control("<w:alias w:val={q}/>")),
        Spot(CONTROLS, "control's tag", _control("<w:tag w:val={q}/>")),
        Spot(CONTROLS, "choice", _control("<w:dropDownList><w:listItem w:displayText={q} w:value='1'/></w:dropDownList>")),
    ),
    "links": (
        Spot("link", "mailto", _mail_link, "EMAIL"),
        Spot("link", "address of a link", _web_link, "EMAIL"),
        Spot(
            "link|alternative text",
            "tip",
            _body("<w:p><w:hyperlink w:anchor='a' w:tooltip={q}>" + run("here") + "</w:hyperlink></w:p>"),
        ),
    ),
    "parts": (
        Spot(DRAWN, "chart", _chart(1, TITLE)),
        Spot(DRAWN, "chart's cached values", _chart(2, CACHE)),
        Spot(DRAWN, "diagram", _part("diagrams/data1.xml", "diagramData", POINTS, OFFICE + "drawingml.diagramData+xml")),
        Spot(
            "body|xml",
            "building block",
            _part("glossary/document.xml", "glossaryDocument", GLOSSARY, WORD + "document.glossary+xml"),
        ),
        Spot("xml|metadata|field", "document variable", _part("settings.xml", "settings", VARIABLES, WORD + "settings+xml")),
        Spot("body|attachment|xml", "embedded HTML", _chunk),
        Spot("body", "formula", _body("<w:p><m:oMath><m:r><m:t>{}</m:t></m:r></m:oMath></w:p>")),
        Spot("body", "ruby", _body(f"<w:p><w:r>{RUBY}</w:r></w:p>")),
        Spot(
            "bookmark",
            "bookmark's name",
            _body("<w:p><w:bookmarkStart w:id='4' w:name={q}/><w:bookmarkEnd w:id='4'/></w:p>"),
            "US_SSN",
        ),
    ),
}
