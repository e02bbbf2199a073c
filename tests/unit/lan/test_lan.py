"""Opening and keeping open, with a real database, vault and files; the sockets and the clock are the test's."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from appliance.errors import Conflict
from appliance.home import CannotStart, Home
from appliance.lan import certificates
from appliance.lan.addresses import Whereabouts
from appliance.lan.hosts import Hosts
from appliance.lan.lan import Lan
from appliance.settings import Settings
from appliance.settings_sources import load
from appliance.store.engine import Database
from appliance.store.migrate import migrate
from appliance.store.tables import audit as audit_rows
from appliance.store.vault import Vault
from tests.fakes.clock import FakeClock

DAY_MS = 86_400_000


class Sockets:
    """Listeners that remember with which certificate they were opened."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.opened: list[bytes] = []
        self.is_open = False
        self.refusal: CannotStart | None = None

    async def open(self, place: Whereabouts) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.opened.append(self.home.lan_certificate.read_bytes())
        self.is_open = True

    async def close(self) -> None:
        self.is_open = False


class Site:
    """A Lan with everything around it."""

    def __init__(self, home: Home, database: Database, vault: Vault, clock: FakeClock, settings: Settings) -> None:
        self.home = home
        self.database = database
        self.clock = clock
        self.place = Whereabouts(("192.168.1.5",), ("gateway", "gateway.local"))
        self.sockets = Sockets(home)
        hosts = Hosts(look=lambda: self.place)
        self.lan = Lan(settings, home, {}, database, vault, clock, hosts, look=lambda: self.place, find_firewall=lambda ports: [])
        self.lan.listeners = self.sockets
        self.hosts = hosts

    @property
    def is_set(self) -> bool:
        return load(self.home, {}).settings.lan

    async def actions(self) -> list[str]:
        async with self.database.read() as connection:
            return list((await connection.execute(sa.select(audit_rows.c.action).order_by(audit_rows.c.seq))).scalars())


async def site_in(home: Home, clock: FakeClock, settings: Settings | None = None) -> Site:
    database = Database(home.database)
    await database.open()
    await migrate(database)
    vault = await Vault.open(database, home, "file", {}, clock)
    return Site(home, database, vault, clock, settings or Settings())


@pytest.fixture
async def site(tmp_path: Path, clock: FakeClock) -> AsyncIterator[Site]:
    made = await site_in(Home(tmp_path / "home").make(), clock)
    yield made
    await made.database.close()


async def turn_on(site: Site) -> None:
    """Without the call to itself: these listeners are none."""
    site.lan.status = _nothing  # type: ignore[method-assign]
    await site.lan.turn_on(actor="usr_1")


async def _nothing() -> None:
    return None


async def test_it_is_opened_once_and_stays_set(site: Site) -> None:
    await turn_on(site)
    await turn_on(site)
    assert site.is_set
    assert len(site.sockets.opened) == 1
    assert await site.actions() == ["lan.authority_made", "lan.on"]
    await site.lan.turn_off(actor="usr_1")
    assert not site.is_set
    assert not site.sockets.is_open
    assert await site.actions() == ["lan.authority_made", "lan.on", "lan.off"]


async def test_comments_and_tables_of_the_settings_file_stay(site: Site) -> None:
    text = '# ours\nport = 9000 # the port\n\n[[providers]]\nname = "x"\nkind = "openai"\napi_key = "sk-not-one"\n'
    site.home.settings_file.write_text(text)
    await turn_on(site)
    after = site.home.settings_file.read_text()
    assert after == f"lan = true\n{text}"
    await site.lan.turn_off(actor="usr_1")
    assert site.home.settings_file.read_text() == f"lan = false\n{text}"
    assert site.home.settings_file.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("years", [-7, 40])
async def test_a_clock_that_is_years_off_refuses_before_anything_is_made(site: Site, years: int) -> None:
    site.clock.jump(years * 365 * DAY_MS)
    with pytest.raises(Conflict, match="clock says"):
        await site.lan.turn_on(actor="usr_1")
    assert not site.is_set
    assert await site.actions() == []


async def test_a_clock_that_goes_wrong_later_is_a_problem_that_is_told_and_mended(site: Site) -> None:
    await turn_on(site)
    site.clock.jump(-6 * 365 * DAY_MS)  # a battery ran out
    await site.lan.look()
    del site.lan.status  # type: ignore[method-assign]
    problems = (await site.lan.status(checked=False)).problems
    assert any("clock" in problem.message for problem in problems)
    site.clock.jump(6 * 365 * DAY_MS)
    await site.lan.look()
    assert (await site.lan.status(checked=False)).problems == []
    leaf = site.home.lan_certificate.read_bytes()
    assert certificates.is_valid_at(leaf, site.clock.now_ms())


