"""What goes wrong at Bedrock, one function a fault, asked for by the model's id; names as in openai_faults.py."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.bedrock_wire import EVENT_STREAM, Refusal, event, frame
from tests.fakes.wire import Exchange, gzip_bomb_bytes

Answer = Callable[[Exchange, bool], Awaitable[None]]

HUGE_BYTES = 70 * 1024 * 1024
USAGE = {"inputTokens": 5, "outputTokens": 2, "totalTokens": 7}
START = event("messageStart", role="assistant")
STOP = event("contentBlockStop", contentBlockIndex=0) + event("messageStop", stopReason="end_turn")
METADATA = event("metadata", usage=USAGE, metrics={"latencyMs": 12})


def text(piece: str) -> bytes:
    return event("contentBlockDelta", contentBlockIndex=0, delta={"text": piece})


def whole_body(said: str = "Hello there", **more: Any) -> bytes:
    message = {"role": "assistant", "content": [{"text": said}]}
    body = {"output": {"message": message}, "stopReason": "end_turn", "usage": USAGE, "metrics": {"latencyMs": 12}, **more}
    return json.dumps(body, ensure_ascii=False).encode()


async def events(exchange: Exchange, *pieces: bytes, end: bool = True) -> None:
    await exchange.head(200, EVENT_STREAM)
    for piece in pieces:
        await exchange.chunked(piece)
    if end:
        await exchange.chunked_end()


def refuses(status: int, kind: str, message: str, **headers: str) -> Answer:
    refusal = Refusal(status, kind, message)
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(exchange: Exchange, streamed: bool) -> None:
        await exchange.whole(refusal.status, refusal.body, {**refusal.headers, "x-amzn-requestid": "fake-0001", **named})

    return answer


def plain(status: int, body: bytes, **headers: str) -> Answer:
    """An answer from something that stands in between."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(exchange: Exchange, streamed: bool) -> None:
        await exchange.whole(status, body, named)

    return answer


def streams(*pieces: bytes, instead: bytes | None = None) -> Answer:
    """A stream of these frames; a whole answer is `instead`, or an ordinary one."""

    async def answer(exchange: Exchange, streamed: bool) -> None:
        if streamed:
            await events(exchange, *pieces)
        else:
            await exchange.whole(200, whole_body() if instead is None else instead)

    return answer


def slow(seconds: float) -> Answer:
    async def answer(exchange: Exchange, streamed: bool) -> None:
        await exchange.pause(seconds)
        await streams(START, text("late"), STOP, METADATA, instead=whole_body("late"))(exchange, streamed)

    return answer


async def hang(exchange: Exchange, streamed: bool) -> None:
    await exchange.pause(600)


async def hang_in_the_middle(exchange: Exchange, streamed: bool) -> None:
    if streamed:
        await events(exchange, START, text("Hello"), end=False)
    else:
        await exchange.head(200, {"content-type": "application/json", "content-length": "500"})
        await exchange.send(whole_body()[:40])
    await exchange.pause(600)


async def cut(exchange: Exchange, streamed: bool) -> None:
    if streamed:
        await events(exchange, START, text("Hello"), text(" there")[:-20], end=False)
        await exchange.pause(0.1)
    else:
        body = whole_body()
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body) + 100)})
        await exchange.send(body)
    exchange.drop()


async def drip(exchange: Exchange, streamed: bool) -> None:
    """One byte a write: whatever the reader believes about pieces is wrong."""
    if not streamed:
        body = whole_body("drop by drop")
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        for index in range(len(body)):
            await exchange.send(body[index : index + 1])
            await exchange.pause(0)
        return
    await exchange.head(200, EVENT_STREAM)
    for byte in START + text("Grüße, ") + text("नमस्ते 👋") + STOP + METADATA:
        await exchange.chunked(bytes([byte]))
        await exchange.pause(0)
    await exchange.chunked_end()


async def endless(exchange: Exchange, streamed: bool) -> None:
    await exchange.head(200, EVENT_STREAM if streamed else {"content-type": "application/json", "connection": "close"})
    while True:
        await (exchange.chunked(text("on ")) if streamed else exchange.send(b" "))
        await exchange.pause(0.01)


async def gzip_bomb(exchange: Exchange, streamed: bool) -> None:
    await exchange.whole(200, gzip_bomb_bytes(), {"content-encoding": "gzip"})


