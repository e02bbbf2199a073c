"""Patients' records."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import medical
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(medical.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("MRN: 00123456", ["MRN 00123456"]),
        ("patient id 8841-220", ["MRN 8841-220"]),
        ("MRN-38809797 admitted", ["MRN MRN-38809797"]),
        ("Medical record number: AB123456", ["MRN AB123456"]),
        ('{"mrn": "719-64-869"}', ["MRN 719-64-869"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "the MRN field is required",
        "medical record number is missing",
        "MRN: see chart 12",
        "mrn=none",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize("repeated", ["mrn ", "mrn: mrn-", "mrn no no 1"])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="mrn: -1Aé" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
