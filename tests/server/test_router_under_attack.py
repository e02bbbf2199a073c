"""Callers that hang up while a request is on its way through its route, storms of them, and routes that vanish under them."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.calls import Answer, chat, written
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.wire import Seen
from tests.running import Appliance, Fake, eventually
from tests.server.test_upstream import HANG_UP_SECONDS_MAX

STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
CONCURRENT = 2  # a deployment with this limit shows whether anything is still counted as running there


@pytest.fixture(scope="module")
def upstream(fake: MakeFake) -> Fake:
    return fake("scripted")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    box = appliances(settings={"providers": [upstream.provider("one")], "local_models": False})
    assert box.api_key
    assert box.owner_token
    return box


@pytest.fixture(autouse=True)
def quiet(door: Appliance, upstream: Fake) -> Iterator[None]:
    """Whatever a test did, its requests are booked as ended, and nobody works for them any more."""
    upstream.set_faults({})
    upstream.forget()
    yield
    eventually(lambda: not door.rows("SELECT 1 FROM requests WHERE state = 0"), 10)
    upstream.forget()


def admin(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, f"/api/v1/admin/{path}", body, token=door.owner_token)


def add_route(door: Appliance, name: str, *models: str, **more: Any) -> str:
    """Its id. Each deployment takes CONCURRENT requests at a time."""
    rows = [
        {"provider": "one", "model": model, "order": order, "limits": {"concurrent": CONCURRENT}}
        for order, model in enumerate(models)
    ]
    answer = admin(door, "POST", "routes", {"name": name, "deployments": rows, **more})
    assert answer.status == 201, answer
    return str(answer.json["id"])


def asked(upstream: Fake) -> list[Seen]:
    return [seen for seen in upstream.seen() if seen.path.endswith("/chat/completions")]


def models_asked(upstream: Fake) -> list[str]:
    return [seen.json["model"] for seen in asked(upstream)]


def begun(door: Appliance, model: str, *, stream: bool) -> socket.socket:
    """A request that was sent, and whose answer nobody reads yet."""
    connection = door.connect()
    connection.sendall(written("/v1/chat/completions", door.api_key, chat(model, stream=stream)))
    return connection


def last_booked(door: Appliance) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The newest request's row, once it has ended, and its attempts'."""

    def ended() -> dict[str, Any] | None:
        (row,) = door.rows("SELECT * FROM requests ORDER BY id DESC LIMIT 1")
        return row if row["state"] else None

    row = eventually(ended, 10)
    query = "SELECT a.*, n.value AS deployment FROM attempts a JOIN names n ON n.id = a.deployment_name"
    return row, door.rows(f"{query} WHERE request_id = ? ORDER BY ordinal", row["id"])


def nothing_runs(door: Appliance, upstream: Fake, *models: str) -> None:
    """As many requests as the deployments take together find room at once, and no more."""
    upstream.set_faults(dict.fromkeys(models, "fault-slow-500"))
    route = f"room-{time.monotonic_ns()}"
    add_route(door, route, *models, retries=0, circuit_breaker=False)
    number = CONCURRENT * len(models)
    with ThreadPoolExecutor(number) as pool:
        answers = list(pool.map(door.chat, [chat(route)] * number))
    assert [answer.status for answer in answers] == [200] * number, answers


CANCELLED, FAILED = 3, 4
FAILING = "fault-500"


@STREAMS
def test_who_leaves_in_a_back_off_is_asked_for_no_more(door: Appliance, upstream: Fake, stream: bool) -> None:
    model = f"backs-off-{stream}"
    upstream.set_faults({model: "fault-503"})  # it wants 3 s before it is asked again
    add_route(door, model, model, circuit_breaker=False)
    connection = begun(door, model, stream=stream)
    eventually(lambda: len(asked(upstream)) == 1)
    time.sleep(0.3)
    connection.close()
    row, attempts = last_booked(door)
    assert (row["state"], [attempt["outcome"] for attempt in attempts]) == (CANCELLED, [attempts[0]["outcome"]])
    time.sleep(3.2)
    assert len(asked(upstream)) == 1, "it was sent again for a caller that had left"
    nothing_runs(door, upstream, model)


@STREAMS
def test_who_leaves_while_a_provider_is_at_its_limit_is_asked_for_no_more(door: Appliance, upstream: Fake, stream: bool) -> None:
    model = f"limited-{stream}"
    upstream.set_faults({model: "fault-429-ms"})  # for 1.5 s
    add_route(door, model, model)
    connection = begun(door, model, stream=stream)
    eventually(lambda: len(asked(upstream)) == 1)
    time.sleep(0.3)
    connection.close()
    row, attempts = last_booked(door)
    assert (row["state"], len(attempts)) == (CANCELLED, 1)
    time.sleep(1.6)
    assert len(asked(upstream)) == 1
    nothing_runs(door, upstream, model)


