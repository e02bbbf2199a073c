"""The reader of GGUF headers believes nothing: whatever a file claims, it answers or refuses, quickly and in bounded memory."""

import os
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
        (ggufs.header(tensors=[Tensor(dimensions=(2**40, 2**40))]) + bytes(128), "impossibly many"),
        (ggufs.header(tensors=[Tensor(dimensions=(2**32, 2**32))]) + bytes(128), "impossibly many"),  # 0, to 64 bits
        (ggufs.header(tensors=[Tensor(dimensions=(2**32, 2**32), kind=4000)]) + bytes(128), "impossibly many"),
        (ggufs.header(tensors=[Tensor(dimensions=(2**62,))]) + bytes(128), "beyond the end"),  # 0 bytes, to 64 bits
        (ggufs.header(tensors=[Tensor(dimensions=(32, 0))]) + bytes(128), "has no numbers"),
        (ggufs.header(tensors=[Tensor(offset=2**64 - 32)]) + bytes(128), "beyond the end"),  # -32, to 64 bits
        (ggufs.header(tensors=[Tensor("a"), Tensor("b", offset=32)]) + bytes(256), "'a' and 'b' overlap"),
        (
            ggufs.header(tensors=[Tensor("b", offset=128), Tensor("a"), Tensor("c", offset=128)]) + bytes(512),
            "'b' and 'c' overlap",
        ),
        (ggufs.header(tensors=[Tensor("a", kind=4000), Tensor("b", kind=4000)]) + bytes(256), "overlap"),
        (ggufs.header(tensors=[Tensor("a"), Tensor("a", offset=128)]) + bytes(256), "the same name"),
        (ggufs.header(tensors=[Tensor("a" * 64)]) + bytes(128), "a tensor's name has 64 bytes"),
        (ggufs.header(tensors=[Tensor(kind=4)]) + bytes(128), "no longer reads"),
        (ggufs.header(tensors=[Tensor(dimensions=(), kind=2)]) + bytes(128), "no whole blocks"),
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
        (ggufs.honest({**HONEST, "general.type": 5}), "general.type is no text"),
        (ggufs.honest({**HONEST, "general.architecture": ""}), "no architecture"),
        (ggufs.honest({**HONEST, "general.architecture": "a" * 65}), "no architecture"),
        (ggufs.honest({**HONEST, "tokenizer.chat_template": 5}), "chat_template is no text"),
        (ggufs.honest({**HONEST, "tokenizer.chat_template": ["a"]}), "chat_template is no text"),
        (ggufs.honest({**HONEST, "tokenizer.chat_template": "a" * 256_001}), "chat_template has 256001 bytes"),
        (ggufs.honest({**HONEST, "llama.context_length": "many"}), "no number, which is no count"),
        (ggufs.honest({**HONEST, "llama.context_length": 1.5}), "is no count"),
        (ggufs.honest({**HONEST, "llama.context_length": True}), "is no count"),
        (ggufs.honest({**HONEST, "llama.context_length": [1, 2]}), "is no count"),
        (ggufs.honest({**HONEST, "llama.block_count": 1025}), "claims 1025 layers"),
        (ggufs.honest({**HONEST, "llama.attention.head_count_kv": "two"}), "is no count"),
        (ggufs.honest({**HONEST, "llama.attention.head_count_kv": [2]}), "1 items for 2 layers"),
        (ggufs.honest({**HONEST, "llama.attention.head_count_kv": [2, 2.5][1:] * 2}), "is no count"),
        (ggufs.honest({**HONEST, "llama.attention.head_count_kv": ["a", "b"]}), "2 items for 2 layers"),
        (ggufs.honest({**HONEST, "llama.attention.head_count_kv": [1] * 2000}), "2000 items for 2 layers"),
        (ggufs.honest({**HONEST, "tokenizer.ggml.tokens": 5}), "tokens are no list"),
        (ggufs.honest({**HONEST, "x" * 1025: 5}), "a key has 1025 bytes"),
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


