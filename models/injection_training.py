"""How the classifier of attacks learns: texts to windows, windows to weights, and what it says of sources that it never saw."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from injection_fit import Examples, fitted  # noqa: E402
from injection_sentences import ATTACK, TALKED_INTO, Sentences  # noqa: E402

from appliance.guardrails.detectors.injection_features import CUES, ROWS, windows_of  # noqa: E402
from appliance.guardrails.detectors.injection_weights import Weights  # noqa: E402
from appliance.guardrails.normal_text import normal  # noqa: E402

OURS = "ours"  # the source of what injection_sentences.py made
SEED, TEXTS = 20261, 9300
STRENGTH, KIND_STRENGTH, CUE = 0.2, 0.05, 0.8
LETTERS = 2.0  # runs of letters are so much dearer than words
EVEN_MIN = 30.0  # what the given harmless texts count at least, however few attacks are given
ROUNDS_FIRST, ROUNDS, ROUNDS_AGAIN, ROUNDS_KIND = 40, 24, 12, 40
WINDOWS_MIN = 2  # a feature that fewer windows have is none
FALSE_SHARE = 0.015  # of harmless texts of sources left out, where the bound is set; the rules tell a few more
GROUPS_MAX, ROWS_ALONE_MIN = 7, 66


class Corpus:
    """Texts as windows. labels: 1 for an attack; jailbreaks: 1 for a jailbreak; groups: what is left out together."""

    def __init__(self, texts: list[str], labels: list[int], kinds: list[str], groups: list[str]) -> None:
        self.labels = np.array(labels)
        self.jailbreaks = np.array([kind == TALKED_INTO for kind in kinds])
        self.groups = np.array(groups)
        windows = [(number, one) for number, text in enumerate(texts) for one in windows_of(normal(text))]
        self.owners = np.array([number for number, _ in windows])
        rows = [one.rows for _, one in windows]
        self.lengths = np.array([len(one) for one in rows])
        seen = np.bincount(np.concatenate(rows), minlength=ROWS)
        self.known = np.flatnonzero(seen >= WINDOWS_MIN)
        number_of = np.full(ROWS, -1, np.int32)
        number_of[self.known] = np.arange(len(self.known))
        self.rows = [number_of[one[seen[one] >= WINDOWS_MIN]] for one in rows]
        self.cues = [one.cues for _, one in windows]

    def examples(self, texts: np.ndarray) -> tuple[np.ndarray, Examples]:
        """Windows of chosen texts: whose they are, and what is in them."""
        chosen = np.flatnonzero(texts[self.owners])
        rows, cues = [self.rows[one] for one in chosen], [self.cues[one] for one in chosen]
        return self.owners[chosen], Examples(rows, cues, self.lengths[chosen], len(self.known), len(CUES), CUE)


def read(folder: Path) -> tuple[list[str], list[int], list[str], list[str]]:
    rows = [json.loads(line) for line in (folder / "injection.jsonl").read_text(encoding="utf-8").split("\n") if line]
    kinds = [TALKED_INTO if row.get("cat") == "jailbreak" else ATTACK if row["label"] else "" for row in rows]
    sources = [row["source"].partition(":")[0] for row in rows]
    sizes = Counter(sources).most_common(GROUPS_MAX - 1)
    alone = {source for source, size in sizes if size >= ROWS_ALONE_MIN}
    return (
        [row["text"] for row in rows],
        [row["label"] for row in rows],
        kinds,
        [one if one in alone else "others" for one in sources],
    )


def corpus_of(folder: Path | None, texts: int = TEXTS) -> Corpus:
    sentences = Sentences(SEED)
    made = [sentences.one() for _ in range(texts)]
    given: tuple[list[str], list[int], list[str], list[str]] = read(folder) if folder else ([], [], [], [])
    return Corpus(
        given[0] + [one[0] for one in made],
        given[1] + [one[1] for one in made],
        given[2] + [one[2] for one in made],
        given[3] + [OURS] * len(made),
    )


def first(corpus: Corpus) -> np.ndarray:
    """What our own sentences alone teach: where every training begins."""
    owners, examples = corpus.examples(corpus.groups == OURS)
    labels = corpus.labels[owners]
    return fitted(examples, labels, _importance(owners, labels), _strengths(corpus), ROUNDS_FIRST)


def _strengths(corpus: Corpus) -> np.ndarray:
    return np.concatenate((np.where(corpus.known < ROWS // 2, LETTERS, 1.0) * STRENGTH, np.full(len(CUES), STRENGTH)))


def learned(corpus: Corpus, texts: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Of an attack that has many windows, those count in the end that look like one."""
    owners, examples = corpus.examples(texts)
    labels = corpus.labels[owners]
    importance = _evened(_importance(owners, labels), labels, corpus.groups[owners] != OURS)
    at = fitted(examples, labels, importance, _strengths(corpus), ROUNDS, start)
    scores = examples.scores(at[:-1]) + at[-1]
    best = _best(scores, owners, len(corpus.labels))
    importance = np.where(labels > 0, np.where(scores >= best[owners], 1.0, np.where(scores > 0, importance, 0.0)), importance)
    return fitted(examples, labels, importance, _strengths(corpus), ROUNDS_AGAIN, at)


