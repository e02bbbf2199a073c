"""The local engine, whether it uses the graphics processors that are there, and the model's file."""

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterator

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.cli.checks.machine import graphics

ENGINE = "xllamacpp"
ASK_SECONDS_MAX = 30.0
# Asked in a process of its own: native code that doesn't fit the processor would end this one.
ASK_DEVICES = (
    "import json, xllamacpp\nprint(json.dumps([[d['description'].strip(), d['type'].name] for d in xllamacpp.get_device_info()]))"
)


def engine(patient: Patient) -> Iterator[Finding]:
    if not patient.settings.local_models:
        yield ok("engine", "local models are off (local_models = false)")
        return
    if importlib.util.find_spec(ENGINE) is None:
        yield warn("engine", "no local engine is installed", "pip install 'gatehouse[local]'; providers work without.")
        return
    version = importlib.metadata.version(ENGINE)
    devices = _devices()
    if devices is None:
        yield fail("engine", f"{ENGINE} {version} is installed, but does not run here", f"pip install --force-reinstall {ENGINE}")
        return
    used = [description for description, kind in devices if not kind.endswith("_CPU")]
    yield ok("engine", f"{ENGINE} {version}, on {', '.join(used) if used else 'the processor'}")
    yield from _graphics(used)


def _devices() -> list[tuple[str, str]] | None:
    if getattr(sys, "frozen", False):
        return []  # no Python to ask; a packaged engine was tried where it was packaged
    try:
        done = subprocess.run(
            [sys.executable, "-c", ASK_DEVICES], capture_output=True, text=True, timeout=ASK_SECONDS_MAX, check=False
        )
        answer = json.loads(done.stdout.splitlines()[-1]) if done.returncode == 0 else None
    except (OSError, subprocess.TimeoutExpired, ValueError, IndexError):
        return None
    return None if answer is None else [(str(description), str(kind)) for description, kind in answer]


def _graphics(used: list[str]) -> Iterator[Finding]:
    seen = list(graphics())
    if not seen:
        yield ok("GPU", "none seen")
    elif used:
        yield ok("GPU", f"{'; '.join(seen)}: used by the engine")
    else:
        yield warn(
            "GPU",
            f"{'; '.join(seen)}: not used, because the engine installed here runs on the processor only",
            "Install an engine built for it, or run vLLM on this machine and add it as a provider of kind vllm.",
        )


CHECKS: list[Check] = [engine]
