"""Models that are here: those of the catalogue whose file lies in the models folder, and those that were added.

What was added stands in `models/registry.json`, not in the database: the command line adds models whether or not a
server runs, and a models folder can be carried to another machine as it is.
"""

import re
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from appliance.errors import Conflict, InvalidField, ModelUnknown
from appliance.home import CannotStart, Home
from appliance.local import gguf
from appliance.local.catalogue import CatalogueEntry
from appliance.local.files import OnProgress, copied, replaced
from appliance.local.kinds import ModelKind

REGISTRY_FILE = "registry.json"
ID_PATTERN = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


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
            if (changed := _changed_ms(path)) is not None:
                found[entry.id] = LocalModel(
                    entry.id,
                    entry.title,
                    entry.kind,
                    path,
                    entry.sha256,
                    entry.bytes,
                    entry.context,
                    changed,
                    entry.demonstration,
                )
        for added in self._added().values():
            path = self._folder / added.file  # an absolute path, of a linked model, stays what it is
            if _changed_ms(path) is not None:
                linked = Path(added.file).is_absolute()
                found[added.id] = LocalModel(
                    added.id, added.id, added.kind, path, added.sha256, added.bytes, 0, added.added_at, linked=linked
                )
        return found

    def signature(self) -> tuple[float, ...]:
        """Differs after any change: cheap to look at now and then."""
        return tuple(path.stat().st_mtime if path.exists() else 0.0 for path in (self._folder, self._file))

    def add(self, source: Path, model_id: str, *, link: bool, on_progress: OnProgress | None = None) -> LocalModel:
        """Make the GGUF at `source` a model: a copy in the models folder, or a link to where it lies.

        Errors:  GgufError, Conflict, InvalidField, RegistryBroken, OSError (such as a full disk). Nothing is left behind.
        """
        if not ID_PATTERN.fullmatch(model_id):
            raise InvalidField(
                f"{model_id[:80]!r} can't be a model's id", param="id", fix="Use a-z, 0-9, dots, dashes: --id my-model"
            )
        if model_id in self._known or model_id in self._added():
            raise Conflict(f"there already is a model {model_id!r}", fix="Choose another with --id, or remove that one first.")
        source = source.resolve()
        info = gguf.read(source)
        file = str(source) if link else f"{model_id}.gguf"
        target = None if link else self._folder / file
        sha256 = copied(source, target, on_progress)
        added = AddedModel(model_id, file, info.kind, sha256, info.file_bytes, time.time_ns() // 1_000_000)
        self._write({**self._added(), model_id: added})
        return self.models()[model_id]

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
            return LocalModel(model_id, model_id, gone.kind, self._folder / gone.file, gone.sha256, gone.bytes, 0, gone.added_at)
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


def _changed_ms(path: Path) -> int | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns // 1_000_000


def free_bytes(folder: Path) -> int:
    """Room left where the models are."""
    return shutil.disk_usage(folder).free
