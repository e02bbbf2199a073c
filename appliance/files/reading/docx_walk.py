"""All texts of one part of a DOCX: paragraphs as they are read, and every other text and attribute that may hold a value.

One walk without recursion. Paragraphs inside paragraphs (text boxes) are pieces of their own.
"""

import re
from collections.abc import Iterator
from typing import Any, Literal

import msgspec
from lxml import etree

from appliance.files.document import FileError, Piece, Where
from appliance.files.reading.docx_attributes import attributes, told_name
from appliance.files.reading.docx_looks import VANISHED, Looks
from appliance.files.reading.docx_paragraph import Segment, pieces
from appliance.files.reading.docx_shapes import clipped_paragraph_why, drawn_run_why, row_why, shape_paper, shape_why
from appliance.files.reading.docx_xml import child, get, kind_of
from appliance.files.reading.leaves import Found, Leaf, put_together

PartName = Literal["body", "header", "footer", "footnote", "endnote", "comment", "metadata", "xml", "attachment"]
ROOTS: dict[str, PartName] = {
    "w:hdr": "header",
    "w:ftr": "footer",
    "w:footnotes": "footnote",
    "w:endnotes": "endnote",
    "w:comments": "comment",
    "w:document": "body",
    "w:glossaryDocument": "body",
    "c:chartSpace": "body",
    "dgm:dataModel": "body",
    "dsp:drawing": "body",
    "cp:coreProperties": "metadata",
    "ep:Properties": "metadata",
    "op:Properties": "metadata",
}
_CACHES = frozenset({"c:strCache", "c:numCache", "c:strLit", "c:numLit", "c:multiLvlStrCache"})  # of charts: their labels
_PARAGRAPHS = _CACHES | {"w:p", "a:p", "ms:si", "ms:is", "w:rt", "svg:text"}
_BRANCHES = frozenset({"mc:Choice", "mc:Fallback"})
_APART = frozenset({"m:den", "m:sup", "m:sub", "m:deg", "m:lim", "m:e"})  # above or below of each other, not side by side
_RUNS = frozenset({"w:r", "a:r", "a:fld", "m:r"})
_RUN_TEXTS = frozenset({"w:t", "w:delText", "w:instrText", "w:delInstrText", "a:t", "m:t", "c:v", "ms:t"})
_MARKS = {"w:tab": "\t", "w:br": "\n", "w:cr": "\n", "a:br": "\n", "w:noBreakHyphen": "-", "w:ptab": "\t"}
_DELETED = frozenset({"w:del", "w:moveFrom"})
_INSERTED = frozenset({"w:ins", "w:moveTo"})
_SHAPES = frozenset(
    re.findall(r"[\w:]+", "wp:anchor wp:inline wps:wsp v:shape v:rect v:roundrect v:oval v:textbox w:txbxContent w:pict")
)
_NOISE = re.compile(
    r"-?\d{1,9}(?:\.\d{1,6})?|\{[0-9A-Fa-f-]{36}\}|\d{4}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:\d\d)?)?|General|true|false|[\w-]{1,9}!\$[\w$:]+"
)


class State(msgspec.Struct, frozen=True):
    """What holds for all within an element."""

    deleted: bool = False
    inserted: bool = False
    boxed: bool = False
    why: str = ""
    paper: str | None = None
    row: int = 0
    table: str = ""


class Paragraph:
    def __init__(self, element: Any, styles: tuple[str, str], why: str, paper: str | None) -> None:
        self.element, self.styles, self.why, self.paper = element, styles, why, paper
        self.segments: list[Segment] = []


