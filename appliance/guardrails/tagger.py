"""A linear chain over the words of a text: which of them are a person's name, which an address.

The file (`models/names.bin`), little-endian: the eight bytes "GHNAMES1"; three uint32: words in the lexicon, rows, the size
of the rest; then, packed with zlib: the CRC-32 of each known word (uint32 each, rising), its place in KINDS (one byte each),
how much a weight's step is (float32), LABELS x LABELS moves between labels, then the first label's (float32 each), the
weights (int8, a row a feature: what it says for each label but O, less what it says for O). No code is in it, and none is run
to read it.
"""

import struct
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock
from typing import TypeVar

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.guardrails.word_features import OFFSETS, around, hashed, key_of, word
from appliance.guardrails.words import Words

LABELS = ("O", "B-PERSON", "I-PERSON", "B-ADDRESS", "I-ADDRESS")
TYPES = ("PERSON", "ADDRESS")
MAGIC = b"GHNAMES1"
_HEAD = struct.Struct("<8sIII")
_NAMED = len(LABELS) - 1
_ROW = struct.Struct(f"{_NAMED}b")
_KNOWN_MAX = 30_000  # words that are remembered; then it begins anew
_FACTS_MAX = 5_000  # of which, the ones whose facts lie ready one by one
_BLOCK = 16_384  # words that are judged at once
_PERHAPS = -7.0  # a word that says less by itself for being anything is nothing, whatever stands around
_NOTHING = -50.0
_ZERO = np.zeros(1, np.intp)
DOUBT = -2.0  # words less likely than this are in no name
_SEED, _WHOLE = -0.2, 0.9  # nor is a name where what speaks for its words comes to nothing

Floats = NDArray[np.float32]
Numbers = NDArray[np.int32]
Scores = NDArray[np.float64]
Kind = TypeVar("Kind", Numbers, Scores)


class Weights(msgspec.Struct, frozen=True):
    lexicon: dict[int, int]
    moves: Floats
    first: Floats
    scale: float
    table: NDArray[np.int8]

    def packed(self) -> bytes:
        known = sorted(self.lexicon)
        body = b"".join(
            (
                np.array(known, "<u4").tobytes(),
                bytes(self.lexicon[one] for one in known),
                np.array([self.scale], "<f4").tobytes(),
                self.moves.astype("<f4").tobytes(),
                self.first.astype("<f4").tobytes(),
                self.table.tobytes(),
            )
        )
        small = zlib.compress(body, 9)
        return _HEAD.pack(MAGIC, len(known), len(self.table), len(small)) + small


def weights_in(file: Path) -> Weights:
    """Errors: ValueError where it isn't such a file."""
    content = file.read_bytes()
    magic, known, rows, size = _HEAD.unpack_from(content)
    if magic != MAGIC or len(content) != _HEAD.size + size:
        raise ValueError(f"{file.name} is not a file of the tagger's weights")
    body, count = zlib.decompress(content[_HEAD.size :]), len(LABELS)
    words = np.frombuffer(body, "<u4", known)
    numbers = np.frombuffer(body, "<f4", 1 + count * count + count, known * 5)
    table = np.frombuffer(body, np.int8, rows * _NAMED, known * 5 + numbers.nbytes).reshape(rows, _NAMED)
    return Weights(
        dict(zip(words.tolist(), body[known * 4 : known * 5], strict=True)),
        numbers[1 : 1 + count * count].reshape(count, count).astype(np.float32),
        numbers[1 + count * count :].astype(np.float32),
        float(numbers[0]),
        table,
    )


def _most(scores: Kind) -> Kind:
    """The highest of each row; much quicker than `max(axis=1)` over four."""
    high: Kind = np.maximum(np.maximum(scores[:, 0], scores[:, 1]), np.maximum(scores[:, 2], scores[:, 3]))
    return high


class Tag(msgspec.Struct, frozen=True):
    """first, last: words, both included. odds: how much likelier than nothing, as a logarithm."""

    type: str
    first: int
    last: int
    odds: float


Fact = tuple[list[list[int]], int, int, int]  # of a word: what it adds at each of OFFSETS, its class, cue and case


