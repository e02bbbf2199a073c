"""A page as pdfium sees it: the objects on it, its size, and where a point of it is when it is shown."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pypdfium2 as pdfium

from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_bounds import Deadline, too_large

Boxes = npt.NDArray[np.float64]  # a row each: left, top, right, bottom as parts of 1 of the page as it is shown
Matrix = tuple[float, float, float, float, float, float]
Pixel = npt.NDArray[np.uint8]

Box = tuple[float, float, float, float]  # left, top, right, bottom of the shown page
WHOLE: Box = (0.0, 0.0, 1.0, 1.0)

_OBJECTS_MAX = 200_000
_IMAGE_PIXELS_MAX = 40_000_000  # A4 at 600 dpi has 35 million
_NESTED_MAX = 12
_SAME: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_LETTER_POINTS = (2.0, 60.0)  # how high a shape is that may be a letter
_LETTER_SEGMENTS = 6  # a frame, a bar or an arrow has fewer


@dataclass
class Image:
    handle: int
    box: calls.Rect
    pixels: tuple[int, int]


@dataclass
class PageObjects:
    """What is drawn on a page, those inside forms too. `texts`: each handle with the scale of the forms around it."""

    texts: dict[int, float] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    letters: int = 0  # shapes that may be letters
    oversized: int = 0  # pictures that are never decoded

    @property
    def is_text_alone(self) -> bool:
        return not self.images and not self.others


class Page:
    """One page, opened. Close it with `with`."""

    def __init__(self, document: pdfium.PdfDocument, number: int, deadline: Deadline) -> None:
        self.number = number
        self._page = document[number - 1]
        self.handle = calls.handle(self._page)
        self.turns = self._page.get_rotation() // 90 % 4
        self.left, self.bottom, right, top = self._page.get_bbox()
        self.width, self.height = max(right - self.left, 0.01), max(top - self.bottom, 0.01)
        self._deadline = deadline
        self._objects: PageObjects | None = None

    def __enter__(self) -> "Page":
        return self

    def __exit__(self, *_: object) -> None:
        self._page.close()

    @property
    def shown_size(self) -> tuple[float, float]:
        """Width and height in points, turned."""
        return (self.height, self.width) if self.turns % 2 else (self.width, self.height)

    @property
    def annotations(self) -> int:
        return int(pdfium.raw.FPDFPage_GetAnnotCount(self._page.raw))

    @contextlib.contextmanager
    def text_page(self) -> Iterator[int]:
        opened = self._page.get_textpage()
        try:
            yield calls.handle(opened)
        finally:
            opened.close()

    def objects(self) -> PageObjects:
        if self._objects is None:
            self._objects = PageObjects()
            self._collect(self._objects)
        return self._objects

    def shown(self, rects: list[calls.Rect] | calls.Rects) -> Boxes:
        """Where rectangles of the page's own system are when it is shown."""
        own = np.array(rects, dtype=np.float64).reshape(-1, 4)
        x0, x1 = (own[:, 0] - self.left) / self.width, (own[:, 2] - self.left) / self.width
        y0, y1 = (own[:, 1] - self.bottom) / self.height, (own[:, 3] - self.bottom) / self.height
        if self.turns == 0:
            sides = (x0, 1 - y1, x1, 1 - y0)
        elif self.turns == 1:
            sides = (y0, x0, y1, x1)
        elif self.turns == 2:
            sides = (1 - x1, y0, 1 - x0, y1)
        else:
            sides = (1 - y1, 1 - x1, 1 - y0, 1 - x0)
        return np.stack(sides, axis=1)

    def draw(self, dpi: float, *, annotations: bool = True, box: Box = WHOLE) -> Pixel:
        """Rows of pixels of three bytes, RGB, on white. `box`: the part of the shown page to draw."""
        self.objects()  # so that pictures that are too large are off
        width, height = self.shown_size
        left, top, right, bottom = box
        bitmap = self._page.render(
            scale=dpi / 72,
            crop=(left * width, (1 - bottom) * height, (1 - right) * width, top * height),
            may_draw_forms=False,
            draw_annots=annotations,
            rev_byteorder=True,
            limit_image_cache=True,
        )
        try:
            pixels = np.array(bitmap.to_numpy())
        finally:
            bitmap.close()
        return np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels[:, :, :3]

    @contextlib.contextmanager
    def without(self, handles: list[int]) -> Iterator[None]:
        """Draws without these objects, meanwhile."""
        for each in handles:
            calls.set_active(each, 0)
        try:
            yield
        finally:
            for each in handles:
                calls.set_active(each, 1)

    def _collect(self, found: PageObjects) -> None:
        count = 0
        top = (calls.object_of_page(self.handle, index) for index in range(calls.objects_in_page(self.handle)))
        pending: list[tuple[Iterator[int], Matrix]] = [(top, _SAME)]
        while pending:
            handles, outer = pending[-1]
            each = next(handles, None)
            if each is None:
                pending.pop()
                continue
            count += 1
            if count % 512 == 0:
                self._deadline.check()
            if count > _OBJECTS_MAX:
                raise too_large(f"more than {_OBJECTS_MAX} things on one page")
            if calls.type_of(each) == calls.FORM:
                if len(pending) < _NESTED_MAX:
                    inner = _times(calls.matrix(each), outer)
                    pending.append((_in_form(each), inner))
                continue
            self._sort(found, each, outer)

    def _sort(self, found: PageObjects, each: int, outer: Matrix) -> None:
        kind = calls.type_of(each)
        if kind == calls.TEXT:
            found.texts[each] = _scale(outer)
        elif kind == calls.IMAGE:
            pixels = calls.image_size(each)
            if pixels[0] * pixels[1] > _IMAGE_PIXELS_MAX:
                found.oversized += 1
                calls.set_active(each, 0)
            else:
                found.images.append(Image(each, _moved(calls.bounds(each), outer), pixels))
        else:
            found.others.append(each)
            if kind == calls.PATH and calls.path_segments(each) >= _LETTER_SEGMENTS:
                box = _moved(calls.bounds(each), outer)
                found.letters += _LETTER_POINTS[0] <= box[3] - box[1] <= _LETTER_POINTS[1]


def _in_form(form: int) -> Iterator[int]:
    return (calls.object_of_form(form, index) for index in range(calls.objects_in_form(form)))


def _times(inner: Matrix, outer: Matrix) -> Matrix:
    a, b, c, d, e, f = inner
    p, q, r, s, t, u = outer
    return (a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u)


def _scale(matrix: Matrix) -> float:
    return float(abs(matrix[0] * matrix[3] - matrix[1] * matrix[2]) ** 0.5)


def _moved(rect: calls.Rect, by: Matrix) -> calls.Rect:
    if by is _SAME:
        return rect
    a, b, c, d, e, f = by
    corners = [(a * x + c * y + e, b * x + d * y + f) for x in rect[0::2] for y in rect[1::2]]
    xs, ys = zip(*corners, strict=True)
    return (min(xs), min(ys), max(xs), max(ys))


def text_scale(of: int, outer: float) -> float:
    """How large a text object's letters are, in points."""
    return calls.font_size(of) * _scale(calls.matrix(of)) * outer
