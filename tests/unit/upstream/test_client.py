"""The HTTP client against servers that a test scripts byte by byte, on real sockets."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from appliance import errors
from appliance.upstream.client import HttpClient

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


class Limits(msgspec.Struct):
    connect_seconds_max: float = 2.0
    first_byte_seconds_max: float = 5.0
    between_bytes_seconds_max: float = 5.0
    answer_bytes_max: int = 1024 * 1024


class Scripted:
    """A server that reads one request a turn and answers as told; counts its connections."""

    def __init__(self, answer: Callable[["Scripted", asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.answer = answer
        self.connections = 0
        self.requests: list[bytes] = []
        self.url = ""
        self._open: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def end(self) -> None:
        for writer in self._open.values():
            writer.transport.abort()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = writer
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
                self.requests.append(head + await reader.readexactly(length))
                await self.answer(self, writer)
                await writer.drain()
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        del self._open[task]


@asynccontextmanager
async def talking(
    answer: bytes | Callable[[Scripted, asyncio.StreamWriter], Awaitable[None]],
    limits: Limits | None = None,
    tls: ssl.SSLContext | None = None,
) -> AsyncIterator[tuple[Scripted, HttpClient]]:
    async def written(_: Scripted, writer: asyncio.StreamWriter) -> None:
        assert isinstance(answer, bytes)
        writer.write(answer)

    server = Scripted(written if isinstance(answer, bytes) else answer)
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}/v1/x?y=1"
    client = HttpClient(limits or Limits())
    await client.open()
    try:
        yield server, client
    finally:
        await client.close()
        listening.close()
        await server.end()


async def ask(client: HttpClient, server: Scripted, body: bytes = b"{}") -> bytes:
    answer = await client.send("POST", server.url, {"Authorization": "Bearer k"}, body, "up")
    return await answer.read()


async def test_a_request_says_what_it_should_and_connections_are_kept() -> None:
    async with talking(OK) as (server, client):
        assert [await ask(client, server) for _ in range(3)] == [b"hi"] * 3
        port = server.url.split(":")[2].split("/")[0]
        head = f"POST /v1/x?y=1 HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\naccept-encoding: identity\r\n"
        rest = "Authorization: Bearer k\r\ncontent-length: 2\r\n\r\n{}"
        assert server.requests[0] == (head + rest).encode()
        assert server.connections == 1


async def test_requests_at_the_same_time_have_connections_of_their_own() -> None:
    async with talking(OK) as (server, client):
        assert await asyncio.gather(*(ask(client, server) for _ in range(20))) == [b"hi"] * 20
        assert 1 < server.connections <= 20


@pytest.mark.parametrize("size", [1, 3, 7])
async def test_an_answer_reads_the_same_wherever_the_network_cuts_it(size: int) -> None:
    head = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\ntransfer-encoding: chunked\r\n\r\n"
    whole = head + b"5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n"

    async def dripped(_: Scripted, writer: asyncio.StreamWriter) -> None:
        for at in range(0, len(whole), size):
            writer.write(whole[at : at + size])
            await writer.drain()
            await asyncio.sleep(0)

    async with talking(dripped) as (server, client):
        answer = await client.send("POST", server.url, {}, b"", "up")
        assert (answer.status, answer.headers["x-a"]) == (200, "b")
        assert await answer.read() == b"hello world"
        assert await ask(client, server) == b"hello world"
        assert server.connections == 1


async def test_an_answer_without_a_length_ends_with_its_connection() -> None:
    async def until_close(_: Scripted, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\nall of it")
        writer.close()

    async with talking(until_close) as (server, client):
        assert await ask(client, server) == b"all of it"
        assert await ask(client, server) == b"all of it"
        assert server.connections == 2


async def test_a_connection_that_the_server_means_to_close_is_not_used_again() -> None:
    async with talking(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi") as (server, client):
        assert [await ask(client, server) for _ in range(2)] == [b"hi", b"hi"]
        assert server.connections == 2


@pytest.mark.parametrize("pause", [0.0, 0.05])
async def test_what_comes_unasked_is_never_taken_for_the_next_answer(pause: float) -> None:
    async def with_stray(_: Scripted, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)
        await asyncio.sleep(pause)
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nSTRAY")

    async with talking(with_stray) as (server, client):
        for _ in range(3):
            assert await ask(client, server) == b"hi"
            await asyncio.sleep(pause * 2)


@pytest.mark.parametrize(
    "answer",
    [
        b"rubbish\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    ],
)
async def test_what_is_no_http_is_an_upstream_failure(answer: bytes) -> None:
    async with talking(answer) as (server, client):
        with pytest.raises(errors.UpstreamFailed):
            await ask(client, server)


async def test_a_connection_that_breaks_off_is_told_apart_before_and_in_the_middle() -> None:
    async def cut(server: Scripted, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 2:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")
            await writer.drain()
        writer.transport.abort()

    async with talking(cut) as (server, client):
        with pytest.raises(errors.UpstreamFailed) as before:
            await ask(client, server)
        assert not isinstance(before.value, errors.UpstreamCut)
        with pytest.raises(errors.UpstreamCut):
            await ask(client, server)


async def test_silence_has_a_limit_before_the_answer_and_within_it() -> None:
    async def silent(server: Scripted, writer: asyncio.StreamWriter) -> None:
        if len(server.requests) == 2:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")

    limits = Limits(first_byte_seconds_max=0.3, between_bytes_seconds_max=0.3)
    async with talking(silent, limits) as (server, client):
        for _ in range(2):
            began = time.monotonic()
            with pytest.raises(errors.UpstreamTimeout):
                await ask(client, server)
            assert time.monotonic() - began < 3


async def test_an_answer_past_the_bound_is_given_up() -> None:
    endless = b"HTTP/1.1 200 OK\r\ncontent-length: 9000000\r\n\r\n" + b"x" * 2_000_000
    async with talking(endless) as (server, client):
        with pytest.raises(errors.UpstreamFailed, match="more than 1048576 bytes"):
            await ask(client, server)


async def test_a_reader_that_is_slow_slows_the_sender_and_loses_nothing() -> None:
    sent = 0

    async def much(_: Scripted, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 40000000\r\n\r\n")
        for _ in range(400):
            writer.write(b"x" * 100_000)
            await writer.drain()
            sent += 100_000

    async with talking(much) as (server, client):
        answer = await client.send("POST", server.url, {}, b"", "up")
        await asyncio.sleep(0.3)
        assert sent < 30_000_000, "the rest waits in the sender"
        received = 0
        while piece := await answer.piece():
            received += len(piece)
        assert received == 40_000_000


async def test_leaving_in_the_middle_closes_the_connection_at_once() -> None:
    left = asyncio.Event()

    async def streamed(_: Scripted, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(b"1\r\nx\r\n")
                await writer.drain()
                await asyncio.sleep(0.005)
        left.set()

    async with talking(streamed) as (server, client):
        answer = await client.send("POST", server.url, {}, b"", "up")
        assert await answer.piece() == b"x"
        answer.close()
        async with asyncio.timeout(1):
            await left.wait()


async def test_a_cancelled_wait_closes_the_connection_at_once() -> None:
    async def silent(_: Scripted, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0)

    async with talking(silent) as (server, client):
        waiting = asyncio.ensure_future(ask(client, server))
        await asyncio.sleep(0.05)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(0.05)
        assert not client.connections


async def test_a_machine_that_is_not_there_is_an_upstream_failure() -> None:
    async with talking(OK) as (_, client):
        with pytest.raises(errors.UpstreamFailed, match="could not be reached"):
            await client.send("POST", "http://127.0.0.1:1/v1", {}, b"", "up")
        with pytest.raises(errors.UpstreamFailed, match="could not be reached"):
            await client.send("POST", "http://nobody.invalid/v1", {}, b"", "up")


async def test_a_credential_with_a_line_break_is_not_sent() -> None:
    async with talking(OK) as (server, client):
        with pytest.raises(errors.UpstreamFailed, match="line break"):
            await client.send("POST", server.url, {"Authorization": "Bearer a\r\nx: y"}, b"", "up")
        assert server.requests == []


async def test_tls_is_verified(tmp_path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "stranger")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "server.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    async with talking(OK, tls=context) as (server, client):
        with pytest.raises(errors.UpstreamFailed, match="certificate is not trusted"):
            await ask(client, server)
