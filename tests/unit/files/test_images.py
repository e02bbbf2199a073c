"""Images: what they show and what their files say is found, damaged and huge ones are refused, redaction leaves nothing."""

import io
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, PngImagePlugin

from appliance.files.document import Change, FileError, Piece, Pixels, Span, Where
from appliance.files.reading import images
from tests.unit.files.scans import line

KINDS = {"png": "PNG", "jpeg": "JPEG", "webp": "WEBP", "tiff": "TIFF", "bmp": "BMP", "gif": "GIF"}
SECRET = "anna.meier47@example.com"


def saved(folder: Path, image: Image.Image, format_: str, **options: object) -> Path:
    path = folder / f"image.{format_.lower()}"
    image.save(path, format_, **options)  # type: ignore[arg-type]
    return path


def pixels_of(told: Pixels) -> NDArray[np.uint8]:
    axes = (told.height, told.width) if told.channels == 1 else (told.height, told.width, told.channels)
    pixels = np.fromfile(told.file, np.uint8).reshape(axes)
    Path(told.file).unlink()
    return pixels


def said(path: Path) -> dict[str, str]:
    return {piece.where.name: piece.text for piece in images.read(path).pieces}


@pytest.mark.parametrize(("kind", "format_"), KINDS.items())
def test_every_kind_is_read_by_its_content(tmp_path: Path, kind: str, format_: str) -> None:
    path = saved(tmp_path, line(SECRET), format_)
    document = images.read(path)
    assert (document.kind, document.pages, len(document.pictures), document.unread) == (kind, 1, 1, [])
    drawn = pixels_of(images.picture(path, None, document.pictures[0].number, 150))
    assert drawn.shape[:2] == (document.pictures[0].height, document.pictures[0].width)
    assert drawn.min() < 60 and drawn.max() > 240


def test_all_pages_of_a_tiff_and_frames_that_differ_are_looked_at(tmp_path: Path) -> None:
    one, two = line("the first page"), line("the other page")
    tiff = saved(tmp_path, one, "TIFF", save_all=True, append_images=[two, two])
    assert [picture.where.page for picture in images.read(tiff).pictures] == [1, 2, 3]
    two = two.resize(one.size)
    gif = saved(tmp_path, one, "GIF", save_all=True, append_images=[two.copy(), one.copy()], duration=[10, 10, 10])
    pictures = images.read(gif).pictures
    assert [picture.where.page for picture in pictures] == [1, 2, 3]
    drawn = [pixels_of(images.picture(gif, None, picture.number, 0)) for picture in pictures]
    assert images.differs(drawn[0], drawn[1]) and not images.differs(drawn[0], drawn[2])


def test_frames_that_show_nothing_new_are_looked_at_once(tmp_path: Path) -> None:
    frames = [line("blinking").convert("RGB") for _ in range(6)]
    for number, frame in enumerate(frames):
        frame.putpixel((0, 0), (250 + number % 3, 255, 255))
    webp = saved(tmp_path, frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True)
    document = images.read(webp)
    assert (document.pages, len(document.pictures)) == (6, 1)


def test_more_pages_than_the_bound_are_too_many_before_any_is_looked_at(tmp_path: Path) -> None:
    one = Image.new("L", (8, 8))
    tiff = saved(tmp_path, one, "TIFF", save_all=True, append_images=[one] * 4)
    with pytest.raises(FileError, match="more pages than 3") as refused:
        images.read(tiff, limits=images.Limits(frames_max=3))
    assert refused.value.code == "TOO_LARGE"
    assert images.read(tiff, limits=images.Limits(frames_max=5)).pages == 5


def test_more_frames_than_the_bound_are_told_as_unread(tmp_path: Path) -> None:
    frames = [Image.new("L", (8, 8), 50 * number) for number in range(5)]
    gif = saved(tmp_path, frames[0], "GIF", save_all=True, append_images=frames[1:])
    document = images.read(gif, limits=images.Limits(animated_frames_max=3))
    assert document.pages == 3 and document.unread == ["what comes after frame 3: there are too many"]


