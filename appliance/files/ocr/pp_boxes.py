"""Where text stands: PP-OCR's detection network, and boxes made from the map that it answers.

Source: PaddleOCR's DB post-processing as in rapidocr 3.10 (thresholds and the growing of boxes are theirs).
Pictures larger than one pass are read in tiles that overlap, so that memory is bounded and small print isn't shrunk away.
"""

import math
from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.files.ocr.seam import Image, Places, box_of
from appliance.files.ocr.weights import Computes

TILE_PIXELS = 1_350_000  # a pass: about 500 MB and 2 CPU seconds
TILE_SIDE_MAX = 2_048
TILES_MAX = 40
BOXES_MAX = 4_000
OVERLAP = 256
_INK = 0.3
_SURE = 0.5
_GROWTH = 1.6
_SIDE_MIN = 3.0


class Detector:
    """`tile_pixels`: of one pass, which is what memory it takes."""

    def __init__(self, network: Computes, tile_pixels: int = TILE_PIXELS) -> None:
        self._network = network
        self._tile_pixels = tile_pixels

    def boxes(self, image: Image, scale: float) -> list[Places]:
        """Four corners each, from the upper left on, clockwise, of every line or part of one; looked for at `scale`."""
        height, width = image.shape[:2]
        scale = min(scale, math.sqrt(TILES_MAX * self._tile_pixels * 0.5 / (height * width)))
        size = max(32, round(width * scale)), max(32, round(height * scale))
        sized = np.asarray(cv2.resize(image, size, interpolation=_way(scale)), np.uint8)
        factor = np.array([width / sized.shape[1], height / sized.shape[0]])
        found: list[Places] = []
        for left, top, right, bottom in tiles(sized.shape[1], sized.shape[0], self._tile_pixels):
            whole = [corners for corners in self._in_tile(sized[top:bottom, left:right]) if not _cut(corners, top, bottom, sized)]
            found += [(corners + np.array([left, top])) * factor for corners in whole]
        return without_doubles(found[:BOXES_MAX])

    def _in_tile(self, tile: Image) -> list[Places]:
        height, width = tile.shape[:2]
        colours = tile if tile.ndim == 3 else np.repeat(tile[:, :, None], 3, axis=2)
        padded = np.pad(colours, ((0, -height % 32), (0, -width % 32), (0, 0)), mode="edge")
        values = (padded[:, :, ::-1].astype(np.float32) / 127.5 - 1.0).transpose(2, 0, 1)[None]  # it has learned on BGR
        return boxes_in(self._network(np.ascontiguousarray(values))[0, 0, :height, :width])


def tiles(width: int, height: int, pixels_max: int = TILE_PIXELS) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right, bottom of pieces that overlap and cover it all: whole rows where they fit."""
    columns = _pieces(width, TILE_SIDE_MAX)
    across = columns[0][1]
    for top, bottom in _pieces(height, pixels_max // across):
        for left, right in columns:
            yield left, top, right, bottom


def _pieces(whole: int, most: int) -> list[tuple[int, int]]:
    """Starts and ends of equal pieces of at most that length, each reaching into its neighbour."""
    if whole <= most:
        return [(0, whole)]
    count = math.ceil((whole - OVERLAP) / (most - OVERLAP))
    part = math.ceil((whole + (count - 1) * OVERLAP) / count)
    starts = [min(number * (part - OVERLAP), whole - part) for number in range(count)]
    return [(start, start + part) for start in starts]


def _cut(corners: Places, top: int, bottom: int, whole: Image) -> bool:
    """A tile's border went through the line, and the tile beside has the whole of it. Long lines stay: nobody has their whole."""
    _, highest, _, lowest = box_of(corners)
    above, below = top > 0 and highest <= 1, bottom < whole.shape[0] and lowest >= bottom - top - 2
    return (above or below) and lowest - highest < OVERLAP * 0.6


def without_doubles(found: list[Places]) -> list[Places]:
    """Two tiles saw the same line where they overlap: the larger box stays."""
    if len(found) < 2:
        return found
    boxes = np.array([box_of(corners) for corners in found])
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept: list[int] = []
    for number in np.argsort(-areas, kind="stable"):
        others = boxes[kept]
        across = np.minimum(others[:, 2], boxes[number, 2]) - np.maximum(others[:, 0], boxes[number, 0])
        down = np.minimum(others[:, 3], boxes[number, 3]) - np.maximum(others[:, 1], boxes[number, 1])
        if not (across.clip(0) * down.clip(0) > 0.85 * areas[number]).any():
            kept.append(int(number))
    return [found[number] for number in sorted(kept)]


def boxes_in(chances: NDArray[np.float32]) -> list[Places]:
    """Boxes around what the map holds for text."""
    ink = cv2.dilate((chances > _INK).astype(np.uint8), np.ones((2, 2), np.uint8))
    contours, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
    found = []
    for contour in contours[: BOXES_MAX * 2]:
        centre, (width, height), angle = cv2.minAreaRect(contour)
        if min(width, height) < _SIDE_MIN or _sureness(chances, np.asarray(contour, np.int32)) < _SURE:
            continue
        growth = 2 * width * height * _GROWTH / (2 * (width + height))
        found.append(_from_upper_left(cv2.boxPoints((centre, (width + growth, height + growth), angle)).astype(np.float64)))
    return sorted(found, key=lambda corners: (float(corners[0, 1]), float(corners[0, 0])))


def _sureness(chances: NDArray[np.float32], contour: NDArray[np.int32]) -> float:
    left, top, width, height = cv2.boundingRect(contour)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillPoly(inside, [contour - (left, top)], 1)
    return float(cv2.mean(chances[top : top + height, left : left + width], inside)[0])


def _from_upper_left(corners: Places) -> Places:
    by_x = corners[np.argsort(corners[:, 0], kind="stable")]
    left, right = by_x[:2], by_x[2:]
    (upper_left, lower_left), (upper_right, lower_right) = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.array([upper_left, upper_right, lower_right, lower_left])


def _way(scale: float) -> int:
    return cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
