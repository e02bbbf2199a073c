"""The admin API of providers and routes as somebody would break it who may use it, and as somebody who may not."""

import http.client
import json
import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from threading import Event, Thread
from typing import Any

import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.running import PASSWORD, Appliance, Fake, eventually

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


CALLS = [
    *(
        ("GET", path)
        for path in ("providers", "providers/x", "routes", "routes/x", "routes/export", "deployments", "deployments/x")
    ),
    *(("POST", path) for path in ("providers", "providers/test", "providers/x/test", "routes", "routes/explain", "deployments")),
    *(("POST", path) for path in ("routes/import", "routes/import?dry_run=true")),
    *((method, f"{path}/x") for method in ("PATCH", "DELETE") for path in ("providers", "routes", "deployments")),
]


def test_nobody_but_an_administrator_gets_anywhere(door: Appliance) -> None:
    revoked = door.make_key("Revoked")
    assert door.call("DELETE", f"{ADMIN}api-keys/{revoked['id']}", token=door.owner_token).status == 204
    account = {"name": "M", "email": "m@example.com", "password": PASSWORD}
    member = door.call("POST", f"{ADMIN}auth/register", account).json["access_token"]
    for method, path in CALLS:
        tokens = {"": 401, door.api_key: 401, revoked["key"]: 401, "gh-dev-forged": 401, door.owner_token[:-4]: 401, member: 403}
        for token, status in tokens.items():
            answer = door.call(method, ADMIN + path, b"not even read", token=token or None)
            assert answer.status == status, (method, path, answer)
        browser = {"Cookie": f"token={door.owner_token}", "Origin": "https://evil.example", "Content-Type": "text/plain"}
        answer = door.call(method, ADMIN + path, b"{}", headers=browser)
        assert answer.status == 401
        assert not any(name.startswith("access-control") for name in answer.headers)


@pytest.mark.parametrize(
    "field", ["id", "number", "created_at", "updated_at", "source", "used_by", "api_key_end", "tenant_number"]
)
def test_what_the_server_alone_sets_can_not_be_given(door: Appliance, upstream: Fake, field: str) -> None:
    deployment = {"provider": "acme", "model": "m"}
    forms = {
        "providers": upstream.provider("acme"),
        "routes": {"name": "fast", "deployments": [deployment]},
        "deployments": {**deployment, "model": "n", "route": "fast"},
    }
    for path, form in forms.items():
        assert admin(door, "POST", path, {**form, field: "prov_x"}).status == 400
        made = admin(door, "POST", path, form)
        assert made.status == 201
        changed = admin(door, "PATCH", f"{path}/{made.json['id']}", {field: "prov_x"})
        assert (changed.status, "there is no such field" in changed.error["message"]) == (400, True)
        assert admin(door, "GET", f"{path}/{made.json['id']}").json == made.json


