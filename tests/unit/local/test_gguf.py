"""The reader of GGUF headers believes nothing: whatever a file claims, it answers or refuses, quickly and in bounded memory."""

import random
import struct
import time
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from appliance.local import gguf
from appliance.local.gguf import GgufError
from appliance.local.kinds import ModelKind
from tests.unit.local import ggufs
from tests.unit.local.ggufs import HONEST, Tensor


def read(tmp_path: Path, data: bytes) -> gguf.GgufInfo:
    path = tmp_path / "model.gguf"
    path.write_bytes(data)
    return gguf.read(path)


def test_an_honest_file_says_what_it_is(tmp_path: Path) -> None:
    info = read(tmp_path, ggufs.honest())
    assert (info.architecture, info.name, info.context_tokens, info.embedding_length) == ("llama", "Small", 2048, 64)
    assert info.kind is ModelKind.CHAT
    assert info.has_chat_template
    assert not info.tools_in_template
    assert info.kv_bytes_per_token == 2 * 2 * (16 + 16) * 2  # blocks, heads, key and value, bytes
    assert info.tensors == 1


def test_the_demonstration_model_says_what_it_is(model_file: Path) -> None:
    info = gguf.read(model_file)
    assert (info.architecture, info.context_tokens, info.kind) == ("llama", 8192, ModelKind.CHAT)
    assert info.has_chat_template
    assert not info.tools_in_template
    assert info.memory_bytes(4096, 4) > info.file_bytes


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ({"llama.pooling_type": 1}, ModelKind.EMBEDDING),
        ({"llama.pooling_type": 3}, ModelKind.EMBEDDING),
        ({"llama.pooling_type": 0}, ModelKind.CHAT),
        ({"general.architecture": "bert"}, ModelKind.EMBEDDING),
    ],
)
def test_a_model_with_pooling_makes_embeddings(tmp_path: Path, values: dict[str, Any], kind: ModelKind) -> None:
    assert read(tmp_path, ggufs.honest({**HONEST, **values})).kind is kind


def test_a_template_that_knows_tools_is_told_apart(tmp_path: Path) -> None:
    assert read(tmp_path, ggufs.honest({**HONEST, "tokenizer.chat_template": "{% if tools %}…"})).tools_in_template


def nested(depth: int) -> bytes:
    return b"".join(struct.pack("<IQ", 9, 1) for _ in range(depth)) + struct.pack("<IQ", 4, 0)


HUGE = 2**63


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no GGUF"),
        (b"%PDF-1.7" + b" " * 100, "no GGUF"),
        (b"GGUF", "no GGUF"),
        (b"GGUF" + b"\0" * 20, "version 0"),
        (ggufs.header(version=1), "version 1"),
        (b"GGUF" + struct.pack(">IQQ", 3, 1, 1), "version 50331648"),  # big endian
        (ggufs.header(claims_values=HUGE), "claims 9223372036854775808 values"),
        (ggufs.header(claims_tensors=HUGE), "claims 9223372036854775808 tensors"),
        (ggufs.header(claims_values=len(HONEST) + 1), "header"),
        (ggufs.header(claims_tensors=2), "header"),
        (ggufs.header(), "beyond the end"),  # no data at all
        (ggufs.honest()[:-1], "1 bytes beyond the end"),
        (ggufs.header(tensors=[Tensor(offset=2**62)]) + bytes(128), "beyond the end"),
        (ggufs.header(tensors=[Tensor(dimensions=(2**40, 2**40))]) + bytes(128), "beyond the end"),
        (ggufs.header(tensors=[Tensor(dimensions=(1,) * 5)]) + bytes(128), "5 dimensions"),
        (ggufs.header(tensors=[Tensor(offset=1)]) + bytes(256), "not aligned"),
        (ggufs.header(tensors=[Tensor(dimensions=(33,), kind=2)]) + bytes(256), "no whole blocks"),
        (ggufs.header(tensors=[Tensor(kind=4000, offset=2**40)]) + bytes(256), "beyond the end"),
        (ggufs.honest({**HONEST, "general.alignment": 0}), "impossible alignment"),
        (ggufs.honest({**HONEST, "general.alignment": 24}), "impossible alignment"),
        (ggufs.honest({**HONEST, "general.alignment": "x"}), "impossible alignment"),
        (ggufs.honest({"general.name": "x"}), "no architecture"),
        (ggufs.honest({**HONEST, "general.architecture": 7}), "no architecture"),
        (ggufs.honest({**HONEST, "general.type": "adapter"}), "adapter"),
        (ggufs.honest({**HONEST, "split.count": 3}), "several"),
        (ggufs.honest({**HONEST, "llama.pooling_type": 4}), "ranks"),
        (ggufs.header(tensors=[]), "no tensors"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 2) + (ggufs.text("a") + ggufs.value(1)) * 2, "twice"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", HUGE), "bytes in a string"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + struct.pack("<Q", 1000) + b"short", "ends inside its header"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + ggufs.text("a") + struct.pack("<I", 99), "unknown type 99"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + ggufs.text("a") + struct.pack("<IIQ", 9, 4, HUGE), "items in an array"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + ggufs.text("a") + struct.pack("<IIQ", 9, 4, 10**6), "ends inside"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + ggufs.text("a") + struct.pack("<I", 9) + nested(100), "unsupported type 9"),
    ],
)
def test_a_file_that_lies_is_refused_with_the_reason(tmp_path: Path, data: bytes, complaint: str) -> None:
    with pytest.raises(GgufError, match=complaint):
        read(tmp_path, data)


def test_a_file_cut_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = ggufs.honest()
    for cut in range(len(whole)):
        with pytest.raises(GgufError):
            read(tmp_path, whole[:cut])


def test_a_header_that_claims_much_costs_little(tmp_path: Path) -> None:
    strings = b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + ggufs.text("a") + struct.pack("<IIQ", 9, 8, 8_000_000)
    tracemalloc.start()
    started = time.monotonic()
    with pytest.raises(GgufError):
        read(tmp_path, strings + bytes(1_000_000))
    assert tracemalloc.get_traced_memory()[1] < 20_000_000
    tracemalloc.stop()
    assert time.monotonic() - started < 30


@pytest.mark.parametrize("seed", range(20))
def test_mutated_files_are_answered_or_refused_and_nothing_else_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    whole = ggufs.honest()
    for _ in range(100):
        data = bytearray(whole)
        for _ in range(chance.randint(1, 8)):
            position = chance.randrange(len(data))
            match chance.randrange(4):
                case 0:
                    data[position] = chance.randrange(256)
                case 1:
                    del data[position : position + chance.randrange(1, 16)]
                case 2:
                    data[position:position] = chance.randbytes(chance.randrange(1, 16))
                case 3:
                    data[position : position + 8] = struct.pack("<Q", chance.choice([0, 1, 2**31, 2**32, 2**63, 2**64 - 1]))
        try:
            said = read(tmp_path, bytes(data)).name
        except GgufError as error:
            said = str(error)
        assert len(said) < 500
