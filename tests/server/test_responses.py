"""POST /v1/responses and what is kept of it, on the running program."""

import json
import sqlite3
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, Fake

CANARY = "canary-8152-secret-plan"
CALL = {"type": "function_call", "call_id": "call_1", "name": "f", "arguments": "{}"}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake")], "registration_open": True})


@pytest.fixture(scope="module")
def strangers(door: Appliance) -> list[str]:
    """Keys of others: of another person, and of nobody."""
    assert door.api_key  # the owner registers first
    body = {"name": "Nils Nosy", "email": "nils@example.com", "password": PASSWORD}
    token = door.call("POST", "/api/v1/admin/auth/register", body).json["access_token"]
    made = door.call("POST", "/api/v1/admin/api-keys", {"name": "His"}, token=token)
    return [made.json["key"], door.first_run_key]


def ask(door: Appliance, given: Any = "Hello there", *, key: str | None = None, **more: Any) -> Answer:
    body = {"model": "fake/gpt-4o", "input": given, **more}
    return door.call("POST", "/v1/responses", body, token=key or door.api_key)


def kept(door: Appliance, response_id: str, *, key: str | None = None, method: str = "GET", more: str = "") -> Answer:
    return door.call(method, f"/v1/responses/{response_id}{more}", token=key or door.api_key)


def test_what_is_read_again_is_the_answer_byte_for_byte(door: Appliance) -> None:
    made = ask(door)
    assert made.status == 200
    again = kept(door, made.json["id"])
    assert (again.status, again.headers["content-type"]) == (200, "application/json")
    assert again.body == made.body


def test_a_stream_ends_with_what_is_kept(door: Appliance) -> None:
    body = {"model": "fake/gpt-4o", "input": "Hello there", "stream": True}
    with door.stream("POST", "/v1/responses", body, token=door.api_key) as stream:
        told = stream.collect()
    assert not told.done
    last = told.bodies[-1]
    assert last["type"] == "response.completed"
    assert kept(door, last["response"]["id"]).json == last["response"]


def test_another_caller_finds_nothing_and_can_not_tell_why(door: Appliance, strangers: list[str]) -> None:
    made = ask(door).json["id"]
    nobodys = "resp_" + "0" * 32
    for key in strangers:
        for method, more in (("GET", ""), ("GET", "/input_items"), ("DELETE", "")):
            theirs, unknown = (kept(door, one, key=key, method=method, more=more) for one in (made, nobodys))
            assert (theirs.status, theirs.error["code"]) == (404, "response_not_found")
            assert theirs.body.replace(made.encode(), b"") == unknown.body.replace(nobodys.encode(), b"")
        theirs, unknown = (ask(door, key=key, previous_response_id=one) for one in (made, nobodys))
        assert (theirs.status, theirs.error["code"]) == (400, "previous_response_not_found")
        assert theirs.body.replace(made.encode(), b"") == unknown.body.replace(nobodys.encode(), b"")
        item = kept(door, made).json["output"][0]["id"]
        named = ask(door, [{"type": "item_reference", "id": item}, {"role": "user", "content": "x"}], key=key)
        assert (named.status, named.error["param"]) == (400, "input[0]")
    assert kept(door, made).status == 200


def test_a_second_key_of_the_same_person_continues(door: Appliance) -> None:
    made = ask(door).json["id"]
    other = door.make_key("Second")["key"]
    assert ask(door, key=other, previous_response_id=made).status == 200
    assert door.call("GET", f"/api/v1/responses/{made}", token=other).status == 200


def test_an_item_that_is_named_is_sent_in_its_place(door: Appliance, upstream: Fake) -> None:
    item = ask(door, "Remember this").json["output"][0]["id"]
    before, after = ({"role": "user", "content": text} for text in ("Before", "x"))
    assert ask(door, [before, {"id": item, "type": "item_reference"}, after]).status == 200
    assert [message["content"] for message in upstream.last().json["messages"]] == ["Before", "You said: Remember this", "x"]


def test_a_caller_who_wants_nothing_kept_is_believed(door: Appliance) -> None:
    before = door.rows("SELECT count(*) AS n FROM stored_responses")
    made = ask(door, store=False).json
    assert made["store"] is False
    assert kept(door, made["id"]).status == 404
    assert door.rows("SELECT count(*) AS n FROM stored_responses") == before


