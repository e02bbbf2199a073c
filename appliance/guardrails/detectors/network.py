"""Addresses of machines: IPv4, IPv6, and those of network cards (MAC). A version is not an address."""

import re
from collections.abc import Iterable
from ipaddress import AddressValueError, IPv6Address

from appliance.guardrails.context import AFTER, BEFORE, VERSIONS, label
from appliance.guardrails.pattern import Found, Match, Pattern

IPV6_MAX = 46
_NOBODY = re.compile(r"0\.|127\.|255\.255\.|22[4-9]\.|23[0-9]\.")


def ipv4(match: Match) -> Iterable[Found]:
    before, after = match.before(2), match.after(2)
    if before[-1:].isalnum() or before[-1:] in (".", "_") or after[:1].isalnum() or after[:1] == "_":
        return
    if (len(after) > 1 and after[0] in ".-" and after[1].isalnum()) or (before[-1:] == "-" and before[:1].isalnum()):
        return
    octets = match.value.split(".")
    if any(int(one) > 255 or (len(one) > 1 and one[0] == "0") for one in octets):
        return
    kind = label(match.text, match.start, match.end)
    if _NOBODY.match(match.value):
        yield Found("IP_ADDRESS", 0.4)
    elif kind == "VERSION" or (kind == "OTHER" and all(len(one) < 2 for one in octets)):
        yield Found("IP_ADDRESS", 0.3)
    elif kind == "IP_ADDRESS":
        yield Found("IP_ADDRESS", 0.95)
    elif int(octets[0]) < 26 and VERSIONS.first(match.before(BEFORE).rpartition("\n")[2].lower()):
        yield Found("IP_ADDRESS", 0.4)  # upgrade from one to another
    else:
        yield Found("IP_ADDRESS", 0.45 if all(len(one) < 2 for one in octets) else 0.75)


def ipv6(match: Match) -> Iterable[Found]:
    value = match.value.rstrip(".")
    if len(value) > IPV6_MAX or ("::" not in value and value.count(":") not in (7, 8)):
        return
    if value[-1] == ":" and value[-2:] != "::":
        value = value[:-1]  # `address: reason`
    if value[0] == ":" and value[:2] != "::":
        return
    before, after = match.before(1), match.after(1)
    if before.isalnum() or before == "_" or after.isalnum() or after == "_" or len(value) < 4:
        return
    try:
        address = IPv6Address(value)
    except AddressValueError:
        return
    if int(address) < 2**32:  # ::1, and namespaces such as ::a
        yield Found("IP_ADDRESS", 0.4)
        return
    span = match.start, match.start + len(value)
    named = label(match.text, *span) == "IP_ADDRESS"
    sure = (value.count(":") >= 3 and any(one.isdigit() for one in value)) or re.search("[0-9]", value.partition(":")[0])
    yield Found("IP_ADDRESS", 0.95 if named else 0.8 if sure else 0.4, span)


def mac(match: Match) -> Iterable[Found]:
    before, after = match.before(1), match.after(1)
    separators = set(re.findall("[:.-]", match.value))
    if len(separators) != 1 or before.isalnum() or (before in (":", "-", "_") and before):
        return
    if after.isalnum() or (after in (":", "-", ".") and match.after(2)[1:].isalnum()):
        return
    if len(set(match.value)) < 3 or (
        match.value[2] != ":" and match.value.replace(match.value[2], "").replace(".", "").isdigit()
    ):
        yield Found("MAC_ADDRESS", 0.4)
        return
    yield Found("MAC_ADDRESS", 0.85)


PATTERNS = (
    Pattern(
        name="ipv4",
        types=("IP_ADDRESS",),
        regex=r"[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}\.[0-9]{1,3}",
        judge=ipv4,
        length_max=15,
        looks_after=AFTER,
    ),
    Pattern(
        name="ipv6",
        types=("IP_ADDRESS",),
        regex=r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*",
        judge=ipv6,
        length_max=64,
        looks_after=AFTER,
    ),
    Pattern(
        name="mac",
        types=("MAC_ADDRESS",),
        regex=r"[0-9A-Fa-f]{2}(?:[:\-][0-9A-Fa-f]{2}){5}|[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4}",
        judge=mac,
        length_max=17,
        looks_after=2,
    ),
)
