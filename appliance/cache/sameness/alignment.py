"""Two sentences word by word: every difference is explained by a rule, or it is the reason for a miss.

One walk from left to right, no search: at a difference the rules are asked in a fixed order, and what no rule explains ends the
walk. An embedded question against a direct one is walked once for each place where its auxiliary may have stood.
"""

import re
from dataclasses import dataclass, field
from typing import Final

from appliance.cache.sameness.canonical import Canonical
from appliance.cache.sameness.compounds import is_compound
from appliance.cache.sameness.frames import ACTIONS, Sentence
from appliance.cache.sameness.inflection import is_generic_plural, is_gerund_of, is_third_person
from appliance.cache.sameness.listed import listed
from appliance.cache.sameness.typos import is_misspelling
from appliance.cache.sameness.words import QUOTED, VERBATIM

_ARTICLES = frozenset(("a", "an", "the"))
_SAYING = frozenset(
    listed(
        "say says said explain explains think thinks know knows tell tells show shows ensure mean means mention "
        "mentions believe hope confirm confirms suggest suggests note state states"
    )
)
_AUXILIARIES = frozenset(listed("is are was were can could will would should may must has have had am do does did"))
# What belongs to whoever asks how to do something with it, said or not.
_OWN = frozenset(
    listed(
        "password account profile email laptop payslip salary_slip leave timesheet phone inbox signature username calendar resume"
    )
)
_SUBJECTS = frozenset(listed("i we you he she they it this my our your his her their there"))
_COMMA_BEFORE = frozenset(
    listed("and or but so then because if when while please with without which_ including e.g. for_example")
)
_CLAUSES = frozenset(("who", "what", "when", "where", "how", "why", "is", "does", "do", "can", "should", "i", *ACTIONS))
_AUXILIARY_PLACES_MAX: Final = 6
_SHARED_MIN: Final = 2
_SHOWN_CHARACTERS_MAX: Final = 80


@dataclass(slots=True)
class Walk:
    """What one walk may use, and why it ended."""

    exact: bool
    names: frozenset[str]
    third_person: bool = False
    generic: bool = False
    rules: list[str] = field(default_factory=list)
    reason: str = ""


def sentences_differ(left: Canonical, right: Canonical, *, exact: bool) -> tuple[str, tuple[str, ...]]:
    """("", rules used) when all is explained; (the reason, ()) otherwise.

    Shapes:  `exact`: only the canonical form counts (strict); no misspelling, article or compound is explained.
    """
    if len(left.sentences) != len(right.sentences):
        return _counted(left, right), ()
    literal = left.literal or right.literal
    rules: list[str] = []
    for one, other in zip(left.sentences, right.sentences, strict=True):
        walk = Walk(exact or literal or left.language != "english", left.names | right.names)
        if not _same_sentence(one, other, walk):
            return walk.reason, ()
        rules += walk.rules
    return "", tuple(dict.fromkeys(rules))


def _counted(left: Canonical, right: Canonical) -> str:
    longer = left if len(left.sentences) > len(right.sentences) else right
    shorter = {sentence.words for sentence in (right if longer is left else left).sentences}
    extra = next((sentence for sentence in longer.sentences if sentence.words not in shorter), longer.sentences[-1])
    return f"the sentence '{_shown(extra.words)}' stands in only one"


def _same_sentence(left: Sentence, right: Sentence, walk: Walk) -> bool:
    if _explained(left.words, right.words, walk):
        return True
    if left.embedded == right.embedded or walk.names is None:
        return False
    embedded, direct = (left.words, right.words) if left.embedded else (right.words, left.words)
    reason = walk.reason
    for one, other, third_person in _moved(embedded, direct):
        trial = Walk(walk.exact, walk.names, third_person)
        if _explained(one, other, trial):
            walk.rules += ["an indirect question", *trial.rules]
            return True
    walk.reason = reason
    return False


