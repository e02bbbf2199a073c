"""The wheel of llama-cpp-python: kept once it is built, for each way of building it.

pip keeps the wheels that it builds too, but by the package's name alone: asked for CUDA after a build without, it would give
the one without. Here a wheel's folder is named after everything that it depends on.
"""

import hashlib
import os
import platform
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO, NamedTuple

import platformdirs
import psutil

ROOT = Path(__file__).resolve().parent.parent
PINNED = ROOT / "requirements-llama.txt"
PACKAGE = "llama-cpp-python"

# Vision's library isn't used: 50 of 190 steps. A wheel holds no links, so that versioned names would be three copies.
ALWAYS = ("-DLLAVA_BUILD=OFF", "-DCMAKE_PLATFORM_NO_VERSIONED_SONAME=ON")
# For any processor of the last ten years (see PORTABLE_NEEDS), rather than this one. It isn't slower: what a native build
# adds on this architecture is AVX-512, with which a step of eight callers took 66 ms instead of 61, and 128 tokens of a
# prompt 755 ms instead of 690 (AMD Zen 4, llama.cpp of 0.3.36, the demonstration model).
PORTABLE = "-DGGML_NATIVE=OFF"
PORTABLE_NEEDS = {"x86_64": ("avx2", "bmi2", "f16c", "fma")}
# scikit-build-core's: llama.cpp installs itself a second time beside the package, for programs in C; and Ninja is the build
# tool, which tells how far it is (it and CMake are fetched where they are missing).
BUILD_SETTINGS = {"SKBUILD_WHEEL_EXCLUDE": "lib/**;include/**;bin/**", "SKBUILD_NINJA_MAKE_FALLBACK": "false"}

DECISIVE = ("CMAKE_ARGS", "CC", "CXX", "CFLAGS", "CXXFLAGS", "LDFLAGS", "CUDACXX")  # of the caller's environment
DISK_BYTES = 1_000_000_000
MEMORY_BYTES_A_JOB = 1_200_000_000  # the largest source files take that much
_PROGRESS = re.compile(r"^\s*\[\s*(?:(\d+)/(\d+)|(\d+)%)\]")

OnProgress = Callable[[int], None]  # percent


class BuildFailed(Exception):
    """There is no wheel. In words for whoever typed `make engine`."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Recipe(NamedTuple):
    """Everything that a wheel depends on."""

    version: str
    sha256: str  # of the source distribution
    environment: tuple[tuple[str, str], ...]
    machine: str  # "": any

    @property
    def key(self) -> str:
        python = f"cp{sys.version_info.major}{sys.version_info.minor}"
        digest = hashlib.sha256(repr((self, BUILD_SETTINGS)).encode()).hexdigest()[:16]
        return f"{self.version}-{python}-{platform.system().lower()}-{platform.machine()}-{digest}"

    @property
    def cmake_args(self) -> str:
        return dict(self.environment).get("CMAKE_ARGS", "")


def recipe(environ: Mapping[str, str] = os.environ, *, portable: bool = False) -> Recipe:
    """How a wheel is built here and now. What the caller asks for stands last and wins over ours.

    Shapes:  `portable`: for other machines too. Where nothing is asked for it is so by itself, if it runs here.
    """
    pinned = pins()[PACKAGE]
    version = re.match(r"[^=]+==(\S+)", pinned)
    hashed = re.search(r"sha256:([0-9a-f]{64})", pinned)
    assert version and hashed, "`make requirements` pins the engine with its hash"
    asked = environ.get("CMAKE_ARGS", "").split()
    is_portable = portable or (not asked and runs_portable())
    words = [*ALWAYS, *([PORTABLE] if is_portable else []), *asked]
    kept = {name: environ[name] for name in DECISIVE if environ.get(name)} | {"CMAKE_ARGS": " ".join(words)}
    return Recipe(version[1], hashed[1], tuple(sorted(kept.items())), "" if is_portable else processor())


def runs_portable() -> bool:
    """Whether this processor is one of those that a portable wheel is for, and has nothing that would make another faster."""
    needs = PORTABLE_NEEDS.get(platform.machine())
    return needs is not None and set(needs) <= set(processor().split())


def pins() -> dict[str, str]:
    """The paragraphs of requirements-llama.txt by package."""
    joined = PINNED.read_text("utf-8").replace("\\\n", " ")
    lines = [line for line in joined.splitlines() if re.match(r"[a-z]", line)]
    found: dict[str, list[str]] = {}
    for line in lines:
        found.setdefault(line.partition("==")[0], []).append(line)
    return {name: "\n".join(lines) for name, lines in found.items()}


def write_needs(file: Path) -> None:
    """What the engine needs beside itself, as requirements with hashes."""
    file.write_text("".join(f"{lines}\n" for name, lines in pins().items() if name != PACKAGE), encoding="utf-8")


def processor() -> str:
    """What a wheel that is built for the machine it is built on can't do without: the processor's features, in words."""
    try:
        facts = Path("/proc/cpuinfo").read_text("utf-8", "replace")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"^(?:flags|Features)\s*:\s*(.*)$", facts, re.MULTILINE)
    return " ".join(sorted(found[1].split())) if found else platform.machine()


def folder() -> Path:
    """Where wheels, the log and the state of a build are kept, for this user and all source folders."""
    return platformdirs.user_cache_path("gatehouse-builder", appauthor=False) / "engine"


def kept(how: Recipe) -> Path | None:
    """The wheel, if it was built before."""
    return next(iter(sorted((folder() / "wheels" / how.key).glob("*.whl"))), None)


def forget(wheel: Path) -> None:
    """One that turned out not to work. A file of somebody else's stays."""
    if wheel.is_relative_to(folder()):
        shutil.rmtree(wheel.parent, ignore_errors=True)


