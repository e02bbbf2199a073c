"""Providers that answer with garbage: whoever asked gets an error of their dialect or an answer, soon; nothing odd is booked."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psutil
import pytest

from tests.calls import Answer
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.openai_faults import chunk, error_body, whole_body
from tests.fakes.scripted import chunked, script, streamed, whole
from tests.fakes.wire import gzip_bomb_bytes
from tests.running import Appliance, Fake, eventually

MIB = 1024 * 1024
SECONDS_MAX = 12.0  # a first byte may take 3 s, silence 2 s, and a failure of the moment is tried again
MEMORY_MAX = 200 * MIB
GOOD = whole_body("fine").decode()
PATHS = {"chat": "/v1/chat/completions", "messages": "/v1/messages", "responses": "/v1/responses"}
BROKEN = error_body("It broke.", "server_error").decode()
LIMITED = error_body("Rate limit reached.", "requests", "rate_limit_exceeded").decode()
METADATA = "location: http://169.254.169.254/latest/meta-data/"


@pytest.fixture(scope="module")
def upstream(fake: MakeFake) -> Fake:
    return fake("scripted")


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    settings = {
        "providers": [upstream.provider("bad"), {**upstream.provider("priced"), "kind": "openai"}],
        "first_byte_seconds_max": 3.0,
        "between_bytes_seconds_max": 2.0,
        "answer_bytes_max": 8 * MIB,
        "local_models": False,
    }
    box = appliances(settings=settings)
    assert box.api_key
    return box


@pytest.fixture(autouse=True)
def memory(door: Appliance) -> Iterator[None]:
    before = psutil.Process(door.pid).memory_info().rss
    yield
    assert psutil.Process(door.pid).memory_info().rss - before < MEMORY_MAX


def ask(door: Appliance, surface: str, model: str, *, stream: bool, seconds: float = 30.0) -> Answer:
    body: dict[str, Any] = {"model": model, "stream": stream}
    if surface == "responses":
        body["input"] = "Hello!"
    else:
        body |= {"messages": [{"role": "user", "content": "Hello!"}], "max_tokens": 50}
    headers = {"X-Request-Timeout": f"{seconds}", "x-api-key": door.api_key}
    return door.call("POST", PATHS[surface], body, token=door.api_key, headers=headers)


def failure(surface: str, answer: Answer) -> dict[str, Any] | None:
    """The error that an answer is, or ends with, checked to have its dialect's shape; None where it is a whole answer."""
    if answer.status == 200 and not answer.headers["content-type"].startswith("text/event-stream"):
        assert answer.json.get("choices") or answer.json.get("content") or answer.json.get("output"), answer
        return None
    if answer.status == 200:
        datas = [line.removeprefix(b"data:").strip() for line in answer.body.splitlines() if line.startswith(b"data:")]
        told = [json.loads(data) for data in datas if data != b"[DONE]"]
        ended = told[-1]
        if ended.get("type") == "response.failed":
            ended = {"error": ended["response"]["error"]}
        if "error" not in ended:
            assert b"[DONE]" in answer.body or ended["type"] in ("message_stop", "response.completed"), answer
            return None
        assert b"[DONE]" not in answer.body, answer
        error: dict[str, Any] = ended["error"]
    else:
        error = answer.error if surface != "messages" else answer.json["error"]
        assert surface != "messages" or answer.json["type"] == "error", answer
    assert error["message"], answer
    return error


def rows(door: Appliance) -> list[dict[str, Any]]:
    eventually(lambda: not door.rows("SELECT 1 FROM requests WHERE state = 0"), 10)
    return door.rows("SELECT * FROM attempts")


