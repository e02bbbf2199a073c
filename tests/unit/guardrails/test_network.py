"""IP and MAC addresses; versions are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import network
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(network.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("from 203.0.113.7 port 22", ["IP_ADDRESS 203.0.113.7"]),
        ("src=10.0.0.12:443", ["IP_ADDRESS 10.0.0.12"]),
        ("fe80::1ff:fe23:4567:890a%eth0", ["IP_ADDRESS fe80::1ff:fe23:4567:890a"]),
        ("[2001:db8::1]:80", ["IP_ADDRESS 2001:db8::1"]),
        ("mac 00:1A:2b:3c:4D:5e", ["MAC_ADDRESS 00:1A:2b:3c:4D:5e"]),
        ("001a.2b3c.4d5e up", ["MAC_ADDRESS 001a.2b3c.4d5e"]),
        ("2001:0db8:85a3:0000:0000:8a2e:0370:7334.", ["IP_ADDRESS 2001:0db8:85a3:0000:0000:8a2e:0370:7334"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "256.1.1.1",
        "1.2.3",
        "version 10.0.0.1",
        "build 12.0.7.4",
        "10:20:30",
        "a::",
        "::",
        "1.2.3.4.5",
        "01.02.03.04",
        "aa:bb:cc:dd:ee",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize("repeated", ["1.2.3.", "1.2.3.4 ", "a:b:", "::1 ", "00:11:"])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="0af:.1-é" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
