"""Pages whose letters aren't what their fonts call them are looked at; those of honest fonts never are."""

from pathlib import Path

import pytest

from appliance.files.reading import pdf
from appliance.files.reading.pdf_fonts import Fonts
from appliance.files.reading.pdf_opening import open_pdf
from tests.unit.files.pdf_files import Pdf, shown, stream

WHY = "letters that aren't what they are called"
CARD = "4111 1111 1111 1234"
HARMLESS = {"4": "h", "1": "e", "2": "l", "3": "o"}


def table(said: dict[int, str], *, ranges: bool = False) -> bytes:
    """A font's ToUnicode."""
    if ranges:
        rows = b"".join(
            b"<%02X><%02X><%s>\n" % (code, code, one.encode("utf-16-be").hex().encode()) for code, one in said.items()
        )
        body = b"%d beginbfrange\n%sendbfrange" % (len(said), rows)
    else:
        rows = b"".join(b"<%02X> <%s>\n" % (code, one.encode("utf-16-be").hex().encode()) for code, one in said.items())
        body = b"%d beginbfchar\n%sendbfchar" % (len(said), rows)
    head = b"/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /Own def /CMapType 2 def\n"
    return stream(head + b"1 begincodespacerange <00> <FF> endcodespacerange\n" + body + b"\nendcmap end end")


def named(said: dict[int, str], encoding: bytes = b"/WinAnsiEncoding", *, text: str = CARD, ranges: bool = False) -> Pdf:
    """A page of Helvetica whose table says `said`."""
    file = Pdf()
    tells = file.add(table(said, ranges=ranges))
    form = b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding%s/ToUnicode %d 0 R>>"
    font = file.add(form % (encoding, tells))
    file.page(shown(text).replace(b"F1", b"L"), resources=b"/Font<</L %d 0 R>>" % font)
    return file


def drawn(heights: dict[str, float], text: str) -> Pdf:
    """A page of a font whose letters are bars, so high in parts of 1, that have no names but those of the table."""
    file = Pdf()
    codes = {one: 65 + place for place, one in enumerate(heights)}
    shapes = {
        one: file.add(stream(b"600 0 0 0 500 %g d1 50 0 400 %g re f" % (1000 * high, 1000 * high)))
        for one, high in heights.items()
    }
    procs = b"".join(b"/g%d %d 0 R" % (codes[one], number) for one, number in shapes.items())
    names = b"".join(b"/g%d" % code for code in codes.values())
    tells = file.add(table({code: one for one, code in codes.items()}))
    keys = b"/FontBBox[0 0 600 1000]/FontMatrix[.001 0 0 .001 0 0]/FirstChar 65/LastChar %d/Widths[%s]" % (
        64 + len(codes),
        b"600 " * len(codes),
    )
    form = b"<</Type/Font/Subtype/Type3%s/CharProcs<<%s>>/Encoding<</Differences[65%s]>>/ToUnicode %d 0 R>>"
    font = file.add(form % (keys, procs, names, tells))
    string = bytes(codes[one] for one in text).hex().encode()
    file.page(b"BT /L 12 Tf 60 700 Td <%s> Tj ET" % string, resources=b"/Font<</L %d 0 R>>" % font)
    return file


def looked_at(file: Pdf, folder: Path) -> bool:
    return [picture.why for picture in pdf.read(file.save(folder)).pictures] == [WHY]


def codes_of(letters: dict[str, str]) -> dict[int, str]:
    return {ord(code): one for code, one in letters.items()}


@pytest.mark.parametrize("ranges", [False, True])
def test_a_table_that_names_digits_letters_makes_its_page_looked_at_and_the_codes_are_read(ranges: bool, tmp_path: Path) -> None:
    file = named(codes_of(HARMLESS), ranges=ranges)
    assert looked_at(file, tmp_path)
    pieces = pdf.read(file.save(tmp_path)).pieces
    assert CARD in [piece.text for piece in pieces if piece.where.part == "alternative text"]
    assert "heee" in pieces[0].text


