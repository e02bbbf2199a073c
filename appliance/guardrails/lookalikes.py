"""Letters of other scripts that look like Latin ones, and where they are read as those.

A word that is wholly Greek or Russian stays what it is; one that mixes them with Latin letters, an address, or a number such as
an identity card's is read as what it looks like.
"""

import re

_CYRILLIC = ("АВЕЅІЈКМНОРСТУХԀԌԚԜҮҺӀЬаевѕіјкморстухԁɡһӏԛԝүгп", "ABESIJKMHOPCTYXDGQWYHIbaeBsijkmopctyxdghlqwyrn")
_GREEK = ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧϹϳαεικνορτυχϲγηω", "ABEZHIKMNOPTYXCjaeikvoptuxcynw")
_ARMENIAN = ("ՍՕօոսցհյզքԼ", "UOonugnjqpL")
_CHEROKEE = ("ᎪᏴᏟᎠᎬᏀᎻᎥᎫᏦᏞᎷᎾᏢᎡᏚᎢᏙᏔᏃ", "ABCDEGHiJKLMOPRSTVWZ")
_OTHERS = ("ⲟⲣⲥო", "opco")

LOOKALIKES = {
    one: latin
    for letters, latins in (_CYRILLIC, _GREEK, _ARMENIAN, _CHEROKEE, _OTHERS)
    for one, latin in zip(letters, latins, strict=True)
}

ALWAYS = {
    **dict(zip("ɑɡıɩȷᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘꞯʀꜱᴛᴜᴠᴡʏᴢ", "agiijabcdefghijklmnopqrstuvwyz", strict=True)),
    **{chr(0x1F150 + place): chr(65 + place) for place in range(26)},  # white on black, round
    **{chr(0x1F170 + place): chr(65 + place) for place in range(26)},  # and square
}  # Latin letters of odd cuts that NFKC leaves alone

_CLASS = "".join(LOOKALIKES)
_BESIDE = r"[0-9._@+%\-]{0,3}"
_MIXED = re.compile(f"[{_CLASS}]{_BESIDE}[A-Za-z0-9]|[A-Za-z0-9]{_BESIDE}[{_CLASS}]")
_RUN = re.compile(r"[\w.@+%\-]+")
_WORD = re.compile(r"\w+")
_LATIN = re.compile("[A-Za-z]")
_FOLD = str.maketrans(LOOKALIKES)


def folded(text: str) -> str:
    """As long as the text."""
    if not _MIXED.search(text):
        return text
    return _RUN.sub(_run, text)


def _run(match: re.Match[str]) -> str:
    run = match[0]
    if run.isascii():
        return run
    if "@" in run and _LATIN.search(run):
        return run.translate(_FOLD)
    return _WORD.sub(_word, run)


def _word(match: re.Match[str]) -> str:
    word = match[0]
    if word.isascii():
        return word
    changed = word.translate(_FOLD)
    is_number = (
        changed.isascii() and word.isupper() and sum(one.isdigit() for one in word) >= 2
    )  # КВ1234567: wholly of letters that could be Latin
    return changed if is_number or _LATIN.search(word) else word
