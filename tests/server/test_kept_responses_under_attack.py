"""Kept responses as somebody would break them: too many, too long, in a circle, damaged, on a full disk, at the worst moment."""

import resource
import sqlite3
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import Any

import psutil
import pytest

from tests.calls import Answer, Collected
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, eventually


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "local_models": False})


def ask(door: Appliance, given: Any = "Hello there", *, key: str | None = None, **more: Any) -> Answer:
    return door.call("POST", "/v1/responses", {"model": "fake/gpt-4o", "input": given, **more}, token=key or door.api_key)


def kept(door: Appliance, response_id: str, *, key: str | None = None, method: str = "GET", more: str = "") -> Answer:
    return door.call(method, f"/v1/responses/{response_id}{more}", token=key or door.api_key)


def change(door: Appliance, statement: str, *parameters: Any) -> None:
    """What somebody with the database in hand does to it."""
    with closing(sqlite3.connect(door.home / "gatehouse.db", timeout=10)) as connection, connection:
        assert connection.execute(statement, parameters).rowcount > 0


def test_the_oldest_make_room_for_the_newest_of_the_same_owner(appliance: MakeAppliance, upstream: Fake) -> None:
    settings = {"providers": [upstream.provider("fake")], "local_models": False, "responses_kept_max": 3}
    door = appliance(settings=settings)
    others = ask(door, key=door.first_run_key).json["id"]
    made = [ask(door, str(number)).json["id"] for number in range(3)]
    made.append(ask(door, "3", previous_response_id=made[2]).json["id"])
    found = [kept(door, one).status for one in made]
    assert found == [404, 200, 200, 200]
    door.restart()  # what there is is counted again
    made += [ask(door, str(number)).json["id"] for number in (4, 5)]
    assert [kept(door, one).status for one in made] == [404, 404, 404, 200, 200, 200]
    assert kept(door, others, key=door.first_run_key).status == 200
    assert ask(door, previous_response_id=made[3]).error["code"] == "previous_response_not_found"  # it continued made[2]
    assert door.rows("SELECT count(*) AS n FROM stored_responses") == [{"n": 4}]
    assert door.rows(
        "SELECT count(*) AS n FROM stored_response_items WHERE response_number NOT IN (SELECT number FROM stored_responses)"
    ) == [{"n": 0}]


def chained(door: Appliance, first: str, turns: int) -> str:
    """A conversation made longer without asking for every turn: copies of its last, each continuing the one before.

    They can't be opened: an id is bound into what is sealed. Its length is looked at first.
    """
    with closing(sqlite3.connect(door.home / "gatehouse.db", timeout=10)) as connection, connection:
        columns = "tenant_number, owner, created_at, expires_at, sealed"
        for number in range(turns):
            before = first if number == 0 else f"resp_copy{number - 1}"
            connection.execute(
                f"INSERT INTO stored_responses (id, previous_id, {columns}) SELECT ?, ?, {columns} FROM stored_responses"
                " WHERE id = ?", (f"resp_copy{number}", before, first)
            )  # fmt: skip
    return f"resp_copy{turns - 1}"


def test_a_conversation_of_a_thousand_turns_is_refused_and_costs_nobody_else_time(door: Appliance) -> None:
    last = chained(door, ask(door).json["id"], 1_000)
    begun = time.monotonic()
    refused = ask(door, previous_response_id=last)
    assert (refused.status, refused.error["code"]) == (413, "body_too_large")
    assert time.monotonic() - begun < 5
    change(door, "DELETE FROM stored_responses WHERE id LIKE 'resp_copy%'")


def test_a_conversation_of_sixty_turns_is_continued_whole(door: Appliance, upstream: Fake) -> None:
    last = None
    for number in range(60):
        last = ask(door, f"turn {number}", **({} if last is None else {"previous_response_id": last})).json["id"]
    assert len(upstream.last().json["messages"]) == 119


def test_a_circle_is_refused(door: Appliance) -> None:
    first = ask(door).json["id"]
    second = ask(door, previous_response_id=first).json["id"]
    change(door, "UPDATE stored_responses SET previous_id = ? WHERE id = ?", second, first)
    assert ask(door, previous_response_id=second).status == 413
    change(door, "UPDATE stored_responses SET previous_id = id WHERE id = ?", first)
    assert ask(door, previous_response_id=first).status == 413
    assert kept(door, first).status == 200


def test_one_that_expired_in_the_middle_ends_the_conversation(door: Appliance) -> None:
    ids: list[str] = []
    for _ in range(3):
        ids.append(ask(door, **({"previous_response_id": ids[-1]} if ids else {})).json["id"])
    change(door, "UPDATE stored_responses SET expires_at = 1 WHERE id = ?", ids[1])
    refused = ask(door, previous_response_id=ids[2])
    assert (refused.status, refused.error["code"]) == (400, "previous_response_not_found")
    assert ids[1] in refused.error["message"]
    assert ask(door, previous_response_id=ids[0]).status == 200


