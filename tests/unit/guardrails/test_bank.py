"""IBAN."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import bank
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(bank.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("IBAN DE89 3704 0044 0532 0130 00 bitte", ["IBAN DE89 3704 0044 0532 0130 00"]),
        ("GB82WEST12345698765432", ["IBAN GB82WEST12345698765432"]),
        ("d e 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0", ["IBAN d e 8 9 3 7 0 4 0 0 4 4 0 5 3 2 0 1 3 0 0 0"]),
        ("gb82 west 1234 5698 7654 32, thanks", ["IBAN gb82 west 1234 5698 7654 32"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "GB82 WEST 1234 5698 7654 33",
        "DE89 3704 0044 0532 0130 01",
        "in 12 days we will go there",
        "AB12 CDEF GHIJ KLMN OPQR",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize("repeated", ["DE89 3704 ", "DE89", "D E 8 9 "])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="DE8937040 -é" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
