"""What this machine is called on the local network, and where it is."""

import ipaddress
import re
import socket

import msgspec
import psutil

_LABEL = re.compile(r"^(?!-)[a-z0-9-]{1,63}(?<!-)$")
ADDRESSES_MAX = 64  # a machine with hundreds of container networks gets no certificate of that size


class Whereabouts(msgspec.Struct, frozen=True):
    """Addresses that others may reach (never loopback), IPv4 before IPv6; and names, in lower case."""

    addresses: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


def whereabouts() -> Whereabouts:
    """Asked of the system, without a name server. 0.5 ms."""
    return Whereabouts(_addresses(), _names())


def _addresses() -> tuple[str, ...]:
    up = {name for name, facts in psutil.net_if_stats().items() if facts.isup}
    found: list[ipaddress.IPv4Address | ipaddress.IPv6Address] = []
    for name, entries in psutil.net_if_addrs().items():
        for entry in entries:
            if name in up and entry.family in (socket.AF_INET, socket.AF_INET6) and "%" not in entry.address:
                address = ipaddress.ip_address(entry.address)
                if not (address.is_loopback or address.is_link_local or address.is_unspecified):
                    found.append(address)
    usual = _usual_address()
    ordered = sorted(set(found), key=lambda address: (address.version, str(address) != usual, int(address)))
    return tuple(str(address) for address in ordered[:ADDRESSES_MAX])


def _usual_address() -> str:
    """The address that this machine speaks from to the rest of the world; "" without a default route. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # reserved for examples (RFC 5737): the system only looks for the way there
            return str(probe.getsockname()[0])
        except OSError:
            return ""


def _names() -> tuple[str, ...]:
    full = socket.gethostname().rstrip(".").lower()
    short = full.partition(".")[0]
    names = [name for name in (full, short, f"{short}.local") if is_host_name(name) and name != "localhost"]
    return tuple(name for name in dict.fromkeys(names) if name != "localhost.local")


def is_host_name(text: str) -> bool:
    """A DNS name in lower case, as a certificate can hold it; and no address."""
    labels = text.split(".")
    return len(text) <= 253 and all(_LABEL.match(label) for label in labels) and not labels[-1].isdigit()


def is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Does this address or name mean the machine itself, and nobody else?"""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def reachable_at(address: str) -> str:
    """Where this machine reaches a socket of its own that listens on `address`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address, address)


def url_host(address: str) -> str:
    """An address or name as a URL has it."""
    return f"[{address}]" if ":" in address else address
