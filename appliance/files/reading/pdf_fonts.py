"""Fonts whose table of characters (ToUnicode) says something else than the names of their letters.

Readers take the table, people see the letters, and an extractor that knows no tables takes the names: a value may be in one and
not in the others. Only of fonts with a byte a letter: the others have numbers in the place of names.
"""

import re
from typing import Any, NamedTuple

from pypdf import PageObject
from pypdf._codecs.adobe_glyphs import adobe_glyphs
from pypdf.errors import LimitReachedError
from pypdf.generic import DictionaryObject, IndirectObject, NameObject, NumberObject, StreamObject

from appliance.files.reading.pdf_bounds import BROKEN
from appliance.files.reading.pdf_place import at

_TABLE_BYTES_MAX = 200_000
_FONTS_MAX = 500
_WITH_BYTES = frozenset(("/Type1", "/MMType1", "/TrueType", "/Type3"))
_BY_NAME = frozenset(("/Type1", "/TrueType"))
_ENCODINGS = frozenset(("/WinAnsiEncoding", "/MacRomanEncoding", "/StandardEncoding"))  # the same for ASCII's letters and digits
_PART = re.compile(rb"begin(bfchar|bfrange)(.*?)end\1", re.DOTALL)
_CHARACTER = re.compile(rb"<\s*([0-9A-Fa-f]{1,4})\s*>\s*<([0-9A-Fa-f\s]*)>")
_RANGE = re.compile(rb"<\s*([0-9A-Fa-f]{1,4})\s*>\s*<\s*([0-9A-Fa-f]{1,4})\s*>\s*(?:<([0-9A-Fa-f\s]*)>|\[([^\]]*)\])")
_ITEM = re.compile(rb"<([0-9A-Fa-f\s]*)>")


class Told(NamedTuple):
    """contradicts: a table says something else than its letters' names. draws: its letters are in the file, drawn as it likes."""

    contradicts: bool
    draws: bool


UNKNOWN = Told(contradicts=False, draws=True)


class Fonts:
    """Of one file: each font is looked at once."""

    def __init__(self) -> None:
        self._seen: dict[int, Told] = {}

    def told(self, page: PageObject) -> Told:
        """Of all that the page names. Those of forms aren't looked at: they may draw as they like."""
        resources = at(page, "/Resources")
        if not isinstance(resources, DictionaryObject):
            return UNKNOWN
        named = at(resources, "/Font")
        keys = list(named)[:_FONTS_MAX] if isinstance(named, DictionaryObject) else []
        told = [self._told(named.raw_get(key)) for key in keys]
        draws = "/XObject" in resources or any(each.draws for each in told)
        return Told(any(each.contradicts for each in told), draws)

    def _told(self, reference: Any) -> Told:
        number = reference.idnum if isinstance(reference, IndirectObject) else 0
        if number not in self._seen or not number:
            try:
                font = reference.get_object()
                self._seen[number] = Told(_contradicts(font), _draws(font))
            except (LimitReachedError, MemoryError):
                raise
            except BROKEN:
                self._seen[number] = UNKNOWN
        return self._seen[number]


def _draws(font: Any) -> bool:
    """Whether it is no font that every reader has."""
    if not isinstance(font, DictionaryObject) or at(font, "/Subtype") not in _BY_NAME:
        return True
    told = at(font, "/FontDescriptor")
    return isinstance(told, DictionaryObject) and any(key in told for key in ("/FontFile", "/FontFile2", "/FontFile3"))


def _contradicts(font: Any) -> bool:
    if not isinstance(font, DictionaryObject) or at(font, "/Subtype") not in _WITH_BYTES:
        return False
    table = at(font, "/ToUnicode")
    names = _named(at(font, "/Encoding")) if isinstance(table, StreamObject) else {}
    said = _said(table.get_data()[:_TABLE_BYTES_MAX]) if names else {}
    return any(code in said and said[code].casefold() != letter.casefold() for code, letter in names.items())


def _named(encoding: Any) -> dict[int, str]:
    """The letters and digits of ASCII that codes stand for by the names of their shapes."""
    base = at(encoding, "/BaseEncoding") if isinstance(encoding, DictionaryObject) else encoding
    found: dict[int, str] = {}
    if isinstance(base, NameObject) and base in _ENCODINGS:
        found = {code: chr(code) for code in range(0x80) if chr(code).isalnum()}
    differences = at(encoding, "/Differences") if isinstance(encoding, DictionaryObject) else None
    code = 0
    for each in differences if isinstance(differences, list) else ():
        one = each.get_object()
        if isinstance(one, NumberObject):
            code = int(one)
        elif isinstance(one, NameObject):
            letter = str(adobe_glyphs.get(str(one), ""))
            found.pop(code, None)
            if len(letter) == 1 and letter.isascii() and letter.isalnum():
                found[code] = letter
            code += 1
    return found


def _said(table: bytes) -> dict[int, str]:
    found: dict[int, str] = {}
    for kind, part in _PART.findall(table):
        if kind == b"bfchar":
            found |= {int(code, 16): _text(value) for code, value in _CHARACTER.findall(part)}
            continue
        for first, last, value, items in _RANGE.findall(part):
            begin, end = int(first, 16), min(int(last, 16), 0xFF)
            texts = [_text(item) for item in _ITEM.findall(items)]
            for code in range(begin, end + 1):
                step = code - begin
                found[code] = (texts[step] if step < len(texts) else "") if items else _after(_text(value), step)
    return found


def _text(digits: bytes) -> str:
    digits = b"".join(digits.split())
    return bytes.fromhex((digits + b"0" * (len(digits) % 2)).decode()).decode("utf-16-be", "replace")


def _after(text: str, step: int) -> str:
    return text[:-1] + chr(min(ord(text[-1]) + step, 0x10FFFF)) if text else ""
