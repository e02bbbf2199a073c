"""What a file is, by its content; and what is told where its name, or a second reading of it, says another thing."""

import io
import zipfile
from pathlib import Path

import pytest

from appliance.files.document import FileError, Kind
from appliance.files.reading.sniff import sniff, unsupported
from tests.unit.files.docx_files import made, saved

PNG = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\1\0\0\0\1\x08\0\0\0\0:~\x9bU"
GIF = b"GIF89a\1\0\1\0\0\0\0;"
PDF = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
BMP = b"BM" + (70).to_bytes(4, "little") + bytes(8) + (40).to_bytes(4, "little") + bytes(52)


def zipped(**names: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, content in (names or {"a": "b"}).items():
            archive.writestr(name.replace("__", "/").replace("_x", ".x"), content)
    return buffer.getvalue()


def ole(name: str) -> bytes:
    return b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504) + name.encode("utf-16-le") + bytes(512)


KINDS: dict[str, tuple[bytes, Kind]] = {
    "a.pdf": (PDF, "pdf"),
    "with rubbish before it.pdf": (b"\n\n\0" + PDF, "pdf"),
    "a.docx": (made(), "docx"),
    "a.png": (PNG, "png"),
    "a.jpg": (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "jpeg"),
    "a.gif": (GIF, "gif"),
    "a.webp": (b"RIFF\x1a\0\0\0WEBPVP8 ", "webp"),
    "a.tif": (b"II*\0\x08\0\0\0", "tiff"),
    "b.tiff": (b"MM\0*\0\0\0\x08", "tiff"),
    "a.bmp": (BMP, "bmp"),
    "a.txt": (b"Hello, world.\nA second line of it.\n", "text"),
    "one letter.txt": (b"a", "text"),
    "BM is a word.txt": (b"BM is how this text begins, and it goes on for a while after that.", "text"),
    "hindi.txt": ("नमस्ते दुनिया, यह एक परीक्षण है।".encode(), "text"),
    "utf16.txt": ("नमस्ते, 4111".encode("utf-16"), "text"),
    "utf16le.txt": ("Hello, 4111".encode("utf-16-le"), "text"),
    "utf32.txt": ("Hello, 4111".encode("utf-32-be"), "text"),
    "latin.txt": ("Grüße aus Köln, schöne Straße".encode("cp1252"), "text"),
    "japanese.txt": ("日本語のテキストです".encode("shift_jis"), "text"),
    "a.csv": (b"name,card\nAnna,4111\nBob,5500\n", "csv"),
    "b.csv": (b'name;note\n"Anna;B";"a"\nBob;x\n', "csv"),
    "a.tsv": (b"name\tcard\nAnna\t4111\n", "csv"),
    "a.md": (b"# Title\n\n* one\n* two\n", "markdown"),
    "html in it.md": (b"<div align=center>\n\n# Title\n", "markdown"),
    "a.html": (b"<!DOCTYPE html><html><body>Hello</body></html>", "html"),
    "comment first.html": (b"<!-- a --><!-- b -->\n<html>", "html"),
    "a part.html": (b"Hello <b>you</b> and <p>all</p>", "html"),
    "utf16.html": ("<html><body>Hello</body></html>".encode("utf-16"), "html"),
    "a.xml": (b"<?xml version='1.0'?><order/>", "html"),
    "a.svg": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "html"),
    "a.xlsx": (zipped(**{"[Content_Types]_xml": "<Types/>", "xl__workbook_xml": "<a/>"}), "other"),
    "a.pptx": (zipped(**{"[Content_Types]_xml": "<Types/>", "ppt__presentation_xml": "<a/>"}), "other"),
    "a.odt": (zipped(**{"META-INF__manifest_xml": "<a/>"}), "other"),
    "a.zip": (zipped(), "other"),
    "a.doc": (ole("WordDocument"), "other"),
    "a.xls": (ole("Workbook"), "other"),
    "encrypted.docx": (ole("EncryptedPackage"), "docx"),
    "a.rtf": (b"{\\rtf1 Hello}", "other"),
    "a.gz": (b"\x1f\x8b\x08\0", "other"),
    "a.exe": (b"MZ\x90\0\3\0", "other"),
    "a.heic": (b"\0\0\0\x18ftypheic", "other"),
    "a.bin": (bytes(range(256)) * 4, "other"),
    "zeros.bin": (bytes(500), "other"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_is_what_its_content_says(name: str, tmp_path: Path) -> None:
    data, kind = KINDS[name]
    path = saved(tmp_path, data, "x")
    assert sniff(path, name) == (kind, [])
    assert sniff(path, "") == (kind if kind != "markdown" or b"div" not in data else "html", []) or name == "a part.html"


MISMATCHES = {
    "a PDF called a text": (PDF, "a.txt", "pdf"),
    "a PDF called a picture": (PDF, "a.png", "pdf"),
    "a picture called a PDF": (PNG, "a.pdf", "png"),
    "a picture called another": (PNG, "a.jpg", "png"),
    "a text called a PDF": (b"Hello, world", "a.pdf", "text"),
    "a page called a text": (b"<html><body>x</body></html>", "a.txt", "html"),
    "a DOCX called a ZIP": (made(), "a.zip", "docx"),
    "a ZIP called a DOCX": (zipped(), "a.docx", "other"),
    "a program called a PDF": (b"MZ\x90\0\3\0", "invoice.pdf", "other"),
    "an old document called a new one": (ole("WordDocument"), "a.docx", "other"),
    "a path before the name": (PDF, "../../x/a.PNG", "pdf"),
}


@pytest.mark.parametrize("what", MISMATCHES)
def test_a_wrong_name_is_told(what: str, tmp_path: Path) -> None:
    data, name, kind = MISMATCHES[what]
    found, notices = sniff(saved(tmp_path, data, "x"), name)
    assert found == kind
    assert [notice.code for notice in notices] == ["TYPE_MISMATCH"]
    assert name not in notices[0].text


POLYGLOTS = {
    "PDF and ZIP": (PDF + zipped(), "pdf", ["PDF", "ZIP"]),
    "picture and ZIP": (PNG + zipped(), "png", ["PNG", "ZIP"]),
    "picture and page": (GIF[:-1] + b"\x21\xfe\x20<script>alert(1)</script>;", "gif", ["GIF", "HTML"]),
    "picture and PDF": (GIF[:-1] + b"\x21\xfe\x20" + PDF, "gif", ["GIF", "PDF"]),
    "page and PDF": (b"<html><script>x</script></html>\n" + PDF, "pdf", ["PDF", "HTML"]),
}


@pytest.mark.parametrize("what", POLYGLOTS)
def test_a_file_that_can_be_read_in_two_ways_is_told_with_both(what: str, tmp_path: Path) -> None:
    data, kind, words = POLYGLOTS[what]
    found, notices = sniff(saved(tmp_path, data, "x"), "")
    assert (found, [notice.code for notice in notices]) == (kind, ["TYPE_MISMATCH"])
    assert all(word in notices[0].text for word in words)


def test_a_pdf_that_holds_a_zip_in_its_middle_is_no_polyglot(tmp_path: Path) -> None:
    assert sniff(saved(tmp_path, PDF + zipped() + b"\nendstream\n" * 10_000 + PDF, "x"), "a.pdf") == ("pdf", [])


def test_an_empty_file_is_told_as_one(tmp_path: Path) -> None:
    with pytest.raises(FileError) as refused:
        sniff(saved(tmp_path, b"", "x"), "a.pdf")
    assert refused.value.code == "EMPTY_FILE"


def test_a_docx_that_lost_its_end_is_still_one_so_that_its_reader_says_what_is_wrong(tmp_path: Path) -> None:
    data = made()
    assert sniff(saved(tmp_path, data[: len(data) // 2], "x"), "a.docx")[0] == "docx"


@pytest.mark.parametrize(
    "data", [b"<!---->" * 1_000, b"<!--" * 2_000, b" " * 8_000, b"<?" * 4_000, b"[" * 8_000, b"|--" * 2_000], ids=str
)
def test_no_content_makes_it_slow(data: bytes, tmp_path: Path) -> None:
    import time

    path = saved(tmp_path, data, "x")
    started = time.process_time()
    sniff(path, "a.txt")
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("data", "word", "fix"),
    [(b"{\\rtf1 text}", "RTF", "DOCX"), (b"\x1f\x8b\x08" + bytes(90), "gzip", "Unpack")],
    ids=["RTF", "gzip"],
)
def test_a_file_that_is_not_read_is_called_by_its_kind_with_a_way_out(data: bytes, word: str, fix: str, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    error = unsupported(path, "letter.docx")
    assert (error.code, word in error.message, fix in error.fix) == ("UNSUPPORTED", True, True)


def test_a_mail_is_text_and_its_name_says_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"From: a\r\nSubject: hi\r\n\r\nhello\r\n")
    assert sniff(path, "letter.eml") == ("text", [])
