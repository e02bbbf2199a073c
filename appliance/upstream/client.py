"""The one HTTP client of the server: kept-alive connections, bounds on time and size, errors in our own words.

aiohttp stood here first; it cost 100 of a request's 300 µs, most of it in objects that a gateway doesn't need (cookies,
redirects, content codings, a timer each). This asks for a JSON answer and reads it (docs/decisions/0006).
"""

import asyncio
import ssl
import time
from collections.abc import Mapping
from typing import Protocol

import msgspec

from appliance.errors import UpstreamCut, UpstreamFailed, UpstreamTimeout
from appliance.upstream.dialling import Dialler, Where
from appliance.upstream.http1 import ConnectionFailed, Http1Connection, Incoming
from appliance.upstream.origin import NotReachable, Origin, taken_apart
from appliance.upstream.proxy import Proxies
from appliance.upstream.reach import Reach
from appliance.upstream.tunnel import WANTS_CREDENTIALS, ProxyFailed

KEPT_IDLE_SECONDS = 60.0
KEPT_IDLE_MAX = 512  # connections an origin
TARGETS_MAX = 1024  # some vendors have the model's name in the path, and callers write that
STALE_SECONDS_MAX = 1.0
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


class _Target(msgspec.Struct, frozen=True):
    origin: Origin
    first_lines: bytes  # the request's line and the headers that every request has
    is_through_proxy: bool


class HttpClient:
    """Sends requests to upstreams. One per process; `open` it inside the event loop."""

    def __init__(self, limits: Limits, reach: Where | None = None, proxies: Proxies | None = None, *, ca_file: str = "") -> None:
        """`reach` says where it may connect; left out: to whatever an administrator may name. Errors: CannotStart."""
        self._limits = limits
        self._dialler = Dialler(reach or Reach(), proxies or Proxies(), ca_file, limits.connect_seconds_max)
        self._targets: dict[tuple[str, str], _Target] = {}
        self._idle: dict[Origin, list[Http1Connection]] = {}
        self.connections: set[Http1Connection] = set()  # open ones, idle or not
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

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: bytes,
        who: str,
        first_byte_seconds_max: float | None = None,
    ) -> "Answer":
        """Send a request and wait for the head of its answer; redirects are not followed.

        Shapes:  `url` with its scheme; `who` names the provider in messages; `first_byte_seconds_max` goes before the setting.
        Errors:  UpstreamTimeout, UpstreamFailed.
        """
        target = self._targets.get((method, url)) or self._learn(method, url, who)
        head = target.first_lines + _lines(headers, body, who)
        seconds = first_byte_seconds_max or self._limits.first_byte_seconds_max
        connection = self._kept(target.origin)
        while True:
            is_new = connection is None
            connection = connection or await self._connected(target.origin, who)
            sent_at = time.monotonic()
            incoming = connection.request(head, body, sent_at + seconds)
            try:
                await incoming.head()
                break
            except TimeoutError as error:
                fix = "Try again; the limit is first_byte_seconds_max."
                raise UpstreamTimeout(f"{who} gave no answer in time", fix=fix) from error
            except ConnectionFailed as error:
                if is_new or not _was_stale(incoming, sent_at):
                    raise UpstreamFailed(f"{who} gave no answer: {error}", fix="Try again.") from error
                connection = None
            except BaseException:
                incoming.abort()
                raise
        if incoming.status == 407 or "content-encoding" in incoming.headers:
            _refuse_unreadable(incoming, target, who)
        return Answer(incoming, self._limits, who)

    def _learn(self, method: str, url: str, who: str) -> _Target:
        """Take a URL apart, once, and look at what can be said of it before its name is resolved."""
        try:
            origin, path = taken_apart(url)
            proxy = self._dialler.proxy_for(origin)
        except NotReachable as error:
            raise _not_reachable(who, error) from error
        lines = f"host: {origin.shown}\r\naccept-encoding: identity\r\n"
        if proxy is not None and not origin.is_tls:
            path, lines = f"http://{origin.shown}{path}", lines + proxy.credential_line
        if len(self._targets) >= TARGETS_MAX:
            self._targets.clear()
        first_lines = f"{method} {path} HTTP/1.1\r\n{lines}".encode("ascii")
        target = self._targets[(method, url)] = _Target(origin, first_lines, proxy is not None)
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
            connection = await self._dialler.connection(origin, lambda: Http1Connection(keep, self.connections.discard))
        except NotReachable as error:
            raise _not_reachable(who, error) from error
        except ProxyFailed as error:
            raise UpstreamFailed(f"{who} could not be reached: {error.message}", fix=error.fix) from error
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"{who} could not be reached in time", fix="Check its base_url; the limit is connect_seconds_max."
            ) from error
        except ssl.SSLCertVerificationError as error:
            raise UpstreamFailed(
                f"{who} could not be reached: its certificate is not trusted here ({error.verify_message})",
                fix="Check its base_url; for an authority of your own set upstream_ca_file to its certificate, and restart.",
            ) from error
        except (OSError, ssl.SSLError) as error:
            raise UpstreamFailed(
                f"{who} could not be reached ({type(error).__name__})",
                fix="Check the provider's base_url and that this machine can connect to it.",
            ) from error
        if not connection.is_usable:
            raise UpstreamFailed(f"{who} closed the connection at once", fix="Try again; check the provider's base_url.")
        self.connections.add(connection)
        return connection

    async def _look_after_connections(self) -> None:
        """Deadlines, for all connections at once: a timer each would cost every request."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for connection in list(self.connections):
                if connection.deadline < now:
                    connection.time_out()
            for origin, idle in list(self._idle.items()):
                if not idle:
                    del self._idle[origin]
                while idle and (not idle[0].is_usable or idle[0].idle_since < now - KEPT_IDLE_SECONDS):
                    idle.pop(0).abort()


def _lines(headers: Mapping[str, str], body: bytes, who: str) -> bytes:
    """The rest of a request's head. Errors: UpstreamFailed."""
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers.items()])
    if lines.count("\n") != len(headers) or lines.count("\r") != len(headers):
        raise UpstreamFailed(f"a header for {who} has a line break in it", fix="Check the provider's api_key.")
    return f"{lines}content-length: {len(body)}\r\n\r\n".encode("latin-1", "replace")


