"""Every error a caller can meet: the right status, a code that never changes, and what to do."""

import json
import time
from collections.abc import Iterator

import pytest

from tests.calls import Answer, chat, exchange, head, parsed, written
from tests.conftest import MakeAppliance
from tests.running import Appliance, Fake

CHAT = "/v1/chat/completions"
BODY_SECONDS_MAX = 1.5
IDLE_SECONDS_MAX = 3.0
MIB = 1024 * 1024
FULL = b'{"model": "fake/gpt-4o", "messages": [{"role": "user", "content": "Hello!"}]'  # all but its end


@pytest.fixture(scope="module")
def door(appliances: MakeAppliance, upstream: Fake) -> Appliance:
    """Impatient, so that slowness is met within seconds."""
    return appliances(
        settings={
            "providers": [upstream.provider("fake"), upstream.provider("lenient", lenient=True)],
            "body_seconds_max": BODY_SECONDS_MAX,
            "idle_seconds_max": IDLE_SECONDS_MAX,
        }
    )


def check(answer: Answer, status: int, code: str, param: str | None = None) -> str:
    """An error as it should be; gives its message and fix as one text."""
    error = answer.error
    assert (answer.status, error["code"]) == (status, code), answer
    assert error["fix"], f"no way out is told: {error}"
    assert answer.headers["content-type"].startswith("application/json")
    assert answer.headers["x-request-id"]
    if param is not None:
        assert error["param"] == param, error
    return f"{error['message']} {error['fix']}"


# Who are you?


def test_without_a_key_nothing_is_answered(door: Appliance) -> None:
    for path in (CHAT, f"/api{CHAT}", "/v1/embeddings"):
        check(door.call("POST", path, chat("fake/gpt-4o")), 401, "missing_api_key")
    check(door.call("GET", "/v1/models"), 401, "missing_api_key")


@pytest.mark.parametrize("key", ["", "x", "sk-0000", "Bearer", "' OR 1=1 --", "é" * 20, "a" * 8000, "gh_" + "A" * 40, "null"])
def test_a_key_that_was_never_made_is_refused(door: Appliance, key: str) -> None:
    answer = door.call("POST", CHAT, chat("fake/gpt-4o"), headers={"Authorization": b"Bearer " + key.encode()})
    assert answer.status == 401, answer
    assert answer.error["code"] in ("invalid_api_key", "missing_api_key")
    assert answer.error["fix"]
    assert len(key) < 5 or key not in answer.body.decode(), "an error repeats what may be a secret"


def test_a_key_with_one_letter_changed_is_refused(door: Appliance, api_key: str) -> None:
    for position in (len(api_key) // 2, -1):
        letters = list(api_key)
        letters[position] = "b" if letters[position] != "b" else "c"
        check(door.call("POST", CHAT, chat("fake/gpt-4o"), token="".join(letters)), 401, "invalid_api_key")


def test_an_authorization_of_another_kind_is_refused(door: Appliance, api_key: str) -> None:
    for value in (f"Basic {api_key}", api_key, "Bearer", f"Token {api_key}"):
        assert door.call("POST", CHAT, chat("fake/gpt-4o"), headers={"Authorization": value}).status == 401


def test_a_sign_in_token_is_no_api_key_and_the_other_way_round(door: Appliance, owner: str, api_key: str) -> None:
    assert door.call("POST", CHAT, chat("fake/gpt-4o"), token=owner).status == 401
    assert door.call("GET", "/api/v1/admin/api-keys", token=api_key).status in (401, 403)


# Is that JSON?


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"model": "fake/gpt-4o", "messages": [}', "column 39"),
        (b'{"model": "fake/gpt-4o",\n "messages": oops}', "line 2"),
        (b'{"model": "fake/gpt-4o"', ""),
        (b"{'model': 1}", "column 2"),
        (b'{"temperature": NaN}', "column"),
        (b'{"temperature": Infinity}', "column"),
        (b'{"temperature": -}', "column"),
        (b'{"a": 01}', "column"),
        (b'{"a": "\x00"}', "column"),
        (FULL + b', "a": "\xff\xfe"}', "column"),
        (FULL + b', "user": "\xc0\xaf"}', "column"),
        (FULL.replace(b"Hello", b"H\xe9llo") + b"}", "column"),
        (b"\xef\xbb\xbf{}", "column"),
        (b"\x1f\x8b\x08\x00", "column"),
        (b'{"a": "\\x"}', "column"),
        (FULL + b"} " + FULL + b"}", "column"),
        (FULL + b"},", "column"),
        (b"", "empty"),
        (b"   \n", "empty"),
    ],
)
def test_a_body_that_is_no_json_is_told_where_it_breaks(door: Appliance, api_key: str, body: bytes, where: str) -> None:
    text = check(door.call("POST", CHAT, body, token=api_key), 400, "invalid_json")
    assert where in text


