"""The tagger's reading of words that come one by one: every word is decided as soon as the two behind it are there.

It says of a text what `Tagger.tags` says, save that whether a text has hardly any capitals is judged by what has come so far.
"""

from collections.abc import Sequence

from appliance.guardrails.tagger import DOUBT, Fact, Tag, Tagger
from appliance.guardrails.word_features import EDGE, around_one

_AHEAD = 2
_CUE_FAR = -(1 << 14)
_LOWER_MIN = 10  # words in small letters before a text is one of small letters
_BEHIND_MAX = 64  # words behind the ones to decide that are kept before they are let go of


class Following:
    """decided: how many words are. open: the first word of what is not finished: of a run that goes on, or `decided`."""

    def __init__(self, tagger: Tagger) -> None:
        self._tagger = tagger
        self._facts: list[Fact] = []  # of the words from `_first` on
        self._first = 0
        self._run: list[list[float]] = []
        self._cue_at, self._cue = _CUE_FAR, 0
        self._counted = 0
        self._cased = [0, 0, 0]
        self.decided = 0

    @property
    def open(self) -> int:
        return self.decided - len(self._run)

    def feed(self, shown: Sequence[str], *, is_last: bool = False) -> list[Tag]:
        """What is found now; places are counted from the first word of all."""
        if shown:
            self._facts += self._tagger.facts(shown)
        found: list[Tag] = []
        end = self._first + len(self._facts) - (0 if is_last else _AHEAD)
        while self.decided < end:
            scores = self._scores(self.decided - self._first)
            if scores is None:
                found += self._closed()
            else:
                self._run.append(scores)
            self.decided += 1
        if is_last:
            found += self._closed()
        behind = self.decided - _AHEAD - self._first
        if behind > _BEHIND_MAX:
            del self._facts[:behind]
            self._first += behind
        return found

    def _closed(self) -> list[Tag]:
        run, self._run = self._run, []
        return self._tagger.run(run, self.decided - len(run)) if run else []

    def _scores(self, place: int) -> list[float] | None:
        """Of one word, in this list; None: it is nothing."""
        facts, tagger = self._facts, self._tagger
        here = facts[place]
        before = facts[place - 1] if place else None
        before2 = facts[place - 2] if place > 1 else None
        after = facts[place + 1] if place + 1 < len(facts) else None
        after2 = facts[place + 2] if place + 2 < len(facts) else None
        total = list(here[0][0])
        for fact, at in ((before, 1), (after, 2), (before2, 3), (after2, 4)):
            if fact is not None:
                one, two, three, four = fact[0][at]
                total = [total[0] + one, total[1] + two, total[2] + three, total[3] + four]
        is_small, far = self._is_small(place), self.decided - self._cue_at
        cue = self._cue if far <= 12 else 0
        if here[2]:
            self._cue_at, self._cue = self.decided, here[2]
        if max(total) <= tagger.nothing:
            return None
        klasses = [EDGE if one is None else one[1] for one in (before2, before, here, after, after2)]
        rows = around_one(klasses, cue, cue * 3 + (far > 3) + (far > 6), small=is_small)
        scores = [one * tagger.weights.scale for one in tagger.added(total, rows)]
        return scores if max(scores) > DOUBT else None

    def _is_small(self, place: int) -> bool:
        """Judged by the words up to the second one behind, however many have come."""
        end = min(self._first + place + _AHEAD + 1, self._first + len(self._facts))
        while self._counted < end:
            self._cased[self._facts[self._counted - self._first][3]] += 1
            self._counted += 1
        _, lower, upper = self._cased
        return lower >= _LOWER_MIN and upper * 25 < lower
