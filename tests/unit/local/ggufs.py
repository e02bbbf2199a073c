"""Writes small GGUF files, honest ones and lying ones; and turns a real one into a model of another kind."""

import struct
from pathlib import Path
from typing import Any

import msgspec

MAGIC = b"GGUF"
ALIGNMENT = 32
F32 = 0


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(data)) + data


def value(given: Any) -> bytes:
    """A typed value: str, bool, int (u32), float, or a list of one of them."""
    kind, data = _typed(given)
    return struct.pack("<I", kind) + data


def _typed(given: Any) -> tuple[int, bytes]:
    match given:
        case bool():
            return 7, struct.pack("<?", given)
        case int():
            return 4, struct.pack("<I", given)
        case float():
            return 6, struct.pack("<f", given)
        case str():
            return 8, text(given)
        case list():
            kinds = [_typed(item) for item in given]
            return 9, struct.pack("<IQ", kinds[0][0] if kinds else 4, len(kinds)) + b"".join(data for _, data in kinds)
    raise AssertionError(f"no GGUF value: {given!r}")


class Tensor(msgspec.Struct):
    name: str = "weight"
    dimensions: tuple[int, ...] = (32,)
    kind: int = F32
    offset: int = 0


HONEST: dict[str, Any] = {
    "general.architecture": "llama",
    "general.name": "Small",
    "llama.context_length": 2048,
    "llama.embedding_length": 64,
    "llama.block_count": 2,
    "llama.attention.head_count": 4,
    "llama.attention.head_count_kv": 2,
    "tokenizer.ggml.tokens": ["a", "b", "c"],
    "tokenizer.ggml.scores": [0.5, 1.5],
    "tokenizer.chat_template": "{{ messages }}",
}


def header(
    values: dict[str, Any] | None = None,
    tensors: list[Tensor] | None = None,
    *,
    version: int = 3,
    claims_values: int | None = None,
    claims_tensors: int | None = None,
) -> bytes:
    values = HONEST if values is None else values
    tensors = [Tensor()] if tensors is None else tensors
    counts = (
        len(tensors) if claims_tensors is None else claims_tensors,
        len(values) if claims_values is None else claims_values,
    )
    out = MAGIC + struct.pack("<IQQ", version, *counts)
    out += b"".join(text(key) + value(each) for key, each in values.items())
    for tensor in tensors:
        out += text(tensor.name) + struct.pack("<I", len(tensor.dimensions))
        out += b"".join(struct.pack("<Q", size) for size in tensor.dimensions) + struct.pack("<IQ", tensor.kind, tensor.offset)
    return out + b"\0" * (-len(out) % ALIGNMENT)


def honest(values: dict[str, Any] | None = None) -> bytes:
    """A whole file with one tensor of 32 numbers."""
    return header(values) + b"\0" * 128


class Layout(msgspec.Struct):
    """Where things stand in a real file: the values outside of arrays, the tensors' descriptions, and the tensors."""

    values: list[tuple[int, int]]
    tensors: list[tuple[int, int]]
    end_of_values: int
    data: int


def layout(data: bytes) -> Layout:
    _, tensors, pairs = struct.unpack_from("<IQQ", data, 4)
    position, values, described = 24, [], []
    for _ in range(pairs):
        start = _after_text(data, position)
        position = _after_value(data, start)
        if struct.unpack_from("<I", data, start)[0] != 9:
            values.append((start, position))
    end_of_values = position
    for _ in range(tensors):
        start = position
        position = _after_text(data, position)
        (dimensions,) = struct.unpack_from("<I", data, position)
        position += 4 + 8 * dimensions + 12
        described.append((start, position))
    return Layout(values, described, end_of_values, -(-position // ALIGNMENT) * ALIGNMENT)


def with_value(source: Path, target: Path, key: str, given: Any) -> Path:
    """A copy of a real model with one more value in its header; the tensors stay as they are."""
    data = source.read_bytes()
    _, tensors, pairs = struct.unpack_from("<IQQ", data, 4)
    where = layout(data)
    head = MAGIC + struct.pack("<IQQ", 3, tensors, pairs + 1) + data[24 : where.end_of_values] + text(key) + value(given)
    head += data[where.tensors[0][0] : where.tensors[-1][1]]
    target.write_bytes(head + b"\0" * (-len(head) % ALIGNMENT) + data[where.data :])
    return target


def shortened(source: Path, items: int = 16) -> tuple[bytes, int]:
    """A real model's header whose arrays have `items` items at most, for they are most of it; and the whole file's size."""
    data = source.read_bytes()
    _, tensors, pairs = struct.unpack_from("<IQQ", data, 4)
    where = layout(data)
    head, position = MAGIC + struct.pack("<IQQ", 3, tensors, pairs), 24
    for _ in range(pairs):
        start = _after_text(data, position)
        end = _after_value(data, start)
        if struct.unpack_from("<I", data, start)[0] == 9:
            inner, count = struct.unpack_from("<IQ", data, start + 4)
            kept = min(count, items)
            head += (
                data[position:start]
                + struct.pack("<IIQ", 9, inner, kept)
                + data[start + 16 : _after_items(data, start + 16, inner, kept)]
            )
        else:
            head += data[position:end]
        position = end
    head += data[where.tensors[0][0] : where.tensors[-1][1]]
    head += b"\0" * (-len(head) % ALIGNMENT)
    return head, len(head) + len(data) - where.data


_SIZES = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}


def _after_text(data: bytes, position: int) -> int:
    (length,) = struct.unpack_from("<Q", data, position)
    return int(position + 8 + length)


def _after_value(data: bytes, position: int) -> int:
    (kind,) = struct.unpack_from("<I", data, position)
    position += 4
    if kind in _SIZES:
        return position + _SIZES[kind]
    if kind == 8:
        return _after_text(data, position)
    inner, count = struct.unpack_from("<IQ", data, position)
    return _after_items(data, position + 12, inner, count)


def _after_items(data: bytes, position: int, kind: int, count: int) -> int:
    if kind in _SIZES:
        return int(position + count * _SIZES[kind])
    for _ in range(count):
        position = _after_text(data, position)
    return position
