"""What can be told of a picture's writing without reading it: ink, the height of its letters, its slant."""

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.files.ocr.seam import Image


def grey(image: Image) -> Image:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def ink(image: Image) -> NDArray[np.uint8]:
    """1 where a pixel stands out from what surrounds it, darker or lighter, in any of its colours, beyond the noise there."""
    planes = [image] if image.ndim == 2 else [np.ascontiguousarray(image[:, :, number]) for number in range(3)]
    found = np.zeros(image.shape[:2], np.uint8)
    for plane in planes:
        smooth = cv2.GaussianBlur(plane, (3, 3), 0)
        around = _surroundings(smooth)
        difference = cv2.absdiff(smooth, around)
        noise = float(np.median(difference[::3, ::3])) * 1.4826
        found |= (difference > max(9.0, 4.0 * noise)).astype(np.uint8)
    return found


def _surroundings(plane: Image) -> Image:
    """The paper: a median over a wide window, taken on a smaller picture, since it is smooth anyway."""
    height, width = plane.shape
    small = cv2.resize(plane, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    paper = cv2.medianBlur(small, 21) if min(small.shape) > 21 else np.full_like(small, int(np.median(small)))
    return np.asarray(cv2.resize(paper, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def letters(mask: NDArray[np.uint8]) -> NDArray[np.int32]:
    """Left, top, width, height of each connected piece of ink that could be a letter."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes, area = stats[1:, :4], stats[1:, 4]
    width, height = boxes[:, 2], boxes[:, 3]
    fits = (height >= 4) & (height <= 200) & (width <= height * 4 + 8) & (height <= width * 12 + 8) & (area >= 6)
    return np.asarray(boxes[fits], np.int32)


def text_height(image: Image) -> float:
    """Pixels that its smaller letters are high; 0: there is nothing like letters."""
    found = letters(ink(grey(image)))
    sizes = np.minimum(found[:, 2] * 2, found[:, 3]) if False else found[:, 3]
    sizes = sizes[sizes >= 5]
    return float(np.percentile(sizes, 35)) if len(sizes) >= 5 else 0.0