class _Known:
    """Words that were seen: their numbers, and what each adds at every offset. Swapped whole when full, so readers never wait."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.numbers: dict[str, int] = {}
        self.keys: dict[str, int] = {}
        self.facts: dict[str, Fact] = {}
        self.sums = np.zeros((1024, len(OFFSETS), _NAMED), np.int32)  # in steps of the weights' scale
        self.about = np.zeros((1024, 3), np.uint32)

    def add(self, shown: Iterable[str]) -> None:
        """Numbers are told last: another thread may read while this one learns."""
        keys = {one: key_of(one) for one in shown}
        fresh = {
            key: len(self.keys) + place for place, key in enumerate(dict.fromkeys(k for k in keys.values() if k not in self.keys))
        }
        if fresh:
            self._learn(list(fresh), len(self.keys))
            self.keys |= fresh
        self.numbers.update((one, self.keys[key]) for one, key in keys.items())

    def _learn(self, keys: list[str], start: int) -> None:
        stop = start + len(keys)
        while stop > len(self.sums):
            self.sums = np.concatenate([self.sums, np.zeros_like(self.sums)])
            self.about = np.concatenate([self.about, np.zeros_like(self.about)])
        seen = [word(key, self.weights.lexicon) for key in keys]
        rows = hashed(np.array([item for one in seen for of in one.hashes for item in of], np.uint32), 0)
        ends = np.cumsum([0, *(len(of) for one in seen for of in one.hashes)])[:-1]
        sums = np.add.reduceat(self.weights.table[rows], ends, axis=0, dtype=np.int32)
        self.sums[start:stop] = sums.reshape(len(keys), len(OFFSETS), _NAMED)
        self.about[start:stop] = [(one.klass, one.cue, one.cased) for one in seen]


class Tagger:
    """Used by any number of threads at once."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self._known = _Known(weights)
        self._lock = Lock()
        self._first: list[float] = weights.first.tolist()
        self._moves: list[list[float]] = weights.moves.tolist()
        moves = weights.moves
        before = np.maximum(weights.first, moves[0]) - min(weights.first[0], moves[0, 0])
        self._alone = float(-max(before[label] + moves[label, 0] - moves[0, 0] for label in (1, 3)))  # what one word needs
        self.packed = np.ascontiguousarray(weights.table).view(np.int32).ravel()  # a row is one number: quicker to fetch
        self._rows = weights.table.tobytes()
        self.nothing = int(_PERHAPS / weights.scale)  # in steps

    def tags(self, words: Words) -> list[Tag]:
        found = list[Tag]()
        if not words.shown:
            return found
        known, numbers = self._numbers(words.shown)
        for start in range(0, len(numbers), _BLOCK):
            found += self._block(known, numbers[start : start + _BLOCK], start)
        return found

    def _numbers(self, shown: Sequence[str]) -> tuple[_Known, NDArray[np.intp]]:
        known = self._known
        numbers = list(map(known.numbers.get, shown))
        if None in numbers:
            with self._lock:
                known = self._known
                if len(known.numbers) > _KNOWN_MAX:
                    known = self._known = _Known(self.weights)
                known.add({one: None for one in shown if one not in known.numbers})
                numbers = list(map(known.numbers.get, shown))
        return known, np.array(numbers, np.intp)

    def facts(self, shown: Sequence[str]) -> list[Fact]:
        """Of words one by one, for those that come so (`following.py`)."""
        known = self._known
        try:
            return [known.facts[one] for one in shown]
        except KeyError:
            known, numbers = self._numbers(shown)
        if len(known.facts) > _FACTS_MAX:
            known.facts = {}
        facts = [(sums, *about) for sums, about in zip(known.sums[numbers].tolist(), known.about[numbers].tolist(), strict=True)]
        known.facts.update(zip(shown, facts, strict=True))
        return facts

    def added(self, total: Sequence[int], rows: Sequence[int]) -> list[int]:
        """To what is said for each label, what these rows of the table say."""
        person, more_person, address, more_address = total
        for row in rows:
            one, two, three, four = _ROW.unpack_from(self._rows, row * _NAMED)
            person += one
            more_person += two
            address += three
            more_address += four
        return [person, more_person, address, more_address]

    def _block(self, known: _Known, numbers: NDArray[np.intp], start: int) -> list[Tag]:
        sums = known.sums.take(numbers, axis=0)
        alone = sums[:, 0].copy()
        for place, offset in enumerate(OFFSETS[1:], 1):
            if offset < 0:
                alone[-offset:] += sums[:offset, place]
            else:
                alone[:-offset] += sums[offset:, place]
        is_nothing = _most(alone) <= self.nothing
        if is_nothing.all():
            return []
        about = known.about.take(numbers, axis=0)
        cased = np.bincount(about[:, 2], minlength=3)
        rows = around(about[:, 0], about[:, 1], bool(cased[2] * 25 < cased[1]))
        together = self.packed.take(rows).view(np.int8).reshape(*rows.shape, _NAMED)
        alone += np.add.reduce(together, axis=0, dtype=np.int16)
        scores: Scores = alone.astype(np.float64) * self.weights.scale
        scores[is_nothing] = _NOTHING
        return self._runs(scores, start)

    def _runs(self, scores: Scores, start: int) -> list[Tag]:
        """Looks closely only at runs of words of which some label might beat none."""
        best = _most(scores)
        places = np.flatnonzero(best > DOUBT)
        found: list[Tag] = []
        if not len(places):
            return found
        best, scores = best[places], scores[places]
        heads = np.flatnonzero(places[1:] - places[:-1] > 1) + 1
        heads = np.concatenate((_ZERO, heads))
        stops = np.append(heads[1:], len(places))
        begins = np.maximum(scores[heads, 0], scores[heads, 2])
        whole = np.add.reduceat(np.maximum(best - _SEED, 0), heads)
        asked = np.where(stops - heads == 1, begins > self._alone, whole > _WHOLE)
        for first, stop in zip(heads[asked].tolist(), stops[asked].tolist(), strict=True):
            found += self._run(scores[first:stop].tolist(), start + int(places[first]))
        return found

    def run(self, scores: list[list[float]], start: int) -> list[Tag]:
        """What a run of words says, of which `start` is the first: the same as `tags` would say of it."""
        if len(scores) == 1:
            is_asked = max(scores[0][0], scores[0][2]) > self._alone
        else:
            is_asked = sum(max(max(one) - _SEED, 0) for one in scores) > _WHOLE
        return self._run(scores, start) if is_asked else []

    def _run(self, scores: list[list[float]], start: int) -> list[Tag]:
        path = best_path(scores, self._moves[0] if start else self._first, self._moves)
        found, place, count = list[Tag](), 0, len(path)
        while place < count:
            label = path[place]
            if label == 0:
                place += 1
                continue
            end = place + 1
            while end < count and path[end] and path[end] % 2 == 0:
                end += 1
            found.append(Tag(TYPES[(label - 1) // 2], start + place, start + end - 1, self._odds(scores, path, place, end)))
            place = end
        return found

    def _odds(self, scores: list[list[float]], path: list[int], first: int, last: int) -> float:
        """Of this span against no span there, all else being equal."""
        moves = self._moves
        before = path[first - 1] if first else 0
        after = path[last] if last < len(path) else 0
        with_it = moves[path[last - 1]][after]
        without = moves[0][after]
        for place in range(first, last):
            with_it += scores[place][path[place] - 1] + moves[before][path[place]]
            without += moves[0 if place > first else before][0]
            before = path[place]
        return with_it - without


def best_path(scores: list[list[float]], first: list[float], moves: list[list[float]]) -> list[int]:
    """Viterbi's, over what speaks for each label but O. An I follows only its own B or I: so say the moves."""
    o, bp, ip, ba, ia = (one + two for one, two in zip((0.0, *scores[0]), first, strict=True))
    (oo, obp, _, oba, _), (po, pp, pi, pa, _), (qo, qp, qi, qa, _), (ao, ap, _, aa, ai), (xo, xp, _, xa, xi) = moves
    back: list[tuple[int, int, int, int, int]] = []
    for sbp, sip, sba, sia in scores[1:]:
        a0, a1, a2, a3, a4 = o + oo, bp + po, ip + qo, ba + ao, ia + xo
        top = max(a0, a1, a2, a3, a4)
        from_o = 0 if top == a0 else 1 if top == a1 else 2 if top == a2 else 3 if top == a3 else 4
        b0, b1, b2, b3, b4 = o + obp, bp + pp, ip + qp, ba + ap, ia + xp
        top_bp = max(b0, b1, b2, b3, b4)
        from_bp = 0 if top_bp == b0 else 1 if top_bp == b1 else 2 if top_bp == b2 else 3 if top_bp == b3 else 4
        c0, c1, c2, c3, c4 = o + oba, bp + pa, ip + qa, ba + aa, ia + xa
        top_ba = max(c0, c1, c2, c3, c4)
        from_ba = 0 if top_ba == c0 else 1 if top_ba == c1 else 2 if top_ba == c2 else 3 if top_ba == c3 else 4
        d1, d2, e3, e4 = bp + pi, ip + qi, ba + ai, ia + xi
        back.append((from_o, from_bp, 1 if d1 >= d2 else 2, from_ba, 3 if e3 >= e4 else 4))
        o, bp, ip, ba, ia = top, top_bp + sbp, max(d1, d2) + sip, top_ba + sba, max(e3, e4) + sia
    ends = [o + oo, bp + po, ip + qo, ba + ao, ia + xo]
    label = ends.index(max(ends))
    path = [label]
    for step in reversed(back):
        label = step[label]
        path.append(label)
    return path[::-1]
