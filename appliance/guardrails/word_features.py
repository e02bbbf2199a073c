"""What the tagger sees of a word, and of the words around it: rows of one table of weights, found by hashing.

The same for training (models/train_names.py) and use. Strings are hashed with CRC-32, so that every machine sees the same rows.
"""

from zlib import crc32

import msgspec
import numpy as np
from numpy.typing import NDArray

ROWS_BITS = 19
OFFSETS = (0, -1, 1, -2, 2)  # of the word that is looked at, from the word that is labelled
KINDS = (
    "unknown",
    "common",
    "first",
    "last",
    "firstlast",
    "commonfirst",
    "commonlast",
    "place",
    "placename",
    "title",
    "particle",
    "namesuffix",
    "namecue",
    "addresscue",
    "street",
    "unit",
    "near",
    "org",
    "time",
    "nationality",
    "product",
    "number",
    "mark",
)  # what a word is known as; the order is part of the format
_CUES = frozenset(
    {KINDS.index("namecue"), KINDS.index("addresscue"), KINDS.index("title"), KINDS.index("org"), KINDS.index("unit")}
)
_DIGITS = str.maketrans("0123456789", "0000000000")
_WORD_LETTERS_MAX = 32
_MIXED_MAX = 18  # with digits or signs in it; mostly drawn by chance, and learnt for nothing
NEWLINE, GAP, EDGE, LONG = 1, 2, 3, 4  # classes beyond those of `_class`
_MULTIPLIER, _SECOND = np.uint32(0x9E3779B1), np.uint32(0x85EBCA77)
_FIFTEEN, _SHIFT = np.uint32(15), np.uint32(32 - ROWS_BITS)
_STEP = np.uint32(0x01000193)
_STEP2 = np.uint32(0x01000193**2 & 0xFFFFFFFF)
_NO_CUE = np.int32(-(1 << 20))  # far away

Ints = NDArray[np.uint32]
_SALTS: Ints = np.arange(101, 110, dtype=np.uint32)[:, None] * np.uint32(0xC2B2AE3D)
_OFFSETS_BEGUN = tuple(crc32(str(offset).encode()) for offset in OFFSETS)  # what is hashed begins with its offset
_NUMBER = KINDS.index("number")
# The same as plain numbers, for words one by one.
_BITS, _PAST = 0xFFFFFFFF, 1 << 32
_step, _step2, _multiplier, _second, _shift = int(_STEP), int(_STEP2), int(_MULTIPLIER), int(_SECOND), int(_SHIFT)
_salts: list[int] = (_SALTS.ravel() ^ np.uint32(7)).tolist()


class Word(msgspec.Struct, frozen=True):
    """What is known of one word, wherever it stands. `hashes`: per offset of OFFSETS, of what is looked at from there."""

    klass: int
    cue: int
    cased: int  # 1: lower, 2: with capitals, 0: neither
    hashes: tuple[tuple[int, ...], ...]


def key_of(shown: str) -> str:
    """Words with the same key are the same to the tagger: numbers of the same length are."""
    if shown.isalpha():
        return shown if len(shown) <= _WORD_LETTERS_MAX else shown[:1] + "~long"
    if shown.isspace():
        return "\n" if "\n" in shown else "  " if len(shown) > 1 else " "
    if "\\" in shown and len(shown.strip()) > 1:
        return "\n"
    if len(shown) > _MIXED_MAX:
        return shown[:1] + "~long" if shown[0] != " " else " ~long"
    return shown.translate(_DIGITS)


def word(key: str, lexicon: dict[int, int]) -> Word:
    """`lexicon`: from the CRC-32 of a word in small letters to its place in KINDS."""
    if key in ("\n", "  ", " "):
        return _bare("newline" if key == "\n" else "gap", NEWLINE if key == "\n" else GAP)
    spaced, body = (True, key[1:]) if key[0].isspace() else (False, key)
    if body.endswith("~long"):
        return _bare("long", LONG)
    low = body.lower()
    if any(one.isdigit() for one in body):
        kind = KINDS.index("number")
        shape = _number_shape(body)
    elif not (body[0].isalpha() or len(body) > 1):
        kind, shape = KINDS.index("mark"), ord(body[0]) if body.isascii() else 1
    else:
        kind, shape = lexicon.get(crc32(low.encode("utf-8", "replace")), 0), _letters_shape(body)
    klass = 16 + spaced + 2 * (kind + 32 * shape)
    far = [f"k{klass}", f"w{low}"]
    near = [*far, f"s{low[-3:]}"]
    here = [*near, f"S{shape}", f"a{low[:2]}", f"b{low[:3]}", f"c{low[:4]}", f"d{low[-1:]}", f"e{low[-2:]}", f"f{low[-4:]}"]
    here += [f"K{kind}.{low[-2:]}", f"L{shape}.{low[-3:]}", f"n{shape}.{min(len(low), 9)}"]
    if kind >= _NUMBER:
        near, here = far, [*far, f"S{shape}"]
    bytes_here = [one.encode("utf-8", "replace") for one in here]
    counts = (len(here), len(near), len(near), len(far), len(far))  # each of these begins with the next
    hashes = tuple(
        tuple(crc32(one, begun) for one in bytes_here[:count]) for begun, count in zip(_OFFSETS_BEGUN, counts, strict=True)
    )
    return Word(klass, kind if kind in _CUES else 0, 1 if shape == 1 else 2 if shape in (2, 3, 4, 5) else 0, hashes)


