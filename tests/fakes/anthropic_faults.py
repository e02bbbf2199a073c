"""What goes wrong at Anthropic, one function a fault, asked for by the model's name: see FAULTS for the list."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.wire import Exchange, gzip_bomb_bytes

Answer = Callable[[Exchange, dict[str, Any]], Awaitable[None]]

SLOW_FIRST_BYTE_SECONDS = 2.5
SEPARATORS = "line\u2028separator, paragraph\u2029separator, next\u0085line"
EVENT_STREAM = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
SLOW = re.compile(r"fault-slow-(\d+)")
USAGE = {"input_tokens": 5, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 0, "output_tokens": 1}


def error_body(kind: str, message: str) -> bytes:
    body = {"type": "error", "error": {"type": kind, "message": message}, "request_id": "req_011CSHoEeqs5C35K2UUqR7Fy"}
    return json.dumps(body).encode()


def event(name: str, **fields: Any) -> bytes:
    """One event of a stream, as Anthropic writes it."""
    return f"event: {name}\ndata: {json.dumps({'type': name, **fields}, ensure_ascii=False)}\n\n".encode()


def message(content: list[dict[str, Any]], stop_reason: str | None, usage: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {
        "model": "fault",
        "id": "msg_fault",
        "type": "message",
        "role": "assistant",
        "content": content,
        "stop_reason": stop_reason,
        "stop_sequence": None,
        "stop_details": None,
        "usage": usage,
        **more,
    }


def start(**more: Any) -> bytes:
    opened = event("content_block_start", index=0, content_block={"type": "text", "text": ""})
    return event("message_start", message=message([], None, USAGE, **more)) + opened + event("ping")


def text(piece: str) -> bytes:
    return event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})


def stopped(reason: str = "end_turn", **more: Any) -> bytes:
    fields = {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": {"output_tokens": 2}, **more}
    return event("message_delta", **{name: value for name, value in fields.items() if value is not None})


BLOCK_END = event("content_block_stop", index=0)
STOP = event("message_stop")
END = BLOCK_END + stopped() + STOP


def whole_body(said: str = "Hello there", **more: Any) -> bytes:
    body = message([{"type": "text", "text": said}], "end_turn", {**USAGE, "output_tokens": 2})
    return json.dumps({**body, **more}, ensure_ascii=False).encode()


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
        await exchange.whole(status, body, {"request-id": "req_011CSHoEeqs5C35K2UUqR7Fy", **named})

    return answer


def answers(streamed: tuple[bytes, ...], whole: bytes) -> Answer:
    """A fault that is in the bytes alone, which go out as they should."""

    async def answer(exchange: Exchange, request: dict[str, Any]) -> None:
        if request.get("stream"):
            await events(exchange, *streamed)
        else:
            await exchange.whole(200, whole)

    return answer


def slow_by(seconds: float) -> Answer:
    async def answer(exchange: Exchange, request: dict[str, Any]) -> None:
        await exchange.pause(seconds)
        await answers((start(), text("late"), END), whole_body("late"))(exchange, request)

    return answer


async def hang(exchange: Exchange, request: dict[str, Any]) -> None:
    await exchange.pause(600)


async def cut(exchange: Exchange, request: dict[str, Any]) -> None:
    if request.get("stream"):
        await events(exchange, start(), text("Hello"), text(" there"), end=False)
        await exchange.pause(0.1)
    else:
        body = whole_body()
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body) + 100)})
        await exchange.send(body)
    exchange.drop()


async def error_event(exchange: Exchange, request: dict[str, Any]) -> None:
    overloaded = error_body("overloaded_error", "Overloaded")
    if request.get("stream"):
        await events(exchange, start(), text("Hello"), b"event: error\ndata: " + overloaded + b"\n\n")
    else:
        await exchange.whole(529, overloaded)


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
    for byte in start() + text("Grüße, ") + text("नमस्ते 👋") + END:
        await exchange.chunked(bytes([byte]))
        await exchange.pause(0)
    await exchange.chunked_end()


async def endless(exchange: Exchange, request: dict[str, Any]) -> None:
    streamed = bool(request.get("stream"))
    await exchange.head(200, EVENT_STREAM if streamed else {"content-type": "application/json", "connection": "close"})
    if streamed:
        await exchange.chunked(start())
    while True:
        if streamed:
            await exchange.chunked(text("on "))
        else:
            await exchange.send(b" ")
        await exchange.pause(0.01)


async def gzip_bomb(exchange: Exchange, request: dict[str, Any]) -> None:
    """Packed although identity was asked for, and three times the bound on answers when unpacked."""
    await exchange.whole(200, gzip_bomb_bytes(), {"content-encoding": "gzip"})


_RUBBISH = answers((start(), b"data: {\xff\xfe no json\n\n", END), b"\x00\xff rubbish " + whole_body())
_TWICE = answers(
    (start(), text("Hello there"), BLOCK_END, stopped(usage={"output_tokens": 1}), stopped(usage={"output_tokens": 2}), STOP),
    whole_body(),
)
_NEVER = answers(
    (
        event("message_start", message=message([], None, {})),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        text("Hello there"),
        BLOCK_END,
        stopped(usage=None),
        STOP,
    ),
    whole_body(usage=None),
)
_REFUSED = answers(
    (start(), text("I can"), BLOCK_END, stopped("refusal"), STOP),
    json.dumps(message([], "refusal", {**USAGE, "output_tokens": 2})).encode(),
)
_FUTURE = answers(
    (start(), event("content_block_glow", index=0, delta=7, message="x"), text("Hello there"), END),
    whole_body(mood={"n": 12345678901234567890}),
)
_200_ERROR = refuses(200, error_body("api_error", "Something broke inside."))
_OVERLOADED = error_body("overloaded_error", "Overloaded")
_LIMITED = error_body("rate_limit_error", "This request would exceed your organization's rate limit.")

FAULTS: dict[str, Answer] = {
    "fault-400": refuses(400, error_body("invalid_request_error", "messages.0.role: Input should be 'user' or 'assistant'")),
    "fault-400-context": refuses(400, error_body("invalid_request_error", "prompt is too long: 215000 tokens > 200000 maximum")),
    "fault-400-credit": refuses(
        400, error_body("invalid_request_error", "Your credit balance is too low to access the Anthropic API.")
    ),
    "fault-401": refuses(401, error_body("authentication_error", "invalid x-api-key")),
    "fault-403": refuses(403, error_body("permission_error", "Your API key does not have permission to use the resource.")),
    "fault-404": refuses(404, error_body("not_found_error", "model: fault-404")),
    "fault-413": refuses(413, error_body("request_too_large", "Request exceeds the maximum size")),
    "fault-429": refuses(429, _LIMITED, retry_after="7", anthropic_ratelimit_requests_remaining="0"),
    "fault-429-later": refuses(429, _LIMITED, retry_after="9"),
    "fault-429-bare": refuses(429, _LIMITED),
    "fault-500": refuses(500, error_body("api_error", "Internal server error")),
    "fault-502-html": refuses(502, b"<html><h1>502 Bad Gateway</h1>nginx</html>", content_type="text/html"),
    "fault-503": refuses(503, b"upstream connect error", content_type="text/plain", retry_after="3"),
    "fault-504": refuses(504, error_body("timeout_error", "The request timed out.")),
    "fault-529": refuses(529, _OVERLOADED),
    "fault-529-later": refuses(529, _OVERLOADED, retry_after="11"),
    "fault-200-error": _200_ERROR,
    "fault-200-error-body": _200_ERROR,
    "fault-200-html": refuses(200, b"<html>Please sign in</html>", content_type="text/html"),
    "fault-200-empty": refuses(200, b""),
    "fault-slow-first-byte": slow_by(SLOW_FIRST_BYTE_SECONDS),
    "fault-hang": hang,
    "fault-cut": cut,
    "fault-ends-early": answers((start(), text("Hello"), text(" there")), whole_body()[:-20]),
    "fault-error-event": error_event,
    "fault-rubbish": _RUBBISH,
    "fault-stray-bytes": _RUBBISH,
    "fault-usage-never": _NEVER,
    "fault-usage-twice": _TWICE,
    "fault-drip": drip,
    "fault-endless": endless,
    "fault-gzip-bomb": gzip_bomb,
    "fault-refused": _REFUSED,
    "fault-unknown-event": _FUTURE,
    "fault-u2028": answers((start(), text(SEPARATORS), END), whole_body(SEPARATORS)),
    "fault-other-line-ends": answers(
        ((b": hi\n\n" + start() + text("Hello") + text(" there") + END).replace(b"\n", b"\r\n"),), whole_body()
    ),
    "fault-no-stop-event": answers((start(), text("Hello there"), BLOCK_END, stopped()), whole_body()),
}


def fault(name: str) -> Answer | None:
    """What goes wrong under this name; None: nothing."""
    slow = SLOW.fullmatch(name)
    return slow_by(int(slow[1]) / 1000) if slow else FAULTS.get(name)
