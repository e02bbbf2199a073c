"""Opening the door to the local network, and keeping it right: certificates, listeners, and a look at itself from outside.

What is switched on stays on: the setting `lan` in gatehouse.toml holds it. The authority's key lies in the vault; only the
leaf, which lasts 90 days, stands in a file (the server reads it from there).
"""

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Protocol

import msgspec

from appliance import settings_sources
from appliance.audit import chain
from appliance.clock import Clock, rfc3339
from appliance.errors import Conflict, GatehouseError
from appliance.home import CannotStart, Home, write_private
from appliance.lan import addresses, certificates, firewall
from appliance.lan.addresses import Whereabouts, url_host
from appliance.lan.certificates import Pair
from appliance.lan.hosts import Hosts
from appliance.lan.problem import Problem
from appliance.lan.self_check import unreachable
from appliance.settings import Settings
from appliance.settings_files import put_back, write_setting
from appliance.store.engine import Database
from appliance.store.vault import Vault
from appliance.telemetry.logs import get_logger

AUTHORITY_SECRET = "lan authority"
# Certificates dated by a clock that is years off are refused by everybody else.
CLOCK_EARLIEST_MS = int(datetime(2026, 11, 1, tzinfo=UTC).timestamp() * 1000)
CLOCK_LATEST_MS = int(datetime(2046, 1, 1, tzinfo=UTC).timestamp() * 1000)

_log = get_logger("lan")


class Listeners(Protocol):
    """The sockets for others, opened by whoever owns the server. A second `open` takes over with the new certificate."""

    async def open(self, place: Whereabouts) -> None:
        """Errors: CannotStart when a port can't be had."""
        ...

    async def close(self) -> None: ...


class LanStatus(msgspec.Struct, frozen=True):
    """Whether others can reach the appliance, and how. `reachable` and `expires_at_ms` are None while it is off.

    reachable: did it answer over verified TLS at every address of its own?
    """

    on: bool
    urls: list[str] = []
    join_urls: list[str] = []
    fingerprint: str | None = None
    expires_at_ms: int | None = None
    reachable: bool | None = None
    problems: list[Problem] = []


