"""What the disk holds: models that can be run, with their headers, and why others can't."""

import msgspec

from appliance.home import CannotStart
from appliance.local import gguf
from appliance.local.registry import LocalModel, Registry, stamp

CHANGED = "its file is another one than was added"


class Found(msgspec.Struct, frozen=True):
    """One look. `broken`: by name, why; `damaged`: those of them that are models. `stamps`: of the files, when they were read."""

    signature: tuple[int, ...] = ()
    models: dict[str, LocalModel] = {}
    headers: dict[str, gguf.GgufInfo] = {}
    broken: dict[str, str] = {}
    damaged: dict[str, LocalModel] = {}
    stamps: dict[str, tuple[int, int]] = {}


def look(registry: Registry, before: Found) -> Found:
    """Look at the disk. Blocks; headers that were read `before` are not read again."""
    found = Found(registry.signature(), {}, {}, {}, {}, {})
    try:
        models = registry.models()
    except CannotStart as error:
        found.broken["registry"] = f"{error.message}. {error.fix}"
        models = {}
    for model in models.values():
        found.stamps[model.id] = seen = stamp(model.path)
        if before.models.get(model.id) == model and before.stamps[model.id] == seen:
            found.models[model.id], found.headers[model.id] = model, before.headers[model.id]
            continue
        try:
            found.headers[model.id] = header_of(model)
            found.models[model.id] = model
        except gguf.GgufError as error:
            found.damaged[model.id] = model
            found.broken[model.id] = str(error)
    return found


def header_of(model: LocalModel) -> gguf.GgufInfo:
    """What its file says now. Errors: GgufError, also where the file can't be read, or is another than was added."""
    try:
        info = gguf.read(model.path)
    except OSError as error:
        raise gguf.GgufError("the file can't be read") from error
    if model.origin != "catalogue" and (info.kind, info.file_bytes) != (model.kind, model.bytes):
        raise gguf.GgufError(CHANGED)
    return info
