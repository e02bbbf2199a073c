"""POST /v1/messages as any client may send it: what comes back, and how a failure is told, in Anthropic's form."""

import http.client
import json
import time
from typing import Any

import pytest

from appliance.metering.entries import Dialect, RequestState
from tests.calls import Answer, Collected, head, parsed, written
from tests.conftest import MakeAppliance
from tests.fakes.openai_faults import SEPARATORS
from tests.pictures import PIXEL, PIXEL_PNG
from tests.running import Appliance, Fake, eventually

PATHS = ("/v1/messages", "/api/v1/messages")
COUNT = "/v1/messages/count_tokens"
MIB = 1024 * 1024


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """Quick to show a sign of life, and to give a silent provider up."""
    return appliances(
        settings={
            "providers": [
                upstream.provider("fake"),
                upstream.provider("lenient", lenient=True),
                {"name": "wrongkey", "base_url": upstream.base_url, "api_key": "sk-wrong-key-1234", "models": ["gpt-4o"]},
            ],
            "first_byte_seconds_max": 4.0,
            "keepalive_seconds": 1.0,
        }
    )


def messages(model: str = "fake/gpt-4o", content: Any = "Hello!", **more: Any) -> dict[str, Any]:
    return {"model": model, "max_tokens": 64, "messages": [{"role": "user", "content": content}], **more}


def send(door: Appliance, body: Any, path: str = PATHS[0], **headers: str) -> Answer:
    return door.call("POST", path, body, headers={"x-api-key": door.api_key, **headers})


def streamed(door: Appliance, body: dict[str, Any]) -> Collected:
    with door.stream("POST", PATHS[0], {"stream": True, **body}, headers={"x-api-key": door.api_key}) as answer:
        assert answer.status == 200, answer.status
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["request-id"] == answer.headers["x-request-id"]
        collected: Collected = answer.collect()
        return collected


def text_of(collected: Collected) -> str:
    return "".join(
        body["delta"]["text"] for body in collected.bodies if body["type"] == "content_block_delta" and "text" in body["delta"]
    )


def refused(answer: Answer, status: int, kind: str, code: str) -> str:
    """The message of an error, checked to be in Anthropic's form."""
    assert answer.status == status, answer
    body = answer.json
    assert body["type"] == "error"
    assert body["error"]["type"] == kind
    assert body["error"]["details"] == {"error_code": code}
    assert body["request_id"] == answer.headers["request-id"] == answer.headers["x-request-id"]
    return str(body["error"]["message"])


# Answers


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("headers", [{}, {"anthropic-version": "2023-06-01"}])
def test_a_whole_answer(door: Appliance, path: str, headers: dict[str, str]) -> None:
    answer = send(door, messages(system="Be brief."), path, **headers)
    assert answer.status == 200, answer
    assert answer.headers["x-gatehouse-deployment"] == "fake/gpt-4o"
    assert answer.headers["request-id"] == answer.headers["x-request-id"]
    body = answer.json
    assert body["id"].startswith("msg_")
    assert body["content"] == [{"type": "text", "text": "You said: Hello!"}]
    assert (body["type"], body["role"], body["model"], body["stop_reason"]) == ("message", "assistant", "gpt-4o", "end_turn")
    assert body["usage"]["input_tokens"] > 0
    assert body["usage"]["output_tokens"] == 3


@pytest.mark.parametrize("name", ["Authorization", "x-api-key", "api-key"])
def test_a_key_may_stand_in_any_of_three_headers(door: Appliance, name: str) -> None:
    key = f"Bearer {door.api_key}" if name == "Authorization" else door.api_key
    assert door.call("POST", PATHS[0], messages(), headers={name: key}).status == 200


def test_a_streamed_answer(door: Appliance) -> None:
    collected = streamed(door, messages(content="one two three"))
    kinds = [body["type"] for body in collected.bodies if body["type"] != "content_block_delta"]
    assert kinds == ["message_start", "content_block_start", "content_block_stop", "message_delta", "message_stop"]
    assert text_of(collected) == "You said: one two three"
    assert collected.bodies[-2]["usage"]["output_tokens"] == 5
    assert collected.last_words is not None
    assert collected.last_words["tokens_out"] == 5
    for event in collected.events:
        assert event.raw.startswith(b"event: " + event.json["type"].encode() + b"\ndata: {")


