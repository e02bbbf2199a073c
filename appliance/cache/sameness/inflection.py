"""Inflection where it can't change what is asked: agreement in indirect questions, kinds of things, verbs after `way of`."""

from appliance.cache.sameness.listed import listed

_VOWELS = frozenset("aeiou")
_MASS = frozenset(listed("news series species means goods clothes earnings savings"))


def is_third_person(one: str, other: str) -> bool:
    """`cost` and `costs`: the verb that `does` leaves behind."""
    return other in _with_s(one) or one in _with_s(other)


def is_generic_plural(one: str, other: str) -> bool:
    """`a decorator` and `decorators` where a kind of thing is asked about."""
    singular, plural = (one, other) if len(one) < len(other) else (other, one)
    return plural in _with_s(singular) and plural not in _MASS and len(singular) >= 3 and singular.isalpha()


def is_gerund_of(one: str, other: str) -> bool:
    """`booking` and `book` where both follow a way of doing."""
    gerund, base = (one, other) if one.endswith("ing") else (other, one)
    if not gerund.endswith("ing"):
        return False
    stem = gerund[:-3]
    return base in {stem, stem + "e"} or (len(stem) > 3 and stem[-1] == stem[-2] and base == stem[:-1])


def _with_s(word: str) -> set[str]:
    if word.endswith("y") and len(word) > 2 and word[-2] not in _VOWELS:
        return {word[:-1] + "ies"}
    if word.endswith(("s", "x", "z", "ch", "sh", "o")):
        return {word + "es", word + "s"} if word.endswith("o") else {word + "es"}
    return {word + "s"}
