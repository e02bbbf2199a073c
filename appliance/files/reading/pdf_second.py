"""A second reading of a page's text, by pypdf. pdfium leaves some out: what an alternative text stands for, what it takes for
the same text twice, what it can't parse."""

import io
import re
import unicodedata

from pypdf import PageObject
from pypdf.generic import read_hex_string_from_stream, read_string_from_stream

from appliance.files.document import Piece, Span, Where
from appliance.files.reading.pdf_bounds import BROKEN
from appliance.files.reading.pdf_embedded import string_text
from appliance.files.reading.pdf_opening import OpenPdf

_FEW_PAGES = 5  # in short files it is done always; it takes as long as all the rest
# Strings in content that aren't drawn: they stand at keys. And comments.
_ALTERNATIVE = re.compile(rb"/[A-Za-z][\w.]{0,60}\s*([(<][^<])")
_COMMENT = re.compile(rb"(?:^|[\r\n\t ])%([^\r\n]{6,2000})")
_SHOWS_TEXT = re.compile(rb"\bT[jJ]\b|['\"]\s")
_SPACE = re.compile(r"\s+")
_LINE_LETTERS_MIN = 3


def second_reading(pdf: OpenPdf, number: int, first: str, content: bytes) -> list[Piece]:
    """What the first reading lacks, without places: its box is the page. `content`: the page's own, unpacked."""
    if number > len(pdf.pages) or not content:
        return []
    page = pdf.pages[number - 1]
    pieces = []
    if len(pdf.pages) <= _FEW_PAGES or b"/ActualText" in content or (not first.strip() and _SHOWS_TEXT.search(content)):
        lacking = _lacking(_text(pdf, page), first)
        if lacking:
            pieces.append(Piece(lacking, Where(page=number), spans=[Span(0, len(lacking), 0.0, 0.0, 1.0, 1.0)]))
    for text in undrawn_words(content):
        if squeezed(text) not in squeezed(first):
            where = Where("alternative text", number)
            pieces.append(Piece(text, where))
    return pieces


def _text(pdf: OpenPdf, page: PageObject) -> str:
    pdf.deadline.check()
    try:
        return page.extract_text()
    except BROKEN:
        return ""  # pdfium has read it


def _lacking(second: str, first: str) -> str:
    """Lines that say something else, or the words alone in which a line that is known differs: readers join words differently."""
    known = squeezed(first)
    shuffled = {_shuffled(line) for line in first.splitlines()}
    lacking = []
    for line in second.splitlines():
        if _letters(line) < _LINE_LETTERS_MIN or squeezed(line) in known or _shuffled(line) in shuffled:
            continue
        strange = [word for word in line.split() if _letters(word) and squeezed(word) not in known]
        if _letters("".join(strange)) >= _LINE_LETTERS_MIN:
            is_other = _letters("".join(strange)) * 3 > _letters(line)
            lacking.append(line if is_other else " ".join(strange))
    return "\n".join(lacking)


def _shuffled(line: str) -> str:
    """The same for the same letters in another order: pypdf has those of a line in the order in which they were drawn."""
    return "".join(sorted(squeezed(line)))


def _letters(text: str) -> int:
    return sum(map(str.isalnum, text))


def undrawn_words(content: bytes) -> list[str]:
    """In strings that stand at keys, and in comments."""
    found = []
    for match in _ALTERNATIVE.finditer(content):
        stream = io.BytesIO(content[match.start(1) : match.start(1) + 20_000])
        try:
            value = (read_string_from_stream if content[match.start(1)] == 0x28 else read_hex_string_from_stream)(stream)
        except Exception:  # pypdf raises what it likes for a damaged one
            continue
        if text := string_text(value):
            found.append(text)
    if b"%" in content:
        comments = (string_text(match.group(1).rstrip(b") ")) for match in _COMMENT.finditer(content))
        found += [text for text in comments if text]
    return found


def squeezed(text: str) -> str:
    return _SPACE.sub("", unicodedata.normalize("NFKC", text)).replace("-", "")