class Walk:
    """`whole`: what comes twice is told twice (shapes are written in two ways), for redaction."""

    def __init__(self, root: Any, part: PartName, looks: Looks, *, whole: bool = False) -> None:
        self._root, self._part, self._looks, self._whole = root, part, looks, whole
        self._states = [State()]
        self._paragraphs: list[Paragraph] = []
        self._run_whys = [""]  # of runs around: a shape stands in one, and has runs itself
        self._told: set[tuple[str, str]] = set()
        self._names: list[str] = []
        self._branches: list[int | None] = [None]

    def __iter__(self) -> Iterator[Found]:
        yield from self._around_root()
        for event, element in etree.iterwalk(self._root, events=("start", "end", "comment", "pi")):
            if event == "start":
                yield from self._start(element, kind_of(element))
            elif event == "end":
                yield from self._end(element, kind_of(element))
            elif element.text and element.text.strip():
                yield Found(Piece(element.text, Where("xml", name="comment")), ((0, Leaf(element, "drop")),))
            if event == "end" and element.tail and element is not self._root:
                yield from self._tail(element)

    def _around_root(self) -> Iterator[Found]:
        for node in (*self._root.itersiblings(preceding=True), *self._root.itersiblings()):
            if node.text and node.text.strip() and not (node.tag is etree.PI and node.target == "mso-contentType"):
                yield Found(Piece(node.text, Where("xml", name="comment")), ((0, Leaf(node, "drop")),))

    def _start(self, element: Any, kind: str) -> Iterator[Found]:
        if kind in _PARAGRAPHS:
            self._open_paragraph(element, kind)
            if self._is_drawn_text():
                self._add_text(element, kind)
            else:
                yield from self._own_text(element, kind)
        elif kind in _RUNS:
            self._open_run(element, kind)
            yield from self._own_text(element, kind)
        elif (kind in _RUN_TEXTS and self._paragraphs) or self._is_drawn_text():
            self._add_text(element, kind)
        elif kind in _MARKS or kind == "w:sym":
            self._add_mark(element, kind)
        else:
            if kind in _APART and self._paragraphs:
                self._paragraphs[-1].segments.append(Segment(Leaf(None, ""), " "))
            elif kind in _OPENERS:
                self._states.append(self._opened(element, kind))
            elif kind in _BRANCHES:
                self._branches.append(max(self._branches[-1] or 0, element.getparent().index(element)))
            elif kind == "op:property":
                self._names.append(get(element, "name"))
            yield from self._own_text(element, kind)
        for found in attributes(element, kind):
            if self._is_news(found) and (kind != "op:property" or found.leaves[0][1].slot != "@name"):
                yield found

    def _end(self, element: Any, kind: str) -> Iterator[Found]:
        if kind in _PARAGRAPHS:
            paragraph = self._paragraphs.pop()
            self._branches.pop()
            for found in pieces(paragraph.segments, self._where(kind)):
                if self._is_news(found) or not self._is_fallback(element):
                    yield found
        elif kind in _RUNS:
            self._run_whys.pop()
        elif kind in _BRANCHES:
            self._branches.pop()
        elif kind in _APART and self._paragraphs:
            self._paragraphs[-1].segments.append(Segment(Leaf(None, ""), " "))
        elif kind in _OPENERS:
            self._states.pop()
        elif kind == "op:property" and self._names:
            self._names.pop()

    def _tail(self, element: Any) -> Iterator[Found]:
        if self._is_drawn_text():
            self._paragraphs[-1].segments.append(Segment(Leaf(element, "tail"), element.tail))
        elif not element.tail.isspace():
            parts = [(Leaf(element, "tail"), element.tail)]
            for after in element.itersiblings():
                if isinstance(after.tag, str):
                    break
                parts.append((Leaf(after, "tail"), after.tail or ""))
            yield put_together(parts, Piece("", Where("xml")))

    def _is_drawn_text(self) -> bool:
        """In a drawing's text every element goes on where the one before ends."""
        return bool(self._paragraphs) and kind_of(self._paragraphs[-1].element) == "svg:text"

    def _is_news(self, found: Found) -> bool:
        """A shape's text stands there twice, for old and new programs; an author's name, at each change."""
        key = (found.piece.where.part, found.piece.text)
        if key in self._told and not self._whole:
            return False
        self._told.add(key)
        return True

    def _is_fallback(self, element: Any) -> bool:
        return any(kind_of(above) == "mc:Fallback" for above in element.iterancestors()) if self._states[-1].boxed else False

    def _where(self, kind: str) -> Where:
        if self._states[-1].boxed and self._part in {"body", "header", "footer"}:
            return Where("text box")
        name = "chart" if kind.startswith("c:") else ""
        return Where(self._part, name=name)

    def _open_paragraph(self, element: Any, kind: str) -> None:
        state = self._states[-1]
        properties = child(element, "w:pPr") if kind == "w:p" else None
        style = child(properties, "w:pStyle")
        name = get(style, "val") if style is not None else ""
        why = state.why or clipped_paragraph_why(element, properties, self._looks)
        fill = self._looks.paragraph_fill(properties, name or self._looks.default_paragraph)
        paper = fill if fill and fill != "auto" else state.paper
        self._paragraphs.append(Paragraph(element, (state.table, name), why, paper))
        self._branches.append(None)
        if len(self._paragraphs) > 100:
            raise FileError("TOO_LARGE", "It is nested too deep.", "Save it anew and send that.")

    def _open_run(self, element: Any, kind: str) -> None:
        paragraph = self._paragraphs[-1] if self._paragraphs else None
        why = paragraph.why if paragraph else self._states[-1].why
        styles, paper = (paragraph.styles, paragraph.paper) if paragraph else (("", ""), None)
        if kind.startswith("a:"):
            why = why or drawn_run_why(child(element, "a:rPr"))
        else:
            why = why or self._looks.why(child(element, "w:rPr"), styles, paper)
        self._run_whys.append(why)

    def _add_text(self, element: Any, kind: str) -> None:
        code = kind in {"w:instrText", "w:delInstrText"}
        deleted = self._states[-1].deleted or kind in {"w:delText", "w:delInstrText"}
        segments = self._paragraphs[-1].segments
        if kind == "c:v" and segments:
            segments.append(Segment(Leaf(None, ""), "\n"))
        state = self._states[-1]
        why = self._run_whys[-1] or (self._paragraphs[-1].why if kind.startswith("svg:") else "")
        for leaf, text in texts_of(element):
            place = Leaf(leaf.element, "deleted") if deleted else leaf
            segments.append(Segment(place, text, why, code, deleted, state.inserted, self._branches[-1]))

    def _add_mark(self, element: Any, kind: str) -> None:
        if not self._paragraphs or kind_of(element.getparent()) not in {"w:r", "a:p"}:
            return
        text = _MARKS.get(kind) or _symbol(get(element, "char"))
        state = self._states[-1]
        slot = "deleted" if state.deleted else "drop"
        self._paragraphs[-1].segments.append(
            Segment(Leaf(element, slot), text, self._run_whys[-1], False, state.deleted, state.inserted, self._branches[-1])
        )

    def _own_text(self, element: Any, kind: str) -> Iterator[Found]:
        """A text in no paragraph: of properties, custom XML, charts' formulas, and where none should be."""
        parts = texts_of(element)
        text = "".join(text for _, text in parts)
        known = ":" in kind and not kind.startswith("?:")
        if text and not text.isspace() and not (known and kind[:3] != "vt:" and _NOISE.fullmatch(text.strip())):
            name = self._names[-1] if self._names else told_name(element)
            where = Where(self._part if self._part in {"metadata", "attachment"} else "xml", name=name)
            yield put_together(parts, Piece("", where))
        if not known and sum(character.isdigit() for character in kind) >= 4:
            yield Found(Piece(kind.removeprefix("?:"), Where("xml")), ((0, Leaf(element, "drop")),))

    def _opened(self, element: Any, kind: str) -> State:
        state = self._states[-1]
        replace = msgspec.structs.replace
        if kind in _DELETED:
            return replace(state, deleted=True)
        if kind in _INSERTED:
            return replace(state, inserted=True)
        if kind in _SHAPES:
            paper = shape_paper(element, kind, self._looks)
            why = state.why or shape_why(element, kind, self._looks) or (VANISHED if self._run_whys[-1] == VANISHED else "")
            return replace(state, boxed=True, why=why, paper=paper if paper is not None else state.paper)
        if kind == "w:tbl":
            style = child(child(element, "w:tblPr"), "w:tblStyle")
            unknown = self._looks.table_fill(get(style, "val")) if style is not None else None
            fill = self._looks.fill(child(child(element, "w:tblPr"), "w:shd"))
            return replace(
                state, paper=_said(fill) or unknown or state.paper, table=get(style, "val") if style is not None else ""
            )
        if kind == "w:tr":
            return replace(state, why=state.why or row_why(element))
        if kind == "w:tc":
            fill = self._looks.fill(child(child(element, "w:tcPr"), "w:shd"))
            return replace(state, paper=_said(fill) or state.paper)
        return state


