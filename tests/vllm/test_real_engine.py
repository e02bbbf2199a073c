"""The shipped program with the real vLLM, on the processor, with a model of random weights. `make test-vllm` runs these."""

import json
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import ROOT, Appliance, eventually

PYTHON = os.environ.get("GATEHOUSE_TEST_VLLM_PYTHON", "")
pytestmark = [
    pytest.mark.skipif(not PYTHON, reason="the real vLLM is tested by `make test-vllm`"),
    pytest.mark.timeout(600),
]
START_SECONDS_MAX = 300
# A cache of 32,768 tokens: eight long answers fill some part of it.
ARGUMENTS = ["--enforce-eager", "--num-gpu-blocks-override=256", "--block-size=128"]
CANARY = "canary-in-a-prompt"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model") / "tiny-llama"
    texts = [str(path) for path in (ROOT / "docs").rglob("*.md")]
    done = subprocess.run([PYTHON, "-I", str(Path(__file__).with_name("tiny_llama.py")), str(folder), *texts], check=False)
    assert done.returncode == 0
    return folder


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, model: Path) -> Appliance:
    table = {"name": "tiny", "model": str(model), "device": "cpu", "python": PYTHON, "arguments": ARGUMENTS}
    began = time.monotonic()
    box = appliances(settings={"vllm": [table]}, env={"VLLM_CPU_KVCACHE_SPACE": "1"})
    ready(box)
    print(f"\nfigure vllm_start_seconds {time.monotonic() - began:.1f} s")
    return box


def ready(box: Appliance) -> None:
    def is_ready() -> bool:
        answer = box.chat(chat("tiny", max_tokens=1))
        assert answer.status == 200 or answer.error["code"] == "local_model_starting", answer
        return answer.status == 200

    eventually(is_ready, START_SECONDS_MAX, every=0.5)


def vllm(box: Appliance) -> list[psutil.Process]:
    entries = json.loads((box.home / "run" / "vllm.json").read_bytes())["entries"]
    return [process for process in box.children() if os.getsid(process.pid) == entries[0]["session"]]


def litter(box: Appliance) -> set[Path]:
    """Shared memory of its processes, and the folder with their sockets."""
    mapped = {Path(part.path) for process in vllm(box) for part in process.memory_maps() if part.path.startswith("/dev/shm/")}
    found = {path for path in mapped if path.exists()} | set(Path(tempfile.gettempdir()).glob(f"gatehouse-worker-{box.pid}-*"))
    assert len(found) >= 2, found
    return found


def said(content: str, **more: Any) -> dict[str, Any]:
    return chat("tiny", content, **{"max_tokens": 16, "temperature": 0, **more})


def test_a_chat_is_answered_whole_and_streamed_alike(door: Appliance) -> None:
    whole = door.chat(said("Say something."))
    assert whole.headers["x-gatehouse-deployment"] == "vllm/tiny"
    assert whole.json["usage"]["completion_tokens"] == 16
    with door.chat_stream(said("Say something.", stream_options={"include_usage": True})) as stream:
        events = [event.json for event in stream.events() if event.data not in (None, b"[DONE]")]
    text = "".join(choice["delta"].get("content") or "" for event in events for choice in event["choices"])
    assert text == whole.content
    assert events[-1]["usage"]["completion_tokens"] == 16
    rows = door.rows("SELECT tokens_out FROM attempts ORDER BY request_id DESC LIMIT 2")
    assert [row["tokens_out"] for row in rows] == [16, 16]


def test_a_schema_is_kept(door: Appliance) -> None:
    schema = {"type": "object", "properties": {"colour": {"enum": ["red", "green"]}}, "required": ["colour"]}
    form = {"type": "json_schema", "json_schema": {"name": "answer", "schema": {**schema, "additionalProperties": False}}}
    answer = door.chat(said("Which colour?", response_format=form, max_tokens=100, temperature=1, seed=1))
    assert json.loads(answer.content)["colour"] in ("red", "green")


def test_logprobs_come_through(door: Appliance) -> None:
    answer = door.chat(said("Hello!", logprobs=True, top_logprobs=2, max_tokens=3))
    rows = answer.json["choices"][0]["logprobs"]["content"]
    assert [len(row["top_logprobs"]) for row in rows] == [2, 2, 2]


def test_what_the_engine_refuses_is_told_in_its_words(door: Appliance) -> None:
    answer = door.chat(said("word " * 5000))
    assert answer.status == 400
    assert "maximum context length is 2048 tokens" in answer.error["message"]


