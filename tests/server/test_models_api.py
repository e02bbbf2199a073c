"""Models as an administrator meets them over the API: listed, loaded, added, adopted, verified, measured, removed."""

import http.client
import json
import os
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from tests.calls import Answer, StreamAnswer, chat
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, eventually
from tests.unit.local import ggufs

MODELS = "/api/v1/admin/models"
JOBS = "/api/v1/admin/jobs"
EVENTS = "/api/v1/admin/events"
MODEL = "smollm2-135m-instruct"
SHOWN = {
    "id", "title", "kind", "state", "origin", "licence", "bytes", "sha256", "context_tokens", "memory_bytes", "fits", "rss_bytes",
    "running", "waiting", "engine", "demonstration", "good_for", "last_failure", "added_at", "is_default",
}  # fmt: skip
DETAIL = {"architecture", "name", "tensors", "tools", "embedding_length", "chat_template", "path", "memory"}
JOB = {"id", "kind", "model", "state", "done", "total", "unit", "message", "fix", "result", "started_at", "ended_at"}
NEVER_END = {"2": -100, "0": -100}  # SmolLM2's <|im_end|> and <|endoftext|>


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance) -> Appliance:
    return appliances(settings={"registration_open": True, "local_context_tokens": 1024}, model=True)


def control_token(box: Appliance) -> str:
    return str(json.loads((box.home / "run" / "control.json").read_text())["token"])


def do(box: Appliance, method: str, path: str, body: Any = None) -> Any:
    """As the machine's own command line; what came back, where all went well."""
    answer = box.call(method, path, body, token=control_token(box))
    assert 200 <= answer.status < 300, answer
    return answer.json if answer.body else None


def model(box: Appliance, model_id: str = MODEL) -> dict[str, Any]:
    listed: dict[str, Any] = do(box, "GET", MODELS)
    (found,) = [item for item in listed["items"] if item["id"] == model_id]
    return dict(found)


def ended(box: Appliance, job: dict[str, Any]) -> dict[str, Any]:
    assert set(job) == JOB
    found: dict[str, Any] = eventually(
        lambda: now if (now := do(box, "GET", f"{JOBS}/{job['id']}"))["state"] != "running" else None, 60
    )
    return found


def listen(box: Appliance, stack: ExitStack) -> tuple[StreamAnswer, list[tuple[str, dict[str, Any]]]]:
    """Events by name, gathered on a thread until the stream is hung up."""
    stream = stack.enter_context(box.stream("GET", EVENTS, token=control_token(box), timeout=60))
    gathered: list[tuple[str, dict[str, Any]]] = []

    def gather() -> None:
        try:
            for event in (event for event in stream.events() if event.data is not None):
                name = event.raw.split(b"\n")[1].removeprefix(b"event: ").decode()
                gathered.append((name, event.json))
        except (OSError, ValueError, AssertionError, AttributeError, http.client.HTTPException):
            pass  # hung up

    thread = threading.Thread(target=gather)
    thread.start()
    stack.callback(thread.join, 10)
    stack.callback(stream.hang_up)
    eventually(lambda: gathered)
    return stream, gathered


# Looking


def test_the_list_has_what_is_here_and_what_can_be_got(door: Appliance) -> None:
    listed = do(door, "GET", MODELS)
    assert set(listed) == {"items", "next_cursor", "memory", "engine"}
    assert all(set(item) == SHOWN for item in listed["items"])
    (here,) = [item for item in listed["items"] if item["id"] == MODEL]
    assert (here["kind"], here["origin"], here["licence"], here["is_default"]) == ("chat", "catalogue", "Apache-2.0", True)
    assert here["memory_bytes"] > here["bytes"] > 90_000_000
    assert here["fits"] is True
    others = [item for item in listed["items"] if item["state"] == "not_here"]
    assert others
    assert all(item["bytes"] and item["memory_bytes"] and item["added_at"] is None for item in others)
    memory = listed["memory"]
    assert 0 <= memory["used_bytes"] <= memory["budget_bytes"] < memory["machine_bytes"]
    assert listed["engine"]["name"] in ("llama_cpp", "xllamacpp")
    assert listed["engine"]["version"]
    assert listed["engine"]["reason"] == ""


