"""E-mail and UPI addresses, also those written out."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.detectors import contact
from tests.unit.guardrails.samples import growth, scanner_of, told

SCANNER = scanner_of(contact.PATTERNS)


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("send to ada@okaxis or ada.b@ybl", ["UPI_ID ada@okaxis", "UPI_ID ada.b@ybl"]),
        ("mail ada@example.co.uk.", ["EMAIL ada@example.co.uk"]),
        ("<mailto:ada+x@example.org>", ["EMAIL ada+x@example.org"]),
        ("ada [at] example [dot] org", ["EMAIL ada [at] example [dot] org"]),
        ("ada AT example DOT com", ["EMAIL ada AT example DOT com"]),
        ("ada@münchen.de", ["EMAIL ada@münchen.de"]),
        ("аdа@ехаmрlе.org", ["EMAIL аdа@ехаmрlе.org"]),
        ("a d a @ h o m e . o r g", ["EMAIL a d a @ h o m e . o r g"]),
        ("ada(at)example(dot)org", ["EMAIL ada(at)example(dot)org"]),
        ("UPI: ada@newbank", ["UPI_ID ada@newbank"]),
        ("home/ada@example.org", ["EMAIL ada@example.org"]),
        ("https://example.net/u/ada@example.org", ["EMAIL ada@example.org"]),
    ],
)
def test_it_is_found(text: str, values: list[str]) -> None:
    assert told(SCANNER, text) == values


@pytest.mark.parametrize(
    "text",
    [
        "a@",
        "@b.org",
        "a@b.1",
        "https://ada:secret@example.org/",
        "https://ada@example.org/",
        "npm i @types/node@1.2",
        "user @ home",
        "look at the dot in example.com",
        "photo@3x.jpg",
        "C++ at example dot",
    ],
)
def test_what_only_looks_like_it_is_not(text: str) -> None:
    assert told(SCANNER, text) == []


@pytest.mark.parametrize("repeated", ["a@", "a@b.", "a.b@c ", "ada at example dot ", "a dot b ", "a a a @ a a . a "])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    assert growth(SCANNER, repeated) < 10


@given(some.text(alphabet="ab@. dot(at)é\u200b" + "\ud800", max_size=60))
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    for one in SCANNER.find(text):
        assert 0 <= one.start < one.end <= len(text)
        assert 0 < one.score <= 1