def _importance(owners: np.ndarray, labels: np.ndarray) -> np.ndarray:
    windows = np.bincount(owners)[owners]
    return np.where(labels > 0, 1 / windows, 1 / np.sqrt(windows))


def _evened(importance: np.ndarray, labels: np.ndarray, given: np.ndarray) -> np.ndarray:
    """The given harmless texts count no more, together, than the given attacks: else what a source calls an attack that no other
    source has would look harmless where it is left out.
    """
    attacks, harmless = importance[given & (labels > 0)].sum(), importance[given & (labels == 0)].sum()
    share = min(1.0, max(attacks, EVEN_MIN) / max(harmless, 1.0))
    return np.where(given & (labels == 0), importance * share, importance)


def _best(scores: np.ndarray, owners: np.ndarray, count: int) -> np.ndarray:
    found = np.full(count, -np.inf)
    np.maximum.at(found, owners, scores)
    return found


def unseen(corpus: Corpus, start: np.ndarray) -> np.ndarray:
    """Each given text's odds, told by a classifier that saw nothing of its group; -inf for our own."""
    found = np.full(len(corpus.labels), -np.inf)
    for group in sorted(set(corpus.groups) - {OURS}):
        inside = corpus.groups == group
        at = learned(corpus, ~inside, start)
        owners, examples = corpus.examples(inside)
        found[inside] = _best(examples.scores(at[:-1]) + at[-1], owners, len(found))[inside]
    return found


def calibrated(odds: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
    """How steep, and the bound: so few harmless texts are above it."""
    bound = float(np.quantile(odds[labels == 0], 1 - FALSE_SHARE))
    signs, steep = np.where(labels > 0, 1.0, -1.0), 1.0
    for _ in range(50):
        margins = signs * (odds - bound)
        pull = margins / (1 + np.exp(np.clip(steep * margins, -40, 40)))
        steep = min(3.0, max(0.2, steep + 0.5 * float(pull.mean())))
    return steep, bound


def weights_of(corpus: Corpus, steep: float, bound: float, start: np.ndarray) -> Weights:
    everything = np.ones(len(corpus.labels), bool)
    attack = learned(corpus, everything, start)
    owners, examples = corpus.examples(corpus.labels > 0)
    jailbreaks = corpus.jailbreaks[owners]
    kind = fitted(examples, jailbreaks, _importance(owners, jailbreaks), KIND_STRENGTH, ROUNDS_KIND)
    tables = [_steps(one[: len(corpus.known)], corpus.known) for one in (attack, kind)]
    return Weights(
        steps=(tables[0][0], tables[1][0]),
        cue=CUE,
        begins=(float(attack[-1]), float(kind[-1])),
        steep=steep,
        bound=bound,
        attack_cues=attack[len(corpus.known) : -1].astype(np.float32),
        kind_cues=kind[len(corpus.known) : -1].astype(np.float32),
        attack=tables[0][1],
        kind=tables[1][1],
    )


def _steps(weights: np.ndarray, known: np.ndarray) -> tuple[float, np.ndarray]:
    step = max(float(np.abs(weights).max()), 1e-6) / 127
    table = np.zeros(ROWS, np.int8)
    table[known] = np.rint(weights / step)
    return step, table
