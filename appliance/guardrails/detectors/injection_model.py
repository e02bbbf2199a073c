"""Attacks that no rule tells: a small classifier of our own looks at every window of a text, and at what the text hides.

How it was made and what it misses: models/injection_card.md.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from appliance.data import data_folder
from appliance.guardrails import encoded
from appliance.guardrails.detectors import injection, jailbreak
from appliance.guardrails.detectors.injection_features import CUES, ROWS, STEP, WINDOW, Window, windows_of
from appliance.guardrails.detectors.injection_scripts import OtherScripts
from appliance.guardrails.detectors.injection_weights import Weights, weights_in
from appliance.guardrails.finding import Finding
from appliance.guardrails.normal_text import NormalText
from appliance.guardrails.pattern import Pattern
from appliance.guardrails.scanner import Scanner, TextDetector
from appliance.guardrails.views import views

TYPES: tuple[str, ...] = (injection.TYPE, jailbreak.TYPE)
_LENGTH_MIN = 12  # nothing can be said in less
_WHOLE = 160  # a window that short is one passage
_NEIGHBOUR = 0.25  # a sentence beside the worst one belongs to it where it says that much of what that says
_TOLD_MIN = 0.2  # lower scores are not told
_SENTENCE = re.compile(r"[^.!?\n。！？।]+[.!?\n。！？।]*|[.!?\n。！？।]+")


@cache
def weights() -> Weights:
    """The file is read once, when it is first needed."""
    return weights_in(data_folder("models") / "injection.bin", ROWS, len(CUES))


class InjectionModel:
    name = "injection_model"
    types: tuple[str, ...] = TYPES

    def find(self, text: NormalText) -> Iterator[Finding]:
        if len(text.text) < _LENGTH_MIN:
            return
        known = weights()
        for window in windows_of(text):
            score = doubted(known.score(known.odds(window.rows, window.cues)), len(text.text))
            if score < _TOLD_MIN:
                continue
            start, end = passage(text.text, window, known)
            kind = jailbreak.TYPE if known.is_jailbreak(window.rows, window.cues) else injection.TYPE
            yield Finding(type=kind, start=start, end=end, score=round(score, 3), detector=self.name)


def doubted(score: float, length: int) -> float:
    """The score of a window in a text of so many characters. Of many windows one looks like an attack by chance: without this,
    six of seven documents of some pages would hold one.
    """
    windows = 1 + max(0, -(-(length - WINDOW) // STEP))
    return score / (score + (1 - score) * max(1, windows - 1))


def passage(text: str, window: Window, known: Weights) -> tuple[int, int]:
    """The sentences of a window that speak most for an attack."""
    start, end = window.start, window.end
    if end - start > _WHOLE:
        sums = said_at(window, known)
        borders = [one.start() for one in _SENTENCE.finditer(text, start, end)]
        says = np.add.reduceat(sums, np.array(borders) - start).tolist()
        first = last = int(np.argmax(says))
        least = max(says) * _NEIGHBOUR
        while first and says[first - 1] > least:
            first -= 1
        while last + 1 < len(says) and says[last + 1] > least:
            last += 1
        start, end = borders[first], (*borders, end)[last + 1]
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return start, end


def said_at(window: Window, known: Weights) -> NDArray[np.float64]:
    """What begins at each character of a window says."""
    said = known.attack.take(window.all_rows)
    return np.asarray(np.bincount(window.places - window.start, said, window.end - window.start), np.float64)


class HiddenInjections:
    """What rules and classifier say of a text's other readings."""

    name = "injection_views"
    types: tuple[str, ...] = TYPES

    def __init__(self, scanner: Scanner) -> None:
        self._scanner = scanner

    def find(self, text: NormalText) -> Iterator[Finding]:
        for view in views(text):
            for found in self._scanner.found_in(view):
                yield found.at(*view.original(found.start, found.end))


def attack_scanner(patterns: Sequence[Pattern]) -> Scanner:
    """`patterns`: the rules. Beside them the classifier; and both for what is encoded or disguised."""
    whole: tuple[TextDetector, ...] = (OtherScripts(), InjectionModel())
    plain = Scanner(patterns, whole)
    return Scanner([*patterns, *encoded.patterns(plain, TYPES)], [*whole, HiddenInjections(plain)])
