"""Where the server may connect to: the one place that decides it, for every connection that a person or a document can name.

A name is resolved here, every address is looked at, and a connection is made to those that passed and to nothing else, so a
name server that answers differently the second time leads nowhere. Providers are named by an administrator, and may stand on
this machine or in its network; whatever a caller or a document names may only be on the internet, at hosts that are listed.
Addresses that lead to a machine's own credentials are refused to both (docs/deploy/network.md).
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from appliance.upstream import site_names
from appliance.upstream.address_kinds import METADATA_NAMES, kind_of
from appliance.upstream.networks import Places
from appliance.upstream.origin import Address, NotReachable, Origin, literal

LIST_IT = "An administrator who means this host adds it to the setting upstream_allowed."

Resolve = Callable[[Origin], Awaitable[Sequence[str]]]


class ReachSettings(Protocol):
    """The settings that say where we may connect."""

    @property
    def upstream_allowed(self) -> Sequence[str]: ...
    @property
    def air_gap(self) -> bool: ...
    @property
    def air_gap_networks(self) -> Sequence[str]: ...


class ImageSettings(ReachSettings, Protocol):
    @property
    def image_hosts_allowed(self) -> Sequence[str]: ...


class Reach:
    """The rules of one purpose. Ask `check` first, then `addresses`; or `check` alone where a proxy resolves the name."""

    def __init__(
        self,
        *,
        allowed: Sequence[str] = (),
        inside: Sequence[str] | None = None,
        hosts: Sequence[str] | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        """The rules of an administrator's own upstreams, without settings of their own.

        Shapes:  `allowed` is upstream_allowed; `inside`, where it is given, are the networks of an air gap; `hosts`, where
                 it is given, are the only ones that may be asked, and they must be on the internet.
        """
        self._allowed = Places(allowed)
        self._inside = None if inside is None else Places([*inside, "127.0.0.0/8", "::1/128"])
        self._hosts = None if hosts is None else Places(hosts)
        self._resolve = resolve or resolved

    @classmethod
    def for_provider(cls, settings: ReachSettings, resolve: Resolve | None = None) -> "Reach":
        """For what an administrator named: providers, an identity provider, a proxy."""
        inside = settings.air_gap_networks if settings.air_gap else None
        return cls(allowed=settings.upstream_allowed, inside=inside, resolve=resolve)

    @classmethod
    def for_public(cls, settings: ImageSettings, resolve: Resolve | None = None) -> "Reach":
        """For what a caller or a document names: addresses on the internet, of hosts in image_hosts_allowed, over https."""
        inside = settings.air_gap_networks if settings.air_gap else None
        return cls(allowed=settings.upstream_allowed, inside=inside, hosts=settings.image_hosts_allowed, resolve=resolve)

    def check(self, origin: Origin) -> None:
        """What can be said before its name is resolved. Errors: NotReachable."""
        host = origin.host
        if self._hosts is not None and not self._hosts.has_host(host):
            raise NotReachable(f"nothing is fetched from {host}", "An administrator may add it to image_hosts_allowed.")
        if self._hosts is not None and not origin.is_tls and not self._allowed.has_host(host):
            raise NotReachable(f"{host} is asked over https only", "Write https://.")
        if not self._allowed.has_name(host) and (host in METADATA_NAMES or host.endswith(".metadata.google.internal")):
            raise NotReachable(f"{host} is a cloud's metadata service, which has credentials of this machine", LIST_IT)
        address = origin.address
        if address is not None:
            refusal = self._refusal(origin, address)
            if refusal is not None:
                raise refusal

    async def addresses(self, origin: Origin) -> list[str]:
        """The addresses to connect to, and no others. Errors: NotReachable; OSError when the name is unknown."""
        self.check(origin)
        if origin.address is not None:
            return [origin.host]
        found = await self._looked_up(origin)
        refusals = [self._refusal(origin, address) for address in found]
        passed = [str(address) for address, refusal in zip(found, refusals, strict=True) if refusal is None]
        if not passed:
            raise next((refusal for refusal in refusals if refusal is not None), OSError(f"{origin.host} has no address"))
        return passed

    async def _looked_up(self, origin: Origin) -> list[Address]:
        if self._inside is not None:
            known = site_names.known_here(origin.host)
            if known:
                return known
            site_names.check_may_ask(origin.host, self._inside)
        return [address for text in await self._resolve(origin) if (address := literal(text)) is not None]

    def _refusal(self, origin: Origin, address: Address) -> NotReachable | None:
        """Why an address is not connected to; None where it may be."""
        if self._inside is not None and not self._inside.has_address(address):
            return NotReachable(
                f"air_gap is on, and {origin.host} is in none of the networks listed",
                "An administrator may add its address to air_gap_networks, or turn air_gap off.",
            )
        if self._allowed.has_name(origin.host) or self._allowed.has_address(address):
            return None
        kind = kind_of(address)
        if kind in ("metadata", "none"):
            what = "a cloud's metadata service" if kind == "metadata" else "link-local, multicast, or leads nowhere"
            return NotReachable(f"{origin.host} has an address that is not connected to: it is {what}", LIST_IT)
        if kind == "shared":
            what = "that carriers and VPNs give out (100.64.0.0/10)"
            return NotReachable(f"{origin.host} has an address {what}, where some clouds keep metadata", LIST_IT)
        if self._hosts is not None and kind != "internet":
            return NotReachable(f"{origin.host} is inside this network", LIST_IT)
        return None


async def resolved(origin: Origin) -> list[str]:
    """The addresses that this machine finds for a name. Errors: OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(origin.host, origin.port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def is_loopback(origin: Origin) -> bool:
    """Whether it is this machine, going by the host alone."""
    if origin.host == "localhost" or origin.host.endswith(".localhost"):
        return True
    address = origin.address
    return address is not None and kind_of(address) == "loopback"