def keep(wheel: Path, how: Recipe) -> Path:
    """Put it where `kept` finds it: whole or not at all."""
    target = folder() / "wheels" / how.key / wheel.name
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{wheel.name}.new")
    shutil.copyfile(wheel, beside)
    beside.replace(target)
    return target


def build(how: Recipe, log: IO[str], on_progress: OnProgress) -> Path:
    """Minutes on every core, at the lowest priority; all that pip and the compilers say goes into the log.

    Errors:  BuildFailed. Nothing is left of it then but the log.
    """
    _refuse_full_disk(folder())
    (folder() / "tmp").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder() / "tmp") as temporary:
        wanted = Path(temporary) / "wanted.txt"
        wanted.write_text(pins()[PACKAGE] + "\n", encoding="utf-8")
        pip_cache = folder() / "pip"  # downloads are kept, so that another try fetches nothing
        shutil.rmtree(pip_cache / "wheels", ignore_errors=True)  # of a build that was cut off: not pip's to keep
        command = [
            *("nice", "-n", "19", sys.executable, "-m", "pip", "wheel", "--verbose", "--disable-pip-version-check", "--no-input"),
            *("--cache-dir", str(pip_cache), "--no-deps", "--require-hashes", "--no-binary", PACKAGE),
            *("--wheel-dir", f"{temporary}/made", "--requirement", str(wanted)),
        ]
        jobs = str(os.environ.get("CMAKE_BUILD_PARALLEL_LEVEL") or jobs_for(_cores(), psutil.virtual_memory().available))
        environment = {
            **os.environ,
            **BUILD_SETTINGS,
            **dict(how.environment),
            "TMPDIR": temporary,
            "CMAKE_BUILD_PARALLEL_LEVEL": jobs,
            "MAKEFLAGS": f"-j{jobs}",
            "LC_ALL": "C.UTF-8",
        }
        said, status = _run(command, environment, log, on_progress)
        shutil.rmtree(pip_cache / "wheels", ignore_errors=True)
        if status != 0:
            raise explained(said, status)
        return keep(next(Path(temporary, "made").glob("*.whl")), how)


