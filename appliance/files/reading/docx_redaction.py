"""A DOCX written anew, with values replaced in every part that holds them and its formatting kept.

Two passes: the first learns the values, the second writes part by part: the changes that were asked for, then every other place
where a value of them stands (an attribute, the old form of a shape, a property). Comments in its XML, revision marks, its preview
picture, macros and what can't be read are left out.
"""

import html
import io
import posixpath
import re
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import unquote

from lxml import etree

from appliance.files.document import Change, Piece, Redacted, Span
from appliance.files.reading.docx_looks import Looks
from appliance.files.reading.docx_package import Package, Part
from appliance.files.reading.docx_pictures import BLANK_PNG, painted, without_metadata
from appliance.files.reading.docx_walk import walk
from appliance.files.reading.docx_write import dropped_element, write_leaf
from appliance.files.reading.docx_xml import get, kind_of, written
from appliance.files.reading.leaves import Edit, LeafEdits, edited
from appliance.files.reading.links import page_text

VALUE_CHARACTERS_MIN = 7  # shorter ones are words too: they are replaced where they were found, not wherever they stand
REMOVED_CHARACTERS_MIN = 20  # of what nothing stands instead of, such as hidden text: a word of it may be seen elsewhere
_DATE = (1980, 1, 1, 0, 0, 0)
_PLAIN_TYPES = {
    "application/vnd.ms-word.document.macroEnabled.main+xml": "document",
    "application/vnd.ms-word.template.macroEnabledTemplate.main+xml": "template",
}
_LEFT_OUT = ("/thumbnail", "/vbaProject", "/wordVbaData")  # ends of relations' types


