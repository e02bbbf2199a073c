"""HTML, XHTML, SVG and other XML: texts, attributes that hold text, comments, scripts, and what nobody sees.

Read by lxml's HTML parser, which knows no entities but HTML's own and fetches nothing. XML goes through it as well: then nothing
that a document type declares is expanded either, and such a declaration makes the file UNSAFE_XML.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from lxml import etree, html

from appliance.files.document import PIECES_MAX, Change, Document, FileError, Notice, Piece, Redacted, Where
from appliance.files.reading.html_otherwise import css_text, other_text, without_marks
from appliance.files.reading.html_style import hidden_why
from appliance.files.reading.leaves import Edit, Found, Leaf, LeafEdits, edited, put_together
from appliance.files.reading.links import holds_picture, link_text, page_text
from appliance.files.reading.texts import bytes_of, decode

DEPTH_MAX = 2_000
_TEXT_ATTRIBUTES = frozenset(
    re.findall(r"\w+", "alt title value content placeholder label summary abbr cite name id datetime srcdoc prompt")
)
_LINK_ATTRIBUTES = frozenset(re.findall(r"\w+", "href src action formaction data poster longdesc background srcset ping"))
_BLOCKS = frozenset(
    re.findall(
        r"\w+",
        "address article aside blockquote body br button caption center dd details dialog div dl dt fieldset figcaption figure "
        "footer form h1 h2 h3 h4 h5 h6 head header hr html legend li main nav ol option p pre section select summary table tbody "
        "td text textarea tfoot th thead title tr ul",
    )
)
_UNSEEN = {"template": "template", "noembed": "noembed"}
_DECLARED = re.compile(r"<!\s*ENTITY\b|<!DOCTYPE[^>\[]*\[", re.IGNORECASE)
_ENDS = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)  # browsers show what stands behind them; the parser drops it
_UNFINISHED = re.compile(r"<[A-Za-z][^<>]*$")
UNFINISHED_MAX = 10_000
_CHARSET = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{2,40})", re.IGNORECASE)


def read(path: Path, password: str | None = None) -> Document:
    """Texts by block, in their order; `handle`: the number of the piece.

    Errors: FileError TOO_LARGE, UNSAFE_XML, MALFORMED.
    """
    tree, lost = _tree(path)
    document = Document(kind="html")
    for found in _found(tree):
        if len(document.pieces) >= PIECES_MAX:
            document.unread.append("what follows after the first 200,000 texts")
            break
        found.piece.handle = str(len(document.pieces))
        document.pieces.append(found.piece)
    if any(piece.where.part == "link" and holds_picture(piece.text) for piece in document.pieces):
        document.unread.append("pictures inside of the page")
    if lost:
        document.unread.append(f"{lost} characters that are none in its encoding")
    if any(piece.where.part == "script" for piece in document.pieces):
        document.notices.append(Notice("JAVASCRIPT", "It holds scripts."))
    return document


def redact(path: Path, password: str | None, changes: Sequence[Change], result: Path) -> Redacted:
    """`path` with `changes` made, in UTF-8. Comments and scripts that hold one go as a whole."""
    tree, _ = _tree(path)
    by_piece: dict[int, list[Change]] = {}
    for change in changes:
        by_piece.setdefault(change.piece, []).append(change)
    edits = LeafEdits()
    for number, found in enumerate(_found(tree)):
        for change in by_piece.get(number, ()):
            edits.add(found, change.start, change.end, change.text)
    for leaf, list_of in edits:
        _write(leaf, list_of)
    body: bytes = etree.tostring(tree, encoding="utf-8", method="html", doctype="<!DOCTYPE html>")
    result.write_bytes(body)
    return Redacted("html", 0)


def _tree(path: Path) -> tuple[Any, int]:
    data = bytes_of(path)
    declared = _CHARSET.search(data[:4_096])
    decoded = decode(data)
    text, lost = decoded.text, decoded.lost
    if declared and decoded.encoding not in {"utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"} and not decoded.marked:
        try:
            text = data.decode(declared[1].decode("ascii"), "replace")
            lost = text.count("\ufffd")
        except LookupError:
            pass
    if _DECLARED.search(text[:1_000_000]):
        raise FileError("UNSAFE_XML", "It declares entities, which can hide or multiply what it says.", "Send it without them.")
    text = re.sub(r"^\s*<\?xml[^>]*\?>", "", text.replace("\0", ""))
    text = _ENDS.sub("", text)
    if begun := _UNFINISHED.search(text[-UNFINISHED_MAX:]):  # the parser drops it: whoever looks into the file sees it
        text += next((quote for quote in "'\"" if begun[0].count(quote) % 2), "") + ">"
    if not text.strip():
        raise FileError("EMPTY_FILE", "The file holds nothing.", "Send a file with content.")
    parser = html.HTMLParser(encoding="utf-8", no_network=True, huge_tree=True, remove_comments=False)
    try:
        tree = html.document_fromstring(text.encode("utf-8", "replace"), parser=parser)
    except (etree.LxmlError, ValueError, AssertionError) as error:
        raise FileError("MALFORMED", "It is no HTML that can be read.", "Save it anew.") from error
    return tree, lost


def _found(tree: Any) -> Iterator[Found]:
    """Walks without recursion: depth costs nothing but the list of what is open."""
    yield from _ahead(tree)
    block: list[tuple[Leaf, str]] = []
    unseen: list[tuple[Leaf, str]] = []  # within it
    unseen_why = ""
    why: list[str] = [""]
    for event, element in etree.iterwalk(tree, events=("start", "end", "comment", "pi")):
        if event in {"comment", "pi"}:
            yield from _unshown(element, Where("comment"))
        elif event == "start":
            if len(why) > DEPTH_MAX:
                raise FileError("TOO_LARGE", "It is nested too deep.", "Send it with fewer elements inside each other.")
            tag = _name(element)
            mine = why[-1] or hidden_why(element) or _UNSEEN.get(tag, "")
            if tag in _BLOCKS or mine != unseen_why:
                yield from _joined(unseen, unseen_why)
                unseen, unseen_why = [], mine
            if tag in _BLOCKS and not mine:
                yield from _joined(block, "")
                block = []
            why.append(mine)
            yield from _attributes(element)
            if tag in {"script", "style"}:
                yield from _script(element, tag)
            elif element.text:
                (unseen if mine else block).append((Leaf(element, "text"), element.text))
            continue
        if event == "end":
            mine = why.pop()
            if _name(element) in _BLOCKS or why[-1] != unseen_why:
                yield from _joined(unseen, unseen_why)
                unseen, unseen_why = [], why[-1]
            if _name(element) in _BLOCKS and not mine:
                yield from _joined(block, "")
                block = []
        if element.tail and element is not tree:
            (unseen if why[-1] else block).append((Leaf(element, "tail"), element.tail))
    yield from _joined(unseen, unseen_why)
    yield from _joined(block, "")


def _ahead(tree: Any) -> Iterator[Found]:
    """Comments before the root."""
    node = tree.getprevious()
    while node is not None:
        yield from _unshown(node, Where("comment"))
        node = node.getprevious()


def _name(element: Any) -> str:
    return element.tag.lower() if isinstance(element.tag, str) else ""


def _joined(block: list[tuple[Leaf, str]], why: str) -> Iterator[Found]:
    found = put_together(block, Piece("", hidden=why))
    if found.piece.text.strip():
        yield found
        if other := without_marks(found):
            yield other


def _script(element: Any, tag: str) -> Iterator[Found]:
    yield from _unshown(element, Where("script") if tag == "script" else Where("xml", name="style"), tag)


def _unshown(element: Any, where: Where, tag: str = "") -> Iterator[Found]:
    """A comment, script or style sheet: as it is, and what it says besides."""
    text = element.text or ""
    for said in (text, other_text(text, tag)):
        if said.strip():
            yield Found(Piece(said, where), ((0, Leaf(element, "text")),))


def _attributes(element: Any) -> Iterator[Found]:
    for name, value in element.attrib.items():
        if not value.strip() or not isinstance(name, str):
            continue
        lowered = name.lower().rpartition("}")[2]
        if lowered in {"alt", "title"} or lowered.startswith("aria-"):
            where = Where("alternative text")
        elif lowered in _LINK_ATTRIBUTES or lowered == "xlink:href":
            where = Where("link")
        elif lowered in _TEXT_ATTRIBUTES or lowered.startswith("data-"):
            where = Where("field" if lowered in {"value", "placeholder"} else "metadata", name=lowered)
        elif lowered.startswith("on"):
            where = Where("script", name=lowered)
        elif lowered == "style" and (said := css_text(value)):
            yield Found(Piece(said, Where("xml", name=lowered)), ((0, Leaf(element, "=" + name)),))
            continue
        elif "@" in value or re.search(r"\d[\d .-]{6,}\d", value):
            where = Where("xml", name=lowered)
        else:
            continue
        yield Found(Piece(value, where), ((0, Leaf(element, "@" + name)),))
        other = link_text(value) if where.part == "link" else page_text(value) if lowered == "srcdoc" else ""
        if other:
            yield Found(Piece(other, where), ((0, Leaf(element, "=" + name)),))


def _write(leaf: Leaf, edits: list[Edit]) -> None:
    element, slot = leaf
    if slot == "tail":
        element.tail = edited(element.tail or "", edits)
    elif slot in {"*text", "*tail"}:
        setattr(element, slot[1:], next((edit.text for edit in edits if edit.text), ""))
    elif slot[0] == "=":
        element.set(slot[1:], next((edit.text for edit in edits if edit.text), ""))
    elif slot[0] == "@":
        element.set(slot[1:], edited(element.get(slot[1:]) or "", edits))
    elif not isinstance(element.tag, str) or _name(element) in {"script", "style"}:
        element.text = ""
    else:
        element.text = edited(element.text or "", edits)
