"""Where an address is, however it is written: on this machine, within the site, on the internet; or nowhere to go.

Source: IANA's special-purpose address registries; RFC 6052 (NAT64), 6598 (100.64.0.0/10), 3056 (6to4), 4380 (Teredo), 5214
(ISATAP); the metadata services of the clouds, whose addresses their manuals name. Read 2026-11-26.
"""

import ipaddress
from typing import Literal

from appliance.upstream.origin import Address

Kind = Literal["loopback", "site", "shared", "internet", "metadata", "none"]

# What clouds serve to a machine about itself, credentials included. 169.254.0.0/16 is refused as a whole besides.
METADATA = frozenset(
    map(
        ipaddress.ip_address,
        (
            "169.254.169.254",  # nearly all of them
            "169.254.170.2",  # AWS, to containers
            "169.254.170.23",  # AWS, to pods
            "fd00:ec2::254",
            "fd00:ec2::23",
            "fd20:ce::254",  # Google
            "100.100.100.200",  # Alibaba
            "192.0.0.192",  # Oracle
            "168.63.129.16",  # Azure
        ),
    )
)
METADATA_NAMES = frozenset(
    (
        "metadata",
        "metadata.google.internal",
        "metadata.goog",
        "instance-data",
        "instance-data.ec2.internal",
        "metadata.azure.internal",
        "metadata.tencentyun.com",
        "metadata.platformequinix.com",
        "metadata.packet.net",
        "rancher-metadata",
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_SHARED = ipaddress.IPv4Network("100.64.0.0/10")  # carriers' and VPNs' own; some clouds' metadata too
# Nobody serves anything there; and each of them may carry another address within.
_NOWHERE = tuple(
    map(
        ipaddress.ip_network,
        (
            "0.0.0.0/8",
            "192.0.0.0/24",
            "192.88.99.0/24",
            "240.0.0.0/4",
            "::/96",  # IPv4 within, the way it was before ::ffff
            "::ffff:0:0:0/96",
            "64:ff9b:1::/48",
            "2002::/16",
            "2001::/32",
            "fec0::/10",
            "100::/64",
        ),
    )
)
# How long the front of an address is behind which a NAT64 of a site's own keeps an IPv4 address, in bits (RFC 6052, 2.2).
_NAT64_PREFIXES = (32, 40, 48, 56, 64, 96)
_ISATAP = (0x00005EFE, 0x02005EFE)  # the third quarter of such an address


def kind_of(address: Address | str) -> Kind:
    """Where an address is. Of one that carries another (IPv4 in IPv6, NAT64), the one within counts."""
    inner = unwrapped(ipaddress.ip_address(address) if isinstance(address, str) else address)
    if inner in METADATA or any(hidden in METADATA for hidden in _behind_nat64(inner)):
        return "metadata"
    if inner.is_loopback:
        return "loopback"
    if inner.is_multicast or inner.is_unspecified or inner.is_link_local:  # link-local: clouds' metadata, routers
        return "none"
    if any(inner.version == network.version and inner in network for network in _NOWHERE):
        return "none"
    if isinstance(inner, ipaddress.IPv6Address) and int(inner) >> 32 & 0xFFFFFFFF in _ISATAP:
        return "none"
    if isinstance(inner, ipaddress.IPv4Address) and inner in _SHARED:
        return "shared"
    return "site" if inner.is_private else "internet" if inner.is_global else "none"


def _behind_nat64(address: Address) -> list[ipaddress.IPv4Address]:
    """The IPv4 addresses that a translator of the site might read in an IPv6 address: any prefix may be its own."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    packed, found = address.packed, []
    for bits in _NAT64_PREFIXES:
        start = bits // 8
        rest = packed[start:] if start > 8 else packed[start:8] + packed[9:]  # byte 8 is always zero
        if (start > 8 or packed[8] == 0) and not any(rest[4:]):
            found.append(ipaddress.IPv4Address(rest[:4]))
    return found


def unwrapped(address: Address) -> Address:
    """Without its zone, and the IPv4 address where it is one in an IPv6 coat."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.scope_id is not None:
        address = ipaddress.IPv6Address(int(address))
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in _NAT64 else address
