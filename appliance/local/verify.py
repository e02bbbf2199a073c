"""Is a model's file still what it was? Reads all of it: about a second for 300 MB."""

from appliance.local import gguf
from appliance.local.files import OnProgress, sha256_of
from appliance.local.registry import LocalModel


def problem(model: LocalModel, on_progress: OnProgress | None = None) -> str | None:
    """What is wrong with the file, or None. An exception that `on_progress` raises passes through: so one cancels."""
    try:
        size = model.path.stat().st_size
        if size != model.bytes:
            return f"{model.path} has {size} bytes instead of {model.bytes}"
        gguf.read(model.path)
        if sha256_of(model.path, on_progress) != model.sha256:
            return f"{model.path} is damaged or was changed (its sha256 differs)"
    except gguf.GgufError as error:
        return f"{model.path} can't be run: {error}"
    except ValueError:
        return f"{model.path} changed while it was read"
    except OSError as error:
        return f"{model.path} can't be read: {error.strerror}"
    return None
