"""Schemas as Gemini takes them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance import errors
from appliance.providers.google_schema import clean, parameters

WORDS = {
    "$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items", "prefixItems", "minItems",
    "maxItems", "minimum", "maximum", "anyOf", "properties", "additionalProperties", "required", "propertyOrdering",
}  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "cleaned"),
    [
        ({"type": ["string", "null"], "minLength": 2, "default": "x"}, {"type": ["string", "null"]}),
        ({"type": "STRING", "format": "email"}, {"type": "string"}),
        ({"type": "string", "format": "date-time"}, {"type": "string", "format": "date-time"}),
        ({"const": "a"}, {"type": "string", "enum": ["a"]}),
        ({"const": True}, {"type": "boolean"}),
        ({"const": None}, {"type": "null"}),
        ({"enum": ["a", 1]}, {"type": ["integer", "string"], "enum": ["a", 1]}),
        ({"type": "string", "enum": ["a", None]}, {"anyOf": [{"type": "string", "enum": ["a"]}, {"type": "null"}]}),
        ({"oneOf": [{"type": "string"}, True]}, {"anyOf": [{"type": "string"}, {}]}),
        ({"$ref": "#/definitions/A", "description": "x"}, {"$ref": "#/$defs/A"}),
        ({"definitions": {"A": {"const": 1}}}, {"$defs": {"A": {"type": "integer", "enum": [1]}}}),
        ({"$ref": "#/$defs/A", "$defs": {"A": {"type": "null"}}}, {"$ref": "#/$defs/A", "$defs": {"A": {"type": "null"}}}),
        ({"allOf": [{"$ref": "#/$defs/A"}], "description": "x"}, {"description": "x", "anyOf": [{"$ref": "#/$defs/A"}]}),
        ({"items": [{"type": "string"}]}, {"prefixItems": [{"type": "string"}]}),
        ({"properties": {"a": {}}, "required": ["a", "b"]}, {"properties": {"a": {}}, "required": ["a"]}),
        (
            {
                "allOf": [{"properties": {"a": {}}, "required": ["a"]}, {"properties": {"b": {}}, "required": ["b"]}],
                "type": "object",
            },
            {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a", "b"]},
        ),
        ({"additionalProperties": {"type": "string", "pattern": "x"}}, {"additionalProperties": {"type": "string"}}),
        ({"$schema": "x", "if": {}, "patternProperties": {"x": {}}, "minimum": 1, "title": "T"}, {"title": "T", "minimum": 1}),
    ],
)
def test_a_schema_is_said_in_the_words_that_gemini_knows(schema: Any, cleaned: Any) -> None:
    assert clean(schema, "x") == cleaned


@pytest.mark.parametrize(
    ("schema", "place"),
    [
        (5, "p"), (False, "p"), ({"type": 5}, "p.type"), ({"type": []}, "p.type"), ({"type": "text"}, "p.type"),
        ({"properties": []}, "p.properties"), ({"properties": {"a": "string"}}, "p.properties.a"), ({"anyOf": []}, "p.anyOf"),
        ({"anyOf": [5]}, "p.anyOf[0]"), ({"required": "a"}, "p.required"), ({"enum": "a"}, "p.enum"), ({"$ref": 5}, "p.$ref"),
        ({"$ref": "https://x/y.json"}, "p.$ref"), ({"allOf": {}}, "p.allOf"),
        ({"allOf": [{"$ref": "#/$defs/A"}, {"type": "object"}]}, "p.allOf"),
        ({"properties": {"a": {"items": {"type": 1}}}}, "p.properties.a.items.type"),
    ],
)  # fmt: skip
def test_what_is_no_schema_is_refused_with_its_place(schema: Any, place: str) -> None:
    with pytest.raises(errors.InvalidField) as caught:
        clean(schema, "p")
    assert caught.value.param == place


@pytest.mark.parametrize("schema", [None, {}, {"type": "object"}, {"type": "object", "properties": {}}])
def test_a_tool_that_takes_nothing_has_no_parameters(schema: Any) -> None:
    assert parameters(schema, "p") is None


def test_parameters_are_an_object() -> None:
    assert parameters({"properties": {"a": {}}}, "p") == {"properties": {"a": {}}, "type": "object"}
    with pytest.raises(errors.InvalidField) as caught:
        parameters({"type": "string"}, "p")
    assert caught.value.param == "p.type"


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3) | st.sampled_from(["object", "string", "#/$defs/A"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*WORDS, "allOf", "oneOf", "const", "not", "definitions", "a"]), inner, max_size=4)
    ),
    max_leaves=25,
)


@given(VALUES)
def test_whatever_a_caller_calls_a_schema_is_cleaned_or_refused(value: Any) -> None:
    try:
        stack = [clean(value, "p")]
    except errors.InvalidField:
        return
    while stack:
        schema = stack.pop()
        assert schema.keys() <= WORDS
        for word in ("properties", "$defs"):
            stack += schema.get(word, {}).values()
        for word in ("anyOf", "prefixItems"):
            stack += schema.get(word, [])