def test_what_is_sent_on_is_openais_and_no_more(door: Appliance, upstream: Fake) -> None:
    body = messages(
        content=[
            {"type": "text", "text": "What is this?", "cache_control": {"type": "ephemeral"}},
            {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL_PNG}},
        ],
        system=[{"type": "text", "text": "Be brief."}],
        stop_sequences=["END"],
        metadata={"user_id": "u-1"},
    )
    assert send(door, body).status == 200
    sent = upstream.last().json
    assert sent.pop("max_completion_tokens" if "max_completion_tokens" in sent else "max_tokens") == 64
    assert sent == {
        "model": "gpt-4o",
        "stop": ["END"],
        "messages": [
            {"role": "system", "content": "Be brief."},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "What is this?"},
                    {"type": "image_url", "image_url": {"url": PIXEL}},
                ],
            },
        ],
    }


def test_a_stream_that_waits_shows_a_ping(door: Appliance) -> None:
    collected = streamed(door, messages("fake/fault-slow-first-byte"))
    assert b'event: ping\ndata: {"type":"ping"}\n\n' in collected.raw
    assert text_of(collected) == "late"
    assert collected.bodies[-1] == {"type": "message_stop"}


def test_separators_of_lines_do_not_cut_an_event_in_two(door: Appliance) -> None:
    assert send(door, messages("fake/fault-u2028")).json["content"][0]["text"] == SEPARATORS
    assert text_of(streamed(door, messages("fake/fault-u2028"))) == SEPARATORS


def test_an_answer_is_booked_like_any_other(door: Appliance) -> None:
    answer = send(door, messages(content="to the books"))
    identity = bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_"))
    rows = door.rows("SELECT dialect, state FROM requests WHERE id = ?", identity)
    assert rows == [{"dialect": Dialect.ANTHROPIC, "state": RequestState.SETTLED}]


# Failures


SLOW = ("fake/fault-503", 529, "overloaded_error")  # asked again, after the time that it wanted
FAILURES = [
    ("fake/fault-400", 400, "invalid_request_error"),
    ("fake/fault-403", 403, "permission_error"),
    ("fake/fault-404", 404, "not_found_error"),
    ("fake/fault-429", 429, "rate_limit_error"),
    ("fake/fault-500", 502, "api_error"),
    SLOW,
    ("fake/fault-504", 504, "timeout_error"),
    ("fake/fault-200-error-body", 502, "api_error"),
    ("wrongkey/gpt-4o", 401, "authentication_error"),
    ("nobody/nothing", 404, "not_found_error"),
]
CUT = ("fake/fault-cut-whole", 502, "api_error")


@pytest.mark.parametrize(
    ("model", "status", "kind", "stream"),
    [(*failure, stream) for failure in FAILURES for stream in (False, True) if failure != SLOW or not stream] + [(*CUT, False)],
)
def test_a_failure_before_the_answer_has_a_status_and_a_type(
    door: Appliance, model: str, status: int, kind: str, stream: bool
) -> None:
    answer = send(door, messages(model, stream=stream))
    assert answer.status == status, answer
    refused(answer, status, kind, answer.json["error"]["details"]["error_code"])


def test_a_stream_that_waits_for_a_second_try_shows_life_and_tells_how_it_ended(door: Appliance) -> None:
    collected = streamed(door, messages(SLOW[0]))
    assert [body["type"] for body in collected.bodies] in (["ping", "error"], ["ping", "ping", "error"])
    assert collected.bodies[-1]["error"]["type"] == SLOW[2]


def test_a_wait_that_the_provider_asks_for_is_handed_on(door: Appliance) -> None:
    assert float(send(door, messages("fake/fault-429")).headers["retry-after"]) > 0


