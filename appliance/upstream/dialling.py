"""Makes connections: to the addresses that passed, through the site's proxy where there is one, with TLS where it is wanted."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from appliance.upstream.http1 import Http1Connection
from appliance.upstream.origin import Origin
from appliance.upstream.proxy import Proxies, Proxy
from appliance.upstream.tls import trusting
from appliance.upstream.tunnel import ProxyFailed, Tunnel

P = TypeVar("P", bound=asyncio.Protocol)


class Where(Protocol):
    """What is wanted of the rules (reach.py)."""

    def check(self, origin: Origin) -> None: ...

    async def addresses(self, origin: Origin) -> Sequence[str]: ...


class Dialler:
    """Connects to origins. One a client."""

    def __init__(self, reach: Where, proxies: Proxies, ca_file: str, connect_seconds_max: float) -> None:
        """Errors: CannotStart where `ca_file` (upstream_ca_file) is set and can't be used."""
        self._reach = reach
        self._proxies = proxies
        self._seconds_max = connect_seconds_max
        self._tls = trusting(ca_file) if ca_file else None

    def proxy_for(self, origin: Origin) -> Proxy | None:
        """The proxy that leads to an origin, once it is one that may be asked at all. Errors: NotReachable."""
        self._reach.check(origin)
        return self._proxies.for_origin(origin)

    async def connection(self, origin: Origin, make: Callable[[], Http1Connection]) -> Http1Connection:
        """Errors: NotReachable, ProxyFailed, TimeoutError, OSError, ssl.SSLError."""
        async with asyncio.timeout(self._seconds_max):
            proxy = self.proxy_for(origin)
            if proxy is None:
                return await self._straight(origin, make)
            try:
                if not origin.is_tls:
                    return await self._straight(proxy.origin, make)
                tunnel = await self._straight(proxy.origin, lambda: Tunnel(origin, proxy))
            except ProxyFailed:
                raise
            except ssl.SSLCertVerificationError as error:
                raise ProxyFailed(
                    f"the proxy {proxy.origin.host} shows a certificate that is not trusted here ({error.verify_message})",
                    "Set upstream_ca_file to the certificate of its authority, and restart.",
                ) from error
            except (OSError, ssl.SSLError) as error:
                raise ProxyFailed(
                    f"the proxy {proxy.origin.host} can't be connected to ({type(error).__name__})", "Check upstream_proxy."
                ) from error
            return await self._through(tunnel, origin, make)

    async def _through(self, tunnel: Tunnel, origin: Origin, make: Callable[[], Http1Connection]) -> Http1Connection:
        """TLS with the origin, over a way that the proxy opens."""
        try:
            await tunnel.opened
            connection = make()
            transport = await asyncio.get_running_loop().start_tls(
                tunnel.transport, connection, self._tls_context(), server_hostname=origin.host
            )
            if transport is None:
                raise ConnectionError("the connection was closed")
        except BaseException:
            tunnel.transport.abort()
            raise
        connection.connection_made(transport)
        return connection

    async def _straight(self, origin: Origin, make: Callable[[], P]) -> P:
        """A connection to the first of the origin's addresses that answers. Each has its share of the time."""
        loop = asyncio.get_running_loop()
        over_at = loop.time() + self._seconds_max
        addresses = await self._reach.addresses(origin)
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

    def _tls_context(self) -> ssl.SSLContext:
        if self._tls is None:  # reading the system's authorities takes 30 ms: not before somebody needs them
            self._tls = trusting("")
        return self._tls