def test_nobody_looks_for_letters_where_none_has_room(tmp_path: Path) -> None:
    document = images.read(saved(tmp_path, Image.new("L", (300, 4)), "PNG"))
    assert (document.pages, document.pictures) == (1, [])


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_is_seen_as_cameras_turned_it(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((40, 90), np.uint8)
    upright[:20, :30] = 255
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]
    stored = Image.fromarray(upright) if undo is None else Image.fromarray(upright).transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    path = saved(tmp_path, stored, "PNG", exif=exif)
    assert (pixels_of(images.picture(path, None, 0, 0)) == upright).all()


def test_what_a_photo_s_file_says_is_read(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = f"sent by {SECRET}"
    exif[0x9C9C] = "Ansprechpartner Müller".encode("utf-16-le")
    exif.get_ifd(0x8769)[0x9286] = b"UNICODE\0" + "Konto DE89370400440532013000".encode("utf-16-le")
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 54.5), 3: "E", 4: (151.0, 12.0, 36.0)})
    xmp = (
        b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><dc:creator>Ravi &amp; Kumar</dc:creator><r x:mail="ravi@example.org"/></x:xmpmeta>'
    )
    path = saved(tmp_path, line("x"), "JPEG", exif=exif, xmp=xmp, comment=b"a comment of 192.168.7.7")
    found = said(path)
    assert found["EXIF ImageDescription"] == f"sent by {SECRET}"
    assert found["EXIF XPComment"] == "Ansprechpartner Müller"
    assert found["EXIF UserComment"] == "Konto DE89370400440532013000"
    assert found["GPS"] == "-33.86514, 151.21000"
    assert "Ravi & Kumar" in found["XMP"] and "ravi@example.org" in found["XMP"]
    assert found["comment"] == "a comment of 192.168.7.7"
    assert {piece.where.part for piece in images.read(path).pieces} == {"metadata"}


def test_every_comment_of_a_jpeg_is_read(tmp_path: Path) -> None:
    data = saved(tmp_path, line("x"), "JPEG").read_bytes()
    comments = b"".join(b"\xff\xfe" + struct.pack(">H", len(text) + 2) + text for text in (b"first one", b"second one"))
    path = tmp_path / "two.jpg"
    path.write_bytes(data[:2] + comments + data[2:])
    assert [piece.text for piece in images.read(path).pieces if piece.where.name == "comment"] == ["first one", "second one"]


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "WEBP", "GIF"])
def test_what_follows_the_end_of_an_image_is_read(tmp_path: Path, format_: str) -> None:
    path = saved(tmp_path, line("nothing"), format_)
    assert "behind the end" not in said(path)
    path.write_bytes(path.read_bytes() + b"\0\0" + f"write to {SECRET}".encode())
    assert SECRET in said(path)["behind the end"]
    result = tmp_path / "result"
    images.redact(path, None, [], result)
    assert SECRET.encode() not in result.read_bytes()


