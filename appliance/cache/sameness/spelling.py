"""One spelling for words that English spells in several ways: British and American, apostrophes left out, short messages.

Every rule maps to a form that no other word has; where two words would meet (prise and prize, hour and hor), the rule has an
exception or names its words. Contractions are spelled out only where they stand for one thing: `'d` and most `'s` don't.
"""

import re

from appliance.cache.sameness.listed import table

_OUR = (
    "colour favour behaviour honour labour neighbour humour rumour flavour harbour vapour endeavour savour odour armour vigour "
    "rigour tumour parlour splendour demeanour glamour candour clamour fervour valour saviour"
)
_RE = "centre metre litre fibre theatre calibre lustre sombre spectre meagre kilometre centimetre millimetre millilitre"
_DOUBLED = (
    "travel cancel label model fuel signal level channel counsel dial total tunnel initial marshal panel pencil quarrel rival "
    "shovel spiral equal jewel trial"
)
_ISE_STAYS = frozenset(("prise", "prises", "prised", "prising"))
_OUR_PART = re.compile("|".join(sorted((word[:-2] for word in _OUR.split()), key=len, reverse=True)))
_OUR_WORD = re.compile(rf"^(?:dis|un|mis)?(?:{'|'.join(word[:-2] for word in _OUR.split())})ur")
_RE_WORD = re.compile(rf"^(?:{'|'.join(word[:-2] for word in _RE.split())})re(s|d)?$")
_DOUBLED_WORD = re.compile(rf"^((?:{'|'.join(_DOUBLED.split())}))l(ed|ing|er|ers|ation|ations|ings|able)$")
_ISE = re.compile(r"^(\w{3,})is(e|es|ed|ing|er|ers|ation|ations|ational|able)$")
_YSE = re.compile(r"^(anal|paral|catal|dial)ys(e|es|ed|ing|er|ers)$")

WORDS = table("spellings.txt")


EXPANDED = table("contractions.txt")

_IS = frozenset(("what", "who", "where", "how", "when", "why", "that", "it", "there", "here", "he", "she", "whats", "which"))
_BARE_IS = {"whats": "what", "wheres": "where", "hows": "how", "whos": "who", "thats": "that", "theres": "there"}
_AFTER_HAS = re.compile(r"^(?:been|got|had|gone|done|become|happened|changed|\w+ed)$")


def american(word: str) -> str:
    """The spelling that stands for this lowercase word's variants."""
    known = WORDS.get(word)
    if known is not None:
        return known
    if _OUR_WORD.match(word):
        return re.sub("ou(?=r)", "o", word, count=0 if word.count("our") == 1 else 1)
    if match := _RE_WORD.match(word):
        end = match.group(1) or ""
        return word[: len(word) - 2 - len(end)] + "er" + ("ed" if end == "d" else end)
    if match := _DOUBLED_WORD.match(word):
        return match.group(1) + match.group(2)
    if word not in _ISE_STAYS and (match := _ISE.match(word)):
        return f"{match.group(1)}iz{match.group(2)}"
    return f"{match.group(1)}yz{match.group(2)}" if (match := _YSE.match(word)) else word


def expanded(words: list[str]) -> list[str]:
    """Contractions and short-message words spelled out; a form with two readings stays as it is."""
    out: list[str] = []
    for index, word in enumerate(words):
        following = words[index + 1] if index + 1 < len(words) else ""
        if word in EXPANDED:
            out += EXPANDED[word].split("_")
        elif word in _BARE_IS and not _AFTER_HAS.match(following):
            out += [_BARE_IS[word], "is"]
        elif word.endswith("'s") and word[:-2] in _IS and not _AFTER_HAS.match(following):
            out += [word[:-2], "is"]
        elif word == "i'd" and following in {"like", "love", "prefer", "appreciate", "be"}:
            out += ["i", "would"]
        else:
            out.append(word)
    return out
