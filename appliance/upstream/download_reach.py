"""Where a download may connect to: an administrator may name any mirror, a server may not send us just anywhere."""

from typing import Protocol

from appliance.upstream.address_kinds import kind_of
from appliance.upstream.origin import Address, NotReachable, Origin, taken_apart
from appliance.upstream.reach import Reach, ReachSettings, Resolve


class DownloadSettings(ReachSettings, Protocol):
    """The settings that say where a download may come from, and whose certificates it is believed with."""

    @property
    def upstream_ca_file(self) -> str: ...


class DownloadReach(Reach):
    """The rules for one download that begins at `url`, which an administrator or the catalogue named."""

    def __init__(self, url: str, settings: ReachSettings, resolve: Resolve | None = None) -> None:
        """Errors: NotReachable."""
        inside = settings.air_gap_networks if settings.air_gap else None
        super().__init__(allowed=settings.upstream_allowed, inside=inside, resolve=resolve)
        self._first_host = taken_apart(url)[0].host
        self._is_site = False
        self._is_redirected = False

    def follow(self, url: str) -> None:
        """The server redirects to `url`: from now on the rules for redirects hold. Errors: NotReachable."""
        taken_apart(url)
        self._is_redirected = True

    async def addresses(self, origin: Origin) -> list[str]:
        passed = await super().addresses(origin)
        if not self._is_redirected:
            self._is_site = all(kind_of(address) != "internet" for address in passed)
        return passed

    def _refusal(self, origin: Origin, address: Address) -> NotReachable | None:
        refusal = super()._refusal(origin, address)
        if refusal is not None:
            return refusal
        kind = kind_of(address)
        if kind == "internet" and not origin.is_tls:
            return NotReachable(f"{origin.host} is on the internet: only https will do there")
        if not self._is_redirected:
            return None
        if kind != "internet" and not self._is_site:
            return NotReachable(f"the server redirects to {origin.host}, which is inside this network")
        if not origin.is_tls and kind != "loopback" and origin.host != self._first_host:
            return NotReachable(f"the server redirects to {origin.host} without https")
        return None