@STREAMS
def test_a_probe_whose_caller_leaves_is_no_verdict_and_the_next_request_is_the_probe(
    door: Appliance, upstream: Fake, stream: bool
) -> None:
    model = f"probed-{stream}"
    rules = {"failure_rate": 0.5, "requests_min": 1, "window_seconds": 30, "open_seconds": 1}
    add_route(door, model, model, retries=0, circuit_breaker=rules)
    upstream.set_faults({model: FAILING})
    assert door.chat(chat(model)).status == 502
    assert door.chat(chat(model)).status == 502
    assert len(asked(upstream)) == 1, "the circuit is not open"
    upstream.set_faults({model: "fault-hang"})
    time.sleep(1.2)
    connection = begun(door, model, stream=stream)
    eventually(lambda: len(asked(upstream)) == 2)
    assert door.chat(chat(model)).status == 502, "a second probe beside the first"
    connection.close()
    eventually(lambda: asked(upstream)[1].hung_up)
    last_booked(door)
    upstream.set_faults({model: "fault-slow-300"})
    assert door.chat(chat(model)).status == 200, "the probe stayed taken"
    nothing_runs(door, upstream, model)


@STREAMS
def test_who_leaves_a_fallback_leaves_nothing_behind(door: Appliance, upstream: Fake, stream: bool) -> None:
    first, second = f"falls-{stream}", f"caught-{stream}"
    upstream.set_faults({first: FAILING, second: "fault-hang"})
    add_route(door, second, second, circuit_breaker=False)
    add_route(door, first, first, fallbacks=[second], retries=0, circuit_breaker=False)

    def leave() -> float:
        upstream.forget()
        connection = begun(door, first, stream=stream)
        eventually(lambda: models_asked(upstream) == [first, second])
        time.sleep(0.1)
        moment = time.monotonic()
        connection.close()
        eventually(lambda: asked(upstream)[-1].hung_up)
        return (asked(upstream)[-1].hung_up_at or 0.0) - moment

    assert min(leave() for _ in range(4)) < HANG_UP_SECONDS_MAX
    row, attempts = last_booked(door)
    assert row["state"] == CANCELLED
    assert [attempt["deployment"] for attempt in attempts] == [f"one/{first}", f"one/{second}"]
    assert attempts[1]["tokens_in"] > 0
    nothing_runs(door, upstream, first, second)


def hedged(door: Appliance, upstream: Fake, name: str, slow: str, other: str) -> tuple[str, str]:
    """A route of two whose first one is known to be fast, and is now as slow as `slow` says; the other one as `other`."""
    first, second = f"{name}-first", f"{name}-second"
    add_route(door, name, first, second, hedge=True, circuit_breaker=False)
    upstream.set_faults({first: "fault-slow-1", second: "fault-slow-1"})
    for _ in range(25):
        assert door.chat(chat(name)).headers["x-gatehouse-deployment"] in (f"one/{first}", f"one/{second}")
    upstream.set_faults({first: slow, second: other})
    upstream.forget()
    return first, second


@STREAMS
def test_who_leaves_a_race_ends_both_and_both_are_booked(door: Appliance, upstream: Fake, stream: bool) -> None:
    name = f"raced-{stream}"
    first, second = hedged(door, upstream, name, "fault-hang", "fault-hang")

    def leave() -> float:
        upstream.forget()
        connection = begun(door, name, stream=stream)
        eventually(lambda: models_asked(upstream) == [first, second])
        time.sleep(0.1)
        moment = time.monotonic()
        connection.close()
        eventually(lambda: all(seen.hung_up for seen in asked(upstream)))
        return max(seen.hung_up_at or 0.0 for seen in asked(upstream)) - moment

    assert min(leave() for _ in range(4)) < HANG_UP_SECONDS_MAX
    row, attempts = last_booked(door)
    assert row["state"] == CANCELLED
    assert [each["deployment"] for each in attempts] == [f"one/{first}", f"one/{second}"]
    assert all(attempt["tokens_in"] > 0 for attempt in attempts), attempts
    nothing_runs(door, upstream, first, second)


@STREAMS
def test_the_loser_of_a_race_is_ended_at_once_and_both_are_booked(door: Appliance, upstream: Fake, stream: bool) -> None:
    name = f"won-{stream}"
    first, second = hedged(door, upstream, name, "fault-hang", "fault-slow-50")

    def won() -> float:
        upstream.forget()
        if stream:
            with door.chat_stream(chat(name)) as answer:
                next(answer.events())
                moment = time.monotonic()
                eventually(lambda: asked(upstream)[0].hung_up)
        else:
            assert door.chat(chat(name)).status == 200
            moment = time.monotonic()
        assert models_asked(upstream) == [first, second]
        return (asked(upstream)[0].hung_up_at or moment + 9) - moment

    assert min(won() for _ in range(3)) < HANG_UP_SECONDS_MAX
    _, attempts = last_booked(door)
    assert [each["deployment"] for each in attempts] == [f"one/{first}", f"one/{second}"]
    assert all(each["tokens_in"] > 0 for each in attempts), attempts
    nothing_runs(door, upstream, first, second)
