"""A redacted file is read once more before it is given out."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest

from appliance.files.document import Change, Document, FileError, Piece, Redacted, Where
from appliance.gateway.file_scan import FileScan, Progress
from appliance.guardrails.guard import Guard
from appliance.guardrails.house import make_guard
from tests.unit.gateway.test_file_scan import EMAIL, SSN, Walls, policy


class Writer:
    """Its redacted file says `left`, whatever was asked for."""

    def __init__(self, left: Document) -> None:
        self.document = Document("pdf", [Piece(f"Write to {EMAIL}. SSN: {SSN}", Where(page=1))], pages=1)
        self.left = left
        self.given: Document | None = None

    async def read(self, path: Path, *, name: str = "", password: str = "", on_progress: Progress | None = None) -> Document:
        return self.left if path.name == "redacted.pdf" else self.document

    async def redact(
        self, path: Path, changes: Sequence[Change], result: Path, *, password: str = "", document: Document | None = None
    ) -> Redacted:
        self.given = document
        await asyncio.to_thread(result.write_bytes, b"%PDF-")
        return Redacted("pdf", 1)

    async def level(self) -> Walls:
        return Walls()


@pytest.fixture(scope="module")
def guard() -> Guard:
    return make_guard(lambda key: False)


async def redacted(guard: Guard, left: Document, folder: Path) -> tuple[Path, Writer]:
    writer, result = Writer(left), folder / "redacted.pdf"
    scan = FileScan(writer, guard, policy())
    await scan.redact(folder / "file.pdf", await scan.scan(folder / "file.pdf", "file.pdf"), result)
    return result, writer


async def test_what_was_hidden_is_given_out_and_read_once(guard: Guard, tmp_path: Path) -> None:
    result, writer = await redacted(guard, Document("pdf", [Piece("Write to [EMAIL]. SSN: [US_SSN]", Where(page=1))]), tmp_path)
    assert result.exists()
    assert writer.given is writer.document


@pytest.mark.parametrize(
    "left",
    [
        Document("pdf", [Piece(f"SSN: {SSN}", Where(page=1))]),
        Document("pdf", [Piece("123-45-\n6789", Where("picture", page=1), engine="an engine")]),
        Document("pdf", [Piece("a note", Where("attachment", name=f"{EMAIL}.txt"))]),
        Document("pdf", [Piece("nothing")], unread=["page 1"]),
    ],
)
async def test_a_file_that_still_says_it_is_not_given_out(guard: Guard, left: Document, tmp_path: Path) -> None:
    with pytest.raises(FileError) as error:
        await redacted(guard, left, tmp_path)
    assert SSN not in str(error.value)
    assert not (tmp_path / "redacted.pdf").exists()
