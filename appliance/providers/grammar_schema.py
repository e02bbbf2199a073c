"""The rules for values of one JSON Schema."""

from typing import Any

from appliance.errors import FeatureUnsupported
from appliance.providers import grammar_numbers, grammar_patterns, grammar_sequences
from appliance.providers.grammar_rules import BLANK, FORMATS, GrammarRules
from appliance.providers.grammar_shapes import READINGS_MAX, Member, Shape
from appliance.providers.grammar_words import CHARACTER, TooManyBeginAlike, literal, none_of, one_of
from appliance.providers.schema_merge import SchemaMerge
from appliance.providers.schema_words import (
    DEPTH_MAX,
    KEYWORDS_OF,
    REFUSED,
    SAYS_SOMETHING,
    TYPES,
    between,
    bound,
    json_text,
    keyword_unsupported,
    listed,
    target,
    too_large,
    unsupported,
    wrong,
)

PROPERTIES_MAX = 500  # of one object: while a name is written all that may come are open, 0.1 s a token for the engine

_KIND_OF = {'"': "string", "{": "object", "[": "array", "t": "boolean", "f": "boolean", "n": "null"}


class SchemaRules:
    """The rules of one schema document; `$ref` points into it."""

    def __init__(self, grammar: GrammarRules, document: Any, where: str) -> None:
        self._grammar = grammar
        self._document = document
        self._merge = SchemaMerge(grammar, document)
        self._where = where
        self._references: dict[str, str] = {}
        self._open: set[str] = set()  # references under way since the last character that was sure to come

    def root(self) -> str:
        return self._value(self._document, self._where, 0)

    def _value(self, schema: Any, where: str, depth: int) -> str:
        """The name of a rule for values of `schema`."""
        self._grammar.count_node(where)
        if depth > DEPTH_MAX:
            raise too_large(where, f"is nested more than {DEPTH_MAX} deep")
        if schema is True or schema == {}:
            return self._grammar.base("value")
        if not isinstance(schema, dict):
            raise wrong(where, "allows nothing" if schema is False else "is no schema: an object or a boolean is expected")
        for keyword in schema:
            if keyword in REFUSED and schema[keyword] not in (False, None):
                raise keyword_unsupported(where, keyword)
        if "$ref" in schema:
            return self._reference(schema, where, depth)
        if "allOf" in schema:
            return self._value(self._merge.all_of(schema, where), where, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._any_of(schema, keyword, where, depth)
        if "const" in schema:
            return self._texts([json_text(schema["const"], where)], where)
        if "enum" in schema:
            return self._enum(schema["enum"], where)
        return self._typed(schema, where, depth)

    def _typed(self, schema: dict[str, Any], where: str, depth: int) -> str:
        types = schema.get("type")
        if types is None:
            types = [name for name, keywords in KEYWORDS_OF.items() if any(word in schema for word in keywords)]
            if not types:
                return self._grammar.base("value")
        names = types if isinstance(types, list) else [types]
        if not names or not all(isinstance(name, str) and name in TYPES for name in names):
            raise wrong(where, "has a type that JSON Schema doesn't know")
        makers = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._number,
        }
        rules = []
        for name in dict.fromkeys(names):
            bare = not any(word in schema for word in KEYWORDS_OF.get("number" if name == "integer" else name, ()))
            rules.append(self._grammar.base(name) if bare else makers[name]({**schema, "type": name}, where, depth))
        return self._union(rules, where, "type")

    # References and unions

    def _reference(self, schema: dict[str, Any], where: str, depth: int) -> str:
        pointer = schema["$ref"]
        beside = {word: value for word, value in schema.items() if word != "$ref" and word in SAYS_SOMETHING}
        if beside:
            whole = self._merge.merged([target(self._document, pointer, where), beside], where)
            return self._value(whole, where, depth + 1)
        if not isinstance(pointer, str):
            raise wrong(where, "has a $ref that is no text")
        if pointer in self._open:
            raise wrong(where, "refers to itself without anything between")
        name = self._references.get(pointer)
        if name is None:
            schema = target(self._document, pointer, where)
            name = self._references[pointer] = self._grammar.rule("", "ref")
            self._open.add(pointer)
            rule = self._value(schema, self._where + pointer[1:].replace("/", "."), depth + 1)
            self._grammar.define(name, rule, Shape(parts=(rule,), where=where))
            self._open.discard(pointer)
        return name

    def _any_of(self, schema: dict[str, Any], keyword: str, where: str, depth: int) -> str:
        branches = schema[keyword]
        if not isinstance(branches, list) or not branches:
            raise wrong(where, f"has an {keyword} that is no list of schemas")
        beside = {word: value for word, value in schema.items() if word != keyword and word in SAYS_SOMETHING}
        rules = []
        for number, branch in enumerate(branches):
            place = f"{where}.{keyword}[{number}]"
            rules.append(self._value(self._merge.merged([beside, branch], place) if beside else branch, place, depth + 1))
        return self._union(list(dict.fromkeys(rules)), where, "any")

    def _union(self, rules: list[str], where: str, name: str) -> str:
        if len(rules) == 1:
            return rules[0]
        return self._grammar.rule(" | ".join(rules), name, Shape(parts=tuple(rules), where=where))

    # Values

    def _enum(self, values: Any, where: str) -> str:
        if not isinstance(values, list) or not values:
            raise wrong(where, "has an enum that is no list of values")
        self._grammar.count_values(len(values), where)
        return self._texts(sorted({json_text(value, where) for value in values}), where)

    def _texts(self, texts: list[str], where: str) -> str:
        kinds = frozenset(_KIND_OF.get(text[0], "number") for text in texts)
        try:
            expression, readings = one_of(texts)
        except TooManyBeginAlike as error:
            raise too_large(where, f"has an enum in which {error}") from error
        if readings > READINGS_MAX:
            raise too_large(where, f"has an enum whose values go on in more than {READINGS_MAX} ways at one place")
        return self._grammar.rule(expression, "enum", Shape(kinds, frozenset(texts), where=where, readings=readings))

    def _string(self, schema: dict[str, Any], where: str, depth: int) -> str:
        pattern, formatted = schema.get("pattern"), schema.get("format")
        formatted = formatted if isinstance(formatted, str) and formatted in FORMATS else None  # other formats are remarks
        bounded = "minLength" in schema or "maxLength" in schema
        if (pattern is not None) + (formatted is not None) + bounded > 1:
            raise unsupported(
                where,
                "has more than one of pattern, format and lengths, which local models can't be held to together",
                "Keep one of them.",
            )
        if pattern is not None:
            inside, readings = self._pattern(pattern, where)
            return self._text(f'"\\"" ({inside}) "\\""', "pattern", readings)
        if formatted is not None:
            return self._text(self._grammar.formatted(formatted), "format")
        if bounded:
            lengths = grammar_sequences.repeat(*between(schema, "minLength", "maxLength", where))
            return self._text(f'"\\"" {CHARACTER}{lengths} "\\""', "text")
        return self._grammar.base("string")

    def _text(self, expression: str, name: str, readings: int = 1) -> str:
        return self._grammar.rule(expression, name, Shape(frozenset(("string",)), readings=readings))

    def _pattern(self, pattern: Any, where: str) -> tuple[str, int]:
        if not isinstance(pattern, str):
            raise wrong(where, "has a pattern that is no text")
        try:
            return grammar_patterns.expression(pattern)
        except grammar_patterns.PatternRefused as refused:
            raise FeatureUnsupported(
                f"the pattern of {where[:200]} {refused}", param=where[:200], fix="Write it more simply, or leave it out."
            ) from refused

    def _number(self, schema: dict[str, Any], where: str, depth: int) -> str:
        whole = schema["type"] == "integer"
        multiple = schema.get("multipleOf", 1 if whole else None)
        if multiple is not None and not (whole and multiple == 1):
            raise keyword_unsupported(where, "multipleOf")
        low, low_open = bound(schema, "minimum", "exclusiveMinimum", where)
        high, high_open = bound(schema, "maximum", "exclusiveMaximum", where)
        if whole:
            least = low if low is None or not low_open or low % 1 else low + 1
            most = high if high is None or not high_open or high % 1 else high - 1
            expression = grammar_numbers.integers(least, most)
        else:
            expression = grammar_numbers.numbers(low, high, low_open=low_open, high_open=high_open)
        if expression is None:
            raise wrong(where, "allows no number at all")
        return self._grammar.rule(expression, schema["type"], Shape(frozenset(("number",))))

    def _array(self, schema: dict[str, Any], where: str, depth: int) -> str:
        first = listed(schema.get("prefixItems", []), where)
        least, most = between(schema, "minItems", "maxItems", where)
        with _Consumed(self._open):
            rules = [self._value(item, f"{where}.prefixItems[{i}]", depth + 1) for i, item in enumerate(first)]
            rules = rules if most is None else rules[:most]
            rest = schema.get("items", not first)
            is_full = rest is False or (most is not None and most <= len(rules))
            item = None if is_full else self._value(rest, f"{where}.items", depth + 1)
        least = max(least - len(rules), 0)
        if item is None and least:
            raise wrong(where, "asks for more items than it allows")
        inside = grammar_sequences.items(rules, item, least, None if most is None else most - len(rules))
        shape = Shape(frozenset(("array",)), parts=(*rules, *([item] if item else [])))
        return self._grammar.rule(f'"[" {inside} "]"', "array", shape)

    # Objects

    def _object(self, schema: dict[str, Any], where: str, depth: int) -> str:
        properties, required = self._properties(schema, where)
        extra = schema.get("additionalProperties", not properties and "properties" not in schema)
        pairs, members = [], []
        with _Consumed(self._open):
            for name, value in properties.items():
                if value is False and name not in required:
                    continue  # it may not be there
                key = json_text(name, where)
                rule = self._value(value, f"{where}.properties.{name}", depth + 1)
                pairs.append((self._grammar.rule(f'{literal(key)} ":" {BLANK} {rule}', "pair"), name in required))
                members.append(Member(name, rule, name in required))
            other = None if extra is False else self._value(extra, f"{where}.additionalProperties", depth + 1)
        if schema.get("minProperties", 0) not in range(sum(needed for _, needed in pairs) + 1):
            raise keyword_unsupported(where, "minProperties")
        inside = grammar_sequences.members(self._grammar, pairs, self._other_pair(other, list(properties)))
        shape = Shape(frozenset(("object",)), members=tuple(members), other=other)
        return self._grammar.rule(f'"{{" {inside} "}}"', "object", shape)

    def _properties(self, schema: dict[str, Any], where: str) -> tuple[dict[str, Any], set[str]]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list) or not all(isinstance(n, str) for n in required):
            raise wrong(where, "has properties or required of a wrong kind")
        others = schema.get("additionalProperties", True)  # what a property must be that is required and nowhere declared
        properties = {**properties, **{name: others for name in required if name not in properties}}
        if len(properties) > PROPERTIES_MAX:
            raise too_large(where, f"has more than {PROPERTIES_MAX} properties")
        return properties, set(required)

    def _other_pair(self, value: str | None, names: list[str]) -> str | None:
        if value is None:
            return None
        key = f'"\\"" {none_of(names)} "\\""' if names else self._grammar.base("string")
        return self._grammar.rule(f'{key} ":" {BLANK} {value}', "pair")


class _Consumed:
    """Inside, a character has been written, so that a schema may refer to one that it is part of."""

    def __init__(self, references: set[str]) -> None:
        self._references = references
        self._kept: set[str] = set()

    def __enter__(self) -> None:
        self._kept = set(self._references)
        self._references.clear()

    def __exit__(self, *_: object) -> None:
        self._references |= self._kept