def _moved(embedded: tuple[str, ...], direct: tuple[str, ...]) -> list[tuple[tuple[str, ...], tuple[str, ...], bool]]:
    """(embedded, direct, does stood there) with the auxiliary of the direct question taken out of both."""
    if embedded[:1] == ("@if",):
        embedded = embedded[1:]
    place = next((index for index, word in enumerate(direct[:6]) if word in _AUXILIARIES), None)
    if place is None:
        return []
    auxiliary, rest = direct[place], direct[:place] + direct[place + 1 :]
    if auxiliary in {"do", "does"}:
        return [(embedded, rest, auxiliary == "does")]
    places = [index for index, word in enumerate(embedded) if word == auxiliary and index != place]
    return [(embedded[:index] + embedded[index + 1 :], rest, False) for index in places[:_AUXILIARY_PLACES_MAX]]


def _explained(left: tuple[str, ...], right: tuple[str, ...], walk: Walk) -> bool:
    walk.rules.clear()
    walk.generic = False
    i = j = 0
    while i < len(left) or j < len(right):
        one, other = left[i : i + 1], right[j : j + 1]
        if one == other:
            i, j = i + 1, j + 1
            continue
        step = _comma(left, right, i, j, walk) or _one_word(left, right, i, j, walk) or _several_words(left, right, i, j, walk)
        if step is None:
            walk.reason = _why(left, right, i, j)
            return False
        i, j = i + step[0], j + step[1]
    return True


def _comma(left: tuple[str, ...], right: tuple[str, ...], i: int, j: int, walk: Walk) -> tuple[int, int] | None:
    """A comma in only one: harmless before a conjunction or in a text without any grouping that it could change."""
    for words, at, other, there, step in ((left, i, right, j, (1, 0)), (right, j, left, i, (0, 1))):
        if words[at : at + 1] == (",",):
            following = words[at + 1 : at + 2]
            if following and following == other[there : there + 1] and _is_harmless_comma(words, at, following[0]):
                walk.rules.append("a comma")
                return step
    return None


def _is_harmless_comma(words: tuple[str, ...], at: int, following: str) -> bool:
    joined = [word for word in words if word in {"and", "or", "but"}]
    if following in {"and", "or"}:
        return (len(joined) == 1 and "," in words[:at]) or _clause_follows(words, at)
    return following in _COMMA_BEFORE and not joined


def _clause_follows(words: tuple[str, ...], at: int) -> bool:
    """`…, and who should I contact`: a whole question or clause comes, so nothing is grouped anew."""
    following = words[at + 2 : at + 3]
    return bool(following) and (following[0] in _CLAUSES)


def _one_word(left: tuple[str, ...], right: tuple[str, ...], i: int, j: int, walk: Walk) -> tuple[int, int] | None:
    if i >= len(left) or j >= len(right):
        return None
    one, other = left[i], right[j]
    if one[0] == "~" or other[0] == "~":
        return (1, 1) if is_gerund_of(one.lstrip("~"), other.lstrip("~")) or one.lstrip("~") == other.lstrip("~") else None
    if {one[0], other[0]} & {VERBATIM, QUOTED, "@"}:
        return (
            (1, 1) if one.lstrip(QUOTED).lower() == other.lstrip(QUOTED).lower() and VERBATIM not in one[0] + other[0] else None
        )
    if walk.third_person and is_third_person(one, other):
        walk.third_person = False
        return 1, 1
    if walk.exact:
        return None
    if {one, other} & walk.names == set() and is_misspelling(one, other) and _shared(left, right) >= _SHARED_MIN:
        walk.rules.append("a misspelling")
        return 1, 1
    if {one, other} == {"what", "which"} and left[i + 1 : i + 3] == right[j + 1 : j + 3] and _is_chosen(left[i + 1 : i + 3]):
        walk.rules.append("'what' for 'which'")
        return 1, 1
    if (one, other) in {("is", "are"), ("are", "is")} and _is_generic_definition(left, right, i, j):
        walk.generic = True
        return 1, 1
    if walk.generic and is_generic_plural(one, other):
        walk.generic = False
        walk.rules.append("a kind of thing in the plural")
        return 1, 1
    return None


