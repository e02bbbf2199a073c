"""What must be looked at in a page: all of it where it has no text that is seen, else the pictures in it.

A picture's number is its page * 1000 + its place on the page, 0 being the page itself: it is found again without reading the
rest of the file.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from appliance.files.document import Picture, Where
from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_bounds import malformed
from appliance.files.reading.pdf_hidden import has_letters
from appliance.files.reading.pdf_page import WHOLE, Box, Image, Page, Pixel
from appliance.files.reading.pdf_text import PageText

PAGE_STEP = 1000

_DPI, _DPI_INK = 150, 36
_DPI_LOW = 60
_PIXELS_WANTED = 4_000_000  # A4 at 200 dpi: more than that only costs time
_LETTERS_MIN = 3
_SHAPES_MIN = 12  # so many letters drawn as shapes are a word or two
_CLUSTERED_MAX = 300
_GAP = 0.004  # of the page: pictures that are closer are one, in strips or tiles
_CONTRAST_MIN = 16
_SCAN_PART = 0.5
_MARKED_BYTES_MAX = 64_000_000
_BLURRED_PIXELS_MAX = 8_000_000  # of a page that is told as unread: what is as large as a headline is read all the same


@dataclass
class Region:
    box: Box
    images: list[Image]

    def dpi(self, page: Page) -> int:
        """As sharp as its sharpest picture, within reason."""
        width, height = page.shown_size
        native = max((_sharpness(image) for image in self.images), default=0.0)
        inches = (self.box[2] - self.box[0]) * width / 72 * (self.box[3] - self.box[1]) * height / 72
        wanted = (_PIXELS_WANTED / max(inches, 1e-6)) ** 0.5
        return int(max(_DPI, min(native, wanted, 2400)))


def pictures_of(page: Page, text: PageText, look: str) -> list[Picture]:
    """`look`: why the page must be looked at whatever its text is; "": it needn't."""
    objects = page.objects()
    if text.unmapped * 5 > len(text.words):
        look = look or "its letters have no names"
    if not look and objects.letters >= _SHAPES_MIN:
        look = "letters drawn as shapes"
    if not look and not has_letters(text.text, (word for word in text.words if not word.hidden), _LETTERS_MIN):
        if not _has_ink(page):
            return []
        look = "page without text"
    if look:
        whole = Region(WHOLE, objects.images)
        return [_picture(page, whole, 0, look)]
    return [_picture(page, region, index, "picture on the page") for index, region in enumerate(regions(page), 1)]


def regions(page: Page) -> list[Region]:
    """Pictures that touch each other are one. Those outside the page aren't among them."""
    images = page.objects().images
    if not images:
        return []
    shown = page.shown([image.box for image in images]).clip(0, 1).tolist()
    found: list[Region] = []
    for image, (left, top, right, bottom) in zip(images, shown, strict=True):
        if right > left and bottom > top:
            found.append(Region((left, top, right, bottom), [image]))
    if len(found) > _CLUSTERED_MAX:
        return [_joined(found)]
    return [region for region in _clustered(found) if _may_hold_text(region, page)][: PAGE_STEP - 1]


def drawn(page: Page, place: int, dpi: float, pixels_max: int) -> Pixel:
    """Picture `place` of a page. Of pictures on it nothing else is drawn: no text over them, no cover either."""
    if is_blurred(page, pixels_max):
        pixels_max = min(pixels_max, _BLURRED_PIXELS_MAX)
    if place == 0:
        return page.draw(dpi_within(page, WHOLE, dpi, pixels_max))
    all_regions = regions(page)
    if place > len(all_regions):
        raise malformed("the page has no such picture")
    region = all_regions[place - 1]
    with page.without([*page.objects().texts, *page.objects().others]):
        return page.draw(dpi_within(page, region.box, dpi, pixels_max), annotations=False, box=region.box)


def dpi_within(page: Page, box: Box, dpi: float, pixels_max: int) -> float:
    width, height = page.shown_size
    inches = (box[2] - box[0]) * width / 72 * (box[3] - box[1]) * height / 72
    return float(min(dpi, (pixels_max / max(inches, 1e-9)) ** 0.5))


def is_blurred(page: Page, pixels_max: int) -> bool:
    """Whether it is so large that it can't be drawn as sharply as its letters need."""
    return dpi_within(page, WHOLE, _DPI, pixels_max) < _DPI_LOW


def _picture(page: Page, region: Region, place: int, why: str) -> Picture:
    dpi = region.dpi(page)
    width, height = page.shown_size
    left, top, right, bottom = region.box
    return Picture(
        number=page.number * PAGE_STEP + place,
        where=Where("picture", page.number),
        width=round((right - left) * width / 72 * dpi),
        height=round((bottom - top) * height / 72 * dpi),
        left=left,
        top=top,
        right=right,
        bottom=bottom,
        why=why,
        dpi=dpi,
    )


def _has_ink(page: Page) -> bool:
    objects = page.objects()
    if not (objects.images or objects.others or objects.texts or page.annotations):
        return False
    if any(_part(region.box) > _SCAN_PART for region in regions(page)):
        return True  # a scan, most likely: not decoded twice
    pixels = page.draw(dpi_within(page, WHOLE, _DPI_INK, _PIXELS_WANTED))
    return int(np.ptp(pixels, axis=(0, 1)).max()) > _CONTRAST_MIN


def _part(box: Box) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def _may_hold_text(region: Region, page: Page) -> bool:
    width, height = page.shown_size
    shown = ((region.box[2] - region.box[0]) * width, (region.box[3] - region.box[1]) * height)
    pixels = (max(image.pixels[0] for image in region.images), sum(image.pixels[1] for image in region.images))
    return (shown[0] >= 16 and shown[1] >= 6 and pixels[0] * pixels[1] >= 200) or (pixels[0] >= 60 and pixels[1] >= 16)


def _sharpness(image: Image) -> float:
    left, bottom, right, top = image.box
    return max(image.pixels[0] / max(right - left, 0.5), image.pixels[1] / max(top - bottom, 0.5)) * 72


def _clustered(found: list[Region]) -> list[Region]:
    clusters: list[Region] = []
    for region in sorted(found, key=lambda each: each.box[1]):
        touching = [each for each in clusters if _touch(each.box, region.box)]
        clusters = [each for each in clusters if each not in touching]
        clusters.append(_joined([*touching, region]))
    return sorted(clusters, key=lambda each: (each.box[1], each.box[0]))


def _touch(one: Box, other: Box) -> bool:
    across = one[0] - _GAP <= other[2] and other[0] - _GAP <= one[2]
    return across and one[1] - _GAP <= other[3] and other[1] - _GAP <= one[3]


def _joined(found: list[Region]) -> Region:
    lefts, tops, rights, bottoms = zip(*(region.box for region in found), strict=True)
    return Region((min(lefts), min(tops), max(rights), max(bottoms)), [image for region in found for image in region.images])


def same_image_marks(images: list[Image]) -> list[bytes]:
    """One for each; the same for the same picture."""
    return [
        hashlib.blake2b(calls.image_bytes(image.handle, _MARKED_BYTES_MAX) + repr(image.pixels).encode(), digest_size=16).digest()
        for image in images
    ]
