"""`gatehouse providers` and `gatehouse routes`, with a server that runs and with none."""

import json
import stat
import tomllib
from pathlib import Path

import pytest

from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

ROUTE = """
[[routes]]
name = "fast"
fallbacks = ["slow"]
circuit_breaker = false
timeouts = { first_token_seconds = 5 }
hedge = true

[[routes.deployments]]
provider = "acme"
model = "gpt-4o-mini"
weight = 3
limits = { concurrent = 2 }

[[routes.deployments]]
provider = "local"
model = "gone"

[[routes]]
name = "slow"
deployments = [{ provider = "acme", model = "gpt-4o" }]
"""
HELLO = {"model": "fast", "messages": [{"role": "user", "content": "hello"}]}


@pytest.fixture(params=["a server runs", "no server runs"])
def house(request: pytest.FixtureRequest, appliance: MakeAppliance) -> Appliance:
    return appliance(start=request.param == "a server runs")


def run(house: Appliance, *arguments: str, stdin: str = "", code: int = 0) -> str:
    done = house.command(*arguments, stdin=stdin)
    assert done.returncode == code, done
    return done.stdout if code == 0 else done.stderr


def add(house: Appliance, upstream: Fake, name: str = "acme") -> str:
    options = ("--kind", "openai-compatible", "--url", upstream.base_url, "--key-stdin")
    return run(house, "providers", "add", name, *options, stdin=f"{upstream.key}\n")


def test_from_nothing_to_a_route_and_back(house: Appliance, upstream: Fake, tmp_path: Path) -> None:
    assert "There are no providers yet" in run(house, "providers", "list")
    assert "There are no routes yet" in run(house, "routes", "list")
    assert "acme is added" in add(house, upstream)
    assert "gpt-4o-mini" in run(house, "providers", "test", "acme")

    assert run(house, "routes", "import", "--dry-run", "-", stdin=ROUTE).splitlines() == [
        "route fast would be made",
        "route slow would be made",
    ]
    assert "There are no routes yet" in run(house, "routes", "list")
    assert run(house, "routes", "import", "-", stdin=ROUTE).splitlines() == ["route fast is made", "route slow is made"]
    file = tmp_path / "routes.toml"
    assert "Written to" in run(house, "routes", "export", str(file))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert upstream.key not in file.read_text()
    assert [row["name"] for row in tomllib.loads(file.read_text())["routes"]] == ["fast", "slow"]
    assert "Nothing changes" in run(house, "routes", "import", str(file))

    assert run(house, "routes", "list").splitlines()[0].split("\t")[:3] == ["fast", "weighted", "slow"]
    assert [row["name"] for row in json.loads(run(house, "routes", "list", "--json"))] == ["fast", "slow"]
    shown = house.command("routes", "show", "fast").stdout
    for told in ("falls back to slow", "without a circuit breaker", "first_token_seconds = 5.0", "hedge", "2 concurrent"):
        assert told in shown
    if house.is_running:
        assert "But: local/gone: this machine has no such model" in shown
        assert house.command("routes", "show", "fast").returncode == 1
        assert house.chat(HELLO).status == 200

    assert "routes send requests to it (fast, slow)" in run(house, "providers", "remove", "acme", code=1)
    row = run(house, "providers", "list").split("\t")
    assert row[:5] == ["acme", "openai-compatible", f"…{upstream.key[-4:]}", "database", "2"]


def test_a_provider_goes_with_its_credential(house: Appliance, upstream: Fake) -> None:
    add(house, upstream)
    assert "acme is removed" in run(house, "providers", "remove", "acme")
    assert json.loads(run(house, "providers", "list", "--json")) == []
    assert "there is no such provider" in run(house, "providers", "remove", "acme", code=1)
    assert "there is no such provider" in run(house, "providers", "test", "acme", code=1)


def test_what_is_wrong_is_said_in_plain_words(house: Appliance, upstream: Fake) -> None:
    bad = '[[routes]]\nname = "fast"\ndeployments = [{ provider = "nobody", model = "m" }]\n'
    assert "there is no provider 'nobody'" in run(house, "routes", "import", "-", stdin=bad, code=1)
    assert "line 1 can't be read" in run(house, "routes", "import", "-", stdin="name = ", code=1)
    assert "there is no such route" in run(house, "routes", "show", "fast", code=1)
    assert "No such file" in run(house, "routes", "import", "/nowhere/routes.toml", code=1)
    assert "larger than" in run(house, "routes", "import", "-", stdin="#" * 1_048_577, code=1)
    assert "no credential was given" in run(house, "providers", "add", "openai", "--kind", "openai", code=1)
    refused = run(house, "providers", "add", "local", "--kind", "vllm", "--url", "http://h/v1", code=1)
    assert "belongs to this machine's own models" in refused
    add(house, upstream)
    assert "is there already" in run(
        house, "providers", "add", "acme", "--kind", "openai-compatible", "--url", "http://h/v1", code=1
    )


def test_a_connection_that_fails_says_why_and_ends_with_1(house: Appliance) -> None:
    run(house, "providers", "add", "away", "--kind", "openai-compatible", "--url", "http://127.0.0.1:9/v1")
    assert "could not be reached" in run(house, "providers", "test", "away", code=1)
    tried = json.loads(house.command("providers", "test", "away", "--json").stdout)
    assert (tried["ok"], tried["models"]) == (False, [])


def test_what_was_changed_without_a_server_counts_when_one_starts(appliance: MakeAppliance, upstream: Fake) -> None:
    house = appliance(start=False)
    add(house, upstream)
    run(house, "routes", "import", "-", stdin=ROUTE)
    house.start()
    answer = house.chat(HELLO)
    assert (answer.status, answer.headers["x-gatehouse-deployment"]) == (200, "acme/gpt-4o-mini")
