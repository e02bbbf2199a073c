"""Pictures in a DOCX: listed to be looked at, decoded, painted over, and freed of what their files say beside them."""

import io
from pathlib import Path

import pytest
from docx.document import Document as DocxDocument

from appliance.files.document import Change, Piece, Span, Where
from appliance.files.reading import docx
from tests.unit.files.docx_files import CARD, everything, made, part, saved, with_parts

Image = pytest.importorskip("PIL.Image")
pytest.importorskip("appliance.files.reading.images", reason="the reader of images is built beside this one")

KINDS = ["PNG", "JPEG", "GIF", "BMP", "TIFF"]


def drawing(kind: str = "PNG", **options: object) -> bytes:
    """White, with a black bar in its upper half."""
    image = Image.new("RGB", (200, 100), "white")
    image.paste("black", (20, 10, 180, 40))
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def with_picture(data: bytes) -> bytes:
    def fill(document: DocxDocument) -> None:
        document.add_picture(io.BytesIO(data))

    return made(fill)


def bar(data: bytes) -> list[int]:
    """How bright it is in the bar, and in its lower half."""
    image = Image.open(io.BytesIO(data)).convert("L")
    return [image.getpixel((100, 25)), image.getpixel((100, 80))]


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_is_listed_and_decoded(kind: str, tmp_path: Path) -> None:
    path = saved(tmp_path, with_picture(drawing(kind)))
    pictures = docx.read(path, None).pictures
    assert [(picture.number, picture.where.part) for picture in pictures] == [(0, "picture")]
    pixels = docx.picture(path, None, 0, 150)
    file = Path(pixels.file)
    data = file.read_bytes()
    file.unlink()
    assert (pixels.width, pixels.height, len(data)) == (200, 100, 200 * 100 * pixels.channels)
    assert data[(25 * 200 + 100) * pixels.channels] < 30 and data[(80 * 200 + 100) * pixels.channels] > 225


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_read_in_a_picture_is_painted_over(kind: str, tmp_path: Path) -> None:
    path, result = saved(tmp_path, with_picture(drawing(kind))), tmp_path / "result.docx"
    read = docx.read(path, None)
    seen = Piece(CARD, read.pictures[0].where, engine="x", spans=[Span(0, 19, 0.1, 0.6, 0.9, 0.95)])
    docx.redact(path, None, [Change(len(read.pieces), 0, 19, "[CARD]")], result, seen=[seen])
    name = next(name for name in _names(result) if name.startswith("word/media/"))
    assert all(value < 30 for value in bar(part(result.read_bytes(), name)))


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_without_findings_keeps_its_pixels(kind: str, tmp_path: Path) -> None:
    path, result = saved(tmp_path, with_picture(drawing(kind))), tmp_path / "result.docx"
    docx.redact(path, None, [], result)
    name = next(name for name in _names(result) if name.startswith("word/media/"))
    dark, light = bar(part(result.read_bytes(), name))
    assert dark < 30 and light > 225


def _names(path: Path) -> list[str]:
    import zipfile

    with zipfile.ZipFile(path) as archive:
        return archive.namelist()


def _with_exif() -> bytes:
    exif = Image.Exif()
    exif[0x010E] = CARD
    return drawing("JPEG", exif=exif)


def _with_text() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    info = PngInfo()
    info.add_text("Comment", CARD, zip=True)
    return drawing("PNG", pnginfo=info)


@pytest.mark.parametrize(
    "make", [_with_exif, _with_text, lambda: drawing("GIF", comment=CARD.encode())], ids=["exif", "text", "comment"]
)
def test_what_a_picture_says_beside_its_pixels_is_found_and_goes(make: object, tmp_path: Path) -> None:
    assert callable(make)
    path, result = saved(tmp_path, with_picture(make())), tmp_path / "result.docx"
    read = docx.read(path, None)
    number = next(number for number, piece in enumerate(read.pieces) if CARD in piece.text)
    docx.redact(path, None, [Change(number, 0, 19, "[CARD]")], result)
    assert not [content for content in everything(result.read_bytes()) if CARD.encode() in content]
    assert not [piece for piece in docx.read(result, None).pieces if CARD in piece.text]


def test_a_damaged_picture_is_told_and_is_not_in_the_redacted_document(tmp_path: Path) -> None:
    data = with_parts(made(), {"word/media/image1.png": drawing()[:90]})
    path, result = saved(tmp_path, data), tmp_path / "result.docx"
    read = docx.read(path, None)
    assert (read.unread, read.pictures) == (["a damaged picture"], [])
    docx.redact(path, None, [], result)
    assert part(result.read_bytes(), "word/media/image1.png") != drawing()[:90]
    assert not docx.read(result, None).unread


def test_a_picture_of_many_pages_is_looked_at_page_by_page(tmp_path: Path) -> None:
    pages = [Image.new("RGB", (60, 40), colour) for colour in ("white", "red", "blue")]
    buffer = io.BytesIO()
    pages[0].save(buffer, "TIFF", save_all=True, append_images=pages[1:])
    path = saved(tmp_path, with_parts(made(), {"word/media/image1.tiff": buffer.getvalue()}))
    assert len(docx.read(path, None).pictures) == 3
    pixels = docx.picture(path, None, 1, 150)
    file = Path(pixels.file)
    assert file.read_bytes()[:3] == b"\xff\0\0"
    file.unlink()


def test_a_change_in_one_picture_leaves_others_alone(tmp_path: Path) -> None:
    data = with_parts(made(), {f"word/media/image{number}.png": drawing() for number in (1, 2)})
    path, result = saved(tmp_path, data), tmp_path / "result.docx"
    read = docx.read(path, None)
    seen = [Piece(CARD, picture.where, engine="x", spans=[Span(0, 19, 0.1, 0.6, 0.9, 0.95)]) for picture in read.pictures]
    docx.redact(path, None, [Change(len(read.pieces) + 1, 0, 19, "[CARD]")], result, seen=seen)
    redacted = result.read_bytes()
    assert bar(part(redacted, "word/media/image1.png"))[1] > 225
    assert bar(part(redacted, "word/media/image2.png"))[1] < 30
    assert Where("picture", name="image2.png") == read.pictures[1].where