@pytest.mark.parametrize("body", [b"[]", b'"text"', b"7", b"null", b"true"])
def test_json_that_is_no_object_is_refused(door: Appliance, api_key: str, body: bytes) -> None:
    assert "object" in check(door.call("POST", CHAT, body, token=api_key), 400, "invalid_field").lower()


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_ten_thousand_levels_of_nesting_are_refused(door: Appliance, api_key: str, opening: bytes) -> None:
    closing = b"]" if opening == b"[" else b"}"
    deep = opening * 10_000 + b"1" + closing * 10_000
    for body in (deep, b'{"model": "fake/gpt-4o", "messages": [{"role": "user", "content": "x"}], "x": ' + deep + b"}"):
        answer = door.call("POST", CHAT, body, token=api_key)
        assert answer.status == 400
        assert answer.error["code"] in ("invalid_json", "invalid_field", "unsupported_feature")
    assert door.call("GET", "/health").status == 200


@pytest.mark.parametrize("text", [r"\ud800", r"\udfff x", r"x\ud83d"])
def test_a_lone_surrogate_is_refused_or_passed_on_but_never_breaks_anything(door: Appliance, api_key: str, text: str) -> None:
    body = f'{{"model": "lenient/gpt-4o", "messages": [{{"role": "user", "content": "{text}"}}]}}'.encode()
    answer = door.call("POST", CHAT, body, token=api_key)
    assert answer.status in (200, 400), answer
    if answer.status == 400:
        check(answer, 400, "invalid_json")


@pytest.mark.parametrize("number", ["1e999", "-1e999", "1" * 400, "123456789012345678901234567890", "1e-400", "-0", "0.1e1"])
def test_a_number_beyond_all_bounds_is_refused_or_passed_on_as_it_is(
    door: Appliance, upstream: Fake, api_key: str, number: str
) -> None:
    body = f'{{"model": "lenient/gpt-4o", "messages": [{{"role": "user", "content": "x"}}], "x_number": {number}}}'.encode()
    answer = door.call("POST", CHAT, body, token=api_key)
    if answer.status == 200:
        assert upstream.last().json["x_number"] == json.loads(number)
    else:
        assert answer.error["code"] in ("invalid_json", "invalid_field")
        check(answer, 400, answer.error["code"])


def test_of_a_key_that_stands_twice_one_is_taken_by_us_and_the_provider_alike(
    door: Appliance, upstream: Fake, api_key: str
) -> None:
    body = b'{"model": "fake/fault-500", "model": "fake/gpt-4o", "messages": [{"role": "user", "content": "once"}]}'
    answer = door.call("POST", CHAT, body, token=api_key)
    seen = upstream.last()
    assert seen.body.count('"model"') == 1
    assert (answer.status, seen.json["model"]) in ((200, "gpt-4o"), (502, "fault-500"))


