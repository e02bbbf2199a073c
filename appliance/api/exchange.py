"""One request and its answer on a raw route: what Litestar does elsewhere, done here for the hot path.

The caller's side of three rules that servers don't hold for us (each tried with Granian): `send()` never says that the
caller has gone, only `receive()` does; a reader that stalls blocks `send()` for ever; a slow body has no deadline.
The door looks after all exchanges at once, many times a second, so that a short request pays for none of this: waiting on
`receive()` alone costs 80 µs of CPU (measured), and begins with the first look.
"""

import asyncio
import math
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from appliance.errors import BadRequest, BodyTooSlow, CallerLeft, GatehouseError, Overloaded, TooLarge, UpstreamTimeout
from appliance.identity.caller import Caller

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
Headers = list[tuple[bytes, bytes]]
FILE_PIECE_BYTES = 256 * 1024


class Bounds(msgspec.Struct, kw_only=True):
    """What every exchange is held to, and (`buffered_bytes`) what all of them hold together. Seconds and bytes."""

    body_bytes_max: int
    header_bytes_max: int
    body_seconds_max: float
    send_seconds_max: float
    request_seconds_max: float
    keepalive_seconds: float
    buffered_bytes_max: int
    buffered_bytes: int = 0

    def hold(self, size: int) -> None:
        """Count what is held in memory, as it arrives. Errors: Overloaded."""
        self.buffered_bytes += size
        if self.buffered_bytes > self.buffered_bytes_max:
            raise overloaded()


