"""A detector that fails: nothing uninspected goes on, in either direction, and everybody is told."""

import json
from typing import Any

import pytest

from tests.calls import chat
from tests.conftest import MakeAppliance, MakeFake
from tests.running import Appliance, Fake, eventually

EMAIL = "asha.verma@mail.example.in"
PATHS: dict[str, Any] = {
    "/v1/chat/completions": {"messages": [{"role": "user", "content": f"Mail {EMAIL}"}]},
    "/v1/responses": {"input": f"Mail {EMAIL}", "store": False},
    "/v1/messages": {"messages": [{"role": "user", "content": f"Mail {EMAIL}"}], "max_tokens": 64},
    "/v1/embeddings": {"input": f"Mail {EMAIL}"},
    "/v1/messages/count_tokens": {"messages": [{"role": "user", "content": f"Mail {EMAIL}"}]},
}
KINDS = {"/v1/responses": "openai", "/v1/messages": "anthropic", "/v1/messages/count_tokens": "anthropic"}


@pytest.fixture(scope="module")
def vendor(fake: MakeFake) -> Fake:
    return fake("canned")


def made(appliance: MakeAppliance, vendor: Fake, fault: str, *, start: bool = True) -> Appliance:
    shared = {"api_key": "sk-fake-0123456789", "models": ["m"]}
    providers = [
        {"name": kind, "kind": kind, "base_url": vendor.url if kind == "anthropic" else f"{vendor.url}/v1", **shared}
        for kind in ("openai", "openai-compatible", "anthropic")
    ]
    settings = {"providers": providers, "guardrail_policy": "default", "log_level": "debug"}
    return appliance(settings=settings, env={"GATEHOUSE_TEST_FAULT": fault}, start=start)


def body_of(path: str, **more: Any) -> dict[str, Any]:
    return {"model": f"{KINDS.get(path, 'openai-compatible')}/m", **PATHS[path], **more}


@pytest.mark.parametrize("path", PATHS)
def test_a_request_whose_inspection_fails_is_not_sent(appliance: MakeAppliance, vendor: Fake, path: str) -> None:
    vendor.set_faults({})
    vendor.forget()
    box = made(appliance, vendor, "guardrails.input:1")
    refused = box.call("POST", path, body_of(path), token=box.api_key)
    assert refused.status in (503, 529)
    assert b"inspection" in refused.body
    assert vendor.seen() == []
    if path != "/v1/messages/count_tokens":
        (row,) = box.rows("SELECT state, status FROM requests ORDER BY id DESC LIMIT 1")
        assert (row["state"], row["status"]) == (4, 503)
    again = box.call("POST", path, body_of(path), token=box.api_key)
    assert again.status == 200, again.body
    assert EMAIL not in json.dumps(vendor.last().json)


STREAMING = [path for path in PATHS if path in ("/v1/chat/completions", "/v1/responses", "/v1/messages")]


@pytest.mark.parametrize("path", STREAMING)
@pytest.mark.parametrize("number", [2, 12])
def test_an_answer_whose_inspection_fails_ends_with_an_error_and_shows_no_more(
    appliance: MakeAppliance, vendor: Fake, path: str, number: int
) -> None:
    vendor.set_faults({"m": {"content": f"Write to {EMAIL}, please, and tell them.", "*pieces": "3", "*hangs": "yes"}})
    vendor.forget()
    box = made(appliance, vendor, f"guardrails.output:{number}")
    answer = box.call("POST", path, body_of(path, stream=True), token=box.api_key)
    assert b"inspection of this answer failed" in answer.body
    for part in (EMAIL, "asha", "verma"):
        assert part.encode() not in answer.body
    assert b"[DONE]" not in answer.body
    assert b"message_stop" not in answer.body
    assert b"response.completed" not in answer.body
    eventually(lambda: vendor.last().hung_up)
    (row,) = box.rows("SELECT state, status FROM requests ORDER BY id DESC LIMIT 1")
    assert (row["state"], row["status"]) == (4, 503)


@pytest.mark.parametrize("path", [*STREAMING, "/v1/embeddings"])
def test_a_whole_answer_whose_inspection_fails_is_not_shown(appliance: MakeAppliance, vendor: Fake, path: str) -> None:
    vendor.set_faults({"m": {"*": f"to {EMAIL}"}})
    box = made(appliance, vendor, "guardrails.output:1")
    answer = box.call("POST", path, body_of(path), token=box.api_key)
    assert answer.status in (503, 529)
    assert b"asha" not in answer.body


def test_where_detectors_cant_be_built_nothing_is_sent_and_ready_says_why(appliance: MakeAppliance, vendor: Fake) -> None:
    vendor.forget()
    box = made(appliance, vendor, "guardrails.build:1", start=False)
    box.start(wait=False)
    box.wait_until_ready("/health")
    ready = eventually(lambda: answer if (answer := box.call("GET", "/ready")).status == 503 else None)
    assert "detectors" in ready.json["checks"]["guardrails"]
    assert ready.json["ready"] is False
    for path in PATHS:
        refused = box.call("POST", path, body_of(path), token=box.api_key)
        assert refused.status in (503, 529), refused.body
        assert b"guardrails could not be started" in refused.body
    assert vendor.seen() == []
    assert EMAIL not in box.output


def test_ready_says_that_guardrails_are_there(appliance: MakeAppliance, vendor: Fake) -> None:
    box = made(appliance, vendor, "")
    assert box.call("GET", "/ready").json["checks"]["guardrails"] == "ok"
    vendor.set_faults({})
    assert box.chat(chat("openai-compatible/m", "Hi")).status == 200
