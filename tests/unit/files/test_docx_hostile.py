# ruff: noqa: E501 -- markup that is cut in two is read by nobody
"""DOCX files that want to do harm, or are damaged: each is refused with the right code, or told."""

import io
import struct
import time
import zipfile
import zlib
from pathlib import Path

import pytest

from appliance.files.document import FileError
from appliance.files.reading import docx
from appliance.files.reading.docx_limits import DocxLimits
from tests.unit.files.docx_files import CARD, W, made, paragraph, part, run, saved, with_parts

BODY = f"<w:document {W}><w:body>{{}}</w:body></w:document>"
XXE = "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>"
LAUGHS = (
    "<!DOCTYPE x [<!ENTITY a 'ha'>"
    + "".join(f"<!ENTITY {two} '{f'&{one};' * 10}'>" for one, two in zip("abcdefgh", "bcdefghi", strict=True))
    + "]>"
)


def code_of(data: bytes, tmp_path: Path, **bounds: int) -> str:
    started = time.process_time()
    with pytest.raises(FileError) as refused:
        docx.read(saved(tmp_path, data), None, limits=DocxLimits(**bounds))
    assert time.process_time() - started < 20
    assert CARD not in refused.value.message + refused.value.fix
    return refused.value.code


def main_part(xml: str | bytes) -> bytes:
    return with_parts(made(), {"word/document.xml": xml})


def overlapping() -> bytes:
    """Two entries of the list that name the same bytes, as in Fifield's bomb."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("word/document.xml", BODY.format(""))
        archive.writestr("word/footer.xml", "<a/>")
    data = bytearray(buffer.getvalue())
    second = data.rfind(b"PK\1\2")
    data[second + 42 : second + 46] = struct.pack("<I", 0)
    return bytes(data)


def lying(declared: int, packed: bytes) -> bytes:
    """An entry that unpacks to more than it says."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", packed)
    data = bytearray(buffer.getvalue())
    for mark, at in ((b"PK\3\4", 22), (b"PK\1\2", 24)):
        data[data.find(mark) + at : data.find(mark) + at + 4] = struct.pack("<I", declared)
    return bytes(data)


