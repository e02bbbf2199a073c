"""`gatehouse models load`, `unload` and `bench` speak to the server that runs; what lies on the disk is everybody's."""

import json
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance
from tests.unit.local import ggufs

MODEL = "smollm2-135m-instruct"


@pytest.fixture(scope="module")
def house(appliances: MakeAppliance) -> Appliance:
    return appliances(model=True)


def test_a_model_is_loaded_measured_and_unloaded_from_the_command_line(house: Appliance) -> None:
    loaded = house.command("models", "load", MODEL, timeout=120)
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.startswith(f"{MODEL} is ready: ")
    rows = json.loads(house.command("models", "bench", MODEL, "--json", timeout=300).stdout)
    assert [row["callers"] for row in rows] == [1, 4, 8]
    assert all(row["tokens_per_second"] > 0 for row in rows)
    assert house.command("models", "unload", MODEL).stdout == f"{MODEL} is unloaded\n"


def test_what_the_server_refuses_is_said_with_its_way_out(house: Appliance) -> None:
    refused = house.command("models", "load", "gpt-5")
    assert refused.returncode == 1
    assert "gpt-5" in refused.stderr
    assert "Fix:" in refused.stderr
    assert house.command("models", "bench", "no/such model").returncode == 1


def test_a_model_that_the_command_line_adds_can_be_loaded_and_removed(house: Appliance, tmp_path: Path) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(ggufs.honest())
    assert house.command("models", "add", str(path), "--link").returncode == 0
    failed = house.command("models", "load", "tiny", timeout=120)  # honest, and yet nothing that an engine can run
    assert failed.returncode == 1
    assert house.command("models", "remove", "tiny").returncode == 0


def test_without_a_server_load_says_so(appliances: MakeAppliance) -> None:
    stopped = appliances(start=False)
    for verb in ("load", "unload"):
        refused = stopped.command("models", verb, MODEL)
        assert refused.returncode == 2
        assert "no server runs" in refused.stderr
        assert "gatehouse serve" in refused.stderr
    assert f"gatehouse models get {MODEL}" in stopped.command("models", "bench", MODEL).stderr
