"""DOCX files written part by part: what Word keeps, and no library shows."""

import io
import zipfile
from xml.sax.saxutils import escape

NAMES = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape" '
    'xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math" '
    'xmlns:v="urn:schemas-microsoft-com:vml"'
)
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/"
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml."
OFFICE = "application/vnd.openxmlformats-officedocument."


def run(words: str, properties: str = "", tag: str = "t") -> str:
    own = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{own}<w:{tag} xml:space="preserve">{escape(words)}</w:{tag}></w:r>'


def paragraph(*runs: str, properties: str = "") -> str:
    own = f"<w:pPr>{properties}</w:pPr>" if properties else ""
    return f"<w:p>{own}{''.join(runs)}</w:p>"


def said(words: str) -> str:
    return paragraph(run(words))


class Docx:
    """A package. Relations of the main part get their ids in the order in which they are asked for."""

    def __init__(self, main: str = "word/document.xml") -> None:
        self.main = main
        self.parts: dict[str, bytes] = {}
        self.body: list[str] = []
        self.section = ""  # inside sectPr
        self._types = {main: WORD + "document.main+xml"}
        self._relations: list[tuple[str, str, bool]] = []
        self._package = [(RELATIONS + "officeDocument", main)]

    def part(self, name: str, data: str | bytes, kind: str = "") -> None:
        """`kind`: its content type; "": by the end of its name."""
        self.parts[name] = data if isinstance(data, bytes) else (HEAD + data).encode()
        if kind:
            self._types[name] = kind

    def relation(self, kind: str, target: str, external: bool = False) -> str:
        """Of the main part; its id."""
        self._relations.append((kind if ":" in kind else RELATIONS + kind, target, external))
        return f"rId{len(self._relations)}"

    def related(self, kind: str, name: str, data: str | bytes, content: str = "") -> str:
        """A part in word/, and the relation to it."""
        self.part(f"word/{name}", data, content)
        return self.relation(kind, name)

    def of_package(self, kind: str, name: str, data: str, content: str) -> None:
        self.part(name, data, content)
        self._package.append((kind, name))

    def file(self) -> bytes:
        document = f"<w:document {NAMES}><w:body>{''.join(self.body)}<w:sectPr>{self.section}</w:sectPr></w:body></w:document>"
        relations = [
            (kind, target, ' TargetMode="External"' if is_outside else "") for kind, target, is_outside in self._relations
        ]
        parts = {
            "[Content_Types].xml": (HEAD + self._content_types()).encode(),
            "_rels/.rels": _relations([(kind, name, "") for kind, name in self._package]),
            self.main: (HEAD + document).encode(),
            f"word/_rels/{self.main.rpartition('/')[2]}.rels": _relations(relations),
            **self.parts,
        }
        return zipped(parts)

    def _content_types(self) -> str:
        known = {
            "rels": PACKAGE.replace("http://schemas.openxmlformats.org/package/2006/", "application/vnd.openxmlformats-package.")
        }
        known["rels"] += "relationships+xml"
        known |= {"xml": "application/xml", "png": "image/png", "jpeg": "image/jpeg", "html": "text/html", "txt": "text/plain"}
        known |= {"docx": WORD + "document.main+xml", "bin": "application/octet-stream"}
        defaults = "".join(f'<Default Extension="{end}" ContentType="{kind}"/>' for end, kind in known.items())
        own = "".join(f'<Override PartName="/{name}" ContentType="{kind}"/>' for name, kind in self._types.items())
        return f'<Types xmlns="{PACKAGE}content-types">{defaults}{own}</Types>'


def _relations(rows: list[tuple[str, str, str]]) -> bytes:
    items = "".join(
        f'<Relationship Id="rId{place}" Type="{kind}" Target="{escape(target, {chr(34): "&quot;"})}"{mode}/>'
        for place, (kind, target, mode) in enumerate(rows, 1)
    )
    return (HEAD + f'<Relationships xmlns="{PACKAGE}relationships">{items}</Relationships>').encode()


def zipped(parts: dict[str, bytes], level: int = 6) -> bytes:
    """A ZIP whose times are always the same."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=level) as package:
        for name, data in parts.items():
            entry = zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            package.writestr(entry, data, compresslevel=level)
    return out.getvalue()