def _is_chosen(following: tuple[str, ...]) -> bool:
    """`what documents`, `which is the best`: a choice either way. `what is` and `which is` alone aren't."""
    return following == ("is", "the") or (bool(following) and following[0].isalpha() and following[0] not in _AUXILIARIES)


def _is_clause(following: tuple[str, ...]) -> bool:
    return bool(following) and following[0] in _ARTICLES | _SUBJECTS


def _is_generic_definition(left: tuple[str, ...], right: tuple[str, ...], i: int, j: int) -> bool:
    singular = left[i + 1 :] if left[i] == "is" else right[j + 1 :]
    return left[:i] == right[:j] == ("what",) and singular[:1] in {("a",), ("an",)} and "the" not in singular


def _shared(left: tuple[str, ...], right: tuple[str, ...]) -> int:
    return len({word for word in left if len(word) > 3 and word.isalpha()} & set(right))


def _several_words(left: tuple[str, ...], right: tuple[str, ...], i: int, j: int, walk: Walk) -> tuple[int, int] | None:
    if walk.exact:
        return None
    if is_compound(left[i : i + 2], right[j : j + 1]):
        walk.rules.append("a compound written apart")
        return 2, 1
    if is_compound(right[j : j + 2], left[i : i + 1]):
        walk.rules.append("a compound written apart")
        return 1, 2
    if _is_left_out(left, right, i, j, walk):
        return 1, 0
    if _is_left_out(right, left, j, i, walk):
        return 0, 1
    return None


def _is_left_out(words: tuple[str, ...], other: tuple[str, ...], at: int, there: int, walk: Walk) -> bool:
    """Whether the word here may be said or not: an article, `that` after a verb of saying, `my` before what is one's own."""
    word, following, across = words[at : at + 1], words[at + 1 : at + 2], other[there : there + 1]
    if word[:1] == ("that",) and at and words[at - 1] in _SAYING and across == following and _is_clause(following):
        walk.rules.append("'that' after a verb of saying")
        return True
    if (
        not word
        or not following
        or (across and across[0] in _ARTICLES | {"my", "his", "her", "our", "your", "their", "this", "that", "its"})
    ):
        return False
    if word[0] in _ARTICLES:
        walk.generic = walk.generic or (word[0] != "the" and words[0] in {"@how", "what"} and "the" not in words)
        walk.rules.append("an article")
        return True
    if word[0] == "my" and words[0] == "@how" == other[0] and across == following and following[0] in _OWN:
        walk.rules.append("'my' before what is one's own")
        return True
    return False


def _why(left: tuple[str, ...], right: tuple[str, ...], i: int, j: int) -> str:
    """The difference in words, for people."""
    one, other = left[i : i + 1], right[j : j + 1]
    if sorted(left) == sorted(right):
        return "the same words stand in another order"
    if one and one[0] not in right and right[j : j + 1] == left[i + 1 : i + 2]:
        return f"'{_shown(one)}' stands in only one"
    if other and other[0] not in left and left[i : i + 1] == right[j + 1 : j + 2]:
        return f"'{_shown(other)}' stands in only one"
    if not one or not other:
        return f"'{_shown(left[i:] or right[j:])}' stands in only one"
    return f"'{_shown(one)}' is not '{_shown(other)}'"


_SHOWN = {
    "@how": "how to",
    "@how-we": "how we",
    "@define": "define",
    "@meaning": "meaning of",
    "@about": "about",
    "@cost": "cost of",
    "@if": "if",
}


def _shown(words: tuple[str, ...]) -> str:
    shown = " ".join(_SHOWN.get(word, word.strip('`"~@')) for word in words[:8])
    return re.sub(r"[_\ue000-\ue0ff]", " ", shown)[:_SHOWN_CHARACTERS_MAX]