async def test_the_leaf_is_renewed_in_time_and_taken_over(site: Site) -> None:
    await turn_on(site)
    for _ in range(8):
        site.clock.jump(31 * DAY_MS)
        await site.lan.look()
        await site.lan.look()
        assert certificates.is_valid_at(site.sockets.opened[-1], site.clock.now_ms() + 29 * DAY_MS)
    assert len(site.sockets.opened) == 5  # every 62 days
    assert len(set(site.sockets.opened)) == 5


async def test_changed_addresses_are_noticed_certified_and_served(site: Site) -> None:
    await turn_on(site)
    site.place = Whereabouts(("192.168.1.77", "10.0.0.3"), ("renamed.local",))
    changes: list[int] = []
    site.lan.on_change = lambda: changes.append(1)
    await site.lan.look()
    assert changes == [1]
    assert site.lan.urls() == ["https://192.168.1.77:8443/v1", "https://10.0.0.3:8443/v1", "https://renamed.local:8443/v1"]
    assert len(site.sockets.opened) == 2
    assert site.hosts.allow(b"192.168.1.77:8443")
    assert not site.hosts.allow(b"192.168.1.5:8443")


async def test_a_machine_without_a_network_waits_for_one(site: Site) -> None:
    site.place = Whereabouts((), ("gateway",))
    await turn_on(site)
    del site.lan.status  # type: ignore[method-assign]
    (problem,) = (await site.lan.status(checked=False)).problems
    assert "no address" in problem.message
    site.place = Whereabouts(("192.168.1.5",), ("gateway",))
    await site.lan.look()
    assert (await site.lan.status(checked=False)).problems == []


async def test_what_cannot_be_opened_is_refused_and_leaves_nothing_switched_on(site: Site) -> None:
    site.sockets.refusal = CannotStart("port 8443 is taken", "Choose another.")
    with pytest.raises(Conflict, match="8443"):
        await site.lan.turn_on(actor="usr_1")
    assert not site.is_set
    assert not site.lan.is_on
    assert "lan.on" not in await site.actions()


async def test_a_settings_file_that_cannot_be_written_closes_it_again(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(home: Home, name: str, value: bool) -> None:
        raise CannotStart("the disk is full", "Free space.")

    monkeypatch.setattr("appliance.lan.lan.write_setting", full)
    with pytest.raises(Conflict, match="disk is full"):
        await site.lan.turn_on(actor="usr_1")
    assert not site.sockets.is_open
    assert "lan.on" not in await site.actions()


async def test_a_port_that_is_taken_at_the_start_is_tried_again(tmp_path: Path, clock: FakeClock) -> None:
    site = await site_in(Home(tmp_path / "home").make(), clock, Settings(lan=True))
    site.sockets.refusal = CannotStart("port 8443 is taken", "Choose another.")
    await site.lan.start()  # and the appliance starts all the same
    assert [problem.message for problem in (await site.lan.status(checked=False)).problems] == ["port 8443 is taken"]
    site.sockets.refusal = None
    await site.lan.look()
    assert site.sockets.is_open
    assert (await site.lan.status(checked=False)).problems == []
    await site.database.close()


async def test_half_written_certificates_are_replaced(site: Site) -> None:
    await turn_on(site)
    site.home.lan_key.write_bytes(b"")
    await site.lan.look()
    assert len(site.sockets.opened) == 2
    assert certificates.belong_together(site.home.lan_certificate.read_bytes(), site.home.lan_key.read_bytes())


async def test_a_new_authority_is_made_only_when_asked_for(site: Site) -> None:
    await turn_on(site)
    first = site.lan.authority
    await turn_on(site)
    assert site.lan.authority == first
    await site.lan.turn_on(actor="usr_1", new_authority=True)
    assert site.lan.authority != first
    assert len(site.sockets.opened) == 2


async def test_a_settings_file_that_was_broken_meanwhile_is_told_and_nothing_changes(site: Site) -> None:
    site.home.settings_file.write_text("port = \n")
    with pytest.raises(Conflict, match="line 1"):
        await site.lan.turn_on(actor="usr_1")
    assert await site.actions() == []
    assert site.home.settings_file.read_text() == "port = \n"
