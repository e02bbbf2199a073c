"""Names behind an air gap: which of them are known without a question, and which may be asked of a name server.

A question to a name server tells it, and whoever it asks in turn, which name was meant. Behind an air gap that is a leak like
any other. So the hosts file is read first, and by us; a name server is asked only for names of the site, and only where all
that this machine has stand within the networks listed. What a name server of the site then does is the site's own affair.
"""

import os
import sys
from pathlib import Path

from appliance.upstream.networks import Places
from appliance.upstream.origin import Address, NotReachable, literal

RESOLVER_FILE = Path("/etc/resolv.conf")
RESOLVERS_MAX = 16
FILE_BYTES_MAX = 4 * 1024 * 1024
# Endings that are not delegated in the public name system, or reserved for use within a site.
SITE_ENDINGS = (".local", ".lan", ".internal", ".home.arpa", ".localdomain", ".intranet", ".private", ".corp", ".home", ".test")
LOOPBACK = ("127.0.0.1", "::1")


def known_here(host: str, hosts_file: Path | None = None) -> list[Address]:
    """The addresses of a name that this machine knows by itself: localhost, and what its hosts file has."""
    if host == "localhost" or host.endswith(".localhost"):
        return [address for text in LOOPBACK if (address := literal(text)) is not None]
    found = []
    for line in _lines(hosts_file or _hosts_file()):
        text, *names = line.partition("#")[0].split() or [""]
        address = literal(text)
        if address is not None and host in (name.lower().removesuffix(".") for name in names):
            found.append(address)
    return list(dict.fromkeys(found))


def check_may_ask(host: str, inside: Places, resolver_file: Path = RESOLVER_FILE) -> None:
    """Refuse a question that could leave the site. Errors: NotReachable."""
    if not (inside.has_name(host) or "." not in host or host.endswith(SITE_ENDINGS)):
        raise NotReachable(
            f"air_gap is on, and {host} is no name of this site: no name server is asked for it",
            "Write its address, add a line to the hosts file, or list the name in air_gap_networks.",
        )
    if sys.platform == "win32":
        return  # where its name servers stand is in no file
    for resolver in resolvers(resolver_file):
        address = literal(resolver)
        if address is None or not inside.has_address(address):
            raise NotReachable(
                f"air_gap is on, and {host} would be asked of the name server {resolver[:60]}, which is in none of its networks",
                "Write the address in place of the name, add a line to the hosts file, or list the name server.",
            )


def resolvers(file: Path = RESOLVER_FILE) -> list[str]:
    """The name servers of this machine, as they are written."""
    fields = [line.split() for line in _lines(file)]
    return [words[1] for words in fields if len(words) > 1 and words[0] == "nameserver"][:RESOLVERS_MAX]


def _hosts_file() -> Path:
    if sys.platform == "win32":
        return Path(os.environ.get("SYSTEMROOT", r"C:\Windows")) / "System32/drivers/etc/hosts"
    return Path("/etc/hosts")


def _lines(file: Path) -> list[str]:
    try:
        with file.open("rb") as opened:
            return opened.read(FILE_BYTES_MAX).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
