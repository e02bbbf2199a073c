"""A detected value is in no log line, metric, error, row, event or file, whichever way it came: all ways, at debug level, then
everything that was written or told is searched for it, in every form in which programs write texts down."""

import base64
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.conftest import MakeAppliance, MakeFake
from tests.running import Appliance, Fake, eventually

EMAIL, SECRET, SSN = "canary.zq7x@mail.example.in", "AKIAQ3EGUZ7XK4WLMN2P", "514-83-2767"
VALUES = (EMAIL, SECRET, SSN)
PATHS: dict[str, tuple[str, Any]] = {
    "/v1/chat/completions": ("openai-compatible/m", lambda said: {"messages": [{"role": "user", "content": said}], "user": said}),
    "/v1/responses": ("openai/m", lambda said: {"input": said, "instructions": said, "metadata": {"who": said}}),
    "/v1/messages": ("anthropic/m", lambda said: {"messages": [{"role": "user", "content": said}], "max_tokens": 64}),
    "/v1/embeddings": ("openai/m", lambda said: {"input": [said]}),
    "/v1/messages/count_tokens": ("anthropic/m", lambda said: {"messages": [{"role": "user", "content": said}]}),
}
STREAMING = ("/v1/chat/completions", "/v1/responses", "/v1/messages")
ERRORS = ("400", "404", "429", "500", "503")


