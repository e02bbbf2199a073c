"""`gatehouse models get`, `import`, `show` and `verify`, as a person uses them."""

import contextlib
import hashlib
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from appliance.local.catalogue import catalogue
from tests.fakes.files import Answer, FileServer, file_server
from tests.running import eventually
from tests.unit.local import ggufs
from tests.unit.local.conftest import link

ROOT = Path(__file__).resolve().parents[3]
DEMONSTRATION = catalogue()["smollm2-135m-instruct"]

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def env(home: Path) -> dict[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home.parent), "GATEHOUSE_HOME": str(home), "PIP_NO_INDEX": "1"}


@pytest.fixture
def gatehouse(env: dict[str, str]) -> Run:
    def run(*arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "appliance", "models", *arguments]
        return subprocess.run(command, env={**env, **environment}, cwd=ROOT, capture_output=True, text=True, check=False)

    return run


@pytest.fixture
def mirror(model_file: Path) -> Iterator[FileServer]:
    with file_server() as files:
        files.files[f"/{DEMONSTRATION.file}"] = model_file.read_bytes()
        yield files


class TestGet:
    def test_a_model_comes_from_a_stick_even_behind_an_air_gap(self, gatehouse: Run, model_file: Path, home: Path) -> None:
        refused = gatehouse("get", GATEHOUSE_AIR_GAP="true")
        assert refused.returncode == 2
        assert "air_gap is on: nothing is fetched from the internet" in refused.stderr
        assert f"Fix: Bring the file on a USB stick: gatehouse models get {DEMONSTRATION.id} --from FOLDER" in refused.stderr
        came = gatehouse("get", DEMONSTRATION.id, "--from", str(model_file.parent), GATEHOUSE_AIR_GAP="true")
        assert came.returncode == 0, came.stderr
        assert f"{DEMONSTRATION.id} is here: {home / 'models' / DEMONSTRATION.file}" in came.stdout
        assert "Its licence: Apache-2.0" in came.stdout
        assert "small demonstration model" in came.stdout

    @pytest.mark.skipif(os.name != "posix", reason="kill -9 is POSIX's")
    def test_a_download_that_is_killed_goes_on_where_it_was(
        self, gatehouse: Run, env: dict[str, str], mirror: FileServer, home: Path
    ) -> None:
        mirror.next = [Answer(stall=60_000_000)]
        part = home / "models" / f".{DEMONSTRATION.sha256}.part"
        command = [sys.executable, "-m", "appliance", "models", "get", DEMONSTRATION.id, "--from", mirror.url]
        with subprocess.Popen(command, env=env, cwd=ROOT, stderr=subprocess.DEVNULL) as getting:
            eventually(lambda: part.exists() and part.stat().st_size == 60_000_000, seconds=30)
            busy = gatehouse("get", DEMONSTRATION.id, "--from", mirror.url)
            assert "another process is fetching it just now" in busy.stderr
            getting.send_signal(signal.SIGKILL)
        assert not (home / "models" / DEMONSTRATION.file).exists()
        came = gatehouse("fetch", DEMONSTRATION.id, "--from", mirror.url)  # as it was called first
        assert came.returncode == 0, came.stderr
        assert mirror.asked[-1].range == "bytes=60000000-"
        assert [path.name for path in (home / "models").iterdir()] == [DEMONSTRATION.file]
        assert gatehouse("verify").stdout == f"{DEMONSTRATION.id}: intact, sha256 {DEMONSTRATION.sha256}\n"

    def test_what_came_of_a_model_that_nobody_wants_any_more_is_removed(self, gatehouse: Run, home: Path) -> None:
        folder = home / "models"
        folder.mkdir(parents=True, mode=0o700)
        home.chmod(0o700)
        (folder / f".{DEMONSTRATION.sha256}.part").write_bytes(b"GGUF")
        assert "What had come" in gatehouse("remove", DEMONSTRATION.id).stdout
        assert list(folder.iterdir()) == []

    def test_a_mirror_that_is_not_there_is_said_with_a_way_out(self, gatehouse: Run, free_port: int) -> None:
        failed = gatehouse("get", "qwen3-0.6b", "--from", f"http://127.0.0.1:{free_port}/models")
        assert failed.returncode == 2
        assert "could not be reached" in failed.stderr
        assert "gatehouse models get qwen3-0.6b --from FOLDER" in failed.stderr


