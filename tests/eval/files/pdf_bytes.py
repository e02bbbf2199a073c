"""PDF files written by hand, object by object: what no library would write can be written too."""

import base64
import hashlib
import zlib

A4 = (0.0, 0.0, 595.0, 842.0)
SECRET_PADDING = bytes.fromhex("28BF4E5E4E758A4164004E56FFFA01082E2E00B6D0683E802F0CA9FE6453697A")


def text(words: str) -> bytes:
    """A string object: in PDFDocEncoding where it can be, else in UTF-16."""
    if words.isascii():
        return b"(" + words.encode().replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)") + b")"
    return b"<FEFF" + words.encode("utf-16-be").hex().upper().encode() + b">"


def hexed(words: str) -> bytes:
    return b"<" + words.encode("latin-1").hex().encode() + b">"


def deflated(data: bytes) -> tuple[bytes, bytes]:
    return zlib.compress(data, 9), b"/Filter /FlateDecode"


def chained(data: bytes) -> tuple[bytes, bytes]:
    """Three filters, one in another."""
    packed = base64.a85encode(zlib.compress(data, 9)) + b"~>"
    return packed.hex().encode() + b">", b"/Filter [/ASCIIHexDecode /ASCII85Decode /FlateDecode]"


def plain(data: bytes) -> tuple[bytes, bytes]:
    return data, b""


class Pdf:
    """Collects objects. Numbers are given in the order in which they are added; 1 is the catalogue, 2 the page tree."""

    def __init__(self) -> None:
        self.objects: list[bytes] = [b"", b""]
        self.pages: list[int] = []
        self.catalogue = b""  # entries more
        self.trailer = b""
        self.fonts = b"/Font << " + b" ".join(self._fonts()) + b" >>"

    def _fonts(self) -> list[bytes]:
        names = {"F1": "Helvetica", "F2": "Times-Roman", "F3": "Courier", "F4": "Helvetica-Bold"}
        form = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
        return [f"/{name} {self.add(form.format(base).encode())} 0 R".encode() for name, base in names.items()]

    def add(self, body: bytes) -> int:
        self.objects.append(body)
        return len(self.objects)

    def stream(self, data: bytes, head: bytes = b"", packed: tuple[bytes, bytes] | None = None) -> int:
        """`packed`: the bytes as they stand there, and their /Filter; deflated otherwise."""
        body, filters = packed or deflated(data)
        return self.add(b"<< %s %s /Length %d >>\nstream\n%s\nendstream" % (head, filters, len(body), body))

    def page(self, contents: bytes | list[int], resources: bytes = b"", more: bytes = b"", box: tuple[float, ...] = A4) -> int:
        """`contents`: operators, or the numbers of streams that are there. `resources`: beside the fonts."""
        streams = [self.stream(contents)] if isinstance(contents, bytes) else contents
        number = self.add(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Resources << %s %s >> /Contents [%s] %s >>"
            % (" ".join(f"{one:.10g}" for one in box).encode(), self.fonts, resources, refs(streams), more)
        )
        self.pages.append(number)
        return number

    def close(self) -> None:
        """Writes the catalogue and the page tree."""
        self.objects[0] = b"<< /Type /Catalog /Pages 2 0 R %s >>" % self.catalogue
        self.objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (refs(self.pages), len(self.pages))

    def file(self, key: bytes = b"") -> bytes:
        """The file, with a plain table of places."""
        self.close()
        out, places = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), []
        for number, body in enumerate(self.objects, 1):
            places.append(len(out))
            out += b"%d 0 obj\n%s\nendobj\n" % (number, sealed(body, key, number) if key else body)
        begin = len(out)
        out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(places) + 1)
        out += b"".join(b"%010d 00000 n \n" % place for place in places)
        return bytes(
            out + b"trailer\n<< /Size %d /Root 1 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(places) + 1, self.trailer, begin)
        )

    def packed_file(self) -> bytes:
        """The file with its objects inside an object stream, and a stream of places: nothing of it reads as text."""
        self.close()
        loose = {n: one for n, one in enumerate(self.objects, 1) if b"stream\n" in one}
        inside = {n: one for n, one in enumerate(self.objects, 1) if n not in loose}
        head, body = b"", b""
        for number, one in inside.items():
            head += b"%d %d " % (number, len(body))
            body += one + b"\n"
        holder = len(self.objects) + 1
        loose[holder] = _stream(head + body, b"/Type /ObjStm /N %d /First %d" % (len(inside), len(head)))
        out, rows = bytearray(b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"), {0: (0, 0, 255)}
        for number, one in loose.items():
            rows[number] = (1, len(out), 0)
            out += b"%d 0 obj\n%s\nendobj\n" % (number, one)
        rows |= {number: (2, holder, place) for place, number in enumerate(inside)}
        begin = len(out)
        rows[holder + 1] = (1, begin, 0)
        table = b"".join(
            bytes([kind]) + place.to_bytes(4, "big") + bytes([last]) for _, (kind, place, last) in sorted(rows.items())
        )
        entries = b"/Type /XRef /Size %d /W [1 4 1] /Root 1 0 R %s" % (holder + 2, self.trailer)
        out += b"%d 0 obj\n%s\nendobj\n" % (holder + 1, _stream(table, entries))
        return bytes(out + b"startxref\n%d\n%%%%EOF\n" % begin)


def _stream(data: bytes, entries: bytes) -> bytes:
    body, filters = deflated(data)
    return b"<< %s %s /Length %d >>\nstream\n%s\nendstream" % (entries, filters, len(body), body)


def refs(numbers: list[int]) -> bytes:
    return b" ".join(b"%d 0 R" % one for one in numbers)


# Encryption, as old as it is common: RC4 with 40 bits. Only streams are sealed; our encrypted files have no strings.


def rc4(key: bytes, data: bytes) -> bytes:
    state, other = list(range(256)), 0
    for place in range(256):
        other = (other + state[place] + key[place % len(key)]) % 256
        state[place], state[other] = state[other], state[place]
    out, place, other = bytearray(), 0, 0
    for one in data:
        place = (place + 1) % 256
        other = (other + state[place]) % 256
        state[place], state[other] = state[other], state[place]
        out.append(one ^ state[(state[place] + state[other]) % 256])
    return bytes(out)


def encrypted(pdf: Pdf, password: bytes) -> bytes:
    """The file as it is opened by `password`; by every reader where that is empty, as of files that mustn't be printed."""
    owner = hashlib.md5((b"owner of it" + SECRET_PADDING)[:32]).digest()[:5]
    entry = rc4(owner, (password + SECRET_PADDING)[:32])
    identity, permissions = hashlib.md5(entry).digest(), (-44).to_bytes(4, "little", signed=True)
    key = hashlib.md5((password + SECRET_PADDING)[:32] + entry + permissions + identity).digest()[:5]
    user = rc4(key, SECRET_PADDING)
    pdf.trailer += b" /ID [<%s> <%s>]" % (identity.hex().encode(), identity.hex().encode())
    pdf.trailer += b" /Encrypt << /Filter /Standard /V 1 /R 2 /P -44 /O <%s> /U <%s> >>" % (
        entry.hex().encode(),
        user.hex().encode(),
    )
    return pdf.file(key)


def sealed(body: bytes, key: bytes, number: int) -> bytes:
    head, found, rest = body.partition(b">>\nstream\n")
    if not found:
        return body
    data = rest.removesuffix(b"\nendstream")
    own = hashlib.md5(key + number.to_bytes(3, "little") + b"\0\0").digest()[:10]
    return head + found + rc4(own, data) + b"\nendstream"
