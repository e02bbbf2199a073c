"""The server is killed, or its ledger can't be written, while a request is between two of its attempts or behind the last."""

import http.client
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.scripted import script
from tests.running import Appliance, Fake, eventually

OPEN, SETTLED, INTERRUPTED, CANCELLED, FAILED = range(5)
LATE = "HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n"
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
SEED = 20261126


@pytest.fixture(scope="module")
def upstream(fake: MakeFake) -> Fake:
    return fake("scripted", {"fails": script(LATE, after=0.2), "answers": "fault-slow-100"})


@pytest.fixture
def box(appliance: MakeAppliance, upstream: Fake) -> Appliance:
    """With a route whose first deployment fails, and whose second one takes two requests at a time."""
    made = appliance(settings={"providers": [upstream.provider("one")], "local_models": False})
    limits = {"concurrent": 2}
    rows = [{"provider": "one", "model": "fails"}, {"provider": "one", "model": "answers", "order": 1, "limits": limits}]
    body = {"name": "route", "deployments": rows, "retries": 0, "circuit_breaker": False}
    assert made.call("POST", "/api/v1/admin/routes", body, token=made.owner_token).status == 201
    assert made.api_key
    upstream.set_faults({"fails": script(LATE, after=0.2), "answers": "fault-slow-100"})
    upstream.forget()
    return made


def models_asked(upstream: Fake) -> list[str]:
    return [seen.json["model"] for seen in upstream.seen() if seen.path.endswith("/chat/completions")]


@contextmanager
def asking(box: Appliance, stream: bool) -> Iterator[Future[Answer]]:
    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(box.chat, chat("route", stream=stream))


@contextmanager
def locked(box: Appliance) -> Iterator[None]:
    """Nobody else can write to the database."""
    holder = sqlite3.connect(box.home / "gatehouse.db", isolation_level=None, timeout=10)
    try:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.rollback()
    finally:
        holder.close()


def booked(box: Appliance) -> list[tuple[int, list[str]]]:
    """Of each request, oldest first: its state, and the deployments of its attempts."""
    tries = "SELECT value FROM attempts JOIN names ON names.id = deployment_name WHERE request_id = ? ORDER BY ordinal"
    return [
        (row["state"], [attempt["value"].removeprefix("one/") for attempt in box.rows(tries, row["id"])])
        for row in box.rows("SELECT id, state FROM requests ORDER BY id")
    ]


BOTH = ["fails", "answers"]
Moment = Callable[[Fake], bool]
BETWEEN: Moment = lambda upstream: models_asked(upstream) == ["fails"]  # noqa: E731
BEHIND: Moment = lambda upstream: models_asked(upstream) == BOTH  # noqa: E731
MOMENTS = pytest.mark.parametrize("moment", [BETWEEN, BEHIND], ids=["first attempt", "second attempt"])


@STREAMS
@MOMENTS
def test_a_ledger_that_locks_on_the_way_costs_the_answer_and_neither_row_nor_attempt(
    box: Appliance, upstream: Fake, moment: Moment, stream: bool
) -> None:
    with asking(box, stream) as answer:
        eventually(lambda: moment(upstream), every=0.005)
        with locked(box):
            told = answer.result()
            assert b"ledger_unavailable" in told.body, told
            assert b"[DONE]" not in told.body
            assert models_asked(upstream) == BOTH, "a failing ledger is no reason to send it again"
    # By itself: nothing else is asked of it
    eventually(lambda: booked(box) == [(FAILED, BOTH)], 10)
    upstream.set_faults({"fails": "fault-500", "answers": "fault-slow-500"})
    with ThreadPoolExecutor(2) as pool:
        assert [each.status for each in pool.map(box.chat, [chat("route")] * 2)] == [200, 200], "something runs there for ever"
    assert booked(box) == [(FAILED, BOTH), (SETTLED, BOTH), (SETTLED, BOTH)]


@pytest.mark.parametrize(("moment", "stream"), [(BETWEEN, True), (BEHIND, False)], ids=["first attempt", "second attempt"])
def test_a_server_that_is_killed_on_the_way_books_the_request_once(
    box: Appliance, upstream: Fake, moment: Moment, stream: bool
) -> None:
    with asking(box, stream) as answer:
        eventually(lambda: moment(upstream), every=0.005)
        box.kill()
        assert isinstance(answer.exception(), OSError | http.client.HTTPException) or b"[DONE]" not in answer.result().body
    for _ in range(2):
        box.start()
        ((state, attempts),) = booked(box)
        assert state == INTERRUPTED
        assert len(attempts) == 1, "what is set aside for it, once"
        box.kill()
    box.start()
    assert box.chat(chat("route")).status == 200


def test_a_server_that_is_killed_while_its_ledger_is_locked_loses_nothing(box: Appliance, upstream: Fake) -> None:
    with asking(box, stream=True) as answer:
        eventually(lambda: BETWEEN(upstream), every=0.005)
        with locked(box):
            assert b"ledger_unavailable" in answer.result().body
            box.kill()
    box.start()
    assert [state for state, _ in booked(box)] == [INTERRUPTED]


def test_kill_9_at_any_moment_of_a_failover_leaves_no_answer_unbooked_and_none_twice(box: Appliance, upstream: Fake) -> None:
    chance = random.Random(SEED)
    whole: list[str] = []
    lock = threading.Lock()

    def ask_on() -> None:
        while True:
            try:
                answer = box.chat(chat("route", stream=chance.random() < 0.5))
            except (OSError, http.client.HTTPException):
                return
            if answer.status == 200 and (b"[DONE]" in answer.body or b'"usage"' in answer.body):
                with lock:
                    whole.append(answer.headers["x-request-id"].removeprefix("req_"))

    upstream.set_faults({"fails": "fault-500", "answers": "fault-slow-10"})
    for _ in range(5):
        callers = [threading.Thread(target=ask_on, daemon=True) for _ in range(2)]
        for caller in callers:
            caller.start()
        enough = len(whole) + 4
        eventually(lambda enough=enough: len(whole) >= enough, 30)  # a machine that is slow now answers none in a fixed time
        time.sleep(chance.random() * 0.3)
        box.kill()
        for caller in callers:
            caller.join(20)
        box.start()
    states: dict[str, Any] = {row["id"].hex(): row["state"] for row in box.rows("SELECT id, state FROM requests")}
    assert len(whole) > 20
    assert {states[number] for number in whole} == {SETTLED}
    assert set(states.values()) <= {SETTLED, INTERRUPTED}
    for state, attempts in booked(box):
        assert attempts == (BOTH if state == SETTLED else ["fails"])
    assert box.chat(chat("route")).status == 200
