"""`make engine`: builds, tries and switches; and what it leaves alone when something fails."""

import platform
import signal
import sys
import time
from pathlib import Path

import psutil
import pytest

from tests.packaging.bundles import loaded
from tests.packaging.engines import VERSION, Workshop, make_venv, write_wheel
from tests.running import ROOT, eventually

engine_wheel = loaded(ROOT / "packaging/engine_wheel.py")

IN_PLACE = f"llama-cpp-python {VERSION} is in place, and computes on Stand-in GPU"
STAYS = "The engine before it stays."


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if sys.platform == "win32":
        pytest.skip("packaging/*.sh are a shell's")
    return make_venv(tmp_path_factory.mktemp("venv") / "venv")


@pytest.fixture
def workshop(python: Path, tmp_path: Path) -> Workshop:
    return Workshop(tmp_path, python)


def test_it_builds_with_progress_and_the_second_time_there_is_nothing_to_do(workshop: Workshop) -> None:
    said = workshop.make("--wait")
    assert f"Building llama-cpp-python {VERSION} … 50 %" in said
    assert IN_PLACE in said
    assert workshop.imports()
    assert "Nothing to do" in workshop.make("--wait")
    assert "Nothing to do" in workshop.make()
    assert len(workshop.compilations) == 1
    assert workshop.make("--status") == f"Installed: llama-cpp-python {VERSION}\n"


def test_each_way_of_building_has_a_wheel_of_its_own_that_is_kept(workshop: Workshop) -> None:
    workshop.make("--wait")
    workshop.make("--wait", CMAKE_ARGS="-DGGML_CUDA=on  -DGGML_NATIVE=off")
    assert "Nothing to do" in workshop.make("--any")  # however it was built
    plain, cuda = workshop.compilations
    assert cuda == " ".join((*engine_wheel.ALWAYS, "-DGGML_CUDA=on", "-DGGML_NATIVE=off"))
    assert plain != cuda
    said = workshop.make()  # not in the background: it takes no time
    assert IN_PLACE in said
    assert len(workshop.compilations) == 2


def test_it_builds_in_the_background_one_at_a_time_and_can_be_followed(workshop: Workshop) -> None:
    workshop.gate.touch()
    began = time.monotonic()
    said = workshop.make()
    assert time.monotonic() - began < 10
    assert "in the background" in said
    assert f"tail -f {workshop.cache / 'gatehouse-builder/engine/build.log'}" in said
    eventually(lambda: f"At work: Building llama-cpp-python {VERSION}, 50 %" in workshop.make("--status"), 30, 0.2)
    assert "at work already" in workshop.make()
    assert not workshop.imports()
    follower = workshop.start("--wait")
    workshop.gate.unlink()
    said, _ = follower.communicate(timeout=60)
    assert follower.returncode == 0, said
    assert IN_PLACE in said
    assert len(workshop.compilations) == 1
    assert workshop.imports()


@pytest.mark.parametrize("options", [(), ("--wait",)])
def test_a_build_that_fails_says_why_and_leaves_the_engine_before_it(workshop: Workshop, options: tuple[str, ...]) -> None:
    workshop.make("--wait")
    (workshop.stand_in / "fails").write_text("c++: fatal error: Killed signal terminated program cc1plus\n")
    workshop.make(*options, status=1 if options else 0, CMAKE_ARGS="-DX=1")
    eventually(lambda: "The last build failed" in workshop.make("--status"), 30, 0.2)
    said = workshop.make("--status")
    assert f"memory ran out while compiling. {STAYS}" in said
    assert "CMAKE_BUILD_PARALLEL_LEVEL=1 make engine" in said
    assert workshop.imports()
    (workshop.stand_in / "fails").unlink()
    assert IN_PLACE in workshop.make("--wait", CMAKE_ARGS="-DX=1")


@pytest.mark.parametrize(
    ("first", "why"),
    [
        ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "built for another processor"),
        ("raise OSError('libcuda.so.1: cannot open shared object file')", "libcuda.so.1: cannot open"),
    ],
)
def test_an_engine_that_does_not_run_is_never_installed_nor_kept(workshop: Workshop, first: str, why: str) -> None:
    write_wheel(workshop.stand_in, first)
    said = workshop.make("--wait", status=1)
    assert why in said
    assert STAYS in said
    assert not workshop.imports()
    write_wheel(workshop.stand_in)
    assert IN_PLACE in workshop.make("--wait")
    assert len(workshop.compilations) == 2


def test_an_installed_engine_that_no_longer_runs_is_put_in_order(workshop: Workshop) -> None:
    workshop.make("--wait")
    (module,) = workshop.python.parents[1].glob("lib/python*/site-packages/llama_cpp/__init__.py")
    module.write_text("import no_such_module")
    assert "no llama-cpp-python that works" in workshop.make("--status")
    assert IN_PLACE in workshop.make()
    assert workshop.imports()


