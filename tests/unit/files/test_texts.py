# ruff: noqa: RUF001 -- tables are read in lines
"""Plain texts in any encoding: read, told where they can't be, and written anew without a value."""

import re
from pathlib import Path

import pytest

from appliance.files.document import Change, FileError
from appliance.files.reading import texts
from tests.unit.files.docx_files import CARD, saved

GERMAN = f"Grüße aus Köln. Die Karte hat die Nummer {CARD}, und die Straße heißt schön.\n"
RUSSIAN = f"Здравствуйте, номер моей карты {CARD}, пожалуйста, запишите его и никому не говорите об этом.\n" * 3
JAPANESE = f"カード番号は {CARD} です。よろしくお願いいたします。\n" * 3
HINDI = f"नमस्ते, मेरा कार्ड नंबर {CARD} है।\n"
ENCODED = {
    **{
        f"german in {encoding}": (GERMAN, encoding)
        for encoding in ("utf-8", "utf-8-sig", "cp1252", "latin-1", "utf-16", "utf-16-le", "utf-16-be")
    },
    **{
        f"hindi in {encoding}": (HINDI, encoding)
        for encoding in ("utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be")
    },
    **{f"russian in {encoding}": (RUSSIAN, encoding) for encoding in ("utf-8", "cp1251", "koi8-r", "utf-16-be")},
    **{
        f"japanese in {encoding}": (JAPANESE, encoding)
        for encoding in ("utf-8", "shift_jis", "euc_jp", "iso2022_jp", "utf-16-le")
    },
}


@pytest.mark.parametrize("name", ENCODED)
def test_a_text_is_read_in_its_encoding(name: str, tmp_path: Path) -> None:
    text, encoding = ENCODED[name]
    read = texts.read(saved(tmp_path, text.encode(encoding)), None)
    assert "".join(piece.text for piece in read.pieces) == text
    assert not read.unread


@pytest.mark.parametrize("name", ENCODED)
def test_a_value_is_replaced_and_the_rest_stays(name: str, tmp_path: Path) -> None:
    text, encoding = ENCODED[name]
    path, result = saved(tmp_path, text.encode(encoding)), tmp_path / "result"
    read = texts.read(path, None)
    changes = [Change(n, m.start(), m.end(), "[CARD]") for n, p in enumerate(read.pieces) for m in re.finditer(CARD, p.text)]
    texts.redact(path, None, changes, result)
    assert "".join(piece.text for piece in texts.read(result, None).pieces) == text.replace(CARD, "[CARD]")
    assert CARD.encode("utf-16-le") not in result.read_bytes()


def test_a_value_of_other_letters_makes_the_file_utf_8(tmp_path: Path) -> None:
    path, result = saved(tmp_path, GERMAN.encode("cp1252")), tmp_path / "result"
    texts.redact(path, None, [Change(0, 0, 5, "नमस्ते")], result)
    assert result.read_bytes().decode("utf-8-sig") == "नमस्ते" + GERMAN[5:]


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b"card &#52;&#49;11 1111 1111 1111 here", CARD),
        (b"mail john&#64;example.com", "john@example.com"),
        (b"mail john&commat;example.com", "john@example.com"),
        (b"card +ADQAMQAxADE- 1111 1111 1111", CARD),
        (b"card 4111 1**111** 11*11* 1111 in Markdown", CARD),
        (b"card 4111 1<b>11</b>1 1111 1111 in Markdown", CARD),
        (rb"mail john\.doe\@example\.com in Markdown", "john.doe@example.com"),
        (b"card \x1b[31m4111 11\x1b[0m11 1111 1111 in colours", CARD),
        (b"card 4\x0011\x001 1111 1111 1111 " + b"x" * 200, CARD),
    ],
)
def test_a_value_is_found_and_replaced_that_is_written_in_another_way(data: bytes, found: str, tmp_path: Path) -> None:
    path, result = saved(tmp_path, b"first line\n" + data + b"\nlast line\n"), tmp_path / "result"
    read = texts.read(path, None)
    changes = [
        Change(number, piece.text.index(found), piece.text.index(found) + len(found), "[X]")
        for number, piece in enumerate(read.pieces)
        if found in piece.text
    ]
    assert changes
    texts.redact(path, None, changes, result)
    left = [piece.text for piece in texts.read(result, None).pieces]
    assert not any(found in text for text in left)
    assert "first line" in left[0] and "last line" in left[0] and "[X]" in left[0]


@pytest.mark.parametrize(
    "text",
    ["Q&amp;A, &lt;b&gt; and caf&eacute;&nbsp;x", "a?x=1&copy=2", "C+APIs- and a+b-c", "50 + 60 - 70", "AT&T", r"C:\new\table"],
)
def test_usual_text_has_one_reading(text: str, tmp_path: Path) -> None:
    assert [piece.text for piece in texts.read(saved(tmp_path, text.encode()), None).pieces] == [text]


def test_what_cannot_be_decoded_is_told(tmp_path: Path) -> None:
    read = texts.read(saved(tmp_path, ("ü" * 400).encode() + b"\xff\xfe" + ("ö" * 400).encode()), None)
    assert read.unread == ["2 characters that are none in its encoding (utf-8)"]


def test_zero_bytes_are_told(tmp_path: Path) -> None:
    read = texts.read(saved(tmp_path, b"Hello\0you there, all of you, how are you, and you?"), None)
    assert [notice.code for notice in read.notices] == ["MALFORMED"]


def test_a_long_text_comes_in_pieces_that_end_with_lines(tmp_path: Path) -> None:
    text = "".join(f"line {number}\n" for number in range(30_000))
    pieces = texts.read(saved(tmp_path, text.encode()), None).pieces
    assert "".join(piece.text for piece in pieces) == text
    assert len(pieces) > 5 and all(piece.text.endswith("\n") for piece in pieces)
    path, result = tmp_path / "file.docx", tmp_path / "result"
    texts.redact(path, None, [Change(3, 0, 4, "LINE")], result)
    at = sum(len(piece.text) for piece in pieces[:3])
    assert result.read_text() == text[:at] + "LINE" + text[at + 4 :]


def test_a_text_that_is_too_long_is_refused(tmp_path: Path) -> None:
    with pytest.raises(FileError) as refused:
        texts.read(saved(tmp_path, b"a" * 20_000_001), None)
    assert refused.value.code == "TOO_LARGE"
    path = tmp_path / "huge"
    with path.open("wb") as file:
        file.truncate(texts.BYTES_MAX + 1)
    with pytest.raises(FileError) as refused:
        texts.read(path, None)
    assert refused.value.code == "TOO_LARGE"
