"""What a GGUF file says of itself, read with suspicion: nothing in it reaches native code before this has checked it.

Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little endian. Every length and count is
compared with a bound and with what is left of the file before anything is read or reserved.
"""

import math
import os
import struct
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from appliance.local.kinds import ModelKind

PAIRS_MAX = 65_536
TENSORS_MAX = 65_536
KEY_BYTES_MAX = 65_535
STRING_BYTES_MAX = 8 * 1024 * 1024
ITEMS_MAX = 8_000_000  # of one array; the largest vocabularies have half a million merges
STRINGS_MAX = 16_000_000  # of all arrays
DIMENSIONS_MAX = 4
ALIGNMENT_MAX = 1024 * 1024
READ_AHEAD_BYTES = 1024 * 1024

_STRING, _ARRAY, _BOOL = 8, 9, 7
_NUMBERS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", _BOOL: "<?", 10: "<Q", 11: "<q", 12: "<d"}

# ggml type → (numbers in a block, bytes of a block). A type that isn't here is new: only its offset is checked.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66),
}  # fmt: skip

# Architectures that only make embeddings, whether or not the file names a pooling.
_ENCODERS = frozenset({"bert", "nomic-bert", "nomic-bert-moe", "jina-bert-v2", "jina-bert-v3", "neo-bert", "modern-bert"})
_POOLING_RANK = 4


class GgufError(Exception):
    """The file is no GGUF, is damaged, or lies about itself; the message says how."""


class GgufInfo(msgspec.Struct, frozen=True):
    """What the header says, as far as we need it. Counts of 0 mean that it doesn't say.

    tools_in_template: the chat template knows what to do with tools; otherwise we describe them to the model ourselves.
    kv_bytes_per_token: memory of the attention cache for each token of context, at 16 bits.
    """

    architecture: str
    name: str
    file_bytes: int
    context_tokens: int
    kind: ModelKind
    has_chat_template: bool
    tools_in_template: bool
    embedding_length: int
    kv_bytes_per_token: int
    tensors: int

    def memory_bytes(self, context_tokens: int, parallel: int) -> int:
        """Roughly what running it takes: weights, attention cache, and a tenth of the weights for the computation."""
        return self.file_bytes * 11 // 10 + self.kv_bytes_per_token * context_tokens * parallel


def read(path: Path) -> GgufInfo:
    """Check the file's header and say what it is.

    Errors:  GgufError; OSError when it can't be read at all.
    """
    with path.open("rb", buffering=READ_AHEAD_BYTES) as file:
        size = os.fstat(file.fileno()).st_size
        header = _Header(file, size)
        values = header.pairs()
        tensors = header.tensors
        header.check_tensors(_alignment(values))
    return _info(values, tensors, size)


