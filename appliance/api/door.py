"""The door: what holds for every request, whatever it asks for.

A bound on requests in flight, a request id, deadlines, errors as the caller's dialect writes them, one metric and one
log line at the end. Raw routes come through `run`; the ordinary ones of Litestar through `__call__`, around the app.
"""

import asyncio
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from itertools import chain
from typing import Any

import msgspec

from appliance.api.exchange import Bounds, Exchange, Receive, Scope, Send, body_broken, body_too_slow, overloaded
from appliance.clock import Clock
from appliance.errors import CallerLeft, GatehouseError, HeadersTooLarge, HostUnknown, MethodNotAllowed, ShuttingDown
from appliance.gateway.call import new_id
from appliance.gateway.state import StateHolder
from appliance.lan.hosts import Hosts
from appliance.telemetry.logs import get_logger
from appliance.telemetry.metrics import Metrics
from appliance.telemetry.request_line import log_request

OTHERS_MIN = 16
LOOK_SECONDS = 0.04  # a caller that hangs up is noticed within twice this
CUT_SECONDS_MAX = 5.0
REQUEST_ID_FORM = re.compile(rb"^[A-Za-z0-9._:-]{1,128}$")
FORWARDED = frozenset(
    {
        b"forwarded",
        b"x-forwarded-for",
        b"x-forwarded-host",
        b"x-real-ip",
        b"via",
        b"cf-connecting-ip",
        b"true-client-ip",
        b"x-client-ip",
    }
)
LOOPBACK = ("127.", "::ffff:127.")

# Where the path has a parameter, the scope has the path that was asked for under this name.
ASKED_PATH = "asked_path"
_PARAMETER = re.compile(r"\{(\w+):str\}")
_STEP_ASIDE = "step_aside"
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
Handler = Callable[[Exchange], Awaitable[None]]


def _own_status(error: GatehouseError) -> int:
    return error.status


class ErrorForm(msgspec.Struct, frozen=True):
    """How a dialect writes an error: as a whole body (from the error and the request's id), and as an event in the middle of a
    stream.

    status:    where the dialect has numbers of its own.
    id_header: where its SDKs look for the request's id, beside x-request-id; in every answer.
    """

    body: Callable[[GatehouseError, str], bytes]
    event: Callable[[GatehouseError], bytes]
    status: Callable[[GatehouseError], int] = _own_status
    id_header: bytes = b""


_write = msgspec.json.Encoder().encode
_log = get_logger("api")


def from_loopback(scope: Scope) -> bool:
    """Does this connection come from this machine itself? A proxy on it hands on what strangers send, and says so."""
    client = scope.get("client")
    address = str(client[0]) if client is not None else ""
    if address != "::1" and not address.startswith(LOOPBACK):  # not startswith("::1"): ::1:5 is a stranger's
        return False
    return not any(name in FORWARDED for name, _ in scope["headers"])


def step_aside(scope: Scope) -> None:
    """For an answer that lasts until its caller leaves: it takes no place among the requests any more, and stopping does not
    wait for it. Whoever sends it ends it when `on_drain` is called."""
    scope["state"][_STEP_ASIDE]()


def openai_error_body(error: GatehouseError, request_id: str = "") -> bytes:
    """An error as OpenAI's clients read it."""
    return _write(error.body())


