"""What people read in a line is read, in whatever order the file draws it; and nothing else is read as a line."""

import random
from pathlib import Path

import pytest

from appliance.files.document import Document, Piece
from appliance.files.reading import pdf
from tests.unit.files.pdf_files import Pdf, shown
from tests.unit.files.test_pdf_redaction import changes_for, everything_in, pixels

CARD = "4111 1111 1111 1234"
WIDTH = 6.6  # of a letter in Courier, at 11 points
COURIER = b"<</Type/Font/Subtype/Type1/BaseFont/Courier/Encoding/WinAnsiEncoding>>"
FAR = shown("words that stand far away", 60, 100)


def at(text: str, x: float, y: float, turned: bytes = b"1 0 0 1") -> bytes:
    return b"BT /C 11 Tf %s %g %g Tm (%s) Tj ET\n" % (turned, x, y, text.encode())


def groups(x: float = 60, y: float = 700, order: tuple[int, ...] = (2, 0, 3, 1), between: bytes = FAR) -> bytes:
    return between.join(at(CARD.split()[place], x + place * 5 * WIDTH, y) for place in order)


def letters(step: float, turn: int = 0) -> bytes:
    """In any order, with other words between them."""
    along = ((1, 0), (0, 1), (-1, 0), (0, -1))[turn]
    turned = b"%d %d %d %d" % (along[0], along[1], -along[1], along[0])
    places = [(one, 250 + along[0] * step * place, 400 + along[1] * step * place) for place, one in enumerate(CARD)]
    drawn = [at(one, x, y, turned) + shown("word", 60, 100 + y / 10) for one, x, y in places if one != " "]
    random.Random(7).shuffle(drawn)
    return b"".join(drawn)


def shifted(*places: int) -> bytes:
    """One text, which goes back to where it was. `places`: of its groups, in the order in which they are drawn."""
    groups, parts, pen = CARD.split(), b"", 0
    for place in places:
        parts += b"%d (%s) " % ((pen - place * 5) * 600, groups[place].encode())
        pen = place * 5 + 4
    return b"BT /C 11 Tf 60 700 Td [%s] TJ ET\n" % parts


CASES = {
    "groups from right to left": groups(order=(3, 2, 1, 0)),
    "groups in any order": groups(),
    "letter by letter": letters(WIDTH),
    "letters that are spaced out": letters(10),
    "letters that are spaced out far": letters(17),
    "upwards": letters(WIDTH, 1),
    "on its head": letters(WIDTH, 2),
    "downwards": letters(WIDTH, 3),
    "one text that goes back": shifted(3, 1, 0, 2),
    "spacing that is negative": b"BT /C 11 Tf 300 700 Td -13.2 Tc (%s) Tj ET" % CARD[::-1].encode(),
    "two sizes in a line": groups(order=(3, 1)) + FAR + at("4111", 62, 701).replace(b"11 Tf", b"10 Tf") + groups(order=(2,)),
    "drawn twice, for a bolder look": groups() + FAR + groups(60.2),
    "among other words": at("Paid with", 60 - 10 * WIDTH, 700) + groups() + at("today", 60 + 20 * WIDTH, 700),
}


def a_page(content: bytes, pages: int = 1) -> Pdf:
    file = Pdf()
    courier = file.add(COURIER)
    for _ in range(pages):
        file.page(content, resources=b"/Font<</F1 3 0 R/C %d 0 R>>" % courier)
    return file


def by_place(document: Document) -> list[Piece]:
    return [piece for piece in document.pieces if piece.where.part == "body" and not piece.handle and piece.text[:1] == "\n"]


@pytest.mark.parametrize("name", CASES)
def test_a_number_is_read_as_people_see_it(name: str, tmp_path: Path) -> None:
    document = pdf.read(a_page(CASES[name], pages=6).save(tmp_path))
    pieces = [piece for piece in document.pieces if CARD.replace(" ", "") in piece.text.replace(" ", "")]
    assert {piece.where.page for piece in pieces} == {1, 2, 3, 4, 5, 6}
    for piece in pieces:
        assert piece.spans
        assert all(span.left < span.right and span.top < span.bottom for span in piece.spans)


@pytest.mark.parametrize("name", ["groups in any order", "one text that goes back", "upwards"])
def test_a_number_that_is_drawn_in_another_order_is_gone_from_the_redacted_file(name: str, tmp_path: Path) -> None:
    path, result = a_page(CASES[name]).save(tmp_path), tmp_path / "redacted.pdf"
    document = pdf.read(path)
    changes = changes_for(document, CARD)
    assert changes
    pdf.redact(path, None, document, changes, result)
    assert not [group for group in (b"4111", b"1234") if group in everything_in(result)]
    differs = (pixels(result, 0) != pixels(path, 0)).any(axis=2)
    piece = document.pieces[changes[0].piece]
    spans = [span for span in piece.spans if span.end > changes[0].start and span.start < changes[0].end]
    height, width = differs.shape
    for span in spans:
        across = slice(int(span.left * width), int(span.right * width) + 1)
        assert differs[int(span.top * height) : int(span.bottom * height) + 1, across].any()


def _columns(gap: float) -> bytes:
    """One after the other, the first as wide as its words."""
    rows = [at("number 4111 1111", 60, 700 - 13 * row) for row in range(20)]
    rows += [at("1111 1234 follows", 60 + 16 * WIDTH + gap, 700 - 13 * row) for row in range(20)]
    return b"".join(rows)


HONEST = {
    "lines": b"".join(shown("A line of words, as they are read", 60, 700 - 14 * row) for row in range(40)),
    "columns": _columns(12),
    "columns whose lines lie between": _columns(20),
    "raised and lowered": b"BT /F1 11 Tf 60 700 Td (Water H) Tj "
    b" /F1 7 Tf -3 Ts (2) Tj /F1 11 Tf 0 Ts (O and x) Tj /F1 7 Tf 4 Ts (2) Tj ET",
    "kerned": b"BT /F1 11 Tf 60 700 Td [(Te) 80 (rra)-250(in) 120 (cognita)] TJ ET",
    "a table": b"".join(shown(f"{row * column}", 60 + 90 * column, 700 - 16 * row) for column in range(5) for row in range(20)),
    "marks after their words": shown("seen 1 and 2", 60, 700) + shown("note", 60, 60) + shown("a", 250, 705, 6),
}


@pytest.mark.parametrize("name", HONEST)
def test_a_page_that_is_drawn_as_it_is_read_is_read_once(name: str, tmp_path: Path) -> None:
    assert by_place(pdf.read(a_page(HONEST[name]).save(tmp_path))) == []


def test_what_nobody_sees_is_no_part_of_a_line(tmp_path: Path) -> None:
    hidden = b"1 g " + at("9999", 60 + 4.2 * WIDTH, 700).replace(b"11 Tf", b"1 Tf") + b"0 g "
    (piece,) = by_place(pdf.read(a_page(groups() + hidden * 3).save(tmp_path)))
    assert CARD in piece.text
    assert "9999" not in piece.text


def test_a_page_with_more_letters_than_anybody_reads_is_unread_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = a_page(groups() + b"".join(at("x" * 60, 60, 600 - 12 * row) for row in range(20))).save(tmp_path)
    assert pdf.read(path).unread == []
    monkeypatch.setattr(pdf, "_LETTERS_MAX", 1_000)
    document = pdf.read(path)
    assert by_place(document) == []
    assert document.unread == ["page 1: it has too many letters to be read in the order of their places"]
