import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import bodies, errors
from appliance.bodies import PARTS_MAX
from appliance.chat import ChatRequest
from appliance.errors import MalformedJson

DECODER = msgspec.json.Decoder(ChatRequest)


def test_json_that_breaks_says_where() -> None:
    with pytest.raises(errors.MalformedJson, match=r"line 2, column 11"):
        bodies.read_object(b'{"a": 1,\n "model": ?}')


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b'{"a": "\xff"}', r"UTF-8 \(line 1, column 8\)"),
        (b'{"a": ' + b"[" * 100_000, "nested too deeply"),
        (b'{"a": ' * 100_000, "nested too deeply"),
        (b'{"a": NaN}', "line 1, column 7"),
        (b'{"a": "\\ud800"}', "broken"),
        (b'{"a": 1} x', "trailing"),
    ],
)
def test_a_body_that_is_no_json_is_refused_in_words(body: bytes, words: str) -> None:
    with pytest.raises(errors.MalformedJson, match=words):
        bodies.read_object(body)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"model": "m", "messages": [], "max_tokens": "x"}', "messages"),
        (b'{"model": "m", "messages": [{"role": "user", "content": 7}]}', "messages[0].content"),
        (b'{"model": "m", "messages": [{"role": "king", "content": "x"}]}', "messages[0].role"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "max_tokens": "x"}', "max_tokens"),
        (b'{"model": "m", "messages": [{"role": "user", "content": "x"}], "temperature": -1}', "temperature"),
        (b'{"messages": [{"role": "user", "content": "x"}]}', "model"),
        (b'{"model": "m", "messages": [{"content": "x"}]}', "messages[0].role"),
        (b"[]", None),
        (b"7", None),
    ],
)
def test_a_wrong_field_is_named(body: bytes, param: str | None) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        bodies.read(body, DECODER)
    assert caught.value.param == param


@given(st.binary(max_size=200))
def test_garbage_is_read_or_refused_and_never_crashes(body: bytes) -> None:
    found: dict[str, Any] | errors.BadRequest
    try:
        found = bodies.read_object(body)
    except errors.BadRequest as error:
        found = error
    assert isinstance(found, dict) or found.fix


@pytest.mark.parametrize(
    "body",
    [
        b'{"a":[' + b"[]," * PARTS_MAX + b"[]]}",
        b'{"a":[' + b"{}," * PARTS_MAX + b"{}]}",
        b'{"a":[' + b'"",' * PARTS_MAX + b'""]}',
        b'{"a":[' + rb'"\\\"",' * PARTS_MAX + b'""]}',
    ],
    ids=["lists", "objects", "texts", "escapes"],
)
def test_a_body_of_very_many_parts_is_refused_before_anything_is_made_of_it(body: bytes) -> None:
    with pytest.raises(MalformedJson, match="more than 200,000 lists, objects and texts"):
        bodies.read_object(body)


def test_what_looks_like_parts_within_a_text_or_is_a_number_does_not_count() -> None:
    text = '"[{' * PARTS_MAX
    assert bodies.read_object(json.dumps({"a": text}).encode()) == {"a": text}
    assert len(bodies.read_object(b'{"a":[' + b"1," * 2 * PARTS_MAX + b"1]}")["a"]) == 2 * PARTS_MAX + 1


def test_a_text_that_never_ends_takes_no_longer_than_others() -> None:
    """A search with a way back would take hours for it."""
    with pytest.raises(MalformedJson):
        bodies.read_object(rb'"\"' * 4_000_000)
