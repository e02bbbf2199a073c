"""A text as the classifier of attacks reads it: numbers (rows of its table) for runs of letters, for words and for cues.

Everything is counted by NumPy over whole texts; a window of a text (`WINDOW` characters) then takes its part of each list. All
time is linear in the text.
"""

import re
from collections.abc import Iterator

import msgspec
import numpy as np
from numpy.typing import NDArray

from appliance.guardrails.detectors.injection_cues import CUES as CUES
from appliance.guardrails.detectors.injection_cues import cues_in
from appliance.guardrails.normal_text import NormalText

ROWS_BITS = 20
ROWS = 1 << ROWS_BITS
WINDOW, STEP = 1_000, 700
BLOCK = 64 * STEP  # characters that are counted together
_WORD_MAX = 40

Rows = NDArray[np.uint32]
_MIX = np.uint32(0x9E3779B1)
_LETTERS = np.uint32(0x01000193)
_DATA = re.compile(
    r"\s*(?:\||[{}\[\]<>;$@*#+=/-]|\d[\d.,:/ -]*(?:[|\t,;]|$)|File \"|Traceback|at [\w.]+\(|(?:import|from|def|class|return|if|for|"
    r"else|try|except|with|while|print|var|let|const|public|private|void|int|raise|assert) ?[\w('\"]*.*[:(=;]|"
    r"[\w.-]{1,40} ?[:=] ?\S|\w+(?:\.\w+)*\(|\w*(?:Error|Exception|Warning):|(?:SUBJECT|FROM|TO|DATE|RECEIVED)\b)|.*(?:\t| \| |; ?$|,\d|,\")"
)


class Counted(msgspec.Struct):
    """A text's features, each with the place where it begins: those of a window are a slice."""

    text: str
    kinds: list[tuple[NDArray[np.intp] | None, Rows]]  # places (None: feature n begins at n), rows
    inserted: tuple[NDArray[np.intp], Rows]  # words of prose among data, once more
    data: NDArray[np.bool_]  # of each character: does its line look like data
    prose: list[tuple[int, int]]  # lines that don't


def counted(text: str) -> Counted:
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(one if len(one.lower()) != 1 else one.lower() for one in text)
    codes = np.frombuffer(lower.encode("utf-32-le", "surrogatepass"), np.uint32)
    blank = (codes == 32) | (codes == 10) | (codes == 9)
    codes = np.where((codes > 47) & (codes < 58), np.uint32(48), np.where(blank, np.uint32(32), codes))
    kinds: list[tuple[NDArray[np.intp] | None, Rows]] = []
    run = codes * _MIX
    for size in (2, 3, 4, 5):
        if len(run) < 2:
            break
        run = (run[:-1] * _LETTERS) ^ (codes[size - 1 :] * _MIX)
        if size == 2:
            places = np.flatnonzero(codes[:-1] > 0x2E00)  # two signs are a word only in such scripts
            kinds.append((places, _row(run[places], 2)))
        else:
            kinds.append((None, _row(run, size)))
    data, prose = _data(text)
    starts, words = _words(codes)
    kinds.append((starts, _row(words, 11)))
    inserted = (starts, _row(words, 21))
    for apart in (1, 2, 3):
        if len(words) > apart:
            pairs = (words[:-apart] * np.uint32(31)) ^ words[apart:]
            kinds.append((starts[:-apart], _row(pairs, 12 + min(apart, 2))))
    if len(words) > 2:
        kinds.append((starts[:-2], _row((words[:-2] * np.uint32(961)) ^ (words[1:-1] * np.uint32(31)) ^ words[2:], 15)))
    return Counted(text, kinds, inserted, data, prose)


def _row(hashes: Rows, kind: int) -> Rows:
    """Letters have the table's first half, words the second."""
    mixed = (hashes ^ np.uint32(kind * 0x85EBCA6B & 0xFFFFFFFF)) * _MIX
    mixed ^= mixed >> np.uint32(15)
    mixed *= np.uint32(0x2C1B3C6D)
    return (mixed >> np.uint32(33 - ROWS_BITS)) | np.uint32((kind > 10) << (ROWS_BITS - 1))


def _words(codes: Rows) -> tuple[NDArray[np.intp], Rows]:
    """Where each word begins, and what it is; marks are words of one sign."""
    letter = (
        (codes > 96) & (codes < 123) | (codes == 48) | (codes == 39) | (codes >= 0xAA) & ~((codes >= 0x2000) & (codes < 0x2E80))
    )
    letter &= ~((codes >= 0x3000) & (codes < 0x3040) | (codes >= 0x1F000))
    begins = np.empty(len(codes), np.bool_)
    begins[:1] = True
    begins[1:] = ~(letter[1:] & letter[:-1])
    shown = begins & (codes != 32)
    begins_all = np.flatnonzero(begins)
    if not len(begins_all):
        return begins_all, np.empty(0, np.uint32)
    inside = np.arange(len(codes)) - np.repeat(begins_all, np.diff(begins_all, append=len(codes)))
    hashes = np.add.reduceat(codes * _MIX * _POWERS[np.minimum(inside, 63)], begins_all, dtype=np.uint32)
    kept = shown[begins_all]
    return begins_all[kept], hashes[kept]


