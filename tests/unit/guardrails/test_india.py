"""PAN, GSTIN, IFSC, voters' cards."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import india
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(india.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("PAN: ABCPE1234F, GSTIN 27ABCPE1234F1Z5", ["PAN ABCPE1234F"]),
        ("EPIC no ABC1234567", ["IN_VOTER_ID ABC1234567"]),
        ("GSTIN: 27ABCPE1234F1ZB", ["GSTIN 27ABCPE1234F1ZB"]),
        ("abcpe1234f", ["PAN abcpe1234f"]),
        ("A B C P E 1 2 3 4 F", ["PAN A B C P E 1 2 3 4 F"]),
        ("my PAN card is ABCPE 1234 F", ["PAN ABCPE 1234 F"]),
        ("SBIN0001234", ["IFSC SBIN0001234"]),
        ("मतदाता पहचान पत्र ABC1234567", ["IN_VOTER_ID ABC1234567"]),
        ("27 ABCPE 1234 F1ZB", ["GSTIN 27 ABCPE 1234 F1ZB"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "ABCDQ1234F",
        "ABCDE1234F5",
        "the PIN ABCP1234F",
        "36ABCPE1234F1Z5",
        "ABCD1001234",
        "part ABCPE1234F fits",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize("repeated", ["ABCPE1234", "ABCPE1234F ", "A B C P E ", "HDFC0 ", "27ABCPE1234F1Z", "A0"])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="ABCPE1230Z -é" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
