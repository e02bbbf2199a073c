"""The canonical form of a text: what is left when nothing is said in another way than it must be."""

import re
from dataclasses import dataclass
from typing import Final

from appliance.cache.sameness import hindi, hinglish
from appliance.cache.sameness.frames import Sentence, unframed
from appliance.cache.sameness.languages import Language, language_of
from appliance.cache.sameness.orders import fronted, ordered
from appliance.cache.sameness.phrases import abbreviations, synonyms
from appliance.cache.sameness.quantities import quantities, split_suffix
from appliance.cache.sameness.spelling import american, expanded
from appliance.cache.sameness.words import QUOTED, VERBATIM, split

CHARACTERS_MAX: Final = 4_000
WORDS_MAX: Final = 400

# Upper case that is another word than its lower case.
_UPPER = {"IT": "i.t.", "PAN": "permanent_account_number", "US": "usa", "WHO": "world_health_organization"}
_LITERAL = re.compile(
    r"\b(?:spell|spelling|spelled|pronounced?|pronunciation|abbreviations?|acronyms?|full form|stands? for|synonyms?|antonyms?|"
    r"rhymes?|"
    r"proofread|transcribe|translat(?:e|ion|ing)|rewrite|rephrase|paraphrase|grammar|grammatical|punctuation|the word|"
    r"the phrase|the term|"
    r"how many (?:letters|characters|words)|syllables?|uppercase|lowercase|typos?|means?|meaning|"
    r"define|definition|british|american)\b"
)
_ONE_PIECE = re.compile(r"\ba (few|little|lot of|number of|bit)\b")
_SEALED = {ord(blank): 0xE000 + index for index, blank in enumerate(" \n\t\x0b\x0c\x1c\x1d\x1e\x1f\x85\u2028\u2029")}
_RUN = re.compile(r"(?:\. )*\.")


@dataclass(frozen=True, slots=True)
class Canonical:
    """A text in canonical form. `literal`: it asks about words as words, so no spelling or synonym may be exchanged in it."""

    language: Language
    literal: bool
    sentences: tuple[Sentence, ...]
    names: frozenset[str]


@dataclass(frozen=True, slots=True)
class Unread:
    """A text that the rules don't read: it gets exact hits only, for this reason."""

    reason: str


def canonical(text: str, *, with_synonyms: bool) -> Canonical | Unread:
    """The canonical form of a cleaned text. Work is bounded by CHARACTERS_MAX and WORDS_MAX."""
    if len(text) > CHARACTERS_MAX:
        return Unread(f"a text of more than {CHARACTERS_MAX} characters is only the same as itself")
    words = split(text)
    if len(words) > WORDS_MAX:
        return Unread(f"a text of more than {WORDS_MAX} words is only the same as itself")
    language = language_of(_outside_code(words), [word.lower() for word in words])
    if language is None:
        return Unread("its script or language has no rules here, so it is only the same as itself")
    names = _names(words)
    folded = _folded(words)
    literal = bool(_LITERAL.search(" ".join(folded)))
    if language != "english":
        rules = hindi if language == "hindi" else hinglish
        parts = _sentences(rules.words(folded, literal=literal))
        found = [sentence for part in parts if (sentence := rules.unframed(part))]
    else:
        parts = _sentences(_english(folded, literal=literal))
        framed = [sentence for part in parts if (sentence := unframed(fronted(part), mid_please=not literal))]
        found = [_finished(sentence, names, plain=literal or not with_synonyms) for sentence in framed]
    return Canonical(language, literal, tuple(found), names)


def _outside_code(words: list[str]) -> str:
    return " ".join(word for word in words if word[0] != VERBATIM)


def _names(words: list[str]) -> frozenset[str]:
    """Words that are capitalised though no sentence begins with them. None where every word is, as in a title."""
    plain = [word for word in words if word[0].isalpha()]
    capitals = [word for word in plain if word[0].isupper()]
    if len(plain) > 2 and len(capitals) == len(plain):
        return frozenset()
    starts = {0, *(index + 1 for index, word in enumerate(words) if word in {".", ":"})}
    return frozenset(
        word.lower() for index, word in enumerate(words) if index not in starts and word[0].isupper() and word != "I"
    )


def _folded(words: list[str]) -> list[str]:
    """Quantities in one form, then lower case; `IT` and `US` kept apart from `it` and `us` unless all is in capitals."""
    shouted = not any(character.islower() for word in words if word[0] != VERBATIM for character in word)
    pieces = [piece for word in words for piece in (split_suffix(word) if word[0].isdigit() else [word])]
    return [
        word if word[0] in {VERBATIM, QUOTED} else _UPPER[word] if word in _UPPER and not shouted else word.lower()
        for word in quantities(_dashes(pieces))
    ]


def _dashes(words: list[str]) -> list[str]:
    """A dash between blanks is a comma, or a minus between numbers and single letters."""
    out = list(words)
    for index, word in enumerate(words):
        if word == "-":
            sides = words[max(index - 1, 0) : index] + words[index + 1 : index + 2]
            is_minus = any((len(side) == 1 and side.isalpha()) or side[0].isdigit() or side[0] == VERBATIM for side in sides)
            out[index] = VERBATIM + "-" if is_minus else ","
    return out


def _english(words: list[str], *, literal: bool) -> list[str]:
    words = expanded(words)
    if literal:
        return words
    words = [word if word[0] in {VERBATIM, QUOTED} else american(word) for word in words]
    return abbreviations().replaced(words)


def _sentences(words: list[str]) -> list[str]:
    text = _ONE_PIECE.sub(lambda found: "a_" + found.group(1).replace(" ", "_"), " ".join(_sealed(words)))
    text = _STATED.sub(r"\1 . ", text)
    return [
        part.strip(" ,")
        for part in _RUN.split(f" {text} ".replace(" . ", " \x00 ").replace(" . ", " \x00 "))
        for part in part.split("\x00")
        if part.strip(" ,")
    ]


_STATED = re.compile(
    r"((?:^|(?<= \. ))(?:i|my|we|our) [^,.:()]+) , (?=(?:how (?:to|do i|can i)|can you|could you|please|what (?:should|can) i) )"
)


def _sealed(words: list[str]) -> list[str]:
    """Blanks inside code and quotations are no blanks between words."""
    return [word.translate(_SEALED) if word[0] in {VERBATIM, QUOTED} else word for word in words]


def _finished(sentence: Sentence, names: frozenset[str], *, plain: bool) -> Sentence:
    words = ordered(" ".join(sentence.words), names).split()
    if not plain:
        words = abbreviations().replaced(synonyms().replaced(words))
    return Sentence(tuple(words), sentence.embedded)
