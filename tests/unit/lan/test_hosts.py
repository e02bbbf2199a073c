"""Whom a request may be addressed to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.lan.addresses import Whereabouts
from appliance.lan.hosts import ACCEPTED_MAX, Hosts, name_of

PLACE = Whereabouts(("192.168.1.5", "fd00::5"), ("gateway", "gateway.local"))


class Surroundings:
    """A machine whose addresses a test can change, and how often it was asked for them."""

    def __init__(self) -> None:
        self.place = PLACE
        self.looks = 0
        self.now = 100.0

    def look(self) -> Whereabouts:
        self.looks += 1
        return self.place


@pytest.fixture
def around() -> Surroundings:
    return Surroundings()


@pytest.fixture
def hosts(around: Surroundings) -> Hosts:
    made = Hosts(["ai.example.com"], look=around.look, monotonic=lambda: around.now)
    made.now_at(PLACE)
    return made


@pytest.mark.parametrize(
    "host",
    [
        b"localhost",
        b"localhost:8000",
        b"LocalHost:8000",
        b"127.0.0.1",
        b"127.8.9.1:80",
        b"[::1]:8000",
        b"192.168.1.5:8443",
        b"[fd00::5]",
        b"[FD00:0:0:0:0:0:0:5]:8443",
        b"gateway",
        b"GATEWAY.local.",
        b"ai.example.com:443",
    ],
)
def test_the_machines_addresses_and_names_pass(hosts: Hosts, host: bytes) -> None:
    assert hosts.allow(host)
    assert hosts.allow(host)  # remembered


@pytest.mark.parametrize(
    "host",
    [
        b"",
        b":8000",
        b"evil.example",
        b"localhost.evil.example",
        b"127.0.0.1.evil.example",
        b"192.168.1.6",
        b"192.168.1.5@evil.example",
        b"localhost:8000:9",
        b"localhost:http",
        b"[::1",
        b"::1",
        b"[localhost]",
        b"[fd00::5]x",
        b"[::1%$(reboot)]",
        b"gateway.local.evil.example",
        b"localhost\x00",
        "gäteway".encode(),
        b"a" * 10_000,
        b"0x7f000001",
        b"2130706433",
        b"127.1",
    ],
)
def test_everything_else_is_refused(hosts: Hosts, host: bytes) -> None:
    assert not hosts.allow(host)


@given(st.binary(max_size=400))
def test_garbage_is_no_host(host: bytes) -> None:
    found = name_of(host)
    assert found is None or found.isascii()
    assert not Hosts(look=Whereabouts).allow(host) or found is not None


def test_a_new_address_counts_at_once_but_guesses_do_not_make_it_look_each_time(hosts: Hosts, around: Surroundings) -> None:
    around.place = Whereabouts(("10.0.0.9",), ("gateway",))
    assert hosts.allow(b"10.0.0.9:8443")
    assert around.looks == 1
    assert not hosts.allow(b"192.168.1.5")  # the old address is another machine's now
    for number in range(1000):
        assert not hosts.allow(b"guess%d.example" % number)
    assert around.looks == 1
    around.now += 2
    assert not hosts.allow(b"guess.example")
    assert around.looks == 2


def test_what_is_remembered_has_a_bound(hosts: Hosts) -> None:
    for port in range(1, 2 * ACCEPTED_MAX):
        assert hosts.allow(b"localhost:%d" % port)
    assert len(hosts._accepted) <= ACCEPTED_MAX


def test_a_star_accepts_any_host() -> None:
    assert Hosts(["*"], look=Whereabouts).allow(b"whatever.example")


@pytest.mark.parametrize("host", [b"x;reboot", b"$(reboot)", b"`id`:80", b"x<script>", b"a b", b'x"y', b"x'y", b"a/b", b"x\\y"])
def test_what_a_shell_or_a_page_could_read_otherwise_is_no_name_even_where_any_is_allowed(host: bytes) -> None:
    assert name_of(host) is None
