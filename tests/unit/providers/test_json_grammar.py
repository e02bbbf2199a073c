"""Whatever a grammar lets a model write satisfies the schema that the grammar was made from."""

import json
import random
import re
import time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.errors import BadRequest, FeatureUnsupported, InvalidField
from appliance.providers import grammar_numbers, grammar_patterns, grammar_rules, schema_words
from appliance.providers.json_grammar import Grammar
from tests.unit.providers.gbnf import Gbnf
from tests.unit.providers.judge import satisfies


def grammar_of(schema: Any) -> Gbnf:
    grammar = Grammar()
    return Gbnf(grammar.text(grammar.schema(schema, "schema")))


def writes(schema: Any, seed: int, count: int) -> list[Any]:
    """Values that the schema's grammar writes."""
    chance, grammar = random.Random(seed), grammar_of(schema)
    return [json.loads(grammar.make(chance)) for _ in range(count)]


PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 8}, "age": {"type": "integer", "minimum": 0, "maximum": 130}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
LIST_NODE = {
    "$defs": {
        "node": {
            "type": "object",
            "properties": {"value": {"type": "integer"}, "next": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]}},
            "required": ["value", "next"],
        }
    },
    "$ref": "#/$defs/node",
}
SCHEMAS: list[Any] = [
    PERSON,
    LIST_NODE,
    {},
    True,
    {"type": "object"},
    {"type": "object", "properties": {}},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {"type": "string"}, "c": {}}, "required": ["b"]},
    {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": {"type": "null"}},
    {"properties": {"abc": {"type": "null"}, "abd": {"type": "string"}, "a": {}}, "additionalProperties": {"type": "integer"}},
    {"type": "object", "required": ["x", 'y"\\'], "additionalProperties": True},
    {"type": "object", "properties": {"a": {"type": "integer"}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]},
    {"type": "object", "minProperties": 1, "properties": {"a": {}}, "required": ["a"]},
    {"enum": ["a", "ab", "abc", "b", "", 1, 1.5, None, True, [1, "x"], {"x": 'y"\\z'}]},
    {"const": 'é\n"x\\'},
    {"type": ["string", "null", "integer"]},
    {"type": "array"},
    {"type": "array", "items": {"type": "integer", "minimum": -3, "maximum": 12}, "minItems": 2, "maxItems": 4},
    {"type": "array", "items": {"type": "boolean"}, "maxItems": 0},
    {"type": "array", "items": {"type": "boolean"}, "minItems": 1},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False},
    {"type": "array", "prefixItems": [{"type": "integer"}], "items": {"type": "null"}, "minItems": 3, "maxItems": 5},
    {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "maxItems": 1},
    {"type": "string", "minLength": 3, "maxLength": 6},
    {"type": "string", "minLength": 2},
    {"type": "string", "format": "date"},
    {"type": "string", "format": "time"},
    {"type": "string", "format": "date-time"},
    {"type": "string", "format": "uuid"},
    {"type": "string", "format": "a remark"},
    {"anyOf": [{"type": "string"}, {"type": "array", "items": {"$ref": "#"}}]},
    {"allOf": [{"$ref": "#/$defs/a"}, {"required": ["b"]}], "$defs": {"a": {"properties": {"b": {"type": "null"}}}}},
    {"allOf": [{"properties": {"a": {"minimum": 3}}}, {"properties": {"a": {"type": "integer"}}, "required": ["a"]}]},
    {"allOf": [{"type": "number"}, {"type": "integer"}], "title": "a remark", "x-unknown": [1]},
    {"$ref": "#/$defs/a", "description": "a remark", "$defs": {"a": {"type": "integer"}}},
    {"$ref": "#/$defs/a~1b", "minimum": 5, "$defs": {"a/b": {"type": "integer"}}},
    {"properties": {"a": False, "b": {"type": "null"}}, "additionalProperties": {"type": "integer"}},
    {"minimum": 5},
    {"pattern": "^a+$"},
    {"items": {"type": "null"}},
]


