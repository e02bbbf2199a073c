"""Running the appliance: is it well, what do the numbers and the log say, how does it stop."""

import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tests.calls import Collected, chat, exchange, head
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, ROOT, Appliance, Fake, NetworkNamespace, ProgramFailed, environment, eventually, free_port

FEATURES = "/api/v1/admin/features/status"
MODELS = ["gpt-4o", "words-30-every-50", "fault-endless", "fault-hang", "fault-500", "fault-cut"]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake", models=MODELS)]})


def metrics(box: Appliance) -> str:
    answer = box.call("GET", "/metrics")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.body.decode()


def test_health_and_readiness_ask_for_no_key(door: Appliance) -> None:
    health = door.call("GET", "/health")
    assert (health.status, health.json["status"]) == (200, "ok")
    assert health.json["version"]
    ready = door.call("GET", "/ready")
    assert (ready.status, ready.json["ready"]) == (200, True)
    assert {"database", "workers"} <= set(ready.json["checks"])


def test_the_server_is_one_process_while_no_model_runs(door: Appliance) -> None:
    assert door.call("GET", "/health").status == 200
    assert door.children() == []


def test_metrics_count_requests_errors_tokens_and_time_by_route_and_deployment(door: Appliance) -> None:
    assert door.chat(chat("fake/gpt-4o")).status == 200
    assert door.chat(chat("fake/fault-500")).status == 502
    assert door.chat(chat("fake/gpt-4o", stream=True)).status == 200
    text = metrics(door)
    for wanted in (
        r'gatehouse_requests_total\{.*deployment="fake/gpt-4o".*route="/v1/chat/completions".*status="200".*\} \d',
        r'gatehouse_errors_total\{.*code="upstream_failed".*\} 1\.0',
        r'gatehouse_tokens_total\{deployment="fake/gpt-4o",direction="\w+"\} \d',
        r'gatehouse_request_seconds_bucket\{.*deployment="fake/gpt-4o".*le="10\.0".*\} \d',
        r"gatehouse_requests_in_flight \d",
    ):
        assert re.search(wanted, text), wanted


def test_metrics_name_no_person_and_no_key(door: Appliance) -> None:
    made = door.make_key("Canary Key Name")
    assert door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=made["key"]).status == 200
    text = metrics(door)
    for secret in ("Canary Key Name", made["id"], made["key"], made["key_prefix"], "owner@example.com", "Olga"):
        assert secret not in text


def test_made_up_names_do_not_make_the_metrics_grow(door: Appliance) -> None:
    before = len(metrics(door).splitlines())
    for number in range(40):
        door.chat(chat(f"made-up-{number}"))
        door.call("GET", f"/made/up/{number}")
        door.call("GET", f"/v1/models/made-up-{number}", token=door.api_key)
        door.call(f"BREW{number}", "/v1/models")
    after = metrics(door)
    assert "made-up-7" not in after
    assert len(after.splitlines()) - before < 150


def test_requests_in_flight_go_up_and_down(door: Appliance) -> None:
    def in_flight() -> int:
        found = re.search(r"^gatehouse_requests_in_flight (\S+)", metrics(door), re.MULTILINE)
        assert found is not None
        return int(float(found[1]))

    before = in_flight()
    with door.chat_stream(chat("fake/fault-endless")) as answer:
        next(answer.events())
        assert in_flight() == before + 1
    eventually(lambda: in_flight() == before)


def test_metrics_from_another_machine_need_a_key_for_them(appliance: MakeAppliance, namespace: NetworkNamespace) -> None:
    box = appliance(settings={"host": "0.0.0.0"}, namespace=namespace)
    here, there = (f"http://{address}:{box.port}" for address in ("127.0.0.1", namespace.LAN_ADDRESS))
    owner = {"name": "Olga", "email": "o@example.com", "password": PASSWORD}
    token = namespace.call("POST", f"{here}/api/v1/admin/auth/register", owner).json["access_token"]
    keys = f"{here}/api/v1/admin/api-keys"
    plain = namespace.call("POST", keys, {"name": "plain"}, token=token).json["key"]
    assert namespace.call("GET", f"{here}/metrics").status == 200
    assert namespace.call("GET", f"{there}/metrics").status == 401
    assert namespace.call("GET", f"{there}/metrics", token=plain).status == 403
    assert namespace.call("GET", f"{there}/health").status == 200
    scoped = namespace.call("POST", keys, {"name": "prometheus", "scopes": ["metrics"]}, token=token)
    assert scoped.status == 201, scoped
    assert namespace.call("GET", f"{there}/metrics", token=scoped.json["key"]).status == 200
    refused = namespace.call("GET", f"{there}/v1/models", token=scoped.json["key"])
    assert refused.status == 403, "a key for metrics is good for nothing else"


