"""Whether a document still says what it was to hide."""

from collections.abc import Iterable, Sequence

from appliance.files.document import Change, Document

_LETTERS_MIN = 5  # fewer letters and digits stand in many places
_WORDS_MIN = 30  # letters: a name may be a part of another word, and is found or not by what stands around it


def hidden_values(document: Document, changes: Iterable[Change]) -> list[str]:
    """What `changes` took away, in letters and digits alone. A value in several parts is each of them."""
    values: dict[str, None] = {}
    for change in changes:
        piece = document.pieces[change.piece]
        was = squeezed(piece.text[change.start : change.end])
        letters_min = _WORDS_MIN if was.isalpha() and "@" not in piece.text[change.start : change.end] else _LETTERS_MIN
        if len(was) >= letters_min and was not in squeezed(change.text):
            values[was] = None
    return list(values)


def says(document: Document, values: Sequence[str]) -> bool:
    """In a text or a name; lines and columns may part it in other places."""
    said = [squeezed(text) for piece in document.pieces for text in (piece.text, piece.where.name)]
    return any(value in text for value in values for text in said)


def squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, text)).casefold()
