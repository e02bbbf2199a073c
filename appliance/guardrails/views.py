"""Other readings of a text that hides what it says: letters apart, leetspeak, Caesar's cipher, backwards, a word a line, escapes.

    for view in views(text):             # view.text is how it may be meant
        start, end = view.original(...)   # where that stands in `text`, in characters of its normalised form

Only what is likely is read: one look at how often each character occurs, and one pass of RE2, tell that an ordinary text has no
other reading. There are at most VIEWS_MAX, each no longer than the text, and each is looked through once more. Runs of base64,
hexadecimal and single escaped words are `encoded.py`'s.
"""

import re
from collections.abc import Iterator

import numpy as np
import re2
from numpy.typing import NDArray

from appliance.guardrails.encoded import from_base64, from_escapes, whole
from appliance.guardrails.normal_text import NormalText, flat_of
from appliance.guardrails.pattern import options

VIEWS_MAX = 8
CHARACTERS_MAX = 64 * 1024  # longer texts are read so far
_SIGNS_MIN = 12  # shorter texts hide nothing

_ESCAPE = r"(?:\\u[0-9a-f]{4}|\\x[0-9a-f]{2}|&#x?[0-9a-f]{2,6};|%[0-9a-f]{2})"
_BACKWARDS_WORDS = (
    r"(?i)\b(?:eht|dna|uoy|ruoy|siht|taht|htiw|morf|snoitcurtsni|tpmorp|metsys|erongi|drager(?:sid)?|suoiverp|laever|gnihtyreve|ruo|ohw|"
    r"evah|lliw|tuoba|euq|dnu|sengisnoc|senoiccurtsni|negnusiewna)\b"
)
_BACKWARDS_SAID = r"(?i)\b(?:backwards?|reversed?|r\xe9ckw\xe9rts|al rev\xe9s|\xe9 l'envers|ulta)\b"
_GATES = {
    "leet": r"(?i)[a-z][013457@$]{1,2}[a-z]",
    "spaced": r"(?:[!-~\xe9\xb7] [ \t]?[ \t]?){10}",
    "dashed": r"(?:[A-Za-z\xe9][-._*|~+]){3}[A-Za-z\xe9]",
    "escaped": rf"(?i){_ESCAPE}{_ESCAPE}",
    "backwards": rf"{_BACKWARDS_WORDS}|{_BACKWARDS_SAID}",
    "wrapped": r"[A-Za-z0-9+/]{40}\r?\n[A-Za-z0-9+/]{12}",
    "bits": r"(?:[01]{8}[ ,]?){6}",
    "numbers": r"(?:\b[0-9]{2,3}[ ,]{1,2}){10}",
    "morse": r"(?:[.-]+[ /|]+){8}",
}
_NAMES = tuple(_GATES)
_BACKWARDS = re.compile(_BACKWARDS_WORDS)
_SAID_BACKWARDS = re.compile(_BACKWARDS_SAID.replace(r"\xe9", r"\w"))
_SPACED = re.compile(r"(?:\S[ \t]{1,3}){7,}\S?")
_GAP = re.compile(r"(\S)([ \t]{1,3}|$)")
_DASHED = re.compile(r"\S([-._*|~+])\S(?:\1\S)*\1?")
_WORD = re.compile(r"\S+")
_WRAPPED = re.compile(r"(?:[A-Za-z0-9+/]{40,}\r?\n)+[A-Za-z0-9+/]{2,}={0,2}")
_BITS = re.compile(r"(?:[01]{8}[ ,]{0,2}){6,}")
_NUMBERS = re.compile(r"\b(?:[0-9]{2,3}[ ,]{1,2}){10,}[0-9]{2,3}\b")
_MORSE = re.compile(r"[.-]{1,6}(?:[ /|]{1,3}[.-]{1,6}){7,}")
_LEET = str.maketrans("013457@$", "oieastas")
_LEET_WORD = re.compile(r"[a-z]+[013457@$|!]+[a-z]|\b[013457@$]+[a-z]+[013457@$]|[a-z][013457@$]{2,}\b", re.IGNORECASE)
_MORSE_SIGNS = (
    ".- -... -.-. -.. . ..-. --. .... .. .--- -.- .-.. -- -. --- .--. --.- .-. ... - ..- ...- .-- -..- -.-- --.. "  # a to z
    "----- .---- ..--- ...-- ....- ..... -.... --... ---.. ----."
)
_MORSE_LETTERS = dict(zip(_MORSE_SIGNS.split(), "abcdefghijklmnopqrstuvwxyz0123456789", strict=True))
# How likely each letter is in English, as logarithms; a cipher's shift is the turn at which a text's letters fit best.
_SHARES = "8.2 1.5 2.8 4.3 12.7 2.2 2.0 6.1 7.0 .15 .77 4.0 2.4 6.7 7.5 1.9 .1 6.0 6.3 9.1 2.8 .98 2.4 .15 2.0 .07"
_LIKELY = np.log(np.array([float(one) for one in _SHARES.split()]) / 100)
_TURNED = np.stack([np.roll(_LIKELY, -turn) for turn in range(26)])  # row t: the letters read t places on
_BETTER = 0.35  # a letter: so much likelier must the best turn be