@pytest.mark.parametrize("schema", SCHEMAS, ids=range(len(SCHEMAS)))
def test_what_a_grammar_writes_satisfies_its_schema(schema: Any) -> None:
    for value in writes(schema, seed=1, count=60):
        assert satisfies(value, _readable(schema)), value


def _readable(schema: Any) -> Any:
    """JSON pointers that the judge doesn't unescape."""
    return json.loads(json.dumps(schema).replace("a~1b", "ab").replace("a/b", "ab"))


names = st.sampled_from(["a", "ab", "abc", "b", "é", 'q"', "x y"])
leaves = st.one_of(
    st.builds(lambda a, b: {"type": "integer", "minimum": min(a, b), "maximum": max(a, b)}, *[st.integers(-2000, 2000)] * 2),
    st.builds(
        lambda a, b: {"type": "number", "minimum": min(a, b), "maximum": max(a, b)},
        *[st.decimals(-100, 100, places=2).map(float)] * 2,
    ),
    st.builds(lambda a: {"type": "number", "exclusiveMinimum": a}, st.integers(-50, 50)),
    st.builds(lambda a: {"type": "integer", "exclusiveMaximum": a}, st.integers(-50, 50)),
    st.builds(lambda a, b: {"type": "string", "minLength": a, "maxLength": a + b}, st.integers(0, 5), st.integers(0, 5)),
    st.builds(lambda values: {"enum": values}, st.lists(st.text(max_size=4) | st.integers() | st.none(), min_size=1, max_size=6)),
    st.sampled_from(
        [{"type": "string"}, {"type": "boolean"}, {"type": "null"}, {"type": "number"}, {"type": ["null", "integer"]}]
    ),
)


def _objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    def make(properties: dict[str, Any], required: list[str], extra: Any) -> dict[str, Any]:
        needed = [name for name in required if name in properties or extra is not False]
        found = {"type": "object", "properties": properties, "required": sorted(set(needed))}
        return found if extra is None else {**found, "additionalProperties": extra}

    return st.builds(
        make, st.dictionaries(names, inner, max_size=4), st.lists(names, max_size=2), st.none() | st.booleans() | inner
    )


schemas = st.recursive(
    leaves,
    lambda inner: st.one_of(
        _objects(inner),
        st.builds(
            lambda item, a, b: {"type": "array", "items": item, "minItems": a, "maxItems": a + b}, inner, *[st.integers(0, 3)] * 2
        ),
        st.builds(lambda branches: {"anyOf": branches}, st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)


@given(schemas, st.integers(0, 1000))
@settings(max_examples=150, deadline=None)
def test_any_schema_gets_what_it_asks_for(schema: Any, seed: int) -> None:
    for value in writes(schema, seed, count=4):
        assert satisfies(value, schema), value


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        (PERSON, {"name": "Ada", "age": 36}),
        (LIST_NODE, {"value": 1, "next": {"value": -2, "next": None}}),
        ({"type": "object"}, {"a": [1, {"b": None}], "c": "é🙂\n"}),
        ({"type": "number"}, -12.5e-3),
        ({"type": "string"}, 'quote " backslash \\ tab \t'),
        ({"enum": [f"{i * 7919}" for i in range(500)]}, "23757"),
        ({"additionalProperties": {"type": "integer"}, "properties": {"ab": {"type": "null"}}}, {"a": 1, "abc": 2, "b": 3}),
    ],
)
def test_ordinary_values_can_be_written(schema: Any, value: Any) -> None:
    grammar = grammar_of(schema)
    assert grammar.matches(json.dumps(value, ensure_ascii=False))
    assert grammar.matches(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (PERSON, '{"name": "Ada"}'),
        (PERSON, '{"name": "Ada", "age": 131}'),
        (PERSON, '{"name": "Ada", "age": 36, "more": 1}'),
        (PERSON, '{"name": "Ada", "age": 36} '),
        ({"type": "string"}, '"a\nb"'),
        ({"type": "string"}, '"a"b"'),
        ({"type": "integer"}, "01"),
        ({"type": "integer"}, "-0"),
        ({"additionalProperties": {"type": "integer"}, "properties": {"ab": {"type": "null"}}}, '{"ab": 3}'),
    ],
)
def test_what_is_not_asked_for_can_not_be_written(schema: Any, text: str) -> None:
    assert not grammar_of(schema).matches(text)


