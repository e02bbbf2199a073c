"""What stands in pictures is read: by the engine that everybody has, and with tesseract where it is."""

import resource
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from appliance.files.document import FileError, Line, Pixels, Seen
from appliance.files.ocr import cascade, looks, tesseract, weights
from appliance.files.ocr.inks import direction, ink, letters, text_height
from appliance.files.ocr.pp_boxes import tiles
from appliance.files.ocr.pp_text import word_bounds
from appliance.files.ocr.seam import Reading, Word, corners_of
from tests.unit.files.scans import VALUES, line, page

pytestmark = pytest.mark.timeout(600)  # arithmetic, on machines that others use too
needs_tesseract = pytest.mark.skipif(shutil.which("tesseract") is None, reason="tesseract is not on the PATH")

HARD: dict[str, dict[str, float]] = {
    "as it is": {},
    "on its left side": {"turned": 90},
    "upside down": {"turned": 180},
    "on its right side": {"turned": 270},
    "a little slanted": {"turned": -3},
    "slanted": {"turned": 12},
    "100 dpi": {"dpi": 100},
    "200 dpi": {"dpi": 200, "points": 9},
    "small print": {"dpi": 100, "points": 8},
    "low contrast": {"ink": 222, "paper": 240},
    "white on black": {"ink": 255, "paper": 0},
    "grained": {"noise": 30},
    "blurred": {"blur": 1.0},
}


@pytest.fixture(scope="module")
def rapid() -> looks.Cascade:
    return cascade.engines_of("rapidocr", ())


@pytest.fixture(scope="module")
def both() -> looks.Cascade:
    return cascade.engines_of("auto", ())


def text_of(seen: Seen) -> str:
    return "\n".join(each.text for each in seen.lines)


def missed(seen: Seen) -> list[str]:
    """Small print loses spaces, which those who look for values don't count on either."""
    read = text_of(seen).replace(" ", "")
    return [value for value in VALUES if value.replace(" ", "") not in read]


@pytest.mark.parametrize("how", HARD.values(), ids=HARD)
def test_the_engine_that_everybody_has_reads_the_page(rapid: looks.Cascade, how: dict[str, float]) -> None:
    seen = rapid.see(page(**how))  # type: ignore[arg-type]
    assert missed(seen) == []
    assert seen.engine.startswith("rapidocr ") and "PP-OCR" in seen.engine


@needs_tesseract
@pytest.mark.parametrize("how", HARD.values(), ids=HARD)
def test_tesseract_with_the_strong_engine_behind_it_reads_the_page(both: looks.Cascade, how: dict[str, float]) -> None:
    seen = both.see(page(**how))  # type: ignore[arg-type]
    assert missed(seen) == []
    assert seen.engine


@needs_tesseract
def test_tesseract_alone_reads_a_page_that_lies_upside_down() -> None:
    seen = cascade.engines_of("tesseract", ()).see(page(turned=180))
    assert len(missed(seen)) <= 1 and seen.engine.startswith("tesseract ")


def _box(seen: Seen, value: str) -> tuple[Line, tuple[float, float, float, float]]:
    for each in seen.lines:
        at = each.text.find(value)
        if at >= 0:
            hit = [span for span in each.spans if span.start < at + len(value) and at < span.end]
            assert hit
            lefts, tops = [span.left for span in hit], [span.top for span in hit]
            return each, (min(lefts), min(tops), max(span.right for span in hit), max(span.bottom for span in hit))
    raise AssertionError("not read")


@pytest.mark.parametrize("turned", [0, 90, 180, -4])
def test_the_boxes_of_words_hold_their_ink(rapid: looks.Cascade, turned: float) -> None:
    """Painted over, the value is gone; and what is painted is not half the page."""
    image = page(turned=turned)
    value = VALUES[0]
    _, (left, top, right, bottom) = _box(rapid.see(image), value)
    assert (right - left) * (bottom - top) < 0.09
    height, width = image.shape
    image[round(top * height) - 2 : round(bottom * height) + 2, round(left * width) - 2 : round(right * width) + 2] = 0
    again = text_of(rapid.see(image))
    assert value not in again and "meier" not in again and "example" not in again
    assert all(other in again for other in VALUES[1:])


