"""The site's proxy: which connections go through it, and what it is told.

Source: RFC 9110 section 9.3.6 (CONNECT), RFC 9112 section 3.2 (absolute form), read 2026-11-26; curl's manual for the names
of the variables and what an exception looks like.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import unquote, urlsplit

import msgspec

from appliance.home import CannotStart
from appliance.upstream.networks import Places
from appliance.upstream.origin import NotReachable, Origin, plain_host
from appliance.upstream.reach import is_loopback

NO_PROXY = "none"
PORTS = {"http": 80, "https": 443}


class ProxySettings(Protocol):
    """The settings about proxies."""

    @property
    def upstream_proxy(self) -> str: ...
    @property
    def upstream_proxy_exceptions(self) -> Sequence[str]: ...
    @property
    def air_gap(self) -> bool: ...


class Proxy(msgspec.Struct, frozen=True):
    """One proxy: where it is, and the header that carries its credential (with its line end), or nothing."""

    origin: Origin
    credential_line: str


class Proxies:
    """Chooses the proxy for an origin, where it has one. A setting goes before the environment's variables."""

    def __init__(self, http: Proxy | None = None, https: Proxy | None = None, exceptions: Sequence[str] = ()) -> None:
        self._http = http
        self._https = https
        self._exceptions = Places(exceptions)
        self._is_everything_excepted = "*" in exceptions

    @classmethod
    def of(cls, settings: ProxySettings, environ: Mapping[str, str]) -> "Proxies":
        """As set. Behind an air gap there is none: nobody knows where a proxy leads. Errors: CannotStart."""
        if settings.air_gap or settings.upstream_proxy == NO_PROXY:
            return cls()
        exceptions = list(settings.upstream_proxy_exceptions)
        if settings.upstream_proxy:
            try:
                proxy = parsed(settings.upstream_proxy)
            except NotReachable as error:
                raise CannotStart(f"upstream_proxy: {error.message}", error.fix) from error
            return cls(proxy, proxy, exceptions)
        listed = [entry.strip() for entry in variable(environ, "no_proxy").split(",") if entry.strip()]
        # There `example.org` stands for all below it as well.
        listed += [f".{entry}" for entry in listed if not entry.startswith((".", "*"))]
        http, https = (_usable(variable(environ, name)) for name in ("http_proxy", "https_proxy"))
        return cls(http, https, [*exceptions, *listed])

    def for_origin(self, origin: Origin) -> Proxy | None:
        """The proxy that leads there; None: straight. This machine is never asked through one."""
        proxy = self._https if origin.is_tls else self._http
        if proxy is None or self._is_everything_excepted or is_loopback(origin) or self._exceptions.has_name(origin.host):
            return None
        address = origin.address
        return None if address is not None and self._exceptions.has_address(address) else proxy


def parsed(text: str) -> Proxy:
    """A proxy's address, such as http://user:password@proxy.example:3128. Errors: NotReachable, which never shows it."""
    try:
        parts = urlsplit(text if "://" in text else f"http://{text}")
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    if parts.scheme not in PORTS or not parts.hostname or parts.path.strip("/") or parts.query or port == 0:
        raise NotReachable("the proxy's address is none", "Write http://host:port or http://user:password@host:port.")
    credential = ""
    if parts.username is not None:
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
        credential = f"proxy-authorization: Basic {base64.b64encode(pair).decode()}\r\n"
    return Proxy(Origin(plain_host(parts.hostname), port or PORTS[parts.scheme], parts.scheme == "https"), credential)


def _usable(text: str) -> Proxy | None:
    """A proxy of the environment. One of a kind that we don't speak (SOCKS) was set for others; the doctor tells."""
    try:
        return parsed(text) if text else None
    except NotReachable:
        return None


def variable(environ: Mapping[str, str], name: str) -> str:
    """A variable of the environment. Small letters go before capitals, as everywhere."""
    return environ.get(name) or environ.get(name.upper()) or ""