# Are the fields right?


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"model": 5}, "model"),
        ({"model": None}, "model"),
        ({"model": ""}, "model"),
        ({"model": "m" * 5000}, "model"),
        ({"messages": "Hello"}, "messages"),
        ({"messages": []}, "messages"),
        ({"messages": [5]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": "x"}, {"role": "emperor", "content": "x"}]}, "messages[1].role"),
        ({"messages": [{"content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 7}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": "x"}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
        ({"stream": "yes"}, "stream"),
        ({"temperature": "hot"}, "temperature"),
        ({"temperature": -1}, "temperature"),
        ({"top_p": 2}, "top_p"),
        ({"max_tokens": "many"}, "max_tokens"),
        ({"max_tokens": -1}, "max_tokens"),
        ({"max_tokens": 1.5}, "max_tokens"),
        ({"n": 0}, "n"),
        ({"stop": 5}, "stop"),
        ({"seed": "x"}, "seed"),
        ({"tools": {}}, "tools"),
        ({"stream_options": {"include_usage": True}}, "stream_options"),
        ({"stream": True, "stream_options": {"include_usage": "x"}}, "stream_options.include_usage"),
    ],
)
def test_a_field_of_the_wrong_type_is_named(door: Appliance, api_key: str, more: dict[str, object], param: str) -> None:
    check(door.call("POST", CHAT, {**chat("fake/gpt-4o"), **more}, token=api_key), 400, "invalid_field", param)


def test_a_missing_field_is_named(door: Appliance, api_key: str) -> None:
    body = chat("fake/gpt-4o")
    for name in ("model", "messages"):
        left = {key: value for key, value in body.items() if key != name}
        check(door.call("POST", CHAT, left, token=api_key), 400, "invalid_field", name)


def test_an_admin_route_names_the_field_too(door: Appliance, owner: str) -> None:
    keys = "/api/v1/admin/api-keys"
    check(door.call("POST", keys, {"name": 5}, token=owner), 400, "invalid_field", "name")
    check(door.call("POST", keys, {"name": "x", "environment": "moon"}, token=owner), 400, "invalid_field", "environment")
    check(door.call("POST", keys, {}, token=owner), 400, "invalid_field", "name")
    assert "column" in check(door.call("POST", keys, b'{"name": }', token=owner), 400, "invalid_json")
    check(door.call("POST", keys, b"", token=owner), 400, "invalid_json")


# Is that offered?


def test_an_unknown_model_is_404_and_what_is_offered_is_told(door: Appliance, api_key: str) -> None:
    text = check(door.call("POST", CHAT, chat("nobody"), token=api_key), 404, "model_not_found", "model")
    assert "fake/gpt-4o" in text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/conversations"),
        ("POST", "/v1/audio/speech"),
        ("GET", "/v1/batches"),
        ("POST", "/v1/images/generations"),
        ("GET", "/v1/assistants/asst_1"),
        ("POST", "/v1/chat/completions/extra"),
        ("POST", "/v1/chat"),
        ("POST", "/api/v1/moderations"),
        ("GET", "/v1/../v1/nothing"),
        ("GET", "/v1/%2e%2e/secrets"),
    ],
)
def test_an_unknown_openai_route_says_that_it_is_not_offered(door: Appliance, api_key: str, method: str, path: str) -> None:
    text = check(door.call(method, path, {} if method == "POST" else None, token=api_key), 404, "route_not_found")
    assert "offer" in text


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/admin/nothing", "/favicon.png", "/.env", "/%00", "/gatehouse.toml"])
def test_any_other_unknown_path_is_404_in_the_same_form(door: Appliance, path: str) -> None:
    answer = door.call("GET", path)
    assert answer.status == 404, answer
    assert answer.error["code"] in ("not_found", "route_not_found")
    assert answer.error["fix"]


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", CHAT, "POST"),
        ("PUT", CHAT, "POST"),
        ("DELETE", f"/api{CHAT}", "POST"),
        ("GET", "/v1/embeddings", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/api/v1/admin/api-keys", "POST"),
        ("GET", "/api/v1/admin/auth/login", "POST"),
        ("POST", "/health", "GET"),
        ("BREW", CHAT, "POST"),
    ],
)
def test_a_wrong_method_is_405_and_the_right_one_is_told(
    door: Appliance, api_key: str, method: str, path: str, allowed: str
) -> None:
    answer = door.call(method, path, {} if method in ("PUT", "POST") else None, token=api_key)
    check(answer, 405, "method_not_allowed")
    assert allowed in [name.strip() for name in answer.headers["allow"].split(",")]


# Too much, too slow


def test_a_body_announced_too_large_is_refused_before_it_is_sent(door: Appliance, api_key: str, owner: str) -> None:
    for path, key in ((CHAT, api_key), ("/v1/embeddings", api_key), ("/api/v1/admin/api-keys", owner)):
        answer = parsed(door.raw(head(path, key, f"Content-Length: {1024 * MIB}"), timeout=10))
        check(answer, 413, "body_too_large")  # had it waited for the body, it were 408