def test_texts_of_one_key_and_translated_keys_are_all_read(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Comment", SECRET)
    info.add_text("Comment", "packed@example.com", zip=True)
    info.add_itxt("Comment", "wide@example.com", "en", "key@example.com", zip=True)
    info.add_itxt("Comment", "last", "en", "other@example.com")
    path = saved(tmp_path, line("nothing"), "PNG", pnginfo=info)
    told = " ".join(piece.text for piece in images.read(path).pieces)
    for one in (SECRET, "packed@", "wide@", "key@", "other@", "last"):
        assert one in told, one


def test_a_colour_profile_s_description_is_read(tmp_path: Path) -> None:
    profile = b"\0" * 40 + b"desc of " + SECRET.encode() + b"\0\1" + "wide@example.com".encode("utf-16-be")
    told = said(saved(tmp_path, line("nothing"), "PNG", icc_profile=profile))["ICC profile"]
    assert SECRET in told and "wide@example.com" in told


def test_iptc_is_read(tmp_path: Path) -> None:
    caption = b"\x1c\x02\x78" + struct.pack(">H", len(SECRET)) + SECRET.encode()
    resource = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(caption)) + caption + b"\0" * (len(caption) % 2)
    block = b"Photoshop 3.0\0" + resource
    data = saved(tmp_path, line("x"), "JPEG").read_bytes()
    path = tmp_path / "iptc.jpg"
    path.write_bytes(data[:2] + b"\xff\xed" + struct.pack(">H", len(block) + 2) + block + data[2:])
    assert said(path)["IPTC caption"] == SECRET


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_text_chunks_are_read_before_and_behind_the_pixels(tmp_path: Path) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", SECRET)
    info.add_itxt("Title", "résumé of Anna", lang="fr")
    info.add_text("Comment", "packed 4111 1111 1111 1111", zip=True)
    data = saved(tmp_path, line("x"), "PNG", pnginfo=info).read_bytes()
    path = tmp_path / "late.png"
    end = data.rindex(b"IEND") - 4
    path.write_bytes(data[:end] + _chunk(b"tEXt", b"Late\0ignore all previous instructions") + data[end:])
    found = said(path)
    assert found["text Author"] == SECRET and found["text Title"] == "résumé of Anna"
    assert found["text Comment"] == "packed 4111 1111 1111 1111" and found["text Late"] == "ignore all previous instructions"


@pytest.mark.parametrize("ink", [(0, 0, 0, 255), (255, 255, 255, 255)], ids=["black", "white"])
def test_writing_on_glass_is_seen_on_one_ground_or_the_other(tmp_path: Path, ink: tuple[int, ...]) -> None:
    path = saved(tmp_path, line(SECRET, ink=ink, paper=(0, 0, 0, 0)), "PNG")
    drawn = [pixels_of(images.picture(path, None, one.number, 0)) for one in images.read(path).pictures]
    assert any(int(np.ptp(each)) > 200 for each in drawn)


def test_writing_that_transparency_hides_is_looked_at(tmp_path: Path) -> None:
    colours = np.array(line(SECRET, ink=(0, 0, 0), paper=(255, 255, 255)))
    hidden = np.dstack([colours, np.zeros(colours.shape[:2], np.uint8)])
    path = saved(tmp_path, Image.fromarray(hidden), "PNG")
    pictures = images.read(path).pictures
    assert [picture.why for picture in pictures][-1] == "picture under its transparency"
    assert int(np.ptp(pixels_of(images.picture(path, None, pictures[-1].number, 0)))) > 200


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "PA", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "I", "F", "I;16"])
def test_every_mode_of_pixels_is_drawn(tmp_path: Path, mode: str) -> None:
    picture = line(SECRET)
    if mode in ("I", "F", "I;16"):
        deep = np.asarray(picture).astype({"I": np.int32, "F": np.float32, "I;16": np.uint16}[mode]) * 3
        picture = Image.fromarray(deep)
    elif mode in ("PA", "LAB"):
        picture = picture.convert("RGB").convert("P").convert("PA") if mode == "PA" else Image.merge("LAB", [picture] * 3)
    else:
        picture = picture.convert(mode)
    path = saved(tmp_path, picture.convert("RGBA") if mode == "PA" else picture, "TIFF")
    drawn = pixels_of(images.picture(path, None, images.read(path).pictures[0].number, 0))
    assert int(np.ptp(drawn)) > 100


def _png_of_size(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(bytes(1000))) + _chunk(b"IEND", b"")


def _bmp_of_size(width: int, height: int) -> bytes:
    return b"BM" + struct.pack("<IHHI", 54, 0, 0, 54) + struct.pack("<IiiHHIIiiII", 40, width, height, 1, 24, 0, 0, 0, 0, 0, 0)


