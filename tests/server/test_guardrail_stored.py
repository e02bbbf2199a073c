"""Responses that are kept under a policy: what can be read again, and what goes to a provider in the next turn."""

import json
from typing import Any

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

EMAIL, SSN = "meera.canary@mail.example.in", "219-09-9998"  # in no example of a policy


def made(appliances: MakeAppliance, upstream: Fake, policy: str) -> Appliance:
    own = {"name": "own", "kind": "openai", "base_url": upstream.base_url, "api_key": upstream.key}
    return appliances(settings={"providers": [own, upstream.provider("fake")], "guardrail_policy": policy})


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return made(appliances, upstream, "default")


@pytest.fixture(scope="module")
def tokenising(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    return made(appliances, upstream, "gdpr")


def ask(box: Appliance, model: str, given: Any, *, stream: bool, **more: Any) -> dict[str, Any]:
    """The response, as its caller got it."""
    body = {"model": model, "input": given, **more}
    if not stream:
        answer = box.call("POST", "/v1/responses", body, token=box.api_key)
        assert answer.status == 200, answer.body
        found: dict[str, Any] = answer.json
        return found
    with box.stream("POST", "/v1/responses", {**body, "stream": True}, token=box.api_key) as events:
        last: dict[str, Any] = events.collect().bodies[-1]["response"]
        return last


def read_again(box: Appliance, name: str) -> tuple[str, str]:
    """(the response, its input), as JSON."""
    response = box.call("GET", f"/v1/responses/{name}", token=box.api_key)
    items = box.call("GET", f"/v1/responses/{name}/input_items", token=box.api_key)
    assert (response.status, items.status) == (200, 200)
    return response.body.decode(), items.body.decode()


BOTH_WAYS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
MODELS = pytest.mark.parametrize("model", ["own/gpt-4o", "fake/gpt-4o"], ids=["passing", "translated"])
INPUTS = pytest.mark.parametrize(
    "given", [f"Mail {EMAIL}", [{"role": "user", "content": f"Mail {EMAIL}"}]], ids=["text", "items"]
)


@BOTH_WAYS
@MODELS
@INPUTS
def test_what_was_masked_is_kept_masked(door: Appliance, upstream: Fake, model: str, given: Any, stream: bool) -> None:
    more = {"instructions": f"You serve {EMAIL}.", "metadata": {"who": EMAIL}}
    answer = ask(door, model, given, stream=stream, **more)
    assert EMAIL not in json.dumps(answer)
    response, items = read_again(door, answer["id"])
    assert "[EMAIL]" in response
    assert "[EMAIL]" in items
    assert EMAIL not in response + items
    ask(door, model, "And again?", stream=stream, previous_response_id=answer["id"])
    assert EMAIL not in json.dumps(upstream.last().json)


@BOTH_WAYS
@MODELS
@INPUTS
def test_values_that_come_back_are_kept_for_their_caller_and_hidden_in_the_next_turn(
    tokenising: Appliance, upstream: Fake, model: str, given: Any, stream: bool
) -> None:
    answer = ask(tokenising, model, given, stream=stream, instructions=f"You serve {EMAIL}, SSN {SSN}.")
    assert f"You said: Mail {EMAIL}" in json.dumps(answer)
    response, items = read_again(tokenising, answer["id"])
    assert EMAIL in response
    assert EMAIL in items
    assert SSN not in response + items, "what is masked doesn't come back"
    again = ask(tokenising, model, f"Is it {EMAIL}?", stream=stream, previous_response_id=answer["id"])
    sent = json.dumps(upstream.last().json, ensure_ascii=False)
    assert EMAIL not in sent
    assert sent.count("\u27e8EMAIL_1\u27e9") == 3, "in both turns, and in what was answered"
    assert f"You said: Is it {EMAIL}?" in json.dumps(again)


def test_nothing_of_a_masked_value_stands_in_the_database(door: Appliance) -> None:
    """Kept responses are sealed; this is about everything beside them."""
    ask(door, "fake/gpt-4o", f"Mail {EMAIL}", stream=False)
    door.stop()
    try:
        for path in door.home.rglob("*"):
            assert not path.is_file() or EMAIL.encode() not in path.read_bytes(), path
    finally:
        door.start()