BODIES = {
    **{
        f"status {status.split()[0]}": script(whole(BROKEN, status, METADATA))
        for status in (
            "206 Partial", "300 Many", "301 Moved", "304 Same", "307 There", "402 Pay", "405 No", "407 Proxy", "410 Gone",
            "418 Teapot", "451 Law", "499 Left", "500 Broken", "599 Odd", "600 Odd", "999 Odd",
        )
    },
    "status 199": script("HTTP/1.1 199 Odd\r\ncontent-length: 0\r\n\r\n", end="hang"),
    "status 101": script("HTTP/1.1 101 Switching\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n", end="hang"),
    "status 204": script("HTTP/1.1 204 None\r\n\r\n"),
    "status 205": script("HTTP/1.1 205 Reset\r\ncontent-length: 0\r\n\r\n"),
    "status 0": script(whole(GOOD, "0 Odd"), end="drop"),
    "status -1": script(whole(GOOD, "-1 Odd"), end="drop"),
    "status 20000": script(whole(GOOD, "20000 Odd"), end="drop"),
    "empty": script(whole("")),
    "empty stream": script(streamed() + "0\r\n\r\n"),
    "html": script(whole("<html>Sign in</html>", "200 OK", "content-type: text/html")),
    "json as events": script(whole(GOOD, "200 OK", "content-type: text/event-stream")),
    "events as json": script(whole((chunk("Hi") + chunk(finish="stop")).decode())),
    "null": script(whole("null")),
    "list": script(whole("[]")),
    "number": script(whole("1e999")),
    "deep": script(whole("[" * 100_000)),
    "choices of numbers": script(whole('{"choices":[1,2,3]}')),
    "not utf-8": script(whole('{"choices":[{"message":{"content":"\xff\xfe"}}]}')),
    "half a surrogate": script(whole(GOOD.replace("fine", "\\ud800"))),
    "a megabyte of head": script(whole(GOOD, "200 OK", *(f"x-{n}: {'h' * 1000}" for n in range(1024)))),
    "one header of a megabyte": script(whole(GOOD, "200 OK", f"x-long: {'h' * MIB}")),
    "a broken chunk": script(streamed(chunk("Hi").decode()) + "-5\r\nhello\r\n", end="drop"),
    "a huge chunk": script(streamed(chunk("Hi").decode()) + "fffffffffffffffff\r\nhello\r\n", end="hang"),
    "too short": script(whole(GOOD).replace("content-length: ", "content-length: 9"), end="drop"),
    "too long": script(whole(GOOD) + "stray bytes"),
    "a length below 0": script("HTTP/1.1 200 OK\r\ncontent-length: -5\r\n\r\n{}", end="drop"),
    "length and chunks": script(whole(GOOD, "200 OK", "transfer-encoding: chunked"), end="drop"),
    "a bomb that is an error": script(
        whole(gzip_bomb_bytes().decode("latin-1"), "500 Broken", "content-encoding: gzip")
    ),
    "an error without an end": script("HTTP/1.1 500 Broken\r\ncontent-length: 5000\r\n\r\n{", end="hang"),
    "an error that drips": script("HTTP/1.1 500 Broken\r\ncontent-length: 5000000\r\n\r\n", again=" ", pause=0.05),
    "an error that floods": script("HTTP/1.1 400 Bad\r\n\r\n", again="x" * 10_000),
    "comments for ever": script(streamed(), again=chunked(": still here\n\n")),
    "empty events for ever": script(streamed(), again=chunked("data: \n\n")),
    "chunks without words for ever": script(streamed(), again=chunked(chunk("").decode())),
    "blank lines for ever": script(streamed(), again=chunked("\n")),
    "a line without an end": script(streamed("data: "), again=chunked("x" * 2_000)),
    "a line of carriage returns": script(streamed("data: "), again=chunked("\r" * 2_000)),
    "a name without an end": script(streamed("event: "), again=chunked("y" * 2_000 + "\n")),
}  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", BODIES)
def test_garbage_becomes_an_error_or_an_answer_soon(door: Appliance, upstream: Fake, name: str, stream: bool) -> None:
    models = {surface: f"{name} {surface} {stream}" for surface in PATHS}  # no deployment finds the circuit of another open
    upstream.set_faults(dict.fromkeys(models.values(), BODIES[name]))
    upstream.forget()

    def asked(surface: str) -> float:
        began = time.monotonic()
        answer = ask(door, surface, f"bad/{models[surface]}", stream=stream, seconds=4)
        took = time.monotonic() - began
        failure(surface, answer)
        return took

    with ThreadPoolExecutor(3) as pool:
        assert max(pool.map(asked, PATHS)) < SECONDS_MAX
    assert {seen.path for seen in upstream.seen(methods=("GET", "POST"))} <= {"/v1/chat/completions", "/v1/models"}
    for row in rows(door):
        assert min(row["tokens_in"], row["tokens_out"], row["cached_in"], row["reasoning_out"], row["cost_micro"] or 0) >= 0


def answered_past(door: Appliance, model: str) -> Answer:
    """By a route that goes there first, and then to one that is sound."""
    deployments = [{"provider": "bad", "model": name, "order": order} for order, name in enumerate((model, "gpt-4o"))]
    body = {"name": f"past-{model}", "deployments": deployments, "retries": 0}
    assert door.call("POST", "/api/v1/admin/routes", body, token=door.owner_token).status == 201
    return ask(door, "chat", f"past-{model}", stream=False, seconds=10)


@pytest.mark.parametrize("name", ["an error without an end", "an error that drips"])
def test_an_error_whose_body_never_ends_is_told_by_its_status_and_asked_elsewhere(
    door: Appliance, upstream: Fake, name: str
) -> None:
    """The body was waited for as long as an answer's may be silent (two minutes), and for ever where it came drop by drop."""
    model = name.replace(" ", "-")
    upstream.set_faults({model: BODIES[name]})
    answer = answered_past(door, model)
    assert answer.headers["x-gatehouse-deployment"] == "bad/gpt-4o", answer


