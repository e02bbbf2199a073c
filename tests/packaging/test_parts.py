"""The parts of the builder and of the installer that need no bundle."""

import datetime
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from tests.packaging.bundles import INSTALLER, ROOT, loaded
from tests.running import eventually

builder = loaded(ROOT / "packaging/bundle.py")
checks = loaded(INSTALLER / "checks.py")
places = loaded(INSTALLER / "places.py")
services = loaded(INSTALLER / "services.py")
program = loaded(INSTALLER / "program.py")
Refused = program.Refused

EXPOSURE_MAX = 2.0


@pytest.mark.parametrize(
    ("wheels", "glibc"),
    [
        ([], ""),
        (["a-1-py3-none-any.whl", "a-1-cp311-cp311-macosx_11_0_arm64.whl"], ""),
        (["a-1-cp311-cp311-manylinux2014_x86_64.whl"], "2.17"),
        (["a-1-cp311-cp311-manylinux1_x86_64.manylinux_2_28_x86_64.manylinux_2_5_x86_64.whl"], "2.5"),
        (["a-1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl", "b-1-cp39-abi3-manylinux_2_34_x86_64.whl"], "2.34"),
    ],
)
def test_the_glibc_that_a_bundle_needs_is_the_newest_that_any_wheel_needs(wheels: list[str], glibc: str) -> None:
    assert builder.glibc_needed(wheels) == glibc


def test_a_wheel_that_was_compiled_here_needs_the_glibc_that_its_libraries_name(tmp_path: Path) -> None:
    wheel = tmp_path / "engine-1-py3-none-linux_x86_64.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("lib/libengine.so", b"\0GLIBC_2.9\0GLIBC_2.34\0GLIBCXX_3.4.29\0GLIBC_PRIVATE\0")
        archive.writestr("README", "GLIBC_2.99")
    assert builder.newest_of_ours([wheel, Path("a-1-cp311-cp311-manylinux2014_x86_64.whl")]) == (2, 34)
    assert builder.glibc_needed(["a-1-cp311-cp311-manylinux2014_x86_64.whl"], (2, 34)) == "2.34"


@pytest.mark.skipif(not Path("/proc/cpuinfo").exists(), reason="this system has no /proc")
def test_what_the_processor_lacks_is_named_and_nothing_else() -> None:
    assert checks.processor_lacks({"processor": "avx9000 zmm64"}) == ["avx9000", "zmm64"]
    (line, *_) = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith(("flags", "Features"))]
    assert checks.processor_lacks({"processor": line.partition(":")[2]}) == []
    assert checks.processor_lacks({}) == []


def test_an_engine_that_cannot_be_imported_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python"
    python.write_text("#!/bin/sh\necho 'OSError: libgomp.so.1: cannot open shared object file' >&2\nexit 1\n")
    python.chmod(0o755)
    assert program.engine_problem(tmp_path, "llama-cpp-python") == "OSError: libgomp.so.1: cannot open shared object file"
    python.write_text("#!/bin/sh\n[ \"$*\" = '-I -B -c import llama_cpp' ]\n")
    assert program.engine_problem(tmp_path, "llama-cpp-python") == ""
    python.write_text("#!/bin/sh\nkill -ILL $$\n")
    assert program.engine_problem(tmp_path, "xllamacpp") == "it ended with status -4"


