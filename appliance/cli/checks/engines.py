"""The local engines: which are here, which one is used, whether it runs, and the graphics processors that it leaves idle."""

import importlib.metadata
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import appliance
from appliance.cli.checks import engine_devices
from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.cli.checks.machine import graphics

# The engine that `local_engine = "auto"` takes stands first. Distributions by the engines' names.
ENGINES = {"llama_cpp": "llama-cpp-python", "xllamacpp": "xllamacpp"}
ASK_SECONDS_MAX = 30.0
NVCC = (Path("/usr/local/cuda/bin/nvcc"), Path("/opt/cuda/bin/nvcc"))


def engine(patient: Patient) -> Iterator[Finding]:
    if not patient.settings.local_models:
        yield ok("engine", "local models are off (local_models = false)")
        return
    here = _installed()
    wanted = patient.settings.local_engine
    if not here:
        yield warn(
            "engine", "no local engine is installed", f"{_get('xllamacpp')}, or {_get('llama_cpp')}; providers work without."
        )
    elif wanted != "auto" and wanted not in here:
        yield fail(
            "engine",
            f'local_engine = "{wanted}", and {ENGINES[wanted]} is not installed here; {" and ".join(_titles(here))} is',
            f'{_get(wanted)}; or set local_engine = "auto".',
        )
    else:
        used = next(iter(here)) if wanted == "auto" else wanted
        yield from _used(used, here, wanted)


def _used(used: str, here: dict[str, str], wanted: str) -> Iterator[Finding]:
    title = f"{ENGINES[used]} {here[used]}"
    devices = _devices(used)
    if devices is None:
        others = "".join(
            f' Until then: local_engine = "{other}".' for other in here if other != used and _devices(other) is not None
        )
        yield fail("engine", f"{title} is installed, but does not run here", f"{_get(used, again=True)}.{others}")
        return
    on_graphics = [description for description, kind in devices if kind.endswith("GPU")]
    on = ", ".join(on_graphics) or "the processor"
    why = "" if wanted == "auto" else f' (local_engine = "{wanted}")'
    if used == "xllamacpp" and wanted == "auto":
        yield warn("engine", f"{title}, on {on}; llama-cpp-python serves many callers at once faster", f"{_get('llama_cpp')}.")
    else:
        spare = [title for title in _titles(here) if not title.startswith(ENGINES[used])]
        yield ok("engine", f"{title}, on {on}{why}" + (f"; {spare[0]} is here too" if spare else ""))
    yield from _graphics(used, on_graphics)


def _installed() -> dict[str, str]:
    """Versions by engine, the preferred one first; from the packages' records, without importing native code."""
    found = {}
    for name, distribution in ENGINES.items():
        try:
            found[name] = importlib.metadata.version(distribution)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _titles(here: dict[str, str]) -> list[str]:
    return [f"{ENGINES[name]} {version}" for name, version in here.items()]


def _devices(name: str) -> list[tuple[str, str]] | None:
    """What the engine computes on; None where it doesn't run."""
    if getattr(sys, "frozen", False):
        return []  # no Python to ask; a packaged engine was tried where it was packaged
    try:
        done = subprocess.run(
            [sys.executable, engine_devices.__file__, name], capture_output=True, text=True, timeout=ASK_SECONDS_MAX, check=False
        )
        answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return None if answer is None else [(str(description), str(kind)) for description, kind in answer]


def _graphics(used: str, on_graphics: list[str]) -> Iterator[Finding]:
    seen = list(graphics())
    if not seen:
        yield ok("GPU", "none seen")
    elif on_graphics:
        yield ok("GPU", f"{'; '.join(seen)}: used by the engine")
    else:
        what = f"{'; '.join(seen)}: not used, because {ENGINES[used]} as it is installed here computes on the processor only"
        yield warn("GPU", what, _mend_graphics(seen[0]))


def _mend_graphics(seen: str) -> str:
    """The command that builds the engine for this graphics processor."""
    if seen.startswith("Apple"):
        return f"{_get('llama_cpp', 'GGML_METAL')}."
    if seen.startswith(("AMD (", "Intel (", "a GPU (")):
        return (
            f"{_get('llama_cpp', 'GGML_VULKAN')} (needs Vulkan's headers and glslc; "
            "Debian, Ubuntu: sudo apt-get install libvulkan-dev glslc spirv-headers)."
        )
    command = f"{_get('llama_cpp', 'GGML_CUDA')}. Or run vLLM: docs/deploy/vllm.md"
    if shutil.which("nvcc") or any(path.exists() for path in NVCC):
        return command
    return f"Install NVIDIA's CUDA toolkit first, whose compiler nvcc is not here; then: {command}"


def _get(name: str, flag: str = "", *, again: bool = False) -> str:
    """The command that installs an engine: in the source's folder `make`, elsewhere pip."""
    arguments = f"CMAKE_ARGS=-D{flag}=on " if flag else ""
    if name == "llama_cpp" and (Path(appliance.__file__).parents[1] / "packaging/engine.sh").exists():
        return f"{arguments}make engine"
    options = " --force-reinstall --no-deps --no-cache-dir" if again or flag else ""
    extra = {"llama_cpp": "llama", "xllamacpp": "local"}[name]
    what = ENGINES[name] if options else f"'gatehouse[{extra}]'"
    return f"{arguments}pip install{options} {what}"


CHECKS: list[Check] = [engine]
