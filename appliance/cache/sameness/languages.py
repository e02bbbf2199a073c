"""Which rules a text may be read with: English, Hindi in Devanagari, Hindi in Latin letters, or none of them."""

import re
from typing import Literal

from appliance.cache.sameness.listed import listed

Language = Literal["english", "hindi", "hinglish"]

_DEVANAGARI = re.compile(r"[\u0900-\u097f]")
_OTHER_DEVANAGARI = re.compile(r"ळ|(?<!\S)(?:आहे|आहेत|नाही|कसे|काय|मला|छ|हुन्छ|गर्न)(?![^\s?.!,])")
_HINGLISH = frozenset(
    listed(
        "hai hain kaise kese kya kyu kyun kyon kyo nahi nahin nhi ka ki ke ko se mein mujhe mera meri mere karna karne "
        "kare karein karen karu karun karo kar batao bataiye bataye btao chahiye hota hoti hote kab kahan kaun kitna "
        "kitni kitne aur liye wala wali raha rahi rahe tha thi gaya gayi hoga hogi honge sakta sakti sakte hun hoon ho "
        "isko usko uska iska apna apni par pe tak bhi ya yeh ye wo woh hum humara aap aapka tum likho likh dikhao dikha "
        "do dijiye kijiye milta milti milega banaye banao khulega aayegi din baje sirf koi kuch sab sabse bina baad "
        "pehle"
    )
)
_SHARED = frozenset(listed("do se to me is the par din ho ya ki pe tak kar ko ka ke tum tha bina sab thi"))
_FOREIGN = frozenset(
    listed(
        "der das und ist nicht ein eine ich wie wir sie mit für auf kann el los las una que como para por del cómo qué "
        "está le les des une est sont avec pour dans je nous vous il gli della che uma não com são het een niet voor "
        "wat hoe och att är jag inte ett di yang untuk dan bagaimana apa saya ve bir bu için nasıl ne"
    )
)


def language_of(text: str, words: list[str]) -> Language | None:
    """The language whose rules hold for a text, or None: a script or language that the rules don't know.

    Shapes:  `words` are the text's, lowercase.
    """
    for letter in text:
        if letter.isalpha() and not ("\u0041" <= letter <= "\u024f" or "\u0900" <= letter <= "\u097f" or letter in "ªµº"):
            return None
    if _DEVANAGARI.search(text):
        return None if _OTHER_DEVANAGARI.search(text) else "hindi"
    marked = [word for word in words if word in _HINGLISH]
    if len(set(marked)) >= 2 and any(word not in _SHARED for word in marked):
        return "hinglish"
    if any(word not in _SHARED for word in set(marked)) and len(words) <= 6:
        return "hinglish"
    return None if len({word for word in words if word in _FOREIGN}) >= 2 else "english"
