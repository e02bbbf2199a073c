"""A value that stands everywhere in a PDF is nowhere in its redacted version: not for two libraries, not for other people's
programs, not in any stream that can be unpacked, and not for whoever reads its pages as they look."""

import re
import shutil
import subprocess
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pypdfium2
import pytest
from pypdf import PdfReader
from pypdf.generic import StreamObject

from appliance.files import joining
from appliance.files.document import Document
from appliance.files.ocr import cascade
from appliance.files.reading import pdf
from tests.unit.files.pdf_files import Pdf, image_of, jpeg_of, placed, shown, stream
from tests.unit.files.test_pdf_leftovers import later
from tests.unit.files.test_pdf_reading import VALUE, XMP, a_file
from tests.unit.files.test_pdf_redaction import changes_for, everything_in

pytestmark = pytest.mark.timeout(600)  # pictures are read

V = VALUE.encode()
KEPT = "Nothing is to be changed on this page"
TOLD = (VALUE.replace(" ", ""), "Rosalind", "4929", "1234")
PLACES = {"body", "picture", "annotation", "field", "attachment", "metadata", "xml", "bookmark", "script", "alternative text"}


def letter() -> bytes:
    """Four pages: the value in the text, in a picture, in annotations and fields, and on the last one in an earlier state."""
    file = Pdf()
    rect = b"/Rect[100 %d 400 %d]"
    looks = file.add(stream(shown(VALUE, 0, 4), b"/Subtype/Form/BBox[0 0 300 20]/Resources<</Font<</F1 3 0 R>>>>"))
    note = file.add(b"<</Type/Annot/Subtype/Text%s/Contents(a note on %s)/T(%s)>>" % (rect % (600, 620), V, V))
    stamp = file.add(b"<</Type/Annot/Subtype/Stamp%s/Contents(stamp)/AP<</N %d 0 R>>>>" % (rect % (500, 520), looks))
    widget = b"<</Type/Annot/Subtype/Widget/FT/Tx/T(name)%s/V(%s)/DV(%s)/AP<</N %d 0 R>>>>"
    text_field = file.add(widget % (rect % (400, 420), V, V, looks))
    held = file.add(stream(b"notes on " + V, b"/Type/EmbeddedFile"))
    inner = file.add(stream(a_file(shown(VALUE))[0].data(), b"/Type/EmbeddedFile"))
    spec = b"<</Type/Filespec/F(%s)/EF<</F %d 0 R>>>>"
    specs = file.add(spec % (V + b".txt", held)), file.add(spec % (b"inner.pdf", inner))
    picture, photo = file.add(image_of(VALUE)), file.add(jpeg_of("no value", comment=b"taken by " + V))
    pictures = b"/XObject<</P %d 0 R/Q %d 0 R>>" % (picture, photo)
    xmp = file.add(stream(XMP.encode(), b"/Type/Metadata/Subtype/XML"))
    file.trailer = b"/Info %d 0 R" % file.add(
        b"<</Title(On %s)/Own<%s>>>" % (V, (b"\xfe\xff" + VALUE.encode("utf-16-be")).hex().encode())
    )
    file.catalog = (
        b"/Metadata %d 0 R/Names<</EmbeddedFiles<</Names[(a) %d 0 R(b) %d 0 R]>>>>" % (xmp, *specs)
        + b"/AcroForm<</Fields[%d 0 R]>>/Outlines<</First<</Title(%s)>>>>/OpenAction<</S/JavaScript/JS(note = '%s')>>"
        % (text_field, V, V)
        + b"/StructTreeRoot<</Type/StructTreeRoot/K<</S/Figure/Alt(%s)>>>>" % V
    )
    file.page(shown("Before", y=760) + shown(f"Name {VALUE} end", size=14) + shown("After", y=600))
    file.page(shown("A picture:", y=760) + placed("P", 60, 600, 310, 60) + placed("Q", 60, 400, 200, 50), resources=pictures)
    file.page(shown("A form:", y=760), keys=b"/Annots[%d 0 R %d 0 R %d 0 R]" % (note, stamp, text_field))
    page = file.page(shown(f"Earlier here: {VALUE}"))
    content = page - 1
    return later(file.data(), content, stream(shown(KEPT)))


