"""Encrypted DOCX files: opened with their password, refused without, whatever they claim."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.files.document import FileError
from appliance.files.reading import docx
from appliance.files.reading.sniff import sniff
from tests.unit.files.docx_files import CARD, everything, made, saved
from tests.unit.files.encrypted_files import agile, compound, standard
from tests.unit.files.test_docx_places import changes_of

PASSWORD = "pässwörd"
WAYS: dict[str, Callable[[bytes, str], bytes]] = {"agile": agile, "standard": standard}


def code_of(data: bytes, password: str | None, tmp_path: Path) -> str:
    with pytest.raises(FileError) as refused:
        docx.read(saved(tmp_path, data), password)
    return refused.value.code


@pytest.mark.parametrize("way", WAYS)
def test_a_document_opens_with_its_password_and_not_without(way: str, tmp_path: Path) -> None:
    data = WAYS[way](made(lambda document: document.add_paragraph(CARD)), PASSWORD)
    path = saved(tmp_path, data)
    assert sniff(path, "a.docx") == ("docx", [])
    assert docx.read(path, PASSWORD).pieces[0].text == CARD
    assert [code_of(data, other, tmp_path) for other in (None, "", "password")] == ["ENCRYPTED"] * 3


def test_what_is_redacted_has_no_password_any_more_and_says_so(tmp_path: Path) -> None:
    path, result = saved(tmp_path, agile(made(lambda document: document.add_paragraph(CARD)), PASSWORD)), tmp_path / "result.docx"
    redacted = docx.redact(path, PASSWORD, changes_of(docx.read(path, PASSWORD)), result)
    assert "its password" in redacted.dropped
    assert not [content for content in everything(result.read_bytes()) if CARD.encode() in content]


def test_a_file_that_claims_ten_million_rounds_does_not_get_them(tmp_path: Path) -> None:
    started = time.process_time()
    assert code_of(agile(b"PK", PASSWORD, claimed=10_000_000), PASSWORD, tmp_path) == "ENCRYPTED"
    assert time.process_time() - started < 2


def test_a_chain_of_sectors_that_goes_round_for_ever_is_damaged(tmp_path: Path) -> None:
    data = compound({"EncryptionInfo": bytes(9_000), "EncryptedPackage": bytes(9_000)}, loop=True)
    assert code_of(data, PASSWORD, tmp_path) == "MALFORMED"


def test_an_encrypted_file_that_holds_no_document_is_malformed(tmp_path: Path) -> None:
    assert code_of(agile(b"Hello" * 100, PASSWORD), PASSWORD, tmp_path) == "MALFORMED"


def test_damage_is_refused_with_a_code_wherever_it_is(tmp_path: Path) -> None:
    data = agile(made(), PASSWORD)
    chance, codes = random.Random(9), set()
    for _ in range(100):
        damaged = bytearray(data)
        for _ in range(4):
            damaged[chance.randrange(8, 512 if chance.random() < 0.5 else len(data))] = chance.randrange(256)
        try:
            docx.read(saved(tmp_path, bytes(damaged[: chance.choice((len(data), len(data) // 2))])), PASSWORD)
        except FileError as error:
            codes.add(error.code)
    assert codes and codes <= {"ENCRYPTED", "MALFORMED", "TOO_LARGE"}
