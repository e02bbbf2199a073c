"""How the tests of detectors ask: which values of which types are found in a text."""

import time

from appliance.guardrails.pattern import Pattern
from appliance.guardrails.scanner import Scanner

BOUND = 0.5  # where policies begin


def told(scanner: Scanner, text: str) -> list[str]:
    return [f"{one.type} {text[one.start : one.end]}" for one in scanner.find(text) if one.score >= BOUND]


def growth(scanner: Scanner, repeated: str) -> float:
    """How much longer four times the text takes: 4 where it is linear, 16 where it is not. Short times are noise. Counted is this
    thread's own work, and the best of three tries: a machine with other work to do says nothing of us."""

    def seconds(size: int) -> float:
        text = (repeated * size)[:size]
        least = float("inf")
        for _ in range(3):
            begun = time.thread_time()
            scanner.find(text)
            least = min(least, time.thread_time() - begun)
        return least

    seconds(1000)
    return min(seconds(100_000) / max(seconds(25_000), 0.005) for _ in range(3))


def scanner_of(*tables: tuple[Pattern, ...]) -> Scanner:
    return Scanner([one for table in tables for one in table])
