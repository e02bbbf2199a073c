"""Letters whose colour says that nobody sees them, drawn alone over the page without any other text: a gradient fills them, a
blend turns their colour, or they are so large that little contrast shows them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from appliance.files.reading.pdf_bounds import Deadline
from appliance.files.reading.pdf_page import Boxes, Page, Pixel

_LAYERS_MAX = 4  # drawings: letters over letters are drawn apart, so that none is told by what another one shows
_DIFFERENCE = 20  # of 255, as for all texts
_DIFFERENCE_LARGE = 9  # 4 %: of a watermark
_POINTS_LARGE = 36.0
_SEEN_PART = 0.3  # of the rows and of the columns: a line that crosses white letters shows them in fewer


@dataclass(frozen=True)
class Suspect:
    """A word by its number; `points`: how large its letters are."""

    index: int
    drawn_by: int
    points: float


def seen_alone(page: Page, suspects: list[Suspect], cores: Boxes, dpi: float, deadline: Deadline) -> Iterator[int]:
    """The numbers of those that are seen. `cores`: of all words, the middle of their boxes."""
    texts = list(page.objects().texts)
    with page.without(texts):
        background = page.draw(dpi)
    height, width, _ = background.shape
    places = _within(cores[[each.index for each in suspects]], width, height)
    for layer in _layers(suspects, places, (height, width)):
        deadline.check()
        shown = {suspects[at].drawn_by for at in layer}
        with page.without([each for each in texts if each not in shown]):
            drawn = page.draw(dpi)
        for at in layer:
            if _is_seen(drawn, background, places[at], suspects[at].points):
                yield suspects[at].index


def _layers(suspects: list[Suspect], places: npt.NDArray[np.int64], shape: tuple[int, int]) -> list[list[int]]:
    """Suspects whose boxes are apart, together. What has no room in any stays hidden."""
    words_of: dict[int, list[int]] = {}
    for at, each in enumerate(suspects):
        words_of.setdefault(each.drawn_by, []).append(at)
    layers: list[list[int]] = [[] for _ in range(_LAYERS_MAX)]
    taken = np.zeros((_LAYERS_MAX, *shape), dtype=np.bool_)
    for words in words_of.values():
        boxes = [tuple(places[at]) for at in words]
        for layer, ground in zip(layers, taken, strict=True):
            if not any(ground[top:bottom, left:right].any() for left, top, right, bottom in boxes):
                for left, top, right, bottom in boxes:
                    ground[top:bottom, left:right] = True
                layer.extend(words)
                break
    return [layer for layer in layers if layer]


def _is_seen(drawn: Pixel, background: Pixel, place: npt.NDArray[np.int64], points: float) -> bool:
    left, top, right, bottom = place
    there = drawn[top:bottom, left:right].astype(np.int16)
    if not there.size:
        return False
    apart = np.abs(there - background[top:bottom, left:right]).max(axis=2)
    changed = apart > (_DIFFERENCE_LARGE if points >= _POINTS_LARGE else _DIFFERENCE)
    return bool(changed.any(axis=1).mean() >= _SEEN_PART and changed.any(axis=0).mean() >= _SEEN_PART)


def _within(boxes: Boxes, width: int, height: int) -> npt.NDArray[np.int64]:
    """In whole pixels, those at the edges left out: a neighbour's letters begin there."""
    size = np.array([width, height, width, height])
    first = np.clip(np.ceil(np.nan_to_num(boxes * size)), 0, size).astype(np.int64)
    last = np.clip(np.floor(np.nan_to_num(boxes * size)), 0, size).astype(np.int64)
    return np.concatenate([first[:, :2], np.maximum(last[:, 2:], first[:, :2] + 1)], axis=1)
