"""A whole file of providers and routes, in and out of the shipped program."""

import sqlite3
import tomllib
from typing import Any

from tests.conftest import MakeAppliance
from tests.running import Answer, Appliance, Fake

HELLO = [{"role": "user", "content": "hello"}]
IMPORT = "/api/v1/admin/routes/import"


def text(fake: Fake, model: str = "gpt-4o-mini", credential: str = "") -> str:
    return f"""\
[[providers]]
name = "acme"
kind = "openai-compatible"
base_url = "{fake.base_url}"
{credential}

[[routes]]
name = "fast"
strategy = "round-robin"

[[routes.deployments]]
provider = "acme"
model = "{model}"
"""


def take_in(door: Appliance, body: str | bytes, query: str = "", **headers: str) -> Answer:
    data = body.encode() if isinstance(body, str) else body
    sent: dict[str, Any] = {"content-type": "application/toml", **headers}
    return door.call("POST", IMPORT + query, data, token=door.owner_token, headers=sent)


def test_a_file_is_tried_taken_in_given_out_and_taken_in_again(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance()
    whole = text(upstream, credential=f'api_key = "{upstream.key}"')
    tried = take_in(door, whole, "?dry_run=true")
    assert (tried.status, tried.json["dry_run"], tried.json["routes"]["created"]) == (200, True, ["fast"])
    assert door.chat({"model": "fast", "messages": HELLO}).status == 404
    done = take_in(door, whole)
    assert (done.status, done.json["providers"]["created"], done.json["routes"]["created"]) == (200, ["acme"], ["fast"])
    assert door.chat({"model": "fast", "messages": HELLO}).status == 200

    given = door.call("GET", "/api/v1/admin/routes/export", token=door.owner_token)
    assert given.headers["content-type"].startswith("application/toml")
    assert upstream.key not in given.body.decode()
    assert [row["name"] for row in tomllib.loads(given.body.decode())["routes"]] == ["fast"]
    again = take_in(door, given.body)
    assert (again.json["providers"]["unchanged"], again.json["routes"]["unchanged"]) == (["acme"], ["fast"])

    other = take_in(door, text(upstream, "gpt-4o"))  # without the credential: the one that is there stays
    assert (other.json["providers"]["unchanged"], other.json["routes"]["changed"]) == (["acme"], ["fast"])
    assert door.chat({"model": "fast", "messages": HELLO}).headers["x-gatehouse-deployment"] == "acme/gpt-4o"


def test_a_file_with_anything_wrong_changes_nothing_and_says_all_of_it(appliance: MakeAppliance, upstream: Fake) -> None:
    door = appliance()
    bad = text(upstream) + '\n[[routes]]\nname = "slow"\nfallbacks = ["gone"]\n'
    answer = take_in(door, bad)
    assert answer.status == 400
    assert "route slow: deployments: the route has no deployments" in answer.error["message"]
    assert "route slow: fallbacks[0]: there is no route 'gone'" in answer.error["message"]
    assert door.call("GET", "/api/v1/admin/routes", token=door.owner_token).json["items"] == []
    for body, told in (("", "empty"), ("name = ", "line 1 can't be read"), (b"\xff", "no UTF-8")):
        answer = take_in(door, body)
        assert (answer.status, told in answer.error["message"]) == (400, True)
    assert take_in(door, "#" * (1024 * 1024 + 1)).status == 413
    assert door.call("POST", IMPORT, b"x = 1", token=door.api_key).status == 401


def test_routes_that_were_changed_by_hand_start_nothing_and_say_so(appliance: MakeAppliance) -> None:
    door = appliance()
    assert take_in(door, '[[routes]]\nname = "fast"\ndeployments = [{ provider = "local", model = "m" }]').status == 200
    door.stop()
    with sqlite3.connect(door.home / "gatehouse.db") as connection:
        connection.execute("UPDATE deployments SET weight = -1")
    connection.close()
    done = door.command("serve", timeout=30)
    assert (done.returncode, "are not as this program wrote them" in done.stderr) == (2, True)


def test_the_document_of_the_api_says_that_the_body_is_toml(appliance: MakeAppliance) -> None:
    paths = appliance().call("GET", "/openapi.json").json["paths"]
    assert list(paths[IMPORT]["post"]["requestBody"]["content"]) == ["application/toml"]
    assert "application/toml" in paths["/api/v1/admin/routes/export"]["get"]["responses"]["200"]["content"]