def test_one_model_is_told_with_what_its_file_says(door: Appliance) -> None:
    shown = do(door, "GET", f"{MODELS}/{MODEL}")
    assert set(shown) == SHOWN | DETAIL
    assert (shown["architecture"], shown["embedding_length"]) == ("llama", 576)
    assert "<|im_start|>" in shown["chat_template"]
    assert shown["path"].startswith(str(door.home))
    assert (
        shown["memory"]["total"]
        == shown["memory_bytes"]
        == sum(shown["memory"][name] for name in ("weights", "cache", "compute"))
    )
    elsewhere = next(item for item in do(door, "GET", MODELS)["items"] if item["state"] == "not_here")
    assert do(door, "GET", f"{MODELS}/{elsewhere['id']}")["path"] is None


# Loading and unloading


def test_loading_and_unloading_are_told_by_events_and_recorded(door: Appliance) -> None:
    with ExitStack() as stack:
        _, events = listen(door, stack)
        loaded = do(door, "POST", f"{MODELS}/{MODEL}/load")
        assert (loaded["state"], loaded["engine"]) == ("ready", do(door, "GET", MODELS)["engine"]["name"])
        assert loaded["rss_bytes"] > 90_000_000
        assert do(door, "GET", MODELS)["memory"]["used_bytes"] >= loaded["memory_bytes"]
        unloaded = do(door, "POST", f"{MODELS}/{MODEL}/unload")
        assert (unloaded["state"], unloaded["engine"], unloaded["rss_bytes"]) == ("unloaded", None, None)
        assert do(door, "POST", f"{MODELS}/{MODEL}/unload")["state"] == "unloaded", "a second time changes nothing"
        told = eventually(lambda: found if len(found := [data for name, data in events if name == "model"]) >= 3 else None)
    assert [each["state"] for each in told] == ["loading", "ready", "unloaded"]
    assert all(set(each) == SHOWN for each in told)
    rows = door.rows("SELECT actor, action, target FROM audit WHERE action LIKE 'model.%' ORDER BY seq")
    assert [(row["actor"], row["action"], row["target"]) for row in rows[:2]] == [
        ("machine", "model.load", MODEL),
        ("machine", "model.unload", MODEL),
    ]


