"""Files that are made to break their reader. Each must be answered, by one of the codes that are right or as what it is."""

import random
import struct
import zlib
from collections.abc import Iterator

from tests.eval.files import hostile_pdf
from tests.eval.files.docx_bytes import HEAD, NAMES, PACKAGE, RELATIONS, Docx, said, zipped
from tests.eval.files.made import HOSTILE, MadeFile
from tests.eval.files.pdf_bytes import Pdf
from tests.eval.files.pdf_writing import line

ANY = ("MALFORMED", "TOO_LARGE", "TIMEOUT", "UNSUPPORTED")
NAMES_TO_FEAR = (
    "../../x.txt",
    "..\\..\\x.txt",
    "/etc/x.txt",
    "a\0b.txt",
    "x" * 300 + ".txt",
    "\u202etxt.fdp",
    "CON",
    "-rf",
    "",
    "a\tb.txt",
)
LARGE = ("TOO_LARGE", "MALFORMED", "TIMEOUT")


def hostile(name: str, data: bytes, kind: str, codes: tuple[str, ...], *, may_be_read: bool = False) -> MadeFile:
    return MadeFile(name, data, kind, HOSTILE, codes=codes, may_be_read=may_be_read)


def broken(source: random.Random) -> Iterator[MadeFile]:
    """Empty, cut, random, of two kinds at once."""
    pdf, docx = Pdf(), Docx()
    pdf.page(line("Some words of prose", 50, 700))
    docx.body.append(said("Some words of prose"))
    for end in ("pdf", "docx", "png", "txt"):
        yield hostile(f"empty.{end}", b"", "other", ("EMPTY_FILE",))
    whole = pdf.file()
    for share in (0.1, 0.5, 0.9):
        yield hostile(f"cut-{share}.pdf", whole[: int(len(whole) * share)], "pdf", ("MALFORMED",), may_be_read=True)
    package = docx.file()
    yield hostile("cut.docx", package[: len(package) // 2], "other", ("MALFORMED", "UNSUPPORTED"))
    yield hostile("head-only.pdf", b"%PDF-1.7\n", "pdf", ("MALFORMED", "EMPTY_FILE"))
    yield hostile("noise.pdf", b"%PDF-1.7\n" + source.randbytes(20_000), "pdf", ("MALFORMED",))
    yield hostile("noise.bin", source.randbytes(20_000), "other", ("UNSUPPORTED", "MALFORMED"), may_be_read=True)
    yield hostile("noise.png", b"\x89PNG\r\n\x1a\n" + source.randbytes(5_000), "png", ("MALFORMED",))
    yield hostile("noise.jpeg", b"\xff\xd8\xff\xe0" + source.randbytes(5_000), "jpeg", ("MALFORMED",))
    yield hostile("noise.docx", b"PK\3\4" + source.randbytes(5_000), "other", ("MALFORMED", "UNSUPPORTED"))
    yield hostile("pdf-and-zip.pdf", whole + package, "pdf", (*ANY, "TYPE_MISMATCH"), may_be_read=True)
    yield hostile("gif-and-pdf.gif", b"GIF89a" + b"\0" * 20 + whole, "gif", (*ANY, "TYPE_MISMATCH"), may_be_read=True)
    yield hostile("program.pdf", b"MZ" + source.randbytes(2_000), "other", ("UNSUPPORTED", "MALFORMED"))
    yield hostile("old.doc", bytes.fromhex("D0CF11E0A1B11AE1") + bytes(4096), "other", ("UNSUPPORTED", "MALFORMED", "ENCRYPTED"))
    sheet = {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>"}
    yield hostile("table.xlsx", zipped(sheet), "other", ("UNSUPPORTED", "MALFORMED"))
    yield hostile("nothing.docx", zipped({}), "other", ("UNSUPPORTED", "MALFORMED", "EMPTY_FILE"))
    for number, name in enumerate(NAMES_TO_FEAR):
        made = hostile(f"name-{number}.txt", b"Some words of prose", "text", (), may_be_read=True)
        yield made._replace(sent_as=name)


def xml(source: random.Random) -> Iterator[MadeFile]:
    """What XML can do to its reader."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    document = "<w:document {names}><w:body><w:p><w:r><w:t>{said}</w:t></w:r></w:p></w:body></w:document>"
    unsafe = ("UNSAFE_XML",)
    for name, head, said_there in (
        ("laughs", f'<!DOCTYPE x [<!ENTITY l0 "ha">{laughs}]>', "&l9;"),
        ("quadratic", f'<!DOCTYPE x [<!ENTITY a "{"a" * 60_000}">]>', "&a;" * 30_000),
        ("outside", '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]>', "&f;"),
        ("parameter", '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd"> %p;]>', "x"),
        ("doctype", '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">', "x"),
    ):
        docx = Docx()
        data = docx_with(docx, HEAD + head + document.format(names=NAMES, said=said_there))
        yield hostile(f"xml-{name}.docx", data, "docx", unsafe if name != "quadratic" else (*unsafe, "TOO_LARGE"))
    docx = Docx()
    docx.part("docProps/core.xml", '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>')
    yield hostile("xml-elsewhere.docx", docx.file(), "docx", unsafe)
    depth = 200_000
    deep = f"<w:document {NAMES}><w:body>{'<w:p>' * depth}{'</w:p>' * depth}</w:body></w:document>"
    yield hostile("xml-deep.docx", docx_with(Docx(), HEAD + deep), "docx", (*LARGE, "UNSAFE_XML"))
    docx = Docx()
    docx.body.append(said("Some words of prose"))
    docx.relation("attachedTemplate", "http://127.0.0.1:9/template.dotm", external=True)
    docx.relation("image", "file://127.0.0.1/share/x.png", external=True)
    docx.relation("image", "../../../../etc/passwd")
    yield hostile("outside.docx", docx.file(), "docx", unsafe, may_be_read=True)
    utf16 = (HEAD.replace("UTF-8", "UTF-16") + '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/passwd">]><x>&f;</x>').encode(
        "utf-16"
    )
    yield hostile("xml-utf16.docx", docx_with(Docx(), utf16), "docx", (*unsafe, "MALFORMED"))


def docx_with(docx: Docx, document: str | bytes) -> bytes:
    """A package whose main part is `document`."""
    docx.parts["word/document.xml"] = document if isinstance(document, bytes) else document.encode()
    return docx.file()


def archives(source: random.Random) -> Iterator[MadeFile]:
    """ZIP files that grow, lie or loop."""
    prose = HEAD + f"<w:document {NAMES}><w:body><w:p><w:r><w:t>"
    tail = "</w:t></w:r></w:p></w:body></w:document>"
    yield hostile("bomb.docx", docx_with(Docx(), prose.encode() + b"a" * 150_000_000 + tail.encode()), "docx", LARGE)
    docx = Docx()
    docx.body.append(said("Some words of prose"))
    for number in range(20_000):
        docx.parts[f"word/media/{number}.bin"] = b""
    yield hostile("many-parts.docx", docx.file(), "docx", LARGE, may_be_read=True)
    docx = Docx()
    docx.body.append(said("Some words of prose"))
    docx.parts["../../x.xml"] = b"<x/>"
    docx.parts["/etc/x.xml"] = b"<x/>"
    yield hostile("paths.docx", docx.file(), "docx", ANY, may_be_read=True)
    whole = bytearray(docx.file())
    for place in _central(whole):
        whole[place + 24 : place + 28] = struct.pack("<I", 10)  # "ten bytes, unpacked"
    yield hostile("lying-sizes.docx", bytes(whole), "docx", ANY, may_be_read=True)
    whole = bytearray(docx.file())
    for place in _central(whole):
        whole[place + 8] |= 1  # "encrypted"
    yield hostile("encrypted-parts.docx", bytes(whole), "docx", ("ENCRYPTED", "MALFORMED", "UNSUPPORTED"))
    inner = b"Some words"
    for _ in range(30):
        inner = zipped({"inner.zip": inner})
    docx.parts["word/embeddings/inner.zip"] = inner
    yield hostile("matryoshka.docx", docx.file(), "docx", ANY, may_be_read=True)
    loop = {"[Content_Types].xml": b"<Types/>", "_rels/.rels": (HEAD + _loop()).encode()}
    yield hostile("loop.docx", zipped(loop), "other", ("MALFORMED", "UNSUPPORTED"))


def _central(whole: bytearray) -> Iterator[int]:
    place = whole.find(b"PK\1\2")
    while place >= 0:
        yield place
        place = whole.find(b"PK\1\2", place + 4)


def _loop() -> str:
    kind = f"{RELATIONS}officeDocument"
    return (
        f'<Relationships xmlns="{PACKAGE}relationships"><Relationship Id="a" Type="{kind}" Target="_rels/.rels"/></Relationships>'
    )


def pictures(source: random.Random) -> Iterator[MadeFile]:
    """Pictures that are larger than any machine, and ones that lie."""
    yield hostile("huge.png", png(100_000, 100_000, zlib.compress(bytes(12_501))), "png", LARGE)
    yield hostile("huge-whole.png", png(30_000, 30_000, _zeros(30_000 * (1 + 30_000 // 8))), "png", LARGE)
    yield hostile("wide.png", png(2_000_000_000, 1, zlib.compress(bytes(100))), "png", LARGE)
    yield hostile("flat.png", png(0, 0, b""), "png", (*ANY, "EMPTY_FILE"))
    yield hostile(
        "text-bomb.png",
        png(8, 8, zlib.compress(bytes(16)), b"zTXt", b"Comment\0\0" + _zeros(100_000_000)),
        "png",
        LARGE,
        may_be_read=True,
    )
    yield hostile(
        "huge.gif", b"GIF89a\xff\xff\xff\xff\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0\x02\x02L\x01\0;", "gif", LARGE
    )
    yield hostile(
        "huge.bmp",
        b"BM" + struct.pack("<IHHIIiiHHIIiiII", 58, 0, 0, 54, 40, 100_000, 100_000, 1, 24, 0, 0, 0, 0, 0, 0) + b"\0\0\0\0",
        "bmp",
        LARGE,
    )
    yield hostile("huge.tiff", tiff(100_000, 100_000), "tiff", LARGE)
    yield hostile("loop.tiff", tiff(8, 8, next_at=8), "tiff", ANY, may_be_read=True)
    yield hostile("many.tiff", many_pages_tiff(50_000), "tiff", LARGE, may_be_read=True)
    yield hostile(
        "huge.webp",
        b"RIFF" + struct.pack("<I", 22) + b"WEBPVP8X" + struct.pack("<I", 10) + b"\0\0\0\0" + b"\xff" * 6,
        "webp",
        LARGE,
    )
    data = b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\x01\x22\0\x02\x11\x01\x03\x11\x01\xff\xd9"
    yield hostile("huge.jpeg", data, "jpeg", LARGE)


def _zeros(count: int) -> bytes:
    packer, out = zlib.compressobj(9), bytearray()
    for _ in range(count // 1_000_000):
        out += packer.compress(bytes(1_000_000))
    return bytes(out + packer.compress(bytes(count % 1_000_000)) + packer.flush())


def png(width: int, height: int, data: bytes, kind: bytes = b"", body: bytes = b"") -> bytes:
    """One bit a pixel."""

    def chunk(name: bytes, inside: bytes) -> bytes:
        return struct.pack(">I", len(inside)) + name + inside + struct.pack(">I", zlib.crc32(name + inside))

    more = chunk(kind, body) if kind else b""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + more + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _directory(width: int, height: int, next_at: int) -> bytes:
    rows = (
        (256, 4, width),
        (257, 4, height),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (278, 4, height),
        (279, 4, 64),
    )
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in rows)
    return struct.pack("<H", len(rows)) + entries + struct.pack("<I", next_at)


def tiff(width: int, height: int, next_at: int = 0) -> bytes:
    return b"II*\0" + struct.pack("<I", 8) + _directory(width, height, next_at) + bytes(64)


def many_pages_tiff(count: int) -> bytes:
    size = len(_directory(8, 8, 0))
    return (
        b"II*\0"
        + struct.pack("<I", 8)
        + b"".join(_directory(8, 8, 8 + size * n if n < count else 0) for n in range(1, count + 1))
    )


MAKERS = (broken, xml, archives, pictures, hostile_pdf.traps)
