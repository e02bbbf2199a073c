"""DOCX files made for tests: a value in each place where one can stand."""

import io
import zipfile
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

import docx
from docx.document import Document as DocxDocument
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls

CARD = "4111 1111 1111 1111"
W = nsdecls("w")
SHAPES = (
    f"{W} {nsdecls('wp', 'a')} "
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:v="urn:schemas-microsoft-com:vml" xmlns:o="urn:schemas-microsoft-com:office:office" '
    'xmlns:w14="http://schemas.microsoft.com/office/word/2010/wordml"'
)


def run(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(inner: str, properties: str = "") -> str:
    return f"<w:p {SHAPES}><w:pPr>{properties}</w:pPr>{inner}</w:p>"


def made(
    fill: Callable[[DocxDocument], object] | None = None, *, body: str = "", parts: Mapping[str, bytes | str] | None = None
) -> bytes:
    """A document of python-docx's, with `body` (paragraphs' XML) at its end and `parts` added or put in place of its own."""
    document = docx.Document(io.BytesIO(_small()))
    if fill is not None:
        fill(document)
    if body:
        holder = parse_xml(f"<w:body {SHAPES}>{body}</w:body>")
        end = document.element.body.sectPr
        for each in list(holder):
            end.addprevious(each)
    buffer = io.BytesIO()
    document.save(buffer)
    return with_parts(buffer.getvalue(), parts or {})


@cache
def _small() -> bytes:
    """python-docx's template without its 164 styles, twice, that every test would read and write."""
    document = docx.Document()
    for style in list(document.styles):
        if style.name not in {"Normal", "Header", "Footer", "Table Grid"}:
            style.element.getparent().remove(style.element)
    for key, relation in list(document.part.rels.items()):
        if relation.reltype.endswith("stylesWithEffects"):
            del document.part.rels[key]
    buffer = io.BytesIO()
    document.save(buffer)
    return buffer.getvalue()


def with_parts(data: bytes, parts: Mapping[str, bytes | str]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for info in old.infolist():
            if info.filename not in parts:
                new.writestr(info.filename, old.read(info))
        for name, content in parts.items():
            new.writestr(name, content)
    return buffer.getvalue()


def part(data: bytes, name: str) -> bytes:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read(name)


def saved(folder: Path, data: bytes, name: str = "file.docx") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def everything(data: bytes) -> list[bytes]:
    """The file as it is and each part of it unpacked, packages inside of it too."""
    found = [data]
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        for info in archive.infolist():
            content = archive.read(info)
            found += [info.filename.encode(), content]
            if content[:4] == b"PK\3\4":
                found += everything(content)
    return found
