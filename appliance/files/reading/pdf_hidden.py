"""Which words of a page nobody sees who looks at it, and why. Without OCR: the page is drawn twice, with its text and without;
where that makes no difference nothing is seen of the text."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from appliance.files.document import UNDER_PICTURE
from appliance.files.reading import pdfium as calls
from appliance.files.reading.pdf_alone import Suspect, seen_alone
from appliance.files.reading.pdf_bounds import Deadline
from appliance.files.reading.pdf_page import Boxes, Page, Pixel, text_scale
from appliance.files.reading.pdf_text import PageText, Word, ink_box, runs_of

OFF_PAGE = "outside the page"
INVISIBLE = "drawn invisibly"
TRANSPARENT = "transparent"
ON_ITS_COLOUR = "in the colour of its background"
TINY = "too small to read"
LAYER_OFF = "on a layer that is switched off"
COVERED = "clipped away or covered"

_DPI, _DPI_CLOSE = 36.0, 150.0  # what isn't seen at the first is looked at again
_PIXELS_MAX = 6_000_000
_DIFFERENCE = 24  # of 255, in the strongest of the three colours
_DIFFERENCE_CLOSE = 16
_SAME_COLOUR = 20
_OTHER_PART = 0.5  # of a word's background; with less the letters are looked at alone, as a thin line isn't what shows them
_ALPHA_MIN = 20
_POINTS_MIN = 2.5
_INK = 60
_PICTURE_PART = 0.25  # of the page: a picture that may be a scan
_LETTERS_MIN = 3  # fewer say nothing: stray dots and the like of programs that write PDFs
_FILLED, _STROKED, _UNSEEN = frozenset((0, 2, 4, 6)), frozenset((1, 2, 5, 6)), frozenset((3, 7))

Mask = npt.NDArray[np.int32]


class _Ink:
    """A page with its text and without, looked at in the boxes of all words at once."""

    def __init__(self, page: Page, dpi: float, difference: int, boxes: Boxes) -> None:
        drawn = page.draw(dpi)
        self._is_white = page.objects().is_text_alone and not page.annotations
        if self._is_white:
            self.background = np.full_like(drawn, 255)
        else:
            with page.without(list(page.objects().texts)):
                self.background = page.draw(dpi)
        self.boxes = boxes
        self.sums = _sums(_are_apart(drawn, self.background, difference))
        self.changes = _counts(self.sums, _cores(boxes)).tolist()
        self.areas = _areas(boxes, self.background)
        self._others: dict[tuple[int, ...], list[int]] = {}

    def other_than(self, colour: calls.Colour) -> list[int]:
        """For each word, how many pixels of its background have another colour; 0: so few that no letter shows by them."""
        shade = colour[:3]
        counts = self._others.get(shade)
        if counts is None and self._is_white:
            counts = self._others[shade] = [int(255 - min(shade) > _SAME_COLOUR)] * len(self.boxes)
        if counts is None:
            plain = np.array(shade, dtype=np.uint8).reshape(1, 1, 3)
            are_other = _are_apart(self.background, plain, _SAME_COLOUR)
            found = _counts(_sums(are_other), self.boxes)
            counts = self._others[shade] = np.where(found >= _OTHER_PART * self.areas, found, 0).tolist()
        return counts


@dataclass
class _Look:
    page: Page
    text_page: int
    deadline: Deadline
    boxes: Boxes
    near: _Ink
    pictures: Boxes
    close: _Ink | None = None
    styles: dict[int, "_Style"] = field(default_factory=dict)  # by what draws a word
    alike: dict[tuple[object, ...], "_Style"] = field(default_factory=dict)  # the same ones, by how they look


@dataclass
class _Style:
    """`others`: of each of its colours, how many pixels of each word's background have another; []: it has one nobody knows."""

    is_unseen: bool
    is_transparent: bool
    is_tiny: bool
    others: list[list[int]]
    is_plain: bool = False  # none of these, of one known colour: nearly all text

    def __post_init__(self) -> None:
        self.is_plain = not (self.is_unseen or self.is_transparent or self.is_tiny) and len(self.others) == 1


