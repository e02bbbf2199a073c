"""One HTTP/1.1 connection to another machine, on asyncio and httptools (llhttp, the parser of Node.js).

Source: RFC 9110 and 9112, read 2026-11-25. No pipelining: one request, one answer, then the next. What comes unasked on an
idle connection closes it, since it would be taken for the next answer. A body is buffered up to a bound; beyond it the
socket is not read.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import httptools

HEAD_BYTES_MAX = 64 * 1024
BUFFERED_BYTES_MAX = 256 * 1024
ONE_WRITE_MAX = 64 * 1024
FOREVER = float("inf")


class ConnectionFailed(Exception):
    """The connection ended before the answer did, or what came over it is no HTTP."""


class Incoming:
    """One answer as it arrives. It outlives its turn on the connection: a complete body is read whenever its reader likes."""

    __slots__ = (
        "_buffered",
        "_connection",
        "_failure",
        "_pieces",
        "_waiter",
        "deadline",
        "has_begun",
        "has_head",
        "headers",
        "is_complete",
        "status",
    )

    def __init__(self, connection: "Http1Connection", deadline: float) -> None:
        self._connection: Http1Connection | None = connection
        self._pieces: list[bytes] = []
        self._buffered = 0
        self._waiter: asyncio.Future[None] | None = None
        self._failure: Exception | None = None
        self.deadline = deadline
        self.status = 0
        self.headers: dict[str, str] = {}
        self.has_begun = False  # a byte of it has come
        self.has_head = False
        self.is_complete = False

    async def head(self) -> None:
        """Wait for status and headers. Errors: ConnectionFailed, TimeoutError."""
        while not self.has_head:
            await self._more()
        self.deadline = FOREVER

    async def piece(self, seconds_max: float) -> bytes:
        """What has arrived of the body, or what comes next; b"" at its end. Errors: ConnectionFailed, TimeoutError."""
        if not self._pieces and not self.is_complete:
            # Once for all that may come before the next byte of the body: sizes of chunks, half of one at a time, are no life.
            self.deadline = time.monotonic() + seconds_max
            while not self._pieces and not self.is_complete:
                await self._more()
            self.deadline = FOREVER
        if not self._pieces:
            return b""
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._buffered = 0
        if self._connection is not None:
            self._connection.resume()
        return piece

    def abort(self) -> None:
        """Nobody wants the rest: close the connection, where it is still ours."""
        if self._connection is not None:
            self._connection.abort()

    def _more(self) -> "asyncio.Future[None]":
        """Done when something has changed. Errors: what made the connection fail."""
        if self._failure is not None:
            raise self._failure
        self._waiter = asyncio.get_running_loop().create_future()
        return self._waiter

    # For the connection

    def take(self, data: bytes) -> bool:
        """Keep a piece of the body; True when there is so much that reading should stop."""
        self._pieces.append(data)
        self._buffered += len(data)
        return self._buffered > BUFFERED_BYTES_MAX

    def wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def complete(self) -> None:
        """The last byte is here; the connection is no longer ours."""
        self.is_complete = True
        self._connection = None
        self.wake()

    def fail(self, error: Exception) -> None:
        self._failure = error
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(error)


class Http1Connection(asyncio.Protocol):
    """Sends requests one after the other and hands what comes back to their Incoming."""

    def __init__(self, on_idle: Callable[["Http1Connection"], None], on_closed: Callable[["Http1Connection"], None]) -> None:
        """`on_idle` is told when an answer is complete and the connection may serve again."""
        self._on_idle = on_idle
        self._on_closed = on_closed
        self._transport: Any = None
        self._parser = httptools.HttpResponseParser(self)
        self._incoming: Incoming | None = None
        self._head_bytes = 0
        self._bare_bytes = 0  # that came since the last byte of a body: heads, sizes of chunks
        self._has_body = False  # there is some of it in what came last
        self._is_paused = False
        self._is_spoilt = False  # something came that nobody asked for, or that is no HTTP
        self._ends_with_close = False
        self._may_be_kept = True
        self.idle_since = 0.0

    def request(self, head: bytes, body: bytes, deadline: float) -> Incoming:
        """Send a request; `deadline` (monotonic seconds) holds until the head of its answer is there."""
        assert self._incoming is None, "one request at a time"
        self._head_bytes = self._bare_bytes = 0
        self._ends_with_close = False
        incoming = self._incoming = Incoming(self, deadline)
        if len(body) <= ONE_WRITE_MAX:
            self._transport.write(head + body)
        else:
            self._transport.write(head)
            self._transport.write(body)
        return incoming

    @property
    def is_usable(self) -> bool:
        """May serve another request: open, at rest, and nothing came unasked."""
        return self._incoming is None and not self._is_spoilt and not self._transport.is_closing()

    @property
    def deadline(self) -> float:
        return self._incoming.deadline if self._incoming is not None else FOREVER

    def time_out(self) -> None:
        """The deadline has passed."""
        if self._incoming is not None:
            self._incoming.fail(TimeoutError())
        self.abort()

    def abort(self) -> None:
        self._transport.abort()

    def resume(self) -> None:
        if self._is_paused:
            self._is_paused = False
            self._transport.resume_reading()

    # asyncio's calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        incoming = self._incoming
        if incoming is None:
            self._is_spoilt = True
            self.abort()
            return
        self._has_body = False
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._refuse(f"its answer is no HTTP ({type(error).__name__})")
            return
        if self._incoming is None:
            self._came_to_rest()
            return
        if not self._has_body:
            self._bare_bytes += len(data)
            if self._bare_bytes > HEAD_BYTES_MAX:
                self._refuse("its head has no end")
                return
        incoming.wake()

    def _refuse(self, why: str) -> None:
        self._is_spoilt = True
        if self._incoming is not None:
            self._incoming.fail(ConnectionFailed(why))
        self.abort()

    def _came_to_rest(self) -> None:
        if self._is_spoilt or not self._may_be_kept:
            self._transport.close()
        else:
            self.idle_since = time.monotonic()
            self._on_idle(self)

    def eof_received(self) -> bool:
        return False

    def connection_lost(self, error: Exception | None) -> None:
        self._on_closed(self)
        incoming, self._incoming = self._incoming, None
        if incoming is None:
            return
        if self._ends_with_close and error is None:
            incoming.complete()
        else:
            incoming.fail(ConnectionFailed("the connection was closed"))

    # httptools' calls; an exception in one of them is a HttpParserError to data_received

    def on_message_begin(self) -> None:
        if self._incoming is None:
            self._is_spoilt = True
        else:
            self._incoming.has_begun = True

    def on_header(self, name: bytes, value: bytes) -> None:
        self._head_bytes += len(name) + len(value)
        if self._head_bytes > HEAD_BYTES_MAX:
            raise ValueError("the head is too large")
        if self._incoming is not None:
            self._incoming.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        incoming, status = self._incoming, self._parser.get_status_code()
        if incoming is None:
            return
        if status < 200:  # 100 Continue, 103 Early Hints: the answer itself follows
            incoming.headers.clear()
            return
        incoming.status, incoming.has_head = status, True
        self._may_be_kept = self._parser.should_keep_alive()
        self._ends_with_close = "content-length" not in incoming.headers and "transfer-encoding" not in incoming.headers

    def on_body(self, data: bytes) -> None:
        self._bare_bytes, self._has_body = 0, True
        if self._incoming is not None and self._incoming.take(data) and not self._is_paused:
            self._is_paused = True
            self._transport.pause_reading()

    def on_message_complete(self) -> None:
        incoming = self._incoming
        if incoming is not None and incoming.has_head:
            self._incoming = None
            self.resume()
            incoming.complete()
