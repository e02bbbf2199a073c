"""A page's text as pieces: what is seen and what is hidden, in the order of reading."""

import re
from bisect import bisect_left

from appliance.files.document import Piece, Span, Where
from appliance.files.reading.pdf_page import Page
from appliance.files.reading.pdf_text import PageText, Word


def pieces_of(page: Page, text: PageText) -> list[Piece]:
    """`handle` of each: "PAGE:CHARACTER", where it begins in the text of the page as pdfium counts."""
    if not text.words:
        return []
    boxes = page.shown([word.box for word in text.words]).clip(0, 1).round(4).tolist()
    returns = _returns(text.text)
    pieces: list[Piece] = []
    for first, last in _runs(text.words):
        start = 0 if first == 0 else text.words[first].start
        end = len(text.text) if last == len(text.words) else text.words[last].start
        left_out = bisect_left(returns, start)
        spans = []
        for word, box in zip(text.words[first:last], boxes[first:last], strict=True):
            shift = start + bisect_left(returns, word.start) - left_out  # no word has a "\r" in it
            spans.append(Span(word.start - shift, word.end - shift, *box))
        where = Where(page=page.number)
        said = text.text[start:end].replace("\r", "")
        pieces.append(Piece(said, where, hidden=text.words[first].hidden, spans=spans, handle=f"{page.number}:{start}"))
    return pieces


def characters_of(text: str, piece_start: int, start: int, end: int) -> list[int]:
    """Which of pdfium's characters are `start` to `end` of the piece that begins at `piece_start`."""
    numbers = []
    at = 0
    for index in range(piece_start, len(text)):
        if at >= end:
            break
        if text[index] != "\r":
            if at >= start:
                numbers.append(index)
            at += 1
    return numbers


def _returns(text: str) -> list[int]:
    """Where each "\r" stands."""
    return [match.start() for match in re.finditer("\r", text)]


def _runs(words: list[Word]) -> list[tuple[int, int]]:
    """First and last + 1 of words that stand together and are hidden for the same reason, or not hidden."""
    runs = []
    begun = 0
    for index in range(1, len(words) + 1):
        if index == len(words) or words[index].hidden != words[begun].hidden:
            runs.append((begun, index))
            begun = index
    return runs