def forms(value: str) -> dict[str, bytes]:
    """How a text may stand in a file."""
    plain = value.encode()
    found = {
        "plain": plain,
        "utf-16": value.encode("utf-16-le"),
        "hex": plain.hex().encode(),
        "url": quote(value, safe="").encode(),
        "json": json.dumps(value).replace("@", "\\u0040").strip('"').encode(),
    }
    for shift in range(3):  # what surrounds it moves it within base64's groups
        coded = base64.b64encode(b"\0" * shift + plain)
        found[f"base64 {shift}"] = coded[4 if shift else 0 : len(coded) // 4 * 4 - 4]
    return found


def hits(told: bytes) -> list[str]:
    return [f"{value[:6]}… as {form}" for value in VALUES for form, text in forms(value).items() if text in told]


@pytest.mark.parametrize("value", VALUES)
def test_the_search_finds_each_form(value: str) -> None:
    for lead in (b"", b"a", b"ab"):
        assert any("base64" in hit for hit in hits(base64.b64encode(lead + value.encode() + b"tail")))
    assert hits(json.dumps({"a": value}).encode())
    assert hits(f"?q={quote(value)}".encode())


@pytest.fixture(scope="module")
def vendor(fake: MakeFake) -> Fake:
    return fake("canned")


@pytest.fixture(scope="module")
def told() -> dict[str, bytes]:
    """What callers and administrators were told, by what they did."""
    return {}


@pytest.fixture(scope="module")
def box(appliances: MakeAppliance, vendor: Fake) -> Appliance:
    shared = {"api_key": "sk-fake-0123456789", "models": ["m"]}
    providers = [
        {"name": kind, "kind": kind, "base_url": vendor.url if kind == "anthropic" else f"{vendor.url}/v1", **shared}
        for kind in ("openai", "openai-compatible", "anthropic")
    ]
    log = {"log_level": "debug", "log_to": "file"}
    made = appliances(settings={"providers": providers, "guardrail_policy": "default", "body_bytes_max": 60_000, **log})
    assert made.api_key
    return made


def body_of(path: str, said: str, **more: Any) -> dict[str, Any]:
    model, body = PATHS[path]
    return {"model": model, **body(said), **more}


def bodies(path: str) -> Iterator[dict[str, Any]]:
    for said in (f"Mail {EMAIL}, SSN {SSN}", f"the key is {SECRET}"):
        yield body_of(path, said)
        if path in STREAMING:
            yield body_of(path, said, stream=True)


def tell(told: dict[str, bytes], name: str, answer: Any) -> None:
    heads = "\n".join(f"{key}: {value}" for key, value in answer.headers.items()).encode()
    told[name] = told.get(name, b"") + heads + b"\n" + answer.body


def test_requests_masked_and_stopped(box: Appliance, vendor: Fake, told: dict[str, bytes]) -> None:
    vendor.set_faults({})
    for path in PATHS:
        for body in bodies(path):
            tell(told, f"asked {path}", box.call("POST", path, body, token=box.api_key))


def test_answers_that_break_off_hang_or_have_no_reader(box: Appliance, vendor: Fake, told: dict[str, bytes]) -> None:
    for path in STREAMING:
        model, body = PATHS[path]
        asked = {"model": model, **body("Hi"), "stream": True}
        vendor.set_faults({"m": {"content": f"Write to {EMAIL}", "*pieces": "6", "*drops": "le.in"}})
        tell(told, f"broken off {path}", box.call("POST", path, asked, token=box.api_key))
        vendor.set_faults({"m": {"content": f"Write to {EMAIL} {'now ' * 30}", "*pieces": "6", "*hangs": "yes"}})
        late = box.call("POST", path, asked, token=box.api_key, headers={"X-Request-Timeout": "0.5"})
        tell(told, f"too late {path}", late)
        with box.stream("POST", path, asked, token=box.api_key) as answer:
            next(answer.events())
        eventually(lambda: vendor.last().hung_up)


def test_answers_and_errors_of_providers(box: Appliance, vendor: Fake, told: dict[str, bytes]) -> None:
    for text in (f"to {EMAIL} and {SSN}", f"it is {SECRET} ok"):
        for path in PATHS:
            model, body = PATHS[path]
            vendor.set_faults({"m": {"*": text, "*pieces": "3"}})
            for more in ({}, {"stream": True}) if path in STREAMING else ({},):
                asked = {"model": model, **body("Hi"), **more}
                tell(told, f"answered {path}", box.call("POST", path, asked, token=box.api_key))
                for status in ERRORS:
                    vendor.set_faults({"m": {"*": text, "error": text, "status": status}})
                    tell(told, f"{status} of {path}", box.call("POST", path, asked, token=box.api_key))
                vendor.set_faults({"m": {"*": text, "*pieces": "3"}})


def test_requests_that_are_refused(box: Appliance, vendor: Fake, told: dict[str, bytes]) -> None:
    vendor.set_faults({})
    key = box.api_key
    for path in PATHS:
        body = body_of(path, f"{EMAIL} {SECRET} {SSN}")
        odd = [
            json.dumps(body).encode()[:-3],
            json.dumps(body).encode() + b"}",
            b"\xff\xfe" + EMAIL.encode(),
            json.dumps({**body, "model": 7}).encode(),
            json.dumps({**body, EMAIL: SECRET, "max_tokens": EMAIL, "tool_choice": EMAIL, "stop": {EMAIL: SSN}}).encode(),
            json.dumps({**body, "tools": [{"type": EMAIL}], "messages": [{"role": EMAIL}], "input": [{"type": SSN}]}).encode(),
            json.dumps(body_of(path, EMAIL * 3_000)).encode(),
        ]
        for written in odd:
            tell(told, f"odd {path}", box.call("POST", path, written, token=key))
        for value in (EMAIL, SECRET, SSN, f"none:{EMAIL}", f"openai/{SECRET}"):
            tell(told, f"model {path}", box.call("POST", path, {**body, "model": value}, token=key))
            tell(told, f"query {path}", box.call("POST", f"{path}?who={quote(value)}", body_of(path, "Hi"), token=key))
            tell(told, f"key {path}", box.call("POST", path, body_of(path, "Hi"), token=value))
            other = box.call(
                "POST", path, body_of(path, "Hi"), headers={"x-api-key": value, "x-note": value, "user-agent": value}
            )
            tell(told, f"header {path}", other)
            asked = body_of(path, "Hi")
            tell(told, f"continued {path}", box.call("POST", path, {**asked, "previous_response_id": value}, token=key))
            tell(
                told, f"fields {path}", box.call("POST", path, {**asked, "encoding_format": value, "reasoning": value}, token=key)
            )
    for value in (EMAIL, SECRET, SSN):
        for where in (
            "/v1/models/",
            "/v1/responses/",
            "/v1/nowhere/",
            "/",
            "/v1/responses/x/input_items?after=",
            "/v1/models?a=",
        ):
            tell(told, f"GET {where}", box.call("GET", f"{where}{quote(value)}", token=key))
        tell(told, "verb", box.call("PUT", f"/v1/chat/completions?of={quote(value)}", token=key))


def test_administrators_are_told_no_values(box: Appliance, told: dict[str, bytes]) -> None:
    for path in ("requests", "overview", "providers", "routes", "jobs", "deployments", "features"):
        tell(told, f"admin {path}", box.call("GET", f"/api/v1/admin/{path}", token=box.owner_token))
    tell(told, "metrics", box.call("GET", "/metrics", token=box.api_key))
    body = {"text": f"{EMAIL} {SECRET}", "policy": "default"}
    tell(told, "guardrails tried", box.call("POST", "/api/v1/admin/guardrails/test", body, token=box.owner_token))
    with box.stream("GET", "/api/v1/admin/events?since=0", token=box.owner_token, headers={"Last-Event-ID": "1"}) as answer:
        first = next(answer.events())
        told["events"] = first.raw
    doctor = box.command("doctor")
    told["doctor"] = (doctor.stdout + doctor.stderr).encode()


def test_nothing_of_it_stands_anywhere(box: Appliance, told: dict[str, bytes]) -> None:
    found = [f"{hit} in what was told: {name}" for name, text in told.items() for hit in hits(text)]
    running = {str(path): path.read_bytes() for path in files(box.home)}
    box.stop()
    written = {**running, **{f"{path} (stopped)": path.read_bytes() for path in files(box.home)}}
    written["stdout, stderr"] = box.output.encode()
    assert any("gatehouse.log" in name for name in written)
    assert len(told) > 40
    found += [f"{hit} in {name}" for name, text in written.items() for hit in hits(text) + hits(unpacked(text))]
    assert not found, "\n".join(sorted(set(found)))


def files(home: Path) -> list[Path]:
    return [path for path in home.rglob("*") if path.is_file()]


def unpacked(data: bytes) -> bytes:
    try:
        return zlib.decompress(data, 47)
    except zlib.error:
        return b""
