"""The router of the shipped program: where requests go when deployments fail, and what is told of it."""

import json
import subprocess
import sys
import threading
import time
from collections import Counter
from typing import Any

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance, MakeFake
from tests.running import ROOT, Appliance, Fake, environment, eventually

MODELS = ["gpt-4o", "gpt-4o-mini", "words-5", "words-7", "words-9"]


@pytest.fixture(scope="module")
def other(fake: MakeFake) -> Fake:
    return fake()


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake, other: Fake) -> Appliance:
    """Two providers that can be made to fail each on its own."""
    return appliances(settings={"providers": [upstream.provider("one", models=MODELS), other.provider("two", models=MODELS)]})


@pytest.fixture(scope="module")
def named(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """Its provider lists no models, so that any name goes there: without guardrails, to whom such names look like attacks."""
    return appliances(settings={"providers": [upstream.provider("any")], "guardrail_policy": "off"})


@pytest.fixture(autouse=True)
def forgiven(door: Appliance, upstream: Fake, other: Fake) -> None:
    """Every test begins with sound providers, without routes."""
    for each in (upstream, other):
        each.set_faults({})
        each.forget()
    for row in admin(door, "GET", "routes?limit=200").json["items"]:
        assert admin(door, "DELETE", f"routes/{row['id']}").status == 204


def admin(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, f"/api/v1/admin/{path}", body, token=door.owner_token)


def add_route(door: Appliance, name: str, *deployments: str, **more: Any) -> None:
    """Deployments as `provider/model`, tried in this order."""
    rows = [
        {"provider": each.partition("/")[0], "model": each.partition("/")[2], "order": order}
        for order, each in enumerate(deployments)
    ]
    answer = admin(door, "POST", "routes", {"name": name, "deployments": rows, **more})
    assert answer.status == 201, answer


def asked(provider: Fake) -> list[str]:
    """The models that it was asked for, in order."""
    return [seen.json["model"] for seen in provider.seen() if seen.path.endswith("/chat/completions")]


def record(door: Appliance, answer: Answer) -> Any:
    found = admin(door, "GET", f"requests/{answer.headers['x-request-id']}")
    assert found.status == 200, found
    return found.json


def test_a_request_that_fails_in_one_place_is_answered_in_another_and_nobody_notices(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-500"})
    add_route(door, "fast", "one/gpt-4o", "two/gpt-4o")
    answer = door.chat(chat("fast"))
    assert answer.status == 200, answer
    assert answer.headers["x-gatehouse-deployment"] == "two/gpt-4o"
    assert answer.headers["x-gatehouse-attempts"] == "2"
    assert float(answer.headers["x-gatehouse-overhead-ms"]) < 1_000
    told = record(door, answer)
    assert [(a["deployment"], a["outcome"], a["error"]) for a in told["attempts"]] == [
        ("one/gpt-4o", "failed", "upstream_failed"),
        ("two/gpt-4o", "succeeded", None),
    ]
    assert (told["model"], told["deployment"], told["state"], told["status"]) == ("fast", "two/gpt-4o", "settled", 200)
    assert told["attempts"][0]["why"] == "order 0"
    assert told["attempts"][1]["tokens_out"] > 0


def test_a_stream_changes_its_deployment_before_its_first_word_and_never_after(door: Appliance, upstream: Fake) -> None:
    add_route(door, "fast", "one/gpt-4o", "two/gpt-4o", circuit_breaker=False)
    upstream.set_faults({"gpt-4o": "fault-500"})
    with door.chat_stream(chat("fast", stream=True)) as stream:
        collected = stream.collect()
    assert collected.done
    assert collected.last_words is not None
    assert (collected.last_words["deployment"], collected.last_words["attempts"]) == ("two/gpt-4o", 2)
    upstream.set_faults({"gpt-4o": "fault-cut"})
    with door.chat_stream(chat("fast", stream=True)) as stream:
        collected = stream.collect()
    assert not collected.done
    assert collected.content, "something was said before it broke"
    assert collected.error is not None
    assert collected.last_words is None


def test_the_end_of_a_stream_tells_how_it_came_about_in_an_event_only_for_who_asks(door: Appliance) -> None:
    with door.chat_stream(chat("one/gpt-4o", stream=True)) as stream:
        events = list(stream.events())
    assert events[-2].data == b"[DONE]"
    assert events[-1].raw.startswith(b": gatehouse {")
    with door.chat_stream(chat("one/gpt-4o", stream=True), headers={"X-Gatehouse-Stream-Event": "true"}) as stream:
        events = list(stream.events())
    assert events[-1].raw.startswith(b"event: gatehouse\n")
    assert events[-1].json["deployment"] == "one/gpt-4o"
    assert events[-1].json["tokens_out"] > 0


def test_what_a_model_used_and_cost_is_told(appliance: MakeAppliance, upstream: Fake) -> None:
    box = appliance(settings={"providers": [{**upstream.provider("openai"), "kind": "openai"}]})
    # The price list is read beside the start, so the very first may come before it.
    answer = eventually(lambda: "x-gatehouse-cost" in (a := box.chat(chat("openai/gpt-4o"))).headers and a)
    amount, currency = answer.headers["x-gatehouse-cost"].split()
    told = record(box, answer)
    assert (told["state"], told["cost"]["currency"], currency) == ("settled", "USD", "USD")
    assert told["cost"]["micro"] == pytest.approx(float(amount) * 1_000_000, abs=0.5)
    assert told["cost"]["micro"] > 0
    assert f"{told['cost']['amount']} USD" in box.command("tail", "-n", "1", "--no-follow").stdout


def test_a_refused_key_is_not_tried_by_every_request(door: Appliance, upstream: Fake) -> None:
    add_route(door, "fast", "one/words-7", "two/words-7")
    upstream.set_faults({"words-7": "fault-401"})
    for _ in range(5):
        assert door.chat(chat("fast")).headers["x-gatehouse-deployment"] == "two/words-7"
    assert asked(upstream) == ["words-7"]
    metrics = door.call("GET", "/metrics").body.decode()
    assert 'gatehouse_circuit_open{deployment="one/words-7"} 1.0' in metrics
    assert 'gatehouse_attempts_total{deployment="one/words-7",outcome="upstream_unauthorized"} 1.0' in metrics
    explained = admin(door, "POST", "routes/explain", {"model": "fast"}).json
    assert [step["deployment"] for step in explained["tried"]] == ["two/words-7"]
    assert explained["left_out"][0]["circuit"] == "open"
    assert "left alone" in explained["left_out"][0]["why"]
    listed = admin(door, "GET", "routes?name=fast").json["items"][0]["deployments"]
    for shown in (listed, admin(door, "GET", "deployments?route=fast").json["items"]):
        assert {one["provider"]: one["circuit"]["state"] for one in shown} == {"one": "open", "two": "closed"}
    refused = next(one["circuit"] for one in listed if one["provider"] == "one")
    assert "credential" in refused["why"]
    assert 0 < refused["seconds_left"] <= 15


def test_a_prompt_that_makes_a_provider_fail_takes_it_from_nobody_else(door: Appliance, upstream: Fake) -> None:
    """The fault is what the owner's prompts do; a key that the machine made belongs to nobody, and is another caller."""
    add_route(door, "poisoned", "one/words-9", retries=0)
    add_route(door, "sound", "one/words-9", retries=0)
    upstream.set_faults({"words-9": "fault-500"})
    for _ in range(8):
        assert door.chat(chat("poisoned")).status >= 500
    before = len(asked(upstream))
    assert door.chat(chat("poisoned")).status >= 500
    assert len(asked(upstream)) == before, "it is left alone for whoever's requests failed"
    upstream.set_faults({})
    key = door.command("keys", "create", "another").stdout.split()[-1]
    answer = door.call("POST", "/v1/chat/completions", chat("sound"), token=key)
    assert (answer.status, answer.headers["x-gatehouse-deployment"]) == (200, "one/words-9")


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("odd", "shown"), [("\r\nX-Evil: 1", "??X-Evil: 1"), ("\nX-Evil: 1", "?X-Evil: 1"), ("\x00\x7fé", "???")]
)
def test_a_models_name_never_becomes_a_header_of_its_own(
    named: Appliance, upstream: Fake, odd: str, shown: str, stream: bool
) -> None:
    upstream.set_faults({f"words-5{odd}": "fault-slow-1"})
    answer = named.chat(chat(f"any/words-5{odd}", stream=stream))
    assert answer.status == 200, answer
    assert answer.headers["x-gatehouse-deployment"] == f"any/words-5{shown}"
    assert "x-evil" not in answer.headers


def test_explaining_sends_nothing_and_takes_nobodys_turn(door: Appliance, upstream: Fake, other: Fake) -> None:
    rows = [{"provider": name, "model": "words-5"} for name in ("one", "two")]
    body = {"name": "turns", "strategy": "round-robin", "deployments": rows}
    assert admin(door, "POST", "routes", body).status == 201
    said = [admin(door, "POST", "routes/explain", {"model": "turns", "messages": chat("x")["messages"]}).json for _ in range(3)]
    assert len({step["tried"][0]["deployment"] for step in said}) == 1
    assert asked(upstream) == asked(other) == []
    first = door.chat(chat("turns")).headers["x-gatehouse-deployment"]
    second = door.chat(chat("turns")).headers["x-gatehouse-deployment"]
    assert {first, second} == {"one/words-5", "two/words-5"}
    assert first == said[0]["tried"][0]["deployment"]


def test_weights_share_requests_and_a_weight_of_0_gets_none(door: Appliance) -> None:
    rows = [{"provider": "one", "model": "words-5", "weight": 3}, {"provider": "two", "model": "words-5", "weight": 1}]
    assert admin(door, "POST", "routes", {"name": "shares", "strategy": "weighted", "deployments": rows}).status == 201
    went = Counter(door.chat(chat("shares")).headers["x-gatehouse-deployment"] for _ in range(60))
    assert 30 <= went["one/words-5"] <= 57
    rows[0]["weight"] = 0
    route = admin(door, "GET", "routes?limit=200").json["items"][0]
    assert admin(door, "PATCH", f"routes/{route['id']}", {"deployments": rows}).status == 200
    assert {door.chat(chat("shares")).headers["x-gatehouse-deployment"] for _ in range(10)} == {"two/words-5"}


def test_a_callers_deadline_ends_the_waiting(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-hang"})
    before = time.monotonic()
    answer = door.chat(chat("one/gpt-4o"), headers={"X-Request-Timeout": "0.5"})
    assert answer.status == 504, answer
    assert time.monotonic() - before < 2
    assert "X-Request-Timeout" in answer.error["fix"]
    for wrong in ("0", "-1", "nan", "inf", "soon", ""):
        refused = door.chat(chat("one/gpt-4o"), headers={"X-Request-Timeout": wrong})
        assert (refused.status, refused.error["code"]) == (400, "invalid_field"), wrong


def test_a_routes_own_deadline_and_first_token_bound_hold(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-hang"})
    add_route(door, "short", "one/gpt-4o", timeouts={"request_seconds": 0.5}, retries=0)
    assert door.chat(chat("short")).status == 504
    add_route(door, "quick", "one/gpt-4o", "two/gpt-4o", timeouts={"first_token_seconds": 0.3}, retries=0)
    with door.chat_stream(chat("quick", stream=True)) as stream:
        collected = stream.collect()
    assert collected.last_words is not None
    assert collected.last_words["deployment"] == "two/gpt-4o"


def test_a_request_marked_local_only_goes_nowhere_else(door: Appliance, upstream: Fake, other: Fake) -> None:
    add_route(door, "fast", "one/gpt-4o", "two/gpt-4o")
    answer = door.chat(chat("fast"), headers={"X-Gatehouse-Local-Only": "true"})
    assert (answer.status, answer.error["code"]) == (503, "deployments_unavailable")
    assert "may not leave the machine" in answer.error["message"]
    assert asked(upstream) == asked(other) == []


def test_fallbacks_of_a_route_follow_its_deployments(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-503", "gpt-4o-mini": "fault-500"})
    add_route(door, "spare", "two/words-5")
    add_route(door, "main", "one/gpt-4o", "one/gpt-4o-mini", fallbacks=["spare"], retries=0, circuit_breaker=False)
    answer = door.chat(chat("main"))
    assert answer.headers["x-gatehouse-deployment"] == "two/words-5"
    assert answer.json["model"] == "words-5"
    assert answer.headers["x-gatehouse-attempts"] == "3"


def test_a_request_that_keeps_something_at_its_provider_is_sent_once(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"words-5": "fault-500"})
    add_route(door, "kept", "one/words-5", "two/words-5", circuit_breaker=False)
    assert door.chat(chat("kept", store=True)).status == 502
    assert asked(upstream) == ["words-5"]
    assert door.chat(chat("kept")).status == 200


def test_a_past_request_is_found_by_any_of_its_ids_and_tells_nothing_that_was_said(door: Appliance) -> None:
    secret = "the launch code is 4711"
    answer = door.chat(chat("one/gpt-4o", messages=[{"role": "user", "content": secret}]))
    for shown in (answer.headers["x-request-id"], answer.headers["x-request-id"].removeprefix("req_")):
        assert admin(door, "GET", f"requests/{shown}").json["model"] == "one/gpt-4o"
    page = admin(door, "GET", "requests?limit=1").json
    assert page["items"][0]["id"] == answer.headers["x-request-id"]
    assert page["next_cursor"]
    following = admin(door, "GET", f"requests?limit=1&cursor={page['next_cursor']}").json
    assert following["items"][0]["id"] != page["items"][0]["id"]
    assert secret not in json.dumps(page)
    for wrong in ("req_00000000000000000000000000000000", "nonsense", "%00", "req_" + "f" * 400):
        assert admin(door, "GET", f"requests/{wrong}").status == 404, wrong
    assert admin(door, "GET", "requests?cursor=nonsense").status == 400
    assert door.call("GET", "/api/v1/admin/requests", token=door.api_key).status == 401


def test_tail_shows_requests_as_they_end(door: Appliance, upstream: Fake) -> None:
    upstream.set_faults({"gpt-4o": "fault-500"})
    add_route(door, "watched", "one/gpt-4o", "two/gpt-4o", circuit_breaker=False)
    tail = subprocess.Popen(
        [sys.executable, "-m", "appliance", "tail", "-n", "0"],
        cwd=ROOT,
        env=environment({"GATEHOUSE_HOME": str(door.home)}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    lines: list[str] = []
    assert tail.stdout is not None
    reading = threading.Thread(target=lambda: lines.extend(tail.stdout or []), daemon=True)
    reading.start()
    try:
        assert eventually(lambda: door.chat(chat("watched")) and len(lines) >= 3, 20)
    finally:
        tail.terminate()
        tail.wait(10)
        reading.join(5)
        tail.stdout.close()
    assert "watched → two/gpt-4o" in lines[0]
    assert "no price" in lines[0], "compatible servers are on no list"
    assert "one/gpt-4o" in lines[1]
    assert "upstream_failed" in lines[1]
    done = door.command("tail", "-n", "2", "--no-follow", "--json")
    assert [json.loads(line)["model"] for line in done.stdout.splitlines()] == ["watched"] * 2
    explained = door.command("routes", "explain", "watched", "--tokens", "10")
    assert "1. one/gpt-4o" in explained.stdout


def test_what_a_provider_cannot_do_names_who_can(fake: MakeFake, appliance: MakeAppliance) -> None:
    providers = [
        {**fake("anthropic").provider("claude", models=["claude-sonnet-4-5"]), "kind": "anthropic"},
        fake().provider("gpt", models=["gpt-4o"]),
    ]
    box = appliance(settings={"providers": providers})
    answer = box.chat(chat("claude/claude-sonnet-4-5", n=2))
    assert (answer.status, answer.error["code"], answer.error["param"]) == (400, "unsupported_feature", "n"), answer
    assert "gpt/gpt-4o" in answer.error["fix"]


def test_local_first_means_here_while_the_prompt_fits_and_elsewhere_when_it_does_not(
    appliances: MakeAppliance, upstream: Fake
) -> None:
    settings = {"providers": [upstream.provider("cloud", models=["gpt-4o"])], "local_context_tokens": 512}
    box = appliances(settings=settings, model=True)
    rows = [{"provider": "cloud", "model": "gpt-4o"}, {"provider": "local", "model": "smollm2-135m-instruct"}]
    assert admin(box, "POST", "routes", {"name": "near", "strategy": "local-first", "deployments": rows}).status == 201
    short = box.chat(chat("near", max_tokens=8))
    assert short.headers["x-gatehouse-deployment"] == "local/smollm2-135m-instruct", short
    long = chat("near", messages=[{"role": "user", "content": "word " * 1_000}], max_tokens=8)
    assert box.chat(long).headers["x-gatehouse-deployment"] == "cloud/gpt-4o"
    refused = box.chat(long, headers={"X-Gatehouse-Local-Only": "1"})
    assert (refused.status, refused.error["code"]) == (400, "context_length_exceeded"), refused
    explained = admin(box, "POST", "routes/explain", {"model": "near", "tokens_in": 2_000}).json
    assert "its window of 512 tokens is too small" in explained["left_out"][0]["why"]