DAMAGE = {
    "a bit turned": "sealed = CAST(substr(sealed, 1, 40) || x'00' || substr(sealed, 42) AS BLOB)",
    "cut short": "sealed = substr(sealed, 1, 40)",
    "nearly nothing": "sealed = x'00'",
    "nothing": "sealed = x''",
    "text": "sealed = 'abc'",
    "long text": "sealed = printf('%200s', 'x')",
    "a number": "sealed = 7",
    "of another id": "id = 'resp_moved'",
    "of another owner": "owner = 'key:999'",
}


@pytest.mark.parametrize("how", DAMAGE)
def test_what_was_damaged_is_told_as_such_and_can_be_deleted(door: Appliance, how: str) -> None:
    made = ask(door).json
    response_id, item = made["id"], made["output"][0]["id"]
    change(door, f"UPDATE stored_responses SET {DAMAGE[how]} WHERE id = ?", response_id)
    here = {"of another id": "resp_moved"}.get(how, response_id)
    gone = how == "of another owner"
    answers = [kept(door, here), kept(door, here, more="/input_items"), ask(door, previous_response_id=here)]
    answers.append(ask(door, [{"type": "item_reference", "id": item}, {"role": "user", "content": "x"}]))
    assert [answer.status for answer in answers] == ([404, 404, 400, 400] if gone else [503] * 4)
    for answer in answers:
        assert answer.error["fix"], answer
    assert kept(door, here, method="DELETE").status == (404 if gone else 200)


@contextmanager
def full_disk(door: Appliance) -> Iterator[None]:
    """No file may grow any more, as on a disk that is full."""
    process = psutil.Process(door.pid)
    before = process.rlimit(resource.RLIMIT_FSIZE)
    process.rlimit(resource.RLIMIT_FSIZE, (1, before[1]))
    try:
        yield
    finally:
        process.rlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_that_is_full_when_an_answer_is_to_be_kept(appliance: MakeAppliance, upstream: Fake) -> None:
    """What can't be kept is not given out as kept, and what is there already can be read meanwhile."""
    door = appliance(settings={"providers": [upstream.provider("fake")], "local_models": False})
    first = ask(door).json["id"]
    upstream.forget()
    body = {"model": "fake/words-40-every-50", "input": "Hello there", "stream": True}
    with door.stream("POST", "/v1/responses", body, token=door.api_key) as stream, ThreadPoolExecutor(1) as callers:
        events = stream.events()
        next(event for event in events if event.json["type"] == "response.output_text.delta")
        whole = callers.submit(ask, door, "Hello", model="fake/fault-slow-first-byte")
        eventually(lambda: len(upstream.seen()) == 2)  # both were let in, and are on their way
        with full_disk(door):
            told = Collected(list(events)).bodies
            assert (told[-1]["type"], told[-1]["code"]) == ("error", "ledger_unavailable")
            assert "response.completed" not in [event["type"] for event in told]
            assert whole.result().status == 503
            assert kept(door, first).status == 200
            assert ask(door).status == 503
    eventually(lambda: ask(door).status == 200)
    assert door.rows("SELECT count(*) AS n FROM stored_responses") == [{"n": 2}]


@pytest.mark.parametrize("model", ["fault-cut", "fault-reset", "fault-hang-in-the-middle"])
def test_of_a_stream_that_is_cut_nothing_is_kept(door: Appliance, model: str) -> None:
    before = door.rows("SELECT count(*) AS n FROM stored_responses")
    body = {"model": f"fake/{model}", "input": "Hello there", "stream": True}
    with door.stream("POST", "/v1/responses", body, token=door.api_key) as stream:
        seen = []
        for event in stream.events():
            if "hang" in model and event.data is None:
                break  # it waits for more than the beginning of a word, and the caller leaves
            seen.append(event.json["type"])
    assert "response.completed" not in seen
    assert ask(door, store=False).status == 200
    assert door.rows("SELECT count(*) AS n FROM stored_responses") == before


def test_what_a_revoked_key_had_kept_is_its_holders_still(door: Appliance) -> None:
    new = door.make_key("Short-lived")
    made = ask(door, key=new["key"]).json["id"]
    assert door.call("DELETE", f"/api/v1/admin/api-keys/{new['id']}", token=door.owner_token).status == 204
    for method, more in (("GET", ""), ("GET", "/input_items"), ("DELETE", "")):
        assert kept(door, made, key=new["key"], method=method, more=more).error["code"] == "revoked_api_key"
    assert ask(door, key=door.make_key("Next")["key"], previous_response_id=made).status == 200
