"""Ollama's folder of models: a small manifest for each name and tag, and blobs named by their sha256.

Layout: github.com/ollama/ollama, server/manifest.go and types/model/name.go, read 2026-11-25:
`manifests/HOST/NAMESPACE/MODEL/TAG` (JSON) names layers; the layer of the model is a GGUF at `blobs/sha256-HEX`.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from appliance.local.files import LINK_CIRCLE, real

MANIFEST_BYTES_MAX = 1024 * 1024
LAYERS_MAX = 1_000
MANIFESTS_MAX = 10_000

_DIGEST = re.compile(r"sha256[:-]([0-9a-f]{64})")
_MODEL = "application/vnd.ollama.image.model"
_ADAPTER = "application/vnd.ollama.image.adapter"


class _Layer(msgspec.Struct, rename={"media_type": "mediaType"}):
    media_type: str
    digest: str = ""


class _Manifest(msgspec.Struct):
    layers: list[_Layer]


class StoredModel(msgspec.Struct, frozen=True):
    """A name of the store and the file behind it. `problem` says why it can't be used as it is."""

    name: str
    path: Path
    sha256: str = ""
    problem: str = ""


def models(store: Path) -> Iterator[StoredModel]:
    """What the store names, in order. Errors: PermissionError."""
    store = store.resolve()
    for path in _manifests(store / "manifests"):
        yield _model(store, path)


def _manifests(folder: Path) -> Iterator[Path]:
    """The files four levels down. Links are not followed."""
    count = 0
    level = [folder] if folder.is_dir() else []
    for _ in range(3):
        level = [Path(entry.path) for each in level for entry in _entries(each) if entry.is_dir(follow_symlinks=False)]
    for each in level:
        for entry in _entries(each):
            count += 1
            if count > MANIFESTS_MAX:
                return
            if entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def _entries(folder: Path) -> list["os.DirEntry[str]"]:
    with os.scandir(folder) as entries:
        return sorted((entry for entry in entries if not entry.name.startswith(".")), key=lambda entry: entry.name)


def _model(store: Path, path: Path) -> StoredModel:
    name = _name(path)
    try:
        with path.open("rb") as file:
            data = file.read(MANIFEST_BYTES_MAX + 1)
        if len(data) > MANIFEST_BYTES_MAX:
            raise ValueError("too large")
        layers = msgspec.json.decode(data, type=_Manifest).layers
    except PermissionError:
        return StoredModel(name, path, problem="its manifest can't be read by this user")
    except (OSError, ValueError):  # msgspec's errors are ValueErrors
        return StoredModel(name, path, problem="its manifest is damaged")
    return _of_layers(store, name, path, layers[:LAYERS_MAX])


def _of_layers(store: Path, name: str, manifest: Path, layers: list[_Layer]) -> StoredModel:
    weights = [layer for layer in layers if layer.media_type == _MODEL]
    if len(weights) != 1:
        return StoredModel(name, manifest, problem=f"it has {'several' if weights else 'no'} files of weights")
    if any(layer.media_type == _ADAPTER for layer in layers):
        return StoredModel(name, manifest, problem="it is an adapter over another model, which can't be run alone")
    digest = _DIGEST.fullmatch(weights[0].digest)
    if digest is None:
        return StoredModel(name, manifest, problem="its manifest names no sha256")
    return _at(store, name, digest[1])


def _at(store: Path, name: str, sha256: str) -> StoredModel:
    blob = store / "blobs" / f"sha256-{sha256}"
    try:
        path = real(blob)
    except OSError:
        return StoredModel(name, blob, sha256, LINK_CIRCLE)
    if not path.is_relative_to(store):
        return StoredModel(name, blob, sha256, "its file lies outside of the store")
    try:
        is_there = path.is_file()
    except OSError:
        return StoredModel(name, blob, sha256, "its file can't be read by this user")
    return StoredModel(name, path, sha256, "" if is_there else "its file is not there (cloud model, or pulled halfway)")


def _name(manifest: Path) -> str:
    """`llama3.2-3b` of library/llama3.2/3b; `latest` and the usual namespace are left out."""
    _, namespace, model, tag = manifest.parts[-4:]
    shown = [part for part in (namespace, model, tag) if part not in ("library", "latest")]
    return "-".join(shown)
