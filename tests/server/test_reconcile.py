"""The ledger beside a provider's file: what was really used by requests, and a bill that says so, or something else."""

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from tests.calls import Answer, chat
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake
from tests.unit.metering import reconcile_files as files


class Use(msgspec.Struct):
    day: str
    model: str
    tokens_in: int
    tokens_out: int
    cost_micro: int | None

    @property
    def billed(self) -> tuple[str, str, int, int]:
        return self.day, self.model, self.tokens_in, self.tokens_out


class Box(msgspec.Struct):
    """An appliance with a day behind it, and what the provider told of it."""

    door: Appliance
    uses: list[Use]


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance, upstream: Fake) -> Box:
    vendor = {**upstream.provider("vendor"), "kind": "openai"}
    door = appliances(settings={"local_models": False, "providers": [vendor, upstream.provider("other")]})
    uses = [_use(door, model, said) for model, said in (("gpt-4o", "One"), ("gpt-4o", "One two"), ("gpt-4o-mini", "Three"))]
    _use(door, "gpt-4o", "This is on nobody's bill", provider="other")
    embedded = door.call("POST", "/v1/embeddings", {"model": "vendor/text-embedding-3-small", "input": "x"}, token=door.api_key)
    assert embedded.status == 200, embedded
    return Box(door, uses)


def _use(door: Appliance, model: str, said: str, provider: str = "vendor") -> Use:
    """By the provider's own count."""
    answer = door.chat(chat(f"{provider}/{model}", said))
    assert answer.status == 200, answer
    request_id, used = answer.headers["x-request-id"], answer.json["usage"]
    known = door.call("GET", f"/api/v1/admin/requests/{request_id}", token=door.owner_token).json
    cost = known["cost"]["micro"] if known["cost"] is not None else None
    return Use(known["started_at"][:10], model, used["prompt_tokens"], used["completion_tokens"], cost)


def reconcile(door: Appliance, data: bytes, *query: tuple[str, str], token: str | None = None) -> Answer:
    headers = {"Content-Type": "text/csv"}
    path = f"/api/v1/admin/usage/reconcile?{urlencode(query)}"
    return door.call("POST", path, data, token=token or door.owner_token, headers=headers)


def test_a_bill_of_what_was_used_matches_by_the_snapshots_that_answered(box: Box) -> None:
    rows = [(day, f"{model}-2024-08-06", ins, outs) for day, model, ins, outs in (use.billed for use in box.uses)]
    answer = reconcile(box.door, files.openai_usage(*rows), ("tolerance_percent", "0"))
    assert answer.status == 200, answer
    told = answer.json
    assert (told["is_matched"], told["vendor"], told["providers"], told["rows"]) == (True, "openai", ["vendor"], 3)
    assert told["counts"] | {"matched": 0} == dict.fromkeys(told["counts"], 0), (
        "and nothing of the other provider, nor embeddings"
    )
    assert {one["model"] for one in told["items"]} == {"gpt-4o", "gpt-4o-mini"}
    assert told["totals"]["tokens_in"]["in_ledger"] == sum(use.tokens_in for use in box.uses)
    first = told["items"][0]
    assert (first["names_in_file"], first["names_in_ledger"], first["cost_micro"]["in_file"]) == (
        ["gpt-4o-2024-08-06"],
        ["gpt-4o"],
        None,
    )


def test_drift_and_what_is_missing_are_told_by_model(box: Box) -> None:
    rows = [use.billed for use in box.uses if use.model == "gpt-4o"]
    day, model, ins, outs = rows[0]
    rows[0] = (day, model, ins + 500, outs)
    told = reconcile(box.door, files.openai_usage(*rows, (day, "o3-2025-04-16", 70, 7))).json
    found = {one["model"]: one for one in told["items"] if one["day"] == day}
    assert not told["is_matched"]
    assert (found["gpt-4o"]["state"], found["gpt-4o"]["tokens_in"]["drift"]) == ("drift", 500)
    assert (found["gpt-4o-mini"]["state"], found["gpt-4o-mini"]["tokens_in"]["in_file"]) == ("missing_in_file", 0)
    assert (found["o3-2025-04-16"]["state"], found["o3-2025-04-16"]["tokens_in"]["in_ledger"]) == ("missing_in_ledger", 0)


def test_costs_are_compared_in_the_files_currency(box: Box) -> None:
    known = [use for use in box.uses if use.cost_micro is not None]
    rows = [(use.day, f"{use.model}, input", f"{(use.cost_micro or 0) / 1e6:.12f}") for use in known]
    told = reconcile(box.door, files.openai_costs(*rows, (box.uses[0].day, "web search tool calls", "0.25"))).json
    assert (told["currency"], told["other_micro"], told["form"]) == ("USD", 250_000, "costs export")
    for one in told["items"]:
        if one["names_in_file"] and not one["unpriced"]:
            assert (one["state"], one["cost_micro"]["drift"]) == ("matched", 0)
    assert all(one["unpriced"] for one in told["items"] if one["state"] == "not_compared")


