"""Keys that are narrowed to models, rotated and revoked while they are at work."""

import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

KEYS = "/api/v1/admin/api-keys"


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return appliances(settings={"providers": [upstream.provider("fake", models=["gpt-4o", "gpt-4o-mini"])]})


def ask(door: Appliance, key: str, model: str = "fake/gpt-4o") -> Answer:
    return door.call("POST", "/v1/chat/completions", chat(model), token=key)


SURFACES: list[tuple[str, dict[str, Any]]] = [
    ("/v1/chat/completions", chat("fake/gpt-4o")),
    ("/v1/embeddings", {"model": "fake/gpt-4o", "input": "x"}),
    ("/v1/messages", {**chat("fake/gpt-4o"), "max_tokens": 5}),
    ("/v1/messages/count_tokens", chat("fake/gpt-4o")),
    ("/v1/responses", {"model": "fake/gpt-4o", "input": "x"}),
]


@pytest.mark.parametrize(("path", "body"), SURFACES)
def test_no_surface_lets_a_key_past_its_list(door: Appliance, path: str, body: dict[str, Any]) -> None:
    key = door.make_key(models=["fake/gpt-4o-m*"])["key"]
    for model in ("fake/gpt-4o", "gpt-4o", "no-such-model"):
        refused = door.call("POST", path, {**body, "model": model}, token=key)
        assert refused.status == 403, refused
        assert b"model_not_allowed" in refused.body
        assert b"fake/gpt-4o-m*" in refused.body
    for model in ("fake/gpt-4o-mini", "gpt-4o-mini"):
        assert door.call("POST", path, {**body, "model": model}, token=key).status != 403
    assert [card["id"] for card in door.call("GET", "/v1/models", token=key).json["data"]] == ["fake/gpt-4o-mini"]


def test_what_an_organisation_may_use_binds_every_key_of_it_from_the_next_request_on(door: Appliance) -> None:
    def rule(models: list[str] | None) -> None:
        rules = {"rules": {"models": models}}
        changed = door.call("PATCH", "/api/v1/admin/tenants/tenant_default", rules, token=door.owner_token)
        assert changed.status == 200, changed

    whole, narrowed = door.make_key()["key"], door.make_key(models=["fake/*"])["key"]
    rule(["fake/gpt-4o-mini"])
    try:
        for key in (whole, narrowed):
            refused = ask(door, key)
            assert (refused.status, refused.error["code"]) == (403, "model_not_allowed")
            assert "Its organisation may use: fake/gpt-4o-mini" in refused.error["message"]
            assert ask(door, key, "fake/gpt-4o-mini").status == 200
            assert [card["id"] for card in door.call("GET", "/v1/models", token=key).json["data"]] == ["fake/gpt-4o-mini"]
    finally:
        rule(None)
    assert ask(door, whole).status == 200


def hammered(door: Appliance, key: str, change: Callable[[], Any]) -> tuple[list[int], list[int]]:
    """Statuses of requests begun before the change was answered, and of those begun after."""
    answered, stop = threading.Event(), threading.Event()
    before: list[int] = []
    after: list[int] = []

    def work() -> None:
        while not stop.is_set():
            is_after = answered.is_set()
            (after if is_after else before).append(ask(door, key).status)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    change()
    answered.set()
    after.append(ask(door, key).status)
    stop.set()
    for thread in threads:
        thread.join(30)
    return before, after


def test_no_request_gets_in_after_the_answer_of_a_revocation_and_none_fails_otherwise(door: Appliance) -> None:
    for by_value in (False, True):
        made = door.make_key()
        path, body = (f"{KEYS}/revoke", {"key": made["key"]}) if by_value else (f"{KEYS}/{made['id']}", None)
        method = "POST" if by_value else "DELETE"
        before, after = hammered(door, made["key"], lambda: door.call(method, path, body, token=door.owner_token))  # noqa: B023
        assert set(before) <= {200, 401}
        assert set(after) == {401}


def test_a_rotation_under_load_loses_no_request_and_use_is_what_the_ledger_says(door: Appliance) -> None:
    made = door.make_key()
    rotate = f"{KEYS}/{made['id']}/rotate"
    before, after = hammered(door, made["key"], lambda: door.call("POST", rotate, token=door.owner_token))
    assert set(before + after) == {200}
    shown = door.call("GET", f"{KEYS}/{made['id']}", token=door.owner_token).json
    assert (shown["requests"], shown["success_rate"]) == (len(before + after), 1.0)


@pytest.mark.parametrize("runs", [True, False])
def test_commands_make_rotate_and_revoke_by_value_whether_a_server_runs_or_not(appliance: MakeAppliance, runs: bool) -> None:
    box = appliance(start=runs)

    def run(*arguments: str, stdin: str = "") -> str:
        done = box.command("keys", *arguments, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    first = run("create", "CI", "--model", "openai/*", "--environment", "test")
    # Not the newest: the development key of the first start may come after it.
    key_id = next(key["id"] for key in json.loads(run("list", "--json")) if key["name"] == "CI")
    second = run("rotate", key_id, "--grace-hours", "0")
    assert first.startswith("gh-test-")
    assert second.startswith("gh-test-")
    assert key_id in run("revoke", "--value", stdin=second + "\n")
    assert box.command("keys", "create", "x", "--service-account", "nobody").returncode != 0
