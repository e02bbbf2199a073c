"""Where letters stand that no line holds."""

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.files.ocr.inks import Boxes
from appliance.files.ocr.seam import Reading

PLACES_MAX = 24
TOGETHER_MIN = 4
AREA_PART_MAX = 1.2
"""Of the picture, all places together: what a second look may cost."""

Part = tuple[int, int, int, int]
"""Left, top, right, bottom."""


def unread_places(shape: tuple[int, ...], found: Boxes, readings: list[Reading], height: float) -> list[Part]:
    """Parts of the picture, the fullest first, with some paper around them."""
    if not height:
        return []
    covered = _covered(shape, readings, height)
    middles = (found[:, :2] + found[:, 2:] // 2).astype(np.int64)
    sizes = found[:, 2:].max(axis=1)
    unread = (covered[middles[:, 1], middles[:, 0]] == 0) & (sizes < height * 12)
    return _together(shape, found[unread], height)


def _covered(shape: tuple[int, ...], readings: list[Reading], height: float) -> NDArray[np.uint8]:
    mask = np.zeros(shape[:2], np.uint8)
    for reading in readings:
        cv2.fillConvexPoly(mask, reading.corners.round().astype(np.int32), 1)
    edge = 2 * round(height * 0.35) + 1
    return np.asarray(cv2.dilate(mask, np.ones((edge, edge), np.uint8)), np.uint8)


def _together(shape: tuple[int, ...], found: Boxes, height: float) -> list[Part]:
    """Letters that stand near each other, as parts of the picture: few that stand alone are specks."""
    fine = 4
    marks = np.zeros((shape[0] // fine + 1, shape[1] // fine + 1), np.uint8)
    for left, top, width, tall in found:
        marks[top // fine : (top + tall) // fine + 1, left // fine : (left + width) // fine + 1] = 1
    reach = max(3, round(height * 1.6 / fine))
    count, labels, stats, _ = cv2.connectedComponentsWithStats(cv2.dilate(marks, np.ones((reach, reach), np.uint8)))
    middles = (found[:, :2] + found[:, 2:] // 2) // fine
    letters_in = np.bincount(labels[middles[:, 1], middles[:, 0]], minlength=count) if len(found) else np.zeros(count, np.int64)
    places, left_over = [], shape[0] * shape[1] * AREA_PART_MAX
    for label in sorted(range(1, count), key=lambda one: -int(letters_in[one]))[:PLACES_MAX]:
        if letters_in[label] < TOGETHER_MIN:
            break
        box = _box(stats[label], fine, round(height), shape)
        left_over -= (box[2] - box[0]) * (box[3] - box[1])
        if left_over < 0:
            break
        places.append(box)
    return places


def _box(stats: NDArray[np.int32], fine: int, edge: int, shape: tuple[int, ...]) -> Part:
    left, top, width, height = (int(value) * fine for value in stats[:4])
    return max(0, left - edge), max(0, top - edge), min(shape[1], left + width + edge), min(shape[0], top + height + edge)
