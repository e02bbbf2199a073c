"""What a GGUF file says of itself, read with suspicion: nothing in it reaches native code before this has checked it.

Format: github.com/ggml-org/ggml/blob/master/docs/gguf.md, versions 2 and 3, little endian; what the values of a model
mean is told in gguf_model.py. Every length and count is compared with a bound and with what is left of the file before
anything is read or reserved, so that a lying header costs about a second and a few megabytes at most.
"""

import math
import os
import stat
import struct
from pathlib import Path
from typing import Any

import msgspec

from appliance.local.gguf_bytes import GgufError, HeaderBytes
from appliance.local.gguf_model import GgufInfo, info

__all__ = ["GgufError", "GgufInfo", "read"]

PAIRS_MAX = 16_384
TENSORS_MAX = 65_536
KEY_BYTES_MAX = 1024
TENSOR_NAME_BYTES_MAX = 63  # ggml's own bound
STRING_BYTES_MAX = 8 * 1024 * 1024
TEMPLATE_BYTES_MAX = 256_000
SHORT_BYTES_MAX = 4096  # of the other texts that we keep
ITEMS_MAX = 8_000_000  # numbers of one array
STRINGS_MAX = 4_000_000  # of all arrays together; the largest vocabularies have half a million merges
KEPT_ITEMS_MAX = 1024  # an array of that many numbers may say something of each layer
DIMENSIONS_MAX = 4
NUMBERS_MAX = 2**63 - 1  # of one tensor, as ggml counts them
ALIGNMENT_MAX = 1024 * 1024

_BOOL, _STRING, _ARRAY = 7, 8, 9
_LAYOUTS = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", _BOOL: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_NUMBERS = {kind: struct.Struct(layout) for kind, layout in _LAYOUTS.items()}
_U32, _U64 = _NUMBERS[4], _NUMBERS[10]
_KEPT_TEXTS = {
    "general.architecture": SHORT_BYTES_MAX,
    "general.name": SHORT_BYTES_MAX,
    "general.type": SHORT_BYTES_MAX,
    "general.license": SHORT_BYTES_MAX,
    "general.license.name": SHORT_BYTES_MAX,
    "tokenizer.ggml.model": SHORT_BYTES_MAX,
    "tokenizer.chat_template": TEMPLATE_BYTES_MAX,
}

# ggml type → (numbers in a block, bytes of a block). A type that isn't here is new: only its offset is checked.
_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
    10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
    16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82), 23: (256, 136),
    24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66),
    39: (32, 17),
}  # fmt: skip
_REMOVED_TYPES = frozenset({4, 5, 31, 32, 33, 36, 37, 38})  # llama.cpp took them out


class Items(msgspec.Struct, frozen=True):
    """An array of the header: how many items it has, and those themselves where they are few numbers."""

    count: int
    numbers: tuple[Any, ...] = ()


class _Tensor(msgspec.Struct, frozen=True):
    name: str
    offset: int
    length: int


def read(path: Path) -> GgufInfo:
    """Check the file's header and say what it is.

    Errors:  GgufError; OSError when it can't be read at all.
    """
    # A pipe would keep us waiting for a writer.
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with open(descriptor, "rb", buffering=0) as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise GgufError("this is no file")
        size = status.st_size
        header = _Header(HeaderBytes(file, size), size)
        values = header.values()
        header.check_tensors(_alignment(values))
    return info(values, header.tensors, size)


