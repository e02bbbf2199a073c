"""The files of `make eval-files`: they open where they should, what their labels say stands there, and a seed is a seed."""

import hashlib
import io
import itertools
import random
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator

import docx
import pypdf
import pypdfium2
import pytest
from lxml import etree
from PIL import Image
from pypdf.generic import ByteStringObject, DictionaryObject, EncodedStreamObject, StreamObject, TextStringObject

from appliance.guardrails.house import make_guard
from appliance.identity.key_format import well_formed
from tests.eval.files import clean, hostile, hostile_pdf, made, make
from tests.eval.files.made import MadeFile
from tests.eval.files.pdf_bytes import encrypted
from tests.eval.files.pdf_writing import OUT_OF_ORDER
from tests.eval.files.values import ATTACK, Values

SPLIT_BY_OTHERS = (
    "deleted text inside",
    "unbreakable hyphens",
    "custom XML, comment",
)  # not one string in any reading of the XML


def of(group: str) -> list[MadeFile]:
    return list(make.files(1, [group]))


def squeezed(text: str) -> str:
    return re.sub(r"\s", "", text)


def test_every_value_is_found_in_its_sentence_and_nothing_else_is() -> None:
    guard = make_guard(well_formed)
    values, policy = Values(random.Random(3)), guard.policies["default"]
    for _ in range(350):
        one = values.one()
        (found,) = guard.judged(one.sentence, policy, "input").findings
        assert one.sentence[found.start : found.end] == one.text
        assert found.type.startswith(one.type)
    assert not guard.judged("\n".join([values.filler(9) for _ in range(300)]), policy, "input").findings
    assert not guard.judged("\n".join(clean.HARMLESS), policy, "input").findings
    assert [one.type for one in guard.judged(ATTACK, policy, "input").findings] == ["PROMPT_INJECTION"]


@pytest.mark.parametrize("group", [made.PDF_TEXT, made.DOCX, made.TEXTS, made.IMAGE_TEXT, made.SCAN_HARD])
def test_the_same_seed_gives_the_same_bytes_and_another_gives_others(group: str) -> None:
    def digests(seed: int) -> list[str]:
        return [
            hashlib.sha256(one.data).hexdigest()
            for one in itertools.islice(make.files(seed, [group]), 3 if group == made.SCAN_HARD else 30)
        ]

    assert digests(1) == digests(1)
    assert not set(digests(1)) & set(digests(2))


def test_names_and_values_are_unique() -> None:
    values: list[tuple[str, str]] = []
    names: list[str] = []
    for one in make.files(1, [group for group in make.MAKERS if group not in (made.SCAN_HARD, made.HOSTILE)]):
        names.append(one.name)
        values += {(one.name, label.value) for label in one.labels if label.value}
    assert len(names) == len(set(names))
    assert len(values) == len(set(values))


def strings_of(reader: pypdf.PdfReader) -> Iterator[str]:
    """All strings and all streams of a file, whatever they are for."""
    for number in range(1, int(str(reader.trailer["/Size"]))):
        yield from strings_in(reader.get_object(number))
    yield from strings_in(reader.trailer)


def strings_in(found: object) -> Iterator[str]:
    if isinstance(found, TextStringObject | ByteStringObject):
        yield found if isinstance(found, str) else bytes(found).decode("latin-1")
    if isinstance(found, StreamObject) and found.get("/Subtype") != "/Image" and found.get("/Type") not in ("/XRef", "/ObjStm"):
        data = found.get_data() if isinstance(found, EncodedStreamObject) else found._data
        if data.startswith(b"%PDF"):
            yield from strings_of(pypdf.PdfReader(io.BytesIO(data)))
        yield data.decode("latin-1")
    if isinstance(found, DictionaryObject):
        for value in found.values():
            if not hasattr(value, "idnum"):
                yield from strings_in(value)
    elif isinstance(found, list):
        for value in found:
            if not hasattr(value, "idnum"):
                yield from strings_in(value)


def test_pdf_files_open_and_hold_what_their_labels_say() -> None:
    for one in of(made.PDF_TEXT):
        document = pypdfium2.PdfDocument(one.data)
        pages = [squeezed(page.get_textpage().get_text_range()) for page in document]
        document.close()
        anywhere = ""
        for label in one.labels:
            if label.place == "body":
                value = label.value or (ATTACK if "attack" in one.name else "")
                page = pages[label.page - 1]
                if label.note in OUT_OF_ORDER:  # which pdfium reads as it is drawn: its letters are there
                    assert Counter(squeezed(value)) <= Counter(page), (one.name, label)
                else:
                    assert squeezed(value) in page, (one.name, label)
            else:
                anywhere = anywhere or "\0".join(strings_of(pypdf.PdfReader(io.BytesIO(one.data))))
                assert label.value in anywhere, (one.name, label)


def test_docx_files_open_and_hold_what_their_labels_say() -> None:
    for one in of(made.DOCX):
        if one.name != "strict.docx":  # python-docx reads none
            docx.Document(io.BytesIO(one.data))
        texts = []
        with zipfile.ZipFile(io.BytesIO(one.data)) as package:
            for name in package.namelist():
                if name.endswith((".xml", ".rels")):
                    root = etree.fromstring(package.read(name))
                    texts.append("".join(map(str, root.itertext())))
                    texts += [str(value) for element in root.iter() for value in element.attrib.values()]
                elif name.endswith(".html"):
                    texts.append(package.read(name).decode())
        for label in one.labels:
            if label.place != "picture" and label.note not in SPLIT_BY_OTHERS:
                assert (label.value or "") in "\0".join(texts), (one.name, label)


@pytest.mark.parametrize("group", [made.IMAGE_TEXT, made.SCAN_CLEAN, made.SCAN_HARD])
def test_pictures_open_and_hold_what_their_labels_say(group: str) -> None:
    for one in of(group):
        if one.kind == "pdf":
            document = pypdfium2.PdfDocument(one.data)
            for page in document:
                shades = page.render(scale=0.5).to_pil().convert("L").getextrema()
                assert shades[0] + 20 < shades[1], f"{one.name} shows nothing"
            document.close()
            continue
        with Image.open(io.BytesIO(one.data)) as image:
            image.load()
            assert (image.format or "").lower() == one.kind
        for label in one.labels:
            if label.place == "metadata" and label.value and "zTXt" not in label.note and "PNG iTXt" not in label.note:
                told = label.value.encode(), label.value.encode("utf-16-le")
                assert any(value in one.data for value in told), (one.name, label)


def test_traps_are_small_and_do_what_they_say() -> None:
    """The cheap ones: to make all of them takes a while."""
    small = [*hostile.broken(random.Random(1)), *hostile.xml(random.Random(1))]
    assert all(len(one.data) < 8_000_000 and (one.codes or one.may_be_read) for one in small)
    data = hostile_pdf.twice_deflated().file()
    assert len(data) < 4_000
    begin = data.index(b"stream\n", data.index(b"FlateDecode /FlateDecode")) + 7
    outer = zlib.decompressobj().decompress(data[begin:])
    inner, total, rest = zlib.decompressobj(), 0, outer
    while rest:
        total += len(inner.decompress(rest, 10_000_000))
        rest = inner.unconsumed_tail
    assert total >= 410_000_000
    locked = encrypted(hostile_pdf.prosaic(), hostile_pdf.PASSWORD)
    assert "prose" in pypdf.PdfReader(io.BytesIO(locked), password=hostile_pdf.PASSWORD.decode()).pages[0].extract_text()
