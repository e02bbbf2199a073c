"""A text as detectors read it, and the way back to where it stands in the original.

Normalised: compatibility forms (NFKC), digits of every script as 0 to 9, odd spaces, dashes and quotes as plain ones, nothing
that can't be seen, letters that only look Latin inside Latin words as the Latin ones (`lookalikes.py`). Beside it the same text
flat: one byte a character, for RE2 in Latin-1, so that every offset is the same in both.
"""

import re
import unicodedata
from array import array
from bisect import bisect_left
from collections.abc import Sequence
from functools import lru_cache

import msgspec
import numpy as np
import numpy.typing as npt

from appliance.guardrails.lookalikes import ALWAYS, folded

LETTER = 0xE9  # what stands in `flat` for every letter or mark outside ASCII
OTHER = 0xB7  # and for everything else outside it
TAGS = range(0xE0020, 0xE007F)  # Unicode's invisible copies of ASCII

# Fillers, variation selectors, and lines and frames drawn over what stands before.
_UNSEEN = (
    "\u0332-\u0338\u0305\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u20d0-\u20f0\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef"
)
UNSEEN = re.compile(f"[{_UNSEEN}]")
PLAIN_MARKS = {
    0x85: "\n", 0x2028: "\n", 0x2029: "\n", 0x2800: " ", 0x2212: "-", 0x2027: ".", 0x3002: ".", 0xFF61: ".", 0x2026: "…",
    0x2018: "'", 0x2019: "'", 0x201A: "'", 0x201B: "'", 0x201C: '"', 0x201D: '"', 0x201E: '"', 0x201F: '"', 0x2043: "-",
}  # fmt: skip

_WIDE = 0xFFFFFFFF  # in `_plain_of`: becomes none, or several
# What is known so far of each character, by its number: pages of zeros that nobody touched take no memory.
_plain_of: npt.NDArray[np.uint32] = np.zeros(0x110000, np.uint32)  # its plain form's number, plus one; 0: not known yet
_flat_of: npt.NDArray[np.uint8] = np.zeros(0x110000, np.uint8)
_plain_of[:128] = np.arange(1, 129)
_flat_of[:128] = np.arange(128)


class NormalText(msgspec.Struct, frozen=True):
    """starts, ends: of each character, where it stands in the original; None: they are the same."""

    text: str
    flat: bytes
    starts: Sequence[int] | None = None
    ends: Sequence[int] | None = None

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Where a part of it stands in the text that was given."""
        if self.starts is None or self.ends is None:
            return start, end
        if start >= end:
            place = self.starts[start] if start < len(self.starts) else self.ends[-1] if self.ends else 0
            return place, place
        return self.starts[start], self.ends[end - 1]

    def place(self, original: int) -> int:
        """Where a character of the text that was given stands in it, or what follows it where it is nothing."""
        return original if self.starts is None else bisect_left(self.starts, original)


def read(text: str) -> NormalText:
    """Normal, and with what JSON writes with a backslash said: in a tool's arguments a line's end is `\\n`, an at sign may be
    `\\u0040`. An escape is one character, all of which is its place: what hides it can't break it in two.
    """
    if "\\" not in text or not _ESCAPE.search(text):
        return normal(text)
    is_kept = np.ones(len(text), np.bool_)
    for match in _ESCAPE.finditer(text):
        is_kept[match.start() + 1 : match.end()] = False
    starts = np.flatnonzero(is_kept).astype(np.uint32)
    ends = np.append(starts[1:], np.uint32(len(text)))
    plain = normal(_ESCAPE.sub(_said, text))
    if plain.starts is not None and plain.ends is not None:
        starts, ends = starts[np.array(plain.starts)], ends[np.array(plain.ends) - 1]
    return NormalText(plain.text, plain.flat, array("I", starts.tobytes()), array("I", ends.tobytes()))


def unfinished(text: str) -> int:
    """How many characters at its end may become an escape, or a part of one, that isn't all there yet."""
    if "\\" not in text[-_UNFINISHED_MAX:]:
        return 0
    found = _UNFINISHED.search(text, max(0, len(text) - _UNFINISHED_MAX))
    return len(text) - found.start() if found else 0


