"""`make engine` with a compiler that takes no time: a source folder, a virtual environment and a cache of their own.

Everything is the real thing but for `nice`, which starts the compilation: here it says what Ninja would, waits at a gate,
fails on purpose, or gives a small wheel of the engine's name.
"""

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.running import ROOT, environment, eventually

VERSION = "9.9.9"
SCRIPTS = ("engine.py", "engine_trial.py", "engine_wheel.py", "system_packages.py")
LIBRARIES = ("msgspec", "platformdirs", "psutil", "structlog")

COMPILER = """#!/bin/sh
echo "$CMAKE_ARGS" >>"$STAND_IN/calls"
echo "  [1/4] c++ a.cpp"
echo "  [2/4] c++ b.cpp"
echo $$ >"$STAND_IN/pid"
while [ -e "$STAND_IN/gate" ]; do sleep 0.05; done
if [ -e "$STAND_IN/fails" ]; then
    cat "$STAND_IN/fails"
    exit 1
fi
while [ "$1" != --wheel-dir ]; do shift; done
mkdir -p "$2"
cp "$STAND_IN"/*.whl "$2"
"""

# What the trial asks of llama_cpp, in Python.
LLAMA_CPP = """
{first}
def llama_print_system_info():
    return b"CPU : AVX2 = 1 | "

class Llama:
    def __init__(self, *_, **__): pass
    def create_completion(self, *_, **__): return {{"usage": {{"completion_tokens": 2}}}}
    def close(self): pass
"""
GGML = """
class Function:
    def __init__(self, answer): self.answer = answer
    def __call__(self, *_): return self.answer

class libggml:
    ggml_backend_dev_count = Function(1)
    ggml_backend_dev_get = Function(1)
    ggml_backend_dev_description = Function(b"Stand-in GPU")
    ggml_backend_dev_type = Function(1)
"""


def write_wheel(folder: Path, first: str = "") -> Path:
    """A wheel of llama-cpp-python; `first` is what its import does first."""
    info = f"llama_cpp_python-{VERSION}.dist-info"
    files = {
        "llama_cpp/__init__.py": LLAMA_CPP.format(first=first),
        "llama_cpp/_ggml.py": GGML,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: llama-cpp-python\nVersion: {VERSION}\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    made = folder / f"llama_cpp_python-{VERSION}-py3-none-any.whl"
    with zipfile.ZipFile(made, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return made


def make_venv(folder: Path) -> Path:
    """A virtual environment that sees the libraries of this one that the scripts need, and no engine. Its Python."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    libraries = folder / "libraries"
    libraries.mkdir()
    for name in LIBRARIES:
        spec = importlib.util.find_spec(name)
        assert spec is not None
        assert spec.submodule_search_locations
        (libraries / name).symlink_to(spec.submodule_search_locations[0])
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(f"{libraries}\n{ROOT}\n")
    return folder / "bin/python"


class Workshop:
    """A source folder whose `make engine` is tried."""

    def __init__(self, folder: Path, python: Path) -> None:
        self.python = python
        self.source = folder / "source"
        (self.source / "packaging").mkdir(parents=True)
        for script in SCRIPTS:
            shutil.copyfile(ROOT / "packaging" / script, self.source / "packaging" / script)
        (self.source / "appliance").symlink_to(ROOT / "appliance")
        pinned = hashlib.sha256(b"the source").hexdigest()
        (self.source / "requirements-llama.txt").write_text(f"llama-cpp-python=={VERSION} \\\n    --hash=sha256:{pinned}\n")
        self.stand_in = folder / "stand-in"
        self.stand_in.mkdir()
        (self.stand_in / "nice").write_text(COMPILER)
        (self.stand_in / "nice").chmod(0o755)
        (self.stand_in / "c++").symlink_to("/bin/true")
        write_wheel(self.stand_in)
        self.cache = folder / "cache"
        self.env = environment(
            {
                "HOME": str(folder),
                "XDG_CACHE_HOME": str(self.cache),
                "GATEHOUSE_HOME": str(folder / "home"),
                "STAND_IN": str(self.stand_in),
                "PATH": f"{self.stand_in}:{os.environ['PATH']}",
            }
        )
        self.forget_what_is_installed()

    def forget_what_is_installed(self) -> None:
        for path in (self.python.parents[1]).glob("lib/python*/site-packages/llama_cpp*"):
            shutil.rmtree(path)
        (self.python.parents[1] / "made-from-engine").unlink(missing_ok=True)

    def start(self, *options: str, **env: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [self.python, self.source / "packaging/engine.py", *options],
            env=self.env | env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def make(self, *options: str, status: int = 0, **env: str) -> str:
        """What it says, to its end."""
        process = self.start(*options, **env)
        said, _ = process.communicate(timeout=100)
        assert process.returncode == status, said
        return said

    @property
    def gate(self) -> Path:
        """While this is there the compilation goes on."""
        return self.stand_in / "gate"

    @property
    def compilations(self) -> list[str]:
        """The CMAKE_ARGS of each."""
        calls = self.stand_in / "calls"
        return calls.read_text().splitlines() if calls.exists() else []

    def compiler_pid(self) -> int:
        def pid() -> int:
            path = self.stand_in / "pid"
            return int(path.read_text() or 0) if path.exists() else 0

        return int(eventually(pid, 30))

    def imports(self) -> bool:
        """Would a server find the engine?"""
        command = [self.python, "-c", "import llama_cpp"]
        return subprocess.run(command, env=self.env, capture_output=True, check=False).returncode == 0
