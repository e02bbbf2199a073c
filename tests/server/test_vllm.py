"""Models that vLLM serves, through the shipped program; vLLM itself is a stand-in that is a real process."""

import json
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.calls import chat
from tests.conftest import MakeAppliance
from tests.fakes.vllm import model_folder, python_with_vllm
from tests.running import Appliance, ProgramFailed, eventually

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="vLLM does not run on Windows")

CANARY = "sk-canary-of-the-environment-0123456789"


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """A `[[vllm]]` table that leads to the stand-in."""
    folder = tmp_path_factory.mktemp("vllm")
    python, model = python_with_vllm(folder / "env"), model_folder(folder / "llama")
    return {"name": "llama", "model": str(model), "device": "cpu", "memory_share": 0.2, "python": str(python)}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, table: dict[str, Any]) -> Appliance:
    return appliances(settings={"vllm": [{**table, "arguments": ["--fake-waiting", "3"]}]}, env={"HF_TOKEN": CANARY})


@pytest.fixture(autouse=True)
def _ready(request: pytest.FixtureRequest) -> None:
    """Each test of the shared appliance finds it well, whatever the one before did to it."""
    if "door" in request.fixturenames:
        box: Appliance = request.getfixturevalue("door")
        ready(box)


def names(box: Appliance) -> list[str]:
    return [model["id"] for model in box.call("GET", "/v1/models", token=box.api_key).json["data"]]


def ready(box: Appliance) -> None:
    eventually(lambda: "llama" in names(box), seconds=20)


def feature(box: Appliance) -> dict[str, Any]:
    items = box.call("GET", "/api/v1/admin/features/status", token=box.owner_token).json["items"]
    return next(item for item in items if item["name"] == "vllm")


def record(box: Appliance) -> list[dict[str, Any]]:
    path = box.home / "run" / "vllm.json"
    return json.loads(path.read_bytes())["entries"] if path.exists() else []


@pytest.mark.parametrize("name", ["llama", "vllm/llama"])
def test_a_model_of_vllm_answers_under_its_name_and_is_booked(door: Appliance, name: str) -> None:
    answer = door.chat(chat(name))
    assert answer.content == "You said: Hello!"
    assert answer.headers["x-gatehouse-deployment"] == "vllm/llama"
    (row,) = door.rows("SELECT tokens_in, tokens_out FROM attempts ORDER BY request_id DESC LIMIT 1")
    assert (row["tokens_in"], row["tokens_out"]) == (5, 3)


def test_its_answers_are_streamed_with_its_own_fields(door: Appliance) -> None:
    with door.chat_stream(chat("llama")) as stream:
        events = [event.json for event in stream.events() if event.data not in (None, b"[DONE]")]
    assert "".join(event["choices"][0]["delta"].get("content", "") for event in events) == "You said: Hello!"
    assert all("usage" not in event for event in events), "usage was asked for by us, not by the caller"
    assert events[1]["choices"][0]["token_ids"] is None


def test_a_caller_who_leaves_ends_the_answer_there(door: Appliance) -> None:
    with door.chat_stream(chat("llama", "wait 20")) as stream:
        assert next(stream.events())
    eventually(lambda: "0 running" in feature(door)["detail"])


def test_what_it_is_busy_with_is_shown(door: Appliance) -> None:
    eventually(lambda: feature(door)["detail"] == "llama: ready (0 running, 3 waiting, cache 0 % full)", seconds=12)
    assert feature(door)["status"] == "on"


def test_a_crash_costs_the_requests_under_way_and_those_after_it_are_told_to_wait(door: Appliance) -> None:
    assert door.chat(chat("llama", "crash")).status in (502, 503)
    answer = eventually(lambda: found if (found := door.chat(chat("llama"))).status == 503 else None)
    assert answer.error["code"] == "local_model_starting"
    assert "vLLM is starting the model llama" in answer.error["message"]
    assert int(answer.headers["retry-after"]) >= 1
    assert "llama" not in names(door)
    eventually(lambda: door.chat(chat("llama")).status == 200, seconds=20)
    assert "llama" in names(door)