def test_another_provider_another_name_and_other_days_are_asked_for(box: Box) -> None:
    day, model, ins, outs = box.uses[0].billed
    other = reconcile(box.door, files.openai_usage((day, model, ins, outs)), ("provider", "other")).json
    assert (other["providers"], other["counts"]["missing_in_ledger"]) == (["other"], 0)
    named = files.openai_usage(*((use.day, use.model.replace("gpt", "chat"), use.tokens_in, use.tokens_out) for use in box.uses))
    pairs = [("model", "chat-4o=gpt-4o"), ("model", "chat-4o-mini=gpt-4o-mini")]
    assert not reconcile(box.door, named).json["is_matched"]
    assert reconcile(box.door, named, *pairs).json["is_matched"]
    before = reconcile(box.door, named, ("from", "2026-01-01"), ("to", "2026-01-02")).json
    assert (before["from"], before["to"], before["items"], before["is_matched"]) == ("2026-01-01", "2026-01-02", [], True)


@pytest.mark.parametrize(
    ("query", "param"),
    [
        (("model", "gpt-4o"), "model"),
        (("model", "=gpt-4o"), "model"),
        (("from", "yesterday"), "from"),
        (("to", "0001-01-01"), "to"),
        (("to", "2020-01-01"), "from"),
        (("from", "2020-01-01"), "from"),
        (("tolerance_percent", "-1"), "tolerance_percent"),
        (("tolerance_percent", "nan"), "tolerance_percent"),
    ],
)
def test_what_makes_no_sense_is_refused(box: Box, query: tuple[str, str], param: str) -> None:
    answer = reconcile(box.door, files.openai_usage(box.uses[0].billed), query)
    assert (answer.status, answer.error["param"]) == (400, param), answer


@pytest.mark.parametrize(
    ("data", "words"),
    [(b"", "empty"), (b"PK\x03\x04", "ZIP"), (b"a,b\n1,2\n", "no export that is known"), (b"\xff\xfea", "UTF-16")],
)
def test_a_file_that_is_none_is_refused_with_what_to_do(box: Box, data: bytes, words: str) -> None:
    answer = reconcile(box.door, data)
    assert (answer.status, answer.error["param"]) == (400, "file")
    assert words in answer.error["message"] and answer.error["fix"]


def test_a_vendor_that_nobody_is_a_provider_of_has_to_be_named(box: Box) -> None:
    answer = reconcile(box.door, files.anthropic_usage((box.uses[0].day, "claude-haiku-4-5", 10, 1)))
    assert (answer.status, answer.error["param"]) == (400, "provider")


def test_a_file_of_many_megabytes_is_taken_and_one_that_is_too_large_is_not(box: Box) -> None:
    day, model, ins, outs = box.uses[0].billed
    row = files.openai_usage((day, model, ins, outs)).split(b"\n")[1] + b"\n"
    head = files.OPENAI_USAGE.encode() + b"\n"
    taken = reconcile(box.door, head + row * (3 * 2**20 // len(row)))
    assert taken.status == 200, taken
    connection = http.client.HTTPConnection("127.0.0.1", box.door.port, timeout=20)
    connection.request(  # what is announced is refused before it is sent
        "POST",
        "/api/v1/admin/usage/reconcile",
        headers={"Authorization": f"Bearer {box.door.owner_token}", "Content-Length": str(17 * 2**20)},
    )
    refused = connection.getresponse()
    assert (refused.status, json.loads(refused.read())["error"]["code"]) == (413, "body_too_large")
    connection.close()


@pytest.mark.parametrize("runs", [True, False])
def test_the_command_ends_with_what_a_script_asks_for(
    appliance: MakeAppliance, upstream: Fake, tmp_path: Path, runs: bool
) -> None:
    vendor = {**upstream.provider("vendor"), "kind": "openai"}
    door = appliance(settings={"local_models": False, "providers": [vendor]})
    use = _use(door, "gpt-4o", "One")
    if not runs:
        door.stop()
    file = tmp_path / "usage.csv"

    def run(data: bytes, *arguments: str) -> tuple[int, Any, str]:
        file.write_bytes(data)
        done = door.command("usage", "reconcile", str(file), *arguments)
        return done.returncode, done.stdout, done.stderr

    status, out, err = run(files.openai_usage(use.billed))
    assert (status, out) == (0, "")
    assert "1 matched" in err
    assert run(files.openai_usage(use.billed), "--all")[1].split("\t")[:2] == [use.day, "matched"]
    more = files.openai_usage((use.day, use.model, use.tokens_in + 1000, use.tokens_out))
    status, out, err = run(more)
    assert (status, out.split("\t")[:3]) == (1, [use.day, "drift", f"{use.tokens_in:,} +1,000"])
    status, out, _ = run(more, "--json", "--from", use.day)
    assert (status, json.loads(out)["items"][0]["tokens_in"]["drift"]) == (1, 1000)
    status, out, err = run(b"PK\x03\x04")
    assert (status, out) == (2, "")
    assert "ZIP archive" in err and "Fix: " in err
    assert run(more, "--model", "gpt-4o")[0] == 2
    assert run(more, "--tolerance", "101")[0] == 2