class TestImport:
    @pytest.fixture
    def store(self, tmp_path: Path) -> Path:
        store = tmp_path / "ollama"
        data = ggufs.honest({**ggufs.HONEST, "general.license": "mit"})
        sha256 = hashlib.sha256(data).hexdigest()
        (store / "blobs").mkdir(parents=True)
        (store / "blobs" / f"sha256-{sha256}").write_bytes(data)
        for tag, digest in (("3b", sha256), ("gone", "0" * 64)):
            manifest = store / "manifests" / "registry.ollama.ai" / "library" / "llama3.2" / tag
            manifest.parent.mkdir(parents=True, exist_ok=True)
            layers = [{"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{digest}", "size": len(data)}]
            manifest.write_text(json.dumps({"layers": layers}))
        return store

    def test_ollamas_models_are_adopted_once_and_given_back(self, gatehouse: Run, store: Path) -> None:
        shown = gatehouse("import", "ollama", "--dry-run", OLLAMA_MODELS=str(store))
        assert shown.returncode == 0
        assert gatehouse("list", "--json").stdout.count('"origin": "ollama"') == 0
        done = gatehouse("import", "ollama", OLLAMA_MODELS=str(store))
        assert done.returncode == 0, done.stderr
        assert "llama3.2-3b: adopted (chat), " in done.stdout
        assert "llama3.2-gone: skipped, its file is not there" in done.stdout
        assert "llama3.2-3b: here already" in gatehouse("import", "ollama", "--path", str(store)).stdout
        row = json.loads(gatehouse("list", "--json").stdout)[0]
        assert {"id": "llama3.2-3b", "state": "linked", "origin": "ollama", "licence": "mit"}.items() <= row.items()
        assert gatehouse("verify", "llama3.2-3b").returncode == 0
        kept = gatehouse("remove", "llama3.2-3b").stdout
        assert "the file stays" in kept
        assert len(list((store / "blobs").iterdir())) == 1

    def test_where_nothing_is_to_be_had_it_says_so(self, gatehouse: Run, tmp_path: Path) -> None:
        nothing = gatehouse("import", "lmstudio")
        assert nothing.returncode == 2
        assert "no models of LM Studio are on this machine" in nothing.stderr
        (tmp_path / "empty").mkdir()
        assert "there is no model to adopt" in gatehouse("import", str(tmp_path / "empty")).stderr
        (tmp_path / "empty" / "paper.gguf").write_bytes(b"%PDF-1.7" + bytes(100))
        skipped = gatehouse("import", str(tmp_path / "empty"))
        assert (skipped.returncode, skipped.stdout) == (1, "paper: skipped, this is no GGUF file\n")


class TestShow:
    def test_all_that_is_known_of_a_model_is_shown(self, gatehouse: Run, tmp_path: Path) -> None:
        path = tmp_path / "My Model.gguf"
        template = "{% for m in messages %}\n\x1b[31m{{ m }}{% if tools %}{% endif %}"
        path.write_bytes(ggufs.honest({**ggufs.HONEST, "general.license": "apache-2.0", "tokenizer.chat_template": template}))
        gatehouse("add", str(path), "--id", "mine")
        shown = gatehouse("show", "mine")
        assert shown.returncode == 0, shown.stderr
        assert "licence       apache-2.0" in shown.stdout
        assert "kind          chat, its template knows tools" in shown.stdout
        memory = r"memory +about \d+ MB: 0 MB weights, 2 MB for 4 requests of 2,048 tokens, \d+ MB to compute\n"
        assert re.search(memory, shown.stdout), shown.stdout
        assert "fits into the " in shown.stdout
        assert "    {% for m in messages %}\n    ?[31m{{ m }}" in shown.stdout  # nothing that a terminal obeys
        facts = json.loads(gatehouse("show", "mine", "--json").stdout)
        assert facts["chat_template"] == template
        assert facts["memory"]["total"] == facts["memory"]["weights"] + facts["memory"]["cache"] + facts["memory"]["compute"]

    def test_what_does_not_fit_is_told_before_it_is_got(self, gatehouse: Run) -> None:
        shown = gatehouse("show", "qwen3-8b", GATEHOUSE_LOCAL_MEMORY_BYTES="2000000000").stdout
        assert "not here: gatehouse models get qwen3-8b" in shown
        assert "memory        about 10.1 GB" in shown
        assert "does not fit into the 2.0 GB that local models may use here" in shown
        assert "licence       Apache-2.0" in shown

    def test_a_model_that_nobody_knows_is_answered_with_those_that_are(self, gatehouse: Run) -> None:
        assert "It has: smollm2-135m-instruct" in gatehouse("show", "gpt-5").stderr


def test_verify_ends_with_a_failure_where_a_file_was_changed(gatehouse: Run, home: Path, tmp_path: Path) -> None:
    assert "no model is here" in gatehouse("verify").stderr
    for name in ("a", "b"):
        (tmp_path / f"{name}.gguf").write_bytes(ggufs.honest())
        gatehouse("add", str(tmp_path / f"{name}.gguf"))
    with contextlib.suppress(OSError):
        (home / "models" / "a.gguf").write_bytes(ggufs.honest()[:-1] + b"!")
    checked = gatehouse("verify")
    assert checked.returncode == 1
    spoilt, intact = checked.stdout.splitlines()
    assert spoilt.startswith("a: ")
    assert "its sha256 differs" in spoilt
    assert intact.startswith("b: intact")
    assert "qwen3-8b is not here yet" in gatehouse("verify", "qwen3-8b").stderr


def test_the_demonstration_model_is_shown_whole(gatehouse: Run, home: Path, model_file: Path) -> None:
    (home / "models").mkdir(parents=True, mode=0o700)
    home.chmod(0o700)
    link(model_file, home / "models" / DEMONSTRATION.file)
    shown = gatehouse("show", DEMONSTRATION.id).stdout
    assert "architecture  llama" in shown
    assert f"sha256        {DEMONSTRATION.sha256}" in shown
    assert "<|im_start|>" in shown
