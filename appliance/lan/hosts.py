"""Whom a request may be addressed to: this machine's addresses and names, and nobody else.

A web site can have a name of its own lead to this machine (DNS rebinding); the browser then believes that the site is
speaking to itself. It also says so in the Host header, which is where it is caught.
"""

import ipaddress
import re
import time
from collections.abc import Callable, Iterable

from appliance.lan.addresses import Whereabouts, is_loopback, whereabouts

LOOK_SECONDS_MIN = 1.0
ACCEPTED_MAX = 256
HOST_BYTES_MAX = 300
ANYTHING = "*"
_NAME = re.compile(r"[a-z0-9._-]+")  # the page of /join shows it in lines to paste into a shell


class Hosts:
    """Asked once a request, so what was accepted before costs one look into a set."""

    def __init__(
        self,
        more: Iterable[str] = (),
        *,
        look: Callable[[], Whereabouts] = whereabouts,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`more`: names beside the machine's own, as a reverse proxy hands them on; `*` accepts any."""
        self._more = frozenset(name.lower().rstrip(".") for name in more)
        self._look = look
        self._monotonic = monotonic
        self._accepted: set[bytes] = set()
        self._known: frozenset[str] = frozenset()
        self._looked_at = -LOOK_SECONDS_MIN
        self._anything = ANYTHING in self._more

    def allow(self, host: bytes) -> bool:
        """`host`: the header's value, port included."""
        return host in self._accepted or self._anything or self._allow(host)

    def now_at(self, place: Whereabouts) -> None:
        """The machine's addresses or names have changed."""
        self._known = frozenset(place.addresses) | frozenset(place.names) | self._more
        self._accepted.clear()

    def _allow(self, host: bytes) -> bool:
        name = name_of(host)
        if name is None:
            return False
        if not (is_loopback(name) or name in self._known or self._looked_again(name)):
            return False
        if len(self._accepted) < ACCEPTED_MAX:
            self._accepted.add(host)
        return True

    def _looked_again(self, name: str) -> bool:
        """An address may be new; but strangers' guesses must not make us ask the system each time."""
        if self._monotonic() - self._looked_at < LOOK_SECONDS_MIN:
            return False
        self._looked_at = self._monotonic()
        self.now_at(self._look())
        return name in self._known


def name_of(host: bytes) -> str | None:
    """The name or address in a Host header, in its canonical form; None where it is none."""
    if len(host) > HOST_BYTES_MAX:
        return None
    try:
        text = host.decode("ascii").lower()
    except UnicodeDecodeError:
        return None
    if text.startswith("["):
        inner, closing, rest = text[1:].partition("]")
        port = rest.removeprefix(":") if rest.startswith(":") or not rest else "?"
        name = _canonical(inner) if closing else None
    else:
        name, _, port = text.partition(":")
        name = name.removesuffix(".") if _NAME.fullmatch(name) else None
    return name if name and (not port or port.isdigit()) else None


def _canonical(address: str) -> str | None:
    if "%" in address:  # a zone means something on the caller's machine only, and Python takes any text for one
        return None
    try:
        return str(ipaddress.IPv6Address(address))
    except ValueError:
        return None
