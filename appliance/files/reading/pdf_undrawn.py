"""Texts that pages carry and draw nowhere, and those that they draw in a way in which no reader looks for a text."""

from collections.abc import Iterator
from typing import Any

from pypdf import PageObject
from pypdf.generic import DictionaryObject, IndirectObject, StreamObject

from appliance.files.document import Piece, Where
from appliance.files.reading.pdf_bounds import BROKEN
from appliance.files.reading.pdf_content import Contents
from appliance.files.reading.pdf_embedded import string_text
from appliance.files.reading.pdf_opening import OpenPdf
from appliance.files.reading.pdf_place import at
from appliance.files.reading.pdf_streams import drawn_strings, draws_text

_GLYPHS_MAX = 300
_FORMS_MAX = 500


def undrawn(pdf: OpenPdf, contents: Contents) -> list[Piece]:
    """Forms that no page draws. `contents`: of all of its pages."""
    pieces: list[Piece] = []
    seen = set(contents.forms)
    for number, page in enumerate(pdf.pages, 1):
        for reference in _forms(page):
            if reference.idnum in seen or len(seen) > len(contents.forms) + _FORMS_MAX:
                continue
            seen.add(reference.idnum)
            pdf.deadline.check()
            data = _data(reference.get_object())
            if draws_text(data) and (text := drawn_strings(data)):
                pieces.append(Piece(text, Where("metadata", number, "drawn nowhere")))
    return pieces


def by_codes(content: bytes, number: int) -> list[Piece]:
    """The strings of a page's content without its fonts, as some extractors read them."""
    text = drawn_strings(content).strip()
    return [Piece(text, Where("alternative text", number, "codes of its letters"))] if string_text(text) else []


def _forms(page: PageObject) -> Iterator[IndirectObject]:
    named = at(_resources(page), "/XObject")
    for key in named if isinstance(named, DictionaryObject) else ():
        reference = named.raw_get(key)
        if isinstance(reference, IndirectObject) and _is_form(reference):
            yield reference


def _is_form(reference: IndirectObject) -> bool:
    try:
        found = reference.get_object()
    except BROKEN:
        return False
    return isinstance(found, StreamObject) and at(found, "/Subtype") == "/Form"


def odd_text(page: PageObject) -> str:
    """Why a page must be looked at: letters that are texts in other fonts, or a mask that is one. "": it needn't be."""
    resources = _resources(page)
    for font in _values(at(resources, "/Font")):
        glyphs = _values(at(font, "/CharProcs")) if at(font, "/Subtype") == "/Type3" else []
        if any(draws_text(_data(each)) for each in glyphs[:_GLYPHS_MAX]):
            return "letters that are texts of their own"
    for state in _values(at(resources, "/ExtGState")):
        mask = at(state, "/SMask")
        if isinstance(mask, DictionaryObject) and draws_text(_data(at(mask, "/G"))):
            return "a mask that is a text"
    return ""


def _resources(page: PageObject) -> DictionaryObject:
    found = at(page, "/Resources")
    return found if isinstance(found, DictionaryObject) else DictionaryObject()


def _values(named: Any) -> list[DictionaryObject]:
    found = [at(named, key) for key in named] if isinstance(named, DictionaryObject) else []
    return [each for each in found if isinstance(each, DictionaryObject)]


def _data(stream: Any) -> bytes:
    try:
        return stream.get_data() if isinstance(stream, StreamObject) else b""
    except BROKEN:
        return b""