class Plan:
    """What is to change. values: text → what stands there instead. boxes: of pictures, by name. gone: names of parts."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.by_piece: dict[int, list[Change]] = {}
        for change in changes:
            self.by_piece.setdefault(change.piece, []).append(change)
        self.values: dict[str, str] = {}
        self.boxes: dict[str, list[Span]] = {}
        self.gone: set[str] = set()
        self.dropped: list[str] = []
        self.number = 0  # of the next piece

    def learn(self, piece: Piece, number: int) -> None:
        for change in self.by_piece.get(number, ()):
            value = piece.text[change.start : change.end].strip()
            if len(value) >= (VALUE_CHARACTERS_MIN if change.text else REMOVED_CHARACTERS_MIN):
                self.values.setdefault(value, change.text)

    def drop(self, what: str) -> None:
        if what not in self.dropped:
            self.dropped.append(what)


def redact(package: Package, changes: Sequence[Change], seen: Sequence[Piece], result: Path) -> Redacted:
    """Errors: FileError, as reading."""
    plan = Plan(changes)
    _learn(package, plan)
    for number, piece in enumerate(seen, plan.number):
        plan.learn(piece, number)
        for change in plan.by_piece.get(number, ()):
            spans = [span for span in piece.spans if span.start < change.end and change.start < span.end] or piece.spans
            plan.boxes.setdefault(piece.where.name, []).extend(spans or [Span(0, 0, 0.0, 0.0, 1.0, 1.0)])
    if package.archive.was_encrypted:
        plan.drop("its password")
    plan.number = 0
    package.archive.again()
    with result.open("wb") as file:
        _write(package, plan, file, depth=0)
    return Redacted("docx", 0, plan.dropped)


def _learn(package: Package, plan: Plan) -> None:
    """In the order of reading."""
    for part in package.parts():
        for found in part.found:
            plan.learn(found.piece, plan.number)
            plan.number += 1
        if part.root is not None and kind_of(part.root) == "rel:Relationships":
            for relation in part.root:
                if get(relation, "Type").endswith(_LEFT_OUT):
                    plan.gone.add(_target(part.entry.name, get(relation, "Target")))
        if part.inner is not None:
            _learn(part.inner, plan)
            part.inner.archive.close()
    for found in package.between():
        plan.learn(found.piece, plan.number)
        plan.number += 1


def _write(package: Package, plan: Plan, file: BinaryIO, depth: int) -> None:
    spelling: dict[str, str] = {}  # of names that differ in capital letters alone, the first
    for entry in package.archive.entries:
        spelling.setdefault(entry.name.lower(), entry.name)
    last = {entry.name: entry.number for entry in package.archive.entries if spelling[entry.name.lower()] == entry.name}
    names = _new_names(package, plan)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in package.parts():
            data = _part(part, plan, names, depth)
            name = part.entry.name
            if data is not None and last.get(name) == part.entry.number and name.lower() not in plan.gone:
                archive.writestr(zipfile.ZipInfo(names.get(name, name), _DATE), data, zipfile.ZIP_DEFLATED)
    plan.number += len(package.between())


def _part(part: Part, plan: Plan, names: dict[str, str], depth: int) -> bytes | None:
    """What it becomes. None: it is left out. Counts its pieces in any case."""
    start = plan.number
    plan.number += len(part.found)
    if part.entry.name.lower() in plan.gone:
        plan.drop("its preview picture" if part.kind in {"picture", "font"} else "its macros")
    if part.inner is not None:
        return _inner(part.inner, plan, depth)
    if part.kind == "folder":
        return None
    if part.kind == "xml":
        return _xml(part, start, plan, names)
    touched = any(number in plan.by_piece for number in range(start, plan.number))
    if part.kind == "text":
        return _text(part, start, plan)
    if part.kind == "picture":
        boxes = plan.boxes.get(part.entry.name.rpartition("/")[2])
        if part.unread:
            plan.drop("pictures that can't be read")
            return BLANK_PNG
        return painted(part.data, boxes) if boxes else without_metadata(part.data, has_texts=bool(part.found))
    if part.kind == "metafile":
        if touched or part.unread:
            plan.drop("pictures of kinds that aren't drawn")
            return BLANK_PNG
        return part.data
    if part.unread:
        plan.drop("embedded objects that can't be read" if part.kind == "other" else "its macros")
        return b"" if part.kind == "other" else None
    return part.data


def _inner(package: Package, plan: Plan, depth: int) -> bytes:
    package.archive.again()
    buffer = io.BytesIO()
    _write(package, plan, buffer, depth + 1)
    return buffer.getvalue()


def _text(part: Part, start: int, plan: Plan) -> bytes:
    """As it is written; where a value goes over its marks, the words that it shows alone."""
    written = _with_changes(part.found[0].piece.text, start, plan)
    if len(part.found) > 1 and start + 1 in plan.by_piece:
        shown = part.found[1].piece.text
        values = {shown[change.start : change.end] for change in plan.by_piece[start + 1]}
        if any(value in page_text(written) for value in values):
            return html.escape(_with_changes(shown, start + 1, plan)).encode("utf-8", "replace")
    return written.encode("utf-8", "replace")


def _with_changes(text: str, number: int, plan: Plan) -> str:
    text = edited(text, [Edit(change.start, change.end, change.text) for change in plan.by_piece.get(number, ())])
    for value, instead in plan.values.items():
        text = text.replace(value, instead)
    return text


def _xml(part: Part, start: int, plan: Plan, names: dict[str, str]) -> bytes:
    root = part.root
    edits = LeafEdits()
    for number, found in enumerate(part.found, start):
        for change in plan.by_piece.get(number, ()):
            edits.add(found, change.start, change.end, change.text)
    for leaf, list_of in edits:
        write_leaf(root, leaf, list_of)
    _tidy(root)
    if plan.values:
        _sweep(root, plan.values)
    kind = kind_of(root)
    if kind == "rel:Relationships":
        _relations(root, part.entry.name, plan, names)
    elif kind == "ct:Types":
        _types(root, plan, names)
    return written(root)


def _tidy(root: Any) -> None:
    """Without what no reader shows: comments, instructions, marks of who edited when together."""
    for node in [*root.iter(etree.Comment), *root.iter(etree.PI)]:
        dropped_element(node)
    for element in root.iter("{*}rsids"):
        if kind_of(element) == "w:rsids":
            dropped_element(element)
            break
    for element in root.iter(etree.Element):
        for key in [key for key in element.attrib if "}rsid" in key]:
            del element.attrib[key]


def _sweep(root: Any, values: dict[str, str]) -> None:
    """Values wherever else they stand, also split over runs."""
    expression = re.compile("|".join(re.escape(value) for value in sorted(values, key=len, reverse=True)))
    edits = LeafEdits()
    for found in walk(root, Looks(), whole=True):
        for match in expression.finditer(found.piece.text):
            edits.add(found, match.start(), match.end(), values[match[0]])
    for leaf, list_of in edits:
        write_leaf(root, leaf, list_of)
    for element in root.iter(etree.Element):
        for key, value in element.attrib.items():
            if expression.search(value):
                element.set(key, expression.sub(lambda match: values[match[0]], value))
        for slot in ("text", "tail"):
            text = getattr(element, slot)
            if text and expression.search(text):
                setattr(element, slot, expression.sub(lambda match: values[match[0]], text))


def _new_names(package: Package, plan: Plan) -> dict[str, str]:
    """Parts whose names hold a value get other ones."""
    names: dict[str, str] = {}
    for entry in package.entries:
        if any(value in unquote(entry.name) for value in plan.values):
            folder, _, last = entry.name.rpartition("/")
            suffix = posixpath.splitext(last)[1]
            names[entry.name] = posixpath.join(folder, f"part{entry.number}{suffix}")
    return names


def _target(relations: str, target: str) -> str:
    """The name in the archive of what a part's list of relations names, in small letters."""
    folder = posixpath.dirname(posixpath.dirname(relations))
    return posixpath.normpath(posixpath.join("/", folder, unquote(target))).lstrip("/").lower()


def _relations(root: Any, name: str, plan: Plan, names: dict[str, str]) -> None:
    lowered = {old.lower(): new for old, new in names.items()}
    for relation in list(root):
        if get(relation, "TargetMode").lower() == "external":
            continue
        target = _target(name, get(relation, "Target"))
        if target in plan.gone:
            root.remove(relation)
        elif target in lowered:
            relation.set("Target", "/" + lowered[target])


def _types(root: Any, plan: Plan, names: dict[str, str]) -> None:
    lowered = {old.lower(): new for old, new in names.items()}
    for each in list(root):
        part = unquote(get(each, "PartName")).lstrip("/").lower()
        if part in plan.gone:
            root.remove(each)
            continue
        if part in lowered:
            each.set("PartName", "/" + lowered[part])
        plain = _PLAIN_TYPES.get(get(each, "ContentType"))
        if plain:
            each.set("ContentType", f"application/vnd.openxmlformats-officedocument.wordprocessingml.{plain}.main+xml")
