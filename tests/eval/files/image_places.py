"""Pictures with texts beside what they show: EXIF, GPS, XMP, IPTC, comments, chunks; and with more frames than one sees."""

import random
import struct
import zlib
from collections.abc import Iterator

from PIL import Image, PngImagePlugin, TiffImagePlugin

from tests.eval.files import paper
from tests.eval.files.made import GPS, IMAGE_TEXT, Label, MadeFile
from tests.eval.files.pdf_beside import XMP
from tests.eval.files.values import Value, Values

EXIF_TEXTS = {0x010E: "ImageDescription", 0x010F: "Make", 0x0131: "Software", 0x013B: "Artist", 0x8298: "Copyright"}
EXIF_WIDE = {0x9C9B: "XPTitle", 0x9C9C: "XPComment", 0x9C9D: "XPAuthor", 0x9C9E: "XPKeywords", 0x9C9F: "XPSubject"}
USER_COMMENT, CAMERA_OWNER, EXIF_TABLE, PLACES = 0x9286, 0xA430, 0x8769, 0x8825


def blank() -> Image.Image:
    return Image.new("RGB", (120, 80), (90, 140, 200))


def label(value: Value, note: str, place: str = "metadata") -> Label:
    return Label(place, value.type, value.text, note)


def made(name: str, data: bytes, kind: str, labels: list[Label]) -> MadeFile:
    return MadeFile(name, data, kind, IMAGE_TEXT, tuple(labels))


def segment(data: bytes, marker: int, body: bytes) -> bytes:
    """A JPEG with one more segment behind its beginning."""
    return data[:2] + bytes([0xFF, marker]) + struct.pack(">H", len(body) + 2) + body + data[2:]


def chunk(data: bytes, kind: bytes, body: bytes) -> bytes:
    """A PNG with one more chunk behind its header."""
    return data[:33] + struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) + data[33:]


def exif(values: Values) -> tuple[Image.Exif, list[Label]]:
    found, labels = Image.Exif(), []
    for tag, name in EXIF_TEXTS.items():
        one = values.one()
        found[tag] = one.sentence
        labels.append(label(one, f"EXIF, {name}"))
    for tag, name in EXIF_WIDE.items():
        one = values.one()
        found[tag] = one.sentence.encode("utf-16-le") + b"\0\0"
        labels.append(label(one, f"EXIF, {name}"))
    inner, comment, owner = found.get_ifd(EXIF_TABLE), values.one(), values.one()
    inner[USER_COMMENT], inner[CAMERA_OWNER] = b"ASCII\0\0\0" + comment.sentence.encode(), owner.sentence
    labels += [label(comment, "EXIF, UserComment"), label(owner, "EXIF, CameraOwnerName")]
    found.get_ifd(PLACES).update({1: "N", 2: (12.0, 58.0, 17.7), 3: "E", 4: (77.0, 35.0, 40.4)})
    return found, [*labels, Label("metadata", GPS, "", "EXIF, GPS")]


def properties(source: random.Random) -> Iterator[MadeFile]:
    values = Values(source)
    for form in ("jpeg", "png", "webp", "tiff"):
        found, labels = exif(values)
        if form == "tiff":
            yield made("exif.tiff", paper.encoded(blank(), "TIFF", tiffinfo=_as_tags(found)), "tiff", labels)
        else:
            yield made(f"exif.{form}", paper.encoded(blank(), form.upper(), exif=found), form, labels)
    for form in ("jpeg", "png", "webp"):
        element, attribute = values.one(), values.one()
        packet = XMP.format(element=element.sentence, attribute=attribute.sentence).encode()
        yield made(
            f"xmp.{form}", _with_xmp(form, packet), form, [label(element, "XMP, element"), label(attribute, "XMP, attribute")]
        )
    yield from _comments(values)
    yield _png_texts(values)