def test_a_model_that_does_not_fit_is_refused_with_both_figures(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_memory_bytes": 100_000_000}, model=True)
    assert model(box)["fits"] is False
    for refused in (box.call("POST", f"{MODELS}/{MODEL}/load", token=control_token(box)), box.chat(chat(MODEL))):
        assert (refused.status, refused.error["code"]) == (503, "model_too_large"), refused
        assert "needs about 0." in refused.error["message"]
        assert "0.1 GB" in refused.error["message"]
        assert "local_memory_bytes" in refused.error["fix"]
    assert model(box)["state"] == "unloaded"


def test_a_model_that_was_unloaded_answers_the_next_request(door: Appliance) -> None:
    do(door, "POST", f"{MODELS}/{MODEL}/unload")
    assert door.chat(chat(MODEL, max_tokens=2)).content


# Jobs


def test_a_file_is_verified_and_one_that_was_changed_is_found_out(door: Appliance, tmp_path: Path) -> None:
    done = ended(door, do(door, "POST", f"{MODELS}/{MODEL}/verify"))
    assert (done["state"], done["done"]) == ("done", model(door)["bytes"])
    path = tmp_path / "toy.gguf"
    path.write_bytes(ggufs.honest() + bytes(1000))
    assert ended(door, do(door, "POST", MODELS, {"path": str(path), "id": "toy", "link": True}))["state"] == "done"
    path.write_bytes(ggufs.honest() + bytes(999) + b"x")
    damaged = ended(door, do(door, "POST", f"{MODELS}/toy/verify"))
    assert damaged["state"] == "failed"
    assert "sha256" in damaged["message"]
    assert damaged["fix"]
    do(door, "DELETE", f"{MODELS}/toy")
    assert path.exists(), "it was only linked"


def test_measuring_gives_tokens_a_second_at_1_4_and_8_callers(door: Appliance) -> None:
    done = ended(door, do(door, "POST", f"{MODELS}/{MODEL}/bench"))
    assert done["state"] == "done", done
    rows = done["result"]["rows"]
    assert [row["callers"] for row in rows] == [1, 4, 8]
    assert all(row["tokens"] > 0 and row["tokens_per_second"] > 0 and row["first_token_seconds"] > 0 for row in rows)
    assert (done["unit"], done["done"], done["total"]) == ("steps", 3, 3)


def test_a_model_is_added_answers_and_is_removed_with_its_file(door: Appliance, model_file: Path) -> None:
    job = do(door, "POST", MODELS, {"path": str(model_file), "id": "mine"})
    assert (job["kind"], job["model"], job["unit"]) == ("add", "mine", "bytes")
    assert ended(door, job)["result"] == {"id": "mine"}
    shown = model(door, "mine")
    assert (shown["state"], shown["origin"]) == ("unloaded", "added")
    assert door.chat(chat("mine", max_tokens=2)).content, "it is asked for at once"
    again = door.call("POST", MODELS, {"path": str(model_file), "id": "mine"}, token=control_token(door))
    assert (again.status, again.error["code"]) == (409, "conflict")
    do(door, "DELETE", f"{MODELS}/mine")
    assert door.chat(chat("mine", max_tokens=2)).status == 404
    assert not list((door.home / "models").glob("mine*"))
    assert door.call("DELETE", f"{MODELS}/mine", token=control_token(door)).status == 404


def test_a_model_is_got_from_a_folder_where_there_is_no_internet(appliance: MakeAppliance, model_file: Path) -> None:
    box = appliance(settings={"air_gap": True})
    assert model(box)["state"] == "not_here"
    refused = ended(box, do(box, "POST", f"{MODELS}/{MODEL}/get", {}))
    assert refused["state"] == "failed"
    assert "air_gap" in refused["message"]
    assert refused["fix"]
    with ExitStack() as stack:
        _, events = listen(box, stack)
        done = ended(box, do(box, "POST", f"{MODELS}/{MODEL}/get", {"source": str(model_file.parent)}))
        assert (done["state"], done["kind"], done["result"]["id"]) == ("done", "get", MODEL), done
        eventually(lambda: ("model", "unloaded") in [(name, data["state"]) for name, data in events])
    assert box.chat(chat(MODEL, max_tokens=2)).content, "it answers at once"
    rows = box.rows("SELECT target, detail FROM audit WHERE action = 'model.get' ORDER BY seq")
    assert [json.loads(row["detail"])["source"] for row in rows] == [None, str(model_file.parent)]
    assert box.call("POST", f"{MODELS}/nope/get", {}, token=control_token(box)).error["code"] == "model_not_found"


def test_a_mirrors_credentials_are_not_written_into_the_record(appliance: MakeAppliance) -> None:
    box = appliance()
    address = "http://somebody:canary-password@127.0.0.1:9/models?token=canary-token"
    assert ended(box, do(box, "POST", f"{MODELS}/{MODEL}/get", {"source": address}))["state"] == "failed"
    (row,) = box.rows("SELECT detail FROM audit WHERE action = 'model.get'")
    assert json.loads(row["detail"])["source"] == "http://127.0.0.1:9/models"
    box.stop()
    logged = "".join(path.read_text() for path in (box.home / "logs").glob("*")) + box.output
    assert "canary" not in logged


def test_models_of_a_folder_are_adopted_where_they_lie_and_others_are_named(
    door: Appliance, model_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "good.gguf").symlink_to(model_file)
    (tmp_path / "bad.gguf").write_bytes(b"%PDF-1.7")
    done = ended(door, do(door, "POST", f"{MODELS}/import", {"from": "folder", "path": str(tmp_path)}))
    assert done["state"] == "done", done
    assert "bad" in json.dumps(done["result"]["skipped"])
    for adopted in done["result"]["models"]:
        assert model(door, adopted)["origin"] == "folder"
        do(door, "DELETE", f"{MODELS}/{adopted}")
    assert model_file.exists()


def test_a_job_that_is_cancelled_leaves_nothing_behind(door: Appliance, tmp_path: Path) -> None:
    huge = tmp_path / "huge.gguf"
    huge.write_bytes(ggufs.honest())
    with huge.open("r+b") as file:
        file.truncate(3 * 1024**3)  # a hole: no disk is used, and hashing it takes seconds
    job = do(door, "POST", MODELS, {"path": str(huge), "id": "huge", "link": True})
    eventually(lambda: do(door, "GET", f"{JOBS}/{job['id']}")["done"])
    gone = do(door, "DELETE", f"{JOBS}/{job['id']}")
    assert gone["state"] == "cancelled"
    assert door.call("GET", f"{MODELS}/huge", token=control_token(door)).status == 404
    assert do(door, "GET", JOBS)["items"][0]["id"] == job["id"]


def test_a_job_that_runs_is_not_mistaken_for_one_of_another_file(door: Appliance, tmp_path: Path) -> None:
    for name in ("a.gguf", "b.gguf"):
        (tmp_path / name).write_bytes(ggufs.honest())
        with (tmp_path / name).open("r+b") as file:
            file.truncate(3 * 1024**3)
    asked = {"path": str(tmp_path / "a.gguf"), "id": "huge", "link": True}
    job = do(door, "POST", MODELS, asked)
    assert do(door, "POST", MODELS, asked)["id"] == job["id"]
    for other in ({"path": str(tmp_path / "b.gguf")}, {"link": False}):
        refused = door.call("POST", MODELS, {**asked, **other}, token=control_token(door))
        assert (refused.status, refused.error["code"]) == (409, "conflict"), refused
        assert job["id"] in refused.error["fix"]
    assert do(door, "DELETE", f"{JOBS}/{job['id']}")["state"] == "cancelled"


def test_many_models_added_at_once_are_all_there(door: Appliance, tmp_path: Path) -> None:
    names = [f"many-{number}" for number in range(4)]
    for name in names:
        (tmp_path / f"{name}.gguf").write_bytes(ggufs.honest())
    with ThreadPoolExecutor(4) as pool:
        asked = [{"path": str(tmp_path / f"{name}.gguf"), "link": True} for name in names]
        jobs = list(pool.map(lambda body: do(door, "POST", MODELS, body), asked))
    assert [ended(door, job)["state"] for job in jobs] == ["done"] * 4
    for name in names:
        do(door, "DELETE", f"{MODELS}/{name}")


def test_a_broken_list_neither_stops_the_start_nor_a_whole_import(appliance: MakeAppliance, tmp_path: Path) -> None:
    box = appliance()
    box.stop()
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(60)
    left = box.home / "models" / f".a.gguf.{gone.pid}.0123abcd.part"
    left.write_bytes(b"half")
    (box.home / "models" / "registry.json").mkdir(parents=True)
    box.start()
    assert not left.exists(), "its process is gone"
    (tmp_path / "good.gguf").write_bytes(ggufs.honest())
    done = ended(box, do(box, "POST", f"{MODELS}/import", {"from": "folder", "path": str(tmp_path)}))
    assert done["state"] == "done", done
    assert "can't be read: Is a directory" in done["result"]["skipped"][0]["problem"]


def test_progress_is_told_by_events(door: Appliance, tmp_path: Path) -> None:
    huge = tmp_path / "huge.gguf"
    huge.write_bytes(ggufs.honest())
    with huge.open("r+b") as file:
        file.truncate(700 * 1024**2)
    with ExitStack() as stack:
        _, events = listen(door, stack)
        job = do(door, "POST", MODELS, {"path": str(huge), "id": "huge", "link": True})
        assert ended(door, job)["state"] == "done"
        eventually(lambda: any(name == "job" and data["state"] == "done" for name, data in events))
        do(door, "DELETE", f"{MODELS}/huge")
    told = [data for name, data in events if name == "job" and data["id"] == job["id"]]
    assert told[0]["state"] == "running"
    assert any(0 < each["done"] < each["total"] for each in told)


# Who may, and what is refused


def test_who_may_do_what(door: Appliance) -> None:
    body = {"name": "Mia Member", "email": "member@example.com", "password": PASSWORD}
    assert door.owner_token
    member = door.call("POST", "/api/v1/admin/auth/register", body)
    assert member.status == 201, member
    routes = [
        ("GET", MODELS, None), ("GET", f"{MODELS}/{MODEL}", None), ("GET", JOBS, None), ("GET", f"{JOBS}/x", None),
        ("POST", f"{MODELS}/{MODEL}/load", None), ("POST", f"{MODELS}/{MODEL}/unload", None),
        ("POST", f"{MODELS}/{MODEL}/get", {}), ("POST", f"{MODELS}/{MODEL}/verify", None),
        ("POST", f"{MODELS}/{MODEL}/bench", None), ("DELETE", f"{MODELS}/nope", None), ("DELETE", f"{JOBS}/x", None),
        ("POST", MODELS, {"path": "/x"}), ("POST", f"{MODELS}/import", {"from": "ollama"}),
    ]  # fmt: skip
    for method, path, sent in routes:
        assert door.call(method, path, sent).status == 401, (method, path)
        assert door.call(method, path, sent, token=door.api_key).status == 401, (method, path)
        assert door.call(method, path, sent, token=member.json["access_token"]).status == 403, (method, path)
    for method, path, sent in routes[-2:]:
        answer = door.call(method, path, sent, token=door.owner_token)
        assert answer.status == 403, "paths are this machine's: nobody names them over the network"
    answer = door.call("POST", f"{MODELS}/{MODEL}/get", {"source": "/etc"}, token=door.owner_token)
    assert answer.status == 403

    door.stop()  # a role can't be given by the API yet
    with closing(sqlite3.connect(door.home / "gatehouse.db")) as connection, connection:
        connection.execute("UPDATE users SET role = 'auditor' WHERE email = 'member@example.com'")
    door.start()
    signed_in = door.call("POST", "/api/v1/admin/auth/login", {"email": "member@example.com", "password": PASSWORD})
    auditor = signed_in.json["access_token"]
    for method, path, sent in routes:
        status = door.call(method, path, sent, token=auditor).status
        assert status == (403 if method != "GET" else 404 if path.endswith("/x") else 200), (method, path)


IDS = [
    "nope",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2fx",
    "..",
    "%00",
    "a%0ab",
    "x" * 5000,
    "%ff%fe",
    "SMOLLM2-135m-instruct",
    "'; --",
]


@pytest.mark.parametrize("name", IDS, ids=range(len(IDS)))
def test_an_id_that_is_none_is_not_found(door: Appliance, name: str) -> None:
    before = sorted(path.name for path in (door.home / "models").iterdir())
    for method, path, body in (
        ("GET", f"{MODELS}/{name}", None),
        ("DELETE", f"{MODELS}/{name}", None),
        ("POST", f"{MODELS}/{name}/load", None),
        ("POST", f"{MODELS}/{name}/get", {}),
        ("POST", f"{MODELS}/{name}/verify", None),
        ("GET", f"{JOBS}/{name}", None),
        ("DELETE", f"{JOBS}/{name}", None),
    ):
        answer = door.call(method, path.replace(" ", "%20"), body, token=control_token(door))
        assert answer.status in (400, 404, 405), (method, path[:80], answer)
        assert answer.error["fix"] or answer.status == 405
        assert len(answer.body) < 1500
    assert sorted(path.name for path in (door.home / "models").iterdir()) == before


@pytest.fixture(scope="module")
def wrong_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("wrong")
    (folder / "document.gguf").write_bytes(b"%PDF-1.7\n" + bytes(5000))
    (folder / "short.gguf").write_bytes(ggufs.honest()[:100])
    (folder / "empty.gguf").touch()
    os.mkfifo(folder / "pipe.gguf")
    names = ("document.gguf", "short.gguf", "empty.gguf", "pipe.gguf", "absent.gguf")
    return {name.partition(".")[0]: folder / name for name in names} | {"folder": folder, "device": Path("/dev/zero")}


@pytest.mark.skipif(os.name == "nt", reason="pipes as files are POSIX")
@pytest.mark.parametrize("kind", ["document", "short", "empty", "pipe", "absent", "folder", "device"])
def test_a_path_that_leads_to_no_model_is_refused_at_once(door: Appliance, wrong_files: dict[str, Path], kind: str) -> None:
    answer = door.call("POST", MODELS, {"path": str(wrong_files[kind]), "id": "wrong"}, token=control_token(door), timeout=10)
    assert (answer.status, answer.error["param"]) == (400, "path"), answer
    assert answer.error["fix"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", b"garbage"),
        ("", b""),
        ("", b"[]"),
        ("", {}),
        ("", {"path": 17}),
        ("", {"path": "relative.gguf"}),
        ("", {"path": "/tmp/a\x00b"}),
        ("", {"path": "x" * 100_000}),
        ("", {"path": "/dev/null", "id": "../../etc/passwd"}),
        ("", {"path": "/dev/null", "id": "X" * 10_000}),
        ("", {"path": "/dev/null", "unknown": True}),
        ("/import", {"from": "everywhere"}),
        ("/import", {"from": "folder"}),
        ("/import", {"from": "folder", "path": "relative"}),
        (f"/{MODEL}/get", b"{"),
        (f"/{MODEL}/get", {"source": ["x"]}),
    ],
)
def test_a_body_that_can_not_be_meant_is_refused(door: Appliance, path: str, body: Any) -> None:
    answer = door.call("POST", f"{MODELS}{path}", body, token=control_token(door))
    assert answer.status == 400, answer
    assert answer.error["fix"]
    assert len(answer.body) < 2000


