"""Texts that others wrote (a model file's title, its template, a job's message), made harmless to show. No Qt here."""

import html
import unicodedata

LINE_CHARACTERS_MAX = 240
TEXT_CHARACTERS_MAX = 64_000
UNBROKEN_CHARACTERS_MAX = 24
PIECE_CHARACTERS = 8
_JOINERS = "\u200c\u200d"  # Indic scripts and Persian are wrong without them
_BREAK = "\u200b"


def one_line(text: object, characters_max: int = LINE_CHARACTERS_MAX) -> str:
    """Without control characters, marks that turn the reading direction, and line breaks; cut where it is too long."""
    given = str(text)[: characters_max * 8]  # whatever comes after that isn't worth the look
    told = " ".join("".join(one if _is_harmless(one) else " " for one in given).split())
    return told if len(told) <= characters_max else told[: characters_max - 1] + "…"


def many_lines(text: object, characters_max: int = TEXT_CHARACTERS_MAX) -> str:
    """The same for a text whose lines matter, such as a template."""
    given = str(text)
    told = "".join(one for one in given[:characters_max] if one in "\n\t" or _is_harmless(one))
    return told if len(given) <= characters_max else told + "\n…"


def sentences(*parts: object) -> str:
    """What went wrong, what mends it: each a sentence, as one reads it."""
    told = (_begun_well(one_line(part).removesuffix(".")) for part in parts)
    return " ".join(part if part.endswith(("…", "!", "?")) else f"{part}." for part in told if part)


def _begun_well(sentence: str) -> str:
    """With a capital, where it begins with a word: the name of a setting or of a file is written as it is."""
    first = sentence.partition(" ")[0].rstrip(",:;!?…").replace("'", "")
    return f"{sentence[:1].upper()}{sentence[1:]}" if first.isalpha() else sentence


def breakable(text: str) -> str:
    """May be wrapped anywhere in a long word, so that one word can't make a window wide."""
    return " ".join(word if len(word) <= UNBROKEN_CHARACTERS_MAX else _in_pieces(word) for word in text.split(" "))


def _in_pieces(word: str) -> str:
    return _BREAK.join(word[at : at + PIECE_CHARACTERS] for at in range(0, len(word), PIECE_CHARACTERS))


def tooltip(text: str) -> str:
    """Qt takes a tooltip that looks like HTML for HTML: this one is HTML, and shows just the text."""
    return f"<qt>{html.escape(text)}</qt>" if text else ""


def _is_harmless(character: str) -> bool:
    return character in _JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