def deep(levels: int) -> Any:
    schema: Any = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


WRONG: list[tuple[Any, str]] = [
    (False, "allows nothing"),
    ({"type": "object", "required": ["a"], "additionalProperties": False}, "allows nothing"),
    ("x", "is no schema"),
    ([], "is no schema"),
    ({"type": "text"}, "doesn't know"),
    ({"type": []}, "doesn't know"),
    ({"type": [1]}, "doesn't know"),
    ({"properties": []}, "wrong kind"),
    ({"required": [1]}, "wrong kind"),
    ({"enum": []}, "no list of values"),
    ({"enum": ["x" * 2000]}, "more than 1000 characters"),
    ({"const": "\ud800"}, "can't be written as JSON"),
    ({"const": float("nan")}, "can't be written as JSON"),
    ({"anyOf": []}, "no list of schemas"),
    ({"anyOf": {}}, "no list of schemas"),
    ({"allOf": 5}, "list of schemas"),
    ({"$ref": 5}, "elsewhere|no text"),
    ({"$ref": "#"}, "refers to itself"),
    ({"anyOf": [{"$ref": "#"}]}, "refers to itself"),
    ({"allOf": [{"$ref": "#"}]}, "refers to itself"),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}, "refers to itself"),
    ({"$ref": "#/nope"}, "isn't there"),
    ({"$ref": "https://example.com/schema.json"}, "elsewhere"),
    ({"$ref": "other.json"}, "elsewhere"),
    ({"minItems": 5, "maxItems": 2}, "above"),
    ({"minItems": -1}, "no count"),
    ({"type": "array", "minItems": 10**9}, "counts beyond"),
    ({"type": "array", "items": False, "minItems": 2}, "more items than it allows"),
    ({"type": "string", "maxLength": 10**9}, "counts beyond"),
    ({"type": "string", "pattern": 5}, "no text"),
    ({"type": "integer", "minimum": 5, "maximum": 2}, "no number at all"),
    ({"type": "integer", "minimum": 0.2, "maximum": 0.8}, "no number at all"),
    ({"minimum": "x"}, "no number of reasonable size"),
    ({"minimum": 1e300}, "no number of reasonable size"),
    ({"maximum": float("inf")}, "no number of reasonable size"),
    (deep(200), "nested more than 32 deep"),
    ({"properties": {str(i): {"properties": {str(j): {} for j in range(100)}} for i in range(100)}}, "more than 2000 parts"),
    ({"properties": {str(i): {} for i in range(501)}}, "more than 500 properties"),
    ({"enum": [str(i) for i in range(10_001)]}, "more than 10000 values"),
    ({"enum": [f"{i}{'x' * 900}{i}" for i in range(1000)]}, "more than 524288 characters"),
    ({"enum": ["x" * i for i in range(500)]}, "more than 60 values are each the beginning"),
]


