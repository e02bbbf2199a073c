"""How much a value looks drawn by chance, and how little like something that people write."""

import re
from math import log2

_CLASSES = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[^A-Za-z0-9]+")
_WORDS = re.compile(r"[A-Za-z][a-z]{2,}|[A-Z]{3,}")
_UNUSUAL = re.compile(r"[^aeiouy]{4}", re.IGNORECASE)
_DIGIT = re.compile("[0-9]")
_VOWEL = re.compile(r"[aeiouy]", re.IGNORECASE)
_COUNTS = 64
_TIMES_LOG2 = [0.0, *(count * log2(count) for count in range(1, _COUNTS))]
CHANGES_MIN = 0.2  # random letters and digits change every second character, `getUserAccessTokenV2` one in six


def bits(value: str) -> float:
    """Shannon's, a character."""
    length = len(value)
    if not length:
        return 0.0
    total = 0.0
    for one in set(value):
        count = value.count(one)
        total += _TIMES_LOG2[count] if count < _COUNTS else count * log2(count)
    return log2(length) - total / length


def changes(value: str) -> float:
    """How often small letters, capitals, digits and signs take turns, a character."""
    return (len(_CLASSES.findall(value)) - 1) / len(value) if value else 0.0


def classes(value: str) -> int:
    """Of small letters, capitals and digits: how many there are."""
    return (value.upper() != value) + (value.lower() != value) + (_DIGIT.search(value) is not None)


def is_random(value: str, length_min: int = 16) -> bool:
    """It is long, mixed, and not made of words: a machine drew it."""
    if len(value) < length_min or classes(value) < 2:
        return False
    if _DIGIT.search(value) is None and words_part(value) >= 0.35:
        return False
    least = min(3.0, 0.75 * log2(len(value)))
    return bits(value) >= least and (changes(value) >= CHANGES_MIN or words_part(value) < 0.5)


def words_part(value: str) -> float:
    """Which part of it could be read aloud: runs of letters with vowels where words have them."""
    read = sum(len(one) for one in _WORDS.findall(value) if _VOWEL.search(one) and not _UNUSUAL.search(one))
    return read / len(value) if value else 0.0