def _gate() -> re2.Set:
    found = re2.Set.SearchSet(options())
    for regex in _GATES.values():
        found.Add(regex.encode("latin-1"))
    found.Compile()
    return found


_GATE = _gate()


def views(text: NormalText, depth: int = 2) -> Iterator[NormalText]:
    if len(text.text) < _SIGNS_MIN:
        return
    for number, view in enumerate(_first(text)):
        if number == VIEWS_MAX:
            return
        yield view
        if depth > 1:
            for deeper in views(view, depth - 1):
                yield _through(deeper, view)


def _first(text: NormalText) -> Iterator[NormalText]:
    if len(text.text) > CHARACTERS_MAX:
        text = NormalText(text.text[:CHARACTERS_MAX], text.flat[:CHARACTERS_MAX])
    else:
        text = NormalText(text.text, text.flat)
    signs = np.bincount(np.frombuffer(text.flat, np.uint8), minlength=256)
    letters = signs[65:91] + signs[97:123]
    if signs[10] >= 6 and signs[32] * 2 < signs[10]:
        yield _same(text, re.sub(r"\s", " ", text.text)) if "\n\n" not in text.text else _picked(text, _one_a_line(text.text))
    if (turn := _turn(letters)) > 0:
        yield _same(text, _turned(text.text, turn))
    for name in [_NAMES[number] for number in _GATE.Match(text.flat) or ()]:
        yield from _READERS[name](text)


def _turn(letters: NDArray[np.intp]) -> int:
    """How many places each letter is to be turned on; 0: not at all."""
    total = int(letters.sum())
    if total < 24:
        return 0
    fits = _TURNED @ letters / total
    best = int(fits.argmax())
    return best if fits[best] - fits[0] > max(_BETTER, 6 / total**0.5 * 0.25) else 0


def _turned(text: str, turn: int) -> str:
    small, large = "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return text.translate(str.maketrans(small + large, small[turn:] + small[:turn] + large[turn:] + large[:turn]))


def _leet(text: NormalText) -> Iterator[NormalText]:
    words = len(_WORD.findall(text.text))
    if words > 2 and len(_LEET_WORD.findall(text.text)) * 4 >= words:
        yield _same(text, text.text.translate(_LEET))


def _rot13(text: NormalText) -> Iterator[NormalText]:
    yield _same(text, _turned(text.text, 13))


def _spaced(text: NormalText) -> Iterator[NormalText]:
    yield _picked(text, _apart(text.text))


