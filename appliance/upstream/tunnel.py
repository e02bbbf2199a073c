"""A way through a proxy: CONNECT, and the answer to it, before the first byte of TLS."""

import asyncio
from typing import cast

from appliance.upstream.origin import Origin
from appliance.upstream.proxy import Proxy

ANSWER_BYTES_MAX = 16 * 1024


class ProxyFailed(OSError):
    """The proxy did not open the way. The message says what it did, `fix` what may be done."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Tunnel(asyncio.Protocol):
    """Asks a proxy for a way to an origin; `opened` is done when its answer is read."""

    def __init__(self, origin: Origin, proxy: Proxy) -> None:
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.transport: asyncio.Transport
        self._origin = origin
        self._proxy = proxy
        self._read = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's are none by their class
        where = self._origin.authority
        self.transport.write(f"CONNECT {where} HTTP/1.1\r\nhost: {where}\r\n{self._proxy.credential_line}\r\n".encode("latin-1"))

    def data_received(self, data: bytes) -> None:
        if self.opened.done():
            return
        self._read += data
        head, end, rest = self._read.partition(b"\r\n\r\n")
        if not end and len(self._read) <= ANSWER_BYTES_MAX:
            return
        words = head.split(b"\r\n")[0].split(b" ")
        if not end or len(words) < 2 or not words[0].startswith(b"HTTP/1.") or not words[1].isdigit():
            self._fail("answers with something that is no HTTP", "Check that upstream_proxy names an HTTP proxy.")
        elif not words[1].startswith(b"2"):
            self._refused(int(words[1]))
        elif rest:  # a server speaks second in TLS: whoever sent this is not the one we asked for
            self._fail("sends what it was not asked for", "Check upstream_proxy.")
        else:
            self.opened.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        self._fail("closed the connection without an answer", "Check upstream_proxy, and the proxy's own log.")

    def _refused(self, status: int) -> None:
        if status == 407:
            self._fail(*WANTS_CREDENTIALS)
        else:
            self._fail(
                f"does not connect to {self._origin.host} (status {status})",
                "Allow the host in the proxy, or list it in upstream_proxy_exceptions.",
            )

    def _fail(self, what: str, fix: str) -> None:
        if not self.opened.done():
            self.opened.set_exception(ProxyFailed(f"the proxy {self._proxy.origin.host} {what}", fix))


WANTS_CREDENTIALS = (
    "wants another user name or password (status 407)",
    "Write upstream_proxy as http://user:password@host:port.",
)
