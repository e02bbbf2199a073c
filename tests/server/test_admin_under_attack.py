"""The admin API of providers and routes as somebody would break it who may use it, and as somebody who may not."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.running import Appliance, Fake

ADMIN = "/api/v1/admin/"
ROUTE = '[[routes]]\nname = "t"\n[[routes.deployments]]\nprovider = "filed"\nmodel = "m"\n'


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    providers = [upstream.provider("filed", models=["gpt-4o"])]
    return appliances(settings={"providers": providers, "local_models": False, "registration_open": True})


@pytest.fixture(autouse=True)
def empty(door: Appliance) -> None:
    """Every test begins without routes and providers of its own."""
    for path in ("routes", "providers"):
        for row in admin(door, "GET", f"{path}?limit=200").json["items"]:
            assert row.get("source") == "file" or admin(door, "DELETE", f"{path}/{row['id']}").status == 204


def admin(door: Appliance, method: str, path: str, body: Any = None) -> Answer:
    return door.call(method, ADMIN + path, body, token=door.owner_token)


def take_in(door: Appliance, text: str | bytes, query: str = "") -> Answer:
    return admin(door, "POST", f"routes/import{query}", text.encode() if isinstance(text, str) else text)


@contextmanager
def responsive(door: Appliance, seconds: float) -> Iterator[None]:
    """Others are served meanwhile: none of them waits longer than this."""
    stop, waits = Event(), [0.0]

    def look() -> None:
        while not stop.is_set():
            begun = time.monotonic()
            assert door.call("GET", "/health").status == 200
            waits.append(time.monotonic() - begun)
            stop.wait(0.01)

    watcher = Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()
    assert max(waits) < seconds


BOMBS = {
    "a name of dots": "a." * 400_000 + "a = 1",
    "a table of dots": "[" + "a." * 400_000 + "a]",
    "a table of dots with lines": "[" + "a." * 100_000 + "a]\n" + "".join(f"k{number} = 1\n" for number in range(60_000)),
    "quoted names": '"".' * 250_000 + '"" = 1',
    "names with signs in quotes": "'='.\"#\"." * 100_000 + "a = 1",
    "spaced dots": "a . \t" * 150_000 + "a = 1",
    "behind a text over lines": 'a = {b = """\n\'""", ' + "c." * 300_000 + "d = '1'}",
    "behind a quote in a comment": "# it's \"\n" + "a." * 400_000 + "a = 1",
    "unclosed quotes": '"\\"' * 300_000,
    "escapes before a line end": '"' + '\\"' * 300_000 + "\\\n",
    "one word": "a" * 900_000,
    "deep lists": "a = " + "[" * 900_000,
    "deep tables": "a = " + "{a=" * 250_000,
    "tables without end": "[[routes]]\nx = 1\n" * 55_000,
    "unknown tables": "".join(f"k{number} = 1\n" for number in range(90_000)),
    "a number without end": ROUTE + "weight = " + "9" * 900_000,
    "a hexadecimal number without end": ROUTE + "weight = 0x" + "f" * 900_000,
    "a date": ROUTE + "order = 1979-05-27T07:32:00." + "9" * 900_000 + "Z",
    "twice the same key": ROUTE + "weight = 1\nweight = 2",
    "a zero byte": ROUTE + "weight = 1 \x00",
    "not a number": ROUTE + "weight = nan",
    "infinity": ROUTE + "weight = inf",
    "ten thousand routes": "".join(ROUTE.replace('"t"', f'"t{number}"') for number in range(10_000)),
}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("bomb", BOMBS)
def test_a_file_made_to_do_harm_is_refused_soon_and_nobody_waits(door: Appliance, bomb: str) -> None:
    assert len(BOMBS[bomb]) < 1024 * 1024
    with responsive(door, 5):
        begun = time.monotonic()
        answer = take_in(door, BOMBS[bomb])
    assert answer.status == 400, answer.body[:200]
    assert answer.error["message"]
    assert len(answer.body) < 20_000
    assert time.monotonic() - begun < 15
    assert admin(door, "GET", "routes").json["items"] == []


def test_a_name_can_not_pass_for_the_id_of_another(door: Appliance, upstream: Fake) -> None:
    made = admin(door, "POST", "routes", {"name": "mine", "deployments": [{"provider": "filed", "model": "gpt-4o"}]}).json
    acme = admin(door, "POST", "providers", upstream.provider("acme")).json
    route = {"name": made["id"], "deployments": [{"provider": "filed", "model": "other"}]}
    refused = [
        admin(door, "POST", "routes", route),
        admin(door, "PATCH", "routes/mine", {"name": made["id"]}),
        admin(door, "POST", "providers", upstream.provider(acme["id"])),
        admin(door, "PATCH", "providers/acme", {"name": acme["id"]}),
        take_in(door, ROUTE.replace('"t"', f'"{made["id"]}"')),
    ]
    assert [(answer.status, "reads like an id" in answer.error["message"]) for answer in refused] == [(400, True)] * 5
    assert admin(door, "GET", f"routes/{made['id']}").json["name"] == "mine"


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize(
    ("kind", "key", "status", "said"), [("azure", "", 404, "not found"), ("openai", "sk-1", 401, "credential")]
)
def test_a_mistyped_name_is_told_as_such_whatever_its_guessed_provider_says(
    door: Appliance, fake: MakeFake, kind: str, key: str, status: int, said: str, streamed: bool
) -> None:
    """A bare name that nobody knows goes to the one provider without a list of models, whose refusal says too little."""
    form = fake(kind).provider("silent")
    assert admin(door, "POST", "providers", {**form, "api_key": key or form["api_key"]}).status == 201
    body = {"model": "gtp-4o", "messages": [{"role": "user", "content": "x"}], "stream": streamed}
    told = [door.chat(body) for _ in range(3)]  # the last ones by the circuit breaker, where that is open
    assert [answer.status for answer in told] == [status] * 3
    for answer in told:
        message = answer.error["message"]
        for words in (said, "No model is called 'gtp-4o' here", "silent was asked", "Offered: filed/gpt-4o"):
            assert words in message
        assert message.count("No model is called") == 1
    named = door.chat({**body, "model": "silent/gtp-4o"})
    assert (named.status, "No model is called" in named.error["message"]) == (status, False)
