"""What must be looked at in a PDF is listed, and drawn as it is shown."""

from pathlib import Path

import numpy as np
import pytest

from appliance.files.document import Document, FileError, Picture
from appliance.files.reading import pdf
from tests.unit.files.pdf_files import Pdf, image_of, jpeg_of, placed, shown, stream

WORD = "Rosalind"


def drawn(path: Path, picture: Picture, dpi: int = 0) -> np.ndarray:
    pixels = pdf.picture(path, None, picture.number, dpi or picture.dpi)
    file = Path(pixels.file)
    data = np.frombuffer(file.read_bytes(), dtype=np.uint8)
    file.unlink()
    return data.reshape(pixels.height, pixels.width, pixels.channels)


def listed(document: Document) -> list[tuple[int, str]]:
    return [(picture.where.page, picture.why) for picture in document.pictures]


def test_a_page_without_text_is_looked_at_and_an_empty_one_is_not(tmp_path: Path) -> None:
    file = Pdf()
    scan = file.add(image_of(WORD, 1240, 1754))
    keys = b"/XObject<</P %d 0 R>>" % scan
    file.page(placed("P", 0, 0, 595, 842), resources=keys)
    file.page()
    file.page(shown("words"))
    file.page(b"0.5 g 100 100 50 50 re f")
    file.page(b"1 g 100 100 50 50 re f")
    path = file.save(tmp_path)
    document = pdf.read(path)
    assert listed(document) == [(1, "page without text"), (4, "page without text")]
    first = document.pictures[0]
    assert first.where.part == "picture"
    pixels = drawn(path, first)
    assert np.abs(np.subtract(pixels.shape, (first.height, first.width, 1))).max() <= 1
    assert abs(first.width - 1240) < 3
    assert pixels.min() < 50 < 200 < pixels.max()


@pytest.mark.parametrize("turns", [0, 90, 180, 270])
def test_a_picture_on_a_page_is_drawn_upright_without_what_lies_over_it(turns: int, tmp_path: Path) -> None:
    file = Pdf()
    picture = file.add(image_of("", 100, 100, light=90))
    cover = b"1 g 0 0 595 842 re f 0 g " + shown("words over it", y=320)
    file.page(placed("P", 50, 300, 300, 60) + cover, resources=b"/XObject<</P %d 0 R>>" % picture, keys=b"/Rotate %d" % turns)
    path = file.save(tmp_path)
    document = pdf.read(path)
    assert listed(document) == [(1, "picture on the page")]
    (found,) = document.pictures
    pixels = drawn(path, found)[3:-3, 3:-3]
    assert pixels.shape[0] > pixels.shape[1] if turns % 180 else pixels.shape[0] < pixels.shape[1]
    assert np.ptp(pixels) <= 2
    assert abs(int(pixels.mean()) - 90) <= 2


def test_strips_of_a_picture_are_one_and_icons_are_none(tmp_path: Path) -> None:
    file = Pdf()
    strip = file.add(image_of(WORD, 600, 40, size=20))
    icon = file.add(image_of("", 12, 12))
    content = b"".join(placed("S", 50, 300 + 20 * row, 300, 20) for row in range(8)) + placed("I", 500, 800, 8, 8)
    file.page(shown("words") + content, resources=b"/XObject<</S %d 0 R/I %d 0 R>>" % (strip, icon))
    (picture,) = pdf.read(file.save(tmp_path)).pictures
    assert picture.top == pytest.approx(1 - 460 / 842, abs=0.01)
    assert picture.bottom == pytest.approx(1 - 300 / 842, abs=0.01)


def test_a_large_picture_that_is_shown_small_is_drawn_large(tmp_path: Path) -> None:
    file = Pdf()
    large = file.add(jpeg_of(WORD))
    file.page(shown("words") + placed("P", 50, 300, 20, 5), resources=b"/XObject<</P %d 0 R>>" % large)
    path = file.save(tmp_path)
    (picture,) = pdf.read(path).pictures
    assert drawn(path, picture).shape[1] >= 390


def test_letters_drawn_as_shapes_are_looked_at(tmp_path: Path) -> None:
    letter = b"q 1 0 0 1 %d 400 cm 0 0 m 2 8 l 4 0 l 5 0 l 3 10 l 1 10 l 0 2 l f Q "
    file = Pdf()
    file.page(shown("words") + b"".join(letter % (50 + 8 * place) for place in range(20)))
    file.page(shown("words") + b"".join(b"50 %d 400 1 re f " % (100 + 20 * row) for row in range(30)))
    assert listed(pdf.read(file.save(tmp_path))) == [(1, "letters drawn as shapes")]


def test_a_page_whose_letters_have_no_names_is_looked_at(tmp_path: Path) -> None:
    file = Pdf()
    glyph = file.add(stream(b"600 0 0 0 500 700 d1 0 0 500 700 re f"))
    names = b"/FirstChar 97/LastChar 99/Widths[600 600 600]/Encoding<</Differences[97/x1/x2/x3]>>"
    draws = b"/CharProcs<</x1 %d 0 R/x2 %d 0 R/x3 %d 0 R>>" % (glyph, glyph, glyph)
    font = file.add(b"<</Type/Font/Subtype/Type3/FontBBox[0 0 600 700]/FontMatrix[0.001 0 0 0.001 0 0]%s%s>>" % (names, draws))
    file.page(b"BT /T 12 Tf 50 700 Td (abc cab bca) Tj ET", resources=b"/Font<</T %d 0 R>>" % font)
    assert len(pdf.read(file.save(tmp_path)).pictures) == 1


def test_a_picture_in_an_annotation_and_a_pattern_make_their_page_looked_at(tmp_path: Path) -> None:
    file = Pdf()
    picture = file.add(image_of(WORD))
    keys = b"/Subtype/Form/BBox[0 0 200 40]/Resources<</XObject<</P %d 0 R>>>>" % picture
    looks = file.add(stream(placed("P", 0, 0, 200, 40), keys))
    stamp = file.add(b"<</Type/Annot/Subtype/Stamp/Rect[100 100 300 140]/AP<</N %d 0 R>>>>" % looks)
    file.page(shown("words"), keys=b"/Annots[%d 0 R]" % stamp)
    tile = file.add(
        stream(shown(WORD, 0, 0), b"/PatternType 1/PaintType 1/TilingType 1/BBox[0 0 90 20]/XStep 90/YStep 20/Resources<<>>")
    )
    file.page(shown("words") + b"/Pattern cs /T scn 50 50 300 300 re f", resources=b"/Pattern<</T %d 0 R>>" % tile)
    whys = ["a picture in an annotation", "a pattern that may hold text"]
    assert listed(pdf.read(file.save(tmp_path))) == list(enumerate(whys, 1))


def test_a_picture_that_is_not_there_is_refused(tmp_path: Path) -> None:
    file = Pdf()
    file.page(shown("words"))
    path = file.save(tmp_path)
    for number in (0, 1, 999, 1001, 2000, -1000):
        with pytest.raises(FileError):
            pdf.picture(path, None, number, 150)
