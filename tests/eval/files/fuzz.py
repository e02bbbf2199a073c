"""Thousands of broken files for a running appliance: `make fuzz`, or `python -m tests.eval.files.fuzz [--count 5000] [--seed 1]`.

Each is one of the small files of `make eval-files`, changed in a few places; of ZIP files also what they hold, so that the
reader behind the unpacking gets something. It must answer all of them, be as large afterwards as before (within 10 %), have as
many files open, and have left nothing in its scratch folders. `--only N` sends one mutation again.
"""

import argparse
import io
import random
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import psutil

from tests.eval.files import made, make
from tests.eval.files.docx_bytes import zipped
from tests.eval.files.door import Door, Told, opened
from tests.eval.files.made import MadeFile
from tests.eval.lines import figure_line

COUNT, WARM, AT_ONCE = 5_000, 300, 4
BYTES_MAX, SECONDS_MAX = 40_000, 60.0
GROWTH_MAX = 0.10
GROUPS = (made.PDF_TEXT, made.DOCX, made.TEXTS, made.IMAGE_TEXT, made.CLEAN)
NUMBERS = (b"0", b"-1", b"1", b"255", b"65536", b"2147483647", b"4294967296", b"99999999999999999999", b"1e999")
Change = Callable[[random.Random, bytearray], None]


def flip(source: random.Random, data: bytearray) -> None:
    for _ in range(source.randint(1, 8)):
        data[source.randrange(len(data))] ^= 1 << source.randrange(8)


def cut(source: random.Random, data: bytearray) -> None:
    del data[source.randrange(len(data)) :]


def remove(source: random.Random, data: bytearray) -> None:
    begin = source.randrange(len(data))
    del data[begin : begin + source.randint(1, 200)]


def repeat(source: random.Random, data: bytearray) -> None:
    begin = source.randrange(len(data))
    piece = bytes(data[begin : begin + source.randint(1, 200)])
    data[begin:begin] = piece * source.choice((1, 2, 50))


def overwrite(source: random.Random, data: bytearray) -> None:
    begin = source.randrange(len(data))
    size = source.choice((1, 2, 4, 16))
    data[begin : begin + size] = source.choice((b"\0", b"\xff", b"\x7f")) * size


def number(source: random.Random, data: bytearray) -> None:
    """A run of digits becomes another number: lengths, places, references."""
    begin = source.randrange(len(data))
    while begin < len(data) and not 48 <= data[begin] <= 57:
        begin += 1
    end = begin
    while end < len(data) and 48 <= data[end] <= 57:
        end += 1
    data[begin:end] = source.choice(NUMBERS)


def move(source: random.Random, data: bytearray) -> None:
    begin, size = source.randrange(len(data)), source.randint(1, 100)
    piece = bytes(data[begin : begin + size])
    del data[begin : begin + size]
    place = source.randrange(len(data) + 1)
    data[place:place] = piece


CHANGES: tuple[Change, ...] = (flip, flip, cut, remove, repeat, overwrite, number, number, move)


def changed(source: random.Random, data: bytes) -> bytes:
    made = bytearray(data)
    for _ in range(source.choice((1, 1, 2, 5))):
        if made:
            source.choice(CHANGES)(source, made)
    return bytes(made)


def inside(source: random.Random, data: bytes) -> bytes:
    """A ZIP of which one part is changed, and which is whole as a ZIP."""
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        parts = {name: package.read(name) for name in package.namelist()}
    name = source.choice(sorted(parts))
    parts[name] = changed(source, parts[name])
    return zipped(parts)


def seeds(seed: int) -> list[MadeFile]:
    """Small ones, without pictures that must be read: those cost seconds each."""
    files = [one for one in make.files(seed, GROUPS) if len(one.data) < BYTES_MAX]
    return [one for one in files if not any("picture" in label.place for label in one.labels) and "scan" not in one.name]


def mutation(files: list[MadeFile], seed: int, place: int) -> tuple[str, bytes]:
    """Name and bytes. The same for the same seed and place."""
    source = random.Random(f"{seed} {place}")
    one = source.choice(files)
    if one.kind == "docx" and source.random() < 0.7:
        return one.name, inside(source, one.data)
    return one.name, changed(source, one.data)


