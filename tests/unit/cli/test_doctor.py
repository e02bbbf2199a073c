"""`gatehouse doctor`: what it finds wrong, and that it says how to mend it."""

import json
import os
import socket
import sqlite3
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from appliance.cli import doctor
from appliance.cli.checks import engine_devices, engines, keeping, machine, models, network
from appliance.cli.checks.finding import Check, Finding, Patient
from appliance.home import Control, Home, HomeLock
from appliance.local.catalogue import catalogue
from appliance.settings import Settings
from appliance.store.migrate import NEWEST
from tests.running import free_port

posix = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")
Examine = Callable[..., list[Finding]]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").make()


@pytest.fixture
def examine(home: Home) -> Examine:
    """What one check says."""

    def examine(check: Check, environ: Mapping[str, str] | None = None, **settings: Any) -> list[Finding]:
        return list(check(Patient(home, environ or {}, Settings(**settings))))

    return examine


def states(findings: list[Finding]) -> list[str]:
    for finding in findings:
        assert bool(finding.mend) is (finding.state != "ok"), finding
    return [finding.state for finding in findings]


def test_a_machine_in_order_passes(home: Home) -> None:
    env = {"GATEHOUSE_HOME": str(home.root), "GATEHOUSE_PORT": str(free_port()), "GATEHOUSE_MASTER_KEY_SOURCE": "file"}
    before = sorted(home.root.rglob("*"))
    done = CliRunner().invoke(doctor.doctor, ["--json"], env=env, standalone_mode=False)
    report = json.loads(done.output)
    assert report["ok"] is True
    assert done.return_value == 0
    names = {finding["name"] for finding in report["findings"]}
    assert {
        "Python",
        "disk",
        "memory",
        "cores",
        "home",
        "settings",
        "database",
        "master key",
        "engine",
        "server",
        "reach",
    } <= names
    assert sorted(home.root.rglob("*")) == before  # it only looks


def test_a_machine_out_of_order_ends_with_1_and_says_what_to_do(home: Home) -> None:
    home.settings_file.write_text("\nprot = 1\n")
    done = CliRunner().invoke(doctor.doctor, [], env={"GATEHOUSE_HOME": str(home.root)}, standalone_mode=False)
    assert done.return_value == 1
    assert f"FAIL  settings: {home.settings_file}, line 2: there is no setting 'prot'\n      Did you mean port?" in done.output
    assert "1 to mend" in done.output


def test_a_check_that_breaks_is_a_finding_and_the_others_go_on(home: Home) -> None:
    def broken_check(_: Patient) -> Iterator[Finding]:
        raise ValueError("x")
        yield

    found = list(doctor.examine(Patient(home, {}, Settings()), [broken_check, machine.python]))
    assert states(found) == ["fail", "ok"]
    assert found[0].name == "broken check"


@posix
def test_a_home_open_to_others_is_found(home: Home, examine: Examine) -> None:
    assert states(examine(keeping.home)) == ["ok"]
    home.database.touch()
    home.database.chmod(0o644)
    home.root.chmod(0o755)
    (finding,) = examine(keeping.home)
    assert finding.state == "warn"
    assert "gatehouse.db" in finding.what
    home.root.chmod(0o777)
    (finding,) = examine(keeping.home)
    assert (finding.state, finding.mend) == ("fail", f"chmod go-w {home.root}")


def test_a_damaged_database_is_found(home: Home, examine: Examine) -> None:
    assert states(examine(keeping.database)) == ["ok"]
    with sqlite3.connect(home.database) as connection:
        connection.execute("CREATE TABLE t (x)")
        connection.executemany("INSERT INTO t VALUES (?)", [("y" * 500,)] * 200)
    connection.close()
    assert states(examine(keeping.database)) == ["ok"]
    data = bytearray(home.database.read_bytes())
    data[8192:12288] = b"\xaa" * 4096
    home.database.write_bytes(data)
    (finding,) = examine(keeping.database)
    assert (finding.state, "damaged" in finding.what) == ("fail", True)
    home.database.write_bytes(b"this is no database, but long enough to be looked at" * 100)
    assert states(examine(keeping.database)) == ["fail"]


def test_a_database_of_a_newer_program_is_found(home: Home, examine: Examine) -> None:
    with sqlite3.connect(home.database) as connection:
        connection.execute("CREATE TABLE alembic_version (version_num)")
        connection.execute("INSERT INTO alembic_version VALUES (?)", (NEWEST,))
    assert states(examine(keeping.database)) == ["ok"]
    with connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    (finding,) = examine(keeping.database)
    assert (finding.state, "newer" in finding.what) == ("fail", True)


