"""Bad PDFs are answered with the right code, quickly and without a word of what they hold."""

import io
import random
import time
import zlib
from pathlib import Path

import pytest
from pypdf import PdfWriter

from appliance.files.document import FileError
from appliance.files.reading import pdf
from appliance.files.reading.pdf_bounds import Limits
from tests.unit.files.pdf_files import Pdf, file_of, image_of, placed, shown, stream

PAGES = b"<</Type/Catalog/Pages 2 0 R>>"


def one_page(content: bytes = shown("A page"), **keys: bytes) -> bytes:
    file = Pdf()
    file.page(content, **keys)
    return file.data()


def encrypted(user: str, data: bytes = b"") -> bytes:
    writer = PdfWriter(clone_from=io.BytesIO(data or one_page(shown("known"))))
    writer.encrypt(user, "owner")
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()


def with_kids(levels: int, each: int) -> bytes:
    """A tree with `each` ** `levels` pages, of a handful of objects."""
    objects = {1: PAGES, 2 + levels: b"<</Type/Page/MediaBox[0 0 9 9]>>"}
    for level in range(levels):
        kid = b"%d 0 R " % (3 + level)
        objects[2 + level] = b"<</Type/Pages/Count %d/Kids[%s]>>" % (each ** (levels - level), kid * each)
    return file_of(objects)


def with_loop() -> bytes:
    return file_of({1: PAGES, 2: b"<</Type/Pages/Count 2/Kids[3 0 R]>>", 3: b"<</Type/Pages/Count 2/Kids[2 0 R]/Parent 2 0 R>>"})


def with_content(body: bytes) -> bytes:
    file = Pdf()
    file.page()
    file.objects[4] = body
    return file.data()


def bomb(megabytes: int, packed: int) -> bytes:
    pack = zlib.compressobj(9)
    data = b"".join(pack.compress(b"q " * 500_000) for _ in range(megabytes)) + pack.flush()
    for _ in range(packed - 1):
        data = zlib.compress(data, 9)
    return b"<</Length %d/Filter[%s]>>\nstream\n%s\nendstream" % (len(data), b"/FlateDecode" * packed, data)


def with_nested_arrays(depth: int) -> bytes:
    return one_page(keys=b"/X" + b"[" * depth + b"]" * depth)


def with_forms_of_powers() -> bytes:
    """Each form draws the next one ten times: 10 ** 12 lines."""
    file = Pdf()
    inner = file.add(stream(shown("a"), b"/Subtype/Form/BBox[0 0 9 9]/Resources<</Font<</F1 3 0 R>>>>"))
    for _ in range(12):
        inner = file.add(stream(b"/F Do " * 10, b"/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</F %d 0 R>>>>" % inner))
    file.page(b"/F Do", resources=b"/XObject<</F %d 0 R>>" % inner)
    return file.data()


def with_picture(body: bytes) -> bytes:
    file = Pdf()
    keys = b"<</Type/XObject/Subtype/Image/Width 2000/Height 2000/ColorSpace/DeviceGray/BitsPerComponent 8"
    picture = file.add(body.replace(b"<<", keys, 1))
    file.page(shown("A page") + placed("P", 0, 0, 99, 99), resources=b"/XObject<</P %d 0 R>>" % picture)
    return file.data()


def in_letters(body: bytes) -> bytes:
    data = body.split(b"stream\n", 1)[1].rsplit(b"\nendstream", 1)[0].hex().encode() + b">"
    filters = b"/Filter[/ASCIIHexDecode/FlateDecode/FlateDecode]"
    return b"<</Length %d%s>>\nstream\n%s\nendstream" % (len(data), filters, data)


