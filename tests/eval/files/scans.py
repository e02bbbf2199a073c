"""Scans: pages of paper as PDF files and as pictures, clean ones and hard ones; and pictures inside pages of text."""

import random
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from tests.eval.files import paper
from tests.eval.files.made import SCAN_CLEAN, SCAN_HARD, Label, MadeFile
from tests.eval.files.paper import Treatment, encoded
from tests.eval.files.pdf_bytes import Pdf
from tests.eval.files.pdf_writing import line
from tests.eval.files.values import Value, Values

VALUES_A_PAGE = 6


def jpeg_object(pdf: Pdf, image: Image.Image, quality: int = 85) -> int:
    data = encoded(image, "JPEG", quality=quality)
    space = b"/DeviceGray" if image.mode == "L" else b"/DeviceRGB"
    head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent 8 /ColorSpace %s"
    return pdf.stream(b"", head % (image.width, image.height, space), (data, b"/Filter /DCTDecode"))


def flate_object(pdf: Pdf, image: Image.Image) -> int:
    bits, space = {"1": (1, b"/DeviceGray"), "L": (8, b"/DeviceGray"), "RGB": (8, b"/DeviceRGB")}[image.mode]
    head = b"/Type /XObject /Subtype /Image /Width %d /Height %d /BitsPerComponent %d /ColorSpace %s"
    return pdf.stream(image.tobytes(), head % (image.width, image.height, bits, space))


def drawn_over_page(pdf: Pdf, image: int, width: float = 595, height: float = 842) -> None:
    contents = b"q %g 0 0 %g 0 0 cm /Im Do Q" % (width, height)
    pdf.page(contents, b"/XObject << /Im %d 0 R >>" % image, box=(0, 0, width, height))


def labels_of(values: list[Value], place: str, note: str, page: int = 0) -> tuple[Label, ...]:
    return tuple(Label(place, one.type, one.text, note, page) for one in values)


def scanned(image: Image.Image, form: str, dpi: int, quality: int = 85) -> bytes:
    """A page's picture as a file of its kind."""
    if form == "pdf":
        pdf = Pdf()
        number = jpeg_object(pdf, image, quality) if image.mode != "1" else flate_object(pdf, image)
        drawn_over_page(pdf, number, image.width * 72 / dpi, image.height * 72 / dpi)
        return pdf.file()
    options: dict[str, object] = {"quality": quality} if form in ("jpeg", "webp") else {}
    if form in ("png", "jpeg", "tiff"):
        options["dpi"] = (dpi, dpi)
    return encoded(image, form.upper(), **options)


class Hard(NamedTuple):
    note: str
    treatments: tuple[Treatment, ...] = ()
    dpi: int = 150
    points: float = 11
    ink: int = 0
    ground: int = 255


HARD = (
    Hard("turned by 90", (paper.turned(90),)),
    Hard("turned by 180", (paper.turned(180),)),
    Hard("turned by 270", (paper.turned(270),)),
    Hard("askew by 3", (paper.turned(3),)),
    Hard("askew by -5", (paper.turned(-5),)),
    Hard("askew by 8", (paper.turned(8),), 200),
    Hard("noise", (paper.noise(35),)),
    Hard("specks", (paper.specks(0.02),)),
    Hard("100 dpi", (), 100),
    Hard("small print", (), 150, 6.5),
    Hard("smaller print", (), 200, 5),
    Hard("low contrast", (), 150, 11, 165, 205),
    Hard("pale", (), 150, 11, 205, 250),
    Hard("dark ground", (paper.inverted,)),
    Hard("JPEG artefacts", (paper.jpeg(12),)),
    Hard("blurred", (paper.blurred(1.3),)),
    Hard("shadow", (paper.shadow(150), paper.noise(8))),
    Hard("fax", (paper.noise(30), paper.black_and_white)),
    Hard("askew, noise, JPEG", (paper.turned(2), paper.noise(20), paper.jpeg(30))),
    Hard("100 dpi, low contrast", (paper.noise(5),), 100, 11, 120, 210),
    Hard("turned by 90, noise", (paper.noise(20), paper.turned(90))),
    Hard("turned by 180, 100 dpi", (paper.turned(180),), 100),
)


def clean_scans(source: random.Random) -> Iterator[MadeFile]:
    """Pages at 150 and 200 dpi as PDF, and one in each kind of picture."""
    values = Values(source)
    for dpi in (150, 200):
        for number, form in enumerate(("pdf", "pdf", "pdf", "png", "jpeg", "tiff", "webp")):
            if dpi == 200 and form in ("tiff", "webp"):
                continue
            own = values.on_paper(VALUES_A_PAGE)
            image = paper.page(own, values, dpi)
            page = 1 if form == "pdf" else 0
            labels = labels_of(own, "picture", f"{dpi} dpi, {form}", page)
            yield MadeFile(f"scan-{dpi}-{number}.{form}", scanned(image, form, dpi), form, SCAN_CLEAN, labels)