class _Header:
    def __init__(self, source: HeaderBytes, size: int) -> None:
        self._source = source
        self._size = size
        self._strings = 0
        if size < 24 or source.take(4) != b"GGUF":
            raise GgufError("this is no GGUF file")
        version = source.number(_U32)
        if version not in (2, 3):
            raise GgufError(f"GGUF version {version} is not supported (2 and 3 are)")
        self.tensors = self._count(_U64, TENSORS_MAX, "tensors")
        self._pairs = self._count(_U64, PAIRS_MAX, "values")

    def values(self) -> dict[str, Any]:
        """The metadata: numbers, the texts that we use, and arrays as Items. Texts that nobody uses are None."""
        values: dict[str, Any] = {}
        for _ in range(self._pairs):
            key = self._text(KEY_BYTES_MAX, "a key")
            if key in values:
                raise GgufError(f"the value {key[:80]!r} stands there twice")
            values[key] = self._value(key)
        return values

    def _value(self, key: str) -> Any:
        kind = self._source.number(_U32)
        if kind in _NUMBERS:
            return self._source.number(_NUMBERS[kind])
        if kind == _STRING and key in _KEPT_TEXTS:
            return self._text(_KEPT_TEXTS[key], key)
        if kind == _STRING:
            return self._source.skip(self._count(_U64, STRING_BYTES_MAX, "bytes in a string"))
        if kind == _ARRAY:
            return self._array()
        raise GgufError(f"a value has the unknown type {kind}")

    def _array(self) -> Items:
        kind = self._source.number(_U32)
        count = self._count(_U64, ITEMS_MAX, "items in an array")
        if kind in _NUMBERS:
            layout = _NUMBERS[kind]
            if count <= KEPT_ITEMS_MAX:
                return Items(count, tuple(number for (number,) in layout.iter_unpack(self._source.take(count * layout.size))))
            self._source.skip(count * layout.size)
        elif kind == _STRING:
            self._strings += count
            if self._strings > STRINGS_MAX:
                raise GgufError(f"the header holds more than {STRINGS_MAX} strings")
            self._source.skip_texts(count, STRING_BYTES_MAX)
        else:
            raise GgufError(f"an array has the unsupported type {kind}")
        return Items(count)

    def check_tensors(self, alignment: int) -> None:
        """Every tensor must lie inside the file, by itself, under a name of its own."""
        tensors = [self._tensor() for _ in range(self.tensors)]
        if len({tensor.name for tensor in tensors}) < len(tensors):
            raise GgufError("two tensors have the same name")
        data_starts = -(-self._source.at // alignment) * alignment
        ends, before = 0, ""
        for tensor in sorted(tensors, key=lambda tensor: (tensor.offset, tensor.length)):
            if tensor.offset % alignment:
                raise GgufError(f"tensor {tensor.name!r} is not aligned")
            beyond = data_starts + tensor.offset + tensor.length - self._size
            if beyond > 0:
                raise GgufError(
                    f"tensor {tensor.name!r} ends {beyond} bytes beyond the end of the file: "
                    "the file is cut off, or its header is wrong"
                )
            if tensor.offset < ends:
                raise GgufError(f"the tensors {before!r} and {tensor.name!r} overlap")
            ends, before = tensor.offset + tensor.length, tensor.name

    def _tensor(self) -> _Tensor:
        name = self._text(TENSOR_NAME_BYTES_MAX, "a tensor's name")
        dimensions = [self._source.number(_U64) for _ in range(self._count(_U32, DIMENSIONS_MAX, "dimensions"))]
        kind = self._source.number(_U32)
        offset = self._source.number(_U64)
        numbers = math.prod(dimensions)
        if numbers == 0 or numbers > NUMBERS_MAX:
            raise GgufError(f"tensor {name!r} has {'no' if numbers == 0 else 'impossibly many'} numbers")
        if kind in _REMOVED_TYPES:
            raise GgufError(f"tensor {name!r} has the type {kind}, which llama.cpp no longer reads: convert the model anew")
        if kind not in _BLOCKS:
            return _Tensor(name, offset, 1)
        block, block_bytes = _BLOCKS[kind]
        if block > 1 and (not dimensions or dimensions[0] % block):
            raise GgufError(f"tensor {name!r} has rows that are no whole blocks")
        return _Tensor(name, offset, numbers // block * block_bytes)

    def _count(self, layout: struct.Struct, most: int, what: str) -> int:
        count: int = self._source.number(layout)
        if count > most:
            raise GgufError(f"the header claims {count} {what}; more than {most} can't be right")
        return count

    def _text(self, most: int, what: str) -> str:
        length = self._source.number(_U64)
        if length > most:
            raise GgufError(f"{what} has {length} bytes in a string; more than {most} can't be right")
        return self._source.take(length).decode("utf-8", "replace")


def _alignment(values: dict[str, Any]) -> int:
    alignment: Any = values.get("general.alignment", 32)
    if not (type(alignment) is int and 0 < alignment <= ALIGNMENT_MAX and alignment & (alignment - 1) == 0):
        raise GgufError("the header names an impossible alignment")
    return alignment
