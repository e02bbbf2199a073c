"""Which engine runs models here: the one that settings name, or the best that is installed."""

import importlib
import importlib.metadata
import importlib.util
from collections.abc import Mapping

import msgspec

from appliance.local.room import ENGINES

# An engine's module is its name. The first that is installed is the one to use.
DISTRIBUTIONS: dict[str, str] = {"llama_cpp": "llama-cpp-python", "xllamacpp": "xllamacpp"}


class Choice(msgspec.Struct, frozen=True):
    """The engine for what is loaded from now on; `name` of None: there is none, and `reason` says why."""

    name: str | None
    version: str | None = None
    reason: str = ""


def choice(wanted: str, distributions: Mapping[str, str] = DISTRIBUTIONS) -> Choice:
    """What `local_engine` comes to at this moment. Blocks; imports no engine, and sees one that was installed just now."""
    importlib.invalidate_caches()
    names = [name for name in distributions if name in ENGINES and wanted in ("auto", name)]
    for name in names:
        version = _version(name, distributions[name])
        if version is not None:
            return Choice(name, version)
    if wanted != "auto":
        return Choice(None, reason=f"local_engine is {wanted}, which is not installed: pip install {distributions[wanted]}")
    return Choice(None, reason="no engine is installed: pip install 'gatehouse[local]'")


def _version(module: str, distribution: str) -> str | None:
    """Both must be there: while pip is at work, the one comes minutes or at least files before the other."""
    if importlib.util.find_spec(module) is None:
        return None
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None
