"""Whether a word is a misspelling of the word that stands in its place in the other text."""

from typing import Final

from appliance.cache.sameness.listed import listed
from appliance.cache.sameness.vocabulary import common_words, known_words, names

_LENGTH_MIN: Final = 5
_SUBSTITUTED_LENGTH_MIN: Final = 7
_AFFIXES = frozenset(
    listed(
        "s es ed d n r er ers or ly y ing al ic able ible less ful ness ment un in im ir il non dis de re pre mis a i "
        "e_ ee ist ism th st"
    )
)


def is_misspelling(left: str, right: str) -> bool:
    """True when one of two different lowercase words isn't a word, and one slip of the hand turns the other into it.

    Two words, two names, and a word beside its own inflection or its opposite (`billable`, `nonbillable`) are never one.
    """
    known = known_words()
    if (left in known) == (right in known):
        return False
    meant, slip = (left, right) if left in known else (right, left)
    if meant not in common_words() or slip in names() or not (meant.isascii() and slip.isascii() and slip.isalpha()):
        return False
    if meant[0] != slip[0] or min(len(meant), len(slip)) < _LENGTH_MIN - 1 or len(meant) < _LENGTH_MIN:
        return False
    return _is_one_slip(meant, slip) and not _is_affixed(meant, slip)


def _is_one_slip(meant: str, slip: str) -> bool:
    """One letter left out, added, or changed for another (in long words), or two neighbours exchanged."""
    start = 0
    while start < min(len(meant), len(slip)) and meant[start] == slip[start]:
        start += 1
    if len(meant) == len(slip):
        exchanged = meant[start : start + 2] == slip[start : start + 2][::-1] and meant[start + 2 :] == slip[start + 2 :]
        return exchanged or (len(meant) >= _SUBSTITUTED_LENGTH_MIN and meant[start + 1 :] == slip[start + 1 :])
    longer, shorter = (meant, slip) if len(meant) > len(slip) else (slip, meant)
    return len(longer) == len(shorter) + 1 and longer[start + 1 :] == shorter[start:]


def _is_affixed(meant: str, slip: str) -> bool:
    longer, shorter = (meant, slip) if len(meant) > len(slip) else (slip, meant)
    if longer.startswith(shorter):
        return longer[len(shorter) :] in _AFFIXES
    return longer.endswith(shorter) and longer[: len(longer) - len(shorter)] in _AFFIXES
