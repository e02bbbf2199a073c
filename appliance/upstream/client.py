"""The one HTTP client of the server: kept-alive connections, bounds on time and size, errors in our own words.

aiohttp stood here first; it cost 100 of a request's 300 µs, most of it in objects that a gateway doesn't need (cookies,
redirects, content codings, a timer each). This asks for a JSON answer and reads it (docs/decisions/0006).
"""

import asyncio
import ssl
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Protocol
from urllib.parse import urlsplit

import msgspec

from appliance.errors import UpstreamCut, UpstreamFailed, UpstreamTimeout
from appliance.upstream.http1 import ConnectionFailed, Http1Connection, Incoming

KEPT_IDLE_SECONDS = 60.0
KEPT_IDLE_MAX = 512  # connections an origin
LOOK_SECONDS = 0.25
REST_SECONDS_MAX = 1.0


class Limits(Protocol):
    """The settings that bound a call to another machine; durations in seconds."""

    @property
    def connect_seconds_max(self) -> float: ...
    @property
    def first_byte_seconds_max(self) -> float: ...
    @property
    def between_bytes_seconds_max(self) -> float: ...
    @property
    def answer_bytes_max(self) -> int: ...


class Origin(msgspec.Struct, frozen=True):
    """Where a URL leads: what a connection is made to."""

    host: str
    port: int
    is_tls: bool


class _Target(msgspec.Struct, frozen=True):
    origin: Origin
    first_lines: bytes  # the request's line and its Host