@pytest.mark.parametrize("path", [CHAT, "/api/v1/admin/api-keys"])
def test_a_body_that_grows_too_large_is_refused_without_being_read_to_its_end(
    door: Appliance, api_key: str, owner: str, path: str
) -> None:
    sent = 0
    piece = f"{MIB:x}\r\n".encode() + b" " * MIB + b"\r\n"
    with door.connect() as connection:
        connection.sendall(head(path, api_key if path == CHAT else owner, "Transfer-Encoding: chunked"))

        def pieces() -> Iterator[bytes]:
            nonlocal sent
            for _ in range(200):
                yield piece
                sent += MIB

        answer = parsed(exchange(connection, pieces()))
    check(answer, 413, "body_too_large")
    assert sent < 60 * MIB, f"{sent // MIB} MiB of a body were taken where 16 are the bound"


def test_a_body_just_below_the_bound_is_taken(door: Appliance, upstream: Fake, api_key: str) -> None:
    content = "x" * (16 * MIB - 500)
    answer = door.call("POST", CHAT, chat("fake/gpt-4o", content, max_tokens=1), token=api_key)
    assert answer.status == 200, answer.body[:300]
    upstream.forget()


def test_a_body_that_stops_coming_is_408(door: Appliance, api_key: str) -> None:
    for framing, start in (("Content-Length: 500", b'{"model":'), ("Transfer-Encoding: chunked", b'9\r\n{"model":\r\n')):
        started = time.monotonic()
        answer = parsed(door.raw(head(CHAT, api_key, framing), start, timeout=20))
        check(answer, 408, "request_timeout")
        assert time.monotonic() - started < BODY_SECONDS_MAX + 5


def test_a_body_that_drips_is_408_however_steadily_it_does(door: Appliance, api_key: str) -> None:
    with door.connect(20) as connection:
        connection.sendall(head(CHAT, api_key, "Content-Length: 5000"))
        started = time.monotonic()
        connection.settimeout(0.2)
        received = b""
        while not received and time.monotonic() - started < 15:
            try:
                connection.sendall(b" ")
                received = connection.recv(65536)
            except TimeoutError:
                continue
        check(parsed(received), 408, "request_timeout")


def test_a_slow_body_holds_up_nobody_on_an_admin_route_either(door: Appliance, owner: str) -> None:
    received = door.raw(head("/api/v1/admin/api-keys", owner, "Content-Length: 500"), b'{"name":', timeout=20)
    assert received == b"" or parsed(received).status == 408, received