@pytest.mark.parametrize("status", ["402 Payment Required", "405 Not Allowed", "407 Proxy", "410 Gone"])
def test_what_only_an_administrator_can_mend_is_asked_elsewhere(door: Appliance, upstream: Fake, status: str) -> None:
    """DeepSeek and OpenRouter say 402 when the account is empty: callers were told that their request was bad."""
    model = f"says-{status[:3]}"
    upstream.set_faults({model: script(whole(error_body("Insufficient Balance", "unknown_error").decode(), status))})
    told = failure("chat", ask(door, "chat", f"bad/{model}", stream=False))
    assert told is not None
    assert told["code"] in ("upstream_forbidden", "upstream_model_not_found")
    assert answered_past(door, model).headers["x-gatehouse-deployment"] == "bad/gpt-4o"


ODD_COUNTS = [
    {"prompt_tokens": -5, "completion_tokens": -7, "total_tokens": -12},
    {"prompt_tokens": 10**30, "completion_tokens": 2**63, "total_tokens": 1},
    {"prompt_tokens": 1.5, "completion_tokens": "2", "total_tokens": None},
    {"prompt_tokens": None, "completion_tokens": [], "total_tokens": {}},
    {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": 2_000_000_000}},
    {"prompt_tokens": 3, "completion_tokens": 2, "prompt_tokens_details": {"cached_tokens": -9}},
    {"prompt_tokens": 3, "completion_tokens": 2, "completion_tokens_details": {"reasoning_tokens": 10**9}},
    {"prompt_tokens": float("nan"), "completion_tokens": float("inf")},
    [1, 2],
    "many",
]


@pytest.mark.parametrize("usage", ODD_COUNTS, ids=str)
def test_counts_that_cannot_be_are_never_booked_as_they_are(door: Appliance, upstream: Fake, usage: Any) -> None:
    door.call("GET", "/ready")
    body = whole_body("fine", usage=usage).decode()
    events = (chunk("fine"), chunk(finish="stop"), chunk(usage=usage), b"data: [DONE]\n\n")
    for stream in (False, True):
        sent = streamed(*(event.decode() for event in events)) + "0\r\n\r\n" if stream else whole(body)
        upstream.set_faults({"gpt-4o": script(sent)})
        answer = ask(door, "chat", "priced/gpt-4o", stream=stream)
        failure("chat", answer)
        number = bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_"))
        for row in door.rows("SELECT * FROM attempts WHERE request_id = ?", number):
            assert 0 <= row["cached_in"] <= row["tokens_in"] < 2**31, row
            assert 0 <= row["reasoning_out"] <= row["tokens_out"] < 2**31, row
            assert row["cost_micro"] is None or row["cost_micro"] >= 0, row
    eventually(lambda: not door.rows("SELECT 1 FROM requests WHERE state = 0"), 10)


WAITS = [
    "-1", "-0", "1e400", "NaN", "inf", "soon", "9" * 10_000, "1e-400", "", "  ", "0x10", "1_0", "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT", "5, 7", "99999999999", "0",
]  # fmt: skip


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_no_retry_after_is_believed_beyond_reason(door: Appliance, upstream: Fake, name: str, stream: bool) -> None:
    models = {f"{name} {stream} {number}": wait for number, wait in enumerate(WAITS)}
    scripts = {}
    for number, (model, wait) in enumerate(models.items()):
        lines = [f"{name}: {wait}"] + ["retry-after: 1"] * (number % 3)
        scripts[model] = script(whole(LIMITED, "429 Limited" if number % 2 else "503 Busy", *lines))
    upstream.set_faults(scripts)
    for model in models:
        began = time.monotonic()
        answer = ask(door, "chat", f"bad/{model}", stream=stream)
        assert time.monotonic() - began < SECONDS_MAX, answer
        assert failure("chat", answer) is not None
        for header in ("retry-after", "retry-after-ms"):
            if header in answer.headers:
                assert 0 <= int(answer.headers[header]) <= 86_400_000, answer


def test_others_are_served_while_a_line_has_no_end(door: Appliance, upstream: Fake) -> None:
    """Every piece of it was looked at again with each that came: nobody else was answered for seconds."""
    upstream.set_faults({"endless": BODIES["a line without an end"]})
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask, door, "chat", "bad/endless", stream=True, seconds=20)
        slowest = 0.0
        while not asked.done():
            began = time.monotonic()
            assert door.call("GET", "/health").status == 200
            slowest = max(slowest, time.monotonic() - began)
            time.sleep(0.01)
    told = failure("chat", asked.result())
    assert told is not None
    assert told["code"] == "upstream_failed", "given up for its size, before its caller's deadline"
    assert slowest < 3
