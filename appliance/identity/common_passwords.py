"""Passwords that are tried first by whoever guesses: the 30,000 most common ones, from zxcvbn's list on disk."""

import functools
import unicodedata


@functools.cache
def common_passwords() -> frozenset[str]:
    """Some 50 ms the first time."""
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]

    return frozenset(folded(word) for word in FREQUENCY_LISTS["passwords"])


def folded(text: str) -> str:
    """Two spellings of one word are one."""
    return unicodedata.normalize("NFKC", text).casefold()
