"""The one HTTP client of the server, and the only file that knows which library it is.

aiohttp, measured at a tenth of httpx's CPU a request. Two of its habits matter here: with `auto_decompress=False` it
still asks for gzip (so we ask for identity), and cancelling a task closes the socket at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Any, Protocol

import aiohttp
from yarl import URL

from appliance.errors import UpstreamCut, UpstreamFailed, UpstreamTimeout

_READ_SIZE = 64 * 1024
_READ_AWAY_SECONDS = 1.0


class Answer(Protocol):
    """What came back: a status at once, a body when asked for."""

    status: int
    headers: Mapping[str, str]
    finished: bool  # set by a reader that has all it needs: what follows is read away, to keep the connection

    async def read(self) -> bytes:
        """The whole body. Errors: UpstreamCut, UpstreamTimeout, UpstreamFailed past the bound."""
        ...

    def pieces(self) -> AsyncGenerator[bytes, None]:
        """The body as the network delivers it. Errors: as read()."""
        ...

    def close(self) -> None:
        """Drop the connection where the body wasn't read to its end."""
        ...


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


class _CleanConnector(aiohttp.TCPConnector):
    """Never hands out a kept connection on which something arrived unasked: aiohttp 3.14 would take it for the next answer."""

    async def connect(self, *args: Any, **kwargs: Any) -> Any:
        while True:
            connection = await super().connect(*args, **kwargs)
            if connection.protocol is None or not connection.protocol.should_close:
                return connection
            connection.close()


class HttpClient:
    """Sends requests to upstreams over kept-alive connections. One per process; `open` it inside the event loop."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._session: aiohttp.ClientSession | None = None
        self._timeout = aiohttp.ClientTimeout(
            total=None, sock_connect=limits.connect_seconds_max, sock_read=limits.first_byte_seconds_max
        )

    async def open(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=_CleanConnector(limit=0, keepalive_timeout=60),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=self._timeout,
            skip_auto_headers=("User-Agent", "Accept"),
        )

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def send(self, method: str, url: URL, headers: Mapping[str, str], body: bytes | None, who: str) -> Answer:
        """Send a request and wait for the head of its answer; redirects are not followed.

        Shapes:  `who` names the provider in messages.
        Errors:  UpstreamTimeout, UpstreamFailed.
        """
        assert self._session is not None, "HttpClient.open() comes first"
        try:
            response = await self._session.request(method, url, headers=headers, data=body, allow_redirects=False)
        except TimeoutError as error:
            raise UpstreamTimeout(
                f"{who} gave no answer in time", fix="Try again; the limits are connect_seconds_max and first_byte_seconds_max."
            ) from error
        except (aiohttp.ClientError, OSError) as error:
            raise UpstreamFailed(
                f"{who} could not be reached ({type(error).__name__})",
                fix="Check the provider's base_url and that this machine can connect to it.",
            ) from error
        return _AiohttpAnswer(response, self._limits, who)


class _AiohttpAnswer:
    def __init__(self, response: aiohttp.ClientResponse, limits: Limits, who: str) -> None:
        self.status = response.status
        self.headers: Mapping[str, str] = response.headers
        self._response = response
        self._limits = limits
        self._who = who
        self.finished = False

    async def read(self) -> bytes:
        length = self._response.content_length
        if length is not None and length <= _READ_SIZE:  # the ordinary case, in one piece
            try:
                return await self._response.read()
            except (TimeoutError, aiohttp.ClientError, OSError) as error:
                raise self._translated(error) from error
        pieces, size = [], 0
        async for piece in self.pieces():
            size += len(piece)
            if size > self._limits.answer_bytes_max:
                self.close()
                raise UpstreamFailed(
                    f"{self._who} sent more than {self._limits.answer_bytes_max} bytes", fix="The limit is answer_bytes_max."
                )
            pieces.append(piece)
        return b"".join(pieces)

    async def pieces(self) -> AsyncGenerator[bytes, None]:
        content = self._response.content
        try:
            while True:
                async with asyncio.timeout(self._limits.between_bytes_seconds_max):
                    piece = await content.readany()
                if not piece:
                    break
                yield piece
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise self._translated(error) from error
        finally:
            self.close()

    def _translated(self, error: Exception) -> UpstreamTimeout | UpstreamCut:
        if isinstance(error, TimeoutError):
            return UpstreamTimeout(
                f"{self._who} stopped in the middle of its answer", fix="The limit is between_bytes_seconds_max."
            )
        return UpstreamCut(f"{self._who} broke off in the middle of its answer ({type(error).__name__})", fix="Try again.")

    def close(self) -> None:
        if self._response.content.at_eof():
            self._response.release()
        elif self.finished:
            task = asyncio.ensure_future(self._read_away())
            _reading_away.add(task)
            task.add_done_callback(_reading_away.discard)
        else:
            self._response.close()

    async def _read_away(self) -> None:
        """The little that follows a stream's last event, so that the connection can serve again."""
        try:
            async with asyncio.timeout(_READ_AWAY_SECONDS):
                while piece := await self._response.content.readany():
                    if len(piece) > _READ_SIZE:
                        break
        except (TimeoutError, aiohttp.ClientError, OSError):
            pass
        if not self._response.content.at_eof():
            self._response.close()


_reading_away: set[asyncio.Future[None]] = set()