def test_every_feature_is_told_with_how_to_turn_it_on(door: Appliance, owner: str, api_key: str) -> None:
    assert door.call("GET", FEATURES).status == 401
    assert door.call("GET", FEATURES, token=api_key).status in (401, 403)
    items = door.call("GET", FEATURES, token=owner).json["items"]
    named = {item["name"]: item for item in items}
    assert {"local_models", "providers", "vault", "ledger", "audit", "documentation"} <= set(named)
    for item in items:
        assert item["status"] in ("on", "off", "not_installed")
        assert item["status"] == "on" or item["how"], item
    assert "file" in named["vault"]["detail"], "where the master key is kept is told"
    assert named["providers"]["status"] == "on"


# The log


def log_lines(box: Appliance) -> list[dict[str, object]]:
    return [json.loads(line) for line in box.output.splitlines() if line.startswith("{")]


def test_the_log_is_json_lines_with_the_request_id(door: Appliance) -> None:
    door.chat(chat("fake/gpt-4o"), headers={"X-Request-Id": "look-for-me-1"})
    door.call("GET", "/v1/models", token=door.api_key, headers={"X-Request-Id": "look-for-me-2"})
    door.call("GET", "/nothing", headers={"X-Request-Id": "look-for-me-3"})

    def lines() -> list[dict[str, object]]:
        return [line for line in log_lines(door) if str(line.get("request_id", "")).startswith("look-for-me")]

    found = eventually(lambda: lines() if len(lines()) >= 3 else None)
    assert [line["request_id"] for line in found] == ["look-for-me-1", "look-for-me-2", "look-for-me-3"]
    first = found[0]
    assert first["status"] == 200
    assert first["level"] == "info"
    assert first["route"] == "/v1/chat/completions"
    assert str(first["ts"]).startswith("20")
    assert first["deployment"] == "fake/gpt-4o"


def test_no_prompt_answer_password_or_key_is_ever_written_down(appliance: MakeAppliance, upstream: Fake) -> None:
    """Canaries in every place that a caller can fill, at the most talkative level; then every byte is searched."""
    box = appliance(
        settings={
            "log_level": "debug",
            "log_to": "file",
            "providers": [{**upstream.provider("fake", models=MODELS), "api_key": "", "api_key_env": "FAKE_KEY"}],
        },
        env={"FAKE_KEY": upstream.key},
    )
    canary = "canary-7f3a91"
    first_run_key = box.first_run_key
    key, made = box.api_key, box.make_key("second")["key"]
    for model in ("fake/gpt-4o", "fake/fault-500", "fake/fault-cut", "nobody", f"{canary}-model"):
        for stream in (False, True):
            box.chat(chat(model, f"{canary} prompt", stream=stream, user=f"{canary}-user", x_future=f"{canary}-field"))
    box.chat(chat("fake/gpt-4o", [{"type": "text", "text": f"{canary} part"}]))
    for body in (f'{{"model": "{canary}'.encode(), f'{{"messages": "{canary}"}}'.encode(), b"\xff" + canary.encode()):
        box.call("POST", "/v1/chat/completions", body, token=key)
        box.call("POST", "/api/v1/admin/auth/login", body, headers={"Content-Type": "application/json"})
        box.call("POST", "/api/v1/admin/api-keys", body, token=box.owner_token)
    box.call("GET", f"/{canary}/path?{canary}=1")
    box.call("GET", f"/v1/models/{canary}?key={made}", token=key)
    box.call("GET", "/v1/models", token=f"sk-{canary}")
    box.call("GET", "/v1/models", headers={"Cookie": f"session={canary}", "X-Api-Key": made})
    box.call("POST", "/api/v1/admin/auth/login", {"email": f"{canary}@example.com", "password": f"{canary}-password"})
    box.call("POST", "/api/v1/admin/auth/login", {"email": "owner@example.com", "password": PASSWORD})
    box.call("POST", "/v1/embeddings", {"model": "fake/fault-500", "input": canary}, token=key)
    box.raw(head("/v1/chat/completions", made, f"X-Filler: {canary * 20_000}"), timeout=10)
    box.raw(f"NONSENSE {canary}\r\n\r\n".encode(), timeout=10)
    with box.chat_stream(chat("fake/fault-endless", canary)) as answer:
        next(answer.events())
    token = box.owner_token
    box.stop()
    told = {path: path.read_bytes() for path in box.home.rglob("*") if path.is_file()}
    told[box.output_path] = box.output_path.read_bytes()
    assert any(b'"request"' in data for path, data in told.items() if path.suffix == ".log"), "no log was written"
    for path, data in told.items():
        marks = (f"sk-{canary}", f"{canary}-password", f"{canary} p", f"{canary}-f")
        for secret in (key, made, token, PASSWORD, upstream.key, *marks):
            assert secret.encode() not in data, f"{secret!r} stands in {path.name}"
        if path != box.output_path:  # there it was shown, once
            assert first_run_key.encode() not in data, path
        if path.suffix == ".log" or path == box.output_path:
            assert canary.encode() not in data, f"what a caller wrote stands in {path.name}: {around(data, canary)}"