@needs_tesseract
def test_what_tesseract_does_not_see_is_seen_all_the_same(both: looks.Cascade) -> None:
    """A stamp across the page, a pale line and tiny print, on a page that is otherwise easy."""
    image = page().copy()
    stamp = np.rot90(np.asarray(line("Stamp 10.77.66.55 upwards")))
    room = np.full((image.shape[0] + stamp.shape[0] + 120, image.shape[1]), 255, np.uint8)
    room[: image.shape[0]] = image
    top = image.shape[0] + 20
    room[top : top + stamp.shape[0], 700 : 700 + stamp.shape[1]] = stamp
    pale = np.asarray(line("pale.words88@example.com was here", ink=236))
    room[top : top + pale.shape[0], 60 : 60 + pale.shape[1]] = pale
    tiny = np.asarray(line("tiny.print99@example.com was there", size=11))
    room[top + 120 : top + 120 + tiny.shape[0], 60 : 60 + tiny.shape[1]] = tiny
    read = text_of(both.see(room))
    assert [value for value in ("10.77.66.55", "pale.words88", "tiny.print99") if value not in read] == []


def test_coloured_writing_as_bright_as_its_ground_is_read(rapid: looks.Cascade) -> None:
    image = np.asarray(line("write to red.green5@example.com now", ink=(230, 0, 0), paper=(0, 117, 0)), np.uint8)
    assert "red.green5@example.com" in text_of(rapid.see(image))


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 3), (40, 40, 3), (33, 2500)])
def test_pictures_without_writing_say_nothing(rapid: looks.Cascade, shape: tuple[int, ...]) -> None:
    assert rapid.see(np.full(shape, 200, np.uint8)).lines == []


def test_noise_is_read_in_bounded_time_and_says_little(rapid: looks.Cascade) -> None:
    noise = np.random.default_rng(3).integers(0, 256, (600, 800, 3), np.uint8)
    assert sum(len(each.text) for each in rapid.see(noise).lines) < 40


def test_places_lie_inside_the_picture(rapid: looks.Cascade) -> None:
    for each in rapid.see(page(turned=7)).lines:
        for box in (each, *each.spans):
            assert 0 <= box.left < box.right <= 1 and 0 <= box.top < box.bottom <= 1
        assert 0 <= each.score <= 1


@pytest.mark.parametrize("angle", [0, 1, -2.5, 8, 33, -45, 70])
def test_the_way_in_which_lines_run_is_told_from_letters_alone(angle: float) -> None:
    found = letters(ink(page(turned=-angle)))
    told = direction(found)
    assert abs((told - angle + 90) % 180 - 90) <= 1.5
    assert 8 <= text_height(found) <= 22


@pytest.mark.parametrize(("width", "height"), [(100, 100), (1240, 1754), (9000, 300), (300, 9000), (5000, 7000)])
def test_tiles_cover_the_picture_and_each_is_bounded(width: int, height: int) -> None:
    seen = np.zeros((height, width), bool)
    for left, top, right, bottom in tiles(width, height):
        assert 0 <= left < right <= width and 0 <= top < bottom <= height
        assert (right - left) * (bottom - top) <= 1_350_000 + 2_100
        seen[top:bottom, left:right] = True
    assert seen.all()


def test_words_end_at_spaces_and_ideographs_stand_alone() -> None:
    assert [("a 名前b c")[start:end] for start, end in word_bounds("a 名前b c")] == ["a", "名", "前", "b", "c"]


def test_warming_says_what_reads_which_script() -> None:
    names = cascade.warm("rapidocr")
    assert len(names) == 1 and names[0][0].startswith("rapidocr ") and "Latn" in names[0][1]


def test_an_engine_that_is_not_here_is_an_error_that_says_so() -> None:
    with pytest.raises(FileError) as caught:
        cascade.engines_of("no such engine", ())
    assert caught.value.code == "UNSUPPORTED"


def test_pixels_of_another_size_than_told_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "pixels"
    file.write_bytes(bytes(100))
    for width, height, channels in ((10, 11, 1), (10, 10, 2), (0, 0, 1), (5, 7, 3)):
        with pytest.raises(FileError, match="unknown way"):
            cascade.seen(Pixels(str(file), width, height, channels), "rapidocr")


def test_a_picture_in_a_file_is_read(tmp_path: Path) -> None:
    pixels: NDArray[np.uint8] = np.asarray(line("mail colour.page3@example.com", ink=(0, 0, 90), paper=(250, 240, 200)), np.uint8)
    file = tmp_path / "pixels"
    file.write_bytes(pixels.tobytes())
    seen = cascade.seen(Pixels(str(file), pixels.shape[1], pixels.shape[0], 3), "rapidocr")
    assert "colour.page3@example.com" in text_of(seen)


