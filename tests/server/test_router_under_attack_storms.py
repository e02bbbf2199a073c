"""Many callers at once before deployments that die, recover or vanish."""

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.scripted import script
from tests.running import Appliance, Fake, eventually

CALLERS = 200
AT_ONCE = 50
# A failure that takes a while, as when a connection breaks: whoever comes meanwhile is on the same way.
LATE_FAILURE = script("HTTP/1.1 500 Broken\r\ncontent-length: 0\r\n\r\n", after=1.0)


@pytest.fixture(scope="module")
def upstream(fake: MakeFake) -> Fake:
    return fake("scripted")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    box = appliances(settings={"providers": [upstream.provider("one")], "local_models": False})
    assert box.api_key
    assert box.owner_token
    return box


def admin(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, f"/api/v1/admin/{path}", body, token=door.owner_token)


def add_route(door: Appliance, name: str, *models: str, provider: str = "one", **more: Any) -> str:
    rows = [{"provider": provider, "model": model, "order": order} for order, model in enumerate(models)]
    answer = admin(door, "POST", "routes", {"name": name, "deployments": rows, **more})
    assert answer.status == 201, answer
    return str(answer.json["id"])


def asked(upstream: Fake, model: str) -> int:
    return sum(seen.path.endswith("/chat/completions") and seen.json["model"] == model for seen in upstream.seen())


def storm(door: Appliance, model: str, number: int, *, stream: bool = False) -> list[Answer]:
    with ThreadPoolExecutor(min(number, AT_ONCE)) as pool:
        return list(pool.map(lambda _: door.chat(chat(model, stream=stream)), range(number)))


def failed_at_last(answers: Sequence[Answer]) -> bool:
    return all(answer.status >= 500 or b"upstream_failed" in answer.body for answer in answers)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_where_everything_fails_a_fifth_is_asked_again_and_no_more(door: Appliance, upstream: Fake, stream: bool) -> None:
    model = f"dying-{stream}"
    upstream.set_faults({model: "fault-500"})
    add_route(door, model, model, retries=5, circuit_breaker=False)
    upstream.forget()
    began = time.monotonic()
    assert failed_at_last(storm(door, model, CALLERS, stream=stream))
    windows = 1 + (time.monotonic() - began) // 10
    assert CALLERS < asked(upstream, model) <= CALLERS + max(0.2 * CALLERS, 10 * windows)


def test_a_dying_deployment_is_left_alone_by_those_who_had_it_in_mind_already(door: Appliance, upstream: Fake) -> None:
    """Each caller had chosen both when it came; all of them then fell upon the second one, though it had failed by then."""
    upstream.set_faults({"late": LATE_FAILURE, "fails": "fault-401"})
    add_route(door, "two-dying", "late", "fails", retries=0)
    upstream.forget()
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(door.chat, chat("two-dying"))
        eventually(lambda: asked(upstream, "late") == 1)
        time.sleep(0.4)
        answers = storm(door, "two-dying", AT_ONCE)
    assert failed_at_last([first.result(), *answers]) or first.result().status == 401
    assert asked(upstream, "late") == AT_ONCE + 1
    assert asked(upstream, "fails") == 1, "its credential was refused to the first of them already"


def test_one_probe_is_sent_however_many_had_it_in_mind(door: Appliance, upstream: Fake) -> None:
    rules = {"failure_rate": 0.5, "requests_min": 1, "window_seconds": 30, "open_seconds": 1}
    add_route(door, "alone", "half-open", retries=0, circuit_breaker=rules)
    add_route(door, "behind", "tarries", "half-open", retries=0, circuit_breaker={**rules, "requests_min": 1_000})
    upstream.set_faults({"half-open": "fault-401"})
    assert door.chat(chat("alone")).status >= 400
    upstream.set_faults({"tarries": LATE_FAILURE, "half-open": "fault-hang"})
    time.sleep(1.2)
    upstream.forget()
    with ThreadPoolExecutor(10) as pool:
        for _ in range(10):
            pool.submit(door.chat, chat("behind"), headers={"X-Request-Timeout": "3"})
    assert asked(upstream, "tarries") == 10
    assert asked(upstream, "half-open") == 1


def test_a_limit_holds_for_those_too_who_come_after_a_failure_elsewhere(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"lingers": LATE_FAILURE, "narrow": "fault-slow-2000"})
    rows = [
        {"provider": "one", "model": "lingers"},
        {"provider": "one", "model": "narrow", "order": 1, "limits": {"concurrent": 2}},
    ]
    body = {"name": "narrowed", "deployments": rows, "retries": 0, "circuit_breaker": False}
    assert admin(door, "POST", "routes", body).status == 201
    upstream.forget()
    answers = storm(door, "narrowed", 10)
    assert sorted(answer.status for answer in answers) == [200] * 2 + [502] * 8, answers
    assert asked(upstream, "narrow") == 2


def test_who_is_on_the_way_when_an_admin_takes_everything_away_is_answered_all_the_same(door: Appliance, upstream: Fake) -> None:
    provider = {**upstream.provider("passing"), "kind": "openai-compatible"}
    made = admin(door, "POST", "providers", provider)
    assert made.status == 201, made
    upstream.set_faults({"first": "fault-slow-800", "dies": LATE_FAILURE, "spare": "fault-slow-300"})
    ids = [
        add_route(door, "caught", "spare", provider="passing"),
        add_route(door, "leaving", "dies", provider="passing", fallbacks=["caught"], retries=1),
        add_route(door, "long", "first", provider="passing"),
    ]
    upstream.forget()
    with ThreadPoolExecutor(20) as pool:
        calls = [pool.submit(door.chat, chat(name, stream=bool(n % 2))) for n in range(8) for name in ("leaving", "long")]
        eventually(lambda: asked(upstream, "first") == asked(upstream, "dies") == 8)
        for number in (ids[1], ids[0], ids[2]):
            assert admin(door, "DELETE", f"routes/{number}").status == 204
        assert admin(door, "DELETE", f"providers/{made.json['id']}").status == 204
        answers = [call.result() for call in calls]
    assert [answer.status for answer in answers] == [200] * 16
    assert not [answer for answer in answers if b'"error"' in answer.body]
    assert door.chat(chat("long")).status == 404
    eventually(lambda: not door.rows("SELECT 1 FROM requests WHERE state = 0"), 10)


def test_fallbacks_that_fail_one_behind_the_other_end_soon(door: Appliance, upstream: Fake) -> None:
    """Each has the others behind it as far as that makes no circle; nobody is asked twice, retries apart."""
    names = [f"chain-{number}" for number in range(4)]
    upstream.set_faults(dict.fromkeys(names, "fault-401"))
    for number in reversed(range(4)):
        add_route(door, names[number], names[number], fallbacks=names[number + 1 :], retries=2)
    circle = admin(door, "GET", "routes?limit=200").json["items"]
    last = next(row["id"] for row in circle if row["name"] == names[3])
    assert admin(door, "PATCH", f"routes/{last}", {"fallbacks": [names[0]]}).status == 400
    upstream.forget()
    assert door.chat(chat(names[0])).status >= 400
    assert [asked(upstream, name) for name in names] == [1, 1, 1, 1]