def test_a_change_of_state_is_an_event(door: Appliance) -> None:
    with door.stream("GET", "/api/v1/admin/events", token=door.owner_token) as stream:
        door.chat(chat("llama", "crash"))
        states = []
        for event in stream.events():
            if event.data is not None and b'"engine":"vllm"' in event.data:
                states.append(event.json["state"])
                if states[-1] == "ready":
                    break
    assert states[0] == "loading"
    assert states[-1] == "ready"


def test_neither_the_key_nor_our_secrets_are_seen_outside(door: Appliance) -> None:
    (entry,) = record(door)
    children = [process for process in door.children() if process.pid == entry["session"]]
    assert children, "it is not our child"
    for process in door.children():
        environment = process.environ()
        assert CANARY not in environment.values()
        if key := environment.get("VLLM_API_KEY"):
            for text in (
                *(" ".join(one.info["cmdline"] or ()) for one in psutil.process_iter(["cmdline"])),
                door.output_tail(1000),
            ):
                assert key not in text
            assert key.encode() not in (door.home / "run" / "vllm.json").read_bytes()


def test_no_prompt_is_in_the_log_or_the_record(door: Appliance) -> None:
    assert door.chat(chat("llama", "canary-in-a-prompt")).status == 200
    door.chat(chat("llama", "crash"))
    eventually(lambda: door.chat(chat("llama", "canary-in-a-prompt")).status == 503)
    for file in (*(door.home / "logs").glob("*"), door.home / "run" / "vllm.json", door.output_path):
        assert b"canary-in-a-prompt" not in file.read_bytes(), file


def test_the_doctor_says_how_it_is(door: Appliance) -> None:
    done = door.command("doctor", "--json")
    (found,) = [finding for finding in json.loads(done.stdout)["findings"] if finding["name"] == "vLLM llama"]
    assert (found["state"], found["what"].partition(",")[0]) == ("ok", "ready")


def test_the_doctor_notices_that_the_settings_have_changed_and_believes_no_record_of_one_that_was_killed(
    appliance: MakeAppliance, table: dict[str, Any]
) -> None:
    def findings() -> dict[str, tuple[str, str]]:
        found = json.loads(box.command("doctor", "--json").stdout)["findings"]
        return {one["name"]: (one["state"], one["what"].partition(",")[0]) for one in found if one["name"].startswith("vLLM ")}

    box = appliance(settings={"vllm": [table]})
    ready(box)
    box.configure({"vllm": [{**table, "name": "another"}]})
    assert findings() == {"vLLM llama": ("warn", "is served"), "vLLM another": ("warn", "can be started")}
    box.configure({"vllm": [table]})
    box.kill()
    assert record(box), "the record of what ran is there still"
    assert findings() == {"vLLM llama": ("ok", "can be started")}


def test_from_its_first_moment_a_caller_is_told_that_the_model_is_starting(
    appliance: MakeAppliance, table: dict[str, Any]
) -> None:
    box = appliance(settings={"vllm": [{**table, "arguments": ["--fake-start-seconds=2"]}]})
    for _ in range(5):
        answer = box.chat(chat("llama"))
        assert (answer.status, answer.error["code"]) == (503, "local_model_starting")
        assert int(answer.headers["retry-after"]) >= 1


def test_what_a_killed_appliance_and_its_killed_launcher_left_is_ended_by_the_next_one_alone(
    appliance: MakeAppliance, table: dict[str, Any]
) -> None:
    first, neighbour = (appliance(settings={"vllm": [table]}) for _ in range(2))
    for box in (first, neighbour):
        ready(box)
    (entry,) = record(first)
    engine = next(child for child in first.children() if "VLLM::EngineCore" in " ".join(child.cmdline()))
    launcher = psutil.Process(entry["session"])
    launcher.suspend()  # else it would end the engine before it is killed itself
    for victim in (psutil.Process(first.pid), launcher):
        victim.kill()
    assert engine.is_running()
    eventually(lambda: not first.is_running)
    first.stop()  # only forgets it
    first.start()
    eventually(lambda: not engine.is_running() or engine.status() == psutil.STATUS_ZOMBIE)
    ready(first)
    assert neighbour.chat(chat("llama")).status == 200
    assert len(neighbour.children()) >= 4


