"""What goes wrong at a provider, one function a fault, asked for by the model's name.

Each does to the client what has been seen in the wild: see FAULTS for the list.
"""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.wire import Exchange, gzip_bomb_bytes

Answer = Callable[[Exchange, dict[str, Any]], Awaitable[None]]

SLOW_FIRST_BYTE_SECONDS = 2.5
HUGE_BYTES = 70 * 1024 * 1024
SEPARATORS = "line\u2028separator, paragraph\u2029separator, next\u0085line"
EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}


def error_body(message: str, kind: str, code: str | None = None, param: str | None = None) -> bytes:
    return json.dumps({"error": {"message": message, "type": kind, "param": param, "code": code}}).encode()


def chunk(content: str | None = None, finish: str | None = None, **more: Any) -> bytes:
    """One event of a stream, as OpenAI writes it."""
    delta: dict[str, Any] = {} if content is None else {"content": content}
    body = {
        "id": "chatcmpl-fault",
        "object": "chat.completion.chunk",
        "created": 1_795_000_000,
        "model": "fault",
        "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}],
        **more,
    }
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\n\n"


USAGE = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
USAGE_EVENT = b"data: " + json.dumps({"id": "chatcmpl-fault", "choices": [], "usage": USAGE}).encode() + b"\n\n"
DONE = b"data: [DONE]\n\n"


def whole_body(content: str = "Hello there", **more: Any) -> bytes:
    message = {"role": "assistant", "content": content, "refusal": None}
    body = {
        "id": "chatcmpl-fault",
        "object": "chat.completion",
        "created": 1_795_000_000,
        "model": "fault",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": USAGE,
        **more,
    }
    return json.dumps(body, ensure_ascii=False).encode()


async def events(exchange: Exchange, *pieces: bytes, end: bool = True) -> None:
    """A stream that is sent as it should be; `end=False` leaves it open."""
    await exchange.head(200, EVENT_STREAM)
    for piece in pieces:
        await exchange.chunked(piece)
    if end:
        await exchange.chunked_end()


def refuses(status: int, body: bytes, **headers: str) -> Answer:
    """A fault that is an ordinary answer with an error status."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(exchange: Exchange, request: dict[str, Any]) -> None:
        await exchange.whole(status, body, {"x-request-id": "req_upstream_0001", **named})

    return answer


async def slow_first_byte(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.pause(SLOW_FIRST_BYTE_SECONDS)
    if request.get("stream"):
        await events(exchange, chunk("late"), chunk(finish="stop"), USAGE_EVENT, DONE)
    else:
        await exchange.whole(200, whole_body("late"))


async def hang(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.pause(600)


async def hang_in_the_middle(exchange: Exchange, request: dict[str, Any]) -> None:
    if request.get("stream"):
        await events(exchange, chunk("Hello"), end=False)
    else:
        await exchange.head(200, {"content-type": "application/json", "content-length": "500"})
        await exchange.send(whole_body()[:40])
    await exchange.pause(600)


async def cut(exchange: Exchange, request: dict[str, Any]) -> None:
    if not request.get("stream"):
        await cut_whole(exchange, request)
        return
    await events(exchange, chunk("Hello"), chunk(" there"), end=False)
    await exchange.pause(0.1)
    exchange.drop()


async def cut_in_an_event(exchange: Exchange, request: dict[str, Any]) -> None:
    await events(exchange, chunk("Hello"), chunk(" there")[:-30], end=False)
    await exchange.pause(0.1)
    exchange.drop()


async def reset(exchange: Exchange, request: dict[str, Any]) -> None:
    if request.get("stream"):
        await events(exchange, chunk("Hello"), chunk(" there"), end=False)
        await exchange.pause(0.1)
    exchange.reset()


async def ends_early(exchange: Exchange, request: dict[str, Any]) -> None:
    """The sneaky one: the transfer ends as it should, the answer inside it does not."""
    await events(exchange, chunk("Hello"), chunk(" there"))


async def cut_whole(exchange: Exchange, request: dict[str, Any]) -> None:
    body = whole_body()
    await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body) + 100)})
    await exchange.send(body)
    exchange.drop()


async def cut_without_length(exchange: Exchange, request: dict[str, Any]) -> None:
    """The body's end is the connection's end, so only the JSON itself tells that something is missing."""
    await exchange.head(200, {"content-type": "application/json", "connection": "close"})
    await exchange.send(whole_body()[:-20])
    exchange.drop()


async def stray_bytes(exchange: Exchange, request: dict[str, Any]) -> None:
    """Bytes behind the answer on a connection that is kept alive: the next answer must not begin with them."""
    stray = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nSTRAY!!"
    if request.get("stream"):
        await events(exchange, chunk("Hello"), chunk(finish="stop"), DONE, b"data: {rubbish\n\n", end=False)
        await exchange.send(b"0\r\n\r\n" + stray)
    else:  # in one write: what comes later than the next request can't be told from its answer by anybody
        body = whole_body()
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        await exchange.send(body + stray)


async def error_event(exchange: Exchange, request: dict[str, Any]) -> None:
    error = error_body("The server had an error while processing your request. Sorry about that!", "server_error")
    await events(exchange, chunk("Hello"), b"data: " + error + b"\n\n")


async def usage_never(exchange: Exchange, request: dict[str, Any]) -> None:
    if request.get("stream"):
        await events(exchange, chunk("Hello"), chunk(" there"), chunk(finish="stop"), DONE)
    else:
        body = json.loads(whole_body())
        del body["usage"]
        await exchange.whole(200, json.dumps(body).encode())


async def usage_twice(exchange: Exchange, request: dict[str, Any]) -> None:
    """Running totals, as vLLM's continuous_usage_stats: the last one counts, the sum would be wrong."""
    early = {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6}
    await events(exchange, chunk("Hello", usage=early), chunk(" there", finish="stop", usage=USAGE), USAGE_EVENT, DONE)


