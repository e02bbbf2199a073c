"""API keys: they work from the very next request, and stop working at the very next one."""

import json
import sqlite3
import time
from datetime import UTC, datetime, timedelta

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake, NetworkNamespace, eventually

KEYS = "/api/v1/admin/api-keys"
ENVIRONMENTS = ("production", "staging", "development", "test")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]})


def ask(door: Appliance, key: str) -> Answer:
    return door.call("POST", "/v1/chat/completions", chat("fake/gpt-4o"), token=key)


def listed(door: Appliance) -> list[dict[str, object]]:
    answer = door.call("GET", f"{KEYS}?limit=200", token=door.owner_token)
    assert answer.status == 200
    assert set(answer.json) == {"items", "next_cursor"}
    items: list[dict[str, object]] = answer.json["items"]
    return items


def test_a_key_works_from_the_very_next_request_and_stops_at_the_very_next_after_its_end(door: Appliance) -> None:
    for _ in range(10):
        made = door.make_key()
        assert ask(door, made["key"]).status == 200
        gone = door.call("DELETE", f"{KEYS}/{made['id']}", token=door.owner_token)
        assert gone.status in (200, 204)
        refused = ask(door, made["key"])
        assert (refused.status, refused.error["code"]) == (401, "revoked_api_key")
        assert refused.error["fix"]


def test_a_revoked_key_stays_revoked_after_a_restart(door: Appliance) -> None:
    kept, gone = door.make_key(), door.make_key()
    door.call("DELETE", f"{KEYS}/{gone['id']}", token=door.owner_token)
    door.restart()
    assert ask(door, kept["key"]).status == 200
    assert ask(door, gone["key"]).error["code"] == "revoked_api_key"


def test_a_key_expires_at_its_moment(door: Appliance) -> None:
    end = datetime.now(UTC) + timedelta(seconds=2)
    made = door.make_key(expires_at=end.isoformat().replace("+00:00", "Z"))
    assert made["expires_at"]
    assert ask(door, made["key"]).status == 200
    refused = eventually(lambda: answer if (answer := ask(door, made["key"])).status != 200 else None, 6, 0.1)
    assert (refused.status, refused.error["code"]) == (401, "expired_api_key")
    assert datetime.now(UTC) >= end


def test_an_expiry_in_the_past_or_without_a_zone_is_refused(door: Appliance) -> None:
    for moment in ("2020-01-01T00:00:00Z", "tomorrow", "2031-01-01T00:00:00", 17):
        answer = door.call("POST", KEYS, {"name": "x", "expires_at": moment}, token=door.owner_token)
        assert answer.status == 400, (moment, answer)
        assert answer.error["param"] == "expires_at"


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_key_is_made_for_an_environment(door: Appliance, environment: str) -> None:
    made = door.make_key("For it", environment=environment)
    assert (made["name"], made["environment"]) == ("For it", environment)
    (row,) = [row for row in listed(door) if row["id"] == made["id"]]
    assert row["environment"] == environment


@pytest.mark.parametrize("name", ["", " ", "x" * 1000, "a\nb", "\x00"])
def test_a_name_that_is_none_is_refused(door: Appliance, name: str) -> None:
    answer = door.call("POST", KEYS, {"name": name}, token=door.owner_token)
    assert (answer.status, answer.error["param"]) == (400, "name"), answer


@pytest.mark.parametrize(
    "more",
    [
        {"key": "mine"},
        {"role": "owner"},
        {"scopes": ["everything"]},
        {"user_id": "usr_x"},
        {"id": "key_x"},
        {"loopback_only": False},
    ],
)
def test_what_a_caller_may_not_choose_is_refused_not_ignored(door: Appliance, more: dict[str, object]) -> None:
    answer = door.call("POST", KEYS, {"name": "x", **more}, token=door.owner_token)
    assert answer.status in (400, 403), answer


