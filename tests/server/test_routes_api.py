"""Providers, routes and deployments over the admin API of the shipped program."""

from typing import Any

import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.running import Answer, Appliance, Fake

HELLO = [{"role": "user", "content": "hello"}]


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("filed", models=["gpt-4o"])]})


@pytest.fixture(autouse=True)
def empty(door: Appliance) -> None:
    """Every test begins without routes and providers of its own."""
    for path in ("routes", "providers"):
        for row in admin(door, "GET", f"{path}?limit=200").json["items"]:
            assert row.get("source") == "file" or admin(door, "DELETE", f"{path}/{row['id']}").status == 204


def admin(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, f"/api/v1/admin/{path}", body, token=door.owner_token)


def made(door: Appliance, path: str, body: Any) -> Any:
    answer = admin(door, "POST", path, body)
    assert answer.status == 201, answer
    return answer.json


def add_provider(door: Appliance, fake: Fake, name: str = "acme", **more: Any) -> Any:
    return made(door, "providers", {**fake.provider(name), **more})


def _answering(door: Appliance) -> set[str]:
    return {door.chat({"model": "fast", "messages": HELLO}).headers["x-gatehouse-deployment"] for _ in range(5)}


def test_a_route_answers_from_the_next_request_on_and_is_gone_with_the_next_after_its_end(
    door: Appliance, upstream: Fake
) -> None:
    add_provider(door, upstream)
    assert door.chat({"model": "fast", "messages": HELLO}).status == 404
    route = made(door, "routes", {"name": "fast", "deployments": [{"provider": "acme", "model": "gpt-4o-mini"}]})
    answer = door.chat({"model": "fast", "messages": HELLO})
    assert (answer.status, answer.headers["x-gatehouse-deployment"]) == (200, "acme/gpt-4o-mini")
    assert upstream.last().json["model"] == "gpt-4o-mini"
    assert (
        admin(door, "PATCH", f"routes/{route['id']}", {"deployments": [{"provider": "filed", "model": "gpt-4o"}]}).status == 200
    )
    assert door.chat({"model": "fast", "messages": HELLO}).headers["x-gatehouse-deployment"] == "filed/gpt-4o"
    assert admin(door, "DELETE", f"routes/{route['id']}").status == 204
    assert door.chat({"model": "fast", "messages": HELLO}).status == 404


def test_a_providers_models_can_be_asked_for_as_soon_as_it_is_there_and_no_longer_than_that(
    door: Appliance, upstream: Fake
) -> None:
    provider = add_provider(door, upstream)
    assert door.chat({"model": "acme/gpt-4o-mini", "messages": HELLO}).status == 200
    assert admin(door, "DELETE", f"providers/{provider['id']}").status == 204
    assert door.chat({"model": "acme/gpt-4o-mini", "messages": HELLO}).status == 404


def test_a_new_credential_is_used_by_the_next_request(door: Appliance, upstream: Fake) -> None:
    add_provider(door, upstream, api_key="sk-wrong-0123456789")
    assert door.chat({"model": "acme/gpt-4o-mini", "messages": HELLO}).status == 401
    assert admin(door, "PATCH", "providers/acme", {"api_key": upstream.key}).status == 200
    assert door.chat({"model": "acme/gpt-4o-mini", "messages": HELLO}).status == 200


def test_routes_are_offered_in_the_list_of_models(door: Appliance, upstream: Fake) -> None:
    made(door, "routes", {"name": "fast", "deployments": [{"provider": "filed", "model": "gpt-4o"}]})
    rows = door.call("GET", "/v1/models", token=door.api_key).json["data"]
    assert [row for row in rows if row["id"] == "fast"] == [
        {"id": "fast", "object": "model", "created": 0, "owned_by": "gatehouse"}
    ]


def test_a_deployment_is_added_drained_and_taken_out_by_itself(door: Appliance, upstream: Fake) -> None:
    made(door, "routes", {"name": "fast", "deployments": [{"provider": "filed", "model": "a"}]})
    one = made(door, "deployments", {"route": "fast", "provider": "filed", "model": "b", "limits": {"concurrent": 2}})
    assert (one["route"], one["limits"]["concurrent"], one["weight"]) == ("fast", 2, 1.0)
    drained = admin(door, "PATCH", f"deployments/{one['id']}", {"weight": 0})
    assert (drained.status, drained.json["id"], drained.json["weight"]) == (200, one["id"], 0.0)
    assert admin(door, "GET", f"deployments/{one['id']}").json == drained.json
    assert [row["model"] for row in admin(door, "GET", "deployments?route=fast").json["items"]] == ["a", "b"]
    assert admin(door, "GET", "routes/fast").json["deployments"][1] == drained.json
    assert admin(door, "DELETE", f"deployments/{one['id']}").status == 204
    last = admin(door, "GET", "deployments").json["items"][0]
    refused = admin(door, "DELETE", f"deployments/{last['id']}")
    assert (refused.status, "no deployments" in refused.body.decode()) == (400, True)


