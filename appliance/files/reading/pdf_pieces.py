"""A page's text as pieces: what is seen and what is hidden, in the order of reading."""

import re

import numpy as np

from appliance.files.document import Piece, Span, Where
from appliance.files.reading.pdf_page import Page
from appliance.files.reading.pdf_text import PageText, runs_of


def pieces_of(page: Page, text: PageText) -> list[Piece]:
    """`handle` of each: "PAGE:CHARACTER", where it begins in the text of the page as pdfium counts."""
    if not text.words:
        return []
    columns = page.shown(text.boxes).clip(0, 1).round(4).T.tolist()
    starts = [word.start for word in text.words]
    returns = np.array([match.start() for match in re.finditer("\r", text.text)], dtype=np.int64)
    left_out = np.searchsorted(returns, starts)  # no word has a "\r" in it
    begins, ends = np.array(starts) - left_out, np.array([word.end for word in text.words]) - left_out
    pieces: list[Piece] = []
    for first, last in runs_of(text.words):
        start = 0 if first == 0 else starts[first]
        end = len(text.text) if last == len(starts) else starts[last]
        shift = start - int(np.searchsorted(returns, start))
        places = (begins[first:last] - shift).tolist(), (ends[first:last] - shift).tolist()
        spans = list(map(Span, *places, *(column[first:last] for column in columns)))
        said = text.text[start:end].replace("\r", "")
        handle = f"{page.number}:{start}"
        pieces.append(Piece(said, Where(page=page.number), hidden=text.words[first].hidden, spans=spans, handle=handle))
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