# Many callers


@pytest.fixture(scope="module")
def busy(appliances: MakeAppliance) -> Appliance:
    return appliances(settings={"local_context_tokens": 512, "keepalive_seconds": 1.0}, model=True)


def service_key(box: Appliance, number: int) -> str:
    """A key of nobody's: each is a caller of its own."""
    return str(do(box, "POST", "/api/v1/admin/machine/api-keys", {"name": f"service {number}"})["key"])


def occupied(box: Appliance, stack: ExitStack, key: str) -> list[StreamAnswer]:
    """Streams that take every seat of the model, each of which has said something."""
    long = chat(MODEL, "A long story.", max_tokens=400, logit_bias=NEVER_END, stream=True)
    held: list[StreamAnswer] = []
    do(box, "POST", f"{MODELS}/{MODEL}/load")
    while not model(box)["waiting"]:
        held.append(stack.enter_context(box.stream("POST", "/v1/chat/completions", long, token=key)))
    held.pop().hang_up()  # the one that waits
    eventually(lambda: not model(box)["waiting"])
    assert model(box)["running"] == len(held)
    return held


def test_of_500_callers_at_once_exactly_those_beyond_the_queue_are_refused_and_all_others_answered(busy: Appliance) -> None:
    with ThreadPoolExecutor(4) as pool:
        keys = list(pool.map(lambda number: service_key(busy, number), range(500)))
    answers: list[Answer] = []

    def ask(number: int) -> None:
        body = chat(MODEL, f"Say {number}.", max_tokens=3, logit_bias=NEVER_END)
        answers.append(busy.call("POST", "/v1/chat/completions", body, token=keys[number], timeout=120))

    with ExitStack() as stack, ThreadPoolExecutor(500) as pool:
        held = occupied(busy, stack, busy.api_key)
        asked = [pool.submit(ask, number) for number in range(500)]
        eventually(lambda: len(answers) == 500 - 64, 60)
        assert model(busy)["waiting"] == 64
        for stream in held:
            stream.hang_up()
        for each in asked:
            each.result(60)
    refused = [answer for answer in answers if answer.status == 429]
    assert len(refused) == 500 - 64
    assert all(answer.error["code"] == "queue_full" and 1 <= int(answer.headers["retry-after"]) <= 600 for answer in refused)
    whole = [answer for answer in answers if answer.status == 200]
    assert len(whole) == 64
    assert all(answer.content and answer.json["usage"]["completion_tokens"] == 3 for answer in whole)
    eventually(lambda: (model(busy)["running"], model(busy)["waiting"]) == (0, 0))


