"""Models of other programs on this machine, adopted where they lie: Ollama's, LM Studio's, or a folder's. Nothing is copied.

Other programs' files are as hostile as any: what they say is bounded and checked, and nothing outside their store is taken.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from appliance.errors import InvalidField
from appliance.home import CannotStart
from appliance.local import gguf, ollama_store
from appliance.local.files import LINK_CIRCLE, OnProgress, real, sha256_of
from appliance.local.kinds import ModelKind
from appliance.local.registry import LocalModel, Registry, id_for

ImportKind = Literal["ollama", "lmstudio", "folder"]

DEPTH_MAX = 6
ENTRIES_MAX = 100_000
CANDIDATES_MAX = 1_000

_NAMES = {"ollama": "Ollama", "lmstudio": "LM Studio", "folder": "a folder"}


class Candidate(msgspec.Struct, frozen=True):
    """A model that could be adopted, or why it can't: `problem` is empty where it can. `sha256` is "" where nobody says it."""

    id: str
    path: Path
    bytes: int
    kind: ModelKind | None
    origin: ImportKind
    problem: str = ""
    sha256: str = ""


def candidates(kind: ImportKind, path: Path | None = None) -> list[Candidate]:
    """What there is to adopt. `path`: where to look instead of the program's usual places; a folder must be named.

    Errors:  CannotStart where there is no such place, or it can't be read; InvalidField for a folder without a path.
    """
    found: list[Candidate] = []
    taken: dict[Path, str] = {}
    try:
        for offered in _offered(kind, _place(kind, path)):
            found.append(_looked_at(offered, taken, {each.id for each in found}))
            if len(found) >= CANDIDATES_MAX:
                break
    except PermissionError as error:
        raise CannotStart(
            f"{error.filename} can't be read by this user", "Give Gatehouse's user the right to read it, then try again."
        ) from error
    return found


def adopt(registry: Registry, candidate: Candidate, on_progress: OnProgress | None = None) -> LocalModel:
    """Make it a model of this home. One whose file is a model already stays what it is.

    Errors:  CannotStart with the candidate's problem; GgufError, RegistryBroken, OSError, ValueError (it changed meanwhile).
    """
    if candidate.problem:
        raise CannotStart(f"{candidate.id} can't be adopted: {candidate.problem}", "Choose another, or get it anew.")
    for model in registry.models().values():
        if model.path == candidate.path:
            return model
    sha256 = candidate.sha256 or sha256_of(candidate.path, on_progress)
    return registry.adopt(candidate.path, registry.free_id(candidate.id), candidate.origin, sha256)


class _Offered(msgspec.Struct, frozen=True):
    """A file that a program calls a model."""

    id: str
    path: Path
    origin: ImportKind
    problem: str = ""
    sha256: str = ""


def _place(kind: ImportKind, path: Path | None) -> Path:
    if path is None and kind == "folder":
        raise InvalidField("a folder needs its path", param="path", fix="Say which folder to look through.")
    places = [path.expanduser()] if path is not None else _usual_places(kind)
    for place in places:
        if place.is_dir():
            return place.resolve()
    if path is not None:
        raise CannotStart(f"there is no folder {path}", "Check the path.")
    raise CannotStart(
        f"no models of {_NAMES[kind]} are on this machine (looked at {', '.join(map(str, places))})",
        f"Say where they are: gatehouse models import {kind} --path FOLDER",
    )


def _usual_places(kind: ImportKind) -> list[Path]:
    home = Path.home()
    if kind == "ollama":
        named = os.environ.get("OLLAMA_MODELS", "")
        system = [
            Path("/usr/share/ollama/.ollama/models"),
            Path("/var/lib/ollama/.ollama/models"),
            Path("/var/lib/ollama/models"),
        ]
        return [*([Path(named)] if named else []), home / ".ollama" / "models", *system]
    return [home / ".lmstudio" / "models", home / ".cache" / "lm-studio" / "models"]


def _offered(kind: ImportKind, place: Path) -> Iterator[_Offered]:
    if kind == "ollama":
        for model in ollama_store.models(place):
            yield _Offered(id_for(Path(f"{model.name}.gguf")), model.path, kind, model.problem, model.sha256)
    else:
        for path in gguf_files(place):
            try:
                yield _Offered(id_for(path), real(path), kind)
            except OSError:
                yield _Offered(id_for(path), path, kind, LINK_CIRCLE)


def gguf_files(folder: Path) -> Iterator[Path]:
    """The GGUF files below a folder, in order. Folders that are links aren't entered: they may lead in a circle."""
    seen = 0
    base = len(folder.parts)
    for root, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [] if len(Path(root).parts) - base >= DEPTH_MAX else sorted(f for f in folders if not f.startswith("."))
        for name in sorted(files):
            seen += 1
            if seen > ENTRIES_MAX:
                return
            if name.lower().endswith(".gguf") and not name.startswith("."):
                yield Path(root) / name


def _refuse(error: OSError) -> None:
    if isinstance(error, PermissionError):
        raise error


def _looked_at(offered: _Offered, taken: dict[Path, str], ids: set[str]) -> Candidate:
    """What our own reader says of the file."""
    name = next(
        each for each in (offered.id, *(f"{offered.id[:60]}-{n}" for n in range(2, CANDIDATES_MAX + 2))) if each not in ids
    )
    problem, size, kind = offered.problem, 0, None
    if not problem and offered.path in taken:
        problem = f"it is the same file as {taken[offered.path]}"
    if not problem:
        try:
            info = gguf.read(offered.path)
            size, kind = info.file_bytes, info.kind
            taken[offered.path] = name
        except gguf.GgufError as error:
            problem = str(error)
        except OSError as error:
            problem = f"its file can't be read: {error.strerror}"
    return Candidate(name, offered.path, size, kind, offered.origin, problem, offered.sha256)