def test_the_list_shows_everything_but_the_key(door: Appliance) -> None:
    made = door.make_key("Listed")
    text = json.dumps(listed(door))
    assert made["id"] in text
    assert made["key_prefix"] in text
    assert made["key"] not in text
    assert made["key"][len(made["key_prefix"]) :] not in text


def test_the_list_comes_in_pages(door: Appliance) -> None:
    for number in range(5):
        door.make_key(f"Page {number}")
    seen: list[str] = []
    cursor = ""
    while True:
        page = door.call("GET", f"{KEYS}?limit=2{cursor}", token=door.owner_token)
        assert page.status == 200, page
        assert len(page.json["items"]) <= 2
        seen += [row["id"] for row in page.json["items"]]
        if page.json["next_cursor"] is None:
            break
        cursor = f"&cursor={page.json['next_cursor']}"
    assert len(seen) == len(set(seen)) == len(listed(door))
    for bad in ("limit=0", "limit=1000", "limit=x", "cursor=!!"):
        assert door.call("GET", f"{KEYS}?{bad}", token=door.owner_token).status == 400, bad


@pytest.mark.parametrize("key_id", ["key_nobody", "x", "' OR 1=1 --".replace(" ", "%20")])
def test_revoking_a_key_that_is_not_there_is_404(door: Appliance, key_id: str) -> None:
    answer = door.call("DELETE", f"{KEYS}/{key_id}", token=door.owner_token)
    assert (answer.status, answer.error["code"]) == (404, "not_found"), answer


def test_only_who_is_signed_in_makes_lists_and_revokes_keys(door: Appliance, api_key: str) -> None:
    made = door.make_key()
    for method, path, body in (("POST", KEYS, {"name": "x"}), ("GET", KEYS, None), ("DELETE", f"{KEYS}/{made['id']}", None)):
        assert door.call(method, path, body).status == 401
        assert door.call(method, path, body, token=api_key).status in (401, 403)
        assert door.call(method, path, body, token=door.owner_token[:-2] + "xx").status == 401
    assert ask(door, made["key"]).status == 200


def test_a_key_is_nowhere_in_the_files(door: Appliance) -> None:
    made = door.make_key()
    assert ask(door, made["key"]).status == 200
    secret = made["key"][len(made["key_prefix"]) :].encode()
    for file in (path for path in door.home.rglob("*") if path.is_file()):
        assert secret not in file.read_bytes(), file


def test_two_keys_have_nothing_in_common_but_their_form(door: Appliance) -> None:
    keys = [door.make_key()["key"] for _ in range(5)]
    assert len({key[-20:] for key in keys}) == 5
    assert len({len(key) for key in keys}) == 1


def test_every_change_of_keys_is_in_the_audit_chain(door: Appliance) -> None:
    made = door.make_key("Audited")
    door.call("DELETE", f"{KEYS}/{made['id']}", token=door.owner_token)
    rows = door.rows("SELECT action, actor, target, detail FROM audit WHERE target LIKE ? ORDER BY seq", f"%{made['id']}%")
    assert len(rows) == 2
    assert made["key"] not in json.dumps(rows)


def test_a_proxy_on_this_machine_does_not_make_its_callers_local(door: Appliance) -> None:
    """The connection comes from loopback, but the header says that somebody else stands behind it."""
    box, key = door, door.first_run_key
    assert box.call("GET", "/v1/models", token=key).status == 200
    for headers in ({"X-Forwarded-For": "203.0.113.5"}, {"Forwarded": "for=203.0.113.5"}, {"X-Real-IP": "203.0.113.5"}):
        answer = box.call("GET", "/v1/models", token=key, headers=headers)
        assert (answer.status, answer.error["code"]) == (403, "loopback_only"), headers
        chatted = box.call("POST", "/v1/chat/completions", chat("x"), token=key, headers=headers)
        assert (chatted.status, chatted.error["code"]) == (403, "loopback_only"), headers
        assert box.call("GET", "/metrics", headers=headers).status == 401, headers


