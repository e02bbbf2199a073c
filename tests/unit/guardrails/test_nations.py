"""Passports, National Insurance, and identifiers that python-stdnum checks."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import nations
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(nations.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("Passport No: M1234567", ["PASSPORT M1234567"]),
        ("Reisepass C01X00T47", ["PASSPORT C01X00T47"]),
        ("NI number QQ 12 34 56 C is the form; mine is AB 12 34 56 C", ["UK_NINO AB 12 34 56 C"]),
        ("CPF 529.982.247-25", ["BR_CPF 529.982.247-25"]),
        ("DNI 12345678Z", ["ES_NIF 12345678Z"]),
        ("PESEL: 44051401359", ["PL_PESEL 44051401359"]),
        ("codice fiscale RSSMRA85T10A562S", ["IT_FISCAL_CODE RSSMRA85T10A562S"]),
        ("SIN 123 456 782", ["CA_SIN 123 456 782"]),
        ("Hetu 131052-308T", ["FI_HETU 131052-308T"]),
        ("Steuer-ID 86095742719", ["DE_TAX_ID 86095742719"]),
        ("पासपोर्ट संख्या M1234567", ["PASSPORT M1234567"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "passport control opens at 8",
        "M1234567 is a motor",
        "CPF 529.982.247-26",
        "PESEL 44051401358",
        "BG123456C",
        "sin(123456789)",
        "the nie of 12345678",
        "RSSMRA85T10A562T",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize(
    "repeated", ["passport no no ", "cpf cpf ", "nif: 1 2 3 ", "ab 12 34 56 c ", "passport passport 12345678 "]
)
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="passport cpf:1 ABé" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