def around(data: bytes, text: str) -> bytes:
    at = data.find(text.encode())
    return data[max(0, at - 200) : at + 100]


# Stopping


def in_background(ask: Callable[[], Collected]) -> tuple[threading.Thread, list[Collected]]:
    found: list[Collected] = []
    thread = threading.Thread(target=lambda: found.append(ask()))
    thread.start()
    return thread, found


def test_sigterm_lets_running_requests_end_and_takes_no_new_ones(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=MODELS)]})
    key = box.api_key

    def ask() -> Collected:
        with box.stream("POST", "/v1/chat/completions", chat("fake/words-30-every-50", stream=True), token=key) as answer:
            return answer.collect()

    count = len(upstream.seen())
    thread, found = in_background(ask)
    eventually(lambda: len(upstream.seen()) > count)
    time.sleep(0.2)
    box.signal_to_stop()
    time.sleep(0.2)
    try:
        refused = box.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key, timeout=5)
        assert (refused.status, refused.error["code"]) == (503, "shutting_down")
        assert refused.headers["retry-after"]
    except OSError:
        pass  # it doesn't listen any more: as good
    thread.join(20)
    assert found[0].done
    assert found[0].content.endswith("word29")
    assert box.wait_until_ended(10) == 0
    (row,) = box.rows("SELECT state FROM requests ORDER BY id DESC LIMIT 1")
    assert row["state"] == 1


def test_a_request_that_does_not_end_is_cut_with_an_error_event(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=MODELS)], "shutdown_seconds_max": 1.0})
    with box.chat_stream(chat("fake/fault-endless")) as answer:
        events = answer.events()
        first = next(events)
        box.signal_to_stop()
        started = time.monotonic()
        collected = Collected([first, *events])
    assert collected.error is not None
    assert collected.error["code"] == "shutting_down"
    assert not collected.done
    assert box.wait_until_ended(15) == 0
    assert time.monotonic() - started < 8
    rows = box.rows("SELECT state FROM requests")
    assert [row["state"] for row in rows] == [row["state"] for row in rows if row["state"] in (3, 4)]


