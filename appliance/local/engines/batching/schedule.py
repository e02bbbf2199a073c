"""What the next step computes: one token for everyone who is answered, and bounded pieces of prompts beside them.

Pure. The bound on reading is in time, not in tokens: a step shall take no longer than people who watch an answer grow
will notice, on a small model and on a large one.
"""

from collections.abc import Sequence as SequenceOf
from typing import Generic, Protocol, TypeVar

import msgspec

STEP_SECONDS_WANTED = 0.1
LONGER_STEPS_MAX = 4
READ_TOKENS_MIN = 16
OLDEST_PART = 4  # the oldest prompt gets a fourth of what is read at least, however many short ones come after it
_LEARNING = 0.2


class Planned(Protocol):
    """What a plan looks at of a sequence."""

    @property
    def arrived(self) -> int: ...
    @property
    def to_read(self) -> int: ...
    @property
    def is_reading(self) -> bool: ...
    @property
    def is_stalled(self) -> bool: ...


S = TypeVar("S", bound=Planned)


class Part(msgspec.Struct, Generic[S], frozen=True):
    """So many tokens of one sequence."""

    sequence: S
    tokens: int


def plan(sequences: SequenceOf[S], read_tokens_max: int) -> list[Part[S]]:
    """The parts of the next step: those who are answered first, then prompts, those with little left first.

    A short question doesn't wait for a long document that came before it, and the document gets on all the same.
    """
    parts = [Part(sequence, 1) for sequence in sequences if not sequence.is_reading and not sequence.is_stalled]
    readers = [sequence for sequence in sequences if sequence.is_reading]
    if not readers:
        return parts
    oldest = min(readers, key=lambda sequence: sequence.arrived)
    reserved = min(oldest.to_read, -(-read_tokens_max // OLDEST_PART))
    left = read_tokens_max - reserved
    for sequence in sorted(readers, key=lambda sequence: (sequence.to_read, sequence.arrived)):
        extra = reserved if sequence is oldest else 0
        tokens = min(sequence.to_read, left + extra)
        left -= tokens - extra
        if tokens:
            parts.append(Part(sequence, tokens))
    return parts


class Pace:
    """How many tokens of prompts a step may read, learnt from how long steps take."""

    def __init__(self, batch_tokens: int) -> None:
        self._batch_tokens = batch_tokens
        self._token_seconds = 0.0

    def read_tokens_max(self, answering: int, reading: int = 1) -> int:
        """Beside so many tokens for those who are answered, for so many who are not yet.

        Where more wait for their first word than watch an answer grow, a step may take longer: larger ones cost less a token.
        Where nobody watches it may not: whoever comes next would wait for its end.
        """
        room = self._batch_tokens - answering
        if not self._token_seconds:
            return min(4 * READ_TOKENS_MIN, room)
        longer = min(max(reading / answering, 1), LONGER_STEPS_MAX) if answering else 1
        seconds = STEP_SECONDS_WANTED * longer
        wanted = int(seconds / self._token_seconds) - answering
        return min(max(wanted, READ_TOKENS_MIN), room)

    def took(self, tokens: int, seconds: float) -> None:
        """A step of so many tokens took so long. Steps of a few tokens tell little about reading."""
        if tokens >= READ_TOKENS_MIN:
            once = seconds / tokens
            self._token_seconds += (once - self._token_seconds) * (_LEARNING if self._token_seconds else 1.0)