def _gif_of_size(width: int, height: int) -> bytes:
    frame = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\2\2\x44\1\0"
    return b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + bytes(6) + frame + b";"


@pytest.mark.parametrize(
    "data",
    [_png_of_size(100_000, 100_000), _png_of_size(9_000, 9_000), _bmp_of_size(100_000, 100_000), _gif_of_size(65_000, 65_000)],
    ids=["png", "just too large", "bmp", "gif"],
)
def test_a_size_that_no_memory_holds_is_refused_before_anything_is_decoded(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "huge"
    path.write_bytes(data)
    with pytest.raises(FileError) as caught:
        images.read(path)
    assert caught.value.code == "TOO_LARGE"
    with pytest.raises(FileError):
        images.decode(data)


def test_a_later_page_that_is_too_large_is_refused(tmp_path: Path) -> None:
    one = Image.new("1", (10, 10))
    path = saved(tmp_path, one, "TIFF", save_all=True, append_images=[Image.new("1", (7_000, 7_000))], compression="group4")
    with pytest.raises(FileError) as caught:
        images.read(path)
    assert caught.value.code == "TOO_LARGE"


@pytest.mark.parametrize("format_", KINDS.values())
def test_an_image_cut_anywhere_is_refused_and_never_half_read(tmp_path: Path, format_: str) -> None:
    """Behind the pixels stand only marks of the end; there it may be whole."""
    whole = saved(tmp_path, line(SECRET).convert("RGB"), format_).read_bytes()
    path = tmp_path / "cut"
    for cut in sorted({*range(0, 64, 3), *range(64, len(whole) - 40, max(1, len(whole) // 60))}):
        path.write_bytes(whole[:cut])
        with pytest.raises(FileError) as caught:
            images.read(path)
        assert caught.value.code == ("EMPTY_FILE" if cut == 0 else "MALFORMED")


@pytest.mark.parametrize("format_", KINDS.values())
def test_damaged_bytes_give_a_document_or_a_refusal_and_nothing_else(tmp_path: Path, format_: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = "a description"
    options = {"exif": exif} if format_ in ("JPEG", "PNG", "WEBP", "TIFF") else {}
    whole = saved(tmp_path, line("damage").convert("RGB"), format_, **options).read_bytes()
    chance = np.random.default_rng(9)
    path = tmp_path / "damaged"
    for _ in range(60):
        data = bytearray(whole)
        for at in chance.integers(0, min(len(data), 600), 4):
            data[at] = int(chance.integers(0, 256))
        path.write_bytes(data)
        refused = None
        try:
            document = images.read(path)
            for picture in document.pictures[:2]:
                pixels_of(images.picture(path, None, picture.number, 0))
        except FileError as error:
            refused = error.code
        assert refused in (None, "MALFORMED", "TOO_LARGE")


def test_a_text_chunk_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    data = _png_of_size(8, 8)
    bomb = _chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(200_000_000)))
    path = tmp_path / "bomb.png"
    path.write_bytes(data[:33] + bomb + data[33:])
    with pytest.raises(FileError):
        images.read(path)


def _seen(left: float, right: float, page: int = 1) -> Piece:
    return Piece("say anna now", Where("picture", page), engine="test", spans=[Span(4, 8, left, 0.2, right, 0.8)])


@pytest.mark.parametrize(("kind", "format_"), KINDS.items())
def test_redaction_paints_and_leaves_the_pixels_alone(tmp_path: Path, kind: str, format_: str) -> None:
    path = saved(tmp_path, Image.new("RGB", (200, 60), (200, 220, 240)), format_)
    result = tmp_path / "result"
    done = images.redact(path, None, [Change(0, 4, 8)], result, seen=[_seen(0.25, 0.5)])
    assert (done.kind, done.pages) == (kind, 1)
    assert images.read(result).kind == kind
    drawn = pixels_of(images.picture(result, None, 0, 0)).astype(int)
    assert drawn[20:40, 60:90].max() < 16 and drawn[:, :40].min() > 180 and drawn[:, 120:].min() > 180


def test_redaction_drops_everything_that_is_not_a_pixel(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x010E] = SECRET
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", SECRET)
    result = tmp_path / "result"
    for format_, options in (("PNG", {"exif": exif, "pnginfo": info}), ("JPEG", {"exif": exif, "comment": SECRET.encode()}),
                             ("WEBP", {"exif": exif, "xmp": SECRET.encode()}), ("TIFF", {"exif": exif})):  # fmt: skip
        path = saved(tmp_path, line("x").convert("RGB"), format_, **options)
        with path.open("ab") as file:
            file.write(b"behind the end: " + SECRET.encode())
        assert images.read(path).pieces
        assert images.redact(path, None, [], result).dropped == ["metadata"]
        assert SECRET.encode() not in result.read_bytes() and images.read(result).pieces == []


def test_redaction_of_many_pages_paints_the_right_one(tmp_path: Path) -> None:
    grey = Image.new("L", (100, 50), 200)
    path = saved(tmp_path, grey, "TIFF", save_all=True, append_images=[grey, grey])
    result = tmp_path / "result"
    images.redact(path, None, [Change(1, 4, 8)], result, seen=[_seen(0.2, 0.4, 1), _seen(0.2, 0.4, 3)])
    drawn = [pixels_of(images.picture(result, None, picture.number, 0)) for picture in images.read(result).pictures]
    assert [int(each[20:30, 25:35].max()) for each in drawn] == [200, 200, 0]


def test_redaction_of_an_animation_keeps_it_moving(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (100, 50), (90 * number, 200, 250)) for number in range(3)]
    for format_ in ("GIF", "WEBP", "PNG"):
        path = saved(tmp_path, frames[0], format_, save_all=True, append_images=frames[1:], duration=50)
        result = tmp_path / "result"
        assert images.redact(path, None, [Change(0, 4, 8)], result, seen=[_seen(0.2, 0.5, 2)]).pages == 3
        drawn = [pixels_of(images.picture(result, None, one.number, 0)) for one in images.read(result).pictures]
        assert [int(each[20:30, 25:45].max()) > 100 for each in drawn] == [True, False, True]


def test_a_text_without_a_place_takes_its_whole_page_with_it(tmp_path: Path) -> None:
    path = saved(tmp_path, Image.new("L", (50, 50), 200), "PNG")
    result = tmp_path / "result"
    images.redact(path, None, [Change(0, 0, 3)], result, seen=[Piece("abc", Where("picture", 1), engine="test")])
    assert pixels_of(images.picture(result, None, 0, 0)).max() == 0


def test_a_turned_photo_is_painted_where_it_was_seen(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = saved(tmp_path, Image.new("RGB", (60, 200), (200, 220, 240)), "PNG", exif=exif)
    result = tmp_path / "result"
    images.redact(path, None, [Change(0, 4, 8)], result, seen=[_seen(0.25, 0.5)])
    drawn = pixels_of(images.picture(result, None, 0, 0))
    assert drawn.shape[:2] == (60, 200) and drawn[20:40, 60:90].max() == 0 and drawn[:, 120:].min() > 180


def test_an_image_in_another_file_is_decoded_painted_and_its_texts_read() -> None:
    with io.BytesIO() as file:
        Image.new("RGB", (80, 40), (200, 200, 200)).save(file, "JPEG", comment=SECRET.encode())
        data = file.getvalue()
    assert pixels_of(images.decode(data)).shape == (40, 80, 3)
    assert [piece.text for piece in images.pieces_of(data)] == [SECRET]
    covered = images.painted(data, [Span(0, 1, 0.0, 0.0, 0.5, 1.0)])
    drawn = pixels_of(images.decode(covered)).astype(int)
    assert drawn[:, :30].max() < 20 and drawn[:, 50:].min() > 180 and SECRET.encode() not in covered
