"""Every way through the gateway that carries content, before every kind of provider: what is sent, and what comes back.

Generated from the server's own routes: one that carries content and has no probe here fails, and so does one that says that it
carries none and isn't listed with a reason.
"""

import json
from collections.abc import Callable, Iterator
from typing import Any, cast

import msgspec
import pytest
from litestar.handlers import HTTPRouteHandler

from appliance.api.anthropic import AnthropicRoutes
from appliance.api.files import FilesRoutes
from appliance.api.files_page import FilesPageRoutes
from appliance.api.openai import OpenAIRoutes
from appliance.api.raw import RawRoute
from appliance.api.responses import ResponsesRoutes
from appliance.api.uploaded import UploadedRoutes
from appliance.api.web import _ROOMS
from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes import canned_answers
from tests.fakes.bedrock_wire import BEARER_KEY, REGION
from tests.running import Appliance, Fake
from tests.server import guardrail_requests as requests

EMAIL, SSN = "leak-PLACE@mail.example.in", "123-45-6789"
SECRET = "AKIAQ3EGUZ7XK4WLMN2P"
MODELS = ("m", "amazon.titan-embed-text-v2:0")


class Probe(msgspec.Struct, frozen=True):
    """`body`: a request with a text in each place. `wires`: what answers it, by kind of provider; `passing`: those that speak
    the caller's own format, and get its fields untouched."""

    body: Callable[..., dict[str, Any]]
    wires: dict[str, str]
    passing: frozenset[str]
    streams: bool = True


OPENAI_KINDS = frozenset({"openai", "openai-compatible", "azure", "vllm"})
_CHAT = {**dict.fromkeys(OPENAI_KINDS, "chat"), "anthropic": "messages", "google": "google", "bedrock": "bedrock"}
_EMBEDDINGS = {**dict.fromkeys(OPENAI_KINDS, "embeddings"), "google": "google-embeddings", "bedrock": "bedrock-embeddings"}
PROBES = {
    "/v1/chat/completions": Probe(requests.chat, _CHAT, OPENAI_KINDS),
    "/v1/responses": Probe(
        requests.responses, {**_CHAT, "openai": "responses", "azure": "responses"}, frozenset({"openai", "azure"})
    ),
    "/v1/messages": Probe(requests.messages, _CHAT, frozenset({"anthropic"})),
    "/v1/messages/count_tokens": Probe(requests.count, {"anthropic": "count"}, frozenset({"anthropic"}), streams=False),
    "/v1/embeddings": Probe(requests.embeddings, _EMBEDDINGS, OPENAI_KINDS, streams=False),
}
# Litestar's routes beside the raw ones, and why guardrails have nothing to do there. Administration by its rooms.
NO_CONTENT = {
    "/v1/models": "names of models",
    "/v1/models/{model_id:path}": "names of models",
    "/v1/responses/{response_id:str}": "what was inspected when it was kept (test_guardrail_stored)",
    "/v1/responses/{response_id:str}/input_items": "what was inspected when it was kept (test_guardrail_stored)",
    "/health": "operations",
    "/ready": "operations",
    "/metrics": "operations",
    "/": "documentation",
    "/redoc": "documentation",
    "/openapi.json": "documentation",
    "/favicon.ico": "documentation",
    "/favicon.svg": "documentation",
    "guardrails": "a text to try a policy on: it goes to no model, and its findings are what is asked for",
    "requests": "what the ledger knows: no content",
    "compliance": "counts by type, out of the ledger",
    "usage": "a provider's figures beside the ledger's",
    **dict.fromkeys(
        (
            "api-keys", "auth", "departments", "deployments", "events", "features", "invitations", "jobs", "lan", "machine",
            "models", "overview", "policies", "policy-assignments", "providers", "routes", "service-accounts", "teams", "tenants",
            "users",
        ),
        "administration",
    ),
}  # fmt: skip
# Raw routes that carry no prompts and answers, likewise.
RAW_WITHOUT = {
    "/v1/files/scan": "files that are looked at and go to no model: findings are what is asked for (test_files_scan)",
    "/v1/files/page": "a page of a file, drawn for who sent it: it goes to no model (test_files_page)",
    **dict.fromkeys(
        ("/v1/files", "/v1/files/{file_id:str}", "/v1/files/{file_id:str}/content"),
        "kept for whoever uploaded them, and inspected by each request that names one (test_uploads_in_requests)",
    ),
}
PAGES = ("/me", "/join", "/docs", "/assets", "/invite")


