"""PDFs written byte by byte, so that each holds just what a test is about."""

import io
import zlib
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

FONT = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>"


def stream(data: bytes, keys: bytes = b"", *, packed: int = 1) -> bytes:
    for _ in range(packed):
        data = zlib.compress(data, 9)
    filters = b"/Filter[" + b"/FlateDecode" * packed + b"]" if packed else b""
    return b"<</Length %d%s%s>>\nstream\n" % (len(data), filters, keys) + data + b"\nendstream"


def shown(text: str, x: float = 60, y: float = 700, size: float = 12) -> bytes:
    """Content that draws a line of text."""
    escaped = text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /F1 {size} Tf {x} {y} Td ({escaped}) Tj ET\n".encode("cp1252")


@dataclass
class Pdf:
    """`catalog`, `trailer`: keys that go into them too. Objects 1 and 2 are the catalog and the pages; 3 is the font F1."""

    catalog: bytes = b""
    trailer: bytes = b""
    objects: dict[int, bytes] = field(default_factory=lambda: {3: FONT})
    pages: list[int] = field(default_factory=list)

    def add(self, body: bytes) -> int:
        number = max(self.objects, default=2) + 1
        self.objects[number] = body
        return number

    def page(self, content: bytes = b"", *, keys: bytes = b"", resources: bytes = b"", box: str = "0 0 595 842") -> int:
        """Its number among the objects. `keys`: of the page; `resources`: besides its font."""
        at = self.add(stream(content))
        has_fonts = b"" if b"/Font" in resources else b"/Font<</F1 3 0 R>>"
        page = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents %d 0 R/Resources<<%s%s>>%s>>"
        self.pages.append(self.add(page % (box.encode(), at, has_fonts, resources, keys)))
        return self.pages[-1]

    def data(self) -> bytes:
        kids = b" ".join(b"%d 0 R" % number for number in self.pages)
        objects = {
            1: b"<</Type/Catalog/Pages 2 0 R%s>>" % self.catalog,
            2: b"<</Type/Pages/Kids[%s]/Count %d>>" % (kids, len(self.pages)),
            **self.objects,
        }
        return file_of(objects, self.trailer)

    def save(self, folder: Path, name: str = "file.pdf") -> Path:
        path = folder / name
        path.write_bytes(self.data())
        return path


def file_of(objects: dict[int, bytes], trailer: bytes = b"") -> bytes:
    out = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n")
    at: dict[int, int] = {}
    for number, body in sorted(objects.items()):
        at[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = len(out)
    size = max(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    for number in range(1, size):
        out += b"%010d 00000 n \n" % at[number] if number in at else b"0000000000 65535 f \n"
    return bytes(out) + b"trailer\n<</Size %d/Root 1 0 R%s>>\nstartxref\n%d\n%%%%EOF\n" % (size, trailer, table)


def image_of(text: str, width: int = 620, height: int = 120, *, size: int = 40, dark: int = 0, light: int = 255) -> bytes:
    """A grey picture with a line of text, as a PDF's object, deflated."""
    picture = Image.new("L", (width, height), light)
    ImageDraw.Draw(picture).text((20, height // 3), text, fill=dark, font=ImageFont.load_default(size))
    keys = b"/Type/XObject/Subtype/Image/Width %d/Height %d/ColorSpace/DeviceGray/BitsPerComponent 8" % (width, height)
    return stream(picture.tobytes(), keys)


def jpeg_of(text: str, *, comment: bytes = b"", exif: Image.Exif | None = None) -> bytes:
    picture = Image.new("RGB", (400, 100), "white")
    ImageDraw.Draw(picture).text((20, 30), text, fill="black", font=ImageFont.load_default(30))
    out = io.BytesIO()
    picture.save(out, "JPEG", comment=comment, exif=exif or Image.Exif())
    keys = b"/Type/XObject/Subtype/Image/Width 400/Height 100/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/DCTDecode"
    data = out.getvalue()
    return b"<</Length %d%s>>\nstream\n" % (len(data), keys) + data + b"\nendstream"


def placed(name: str, x: float, y: float, width: float, height: float) -> bytes:
    """Content that draws an XObject of 1 by 1."""
    return f"q {width} 0 0 {height} {x} {y} cm /{name} Do Q\n".encode()