def test_ctrl_c_stops_it_as_well_and_idle_connections_do_not_hold_it(appliance: MakeAppliance) -> None:
    box = appliance()
    idle = [box.connect() for _ in range(5)]
    exchange(idle[0], [b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"])
    started = time.monotonic()
    psutil.Process(box.pid).send_signal(2)
    assert box.wait_until_ended(15) == 0
    assert time.monotonic() - started < 8
    for connection in idle:
        connection.close()
    assert "Traceback" not in box.output
    assert not (box.home / "run" / "control.json").exists()


def test_a_start_that_is_broken_off_ends_cleanly(appliance: MakeAppliance) -> None:
    box = appliance(start=False)
    for delay in (0.05, 0.5):
        box.start(wait=False)
        time.sleep(delay)
        box.signal_to_stop()
        code = box.wait_until_ended(15)
        assert code in (0, -15, 143, 130), (code, box.output)
        assert "Traceback" not in box.output, box.output
    box.start()
    assert box.call("GET", "/health").status == 200


# Starting


def test_a_second_start_on_the_same_home_says_who_holds_it(door: Appliance) -> None:
    second = Appliance(door.home.parent / "second", port=free_port())
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "serve"],
        cwd=ROOT,
        env={**environment(), "GATEHOUSE_HOME": str(door.home), "GATEHOUSE_PORT": str(second.port)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode not in (0, None)
    assert str(door.pid) in done.stderr
    assert "Traceback" not in done.stderr
    assert door.call("GET", "/health").status == 200


def test_a_port_that_is_taken_is_told_before_anything_is_served(appliance: MakeAppliance) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(ProgramFailed) as caught:
            appliance(port=port)
    assert str(port) in str(caught.value)
    assert "Traceback" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("colour = 'blue'", "colour"),
        ("keepalive_seconds = 'often'", "keepalive_seconds"),
        ("host = ", "line 1"),
        ("body_bytes_max = 3", "body_bytes_max"),
    ],
)
def test_a_setting_that_is_wrong_refuses_to_start_and_is_named(appliance: MakeAppliance, line: str, told: str) -> None:
    box = appliance(start=False)
    (box.home / "gatehouse.toml").write_text(line + "\n")
    with pytest.raises(ProgramFailed) as caught:
        box.start()
    assert told in str(caught.value)
    assert "gatehouse.toml" in str(caught.value)
    assert "Fix:" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_database_of_a_newer_version_is_left_alone(appliance: MakeAppliance) -> None:
    import sqlite3

    box = appliance()
    box.stop()
    connection = sqlite3.connect(box.home / "gatehouse.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999_from_the_future'")
    connection.commit()
    connection.close()
    with pytest.raises(ProgramFailed) as caught:
        box.start()
    assert "9999_from_the_future" in str(caught.value)
    assert "Traceback" not in str(caught.value)


def test_a_database_that_is_none_is_told(appliance: MakeAppliance) -> None:
    box = appliance(start=False)
    (box.home / "gatehouse.db").write_bytes(b"this is no database " * 1000)
    with pytest.raises(ProgramFailed) as caught:
        box.start()
    assert "gatehouse.db" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert (box.home / "gatehouse.db").read_bytes().startswith(b"this is no database")


def test_what_it_keeps_is_its_owners_alone(door: Appliance) -> None:
    for path in [door.home, *door.home.rglob("*")]:
        if path.name != "gatehouse.toml":  # written by this test, not by the program
            assert path.stat().st_mode & 0o077 == 0, f"{path} can be read by others"


def test_the_version_is_shown() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "appliance", "version"], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"\d+\.\d+\.\d+", done.stdout)


# Limits


