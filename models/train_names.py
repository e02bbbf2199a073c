"""Trains the tagger of names and addresses on sentences of our own, and writes its weights (models/names.bin).

    python models/train_names.py models/names.bin [--data FOLDER]

`--data` only evaluates afterwards (tests/eval/names.py); nothing of it is trained on. The same bytes each time on one kind of
machine (NumPy's exponentials may differ in the last bit between processors). A linear-chain CRF, AdaGrad, two minutes on a core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path
from zlib import crc32

import numpy as np

FOLDER = Path(__file__).resolve().parent
sys.path[:0] = [str(FOLDER.parent), str(FOLDER)]

from name_sentences import AMBIGUOUS, CULTURES, Sentences  # noqa: E402

from appliance.guardrails.normal_text import normal  # noqa: E402
from appliance.guardrails.tagger import LABELS, Weights, best_path  # noqa: E402
from appliance.guardrails.word_features import KINDS, ROWS_BITS, Word, around, hashed, key_of, word  # noqa: E402
from appliance.guardrails.words import words_of  # noqa: E402

ROWS, COUNT, NEVER = 1 << ROWS_BITS, len(LABELS), -1e4
WORDS_MAX = 140
RATE, SHRINK, WEIGHT_MAX = 0.2, 2e-6, 4.0
Batch = tuple["np.ndarray", "np.ndarray"]  # rows: texts x words x features; labels: texts x words


def lexicon_of(sentences: Sentences) -> dict[int, int]:
    """What each known word is. Later lines win: a cue is a cue even where it is a name too."""
    known: dict[str, str] = {}
    first = {one.lower() for culture in [*CULTURES, "deva"] for one in sentences.lists[f"first.{culture}"]}
    last = {
        part.lower() for culture in [*CULTURES, "deva"] for one in sentences.lists[f"last.{culture}"] for part in one.split("_")
    }
    known.update(dict.fromkeys(sentences.common, "common"))
    for name in sorted(first | last):
        if name in AMBIGUOUS:
            known[name] = "commonfirst" if name in first else "commonlast"
        else:
            known[name] = "firstlast" if name in first and name in last else "first" if name in first else "last"
    for key in ("city", "city.indian", "city.deva", "country", "state", "state.indian", "state.deva"):
        for part in (part.lower() for one in sentences.lists[key] for part in one.split("_")):
            if len(part) > 2 and known.get(part) != "common":
                known[part] = "placename" if part in first or part in last else "place"
    for key, kind in (
        ("product", "product"),
        ("team", "product"),
        ("nationality", "nationality"),
        ("org", "org"),
        ("near", "near"),
    ):
        known.update(dict.fromkeys((one.lower() for one in sentences.lists[key] if "_" not in one), kind))
    for kind in ("unit", "street", "time", "particle", "namesuffix", "namecue", "addresscue", "title"):
        known.update(dict.fromkeys((one.lower() for one in sentences.lists[kind] if "_" not in one), kind))
    return {crc32(one.encode()): KINDS.index(kind) for one, kind in known.items()}


class Reader:
    """Texts to rows and labels."""

    def __init__(self, lexicon: dict[int, int]) -> None:
        self.lexicon = lexicon
        self.words: dict[str, tuple[Word, np.ndarray]] = {}
        self.width = 0

    def _word(self, shown: str) -> tuple[Word, np.ndarray]:
        key = key_of(shown)
        found = self.words.get(key)
        if found is None:
            one = word(key, self.lexicon)
            ends = np.cumsum([0, *map(len, one.hashes)])
            rows = hashed(np.array([item for of in one.hashes for item in of], np.uint32), 0)
            parts = [
                np.pad(rows[a:b], (0, size - (b - a)), constant_values=ROWS)
                for a, b, size in zip(ends, ends[1:], (13, 3, 3, 2, 2), strict=False)
            ]
            found = self.words[key] = one, np.concatenate(parts).astype(np.int32)
        return found

    def read(self, text: str, spans: list[tuple[int, int, str]]) -> Batch | None:
        plain = normal(text)
        words = words_of(plain.text)
        count = len(words.shown)
        if not 0 < count <= WORDS_MAX:
            return None
        seen = [self._word(one) for one in words.shown]
        klasses, cues = (np.array([getattr(one, name) for one, _ in seen], np.uint32) for name in ("klass", "cue"))
        cased = [one.cased for one, _ in seen]
        rows = np.full((count, 23 + 9), ROWS, np.int32)
        own = np.stack([of for _, of in seen])
        rows[:, :13] = own[:, :13]
        for offset, low, high in ((-1, 13, 16), (1, 16, 19), (-2, 19, 21), (2, 21, 23)):
            into, out = slice(max(0, -offset), count - max(0, offset)), slice(max(0, offset), count - max(0, -offset))
            if count > abs(offset):
                rows[into, low:high] = own[out, low:high]
        rows[:, 23:] = around(klasses, cues, cased.count(2) * 25 < cased.count(1)).T
        return rows, self._labels(plain, words, spans)

    def _labels(self, plain, words, spans) -> np.ndarray:  # type: ignore[no-untyped-def]
        labels = np.zeros(len(words.shown), np.int8)
        for start, end, kind in spans:
            inside = False
            for place in range(len(words.shown)):
                low, high = plain.original(*words.span(place, place))
                if low < end and high > start and not (words.shown[place].isspace() and not inside):
                    labels[place] = LABELS.index(f"{'I' if inside else 'B'}-{kind}")
                    inside = True
        return labels


def batches_of(read: list[Batch], size: int = 192) -> list[Batch]:
    by_length: dict[int, list[Batch]] = defaultdict(list)
    for rows, labels in read:
        by_length[len(labels)].append((rows, labels))
    found = []
    for length in sorted(by_length):
        same = by_length[length]
        for start in range(0, len(same), size):
            part = same[start : start + size]
            found.append((np.stack([one for one, _ in part]), np.stack([two for _, two in part])))
    return found


def allowed() -> tuple[np.ndarray, np.ndarray]:
    """Moves between labels and first labels: 0 or NEVER."""
    moves, first = np.zeros((COUNT, COUNT)), np.zeros(COUNT)
    for to, name in enumerate(LABELS):
        if name[0] == "I":
            first[to] = NEVER
            moves[[place for place, one in enumerate(LABELS) if one[2:] != name[2:]], to] = NEVER
    return moves, first


def expected(scores: np.ndarray, moves: np.ndarray, first: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Of a batch: how likely each label is at each word, and how often each move is made."""
    length = scores.shape[1]
    ahead, back = np.empty_like(scores), np.empty_like(scores)
    ahead[:, 0] = scores[:, 0] + first
    back[:, -1] = 0
    for place in range(1, length):
        ahead[:, place] = scores[:, place] + _summed(ahead[:, place - 1][:, :, None] + moves[None], 1)
    for place in range(length - 2, -1, -1):
        back[:, place] = _summed(moves[None] + (scores[:, place + 1] + back[:, place + 1])[:, None, :], 2)
    total = _summed(ahead[:, -1], 1)[:, None]
    single = np.exp(ahead + back - total[:, None])
    if length == 1:
        return single, np.zeros_like(moves)
    pairs = ahead[:, :-1, :, None] + moves + (scores[:, 1:] + back[:, 1:])[:, :, None, :] - total[:, None, :, None]
    return single, np.exp(pairs).sum(axis=(0, 1))