def _bare(name: str, klass: int) -> Word:
    return Word(klass, 0, 0, tuple((crc32(f"{offset}{name}".encode()),) for offset in OFFSETS))


def _letters_shape(body: str) -> int:
    if body.islower():
        return 1
    if body[0].isupper():
        if len(body) == 1:
            return 4
        return 3 if body.isupper() else 2 if body[1:].islower() else 5
    if any(one.isupper() for one in body):
        return 6
    return 7 if "\u0900" <= body[0] <= "\u097f" else 8


def _number_shape(body: str) -> int:
    if body.isdigit():
        return min(len(body), 8)
    letters = [one.isalpha() for one in body]
    if not letters[0] and letters[-1] and sum(letters) <= 2 and len(body) <= 6:
        return 9 if sum(letters) == 1 else 10  # 12B, 21st
    if letters[0] and not letters[-1] and len(body) <= 5:
        return 11  # B12
    return 12 if len(body) <= 4 else 13


def hashed(rows: Ints, salt: int) -> Ints:
    """Numbers of features as rows of the table."""
    mixed = (rows ^ np.uint32(salt)) * _MULTIPLIER
    mixed ^= mixed >> _FIFTEEN
    mixed *= _SECOND
    mixed >>= _SHIFT
    return mixed


def around(klasses: Ints, cues: Ints, small: bool) -> Ints:
    """Per word, the rows of what its neighbours are together with it: one line a pattern. `small`: hardly any capitals here."""
    count = len(klasses)
    padded = np.full(count + 4, EDGE, np.uint32)
    padded[2:-2] = klasses
    pairs = padded[:-1] * _STEP + padded[1:]  # from each place, with the next
    here, left, right = klasses, pairs[1:-2], pairs[2:-1]
    rows = np.empty((9, count), np.uint32)
    rows[0], rows[1] = left, right
    rows[2] = padded[:-4] * _STEP2 + left
    rows[3] = right * _STEP + padded[4:]
    rows[4] = left * _STEP + padded[3:-1]
    rows[5] = padded[1:-3] * _STEP + padded[3:-1]
    cue, gap = _last_cue(cues)
    rows[6] = gap * _STEP + here
    rows[7] = cue * _STEP2 + left
    rows[8] = here * np.uint32(2) + np.uint32(small)
    rows ^= _SALTS
    return hashed(rows, 7)


def around_one(klasses: list[int], cue: int, gap: int, *, small: bool) -> list[int]:
    """The same of one word: `klasses` of it, and of the two before and behind."""
    before2, before, here, after, after2 = klasses
    left, right = before * _step + here, here * _step + after
    rows = (
        left,
        right,
        before2 * _step2 + left,
        right * _step + after2,
        left * _step + after,
        before * _step + after,
        gap * _step + here,
        cue * _step2 + left,
        here * 2 + small,
    )
    found: list[int] = []
    for row, salt in zip(rows, _salts, strict=True):
        mixed = (row ^ salt) * _multiplier & _BITS
        found.append((mixed ^ mixed >> 15) * _second % _PAST >> _shift)
    return found


def _last_cue(cues: Ints) -> tuple[Ints, Ints]:
    """Per word, the last cue before it within 12 words; and the same with how far it is, in three steps."""
    if not cues.any():
        return np.zeros(len(cues), np.uint32), np.full(len(cues), 2, np.uint32)
    places = np.arange(len(cues), dtype=np.int32)
    last = np.maximum.accumulate(np.where(cues > 0, (places << 6) + cues.astype(np.int32), _NO_CUE))
    last[1:] = last[:-1].copy()
    last[0] = _NO_CUE
    far = places - (last >> 6)
    cue = (last & 63) * (far <= 12)
    gap = cue * 3 + (far > 3) + (far > 6)
    return cue.astype(np.uint32), gap.astype(np.uint32)
