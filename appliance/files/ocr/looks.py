"""How a picture is read: the cheap engine first, and more work only where it isn't sure, or saw nothing where there is ink.

1. contrast is stretched, and the way in which lines run is found from the letters alone
2. the cheap engine reads the picture level, small print enlarged; turned over where it makes no sense
3. the strong engine reads the whole where the score is low, else the lines whose score is low, and in good lines the words
   that are doubtful or look like a value: the cheap engine takes l for 1 in them and is sure of it
4. what looks like letters and is in no line is cut out, stretched by itself and read by the strong engine
"""

from dataclasses import dataclass, field

import cv2
import numpy as np

from appliance.files.document import Seen
from appliance.files.ocr.inks import Boxes, direction, ink, letters, noise_in, planes_of, stretched, text_height
from appliance.files.ocr.leftovers import unread_places
from appliance.files.ocr.pp_text import cut_out
from appliance.files.ocr.seam import Engine, Image, Places, Reading, box_of, carried, corners_of, line_of

HEIGHT_WANTED = 20.0
"""Pixels that letters should be high for the cheap engine; they are enlarged where they are lower than `HEIGHT_SMALL`."""

HEIGHT_SMALL = 11.0

ENLARGED_PIXELS_MAX = 16_000_000
SLANT_MIN = 0.4
TURNED_OVER = 0.6
PAGE_UNSURE = 0.75
LINE_UNSURE = 0.88
SCORE_MIN = 0.3
FOUND_SCORE_MIN = 0.5
SECOND_LOOKS_MAX = 120
WORD_UNSURE = 0.9
WORD_SURE = 0.9
WORD_KEPT = 0.7
WORDS_MAX = 80
PIXELS_MAX = 16_000_000
PROBES = 3
PROBE_LENGTH = 12
GRAINED = 6.0


@dataclass(slots=True)
class Look:
    """One picture on its way. `names`: the engines that readings came from, in order."""

    image: Image
    letters: Boxes
    height: float
    readings: list[Reading] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    def came_from(self, engine: Engine) -> None:
        if engine.name not in self.names:
            self.names.append(engine.name)


class Cascade:
    """`cheap` or `strong` may be missing. Each picture is seen for itself; nothing is kept."""

    def __init__(self, cheap: Engine | None, strong: Engine | None) -> None:
        assert cheap or strong
        self._cheap = cheap
        self._strong = strong

    @property
    def engines(self) -> list[Engine]:
        return [engine for engine in (self._cheap, self._strong) if engine is not None]

    def see(self, image: Image) -> Seen:
        """Every line, in parts of 1 of the picture."""
        clear = stretched(sized(image))
        found = letters(ink(clear))
        look = Look(clear, found, text_height(found))
        first = self.engines[0]
        look.came_from(first)
        if self._cheap is not None:
            self._cheaply(look, self._cheap)
        if self._strong is not None:
            self._strongly(look, self._strong)
        height, width = clear.shape[:2]
        kept = [reading for reading in look.readings if reading.score >= SCORE_MIN]
        return Seen([line_of(reading, width, height) for reading in kept], " + ".join(look.names))

    def _cheaply(self, look: Look, engine: Engine) -> None:
        angle = direction(look.letters)
        look.readings = _read_level(engine, look, angle)
        if sureness(look.readings) < TURNED_OVER and len(look.letters) and self._may_be_upside_down(look):
            other = _read_level(engine, look, angle + 180.0)
            look.readings = max(look.readings, other, key=_weight)

    def _may_be_upside_down(self, look: Look) -> bool:
        """The strong engine reads the beginnings of a few lines both ways. Where there is none, one must try."""
        if self._strong is None:
            return True
        longest = sorted(look.readings, key=lambda one: -len(one.text))[:PROBES]
        over = 0
        for reading in longest:
            line, _ = cut_out(look.image, _wider(reading.corners, look.height))
            line = line[:, : line.shape[0] * PROBE_LENGTH]
            ways = [self._strong.read_line(np.ascontiguousarray(np.rot90(line, turns))) for turns in (0, 2)]
            level, turned = (way.score if way else 0.0 for way in ways)
            over += turned > level
        return over * 2 > len(longest)

    def _strongly(self, look: Look, engine: Engine) -> None:
        if not look.names or look.names == [engine.name] or sureness(look.readings) < PAGE_UNSURE:
            whole = engine.read(look.image)
            if _weight(whole) >= _weight(look.readings):
                look.readings = whole
                look.names = [engine.name]
        else:
            self._second_looks(look, engine)
        self._leftovers(look, engine)

    def _second_looks(self, look: Look, engine: Engine) -> None:
        unsure = sorted((one.score, number) for number, one in enumerate(look.readings) if one.score < LINE_UNSURE)
        for _, number in unsure[:SECOND_LOOKS_MAX]:
            reading = look.readings[number]
            line, back = cut_out(look.image, _wider(reading.corners, look.height))
            again = engine.read_line(line)
            if again is not None and again.score > reading.score:
                look.readings[number] = again.moved(back)
                look.came_from(engine)
        self._doubtful_words(look, engine)

    def _doubtful_words(self, look: Look, engine: Engine) -> None:
        """Where both engines are sure of different words, both lines stay: either may have lost a letter."""
        looks_left = WORDS_MAX
        every: list[Reading] = []
        for reading in look.readings:
            runs = doubtful_runs(reading)[:looks_left] if reading.score >= LINE_UNSURE else []
            looks_left -= len(runs)
            kept, other = reading, reading
            for first, last in reversed(runs):  # from the end: numbers of words before stay what they are
                part = self._run_again(look, reading, first, last, engine)
                if part is not None:
                    other = other.with_part(first, last, part)
                    was_sure = min(word.score for word in reading.words[first : last + 1]) >= WORD_KEPT
                    kept = kept if was_sure else kept.with_part(first, last, part)
            every += [kept] if kept.text == other.text else [kept, other]
        look.readings = every

    def _run_again(self, look: Look, reading: Reading, first: int, last: int, engine: Engine) -> Reading | None:
        """Words of a line as the engine reads them; None: the same, or not well."""
        start, end = reading.words[first].corners, reading.words[last].corners
        line, back = cut_out(look.image, _wider(np.array([start[0], end[1], end[2], start[3]]), look.height))
        part = engine.read_line(line)
        before = reading.text[reading.words[first].start : reading.words[last].end]
        only_spaces = part is not None and part.text.replace(" ", "") == before.replace(" ", "")
        was_sure = all(word.score >= WORD_UNSURE for word in reading.words[first : last + 1])
        if part is None or part.score < WORD_SURE or part.text == before or (only_spaces and was_sure):
            return None
        look.came_from(engine)
        return part.moved(back)

    def _leftovers(self, look: Look, engine: Engine) -> None:
        for left, top, right, bottom in unread_places(look.image.shape[:2], look.letters, look.readings, look.height):
            part = stretched(look.image[top:bottom, left:right])
            for reading in engine.read(part):
                if reading.score >= FOUND_SCORE_MIN and sum(map(str.isalnum, reading.text)) >= 2:
                    look.readings.append(reading.moved(np.array([[1.0, 0.0, left], [0.0, 1.0, top]])))
                    look.came_from(engine)