def _apart(text: str) -> Iterator[int]:
    """Places of what remains where letters stood apart; two blanks are one."""
    place = 0
    for run in _SPACED.finditer(text):
        yield from range(place, run.start())
        for one in _GAP.finditer(text, run.start(), run.end()):
            yield one.start()
            if len(one[2]) > 1:
                yield one.start() + 1
        place = run.end()
        if text[place - 1 : place].isspace():
            yield place - 1
    yield from range(place, len(text))


def _one_a_line(text: str) -> Iterator[int]:
    for word in _WORD.finditer(text):
        yield from range(word.start(), word.end())
        if word.end() < len(text):
            yield word.end()


def _dashed(text: NormalText) -> Iterator[NormalText]:
    def kept() -> Iterator[int]:
        place = 0
        for word in _WORD.finditer(text.text):
            if _DASHED.fullmatch(text.text, word.start(), word.end()):
                yield from range(place, word.start())
                yield from range(word.start(), word.end(), 2)
                place = word.end()
        yield from range(place, len(text.text))

    yield _picked(text, kept())


def _backwards(text: NormalText) -> Iterator[NormalText]:
    turned = text.text[::-1]
    hidden, plain = len(_BACKWARDS.findall(text.text)), len(_BACKWARDS.findall(turned))
    if _SAID_BACKWARDS.search(text.text) or (hidden > 1 and hidden > plain):
        yield whole(turned, 0, len(turned))


def _escaped(text: NormalText) -> Iterator[NormalText]:
    found = from_escapes(text.text, 0)
    if found is not None:
        yield found


def _wrapped(text: NormalText) -> Iterator[NormalText]:
    for run in _WRAPPED.finditer(text.text):
        said = from_base64("".join(run[0].split()))
        if said is not None:
            yield whole(said, run.start(), run.end())


def _bits(text: NormalText) -> Iterator[NormalText]:
    for run in _BITS.finditer(text.text):
        digits = re.sub("[ ,]", "", run[0])
        yield from _bytes(bytes(int(digits[at : at + 8], 2) for at in range(0, len(digits) - 7, 8)), run)


def _numbers(text: NormalText) -> Iterator[NormalText]:
    for run in _NUMBERS.finditer(text.text):
        codes = [int(one) for one in re.split("[ ,]+", run[0])]
        if all(31 < one < 127 for one in codes):
            yield from _bytes(bytes(codes), run)


def _bytes(data: bytes, run: re.Match[str]) -> Iterator[NormalText]:
    said = data.decode("latin-1")
    if data.isascii() and said.isprintable() and " " in said:
        yield whole(said, run.start(), run.end())


def _morse(text: NormalText) -> Iterator[NormalText]:
    for run in _MORSE.finditer(text.text):
        words = [[_MORSE_LETTERS.get(one, "") for one in word.split()] for word in re.split(r"\s*[/|]\s*|  +", run[0])]
        yield whole(" ".join("".join(word) for word in words), run.start(), run.end())


_READERS = {
    "leet": _leet,
    "rot13": _rot13,
    "spaced": _spaced,
    "dashed": _dashed,
    "escaped": _escaped,
    "backwards": _backwards,
    "wrapped": _wrapped,
    "bits": _bits,
    "numbers": _numbers,
    "morse": _morse,
}


def _same(text: NormalText, read: str) -> NormalText:
    """Character for character."""
    return NormalText(read, flat_of(read))


def _picked(text: NormalText, places: Iterator[int]) -> NormalText:
    """Some of a text's characters, with the places that they have there."""
    starts = np.fromiter(places, np.int64)
    read = "".join([" " if text.text[place].isspace() else text.text[place] for place in starts.tolist()])
    return NormalText(read, flat_of(read), starts.tolist(), (starts + 1).tolist())


def _through(inner: NormalText, outer: NormalText) -> NormalText:
    """An inner view, told in the places of what the outer one was made from."""
    if outer.starts is None:
        return inner
    places = [outer.original(*inner.original(place, place + 1)) for place in range(len(inner.text))]
    return NormalText(inner.text, inner.flat, [one[0] for one in places], [one[1] for one in places])