@pytest.mark.parametrize(("schema", "complaint"), WRONG, ids=range(len(WRONG)))
def test_a_schema_that_is_wrong_or_too_large_is_refused_with_its_place(schema: Any, complaint: str) -> None:
    with pytest.raises(InvalidField, match=complaint) as caught:
        grammar_of(schema)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize(
    ("schema", "word"),
    [
        ({"not": {}}, "not"),
        ({"if": {}, "then": {}}, "if"),
        ({"type": "array", "uniqueItems": True}, "uniqueItems"),
        ({"type": "object", "patternProperties": {"^a": {}}}, "patternProperties"),
        ({"type": "object", "maxProperties": 3}, "maxProperties"),
        ({"type": "object", "minProperties": 1}, "minProperties"),
        ({"type": "number", "multipleOf": 0.1}, "multipleOf"),
        ({"type": "integer", "multipleOf": 2}, "multipleOf"),
        ({"type": "string", "pattern": "^a$", "minLength": 2}, "more than one of"),
        ({"minimum": 1, "exclusiveMinimum": 1}, "both minimum and exclusiveMinimum"),
        ({"allOf": [{"type": "string"}, {"type": "integer"}]}, "'type'"),
        ({"properties": {"deep": {"items": {"contains": {}}}}}, "contains"),
    ],
)
def test_what_a_grammar_can_not_enforce_is_refused_by_name(schema: Any, word: str) -> None:
    with pytest.raises(FeatureUnsupported, match=word):
        grammar_of(schema)


def test_words_that_are_turned_off_are_no_wish() -> None:
    assert writes({"type": "array", "items": {"type": "null"}, "uniqueItems": False}, 1, 3)


words = st.sampled_from(
    [
        *("type", "properties", "items", "enum", "const", "anyOf", "allOf", "$ref"),
        *("required", "pattern", "minimum", "minItems", "additionalProperties", "x"),
    ]
)
nonsense = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from(["#", "object", "array", "string"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=4),
    max_leaves=15,
)


@given(nonsense)
@settings(max_examples=300, deadline=None)
def test_nonsense_is_refused_or_understood_and_never_anything_worse(schema: Any) -> None:
    try:
        grammar = grammar_of(schema)
    except BadRequest:
        return
    grammar.make(random.Random(1))


@pytest.mark.parametrize(
    ("low", "high"), [(0, 9), (-1234, 98), (7, 7), (-5, -2), (1, 100_000), (99, 101), (None, -7), (12, None), (None, None)]
)
def test_integers_stay_between_their_bounds_and_reach_them(low: int | None, high: int | None) -> None:
    expression = grammar_numbers.integers(*(None if bound is None else Decimal(bound) for bound in (low, high)))
    assert expression is not None
    grammar = Gbnf(f"root ::= {expression}")
    edges = range(low if low is not None else (high or 0) - 50, (high if high is not None else (low or 0) + 50) + 1)
    for number in (*edges[:60], *edges[-60:]):
        assert grammar.matches(str(number)), number
    for bound, outside in ((low, -1), (high, 1)):
        assert bound is None or not grammar.matches(str(bound + outside))


@given(st.decimals(-1000, 1000, places=3), st.decimals(-1000, 1000, places=3), st.booleans(), st.booleans(), st.integers(0, 99))
@settings(deadline=None)
def test_fractions_stay_between_their_bounds(a: Decimal, b: Decimal, low_open: bool, high_open: bool, seed: int) -> None:
    low, high = min(a, b), max(a, b)
    expression = grammar_numbers.numbers(low, high, low_open=low_open, high_open=high_open)
    if expression is None:
        assert low == high
        return
    grammar, chance = Gbnf(f"root ::= {expression}"), random.Random(seed)
    for _ in range(5):
        number = Decimal(grammar.make(chance))
        assert low <= number <= high
        assert not (low_open and number == low)
        assert not (high_open and number == high)


PATTERNS = [
    "^[A-Z]{2}-\\d{3,5}$",
    "foo|^bar",
    "^\\w+@\\w+\\.(com|org)$",
    "^[^abc\\d]{3}$",
    '^"\\\\$',
    "^(?:a|bc)*d?$",
    "^\\s\\S\\D\\W.$",
    "^[\\w.-]+$",
    "^[!-~]{4}$",
    "^[]a]?$",
    "^\\u00e9\\x41$",
    "^a{2}b{0}c{1,}$",
    "^.*?x+?$",
    "^(\\w+ )*\\w+$",
    "",
    "^$",
    "^[é-ü🙂]+$",
]