class State:
    """What an appliance takes of its machine."""

    def __init__(self, door: Door) -> None:
        server = psutil.Process(door.appliance.pid)
        self.bytes, self.files = server.memory_info().rss, server.num_fds()
        self.processes = len(door.family())

    def problems(self, before: "State") -> list[str]:
        found = []
        if self.bytes > before.bytes * (1 + GROWTH_MAX):
            found.append(f"the server has {self.bytes / 1e6:.1f} MB, and had {before.bytes / 1e6:.1f} MB")
        if self.files > before.files + 8:
            found.append(f"the server has {self.files} files open, and had {before.files}")
        if self.processes > before.processes + 1:
            found.append(f"there are {self.processes} processes, and were {before.processes}")
        return found


class Fuzz:
    def __init__(self, door: Door, seed: int) -> None:
        self.door, self.seed = door, seed
        self.files = seeds(seed)
        self.outcomes: Counter[str] = Counter()
        self.problems: list[str] = []
        self.slowest = (0.0, -1)

    def send(self, places: range) -> None:
        with ThreadPoolExecutor(AT_ONCE) as senders:
            for place, told in zip(places, senders.map(self.one, places), strict=True):
                if isinstance(told, str):
                    self.problems.append(f"mutation {place}: {told}")
                    continue
                self.outcomes[told.code or told.verdict] += 1
                self.slowest = max(self.slowest, (told.seconds, place))
                if told.status != 200:
                    self.problems.append(f"mutation {place}: {told.status} {told.code}")

    def one(self, place: int) -> Told | str:
        name, data = mutation(self.files, self.seed, place)
        try:
            return self.door.scan(name, data)
        except (OSError, HTTPException, ValueError, KeyError) as error:
            return f"no proper answer: {error!r}"

    def settled(self) -> State:
        """Once its memory has stopped falling; half a minute at most."""
        state = State(self.door)
        for _ in range(15):
            time.sleep(2)
            now = State(self.door)
            if now.bytes >= state.bytes and now.processes >= state.processes:
                return now
            state = now
        return state


def main(words: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=COUNT)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, help="one mutation, by its number; it is left in the folder of temporary files")
    given = parser.parse_args(words)
    with tempfile.TemporaryDirectory(prefix="gatehouse-fuzz-") as folder, opened(Path(folder)) as door:
        fuzz = Fuzz(door, given.seed)
        if given.only is not None:
            name, data = mutation(fuzz.files, given.seed, given.only)
            kept = Path(tempfile.gettempdir()) / f"mutation-{given.only}-{name}"
            kept.write_bytes(data)
            print(f"{kept}: {fuzz.one(given.only)}")
            return 0
        fuzz.send(range(-min(WARM, given.count), 0))  # numbers below 0: all is loaded, and workers were renewed
        before, begun = fuzz.settled(), time.monotonic()
        fuzz.outcomes.clear()
        fuzz.send(range(given.count))
        seconds = time.monotonic() - begun
        after = fuzz.settled()
        fuzz.problems += after.problems(before)
        harmless = door.scan("harmless.txt", b"Some words of prose")
        if harmless.verdict != "clean":
            fuzz.problems.append(f"afterwards a harmless file is {harmless.verdict} {harmless.code}")
    outcomes = ", ".join(f"{count} {name}" for name, count in fuzz.outcomes.most_common())
    print(f"{given.count} mutations in {seconds:.0f} s: {outcomes}")
    print(f"the slowest took {fuzz.slowest[0]:.1f} s: mutation {fuzz.slowest[1]}")
    print("\n".join(fuzz.problems))
    print(figure_line("files_fuzz_answered", sum(fuzz.outcomes.values()) / given.count))
    print(figure_line("files_fuzz_memory_ratio", after.bytes / before.bytes))
    return 1 if fuzz.problems else 0


if __name__ == "__main__":
    sys.exit(main())