class HttpClient:
    """Sends requests to upstreams. One per process; `open` it inside the event loop."""

    def __init__(self, limits: Limits, resolve: "Callable[[Origin], Awaitable[Sequence[str]]] | None" = None) -> None:
        """`resolve`: which addresses to try for an origin; it may refuse, with an error of its own (reach.py)."""
        self._limits = limits
        self._resolve = resolve
        self._targets: dict[tuple[str, str], _Target] = {}
        self._idle: dict[Origin, list[Http1Connection]] = {}
        self.connections: set[Http1Connection] = set()  # open ones, idle or not
        self._tls: ssl.SSLContext | None = None
        self._looking: asyncio.Task[None] | None = None

    async def open(self) -> None:
        self._looking = asyncio.ensure_future(self._look_after_connections())

    async def close(self) -> None:
        """Close every connection; what still runs over one fails."""
        if self._looking is not None:
            self._looking.cancel()
        for connection in list(self.connections):
            connection.abort()
        await asyncio.sleep(0)

    async def send(self, method: str, url: str, headers: Mapping[str, str], body: bytes, who: str) -> "Answer":
        """Send a request and wait for the head of its answer; redirects are not followed.

        Shapes:  `url` with its scheme; `who` names the provider in messages.
        Errors:  UpstreamTimeout, UpstreamFailed.
        """
        target = self._targets.get((method, url)) or self._learn(method, url)
        lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
        if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
            raise UpstreamFailed(f"a header for {who} has a line break in it", fix="Check the provider's api_key.")
        head = target.first_lines + f"{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1", "replace")
        connection = self._kept(target.origin) or await self._connected(target.origin, who)
        incoming = connection.request(head, body, time.monotonic() + self._limits.first_byte_seconds_max)
        try:
            await incoming.head()
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"{who} gave no answer in time", fix="Try again; the limit is first_byte_seconds_max."
            ) from error
        except ConnectionFailed as error:
            raise UpstreamFailed(f"{who} gave no answer: {error}", fix="Try again.") from error
        except BaseException:
            incoming.abort()
            raise
        return Answer(incoming, self._limits, who)

    def _learn(self, method: str, url: str) -> _Target:
        """Take a URL apart, once. URLs come from settings: their number is bounded."""
        parts = urlsplit(url)
        is_tls = parts.scheme == "https"
        host = (parts.hostname or "").encode("idna").decode() if not (parts.hostname or "").isascii() else parts.hostname or ""
        port = parts.port or (443 if is_tls else 80)
        shown = f"[{host}]" if ":" in host else host
        if port != (443 if is_tls else 80):
            shown = f"{shown}:{port}"
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        lines = f"{method} {path} HTTP/1.1\r\nhost: {shown}\r\n".encode("ascii")
        target = self._targets[(method, url)] = _Target(Origin(host, port, is_tls), lines)
        return target

    def _kept(self, origin: Origin) -> Http1Connection | None:
        idle = self._idle.get(origin)
        oldest = time.monotonic() - KEPT_IDLE_SECONDS
        while idle:
            connection = idle.pop()
            if connection.is_usable and connection.idle_since >= oldest:
                return connection
            connection.abort()
        return None

    async def _connected(self, origin: Origin, who: str) -> Http1Connection:
        def keep(connection: Http1Connection) -> None:
            idle = self._idle.setdefault(origin, [])
            if len(idle) < KEPT_IDLE_MAX:
                idle.append(connection)
            else:
                connection.abort()

        try:
            async with asyncio.timeout(self._limits.connect_seconds_max):
                connection = await self._dialled(origin, lambda: Http1Connection(keep, self._closed))
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"{who} could not be reached in time", fix="Check its base_url; the limit is connect_seconds_max."
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise UpstreamFailed(
                f"{who} could not be reached: its certificate is not trusted here ({error.verify_message})",
                fix="Check its base_url; for an authority of your own set SSL_CERT_FILE to its certificate, and restart.",
            ) from error
        except (OSError, ssl.SSLError) as error:
            raise UpstreamFailed(
                f"{who} could not be reached ({type(error).__name__})",
                fix="Check the provider's base_url and that this machine can connect to it.",
            ) from error
        self.connections.add(connection)
        return connection

    async def _dialled(self, origin: Origin, make: Callable[[], Http1Connection]) -> Http1Connection:
        """A connection to the first of the origin's addresses that answers. Each has its share of the time."""
        loop = asyncio.get_running_loop()
        over_at = loop.time() + self._limits.connect_seconds_max
        addresses = [origin.host] if self._resolve is None else await self._resolve(origin)
        for left, address in zip(range(len(addresses), 0, -1), addresses, strict=True):
            try:
                async with asyncio.timeout((over_at - loop.time()) / left):
                    _, connection = await loop.create_connection(
                        make,
                        address,
                        origin.port,
                        ssl=self._tls_context() if origin.is_tls else None,
                        server_hostname=origin.host if origin.is_tls else None,
                    )
                    return connection
            except OSError:  # TimeoutError is one
                if left == 1:
                    raise
        raise OSError("no address")

    def _closed(self, connection: Http1Connection) -> None:
        self.connections.discard(connection)

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = ssl.create_default_context()
            self._tls.minimum_version = ssl.TLSVersion.TLSv1_2
        return self._tls

    async def _look_after_connections(self) -> None:
        """Deadlines, for all connections at once: a timer each would cost every request."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for connection in list(self.connections):
                if connection.deadline < now:
                    connection.time_out()
            for idle in self._idle.values():
                while idle and (not idle[0].is_usable or idle[0].idle_since < now - KEPT_IDLE_SECONDS):
                    idle.pop(0).abort()


class Answer:
    """What came back: a status at once, a body when asked for. Read it to its end, or close it."""

    def __init__(self, incoming: Incoming, limits: Limits, who: str) -> None:
        self.status = incoming.status
        self.headers: Mapping[str, str] = incoming.headers
        self.finished = False  # set by a reader that has all it needs: what follows is read away, to keep the connection
        self._incoming = incoming
        self._limits = limits
        self._who = who

    async def piece(self) -> bytes:
        """What has arrived of the body, or what comes next; b"" at its end. Errors: UpstreamCut, UpstreamTimeout."""
        try:
            return await self._incoming.piece(self._limits.between_bytes_seconds_max)
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"{self._who} stopped in the middle of its answer", fix="The limit is between_bytes_seconds_max."
            ) from error
        except ConnectionFailed as error:
            raise UpstreamCut(f"{self._who} broke off in the middle of its answer: {error}", fix="Try again.") from error

    async def read(self, bytes_max: int | None = None) -> bytes:
        """The whole body. Errors: UpstreamCut, UpstreamTimeout, UpstreamFailed past the bound (answer_bytes_max if left out)."""
        bound = bytes_max or self._limits.answer_bytes_max
        pieces: list[bytes] = []
        size = 0
        try:
            while piece := await self.piece():
                size += len(piece)
                if size > bound:
                    raise UpstreamFailed(f"{self._who} sent more than {bound} bytes", fix="The limit is answer_bytes_max.")
                pieces.append(piece)
        finally:
            self.close()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Drop the connection where the body wasn't read to its end."""
        if self._incoming.is_complete:
            return
        if self.finished:
            task = asyncio.ensure_future(self._read_away())
            _reading_away.add(task)
            task.add_done_callback(_reading_away.discard)
        else:
            self._incoming.abort()

    async def _read_away(self) -> None:
        """The end of the body behind a stream's last event. Anything else there is unasked for, and the connection goes."""
        try:
            if await self._incoming.piece(REST_SECONDS_MAX):
                self._incoming.abort()
        except (TimeoutError, ConnectionFailed):
            pass


_reading_away: set[asyncio.Future[None]] = set()
