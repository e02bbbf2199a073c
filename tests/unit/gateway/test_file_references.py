"""Which parts of a request name a file, which hold a document, and what each kind of deployment is given instead."""

import base64
from typing import Any

import pytest

from appliance.files.document import Document, Piece, Where
from appliance.gateway.file_changes import text_of
from appliance.gateway.file_references import references
from appliance.gateway.file_types import kind_of_bytes, media_type_of
from appliance.gateway.files_as_text import as_text, documents, takes

PDF = b"%PDF-1.7\n" + b"x" * 4_000
ID = "file-mfrggzdfmztwq2lknnwg23tp"


def uri(data: bytes, kind: str = "application/pdf") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def asked(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


@pytest.mark.parametrize(
    ("part", "named"),
    [
        ({"type": "file", "file": {"file_id": ID}}, True),
        ({"type": "input_file", "file_id": ID}, True),
        ({"type": "input_image", "file_id": ID}, True),
        ({"type": "document", "source": {"type": "file", "file_id": ID}}, True),
        ({"type": "image", "source": {"type": "file", "file_id": ID}}, True),
        ({"type": "tool_result", "content": [{"type": "image", "source": {"type": "file", "file_id": ID}}]}, True),
        ({"type": "file", "file": {"file_data": uri(PDF)}}, False),
        ({"type": "file", "file": {"file_id": None, "file_data": uri(PDF)}}, False),
        ({"type": "file", "file": "nonsense"}, False),
        ({"type": "file"}, False),
        ({"type": "document", "source": {"type": "base64", "file_id": ID}}, False),
        ({"type": "tool_use", "input": {"type": "file", "file": {"file_id": ID}}}, False),
        ({"type": "text", "text": "x", "file_id": ID}, False),
        ({"type": 7, "file_id": ID}, False),
    ],
)
def test_what_names_a_file(part: dict[str, Any], named: bool) -> None:
    for raw in (asked(part), {"input": [{"role": "user", "content": [part]}]}):
        assert [one.file_id for one in references(raw)] == ([ID] if named else [])


@pytest.mark.parametrize(
    ("data", "said", "kind"),
    [
        (PDF, "text/plain", "pdf"),
        (b"junk before it %PDF-1.4", "", "pdf"),
        (b"\x89PNG\r\n\x1a\nx", "application/pdf", "png"),
        (b"RIFF....WEBP", "", "webp"),
        (b"PK\x03\x04...word/document.xml", "", "docx"),
        (b"PK\x03\x04...xl/workbook.xml", "", "other"),
        (b"a,b\n1,2", "text/csv", "csv"),
        (b"a,b\n1,2", "application/octet-stream", "text"),
        ("\u0939\u093f\u0928".encode(), "text/markdown; charset=utf-8", "markdown"),
        ("text".encode("utf-16"), "", "text"),
        (b"\0\1\2\3", "", "other"),
        (b"", "", "text"),
    ],
)
def test_kinds_are_told_by_their_first_bytes(data: bytes, said: str, kind: str) -> None:
    assert kind_of_bytes(data, said) == kind


def test_what_nobody_knows_keeps_the_type_that_its_sender_gave_it() -> None:
    assert media_type_of(b"\0\1", "audio/mpeg") == "audio/mpeg"
    assert media_type_of(b"\0\1", "") == "application/octet-stream"
    assert media_type_of(PDF, "text/html") == "application/pdf"


def test_documents_are_found_in_every_form_and_pictures_are_none() -> None:
    parts = [
        {"type": "file", "file": {"filename": "a.pdf", "file_data": uri(PDF)}},
        {"type": "file", "file": {"file_data": base64.b64encode(PDF).decode()}},
        {"type": "input_file", "filename": "b.csv", "file_data": uri(b"a,b", "text/csv")},
        {"type": "document", "title": "C", "source": {"type": "base64", "data": base64.b64encode(PDF).decode()}},
        {"type": "document", "source": {"type": "text", "media_type": "text/plain", "data": "words"}},
        {"type": "document", "source": {"type": "url", "url": "https://x.example"}},
        {"type": "file", "file": {"file_data": uri(b"\x89PNG\r\n\x1a\n", "image/png")}},
        {"type": "file", "file": {"file_data": "no base64 at all!"}},
        {"type": "image", "source": {"type": "base64", "data": "iVBORw0KGgo="}},
    ]
    found = [(one.path[-1], one.kind, one.name) for one in documents(asked(*parts))]
    assert found == [(0, "pdf", "a.pdf"), (1, "pdf", ""), (2, "csv", "b.csv"), (3, "pdf", "C"), (4, "text source", "")]


@pytest.mark.parametrize(
    ("kind", "dialect", "pdf", "docx"),
    [
        ("openai", "openai_chat", True, False),
        ("azure", "openai_chat", True, False),
        ("openai", "openai_responses", True, False),
        ("openai-compatible", "openai_chat", True, False),
        ("openai-compatible", "openai_responses", False, False),
        ("anthropic", "anthropic_messages", True, False),
        ("anthropic", "openai_chat", False, False),
        ("openai", "anthropic_messages", False, False),
        ("vllm", "openai_chat", False, False),
        ("llamacpp", "openai_chat", False, False),
        ("google", "openai_chat", False, False),
        ("bedrock", "openai_chat", False, False),
    ],
)
def test_who_takes_what(kind: str, dialect: str, pdf: bool, docx: bool) -> None:
    assert ("pdf" in takes(kind, dialect), "docx" in takes(kind, dialect)) == (pdf, docx)


def test_a_text_stands_in_the_place_of_a_file_and_keeps_what_belongs_to_the_place() -> None:
    assert as_text({"type": "input_file"}, "words", "a.pdf") == {"type": "input_text", "text": "[a.pdf]\nwords"}
    kept = as_text({"type": "document", "cache_control": {"type": "ephemeral"}}, " \n")
    assert kept == {"type": "text", "text": "[a file without text]", "cache_control": {"type": "ephemeral"}}


def test_what_stands_beside_a_document_is_no_text_of_it() -> None:
    pieces = [
        Piece("Hello"),
        Piece("python-docx", Where("metadata", name="creator")),
        Piece("unseen", hidden="white on white"),
        Piece("gone", Where("deletion")),
        Piece("a note", Where("footnote")),
    ]
    assert text_of(Document("docx", pieces), ()) == "Hello\na note"