async def huge(exchange: Exchange, streamed: bool) -> None:
    """A frame that says it is 70 MiB long, or a body that is."""
    piece = b"x" * 1024 * 1024
    if streamed:
        await events(exchange, frame("event", "contentBlockDelta", b"x" * HUGE_BYTES)[: 4 * len(piece)])
        return
    await exchange.head(200, {"content-type": "application/json", "content-length": str(HUGE_BYTES)})
    for _ in range(HUGE_BYTES // len(piece)):
        await exchange.send(piece)


def _damaged(piece: bytes) -> bytes:
    return piece[:-10] + bytes([piece[-10] ^ 1]) + piece[-9:]


FAULTS: dict[str, Answer] = {
    "fault-400": refuses(400, "ValidationException", "The value at messages.0.role is wrong."),
    "fault-400-context": refuses(400, "ValidationException", "Input is too long for requested model."),
    "fault-401": refuses(403, "UnrecognizedClientException", "The security token included in the request is invalid."),
    "fault-403": refuses(
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::123456789012:user/gatehouse is not authorized to perform: bedrock:InvokeModel on resource: m",
    ),
    "fault-404": refuses(404, "ResourceNotFoundException", "Could not resolve the foundation model from the provided id."),
    "fault-404-named-400": refuses(400, "ValidationException", "The provided model identifier is invalid."),
    "fault-408": refuses(408, "ModelTimeoutException", "Model has timed out in processing the request."),
    "fault-424": refuses(424, "ModelErrorException", "The system encountered an unexpected error during processing."),
    "fault-429": refuses(429, "ThrottlingException", "Too many requests, please wait before trying again."),
    "fault-429-bare": refuses(429, "ThrottlingException", "Too many tokens, please wait before trying again."),
    "fault-429-later": refuses(429, "ThrottlingException", "Too many requests.", retry_after="7"),  # from a gate in front
    "fault-429-quota": refuses(400, "ServiceQuotaExceededException", "Your request exceeds the service quota."),
    "fault-429-loading": refuses(429, "ModelNotReadyException", "The model is not ready for inference."),
    "fault-500": refuses(500, "InternalServerException", "The system encountered an unexpected error. Try again."),
    "fault-502-html": plain(502, b"<html><h1>502 Bad Gateway</h1></html>", content_type="text/html"),
    "fault-503": refuses(503, "ServiceUnavailableException", "Bedrock is unable to process your request."),
    "fault-529": plain(529, b"overloaded", content_type="text/plain"),
    "fault-200-error": plain(200, b'{"Output":{"__type":"com.amazon.coral.service#InternalFailure"},"Version":"1.0"}'),
    "fault-200-html": plain(200, b"<html>Please sign in</html>", content_type="text/html"),
    "fault-200-empty": plain(200, b""),
    "fault-slow-first-byte": slow(2.5),
    "fault-hang": hang,
    "fault-hang-in-the-middle": hang_in_the_middle,
    "fault-cut": cut,
    "fault-ends-early": streams(START, text("Hello"), text(" there")),
    "fault-rubbish": streams(START, text("Hello"), b"data: rubbish, as from an SSE server\n\n"),
    "fault-stray-bytes": streams(START, text("Hello"), STOP, METADATA, b"STRAY!!"),
    "fault-bad-crc": streams(START, text("Hello"), _damaged(text(" there")), STOP, METADATA),
    "fault-error-event": streams(
        START, text("Hello"), frame("exception", "internalServerException", {"message": "The system broke.", "p": "ab"})
    ),
    "fault-throttled-in-stream": streams(
        START, text("Hello"), frame("exception", "throttlingException", {"message": "Too many tokens."})
    ),
    "fault-usage-never": streams(START, text("Hello"), STOP, instead=whole_body(usage=None)),
    "fault-usage-twice": streams(
        START,
        event("metadata", usage={"inputTokens": 5, "outputTokens": 1, "totalTokens": 6}, metrics={"latencyMs": 1}),
        text("Hello"),
        STOP,
        METADATA,
    ),
    "fault-refused": streams(
        START,
        text("Sorry, the guardrail has a word to say."),
        event("messageStop", stopReason="guardrail_intervened"),
        METADATA,
        instead=whole_body("Sorry, the guardrail has a word to say.", stopReason="guardrail_intervened"),
    ),
    "fault-malformed": streams(
        START,
        text("Hel"),
        event("messageStop", stopReason="malformed_tool_use"),
        METADATA,
        instead=whole_body(stopReason="malformed_model_output"),
    ),
    "fault-drip": drip,
    "fault-endless": endless,
    "fault-gzip-bomb": gzip_bomb,
    "fault-huge": huge,
}