def _run(command: list[str], environment: Mapping[str, str], log: IO[str], on_progress: OnProgress) -> tuple[list[str], int]:
    """The last lines that it said, and its status. It ends with us, and so do the compilers that it has started."""
    said: list[str] = []
    process = subprocess.Popen(
        command, cwd=folder(), env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, errors="replace", start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        for line in process.stdout:
            log.write(line)
            said = [*said[-400:], line]
            if (percent := progress(line)) is not None:
                log.flush()
                on_progress(percent)
        return said, process.wait()
    except BaseException:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        raise


def progress(line: str) -> int | None:
    """Percent done, of a line of ninja's ([12/135]) or make's ([  9%])."""
    found = _PROGRESS.match(line)
    if found is None:
        return None
    return int(found[3]) if found[3] else 100 * int(found[1]) // max(1, int(found[2]))


def jobs_for(cores: int, memory_bytes: int) -> int:
    return max(1, min(cores, memory_bytes // MEMORY_BYTES_A_JOB))


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _refuse_full_disk(place: Path) -> None:
    existing = next(there for there in (place, *place.parents) if there.is_dir())
    free = shutil.disk_usage(existing).free
    if free < DISK_BYTES:
        raise BuildFailed(
            f"the disk is too full: building takes {DISK_BYTES // 1_000_000} MB at {existing}, {free // 1_000_000} MB are free",
            "Free some space, or set XDG_CACHE_HOME to a folder on another disk; then: make engine",
        )


# What compilers, CMake and pip say, and what that means. The first that is found counts.
REASONS = (
    (
        r"No space left on device|Errno 28",
        "the disk is full",
        "Free some space, then: make engine",
    ),
    (
        r"fatal error: Killed|[Oo]ut of memory|virtual memory exhausted|Cannot allocate memory|signal terminated program",
        "memory ran out while compiling",
        "End other programs, or compile one file at a time: CMAKE_BUILD_PARALLEL_LEVEL=1 make engine",
    ),
    (
        r"No CMAKE_CUDA_COMPILER|Failed to find nvcc|CUDA Toolkit not found|Could not find nvcc|Could NOT find CUDAToolkit",
        "CUDA's compiler (nvcc) is not here",
        "Install NVIDIA's CUDA toolkit, or name the compiler: CUDACXX=/usr/local/cuda/bin/nvcc. Without a GPU: make engine",
    ),
    (
        r"Could NOT find Vulkan|[Gg]lslc.*(?:NOTFOUND|not found)|SPIRV-Headers",
        "Vulkan's headers or its shader compiler (glslc) are not here",
        "Debian, Ubuntu: sudo apt-get install libvulkan-dev glslc spirv-headers. Without a GPU: make engine",
    ),
    (
        r"No CMAKE_C(?:XX)?_COMPILER could be found|CMAKE_C(?:XX)?_COMPILER-NOTFOUND|is not a full path to an existing compiler",
        "no C++ compiler is here",
        "Debian, Ubuntu: sudo apt-get install g++. Fedora: sudo dnf install gcc-c++. macOS: xcode-select --install",
    ),
    (
        r"DO NOT MATCH THE HASHES",
        "the source that was downloaded is not the one that is pinned",
        "Don't use it. Something between here and the package index changes files: ask whoever runs the network.",
    ),
    (
        r"No matching distribution|Failed to establish a new connection|Temporary failure in name resolution|Read timed out",
        "the source could not be downloaded",
        "Look at the network, then: make engine. Without internet: build the wheel elsewhere, make engine ARGS='--wheel FILE'",
    ),
)


def explained(said: list[str], status: int) -> BuildFailed:
    """Why a build failed, from what it said."""
    text = "".join(said)
    for pattern, message, fix in REASONS:
        if re.search(pattern, text):
            return BuildFailed(message, fix)
    how = f"by {signal.Signals(-status).name}" if status < 0 else f"with status {status}"
    errors = "; ".join(_errors(said))
    return BuildFailed(f"it ended {how}{': ' if errors else ''}{errors}", "The log says more.")


def _errors(said: list[str]) -> Iterator[str]:
    """The first lines that look like the cause: what stands at the end is mostly pip's own."""
    found = [line.strip() for line in said if re.search(r"\berror\b", line, re.IGNORECASE)]
    yield from (line[:200] for line in found[:2])