_POWERS = np.cumprod(np.full(64, 0x01000193, np.uint32), dtype=np.uint32)


def _data(text: str) -> tuple[NDArray[np.bool_], list[tuple[int, int]]]:
    """Which characters stand in lines of a table, of code, of a log, of an e-mail's head; and where the other lines are."""
    found, prose = np.zeros(len(text), np.bool_), list[tuple[int, int]]()
    place = 0
    fenced = False
    for line in text.splitlines(keepends=True):
        if line.startswith("```"):
            fenced = not fenced
        if fenced or _DATA.match(line, 0, 200):
            found[place : place + len(line)] = True
        elif len(line) > 8 and not line.isspace():
            prose.append((place, place + len(line)))
        place += len(line)
    return found, prose


_CONTENT = re.compile(r"[^\W\d_]{4,}")
_REFERS = re.compile(
    r"(?i)\b(?:th(?:is|ese|ose)|above|below|following|tables?|data|rows?|columns?|code|errors?|e-?mails?|documents?|logs?|text|function|"
    r"lists?|list(?:ed)?|it|them|fix|bug|fail\w*|here|input|file|csv|json|sort|result|invoice|message)\b"
)
_STRANGERS_MAX = 4  # lines: more are a document of their own
_LINES_MIN = 3  # fewer are no data


def _is_stranger(text: Counted, start: int, end: int) -> bool:
    """Among data, a line or a few that have no word in common with them and don't speak of them."""
    lines = [text.text[max(low, start) : min(high, end)] for low, high in text.prose if low < end and high > start]
    if not 0 < len(lines) <= _STRANGERS_MAX or text.text.count("\n", start, end) < _LINES_MIN:
        return False
    said = " ".join(lines)
    words = set(_CONTENT.findall(said.lower()))
    if len(words) < 2 or _REFERS.search(said):
        return False
    everything = text.text[start:end].lower()
    return all(everything.count(word) <= said.lower().count(word) for word in words)


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """They begin and end between words, if there are any."""
    start = 0
    while True:
        end = start + WINDOW
        if end >= len(text):
            yield start, len(text)
            return
        gap = text.rfind(" ", end - _WORD_MAX, end)
        yield start, gap if gap > 0 else end
        gap = text.find(" ", start + STEP - _WORD_MAX, start + STEP)
        start = gap + 1 if gap > 0 else start + STEP


class Window(msgspec.Struct):
    """A part of a text. rows: its hashed features, each once, rising; cues: their numbers; all_rows, places: with repeats, and where."""

    start: int
    end: int
    rows: Rows
    cues: NDArray[np.intp]
    all_rows: Rows
    places: NDArray[np.intp]


def _window(text: Counted, flat: bytes, start: int, end: int, offset: int) -> Window:
    parts = [_part(places, rows, start, end) for places, rows in text.kinds]
    data = text.data[start:end]
    share = float(data.mean()) if len(data) else 0.0
    if 0.25 < share < 1:
        places, rows = text.inserted
        low, high = np.searchsorted(places, (start, end))
        inside = ~text.data[places[low:high]]
        parts.append((rows[low:high][inside], places[low:high][inside]))
    every = np.concatenate([rows for rows, _ in parts])
    rows = np.sort(every)
    once = np.empty(len(rows), np.bool_)
    once[:1] = True
    np.not_equal(rows[1:], rows[:-1], out=once[1:])
    return Window(
        start=offset + start,
        end=offset + end,
        rows=rows[once],
        cues=cues_in(text.text[start:end], flat[start:end], share, 0.4 < share < 1 and _is_stranger(text, start, end)),
        all_rows=every,
        places=np.concatenate([places for _, places in parts]) + offset,
    )


def _part(places: NDArray[np.intp] | None, rows: Rows, start: int, end: int) -> tuple[Rows, NDArray[np.intp]]:
    if places is None:
        part = rows[start : max(start, end - 2)]
        return part, np.arange(start, start + len(part))
    low, high = np.searchsorted(places, (start, end))
    return rows[low:high], places[low:high]


def windows_of(plain: NormalText) -> Iterator[Window]:
    """Counted in blocks, so that memory is bounded."""
    for begin in range(0, max(1, len(plain.text)), BLOCK):
        stop = min(len(plain.text), begin + BLOCK + WINDOW - STEP)
        if begin and stop - begin <= WINDOW - STEP:
            return
        part, flat = counted(plain.text[begin:stop]), plain.flat[begin:stop]
        for start, end in _windows(part.text):
            yield _window(part, flat, start, end, begin)