def _summed(values: np.ndarray, axis: int) -> np.ndarray:
    top = values.max(axis=axis, keepdims=True)
    return np.log(np.exp(values - top).sum(axis=axis)) + top.squeeze(axis)


class Training:
    def __init__(self) -> None:
        self.table = np.zeros((ROWS + 1, COUNT), np.float32)
        self.seen = np.full((ROWS + 1, 1), 1e-3, np.float32)
        self.moves, self.first = allowed()
        self.fixed = self.moves < 0, self.first < 0
        self.moves_seen, self.first_seen = np.full_like(self.moves, 1.0), np.full_like(self.first, 1.0)

    def step(self, batch: Batch) -> None:
        rows, labels = batch
        texts, width = len(rows), rows.shape[2]
        single, pairs = expected(self.table[rows].sum(axis=2).astype(np.float64), self.moves, self.first)
        gold = np.eye(COUNT)[labels]
        slope = (gold - single).reshape(-1, COUNT)
        unique, place = np.unique(rows.reshape(-1), return_inverse=True)
        sums = np.stack([np.bincount(place, np.repeat(slope[:, label], width), len(unique)) for label in range(COUNT)], axis=1)
        self.seen[unique] += (sums**2).mean(axis=1, keepdims=True).astype(np.float32)
        moved = RATE * sums / np.sqrt(self.seen[unique]) - SHRINK * self.table[unique] * np.sqrt(texts)
        self.table[unique] = np.clip(self.table[unique] + moved, -WEIGHT_MAX, WEIGHT_MAX)
        self.table[ROWS] = 0
        made = np.einsum("bti,btj->ij", gold[:, :-1], gold[:, 1:]) - pairs
        start = (gold[:, 0] - single[:, 0]).sum(axis=0)
        self.moves_seen += made**2
        self.first_seen += start**2
        self.moves += np.where(self.fixed[0], 0, RATE * made / np.sqrt(self.moves_seen))
        self.first += np.where(self.fixed[1], 0, RATE * start / np.sqrt(self.first_seen))

    def right(self, batches: list[Batch]) -> float:
        good = total = 0
        for rows, labels in batches:
            scores_of = self.table[rows].sum(axis=2)
            for scores, true in zip((scores_of[:, :, 1:] - scores_of[:, :, :1]).tolist(), labels.tolist(), strict=True):
                good += best_path(scores, self.first.tolist(), self.moves.tolist()) == true
                total += 1
        return good / max(total, 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("output", type=Path)
    parser.add_argument("--data", type=Path, help="a folder to evaluate on afterwards")
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    began, sentences = time.monotonic(), Sentences(20260)
    lexicon = lexicon_of(sentences)
    reader = Reader(lexicon)
    read = [one for one in (reader.read(*sentences.one()) for _ in range(given.texts)) if one is not None]
    apart, batches = batches_of(read[:1500]), batches_of(read[1500:])
    print(f"{len(read)} texts, {len(reader.words)} words, {len(lexicon)} known, {time.monotonic() - began:.0f} s", flush=True)
    training, order = Training(), np.random.RandomState(7)
    for number in range(given.rounds):
        for place in order.permutation(len(batches)):
            training.step(batches[place])
        share = training.right(apart)
        print(f"round {number + 1}: {share:.4f} of held-apart texts wholly right, {time.monotonic() - began:.0f} s", flush=True)
    table = training.table[:ROWS, 1:] - training.table[:ROWS, :1]
    scale = float(np.float32(np.abs(table).max() / 127))
    whole = np.rint(table / scale).astype(np.int8)
    weights = Weights(lexicon, training.moves.astype(np.float32), training.first.astype(np.float32), scale, whole)
    given.output.write_bytes(weights.packed())
    print(f"{given.output.name}: {given.output.stat().st_size} bytes")
    if given.data:
        subprocess.run([sys.executable, "-m", "tests.eval.names", str(given.data)], cwd=FOLDER.parent, check=True)


if __name__ == "__main__":
    main()
