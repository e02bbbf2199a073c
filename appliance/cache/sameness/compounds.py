"""Compounds that are written apart, with a hyphen, or as one word."""

from appliance.cache.sameness.listed import listed

# Together they are another word than apart.
_APART = frozenset(
    listed(
        "everyday maybe already altogether anyone everyone someone sometime sometimes apart into onto anyway away along "
        "alone aside nowhere notable resign recover reform recreate represent resent restore remark release relay "
        "repair review return report itself nobody nothing anybody another cannot therefore without within become about "
        "below beside between inside outside upon however whatever whoever forever before infirm inform input instead "
        "income indeed undo under understand unite update upgrade upset offset outlook overtake overlook oversee carpet "
        "target season together today tonight asleep alike alive ahead aboard around across again against among amount "
        "apply arise arrest assign attend attract await aware incase noone onetime manage cohort coop corral prefix "
        "island insure intend invest intent notice nothing noted thereto asset sofar insight offend perform forgive "
        "forget format former"
    )
)
_PREFIXES = frozenset(
    listed("re un non in de dis co pre post anti sub super inter intra over under mis not no a an the to of is or if by be")
)


def is_compound(apart: tuple[str, ...], together: tuple[str, ...]) -> bool:
    """Whether two words written apart are one word of the other text, and mean the same so (`time sheet`, `timesheet`)."""
    if len(apart) != 2 or len(together) != 1:
        return False
    first, second = apart
    joined = together[0]
    if first + second != joined or not joined.isalpha() or not joined.isascii():
        return False
    return len(first) >= 2 and len(second) >= 2 and first not in _PREFIXES and joined not in _APART