def test_a_drained_deployment_gets_nothing_from_the_next_request_on(door: Appliance, upstream: Fake) -> None:
    add_provider(door, upstream)
    deployments = [{"provider": "acme", "model": "gpt-4o"}, {"provider": "acme", "model": "gpt-4o-mini", "weight": 0}]
    route = made(door, "routes", {"name": "fast", "deployments": deployments})
    first, second = (one["id"] for one in route["deployments"])
    assert _answering(door) == {"acme/gpt-4o"}
    assert admin(door, "PATCH", f"deployments/{second}", {"weight": 1}).status == 200
    assert admin(door, "PATCH", f"deployments/{first}", {"weight": 0}).status == 200
    assert _answering(door) == {"acme/gpt-4o-mini"}


def test_requests_go_on_to_a_fallback_that_was_named_a_moment_ago(door: Appliance, upstream: Fake) -> None:
    away = {"name": "away", "kind": "openai-compatible", "base_url": "http://127.0.0.1:9/v1", "models": ["m"]}
    made(door, "providers", away)
    made(door, "routes", {"name": "fast", "retries": 0, "deployments": [{"provider": "away", "model": "m"}]})
    assert door.chat({"model": "fast", "messages": HELLO}).status == 502
    made(door, "routes", {"name": "safe", "deployments": [{"provider": "filed", "model": "gpt-4o"}]})
    assert admin(door, "PATCH", "routes/fast", {"fallbacks": ["safe"]}).status == 200
    assert door.chat({"model": "fast", "messages": HELLO}).headers["x-gatehouse-deployment"] == "filed/gpt-4o"
    refused = admin(door, "DELETE", "routes/safe")
    assert (refused.status, "(fast)" in refused.error["message"]) == (409, True)
    assert admin(door, "DELETE", "routes/fast").status == 204


def test_what_can_not_hold_is_refused_all_at_once(door: Appliance) -> None:
    body = {"name": "fast", "deployments": [{"provider": "nobody", "model": "m", "weight": 0}], "fallbacks": ["gone"]}
    error = admin(door, "POST", "routes", body).json["error"]
    assert (error["code"], error["param"]) == ("invalid_field", "deployments")
    for told in ("3 things are wrong", "every deployment has weight 0", "no provider 'nobody'", "no route 'gone'"):
        assert told in error["message"]


@pytest.mark.parametrize(
    "body",
    [
        {"name": "fast", "deployments": [{"provider": "filed", "model": "m", "weight": 1e999}]},
        {"name": "fast", "deployments": [{"provider": "filed", "model": "m", "colour": "red"}]},
        {"name": "fast\u0000", "deployments": [{"provider": "filed", "model": "m"}]},
        {"name": "fast", "deployments": [{"provider": "filed", "model": "\ud800"}]},
        {"name": "fast", "deployments": [{"provider": "filed", "model": "m"}], "strategy": "best"},
        ["fast"],
    ],
)
def test_a_route_that_can_not_be_read_is_refused_with_400(door: Appliance, body: Any) -> None:
    assert admin(door, "POST", "routes", body).status == 400
    if isinstance(body, dict):
        made(door, "routes", {"name": "right", "deployments": [{"provider": "filed", "model": "m"}]})
        assert admin(door, "PATCH", "routes/right", {**body, "name": body["name"]}).status == 400


def test_providers_of_the_file_are_shown_and_stay(door: Appliance) -> None:
    shown = admin(door, "GET", "providers?name=filed").json["items"][0]
    assert (shown["id"], shown["source"], shown["api_key_end"]) == ("filed", "file", "…cdef")
    for method, path, body in (
        ("PATCH", "providers/filed", {"models": []}),
        ("DELETE", "providers/filed", None),
        ("POST", "providers", {"name": "filed", "kind": "openai", "api_key": "sk-0"}),
    ):
        answer = admin(door, method, path, body)
        assert (answer.status, "gatehouse.toml" in answer.json["error"]["message"]) == (409, True)


