"""Models that are here: those of the catalogue whose file lies in the models folder, and those that were added.

What was added stands in `models/registry.json`, not in the database: the command line adds models whether or not a
server runs, and a models folder can be carried to another machine as it is.
"""

import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from appliance.errors import Conflict, InvalidField, ModelUnknown
from appliance.home import CannotStart, Home
from appliance.local import gguf
from appliance.local.catalogue import CatalogueEntry
from appliance.local.files import OnProgress, copied, replaced, sweep
from appliance.local.kinds import ModelKind

REGISTRY_FILE = "registry.json"
ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")

Origin = Literal["catalogue", "added", "ollama", "lmstudio", "folder"]  # where a model came from


class RegistryBroken(CannotStart):
    """The list of added models can't be read."""


class AddedModel(msgspec.Struct, frozen=True):
    """One model that an administrator added. `file` is a name in the models folder, or a path where it was linked."""

    id: str
    file: str
    kind: ModelKind
    sha256: str
    bytes: int
    added_at: int
    origin: Origin = "added"
    licence: str = ""


class LocalModel(msgspec.Struct, frozen=True):
    """A model that is here and can be run. `context` of 0: whatever the file says."""

    id: str
    title: str
    kind: ModelKind
    path: Path
    sha256: str
    bytes: int
    context: int
    added_at: int
    demonstration: bool = False
    linked: bool = False
    origin: Origin = "added"
    licence: str = ""


class Registry:
    """The models folder of one home. Reads the disk when asked and keeps nothing, so that several processes agree."""

    def __init__(self, home: Home, known: Mapping[str, CatalogueEntry]) -> None:
        self._folder = home.models
        self._known = known
        self._file = home.models / REGISTRY_FILE

    def models(self) -> dict[str, LocalModel]:
        """Models by id: the catalogue's first, then the added ones, oldest first. Those whose file is gone are left out.

        Errors:  RegistryBroken.
        """
        found = {}
        for entry in self._known.values():
            path = self._folder / entry.file
            if (status := _status(path)) is not None:
                found[entry.id] = _of_catalogue(entry, path, status)
        for added in self._added().values():
            path = self._folder / added.file  # an absolute path, of a linked model, stays what it is
            if _status(path) is not None:
                found[added.id] = _of_list(added, path)
        return found

    def signature(self) -> tuple[float, ...]:
        """Differs after any change: cheap to look at now and then."""
        return tuple(path.stat().st_mtime if path.exists() else 0.0 for path in (self._folder, self._file))

    def add(self, source: Path, model_id: str, *, link: bool, on_progress: OnProgress | None = None) -> LocalModel:
        """Make the GGUF at `source` a model: a copy in the models folder, or a link to where it lies.

        Errors:  GgufError, Conflict, InvalidField, RegistryBroken, OSError (such as a full disk). Nothing is left behind.
        """
        self._check_id(model_id)
        source = source.resolve()
        info = gguf.read(source)
        sweep(self._folder)
        file = str(source) if link else f"{model_id}.gguf"
        sha256 = copied(source, None if link else self._folder / file, on_progress)
        return self._enter(AddedModel(model_id, file, info.kind, sha256, info.file_bytes, _now_ms(), "added", info.licence))

    def adopt(self, source: Path, model_id: str, origin: Origin, sha256: str) -> LocalModel:
        """Make a GGUF of another program a model, where it lies. What its sha256 is must be known; `verify` holds it to that.

        Errors:  GgufError, Conflict, InvalidField, RegistryBroken, OSError.
        """
        self._check_id(model_id)
        source = source.resolve()
        info = gguf.read(source)
        return self._enter(AddedModel(model_id, str(source), info.kind, sha256, info.file_bytes, _now_ms(), origin, info.licence))

    def free_id(self, wanted: str) -> str:
        """`wanted`, or with a number behind it where that is taken. Errors: RegistryBroken."""
        taken = {*self._known, *self._added()}
        tries = (wanted, *(f"{wanted[:60]}-{number}" for number in range(2, 1000)))
        return next(name for name in tries if name not in taken)

    def _check_id(self, model_id: str) -> None:
        if not ID_PATTERN.fullmatch(model_id):
            raise InvalidField(
                f"{model_id[:80]!r} can't be a model's id", param="id", fix="Use a-z, 0-9, dots, dashes: --id my-model"
            )
        if model_id in self._known or model_id in self._added():
            raise Conflict(f"there already is a model {model_id!r}", fix="Choose another with --id, or remove that one first.")

    def _enter(self, added: AddedModel) -> LocalModel:
        self._write({**self._added(), added.id: added})
        return _of_list(added, self._folder / added.file)

    def remove(self, model_id: str) -> LocalModel:
        """Forget a model, and delete its file unless it was linked.

        Errors:  ModelUnknown; OSError.
        """
        model = self.models().get(model_id)
        added = self._added()
        if model is None and model_id not in added:
            raise ModelUnknown(f"no model {model_id[:80]!r} is here", fix="`gatehouse models list` shows those that are.")
        gone = added.pop(model_id, None)
        if gone is not None:
            self._write(added)
        if model is None:
            assert gone is not None
            return _of_list(gone, self._folder / gone.file)
        if not model.linked:
            model.path.unlink(missing_ok=True)
        return model

    def _added(self) -> dict[str, AddedModel]:
        try:
            added = msgspec.json.decode(self._file.read_bytes(), type=list[AddedModel])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise RegistryBroken(f"{self._file} is damaged", "Delete it and add the models again, or mend it.") from error
        return {model.id: model for model in added}

    def _write(self, added: Mapping[str, AddedModel]) -> None:
        with replaced(self._file) as file:
            file.write(msgspec.json.format(msgspec.json.encode(list(added.values()))))


def id_for(path: Path) -> str:
    """An id made from a file's name: `Qwen2.5-7B-Instruct-Q4_K_M.gguf` becomes `qwen2.5-7b-instruct-q4_k_m`."""
    name = re.sub(r"[^a-z0-9._-]+", "-", path.stem.lower()).strip("._-")
    return name[:64] or "model"


def _of_catalogue(entry: CatalogueEntry, path: Path, status: os.stat_result) -> LocalModel:
    return LocalModel(
        id=entry.id,
        title=entry.title,
        kind=entry.kind,
        path=path,
        sha256=entry.sha256,
        bytes=entry.bytes or status.st_size,
        context=entry.context,
        added_at=status.st_mtime_ns // 1_000_000,
        demonstration=entry.demonstration,
        origin="catalogue",
        licence=entry.licence,
    )


def _of_list(added: AddedModel, path: Path) -> LocalModel:
    return LocalModel(
        id=added.id,
        title=added.id,
        kind=added.kind,
        path=path,
        sha256=added.sha256,
        bytes=added.bytes,
        context=0,
        added_at=added.added_at,
        linked=Path(added.file).is_absolute(),
        origin=added.origin,
        licence=added.licence,
    )


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except OSError:
        return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def free_bytes(folder: Path) -> int:
    """Room left where the models are."""
    return shutil.disk_usage(folder).free
