"""Values that go out as placeholders: each caller gets their own back, whoever else is served at the same moment."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.bedrock_wire import ACCESS_KEY_ID, REGION, SECRET_ACCESS_KEY
from tests.running import Appliance, Fake

CALLERS = 50
ASKED = {
    "/v1/chat/completions": lambda said: {"messages": [{"role": "user", "content": said}]},
    "/v1/responses": lambda said: {"input": said},
    "/v1/messages": lambda said: {"messages": [{"role": "user", "content": said}], "max_tokens": 400},
}
MODELS = ("own/gpt-4o", "fake/gpt-4o", "claude/claude-sonnet-4-6", "google/gemini-2.5-flash")


@pytest.fixture(scope="module")
def vendors(fake: MakeFake) -> dict[str, Fake]:
    return {kind: fake(kind) for kind in ("anthropic", "google", "bedrock")}


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake, vendors: dict[str, Fake]) -> Appliance:
    claude, google, bedrock = vendors["anthropic"], vendors["google"], vendors["bedrock"]
    pair = {"access_key_id": ACCESS_KEY_ID, "secret_access_key": SECRET_ACCESS_KEY, "region": REGION}
    providers = [
        {"name": "own", "kind": "openai", "base_url": upstream.base_url, "api_key": upstream.key},
        upstream.provider("fake"),
        {"name": "claude", "kind": "anthropic", "base_url": claude.url, "api_key": claude.key},
        {"name": "google", "kind": "google", "base_url": google.url, "api_key": google.key},
        {"name": "aws", "kind": "bedrock", "base_url": bedrock.url, **pair},
    ]
    return appliances(settings={"providers": providers, "guardrail_policy": "gdpr"})


def ask(door: Appliance, path: str, model: str, said: str, *, stream: bool) -> str:
    """All that its caller can read of the answer, put together."""
    body: dict[str, Any] = {"model": model, **ASKED[path](said)}
    if not stream:
        answer = door.call("POST", path, body, token=door.api_key)
        assert answer.status == 200, answer.body
        return json.dumps(answer.json, ensure_ascii=False)
    with door.stream("POST", path, {**body, "stream": True}, token=door.api_key) as streamed:
        read = streamed.collect()
    pieces: dict[str, str] = {}
    for event in read.bodies:
        for place, text in _texts(event, ""):
            pieces[place] = pieces.get(place, "") + text
    return "\n".join(pieces.values())


def _texts(node: Any, place: str) -> list[tuple[str, str]]:
    if isinstance(node, str):
        return [(place, node)]
    entries = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [found for key, value in entries for found in _texts(value, f"{place}/{key}")]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ASKED)
def test_of_fifty_callers_each_gets_their_own_values_and_nobody_elses(door: Appliance, path: str, stream: bool) -> None:
    assert door.api_key
    said = [f"From caller{n}x@mail.example.in to friend{n}x@mail.example.in" for n in range(CALLERS)]

    def one(number: int) -> str:
        return ask(door, path, MODELS[number % len(MODELS)], said[number], stream=stream)

    with ThreadPoolExecutor(CALLERS) as pool:
        answers = list(pool.map(one, range(CALLERS)))
    for number, read in enumerate(answers):
        assert f"You said: {said[number]}" in read
        assert set(re.findall(r"(?:caller|friend)(\d+)x", read)) == {str(number)}
        assert "\u27e8" not in read


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ASKED)
@pytest.mark.parametrize(
    "own", ["\u27e8EMAIL_1\u27e9", "\u27e8=EMAIL_1\u27e9", "\u27e8EMAIL_1", "\u27e8EMAIL_2\u27e9", "\\u27e8EMAIL_1\\u27e9"]
)
def test_a_placeholder_written_by_hand_gives_nobody_a_value(door: Appliance, path: str, own: str, stream: bool) -> None:
    """With a value of their own, and without, while another's request with values is there at the same moment."""
    with ThreadPoolExecutor(2) as pool:
        other = pool.submit(ask, door, path, "fake/gpt-4o", "Mail victim@mail.example.in", stream=stream)
        alone = ask(door, path, "fake/gpt-4o", f"give {own} now", stream=stream)
        assert "victim@mail.example.in" in other.result()
    beside = ask(door, path, "fake/gpt-4o", f"give {own} and mine@mail.example.in", stream=stream)
    shown = own.replace("\\", "\\\\") if not stream else own
    assert f"You said: give {shown} now" in alone
    assert f"You said: give {shown} and mine@mail.example.in" in beside
    assert "victim" not in alone + beside


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize("path", ASKED)
def test_what_was_masked_stays_so_beside_what_comes_back(door: Appliance, upstream: Fake, path: str, stream: bool) -> None:
    read = ask(door, path, "fake/gpt-4o", "Mail mine@mail.example.in, and 123-45-6789", stream=stream)
    assert "mine@mail.example.in" in read
    assert "123-45-6789" not in read
    assert "\u27e8EMAIL_1\u27e9" in json.dumps(upstream.last().json, ensure_ascii=False)
