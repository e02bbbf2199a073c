"""The file of the classifier of attacks (`models/injection.bin`), and what it says of a window of text.

Little-endian: the eight bytes "GHINJEC1"; three uint32: rows, cues, the size of the rest; then, packed with zlib: five float32 (a
step of `attack`, a step of `kind`, how much a cue counts, what attacks begin with, what kinds begin with), two float32 (how steep
scores are, and the odds at which one is 0.5), a float32 a cue for `attack`, the same for `kind`, an int8 a row for each. No code is
in it, and none is run to read it.
"""

import struct
import zlib
from math import exp
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

MAGIC = b"GHINJEC1"
_HEAD = struct.Struct("<8sIII")
_NUMBERS = 7


class Weights(msgspec.Struct, frozen=True):
    """attack: how much each row speaks for an attack; kind: for a jailbreak (and not an injection) where it is one."""

    steps: tuple[float, float]
    cue: float
    begins: tuple[float, float]
    steep: float
    bound: float
    attack_cues: NDArray[np.float32]
    kind_cues: NDArray[np.float32]
    attack: NDArray[np.int8]
    kind: NDArray[np.int8]

    def packed(self) -> bytes:
        numbers = (*self.steps, self.cue, *self.begins, self.steep, self.bound)
        body = b"".join(
            (
                np.array(numbers, "<f4").tobytes(),
                self.attack_cues.astype("<f4").tobytes(),
                self.kind_cues.astype("<f4").tobytes(),
                self.attack.tobytes(),
                self.kind.tobytes(),
            )
        )
        small = zlib.compress(body, 9)
        return _HEAD.pack(MAGIC, len(self.attack), len(self.attack_cues), len(small)) + small

    def odds(self, rows: NDArray[np.uint32], cues: NDArray[np.intp]) -> float:
        """Of an attack, as a logarithm."""
        said = int(self.attack.take(rows).sum(dtype=np.int32)) * self.steps[0]
        return float(said / max(1, len(rows)) ** 0.5 + self.attack_cues[cues].sum() * self.cue + self.begins[0])

    def is_jailbreak(self, rows: NDArray[np.uint32], cues: NDArray[np.intp]) -> bool:
        said = int(self.kind.take(rows).sum(dtype=np.int32)) * self.steps[1]
        return bool(said / max(1, len(rows)) ** 0.5 + self.kind_cues[cues].sum() * self.cue + self.begins[1] > 0)

    def score(self, odds: float) -> float:
        """0.5 at the bound."""
        return 1 / (1 + exp(-max(-40.0, min(40.0, self.steep * (odds - self.bound)))))


def weights_in(file: Path, rows: int, cues: int) -> Weights:
    """Errors: ValueError where it isn't such a file, or one of other features."""
    content = file.read_bytes()
    if len(content) < _HEAD.size:
        raise ValueError(f"{file.name} is not a file of the classifier's weights")
    magic, rows_there, cues_there, size = _HEAD.unpack_from(content)
    if magic != MAGIC or len(content) != _HEAD.size + size:
        raise ValueError(f"{file.name} is not a file of the classifier's weights, or a part is missing")
    if (rows_there, cues_there) != (rows, cues):
        raise ValueError(
            f"{file.name} was trained with other features: {rows_there} rows and {cues_there} cues, not {rows} and {cues}"
        )
    try:
        body = zlib.decompress(content[_HEAD.size :])
    except zlib.error as error:
        raise ValueError(f"{file.name} is damaged") from error
    if len(body) != 4 * (_NUMBERS + 2 * cues) + 2 * rows:
        raise ValueError(f"{file.name} is damaged")
    numbers = np.frombuffer(body, "<f4", _NUMBERS + 2 * cues)
    tables = np.frombuffer(body, np.int8, 2 * rows, numbers.nbytes)
    one, two, cue, begin, begin_kind, steep, bound = numbers[:_NUMBERS].tolist()
    return Weights(
        steps=(one, two),
        cue=cue,
        begins=(begin, begin_kind),
        steep=steep,
        bound=bound,
        attack_cues=numbers[_NUMBERS : _NUMBERS + cues].astype(np.float32),
        kind_cues=numbers[_NUMBERS + cues :].astype(np.float32),
        attack=tables[:rows],
        kind=tables[rows:],
    )