async def test_the_master_key_s_place_is_named_and_a_wrong_one_found(home: Home, examine: Examine) -> None:
    import asyncio

    from appliance.clock import SystemClock
    from appliance.store.engine import Database
    from appliance.store.migrate import migrate
    from appliance.store.vault import Vault

    async def look() -> Finding:
        (finding,) = await asyncio.to_thread(examine, keeping.master_key, master_key_source="file")
        return finding

    assert "will be kept in a file" in (await look()).what
    db = Database(home.database)
    await db.open()
    await migrate(db)
    await Vault.open(db, home, "file", {}, SystemClock())
    await db.close()
    finding = await look()
    assert (finding.state, str(home.master_key) in finding.what) == ("ok", True)
    home.master_key.chmod(0o644)
    assert (await look()).state == "fail"
    home.master_key.unlink()
    finding = await look()
    assert (finding.state, bool(finding.mend)) == ("fail", True)


def test_a_port_that_is_taken_is_found_and_its_holder_named(examine: Examine) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        number = taken.getsockname()[1]
        (finding,) = examine(network.port, port=number)
        assert finding.state == "fail"
        if sys.platform == "linux":
            assert f"process {os.getpid()}" in finding.what
    assert states(examine(network.port, port=free_port())) == ["ok"]


def test_a_host_that_is_not_here_is_found(examine: Examine) -> None:
    (finding,) = examine(network.port, host="no-such-host.invalid")
    assert finding.state == "fail"


def test_a_door_that_is_open_to_the_network_is_told(examine: Examine) -> None:
    assert states(examine(network.reach, host="0.0.0.0")) == ["warn"]
    assert states(examine(network.reach, host="127.0.0.1")) == ["ok"]


def test_a_server_that_holds_the_home_without_answering_is_found(home: Home, examine: Examine) -> None:
    assert states(examine(network.server)) == ["ok"]
    with HomeLock.take(home):
        home.write_control(Control(4711, f"http://127.0.0.1:{free_port()}", "t"))
        (finding,) = examine(network.server)
        assert finding.state == "fail"
        assert "process 4711" in finding.what


class TestModels:
    def test_a_model_that_is_not_here_is_told(self, examine: Examine) -> None:
        (finding,) = examine(models.chosen)
        assert (finding.state, "gatehouse models get" in finding.mend) == ("warn", True)
        (finding,) = examine(models.chosen, local_model="my-own")
        assert (finding.state, "my-own" in finding.what) == ("warn", True)
        assert examine(models.chosen, local_models=False) == []

    @pytest.mark.parametrize("spoil", ["short", "changed"])
    def test_a_file_that_is_not_as_it_was_published_is_found(self, home: Home, examine: Examine, spoil: str) -> None:
        entry = catalogue()[Settings().local_model]
        with (home.models / entry.file).open("wb") as file:
            file.truncate(entry.bytes if spoil == "changed" else 100)
        (finding,) = examine(models.files)
        assert finding.state == "fail"
        assert finding.mend == f"gatehouse models get {entry.id}"

    def test_the_published_file_is_intact(self, home: Home, examine: Examine, model_file: Path) -> None:
        (home.models / catalogue()[Settings().local_model].file).symlink_to(model_file)
        (finding,) = examine(models.files)
        assert (finding.state, finding.what.endswith("intact")) == ("ok", True)


