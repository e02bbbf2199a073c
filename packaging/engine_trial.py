"""Does this engine work here, and what does it ask of the processor? Asked in a process of its own.

    python packaging/engine_trial.py llama_cpp|xllamacpp FOLDER [MODEL.gguf]

FOLDER is where the engine was unpacked for the trial ("-": the one that is installed). With a model, llama_cpp must give a
token. Prints the processor's features that the engine was compiled to use, as JSON; else the last line says why it doesn't run.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DEVICES = ROOT / "appliance/cli/checks/engine_devices.py"
SECONDS_MAX = 180.0
ILLEGAL_INSTRUCTION = -4


class DoesNotRun(Exception):
    """Why not, in words."""


class Tried(NamedTuple):
    devices: list[tuple[str, str]]  # description, kind: engine_devices.py
    features: list[str]  # in llama.cpp's words

    @property
    def graphics(self) -> list[str]:
        return [description for description, kind in self.devices if kind.endswith("GPU")]


def tried(engine: str, folder: Path | None = None, model: Path | None = None) -> Tried:
    """What it computes on, after it has. Errors: DoesNotRun."""
    environment = {**os.environ, "PYTHONPATH": str(folder) if folder else "", "PYTHONDONTWRITEBYTECODE": "1"}
    features = _asked([__file__, engine, str(folder or "-"), *([str(model)] if model else [])], environment)
    devices = _asked([str(DEVICES), engine], environment)
    return Tried([(str(description), str(kind)) for description, kind in devices], features)


def _asked(arguments: list[str], environment: dict[str, str]) -> list[str]:
    try:
        done = subprocess.run(
            [sys.executable, *arguments], env=environment, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True,
            errors="replace", timeout=SECONDS_MAX, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise DoesNotRun(f"it did not answer within {SECONDS_MAX:.0f} seconds") from None
    if done.returncode == ILLEGAL_INSTRUCTION:
        raise DoesNotRun("it was built for another processor (illegal instruction)")
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines() or [f"it ended with status {done.returncode}"]
        raise DoesNotRun(said[-1][:300])
    answer: list[str] = json.loads(done.stdout.splitlines()[-1])
    return answer


def main(engine: str, folder: str, model: str = "") -> None:
    if engine == "xllamacpp":
        import xllamacpp

        where, info = xllamacpp.__file__, xllamacpp.get_system_info()
    else:
        import llama_cpp

        where, info = llama_cpp.__file__, llama_cpp.llama_print_system_info().decode()
        if model:
            _token(model)
    if folder != "-" and not Path(where).resolve().is_relative_to(Path(folder).resolve()):
        raise SystemExit(f"the engine that was tried is another one: {where}")
    print(json.dumps(re.findall(r"(\w+) = 1", info)))


def _token(model: str) -> None:
    import llama_cpp

    llama = llama_cpp.Llama(model, n_ctx=128, n_threads=1, n_threads_batch=1, verbose=False)
    answer = llama.create_completion("Once upon a time", max_tokens=2, temperature=0)
    llama.close()
    if answer["usage"]["completion_tokens"] < 1:
        raise SystemExit("the model gave no token")


if __name__ == "__main__":
    main(*sys.argv[1:])