def test_a_conversation_outlives_a_restart_and_kill_9(appliance: MakeAppliance, upstream: Fake) -> None:
    """Whoever has the whole answer can go on from it, whatever happened to the server since."""
    door = appliance(settings={"providers": [upstream.provider("fake")]})
    key = door.api_key
    first = ask(door, "one", key=key).json["id"]
    door.restart()
    body = {"model": "fake/gpt-4o", "input": "two", "stream": True, "previous_response_id": first}
    with door.stream("POST", "/v1/responses", body, token=key) as stream:
        second = stream.collect().bodies[-1]["response"]
    door.kill()
    door.start()
    assert kept(door, second["id"], key=key).json == second
    assert ask(door, "three", key=key, previous_response_id=second["id"]).status == 200
    said = [message["content"] for message in upstream.last().json["messages"]]
    assert said == ["one", "You said: one", "two", "You said: two", "three"]


def test_nothing_of_it_can_be_read_in_the_home_folder(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("fake")]})
    made = ask(door, CANARY, metadata={"note": CANARY}).json
    assert CANARY in json.dumps(made)
    for running in (True, False):
        files = [path for path in door.home.rglob("*") if path.is_file()]
        assert any(path.name == "gatehouse.db-wal" for path in files) or not running
        assert [path.name for path in files if CANARY.encode() in path.read_bytes()] == []
        door.stop()
    door.start()
    assert kept(door, made["id"]).json == made


def test_with_nothing_to_be_kept_nothing_is(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("fake")], "responses_kept_hours": 0})
    made = ask(door).json
    assert made["store"] is False
    assert kept(door, made["id"]).status == 404
    assert ask(door, previous_response_id=made["id"]).error["code"] == "previous_response_not_found"


def test_an_answer_that_can_not_be_kept_is_an_error_and_not_given_out(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("fake")]})
    assert door.api_key
    with sqlite3.connect(door.home / "gatehouse.db") as connection:
        connection.execute("CREATE TRIGGER broken BEFORE INSERT ON stored_responses BEGIN SELECT RAISE(FAIL, 'broken'); END")
    connection.close()
    assert ask(door).status == 500
    body = {"model": "fake/words-5-every-50", "input": "Hello there", "stream": True}
    with door.stream("POST", "/v1/responses", body, token=door.api_key) as stream:
        told = stream.collect()
    kinds = [event["type"] for event in told.bodies]
    assert kinds[-1] == "error"
    assert "response.completed" not in kinds
    told_before = [event["sequence_number"] for event in told.bodies[:-1]]
    assert told_before == list(range(len(told_before)))
    assert told.bodies[-1]["sequence_number"] > told_before[-1]
    assert ask(door, store=False).status == 200


@pytest.mark.parametrize(
    ("more", "status", "param"),
    [
        ({"input": []}, 400, "input"),
        ({"input": [CALL]}, 400, "input"),
        ({"input": [{"type": "function_call_output", "call_id": "nobody", "output": "x"}]}, 400, "input"),
        ({"background": True}, 400, "background"),
        ({"conversation": "conv_1"}, 400, "conversation"),
        ({"tools": [{"type": "web_search"}]}, 400, "web_search tools"),
        ({"truncation": "auto"}, 400, "truncation"),
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, 400, "input_file parts"),
        ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, 400, "tools[0].parameters"),
        ({"model": "nobody"}, 404, "model"),
        ({"previous_response_id": "x" * 300}, 400, "previous_response_id"),
        ({"previous_response_id": "../../etc"}, 400, "previous_response_id"),
    ],
)
def test_bad_input_is_told_in_openais_form(door: Appliance, more: dict[str, Any], status: int, param: str) -> None:
    refused = ask(door, **{"given": "Hello there", **{("given" if name == "input" else name): more[name] for name in more}})
    assert (refused.status, refused.error["param"]) == (status, param)


def test_bad_questions_about_kept_ones(door: Appliance) -> None:
    made = ask(door).json["id"]
    assert kept(door, made, more="?stream=true").error["param"] == "stream"
    assert kept(door, made, more="/input_items?limit=0").status == 400
    assert kept(door, made, more="/input_items?order=sideways").status == 400
    assert kept(door, made, more="/input_items?after=nobody").error["param"] == "after"
    assert kept(door, "x" * 2000).status == 404
    assert door.call("GET", f"/v1/responses/{made}").status == 401
    assert door.call("GET", "/v1/responses", token=door.api_key).status == 405


def test_the_ledger_knows_the_dialect(door: Appliance) -> None:
    ask(door)
    row = door.rows("SELECT dialect, state FROM requests ORDER BY id DESC LIMIT 1")
    assert row == [{"dialect": 3, "state": 1}]