def test_the_key_of_the_first_run_is_listed_expires_in_a_week_and_works(door: Appliance) -> None:
    box, key = door, door.first_run_key
    assert ask(box, key).status == 200
    (row,) = [row for row in listed(box) if row["name"] == "first-run"]
    assert key.startswith(str(row["key_prefix"]))
    left = datetime.fromisoformat(str(row["expires_at"])) - datetime.now(UTC)
    assert timedelta(days=6, hours=23) < left <= timedelta(days=7)
    assert box.call("DELETE", f"{KEYS}/{row['id']}", token=box.owner_token).status in (200, 204)
    assert ask(box, key).error["code"] == "revoked_api_key"
    box.restart()
    assert ask(box, key).error["code"] == "revoked_api_key", "a start does not bring it back"


def test_the_key_of_the_first_run_can_be_left_out(appliance: MakeAppliance) -> None:
    box = appliance(settings={"first_run_key": False})
    assert "Bearer YOUR_API_KEY" in box.welcome
    assert [row["name"] for row in listed(box)] == []


def test_the_key_of_the_first_run_works_from_this_machine_only(
    appliance: MakeAppliance, upstream: Fake, namespace: NetworkNamespace
) -> None:
    box = appliance(settings={"host": "0.0.0.0"}, namespace=namespace)
    key = box.first_run_key
    models = "/v1/models"
    assert namespace.call("GET", f"http://127.0.0.1:{box.port}{models}", token=key).status == 200
    assert namespace.call("GET", f"http://127.0.0.2:{box.port}{models}", token=key).status == 200
    elsewhere = namespace.call("GET", f"http://{namespace.LAN_ADDRESS}:{box.port}{models}", token=key)
    assert (elsewhere.status, elsewhere.error["code"]) == (403, "loopback_only"), elsewhere
    for header in ("X-Forwarded-For: 127.0.0.1", "Host: localhost", "X-Real-IP: 127.0.0.1", "Forwarded: for=127.0.0.1"):
        url = f"http://{namespace.LAN_ADDRESS}:{box.port}{models}"
        command = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-H", header, "-H", f"Authorization: Bearer {key}", url]
        assert namespace.run(*command).stdout == "403", header


def test_a_copied_database_gives_nobody_a_key(door: Appliance, appliance: MakeAppliance, upstream: Fake) -> None:
    """The rows alone, without the master key: the other appliance can't be talked into knowing the key."""
    made = door.make_key()
    copy = appliance(settings={"providers": [upstream.provider("fake", models=["gpt-4o"])]}, start=False)
    source, target = (sqlite3.connect(box.home / "gatehouse.db") for box in (door, copy))
    source.backup(target)
    source.close()
    target.close()
    with pytest.raises(AssertionError, match=r"(?i)master|key"):
        copy.start()
    assert ask(door, made["key"]).status == 200


def test_a_key_does_what_its_scopes_say_and_no_more(door: Appliance) -> None:
    made = door.make_key("Only embeddings", scopes=["embeddings"])
    refused = ask(door, made["key"])
    assert (refused.status, refused.error["code"]) == (403, "forbidden")
    assert refused.error["fix"]
    embedded = door.call("POST", "/v1/embeddings", {"model": "fake/gpt-4o", "input": "x"}, token=made["key"])
    assert embedded.status not in (401, 403)


def test_keys_made_and_revoked_in_parallel_are_all_as_they_should_be(door: Appliance) -> None:
    from concurrent.futures import ThreadPoolExecutor

    def life(number: int) -> bool:
        made = door.make_key(f"Parallel {number}")
        works = ask(door, made["key"]).status == 200
        if number % 2:
            door.call("DELETE", f"{KEYS}/{made['id']}", token=door.owner_token)
            return works and ask(door, made["key"]).status == 401
        return works and ask(door, made["key"]).status == 200

    started = time.monotonic()
    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(life, range(24)))
    assert time.monotonic() - started < 60
