"""An OpenAI-compatible provider behind the door: everything passes through untouched, every failure is told truly."""

import http.client
import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from tests.calls import Answer, Collected, chat, exchange, head, parsed, written
from tests.conftest import MakeAppliance, MakeFake
from tests.fakes.certificates import made_certificates
from tests.fakes.openai import FUTURE_ANSWER, FUTURE_EVENTS, embedding
from tests.fakes.openai_faults import SEPARATORS
from tests.fakes.wire import Seen
from tests.pictures import PIXEL
from tests.running import Appliance, Fake, eventually

FIRST_BYTE_SECONDS_MAX = 4.0
BETWEEN_BYTES_SECONDS_MAX = 2.0
HANG_UP_SECONDS_MAX = 0.1


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """Impatient with providers, so that a silent one is met within seconds."""
    return appliances(
        settings={
            "providers": [
                upstream.provider("fake"),
                upstream.provider("lenient", lenient=True),
                {**upstream.provider("early"), "base_url": f"{upstream.url}/early/v1"},
                {"name": "nobody", "base_url": "http://127.0.0.1:9/v1", "models": ["gpt-4o"]},
                {"name": "wrongkey", "base_url": upstream.base_url, "api_key": "sk-wrong-key-1234", "models": ["gpt-4o"]},
            ],
            "first_byte_seconds_max": FIRST_BYTE_SECONDS_MAX,
            "between_bytes_seconds_max": BETWEEN_BYTES_SECONDS_MAX,
            "keepalive_seconds": 1.0,
        }
    )


def streamed(door: Appliance, body: dict[str, object]) -> Collected:
    with door.chat_stream(body) as answer:
        assert answer.status == 200, answer.status
        assert answer.headers["content-type"].startswith("text/event-stream")
        collected: Collected = answer.collect()
        return collected


# Passing through


def test_a_whole_answer_comes_back_byte_for_byte(door: Appliance) -> None:
    answer = door.chat(chat("fake/future"))
    assert answer.status == 200
    assert answer.body == FUTURE_ANSWER
    assert answer.headers["content-type"].startswith("application/json")


def test_a_stream_comes_back_byte_for_byte(door: Appliance) -> None:
    assert streamed(door, chat("fake/future")).raw == b"".join(FUTURE_EVENTS)


def test_fields_nobody_has_heard_of_reach_the_provider_as_they_are(door: Appliance, upstream: Fake) -> None:
    body = {
        "model": "lenient/gpt-4o",
        "messages": [
            {"role": "system", "content": "Be brief.", "x_weight": 0.5},
            {
                "role": "user",
                "name": "ann",
                "content": [
                    {"type": "text", "text": "What is this? 👋 \u2028", "x_part": [1]},
                    {
                        "type": "image_url",
                        "image_url": {"url": PIXEL, "detail": "low", "x_zoom": 2},
                    },
                    {"type": "hologram", "hologram": {"depth": 3}},
                ],
            },
        ],
        "top_k": 40,
        "chat_template_kwargs": {"enable_thinking": False},
        "x_future": {"a": [1, 2.5, None, True, {"b": "c"}], "big": 12345678901234567890},
        "": "an empty name",
    }
    assert door.chat(body).status == 200
    assert upstream.last().json == {**body, "model": "gpt-4o"}


@pytest.mark.parametrize(
    "odd",
    [
        {"top_k": "many"},
        {"min_p": [0.1]},
        {"reasoning_effort": {"level": 3}},
        {"thinking": True},
        {"messages": [{"role": "assistant", "content": "x", "refusal": ["a"], "reasoning_content": {}, "thinking_blocks": 1}]},
        {"messages": [{"role": "assistant", "tool_calls": [{"id": "a", "extra_content": "b", "function": {"name": "f"}}]}]},
    ],
)
def test_fields_that_differ_by_vendor_reach_the_provider_in_whatever_shape(
    door: Appliance, upstream: Fake, odd: dict[str, object]
) -> None:
    body = {**chat("lenient/gpt-4o-mini"), **odd}
    assert door.chat(body).status == 200
    assert upstream.last().json == {**body, "model": "gpt-4o-mini"}


