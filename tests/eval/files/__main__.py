"""How much is found in files, and what it costs: `make eval-files`, or `python -m tests.eval.files`.

Files with known values in every place that a file has are made from a seed, sent to the shipped program as a user would, and
the answers compared with the labels. Groups (`--only`): pdf_text, docx, texts, image_text, scan_clean, scan_hard, clean,
hostile; and speed, cpu, chat. `--into FOLDER` keeps the files, with labels.jsonl beside them.

Ends with 1 where a target is missed, with the list of what is.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

from tests.eval.files import made, make, requests_at_once, speed
from tests.eval.files.door import Door, Told, opened
from tests.eval.files.hostile_pdf import PASSWORD
from tests.eval.files.judge import Verdicts, hostile_problem
from tests.eval.files.made import MadeFile
from tests.eval.lines import figure_line
from tests.eval.parts import Target

PARTS = (*make.MAKERS, "speed", "cpu", "chat")
AT_ONCE, SLOW_SECONDS = 3, 10
TARGETS = (
    Target("files_recall_pdf_text", "values in PDF files", 1.0),
    Target("files_recall_docx", "values in DOCX files", 1.0),
    Target("files_recall_scan_clean", "values in clean scans", 0.98),
    Target("files_recall_scan_hard", "values in hard scans", 0.92),
    Target("files_false_alarms", "findings in harmless files", 0, is_least=False),
    Target("files_hostile_survived", "hostile files answered", 1.0),
    Target("files_pages_per_second", "pages of text a second", 50),
    Target("files_cpu_seconds_page", "CPU time of a scanned page", 8.5, is_least=False),
    Target("files_chat_p99_ratio", "chats during a scan over without", 1.5, is_least=False),
)
FIGURES = {
    made.CLEAN: "files_false_alarms",
    made.HOSTILE: "files_hostile_survived",
    "speed": "files_pages_per_second",
    "cpu": "files_cpu_seconds_page",
    "chat": "files_chat_p99_ratio",
}
NO_ANSWER = (OSError, HTTPException, ValueError, KeyError)


class Evaluation:
    def __init__(self, door: Door, seed: int, folder: Path, engine: str = "auto") -> None:
        self.door, self.seed, self.folder, self.engine = door, seed, folder, engine
        self.verdicts = Verdicts()
        self.figures: dict[str, tuple[float, str]] = {}
        self.problems: list[str] = []

    def run(self, part: str, seconds: float) -> None:
        """A part that can't be measured is a problem, and the others are measured all the same."""
        try:
            self.measure(part, seconds)
        except AssertionError as error:
            self.problems.append(f"not measured: {part}: {error}")

    def measure(self, part: str, seconds: float) -> None:
        if part == made.HOSTILE:
            self.hostile()
        elif part == "speed":
            self.figures["files_pages_per_second"] = (speed.pages_per_second(self.door), "pages/s")
        elif part == "cpu":
            cost, engine = speed.cpu_seconds_page(self.door)
            say(f"read by {engine}")
            assert self.engine == "auto" or {one.split()[0] for one in engine.split(", ")} == {self.engine}, engine
            self.figures["files_cpu_seconds_page"] = (cost, "s")
        elif part == "chat":
            ratio, busy, quiet = speed.chat_p99_ratio(self.door, seconds)
            say(f"chats' p99: {busy:.1f} ms during a scan, {quiet:.1f} ms without")
            self.figures["files_chat_p99_ratio"] = (ratio, "ratio")
        else:
            self.compared(part)

    def files(self, group: str) -> list[MadeFile]:
        return made.write(make.files(self.seed, [group]), self.folder)

    def data(self, one: MadeFile) -> bytes:
        return (self.folder / one.name).read_bytes()

    def compared(self, group: str) -> None:
        for one, told in self.answers(self.files(group)):
            if group == made.CLEAN:
                self.verdicts.add_clean(one, told)
            else:
                self.verdicts.add(one, told)
        if group == made.CLEAN:
            self.figures["files_false_alarms"] = (len(self.verdicts.alarms), "findings")
        else:
            self.figures[f"files_recall_{group}"] = (self.verdicts.recall(group), "ratio")

    def answers(self, files: list[MadeFile]) -> Iterator[tuple[MadeFile, Told]]:
        """A few are sent at once. Without an answer the run ends."""
        with ThreadPoolExecutor(AT_ONCE) as senders:
            yield from zip(files, senders.map(lambda one: self.door.scan(one.name, self.data(one)), files), strict=True)

    def hostile(self) -> None:
        """One after another; after each the server must still read a harmless file."""
        files, survived = self.files(made.HOSTILE), 0
        for one in files:
            name = one.name if one.sent_as is None else one.sent_as
            begun = time.monotonic()
            try:
                told = self.door.scan(name, self.data(one))
                harmless = self.door.scan("harmless.txt", b"Some words of prose")
            except NO_ANSWER as error:
                self.problems.append(f"hostile: {one.name}: no proper answer after {time.monotonic() - begun:.0f} s: {error!r}")
                if not self.door.appliance.is_running:
                    raise
                continue
            problem = hostile_problem(one, told)
            if told.seconds > SLOW_SECONDS:
                say(f"hostile: {one.name} took {told.seconds:.0f} s: {told.code or told.verdict}")
            if harmless.verdict != "clean":
                problem = f"{one.name}: afterwards a harmless file is {harmless.verdict} {harmless.code}"
            else:
                survived += 1
            if problem:
                self.problems.append(f"hostile: {problem} ({told.seconds:.1f} s)")
        unlocked = self.door.scan(
            "locked.pdf", self.data(next(one for one in files if one.name == "locked.pdf")), PASSWORD.decode()
        )
        if unlocked.code:
            self.problems.append(f"hostile: with its password locked.pdf is {unlocked.code}")
        self.problems += requests_at_once.problems(self.door)
        self.figures["files_hostile_survived"] = (survived / len(files), "ratio")


def say(text: str) -> None:
    print(text, flush=True)


def not_measured(parts: Sequence[str], figures: dict[str, tuple[float, str]]) -> list[str]:
    return [f"not measured: {part}" for part in parts if FIGURES.get(part, f"files_recall_{part}") not in figures]


def missed(figures: dict[str, tuple[float, str]]) -> list[str]:
    return [
        f"target missed: {one.figure} is {figures[one.figure][0]:.4f}, and should be {one}"
        for one in TARGETS
        if one.figure in figures and not one.is_met(figures[one.figure][0])
    ]


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--into", type=Path, help="where the files are kept")
    parser.add_argument("--seconds", type=float, default=25, help="of chats during the scan")
    parser.add_argument("--policy", default="default")
    parser.add_argument("--engine", default="auto", help="the setting [ocr] engine: auto, tesseract, rapidocr, paddleocr")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="gatehouse-eval-") as folder:
        place = given.into or Path(folder) / "files"
        with opened(Path(folder), given.policy, given.engine) as door:
            evaluation = Evaluation(door, given.seed, place, given.engine)
            for part in given.only:
                begun = time.monotonic()
                evaluation.run(part, given.seconds)
                say(f"{part} took {time.monotonic() - begun:.0f} s")
    for row in (*evaluation.verdicts.lines(made.RECALLED), *evaluation.problems):
        say(row)
    for name, (value, unit) in evaluation.figures.items():
        say(figure_line(name, value, unit))
    lacking = [*not_measured(given.only, evaluation.figures), *missed(evaluation.figures)]
    for row in lacking:
        print(row, file=sys.stderr)
    return 1 if lacking else 0


if __name__ == "__main__":
    sys.exit(main())
