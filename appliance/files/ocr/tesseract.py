"""The engine `tesseract`: a program on this machine, given a grey picture, asked for a table of words.

Source: tesseract 5.3 manual, `-c tessedit_create_tsv`. Quirks: it starts threads that cost more than they bring
(OMP_THREAD_LIMIT); a level 5 row is a word, and `conf` of -1 means that it isn't one.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from appliance.files.ocr.inks import grey
from appliance.files.ocr.seam import Image, Reading, Word, corners_of

SECONDS_MAX = 60.0
OUTPUT_BYTES_MAX = 8_000_000
LANGUAGES_MAX = 6
SIDE_MAX = 32_000  # the program's own bound
SCRIPTS = {
    "eng": "Latn", "deu": "Latn", "fra": "Latn", "spa": "Latn", "ita": "Latn", "por": "Latn", "nld": "Latn", "pol": "Latn",
    "hin": "Deva", "mar": "Deva", "nep": "Deva", "san": "Deva", "ben": "Beng", "asm": "Beng", "tam": "Taml", "tel": "Telu",
    "kan": "Knda", "mal": "Mlym", "guj": "Gujr", "pan": "Guru", "ori": "Orya", "urd": "Arab", "ara": "Arab", "fas": "Arab",
    "rus": "Cyrl", "ukr": "Cyrl", "bul": "Cyrl", "ell": "Grek", "heb": "Hebr", "tha": "Thai", "kor": "Hang", "jpn": "Jpan",
    "chi_sim": "Hans", "chi_tra": "Hant",
}  # fmt: skip
_LANGUAGE = re.compile(r"[A-Za-z_/]{3,40}")
_WORD_LEVEL = "5"


class TesseractMissing(Exception):
    """The program isn't there, doesn't answer, or has no language. The words are for an administrator."""


class Tesseract:
    """`program`: its path; "": what the PATH has. `languages`: in the program's codes; none: all that are installed."""

    def __init__(self, program: str = "", languages: Sequence[str] = ()) -> None:
        found = shutil.which(program or "tesseract")
        if found is None:
            raise TesseractMissing("the program tesseract is not on the PATH")
        self._program = found
        listed = installed_languages(found)
        wanted = [code for code in languages if code in listed] if languages else listed
        if not wanted:
            raise TesseractMissing("tesseract has none of the languages asked for")
        self.languages = sorted(wanted, key=lambda code: code != "eng")[:LANGUAGES_MAX]
        self.name = f"tesseract {_version(found)} ({'+'.join(self.languages)})"
        self.scripts = frozenset(SCRIPTS.get(code, code.removeprefix("script/")) for code in self.languages)

    def read(self, image: Image) -> list[Reading]:
        return self._asked(image, page_mode=3)

    def read_line(self, image: Image) -> Reading | None:
        found = self._asked(np.pad(grey(image), 8, mode="edge"), page_mode=7)
        return found[0].moved(np.array([[1.0, 0.0, -8.0], [0.0, 1.0, -8.0]])) if found else None

    def _asked(self, image: Image, page_mode: int) -> list[Reading]:
        if max(image.shape[:2]) > SIDE_MAX:
            return []
        command = [self._program, "stdin", "stdout", "--psm", str(page_mode), "-l", "+".join(self.languages)]
        command += ["--dpi", "150", "-c", "tessedit_create_tsv=1"]
        return list(_readings(_output(command, _portable(grey(image)))))


def installed_languages(program: str) -> list[str]:
    """Codes, such as eng; not those that only tell a page's direction. Errors: TesseractMissing."""
    lines = _output([program, "--list-langs"], b"").splitlines()[1:]
    return sorted(code for code in (line.strip() for line in lines) if _LANGUAGE.fullmatch(code) and code not in ("osd", "equ"))


def _version(program: str) -> str:
    words = _output([program, "--version"], b"").split(maxsplit=2)
    return words[1].removeprefix("v")[:20] if len(words) > 1 else "unknown"


def _portable(image: Image) -> bytes:
    """A PGM file. Nothing of the picture's own encoding reaches the program."""
    return b"P5 %d %d 255\n" % (image.shape[1], image.shape[0]) + np.ascontiguousarray(image).tobytes()


def _output(command: list[str], given: bytes) -> str:
    """What the program says; its input lies in a file, so that neither waits for the other. Errors: TesseractMissing."""
    hidden = 0x08000000 if sys.platform == "win32" else 0  # CREATE_NO_WINDOW, which other systems' Python has no name for
    with tempfile.TemporaryFile() as file:
        file.write(given)
        file.seek(0)
        try:
            process = subprocess.Popen(
                command, stdin=file, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=_environment(), creationflags=hidden
            )
        except OSError as error:
            raise TesseractMissing(f"tesseract does not start: {error.strerror}") from error
        late = threading.Timer(SECONDS_MAX, process.kill)
        late.start()
        try:
            with process:
                assert process.stdout is not None
                said = process.stdout.read(OUTPUT_BYTES_MAX)
                process.kill() if process.stdout.read(1) else None
        finally:
            late.cancel()
    return said.decode("utf-8", "replace") if process.returncode == 0 else ""


def _environment() -> dict[str, str]:
    kept = ("PATH", "TESSDATA_PREFIX", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR", "LD_LIBRARY_PATH")
    return {"OMP_THREAD_LIMIT": "1", "LC_ALL": "C", **{name: os.environ[name] for name in kept if name in os.environ}}


def _readings(table: str) -> Iterator[Reading]:
    words: dict[tuple[str, ...], list[tuple[str, float, list[int]]]] = {}
    for row in table.split("\n"):
        cells = row.split("\t")
        if len(cells) < 12 or cells[0] != _WORD_LEVEL or not cells[11].strip():
            continue
        try:
            word = cells[11].strip(), float(cells[10]) / 100, [int(cell) for cell in cells[6:10]]
        except ValueError:
            continue  # not a table of tesseract's
        words.setdefault(tuple(cells[1:5]), []).append(word)
    for line in words.values():
        yield _reading(line)


def _reading(line: list[tuple[str, float, list[int]]]) -> Reading:
    text, placed, sure = "", [], 0.0
    for word, score, (left, top, width, height) in line:
        text += " " if text else ""
        placed.append(Word(len(text), len(text) + len(word), corners_of(left, top, left + width, top + height), score))
        text += word
        sure += max(0.0, score) * len(word)
    every = np.concatenate([word.corners for word in placed])
    (left, top), (right, bottom) = every.min(axis=0), every.max(axis=0)
    characters = sum(word.end - word.start for word in placed)
    return Reading(text, sure / characters, corners_of(left, top, right, bottom), tuple(placed))


def found_at(program: str = "") -> Path | None:
    """Where the program is, without starting it."""
    found = shutil.which(program or "tesseract")
    return Path(found) if found else None