def test_a_head_that_never_ends_is_let_go(door: Appliance) -> None:
    started = time.monotonic()
    received = door.raw(b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nX-Slow: ", timeout=40)
    assert time.monotonic() - started < 35
    assert received == b"" or parsed(received).status in (400, 408), received


def test_an_idle_connection_is_closed(door: Appliance) -> None:
    with door.connect(timeout=30) as connection:
        first = exchange(connection, [b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"])
        assert parsed(first).status == 200
        started = time.monotonic()
        assert connection.recv(1000) == b"", "something came unasked"
        assert time.monotonic() - started < IDLE_SECONDS_MAX + 10


@pytest.mark.parametrize("size", [100_000, 2_000_000])
def test_a_head_beyond_its_bound_is_refused(door: Appliance, api_key: str, size: int) -> None:
    for line in (f"X-Filler: {'f' * size}", "\r\n".join(f"X-Filler-{number}: {'f' * 900}" for number in range(size // 900))):
        received = door.raw(head(CHAT, api_key, line, "Content-Length: 2"), b"{}", timeout=20)
        assert received == b"" or parsed(received).status == 431, received[:300]
    assert door.call("GET", "/health").status == 200


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",  # TLS to a port that has none
        b"GET /health\r\n\r\n",
        b"NONSENSE\r\n\r\n",
        b"GET /health HTTP/9.9\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: -5\r\n\r\n",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello",
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /health HTTP/1.1\r\nHost : localhost\r\n\r\n",
        b"\r\n" * 1000,
        bytes(range(256)) * 4,
        b"GET /health HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer \x01\x02\r\n\r\n",
    ],
)
def test_what_is_no_http_is_turned_away_and_the_door_stays_open(door: Appliance, data: bytes) -> None:
    with door.connect(20) as connection:
        connection.sendall(data)
        connection.settimeout(2)
        try:
            received = connection.recv(65536)
        except (TimeoutError, ConnectionResetError):
            received = b""
    assert not received.startswith(b"HTTP/1.1 5"), received
    assert door.call("GET", "/health").status == 200


@pytest.mark.parametrize("body", [b"zz\r\n", b"FFFFFFFFFFFFFFFFFF\r\n", b"5\nhello\n0\n\n"])
@pytest.mark.parametrize("path", [CHAT, "/api/v1/admin/auth/login"])
def test_chunks_that_are_none_are_told_as_a_bad_request(door: Appliance, api_key: str, path: str, body: bytes) -> None:
    received = door.raw(head(path, api_key, "Transfer-Encoding: chunked"), body, timeout=20)
    assert parsed(received).status == 400, received
    assert parsed(received).error["code"] == "bad_request"


def test_a_request_hidden_in_anothers_body_is_not_served(door: Appliance, api_key: str) -> None:
    """Length and chunks at once: front and back may read different bodies, so the length must not win."""
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with door.connect(20) as connection:
        connection.sendall(head(CHAT, api_key, "Content-Length: 5", "Transfer-Encoding: chunked") + b"0\r\n\r\n" + hidden)
        connection.settimeout(3)
        received = b""
        try:
            while piece := connection.recv(65536):
                received += piece
        except (TimeoutError, ConnectionResetError):
            pass
    assert b"/smuggled" not in received
    # Read as chunks, what follows is a request of its own by right; what may not happen is a success for the first one.
    assert not received.startswith(b"HTTP/1.1 200")


def test_the_rest_of_a_refused_body_is_never_read_as_a_request(door: Appliance, api_key: str) -> None:
    hidden = b"GET /smuggled HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for request in (
        head(CHAT, api_key, f"Content-Length: {64 * MIB}") + hidden * 3,
        head(CHAT, "gh-nobody", f"Content-Length: {len(hidden) * 3}") + hidden * 3,
        head("/nothing", api_key, f"Content-Length: {len(hidden) * 3}") + hidden * 3,
        head(CHAT, api_key, f"Content-Length: {len(hidden) * 3}", method="PUT") + hidden * 3,
    ):
        with door.connect(20) as connection:
            connection.sendall(request)
            connection.settimeout(1)
            received = b""
            try:
                while piece := connection.recv(65536):
                    received += piece
            except (TimeoutError, ConnectionResetError):
                pass
        assert received.count(b"HTTP/1.1 ") <= 1, received
        assert b"/smuggled" not in received


def test_after_a_refusal_the_connection_serves_the_next_request_or_is_closed(door: Appliance, api_key: str) -> None:
    health = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for key, body in (("gh-nobody", chat("fake/gpt-4o")), (api_key, chat("nobody")), (api_key, {"model": 5})):
        with door.connect(20) as connection:
            refused = parsed(exchange(connection, [written(CHAT, key, body)]))
            assert refused.status in (400, 401, 404)
            after = exchange(connection, [health])
            assert after == b"" or parsed(after).status == 200, after


def test_an_error_of_our_own_does_not_tell_what_is_inside(door: Appliance, api_key: str) -> None:
    for body in (b'{"model": {"$ne": null}}', b'{"model": "x", "messages": {"__class__": 1}}'):
        text = door.call("POST", CHAT, body, token=api_key).body.decode()
        assert "Traceback" not in text
        assert ".py" not in text
        assert "msgspec" not in text


def test_the_request_id_of_the_caller_comes_back_and_one_is_made_where_there_is_none(door: Appliance, api_key: str) -> None:
    given = door.call("POST", CHAT, chat("fake/gpt-4o"), token=api_key, headers={"X-Request-Id": "my-id-7"})
    assert given.headers["x-request-id"] == "my-id-7"
    made = door.call("POST", CHAT, chat("fake/gpt-4o"), token=api_key).headers["x-request-id"]
    assert made.startswith("req_")
    assert len(made) == 36
    for path in ("/health", "/v1/models", "/nothing"):
        assert door.call("GET", path, headers={"X-Request-Id": "my-id-8"}).headers["x-request-id"] == "my-id-8"
    hostile = door.call("POST", CHAT, chat("fake/gpt-4o"), token=api_key, headers={"X-Request-Id": 'x" level="error' + "y" * 500})
    assert "level" not in hostile.headers["x-request-id"]
