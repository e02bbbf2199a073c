"""The appliance at a glance, and what happens as it happens."""

import json
import re
import sqlite3
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import datetime
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.calls import StreamAnswer, chat, head
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, Fake, eventually, local_seats

OVERVIEW = "/api/v1/admin/overview"
EVENTS = "/api/v1/admin/events"
STOP = "/api/v1/admin/machine/stop"
MODEL = "smollm2-135m-instruct"
READERS_MAX = 64
FIELDS = {
    "version", "state", "reasons", "started_at", "uptime_seconds", "in_flight", "endpoints", "owner_exists", "lan_on", "models",
    "loaded_models", "last_hour", "minutes",
}  # fmt: skip


class Heard(msgspec.Struct):
    id: int
    name: str
    data: dict[str, Any]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    models = ["gpt-4o", "words-10-every-20", "fault-500", "fault-429", "fault-hang"]
    return appliances(settings={"providers": [upstream.provider("fake", models=models)], "registration_open": True})


def overview(box: Appliance) -> dict[str, Any]:
    answer = box.call("GET", OVERVIEW, token=box.owner_token)
    assert answer.status == 200, answer
    shown: dict[str, Any] = answer.json
    assert set(shown) == FIELDS
    return shown


def listen(box: Appliance, **headers: str) -> StreamAnswer:
    return box.stream("GET", EVENTS, token=box.owner_token, headers=headers, timeout=20)


def heard(stream: StreamAnswer) -> Iterator[Heard]:
    """Events as they come, comments left out."""
    for event in stream.events():
        if event.data is not None:
            found = re.fullmatch(rb"id: (\d+)\nevent: (\w+)\ndata: [^\n]*\n\n", event.raw)
            assert found, event.raw
            yield Heard(int(found[1]), found[2].decode(), event.json)


def hour(shown: dict[str, Any]) -> tuple[int, int, int, int]:
    counts = shown["last_hour"]
    return counts["requests"], counts["failed"], counts["tokens_in"], counts["tokens_out"]


def in_flight(box: Appliance, wanted: int) -> dict[str, Any] | None:
    shown = overview(box)
    return shown if shown["in_flight"] == wanted else None


def control_token(box: Appliance) -> str:
    return str(json.loads((box.home / "run" / "control.json").read_text())["token"])


def test_it_says_what_runs_and_where(door: Appliance) -> None:
    shown = overview(door)
    assert (shown["state"], shown["reasons"], shown["in_flight"]) == ("running", [], 0)
    assert shown["version"] == door.call("GET", "/health").json["version"]
    assert shown["endpoints"] == [f"http://localhost:{door.port}/v1"]
    assert (shown["owner_exists"], shown["lan_on"], shown["loaded_models"]) == (True, False, [])
    listed = door.call("GET", "/v1/models", token=door.api_key).json["data"]
    assert shown["models"] == [model["id"] for model in listed]
    assert 0 <= shown["uptime_seconds"] < 600
    starts = [datetime.fromisoformat(minute["at"]) for minute in shown["minutes"]]
    assert len(starts) == 60
    assert {(later - earlier).total_seconds() for earlier, later in pairwise(starts)} == {60}
    assert abs(starts[-1].timestamp() - time.time()) < 90


def test_an_hour_counts_answers_streams_and_failures_and_a_restart_changes_nothing(
    appliance: MakeAppliance, upstream: Fake
) -> None:
    models = ["gpt-4o", "words-10-every-20", "fault-500", "fault-hang"]
    box = appliance(settings={"providers": [upstream.provider("fake", models=models)]})
    assert hour(overview(box)) == (0, 0, 0, 0)
    assert overview(box)["last_hour"]["latency_ms_p50"] is None
    assert box.chat(chat("fake/gpt-4o")).status == 200
    with box.chat_stream(chat("fake/words-10-every-20")) as stream:
        assert stream.collect().done
    assert box.chat(chat("fake/fault-500")).status == 502
    with box.chat_stream(chat("fake/words-10-every-20")) as stream:
        next(stream.events())
    eventually(lambda: hour(overview(box))[0] == 4)
    assert box.chat(chat("nobody/knows")).status == 404  # asked no model: not counted, as the ledger doesn't
    assert box.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token="gh-test-wrong").status == 401

    before = overview(box)
    rows = box.rows("SELECT sum(tokens_in) AS tokens_in, sum(tokens_out) AS tokens_out FROM attempts")
    assert hour(before) == (4, 1, rows[0]["tokens_in"], rows[0]["tokens_out"])
    assert sum(minute["requests"] for minute in before["minutes"]) == 4
    assert before["last_hour"]["latency_ms_p95"] >= 180  # the stream of ten words
    assert 0 <= before["last_hour"]["first_token_ms_p50"] < before["last_hour"]["latency_ms_p95"]
    box.restart()
    after = overview(box)
    assert after["last_hour"] == before["last_hour"]
    assert after["uptime_seconds"] <= before["uptime_seconds"] + 30