def _read_level(engine: Engine, look: Look, angle: float) -> list[Reading]:
    """With lines that run at that angle laid level, and small letters enlarged; places are those of the picture."""
    height, width = look.image.shape[:2]
    scale = min(3.0, max(1.0, HEIGHT_WANTED / look.height)) if 0 < look.height < HEIGHT_SMALL else 1.0
    scale = min(scale, max(1.0, (ENLARGED_PIXELS_MAX / (height * width)) ** 0.5))
    image = look.image if noise_in(look.image) < GRAINED else np.asarray(cv2.GaussianBlur(look.image, (3, 3), 0), np.uint8)
    if abs(angle) < SLANT_MIN and scale == 1.0:
        return engine.read(image)
    level, matrix = laid_level(image, angle, scale)
    back = np.asarray(cv2.invertAffineTransform(matrix), np.float64)
    return [reading.moved(back) for reading in engine.read(level)]


def laid_level(image: Image, angle: float, scale: float) -> tuple[Image, Places]:
    """The picture turned back by an angle (degrees, clockwise) and enlarged, whole; and the map from it to the new one."""
    height, width = image.shape[:2]
    matrix = np.asarray(cv2.getRotationMatrix2D((width / 2, height / 2), angle, scale), np.float64)
    left, top, right, bottom = box_of(carried(corners_of(0, 0, width, height), matrix))
    matrix[:, 2] -= (left, top)
    size = max(1, round(right - left)), max(1, round(bottom - top))
    paper = np.median(image[::4, ::4].reshape(-1, *image.shape[2:]), axis=0)
    border = tuple(float(value) for value in np.atleast_1d(paper))
    turned = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_CONSTANT, borderValue=border)
    return np.asarray(turned, np.uint8), matrix


def sized(image: Image) -> Image:
    """Grey where there are no colours, and not larger than is looked at: an A4 page at 400 dpi."""
    planes = planes_of(image)
    plain = planes[0] if len(planes) == 1 else image
    shrunk = (PIXELS_MAX / (plain.shape[0] * plain.shape[1])) ** 0.5
    if shrunk >= 1:
        return plain
    size = max(1, round(plain.shape[1] * shrunk)), max(1, round(plain.shape[0] * shrunk))
    return np.asarray(cv2.resize(plain, size, interpolation=cv2.INTER_AREA), np.uint8)


def doubtful_runs(reading: Reading) -> list[tuple[int, int]]:
    """First and last of words, side by side, that are doubtful or look like values: digits among letters, an address."""
    runs: list[tuple[int, int]] = []
    for number, word in enumerate(reading.words):
        if word.score < WORD_UNSURE or _is_like_a_value(reading.text[word.start : word.end]):
            if runs and runs[-1][1] == number - 1:
                runs[-1] = runs[-1][0], number
            else:
                runs.append((number, number))
    return runs


def _is_like_a_value(word: str) -> bool:
    digits, letters_ = sum(map(str.isdigit, word)), sum(map(str.isalpha, word))
    return "@" in word or (digits > 0 and letters_ > 1) or (digits > 3 and len(word) > digits + letters_)


def sureness(readings: list[Reading]) -> float:
    """The score of the average character."""
    characters = sum(len(reading.text) for reading in readings)
    return sum(reading.score * len(reading.text) for reading in readings) / characters if characters else 0.0


def _weight(readings: list[Reading]) -> float:
    """How much was read, doubtful characters not counted."""
    return sum(max(0.0, reading.score - 0.5) * len(reading.text) for reading in readings)


def _wider(corners: Places, height: float) -> Places:
    """With some paper around, which the networks want."""
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    x, y = across / max(1e-6, float(np.hypot(*across))), down / max(1e-6, float(np.hypot(*down)))
    edge = max(2.0, height * 0.2)
    return corners + edge * np.array([-x - y, x - y, x + y, y - x])
