"""Hindi in Latin letters: the many spellings of its small words, and its ways to ask. English words in it keep English rules.

Letters double and vowels vary (`kare`, `karein`, `karen`), so small words go through a table; others are compared as written.
"""

import re

from appliance.cache.sameness.frames import Sentence
from appliance.cache.sameness.listed import listed, table
from appliance.cache.sameness.phrases import abbreviations
from appliance.cache.sameness.spelling import american
from appliance.cache.sameness.words import QUOTED, VERBATIM

_SPELT = table("hinglish.txt")
_PAIRS = {tuple(form.split("_")): word for form, word in _SPELT.items() if "_" in form}
_POLITE = re.compile(r"(?:^| )(?:please|plz|pls|kripya|thanks|dhanyavad|shukriya)(?= |$)")
_GREETING = re.compile(r"^(?:hi|hello|hey|namaste)(?: (?:sir|team|ji))?(?: ,)?(?: |$)")
_ASKING = re.compile(r"\b(?:kya|kaise|kab|kahan|kaun|kitn[aei]|kyu|kis|kin|konsa|kaunsa)\b")
_TELL = re.compile(r"^(?:(?:mujhe|hume) )?batao(?: (?:ki|ke))?(?: ,)? (.+)$")
_TELL_LAST = re.compile(r"^(.+?)(?: ,)? batao$")
_CAN_TELL = re.compile(r"^(?:kya )?(?:aap|tum) (?:mujhe )?bata (?:sakte|sakti) (?:hain|hai|ho)(?: ki)? (.+)$")
_ENDINGS = (
    (re.compile(r"\b(kya) hot[aei] (?:hai|hain)$"), r"\1 hai"),
    (re.compile(r"\b(rah)[ai] hu\b"), r"\1a hu"),
    (re.compile(r"\b(sakt)[ai] hu\b"), r"\1a hu"),
    (re.compile(r"\bkar do$"), "karo"),
    (re.compile(r"\bkar dijiye$"), "karo"),
    (re.compile(r"\bkijiye$"), "karo"),
)
_WAY = re.compile(r"^(.+?) (\w+?)ne ka (?:tarika|tareeka|process)(?: (?:kya hai|batao))?$")
_HOW = re.compile(r"^(?:(?:main|mein) )?(.+?) ?\bkaise (?:(.+?) )?(\w+?)(?:e|u|na hai|te hain|te hai|ye|ya jata hai)$")
_STAYS = frozenset(listed("hoga hogi hua hui tha thi hai hain raha rahi"))


def words(folded: list[str], *, literal: bool) -> list[str]:
    """Small words in one spelling each; English words as English spells them, unless the text is about words."""
    out: list[str] = []
    for folded_word in folded:
        if folded_word[0] in {VERBATIM, QUOTED}:
            out.append(folded_word)
            continue
        word = _SPELT.get(folded_word, folded_word)
        if out and (out[-1], word) in _PAIRS:
            out[-1] = _PAIRS[(out[-1], word)]
        else:
            out.append(word if literal else american(word))
    return out if literal else abbreviations().replaced(out)


def unframed(sentence: str) -> Sentence | None:
    """The sentence without politeness, each way to ask in one form."""
    sentence = _POLITE.sub("", sentence).strip(" ,")
    sentence = _GREETING.sub("", sentence).strip(" ,")
    for pattern in (_TELL, _CAN_TELL, _TELL_LAST):
        if (match := pattern.match(sentence)) and _ASKING.search(match.group(1)):
            sentence = match.group(1).strip(" ,")
    for pattern, ending in _ENDINGS:
        sentence = pattern.sub(ending, sentence)
    found = tuple(_given(_how(sentence)).split())
    return Sentence(found, False) if found else None


def _how(sentence: str) -> str:
    """`X kaise kare`, `X kaise karte hain`, `X karne ka tarika` as `@kaise X kar@`; `kaise hoga` stays."""
    if way := _WAY.match(sentence):
        return f"@kaise {way.group(1)} {way.group(2)}@"
    found = sentence.split()
    if found.count("kaise") != 1 or (found[-1] in _STAYS and found[-1] not in {"hai", "hain"}):
        return sentence
    match = _HOW.match(sentence)
    if match is None or len(match.group(3)) < 2 or match.group(3) in {"hog", "hot", "rah", "th", "h"}:
        return sentence
    return " ".join(f"@kaise {match.group(1)} {match.group(2) or ''} {match.group(3)}@".split())


def _given(sentence: str) -> str:
    """`mujhe 5 ideas do X ke liye` is `X ke liye mujhe 5 ideas do`."""
    match = re.match(r"^(mujhe .+ do) ((?:\S+ ){1,4}ke liye)$", sentence)
    return f"{match.group(2)} {match.group(1)}" if match else sentence