def test_so_does_one_for_names_that_say_otherwise(tmp_path: Path) -> None:
    encoding = b"<</Type/Encoding/Differences[97/four/one/two/three]>>"
    assert looked_at(named({97: "a", 98: "b", 99: "c", 100: "d"}, encoding, text="abbb bbbb"), tmp_path)


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        (codes_of({one: one for one in "0123456789"}), b"/WinAnsiEncoding"),
        (codes_of({"a": "A"}), b"/WinAnsiEncoding"),  # small capitals
        ({1: "a", 2: "b"}, b"<</Type/Encoding/Differences[1/a/b]>>"),
        ({65: "4", 66: "1"}, b"<</Type/Encoding/BaseEncoding/WinAnsiEncoding/Differences[65/four/one]>>"),
        ({65: "4", 66: "1"}, b"<</Type/Encoding/Differences[65/g17/g18]>>"),
        ({65: "ffi"}, b"<</Type/Encoding/Differences[65/f_f_i]>>"),
    ],
)
def test_tables_that_agree_with_names_tell_nothing(said: dict[int, str], encoding: bytes, tmp_path: Path) -> None:
    with open_pdf(named(said, encoding).save(tmp_path), None, pdf.DEFAULT) as opened:
        assert not Fonts().told(opened.pages[0]).contradicts


@pytest.mark.parametrize("said", [b"<41> <zz>", b"<41>", b"<41> <D8", b"<FFFF><0><41>", b"\xff", b""])
def test_a_damaged_table_is_none(said: bytes, tmp_path: Path) -> None:
    file = Pdf()
    tells = file.add(stream(b"1 beginbfchar\n" + said + b"\nendbfchar 1 beginbfrange " + said + b" endbfrange"))
    font = file.add(b"<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/ToUnicode %d 0 R>>" % tells)
    file.page(shown("words").replace(b"F1", b"L"), resources=b"/Font<</L %d 0 R>>" % font)
    assert pdf.read(file.save(tmp_path)).pieces


LINING, OLD_STYLE = dict.fromkeys("0123456789", 0.7), {**dict.fromkeys("012345679", 0.45), "8": 0.7, "6": 0.7}
LETTERS = {**dict.fromkeys("acenos", 0.45), **dict.fromkeys("bdhl", 0.72), **dict.fromkeys("ABC", 0.68)}


@pytest.mark.parametrize(
    ("heights", "text"),
    [
        ({**LETTERS, "h": 0.7, "e": 0.7, "l": 0.7, "o": 0.7}, "heee ell no A".replace(" ", "")),
        ({"h": 0.7, "e": 0.7, "l": 0.7, "o": 0.7}, "heeeollle"),
        ({**LETTERS, "o": 0.7}, "ocean"),
        ({**LETTERS, "4": 0.7, "1": 0.45, "8": 0.45}, "4118"),
        ({**LETTERS, "C": 0.45}, "ABCaaa"),
    ],
)
def test_letters_as_high_as_others_are_looked_at(heights: dict[str, float], text: str, tmp_path: Path) -> None:
    assert looked_at(drawn(heights, text), tmp_path)


@pytest.mark.parametrize(
    ("heights", "text"),
    [
        (LETTERS, "Aseabedhaloc"),
        ({**LETTERS, **LINING}, "Abe1234567890"),
        ({**LETTERS, **OLD_STYLE}, "Abe1234567890"),
        ({**dict.fromkeys("acenosbdhl", 0.55), **dict.fromkeys("ABC", 0.7)}, "ABCacenosbdhl"),  # small capitals
        (LINING, "4111"),
    ],
)
def test_letters_as_high_as_they_should_be_are_not(heights: dict[str, float], text: str, tmp_path: Path) -> None:
    assert not looked_at(drawn(heights, text), tmp_path)
