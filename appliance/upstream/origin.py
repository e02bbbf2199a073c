"""Where a URL leads, read in one way only.

A host that two programs read differently is how a check is passed by: `0251.0376.0251.0376`, `2852039166` and the same in
full-width digits are all 169.254.169.254 to somebody. So a host is brought into its plain form here; what has none is refused.
"""

import ipaddress
import re
from urllib.parse import urlsplit

import msgspec

_HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_TARGET = re.compile(r"[!-~]*")  # what may stand in a request's first line: printable, no blanks
HOST_CHARACTERS_MAX = 253

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotReachable(Exception):
    """The rules forbid it. The message says which, `fix` what may be done."""

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix


class Origin(msgspec.Struct, frozen=True):
    """What a connection is made to. `host` is in its plain form where `plain_host` made it."""

    host: str
    port: int
    is_tls: bool

    @property
    def address(self) -> Address | None:
        """The address that the host is, where it is one and no name."""
        return literal(self.host)

    @property
    def shown(self) -> str:
        """As it stands in a Host header: the port only where it isn't the usual one."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == (443 if self.is_tls else 80) else f"{host}:{self.port}"

    @property
    def authority(self) -> str:
        """As it stands in a CONNECT: always with its port."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def taken_apart(url: str) -> tuple[Origin, str]:
    """The origin of a URL, and what is asked for there (path and query). Errors: NotReachable."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotReachable("the address is no http or https address") from error
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotReachable("the address is no http or https address", "Write http://host:port or https://host.")
    if "@" in parts.netloc:
        raise NotReachable("an address with a user name or password in it is not asked", "Take it out of the address.")
    if port == 0:
        raise NotReachable("port 0 is no port", "Write another one.")
    is_tls = parts.scheme == "https"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not _TARGET.fullmatch(target):
        raise NotReachable("the address has blanks or other characters that must be written as %20 and the like")
    return Origin(plain_host(parts.hostname), port or (443 if is_tls else 80), is_tls), target


def plain_host(host: str) -> str:
    """A host in the one form that all programs read alike: lower case, ASCII, no dot at its end. Errors: NotReachable."""
    if ":" in host:
        address = literal(host)
        if address is None:
            raise NotReachable(f"{host[:80]!r} is no address")
        return str(address)
    if not host.isascii():
        try:
            host = host.encode("idna").decode()  # brings full-width digits and the like into their plain form
        except UnicodeError as error:
            raise NotReachable(f"{host[:80]!r} is no host name") from error
    host = host.lower().removesuffix(".")
    if not _HOST.fullmatch(host) or ".." in host or len(host) > HOST_CHARACTERS_MAX:
        raise NotReachable(f"{host[:80]!r} is no host name")
    if _NUMBER.fullmatch(host.rpartition(".")[2]) and literal(host) is None:
        raise NotReachable(f"{host!r} is an address written in an unusual way", "Write it as four numbers, such as 192.168.1.20.")
    return host


def literal(host: str) -> Address | None:
    """The address that a host is, or None for a name. A zone (`fe80::1%eth0`) is kept."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None