def read_whole(path: Path) -> Document:
    """With its pictures, as the pool has them read."""
    document = pdf.read(path)
    for picture in list(document.pictures):
        pixels = pdf.picture(path, None, picture.number, picture.dpi)
        document.pieces += joining.pieces(picture, cascade.seen(pixels, "auto", ()))
        Path(pixels.file).unlink()
    return document


def streams_in(data: bytes) -> Iterator[bytes]:
    """Whatever unpacks, wherever it begins, whether a table leads to it or not."""
    for match in re.finditer(rb"\x78[\x01\x5e\x9c\xda]", data):
        try:
            yield zlib.decompressobj().decompress(data[match.start() :], 10_000_000)
        except zlib.error:
            continue


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("proof")
    path, result = folder / "letter.pdf", folder / "redacted.pdf"
    path.write_bytes(letter())
    document = read_whole(path)
    changes = changes_for(document)
    assert {document.pieces[change.piece].where.part for change in changes} >= PLACES, "the value is found in every place"
    report = pdf.redact(path, None, document, changes, result)
    assert report.pages == 4
    return result


def test_no_byte_and_no_stream_of_it_holds_the_value(result: Path) -> None:
    everything = b"\n".join([everything_in(result), *streams_in(result.read_bytes())])
    for said in TOLD:
        for form in (said.encode(), said.encode("utf-16-be"), said.encode("utf-16-le"), said.encode().hex().encode()):
            assert form not in everything
            assert form.upper() not in everything


def test_nothing_is_left_beside_its_pages(result: Path) -> None:
    reader = PdfReader(result, strict=True)
    assert reader.metadata is None and reader.xmp_metadata is None
    assert dict(reader.attachments) == {} and reader.get_fields() is None and reader.outline == []
    assert set(reader.trailer["/Root"].get_object()) <= {"/Type", "/Pages"}  # type: ignore[union-attr]
    assert result.read_bytes().count(b"%%EOF") == 1, "one state alone"
    found = [reader.get_object(number) for number in reader.xref[0]]
    pictures = [one for one in found if isinstance(one, StreamObject) and one.get("/Subtype") == "/Image"]
    assert len(pictures) == 3, "the pages that are drawn anew, and none of those that stood on them"


def test_pages_without_findings_keep_their_text_for_both_libraries(result: Path) -> None:
    assert [page.extract_text().strip() for page in PdfReader(result).pages] == ["", "", "", KEPT]
    document = pypdfium2.PdfDocument(result)
    assert [page.get_textpage().get_text_range().strip() for page in document] == ["", "", "", KEPT]


def test_who_reads_its_pages_as_they_look_sees_all_but_the_value(result: Path) -> None:
    document = pypdfium2.PdfDocument(result)
    engines, read = cascade.engines_of("auto", ()), []
    for page in document:
        rows = page.render(scale=150 / 72, rev_byteorder=True).to_numpy()[:, :, :3]
        read.append("\n".join(line.text for line in engines.see(np.ascontiguousarray(rows)).lines))
    together = "".join("".join(read).split())
    assert [said for said in TOLD if said in together] == []
    kept = (("Before", "Name", "end", "After"), ("A picture:",), ("A form:",), (KEPT,))
    assert [word for page, words in zip(read, kept, strict=True) for word in words if word not in page] == []


@pytest.mark.skipif(shutil.which("pdftotext") is None, reason="pdftotext is not on the PATH")
def test_pdftotext_reads_what_is_left_alone(result: Path) -> None:
    told = subprocess.run(["pdftotext", str(result), "-"], capture_output=True, check=True, timeout=60)
    assert told.stdout.decode().split() == KEPT.split()
    assert told.stderr == b""


@pytest.mark.skipif(shutil.which("qpdf") is None, reason="qpdf is not on the PATH")
def test_qpdf_finds_it_sound_and_no_value_when_all_is_unpacked(result: Path, tmp_path: Path) -> None:
    told = subprocess.run(["qpdf", "--check", str(result)], check=False, capture_output=True, text=True, timeout=60)
    assert (told.returncode, told.stderr) == (0, "")
    unpacked = tmp_path / "unpacked.pdf"
    how = ["--qdf", "--object-streams=disable", "--decode-level=all", "--preserve-unreferenced"]
    subprocess.run(["qpdf", *how, str(result), str(unpacked)], check=True, timeout=60)
    data = unpacked.read_bytes()
    assert [said for said in TOLD if said.encode() in data] == []
    assert b"/EmbeddedFile" not in data and b"/Metadata" not in data and b"/Info" not in data