def test_running_requests_are_counted_and_too_many_are_called_busy(appliance: MakeAppliance, upstream: Fake) -> None:
    settings = {"providers": [upstream.provider("fake", models=["fault-hang"])], "requests_in_flight_max": 2}
    box = appliance(settings=settings)
    with ExitStack() as stack:
        for number in (1, 2):
            caller = stack.enter_context(box.connect())
            body = json.dumps(chat("fake/fault-hang")).encode()
            caller.sendall(head("/v1/chat/completions", box.api_key, f"Content-Length: {len(body)}") + body)
            shown = eventually(partial(in_flight, box, number))
        assert shown["state"] == "busy"
        assert shown["reasons"] == ["requests in flight: 2, of 2 at most"]
    eventually(lambda: overview(box)["state"] == "running")


def test_an_appliance_that_can_answer_nothing_says_so(appliance: MakeAppliance) -> None:
    shown = overview(appliance(settings={"local_models": False}))
    assert shown["state"] == "degraded"
    assert "no model can answer" in shown["reasons"][0]
    assert "local_models" in shown["reasons"][0]


def test_it_says_which_local_model_is_loaded_and_that_others_wait_for_it(appliance: MakeAppliance) -> None:
    box = appliance(settings={"local_parallel": 1, "local_queue_max": 1}, model=True)
    shown = overview(box)
    assert (shown["state"], MODEL in shown["models"], shown["loaded_models"]) == ("running", True, [])
    long = chat(MODEL, "A long story.", max_tokens=1500, logit_bias={"2": -100, "0": -100})  # without its ends
    with ExitStack() as answered:
        for _ in range(local_seats(1)):
            next(answered.enter_context(box.chat_stream(long)).events())
        assert overview(box)["loaded_models"] == [MODEL]
        with box.chat_stream(long):
            shown = eventually(lambda: found if (found := overview(box))["state"] == "busy" else None)
            assert shown["reasons"] == [f"requests waiting for the local model {MODEL}: 1"]


def test_a_local_model_that_can_not_run_is_named(appliance: MakeAppliance, upstream: Fake, model_file: Path) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]}, start=False)
    (box.home / "models").mkdir(mode=0o700)
    with model_file.open("rb") as whole:
        (box.home / "models" / model_file.name).write_bytes(whole.read(1_000_000))
    box.start()
    shown = overview(box)
    assert shown["state"] == "degraded"
    assert shown["reasons"][0].startswith(f"the local model {MODEL} does not run: ")