async def drip(exchange: Exchange, request: dict[str, Any]) -> None:
    """One byte a write: whatever the reader believes about pieces is wrong."""
    if not request.get("stream"):
        body = whole_body("drop by drop")
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        for index in range(len(body)):
            await exchange.send(body[index : index + 1])
            await exchange.pause(0)
        return
    await exchange.head(200, EVENT_STREAM)
    for byte in chunk("Grüße, ") + chunk("नमस्ते 👋") + chunk(finish="stop") + USAGE_EVENT + DONE:
        await exchange.chunked(bytes([byte]))
        await exchange.pause(0)
    await exchange.chunked_end()


async def endless(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.head(
        200, EVENT_STREAM if request.get("stream") else {"content-type": "application/json", "connection": "close"}
    )
    while True:
        if request.get("stream"):
            await exchange.chunked(chunk("on "))
        else:
            await exchange.send(b" ")
        await exchange.pause(0.01)


async def gzip_bomb(exchange: Exchange, request: dict[str, Any]) -> None:
    """Packed although identity was asked for, and three times the bound on answers when unpacked."""
    await exchange.whole(200, gzip_bomb_bytes(), {"content-encoding": "gzip"})


async def huge(exchange: Exchange, request: dict[str, Any]) -> None:
    piece = b"x" * 1024 * 1024
    if request.get("stream"):
        await events(exchange, b'data: {"choices":[{"index":0,"delta":{"content":"', end=False)
        for _ in range(HUGE_BYTES // len(piece)):
            await exchange.chunked(piece)
        await exchange.chunked_end()
        return
    await exchange.head(200, {"content-type": "application/json", "content-length": str(HUGE_BYTES)})
    for _ in range(HUGE_BYTES // len(piece)):
        await exchange.send(piece)


async def no_done(exchange: Exchange, request: dict[str, Any]) -> None:
    await events(exchange, chunk("Hello"), chunk(" there"), chunk(finish="stop"), USAGE_EVENT)


async def u2028(exchange: Exchange, request: dict[str, Any]) -> None:
    if request.get("stream"):
        await events(exchange, chunk(SEPARATORS), chunk(finish="stop"), DONE)
    else:
        await exchange.whole(200, whole_body(SEPARATORS))


async def other_line_ends(exchange: Exchange, request: dict[str, Any]) -> None:
    """Comments, \\r\\n, fields nobody asked for: all of it legal."""
    pieces = (b": PROCESSING\n\n", b"retry: 1000\nid: 1\n" + chunk("Hello"), chunk(" there"), chunk(finish="stop"), DONE)
    await events(exchange, *(piece.replace(b"\n", b"\r\n") for piece in pieces))


async def redirect(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.whole(302, b"", {"location": "/stolen"})


async def huge_head(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.whole(200, whole_body(), {f"x-filler-{number}": "f" * 4000 for number in range(40)})


async def early_hints(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.send(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n")
    await exchange.whole(200, whole_body("after the hints"))


async def http_1_0(exchange: Exchange, request: dict[str, Any]) -> None:
    """An old proxy: no length, no chunks; the end of the connection is the end of the answer."""
    await exchange.send(b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n" + whole_body("from 1996"))
    exchange.drop()


async def chunks_with_all_their_rights(exchange: Exchange, request: dict[str, Any]) -> None:
    """Extensions, odd sizes, a trailer: legal, and rarely seen."""
    body = whole_body("in chunks")
    await exchange.head(200, {"content-type": "application/json", "transfer-encoding": "chunked", "trailer": "x-sum"})
    for piece in (body[:1], body[1:30], body[30:]):
        await exchange.send(f"{len(piece):04X};name=value\r\n".encode() + piece + b"\r\n")
    await exchange.send(b"0\r\nx-sum: 7\r\n\r\n")


async def bad_chunk(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.head(200, EVENT_STREAM if request.get("stream") else {**EVENT_STREAM, "content-type": "application/json"})
    if request.get("stream"):
        await exchange.chunked(chunk("Hello"))
    await exchange.send(b"zz\r\n" + whole_body() + b"\r\n0\r\n\r\n")
    exchange.drop()


async def two_lengths(exchange: Exchange, request: dict[str, Any]) -> None:
    body = whole_body()
    lengths = f"content-length: {len(body)}\r\ncontent-length: {len(body) - 9}\r\n"
    await exchange.send(f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{lengths}\r\n".encode() + body)
    exchange.drop()


async def endless_head(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.send(b"HTTP/1.1 200 OK\r\n")
    for number in range(5_000):
        await exchange.send(f"x-filler-{number}: {'f' * 4000}\r\n".encode())
    await exchange.pause(600)


async def no_http(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n")
    exchange.drop()


async def no_content(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.send(b"HTTP/1.1 204 No Content\r\n\r\n")


async def closes_unannounced(exchange: Exchange, request: dict[str, Any]) -> None:
    """A kept-alive connection that the provider closes a moment later, as after its idle time."""
    await exchange.whole(200, whole_body())
    await exchange.pause(0.02)
    exchange.drop()


async def rubbish(exchange: Exchange, request: dict[str, Any]) -> None:
    """Bytes in the middle of the answer that belong to nothing."""
    if request.get("stream"):
        await events(exchange, chunk("Hello"), b"data: {\x00\xff rubbish\n\n", chunk(" there"), chunk(finish="stop"), DONE)
    else:
        await exchange.whole(200, whole_body()[:50] + b"\x00\xff rubbish" + whole_body()[50:])


async def refused(exchange: Exchange, request: dict[str, Any]) -> None:
    """The model won't: words of refusal in their own field, and an end that says so."""
    text = "I can't help with that."
    if request.get("stream"):
        body = json.loads(chunk().removeprefix(b"data: "))
        body["choices"][0]["delta"] = {"role": "assistant", "content": None, "refusal": text}
        await events(exchange, b"data: " + json.dumps(body).encode() + b"\n\n", chunk(finish="content_filter"), USAGE_EVENT, DONE)
        return
    body = json.loads(whole_body())
    body["choices"][0]["message"] = {"role": "assistant", "content": None, "refusal": text}
    body["choices"][0]["finish_reason"] = "content_filter"
    await exchange.whole(200, json.dumps(body).encode())


def fault_for(name: str) -> Answer | None:
    """The fault of this name; `fault-slow-N` takes its first byte N milliseconds."""
    slow = re.fullmatch(r"fault-slow-(\d+)", name)
    if slow is None:
        return FAULTS.get(name)

    async def answer(exchange: Exchange, request: dict[str, Any]) -> None:
        await exchange.pause(int(slow[1]) / 1000)
        if request.get("stream"):
            await events(exchange, chunk("late"), chunk(finish="stop"), USAGE_EVENT, DONE)
        else:
            await exchange.whole(200, whole_body("late"))

    return answer


FAULTS: dict[str, Answer] = {
    "fault-400": refuses(400, error_body("Invalid value: 'x'.", "invalid_request_error", "invalid_value", "messages[0].role")),
    "fault-400-context": refuses(
        400,
        error_body(
            "This model's maximum context length is 128000 tokens. However, your messages resulted in 130001 tokens.",
            "invalid_request_error",
            "context_length_exceeded",
            "messages",
        ),
    ),
    "fault-401": refuses(
        401, error_body("Incorrect API key provided: sk-fake-****cdef.", "invalid_request_error", "invalid_api_key")
    ),
    "fault-403": refuses(
        403, error_body("Country, region, or territory not supported", "request_forbidden", "unsupported_country")
    ),
    "fault-404": refuses(
        404, error_body("The model `fault-404` does not exist.", "invalid_request_error", "model_not_found", "model")
    ),
    "fault-422": refuses(422, error_body("Unprocessable", "invalid_request_error", "unprocessable")),
    "fault-429": refuses(
        429,
        error_body("Rate limit reached for requests per min.", "requests", "rate_limit_exceeded"),
        retry_after="7",
        x_ratelimit_remaining_requests="0",
    ),
    "fault-429-ms": refuses(429, error_body("Rate limit reached.", "requests", "rate_limit_exceeded"), retry_after_ms="1500"),
    "fault-429-later": refuses(429, error_body("Rate limit reached.", "requests", "rate_limit_exceeded"), retry_after="2"),
    "fault-429-bare": refuses(429, error_body("Rate limit reached.", "requests", "rate_limit_exceeded")),
    "fault-429-quota": refuses(429, error_body("You exceeded your current quota.", "insufficient_quota", "insufficient_quota")),
    "fault-500": refuses(500, error_body("The server had an error while processing your request.", "server_error")),
    "fault-502-html": refuses(502, b"<html><h1>502 Bad Gateway</h1>nginx</html>", content_type="text/html"),
    "fault-503": refuses(503, error_body("The engine is currently overloaded.", "server_error"), retry_after="3"),
    "fault-529": refuses(529, error_body("The service is overloaded.", "server_error")),
    "fault-504": refuses(504, b"upstream request timeout", content_type="text/plain"),
    "fault-200-error-body": refuses(200, error_body("Something broke inside.", "server_error")),
    "fault-200-error": refuses(200, error_body("Something broke inside.", "server_error")),
    "fault-200-html": refuses(200, b"<html>Please sign in</html>", content_type="text/html"),
    "fault-200-empty": refuses(200, b""),
    "fault-200-no-choices": refuses(200, whole_body(choices=[])),
    "fault-slow-first-byte": slow_first_byte,
    "fault-hang": hang,
    "fault-hang-in-the-middle": hang_in_the_middle,
    "fault-bad-chunk": bad_chunk,
    "fault-chunks-with-all-their-rights": chunks_with_all_their_rights,
    "fault-closes-unannounced": closes_unannounced,
    "fault-cut": cut,
    "fault-cut-in-an-event": cut_in_an_event,
    "fault-cut-whole": cut_whole,
    "fault-cut-without-length": cut_without_length,
    "fault-refused": refused,
    "fault-reset": reset,
    "fault-rubbish": rubbish,
    "fault-ends-early": ends_early,
    "fault-stray-bytes": stray_bytes,
    "fault-error-event": error_event,
    "fault-usage-never": usage_never,
    "fault-usage-twice": usage_twice,
    "fault-drip": drip,
    "fault-early-hints": early_hints,
    "fault-endless": endless,
    "fault-endless-head": endless_head,
    "fault-http-1.0": http_1_0,
    "fault-gzip-bomb": gzip_bomb,
    "fault-huge": huge,
    "fault-huge-head": huge_head,
    "fault-no-content": no_content,
    "fault-no-done": no_done,
    "fault-no-http": no_http,
    "fault-other-line-ends": other_line_ends,
    "fault-redirect": redirect,
    "fault-two-lengths": two_lengths,
    "fault-u2028": u2028,
}
