"""`gatehouse models`, as a person uses it."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from appliance.local.catalogue import catalogue
from tests.unit.local import ggufs

ROOT = Path(__file__).resolve().parents[3]
DEMONSTRATION = "smollm2-135m-instruct"

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def gatehouse(home: Path) -> Run:
    """Runs the program with a home of its own, and no network worth the name."""

    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        env = {"PATH": os.environ.get("PATH", ""), "GATEHOUSE_HOME": str(home), "PIP_NO_INDEX": "1", **environment}
        return subprocess.run(
            [sys.executable, "-m", "appliance", "models", *arguments],
            env=env,
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def on_a_terminal(environment: dict[str, str], *arguments: str) -> list[str]:
    """The lines that the program writes on a terminal of 80 columns."""
    controller, terminal = os.openpty()
    env = {"PATH": os.environ.get("PATH", ""), "COLUMNS": "80", "PIP_NO_INDEX": "1", **environment}
    with subprocess.Popen(
        [sys.executable, "-m", "appliance", *arguments], env=env, cwd=ROOT, stdin=terminal, stdout=terminal, stderr=terminal
    ):
        os.close(terminal)
        written = b""
        with contextlib.suppress(OSError):  # how a terminal says that nobody writes to it any more
            while piece := os.read(controller, 65_536):
                written += piece
    os.close(controller)
    return written.decode().splitlines()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "My Model.gguf"
    path.write_bytes(ggufs.honest())
    return path


def test_a_fresh_machine_is_told_what_it_can_fetch(gatehouse: Run) -> None:
    shown = gatehouse("list")
    assert shown.returncode == 0
    assert DEMONSTRATION in shown.stdout
    assert "not here" in shown.stdout
    assert f"gatehouse models get {DEMONSTRATION}" in shown.stderr


def test_a_program_reads_a_line_a_model_with_its_whole_path(gatehouse: Run, file: Path) -> None:
    gatehouse("add", str(file), "--link")
    added, known, *_ = (line.split("\t") for line in gatehouse("list").stdout.splitlines())
    assert (added[:3], added[5:]) == (["my-model", "linked", "chat"], ["", str(file)])
    assert (known[0], known[5]) == (DEMONSTRATION, "local_model")


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")
def test_on_a_terminal_80_columns_hold_and_the_demonstration_is_marked(gatehouse: Run, home: Path, tmp_path: Path) -> None:
    deep = tmp_path / ("folder" * 15)
    deep.mkdir()
    path = deep / "My Model.gguf"
    path.write_bytes(ggufs.honest())
    gatehouse("add", str(path), "--link")
    lines = on_a_terminal({"GATEHOUSE_HOME": str(home)}, "models", "list")
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("   my-model ") and line.endswith("My Model.gguf") for line in lines)
    assert any(line.startswith(f"*  {DEMONSTRATION} ") for line in lines)
    assert "* local_model of the settings: gpt-4o-mini stands for it" in lines


@pytest.mark.skipif(os.name != "posix", reason="pseudo-terminals are POSIX's")
def test_a_model_that_is_here_shows_no_bar(home: Path, model_file: Path) -> None:
    (home / "models").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    (home / "models" / catalogue()[DEMONSTRATION].file).symlink_to(model_file)
    said = " ".join(on_a_terminal({"GATEHOUSE_HOME": str(home)}, "models", "get"))
    assert f"{DEMONSTRATION} is here" in said
    assert "Getting" not in said


def test_a_model_is_added_listed_and_removed(gatehouse: Run, home: Path, file: Path) -> None:
    added = gatehouse("add", str(file))
    told = 'my-model is here (chat). Ask for it with "model": "my-model".'
    assert (added.returncode, added.stdout.splitlines()) == (0, [told, f"sha256 {hashlib.sha256(ggufs.honest()).hexdigest()}"])
    assert "Copying" in added.stderr
    rows = json.loads(gatehouse("list", "--json").stdout)
    assert {"id": "my-model", "state": "here", "kind": "chat"}.items() <= rows[0].items()
    assert rows[1]["id"] == DEMONSTRATION
    assert gatehouse("remove", "my-model").returncode == 0
    assert not (home / "models" / "my-model.gguf").exists()
    gone = gatehouse("remove", "my-model")
    assert gone.returncode == 1
    assert "gatehouse models list" in gone.stderr


def test_a_linked_model_keeps_its_place_and_its_name(gatehouse: Run, file: Path) -> None:
    assert gatehouse("add", str(file), "--id", "mine", "--link").returncode == 0
    assert json.loads(gatehouse("list", "--json").stdout)[0]["state"] == "linked"
    removed = gatehouse("remove", "mine")
    assert str(file) in removed.stdout
    assert file.exists()


def test_what_is_no_model_is_refused_with_the_reason(gatehouse: Run, tmp_path: Path) -> None:
    paper = tmp_path / "paper.gguf"
    paper.write_bytes(b"%PDF-1.7" + bytes(100))
    refused = gatehouse("add", str(paper))
    assert refused.returncode == 2
    assert "this is no GGUF file" in refused.stderr
    assert "Fix:" in refused.stderr
    assert gatehouse("add", str(tmp_path / "nothing.gguf")).returncode == 2


def test_a_model_that_is_here_is_not_fetched_again(gatehouse: Run, home: Path, model_file: Path) -> None:
    (home / "models").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    (home / "models" / catalogue()[DEMONSTRATION].file).symlink_to(model_file)
    done = gatehouse("fetch")
    assert done.returncode == 0
    assert done.stdout.startswith(f"{DEMONSTRATION} is here: ")
    assert "demonstration" not in done.stdout


def test_fetching_without_a_network_says_what_to_do(gatehouse: Run) -> None:
    failed = gatehouse("fetch")
    assert failed.returncode == 2
    assert "no network" in failed.stderr
    assert "gatehouse models add" in failed.stderr


def test_an_unknown_model_is_answered_with_those_that_are_known(gatehouse: Run) -> None:
    failed = gatehouse("fetch", "gpt-5")
    assert failed.returncode == 2
    assert DEMONSTRATION in failed.stderr


def test_a_setting_that_names_no_model_is_named_with_those_that_would_do(gatehouse: Run, file: Path) -> None:
    gatehouse("add", str(file), "--id", "mine")
    failed = gatehouse("fetch", GATEHOUSE_LOCAL_MODEL="nothing-like-it")
    assert failed.returncode == 2
    assert "the setting local_model is 'nothing-like-it'" in failed.stderr
    assert f"Set local_model to one of: {DEMONSTRATION}, " in failed.stderr
    assert failed.stderr.rstrip().endswith(", mine")


def test_nothing_is_fetched_where_local_models_are_off(gatehouse: Run) -> None:
    done = gatehouse("fetch", GATEHOUSE_LOCAL_MODELS="false")
    assert done.returncode == 0
    assert "are off" in done.stdout


def test_nothing_is_fetched_where_the_settings_choose_an_added_model(gatehouse: Run, file: Path) -> None:
    gatehouse("add", str(file), "--id", "mine")
    assert gatehouse("fetch", GATEHOUSE_LOCAL_MODEL="mine").returncode == 0


def test_the_worker_is_hidden_and_refuses_rooms_that_do_not_exist() -> None:
    program, env = [sys.executable, "-m", "appliance"], {"PATH": os.environ.get("PATH", "")}
    shown = subprocess.run([*program, "--help"], env=env, cwd=ROOT, capture_output=True, text=True, check=True)
    assert "worker" not in shown.stdout
    refused = subprocess.run([*program, "worker", "os:system"], env=env, cwd=ROOT, capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "there is no room" in refused.stderr