def test_networks_come_from_the_package_on_disk() -> None:
    assert weights.installed().text.is_file() and weights.installed().boxes.is_file()


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="the system bounds no address space")
def test_a_page_is_read_within_the_memory_that_workers_have_and_by_no_code_that_fetches() -> None:
    code = """
import os, resource, sys
os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", MALLOC_ARENA_MAX="2")
resource.setrlimit(resource.RLIMIT_AS, (1_100 * 1024 * 1024,) * 2)
from appliance.files.ocr import cascade
from tests.unit.files.scans import VALUES, page
import numpy as np
one = page(dpi=200)
image = np.full((2400, 1700, 3), 255, np.uint8)
image[: one.shape[0], : one.shape[1]] = one[:, :, None]
text = "\\n".join(line.text for line in cascade.engines_of("rapidocr", ()).see(image).lines)
print(sum(value in text for value in VALUES), {"rapidocr", "requests", "urllib3", "paddle"} & set(sys.modules))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=500, check=False)
    assert (done.stdout.strip(), done.stderr) == (f"{len(VALUES)} set()", "")


_ANSWERS = """#!/bin/sh
case $1 in
    --list-langs) printf 'List\\neng\\nosd\\n'; exit ;;
    --version) echo tesseract 9.9; exit ;;
esac
"""
_WRONG_NUMBERS = "printf '5\\t1\\t1\\t1\\t1\\t1\\tx\\ty\\tz\\t9\\t9\\tword\\n'"
FAULTS = {
    "fails": "exit 3",
    "dies": "kill -9 $$",
    "hangs": "exec sleep 60",
    "floods": "exec yes",
    "wrong numbers": _WRONG_NUMBERS,
    "gives the picture back": "cat",
    "says nothing": "echo",
}


@pytest.mark.skipif(sys.platform == "win32", reason="the stand-in is a shell script")
@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_program_that_fails_reads_nothing_and_harms_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    program = tmp_path / "tesseract"
    program.write_text(_ANSWERS + fault)
    program.chmod(0o755)
    engine = tesseract.Tesseract(str(program))
    assert engine.name == "tesseract 9.9 (eng)"
    monkeypatch.setattr(tesseract, "SECONDS_MAX", 2.0)
    assert engine.read(page()) == []


class Told:
    """An engine that reads what the test tells it."""

    scripts = frozenset({"Latn"})

    def __init__(self, name: str, text: str, score: float) -> None:
        self.name, self._text, self._score = name, text, score

    def read(self, image: NDArray[np.uint8]) -> list[Reading]:
        return [self._reading(image)]

    def read_line(self, image: NDArray[np.uint8]) -> Reading | None:
        return self._reading(image)

    def _reading(self, image: NDArray[np.uint8]) -> Reading:
        bounds = word_bounds(self._text)
        each = image.shape[1] / len(bounds)
        places = [corners_of(each * number, 0, each * (number + 1), image.shape[0]) for number in range(len(bounds))]
        words = tuple(Word(start, end, place, self._score) for (start, end), place in zip(bounds, places, strict=True))
        return Reading(self._text, 0.95, corners_of(0, 0, image.shape[1], image.shape[0]), words)


@pytest.mark.parametrize(
    ("first", "sure", "again", "lines"),
    [
        ("mail mei.1i58@b.com now", 0.5, "mail mei.li58@b.com now", ["mail mei.li58@b.com now"]),
        ("mail mei.1i58@b.com now", 0.95, "mei.li58@b.com", ["mail mei.1i58@b.com now", "mail mei.li58@b.com now"]),
        ("mail mei.li58@b.com now", 0.95, "mei.li58@b.com", ["mail mei.li58@b.com now"]),
        ("number 63 1-39-5819", 0.65, "number 631-39-5819", ["number 631-39-5819"]),
    ],
    ids=["doubtful", "both sure", "the same", "only a space"],
)
def test_words_that_look_like_values_are_read_by_both_engines(first: str, sure: float, again: str, lines: list[str]) -> None:
    cheap, strong = Told("cheap", first, sure), Told("strong", again, 0.99)
    seen = looks.Cascade(cheap, strong).see(np.full((30, 300), 255, np.uint8))
    assert [each.text for each in seen.lines] == lines
    for each in seen.lines:
        assert [each.text[span.start : span.end] for span in each.spans] == each.text.split()


def test_without_the_program_the_engine_says_that_it_is_missing() -> None:
    with pytest.raises(tesseract.TesseractMissing):
        tesseract.Tesseract("/nowhere/tesseract")