def mark_hidden(page: Page, text_page: int, text: PageText, deadline: Deadline) -> None:
    """Sets `hidden` of the words."""
    if not text.words:
        return
    boxes = page.shown(text.boxes)
    near = _Ink(page, _dpi_within(page, _DPI), _DIFFERENCE, boxes)
    look = _Look(page, text_page, deadline, boxes, near, _scans(page))
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    are_on_page = np.all((middles >= 0) & (middles <= 1), axis=1).tolist()
    for index, (word, is_on_page, changes) in enumerate(zip(text.words, are_on_page, near.changes, strict=True)):
        if not is_on_page:
            word.hidden = OFF_PAGE
            continue
        style = look.styles.get(word.drawn_by) or _style(look, word.drawn_by)
        if not (style.is_plain and changes > 0 and style.others[0][index]):
            word.hidden = _why(look, style, word, index)
    _forget_what_shows(look, text)
    _forget_crumbs(text)


def _why(look: _Look, style: "_Style", word: Word, index: int) -> str:
    if style.is_unseen:
        return UNDER_PICTURE if _is_over_ink(look, look.boxes[index]) else INVISIBLE
    if style.is_transparent:
        return TRANSPARENT
    if style.is_tiny:
        return TINY
    if style.others and not any(counts[index] for counts in style.others):
        return ON_ITS_COLOUR
    if look.near.changes[index] > 0 or _is_seen_close(look, word, index):
        return ""
    return LAYER_OFF if word.drawn_by and "OC" in calls.mark_names(word.drawn_by) else COVERED


def _forget_what_shows(look: _Look, text: PageText) -> None:
    """What colours say isn't all: pdfium calls a gradient white."""
    suspects = [
        Suspect(index, word.drawn_by, text_scale(word.drawn_by, look.page.objects().texts.get(word.drawn_by, 1.0)))
        for index, word in enumerate(text.words)
        if word.hidden in (ON_ITS_COLOUR, TRANSPARENT)
    ]
    if suspects:
        look.deadline.check()
        for index in seen_alone(look.page, suspects, _cores(look.boxes), _dpi_within(look.page, _DPI_CLOSE), look.deadline):
            text.words[index].hidden = ""


def _style(look: _Look, drawn_by: int) -> _Style:
    style = look.styles.get(drawn_by)
    if style is None:
        style = look.styles[drawn_by] = _style_of(look, drawn_by) if drawn_by else _Style(False, False, False, [])
    return style


def _style_of(look: _Look, drawn_by: int) -> _Style:
    mode = calls.render_mode(drawn_by)
    colours = [calls.fill(drawn_by)] * (mode in _FILLED) + [calls.stroke(drawn_by)] * (mode in _STROKED)
    is_tiny = 0 < text_scale(drawn_by, look.page.objects().texts.get(drawn_by, 1.0)) < _POINTS_MIN
    looks = (mode, is_tiny, *colours)
    style = look.alike.get(looks)
    if style is None:
        look.deadline.check()
        known = [colour for colour in colours if colour is not None]
        style = look.alike[looks] = _Style(
            is_unseen=mode in _UNSEEN,
            is_transparent=bool(known) and all(colour[3] < _ALPHA_MIN for colour in known),
            is_tiny=is_tiny,
            others=[look.near.other_than(colour) for colour in known] if len(known) == len(colours) else [],
        )
    return style


def _is_over_ink(look: _Look, box: npt.NDArray[np.float64]) -> bool:
    """Whether a scan lies there, and has something dark or light in this place."""
    pictures = look.pictures
    x, y = (box[0] + box[2]) / 2, (box[1] + box[3]) / 2
    if not bool(np.any((pictures[:, 0] <= x) & (pictures[:, 2] >= x) & (pictures[:, 1] <= y) & (pictures[:, 3] >= y))):
        return False
    background = look.near.background
    left, top, right, bottom = _pixels(box.reshape(1, 4), background.shape[1], background.shape[0])[0].tolist()
    there = background[top:bottom, left:right].astype(np.int16)
    return there.size > 0 and int((there.max(axis=(0, 1)) - there.min(axis=(0, 1))).max()) > _INK