def test_a_ledger_that_can_not_be_written_is_told_until_it_can(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]})
    assert box.chat(chat("fake/gpt-4o")).status == 200
    assert overview(box)["state"] == "running"
    with closing(sqlite3.connect(box.home / "gatehouse.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")  # somebody holds the file
        assert box.chat(chat("fake/gpt-4o")).status == 503
        shown = overview(box)
        assert shown["state"] == "degraded"
        assert "the ledger can't be written" in shown["reasons"][0]
        other.execute("ROLLBACK")
    eventually(lambda: overview(box)["state"] == "running", seconds=10, every=0.2)


@pytest.mark.parametrize("path", [OVERVIEW, EVENTS])
def test_who_may_look(door: Appliance, path: str) -> None:
    member = door.call(
        "POST",
        "/api/v1/admin/auth/register",
        {"name": "Max", "email": f"{path[-4:]}@example.com", "password": PASSWORD},
    )
    tokens = {None: 401, door.api_key: 401, member.json["access_token"]: 403, "wrong": 401}
    for token, status in tokens.items():
        assert door.call("GET", path, token=token).status == status
    for token in (door.owner_token, control_token(door)):
        with door.stream("GET", path, token=token) as answer:
            assert answer.status == 200


def test_a_reader_hears_the_present_state_at_once_and_then_every_change(door: Appliance) -> None:
    with listen(door) as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        events = heard(stream)
        first = next(events)
        assert (first.name, set(first.data)) == ("overview", FIELDS)
        asked = first.data["last_hour"]["requests"]
        began = time.monotonic()
        for _ in range(5):
            assert door.chat(chat("fake/gpt-4o")).status == 200
        changes = []
        for event in events:
            changes.append(event)
            if event.data["last_hour"]["requests"] == asked + 5:
                break
        assert time.monotonic() - began < 8
        assert [change.id for change in changes] == list(range(first.id + 1, first.id + 1 + len(changes)))


def test_nothing_is_said_while_nothing_changes(door: Appliance) -> None:
    with listen(door) as stream:
        said = []
        for event in stream.events():
            said.append(event)
            if event.data is None:
                break
        assert said[-1].raw.startswith(b":")
        assert said[-1].at - said[-2].at > 8
        assert len(said) <= 4, "the present state, a sign of life, and perhaps that a minute began or a request ended"


def test_a_reader_who_comes_back_hears_what_it_missed(door: Appliance) -> None:
    with listen(door) as other, listen(door) as stream:
        next(heard(other))
        left_at = next(heard(stream)).id
        stream.hang_up()
        assert door.chat(chat("fake/gpt-4o")).status == 200
        change = next(heard(other))
        with listen(door, **{"Last-Event-ID": str(left_at)}) as again:
            missed = next(heard(again))
            assert (missed.id, missed.data) == (change.id, change.data)
    with listen(door, **{"Last-Event-ID": "no number"}) as stream:
        assert next(heard(stream)).name == "overview"


def test_readers_have_a_bound_take_no_places_and_make_room_when_they_hang_up(appliance: MakeAppliance, upstream: Fake) -> None:
    settings = {"providers": [upstream.provider("fake", models=["gpt-4o"])], "requests_in_flight_max": 4}
    box = appliance(settings=settings)
    with ExitStack() as stack:
        readers = [stack.enter_context(listen(box)) for _ in range(READERS_MAX)]
        for reader in readers:
            assert next(heard(reader)).name == "overview"
        refused = box.call("GET", EVENTS, token=box.owner_token)
        assert (refused.status, refused.error["code"]) == (503, "overloaded")
        assert int(refused.headers["retry-after"]) > 0
        assert box.chat(chat("fake/gpt-4o")).status == 200
        assert overview(box)["in_flight"] == 0
        readers[0].hang_up()
        readers[1].hang_up()

        def there_is_room() -> bool:
            answer = listen(box)
            stack.callback(answer.hang_up)
            return answer.status == 200

        eventually(there_is_room, every=0.1)
        began = time.monotonic()
        box.stop()
        assert time.monotonic() - began < 5
        for reader in readers[2:]:
            *_, last = list(heard(reader))
            assert last.data["reasons"][0] == "the appliance is stopping"


def test_the_machine_can_be_told_to_stop_and_nobody_else_may(appliance: MakeAppliance) -> None:
    box = appliance()
    assert box.call("POST", STOP).status == 401
    assert box.call("POST", STOP, token=box.owner_token).status == 403
    with listen(box) as stream:
        events = heard(stream)
        assert next(events).data["state"] in ("running", "degraded")
        began = time.monotonic()
        answer = box.call("POST", STOP, token=control_token(box))
        assert (answer.status, answer.json) == (202, {"status": "stopping"})
        assert [event.data["state"] for event in events] == ["degraded"]
    assert box.wait_until_ended(10) == 0
    assert time.monotonic() - began < 8
