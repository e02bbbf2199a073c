"""Dates of birth; other dates are none."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import dates
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(dates.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("DOB: 12/05/1984", ["DATE_OF_BIRTH 12/05/1984"]),
        ("she was born on the 4th of July 1976 in Ohio", ["DATE_OF_BIRTH 4th of July 1976"]),
        ("born in Paris on 4 May 1970", ["DATE_OF_BIRTH 4 May 1970"]),
        ('"dateOfBirth": "1984-05-12T00:00:00Z"', ["DATE_OF_BIRTH 1984-05-12"]),
        ("Geburtsdatum: 3. März 1969", ["DATE_OF_BIRTH 3. März 1969"]),
        ("né le 3 août 1969", ["DATE_OF_BIRTH 3 août 1969"]),
        ("nació el 3 de mayo de 1969", ["DATE_OF_BIRTH 3 de mayo de 1969"]),
        ("जन्म तिथि: 15 अगस्त 1985", ["DATE_OF_BIRTH 15 अगस्त 1985"]),
        ("date of birth (dd/mm/yyyy): 03/04/1991", ["DATE_OF_BIRTH 03/04/1991"]),
        ("Date of Birth\n12 March 1988", ["DATE_OF_BIRTH 12 March 1988"]),
        ("| DOB | 1988-03-12 |", ["DATE_OF_BIRTH 1988-03-12"]),
        ("(born 1 Jan 1990)", ["DATE_OF_BIRTH 1 Jan 1990"]),
        ("12/05/1984 is my date of birth", ["DATE_OF_BIRTH 12/05/1984"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "DOB is required since 12/05/2020",
        "Date of birth: [redacted]. Revised 12/05/2020.",
        "born to run, 4 May",
        "meeting on 12/05/1984",
        "Date of birth: 45/05/1984",
        "DOB 12/05/1584",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize("repeated", ["DOB ", "12/12/2012 ", "born on ", "Jan 1 "])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="dob 12/.-Jan90é" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
