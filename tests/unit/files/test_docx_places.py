"""Nothing hides in a DOCX: every place is read, and nothing is left of a value in the redacted file."""

import io
import re
from pathlib import Path

import docx as python_docx
import pytest

from appliance.files.document import Change, Document
from appliance.files.reading import docx
from tests.unit.files.docx_files import CARD, everything, saved
from tests.unit.files.docx_places import PLACES

VALUE = re.compile(r"4111\s*1111\s*1111\s*1111")


def changes_of(document: Document, instead: str = "[CARD]") -> list[Change]:
    """As a policy makes them: of values in pieces; and of the piece, where a value stands in its name."""
    found = [
        Change(number, match.start(), match.end(), instead)
        for number, piece in enumerate(document.pieces)
        for match in VALUE.finditer(piece.text)
    ]
    named = [number for number, piece in enumerate(document.pieces) if VALUE.search(piece.where.name)]
    return found + [Change(number, 0, len(document.pieces[number].text), instead) for number in named]


def texts_in(data: bytes) -> list[str]:
    """Every part as text: with its tags (attributes, names), and without (values that are split over runs)."""
    found: list[str] = []
    for content in everything(data):
        for encoding in ("utf-8", "utf-16-le"):
            text = content.decode(encoding, "ignore")
            found += [text, re.sub(r"<[^>]*>", "", text)]
    return found


@pytest.mark.parametrize("place", PLACES)
def test_a_value_is_found_in(place: str, tmp_path: Path) -> None:
    document = docx.read(saved(tmp_path, PLACES[place]()), None)
    assert changes_of(document), [piece.text for piece in document.pieces]
    assert not document.unread


@pytest.mark.parametrize("place", PLACES)
def test_nothing_is_left_of_a_value_in(place: str, tmp_path: Path) -> None:
    path, result = saved(tmp_path, PLACES[place]()), tmp_path / "redacted.docx"
    redacted = docx.redact(path, None, changes_of(docx.read(path, None)), result)
    assert redacted.kind == "docx"
    data = result.read_bytes()
    assert not [text[:200] for text in texts_in(data) if VALUE.search(text) or CARD.replace(" ", "%20") in text]
    assert not changes_of(docx.read(result, None))
    python_docx.Document(io.BytesIO(data))
