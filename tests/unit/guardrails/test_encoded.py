"""Runs that say something once decoded, and where they stand."""

import base64
import time
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as some

from appliance.guardrails.encoded import decoded, patterns
from appliance.guardrails.normal_text import NormalText, normal
from appliance.guardrails.pattern import Found, Pattern
from appliance.guardrails.scanner import Scanner

SECRET = "call ada on 555-0134"


def said(text: str) -> list[tuple[str, str]]:
    plain = normal(text)
    return [(inner.text, plain.text[slice(*inner.original(0, len(inner.text)))]) for inner in decoded(plain)]


BASE64 = base64.b64encode(SECRET.encode()).decode()
TWICE = base64.b64encode(BASE64.encode()).decode()
URL_SAFE = base64.urlsafe_b64encode("ÿþ of ünïcode?".encode()).decode().rstrip("=")


@pytest.mark.parametrize(
    ("run", "reading"),
    [
        (BASE64, SECRET),
        (BASE64.rstrip("="), SECRET),
        (URL_SAFE, "ÿþ of ünïcode?"),
        (SECRET.encode().hex(), SECRET),
        (SECRET.encode().hex(" "), SECRET),
        (SECRET.encode().hex(":").upper(), SECRET),
        (quote(SECRET), SECRET),
        ("ada%40example.org", "ada@example.org"),
        ("ada&#64;example&#x2e;org", "ada@example.org"),
        ("ada&commat;example.org", "ada@example.org"),
        ("\\u0061\\u0064a\\x40example.org", "ada@example.org"),
        ("\\ud83d\\ude00!", "😀!"),
        ("%C3%A9t%C3%A9", "été"),
    ],
)
def test_a_run_is_read_and_its_place_is_told(run: str, reading: str) -> None:
    assert (reading, run) in said(f"see {run} and")


def test_what_was_encoded_twice_is_read_and_three_times_is_not() -> None:
    assert (SECRET, TWICE) in said(f"é\u200b {TWICE}")
    thrice = base64.b64encode(TWICE.encode()).decode()
    assert SECRET not in [one for one, _ in said(thrice)]


def test_a_value_in_a_query_is_found_where_it_stands() -> None:
    text = "GET /?q=a%20b&mail=ada%40example.org&x=%C3%A9"
    (inner,) = decoded(normal(text), 1)
    start = inner.text.index("ada@")
    assert text[slice(*inner.original(start, start + len("ada@example.org")))] == "ada%40example.org"


@pytest.mark.parametrize(
    "text",
    [
        "internationalisation of everything",
        "9c1c0ea4f5f0c9eab4d4b5060728c915",
        "100% of 5%",
        "AT&T &c; \\n",
        "%ff%fe",
        "/usr/local/lib/python3",
    ],
)
def test_what_says_nothing_is_not_read(text: str) -> None:
    assert said(text) == []


def test_a_scanner_looks_through_runs() -> None:
    number = Pattern(name="n", types=("N",), regex="[0-9]{3}-[0-9]{4}", judge=lambda match: [Found("N", 0.9)])
    scanner = Scanner([number, *patterns(Scanner([number]), ("N",))])
    for run in (BASE64, SECRET.encode().hex(), TWICE):
        text = f"ünï {run}."
        (found,) = scanner.find(text)
        assert text[found.start : found.end] == run
    text = "x=5&y=a%20555%2D0134%20b"
    (found,) = scanner.find(text)
    assert text[found.start : found.end] == "555%2D0134"


@pytest.mark.parametrize("repeated", ["QUJD", "%41", "&#65;", "a&a%4", "41 ", "\\u0041", "%F0%9F", "=A", "%2541", BASE64 + " "])
def test_long_repeats_take_time_in_proportion(repeated: str) -> None:
    def seconds(size: int) -> float:
        text: NormalText = normal((repeated * size)[:size])
        begun = time.thread_time()
        for _ in decoded(text):
            pass
        return time.thread_time() - begun

    seconds(1000)
    small = max(min(seconds(25_000) for _ in range(2)), 0.002)
    assert min(seconds(100_000) for _ in range(2)) < 16 * small


@given(
    some.text(alphabet="ab%41&#6;\\ux=+/ \ud800é", max_size=80)
    | some.binary(max_size=30).map(lambda data: base64.b64encode(data).decode())
)
def test_places_are_in_the_text_whatever_it_is(text: str) -> None:
    plain = normal(text)
    for inner in decoded(plain):
        assert len(inner.text) == len(inner.flat)
        for place in range(len(inner.text)):
            start, end = inner.original(place, place + 1)
            assert 0 <= start < end <= len(plain.text)
