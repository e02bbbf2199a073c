"""Hindi in Devanagari: one spelling for each word, one form for each way to ask, nothing else.

Tense, aspect, negation, case (ने, को, से) and the person asked about are left as they are; so any change in them is a miss.
"""

import re

from appliance.cache.sameness.frames import Sentence
from appliance.cache.sameness.listed import listed, table
from appliance.cache.sameness.words import QUOTED, VERBATIM

# A nukta or chandrabindu is often left out. These words become other words without it, so they keep it.
_KEEPS = frozenset(listed("राज़ सज़ा ज़रा जंग ज़ंग ख़ुदा ख़ाना तेज़ बाज़ नाज़ रोज़ गज़ फ़न हँस हँसी हँसना हँसो बाज़ी ख़ान सज़ाएँ"))
_NASALS = (("ङ्", "कखगघ"), ("ञ्", "चछजझ"), ("ण्", "टठडढ"), ("न्", "तथदध"), ("म्", "पफबभ"))
_NASAL = [(re.compile(f"{nasal}(?=[{letters}])"), "ं") for nasal, letters in _NASALS]
_NUKTA = re.compile("(?<=[कखगजफ])\u093c")
_SPELT = table("hindi.txt")
_POLITE = re.compile(r"(?:^| )(?:कृपया|प्लीज|प्लीज़|धन्यवाद|शुक्रिया)(?= |$)")
_GREETING = re.compile(r"^(?:नमस्ते|नमस्कार|हेलो|हैलो)(?: जी)?(?: ,)?(?: |$)")
_ASK_ME = re.compile(
    r"^(?:क्या )?(?:आप|तुम) (?:मुझे |हमें )?(?:(.+) )?(?:बता|समझा) (?:सकते|सकती) (?:हैं|हो)(?: (कि|की))?(?: ,)?(?: (.+))?$"
)
_TELL = re.compile(r"^(?:मुझे |हमें )?(?:जरा )?@बता(?: @दे)?(?: (?:कि|की))?(?: ,)? (.+)$")
_WANT = re.compile(r"^(?:मैं |मुझे )?(?:यह )?(?:जानना (?:है|चाहता हूं|चाहती हूं)) (?:कि|की)(?: ,)? (.+)$")
_TELL_LAST = re.compile(r"^(.+?)(?: ,)? @बता$")
_ASKING = re.compile(r"(?:^| )(?:क्या|कैसे|कब|कहां|कौन|कितन[ाीे]|क्यों|किस|किन)(?= |$)")
_ENDINGS = (
    (re.compile(r"क्या (?:होता|होती|होते) (?:है|हैं)$"), "क्या है"),
    (re.compile(r"का नाम क्या है$"), "क्या है"),
    (re.compile(r"(?:सकता|सकती) हूं"), "सकता हूं"),
    (re.compile(r"(?:चाहता|चाहती) हूं"), "चाहता हूं"),
    (re.compile(r"(?:रहा|रही) हूं"), "रहा हूं"),
    (re.compile(r"(?:करता|करती) हूं"), "करता हूं"),
)
_HOW_VERBS = tuple(
    re.compile(rf"^(.*?)(\S+?)(?:{ending})$")
    for ending in (
        " सकते हैं| सकता हूं",
        "ी जाती है|ा जाता है|े जाते हैं",
        "ते हैं|ना है|नी है|ना होता है",
        "ें|ूं",
        "एं|ऊं|ओ",
        "",
    )
)
_WAY = re.compile(r"^(.+?) (?:का|की) (?:तरीका|प्रक्रिया)(?: (?:क्या है|@बता))?$")


def words(folded: list[str], *, literal: bool) -> list[str]:
    """Each word in one spelling. English words in it stay as they are, so `literal` changes nothing here."""
    split = _hyphens(folded)
    return [
        word
        if word[0] in {VERBATIM, QUOTED}
        else "@दे"
        if word == "दो" and split[index + 1 : index + 2] in ([], ["."])
        else spelled(word)
        for index, word in enumerate(split)
    ]


def spelled(word: str) -> str:
    """The one spelling of a Devanagari word; imperatives of every politeness as `@stem`."""
    word = word.replace("\u200d", "").replace("\u200c", "")
    if word in _SPELT:
        return _SPELT[word]
    if word not in _KEEPS:
        word = _NUKTA.sub("", word).replace("ँ", "ं")
    for pattern, anusvara in _NASAL:
        word = pattern.sub(anusvara, word)
    return _SPELT.get(word, word)


def unframed(sentence: str) -> Sentence | None:
    """The sentence without politeness, each way to ask in one form."""
    sentence = _POLITE.sub("", sentence).strip(" ,")
    sentence = _GREETING.sub("", sentence).strip(" ,")
    for pattern in (_TELL, _WANT):
        if (match := pattern.match(sentence)) and _ASKING.search(match.group(1)):
            sentence = match.group(1)
    if match := _ASK_ME.match(sentence):
        before, joined, after = match.groups()
        sentence = after if joined and after else f"{before} @बता" if before and not after else sentence
    if (match := _TELL_LAST.match(sentence)) and _ASKING.search(match.group(1)):
        sentence = match.group(1)
    sentence = re.sub(r"^(?:मुझे|हमें) (?=.*@(?:बता|दे|समझा|दिखा)$)", "", sentence.strip(" ,"))
    sentence = re.sub(r"(@\S+|\S+) @दे$", _aspect, sentence)
    for pattern, ending in _ENDINGS:
        sentence = pattern.sub(ending, sentence)
    sentence = _how(sentence)
    found = tuple(sentence.split())
    return Sentence(found, False) if found else None


def _aspect(match: re.Match[str]) -> str:
    """`लिख दो` is `लिखो`; `सूची दो` (give a list) stays."""
    stems = {"लिख", "बता", "कर", "बना", "समझा", "दिखा"}
    return f"@{match.group(1)}" if match.group(1) in stems else match.group(0)


def _how(sentence: str) -> str:
    """`… कैसे करें`, `… करने का तरीका` and their like as `@कैसे … STEM@`, where the verb ends the sentence."""
    way = _WAY.match(sentence)
    if way and way.group(1).endswith("ने"):
        return f"@कैसे {way.group(1)[:-2]}@"
    found = sentence.split()
    if found.count("कैसे") != 1 or found[-1] == "कैसे" or "@if" in found:
        return sentence
    found.remove("कैसे")
    rest = " ".join(found)
    if rest.endswith((" होती है", " होता है", " की जाती है", " किया जाता है", " किए जाते हैं")):
        return f"@कैसे {re.sub(' (?:होती है|होता है|की जाती है|किया जाता है|किए जाते हैं)$', ' कर@', rest)}"
    for pattern in _HOW_VERBS:
        if match := pattern.match(rest):
            return f"@कैसे {match.group(1)}{match.group(2).lstrip('@')}@"
    return sentence


def _hyphens(folded: list[str]) -> list[str]:
    return [
        part for word in folded for part in (word.split("-") if "-" in word and word[0] not in {VERBATIM, QUOTED} else [word])
    ]