class Exchange:
    """A raw handler's view of the world.

    call_id:    16 bytes, ours; started_at is the UTC millisecond in it.
    request_id: what X-Request-Id says: the caller's own, or `req_` and our id in hex.
    caller:     who asks, once the handler has found out.
    clean:      takes out of an error what nobody may see of what was sent or answered.
    """

    # What every exchange begins with stands here once: an attribute of its own is made where it changes.
    status = 0
    code = ""
    deployment = ""
    call_id = b""
    started_at = 0
    request_id = b""
    caller: Caller | None = None
    clean: Callable[[GatehouseError], None] | None = None
    finished = False
    first_token_seconds: float | None = None
    _body_read = False
    _buffered = 0
    _cut: GatehouseError | None = None
    _wanted_end = float("inf")
    _head_sent = False
    _keepalive: bytes | None = None
    _sign_of_life: asyncio.Future[None] | None = None
    _sending_since: float | None = None
    _stream_headers: Sequence[tuple[bytes, bytes]] = ()
    _watching: Any = None

    def __init__(self, scope: Scope, receive: Receive, send: Send, bounds: Bounds) -> None:
        self.scope = scope
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        self.started = self._last_sent = time.monotonic()
        self.extra_headers: Headers = []
        self._receive = receive
        self._send = send
        self._bounds = bounds
        self._deadline = self.started + bounds.body_seconds_max
        self._task = asyncio.current_task()

    # Reading

    async def body(self) -> bytes:
        """The whole body, read within its bounds.

        Errors:  TooLarge, Overloaded, BadRequest; BodyTooSlow comes through `cut`.
        """
        self._check_announced()
        first = await self._receive()
        data: bytes = first.get("body", b"")
        if first["type"] == "http.disconnect":
            raise body_broken()
        self._hold(len(data))
        if first.get("more_body"):
            data = await self._rest_of_body(data)
        self._deadline = min(self.started + self._bounds.request_seconds_max, self._wanted_end)
        self._body_read = True
        return data

    def expect_body_within(self, seconds: float) -> None:
        """It has so long to arrive, from the request's own arrival, rather than what all others have."""
        self._deadline = self.started + seconds

    async def pieces(self, bytes_max: int) -> AsyncGenerator[bytes, None]:
        """The body as it comes, for whoever puts it on disk: no more of it is in memory than one piece.

        Errors:  TooLarge as soon as too much has come, or was announced; BadRequest; BodyTooSlow comes through `cut`.
        """
        self._check_announced(bytes_max)
        size, more = 0, True
        while more:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise body_broken()
            piece: bytes = message.get("body", b"")
            more = message.get("more_body", False)
            size += len(piece)
            if size > bytes_max:
                raise _upload_too_large(bytes_max)
            if piece:
                yield piece
        self._deadline = min(self.started + self._bounds.request_seconds_max, self._wanted_end)
        self._body_read = True

    def _check_announced(self, bytes_max: int | None = None) -> None:
        length = self.headers.get(b"content-length")
        most = self._bounds.body_bytes_max if bytes_max is None else bytes_max
        if length is not None and (not length.isdigit() or int(length) > most):
            raise self._too_large() if bytes_max is None else _upload_too_large(bytes_max)

    async def _rest_of_body(self, first: bytes) -> bytes:
        pieces, size = [first], len(first)
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise body_broken()
            piece = message.get("body", b"")
            size += len(piece)
            if size > self._bounds.body_bytes_max:
                raise self._too_large()
            self._hold(len(piece))
            pieces.append(piece)
            if not message.get("more_body"):
                return b"".join(pieces)

    def _too_large(self) -> TooLarge:
        limit = self._bounds.body_bytes_max
        return TooLarge(f"the body is larger than {limit} bytes", fix="Send less; an administrator may raise body_bytes_max.")

    def _hold(self, size: int) -> None:
        self._buffered += size
        self._bounds.hold(size)

    def _watch_for_leaving(self) -> None:
        """Granian's receive() gives a future, so that no task is needed to wait for it; other servers get one."""
        future: Any = self._receive()
        if not hasattr(future, "add_done_callback"):
            future = asyncio.ensure_future(future)
        self._watching = future
        future.add_done_callback(self._on_message)

    def _on_message(self, future: Any) -> None:
        if self.finished or future.cancelled():
            return
        if future.exception() is None and future.result()["type"] == "http.disconnect":
            self.cut(CallerLeft("the caller left before its answer was complete"))

    # Ending early

    def cut(self, reason: GatehouseError) -> None:
        """Stop the handler wherever it waits; `reason` is what its caller is told, where there still is one."""
        if not self.finished and self._cut is None and self._task is not None:
            self._cut = reason
            self._task.cancel(reason)  # the stages see why: it is the cancellation's first argument

    def end_within(self, seconds: float) -> None:
        """The answer has so long from the request's arrival, if it had longer."""
        self._wanted_end = min(self._wanted_end, self.started + seconds)
        self._deadline = min(self._deadline, self._wanted_end)

    def taken_cut(self) -> GatehouseError | None:
        """The reason of a cut, once: whoever catches the cancellation asks, and goes on where this gives a reason."""
        if self._cut is not None and self._task is not None:
            self._task.uncancel()
        return self._cut

    def look_after(self, now: float) -> None:
        """Called many times a second: has the caller left, is it too late, does a stream need a sign of life?"""
        if self._body_read and self._watching is None:
            self._watch_for_leaving()
        if self._sending_since is not None:
            if now - self._sending_since > self._bounds.send_seconds_max:
                self.cut(CallerLeft("the caller stopped reading its answer"))
        elif now > self._deadline:
            self.cut(self._too_late())
        elif self._keepalive is not None and now - self._last_sent >= self._bounds.keepalive_seconds:
            self._last_sent = now
            self._sign_of_life = asyncio.ensure_future(self._show_life(self._keepalive))

    def _too_late(self) -> GatehouseError:
        if not self._body_read:
            return body_too_slow()
        limit = "request_seconds_max" if math.isinf(self._wanted_end) else "the caller's X-Request-Timeout or the route's"
        return UpstreamTimeout("the answer took too long", fix=f"Ask for less; the limit is {limit}.")

    # Writing

    async def answer(self, status: int, body: bytes, headers: Headers, content_type: bytes = b"application/json") -> None:
        """A whole answer."""
        if self._sign_of_life is not None:
            await self._sign_of_life
        self.status = status
        self._head_sent = True
        head: Headers = [
            (b"content-type", content_type),
            (b"content-length", b"%d" % len(body)),
            (b"x-request-id", self.request_id),
            *headers,
            *self.extra_headers,
        ]
        self._sending_since = time.monotonic()
        await self._send({"type": "http.response.start", "status": status, "headers": head})
        await self._send({"type": "http.response.body", "body": body})
        self._sending_since = None

    async def file(self, path: Path, content_type: bytes, headers: Headers) -> None:
        """A whole answer out of a file, a piece at a time."""
        file = await asyncio.to_thread(path.open, "rb")
        size = os.fstat(file.fileno()).st_size
        head: Headers = [(b"content-type", content_type), (b"content-length", b"%d" % size), (b"x-request-id", self.request_id)]
        with file:
            self.status, self._head_sent = 200, True
            self._sending_since = time.monotonic()
            await self._send({"type": "http.response.start", "status": 200, "headers": [*head, *headers, *self.extra_headers]})
            left = size
            while left > 0:
                piece = await asyncio.to_thread(file.read, FILE_PIECE_BYTES)
                left = left - len(piece) if piece else 0
                self._sending_since = time.monotonic()
                await self._send({"type": "http.response.body", "body": piece, "more_body": left > 0})
            if size == 0:
                await self._send({"type": "http.response.body", "body": b""})
        self._sending_since = None

    def begin_stream(self, headers: Headers, sign_of_life: bytes) -> None:
        """Get ready to stream: the head goes out with the first piece, or with a sign of life while that takes long."""
        self._stream_headers = headers
        self._keepalive = sign_of_life

    async def piece(self, data: bytes, *, last: bool = False) -> None:
        """One piece of a stream."""
        if self._sign_of_life is not None:
            await self._sign_of_life
        await self._send_piece(data, last)

    async def _send_piece(self, data: bytes, last: bool) -> None:
        self._sending_since = self._last_sent = time.monotonic()
        if not self._head_sent:
            self._head_sent = True
            self.status = 200
            await self._send({"type": "http.response.start", "status": 200, "headers": self._stream_head()})
        await self._send({"type": "http.response.body", "body": data, "more_body": not last})
        self._sending_since = None

    def _stream_head(self) -> Headers:
        return [
            (b"content-type", b"text/event-stream; charset=utf-8"),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
            (b"x-request-id", self.request_id),
            *self._stream_headers,
            *self.extra_headers,
        ]

    async def _show_life(self, comment: bytes) -> None:
        try:
            if not self.finished and (self.status == 0 or self._head_sent):
                await self._send_piece(comment, False)
        finally:
            self._sign_of_life = None

    @property
    def has_begun(self) -> bool:
        """The head is out: an error can no longer be a status."""
        return self._head_sent

    def close(self) -> None:
        """Nothing more will be read or sent."""
        self.finished = True
        self._keepalive = None
        self._bounds.buffered_bytes -= self._buffered
        if self._watching is not None:
            # The two know each other, and the collector can't see through Granian's future: left alone they stay for ever.
            self._watching.remove_done_callback(self._on_message)
            self._watching.cancel()
            self._watching = None
        if self._sign_of_life is not None:
            self._sign_of_life.cancel()


def _upload_too_large(bytes_max: int) -> TooLarge:
    return TooLarge(f"the upload is larger than {bytes_max:,} bytes", fix="Send fewer files at a time, or smaller ones.")


def overloaded() -> Overloaded:
    return Overloaded(
        "the appliance has as many requests in flight as it may",
        fix="Try again in a moment; the limits are requests_in_flight_max and buffered_bytes_max.",
        retry_after_seconds=1,
    )


def body_broken() -> BadRequest:
    """Granian says the same of a caller that left and of a chunked body that is none."""
    return BadRequest("the body ended before it was whole, or its chunks are malformed", fix="Send it again.")


def body_too_slow() -> BodyTooSlow:
    return BodyTooSlow("the body did not arrive in time", fix="Send it faster; the limit is body_seconds_max.")