class _Header:
    def __init__(self, file: BinaryIO, size: int) -> None:
        self._file = file
        self._size = size
        self._at = 0
        self._strings = 0
        if size < 24 or self._take(4) != b"GGUF":
            raise GgufError("this is no GGUF file")
        version = self._number("<I")
        if version not in (2, 3):
            raise GgufError(f"GGUF version {version} is not supported (2 and 3 are)")
        self.tensors = self._count("<Q", TENSORS_MAX, "tensors")
        self._pairs = self._count("<Q", PAIRS_MAX, "values")

    def pairs(self) -> dict[str, Any]:
        """The metadata, without the contents of arrays (vocabularies)."""
        values: dict[str, Any] = {}
        for _ in range(self._pairs):
            key = self._text(KEY_BYTES_MAX)
            if key in values:
                raise GgufError(f"the value {key[:80]!r} stands there twice")
            values[key] = self._value(self._number("<I"), nested=False)
        return values

    def check_tensors(self, alignment: int) -> None:
        """Every tensor must lie inside the file."""
        extents = [self._tensor() for _ in range(self.tensors)]
        data_starts = -(-self._at // alignment) * alignment
        for name, offset, length in extents:
            if offset % alignment:
                raise GgufError(f"tensor {name[:80]!r} is not aligned")
            if data_starts + offset + length > self._size:
                raise GgufError(
                    f"tensor {name[:80]!r} ends {data_starts + offset + length - self._size} bytes beyond the end of the file: "
                    "the file is cut off, or its header is wrong"
                )

    def _tensor(self) -> tuple[str, int, int]:
        name = self._text(KEY_BYTES_MAX)
        dimensions = [self._number("<Q") for _ in range(self._count("<I", DIMENSIONS_MAX, "dimensions"))]
        kind = self._number("<I")
        offset = self._number("<Q")
        numbers = math.prod(dimensions)
        if kind not in _BLOCKS:
            return name, offset, 0
        block, block_bytes = _BLOCKS[kind]
        if dimensions and dimensions[0] % block:
            raise GgufError(f"tensor {name[:80]!r} has rows that are no whole blocks")
        return name, offset, numbers // block * block_bytes

    def _value(self, kind: int, *, nested: bool) -> Any:
        if kind in _NUMBERS:
            return self._number(_NUMBERS[kind])
        if kind == _STRING:
            return self._text(STRING_BYTES_MAX)
        if kind == _ARRAY and not nested:
            self._skip_array()
            return None
        raise GgufError(f"a value has the unknown type {kind}")

    def _skip_array(self) -> None:
        kind = self._number("<I")
        count = self._count("<Q", ITEMS_MAX, "items in an array")
        if kind in _NUMBERS:
            self._skip(count * struct.calcsize(_NUMBERS[kind]))
        elif kind == _STRING:
            self._strings += count
            if self._strings > STRINGS_MAX:
                raise GgufError("the header holds too many strings")
            for _ in range(count):
                self._skip(self._count("<Q", STRING_BYTES_MAX, "bytes in a string"))
        else:
            raise GgufError(f"an array has the unsupported type {kind}")

    def _count(self, layout: str, most: int, what: str) -> int:
        count: int = self._number(layout)
        if count > most:
            raise GgufError(f"the header claims {count} {what}; more than {most} can't be right")
        return count

    def _number(self, layout: str) -> Any:
        return struct.unpack(layout, self._take(struct.calcsize(layout)))[0]

    def _text(self, most: int) -> str:
        return self._take(self._count("<Q", most, "bytes in a string")).decode("utf-8", "replace")

    def _take(self, count: int) -> bytes:
        self._advance(count)
        data = self._file.read(count)
        if len(data) < count:
            raise GgufError("the file became shorter while it was read")
        return data

    def _skip(self, count: int) -> None:
        self._advance(count)
        if count < READ_AHEAD_BYTES:
            self._file.read(count)  # stays within the buffer, where a seek would empty it
        else:
            self._file.seek(count, os.SEEK_CUR)

    def _advance(self, count: int) -> None:
        self._at += count
        if self._at > self._size:
            raise GgufError("the file ends inside its header: it is cut off, or its header is wrong")


def _alignment(values: dict[str, Any]) -> int:
    alignment: Any = values.get("general.alignment", 32)
    if not (type(alignment) is int and 0 < alignment <= ALIGNMENT_MAX and alignment & (alignment - 1) == 0):
        raise GgufError("the header names an impossible alignment")
    return alignment


def _info(values: dict[str, Any], tensors: int, size: int) -> GgufInfo:
    architecture = values.get("general.architecture")
    if not isinstance(architecture, str) or not architecture:
        raise GgufError("the header names no architecture")
    if values.get("general.type", "model") != "model" or values.get("split.count", 0) not in (0, 1):
        raise GgufError("this is an adapter, a projector or one part of several, not a whole model")
    if tensors == 0:
        raise GgufError("the file holds no tensors, a vocabulary at most")

    def count(name: str) -> int:
        value = values.get(f"{architecture}.{name}")
        return value if type(value) is int and 0 < value < 2**40 else 0

    template = values.get("tokenizer.chat_template")
    template = template if isinstance(template, str) else ""
    return GgufInfo(
        architecture=architecture[:64],
        name=str(values.get("general.name", ""))[:128],
        file_bytes=size,
        context_tokens=count("context_length"),
        kind=_kind(architecture, values.get(f"{architecture}.pooling_type")),
        has_chat_template=bool(template),
        tools_in_template="tools" in template,
        embedding_length=count("embedding_length"),
        kv_bytes_per_token=_kv_bytes_per_token(count),
        tensors=tensors,
    )


def _kind(architecture: str, pooling: Any) -> ModelKind:
    if pooling == _POOLING_RANK:
        raise GgufError("this model ranks texts; only chat and embedding models can be run")
    return ModelKind.EMBEDDING if architecture in _ENCODERS or pooling in (1, 2, 3) else ModelKind.CHAT


def _kv_bytes_per_token(count: Any) -> int:
    heads, kv_heads = count("attention.head_count"), count("attention.head_count_kv") or count("attention.head_count")
    width = count("embedding_length") // heads if heads else 0
    key, value = count("attention.key_length") or width, count("attention.value_length") or width
    return int(count("block_count") * kv_heads * (key + value) * 2)