@pytest.mark.parametrize("model", ["fake/fault-cut", "fake/fault-error-event", "fake/fault-ends-early"])
def test_a_failure_in_the_middle_of_a_stream_is_an_event_and_no_stop_follows(door: Appliance, model: str) -> None:
    collected = streamed(door, messages(model))
    last = collected.bodies[-1]
    assert last["type"] == "error"
    assert last["error"]["type"] == "api_error"
    assert last["error"]["message"]
    assert collected.events[-1].raw.startswith(b"event: error\n")
    assert "message_stop" not in [body["type"] for body in collected.bodies]


def test_a_key_that_is_missing_or_wrong(door: Appliance) -> None:
    refused(door.call("POST", PATHS[0], messages()), 401, "authentication_error", "missing_api_key")
    wrong = door.call("POST", PATHS[0], messages(), headers={"x-api-key": "gh-nonsense"})
    refused(wrong, 401, "authentication_error", "invalid_api_key")


@pytest.mark.parametrize("path", [*PATHS, COUNT])
def test_another_method_is_refused(door: Appliance, path: str) -> None:
    answer = door.call("GET", path, headers={"x-api-key": door.api_key})
    refused(answer, 405, "invalid_request_error", "method_not_allowed")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    ("body", "code", "part"),
    [
        (b"", "invalid_json", "empty"),
        (b'{"model" "x"}', "invalid_json", "line 1, column 10"),
        (b"[1]", "invalid_field", "object"),
        (b'{"model":"fake/gpt-4o","messages":[{"role":"user","content":"Hi"}]}', "invalid_field", "max_tokens: Field required"),
        (b'{"model":"fake/gpt-4o","max_tokens":1,"messages":[]}', "invalid_field", "messages"),
        (b'{"model":"\xff"}', "invalid_json", "UTF-8"),
        (b'{"model":"fake/gpt-4o","max_tokens":1,"messages":[{"role":"user","content":"\\ud800"}]}', "invalid_json", ""),
        (b'{"a":' + b"[" * 100_000, "invalid_json", ""),
    ],
)
def test_a_bad_body_says_what_is_wrong_and_what_to_do(door: Appliance, body: bytes, code: str, part: str) -> None:
    message = refused(send(door, body), 400, "invalid_request_error", code)
    assert part in message
    assert message.rstrip(".").count(".") >= 1, "what to do stands behind what was wrong"


def test_three_hundred_tools_are_taken(door: Appliance, upstream: Fake) -> None:
    tools = [{"name": f"tool_{number}", "input_schema": {"type": "object"}} for number in range(300)]
    assert send(door, messages(tools=tools)).status == 200
    assert len(upstream.last().json["tools"]) == 300


@pytest.mark.parametrize(
    ("more", "named"),
    [
        ({"tools": [{"type": "web_search_20250305", "name": "web_search"}]}, "web_search_20250305"),
        ({"context_management": {"edits": []}}, "context_management"),
        ({"messages": [{"role": "user", "content": [{"type": "document", "source": {"type": "url", "url": "x"}}]}]}, "document"),
        ({"messages": [{"role": "user", "content": [{"type": "hologram"}]}]}, "hologram"),
    ],
)
def test_what_the_provider_cannot_do_is_named(door: Appliance, upstream: Fake, more: dict[str, Any], named: str) -> None:
    before = len(upstream.seen())
    answer = send(door, {**messages(), **more})
    assert named in refused(answer, 400, "invalid_request_error", "unsupported_feature")
    assert len(upstream.seen()) == before, "nothing was sent"


def test_a_body_announced_too_large_is_refused_before_it_is_sent(door: Appliance) -> None:
    for path in (PATHS[0], COUNT):
        answer = parsed(door.raw(head(path, door.api_key, f"Content-Length: {1024 * MIB}"), timeout=10))
        refused(answer, 413, "request_too_large", "body_too_large")


def test_a_caller_that_leaves_ends_the_providers_work(door: Appliance, upstream: Fake) -> None:
    count = len(upstream.seen())
    connection = http.client.HTTPConnection(door.host, door.port, timeout=10)
    body = json.dumps(messages("fake/fault-endless", stream=True))
    connection.request("POST", PATHS[0], body, {"x-api-key": door.api_key})
    eventually(lambda: len(upstream.seen()) > count)
    time.sleep(0.15)
    moment = time.monotonic()
    connection.close()
    seen = eventually(lambda: upstream.last() if upstream.last().hung_up else None, 10)
    assert seen.hung_up_at - moment < 1.0