class Lan:
    """One per appliance. `start` at the server's start; `look` from time to time."""

    def __init__(
        self,
        settings: Settings,
        home: Home,
        environ: Mapping[str, str],
        database: Database,
        vault: Vault,
        clock: Clock,
        hosts: Hosts,
        *,
        look: Callable[[], Whereabouts] = addresses.whereabouts,
        find_firewall: Callable[[list[int]], list[Problem]] = firewall.problems,
    ) -> None:
        self.listeners: Listeners | None = None  # given by the server; without one, the switch is only set for the next start
        self.on_close: Callable[[], None] = lambda: None  # somebody closes it: what goes on for ever must end
        self.is_on = False
        self.place = look()
        self.authority: bytes | None = None
        self._settings = settings
        self._home = home
        self._environ = environ
        self._database = database
        self._vault = vault
        self._clock = clock
        self._hosts = hosts
        self._look = look
        self._find_firewall = find_firewall
        self._failure: Problem | None = None
        self._open_with: tuple[bytes, Whereabouts] | None = None
        self._changing = asyncio.Lock()
        hosts.now_at(self.place)

    # What it is like

    def urls(self) -> list[str]:
        """Base URLs for others, the likeliest first: by address, then by name."""
        hosts = [*map(url_host, self.place.addresses), *self.place.names]
        return [f"https://{host}:{self._settings.lan_port}/v1" for host in hosts]

    def open_urls(self) -> list[str]:
        """The same, as long as it is on."""
        return self.urls() if self.is_on else []

    def join_urls(self) -> list[str]:
        return [f"http://{url_host(address)}:{self._settings.port}/join" for address in self.place.addresses]

    async def status(self, *, checked: bool = True) -> LanStatus:
        """`checked`: with a call to itself at each address, and a look at the firewalls; up to some seconds."""
        if not self.is_on or self.authority is None:
            return LanStatus(on=False)
        problems = self._problems(self.authority)
        reachable = None if self._failure is None or self.listeners is None else False
        if checked and self.listeners is not None and self._failure is None:
            silent = await unreachable(self.place.addresses, self._settings.lan_port, self.authority)
            reachable = not silent and bool(self.place.addresses)
            problems += silent
            ports = [self._settings.lan_port, self._settings.port]
            problems += await asyncio.to_thread(self._find_firewall, ports)
        return LanStatus(
            on=True,
            urls=self.urls(),
            join_urls=self.join_urls(),
            fingerprint=certificates.fingerprint(self.authority),
            expires_at_ms=self._leaf_expiry(),
            reachable=reachable,
            problems=problems,
        )

    def _problems(self, authority: bytes) -> list[Problem]:
        problems = [self._failure] if self._failure is not None else []
        if not self.place.addresses:
            problems.append(Problem("this machine has no address on a network", "Connect it; its address is noticed by itself."))
        if (foreign := certificates.not_covered(authority, self.place)) and self.place.addresses:
            problems.append(
                Problem(
                    f"the certificate authority, made earlier, can't vouch for {', '.join(foreign)}",
                    "`gatehouse lan on --new-ca` makes another; colleagues then trust that one anew.",
                )
            )
        if not certificates.is_valid_at(authority, self._clock.now_ms()):
            problems.append(
                Problem(
                    f"by this machine's clock ({rfc3339(self._clock.now_ms())}) its certificate authority is not valid",
                    "Set the clock; where it is right, `gatehouse lan on --new-ca`.",
                )
            )
        return problems

    def _leaf_expiry(self) -> int | None:
        try:
            return certificates.expires_at_ms(self._home.lan_certificate.read_bytes())
        except (OSError, ValueError):
            return None

    # Changing it

    async def turn_on(self, *, actor: str, new_authority: bool = False) -> LanStatus:
        """Open it, now and at every start. Asked again, it looks at everything again.

        Errors:  Conflict where something must be mended first; nothing has changed then.
        """
        async with self._changing:
            self._refuse_contradictions()
            await self._look_around()
            await self._refresh(await self._authority_made(actor, new_authority))
            if (failure := self._failure) is not None:
                if not self.is_on:
                    await self._close_listeners()
                raise Conflict(failure.message, fix=failure.fix)
            if not self.is_on:
                await self._switch(True, actor)
        return await self.status()

    async def turn_off(self, *, actor: str) -> LanStatus:
        """Close it, now and for good. Certificates are kept, so that colleagues need not trust anew after the next `on`."""
        async with self._changing:
            self._refuse_override()
            self.on_close()
            await self._close_listeners()  # first: whoever wants it closed must not wait for a full disk
            try:
                await self._switch(False, actor)
            except Exception as error:
                self.is_on = False
                _log.error("closing the LAN could not be recorded", exc_info=error)
                told = error.message if isinstance(error, GatehouseError) else "it could not be recorded"
                mend = error.fix if isinstance(error, GatehouseError) else "Look whether the disk is full; then close it again."
                raise Conflict(f"it is closed now, but will open again at the next start: {told}", fix=mend) from error
        return LanStatus(on=False)

    async def start(self) -> None:
        """At the server's start: open it where it is on. A port that is taken is a problem to show, not a reason not to start."""
        async with self._changing:
            if not self._settings.lan:
                return
            self.is_on = True
            await self._refresh(await self._authority_made("machine", False))

    async def look(self) -> None:
        """Notice new addresses and names, replace a leaf in time, and try again what failed. Every few seconds."""
        async with self._changing:
            await self._look_around()
            if self.is_on and self.listeners is not None:
                authority = await self._authority()
                if authority is not None:
                    await self._refresh(authority)

    async def close(self) -> None:
        """The server ends."""
        await self._close_listeners()

    # Its parts

    async def _look_around(self) -> None:
        place = await asyncio.to_thread(self._look)
        if place != self.place:
            _log.info("addresses changed", addresses=list(place.addresses), names=list(place.names))
            self.place = place
            self._hosts.now_at(place)

    def _refuse_contradictions(self) -> None:
        self._refuse_override()
        now = self._clock.now_ms()
        if not CLOCK_EARLIEST_MS <= now <= CLOCK_LATEST_MS:
            raise Conflict(
                f"this machine's clock says {rfc3339(now)}; certificates made now would be refused by others",
                fix="Set the clock, then try again.",
            )
        if not addresses.is_loopback(self._settings.host):
            raise Conflict(
                f"host = {self._settings.host!r} opens the whole API to others already, without encryption",
                fix="Take `host` out of the settings and restart; `gatehouse lan on` then opens an encrypted door.",
            )

    def _refuse_override(self) -> None:
        try:
            source = settings_sources.load(self._home, self._environ).sources.get("lan", "default")
        except CannotStart as error:  # somebody is just editing the file
            raise Conflict(error.message, fix=error.fix) from None
        if source in (".env", "environment"):
            raise Conflict(
                f"GATEHOUSE_LAN ({source}) decides whether the LAN is open",
                fix="Change it there and restart, or take it out.",
            )

    async def _authority(self) -> Pair | None:
        kept = await self._vault.get(AUTHORITY_SECRET)
        pair = msgspec.msgpack.decode(kept, type=Pair) if kept is not None else None
        self.authority = pair.certificate if pair is not None else None
        return pair

    async def _authority_made(self, actor: str, new: bool) -> Pair:
        """The authority, made the first time; and an entry in the audit, in one transaction with it."""
        now = self._clock.now_ms()
        pair = await self._authority()
        if pair is not None and not new:
            return pair  # without writing: a start must not need room on the disk
        async with self._database.transaction() as tx:
            pair = certificates.make_authority(self.place, now)
            await self._vault.put(tx, AUTHORITY_SECRET, msgspec.msgpack.encode(pair))
            mark = {"fingerprint": certificates.fingerprint(pair.certificate)}
            await chain.append(tx, actor=actor, action="lan.authority_made", target="lan", detail={**mark}, at_ms=now)
        self.authority = pair.certificate
        return pair

    async def _switch(self, on: bool, actor: str) -> None:
        """The setting and the audit's entry: both or neither, save where the machine fails between the two."""
        action = "lan.on" if on else "lan.off"
        file = self._home.settings_file
        before = file.read_bytes() if file.exists() else None
        written = False
        try:
            async with self._database.transaction() as tx:
                await chain.append(tx, actor=actor, action=action, target="lan", detail={}, at_ms=self._clock.now_ms())
                write_setting(self._home, "lan", on)
                written = True  # and the transaction may still fail at its end: a full disk shows there
        except BaseException as error:
            if on:
                await self._close_listeners()
            if written:
                put_back(self._home, before)
            if isinstance(error, CannotStart):
                raise Conflict(error.message, fix=error.fix) from None
            raise
        self.is_on = on

    async def _refresh(self, authority: Pair) -> None:
        """The right certificate, and listeners that show it. What stands in the way is kept to be shown, and logged once."""
        failure: Problem | None = None
        try:
            self._renew_leaf(authority)
            await self._open_listeners()
        except CannotStart as error:
            failure = Problem(error.message, error.fix)
        except OSError as error:  # a full disk: this machine itself can be served all the same
            mend = f"Free some space, and give {self._home.lan} to the user that runs Gatehouse."
            failure = Problem(f"the certificate can't be written or read: {error.strerror}", mend)
        if failure is not None and failure != self._failure:
            _log.error("the LAN can't be opened as it should", reason=failure.message)
        self._failure = failure

    def _renew_leaf(self, authority: Pair) -> None:
        """Write a new leaf where the present one is no longer right, or a crash has left half of one.

        Errors:  OSError; CannotStart where there is none and the clock lets none be made.
        """
        files = self._home.lan_key, self._home.lan_certificate
        try:
            key, leaf = (file.read_bytes() for file in files)
        except OSError:
            key = leaf = b""
        now = self._clock.now_ms()
        whole = certificates.belong_together(leaf, key)
        if not certificates.is_valid_at(authority.certificate, now):
            if whole:
                return  # it may be right, and the clock wrong; `_problems` says so
            raise CannotStart(
                f"by this machine's clock ({rfc3339(now)}) its certificate authority is not valid", "Set the clock."
            )
        if whole and not certificates.needs_renewal(leaf, authority.certificate, self.place, now):
            return
        made = certificates.make_leaf(authority, self.place, now)
        self._home.lan.mkdir(mode=0o700, exist_ok=True)
        for cut in self._home.lan.glob(".leaf.*"):  # what a crash left of an earlier write: a private key
            cut.unlink(missing_ok=True)
        write_private(self._home.lan_key, made.key)
        write_private(self._home.lan_certificate, made.certificate)
        _log.info("certificate issued", until=rfc3339(certificates.expires_at_ms(made.certificate)))

    async def _open_listeners(self) -> None:
        """With the certificate and for the addresses of now. Nothing happens where they are open with these.

        Errors:  CannotStart, OSError.
        """
        if self.listeners is None:
            return
        wanted = (self._home.lan_certificate.read_bytes(), self.place)
        if self._open_with == wanted:
            return
        await self.listeners.open(self.place)
        self._open_with = wanted

    async def _close_listeners(self) -> None:
        self._open_with, self._failure = None, None
        if self.listeners is not None:
            await self.listeners.close()