def raw_routes() -> list[RawRoute]:
    nobody = cast(Any, None)
    routes = [*OpenAIRoutes(nobody).table(), *AnthropicRoutes(nobody, nobody).table(), *ResponsesRoutes(nobody, nobody).table()]
    routes += UploadedRoutes(nobody, nobody, nobody, 1).table()
    return [*routes, *FilesRoutes(nobody, nobody, nobody, nobody).table(), *FilesPageRoutes(nobody, nobody).table()]


def ordinary_paths() -> Iterator[str]:
    for room in _ROOMS:
        for handler in room.routes:
            if isinstance(handler, HTTPRouteHandler):
                yield from handler.paths


@pytest.fixture(scope="module")
def vendor(fake: MakeFake) -> Fake:
    return fake("canned")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, vendor: Fake) -> Appliance:
    url, key = vendor.url, "sk-fake-0123456789"
    addresses = {**dict.fromkeys(OPENAI_KINDS, f"{url}/v1"), "azure": url}
    providers: list[dict[str, Any]] = [
        {"name": kind, "kind": kind, "base_url": addresses.get(kind, url), "api_key": key, "models": ["m", "titan-embed"]}
        for kind in (*sorted(OPENAI_KINDS), "anthropic", "google")
    ]
    bedrock = {"name": "bedrock", "kind": "bedrock", "base_url": url, "api_key": BEARER_KEY, "region": REGION}
    providers.append({**bedrock, "models": ["m", "amazon.titan-embed-text-v2:0"]})
    return appliances(settings={"providers": providers, "guardrail_policy": "default"})


def test_every_route_is_in_this_census(door: Appliance) -> None:
    carrying = {path for route in raw_routes() for path in route.paths if route.carries_content}
    assert {path.removeprefix("/api") for path in carrying} == set(PROBES)
    without = {path for route in raw_routes() for path in route.paths if not route.carries_content}
    assert {path.removeprefix("/api") for path in without} == set(RAW_WITHOUT)
    for path in ordinary_paths():
        room = path.removeprefix("/api/v1/admin/").partition("/")[0] if path.startswith("/api/v1/admin/") else ""
        known = (room or path.removeprefix("/api")) in NO_CONTENT or path.startswith(PAGES)
        assert known, f"{path}: does it carry content? Then it needs a probe, else a reason"
    described = set(door.call("GET", "/openapi.json").json["paths"])
    ordinary = {_plain(path) for path in ordinary_paths()}
    known_routes = carrying | {_plain(path) for path in without} | ordinary
    assert described <= known_routes, described - known_routes


def _plain(path: str) -> str:
    for kind in (":str", ":path", ":int", ":uuid"):
        path = path.replace(f"{kind}}}", "}")
    return path


WAYS = [
    pytest.param(path, kind, streamed, id=f"{path.removeprefix('/v1/')}-{kind}-{'streamed' if streamed else 'whole'}")
    for path, probe in PROBES.items()
    for kind in sorted(probe.wires)  # a set: its order is another one in each worker
    for streamed in ((False, True) if probe.streams else (False,))
]


def ask(door: Appliance, path: str, kind: str, streamed: bool, say: Callable[[str], str] = lambda place: "fine") -> Answer:
    probe = PROBES[path]
    model = "amazon.titan-embed-text-v2:0" if probe.wires[kind] == "bedrock-embeddings" else "m"
    body = {"model": f"{kind}/{model}", **probe.body(say, passing=kind in probe.passing)}
    if streamed:
        body["stream"] = True
    return door.call("POST", path, body, token=door.api_key)


def places_of(path: str, kind: str) -> list[str]:
    asked: list[str] = []

    def say(place: str) -> str:
        asked.append(place)
        return f"<{place}>"

    probe = PROBES[path]
    body = json.dumps(probe.body(say, passing=kind in probe.passing))
    return [place for place in dict.fromkeys(asked) if f"<{place}>" in body]


def named(template: str, place: str) -> str:
    return template.replace("PLACE", place.replace(" ", "-"))


