"""What goes wrong at Google, one function a fault, asked for by the model's name: in Gemini's own shapes. See FAULTS."""

import json
import re
from collections.abc import Awaitable, Callable
from typing import Any

from tests.fakes.google_rules import error_body
from tests.fakes.wire import Exchange, gzip_bomb_bytes

Answer = Callable[[Exchange, bool], Awaitable[None]]  # (exchange, whether it is to be streamed)

SEPARATORS = "line\u2028separator, paragraph\u2029separator, next\u0085line"
EVENT_STREAM = {"content-type": "text/event-stream", "transfer-encoding": "chunked"}
USAGE = {"promptTokenCount": 5, "candidatesTokenCount": 2, "totalTokenCount": 7}
BAD_KEY = [
    {
        "@type": "type.googleapis.com/google.rpc.ErrorInfo",
        "reason": "API_KEY_INVALID",
        "domain": "googleapis.com",
        "metadata": {"service": "generativelanguage.googleapis.com"},
    }
]
QUOTA = {"@type": "type.googleapis.com/google.rpc.QuotaFailure", "violations": [{"quotaId": "GenerateRequestsPerMinute"}]}
RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"}


def body_of(text: str | None = None, finish: str | None = None, usage: Any = USAGE, **more: Any) -> dict[str, Any]:
    """A GenerateContentResponse of one candidate."""
    candidate: dict[str, Any] = {"content": {"parts": [{"text": text}], "role": "model"}} if text is not None else {}
    candidate["index"] = 0
    if finish is not None:
        candidate["finishReason"] = finish
    body: dict[str, Any] = {"candidates": [candidate]}
    if usage is not None:
        body["usageMetadata"] = usage
    return {**body, "modelVersion": "fault", "responseId": "fault0001", **more}


def event(body: Any) -> bytes:
    """One event, as Google writes it: \\r\\n, no name, no [DONE] ever."""
    return b"data: " + json.dumps(body, ensure_ascii=False).encode() + b"\r\n\r\n"


def whole_body(text: str = "Hello there", finish: str = "STOP", usage: Any = USAGE, **more: Any) -> bytes:
    return json.dumps(body_of(text, finish, usage, **more), indent=2, ensure_ascii=False).encode()


async def events(exchange: Exchange, *pieces: bytes, end: bool = True) -> None:
    await exchange.head(200, EVENT_STREAM)
    for piece in pieces:
        await exchange.chunked(piece)
    if end:
        await exchange.chunked_end()


async def said(exchange: Exchange, streamed: bool, body: dict[str, Any]) -> None:
    if streamed:
        await events(exchange, event(body))
    else:
        await exchange.whole(200, json.dumps(body, indent=2, ensure_ascii=False).encode())


def refuses(code: int, status: str, message: str, details: list[dict[str, Any]] | None = None, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}

    async def answer(exchange: Exchange, streamed: bool) -> None:
        await exchange.whole(code, error_body(code, status, message, details), named)

    return answer


def answers(body: dict[str, Any]) -> Answer:
    async def answer(exchange: Exchange, streamed: bool) -> None:
        await said(exchange, streamed, body)

    return answer


def bytes_as(status: int, body: bytes, content_type: str = "application/json") -> Answer:
    async def answer(exchange: Exchange, streamed: bool) -> None:
        await exchange.whole(status, body, {"content-type": content_type})

    return answer


async def cut(exchange: Exchange, streamed: bool) -> None:
    if streamed:
        await events(exchange, event(body_of("Hello")), event(body_of(" there")), end=False)
        await exchange.pause(0.1)
    else:
        body = whole_body()
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body) + 100)})
        await exchange.send(body)
    exchange.drop()


async def ends_early(exchange: Exchange, streamed: bool) -> None:
    """The transfer ends as it should, the answer inside it does not."""
    await events(exchange, event(body_of("Hello")), event(body_of(" there")))


async def rubbish(exchange: Exchange, streamed: bool) -> None:
    if streamed:
        await events(exchange, event(body_of("Hello")), b"data: {rubbish\r\n\r\n", event(body_of(" there", "STOP")))
    else:
        await exchange.whole(200, b"\x00\x01{rubbish")


async def stray_bytes(exchange: Exchange, streamed: bool) -> None:
    """Bytes behind the answer on a connection that is kept alive."""
    stray = b"HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\nSTRAY!!"
    if streamed:
        await events(exchange, event(body_of("Hello", "STOP")), b"data: {rubbish\r\n\r\n", end=False)
        await exchange.send(b"0\r\n\r\n" + stray)
    else:
        body = whole_body()
        await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
        await exchange.send(body + stray)


async def error_event(exchange: Exchange, streamed: bool) -> None:
    error = error_body(503, "UNAVAILABLE", "The model is overloaded. Please try again later.")
    await events(exchange, event(body_of("Hello")), event(json.loads(error)))


async def error_in_200(exchange: Exchange, streamed: bool) -> None:
    await said(exchange, streamed, json.loads(error_body(500, "INTERNAL", "An internal error has occurred.")))


async def usage_never(exchange: Exchange, streamed: bool) -> None:
    if streamed:
        await events(exchange, event(body_of("Hello", usage=None)), event(body_of(" there", "STOP", usage=None)))
    else:
        await exchange.whole(200, whole_body(usage=None))


