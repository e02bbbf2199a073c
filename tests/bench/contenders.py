"""One server at one task, round after round."""

import statistics
from collections.abc import Callable

import msgspec

from tests.bench.load import Sample, Target, ask
from tests.bench.processes import BenchError, Process


class Contender:
    """One server at one task, with its rounds.

    is_right: whether an answer's bytes are what was asked for.
    settled:  how many requests stand settled in its ledger, where it has one.
    hung_up_max: how many callers may hang up at a round's end; some of these are settled, and their answers never counted.
    """

    def __init__(
        self,
        name: str,
        task: str,
        process: Process,
        target: Target,
        is_right: Callable[[bytes], bool],
        settled: Callable[[], int] | None = None,
        *,
        hung_up_max: int = 0,
    ) -> None:
        self.name = name
        self.task = task
        self.process = process
        self.target = target
        self.is_right = is_right
        self.settled = settled
        self.hung_up_max = hung_up_max
        self.samples: list[Sample] = []

    def check(self) -> None:
        """What is about to be measured answers rightly. Errors: BenchError."""
        answer = ask(self.target)
        if not self.is_right(answer):
            raise BenchError(f"{self.name} does not answer the {self.task} request rightly: {answer[:500]!r}")

    def median(self, read: Callable[[Sample], float]) -> float:
        return statistics.median(map(read, self.samples))


Load = Callable[[Contender, int], Sample]  # for about so many seconds


class Rounds(msgspec.Struct):
    """How rounds are run. Each takes every contender once, so that a machine that grows busy touches all of them."""

    say: Callable[[str], None]
    problems: list[str]  # what was found wrong

    def run(self, contenders: list[Contender], load: Load, *, rounds: int, seconds: int) -> None:
        for contender in contenders:
            contender.check()
            self._one(contender, load, 1)  # warm up
        for number in range(rounds):
            self.say(f"Round {number + 1} of {rounds} …")
            for contender in contenders:
                contender.samples.append(self._one(contender, load, seconds))

    def _one(self, contender: Contender, load: Load, seconds: int) -> Sample:
        before = contender.settled() if contender.settled else 0
        sample = load(contender, seconds)
        if contender.settled:
            found = contender.settled() - before
            right = sample.requests <= found <= sample.requests + contender.hung_up_max
            what = contender.task if contender.name == "gateway" else f"{contender.name} {contender.task}"
            self.say(f"check ledger {what}: {sample.requests} answered, {found} settled: {'ok' if right else 'WRONG'}")
            if not right:
                self.problems.append(f"the ledger holds {found} settled rows for {sample.requests} answers ({what})")
        return sample


def ratio(upper: Contender | None, lower: Contender | None) -> float | None:
    """Of CPU time a request; the median of the rounds' ratios."""
    if upper is None or lower is None:
        return None
    pairs = zip(upper.samples, lower.samples, strict=True)
    return round(statistics.median(one.cpu_us / other.cpu_us for one, other in pairs), 2)
