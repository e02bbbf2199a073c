"""What the disk holds: models that can be run, with their headers, and why others can't."""

import msgspec

from appliance.home import CannotStart
from appliance.local import gguf
from appliance.local.registry import LocalModel, Registry


class Found(msgspec.Struct, frozen=True):
    """One look. `broken`: by name, why; `damaged`: those of them that are models."""

    signature: tuple[float, ...] = ()
    models: dict[str, LocalModel] = {}
    headers: dict[str, gguf.GgufInfo] = {}
    broken: dict[str, str] = {}
    damaged: dict[str, LocalModel] = {}


def look(registry: Registry, before: Found) -> Found:
    """Look at the disk. Blocks; headers that were read `before` are not read again."""
    found = Found(registry.signature(), {}, {}, {}, {})
    try:
        models = registry.models()
    except CannotStart as error:
        found.broken["registry"] = f"{error.message}. {error.fix}"
        models = {}
    for model in models.values():
        if before.models.get(model.id) == model:
            found.models[model.id], found.headers[model.id] = model, before.headers[model.id]
            continue
        try:
            found.headers[model.id] = gguf.read(model.path)
            found.models[model.id] = model
        except (gguf.GgufError, OSError) as error:
            found.damaged[model.id] = model
            found.broken[model.id] = str(error) if isinstance(error, gguf.GgufError) else "the file can't be read"
    return found