class Door:
    """Every request's way in and out. One per process."""

    def __init__(
        self,
        bounds: Bounds,
        holder: StateHolder,
        metrics: Metrics,
        clock: Clock,
        hosts: Hosts,
        *,
        requests_in_flight_max: int,
    ) -> None:
        self.holder = holder
        self.clock = clock
        self.draining = False
        self.on_drain: Callable[[], None] = lambda: None
        self._bounds = bounds
        self._metrics = metrics
        self._hosts = hosts
        self._in_flight_max = requests_in_flight_max
        # The other routes read bodies of callers whom nobody knows yet: they must not take the places of those with a key.
        self._others_max = max(OTHERS_MIN, requests_in_flight_max // 4)
        self._exchanges: set[Exchange] = set()
        self._others = 0
        self._looking: asyncio.Task[None] | None = None
        metrics.in_flight.set_function(lambda: self.in_flight)

    @property
    def in_flight(self) -> int:
        return len(self._exchanges) + self._others

    @property
    def content_in_flight(self) -> int:
        """Requests to models."""
        return len(self._exchanges)

    def start(self) -> None:
        """Begin to look after exchanges; inside the event loop."""
        self._looking = asyncio.ensure_future(self._look_after_exchanges())

    async def drain(self, seconds: float) -> None:
        """Take no more requests, let running ones end, then cut those that are left."""
        self._begin_to_drain()
        until = time.monotonic() + seconds
        while self.in_flight and time.monotonic() < until:  # noqa: ASYNC110 - once, at the end; not worth an event a request
            await asyncio.sleep(0.02)
        await self.cut_all()

    async def cut_all(self) -> None:
        """End what still runs, telling its callers; what was used is booked."""
        self._begin_to_drain()
        for exchange in list(self._exchanges):
            exchange.cut(_stopping())
        until = time.monotonic() + CUT_SECONDS_MAX
        while self._exchanges and time.monotonic() < until:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.02)
        if self._looking is not None:
            self._looking.cancel()

    def _begin_to_drain(self) -> None:
        if not self.draining:
            self.draining = True
            self.on_drain()

    async def _look_after_exchanges(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            now = time.monotonic()
            for exchange in list(self._exchanges):
                exchange.look_after(now)

    def _refusal(self, scope: Scope, running: int, running_max: int) -> GatehouseError | None:
        if self.draining:
            return _stopping()
        # Granian's own bound lets a head of twice the size through, depending on how it arrives.
        if sum(map(len, chain.from_iterable(scope["headers"]))) > self._bounds.header_bytes_max:
            return HeadersTooLarge("the head is too large", fix="Send less; an administrator may raise header_bytes_max.")
        return overloaded() if running >= running_max else None

    # Raw routes

    async def run(
        self, route: str, method: str, handler: Handler, form: ErrorForm, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """One exchange on a raw route, from its first byte to its log line."""
        exchange = Exchange(scope, receive, send, self._bounds)
        exchange.started_at = self.clock.now_ms()
        exchange.call_id = new_id(exchange.started_at)
        exchange.request_id = _request_id(exchange.headers.get(b"x-request-id"), exchange.call_id)
        if form.id_header:
            exchange.extra_headers.append((form.id_header, exchange.request_id))
        refusal = self._refusal(scope, len(self._exchanges), self._in_flight_max)
        self._exchanges.add(exchange)
        try:
            if refusal is not None:
                raise refusal
            if scope["method"] != method:
                exchange.extra_headers.append((b"allow", method.encode()))
                raise MethodNotAllowed(f"{route} takes {method}", fix=f"Send {method}.")
            await handler(exchange)
        except asyncio.CancelledError:
            reason = exchange.taken_cut()
            if reason is None:
                raise
            await self._tell(exchange, reason, form)
        except GatehouseError as error:
            await self._tell(exchange, error, form)
        except Exception as error:
            _log.error("a handler failed", route=route, request_id=exchange.request_id.decode(), exc_info=error)
            await self._tell(exchange, GatehouseError("something went wrong inside the appliance", fix=_REPORT), form)
        finally:
            exchange.close()
            self._exchanges.discard(exchange)
            self._finished(route, exchange)

    async def _tell(self, exchange: Exchange, error: GatehouseError, form: ErrorForm) -> None:
        if exchange.clean is not None:
            exchange.clean(error)
        exchange.code = error.code_shown
        exchange.status = status = form.status(error)
        if isinstance(error, CallerLeft):
            return
        with suppress(TimeoutError):  # a caller who doesn't read isn't told
            async with asyncio.timeout(self._bounds.send_seconds_max):
                if exchange.has_begun:
                    await exchange.piece(form.event(error), last=True)
                else:
                    await exchange.answer(status, form.body(error, exchange.request_id.decode()), error_headers(error))
        exchange.status = status

    def _finished(self, route: str, exchange: Exchange) -> None:
        seconds = time.monotonic() - exchange.started
        caller = exchange.caller
        self._metrics.request_finished(route, exchange.deployment, exchange.status, exchange.code, seconds)
        if exchange.first_token_seconds is not None:
            self._metrics.first_token(route, exchange.deployment, exchange.first_token_seconds)
        log_request(
            request_id=exchange.request_id.decode(),
            route=route,
            status=exchange.status,
            seconds=seconds,
            code=exchange.code,
            deployment=exchange.deployment,
            key_id=(caller.key_id or "") if caller is not None else "",
        )

    # Litestar's routes

    def around(self, app: ASGIApp, raw: Mapping[str, ASGIApp]) -> ASGIApp:
        """The application as the server calls it: raw routes go straight in, the others are counted and named here."""

        allow = self._hosts.allow
        with_parameter = [(_form(path), path, handler) for path, handler in raw.items() if "{" in path]

        async def door(scope: Scope, receive: Receive, send: Send) -> None:
            listed = scope["headers"]
            headers = dict(listed)
            # A header given twice makes the two differ in length: rare, and then all are looked at.
            if not (len(headers) == len(listed) and allow(headers.get(b"host", b""))) and not _is_addressed_here(scope, allow):
                await _refuse(host_unknown(), send)
                return
            handler = raw.get(scope["path"])
            if handler is None:
                for form, path, one in with_parameter:
                    if form.fullmatch(scope["path"]):
                        handler = one
                        scope = {**scope, ASKED_PATH: scope["path"], "path": without_parameters(path)}
                        break
            if handler is None:
                await self._ordinary(app, scope, receive, send)
            elif b"origin" in headers:
                await app(scope, receive, send)  # a browser's: through Litestar, whose CORS rules hold there
            else:
                await handler(scope, receive, send)

        return door

    async def _ordinary(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        started, status, body_read, held, places = time.monotonic(), 500, False, 0, 1
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"x-request-id"), new_id(self.clock.now_ms()))

        async def named(message: dict[str, Any]) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id)]
            await send(message)

        async def in_time() -> dict[str, Any]:
            """The body's next piece; once it is whole, waiting for the caller to leave has no deadline."""
            nonlocal body_read, held
            if body_read:
                return await receive()
            try:
                async with asyncio.timeout(started + self._bounds.body_seconds_max - time.monotonic()):
                    message = await receive()
            except TimeoutError:
                raise body_too_slow() from None
            if message["type"] == "http.disconnect":
                raise body_broken()
            body_read = not message.get("more_body", False)
            held += len(message.get("body", b""))
            self._bounds.hold(len(message.get("body", b"")))
            return message

        def leave_place() -> None:
            nonlocal places
            self._others -= places
            places = 0

        scope.setdefault("state", {}).update({"request_id": request_id.decode(), _STEP_ASIDE: leave_place})
        refusal = self._refusal(scope, self._others, self._others_max)
        self._others += 1
        try:
            if refusal is not None and (scope["path"] not in ALWAYS_ANSWERED or isinstance(refusal, HeadersTooLarge)):
                await _refuse(refusal, named)
            else:
                await app(scope, in_time, named)
        finally:
            leave_place()
            self._bounds.buffered_bytes -= held
            route, code = scope.get("path_template") or "other", scope["state"].get("error_code", "")
            seconds = time.monotonic() - started
            self._metrics.request_finished(route, "", status, code, seconds)
            log_request(request_id=request_id.decode(), route=route, status=status, seconds=seconds, code=code)