REFUSED = {
    "no file at all": (lambda: b"", "EMPTY_FILE"),
    "no ZIP": (lambda: b"PK\3\4 and then nothing", "MALFORMED"),
    "cut in half": (lambda: made()[: len(made()) // 2], "MALFORMED"),
    "its end cut off": (lambda: made()[:-30], "MALFORMED"),
    "without a text part": (lambda: with_parts(b"PK\5\6" + bytes(18), {"a.xml": "<a/>"}), "MALFORMED"),
    "no XML in it": (lambda: main_part("Hello"), "MALFORMED"),
    "broken XML in it": (lambda: main_part("<w:document"), "MALFORMED"),
    "XML in no known encoding": (lambda: main_part("<?xml version='1.0' encoding='x-klingon'?><a/>"), "MALFORMED"),
    "an entity that nobody declares": (lambda: main_part("<a>&card;</a>"), "MALFORMED"),
    "external entity": (lambda: main_part(XXE + BODY.format("<w:p><w:r><w:t>&e;</w:t></w:r></w:p>")), "UNSAFE_XML"),
    "external entity after a comment": (
        lambda: main_part("<?xml version='1.0'?><!-- <a> --> " + XXE + "<a>&e;</a>"),
        "UNSAFE_XML",
    ),
    "external entity in UTF-16": (lambda: main_part((XXE + "<a>&e;</a>").encode("utf-16")), "UNSAFE_XML"),
    "external entity in UTF-16 without a mark": (lambda: main_part((XXE + "<a>&e;</a>").encode("utf-16-le")), "UNSAFE_XML"),
    "external entity in UTF-7": (
        lambda: main_part(b"<?xml version='1.0' encoding='utf-7'?>" + (XXE + "<a>&e;</a>").replace("<", "+ADw-").encode()),
        "UNSAFE_XML",
    ),
    "external document type": (lambda: main_part("<!DOCTYPE a SYSTEM 'http://127.0.0.1/x.dtd'><a/>"), "UNSAFE_XML"),
    "a billion laughs": (lambda: main_part(LAUGHS + "<a>&i;</a>"), "UNSAFE_XML"),
    "laughs in another part": (lambda: with_parts(made(), {"customXml/item1.xml": LAUGHS + "<a>&i;</a>"}), "UNSAFE_XML"),
    "laughs in the relations": (
        lambda: with_parts(made(), {"word/_rels/document.xml.rels": LAUGHS + "<a>&i;</a>"}),
        "UNSAFE_XML",
    ),
    "laughs in a document inside": (
        lambda: with_parts(made(), {"word/embeddings/a.docx": main_part(LAUGHS + "<a/>")}),
        "UNSAFE_XML",
    ),
    "a hundred thousand elements deep": (lambda: main_part("<a>" * 100_000 + "</a>" * 100_000), "TOO_LARGE"),
    "paragraphs in paragraphs": (lambda: main_part(BODY.format("<w:p>" * 220 + "</w:p>" * 220)), "TOO_LARGE"),
    "an XML bomb": (lambda: main_part(b"<a>" + b" " * 40_000_000 + b"</a>"), "TOO_LARGE"),
    "many bombs": (
        lambda: with_parts(made(), {f"word/a{n}.xml": b"<a>" + b" " * 7_000_000 + b"</a>" for n in range(70)}),
        "TOO_LARGE",
    ),
    "a bomb for a picture": (lambda: with_parts(made(), {"word/media/a.png": b"\x89PNG\r\n" + bytes(70_000_000)}), "TOO_LARGE"),
    "entries that overlap": (overlapping, "TOO_LARGE"),
    "more than it says": (lambda: lying(10, BODY.format("<w:p/>" * 100).encode()), "MALFORMED"),
    "more entries than anybody needs": (lambda: with_parts(made(), {f"a{n}": "" for n in range(11_000)}), "TOO_LARGE"),
    "encrypted": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(2_000), "ENCRYPTED"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_file_is_refused_that_is(what: str, tmp_path: Path) -> None:
    make, code = REFUSED[what]
    assert code_of(make(), tmp_path) == code


def test_entries_that_a_password_locks_are_told_as_encrypted(tmp_path: Path) -> None:
    data = bytearray(made())
    for mark, at in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.find(mark) + at] |= 1
    assert code_of(bytes(data), tmp_path) == "ENCRYPTED"


def test_a_document_of_more_paragraphs_than_are_read_is_too_large(tmp_path: Path) -> None:
    body = "<w:p><w:r><w:t>a</w:t></w:r></w:p>" * 301
    assert code_of(main_part(BODY.format(body)), tmp_path, pieces_max=300) == "TOO_LARGE"


def test_names_of_parts_are_never_paths(tmp_path: Path) -> None:
    data = with_parts(made(), {"../../escaped.xml": f"<a>{CARD}</a>", "/absolute.xml": "<a/>", "word\\..\\..\\x.xml": "<a/>"})
    path, result = saved(tmp_path, data), tmp_path / "result.docx"
    assert any(CARD in piece.text for piece in docx.read(path, None).pieces)
    docx.redact(path, None, [], result)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["file.docx", "result.docx"]


def test_what_it_fetches_from_elsewhere_is_told(tmp_path: Path) -> None:
    data = made()
    outside = '<Relationship Id="rId77" Type="http://x/attachedTemplate" Target="http://127.0.0.1/t.dotm" TargetMode="External"/>'
    relations = part(data, "word/_rels/document.xml.rels").decode().replace("</Relationships>", outside + "</Relationships>")
    read = docx.read(saved(tmp_path, with_parts(data, {"word/_rels/document.xml.rels": relations})), None)
    assert [notice.code for notice in read.notices] == ["UNSAFE_XML"]
    assert [piece.text for piece in read.pieces if piece.where.part == "link"] == ["http://127.0.0.1/t.dotm"]


def test_an_ordinary_link_is_no_warning(tmp_path: Path) -> None:
    from docx.opc.constants import RELATIONSHIP_TYPE

    data = made(lambda document: document.part.relate_to("https://example.com/", RELATIONSHIP_TYPE.HYPERLINK, is_external=True))
    assert not docx.read(saved(tmp_path, data), None).notices


def test_macros_are_told_and_the_redacted_document_has_none(tmp_path: Path) -> None:
    data = made()
    macros = '<Relationship Id="rId9" Type="http://schemas.microsoft.com/office/2006/relationships/vbaProject" Target="vbaProject.bin"/>'
    parts = {
        "word/vbaProject.bin": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "word/_rels/document.xml.rels": part(data, "word/_rels/document.xml.rels")
        .decode()
        .replace("</Relationships>", macros + "</Relationships>"),
        "[Content_Types].xml": part(data, "[Content_Types].xml")
        .decode()
        .replace(
            "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml",
            "application/vnd.ms-word.document.macroEnabled.main+xml",
        ),
    }
    path, result = saved(tmp_path, with_parts(data, parts)), tmp_path / "result.docx"
    read = docx.read(path, None)
    assert [notice.code for notice in read.notices] == ["JAVASCRIPT"]
    assert read.unread == ["its macros"]
    assert "its macros" in docx.redact(path, None, [], result).dropped
    with zipfile.ZipFile(result) as archive:
        assert "word/vbaProject.bin" not in archive.namelist()
    import docx as python_docx

    python_docx.Document(str(result))
    assert not docx.read(result, None).unread


def test_two_parts_of_one_name_are_both_read_and_told(tmp_path: Path) -> None:
    buffer = io.BytesIO(made())
    with pytest.warns(UserWarning, match="Duplicate name"), zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("word/document.xml", BODY.format(paragraph(run(CARD))))
    read = docx.read(saved(tmp_path, buffer.getvalue()), None)
    assert any(piece.text == CARD for piece in read.pieces)
    assert [notice.code for notice in read.notices] == ["MALFORMED"]


def test_an_entry_that_no_list_names_is_told(tmp_path: Path) -> None:
    data = made()
    content = zlib.compress(CARD.encode())[2:-4]
    entry = (
        b"PK\3\4"
        + struct.pack("<HHHHHIIIHH", 20, 0, 8, 0, 0, zlib.crc32(CARD.encode()), len(content), 19, 5, 0)
        + b"a.xml"
        + content
    )
    central = data.find(b"PK\1\2")
    end = bytearray(data[data.rfind(b"PK\5\6") :])
    end[16:20] = struct.pack("<I", central + len(entry))
    hidden = data[:central] + entry + data[central : data.rfind(b"PK\5\6")] + bytes(end)
    path, result = saved(tmp_path, hidden), tmp_path / "result.docx"
    assert docx.read(path, None).unread == ["parts of its archive that no list names"]
    docx.redact(path, None, [], result)
    assert content not in result.read_bytes()


def test_an_object_that_is_not_read_is_told_and_emptied_when_redacted(tmp_path: Path) -> None:
    path, result = (
        saved(tmp_path, with_parts(made(), {"word/embeddings/oleObject1.bin": b"\xd0\xcf\x11\xe0" + bytes(99)})),
        tmp_path / "r.docx",
    )
    assert docx.read(path, None).unread == ["an embedded object of a kind that isn't read"]
    docx.redact(path, None, [], result)
    with zipfile.ZipFile(result) as archive:
        assert archive.read("word/embeddings/oleObject1.bin") == b""
