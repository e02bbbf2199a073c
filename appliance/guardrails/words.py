"""The words of a text and where they stand, as the tagger of names and addresses reads them.

A word keeps the one space before it (" John", "John"): whether there is one says much, and nothing else needs looking up. Line
ends take the blanks around them along; wider gaps are words of their own, for they part columns. Every character is in one word.
"""

import re
from itertools import accumulate

import msgspec

# Letters and the marks that stand on them, of every script: not ASCII's others, Latin-1's signs, punctuation, symbols.
_LETTER = (
    "A-Za-z\xaa\xb5\xba\xc0-\xd6\xd8-\xf6\xf8-\u0963\u0970-\u1fff\u2c00-\u2dff\u3040-\ud7ff\uf900-\ufeff\U00010000-\U0001efff"
)
_LOWER = "a-z"
_UPPER = "A-Z\xc0-\xd6\xd8-\xde"
_PATTERN = re.compile(
    rf" ?[A-Za-z]+(?![{_LETTER}0-9'’])"  # most words; the rest says it for all
    rf"|[ \t]*(?:\n|(?:\\{{1,8}}[nrt])+(?![{_LOWER}]))\s*"  # in JSON a line end is written with a backslash
    rf"|[^\S\n]?(?:"
    rf"[{_LETTER}]+(?:['’][{_UPPER}][{_LETTER}]+)?(?![0-9])"  # O'Brien, D'Souza; not the possessive
    rf"|[{_LETTER}0-9]*[0-9][{_LETTER}0-9]*"
    rf"|['’](?:s|m|re|ll|ve|d|t)(?![{_LETTER}0-9])"
    rf"|\S)"
    rf"|[^\S\n]+"
)


class Words(msgspec.Struct, frozen=True):
    """shown: the words, with the space before them. ends: where each one ends; the next begins there."""

    shown: list[str]
    ends: list[int]

    def span(self, first: int, last: int) -> tuple[int, int]:
        """Where the words `first` to `last` (included) stand, without the space before the first."""
        start = self.ends[first - 1] if first else 0
        return start + (self.shown[first][:1].isspace() and len(self.shown[first]) > 1), self.ends[last]


def words_of(text: str) -> Words:
    shown = _PATTERN.findall(text)
    return Words(shown, list(accumulate(map(len, shown))))
