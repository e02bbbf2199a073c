"""Python, disk, memory, cores, graphics processors."""

import platform
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from appliance.cli.checks.finding import Check, Finding, Patient, fail, ok, warn
from appliance.local import capacity

PYTHON_MIN = (3, 11)
GIB = 1024**3
MIB = 1024**2
DISK_NEEDED = 200 * MIB
DISK_WISHED = 2 * GIB
MEMORY_WISHED = 1 * GIB
NVIDIA_SECONDS_MAX = 5.0


def python(patient: Patient) -> Iterator[Finding]:
    version = platform.python_version()
    if sys.version_info[:2] < PYTHON_MIN:
        yield fail("Python", version, f"Install Python {'.'.join(map(str, PYTHON_MIN))} or newer.")
    else:
        yield ok("Python", f"{version} with SQLite {sqlite3.sqlite_version}, {platform.system()} {platform.machine()}")


def disk(patient: Patient) -> Iterator[Finding]:
    place = _existing(patient.home.root)
    free = shutil.disk_usage(place).free
    said = f"{free / GIB:.1f} GiB free at {place}"
    if free < DISK_NEEDED:
        yield fail("disk", said, "Make room, or set GATEHOUSE_HOME to a folder on a larger disk.")
    elif free < DISK_WISHED:
        yield warn("disk", said, "Enough to start; models and the ledger grow. Make room, or move the home.")
    else:
        yield ok("disk", said)


def _existing(path: Path) -> Path:
    while not path.exists() and path != path.parent:
        path = path.parent
    return path


def memory(patient: Patient) -> Iterator[Finding]:
    import psutil

    facts = psutil.virtual_memory()
    said = f"{facts.available / GIB:.1f} GiB of {facts.total / GIB:.1f} GiB available"
    if patient.settings.local_models and facts.available < MEMORY_WISHED:
        yield warn("memory", said, "A local model may not fit: end other programs, or set local_models = false.")
    else:
        yield ok("memory", said)


def cores(patient: Patient) -> Iterator[Finding]:
    usable = capacity.cores()
    wanted, used = patient.settings.local_threads, capacity.threads(patient.settings, usable)
    said = f"{usable} usable, {used} thread{'s' if used > 1 else ''} for a local model"
    if wanted > used:
        yield warn("cores", f"{said}; local_threads asks for {wanted}", "One core is left to the server: set local_threads = 0.")
    else:
        yield ok("cores", said)


def graphics() -> Iterator[str]:
    """Graphics processors of this machine, in words."""
    yield from _nvidia()
    yield from _render_nodes()
    yield from _metal()


def _nvidia() -> Iterator[str]:
    tool = shutil.which("nvidia-smi")
    if tool is not None:
        try:
            done = subprocess.run(
                [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"],
                capture_output=True,
                text=True,
                timeout=NVIDIA_SECONDS_MAX,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            yield "an NVIDIA GPU whose driver does not answer"
            return
        if done.returncode == 0:
            yield from (line.strip() for line in done.stdout.splitlines() if line.strip())
            return
    devices = sorted(path.name for path in Path("/dev").glob("nvidia[0-9]*"))
    if devices:
        yield f"NVIDIA ({', '.join(devices)}; nvidia-smi is not installed or fails)"


def _render_nodes() -> Iterator[str]:
    for node in sorted(Path("/dev/dri").glob("renderD*")):
        vendor = Path(f"/sys/class/drm/{node.name}/device/vendor")
        code = vendor.read_text().strip() if vendor.exists() else ""
        name = {"0x1002": "AMD", "0x8086": "Intel", "0x10de": ""}.get(code, "a GPU")  # NVIDIA was asked above
        if name:
            yield f"{name} (/dev/dri/{node.name})"


def _metal() -> Iterator[str]:
    if (platform.system(), platform.machine()) == ("Darwin", "arm64"):
        yield "Apple GPU (Metal)"


CHECKS: list[Check] = [python, disk, memory, cores]
