"""A text as detectors read it, and the way back to where it stands in the original.

Normalised: compatibility forms (NFKC), digits of every script as 0 to 9, nothing that can't be seen, letters that only look Latin
inside Latin words as the Latin ones. Beside it the same text flat: one byte a character, for RE2 in Latin-1, so that every
offset is the same in both.
"""

import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import msgspec

LETTER = 0xE9  # what stands in `flat` for every letter or mark outside ASCII
OTHER = 0xB7  # and for everything else outside it
TAGS = range(0xE0020, 0xE007F)  # Unicode's invisible copies of ASCII


class NormalText(msgspec.Struct, frozen=True):
    """starts, ends: of each character, where it stands in the original; None: they are the same."""

    text: str
    flat: bytes
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of it stands in the text that was given."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            place = self.starts[start] if start < len(self.starts) else self.ends[-1] if self.ends else 0
            return place, place
        return self.starts[start], self.ends[end - 1]


def normal(text: str) -> NormalText:
    if text.isascii():
        return NormalText(text, text.encode("ascii"))
    characters: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for place, character in enumerate(text):
        for one in character if character.isascii() else _plain(character):
            characters.append(one)
            starts.append(place)
            ends.append(place + 1)
    plain = "".join(characters)
    return NormalText(plain, flat_of(plain), starts, ends)


def flat_of(text: str) -> bytes:
    """One byte a character."""
    if text.isascii():
        return text.encode("ascii")
    return bytes(ord(one) if one.isascii() else _class(one) for one in text)


@lru_cache(maxsize=16_384)
def _class(character: str) -> int:
    return LETTER if unicodedata.category(character)[0] in "LM" else OTHER


@lru_cache(maxsize=16_384)
def _plain(character: str) -> str:
    """What a character outside ASCII is read as; empty: nothing."""
    if ord(character) in TAGS:
        return chr(ord(character) - 0xE0000)
    if unicodedata.category(character) in ("Cf", "Mn") and unicodedata.combining(character) == 0 and not character.isalpha():
        return "" if unicodedata.category(character) == "Cf" or 0xFE00 <= ord(character) <= 0xFE0F else character
    if unicodedata.category(character) == "Nd":
        return str(unicodedata.decimal(character))
    return unicodedata.normalize("NFKC", character)