def _as_tags(found: Image.Exif) -> TiffImagePlugin.ImageFileDirectory_v2:
    """A TIFF's EXIF are its own tags."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    for tag, value in found.items():
        tags[tag] = value
    for tag in (EXIF_TABLE, PLACES):
        tags[tag] = dict(found.get_ifd(tag))
        tags.tagtype[tag] = 4
    return tags


def _with_xmp(form: str, packet: bytes) -> bytes:
    if form == "jpeg":
        return segment(paper.encoded(blank(), "JPEG"), 0xE1, b"http://ns.adobe.com/xap/1.0/\0" + packet)
    if form == "png":
        return chunk(paper.encoded(blank(), "PNG"), b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + packet)
    return paper.encoded(blank(), "WEBP", xmp=packet)


def _comments(values: Values) -> Iterator[MadeFile]:
    one = values.one()
    yield made(
        "comment.jpeg", segment(paper.encoded(blank(), "JPEG"), 0xFE, one.sentence.encode()), "jpeg", [label(one, "JPEG comment")]
    )
    one = values.one()
    yield made(
        "comment.gif",
        paper.encoded(blank().convert("P"), "GIF", comment=one.sentence.encode()),
        "gif",
        [label(one, "GIF comment")],
    )
    one = values.one()
    caption = one.sentence.encode()
    record = b"\x1c\x02\x78" + struct.pack(">H", len(caption)) + caption
    block = b"8BIM\x04\x04\0\0" + struct.pack(">I", len(record)) + record + b"\0" * (len(record) % 2)
    data = segment(paper.encoded(blank(), "JPEG"), 0xED, b"Photoshop 3.0\0" + block)
    yield made("iptc.jpeg", data, "jpeg", [label(one, "IPTC caption")])


def _png_texts(values: Values) -> MadeFile:
    info, labels = PngImagePlugin.PngInfo(), []
    plain, packed, wide, named = (values.one() for _ in range(4))
    info.add_text("Comment", plain.sentence)
    info.add_text("Description", packed.sentence, zip=True)
    info.add_itxt("Title", wide.sentence, "en", "Titel", zip=True)
    info.add_itxt("Author", "x", "en", named.sentence)
    for one, note in ((plain, "PNG tEXt"), (packed, "PNG zTXt"), (wide, "PNG iTXt"), (named, "PNG iTXt, translated keyword")):
        labels.append(label(one, note))
    return made("texts.png", paper.encoded(blank(), "PNG", pnginfo=info), "png", labels)


def frames(source: random.Random) -> Iterator[MadeFile]:
    """Several pages in a TIFF, a second frame in a GIF and in a PNG, each kind of picture, letters on a transparent ground."""
    values = Values(source)
    for form in ("png", "jpeg", "webp", "tiff", "bmp", "gif"):
        own = values.on_paper(3)
        image = paper.card(own)
        data = paper.encoded(image.convert("P") if form == "gif" else image, form.upper())
        yield made(f"card.{form}", data, form, [label(one, form, "picture") for one in own])
    pages = [values.on_paper(2) for _ in range(3)]
    images = [paper.card(own) for own in pages]
    labels = [Label("picture", one.type, one.text, "page of a TIFF", n) for n, own in enumerate(pages, 1) for one in own]
    yield made("pages.tiff", paper.encoded(images[0], "TIFF", save_all=True, append_images=images[1:]), "tiff", labels)
    for form in ("gif", "png", "webp"):
        own = values.on_paper(2)
        first, second = Image.new("RGB", (900, 164), "white"), paper.card(own)
        options: dict[str, object] = {"lossless": True} if form == "webp" else {}
        data = paper.encoded(first, form.upper(), save_all=True, append_images=[second], duration=500, **options)
        yield made(f"second-frame.{form}", data, form, [label(one, "second frame", "picture") for one in own])
    own = values.on_paper(2)
    card = paper.card(own).convert("L")
    clear = Image.merge("LA", (Image.new("L", card.size, 0), Image.eval(card, lambda one: 255 - one)))
    yield made("transparent.png", paper.encoded(clear, "PNG"), "png", [label(one, "black on nothing", "picture") for one in own])
    own = values.on_paper(2)
    turned = Image.Exif()
    turned[0x0112] = 6  # to be shown turned by 90 degrees
    data = paper.encoded(paper.card(own).rotate(90, expand=True), "JPEG", exif=turned, quality=90)
    yield made("orientation.jpeg", data, "jpeg", [label(one, "turned by EXIF", "picture") for one in own])
    for name, mode in (("grey16.png", "I;16"), ("cmyk.jpeg", "CMYK")):
        own = values.on_paper(2)
        card = paper.card(own)
        image = (
            card.convert("L").convert("I").point(lambda one: one * 257).convert("I;16")
            if mode == "I;16"
            else card.convert("CMYK")
        )
        form = name.partition(".")[2]
        yield made(name, paper.encoded(image, form.upper()), form, [label(one, mode, "picture") for one in own])
