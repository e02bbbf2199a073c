"""The text that a scanner's OCR leaves under a picture: nobody sees it, yet it is what the picture shows. Where our own OCR read
the same there, it isn't hidden; where it didn't, something else was put there."""

import re

from appliance.files.document import UNDER_PICTURE, Document, Piece

_WORD = re.compile(r"[^\W_]{2,}")
_STRANGE_RUN = 4  # so many words on end that the picture doesn't show are no mistakes of reading
_KNOWN_SHARE = 0.6
_ALIKE = 0.5  # share of a word's pairs of letters: "rnodern" is "modern"


def confirm(document: Document) -> None:
    """Takes `hidden` off texts under pictures that the picture shows. To be called when its pictures have been read."""
    for piece in document.pieces:
        if piece.hidden == UNDER_PICTURE and _is_shown(piece, _read_on(document, piece.where.page)):
            piece.hidden = ""


def _read_on(document: Document, page: int) -> list[str]:
    texts = (piece.text for piece in document.pieces if piece.engine and piece.where.page == page)
    return [word for text in texts for word in _words(text)]


def _is_shown(piece: Piece, read: list[str]) -> bool:
    words = _words(piece.text)
    known, joined = set(read), "".join(read)
    alike = _Alike(known)
    strange = run = 0
    for word in words:
        if word in known or word in joined or alike.has(word):
            run = 0
            continue
        strange, run = strange + 1, run + 1
        if run >= _STRANGE_RUN:
            return False
    return bool(words) and strange <= (1 - _KNOWN_SHARE) * len(words)


def _words(text: str) -> list[str]:
    return [word.casefold() for word in _WORD.findall(text)]


class _Alike:
    """Words that were read, by their pairs of letters."""

    def __init__(self, words: set[str]) -> None:
        self._by_pair: dict[str, list[str]] = {}
        for word in words:
            for pair in _pairs(word):
                self._by_pair.setdefault(pair, []).append(word)

    def has(self, word: str) -> bool:
        pairs = _pairs(word)
        shared: dict[str, int] = {}
        for pair in pairs:
            for other in self._by_pair.get(pair, ()):
                shared[other] = shared.get(other, 0) + 1
        return any(count >= _ALIKE * max(len(pairs), len(_pairs(other))) for other, count in shared.items())


def _pairs(word: str) -> set[str]:
    return {word[at : at + 2] for at in range(len(word) - 1)}
