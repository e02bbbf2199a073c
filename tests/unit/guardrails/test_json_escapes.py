"""Values in a tool's arguments, written as JSON may write them: found as if they stood there plainly, and hidden without breaking
the JSON."""

import json
from collections.abc import Callable

import pytest

from appliance.guardrails.normal_text import read, unfinished
from appliance.guardrails.redaction import Mark, redacted
from tests.unit.guardrails.stream_texts import JSON_VALUES
from tests.unit.guardrails.test_streams import guard


def all_escaped(value: str) -> str:
    units = value.encode("utf-16-be")
    codes = [int.from_bytes(units[place : place + 2]) for place in range(0, len(units), 2)]
    return '{"a": "' + "".join(f"\\u{code:04x}" for code in codes) + '"}'


WAYS: dict[str, Callable[[str], str]] = {
    "usual": lambda value: json.dumps({"a": value}),
    "unicode": lambda value: json.dumps({"a": value}, ensure_ascii=False),
    "slashes": lambda value: json.dumps({"a": value}).replace("/", "\\/"),
    "at signs": lambda value: json.dumps({"a": value}).replace("@", "\\u0040"),
    "all": all_escaped,
    "twice": lambda value: json.dumps({"x": json.dumps({"a": value})}),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("value", JSON_VALUES, ids=range(len(JSON_VALUES)))
def test_what_is_found_in_a_value_is_found_in_json_and_hidden_there(value: str, way: str) -> None:
    written = WAYS[way](value)
    found = [one for one in guard().scanner.find(written) if one.score >= 0.5]
    plain = [one for one in guard().scanner.find(value) if one.score >= 0.5]
    assert [one.type for one in plain if one.type != "PERSON"] == [one.type for one in found if one.type != "PERSON"]
    hidden = redacted(written, [Mark(one.start, one.end, f"[{one.type}]") for one in found])
    assert "[" in json.dumps(json.loads(hidden))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (r"a\nb", "a\nb"),
        (r"a\\nb", "a\nb"),
        (r"asha\u0040example.com", "asha@example.com"),
        (r"\ud83d\ude00!", "😀!"),
        (r"https:\/\/x", "https://x"),
        (r"\"a\" \\\"b\\\"", '"a" "b"'),
        (r"\d+ \x41 \u00g \u12", r"\d+ \x41 \u00g \u12"),
        (r"\u0661\u200b２", "12"),
    ],
)
def test_what_an_escape_says(written: str, said: str) -> None:
    plain = read(written)
    assert plain.text == said
    places = [plain.original(place, place + 1) for place in range(len(said))]
    assert places == sorted(places)
    assert not places or places[-1][1] <= len(written)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("a", 0),
        ("a\\", 1),
        ("a\\\\", 2),
        ("a\\u", 2),
        ("a\\u00e", 5),
        ("a\\u00e9", 0),
        ("a\\n", 0),
        ("\\ud83d", 6),
        ("\\ud83d\\u", 8),
    ],
)
def test_what_may_still_become_an_escape(text: str, count: int) -> None:
    assert unfinished(text) == count
