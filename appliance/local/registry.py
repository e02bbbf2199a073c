"""Models that are here: those of the catalogue whose file lies in the models folder, and those that were added.

What was added stands in `models/registry.json`, not in the database: the command line adds models whether or not a
server runs, and a models folder can be carried to another machine as it is.
"""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Literal

import msgspec

from appliance.errors import Conflict, InvalidField, ModelUnknown
from appliance.home import CannotStart, Home
from appliance.local import gguf
from appliance.local.catalogue import CatalogueEntry
from appliance.local.files import OnProgress, copied, locked, part_beside, real, replaced, sweep
from appliance.local.kinds import ModelKind

REGISTRY_FILE = "registry.json"
LOCK_FILE = ".registry.lock"  # held while the list is read and written
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
        self._lock = home.models / LOCK_FILE

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

    def signature(self) -> tuple[int, ...]:
        """Differs after any change, also of a file that was linked: cheap to look at now and then."""
        try:
            models = [model.path for model in self.models().values()]
        except CannotStart:
            models = []
        return tuple(number for path in (self._folder, self._file, *models) for number in stamp(path))

    def add(self, source: Path, model_id: str, *, link: bool, on_progress: OnProgress | None = None) -> LocalModel:
        """Make the GGUF at `source` a model: a copy in the models folder, or a link to where it lies.

        Errors:  GgufError, Conflict, InvalidField, RegistryBroken, OSError (such as a full disk). Nothing is left behind.
        """
        self._check_id(model_id, self._added())
        source = real(source)
        info = gguf.read(source)
        sweep(self._folder)
        file = str(source) if link else f"{model_id}.gguf"
        with part_beside(self._folder / file) if not link else contextlib.nullcontext() as part:
            sha256 = copied(source, part, on_progress)
            added = AddedModel(model_id, file, info.kind, sha256, info.file_bytes, _now_ms(), "added", info.licence)
            return self._enter(added, part)

    def adopt(self, source: Path, model_id: str, origin: Origin, sha256: str) -> LocalModel:
        """Make a GGUF of another program a model, where it lies. What its sha256 is must be known; `verify` holds it to that.

        Errors:  GgufError, Conflict, InvalidField, RegistryBroken, OSError.
        """
        self._check_id(model_id, self._added())
        source = real(source)
        info = gguf.read(source)
        return self._enter(AddedModel(model_id, str(source), info.kind, sha256, info.file_bytes, _now_ms(), origin, info.licence))

    def free_id(self, wanted: str) -> str:
        """`wanted`, or with a number behind it where that is taken. Errors: RegistryBroken."""
        taken = {*self._known, *self._added()}
        tries = (wanted, *(f"{wanted[:60]}-{number}" for number in range(2, 1000)))
        return next(name for name in tries if name not in taken and not self.is_file_of_catalogue(name))

    def is_file_of_catalogue(self, model_id: str) -> bool:
        """Some file systems don't tell capitals from small letters."""
        return f"{model_id}.gguf".lower() in {entry.file.lower() for entry in self._known.values()}

    def _check_id(self, model_id: str, added: Mapping[str, AddedModel]) -> None:
        if not ID_PATTERN.fullmatch(model_id):
            raise InvalidField(
                f"{model_id[:80]!r} can't be a model's id", param="id", fix="Use a-z, 0-9, dots, dashes: --id my-model"
            )
        if model_id in self._known or model_id in added:
            raise Conflict(f"there already is a model {model_id!r}", fix="Choose another with --id, or remove that one first.")
        if self.is_file_of_catalogue(model_id):
            raise Conflict(f"a model of the catalogue has the file {model_id}.gguf", fix="Choose another with --id.")

    def _enter(self, added: AddedModel, part: Path | None = None) -> LocalModel:
        """Put it on the list, and its copy, if it has one, in its place: both under the lock, for others add models too."""
        path = self._folder / added.file
        with locked(self._lock):
            before = self._added()
            self._check_id(added.id, before)  # anew: copying takes its time
            if part is not None:
                part.replace(path)
            try:
                self._write({**before, added.id: added})
            except OSError:
                if part is not None:
                    path.unlink(missing_ok=True)
                raise
        return _of_list(added, path)

    def remove(self, model_id: str) -> LocalModel:
        """Forget a model, and delete its file unless it was linked.

        Errors:  ModelUnknown, RegistryBroken; OSError.
        """
        if not self._folder.is_dir():
            raise _unknown(model_id)
        with locked(self._lock):
            added = self._added()
            gone = added.pop(model_id, None)
            model = self.models().get(model_id) if gone is None else _of_list(gone, self._folder / gone.file)
            if model is None:
                raise _unknown(model_id)
            if not model.linked:
                model.path.unlink(missing_ok=True)  # first: on a full disk nothing can be written before
            if gone is not None:
                self._forget(model, added)
        return model

    def _forget(self, model: LocalModel, others: Mapping[str, AddedModel]) -> None:
        try:
            self._write(others)
        except OSError as error:
            done = "stays on the list" if model.linked else "its file is deleted, but it stays on the list"
            raise RegistryBroken(
                f"{model.id}: {done}, which can't be written: {error.strerror}", "Mend that, then remove it again."
            ) from error

    def _added(self) -> dict[str, AddedModel]:
        fix = "Delete it and add the models again, or mend it."
        try:
            added = msgspec.json.decode(self._file.read_bytes(), type=list[AddedModel])
        except FileNotFoundError:
            return {}
        except OSError as error:
            raise RegistryBroken(f"{self._file} can't be read: {error.strerror}", fix) from error
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RegistryBroken(f"{self._file} is damaged", fix) from error
        for model in added:
            if not _is_sound(model):
                raise RegistryBroken(f"{self._file} is damaged: its entry {model.id[:80]!r} can't be one of ours", fix)
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
        linked=not _is_name(added.file),
        origin=added.origin,
        licence=added.licence,
    )


def _unknown(model_id: str) -> ModelUnknown:
    return ModelUnknown(f"no model {model_id[:80]!r} is here", fix="`gatehouse models list` shows those that are.")


def _is_sound(added: AddedModel) -> bool:
    """Could we have written it? What a list names is read, and deleted."""
    return (
        ID_PATTERN.fullmatch(added.id) is not None
        and added.bytes >= 0
        and "\0" not in added.file
        and (_is_name(added.file) or _is_absolute(added.file))
    )


def _is_name(file: str) -> bool:
    """A plain name in the models folder."""
    return not any(sign in file for sign in "/\\:\0") and not file.startswith(".") and file not in ("", REGISTRY_FILE)


def _is_absolute(file: str) -> bool:
    """Of this system or of another: the folder may have been carried here."""
    return PurePosixPath(file).is_absolute() or PureWindowsPath(file).is_absolute()


def stamp(path: Path) -> tuple[int, int]:
    """Differs after the file at `path` has changed; zeros where there is none."""
    status = _status(path)
    return (0, 0) if status is None else (status.st_size, status.st_mtime_ns)


def _status(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except (OSError, ValueError):  # a path with a NUL is a ValueError
        return None


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def free_bytes(folder: Path) -> int:
    """Room left where the models are."""
    return shutil.disk_usage(folder).free