def _was_stale(incoming: Incoming, sent_at: float) -> bool:
    """Whether a kept connection failed since its server had closed it, at the moment at which we wrote.

    Then the request reached nobody, and is sent again, once, on a new connection. Told by what it looks like: at once, and
    with no byte of an answer. A server that dies while it works on a request dies later, or has begun to answer; for one that
    does neither the work is done twice, which browsers and Go's client take into account as well.
    """
    return not incoming.has_begun and time.monotonic() - sent_at <= STALE_SECONDS_MAX


def _not_reachable(who: str, error: NotReachable) -> UpstreamFailed:
    return UpstreamFailed(f"{who} is not connected to: {error.message}", fix=error.fix or "Check the provider's base_url.")


def _refuse_unreadable(incoming: Incoming, target: _Target, who: str) -> None:
    """Refuse what only the proxy says, and a compressed answer: none is asked for, and a small one may unpack to a disk full.

    An error's body may be compressed, since its status says enough.
    """
    if incoming.status == 407 and target.is_through_proxy:
        incoming.abort()
        raise UpstreamFailed(f"{who} could not be reached: the proxy {WANTS_CREDENTIALS[0]}", fix=WANTS_CREDENTIALS[1])
    coding = incoming.headers.get("content-encoding", "identity").strip().lower()
    if coding not in ("identity", "") and 200 <= incoming.status < 300:
        incoming.abort()
        raise UpstreamFailed(
            f"{who} sent a compressed answer ({coding[:20]}), though none was asked for",
            fix="Turn compression off there, or in the proxy in between.",
        )


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