class TestMachine:
    def test_more_threads_than_cores_are_told(self, examine: Examine) -> None:
        assert states(examine(machine.cores)) == ["ok"]
        assert states(examine(machine.cores, local_threads=512)) == ["warn"]

    def test_the_disk_looked_at_is_the_one_that_the_home_will_be_on(self, tmp_path: Path) -> None:
        (finding,) = machine.disk(Patient(Home(tmp_path / "not" / "yet"), {}, Settings()))
        assert str(tmp_path) in finding.what

    def test_nvidia_smi_is_asked_for_the_names(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        tool = tmp_path / "nvidia-smi"
        tool.write_text("#!/bin/sh\necho 'NVIDIA L4, 23034 MiB'\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert "NVIDIA L4, 23034 MiB" in list(machine.graphics())
        tool.write_text("#!/bin/sh\nexit 9\n")
        assert not any("L4" in name for name in machine.graphics())


CPU, L4 = ("AMD EPYC", "CPU"), ("NVIDIA L4", "GPU")


class TestEngine:
    @pytest.fixture
    def with_engines(self, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
        """A machine with these engines, each with what it computes on (None: it doesn't run), and these graphics processors."""

        def arrange(here: Mapping[str, list[tuple[str, str]] | None], *seen: str) -> None:
            monkeypatch.setattr(engines, "_installed", lambda: dict.fromkeys(here, "1.2.3"))
            monkeypatch.setattr(engines, "_devices", here.get)
            monkeypatch.setattr(engines, "graphics", lambda: iter(seen))

        return arrange

    def test_a_missing_engine_is_told(self, examine: Examine, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(engines, "ENGINES", dict.fromkeys(engines.ENGINES, "no-such-distribution-anywhere"))
        (finding,) = examine(engines.engine)
        assert (finding.state, "make engine" in finding.mend) == ("warn", True)

    def test_the_engine_that_is_used_is_named_and_so_is_the_spare_one(
        self, examine: Examine, with_engines: Callable[..., None]
    ) -> None:
        with_engines({"llama_cpp": [CPU], "xllamacpp": [CPU]})
        assert examine(engines.engine)[0].what == "llama-cpp-python 1.2.3, on the processor; xllamacpp 1.2.3 is here too"
        (finding, _) = examine(engines.engine, local_engine="xllamacpp")
        assert finding.what.startswith('xllamacpp 1.2.3, on the processor (local_engine = "xllamacpp")')

    def test_where_the_faster_engine_could_be_had_the_command_is_told(
        self, examine: Examine, with_engines: Callable[..., None]
    ) -> None:
        with_engines({"xllamacpp": [CPU]})
        assert [finding.mend for finding in examine(engines.engine)] == ["make engine.", ""]
        assert states(examine(engines.engine, local_engine="xllamacpp")) == ["ok", "ok"]  # it was asked for

    def test_an_engine_that_is_asked_for_and_not_here_is_found(self, examine: Examine, with_engines: Callable[..., None]) -> None:
        with_engines({"xllamacpp": [CPU]})
        (finding,) = examine(engines.engine, local_engine="llama_cpp")
        assert (finding.state, finding.mend) == ("fail", 'make engine; or set local_engine = "auto".')

    def test_an_engine_that_does_not_run_here_is_found_and_another_one_named_that_does(
        self, examine: Examine, with_engines: Callable[..., None]
    ) -> None:
        with_engines({"llama_cpp": None, "xllamacpp": [CPU]})
        (finding,) = examine(engines.engine)
        assert (finding.state, finding.mend) == ("fail", 'make engine. Until then: local_engine = "xllamacpp".')

    @pytest.mark.parametrize(
        ("seen", "mend"),
        [
            ("NVIDIA L4, 23034 MiB", "CMAKE_ARGS=-DGGML_CUDA=on make engine"),
            ("Tesla T4, 15360 MiB", "CMAKE_ARGS=-DGGML_CUDA=on make engine"),
            ("AMD (/dev/dri/renderD128)", "CMAKE_ARGS=-DGGML_VULKAN=on make engine"),
            ("Intel (/dev/dri/renderD128)", "CMAKE_ARGS=-DGGML_VULKAN=on make engine"),
            ("Apple GPU (Metal)", "CMAKE_ARGS=-DGGML_METAL=on make engine"),
        ],
    )
    def test_a_gpu_that_the_engine_does_not_use_is_told_with_the_command_that_mends_it(
        self, examine: Examine, with_engines: Callable[..., None], seen: str, mend: str
    ) -> None:
        with_engines({"llama_cpp": [CPU, ("BLAS", "ACCEL")]}, seen)
        finding = examine(engines.engine)[1]
        assert (finding.state, seen in finding.what, mend in finding.mend) == ("warn", True, True)
        with_engines({"llama_cpp": [CPU, L4]}, seen)
        assert states(examine(engines.engine)) == ["ok", "ok"]

    def test_without_cuda_s_compiler_it_is_named_first(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr(engines, "NVCC", ())
        monkeypatch.setenv("PATH", str(tmp_path))
        assert "nvcc is not here" in engines._mend_graphics("NVIDIA L4")
        (tmp_path / "nvcc").touch(0o755)
        assert "nvcc" not in engines._mend_graphics("NVIDIA L4")

    def test_a_program_that_was_not_started_from_its_source_names_pip(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setattr(engines.appliance, "__file__", str(tmp_path / "site-packages/appliance/__init__.py"))
        assert engines._get("llama_cpp") == "pip install 'gatehouse[llama]'"
        assert engines._get("llama_cpp", "GGML_CUDA").endswith("--no-cache-dir llama-cpp-python")

    @pytest.mark.parametrize("name", list(engines.ENGINES))
    def test_an_engine_that_is_here_is_asked_in_a_process_of_its_own(self, name: str) -> None:
        if name not in engines._installed():
            pytest.skip(f"{name} is not installed")
        devices = engines._devices(name)
        assert devices
        assert {kind for _, kind in devices} <= set(engine_devices.KINDS)

    def test_code_that_ends_its_process_is_an_engine_that_does_not_run(
        self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        script = tmp_path / "devices.py"
        monkeypatch.setattr(engine_devices, "__file__", str(script))
        for spoilt in ("import os; os.abort()", "print('[')", "", "import no_such_module"):
            script.write_text(spoilt)
            assert engines._devices("llama_cpp") is None