def test_millions_of_tiny_strings_are_counted_in_a_moment(tmp_path: Path) -> None:
    one = struct.pack("<Q", 1) + b"x"
    begin = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + ggufs.text("a")
    started = time.process_time()
    with pytest.raises(GgufError, match="ends inside"):
        read(tmp_path, begin + struct.pack("<IIQ", 9, 8, 4_000_000) + one * 3_999_000)
    assert time.process_time() - started < 15  # about two, on a quiet machine
    with pytest.raises(GgufError, match="more than 4000000 strings"):
        read(tmp_path, begin + struct.pack("<IIQ", 9, 8, 8_000_000) + one * 1000)


def test_a_header_without_end_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    with path.open("wb") as file:
        file.write(b"GGUF" + struct.pack("<IQQ", 3, 1, 60))
        for number in range(60):
            file.write(ggufs.text(f"value {number}") + struct.pack("<IQ", 8, 8 * 1024 * 1024))
            file.seek(8 * 1024 * 1024, 1)
        file.truncate(10**9)  # of holes: it takes no room on the disk
    with pytest.raises(GgufError, match="the header has more than"):
        gguf.read(path)


def test_what_memory_needs_is_read_layer_by_layer(tmp_path: Path) -> None:
    values = {
        **HONEST,
        "llama.block_count": 3,
        "llama.attention.head_count": [4, 8, 4],
        "llama.attention.head_count_kv": [2, 0, 4],
        "llama.attention.key_length": 16,
        "llama.attention.value_length": 8,
        "llama.feed_forward_length": [128, 256, 64],
        "llama.attention.sliding_window": 512,
        "llama.expert_count": 8,
        "llama.expert_used_count": 2,
        "general.license": "apache-2.0",
        "tokenizer.ggml.model": "gpt2",
    }
    info = read(tmp_path, ggufs.honest(values))
    assert info.kv_bytes_per_token == (2 + 0 + 4) * (16 + 8) * 2
    assert (info.layers, info.heads, info.feed_forward_length, info.window_tokens) == (3, 8, 256, 512)
    assert (info.experts, info.experts_used, info.vocabulary) == (8, 2, 3)
    assert (info.licence, info.tokenizer, info.chat_template) == ("apache-2.0", "gpt2", "{{ messages }}")


def test_recurrent_layers_remember_a_fixed_amount_for_each_sequence(tmp_path: Path) -> None:
    ssm = {"ssm.state_size": 16, "ssm.inner_size": 128, "ssm.conv_kernel": 4, "ssm.group_count": 1}
    mamba = {f"llama.{name}": count for name, count in ssm.items()}
    one_layer = (16 * 128 + 3 * (128 + 2 * 16)) * 4
    whole = {"llama.attention.head_count": 0, "llama.attention.head_count_kv": 0}
    info = read(tmp_path, ggufs.honest({**HONEST, **mamba, **whole}))
    assert (info.kv_bytes_per_token, info.state_bytes_per_sequence) == (0, 2 * one_layer)
    info = read(tmp_path, ggufs.honest({**HONEST, **mamba, "llama.attention.head_count_kv": [2, 0]}))
    assert (info.kv_bytes_per_token, info.state_bytes_per_sequence) == (2 * (16 + 16) * 2, one_layer)
    assert read(tmp_path, ggufs.honest()).state_bytes_per_sequence == 0


def mutated(chance: random.Random, whole: bytes) -> bytes:
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
    return bytes(data)


@pytest.mark.parametrize("seed", range(20))
def test_mutated_files_are_answered_or_refused_and_nothing_else_happens(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(100):
        try:
            said = read(tmp_path, mutated(chance, ggufs.honest())).name
        except GgufError as error:
            said = str(error)
        assert len(said) < 500


def test_two_thousand_mutations_of_a_real_header_are_answered_or_refused(model_file: Path, tmp_path: Path) -> None:
    head, size = ggufs.shortened(model_file)
    path = tmp_path / "model.gguf"
    accepted, longest, slowest = 0, 0, 0.0
    for seed in range(2000):
        data = mutated(random.Random(seed), head)
        path.write_bytes(data)
        os.truncate(path, size + len(data) - len(head))  # the tensors are a hole
        started = time.process_time()
        try:
            gguf.read(path)
            accepted += 1
        except GgufError as error:
            longest = max(longest, len(str(error)))
        slowest = max(slowest, time.process_time() - started)
    assert 50 < accepted < 1500  # both happen
    assert longest < 500
    assert slowest < 2
