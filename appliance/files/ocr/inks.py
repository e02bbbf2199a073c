"""What can be told of a picture's writing without reading it: ink, the height of its letters, the way its lines run."""

import cv2
import numpy as np
from numpy.typing import NDArray

from appliance.files.ocr.seam import Image, Places

Boxes = NDArray[np.int32]
"""Left, top, width, height, a row each."""

NEIGHBOURS_MAX = 900
LETTERS_MIN = 6
_SLANT_STEPS = np.arange(-3.0, 3.01, 0.25)


def grey(image: Image) -> Image:
    return image if image.ndim == 2 else np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)


def stretched(image: Image) -> Image:
    """Contrast spread over the whole range; the same picture where it is. Colours keep their order, not their hue."""
    sample = image[::2, ::2]
    low, high = (float(value) for value in np.percentile(sample, (0.2, 99.8)))
    if high - low > 150 or high - low < 2:
        return image
    table = ((np.arange(256) - low) * (255 / (high - low))).clip(0, 255).astype(np.uint8)
    return np.asarray(table[image], np.uint8)


def ink(image: Image) -> NDArray[np.uint8]:
    """1 where a pixel stands out from its paper, darker or lighter, in any of its colours: beyond the noise there, and by half
    of what its surroundings do, so that letters don't flow together at their soft edges."""
    found = np.zeros(image.shape[:2], np.uint8)
    for plane in planes_of(image):
        difference, noise = _standing_out(plane)
        strongest = cv2.dilate(difference, np.ones((13, 13), np.uint8))
        found |= ((difference > max(6.0, 3.5 * noise)) & (difference > strongest // 2)).astype(np.uint8)
    return found


def planes_of(image: Image) -> list[Image]:
    """One of a grey picture, also of one that is stored in colours; else its three colours."""
    planes = [image] if image.ndim == 2 else [np.ascontiguousarray(image[:, :, number]) for number in range(3)]
    same = len(planes) == 3 and not (planes[0] != planes[1]).any() and not (planes[1] != planes[2]).any()
    return planes[:1] if same else planes


def noise_in(image: Image) -> float:
    """How much the paper of a scan is grained, in grey levels (one standard deviation)."""
    plane = planes_of(image)[0]
    return _noise(np.asarray(cv2.absdiff(plane, _paper(plane)), np.uint8))


def _noise(difference: NDArray[np.uint8]) -> float:
    return float(np.median(difference[::3, ::3])) * 1.4826


def _standing_out(plane: Image) -> tuple[NDArray[np.uint8], float]:
    """How far each pixel is from its paper, grain smoothed away, and how much of it is left."""
    difference = np.asarray(cv2.absdiff(plane, _paper(plane)), np.uint8)
    noise = _noise(difference)
    if noise <= 2:
        return difference, noise
    window = 3 if noise < 10 else 5
    smooth = np.asarray(cv2.GaussianBlur(plane, (window, window), 0), np.uint8)
    difference = np.asarray(cv2.absdiff(smooth, _paper(smooth)), np.uint8)
    return difference, _noise(difference)


def _paper(plane: Image) -> Image:
    """What lies around: a median over a wide window, of a smaller picture, since it is smooth anyway."""
    height, width = plane.shape
    small = cv2.resize(plane, (max(1, width // 4), max(1, height // 4)), interpolation=cv2.INTER_AREA)
    small = cv2.medianBlur(small, 21) if min(small.shape) > 21 else np.full_like(small, int(np.median(small)))
    return np.asarray(cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def letters(mask: NDArray[np.uint8]) -> Boxes:
    """Connected pieces of ink that could be letters, or several that touch."""
    _, _, stats, _ = cv2.connectedComponentsWithStats(mask, connectivity=8)
    boxes, area = stats[1:, :4], stats[1:, 4]
    width, height = boxes[:, 2], boxes[:, 3]
    larger, smaller = np.maximum(width, height), np.minimum(width, height)
    fits = (larger >= 5) & (larger <= 250) & (larger <= smaller * 12 + 8) & (area >= 6)
    return np.asarray(boxes[fits], np.int32)


def text_height(found: Boxes) -> float:
    """Pixels that smaller letters are high; 0: there is nothing like letters. Whichever way they are turned."""
    if len(found) < LETTERS_MIN:
        return 0.0
    return float(np.percentile(np.maximum(found[:, 2], found[:, 3]), 40))


def direction(found: Boxes) -> float:
    """Degrees, above -90 and up to 90, by which lines run down to the right: 90 reads downwards, or upwards: that isn't told.

    Letters stand closer to the next one in their line than to other lines; then, where rows are sharpest.
    """
    tall = np.maximum(found[:, 2], found[:, 3])
    kept = found[tall > np.median(tall) * 0.6] if len(found) else found
    if len(kept) < LETTERS_MIN:
        return 0.0
    middles = kept[:, :2] + kept[:, 2:] / 2.0
    rough = _rough_direction(_standing_together(middles))
    angles = rough + _SLANT_STEPS
    sharpness = [_sharpness(middles, float(angle), float(np.median(tall))) for angle in angles]
    best = float(angles[int(np.argmax(sharpness))])
    return best if -90.0 < best <= 90.0 else best - 180.0 * round(best / 180.0)


def _standing_together(middles: Places) -> Places:
    """Some of them that are neighbours: a sample of a whole page would have none."""
    order = np.argsort(np.hypot(*(middles - np.median(middles, axis=0)).T))
    return middles[order[:NEIGHBOURS_MAX]]


def _rough_direction(middles: Places) -> float:
    away = middles[None, :, :] - middles[:, None, :]
    distance = np.hypot(away[:, :, 0], away[:, :, 1])
    np.fill_diagonal(distance, np.inf)
    nearest = away[np.arange(len(middles)), distance.argmin(axis=1)]
    angles = np.degrees(np.arctan2(nearest[:, 1], nearest[:, 0])) % 180.0
    counts, _ = np.histogram(angles, bins=180, range=(0, 180))
    around = np.concatenate([counts[-8:], counts, counts[:8]])
    smooth = np.convolve(around, np.hanning(17)[1:-1], mode="same")[8:-8]
    peak = int(smooth.argmax()) + 0.5
    return peak if peak <= 90 else peak - 180.0


def _sharpness(middles: Places, angle: float, height: float) -> float:
    turn = np.radians(angle)
    across = middles[:, 1] * np.cos(turn) - middles[:, 0] * np.sin(turn)
    bins = np.floor((across - across.min()) / max(1.5, height / 5)).astype(np.int64)
    counts = np.bincount(bins).astype(np.float64)
    return float((counts**2).sum())
