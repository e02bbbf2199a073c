"""XML of a DOCX, parsed so that it can neither fetch nor multiply anything.

A document type, with which all such attacks begin, is looked for in the decoded text, and the parser gets UTF-8 alone: so nothing
depends on both reading a byte the same way.
"""

import codecs
import re
from functools import lru_cache
from typing import Any

from lxml import etree

from appliance.files.document import FileError

_PROLOG = re.compile(r"(?>\s|(?><!--.*?-->)|(?><\?.*?\?>))*+", re.DOTALL)
_DECLARATION = re.compile(r"\ufeff?\s*<\?xml\b[^>]{0,400}?\?>")
_ENCODING = re.compile(rb"<\?xml[^>]{0,200}?encoding\s*=\s*[\"']([A-Za-z][\w.-]{0,40})[\"']")
_NAMESPACES = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": "w",
    "http://purl.oclc.org/ooxml/wordprocessingml/main": "w",
    "http://schemas.openxmlformats.org/drawingml/2006/main": "a",
    "http://purl.oclc.org/ooxml/drawingml/main": "a",
    "http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing": "wp",
    "http://purl.oclc.org/ooxml/drawingml/wordprocessingDrawing": "wp",
    "http://schemas.openxmlformats.org/drawingml/2006/picture": "pic",
    "http://purl.oclc.org/ooxml/drawingml/picture": "pic",
    "http://schemas.openxmlformats.org/drawingml/2006/chart": "c",
    "http://purl.oclc.org/ooxml/drawingml/chart": "c",
    "http://schemas.openxmlformats.org/drawingml/2006/diagram": "dgm",
    "http://purl.oclc.org/ooxml/drawingml/diagram": "dgm",
    "http://schemas.openxmlformats.org/officeDocument/2006/math": "m",
    "http://purl.oclc.org/ooxml/officeDocument/math": "m",
    "http://schemas.openxmlformats.org/officeDocument/2006/relationships": "r",
    "http://purl.oclc.org/ooxml/officeDocument/relationships": "r",
    "http://schemas.openxmlformats.org/package/2006/relationships": "rel",
    "http://schemas.openxmlformats.org/package/2006/content-types": "ct",
    "http://schemas.openxmlformats.org/package/2006/metadata/core-properties": "cp",
    "http://schemas.openxmlformats.org/officeDocument/2006/extended-properties": "ep",
    "http://purl.oclc.org/ooxml/officeDocument/extendedProperties": "ep",
    "http://schemas.openxmlformats.org/officeDocument/2006/custom-properties": "op",
    "http://purl.oclc.org/ooxml/officeDocument/customProperties": "op",
    "http://schemas.openxmlformats.org/officeDocument/2006/docPropsVTypes": "vt",
    "http://purl.oclc.org/ooxml/officeDocument/docPropsVTypes": "vt",
    "http://schemas.openxmlformats.org/officeDocument/2006/customXml": "ds",
    "http://purl.oclc.org/ooxml/officeDocument/customXml": "ds",
    "http://schemas.openxmlformats.org/officeDocument/2006/bibliography": "b",
    "http://schemas.openxmlformats.org/markup-compatibility/2006": "mc",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingShape": "wps",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingGroup": "wpg",
    "http://schemas.microsoft.com/office/word/2010/wordml": "w14",
    "http://schemas.microsoft.com/office/word/2012/wordml": "w15",
    "http://schemas.microsoft.com/office/drawing/2008/diagram": "dsp",
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://purl.org/dc/terms/": "dcterms",
    "http://www.w3.org/2001/XMLSchema-instance": "xsi",
    "http://www.w3.org/XML/1998/namespace": "xml",
    "http://www.w3.org/2000/svg": "svg",
    "http://www.w3.org/1999/xlink": "xlink",
    "urn:schemas-microsoft-com:vml": "v",
    "urn:schemas-microsoft-com:office:office": "o",
    "urn:schemas-microsoft-com:office:word": "w10",
}
_KNOWN_STARTS = ("http://schemas.openxmlformats.org/", "http://schemas.microsoft.com/office/", "http://purl.oclc.org/ooxml/")


@lru_cache(maxsize=4_096)
def short(tag: str) -> str:
    """ "w:p" for its name in full; "ms:x" for one of Microsoft's later namespaces; "?:x" for anybody's, "x" for one without."""
    space, _, name = tag.rpartition("}")
    if not space:
        return name
    prefix = _NAMESPACES.get(space[1:])
    if prefix is None:
        prefix = "ms" if space[1:].startswith(_KNOWN_STARTS) else "?"
    return f"{prefix}:{name}"


def kind_of(element: Any) -> str:
    """`short` of an element; "" for comments and instructions."""
    return short(element.tag) if isinstance(element.tag, str) else ""


def get(element: Any, name: str) -> str:
    """An attribute by its last name, in whatever namespace; "" where it isn't there."""
    for key, value in element.attrib.items():
        if key == name or key.endswith("}" + name):
            return str(value)
    return ""


def child(element: Any, name: str) -> Any:
    """The first child of the short name, or None."""
    if element is not None:
        for inner in element:
            if kind_of(inner) == name:
                return inner
    return None


def parsed(data: bytes) -> Any:
    """The root. Errors: FileError UNSAFE_XML where it declares a document type, TOO_LARGE, MALFORMED."""
    text = _text(data)
    declaration = _DECLARATION.match(text)
    body = text[declaration.end() :] if declaration else text.removeprefix("\ufeff")
    start = _PROLOG.match(body)
    if start and body[start.end() : start.end() + 2] == "<!":
        raise FileError("UNSAFE_XML", "It declares a document type, as no DOCX does.", "Save it anew and send that.")
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, encoding="utf-8")
    try:
        return etree.fromstring(body.encode("utf-8", "replace"), parser)
    except etree.XMLSyntaxError as error:
        if "depth" in str(error).lower() or "huge" in str(error).lower():
            raise FileError("TOO_LARGE", "It is nested too deep.", "Save it anew and send that.") from error
        raise FileError("MALFORMED", "A part of the document is no XML.", "Save it anew and send that.") from error
    except (ValueError, etree.LxmlError) as error:
        raise FileError("MALFORMED", "A part of the document is no XML.", "Save it anew and send that.") from error


def _text(data: bytes) -> str:
    for mark, encoding in ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16")):
        if data.startswith(mark):
            return _decoded(data, encoding)
    if data[:2] in {b"<\0", b"\0<"}:
        return _decoded(data, "utf-16-le" if data[0] else "utf-16-be")
    declared = _ENCODING.match(data.lstrip()[:400])
    return _decoded(data, declared[1].decode("ascii") if declared else "utf-8")


def _decoded(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except (UnicodeError, LookupError) as error:
        raise FileError("MALFORMED", "A part of it is in no encoding that XML has.", "Save it anew and send that.") from error


def written(root: Any) -> bytes:
    body: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True, standalone=True)
    return body
