"""A site's HTTP proxy: CONNECT and absolute-form requests, a credential, and the ways in which proxies fail.

    python -m tests.fakes.proxy      prints {"port": …} and serves until its standard input ends

Every host that it is asked for is this machine: `provider.example:8123` leads to port 8123 of loopback. It wants the user
`site` with the password `s3cret:word`; the user's name chooses how it fails. GET /_seen, straight, tells what it was asked.

    refusing    403               slow      nothing for a minute      rubbish   no HTTP
    cut         closes at once    early     sends before it is asked  endless   a head without an end
    open        needs no password
"""

import argparse
import asyncio
import base64
import json
import ssl
import sys
from contextlib import suppress

import msgspec

USER, PASSWORD = "site", "s3cret:word"
FAULTS = ("refusing", "slow", "rubbish", "cut", "early", "endless")
HEAD_BYTES_MAX = 256 * 1024


class Asked(msgspec.Struct):
    """One request to the proxy. `head` is all it was shown of it."""

    method: str
    target: str
    user: str
    head: str


class FakeProxy:
    """Serves on loopback; `asked` is what it was asked for."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.port = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._listening: asyncio.Server | None = None

    async def start(self, port: int = 0, tls: ssl.SSLContext | None = None) -> int:
        self._listening = await asyncio.start_server(self._serve, "127.0.0.1", port, ssl=tls, limit=HEAD_BYTES_MAX)
        self.port = int(self._listening.sockets[0].getsockname()[1])
        return self.port

    async def stop(self) -> None:
        assert self._listening is not None
        self._listening.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            with suppress(asyncio.IncompleteReadError, ConnectionError, ssl.SSLError, asyncio.CancelledError):
                await self._one(reader, writer)
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
        if target == "/_seen":
            body = msgspec.json.encode(self.asked)
            writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            return
        user, password = _credential(head)
        self.asked.append(Asked(method, target, user, head.decode("latin-1")))
        if user in FAULTS:
            await self._fail(user, writer)
        elif user != "open" and (user, password) != (USER, PASSWORD):
            await _say(writer, b"407 Proxy Authentication Required", b'proxy-authenticate: Basic realm="site"\r\n')
        elif method == "CONNECT":
            await self._tunnel(reader, writer, int(target.rpartition(":")[2]))
        else:
            await self._forward(head, reader, writer, target)

    async def _fail(self, how: str, writer: asyncio.StreamWriter) -> None:
        if how == "refusing":
            await _say(writer, b"403 Forbidden")
        elif how == "slow":
            await asyncio.sleep(60)
        elif how == "rubbish":
            writer.write(b"SSH-2.0-OpenSSH_9.6\r\n\r\n")
            await writer.drain()
            await asyncio.sleep(1)
        elif how == "early":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi")
            await writer.drain()
            await asyncio.sleep(1)
        elif how == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\nx: ")
            while True:
                writer.write(b"y" * 65_536)
                await writer.drain()

    async def _tunnel(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
        there_reader, there = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        try:
            await asyncio.gather(_copy(reader, there), _copy(there_reader, writer))
        finally:
            there.transport.abort()

    async def _forward(self, head: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, target: str) -> None:
        """Absolute-form requests, each sent on in origin form without the credential, as long as the connection lasts."""
        authority = target.removeprefix("http://").partition("/")[0]
        there_reader, there = await asyncio.open_connection("127.0.0.1", int(authority.rpartition(":")[2]))
        answers = asyncio.ensure_future(_copy(there_reader, writer))
        try:
            while True:
                first, *rest = head.split(b"\r\n")
                method, target, version = first.decode("latin-1").split(" ")
                assert target.startswith(f"http://{authority}/"), "one connection, one origin"
                path = target.removeprefix(f"http://{authority}")
                lines = [line for line in rest if not line.lower().startswith(b"proxy-")]
                there.write(b"\r\n".join([f"{method} {path} {version}".encode(), *lines]))
                there.write(await reader.readexactly(int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])))
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append(Asked(head.split()[0].decode(), head.split()[1].decode(), _credential(head)[0], head.decode()))
        finally:
            there.transport.abort()
            answers.cancel()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
    writer.transport.abort()


async def _say(writer: asyncio.StreamWriter, status: bytes, headers: bytes = b"") -> None:
    writer.write(b"HTTP/1.1 " + status + b"\r\n" + headers + b"content-length: 0\r\n\r\n")
    await writer.drain()
    await asyncio.sleep(0.2)  # what was said arrives before the end


def _credential(head: bytes) -> tuple[str, str]:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"proxy-authorization" and value.strip().lower().startswith(b"basic "):
            user, _, password = base64.b64decode(value.strip()[6:]).decode().partition(":")
            return user, password
    return "", ""


async def serve(port: int, certificate: str | None, key: str | None) -> None:
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate, key)
    proxy = FakeProxy()
    print(json.dumps({"port": await proxy.start(port, tls)}), flush=True)
    await asyncio.to_thread(sys.stdin.read)  # ends with whoever started it, however that ends
    await proxy.stop()


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--port", type=int, default=0)
    arguments.add_argument("--certificate")
    arguments.add_argument("--key")
    given = arguments.parse_args()
    asyncio.run(serve(given.port, given.certificate, given.key))