def test_beyond_the_bound_on_requests_in_flight_is_503_and_health_still_answers(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=MODELS)], "requests_in_flight_max": 2})
    assert box.api_key
    with box.chat_stream(chat("fake/fault-endless")) as first, box.chat_stream(chat("fake/fault-endless")) as second:
        next(first.events())
        next(second.events())
        refused = box.chat(chat("fake/gpt-4o"))
        assert (refused.status, refused.error["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) >= 1
        assert refused.error["fix"]
        for path in ("/health", "/ready", "/metrics"):
            assert box.call("GET", path).status == 200, path
    assert eventually(lambda: box.chat(chat("fake/gpt-4o")).status == 200)


def beginning_of_answer(connection: socket.socket) -> bytes:
    """What has been answered within a second; nothing where the request still runs."""
    connection.settimeout(1)
    try:
        return connection.recv(65536)
    except TimeoutError:
        return b""


def test_bodies_held_in_memory_together_are_bounded(appliance: MakeAppliance, upstream: Fake) -> None:
    settings = {"providers": [upstream.provider("fake", models=MODELS)], "buffered_bytes_max": 8 * 1024 * 1024}
    box = appliance(settings=settings)
    assert box.api_key
    before = psutil.Process(box.pid).memory_info().rss
    body = json.dumps(chat("fake/fault-hang", "x" * 4_000_000)).encode()
    connections = []
    for _ in range(8):
        connection = box.connect()
        connections.append(connection)
        try:
            connection.sendall(head("/v1/chat/completions", box.api_key, f"Content-Length: {len(body)}") + body)
        except OSError:
            pass  # refused before all of it was sent
    answers = [beginning_of_answer(connection) for connection in connections]
    refused = [answer for answer in answers if answer.startswith(b"HTTP/1.1 503")]
    assert answers.count(b"") == 2, "two bodies fit and are being served"
    assert len(refused) == 6
    assert all(b'"overloaded"' in answer and b"retry-after: 1" in answer for answer in refused)
    assert psutil.Process(box.pid).memory_info().rss - before < 250 * 1024 * 1024
    for connection in connections:
        connection.close()
    assert eventually(lambda: box.chat(chat("fake/gpt-4o")).status == 200)


def test_hundreds_of_idle_connections_lock_nobody_out(door: Appliance) -> None:
    idle = [door.connect() for _ in range(300)]
    try:
        started = time.monotonic()
        assert door.call("GET", "/health", timeout=10).status == 200
        assert door.chat(chat("fake/gpt-4o"), timeout=10).status == 200
        assert time.monotonic() - started < 5
    finally:
        for connection in idle:
            connection.close()


def test_idle_connections_beyond_the_bound_give_way(appliance: MakeAppliance) -> None:
    box = appliance(settings={"connections_max": 16, "idle_seconds_max": 1.0})
    idle = [box.connect() for _ in range(60)]
    try:
        assert eventually(lambda: box.call("GET", "/health", timeout=20).status == 200, 20)
    finally:
        for connection in idle:
            connection.close()


def test_many_streams_at_once_are_all_whole(door: Appliance) -> None:
    assert door.api_key

    def ask(number: int) -> str:
        with door.chat_stream(chat("fake/gpt-4o", f"stream {number}")) as answer:
            collected: Collected = answer.collect()
        assert collected.done
        return collected.content

    with ThreadPoolExecutor(40) as pool:
        assert list(pool.map(ask, range(80))) == [f"You said: stream {number}" for number in range(80)]


def test_many_callers_at_once_are_all_served(door: Appliance) -> None:
    assert door.api_key
    with ThreadPoolExecutor(50) as pool:
        statuses = list(pool.map(lambda number: door.chat(chat("fake/gpt-4o", f"caller {number}")).content, range(200)))
    assert statuses == [f"You said: caller {number}" for number in range(200)]


def test_half_bodies_of_strangers_leave_room_for_those_with_a_key(appliance: MakeAppliance, upstream: Fake) -> None:
    settings = {"providers": [upstream.provider("fake", models=MODELS)], "requests_in_flight_max": 32}
    box = appliance(settings=settings)
    assert box.api_key
    strangers = [box.connect() for _ in range(40)]
    try:
        for connection in strangers:
            connection.sendall(b"POST /api/v1/admin/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
        refused = [answer for answer in map(beginning_of_answer, strangers[-24:]) if answer.startswith(b"HTTP/1.1 503")]
        assert refused, "there is a bound for strangers too"
        assert box.chat(chat("fake/gpt-4o")).content == "You said: Hello!"
        assert box.call("GET", "/health").status == 200
    finally:
        for connection in strangers:
            connection.close()
    assert eventually(lambda: box.call("POST", "/api/v1/admin/auth/login", {"email": "a@b.c", "password": "x" * 9}).status == 401)


def test_a_second_appliance_on_the_same_port_does_not_start(door: Appliance, tmp_path: Path) -> None:
    home = {"GATEHOUSE_HOME": str(tmp_path / "second"), "GATEHOUSE_PORT": str(door.port), "GATEHOUSE_MASTER_KEY_SOURCE": "file"}
    ended = subprocess.run(
        [sys.executable, "-m", "appliance", "serve"],
        cwd=ROOT,
        env=environment(home),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode != 0
    assert str(door.port) in ended.stderr
    assert "Traceback" not in ended.stderr
