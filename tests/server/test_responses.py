"""POST /v1/responses and what is kept of it, on the running program."""

import http.client
import json
import random
import sqlite3
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance
from tests.running import PASSWORD, Appliance, Fake, eventually

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
    assert told.last_words is not None
    assert told.last_words["deployment"] == "fake/gpt-4o"
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


@pytest.mark.timeout(200)  # six starts
def test_whatever_a_caller_was_told_is_there_after_kill_9_at_any_moment(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("fake")], "local_models": False})
    assert door.api_key
    chance = random.Random(20261126)
    told: list[str] = []

    def told_more_than(count: int) -> bool:
        return len(told) > count

    def ask_until_it_dies(streamed: bool) -> None:
        body = {"model": "fake/gpt-4o", "input": "Hello there", "stream": streamed}
        with suppress(OSError, http.client.HTTPException, ValueError):
            while True:
                if streamed:
                    with door.stream("POST", "/v1/responses", body, token=door.api_key) as stream:
                        last = stream.collect().bodies[-1]
                    assert last["type"] == "response.completed"
                    told.append(last["response"]["id"])
                else:
                    told.append(door.call("POST", "/v1/responses", body, token=door.api_key).json["id"])

    for _ in range(5):
        before = len(told)
        with ThreadPoolExecutor(4) as callers:
            running = [callers.submit(ask_until_it_dies, number % 2 == 0) for number in range(4)]
            eventually(partial(told_more_than, before))
            time.sleep(chance.random() * 0.3)
            door.kill()
        for one in running:
            one.result()
        door.start()
        assert len(told) > before, "nothing was answered: this proved nothing"
        assert [response_id for response_id in told[before:] if kept(door, response_id).status != 200] == []


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


def test_what_has_expired_is_as_good_as_deleted(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("fake")], "responses_kept_hours": 2 / 3600})
    made = ask(door).json
    assert made["store"] is True
    item = made["output"][0]["id"]
    eventually(lambda: kept(door, made["id"]).status == 404)
    assert kept(door, made["id"], more="/input_items").status == 404
    assert ask(door, previous_response_id=made["id"]).error["code"] == "previous_response_not_found"
    assert ask(door, [{"type": "item_reference", "id": item}, {"role": "user", "content": "x"}]).error["param"] == "input[0]"
    assert kept(door, made["id"], method="DELETE").status == 404


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
        ({"input": [{"role": "user", "content": [{"type": "input_file", "file_id": "f"}]}]}, 404, "input[0].content[0].file_id"),
        ({"tools": [{"type": "function", "name": "f", "parameters": []}]}, 400, "tools[0].parameters"),
        ({"model": "nobody"}, 404, "model"),
        ({"previous_response_id": "x" * 300}, 400, "previous_response_id"),
        ({"previous_response_id": "../../etc"}, 400, "previous_response_id"),
        ({"previous_response_id": "resp_\0"}, 400, "previous_response_id"),
        ({"previous_response_id": ""}, 400, "previous_response_id"),
        ({"input": [{"role": "user", "content": "x"}] * 10_001}, 400, "input"),
        ({"input": [{"type": "item_reference", "id": "msg_1"}] * 2}, 400, "input"),
        ({"input": [{"type": "item_reference", "id": f"msg_{number}"} for number in range(501)]}, 413, None),
        ({"tool_choice": {"type": "file_search"}, "tools": [{"type": "file_search"}]}, 400, "file_search tools"),
    ],
)
def test_bad_input_is_told_in_openais_form(door: Appliance, more: dict[str, Any], status: int, param: str | None) -> None:
    refused = ask(door, **{"given": "Hello there", **{("given" if name == "input" else name): more[name] for name in more}})
    assert (refused.status, refused.error["param"]) == (status, param)


@pytest.mark.parametrize("path", ["%ff", "%00", "%ed%a0%80", "resp_%F0%9F%98%80", "..%2f..%2fetc", "'%20OR%201=1--", "x" * 2000])
@pytest.mark.parametrize(("method", "more"), [("GET", ""), ("GET", "/input_items"), ("DELETE", "")])
def test_strange_ids_are_unknown_ones(door: Appliance, path: str, method: str, more: str) -> None:
    assert kept(door, path, method=method, more=more).status == 404


@pytest.mark.parametrize(
    "body", [b'{"model":"fake/gpt-4o","input":"\\ud800"}', b'{"model":"fake/gpt-4o","input":"\xff"}', b"[]", b""]
)
def test_what_is_no_json_is_refused(door: Appliance, body: bytes) -> None:
    assert door.call("POST", "/v1/responses", body, token=door.api_key).status == 400


@pytest.mark.parametrize("depth", [190, 250, 940, 980, 100_000])
def test_deep_nesting_is_refused_or_can_be_read_again(door: Appliance, depth: int) -> None:
    deep = '{"a":' * depth + "1" + "}" * depth
    body = f'{{"model":"fake/gpt-4o","input":[{{"role":"user","content":"x","more":{deep}}}]}}'.encode()
    answer = door.call("POST", "/v1/responses", body, token=door.api_key)
    assert answer.status == (200 if depth < 200 else 400)
    if answer.status == 200:
        assert kept(door, answer.json["id"]).json == answer.json
        assert kept(door, answer.json["id"], more="/input_items").status == 200
        assert ask(door, previous_response_id=answer.json["id"]).status == 200


def test_ten_thousand_items_are_answered_and_kept(door: Appliance) -> None:
    made = ask(door, [{"role": "user", "content": f"Turn {number}"} for number in range(9_998)]).json
    assert len(kept(door, made["id"], more="/input_items?limit=100").json["data"]) == 100
    assert ask(door, "One more", previous_response_id=made["id"]).status == 200
    refused = ask(door, [{"role": "user", "content": "x"}] * 2, previous_response_id=made["id"])
    assert (refused.status, refused.error["param"]) == (400, "input")


def test_what_was_deleted_can_not_be_continued(door: Appliance) -> None:
    first = ask(door, "one").json["id"]
    second = ask(door, "two", previous_response_id=first).json["id"]
    assert kept(door, first, method="DELETE").json == {"id": first, "object": "response", "deleted": True}
    assert kept(door, first).status == 404
    for previous in (first, second):  # the second lacks what it continued from
        assert ask(door, "three", previous_response_id=previous).error["code"] == "previous_response_not_found"
    assert kept(door, second).status == 200


def test_a_key_may_stand_in_any_header_that_sdks_use(door: Appliance) -> None:
    body = {"model": "fake/gpt-4o", "input": "Hello there"}
    for headers in ({"x-api-key": door.api_key}, {"api-key": door.api_key}, {"Authorization": f"bearer {door.api_key}"}):
        made = door.call("POST", "/api/v1/responses", body, headers=headers)
        assert made.status == 200
        path = f"/api/v1/responses/{made.json['id']}"
        assert door.call("GET", path, headers=headers).status == 200
        assert door.call("GET", f"{path}/input_items", headers=headers).status == 200
        assert door.call("DELETE", path, headers=headers).status == 200


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