def test_an_administrator_sees_it_among_the_models_stops_it_and_starts_it_again(door: Appliance) -> None:
    def ask(method: str, path: str = "", token: str | None = None) -> Any:
        answer = door.call(method, f"/api/v1/admin/models{path}", token=token or door.owner_token)
        assert answer.status == 200, answer
        return answer.json

    first = ask("GET")["items"][0]
    assert (first["id"], first["engine"], first["state"], first["context_tokens"]) == ("llama", "vllm", "ready", 2048)
    detail = ask("GET", "/llama")
    assert detail["path"] == detail["name"]
    assert detail["memory"]["total"] == first["memory_bytes"]
    assert ask("POST", "/llama/unload")["state"] == "unloaded"
    answer = door.chat(chat("llama"))
    assert (answer.status, answer.error["code"]) == (503, "local_model_failed")
    assert "stopped by an administrator" in answer.error["message"]
    assert ask("POST", "/llama/load")["state"] == "ready"
    actions = [row["action"] for row in door.rows("SELECT action FROM audit ORDER BY seq DESC LIMIT 2")]
    assert sorted(actions) == ["model.load", "model.unload"]


def test_no_file_gets_the_name_of_a_model_that_vllm_serves(door: Appliance) -> None:
    body = {"path": "/nowhere/model.gguf", "id": "llama"}
    control = json.loads((door.home / "run" / "control.json").read_bytes())["token"]
    answer = door.call("POST", "/api/v1/admin/models", body, token=control)
    assert (answer.status, answer.error["code"]) == (409, "conflict")


def test_kill_9_of_the_appliance_ends_vllm_too(appliance: MakeAppliance, table: dict[str, Any]) -> None:
    box = appliance(settings={"vllm": [table]})
    ready(box)
    assert len(box.children()) >= 3
    box.kill()  # it checks that no child is left


def test_one_that_is_deaf_to_sigterm_does_not_outlive_the_appliance(appliance: MakeAppliance, table: dict[str, Any]) -> None:
    box = appliance(settings={"vllm": [{**table, "arguments": ["--fake-deaf"]}]})
    ready(box)
    box.stop()


def test_one_that_can_not_start_keeps_no_door_shut_and_the_doctor_tells_its_last_words(
    appliance: MakeAppliance, table: dict[str, Any]
) -> None:
    box = appliance(settings={"vllm": [{**table, "arguments": ["--fake-fail=the memory is too small"]}]})
    answer = eventually(lambda: a if (a := box.chat(chat("llama"))).error["code"] == "local_model_failed" else None, seconds=30)
    assert answer.status == 503
    assert "memory" not in answer.error["message"]
    assert int(answer.headers["retry-after"]) >= 1
    assert feature(box)["status"] == "off"
    findings = json.loads(box.command("doctor", "--json").stdout)["findings"]
    (found,) = [finding for finding in findings if finding["name"] == "vLLM llama"]
    assert found["state"] in ("warn", "fail")
    assert "ValueError: the memory is too small" in found["what"]


def test_a_name_that_a_local_model_has_is_refused_at_start(appliance: MakeAppliance, table: dict[str, Any]) -> None:
    box = appliance(settings={"vllm": [{**table, "name": "smollm2-135m-instruct"}]}, model=True, start=False)
    with pytest.raises(ProgramFailed, match="two models are called 'smollm2-135m-instruct'"):
        box.start()


def test_a_table_that_says_something_wrong_refuses_to_start_with_its_line(
    appliance: MakeAppliance, table: dict[str, Any], tmp_path: Path
) -> None:
    box = appliance(settings={"vllm": [{**table, "arguments": ["--api_key=secret"]}]}, start=False)
    with pytest.raises(ProgramFailed, match=r"gatehouse.toml, line \d+: the argument --api_key of llama is refused"):
        box.start()