@pytest.mark.parametrize("pattern", PATTERNS)
def test_texts_written_for_a_pattern_match_it(pattern: str) -> None:
    if pattern == "^[]a]?$":
        with pytest.raises(FeatureUnsupported):  # ECMA reads [] as a class of nothing
            grammar_of({"type": "string", "pattern": pattern})
        return
    for text in writes({"type": "string", "pattern": pattern}, seed=3, count=40):
        assert re.search(pattern, text, re.ASCII), text  # ECMA's classes are ASCII's


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("(?=a)b", "lookaround"),
        ("(?<name>a)", "lookaround"),
        ("((((", "ends too early|lacks"),
        ("a)", r"\) too many"),
        ("a**", "repeats a repetition"),
        ("*a", "where a character should be"),
        ("(a*)*", "may be empty"),
        ("(a?b?){2}", "may be empty"),
        ("\\bword", r"\\b"),
        ("(a)\\1", r"\\1"),
        ("\\p{L}", r"\\p"),
        ("a$b", "before its end"),
        ("a^b", "inside"),
        ("(^a)", "inside"),
        ("[z-a]", "backwards"),
        ("[a", "ends too early"),
        ("[\\S]", "inside a class"),
        ("a{1,99999}", "more than 256"),
        ("a{5,2}", "backwards"),
        ("a{x}", "broken"),
        ("a{1", "broken"),
        ("\\", "ends too early"),
        ("\\uZZZZ", "broken"),
        ("[\\n]", "can't hold"),
        ("\\n", "control character"),
        ("((((a{0,16}){1,16}){1,16}){1,16}){1,16}", "too large|may be empty"),
        ("(((a{1,16}){1,16}){1,16}){1,16}", "too large"),
        ("^" + "a?" * 250 + "$", "too many parts of varying length: 32"),
        (".*a" * 33, "too many parts of varying length: 32"),
        ("(xa*){33}", "too many parts of varying length: 32"),
        ("(a?|b){40}", "may be empty"),
        ("|".join(["a+"] * 33), "too many parts of varying length: 32"),
        ("(" * 30 + "a" + ")" * 30, "nested too deeply"),
        ("x" * 600, "longer than 512"),
    ],
)
def test_patterns_that_grammars_can_not_do_are_refused_with_the_reason(pattern: str, complaint: str) -> None:
    with pytest.raises(grammar_patterns.PatternRefused, match=complaint):
        grammar_patterns.expression(pattern)


# Hostile schemas


def branching(levels: int, wide: int, *, recursive: bool = False) -> Any:
    """Each level has types of array that begin alike, of the next level: `wide` to the power of `levels` readings."""
    places = {f"d{i}": f"#/$defs/d{i + 1}" for i in range(levels)}
    defs: dict[str, Any] = {
        name: {"anyOf": [{"type": "array", "items": {"$ref": inner}, "minItems": least} for least in range(wide)]}
        for name, inner in places.items()
    }
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"$ref": "#/$defs/d0"} if recursive else {"type": "string"}}}


def doubling(levels: int, make: Any) -> Any:
    """Each definition refers to the next one twice."""
    defs = {f"d{i}": make({"$ref": f"#/$defs/d{i + 1}"}) for i in range(levels)}
    return {"$ref": "#/$defs/d0", "$defs": {**defs, f"d{levels}": {"type": "object"}}}