def _is_seen_close(look: _Look, word: Word, index: int) -> bool:
    """What is small or thin shows at a higher resolution."""
    if look.close is None:
        look.deadline.check()
        look.close = _Ink(look.page, _dpi_within(look.page, _DPI_CLOSE), _DIFFERENCE_CLOSE, look.boxes)
    ink = ink_box(look.text_page, word.start, word.end)
    box = look.page.shown([ink]) if ink[2] > ink[0] and ink[3] > ink[1] else look.boxes[index : index + 1]
    return bool(_counts(look.close.sums, box)[0] > 0)


def _are_apart(one: Pixel, other: Pixel, difference: int) -> npt.NDArray[np.bool_]:
    """Whether any of each pixel's colours differs so much. (A reduction over three values is what numpy does slowest.)"""
    apart = np.maximum(one, other)
    apart -= np.minimum(one, other)
    far = apart > difference
    found: npt.NDArray[np.bool_] = far[:, :, 0] | far[:, :, 1] | far[:, :, 2]
    return found


def _sums(mask: npt.NDArray[np.bool_]) -> Mask:
    """Of the set pixels left of and above each one. (Twice downwards, turned between: whole rows are added fastest.)"""
    sums = np.zeros((mask.shape[0] + 1, mask.shape[1] + 1), dtype=np.int32)
    sums[1:, 1:] = mask
    np.add.accumulate(sums, axis=0, out=sums)
    turned = np.ascontiguousarray(sums.T)
    np.add.accumulate(turned, axis=0, out=turned)
    return turned.T


def _counts(sums: Mask, boxes: Boxes) -> Mask:
    """Set pixels in each box."""
    left, top, right, bottom = _pixels(boxes, sums.shape[1] - 1, sums.shape[0] - 1).T
    counts: Mask = sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left]
    return counts


def _areas(boxes: Boxes, drawn: Pixel) -> npt.NDArray[np.int64]:
    """Pixels in each box."""
    left, top, right, bottom = _pixels(boxes, drawn.shape[1], drawn.shape[0]).T
    areas: npt.NDArray[np.int64] = (right - left) * (bottom - top)
    return areas


def _pixels(boxes: Boxes, width: int, height: int) -> npt.NDArray[np.int64]:
    found = np.floor(boxes * np.array([width, height, width, height]) + np.array([0, 0, 1, 1]))
    within: npt.NDArray[np.int64] = np.clip(np.nan_to_num(found), 0, np.array([width, height, width, height])).astype(np.int64)
    return within


def _cores(boxes: Boxes) -> Boxes:
    """Without their edges, where the lines above and below reach in."""
    x, y = (boxes[:, 2] - boxes[:, 0]) * 0.02, (boxes[:, 3] - boxes[:, 1]) * 0.25
    return boxes + np.stack([x, y, -x, -y], axis=1)


def _scans(page: Page) -> Boxes:
    images = page.objects().images
    boxes = page.shown([image.box for image in images])
    if not len(boxes):
        return boxes
    inside = np.clip(boxes, 0, 1)
    areas = (inside[:, 2] - inside[:, 0]) * (inside[:, 3] - inside[:, 1])
    return boxes if areas.sum() >= _PICTURE_PART else boxes[:0]  # scanners write a page in strips too


def _dpi_within(page: Page, dpi: float) -> float:
    inches = page.width / 72 * (page.height / 72)
    return float(min(dpi, (_PIXELS_MAX / inches) ** 0.5))


def _forget_crumbs(text: PageText) -> None:
    for first, last in runs_of(text.words):
        run = text.words[first:last]
        if run[0].hidden and not has_letters(text.text, run, _LETTERS_MIN):
            for word in run:
                word.hidden = ""


def has_letters(text: str, words: Iterable[Word], letters_min: int) -> bool:
    """Whether they have so many letters and digits."""
    count = 0
    for word in words:
        count += sum(map(str.isalnum, text[word.start : word.end]))
        if count >= letters_min:
            return True
    return False