@pytest.mark.parametrize(
    "more",
    [
        {"seed": 7},
        {"stop": ["said"]},
        {"stop": "said"},
        {"temperature": 0},
        {"temperature": 0.7, "top_p": 0.9},
        {"max_tokens": 2},
        {"max_completion_tokens": 2},
        {"n": 2},
        {"logit_bias": {"50256": -100}},
        {"logprobs": True, "top_logprobs": 2},
        {"user": "u-1", "metadata": {"a": "b"}, "store": False},
        {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": {"type": "object"}}}},
        {"presence_penalty": 0.5, "frequency_penalty": -0.5},
        {"reasoning_effort": "low", "verbosity": "low", "service_tier": "flex"},
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_known_field_reaches_the_provider_as_it_is(
    door: Appliance, upstream: Fake, more: dict[str, object], stream: bool
) -> None:
    body = chat("fake/gpt-4o-mini", **more)
    if stream:
        streamed(door, body)
        assert upstream.last().json == {**body, "model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True}}
    else:
        assert door.chat(body).status == 200
        assert upstream.last().json == {**body, "model": "gpt-4o-mini"}


def test_the_provider_gets_its_own_credential_and_nothing_of_the_callers(door: Appliance, upstream: Fake, api_key: str) -> None:
    headers = {
        "Cookie": "session=1",
        "X-Secret": "canary-header",
        "OpenAI-Organization": "org-caller",
        "User-Agent": "callers-agent",
    }
    assert door.chat(chat("fake/gpt-4o"), headers=headers).status == 200
    seen = upstream.last()
    assert seen.headers["authorization"] == f"Bearer {upstream.key}"
    assert seen.headers["content-type"].startswith("application/json")
    told = json.dumps(seen.headers)
    for secret in (api_key, "session=1", "canary-header"):
        assert secret not in told
    assert seen.headers.get("accept-encoding", "identity") == "identity"


def test_a_body_without_content_type_is_read(door: Appliance, api_key: str) -> None:
    body = json.dumps(chat("fake/gpt-4o")).encode()
    for headers in ({}, {"Content-Type": "application/x-www-form-urlencoded"}, {"Content-Type": "text/plain; charset=latin-1"}):
        assert door.call("POST", "/v1/chat/completions", body, token=api_key, headers=headers).content == "You said: Hello!"


def test_the_api_prefix_is_the_same_door(door: Appliance, api_key: str) -> None:
    answer = door.call("POST", "/api/v1/chat/completions", chat("fake/future"), token=api_key)
    assert answer.body == FUTURE_ANSWER
    vectors = door.call("POST", "/api/v1/embeddings", {"model": "fake/text-embedding-3-small", "input": "x"}, token=api_key)
    assert vectors.status == 200


def test_usage_is_shown_in_a_stream_only_to_a_caller_that_asked(door: Appliance) -> None:
    silent = streamed(door, chat("fake/gpt-4o-mini"))
    assert silent.done
    assert silent.content == "You said: Hello!"
    assert silent.usages == []
    assert all(body["choices"] for body in silent.chunks)
    asked = streamed(door, chat("fake/gpt-4o-mini", stream_options={"include_usage": True}))
    assert asked.done
    assert len(asked.usages) == 1
    assert asked.chunks[-1]["choices"] == []
    assert asked.usages[0]["total_tokens"] == asked.usages[0]["prompt_tokens"] + 3
    refused = streamed(door, chat("fake/gpt-4o-mini", stream_options={"include_usage": False, "include_obfuscation": False}))
    assert refused.usages == []


def test_a_stream_arrives_while_it_is_made_not_at_its_end(door: Appliance) -> None:
    events = streamed(door, chat("fake/words-6-every-100")).events
    assert events[-1].at - events[0].at > 0.4


def test_tools_pass_in_both_directions(door: Appliance) -> None:
    tool = {
        "type": "function",
        "function": {"name": "add", "parameters": {"type": "object", "properties": {"a": {"type": "integer"}}}},
    }
    forced = chat("fake/gpt-4o", tools=[tool], tool_choice={"type": "function", "function": {"name": "add"}})
    choice = door.chat(forced).json["choices"][0]
    assert choice["message"]["tool_calls"][0]["function"] == {"name": "add", "arguments": '{"a": 7}'}
    pieces = [
        call for body in streamed(door, forced).chunks for one in body["choices"] for call in one["delta"].get("tool_calls") or []
    ]
    assert "".join(piece["function"].get("arguments", "") for piece in pieces) == '{"a": 7}'


def test_several_choices_are_all_passed_on(door: Appliance) -> None:
    collected = streamed(door, chat("fake/gpt-4o", n=3))
    finished = [choice["index"] for body in collected.chunks for choice in body["choices"] if choice["finish_reason"]]
    assert sorted(finished) == [0, 1, 2]
    assert collected.done


@pytest.mark.parametrize("encoding", ["float", "base64"])
def test_embeddings_are_handed_on_in_the_encoding_asked_for(door: Appliance, upstream: Fake, api_key: str, encoding: str) -> None:
    body = {"model": "fake/text-embedding-3-small", "input": ["one", "two"], "encoding_format": encoding, "dimensions": 4}
    answer = door.call("POST", "/v1/embeddings", body, token=api_key)
    assert answer.status == 200
    assert upstream.last().json == {**body, "model": "text-embedding-3-small"}
    if encoding == "float":
        assert [row["embedding"] for row in answer.json["data"]] == [embedding("one", 4), embedding("two", 4)]
    else:
        assert all(isinstance(row["embedding"], str) for row in answer.json["data"])


@pytest.mark.parametrize("input_", [[1, 2, 3], [[1, 2], [3]], ""])
def test_embeddings_take_every_kind_of_input(door: Appliance, upstream: Fake, api_key: str, input_: object) -> None:
    body = {"model": "fake/text-embedding-3-small", "input": input_, "user": "u"}
    door.call("POST", "/v1/embeddings", body, token=api_key)
    assert upstream.last().json == {**body, "model": "text-embedding-3-small"}


def test_where_an_answer_came_from_is_told(door: Appliance) -> None:
    answer = door.chat(chat("fake/gpt-4o"))
    assert answer.headers["x-gatehouse-deployment"] == "fake/gpt-4o"
    assert "x-gatehouse-alias" not in answer.headers


# What a provider refuses


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("fault-400", 400, "invalid_value"),
        ("fault-400-context", 400, "context_length_exceeded"),
        ("fault-401", 401, "upstream_unauthorized"),
        ("fault-403", 403, "upstream_forbidden"),
        ("fault-404", 404, "upstream_model_not_found"),
        ("fault-422", 400, "unprocessable"),
        ("fault-429", 429, "upstream_rate_limited"),
        ("fault-429-ms", 429, "upstream_rate_limited"),
        ("fault-429-bare", 429, "upstream_rate_limited"),
        ("fault-429-quota", 429, "upstream_rate_limited"),
        ("fault-500", 502, "upstream_failed"),
        ("fault-502-html", 502, "upstream_failed"),
        ("fault-503", 503, "upstream_overloaded"),
        ("fault-504", 504, "upstream_timeout"),
        ("fault-200-error-body", 502, "upstream_failed"),
        ("fault-200-html", 502, "upstream_failed"),
        ("fault-200-empty", 502, "upstream_failed"),
        ("fault-redirect", 502, "upstream_failed"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_before_the_first_byte_keeps_its_meaning(
    door: Appliance, upstream: Fake, fault: str, status: int, code: str, stream: bool
) -> None:
    answer = door.chat(chat(f"fake/{fault}", stream=stream))
    if stream and fault in ("fault-429-ms", "fault-503"):  # asked again after the time it wanted: the stream shows life first
        assert answer.body.startswith(b":"), answer
        answer = Answer(status, answer.headers, answer.body.rpartition(b"data: ")[2])
    assert answer.status == status, answer
    if stream and fault in ("fault-200-html", "fault-200-empty"):  # no event came, so it may as well be called cut
        assert answer.error["code"] in ("upstream_failed", "upstream_cut")
    else:
        assert answer.error["code"] == code
    assert "sk-fake" not in answer.body.decode(), "the provider's message about our key was passed on"
    assert "/stolen" not in [seen.path for seen in upstream.seen(methods=("GET", "POST"))], "a redirect was followed"


def test_what_the_provider_said_of_the_request_is_passed_on(door: Appliance) -> None:
    error = door.chat(chat("fake/fault-400-context")).error
    assert "128000" in error["message"]
    assert "130001" in error["message"]
    assert error["param"] == "messages"


def test_retry_after_is_kept_and_not_made_up(door: Appliance) -> None:
    assert door.chat(chat("fake/fault-429")).headers["retry-after"] == "7"
    assert door.chat(chat("fake/fault-429", stream=True)).headers["retry-after"] == "7"
    assert door.chat(chat("fake/fault-503")).headers["retry-after"] == "3"
    in_ms = door.chat(chat("fake/fault-429-ms")).headers
    assert in_ms["retry-after-ms"] == "1500"
    assert in_ms["retry-after"] == "2"
    assert "retry-after" not in door.chat(chat("fake/fault-429-bare")).headers


def test_a_wrong_credential_of_ours_does_not_blame_the_callers_key(door: Appliance) -> None:
    error = door.chat(chat("wrongkey/gpt-4o")).error
    assert error["code"] == "upstream_unauthorized"
    assert "sk-wrong" not in json.dumps(error)
    assert "administrator" in error["fix"]


def test_a_provider_that_is_not_there_is_502_and_named(door: Appliance) -> None:
    for stream in (False, True):
        error = door.chat(chat("nobody/gpt-4o", stream=stream)).error
        assert error["code"] == "upstream_failed"
        assert "nobody" in error["message"]
        assert error["fix"]


def test_faults_are_told_on_embeddings_too(door: Appliance, api_key: str) -> None:
    for fault, status in (("fault-429", 429), ("fault-500", 502), ("fault-cut-whole", 502), ("fault-200-error-body", 502)):
        answer = door.call("POST", "/v1/embeddings", {"model": f"fake/{fault}", "input": "x"}, token=api_key)
        assert answer.status == status, answer
        assert answer.error["code"]


# Answers that break


@pytest.mark.parametrize(
    "fault", ["fault-cut-whole", "fault-cut-without-length", "fault-reset", "fault-huge", "fault-200-no-choices"]
)
def test_a_whole_answer_that_is_not_whole_is_502(door: Appliance, fault: str) -> None:
    answer = door.chat(chat(f"fake/{fault}"))
    assert answer.status == 502, answer.body[:300]
    assert answer.error["code"] in ("upstream_cut", "upstream_failed")


@pytest.mark.parametrize("fault", ["fault-cut", "fault-cut-in-an-event", "fault-reset", "fault-ends-early"])
def test_a_stream_that_dies_ends_with_an_error_event_and_no_done(door: Appliance, fault: str) -> None:
    collected = streamed(door, chat(f"fake/{fault}"))
    assert collected.error is not None
    assert collected.error["code"] == "upstream_cut"
    assert collected.error["message"]
    assert collected.error["fix"]
    assert not collected.done
    assert collected.finish is None
    assert collected.content in ("Hello there", "Hello"), "what had come before is passed on, once"


def test_an_error_event_in_the_middle_is_passed_on_as_one(door: Appliance) -> None:
    collected = streamed(door, chat("fake/fault-error-event"))
    assert collected.content == "Hello"
    assert not collected.done
    assert collected.error is not None
    assert "server had an error" in collected.error["message"]
    assert collected.error["code"] == "upstream_failed"


def test_a_stream_that_falls_silent_is_ended(door: Appliance) -> None:
    started = time.monotonic()
    collected = streamed(door, chat("fake/fault-hang-in-the-middle"))
    assert collected.error is not None
    assert collected.error["code"] == "upstream_timeout"
    assert not collected.done
    assert time.monotonic() - started < BETWEEN_BYTES_SECONDS_MAX + 5
    assert door.chat(chat("fake/fault-hang-in-the-middle")).status == 504


def test_a_provider_that_never_answers_is_504(door: Appliance, upstream: Fake) -> None:
    started = time.monotonic()
    answer = door.chat(chat("fake/fault-hang"))
    assert answer.status == 504
    assert answer.error["code"] == "upstream_timeout"
    assert answer.error["fix"]
    assert FIRST_BYTE_SECONDS_MAX - 0.5 < time.monotonic() - started < FIRST_BYTE_SECONDS_MAX + 5
    assert eventually(lambda: upstream.last().hung_up)


def test_a_slow_first_byte_is_waited_for_and_a_waiting_stream_is_kept_alive(door: Appliance) -> None:
    assert door.chat(chat("fake/fault-slow-first-byte")).json["choices"][0]["message"]["content"] == "late"
    collected = streamed(door, chat("fake/fault-slow-first-byte"))
    assert collected.content == "late"
    assert collected.done
    assert collected.comments, "a stream that waits gets a comment each keepalive_seconds"


@pytest.mark.parametrize("kind", ["fault-no-done", "fault-usage-never", "fault-usage-twice", "fault-other-line-ends"])
def test_a_stream_with_odd_habits_is_a_whole_one_all_the_same(door: Appliance, kind: str) -> None:
    collected = streamed(door, chat(f"fake/{kind}"))
    assert collected.content == "Hello there"
    assert collected.finish == "stop"
    assert collected.done
    assert collected.error is None
    assert sum(data == b"[DONE]" for data in collected.datas) == 1


def test_one_byte_at_a_time_makes_the_same_answer(door: Appliance) -> None:
    assert door.chat(chat("fake/fault-drip")).json["choices"][0]["message"]["content"] == "drop by drop"
    collected = streamed(door, chat("fake/fault-drip"))
    assert collected.content == "Grüße, नमस्ते 👋"
    assert collected.done


def test_unicode_line_separators_do_not_cut_an_event_in_two(door: Appliance) -> None:
    assert door.chat(chat("fake/fault-u2028")).json["choices"][0]["message"]["content"] == SEPARATORS
    collected = streamed(door, chat("fake/fault-u2028"))
    assert collected.content == SEPARATORS
    assert collected.done


@pytest.mark.parametrize("stream", [False, True])
def test_stray_bytes_behind_an_answer_never_become_the_next_one(door: Appliance, stream: bool) -> None:
    for _ in range(3):
        if stream:
            collected = streamed(door, chat("fake/fault-stray-bytes"))
            assert collected.content == "Hello"
            assert collected.done
            assert "STRAY" not in str(collected.raw)
        else:
            assert "STRAY" not in door.chat(chat("fake/fault-stray-bytes")).body.decode()
        assert door.chat(chat("fake/gpt-4o")).content == "You said: Hello!"


def test_a_packed_answer_that_unpacks_to_hundreds_of_megabytes_is_refused(door: Appliance) -> None:
    before = psutil.Process(door.pid).memory_info().rss
    for stream in (False, True):
        answer = door.chat(chat("fake/fault-gzip-bomb", stream=stream))
        assert answer.status == 502 or (stream and b'"error"' in answer.body), answer.body[:300]
    assert psutil.Process(door.pid).memory_info().rss - before < 150 * 1024 * 1024


def test_an_event_without_an_end_is_given_up(door: Appliance) -> None:
    answer = door.chat(chat("fake/fault-huge", stream=True))
    assert answer.status == 502 or answer.headers["content-type"].startswith("text/event-stream")
    assert b'"upstream_failed"' in answer.body
    assert b"[DONE]" not in answer.body


def test_a_head_of_the_provider_beyond_reason_is_refused_or_read_but_breaks_nothing(door: Appliance) -> None:
    answer = door.chat(chat("fake/fault-huge-head"))
    assert answer.status in (200, 502)
    assert "x-filler-1" not in answer.headers


# HTTP's odd corners


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("fault-early-hints", "after the hints"),
        ("fault-http-1.0", "from 1996"),
        ("fault-chunks-with-all-their-rights", "in chunks"),
    ],
)
def test_rare_but_legal_http_is_read(door: Appliance, fault: str, said: str) -> None:
    for _ in range(2):
        assert door.chat(chat(f"fake/{fault}")).content == said
    assert door.chat(chat("fake/gpt-4o")).content == "You said: Hello!"


@pytest.mark.parametrize(
    "fault", ["fault-bad-chunk", "fault-two-lengths", "fault-endless-head", "fault-no-http", "fault-no-content"]
)
def test_what_is_no_http_or_no_answer_is_502(door: Appliance, fault: str) -> None:
    for stream in (False, True):
        answer = door.chat(chat(f"fake/{fault}", stream=stream))
        assert answer.status == 502 or (stream and answer.status == 200), answer
        assert b'"upstream_failed"' in answer.body or b'"upstream_cut"' in answer.body, answer
        assert b"[DONE]" not in answer.body
    assert door.chat(chat("fake/gpt-4o")).content == "You said: Hello!"


def test_a_proxy_that_refuses_from_the_head_alone_is_heard(door: Appliance) -> None:
    """It answers and closes while most of the body is still to be sent."""
    answer = door.chat(chat("early/gpt-4o", "x" * 8_000_000))
    assert (answer.status, answer.error["code"]) in ((400, "upstream_bad_request"), (502, "upstream_failed")), answer
    small = door.chat(chat("early/gpt-4o"))
    assert (small.status, small.error["code"]) == (400, "upstream_bad_request"), small


def test_a_connection_that_the_provider_closed_meanwhile_is_not_used_again(door: Appliance) -> None:
    for _ in range(5):
        assert door.chat(chat("fake/fault-closes-unannounced")).status == 200
        time.sleep(0.06)
        assert door.chat(chat("fake/gpt-4o")).status == 200


def test_connections_to_a_provider_are_kept_and_not_piled_up(door: Appliance, upstream: Fake) -> None:
    def connections() -> int:
        return sum(c.raddr != () and c.raddr.port == upstream.port for c in psutil.Process(door.pid).net_connections("tcp"))

    door.chat(chat("fake/gpt-4o"))
    before = connections()
    for _ in range(30):
        door.chat(chat("fake/gpt-4o"))
        door.chat(chat("fake/gpt-4o", stream=True))
    assert connections() <= before + 2


def test_a_provider_over_tls_is_spoken_to_where_its_certificate_is_trusted(
    appliance: MakeAppliance, fake: MakeFake, tmp_path: Path
) -> None:
    certificates = made_certificates(tmp_path, "localhost", "127.0.0.1")
    secure = fake("openai", certificates=certificates)
    table = secure.provider("secure", models=["gpt-4o", "future"])
    hosts = {"secure": "localhost", "by-address": "127.0.0.1", "misnamed": "127.0.0.2"}
    providers = [{**table, "name": name, "base_url": f"https://{host}:{secure.tls_port}/v1"} for name, host in hosts.items()]
    box = appliance(settings={"providers": providers}, env={"SSL_CERT_FILE": str(certificates.authority)})
    for name in ("secure", "by-address"):
        assert box.chat(chat(f"{name}/future")).body == FUTURE_ANSWER
        with box.chat_stream(chat(f"{name}/future")) as answer:
            assert answer.collect().raw == b"".join(FUTURE_EVENTS)
    misnamed = box.chat(chat("misnamed/gpt-4o"))
    assert (misnamed.status, misnamed.error["code"]) == (502, "upstream_failed"), misnamed
    before = len(secure.seen())
    box.stop()
    box.start(env={"SSL_CERT_FILE": "/dev/null"})
    untrusted = box.chat(chat("secure/gpt-4o"))
    assert (untrusted.status, untrusted.error["code"]) == (502, "upstream_failed"), untrusted
    assert "certificate" in untrusted.error["message"].lower() + untrusted.error["fix"].lower()
    assert len(secure.seen()) == before, "the credential was sent to who could not show who they are"


# Hanging up


def fastest(measure: Callable[[], float]) -> float:
    """Of a few: what is asked is that it goes by itself, not that two busy cores are quick every time."""
    return min(measure() for _ in range(4))


def hang_up_seconds(door: Appliance, upstream: Fake, leave: Callable[[], float]) -> float:
    """From the moment that the caller left to the moment that the provider knew."""
    moment = leave()
    seen: Seen = eventually(lambda: seen if (seen := upstream.last()).hung_up else None, 10)
    assert seen.hung_up_at is not None
    return seen.hung_up_at - moment


# The words are some 60 MB: more than all sockets on the way may hold (20 MB on Linux), or the provider would be done by then.
@pytest.mark.parametrize("model", ["fault-endless", "fault-hang", "fault-hang-in-the-middle", "words-300000"])
def test_a_caller_that_leaves_a_stream_ends_the_providers_work_at_once(door: Appliance, upstream: Fake, model: str) -> None:
    def leave() -> float:
        count = len(upstream.seen())
        connection = http.client.HTTPConnection(door.host, door.port, timeout=10)
        body = json.dumps(chat(f"fake/{model}", stream=True))
        connection.request("POST", "/v1/chat/completions", body, {"Authorization": f"Bearer {door.api_key}"})
        eventually(lambda: len(upstream.seen()) > count)
        time.sleep(0.15)
        moment = time.monotonic()
        connection.close()
        return moment

    assert fastest(lambda: hang_up_seconds(door, upstream, leave)) < HANG_UP_SECONDS_MAX


@pytest.mark.parametrize("model", ["fault-hang", "fault-endless"])
def test_a_caller_that_leaves_a_whole_answer_ends_the_providers_work_at_once(door: Appliance, upstream: Fake, model: str) -> None:
    def leave() -> float:
        count = len(upstream.seen())
        connection = door.connect()
        connection.sendall(written("/v1/chat/completions", door.api_key, chat(f"fake/{model}")))
        eventually(lambda: len(upstream.seen()) > count)
        time.sleep(0.1)
        moment = time.monotonic()
        connection.close()
        return moment

    assert fastest(lambda: hang_up_seconds(door, upstream, leave)) < HANG_UP_SECONDS_MAX


def test_a_caller_that_leaves_is_booked_as_cancelled_with_what_was_used(door: Appliance, upstream: Fake) -> None:
    with door.chat_stream(chat("fake/fault-endless")) as answer:
        request_id = answer.headers["x-request-id"].removeprefix("req_")
        events = answer.events()
        for _ in range(5):
            next(events)
    rows = eventually(
        lambda: door.rows(
            "SELECT r.state, a.tokens_out, a.estimated FROM requests r JOIN attempts a ON a.request_id = r.id WHERE r.id = ?",
            bytes.fromhex(request_id),
        )
    )
    assert rows[0]["state"] == 3
    assert rows[0]["tokens_out"] >= 1
    assert rows[0]["estimated"] == 1


def test_callers_that_leave_at_any_moment_leave_no_open_row_behind(door: Appliance) -> None:
    """Hang up in a loop, each time a little later: before the ledger's commit, in the middle of it, after it."""
    request = written("/v1/chat/completions", door.api_key, chat("fake/words-20-every-5", stream=True))
    for step in range(60):
        connection = door.connect()
        connection.sendall(request)
        time.sleep(step * 0.0003)
        connection.close()
    eventually(lambda: door.rows("SELECT count(*) AS n FROM requests WHERE state = 0")[0]["n"] == 0, 10)


def test_what_was_used_is_booked_as_the_provider_told_it(door: Appliance) -> None:
    for model, stream, tokens in (
        ("fault-u2028", False, (5, 2)),
        ("fault-usage-twice", True, (5, 2)),
        ("fault-no-done", True, (5, 2)),
        ("fault-usage-never", True, None),
        ("fault-usage-never", False, None),
    ):
        answer = door.chat(chat(f"fake/{model}", stream=stream))
        rows = door.rows(
            "SELECT r.state, r.status, a.tokens_in, a.tokens_out, a.estimated FROM requests r "
            "JOIN attempts a ON a.request_id = r.id WHERE r.id = ?",
            bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_")),
        )
        (row,) = rows
        assert (row["state"], row["status"], row["estimated"]) == (1, 200, tokens is None)
        if tokens is None:  # not told: what is booked is an estimate, and says so
            assert row["tokens_in"] >= 1
            assert row["tokens_out"] >= 1
        else:
            assert (row["tokens_in"], row["tokens_out"]) == tokens


def test_a_failure_is_booked_as_one(door: Appliance) -> None:
    answer = door.chat(chat("fake/fault-500"))
    row = door.rows(
        "SELECT state, status FROM requests WHERE id = ?", bytes.fromhex(answer.headers["x-request-id"].removeprefix("req_"))
    )[0]
    assert (row["state"], row["status"]) == (4, 502)


def test_a_body_in_chunks_and_one_that_curl_asks_leave_for_are_taken(door: Appliance, tmp_path: Path) -> None:
    body = json.dumps(chat("fake/gpt-4o")).encode()
    pieces = [f"{len(piece):x}\r\n".encode() + piece + b"\r\n" for piece in (body[:7], body[7:20], body[20:])]
    received = door.raw(head("/v1/chat/completions", door.api_key, "Transfer-Encoding: chunked"), *pieces, b"0\r\n\r\n")
    assert parsed(received).content == "You said: Hello!"

    large = tmp_path / "body.json"
    large.write_text(json.dumps(chat("fake/gpt-4o", "x" * 3_000_000, max_tokens=1)))
    command = ["curl", "-sS", f"{door.url}/v1/chat/completions", "-H", f"Authorization: Bearer {door.api_key}", "-d", f"@{large}"]

    def ask() -> float:
        started = time.monotonic()
        done = subprocess.run([*command, "-H", "Expect: 100-continue"], capture_output=True, check=True)
        assert json.loads(done.stdout)["choices"]
        return time.monotonic() - started

    assert fastest(ask) < 0.9, "curl waits a second for the 100 that never came"


def test_one_connection_carries_many_requests(door: Appliance) -> None:
    with door.connect() as connection:
        for stream in (False, True, False):
            body = chat("fake/gpt-4o", f"stream: {stream}", stream=stream)
            received = exchange(connection, [written("/v1/chat/completions", door.api_key, body)])
            assert received.startswith(b"HTTP/1.1 200")


def test_an_appliance_behind_an_appliance_passes_everything_on(door: Appliance, appliance: MakeAppliance, upstream: Fake) -> None:
    front = appliance(settings={"providers": [{"name": "back", "base_url": f"{door.url}/v1", "api_key": door.api_key}]})
    assert front.chat(chat("back/fake/future")).body == FUTURE_ANSWER
    with front.chat_stream(chat("back/fake/future")) as answer:
        assert answer.collect().raw == b"".join(FUTURE_EVENTS)
    limited = front.chat(chat("back/fake/fault-429"))
    assert (limited.status, limited.headers["retry-after"]) == (429, "7")
    with front.chat_stream(chat("back/fake/fault-cut")) as answer:
        cut = answer.collect()
    assert cut.content == "Hello there"
    assert cut.error is not None
    assert not cut.done
    with front.chat_stream(chat("back/fake/fault-endless")) as answer:
        next(answer.events())
    assert eventually(lambda: upstream.last().hung_up), "the hang-up did not reach the far end"


def test_a_reader_that_stalls_does_not_hold_up_others(door: Appliance) -> None:
    with door.connect() as connection:
        connection.sendall(written("/v1/chat/completions", door.api_key, chat("fake/words-100000", stream=True)))
        connection.recv(100)
        for _ in range(5):
            assert door.chat(chat("fake/gpt-4o"), timeout=5).status == 200
