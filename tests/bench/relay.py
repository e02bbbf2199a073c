"""The bare relay: the least that a Python gateway can do, with the libraries that Gatehouse uses and none of its work.

    python tests/bench/relay.py PORT UPSTREAM_BASE_URL

A raw ASGI handler on Granian with uvloop, aiohttp to the upstream: the caller's body and Authorization go on as they are,
the answer comes back as it came, piece by piece where it is a stream. No web framework, no keys, no ledger, no metrics, no log.
"""

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import uvloop
from granian.server.embed import Server
from yarl import URL


class Relay:
    def __init__(self, session: aiohttp.ClientSession, upstream: str) -> None:
        self._session = session
        self._url = URL(f"{upstream}/chat/completions")

    async def __call__(
        self, scope: dict[str, Any], receive: Callable[[], Awaitable[Any]], send: Callable[[dict[str, Any]], Awaitable[None]]
    ) -> None:
        pieces = []
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            pieces.append(message.get("body", b""))
            if not message.get("more_body"):
                break
        if scope["method"] == "GET":  # the benchmark asks whether we are up
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"up"})
            return
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        for name, value in scope["headers"]:
            if name == b"authorization":
                headers["Authorization"] = value.decode("latin-1")
        async with self._session.post(self._url, data=b"".join(pieces), headers=headers, allow_redirects=False) as answer:
            content_type = answer.headers.get("Content-Type", "application/octet-stream").encode("latin-1")
            start = {"type": "http.response.start", "status": answer.status, "headers": [(b"content-type", content_type)]}
            if answer.content_length is not None and not content_type.startswith(b"text/event-stream"):
                body = await answer.read()
                await send(start)
                await send({"type": "http.response.body", "body": body})
                return
            await send(start)
            while piece := await answer.content.readany():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})


async def main(port: int, upstream: str) -> None:
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=300),
        skip_auto_headers=("User-Agent", "Accept"),
    )
    async with session:
        server = Server(
            Relay(session, upstream),
            address="127.0.0.1",
            port=port,
            interface="asginl",  # type: ignore[arg-type]
            backlog=4096,
            backpressure=4096,
            websockets=False,
            log_enabled=False,
        )
        await server.serve()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
