"""Lists of networks and hosts, as settings write them: `10.0.0.0/8`, `fd00::1`, `models.example`, `*.example`."""

import ipaddress
from collections.abc import Sequence

from appliance.upstream.address_kinds import unwrapped
from appliance.upstream.origin import Address, literal


class Places:
    """One such list. `*.example` and `.example` stand for all names below it, and `example` for itself alone."""

    def __init__(self, entries: Sequence[str]) -> None:
        self._networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
        self._names: set[str] = set()
        self._suffixes: list[str] = []
        for entry in entries:
            try:
                self._networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
            except ValueError:
                name = entry.lower().removesuffix(".")
                if name.startswith(("*.", ".")):
                    self._suffixes.append(name.removeprefix("*"))
                else:
                    self._names.add(name)
        self.is_empty = not entries

    def has_name(self, host: str) -> bool:
        return host in self._names or any(host.endswith(suffix) for suffix in self._suffixes)

    def has_host(self, host: str) -> bool:
        """By its name, or by the address that it is."""
        address = literal(host)
        return self.has_name(host) if address is None else self.has_address(address)

    def has_address(self, address: Address) -> bool:
        """Whether it, or the IPv4 address within it, lies in one of the networks."""
        for one in {address, unwrapped(address)}:
            if any(one.version == network.version and one in network for network in self._networks):
                return True
        return False
