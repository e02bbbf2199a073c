"""Which attributes of a DOCX's XML hold text: of the thousands that only say how it looks, none is read.

Elements of namespaces that nobody knows (custom XML) are read in full: every attribute, and names that have digits in them.
"""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

from appliance.files.document import Piece, Where
from appliance.files.reading.docx_xml import get, kind_of, short
from appliance.files.reading.leaves import Found, Leaf
from appliance.files.reading.links import without_suffix

_ALTERNATIVE = frozenset({"descr", "title", "alt", "tooltip"})
_TEXT = frozenset({"instr", "displayText", "author", "initials", "userId", "href", "string", "ed", "formatString"})
_VALUES = frozenset(  # whose attribute `val` is a text
    re.findall(
        r"\w+",
        "alias tag default helpText statusText listEntry name description lvlText connectString query udl src tblCaption "
        "tblDescription docPart category result mailSubject addressFieldName headerSource dataSource attachedSchema text "
        "storeItemID aliases entryMacro exitMacro bookFoldPrinting suff",
    )
)
_NAMED = {
    "w:docVar": ("name", "val"),
    "w:attr": ("name", "val"),
    "w:bookmarkStart": ("name",),
    "w:hyperlink": ("anchor", "docLocation"),
    "w:listItem": ("value",),
    "w:dataBinding": ("xpath", "prefixMappings"),
    "wp:docPr": ("name",),
    "pic:cNvPr": ("name",),
    "wps:cNvPr": ("name",),
    "wpg:cNvPr": ("name",),
    "a:hlinkClick": ("action",),
    "c:cNvPr": ("name",),
    "w:ptab": (),
}
_USUAL_NAME = re.compile(
    r"(?:_GoBack|_Toc\d+|_Ref\d+|_Hlk\d+|(?:Picture|Image|Grafik|Text ?Box|Chart|Diagram|Rectangle|Group|Shape) ?\d*)"
)
_TECHNICAL = frozenset(
    re.findall(r"\w+", "style path adj coordsize coordorigin points Requires Ignorable d transform viewBox gradientTransform")
)
_TEXTLIKE = re.compile(r"@|\d{3}[-. ]\d{2}|\d{12}|\+\d{7}|[A-Za-z]{5}\d{4}[A-Za-z]\b")
_HARMLESS = re.compile(
    r"\{?[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\}?|\d{4}-\d\d-\d\dT[\d:.]+(?:Z|[+-]\d\d:\d\d)?|0x[0-9A-Fa-f]+|[0-9A-F]{16,}"
)
_STYLE_WORDS = frozenset(  # that names of Word's own styles are made of
    re.findall(
        r"\w+",
        "accent address annotation balloon block body bibliography book bullet caption char closing code colorful comment "
        "contents continue dark date default definition document e emphasis endnote envelope figure first followed font footer "
        "footnote grid header heading html hyperlink indent index intense keyboard light line link list macro map mail medium "
        "mention message no normal note number of outline page paragraph placeholder plain preformatted quote reference return "
        "revision salutation sample shading signature smart spacing strong style subject subtitle subtle table text theme title "
        "toa toc typewriter unresolved variable web acronym authorities cite sign",
    )
)
_FOREIGN_SKIPPED = frozenset({"xsi", "xml", "mc"})


def attributes(element: Any, kind: str) -> Iterator[Found]:
    """`kind`: its short name."""
    if not element.attrib:
        return
    foreign = ":" not in kind or kind.startswith("?:")
    for key, value in element.attrib.items():
        name = short(key)
        prefix, _, last = name.rpartition(":")
        if not value or value.isspace() or (foreign and prefix in _FOREIGN_SKIPPED):
            continue
        if kind == "rel:Relationship":
            yield from _relation(element, key, last, value)
        elif foreign or _is_text(kind, last, value):
            yield Found(Piece(without_suffix(value), _where(kind, last, value)), ((0, Leaf(element, "@" + key)),))


def _is_text(kind: str, name: str, value: str) -> bool:
    is_value = name == "val" and kind.startswith(("w:", "w14:", "w15:")) and kind.partition(":")[2] in _VALUES
    is_text = is_value or name in _ALTERNATIVE or name in _TEXT or name in _NAMED.get(kind, ())
    if not is_text and (len(value) < 6 or name in _TECHNICAL or not _TEXTLIKE.search(value)):
        return False
    if is_value and _is_usual_value(kind, value):
        return False
    return not _USUAL_NAME.fullmatch(value) and not _HARMLESS.fullmatch(value)


def _is_usual_value(kind: str, value: str) -> bool:
    """Names of Word's own styles, and numbers and marks of lists."""
    if kind == "w:lvlText":
        return re.fullmatch(r"(?:%\d|[^\w%]|[a-zA-Z\uf000-\uf0ff](?![a-zA-Z]))*", value) is not None
    return kind == "w:name" and all((word.isdigit() and len(word) < 3) or word in _STYLE_WORDS for word in value.lower().split())


def _where(kind: str, name: str, value: str) -> Where:
    if name in _ALTERNATIVE or kind in {"w:tblCaption", "w:tblDescription"} or kind.endswith((":docPr", ":cNvPr")):
        return Where("alternative text")
    if name == "instr" or kind in {"w:default", "w:helpText", "w:statusText", "w:listEntry", "w:listItem"}:
        return Where("field")
    if kind == "w:bookmarkStart" or (kind == "w:hyperlink" and name == "anchor"):
        return Where("bookmark")
    if name == "href" or (kind == "w:hyperlink" and name == "docLocation"):
        return Where("link")
    if kind == "w:comment":
        return Where("comment", name=name)
    if name in {"author", "initials", "userId"}:
        return Where("metadata", name=name)
    if kind == "v:textpath":
        return Where("text box")
    return Where("xml", name=name)


def _relation(element: Any, key: str, name: str, value: str) -> Iterator[Found]:
    """What a part points to: outside of the document it is told, inside only where it looks like a text."""
    outside = get(element, "TargetMode").lower() == "external"
    if name != "Target" and not (_TEXTLIKE.search(value) and not _HARMLESS.fullmatch(value)):
        return
    if name == "Target" and not outside and not _TEXTLIKE.search(value):
        return
    yield Found(Piece(value, Where("link")), ((0, Leaf(element, "@" + key)),))
    plain = unquote(value)
    if plain != value:
        yield Found(Piece(plain, Where("link")), ((0, Leaf(element, "=" + key)),))


def told_name(element: Any) -> str:
    """Of what a text in custom XML or in properties is the value."""
    return get(element, "name") if kind_of(element) == "op:property" else kind_of(element).rpartition(":")[2]
