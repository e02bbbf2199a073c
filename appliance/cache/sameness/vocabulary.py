"""Which words English has: a misspelling is a word that isn't one.

The lists come with zxcvbn, which the password rules use anyway: 30,000 words of Wikipedia, 19,000 of film subtitles, names, and
common passwords, which hold the words that the others lack (zxcvbn keeps a word in one list only). vocabulary.txt adds words of
offices and of programming.
"""

from functools import cache

from appliance.cache.sameness.listed import lines


@cache
def known_words() -> frozenset[str]:
    """Words that are never taken for misspellings."""
    lists = _lists()
    return frozenset((*(word for listed in lists.values() for word in listed), *_own()))


@cache
def common_words() -> frozenset[str]:
    """Words that a misspelling may be meant for: frequent ones that aren't names."""
    lists = _lists()
    frequent = {word for name in ("english_wikipedia", "us_tv_and_film", "passwords") for word in lists[name]} | {*_own()}
    return frozenset(frequent - {*lists["surnames"], *lists["female_names"], *lists["male_names"]})


@cache
def names() -> frozenset[str]:
    lists = _lists()
    return frozenset((*lists["surnames"], *lists["female_names"], *lists["male_names"]))


def _lists() -> dict[str, list[str]]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # type: ignore[import-untyped]  # it carries no types; a second to load

    lists: dict[str, list[str]] = FREQUENCY_LISTS
    return lists


def _own() -> list[str]:
    return [word for line in lines("vocabulary.txt") for word in line.split()]
