"""Who counts as somebody at this machine: what is free from here must not be free from elsewhere."""

import pytest

from appliance.api.door import from_loopback


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_this_machine(address: str) -> None:
    assert from_loopback({"client": (address, 50_000), "headers": []})


@pytest.mark.parametrize("address", ["::1:5", "::11", "::1f", "::ffff:192.168.1.5", "192.168.1.5", "12.7.0.1", "fe80::1", ""])
def test_an_address_that_only_begins_like_loopback_is_a_strangers(address: str) -> None:
    assert not from_loopback({"client": (address, 50_000), "headers": []})


def test_no_address_at_all_is_a_strangers() -> None:
    assert not from_loopback({"client": None, "headers": []})


def test_what_a_proxy_hands_on_is_a_strangers() -> None:
    assert not from_loopback({"client": ("127.0.0.1", 50_000), "headers": [(b"x-forwarded-for", b"203.0.113.9")]})