_ESCAPE = re.compile(
    r"\\{1,8}(?:u[dD][89abAB][0-9A-Fa-f]{2}\\{1,8}u[dD][c-fC-F][0-9A-Fa-f]{2}|u[0-9A-Fa-f]{4}|[\"/bfnrt])"
)  # written in JSON that stands in JSON, it has more backslashes
_UNFINISHED = re.compile(r"\\{1,8}(?:u(?:[0-9A-Fa-f]{0,3}|[dD][89abAB][0-9A-Fa-f]{2}(?:\\{1,8}(?:u[0-9A-Fa-f]{0,3})?)?))?\Z")
_UNFINISHED_MAX = 28
_LETTERS = {"b": " ", "f": "\n", "n": "\n", "r": "\r", "t": "\t"}


def _said(match: re.Match[str]) -> str:
    letters = match[0].replace("\\", "")
    if letters[0] != "u":
        return _LETTERS.get(letters, letters)
    if len(letters) > 5:
        return chr(0x10000 + ((int(letters[1:5], 16) & 0x3FF) << 10) + (int(letters[6:], 16) & 0x3FF))
    return chr(int(letters[1:], 16))


def normal(text: str) -> NormalText:
    if text.isascii():
        return NormalText(text, text.encode("ascii"))
    codes = _codes(text)
    plain = _plain_of[codes]
    if not plain.all():
        _learn(codes[plain == 0])
        plain = _plain_of[codes]
    starts: array[int] | None = None
    ends: array[int] | None = None
    wide = np.flatnonzero(plain == _WIDE)
    plain -= 1
    if len(wide):
        forms = [_plain(chr(code)) for code in codes[wide].tolist()]
        lengths = np.ones(len(codes), np.int64)
        lengths[wide] = [len(one) for one in forms]
        places = np.repeat(np.arange(len(codes), dtype=np.uint32), lengths)
        plain = np.repeat(plain, lengths)
        for place, form in zip((np.cumsum(lengths) - lengths)[wide].tolist(), forms, strict=True):
            if form:
                plain[place : place + len(form)] = [ord(one) for one in form]
        starts, ends = array("I", places.tobytes()), array("I", (places + 1).astype(np.uint32).tobytes())
    shown = folded(plain.tobytes().decode("utf-32-le", "surrogatepass"))
    return NormalText(shown, flat_of(shown), starts, ends)


def flat_of(text: str) -> bytes:
    """One byte a character."""
    if text.isascii():
        return text.encode("ascii")
    codes = _codes(text)
    flat = _flat_of[codes]
    unknown = (flat == 0) & (codes != 0)
    if unknown.any():
        _learn(codes[unknown])
        flat = _flat_of[codes]
    return flat.tobytes()


def _codes(text: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)


def _learn(codes: npt.NDArray[np.uint32]) -> None:
    """Two threads may learn the same: they write the same."""
    for code in set(codes.tolist()):
        character = chr(code)
        form = _plain(character)
        _flat_of[code] = code if code < 128 else LETTER if unicodedata.category(character)[0] in "LM" else OTHER
        _plain_of[code] = ord(form) + 1 if len(form) == 1 else _WIDE


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    """What a character outside ASCII is read as; empty: nothing."""
    code = ord(character)
    if code in TAGS:
        return chr(code - 0xE0000)
    if code in PLAIN_MARKS:
        return PLAIN_MARKS[code]
    if UNSEEN.match(character):
        return ""
    if character in ALWAYS:
        return ALWAYS[character]
    match unicodedata.category(character):
        case "Cf":
            return ""
        case "Nd":
            return str(unicodedata.decimal(character))
        case "No":
            digit = unicodedata.digit(character, None)  # circled, raised, lowered
            form = unicodedata.normalize("NFKC", character)
            return str(digit) if digit is not None else character if "⁄" in form else form
        case "Pd":
            return "-"
        case "Zs":
            return " "
    return unicodedata.normalize("NFKC", character)
