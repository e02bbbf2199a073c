"""A small HTTP/1.1 server for fakes: it does as it is told, also what no decent server would do.

A handler gets an `Exchange` and writes what it likes: a head with a wrong length, half a body, rubbish, nothing at all.
Everything received is remembered, with the moment at which the client hung up, and `GET /_seen` tells it.
"""

import argparse
import asyncio
import base64
import contextlib
import functools
import gzip
import json
import ssl
import sys
import time
import traceback
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec

HEAD_BYTES_MAX = 256 * 1024
EARLY = b"POST /early/"  # below this path a proxy stands in between: it refuses large bodies from the head alone
EARLY_ANSWER = (
    b"HTTP/1.1 413 Request Entity Too Large\r\ncontent-type: text/html\r\nconnection: close\r\ncontent-length: 22\r\n\r\n"
    b"<h1>413 too large</h1>"
)
BOMB_BYTES = 200 * 1024 * 1024
BYTES_TO_A_REST = 64 * 1024
REASONS = {200: "OK", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found", 405: "Method Not Allowed", 500: "Server Error"}


class Seen(msgspec.Struct):
    """One request as it came. Moments are seconds of the machine's monotonic clock, which all its processes share."""

    number: int
    method: str
    path: str
    headers: dict[str, str]
    body: str
    body_base64: str
    json: Any
    received_at: float
    finished_at: float | None = None
    hung_up_at: float | None = None

    @property
    def hung_up(self) -> bool:
        return self.hung_up_at is not None


class ClientLeft(ConnectionError):
    """The client closed its connection; whatever else was to be sent has no reader."""


class Exchange:
    """One request, and the pen to answer it with."""

    def __init__(self, seen: Seen, transport: asyncio.Transport, room_to_write: asyncio.Event) -> None:
        self.seen = seen
        self._transport = transport
        self._room_to_write = room_to_write
        self.keep_alive = True
        self.begun = False
        self.left = asyncio.Event()
        self._bytes_to_a_rest = BYTES_TO_A_REST

    async def send(self, data: bytes) -> None:
        """Errors: ClientLeft. A reader as quick as we are never fills the socket, so a rest comes by count as well: without one
        nothing else is heard of, a hang-up neither."""
        if self.left.is_set():
            raise ClientLeft
        self.begun = True
        self._transport.write(data)
        self._bytes_to_a_rest -= len(data)
        if self._bytes_to_a_rest < 0:
            self._bytes_to_a_rest = BYTES_TO_A_REST
            await asyncio.sleep(0)
        await self._room_to_write.wait()
        if self.left.is_set():
            raise ClientLeft

    async def head(self, status: int, headers: Mapping[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} {REASONS.get(status, 'Status')}", *(f"{name}: {value}" for name, value in headers.items())]
        await self.send(("\r\n".join(lines) + "\r\n\r\n").encode("latin-1"))

    async def whole(self, status: int, body: bytes, headers: Mapping[str, str] | None = None) -> None:
        await self.head(status, {"content-type": "application/json", "content-length": str(len(body)), **(headers or {})})
        await self.send(body)

    async def chunked(self, data: bytes) -> None:
        await self.send(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    async def chunked_end(self) -> None:
        await self.send(b"0\r\n\r\n")

    async def pause(self, seconds: float) -> None:
        """Wait, but not longer than the client does."""
        try:
            await asyncio.wait_for(self.left.wait(), seconds)
        except TimeoutError:
            return
        raise ClientLeft

    def drop(self) -> None:
        """Die: what was written goes out, then the connection is closed without a further word."""
        self.keep_alive = False
        self._transport.close()

    def reset(self) -> None:
        """Die at once: a RST, as from a process that was killed or a cable that was cut."""
        self.keep_alive = False
        self._transport.abort()


@functools.cache
def gzip_bomb_bytes() -> bytes:
    """A small body that is very large once it is unpacked; packing it takes a second."""
    return gzip.compress(b" " * BOMB_BYTES, 1)


Handler = Callable[[Exchange], Awaitable[None]]


class FakeServer:
    """Serves one handler on loopback, and `GET /_seen`, `POST /_forget` beside it."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self.seen: list[Seen] = []

    async def start(self, port: int, tls: ssl.SSLContext | None = None) -> int:
        """Errors: OSError when the port is taken. Returns the port, which is another where 0 was asked."""
        server = await asyncio.get_running_loop().create_server(lambda: _Connection(self), "127.0.0.1", port, ssl=tls)
        return int(server.sockets[0].getsockname()[1])

    async def handle(self, exchange: Exchange) -> None:
        path = exchange.seen.path.partition("?")[0]
        if path == "/_seen":
            await exchange.whole(200, msgspec.json.encode(self.seen))
        elif path == "/_forget":
            self.seen.clear()
            await exchange.whole(200, b"{}")
        else:
            self.seen.append(exchange.seen)
            await self._handler(exchange)
            exchange.seen.finished_at = time.monotonic()


class _Connection(asyncio.Protocol):
    """Reads requests one after another. The protocol, not a stream, so that a hang-up is known the moment it happens."""

    def __init__(self, server: FakeServer) -> None:
        self._server = server
        self._unread = bytearray()
        self._transport: asyncio.Transport
        self._current: Exchange | None = None
        self._room_to_write = asyncio.Event()
        self._room_to_write.set()
        self._tasks: set[asyncio.Task[None]] = set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self._client_left()

    def eof_received(self) -> bool:
        self._client_left()
        return False

    def pause_writing(self) -> None:
        self._room_to_write.clear()

    def resume_writing(self) -> None:
        self._room_to_write.set()

    def data_received(self, data: bytes) -> None:
        self._unread += data
        if self._current is None:
            self._next()

    def _client_left(self) -> None:
        self._room_to_write.set()
        exchange = self._current
        if exchange is not None and not exchange.left.is_set():
            exchange.left.set()
            if exchange.keep_alive:  # else it was us who closed
                exchange.seen.hung_up_at = time.monotonic()

    def _next(self) -> None:
        if self._unread.startswith(EARLY) and b"\r\n\r\n" in self._unread:
            self._unread.clear()
            self._transport.write(EARLY_ANSWER)
            self._transport.close()
            return
        parsed = _parse(self._unread)
        if parsed is None:
            assert len(self._unread) < 64 * 1024 * 1024, "a request without an end"
            return
        method, path, headers, body, length = parsed
        del self._unread[:length]
        seen = Seen(
            number=len(self._server.seen),
            method=method,
            path=path,
            headers=headers,
            body=body.decode("utf-8", "replace"),
            body_base64=base64.b64encode(body).decode(),
            json=_json_or_none(body),
            received_at=time.monotonic(),
        )
        self._current = Exchange(seen, self._transport, self._room_to_write)
        task = asyncio.get_running_loop().create_task(self._answer(self._current))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _answer(self, exchange: Exchange) -> None:
        try:
            await self._server.handle(exchange)
        except ClientLeft:
            pass
        except Exception:  # a body that no rule of the fake has thought of: a vendor answers that as well
            traceback.print_exc()
            await _fail(exchange)
        finally:
            self._current = None
            if not exchange.keep_alive or exchange.left.is_set():
                self._transport.close()
            elif self._unread:
                self._next()


async def _fail(exchange: Exchange) -> None:
    if exchange.begun:
        exchange.drop()
        return
    with contextlib.suppress(ClientLeft):
        await exchange.whole(500, b'{"error":{"message":"The fake could not read this.","type":"server_error"}}')


def _parse(data: bytearray) -> tuple[str, str, dict[str, str], bytes, int] | None:
    """(method, path, headers, body, bytes taken) of the first request in `data`, None while it is incomplete."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        assert len(data) < HEAD_BYTES_MAX, "a head without an end"
        return None
    request_line, *lines = data[:end].decode("latin-1").split("\r\n")
    method, path, _ = request_line.split(" ", 2)
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    start = end + 4
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return _parse_chunked(data, start, method, path, headers)
    length = int(headers.get("content-length", "0"))
    if len(data) < start + length:
        return None
    return method, path, headers, bytes(data[start : start + length]), start + length


def _parse_chunked(
    data: bytearray, at: int, method: str, path: str, headers: dict[str, str]
) -> tuple[str, str, dict[str, str], bytes, int] | None:
    body = bytearray()
    while True:
        line_end = data.find(b"\r\n", at)
        if line_end < 0:
            return None
        size = int(bytes(data[at:line_end]).partition(b";")[0], 16)
        at = line_end + 2
        if len(data) < at + size + 2:
            return None
        body += data[at : at + size]
        at += size + 2
        if size == 0:
            return method, path, headers, bytes(body), at


def _json_or_none(body: bytes) -> Any:
    try:
        return json.loads(body) if body else None
    except ValueError:
        return None


def run(handler: Handler) -> None:
    """A fake as a program: takes `--port`, `--certificate` and `--key`, and prints its ports as JSON."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--certificate")
    arguments.add_argument("--key")
    given = arguments.parse_args()
    asyncio.run(_serve(FakeServer(handler), given.port, given.certificate, given.key))


async def _serve(server: FakeServer, port: int, certificate: str | None, key: str | None) -> None:
    ports = {"port": await server.start(port)}
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
        ports["tls_port"] = await server.start(0, tls)
    print(json.dumps(ports), flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with whoever started it, however that ends