BIG: dict[str, Any] = {"properties": {str(i): {} for i in range(20_000)}}
MANY = {f"p{i}": {"type": "integer"} for i in range(10_000)}
REFUSED: dict[str, tuple[Any, str]] = {
    "nested 200 deep": (deep(200), "more than 32 deep"),
    "10,000 properties": ({"type": "object", "properties": MANY}, "more than 500 properties"),
    "10,000 required": ({"type": "object", "properties": MANY, "required": list(MANY)}, "more than 500 properties"),
    "20,000 values": ({"enum": [str(i) for i in range(20_000)]}, "more than 10000 values"),
    "values in many places": ({"anyOf": [{"enum": list(range(i, i + 100))} for i in range(500)]}, "more than 10000 values"),
    "a long pattern": ({"type": "string", "pattern": "a" * 100_000}, "longer than 512"),
    "a pattern of many minds": ({"type": "string", "pattern": "^" + "a?" * 250 + "$"}, "varying length: 32"),
    "many patterns": (
        {"anyOf": [{"type": "string", "pattern": r"\\w." * 100 + str(i)} for i in range(900)]},
        "524288 characters",
    ),
    "arrays that double": (branching(7, 4), "more than 512 of them open"),
    "arrays that double for ever": (branching(3, 2, recursive=True), "lead back to it"),
    "patterns alike": ({"anyOf": [{"pattern": f"^a?a?a?a?b{i}$"} for i in range(200)]}, "more than 512 of them open"),
    "strings alike": ({"anyOf": [{"type": "string", "maxLength": i + 1} for i in range(900)]}, "more than 512 of them open"),
    "allOf that doubles": (doubling(12, lambda ref: {"allOf": [ref, ref]}), "more than 2000 parts"),
    "anyOf that doubles": (doubling(25, lambda ref: {"type": "object", "anyOf": [ref, ref]}), "more than 2000 parts"),
    "big schemas merged": (
        {"allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}] * 900, "$defs": {"a": BIG, "b": BIG | {}}},
        "more than",
    ),
    "big lists compared": (
        {
            "allOf": [{"$ref": "#/$defs/a"}, {"$ref": "#/$defs/b"}] * 900,
            "$defs": {name: {"enum": list(range(50_000))} for name in "ab"},
        },
        "puts more than 200000 values",
    ),
    "a long $ref": ({"$ref": "#" + "/a" * 100_000}, "more than 1000 characters"),
    "a long name": ({"properties": {"x" * 100_000: {}}}, "more than 1000 characters"),
    "properties merged ever deeper": ({"allOf": [{"properties": {"a": {"minLength": i}}} for i in range(1500)]}, "32 deep"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_hostile_schema_is_refused_with_the_bound_and_the_place_and_soon(name: str) -> None:
    schema, complaint = REFUSED[name]
    started = time.process_time()
    with pytest.raises(BadRequest, match=complaint) as caught:
        Grammar().schema(schema, "response_format.json_schema.schema")
    assert time.process_time() - started < 1.5
    assert caught.value.status == 400
    assert caught.value.param is not None
    assert caught.value.param.startswith("response_format.json_schema.schema")
    assert len(caught.value.message) < 400


TREE: dict[str, Any] = {
    "$ref": "#/$defs/expression",
    "$defs": {
        "expression": {
            "anyOf": [{"$ref": "#/$defs/number"}, {"$ref": "#/$defs/sum"}, {"$ref": "#/$defs/not"}, {"type": "string"}]
        },
        "number": {
            "type": "object",
            "properties": {"op": {"const": "number"}, "value": {"type": "number"}},
            "required": ["op", "value"],
        },
        "sum": {
            "type": "object",
            "properties": {
                "op": {"enum": ["add", "subtract"]},
                "left": {"$ref": "#/$defs/expression"},
                "right": {"$ref": "#/$defs/expression"},
            },
            "required": ["op", "left", "right"],
        },
        "not": {
            "type": "object",
            "properties": {"op": {"const": "not"}, "left": {"$ref": "#/$defs/expression"}},
            "required": ["op"],
        },
    },
}
BIG_BUT_FAIR: dict[str, Any] = {
    "10,000 values": {"enum": [f"value number {i}" for i in range(10_000)]},
    "500 properties": {
        "type": "object",
        "properties": {f"p{i}": {"type": "boolean"} for i in range(500)},
        "required": [f"p{i}" for i in range(500)],
    },
    "names of one beginning": {"properties": {f"{'x' * 900}{i}": {} for i in range(60)}, "additionalProperties": {}},
    "a tree of types told apart by a const": TREE,
    "types told apart by the names of their properties": {
        "type": "array",
        "items": {"anyOf": [{"properties": {f"name{i}": {"$ref": "#"}}, "required": [f"name{i}"]} for i in range(60)]},
    },
    "types told apart by their second property": {
        "anyOf": [
            {"properties": {"id": {"type": "string"}, "kind": {"const": i}, "in": {"$ref": "#"}}, "required": ["id", "kind"]}
            for i in range(100)
        ],
    },
    "optional consts": {
        "anyOf": [{"properties": {"kind": {"const": i}, f"only{i}": {"$ref": "#"}}} for i in range(50)],
    },
    "everything doubled, by name": doubling(14, lambda ref: {"type": "object", "properties": {"a": ref, "b": ref}}),
    "arrays that double four times": branching(4, 2),
    "any JSON": {
        "$ref": "#/$defs/any",
        "$defs": {
            "any": {
                "anyOf": [
                    {"type": ["string", "number", "boolean", "null"]},
                    {"type": "array", "items": {"$ref": "#/$defs/any"}},
                    {"type": "object", "additionalProperties": {"$ref": "#/$defs/any"}},
                ]
            }
        },
    },
}


@pytest.mark.parametrize("name", BIG_BUT_FAIR)
def test_a_big_schema_that_is_fair_works_and_soon(name: str) -> None:
    started, grammar = time.process_time(), Grammar()
    text = grammar.text(grammar.schema(BIG_BUT_FAIR[name], "schema"))
    assert time.process_time() - started < 1.5
    assert len(text) <= grammar_rules.GRAMMAR_CHARACTERS_MAX
    chance = random.Random(1)
    for _ in range(3):
        assert satisfies(json.loads(Gbnf(text).make(chance)), BIG_BUT_FAIR[name])


def test_a_union_that_nothing_tells_apart_may_not_lead_back_to_itself() -> None:
    tree = json.loads(json.dumps(TREE).replace('"const": "not"', '"enum": ["not", "add"]'))
    with pytest.raises(FeatureUnsupported, match="lead back to it") as caught:
        grammar_of(tree)
    assert "const" in str(caught.value.fix)


def test_the_bounds_are_those_that_the_documents_name() -> None:
    assert (schema_words.DEPTH_MAX, grammar_rules.NODES_MAX, grammar_rules.VALUES_MAX) == (32, 2_000, 10_000)


def test_an_enum_that_keeps_too_many_values_open_is_refused_and_one_class_is_not() -> None:
    wide = {"enum": [chr(0x4E00 + i) + str(i) for i in range(600)]}
    with pytest.raises(InvalidField, match="more than 512 ways"):
        Grammar().schema({"type": "array", "items": wide, "minItems": 100}, "s")
    alike = [chr(0x4E00 + i) for i in range(10_000)]
    grammar = Grammar()
    text = grammar.text(grammar.schema({"enum": alike}, "s"))
    assert len(text) < 100
    assert Gbnf(text).matches('"\u4e07"')
    Grammar().schema({"enum": [f"v{i}" for i in range(10_000)]}, "s")


def test_wide_enums_that_tell_objects_apart_are_open_together() -> None:
    def branch(number: int) -> dict[str, Any]:
        values = [chr(0x4E00 + 400 * number + i) + str(i) for i in range(400)]
        return {"type": "object", "properties": {"k": {"enum": values}}, "required": ["k"]}

    with pytest.raises(FeatureUnsupported, match="more than 512"):
        Grammar().schema({"anyOf": [branch(0), branch(1)]}, "s")
