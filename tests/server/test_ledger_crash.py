"""kill -9 at a random moment, twenty times over: no answered request is ever missing from the ledger.

What is promised: a settled row for every answer that a client got whole, and an interrupted one, booked at what was
reserved, for every other that was sent to a provider.
"""

import http.client
import json
import random
import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.calls import chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, eventually

ROUNDS = 20
CLIENTS = 6
SEED = 20261125
OPEN, SETTLED, INTERRUPTED = 0, 1, 2


class Caller(threading.Thread):
    """Asks without pause until the server is gone, and remembers which answers it got whole."""

    def __init__(self, box: Appliance, seed: int) -> None:
        super().__init__(daemon=True)
        self._box = box
        self._random = random.Random(seed)
        self.whole: list[str] = []
        self.begun: list[str] = []
        self.stopping = False

    def run(self) -> None:
        while not self.stopping:
            try:
                self._ask()
            except (OSError, http.client.HTTPException, ValueError):
                return  # the server died under it: what it has noted by now is what counts

    def _ask(self) -> None:
        stream = self._random.random() < 0.5
        body = chat(f"fake/words-{self._random.randrange(1, 12)}-every-{self._random.randrange(0, 6)}", stream=stream)
        connection = http.client.HTTPConnection(self._box.host, self._box.port, timeout=20)
        try:
            connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": f"Bearer {self._box.api_key}"})
            response = connection.getresponse()
            request_id = response.getheader("x-request-id", "")
            assert response.status == 200, response.read()
            self.begun.append(request_id)
            data = response.read()  # raises where it was cut
            if stream:
                assert b"data: [DONE]\n\n: gatehouse {" in data[-600:], data[-600:]
            else:
                json.loads(data)
            self.whole.append(request_id)
        finally:
            connection.close()


def states(box: Appliance) -> dict[str, int]:
    return {f"req_{row['id'].hex()}": row["state"] for row in box.rows("SELECT id, state FROM requests")}


@pytest.mark.timeout(400)  # twenty starts; half a minute where the machine has nothing else to do
def test_no_answered_request_is_missing_after_kill_9_at_any_moment(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=["words-1"])], "local_models": False})
    assert box.api_key
    chance = random.Random(SEED)
    before: set[str] = set()
    whole_in_all = interrupted_in_all = 0
    for round_number in range(ROUNDS):
        upstream.forget()
        callers = [Caller(box, SEED + round_number * 100 + number) for number in range(CLIENTS)]
        for caller in callers:
            caller.start()
        eventually(upstream.seen)  # until the detectors are there requests wait, and nothing of them is booked
        time.sleep(0.05 + chance.random() * 0.45)
        box.kill()
        for caller in callers:
            caller.stopping = True
            caller.join(20)
        box.start()

        rows = states(box)
        new = {request_id: state for request_id, state in rows.items() if request_id not in before}
        whole = {request_id for caller in callers for request_id in caller.whole}
        begun = {request_id for caller in callers for request_id in caller.begun}
        sent = len(upstream.seen())
        assert not {rid for rid in whole if new.get(rid) != SETTLED}, f"round {round_number}: answered, but not settled"
        assert begun <= set(new), f"round {round_number}: begun, but not booked"
        assert set(new.values()) <= {SETTLED, INTERRUPTED}, f"round {round_number}: {sorted(new.values())}"
        assert len(new) >= sent, f"round {round_number}: {sent} were sent to the provider, {len(new)} are booked"
        before = set(rows)
        whole_in_all += len(whole)
        interrupted_in_all += sum(state == INTERRUPTED for state in new.values())

    assert whole_in_all > ROUNDS, "hardly an answer: this proved nothing"
    assert interrupted_in_all > ROUNDS / 2, "hardly a request was cut: this proved nothing"
    booked = box.rows(
        "SELECT r.state, r.estimated, r.reserved_in, r.reserved_out, a.tokens_in, a.tokens_out FROM requests r "
        "LEFT JOIN attempts a ON a.request_id = r.id"
    )
    for row in booked:
        if row["state"] == INTERRUPTED:
            assert (row["tokens_in"], row["tokens_out"], row["estimated"]) == (row["reserved_in"], row["reserved_out"], 1)
        else:
            assert row["tokens_out"] is not None, "settled without an attempt"
            assert row["estimated"] == 0
    (told,) = box.rows("SELECT count(*) AS requests, sum(state <> ?) AS failures FROM requests", SETTLED)
    assert box.rows("SELECT requests, failures FROM key_use") == [told], "a key's use isn't what the ledger says"


def test_an_answer_whose_booking_fails_is_not_passed_off_as_finished(appliance: MakeAppliance, upstream: Fake) -> None:
    """Each of two chats is opened and settled, four commits: let each of them fail, as on a disk that is full."""
    box = appliance(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]})
    assert box.api_key
    failures = 0
    for nth in range(1, 5):
        box.stop()
        box.start(wait=False, env={"GATEHOUSE_TEST_FAULT": f"ledger.commit:{nth}"})
        box.wait_until_ready("/health")  # /ready would write as well
        for stream in (False, True):
            answer = box.chat(chat("fake/gpt-4o", stream=stream))
            row = box.rows("SELECT state FROM requests ORDER BY id DESC LIMIT 1")
            finished = b"[DONE]" in answer.body if stream else answer.status == 200
            if finished:
                assert row[0]["state"] == SETTLED
            else:
                failures += 1
                assert b"ledger_unavailable" in answer.body, answer
        eventually(lambda: box.chat(chat("fake/gpt-4o")).status == 200, 10)
        eventually(lambda: not box.rows("SELECT 1 FROM requests WHERE state = 0"), 10)
    assert failures == 4, "a fault was not met: this proved less than it says"


def test_a_fault_is_injected_in_tests_only(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(
        settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]},
        env={"GATEHOUSE_TEST": "", "GATEHOUSE_TEST_FAULT": "ledger.commit:1"},
    )
    assert [box.chat(chat("fake/gpt-4o")).status for _ in range(3)] == [200] * 3


def test_nothing_is_sent_while_the_ledger_cannot_be_written(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]})
    assert box.api_key
    upstream.forget()
    holder = sqlite3.connect(box.home / "gatehouse.db", isolation_level=None)
    try:
        holder.execute("BEGIN EXCLUSIVE")
        with ThreadPoolExecutor(2) as pool:
            asked, ready = pool.submit(box.chat, chat("fake/gpt-4o")), pool.submit(box.call, "GET", "/ready")
            assert box.call("GET", "/health").status == 200
        answer = asked.result()
        assert (answer.status, answer.error["code"]) == (503, "ledger_unavailable"), answer
        assert answer.error["fix"]
        assert ready.result().status == 503
        assert upstream.seen() == []
    finally:
        holder.rollback()
        holder.close()
    assert eventually(lambda: box.chat(chat("fake/gpt-4o")).status == 200)
    assert box.call("GET", "/ready").status == 200