@pytest.mark.parametrize("sent", [signal.SIGTERM, signal.SIGINT])
def test_stopping_it_ends_the_compilers_too(workshop: Workshop, sent: signal.Signals) -> None:
    workshop.gate.touch()
    process = workshop.start("--wait")
    compiler = psutil.Process(workshop.compiler_pid())
    process.send_signal(sent)
    said, _ = process.communicate(timeout=30)
    assert process.returncode == 130, said
    assert f"stopped. {STAYS}" in said
    eventually(lambda: not compiler.is_running())
    workshop.gate.unlink()
    assert IN_PLACE in workshop.make("--wait")


def test_a_background_build_that_was_cut_off_is_told_to_who_waits_for_it(workshop: Workshop) -> None:
    workshop.gate.touch()
    workshop.make()
    compiler = psutil.Process(workshop.compiler_pid())
    builder = compiler.parent()
    assert builder is not None
    follower = workshop.start("--wait")
    time.sleep(1)
    builder.kill()
    compiler.kill()
    said, _ = follower.communicate(timeout=30)
    assert follower.returncode == 1
    assert "the build was cut off" in said
    assert "was cut off" in workshop.make("--status")


def test_a_wheel_from_elsewhere_is_tried_and_installed(workshop: Workshop, tmp_path: Path) -> None:
    assert IN_PLACE in workshop.make("--wheel", str(write_wheel(tmp_path)))
    assert workshop.compilations == []
    assert "is no file" in workshop.make("--wheel", str(tmp_path / "nothing.whl"), status=2)


@pytest.mark.parametrize(
    ("line", "percent"),
    [
        ("  [12/135] /usr/bin/c++ -O3", 8),
        ("[135/135] Linking", 100),
        ("  [  9%] Building CXX object", 9),
        ("  [0/2] Re-checking", 0),
        ("warning: a[1/2] is odd", None),
        ("Collecting llama-cpp-python", None),
    ],
)
def test_progress_is_read_from_ninja_and_from_make(line: str, percent: int | None) -> None:
    assert engine_wheel.progress(line) == percent


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("CMake Error: No CMAKE_CXX_COMPILER could be found.", "no C++ compiler"),
        ("c++: fatal error: Killed signal terminated program cc1plus", "memory ran out"),
        ("cc1plus: out of memory allocating 65536 bytes", "memory ran out"),
        ("/tmp/x.s: fatal error: No space left on device", "the disk is full"),
        ("OSError: [Errno 28] No space left on device", "the disk is full"),
        ("CMake Error: Failed to find nvcc.", "nvcc"),
        ("  CUDA Toolkit not found", "nvcc"),
        ("Could NOT find Vulkan (missing: Vulkan_LIBRARY glslc)", "Vulkan"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "not the one that is pinned"),
        ("ERROR: No matching distribution found for llama-cpp-python==0.3.36", "could not be downloaded"),
        ("a.cpp:1:1: error: 'x' was not declared", "a.cpp:1:1: error: 'x' was not declared"),
        ("", "it ended with status 1"),
    ],
)
def test_a_failure_is_explained_in_plain_words(said: str, words: str) -> None:
    failure = engine_wheel.explained([f"{said}\n", "ERROR: Failed building wheel\n"] if said else [], 1)
    assert words in failure.message
    assert failure.fix


def test_a_full_disk_is_told_before_anything_is_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_wheel, "DISK_BYTES", 10**18)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with (tmp_path / "log").open("w") as log, pytest.raises(engine_wheel.BuildFailed, match="the disk is too full"):
        engine_wheel.build(engine_wheel.recipe({}), log, lambda percent: None)


def test_no_more_compilers_than_memory_holds() -> None:
    assert engine_wheel.jobs_for(8, 64 * 10**9) == 8
    assert engine_wheel.jobs_for(8, 4 * 10**9) == 3
    assert engine_wheel.jobs_for(8, 10**8) == 1


def test_a_portable_wheel_is_another_one_and_names_no_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_wheel, "processor", lambda: "sse2 ssse3")
    native, portable = engine_wheel.recipe({}), engine_wheel.recipe({}, portable=True)
    assert native.key != portable.key
    assert portable.machine == ""
    assert "-DGGML_NATIVE=OFF" in portable.cmake_args
    assert engine_wheel.recipe({"CC": "clang"}).key != native.key


def test_where_a_portable_wheel_runs_it_is_the_one_and_native_code_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(engine_wheel, "processor", lambda: "avx avx2 avx512f bmi2 f16c fma")
    assert engine_wheel.recipe({}) == engine_wheel.recipe({}, portable=True)
    asked = engine_wheel.recipe({"CMAKE_ARGS": "-DGGML_NATIVE=ON"})
    assert "-DGGML_NATIVE=OFF" not in asked.cmake_args
    assert "avx512f" in asked.machine
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    assert "-DGGML_NATIVE=OFF" not in engine_wheel.recipe({}).cmake_args


def test_the_engine_is_pinned_with_what_it_needs_and_no_index_is_named() -> None:
    assert {"llama-cpp-python", "numpy", "jinja2"} <= set(engine_wheel.pins())
    assert "://" not in engine_wheel.PINNED.read_text()
