"""What the client does not wait for, does not hold, and does not believe; and when it asks a second time."""

import asyncio
import gzip
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

import pytest

from appliance import errors
from appliance.upstream import client as client_module
from appliance.upstream.client import HttpClient
from tests.fakes.certificates import made_certificates
from tests.unit.upstream.test_client import OK, Limits, Scripted, ask, talking

Answering = Callable[[Scripted, asyncio.StreamWriter], Awaitable[None]]
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def repeating(beginning: bytes, again: bytes, pause: float = 0.0) -> Answering:
    """Sends a beginning, and then the same for ever."""

    async def answer(_: Scripted, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(again)
                await writer.drain()
                await asyncio.sleep(pause)

    return answer


class TestBounds:
    @pytest.mark.parametrize(
        ("beginning", "again"),
        [
            (b"HTTP/1.1 200 ", b"O" * 10_000),
            (b"HTTP/1.1 200 OK\r\nx: ", b"y" * 10_000),
            (b"HTTP/1.1 200 OK\r\n", b"x" * 10_000),
            (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n" * 1000),
            (b"", b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" * 100),
            (CHUNKED + b"1;", b"x" * 10_000),
            (CHUNKED + b"1\r\nx\r\n0\r\n", b"x: y\r\n" * 1000),
            (CHUNKED + b"1\r\nx\r\n0\r\nx: ", b"y" * 10_000),
        ],
    )
    async def test_a_head_a_chunks_head_and_a_trailer_without_an_end_are_given_up_soon(
        self, beginning: bytes, again: bytes
    ) -> None:
        async with talking(repeating(beginning, again)) as (server, client):
            began = time.monotonic()
            with pytest.raises((errors.UpstreamFailed, errors.UpstreamCut)):
                await ask(client, server)
            assert time.monotonic() - began < 2
            await asyncio.sleep(0.02)
            assert not client.connections

    @pytest.mark.parametrize("again", [b"x: y\r\n" * 1000, b"y" * 10_000])
    async def test_nor_does_a_trailer_without_an_end_pile_up_while_nobody_reads(self, again: bytes) -> None:
        """The caller at the other end stalls: the first word waits to be read, and what follows it was not counted."""
        async with talking(repeating(CHUNKED + b"1\r\nx\r\n0\r\nx: ", again)) as (server, client):
            answer = await client.send("POST", server.url, {}, b"", "up")
            for _ in range(150):
                await asyncio.sleep(0.02)
                if not client.connections:
                    break
            assert not client.connections
            with pytest.raises(errors.UpstreamCut):
                await answer.read()

    async def test_a_drip_before_the_answer_has_the_time_of_the_first_byte_and_no_more(self) -> None:
        dripping = repeating(b"HTTP/1.1 200 OK\r\nx: ", b"y", 0.05)
        async with talking(dripping, Limits(first_byte_seconds_max=0.4)) as (server, client):
            began = time.monotonic()
            with pytest.raises(errors.UpstreamTimeout):
                await ask(client, server)
            assert time.monotonic() - began < 2

    async def test_a_drip_of_anything_but_the_body_counts_as_silence(self) -> None:
        dripping = repeating(CHUNKED + b"5\r\nhello\r\n1;", b"x", 0.05)
        async with talking(dripping, Limits(between_bytes_seconds_max=0.4)) as (server, client):
            began = time.monotonic()
            with pytest.raises(errors.UpstreamTimeout):
                await ask(client, server)
            assert time.monotonic() - began < 2

    async def test_a_drip_of_the_body_is_an_answer_like_any_other(self) -> None:
        async def dripping(_: Scripted, writer: asyncio.StreamWriter) -> None:
            writer.write(CHUNKED)
            for _ in range(20):
                writer.write(b"1\r\n")
                await asyncio.sleep(0.02)
                writer.write(b"x\r\n")
            writer.write(b"0\r\n\r\n")

        async with talking(dripping, Limits(between_bytes_seconds_max=0.3)) as (server, client):
            assert await ask(client, server) == b"x" * 20

    async def test_a_request_may_have_a_shorter_or_longer_time_of_its_own(self) -> None:
        async def late(_: Scripted, writer: asyncio.StreamWriter) -> None:
            await asyncio.sleep(0.8)
            writer.write(OK)

        async with talking(late, Limits(first_byte_seconds_max=0.2)) as (server, client):
            answer = await client.send("POST", server.url, {}, b"", "up", first_byte_seconds_max=5.0)
            assert await answer.read() == b"hi"
        async with talking(late) as (server, client):
            began = time.monotonic()
            with pytest.raises(errors.UpstreamTimeout):
                await client.send("POST", server.url, {}, b"", "up", first_byte_seconds_max=0.1)
            assert time.monotonic() - began < 0.7

    async def test_paths_that_callers_make_up_are_not_remembered_without_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "TARGETS_MAX", 50)
        async with talking(OK) as (server, client):
            for number in range(120):
                answer = await client.send("POST", f"{server.url}&model={number}", {}, b"", "up")
                assert await answer.read() == b"hi"
            assert len(client._targets) <= 50
            assert server.connections == 1


class TestCompression:
    @pytest.mark.parametrize("coding", ["gzip", "br", "GZIP", "deflate, gzip"])
    async def test_a_compressed_answer_is_refused_since_none_is_asked_for(self, coding: str) -> None:
        bomb = gzip.compress(b" " * 10_000_000, 1)
        head = f"HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: {len(bomb)}\r\n\r\n".encode()
        async with talking(head + bomb) as (server, client):
            with pytest.raises(errors.UpstreamFailed, match="compressed answer") as refused:
                await ask(client, server)
            assert "Turn compression off" in refused.value.fix
            assert b"accept-encoding: identity" in server.requests[0]

    async def test_one_that_says_identity_is_none(self) -> None:
        async with talking(b"HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\ncontent-length: 2\r\n\r\nhi") as (server, client):
            assert await ask(client, server) == b"hi"

    async def test_an_errors_status_is_told_whatever_its_body_is(self) -> None:
        async with talking(b"HTTP/1.1 401 No\r\ncontent-encoding: gzip\r\ncontent-length: 2\r\n\r\n\x1f\x8b") as (server, client):
            assert (await client.send("POST", server.url, {}, b"", "up")).status == 401


class TestStaleConnections:
    """A server closes an idle connection at the very moment at which we send over it."""

    def closing(self, after: float, dies_at: int = 0) -> Answering:
        """Answers; then reads what comes next, and closes in place of an answer, as a server does whose idle time is over."""

        async def answer(server: Scripted, writer: asyncio.StreamWriter) -> None:
            number = len(server.requests)
            if (number == 2 and server.connections == 1) or number == dies_at:
                await asyncio.sleep(after)
                writer.transport.abort()
            else:
                writer.write(OK)

        return answer

    async def test_the_request_is_sent_again_on_a_new_one(self) -> None:
        async with talking(self.closing(0)) as (server, client):
            assert [await ask(client, server, b'{"n":1}') for _ in range(3)] == [b"hi"] * 3
            assert server.connections == 2
            assert len(server.requests) == 4
            assert server.requests[1] == server.requests[2]

    async def test_but_only_once(self) -> None:
        async with talking(self.closing(0, dies_at=3)) as (server, client):
            assert await ask(client, server) == b"hi"
            with pytest.raises(errors.UpstreamFailed, match="gave no answer"):
                await ask(client, server)
            assert len(server.requests) == 3

    async def test_not_where_the_server_worked_for_a_while_and_then_died(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(client_module, "STALE_SECONDS_MAX", 0.1)
        async with talking(self.closing(0.4)) as (server, client):
            assert await ask(client, server) == b"hi"
            with pytest.raises(errors.UpstreamFailed, match="gave no answer"):
                await ask(client, server)
            assert len(server.requests) == 2

    async def test_not_where_a_byte_of_an_answer_has_come(self) -> None:
        async def half(server: Scripted, writer: asyncio.StreamWriter) -> None:
            writer.write(OK if len(server.requests) != 2 else b"HTTP/1.1 200 OK\r\nx: ")
            if len(server.requests) == 2:
                await writer.drain()
                writer.close()

        async with talking(half) as (server, client):
            assert await ask(client, server) == b"hi"
            with pytest.raises(errors.UpstreamFailed):
                await ask(client, server)
            assert len(server.requests) == 2

    async def test_a_server_that_closes_idle_connections_after_a_moment_is_no_trouble_however_the_moments_fall(self) -> None:
        async def impatient(_: Scripted, writer: asyncio.StreamWriter) -> None:
            writer.write(OK)
            asyncio.get_running_loop().call_later(0.02, writer.close)

        async with talking(impatient) as (server, client):
            for step in range(100):
                assert await ask(client, server) == b"hi"
                await asyncio.sleep(0.019 + step * 0.00002)
            assert server.connections > 10


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("secure", [False, True])
async def test_who_cancels_is_gone_from_the_server_within_100_ms(tmp_path: Path, streamed: bool, secure: bool) -> None:
    certificates = made_certificates(tmp_path, "127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    came, gone = asyncio.Event(), asyncio.Queue[float]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if streamed:
            writer.write(CHUNKED + b"1\r\nx\r\n")
        came.set()
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        gone.put_nowait(time.monotonic())
        writer.transport.abort()

    async def all_of_it(client: HttpClient, url: str) -> None:
        await (await client.send("POST", url, {}, b"", "up")).read()

    listening = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls if secure else None)
    client = HttpClient(Limits(), ca_file=str(certificates.authority))
    await client.open()
    url = f"http{'s' * secure}://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    took = []
    for _ in range(3):
        came.clear()
        waiting = asyncio.ensure_future(all_of_it(client, url))
        await came.wait()
        await asyncio.sleep(0.05)
        cancelled_at = time.monotonic()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        took.append(await gone.get() - cancelled_at)
    assert min(took) < 0.1
    assert not client.connections
    await client.close()
    listening.close()


async def test_a_connection_over_tls_is_made_once_and_kept(tmp_path: Path) -> None:
    certificates = made_certificates(tmp_path, "127.0.0.1")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificates.server, certificates.server_key)
    async with talking(OK, tls=tls) as (server, _):
        client = HttpClient(Limits(), ca_file=str(certificates.authority))
        await client.open()
        for _ in range(200):
            assert await ask(client, server) == b"hi"
        assert server.connections == 1, "each connection of this server is one handshake"
        await client.close()


async def test_a_server_that_takes_a_connection_and_closes_it_is_told_at_once() -> None:
    async def shut(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    listening = await asyncio.start_server(shut, "127.0.0.1", 0)
    client = HttpClient(Limits())
    await client.open()
    url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/"
    for _ in range(20):
        began = time.monotonic()
        with pytest.raises(errors.UpstreamFailed):
            await client.send("POST", url, {}, b"x" * 100_000, "up")
        assert time.monotonic() - began < 1
    assert not client.connections
    await client.close()
    listening.close()