def test_nothing_of_it_can_be_reached_without_the_key_or_from_elsewhere(door: Appliance) -> None:
    listening = [
        connection.laddr
        for process in vllm(door)
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    ]
    assert {address.ip for address in listening} == {"127.0.0.1"}
    server = next(process for process in vllm(door) if any(word.startswith("--port=") for word in process.cmdline()))
    port = next(word for word in server.cmdline() if word.startswith("--port=")).partition("=")[2]
    for path in ("/v1/models", "/health", "/metrics", "/version", "/docs", "/invocations", "/tokenize", "/load"):
        status = subprocess.run(
            ["curl", "-s", "-o", os.devnull, "-w", "%{http_code}", f"http://127.0.0.1:{port}{path}"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout
        assert status == "401", path


def test_what_it_is_busy_with_is_read(door: Appliance) -> None:
    """It is looked at every five seconds: the answers have to go on for longer than that."""

    def busy() -> bool:
        items = door.call("GET", "/api/v1/admin/features/status", token=door.owner_token).json["items"]
        detail = next(item["detail"] for item in items if item["name"] == "vllm")
        return "(0 running" not in detail and "cache 0 % full" not in detail

    seen = threading.Event()

    def ask(number: int) -> set[int]:
        found = set()
        while not seen.is_set():
            found.add(door.chat(said(f"Tell {number}.", max_tokens=1900, ignore_eos=True)).status)
        return found

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(ask, number) for number in range(8)]
        try:
            eventually(busy, seconds=60, every=0.2)
        finally:
            seen.set()
        assert [one.result() for one in asked] == [{200}] * 8


def test_how_fast_it_is(door: Appliance) -> None:
    """No bound: a figure for the reader."""
    for callers in (1, 8):
        began = time.monotonic()
        with ThreadPoolExecutor(callers) as pool:
            answers = list(pool.map(lambda n: door.chat(said(f"Tell {n}.", max_tokens=256, ignore_eos=True)), range(callers)))
        tokens = sum(answer.json["usage"]["completion_tokens"] for answer in answers)
        print(f"\nfigure vllm_tokens_per_second_{callers} {tokens / (time.monotonic() - began):.0f} tokens/s")
        assert tokens == 256 * callers


@pytest.mark.parametrize("victim", ["VLLM::Worker", "VLLM::EngineCore"])
def test_an_engine_that_is_killed_is_started_again(door: Appliance, victim: str) -> None:
    """Eight answers at once: a single one may have been computed whole before its first words are read."""
    ready(door)
    before, files = vllm(door), litter(door)
    with door.chat_stream(said(f"{CANARY} " * 20, max_tokens=1500, n=8, temperature=1, ignore_eos=True)) as stream:
        events = stream.events()
        next(events)
        next(process for process in before if process.name().startswith(victim[:15])).kill()
        *_, last = (event.json for event in events if event.data not in (None, b"[DONE]"))
    assert last["error"]["code"] == "upstream_failed", last
    for file in (*(door.home / "logs").glob("*"), door.home / "run" / "vllm.json", door.output_path):
        assert CANARY.encode() not in file.read_bytes(), file

    def is_starting() -> Answer | None:
        answer = door.chat(said("Hello!"))
        return answer if answer.status == 503 else None

    answer = eventually(is_starting, seconds=60, every=0.2)
    assert (answer.error["code"], int(answer.headers["retry-after"]) > 0) == ("local_model_starting", True)
    _, left = psutil.wait_procs(before, timeout=10)
    assert left == []
    eventually(lambda: not any(path.exists() for path in files))
    began = time.monotonic()
    ready(door)
    print(f"\nfigure vllm_restart_seconds {time.monotonic() - began:.1f} s")


@pytest.mark.parametrize("how", ["stop", "kill"])
def test_no_process_of_it_outlives_the_appliance(door: Appliance, how: str) -> None:
    if not door.is_running:
        door.start()
    ready(door)
    processes, files = vllm(door), litter(door)
    assert len(processes) >= 4, "launcher, server, engine, worker"
    began = time.monotonic()
    getattr(door, how)()
    _, left = psutil.wait_procs(processes, timeout=10)
    assert left == []
    print(f"\nfigure vllm_{how}_seconds {time.monotonic() - began:.1f} s")
    if how == "kill":
        door.start()  # what lay in the folder of a killed appliance is removed by the next one
    eventually(lambda: not any(path.exists() for path in files))