def test_changes_at_the_same_time_are_all_kept_or_told_apart(door: Appliance) -> None:
    """Nobody's change is lost, and whoever comes too late is told so, in a proper answer."""
    made = admin(door, "POST", "routes", {"name": "r", "deployments": [{"provider": "filed", "model": "m"}]})
    assert made.status == 201
    with ThreadPoolExecutor(12) as admins:
        rows = [{"route": "r", "provider": "filed", "model": f"m{number}"} for number in range(36)]
        added = list(admins.map(lambda row: admin(door, "POST", "deployments", row), rows))
        assert [answer.json["model"] for answer in added] == [row["model"] for row in rows]
        ids = [answer.json["id"] for answer in added]

        def change(number: int) -> tuple[int, Answer]:
            one = ids[number // 3]
            if number % 3 == 2:
                return number, admin(door, "DELETE", f"deployments/{one}")
            return number, admin(door, "PATCH", f"deployments/{one}", {"weight": number + 2})

        for number, answer in admins.map(change, random.Random(7).sample(range(108), 108)):
            assert answer.status in (200, 204, 404), answer
            if answer.status == 200:  # the one that was meant, not one that has taken its place
                assert (answer.json["model"], answer.json["id"]) == (f"m{number // 3}", ids[number // 3])
        fields = [
            {"retries": 7},
            {"hedge": True},
            {"local_queue_max": 9},
            {"strategy": "cheapest"},
            {"fallback_on_refusal": True},
        ]
        assert {answer.status for answer in admins.map(lambda patch: admin(door, "PATCH", "routes/r", patch), fields)} == {200}
    route = admin(door, "GET", "routes/r").json
    assert {name: route[name] for patch in fields for name in patch} == {key: patch[key] for patch in fields for key in patch}


@pytest.mark.timeout(120)  # five starts
def test_an_import_is_there_as_a_whole_or_not_at_all_whenever_the_server_dies(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"providers": [upstream.provider("filed")], "local_models": False})
    token, chance = door.owner_token, random.Random(20261126)
    told = 0

    def text(round_: int) -> str:
        deployments = ", ".join(f'{{ provider = "filed", model = "m{number}-{round_}" }}' for number in range(40))
        return "".join(f'[[routes]]\nname = "r{number}"\ndeployments = [{deployments}]\n' for number in range(150))

    def import_until_it_dies(first: int) -> None:
        nonlocal told
        with suppress(OSError, http.client.HTTPException, ValueError):
            for round_ in range(first, first + 1_000):
                answer = door.call("POST", f"{ADMIN}routes/import", text(round_).encode(), token=token)
                assert answer.status == 200
                told = round_

    for start in range(1, 5):
        with ThreadPoolExecutor(1) as admins:
            running = admins.submit(import_until_it_dies, start * 10_000)
            eventually(lambda: told // 10_000 == start, 60)  # noqa: B023 -- it is over before the next round
            time.sleep(chance.random())
            door.kill()
        running.result()
        door.start()
        rows = door.rows("SELECT model FROM deployments")
        rounds = {row["model"].partition("-")[2] for row in rows}
        assert (len(rows), len(rounds)) == (150 * 40, 1)
        assert int(rounds.pop()) >= told


def test_no_credential_is_in_whatever_is_given_out_or_written_down(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance(settings={"local_models": False}, env={"ACME_API_KEY": "sk-environment-0123456789"})
    secrets = ["sk-first-canary-0123456789", "sk-second-canary-0123456789", "canarypairsecret0123456789", "AKIACANARY0123456789"]
    with door.stream("GET", f"{ADMIN}events", token=door.owner_token) as stream:
        form = upstream.provider("acme")
        pair = {"access_key_id": secrets[3], "secret_access_key": secrets[2]}
        calls = [
            ("POST", "providers", {**form, "api_key": secrets[0]}),
            ("POST", "providers", {**form, "api_key": secrets[0]}),  # taken
            ("PATCH", "providers/acme", {"api_key": secrets[1], "colour": 1}),
            ("PATCH", "providers/acme", {"api_key": secrets[1]}),
            ("PATCH", "providers/acme", {"base_url": "http://127.0.0.1:9"}),
            ("PATCH", "providers/acme", {"api_key": [secrets[0]]}),
            ("POST", "providers", {"name": "bed", "kind": "bedrock", "region": "us-east-1", **pair}),
            ("POST", "providers", {"name": "env", "kind": "openai", "api_key_env": "ACME_API_KEY"}),
            ("POST", "providers/test", {**form, "api_key": secrets[0], "base_url": "http://127.0.0.1:9"}),
            ("POST", "providers/acme/test", None),
            ("POST", "routes/import", f'[[providers]]\nname = "acme"\nkind = 1\napi_key = "{secrets[0]}"'.encode()),
            ("POST", "routes/import", f'[[providers]]\nname = "acme"\napi_key = "{secrets[0]}'.encode()),
            ("POST", "routes/import", f"[[providers]]\napi_key = {secrets[0]}".encode()),
            *(("GET", path, None) for path in ("providers", "routes/export", "overview", "requests", "features")),
            ("DELETE", "providers/bed", None),
        ]
        bodies = [admin(door, method, path, body).body for method, path, body in calls]
        bodies.append(door.chat({"model": "acme/gpt-4o", "messages": [{"role": "user", "content": "x"}]}).body)
        last = next(event for event in stream.events() if b"bed" in event.raw)
        bodies.append(last.raw)
    bodies.append(json.dumps(door.rows("SELECT * FROM audit"), default=repr).encode())
    door.stop()
    bodies += [path.read_bytes() for path in door.home.rglob("*") if path.is_file()] + [door.output.encode()]
    for secret in [*secrets, "sk-environment-0123456789"]:
        assert [body[:300] for body in bodies if secret.encode() in body] == []
