"""Opening and keeping open, with a real database, vault and files; the sockets and the clock are the test's."""

import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from appliance.audit import chain
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
    await site.lan.look()
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


def fill_the_disk_at_commit(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the next entry about the switch on, what a transaction has done can't be kept."""
    real, append = site.database.transaction, chain.append
    switched: list[str] = []

    async def watched(tx: AsyncConnection, *, action: str, **more: Any) -> None:
        await append(tx, action=action, **more)
        if action in ("lan.on", "lan.off"):
            switched.append(action)

    @asynccontextmanager
    async def transaction() -> AsyncIterator[AsyncConnection]:
        async with real() as tx:
            yield tx
            if switched:
                raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("appliance.lan.lan.chain.append", watched)
    monkeypatch.setattr(site.database, "transaction", transaction)


async def test_closing_that_cannot_be_recorded_leaves_the_setting_as_it_was(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await turn_on(site)
    before = site.home.settings_file.read_bytes()
    fill_the_disk_at_commit(site, monkeypatch)
    with pytest.raises(Conflict, match="closed now, but will open again at the next start"):
        await site.lan.turn_off(actor="usr_1")
    assert site.home.settings_file.read_bytes() == before
    assert not site.sockets.is_open


@pytest.mark.parametrize("text", [None, "port = 9000\n"])
async def test_opening_that_cannot_be_recorded_does_not_open_at_the_next_start(
    site: Site, monkeypatch: pytest.MonkeyPatch, text: str | None
) -> None:
    if text is not None:
        site.home.settings_file.write_text(text)
    fill_the_disk_at_commit(site, monkeypatch)
    with pytest.raises(OSError, match="No space"):
        await site.lan.turn_on(actor="usr_1")
    assert not site.sockets.is_open
    assert (site.home.settings_file.read_text() if site.home.settings_file.exists() else None) == text
    assert "lan.on" not in await site.actions()


async def test_asking_again_while_a_port_is_taken_keeps_what_is_open_and_what_is_wrong(site: Site) -> None:
    await turn_on(site)
    site.sockets.refusal = CannotStart("port 8443 is taken", "Choose another.")
    site.place = Whereabouts(("192.168.1.6",), ("gateway",))
    with pytest.raises(Conflict, match="8443"):
        await site.lan.turn_on(actor="usr_1")
    assert site.sockets.is_open
    del site.lan.status  # type: ignore[method-assign]
    status = await site.lan.status()
    assert status.reachable is False
    assert [problem.message for problem in status.problems if "8443" in problem.message] == ["port 8443 is taken"]


async def test_a_full_disk_at_renewal_is_told_and_what_is_open_stays_open(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    await turn_on(site)
    with monkeypatch.context() as patched:
        patched.setattr("appliance.lan.lan.write_private", full)
        site.clock.jump(70 * DAY_MS)
        await site.lan.look()
    del site.lan.status  # type: ignore[method-assign]
    (problem,) = (await site.lan.status(checked=False)).problems
    assert "No space left" in problem.message
    assert site.sockets.is_open
    await site.lan.look()
    assert (await site.lan.status(checked=False)).problems == []
    assert len(site.sockets.opened) == 2


async def test_a_start_with_a_full_disk_serves_this_machine_and_opens_later(
    tmp_path: Path, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    site = await site_in(Home(tmp_path / "home").make(), clock, Settings(lan=True))
    with monkeypatch.context() as patched:
        patched.setattr("appliance.lan.lan.write_private", full)
        await site.lan.start()
    assert not site.sockets.is_open
    await site.lan.look()
    assert site.sockets.is_open
    await site.database.close()


async def test_an_authority_at_its_end_is_a_problem_to_show_not_a_reason_not_to_start(tmp_path: Path, clock: FakeClock) -> None:
    """Also where the clock of the machine is years ahead."""
    site = await site_in(Home(tmp_path / "home").make(), clock, Settings(lan=True))
    await site.lan.start()
    leaf = site.home.lan_certificate.read_bytes()
    site.clock.jump(11 * 365 * DAY_MS)
    await site.lan.start()
    await site.lan.look()
    assert any("clock" in problem.message for problem in (await site.lan.status(checked=False)).problems)
    assert site.home.lan_certificate.read_bytes() == leaf  # right again once the clock is
    site.home.lan_certificate.unlink()
    await site.lan.look()
    assert any("clock" in problem.message for problem in (await site.lan.status(checked=False)).problems)
    await site.database.close()


async def test_in_the_authoritys_last_month_the_leaf_is_not_made_anew_at_every_look(site: Site) -> None:
    await turn_on(site)
    site.clock.jump((certificates.AUTHORITY_DAYS - 10) * DAY_MS)
    for _ in range(3):
        await site.lan.look()
    assert len(site.sockets.opened) == 2


async def test_a_key_that_a_crash_left_half_written_is_cleared_away(site: Site) -> None:
    await turn_on(site)
    left = site.home.lan / ".leaf.key.123.456"
    left.write_text("PRIVATE KEY")
    site.clock.jump(70 * DAY_MS)
    await site.lan.look()
    assert sorted(file.name for file in site.home.lan.iterdir()) == ["leaf.key", "leaf.pem"]


async def test_a_settings_file_that_is_a_link_stays_one(site: Site, tmp_path: Path) -> None:
    kept = tmp_path / "kept.toml"
    kept.write_text("port = 9000\n")
    site.home.settings_file.symlink_to(kept)
    await turn_on(site)
    assert site.home.settings_file.is_symlink()
    assert kept.read_text() == "lan = true\nport = 9000\n"


async def test_closing_works_even_where_it_cannot_be_remembered_and_says_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    await turn_on(site)

    def full(home: Home, name: str, value: bool) -> None:
        raise CannotStart("the disk is full", "Free space.")

    monkeypatch.setattr("appliance.lan.lan.write_setting", full)
    with pytest.raises(Conflict, match="closed now, but will open again at the next start: the disk is full"):
        await site.lan.turn_off(actor="usr_1")
    assert not site.sockets.is_open
    assert not site.lan.is_on
    assert site.is_set


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.1.5", "::1:5", "gateway.local"])
async def test_a_host_that_is_open_already_is_refused(tmp_path: Path, clock: FakeClock, host: str) -> None:
    site = await site_in(Home(tmp_path / "home").make(), clock, Settings(host=host))
    with pytest.raises(Conflict, match="without encryption"):
        await site.lan.turn_on(actor="usr_1")
    await site.database.close()
