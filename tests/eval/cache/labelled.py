"""Pairs of questions: same or not, by kind, and whether they are kept apart from whoever tunes the rules."""

from pathlib import Path
from typing import NamedTuple
from zlib import crc32

FOLDER = Path(__file__).parent / "pairs"
BETWEEN = " ~~ "


class Pair(NamedTuple):
    one: str
    other: str
    kind: str
    is_same: bool
    is_held_out: bool


def pairs(folder: Path = FOLDER) -> list[Pair]:
    """All pairs; a third of them, by their text's checksum, is held out. ValueError names a line that isn't a pair."""
    return [pair for path in sorted(folder.glob("*.txt")) for pair in _read(path)]


def _read(path: Path) -> list[Pair]:
    kind, found = "", []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("[") and line.endswith("]"):
            kind = line[1:-1]
        elif line.strip() and not line.startswith("#"):
            one, between, other = line.replace("\\n", "\n").partition(BETWEEN)
            if not between or not kind:
                raise ValueError(f"{path.name}:{number} is no pair")
            is_held_out = crc32(line.encode()) % 3 == 0
            found.append(Pair(one, other, kind, path.name.startswith("same"), is_held_out))
    return found