@pytest.mark.parametrize(("path", "kind", "streamed"), WAYS)
def test_no_value_that_a_caller_sends_reaches_a_provider(
    door: Appliance, vendor: Fake, path: str, kind: str, streamed: bool
) -> None:
    vendor.set_faults({})
    vendor.forget()
    answer = ask(door, path, kind, streamed, lambda place: f"{named(EMAIL, place)} {SSN}")
    assert answer.status == 200, answer.body
    (seen, *more) = vendor.seen()
    arrived = json.dumps([seen.json, *(one.json for one in more)], ensure_ascii=False) + seen.path + json.dumps(seen.headers)
    assert ", ".join(place for place in places_of(path, kind) if named(EMAIL, place) in arrived) == ""
    assert SSN not in arrived
    assert "[EMAIL] [US_SSN]" in arrived, "the probe itself didn't get through"


@pytest.mark.parametrize(("path", "kind", "streamed"), WAYS)
def test_a_secret_in_any_place_stops_the_request(door: Appliance, vendor: Fake, path: str, kind: str, streamed: bool) -> None:
    vendor.set_faults({})
    vendor.forget()
    passed = []
    for place in places_of(path, kind):
        answer = ask(door, path, kind, streamed, lambda one, secret=place: SECRET if one == secret else "fine")  # type: ignore[misc]
        if answer.status != 400 or b"SECRET_AWS" not in answer.body:
            passed.append(place)
        assert SECRET.encode() not in answer.body
    assert ", ".join(passed) == ""
    assert vendor.seen() == []


@pytest.mark.parametrize(("path", "kind", "streamed"), WAYS)
def test_no_value_that_a_provider_answers_reaches_a_caller(
    door: Appliance, vendor: Fake, path: str, kind: str, streamed: bool
) -> None:
    wire = PROBES[path].wires[kind]
    vendor.set_faults({key: {"*": EMAIL, "*pieces": "4"} for key in MODELS})
    answer = ask(door, path, kind, streamed)
    assert answer.status == 200, answer.body
    shown = written_out(answer, streamed)
    places = canned_answers.places(wire, in_stream=streamed)
    assert ", ".join(place for place in places if named("leak-PLACE", place) in shown) == ""
    if wire not in ("count", "google-embeddings", "bedrock-embeddings"):
        assert "[EMAIL]" in shown


@pytest.mark.parametrize(("path", "kind", "streamed"), WAYS)
def test_a_secret_in_any_place_of_an_answer_is_never_seen(
    door: Appliance, vendor: Fake, path: str, kind: str, streamed: bool
) -> None:
    passed = []
    for place in canned_answers.places(PROBES[path].wires[kind], in_stream=streamed):
        vendor.set_faults({key: {place: f"so {SECRET} it is", "*pieces": "4"} for key in MODELS})
        answer = ask(door, path, kind, streamed)
        if SECRET[:12] in written_out(answer, streamed):
            passed.append(place)
    assert ", ".join(passed) == ""


@pytest.mark.parametrize(("path", "kind", "streamed"), [way for way in WAYS if way.values[0] != "/v1/messages/count_tokens"])
def test_a_providers_error_tells_no_value(door: Appliance, vendor: Fake, path: str, kind: str, streamed: bool) -> None:
    for text in (EMAIL, f"so {SECRET} it is"):
        vendor.set_faults({key: {"*": text, "error": text} for key in MODELS})
        answer = ask(door, path, kind, streamed)
        assert answer.status == 400, answer.body
        assert b"mail.example.in" not in answer.body
        assert SECRET.encode() not in answer.body
    metrics = door.call("GET", "/metrics", token=door.api_key)
    assert b"mail.example.in" not in metrics.body
    assert SECRET.encode() not in metrics.body


def written_out(answer: Answer, streamed: bool) -> str:
    """An answer as it came, and its texts as a client puts them together: those of the same place in all events, one behind the
    other."""
    text = answer.body.decode()
    if not streamed:
        return text
    joined: dict[str, str] = {}
    for line in text.splitlines():
        if line.startswith("data: {"):
            for place, value in leaves(json.loads(line[6:]), ""):
                joined[place] = joined.get(place, "") + value
    return "\n".join([text, *joined.values()])


def leaves(node: Any, place: str) -> Iterator[tuple[str, str]]:
    if isinstance(node, str):
        yield place, node
    elif isinstance(node, dict | list):
        entries = node.items() if isinstance(node, dict) else enumerate(node)
        for key, value in entries:
            yield from leaves(value, f"{place}/{key}")