def _form(path: str) -> re.Pattern[str]:
    return re.compile(_PARAMETER.sub("[^/]+", path))


def without_parameters(path: str) -> str:
    """A path for the web framework that stands for all of this form: `/v1/files/:file_id`."""
    return _PARAMETER.sub(r":\1", path)


def _is_addressed_here(scope: Scope, allow: Callable[[bytes], bool]) -> bool:
    """Is there one Host header, and is it this machine's? In HTTP/1.0 nobody had to say; no browser speaks it."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if not hosts:
        return bool(scope.get("http_version") == "1.0")
    return len(hosts) == 1 and allow(hosts[0])


def host_unknown() -> HostUnknown:
    return HostUnknown(
        "the request is addressed to a host that is not this machine",
        fix="Use the machine's address or name; an administrator may add others to the setting allowed_hosts.",
    )


def _stopping() -> ShuttingDown:
    return ShuttingDown("the appliance is stopping", fix="Try again in a moment.", retry_after_seconds=5)


def _request_id(given: bytes | None, call_id: bytes) -> bytes:
    """The caller's own id where it has an ordinary form, else ours."""
    if given is not None and REQUEST_ID_FORM.match(given):
        return given
    return b"req_" + call_id.hex().encode()


ALWAYS_ANSWERED = frozenset({"/health", "/ready", "/metrics"})
_REPORT = "Look at the log with this request's id; if it persists, report it with that line."


def error_headers(error: GatehouseError) -> list[tuple[bytes, bytes]]:
    """Headers that say when to come back; whole seconds, and milliseconds for SDKs that read them."""
    if error.retry_after_seconds is None:
        return []
    seconds = error.retry_after_seconds
    return [(b"retry-after", b"%d" % -(-seconds // 1)), (b"retry-after-ms", b"%d" % (seconds * 1000))]


async def _refuse(error: GatehouseError, send: Send) -> None:
    body = openai_error_body(error)
    head = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *error_headers(error)]
    await send({"type": "http.response.start", "status": error.status, "headers": head})
    await send({"type": "http.response.body", "body": body})