def test_the_engine_that_is_named_is_shipped_and_none_is_xllamacpp(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wheel = tmp_path / "llama_cpp_python-1-py3-none-linux_x86_64.whl"
    with pytest.raises(SystemExit, match="is no file"):
        builder.bundle_engine.shipped(str(wheel))
    wheel.touch()
    assert builder.bundle_engine.shipped(str(wheel)).wheel == wheel
    assert builder.bundle_engine.shipped("none").distribution == "xllamacpp"
    assert "Ships xllamacpp" in capsys.readouterr().out


def test_the_same_files_make_the_same_bytes(tmp_path: Path) -> None:
    packed = []
    for number in range(2):
        folder = tmp_path / str(number) / "gatehouse"
        (folder / "wheels").mkdir(parents=True)
        for name in ("b", "a")[:: 1 if number else -1]:
            (folder / "wheels" / name).write_text(name)
            (folder / "wheels" / name).chmod(0o600 if number else 0o664)
        builder.pack(folder, tmp_path / f"{number}.tar", 1_700_000_000)
        packed.append((tmp_path / f"{number}.tar").read_bytes())
    assert packed[0] == packed[1]


def test_a_signing_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    builder.make_key(tmp_path / "keys/key.pem")
    assert (tmp_path / "keys/key.pem").stat().st_mode & 0o777 == 0o600
    assert isinstance(builder.signing_key(tmp_path / "keys/key.pem"), Ed25519PrivateKey)
    with pytest.raises(FileExistsError):
        builder.make_key(tmp_path / "keys/key.pem")


def test_openssl_agrees_with_the_signature(tmp_path: Path, strange_key: Ed25519PrivateKey) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    (tmp_path / "file").write_text("text")
    builder.sign(tmp_path, strange_key)
    command = "openssl pkeyutl -verify -rawin -pubin -inkey signing-key.pub -in SHA256SUMS -sigfile SHA256SUMS.sig"
    done = subprocess.run(command.split(), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "Signature Verified Successfully" in done.stdout, done.stderr
    assert subprocess.run(["sha256sum", "--check", "--strict", "SHA256SUMS"], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize("built", ["2099-01-01T00:00:00Z", "2001-01-01T00:00:00Z"])
def test_a_clock_that_is_years_off_is_told(built: str) -> None:
    assert any("this machine's clock says" in line for line in checks.warnings({"built": built, "tray": "yes"}))


def test_a_clock_that_may_be_right_is_not_mentioned() -> None:
    now = datetime.datetime.now(datetime.UTC)
    assert not any("clock" in line for line in checks.warnings({"built": f"{now:%Y-%m-%dT%H:%M:%SZ}", "tray": "no"}))


def test_the_systems_unit_is_understood_and_shut_tight(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    file = tmp_path / "gatehouse.service"
    file.write_text(services.unit(True, Path("/opt/gatehouse"), Path("/var/lib/gatehouse")))
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={EXPOSURE_MAX * 10:.0f}", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("is_system", [True, False])
def test_a_unit_survives_spaces_and_percent_signs(tmp_path: Path, is_system: bool) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    prefix = tmp_path / "a 100 % site"
    (prefix / "current/bin").mkdir(parents=True)
    (prefix / "current/bin/gatehouse").symlink_to("/bin/true")
    file = tmp_path / "gatehouse.service"
    file.write_text(services.unit(is_system, prefix, prefix / "home"))
    done = subprocess.run(["systemd-analyze", "verify", file], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "gatehouse.service" not in done.stderr


def test_the_service_refuses_a_home_that_it_cannot_see() -> None:
    with pytest.raises(Refused, match="keeps its data in /var/lib/gatehouse"):
        services.refuse_what_it_cannot_run(True, Path("/opt/gatehouse"), Path("/srv/data"))


@pytest.mark.parametrize("name", ['a "b"', "it's", "a\\b", "$HOME", "a\nb"])
def test_a_path_that_systemd_would_not_take_is_refused_before_anything_is_made(name: str) -> None:
    with pytest.raises(Refused, match="systemd takes no quotes"):
        services.refuse_what_it_cannot_run(False, Path("/srv") / name, Path("/srv/home"))


@pytest.mark.parametrize("is_system", [True, False])
def test_a_launcher_hands_over_arguments_and_status_as_they_are(tmp_path: Path, is_system: bool) -> None:
    real = tmp_path / "it's a program"
    real.write_text('#!/bin/sh\necho "$GATEHOUSE_HOME|$1|$2"\nexit 7\n')
    real.chmod(0o755)
    script = tmp_path / "launcher"
    script.write_text(places.launcher(real, tmp_path / "a home", is_system))
    done = subprocess.run(
        ["sh", script, "one two", "$3"], env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    assert (done.stdout, done.returncode) == (f"{tmp_path / 'a home'}|one two|$3\n", 7), done.stderr


def test_a_link_of_somebody_elses_stays(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    assert not program.link(tmp_path / "mine", tmp_path / "app/bin/gatehouse", tmp_path / "app")
    (tmp_path / "link").symlink_to("/bin/true")
    assert not program.link(tmp_path / "link", tmp_path / "app/bin/gatehouse", tmp_path / "app")
    assert program.link(tmp_path / "new", tmp_path / "app/bin/gatehouse", tmp_path / "app")
    assert program.link(tmp_path / "new", tmp_path / "app/bin/gatehouse", tmp_path / "app")


def test_a_failure_leaves_no_folder_that_was_not_there(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    with pytest.raises(OSError, match="full"), program.all_or_nothing(tmp_path / "old/a/b", tmp_path / "new/c"):
        raise OSError("full")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["old"]


def test_a_damaged_record_is_told(tmp_path: Path) -> None:
    (tmp_path / "installed.json").write_text("{")
    with pytest.raises(Refused, match=r"installed\.json can't be read"):
        places.installed_at(tmp_path)


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="this system has no /proc")
def test_a_process_of_the_installed_program_is_found_whatever_its_home_and_no_other(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    assert places.process_from(versions) is None
    binary = versions / "1-1/bin/sleep"
    binary.parent.mkdir(parents=True)
    binary.symlink_to(shutil.which("sleep") or "/bin/sleep")
    running = subprocess.Popen([binary, "60"])
    try:
        eventually(lambda: places.process_from(versions) == running.pid)  # between fork and exec it has another name
        assert places.process_from(versions / "1-2") is None
    finally:
        running.kill()
        running.wait()
