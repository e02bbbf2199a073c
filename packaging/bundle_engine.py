"""The engine that a bundle ships: llama-cpp-python, compiled for any processor of the last ten years, and proven.

xllamacpp is shipped instead where nothing shall be compiled: it needs no compiler, weighs ten times as much, and asks the same
of the processor. Both at once would be no spare for a processor that lacks something.
"""

import re
import shutil
import sys
import time
import zipfile
from pathlib import Path
from typing import NamedTuple

import engine_wheel
import system_packages
from engine import Job
from engine_trial import DoesNotRun, tried
from engine_wheel import BuildFailed

# What Linux calls in /proc/cpuinfo what llama.cpp says it was compiled to use. What isn't here is no instruction.
FLAGS = {
    "SSE3": "pni",
    "SSSE3": "ssse3",
    "AVX": "avx",
    "AVX2": "avx2",
    "F16C": "f16c",
    "FMA": "fma",
    "BMI2": "bmi2",
    "AVX_VNNI": "avx_vnni",
    "AVX512": "avx512f",
    "AVX512_VBMI": "avx512vbmi",
    "AVX512_VNNI": "avx512_vnni",
    "AVX512_BF16": "avx512_bf16",
    "AMX_INT8": "amx_int8",
}


class Shipped(NamedTuple):
    """`wheel` is None for xllamacpp, which is among the pinned wheels."""

    name: str
    distribution: str
    extra: str  # of Gatehouse's own package
    wheel: Path | None = None


XLLAMACPP = Shipped("xllamacpp", "xllamacpp", "local")


def shipped(named: str | None) -> Shipped:
    """The engine to ship: the wheel that is named, or the one that is kept or built now; "none": xllamacpp."""
    if named == "none":
        print("Ships xllamacpp as the local engine: no wheel of llama-cpp-python was to be had (--engine-wheel).")
        return XLLAMACPP
    wheel = Path(named) if named else _kept_or_built()
    if not wheel.is_file():
        sys.exit(f"{wheel} is no file. The engine's wheel is named by --engine-wheel FILE; `none` ships xllamacpp.")
    return Shipped("llama_cpp", engine_wheel.PACKAGE, "llama", wheel)


def _kept_or_built() -> Path:
    how = engine_wheel.recipe(portable=True)
    if wheel := engine_wheel.kept(how):
        return wheel
    if system_packages.main("engine"):
        sys.exit("Without a compiler: --engine-wheel FILE takes a wheel built elsewhere, --engine-wheel none ships xllamacpp.")
    job = Job(aloud=True)
    while not job.take():
        print("Another build of the engine is at work; this one waits.", flush=True)
        time.sleep(20)
    what = "Building the engine for any processor (some minutes)"
    try:
        with job.log.open("w") as log:
            return engine_wheel.build(how, log, lambda percent: job.tell("building", what, percent))
    except BuildFailed as failure:
        sys.exit(f"{failure}\n  Fix: {failure.fix}\n  Log: {job.log}\n  Or ship xllamacpp: --engine-wheel none")
    finally:
        job.tell("done", "The engine's wheel is kept for the next time." if engine_wheel.kept(how) else "No engine.")


def proven(engine: Shipped, wheels: list[Path], model: Path | None, temporary: Path) -> list[str]:
    """What the processor must have for it, by Linux's names: told by the engine, after it has run here.

    Ends the program where it doesn't run.
    """
    print(f"Trying the engine ({engine.distribution}) …", flush=True)
    folder = temporary / "engine"
    for wheel in wheels:
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(folder)
    try:
        found = tried(engine.name, folder, model)
    except DoesNotRun as failure:
        sys.exit(f"The engine that was to be shipped does not run: {failure}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return sorted(FLAGS[feature] for feature in found.features if feature in FLAGS)


def glibc_used(wheel: Path) -> tuple[int, int]:
    """The newest glibc that a wheel's libraries name: one that was compiled here says nothing of it in its own name."""
    newest = (0, 0)
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            if re.search(r"\.so(\.\d+)*$", name):
                found = re.findall(rb"\bGLIBC_(\d+)\.(\d+)\b", archive.read(name))
                newest = max([newest, *((int(major), int(minor)) for major, minor in found)])
    return newest
