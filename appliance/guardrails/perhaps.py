"""Which of many expressions may match a text, in a few microseconds a kilobyte.

Most need certain letters (`ghp_`, `password`): one automaton of those alone tells whether they are there. The others stand in
small sets, their repeats uncounted. One set of all would be quicker on prose; but on letters drawn by chance, which is what
secrets are, its automaton grows with every character: five milliseconds a kilobyte.
"""

from collections.abc import Sequence
from typing import Any

import re2

from appliance.guardrails.partial import uncounted
from appliance.guardrails.pattern import options

_TOGETHER = 6
# Letters outside ASCII, as `NormalText.flat` has them, for the automaton of letters: it reads UTF-8.
_STAND_INS = bytes.maketrans(b"\xe9\xb7", b"\x01\x02")


class Perhaps:
    """`regexes`: of Latin-1, which RE2 takes."""

    def __init__(self, regexes: Sequence[str]) -> None:
        self._letters = re2.Filter()
        for regex in regexes:
            self._letters.Add(_stood_in(regex), options())
        if regexes:
            self._letters.Compile()
        self._alone = tuple(self._letters.Match(b"", True) or ()) if regexes else ()
        self._has_letters = len(self._alone) < len(regexes)
        self._sets: list[tuple[Any, tuple[int, ...]]] = []
        for start in range(0, len(self._alone), _TOGETHER):
            numbers = self._alone[start : start + _TOGETHER]
            some = re2.Set.SearchSet(options())
            for number in numbers:
                some.Add(uncounted(regexes[number]).encode("latin-1"))
            some.Compile()
            self._sets.append((some._set.Match, numbers))  # the wrapper around it takes longer than a short text

    def matching(self, flat: bytes) -> list[int]:
        """Their numbers, rising."""
        found = [numbers[place] for match, numbers in self._sets for place in match(flat) or ()]
        if self._has_letters:
            data = flat if flat.isascii() else flat.translate(_STAND_INS)
            found += set(self._letters.Match(data, True) or ()).difference(self._alone)
        return sorted(found)


def _stood_in(regex: str) -> bytes:
    return regex.replace(r"\xe9", r"\x01").replace(r"\xb7", r"\x02").encode("latin-1").translate(_STAND_INS)