_OPENERS = _DELETED | _INSERTED | _SHAPES | {"w:tbl", "w:tr", "w:tc"}


def texts_of(element: Any) -> list[tuple[Leaf, str]]:
    """Its own text, also where a comment stands in the middle of it."""
    parts = [(Leaf(element, "text"), element.text)] if element.text else []
    for inner in element if len(element) else ():
        if isinstance(inner.tag, str):
            break
        if inner.tail:
            parts.append((Leaf(inner, "tail"), inner.tail))
    return parts


def _said(fill: str | None) -> str | None:
    return None if fill == "auto" else fill


def _symbol(code: str) -> str:
    """Symbols' fonts have their letters at F000 and above."""
    try:
        number = int(code, 16)
    except ValueError:
        return ""
    number = number - 0xF000 if 0xF020 <= number <= 0xF0FF else number
    return chr(number) if 0x20 <= number < 0xD800 or 0xE000 <= number <= 0xFFFD else ""


def walk(root: Any, looks: Looks, *, nested: bool = False, whole: bool = False) -> Iterator[Found]:
    """All of a part. `nested`: it belongs to a document inside of the document."""
    part: PartName = "attachment" if nested else ROOTS.get(kind_of(root), "xml")
    return iter(Walk(root, part, looks, whole=whole))