def test_callers_that_leave_at_any_moment_are_settled(door: Appliance) -> None:
    request = written(PATHS[0], door.api_key, messages("fake/words-20-every-5", stream=True))
    for step in range(8):
        with door.connect() as connection:
            connection.sendall(request)
            time.sleep(step * 0.015)
    eventually(lambda: not door.rows("SELECT id FROM requests WHERE state = ?", int(RequestState.OPEN)))


# Counting


@pytest.mark.parametrize("path", [COUNT, "/api/v1/messages/count_tokens"])
def test_tokens_are_estimated_and_said_to_be(door: Appliance, upstream: Fake, path: str) -> None:
    before = len(upstream.seen())
    body = {name: value for name, value in messages(content="x" * 4000).items() if name != "max_tokens"}
    answer = send(door, body, path)
    assert answer.status == 200, answer
    assert 1000 <= answer.json["input_tokens"] < 1050
    assert answer.headers["x-gatehouse-estimated"] == "true"
    assert answer.headers["request-id"]
    assert len(upstream.seen()) == before, "nothing was sent"


def test_counting_for_an_unknown_model_or_without_a_key_is_refused(door: Appliance) -> None:
    refused(send(door, messages("nobody/nothing"), COUNT), 404, "not_found_error", "model_not_found")
    refused(door.call("POST", COUNT, messages()), 401, "authentication_error", "missing_api_key")
    refused(send(door, {"model": "fake/gpt-4o"}, COUNT), 400, "invalid_request_error", "invalid_field")


# Models


def models(door: Appliance, query: str = "", **headers: str) -> Answer:
    sent = {"anthropic-version": "2023-06-01", "x-api-key": door.api_key, **headers}
    return door.call("GET", f"/v1/models{query}", headers=sent)


def test_models_are_listed_in_the_form_of_who_asks(door: Appliance) -> None:
    theirs = eventually(lambda: models(door, "?limit=1000").json if models(door).json["data"] else None)
    ours = door.call("GET", "/v1/models", token=door.api_key).json
    assert ours["object"] == "list"
    assert [card["id"] for card in theirs["data"]] == [card["id"] for card in ours["data"]]
    assert theirs["data"][0] == {
        "id": theirs["first_id"],
        "display_name": theirs["first_id"],
        "created_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ours["data"][0]["created"])),
        "type": "model",
        "lifecycle": "active",
    }
    assert (theirs["has_more"], theirs["last_id"]) == (False, theirs["data"][-1]["id"])


def test_models_come_in_pages(door: Appliance) -> None:
    names = [card["id"] for card in models(door, "?limit=1000").json["data"]]
    first = models(door, "?limit=2").json
    assert ([card["id"] for card in first["data"]], first["has_more"]) == (names[:2], True)
    rest = models(door, f"?limit=1000&after_id={first['last_id']}").json
    assert ([card["id"] for card in rest["data"]], rest["has_more"]) == (names[2:], False)
    back = models(door, f"?limit=1&before_id={names[2]}").json
    assert ([card["id"] for card in back["data"]], back["has_more"]) == (names[1:2], True)
    assert models(door, f"?after_id={names[-1]}").json == {"data": [], "has_more": False, "first_id": None, "last_id": None}


@pytest.mark.parametrize("query", ["?limit=0", "?limit=1001", "?limit=x", "?limit=-1", "?limit=%C2%B2", "?after_id=no"])
def test_a_page_that_makes_no_sense_is_refused(door: Appliance, query: str) -> None:
    refused(models(door, query), 400, "invalid_request_error", "invalid_field")


def test_one_model(door: Appliance) -> None:
    assert models(door, "/fake/gpt-4o").json["id"] == "fake/gpt-4o"
    refused(models(door, "/nobody/nothing"), 404, "not_found_error", "model_not_found")
    refused(models(door, **{"x-api-key": "wrong"}), 401, "authentication_error", "invalid_api_key")
