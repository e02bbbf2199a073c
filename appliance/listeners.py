"""Sockets that the server listens on: one for this machine, two for the local network once that is open."""

import asyncio
import socket
import sys
import time
from pathlib import Path
from typing import Any

from appliance.api.door import ASGIApp
from appliance.home import CannotStart, Home
from appliance.lan.addresses import Whereabouts, reachable_at
from appliance.settings import Settings

LISTENING_SECONDS_MAX = 10.0
STOP_SECONDS_MAX = 5.0
PLAIN_CONNECTIONS_MAX = 256  # /join is looked at now and then


class Listener:
    """One listening socket with its server, on the running event loop. `tls`: certificate and key, as files;
    `probe`: the address at which it must answer before it counts as started."""

    def __init__(
        self,
        asgi: ASGIApp,
        settings: Settings,
        address: str,
        port: int,
        *,
        tls: tuple[Path, Path] | None = None,
        connections_max: int | None = None,
        probe: str = "",
    ) -> None:
        from granian.constants import HTTPModes, SSLProtocols
        from granian.http import HTTP1Settings
        from granian.server.embed import Server

        self.address = address
        self.port = port
        self.serving: asyncio.Future[Any] | None = None
        self._probe = probe or reachable_at(address)
        connections = connections_max or settings.connections_max
        self._server: Any = Server(
            asgi,
            address=address,
            port=port,
            interface="asginl",  # type: ignore[arg-type]  # the enum's value; the rooms are opened by Appliance, not by a lifespan
            # Not "auto": to find out which version is spoken, Granian waits for ever for a first byte, and enough silent
            # sockets would lock everybody out. With HTTP/1 alone the read timeout holds from the start.
            http=HTTPModes.http1,
            backlog=connections,
            backpressure=connections,
            http1_settings=HTTP1Settings(
                header_read_timeout=int(settings.idle_seconds_max * 1000), max_buffer_size=settings.header_bytes_max
            ),
            websockets=False,
            log_enabled=False,
            ssl_cert=tls[0] if tls else None,
            ssl_key=tls[1] if tls else None,
            ssl_protocol_min=SSLProtocols.tls12,
        )

    async def start(self) -> None:
        """Errors: CannotStart when it doesn't come up."""
        self.serving = asyncio.ensure_future(self._server.serve())
        until = time.monotonic() + LISTENING_SECONDS_MAX
        while time.monotonic() < until and not self.serving.done():
            try:
                _, writer = await asyncio.open_connection(self._probe, self.port)
            except OSError:
                await asyncio.sleep(0.01)
                continue
            writer.close()
            return
        raise CannotStart(f"the server did not begin to listen on {self.address}:{self.port}", "Look at the log.")

    async def stop(self) -> None:
        """Take no more connections; a stream that runs goes on to its end."""
        self._server.stop()
        if self.serving is not None:
            await asyncio.wait([self.serving], timeout=STOP_SECONDS_MAX)


class HeldPort:
    """A port made sure to be ours alone, and kept so: the socket is bound, never listens, and stays open until `release`.

    Granian shares ports (SO_REUSEPORT), so a second server would silently take half of the requests.
    """

    def __init__(self, address: str, port: int, fix: str) -> None:
        """Errors: CannotStart when somebody has it; `fix` is what to do then."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_STREAM) as alone:
                if sys.platform != "win32":
                    alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                alone.bind((address, port))
            self._socket = socket.socket(family, socket.SOCK_STREAM)
            if sys.platform != "win32":
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                self._socket.bind((address, port))
        except OSError as error:
            raise CannotStart(f"port {port} on {address} can't be used: {error.strerror}", fix) from None

    def release(self) -> None:
        self._socket.close()


class LanListeners:
    """HTTPS for everything on every address, and beside it plain HTTP that only says how to join."""

    def __init__(self, settings: Settings, home: Home, api: ASGIApp, join: ASGIApp) -> None:
        self._settings = settings
        self._tls = (home.lan_certificate, home.lan_key)
        self._api = api
        self._join = join
        self._held: list[HeldPort] = []
        self._https: Listener | None = None
        self._plain: Listener | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def open(self, place: Whereabouts) -> None:
        """Open both, or let a server with the new certificate take over from the one that listens.

        Errors:  CannotStart; what was open before stays open.
        """
        first = not self._held
        probe = next((address for address in place.addresses if ":" not in address), "")
        everywhere = "::" if any(":" in address for address in place.addresses) and _has_dual_stack() else "0.0.0.0"
        if first:
            self._hold(place)
        try:
            renewed = Listener(self._api, self._settings, everywhere, self._settings.lan_port, tls=self._tls, probe=probe)
            await renewed.start()
            before, self._https = self._https, renewed
            if self._plain is None or self._plain.address != everywhere:
                plain = Listener(
                    self._join,
                    self._settings,
                    everywhere,
                    self._settings.port,
                    connections_max=PLAIN_CONNECTIONS_MAX,
                    probe=probe,
                )
                await plain.start()
                self._end(self._plain)
                self._plain = plain
        except CannotStart:
            if first:
                await self.close()
            raise
        self._end(before)

    async def close(self) -> None:
        """Both end; streams that run have a moment to."""
        https, plain, self._https, self._plain = self._https, self._plain, None, None
        self._end(https)
        self._end(plain)
        if self._ending:
            await asyncio.wait(self._ending, timeout=STOP_SECONDS_MAX)
        while self._held:
            self._held.pop().release()

    def _hold(self, place: Whereabouts) -> None:
        """Loopback has the plain port already, so that one is tried address by address."""
        taken = "`gatehouse doctor` says who holds it; the setting {} chooses another port."
        wanted = [("0.0.0.0", self._settings.lan_port, taken.format("lan_port"))]
        wanted += [(address, self._settings.port, taken.format("port")) for address in place.addresses if ":" not in address]
        try:
            for address, port, fix in wanted:
                self._held.append(HeldPort(address, port, fix))
        except CannotStart:
            while self._held:
                self._held.pop().release()
            raise

    def _end(self, listener: Listener | None) -> None:
        """In the background: its streams may take long."""
        if listener is not None:
            task = asyncio.ensure_future(listener.stop())
            self._ending.add(task)
            task.add_done_callback(self._ending.discard)


def _has_dual_stack() -> bool:
    """Does a socket on `::` take IPv4 as well, here?"""
    if not socket.has_ipv6:
        return False
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            return probe.getsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY) == 0
    except OSError:
        return False
