"""Where a download may connect to: decided by the address itself, before anything is sent to it.

A name is resolved here and the connection made to the address that was looked at, so that a name server which answers
differently the second time leads nowhere. An administrator may name any mirror; a server may not send us just anywhere.
"""

import asyncio
import ipaddress
import socket
from typing import Literal
from urllib.parse import urlsplit

from appliance.errors import UpstreamFailed
from appliance.upstream.client import Origin

Kind = Literal["loopback", "site", "internet", "none"]
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_SHARED = ipaddress.ip_network("100.64.0.0/10")  # carriers' and VPNs' own


class NotReachable(Exception):
    """The rules forbid it. The message says which."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Reach:
    """The rules for one download that begins at `url`, which an administrator or the catalogue named."""

    def __init__(self, url: str, *, air_gap: bool) -> None:
        """Errors: NotReachable."""
        self._air_gap = air_gap
        self._first_host = _host(url)
        self._is_site = False
        self._is_redirected = False

    def follow(self, url: str) -> None:
        """The server redirects to `url`: from now on the rules for redirects hold. Errors: NotReachable."""
        _host(url)
        self._is_redirected = True

    async def addresses(self, origin: Origin) -> list[str]:
        """The addresses to try. Errors: NotReachable; OSError when the name is unknown."""
        found = [(address, kind_of(address)) for address in await _resolved(origin)]
        refusals = [self._refusal(origin, kind) for _, kind in found]
        allowed = [each for each, refusal in zip(found, refusals, strict=True) if refusal is None]
        if not allowed:
            raise NotReachable(refusals[0] or f"{origin.host} has no address")
        if not self._is_redirected:
            self._is_site = all(kind != "internet" for _, kind in allowed)
        return [address for address, _ in allowed]

    def _refusal(self, origin: Origin, kind: Kind) -> str | None:
        if kind == "none":
            return f"{origin.host} has an address that nothing can be fetched from"
        if self._air_gap and kind == "internet":
            return f"air_gap is on, and {origin.host} is on the internet"
        if kind == "internet" and not origin.is_tls:
            return f"{origin.host} is on the internet: only https will do there"
        if not self._is_redirected:
            return None
        if kind != "internet" and not self._is_site:
            return f"the server redirects to {origin.host}, which is inside this network"
        if not origin.is_tls and kind != "loopback" and origin.host != self._first_host:
            return f"the server redirects to {origin.host} without https"
        return None


async def addresses_of_site(origin: Origin) -> list[str]:
    """The addresses to try where air_gap is on: those of this machine and of its network.

    Errors:  UpstreamFailed where there is none; OSError when the name is unknown.
    """
    allowed = [address for address in await _resolved(origin) if kind_of(address) in ("loopback", "site")]
    if not allowed:
        raise UpstreamFailed(
            f"air_gap is on, and {origin.host} is on the internet", fix="An administrator may turn the setting air_gap off."
        )
    return allowed


async def _resolved(origin: Origin) -> list[str]:
    found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def kind_of(text: str) -> Kind:
    """Where an address is: on this machine, within the site, on the internet; or nowhere that serves files."""
    address: Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        if address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        elif address in _NAT64:
            address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    if address.is_multicast or address.is_unspecified or address.is_link_local:  # link-local: clouds' metadata servers
        return "none"
    if address.is_loopback:
        return "loopback"
    if address.is_private or (isinstance(address, ipaddress.IPv4Address) and address in _SHARED):
        return "site"
    return "internet" if address.is_global else "none"


def _host(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in ("http", "https"):
        raise NotReachable("the address is no http or https address")
    if parts.username or parts.password:
        raise NotReachable("an address with a user name or password in it is not asked")
    return host