def test_a_connection_is_tried_before_and_after_it_is_kept(door: Appliance, upstream: Fake) -> None:
    form = upstream.provider("acme")
    good = admin(door, "POST", "providers/test", form)
    assert (good.status, good.json["ok"], good.json["error"]) == (200, True, None)
    assert "gpt-4o-mini" in good.json["models"]
    bad = admin(door, "POST", "providers/test", {**form, "api_key": "sk-wrong-0123456789"})
    assert (bad.status, bad.json["ok"], bad.json["models"]) == (200, False, [])
    assert bad.json["error"]["message"]
    assert "sk-wrong-0123456789" not in bad.body.decode()
    assert admin(door, "GET", "providers?name=acme").json["items"] == []
    away = admin(door, "POST", "providers/test", {**form, "base_url": "http://127.0.0.1:9/v1"}).json
    assert (away["ok"], "could not be reached" in away["error"]["message"]) == (False, True)
    not_ours = admin(door, "POST", "providers/test", {**form, "base_url": f"{upstream.url}/nowhere"}).json
    assert not_ours["ok"] is False
    add_provider(door, upstream)
    assert admin(door, "POST", "providers/acme/test").json["ok"] is True
    assert admin(door, "POST", "providers/filed/test").json["ok"] is True
    assert admin(door, "POST", "providers/nobody/test").status == 404


@pytest.mark.parametrize("depth", [3, 900, 940, 960, 975, 985, 2_000])
def test_a_change_that_is_nested_deeply_is_refused_and_nothing_else(door: Appliance, depth: int) -> None:
    made(door, "routes", {"name": "fast", "deployments": [{"provider": "filed", "model": "a"}]})
    body = b'{"timeouts":' + b'{"a":' * depth + b"1" + b"}" * (depth + 1)
    assert door.call("PATCH", "/api/v1/admin/routes/fast", body, token=door.owner_token).status == 400


def test_lists_come_a_page_at_a_time(door: Appliance) -> None:
    names = [f"r{number}" for number in range(5)]
    for name in names:
        made(door, "routes", {"name": name, "deployments": [{"provider": "filed", "model": "m"}]})
    for path, key in (("routes", "name"), ("deployments", "route")):
        found: list[str] = []
        cursor = ""
        while True:
            page = admin(door, "GET", f"{path}?limit=2{cursor}").json
            assert len(page["items"]) <= 2
            found += [row[key] for row in page["items"]]
            if page["next_cursor"] is None:
                break
            cursor = f"&cursor={page['next_cursor']}"
        assert found == names
    assert admin(door, "GET", "routes?cursor=nonsense").status == 400
    assert admin(door, "GET", "routes?limit=201").status == 400


def test_a_key_and_a_stranger_may_not_look(door: Appliance) -> None:
    for path in ("providers", "routes", "deployments"):
        assert door.call("GET", f"/api/v1/admin/{path}", token=door.api_key).status == 401
        assert door.call("GET", f"/api/v1/admin/{path}").status == 401


def test_everything_survives_kill_9_and_no_credential_is_readable_anywhere(appliance: MakeAppliance, fake: MakeFake) -> None:
    upstream = fake("openai")
    door = appliance()
    answers = [admin(door, "POST", "providers", upstream.provider("acme"))]
    route = {"name": "fast", "deployments": [{"provider": "acme", "model": "gpt-4o-mini"}]}
    answers += [admin(door, "POST", "routes", route), admin(door, "GET", "providers"), admin(door, "GET", "routes")]
    answers += [
        admin(door, "POST", "providers/acme/test"),
        admin(door, "PATCH", "providers/acme", {"api_key": f"{upstream.key} "}),
    ]
    assert door.chat({"model": "fast", "messages": HELLO}).status == 200
    before = admin(door, "GET", "routes").json
    door.kill()
    door.start()
    assert admin(door, "GET", "routes").json == before
    assert door.chat({"model": "fast", "messages": HELLO}).status == 200
    assert upstream.last().headers["authorization"] == f"Bearer {upstream.key}"
    door.stop()
    texts = [answer.body.decode() for answer in answers] + [door.output]
    texts += [path.read_bytes().decode(errors="replace") for path in door.home.rglob("*") if path.is_file()]
    assert len(texts) > 8
    for text in texts:
        assert upstream.key not in text


def test_a_change_is_told_to_whoever_listens(door: Appliance, upstream: Fake) -> None:
    with door.stream("GET", "/api/v1/admin/events", token=door.owner_token) as stream:
        add_provider(door, upstream)
        event = next(event for event in stream.events() if b"event: routes" in event.raw)
    assert event.json == {"providers": ["acme"], "routes": []}