BAD = {
    "empty": (b"", "EMPTY_FILE"),
    "blank": (b"\n\n  \0\0", "EMPTY_FILE"),
    "not a PDF": (b"PK\3\4 something else", "MALFORMED"),
    "a head alone": (b"%PDF-1.7\n", "MALFORMED"),
    "rubbish": (b"%PDF-1.7\n" + random.Random(7).randbytes(9_000) + b"\n%%EOF", "MALFORMED"),
    "cut in the middle": (one_page(shown("A page" * 500))[:600], "MALFORMED"),
    "cut before its table": (one_page().split(b"xref")[0], "MALFORMED"),
    "encrypted": (encrypted("secret"), "ENCRYPTED"),
    "no pages": (file_of({1: PAGES, 2: b"<</Type/Pages/Count 0/Kids[]>>"}), "MALFORMED"),
    "a tree that leads back": (with_loop(), "MALFORMED"),
    "a million pages": (with_kids(2, 1000), "TOO_LARGE"),
    "10 ** 27 pages": (with_kids(9, 1000), "TOO_LARGE"),
    "deflated 200 MB": (with_content(bomb(200, 1)), "TOO_LARGE"),
    "doubly deflated 420 MB": (with_content(bomb(420, 2)), "TOO_LARGE"),
    "packed four times": (with_content(bomb(40, 4)), "TOO_LARGE"),
    "a bomb for a picture": (with_picture(bomb(420, 2)), "TOO_LARGE"),
    "a bomb in letters": (with_picture(in_letters(bomb(420, 2))), "TOO_LARGE"),
    "an encrypted bomb": (encrypted("", with_picture(bomb(420, 2))), "TOO_LARGE"),
    "forms of powers": (with_forms_of_powers(), "TOO_LARGE"),
    "a million states": (with_content(stream(b"q " * 1_000_000)), "TOO_LARGE"),
    "three million words": (with_content(stream(b"BT " + b"(a) Tj " * 3_000_000)), "TOO_LARGE"),
    "nested arrays": (with_nested_arrays(100_000), "MALFORMED"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_is_answered_with_its_code(
    name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    data, code = BAD[name]
    path = tmp_path / "file.pdf"
    path.write_bytes(data)
    with pytest.raises(FileError) as raised:
        pdf.read(path)
    assert raised.value.code == code
    assert raised.value.fix
    assert (caplog.records, *capfd.readouterr()) == ([], "", ""), "nothing of it is said anywhere"


def test_a_password_opens_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(encrypted("secret"))
    assert "known" in pdf.read(path, "secret").pieces[0].text
    assert pdf.picture(path, "secret", 1000, 50).width
    with pytest.raises(FileError, match="encrypted") as raised:
        pdf.read(path, "wrong")
    assert raised.value.code == "ENCRYPTED"
    path.write_bytes(encrypted(""))
    assert "known" in pdf.read(path).pieces[0].text
    assert "known" in pdf.read(path, "not needed").pieces[0].text
    path.write_bytes(one_page(shown("known")))
    assert "known" in pdf.read(path, "not needed").pieces[0].text


def test_what_surrounds_a_pdf_is_told(tmp_path: Path) -> None:
    path = tmp_path / "file.pdf"
    path.write_bytes(one_page() + b"PK\3\4 a whole archive")
    document = pdf.read(path)
    assert [notice.code for notice in document.notices] == ["TYPE_MISMATCH"]
    assert document.unread == ["what stands after the PDF's end"]
    path.write_bytes(b"GIF89a\n" + one_page())
    assert [notice.code for notice in pdf.read(path).notices] == ["TYPE_MISMATCH"]


def test_a_picture_with_too_many_pixels_is_never_decoded(tmp_path: Path) -> None:
    file = Pdf()
    huge = file.add(image_of("x", 20, 20).replace(b"/Width 20/Height 20", b"/Width 100000/Height 100000"))
    file.page(shown("A page") + placed("P", 0, 0, 300, 300), resources=b"/XObject<</P %d 0 R>>" % huge)
    document = pdf.read(file.save(tmp_path))
    assert document.unread == ["page 1: a picture with too many pixels"]
    assert "A page" in document.pieces[0].text


def test_a_page_of_kilometres_is_drawn_within_bounds(tmp_path: Path) -> None:
    file = Pdf()
    file.page(b"0 0 2000000 5000000 re f", box="0 0 9000000 9000000")
    path = file.save(tmp_path)
    document = pdf.read(path)
    assert document.unread == ["page 1: it is too large to be looked at closely"]
    drawn = pdf.picture(path, None, document.pictures[0].number, 150)
    assert drawn.width * drawn.height <= Limits().picture_pixels_max * 1.01
    assert drawn.width * drawn.height <= 8_000_000 * 1.01, "OCR of more would cost a minute, and the page is unread all the same"
    assert Path(drawn.file).stat().st_size == drawn.width * drawn.height * drawn.channels


def test_forms_and_fonts_that_contain_themselves_end(tmp_path: Path) -> None:
    file = Pdf()
    form = file.add(b"")
    keys = b"/Subtype/Form/BBox[0 0 595 842]/Resources<</Font<</F1 3 0 R>>/XObject<</F %d 0 R>>>>" % form
    file.objects[form] = stream(shown("in a loop") + b"/F Do", keys)
    glyph = file.add(stream(b"1000 0 d0 BT /T 1 Tf (a) Tj ET"))
    font = file.add(b"")
    keys = b"<</Type/Font/Subtype/Type3/FontBBox[0 0 1 1]/FontMatrix[1 0 0 1 0 0]/FirstChar 97/LastChar 97/Widths[1]/Encoding<<"
    file.objects[font] = keys + b"/Differences[97/a]>>/CharProcs<</a %d 0 R>>/Resources<</Font<</T %d 0 R>>>>>>" % (glyph, font)
    fonts = b"/Font<</F1 3 0 R/T %d 0 R>>/XObject<</F %d 0 R>>" % (font, form)
    file.page(shown("A page") + b"/F Do BT /T 9 Tf 50 50 Td (aaa) Tj ET", resources=fonts)
    assert "A page" in pdf.read(file.save(tmp_path)).pieces[0].text


def test_time_is_bounded(tmp_path: Path) -> None:
    file = Pdf()
    for _ in range(50):
        file.page(shown("A page"))
    with pytest.raises(FileError) as raised:
        pdf.read(file.save(tmp_path), limits=Limits(seconds_max=0.0))
    assert raised.value.code == "TIMEOUT"


def test_objects_are_bounded(tmp_path: Path) -> None:
    file = Pdf()
    file.page()
    file.catalog = b"/X[" + b" ".join(b"%d 0 R" % file.add(b"[(some text)]") for _ in range(500)) + b"]"
    with pytest.raises(FileError) as raised:
        pdf.read(file.save(tmp_path), limits=Limits(objects_max=100))
    assert raised.value.code == "TOO_LARGE"


def code_of(path: Path) -> str:
    try:
        for each in pdf.read(path).pictures:
            Path(pdf.picture(path, None, each.number, 40).file).unlink()
    except FileError as error:
        return error.code
    return ""


def test_no_mutation_of_a_file_raises_anything_but_its_code(tmp_path: Path) -> None:
    chance = random.Random(20261127)
    file = Pdf(catalog=b"/OpenAction<</S/JavaScript/JS(1)>>/Outlines<</First<</Title(one)>>>>")
    picture = file.add(image_of("x"))
    file.page(shown("A page") + placed("P", 9, 9, 99, 99), resources=b"/XObject<</P %d 0 R>>" % picture, keys=b"/Annots[<<>>]")
    whole = file.data()
    path = tmp_path / "file.pdf"
    until = time.monotonic() + 20
    for _ in range(150):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            at = chance.randrange(len(data))
            data[at : at + chance.randint(0, 3)] = chance.randbytes(chance.randint(0, 3))
        path.write_bytes(data)
        assert code_of(path) in {"", "MALFORMED", "TOO_LARGE", "ENCRYPTED", "EMPTY_FILE", "TIMEOUT"}
        if time.monotonic() > until:
            break