def hard_scans(source: random.Random) -> Iterator[MadeFile]:
    """Each way of being hard, as a PDF and as a picture in turn."""
    values = Values(source)
    for number, way in enumerate(HARD):
        own = values.on_paper(VALUES_A_PAGE)
        image = paper.page(own, values, way.dpi, points=way.points, ink=way.ink, ground=way.ground)
        image = paper.treated(image, way.treatments, source)
        form = ("pdf", "png", "jpeg")[number % 3]
        if image.mode == "1" and form == "jpeg":
            form = "png"
        labels = labels_of(own, "picture", way.note, 1 if form == "pdf" else 0)
        yield MadeFile(f"hard-{number:02}.{form}", scanned(image, form, way.dpi), form, SCAN_HARD, labels)


def pictures_in_pages(source: random.Random) -> Iterator[MadeFile]:
    """Pictures of text among text, kept in the ways in which PDF files keep pictures."""
    values = Values(source)
    for number, note in enumerate(
        ("JPEG", "deflated", "one bit", "inline", "in a form", "upside down in the file", "with a mask")
    ):
        own, pdf = values.on_paper(2), Pdf()
        image = paper.card(own, points=24, width=780)
        pdf_page(pdf, image, note, line(values.filler(12), 50, 780) + line(values.filler(12), 50, 760))
        yield MadeFile(f"picture-{number}.pdf", pdf.file(), "pdf", SCAN_CLEAN, labels_of(own, "picture", note, 1))
    own, pdf = values.on_paper(VALUES_A_PAGE), Pdf()
    image, contents, resources = paper.page(own, values, 150), b"", b""
    for strip, top in enumerate(range(0, image.height, 220)):
        piece = image.crop((0, top, image.width, min(image.height, top + 220)))
        height, bottom = piece.height * 842 / image.height, 842 - (top + piece.height) * 842 / image.height
        contents += b"q 595 0 0 %g 0 %g cm /S%d Do Q " % (height, bottom, strip)
        resources += b"/S%d %d 0 R " % (strip, jpeg_object(pdf, piece))
    pdf.page(contents, b"/XObject << %s >>" % resources)
    yield MadeFile("strips.pdf", pdf.file(), "pdf", SCAN_CLEAN, labels_of(own, "picture", "page in strips", 1))
    labels: list[Label] = []
    pdf = Pdf()
    for page in range(1, 4):
        own = values.on_paper(3)
        if page == 2:
            pdf.page(b"".join(line(one.sentence, 50, 700 - 20 * row) for row, one in enumerate(own)))
        else:
            drawn_over_page(pdf, jpeg_object(pdf, paper.page(own, values, 150)))
        labels += labels_of(own, "body" if page == 2 else "picture", "text and scans in turn", page)
    yield MadeFile("mixed.pdf", pdf.file(), "pdf", SCAN_CLEAN, tuple(labels))


def pdf_page(pdf: Pdf, image: Image.Image, note: str, prose: bytes) -> None:
    width, height = image.width * 0.6, image.height * 0.6
    place = b"q %g 0 0 %g 50 500 cm " % (width, height)
    if note == "inline":
        small = image.convert("1")
        data = small.tobytes()
        head = b"BI /W %d /H %d /BPC 1 /CS /G ID " % small.size
        pdf.page(prose + place + head + data + b"\nEI Q")
        return
    if note == "in a form":
        own = b"/XObject << /Im %d 0 R >>" % jpeg_object(pdf, image)
        head = b"/Type /XObject /Subtype /Form /BBox [0 0 595 842] /Resources << %s >>" % own
        pdf.page(prose + b"/Fm Do", b"/XObject << /Fm %d 0 R >>" % pdf.stream(place + b"/Im Do Q", head))
        return
    if note == "upside down in the file":
        image = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM)
        place = b"q %g 0 0 %g 50 %g cm " % (width, -height, 500 + height)
    if note == "one bit":
        number = flate_object(pdf, image.convert("1"))
    elif note == "deflated":
        number = flate_object(pdf, image)
    else:
        number = jpeg_object(pdf, image)
    if note == "with a mask":
        mask = flate_object(pdf, Image.new("L", (1, 1), 255))
        pdf.objects[number - 1] = pdf.objects[number - 1].replace(
            b"/BitsPerComponent", b"/SMask %d 0 R /BitsPerComponent" % mask, 1
        )
    pdf.page(prose + place + b"/Im Do Q", b"/XObject << /Im %d 0 R >>" % number)