def test_a_caller_with_many_requests_waiting_does_not_hold_up_anothers_one(busy: Appliance) -> None:
    greedy, modest = service_key(busy, 1), service_key(busy, 2)
    body = chat(MODEL, "Say something.", max_tokens=8, logit_bias=NEVER_END)
    order: list[str] = []

    def ask(name: str, key: str) -> int:
        status = busy.call("POST", "/v1/chat/completions", body, token=key, timeout=120).status
        order.append(name)
        return status

    with ExitStack() as stack, ThreadPoolExecutor(60) as pool:
        held = occupied(busy, stack, busy.api_key)
        many = [pool.submit(ask, "greedy", greedy) for _ in range(45)]
        eventually(lambda: model(busy)["waiting"] == 45, 30)
        one = pool.submit(ask, "modest", modest)
        eventually(lambda: model(busy)["waiting"] == 46)
        for stream in held:
            stream.hang_up()
        assert one.result(60) == 200
        assert {each.result(120) for each in many} == {200}
    assert order.index("modest") < 2 * len(held) + 2, order


def test_who_waits_in_a_stream_is_told_how_many_are_before(busy: Appliance) -> None:
    body = chat(MODEL, "Say something.", max_tokens=3, logit_bias=NEVER_END, stream=True)
    with ExitStack() as stack:
        held = occupied(busy, stack, busy.api_key)
        waiting = [stack.enter_context(busy.stream("POST", "/v1/chat/completions", body, token=busy.api_key)) for _ in range(3)]
        events = waiting[2].events()
        first = next(events)
        assert first.data is None
        assert b"2 before you" in first.raw
        for stream in held:
            stream.hang_up()
        rest = list(events)
    assert rest[-2].data == b"[DONE]"