async def usage_twice(exchange: Exchange, streamed: bool) -> None:
    """Running totals: the last one counts. It may follow the end of the text."""
    if not streamed:
        await exchange.whole(200, whole_body())
        return
    early = {**USAGE, "candidatesTokenCount": 1, "totalTokenCount": 6}
    last = {"usageMetadata": USAGE, "modelVersion": "fault", "responseId": "fault0001"}
    await events(exchange, event(body_of("Hello", usage=early)), event(body_of(" there", "STOP", usage=early)), event(last))


async def drip(exchange: Exchange, streamed: bool) -> None:
    """One byte a second."""
    if streamed:
        await exchange.head(200, EVENT_STREAM)
        for byte in event(body_of("Grüße, नमस्ते 👋", "STOP")):
            await exchange.chunked(bytes([byte]))
            await exchange.pause(1)
        await exchange.chunked_end()
        return
    body = whole_body("drop by drop")
    await exchange.head(200, {"content-type": "application/json", "content-length": str(len(body))})
    for index in range(len(body)):
        await exchange.send(body[index : index + 1])
        await exchange.pause(1)


async def bytewise(exchange: Exchange, streamed: bool) -> None:
    """One byte a write, as fast as they go."""
    await exchange.head(200, EVENT_STREAM)
    for byte in event(body_of("Grüße, नमस्ते")) + event(body_of(" 👋", "STOP")):
        await exchange.chunked(bytes([byte]))
        await exchange.pause(0)
    await exchange.chunked_end()


async def endless(exchange: Exchange, streamed: bool) -> None:
    await exchange.head(200, EVENT_STREAM if streamed else {"content-type": "application/json", "connection": "close"})
    while True:
        if streamed:
            await exchange.chunked(event(body_of("on ")))
        else:
            await exchange.send(b" ")
        await exchange.pause(0.01)


async def gzip_bomb(exchange: Exchange, streamed: bool) -> None:
    await exchange.whole(200, gzip_bomb_bytes(), {"content-encoding": "gzip"})


async def hang(exchange: Exchange, streamed: bool) -> None:
    await exchange.pause(600)


async def json_list(exchange: Exchange, streamed: bool) -> None:
    """What comes without `alt=sse`: one JSON list instead of events."""
    await exchange.whole(200, json.dumps([body_of("Hello"), body_of(" there", "STOP")], indent=2).encode())


async def u2028(exchange: Exchange, streamed: bool) -> None:
    await said(exchange, streamed, body_of(SEPARATORS, "STOP"))


def slow(milliseconds: int) -> Answer:
    async def answer(exchange: Exchange, streamed: bool) -> None:
        await exchange.pause(milliseconds / 1000)
        await said(exchange, streamed, body_of("late", "STOP"))

    return answer


_SLOW = re.compile(r"fault-slow-(\d+)")


def fault_of(name: str) -> Answer | None:
    found = _SLOW.fullmatch(name)
    return slow(int(found[1])) if found else FAULTS.get(name)


FAULTS: dict[str, Answer] = {
    "fault-400": refuses(400, "INVALID_ARGUMENT", "Request contains an invalid argument."),
    "fault-400-context": refuses(
        400,
        "INVALID_ARGUMENT",
        "The input token count (1048578) exceeds the maximum number of tokens allowed (1048576).",
    ),
    "fault-400-location": refuses(400, "FAILED_PRECONDITION", "User location is not supported for the API use."),
    "fault-401": refuses(400, "INVALID_ARGUMENT", "API key not valid. Please pass a valid API key.", BAD_KEY),
    "fault-403": refuses(403, "PERMISSION_DENIED", "Permission denied: Consumer has been suspended."),
    "fault-404": refuses(404, "NOT_FOUND", "models/fault-404 is not found for API version v1beta."),
    "fault-429": refuses(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [QUOTA]),
    "fault-429-later": refuses(429, "RESOURCE_EXHAUSTED", "You exceeded your current quota.", [QUOTA, RETRY]),
    "fault-500": refuses(500, "INTERNAL", "An internal error has occurred. Please retry."),
    "fault-503": refuses(503, "UNAVAILABLE", "The model is overloaded. Please try again later."),
    "fault-504": refuses(504, "DEADLINE_EXCEEDED", "The request timed out."),
    "fault-529": bytes_as(529, b"overloaded", "text/plain"),
    "fault-502-html": bytes_as(502, b"<html><h1>502</h1></html>", "text/html"),
    "fault-200-empty": bytes_as(200, b""),
    "fault-200-error": error_in_200,
    "fault-200-html": bytes_as(200, b"<html>Please sign in</html>", "text/html"),
    "fault-200-no-candidates": answers({"usageMetadata": USAGE, "modelVersion": "fault"}),
    "fault-bytewise": bytewise,
    "fault-cut": cut,
    "fault-drip": drip,
    "fault-endless": endless,
    "fault-ends-early": ends_early,
    "fault-error-event": error_event,
    "fault-gzip-bomb": gzip_bomb,
    "fault-hang": hang,
    "fault-json-list": json_list,
    "fault-malformed-call": answers(body_of(None, "MALFORMED_FUNCTION_CALL")),
    "fault-refused": answers({"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}, "usageMetadata": {"promptTokenCount": 5}}),
    "fault-refused-answer": answers(body_of(None, "SAFETY")),
    "fault-rubbish": rubbish,
    "fault-stray-bytes": stray_bytes,
    "fault-u2028": u2028,
    "fault-usage-never": usage_never,
    "fault-usage-twice": usage_twice,
}
