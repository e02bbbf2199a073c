"""JSON Schema → GBNF, the grammar that llama.cpp holds a model's output to.

Ours rather than an engine's, because it must never be half right: a keyword that a grammar can't enforce is refused by
name (where llama.cpp's own converters pass over it in silence), hostile schemas end here and not in native code, and
values that share beginnings share rules (3,000 enum values cost llama.cpp's converter 10 s for the first token).

What is generated always satisfies the schema; not everything that satisfies it can be generated: properties come in the
order declared, others only where `additionalProperties` asks for them, blanks are few, and oneOf is read as anyOf.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from appliance.errors import BadRequest, FeatureUnsupported, InvalidField
from appliance.providers import grammar_numbers, grammar_patterns
from appliance.providers.grammar_words import CHARACTER, literal, none_of, one_of

NODES_MAX = 2_000
DEPTH_MAX = 32
VALUES_MAX = 5_000  # of all enums together
VALUE_CHARACTERS_MAX = 1_000
PROPERTIES_MAX = 500  # of one object
REPEAT_MAX = 1_000  # of characters or items: grammars count by repeating rules
GRAMMAR_CHARACTERS_MAX = 400_000

_BLANK = '" "?'
_BASE = {
    "string": f'"\\"" {CHARACTER}* "\\""',
    "number": grammar_numbers.NUMBER,
    "integer": grammar_numbers.INTEGER,
    "boolean": '"true" | "false"',
    "null": '"null"',
    "array": f'"[" (value ("," {_BLANK} value)*)? "]"',
    "object": f'"{{" (string ":" {_BLANK} value ("," {_BLANK} string ":" {_BLANK} value)*)? "}}"',
    "value": "string | number | boolean | null | array | object",
}
_FORMATS = {
    "date": "date",
    "time": "time",
    "date-time": 'date "T" time',
    "uuid": "[0-9a-f]{8} " + '"-" [0-9a-f]{4} ' * 3 + '"-" [0-9a-f]{12}',
}
_DATE = '[12] [0-9]{3} "-" ("0" [1-9] | "1" [0-2]) "-" ("0" [1-9] | "1" [0-9] | "2" [0-8])'  # days that every month has
_ZONE = '("Z" | [+-] ("0" [0-9] | "1" [0-3]) ":" [0-5] [0-9])'
_TIME = f'([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9] ":" [0-5] [0-9] ("." [0-9]{{1,6}})? {_ZONE}'

# What says nothing of the value, or only describes it: read over, as JSON Schema says. So are words unknown to it.
_REFUSED = frozenset((
    "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies",
    "contains", "minContains", "maxContains", "uniqueItems", "unevaluatedItems", "unevaluatedProperties", "$dynamicRef",
    "$recursiveRef", "maxProperties", "contentSchema",
))  # fmt: skip
_KEYWORDS_OF = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))
_SAYS_SOMETHING = frozenset(("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref")).union(*_KEYWORDS_OF.values(), _REFUSED)


class Grammar:
    """A grammar under construction. One for each request."""

    def __init__(self) -> None:
        self._rules: dict[str, str] = {}
        self._count = 0
        self._nodes = 0
        self._values = 0

    def rule(self, expression: str, name: str = "r") -> str:
        """Give an expression a name, and return that."""
        self._count += 1
        name = f"{name}-{self._count}"
        self._rules[name] = expression
        return name

    def define(self, name: str, expression: str) -> None:
        """Give a name, made earlier for the sake of those who refer to it, its expression."""
        self._rules[name] = expression

    def base(self, name: str) -> str:
        """A JSON type of any content, and what it needs."""
        if name not in self._rules:
            self._rules[name] = _BASE[name]
            needed = {"array": ("value",), "object": ("value", "string"), "value": tuple(_BASE)}.get(name, ())
            for other in needed:
                self.base(other)
        return name

    def schema(self, schema: Any, where: str) -> str:
        """The rule for values of a schema; `where` is how errors name it.

        Errors:  InvalidField for a schema that is wrong or too large, FeatureUnsupported for what grammars can't do.
        """
        return _SchemaRules(self, schema, where).root()

    def text(self, root: str) -> str:
        """The whole grammar, to begin with the expression `root`. Errors: InvalidField when it became too large."""
        text = "\n".join([f"root ::= {root}", *(f"{name} ::= {expression}" for name, expression in self._rules.items())])
        if len(text) > GRAMMAR_CHARACTERS_MAX:
            raise InvalidField("the schema is too large for a local model", fix="Send a smaller schema.")
        return text

    def count_node(self, where: str) -> None:
        self._nodes += 1
        if self._nodes > NODES_MAX:
            raise _wrong(where, f"has more than {NODES_MAX} parts")

    def count_values(self, count: int, where: str) -> None:
        self._values += count
        if self._values > VALUES_MAX:
            raise _wrong(where, f"has more than {VALUES_MAX} values in its enums")

    def formatted(self, name: str) -> str:
        for needed, expression in (("date", _DATE), ("time", _TIME)):
            self._rules.setdefault(needed, expression)
        return f'"\\"" {_FORMATS[name]} "\\""'


class _SchemaRules:
    """The rules of one schema document; `$ref` points into it."""

    def __init__(self, grammar: Grammar, document: Any, where: str) -> None:
        self._grammar = grammar
        self._document = document
        self._where = where
        self._references: dict[str, str] = {}
        self._open: set[str] = set()  # references under way since the last character that was sure to come

    def root(self) -> str:
        return self._value(self._document, self._where, 0)

    def _value(self, schema: Any, where: str, depth: int) -> str:
        """The name of a rule for values of `schema`."""
        self._grammar.count_node(where)
        if depth > DEPTH_MAX:
            raise _wrong(where, f"is nested more than {DEPTH_MAX} deep")
        if schema is True or schema == {}:
            return self._grammar.base("value")
        if not isinstance(schema, dict):
            raise _wrong(where, "allows nothing" if schema is False else "is no schema: an object or a boolean is expected")
        for keyword in schema:
            if keyword in _REFUSED and schema[keyword] not in (False, None):
                raise _unsupported(where, keyword)
        if "$ref" in schema:
            return self._reference(schema, where, depth)
        if "allOf" in schema:
            return self._value(self._all_of(schema, where), where, depth + 1)
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                return self._any_of(schema, keyword, where, depth)
        if "const" in schema:
            return self._grammar.rule(literal(_json(schema["const"], where)), "const")
        if "enum" in schema:
            return self._enum(schema["enum"], where)
        return self._typed(schema, where, depth)

    def _typed(self, schema: dict[str, Any], where: str, depth: int) -> str:
        types = schema.get("type")
        if types is None:
            types = [name for name, keywords in _KEYWORDS_OF.items() if any(word in schema for word in keywords)]
            if not types:
                return self._grammar.base("value")
        names = types if isinstance(types, list) else [types]
        if not names or not all(isinstance(name, str) and name in _TYPES for name in names):
            raise _wrong(where, "has a type that JSON Schema doesn't know")
        makers = {
            "object": self._object,
            "array": self._array,
            "string": self._string,
            "number": self._number,
            "integer": self._number,
        }
        rules = []
        for name in dict.fromkeys(names):
            bare = not any(word in schema for word in _KEYWORDS_OF.get("number" if name == "integer" else name, ()))
            rules.append(self._grammar.base(name) if bare else makers[name]({**schema, "type": name}, where, depth))
        return rules[0] if len(rules) == 1 else self._grammar.rule(" | ".join(rules), "type")

    # References, unions, intersections

    def _reference(self, schema: dict[str, Any], where: str, depth: int) -> str:
        pointer = schema["$ref"]
        beside = {word: value for word, value in schema.items() if word != "$ref" and word in _SAYS_SOMETHING}
        if beside:
            return self._value(self._merged([self._target(pointer, where), beside], where), where, depth + 1)
        if not isinstance(pointer, str):
            raise _wrong(where, "has a $ref that is no text")
        if pointer in self._open:
            raise _wrong(where, "refers to itself without anything between")
        name = self._references.get(pointer)
        if name is None:
            target = self._target(pointer, where)
            name = self._references[pointer] = self._grammar.rule("", "ref")
            self._open.add(pointer)
            self._grammar.define(name, self._value(target, self._where + pointer[1:].replace("/", "."), depth + 1))
            self._open.discard(pointer)
        return name

    def _target(self, pointer: Any, where: str) -> Any:
        if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
            raise _wrong(where, "has a $ref to elsewhere; only #/… within the schema can be followed")
        node = self._document
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            if isinstance(node, list) and key.isascii() and key.isdigit() and int(key[:6]) < len(node):
                node = node[int(key)]
            elif isinstance(node, dict) and key in node:
                node = node[key]
            else:
                raise _wrong(where, f"has a $ref to {pointer[:100]!r}, which isn't there")
        return node

    def _any_of(self, schema: dict[str, Any], keyword: str, where: str, depth: int) -> str:
        branches = schema[keyword]
        if not isinstance(branches, list) or not branches:
            raise _wrong(where, f"has an {keyword} that is no list of schemas")
        beside = {word: value for word, value in schema.items() if word != keyword and word in _SAYS_SOMETHING}
        rules = []
        for number, branch in enumerate(branches):
            place = f"{where}.{keyword}[{number}]"
            rules.append(self._value(self._merged([beside, branch], place) if beside else branch, place, depth + 1))
        return self._grammar.rule(" | ".join(dict.fromkeys(rules)), "any")

    def _all_of(self, schema: dict[str, Any], where: str) -> dict[str, Any]:
        branches = schema["allOf"]
        if not isinstance(branches, list) or not branches:
            raise _wrong(where, "has an allOf that is no list of schemas")
        return self._merged([{word: value for word, value in schema.items() if word != "allOf"}, *branches], where)

    def _merged(self, schemas: list[Any], where: str, depth: int = 0) -> dict[str, Any]:
        """One schema for values that satisfy all of them; refused where the keywords can't simply be put together."""
        merged: dict[str, Any] = {}
        if depth > DEPTH_MAX:
            raise _wrong(where, "refers to itself without anything between")
        for schema in schemas:
            self._grammar.count_node(where)
            if schema is True:
                continue
            if not isinstance(schema, dict):
                raise _wrong(where, "is no schema" if schema is not False else "allows nothing")
            flat = {word: value for word, value in schema.items() if word not in ("$ref", "allOf")}
            inner = _listed(schema.get("allOf", []), where) + ([self._target(schema["$ref"], where)] if "$ref" in schema else [])
            if inner:
                flat = self._merged([flat, *inner], where, depth + 1)
            for word, value in flat.items():
                self._put(merged, word, value, where)
        return merged

    def _put(self, merged: dict[str, Any], word: str, value: Any, where: str) -> None:
        if word not in _SAYS_SOMETHING or word not in merged or merged[word] == value:
            merged[word] = value
        elif word == "properties" and isinstance(value, dict) and isinstance(merged[word], dict):
            both = {name: {"allOf": [merged[word][name], value[name]]} for name in value if name in merged[word]}
            merged[word] = {**merged[word], **value, **both}
        elif word == "required" and isinstance(value, list) and isinstance(merged[word], list):
            merged[word] = [*merged[word], *(name for name in value if name not in merged[word])]
        elif word == "type" and sorted(map(str, (merged[word], value))) == ["integer", "number"]:
            merged[word] = "integer"
        else:
            raise FeatureUnsupported(
                f"{where[:200]} puts two different {word!r} together, which local models can't be held to",
                param=where[:200],
                fix="Write them as one.",
            )

    # Values

    def _enum(self, values: Any, where: str) -> str:
        if not isinstance(values, list) or not values:
            raise _wrong(where, "has an enum that is no list of values")
        self._grammar.count_values(len(values), where)
        return self._grammar.rule(one_of(sorted({_json(value, where) for value in values})), "enum")

    def _string(self, schema: dict[str, Any], where: str, depth: int) -> str:
        pattern, formatted = schema.get("pattern"), schema.get("format")
        formatted = formatted if formatted in _FORMATS else None  # other formats are remarks
        bounded = "minLength" in schema or "maxLength" in schema
        if (pattern is not None) + (formatted is not None) + bounded > 1:
            raise FeatureUnsupported(
                f"{where[:200]} has more than one of pattern, format and lengths, which local models can't be held to together",
                param=where[:200],
                fix="Keep one of them.",
            )
        if pattern is not None:
            return self._grammar.rule(f'"\\"" ({self._pattern(pattern, where)}) "\\""', "pattern")
        if formatted is not None:
            return self._grammar.rule(self._grammar.formatted(formatted), "format")
        if bounded:
            lengths = _repeat(*_between(schema, "minLength", "maxLength", where))
            return self._grammar.rule(f'"\\"" {CHARACTER}{lengths} "\\""', "text")
        return self._grammar.base("string")

    def _pattern(self, pattern: Any, where: str) -> str:
        if not isinstance(pattern, str):
            raise _wrong(where, "has a pattern that is no text")
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
            raise _unsupported(where, "multipleOf")
        low, low_open = _bound(schema, "minimum", "exclusiveMinimum", where)
        high, high_open = _bound(schema, "maximum", "exclusiveMaximum", where)
        if whole:
            least = low if low is None or not low_open or low % 1 else low + 1
            most = high if high is None or not high_open or high % 1 else high - 1
            expression = grammar_numbers.integers(least, most)
        else:
            expression = grammar_numbers.numbers(low, high, low_open=low_open, high_open=high_open)
        if expression is None:
            raise _wrong(where, "allows no number at all")
        return self._grammar.rule(expression, schema["type"])

    def _array(self, schema: dict[str, Any], where: str, depth: int) -> str:
        first = _listed(schema.get("prefixItems", []), where)
        least, most = _between(schema, "minItems", "maxItems", where)
        with _Consumed(self._open):
            rules = [self._value(item, f"{where}.prefixItems[{i}]", depth + 1) for i, item in enumerate(first)]
            rules = rules if most is None else rules[:most]
            rest = schema.get("items", not first)
            is_full = rest is False or (most is not None and most <= len(rules))
            item = None if is_full else self._value(rest, f"{where}.items", depth + 1)
        least = max(least - len(rules), 0)
        if item is None:
            if least:
                raise _wrong(where, "asks for more items than it allows")
            inside = f' "," {_BLANK} '.join(rules)
        else:
            inside = _items(rules, item, least, None if most is None else most - len(rules))
        return self._grammar.rule(f'"[" {inside} "]"', "array")

    # Objects

    def _object(self, schema: dict[str, Any], where: str, depth: int) -> str:
        properties, required = self._properties(schema, where)
        extra = schema.get("additionalProperties", not properties and "properties" not in schema)
        with _Consumed(self._open):
            pairs = []
            for name, value in properties.items():
                if value is False and name not in required:
                    continue  # it may not be there
                rule = self._value(value, f"{where}.properties.{name}", depth + 1)
                key = _json(name, where)
                pairs.append((self._grammar.rule(f'{literal(key)} ":" {_BLANK} {rule}', "pair"), name in required))
            other = None if extra is False else self._other_pair(extra, list(properties), where, depth)
        if schema.get("minProperties", 0) not in range(sum(needed for _, needed in pairs) + 1):
            raise _unsupported(where, "minProperties")
        return self._grammar.rule(f'"{{" {self._members(pairs, other)} "}}"', "object")

    def _properties(self, schema: dict[str, Any], where: str) -> tuple[dict[str, Any], set[str]]:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if not isinstance(properties, dict) or not isinstance(required, list) or not all(isinstance(n, str) for n in required):
            raise _wrong(where, "has properties or required of a wrong kind")
        others = schema.get("additionalProperties", True)  # what a property must be that is required and nowhere declared
        properties = {**properties, **{name: others for name in required if name not in properties}}
        if len(properties) > PROPERTIES_MAX:
            raise _wrong(where, f"has more than {PROPERTIES_MAX} properties")
        return properties, set(required)

    def _other_pair(self, extra: Any, names: list[str], where: str, depth: int) -> str:
        value = self._value(extra, f"{where}.additionalProperties", depth + 1)
        key = f'"\\"" {none_of(names)} "\\""' if names else self._grammar.base("string")
        return self._grammar.rule(f'{key} ":" {_BLANK} {value}', "pair")

    def _members(self, pairs: list[tuple[str, bool]], other: str | None) -> str:
        """What stands between the braces: pairs in order, optional ones or not, with commas only between."""
        comma = f'"," {_BLANK}'
        more = f"({comma} {other})*" if other else ""
        if all(needed for _, needed in pairs) and pairs:
            return f" {comma} ".join(pair for pair, _ in pairs) + f" {more}"
        # From the back: `after` is what may follow once something stands there, `first` what may where nothing does.
        after, first = more, f"({other} {more})?" if other else ""
        for pair, needed in reversed(pairs):
            tail = self._grammar.rule(after, "more") if after else ""
            head = self._grammar.rule(first, "first") if first else ""
            after = f"{comma} {pair} {tail}" if needed else f"({comma} {pair})? {tail}"
            first = f"{pair} {tail}" if needed else f"{pair} {tail} | {head}" if head else f"({pair} {tail})?"
        return f"({first})" if first else ""


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


def _items(first: list[str], item: str, least: int, most: int | None) -> str:
    """Items between brackets: `first` all of them, then `least` to `most` of `item`."""
    comma = f'"," {_BLANK}'
    if first:
        return f" {comma} ".join(first) + f" ({comma} {item}){_repeat(least, most)}"
    if most == 0:
        return ""
    several = f"{item} ({comma} {item}){_repeat(max(least - 1, 0), None if most is None else most - 1)}"
    return several if least else f"({several})?"


def _repeat(least: int, most: int | None) -> str:
    if most is None:
        return "*" if least == 0 else f"{{{least},}}"
    return f"{{{least},{most}}}"


def _between(schema: dict[str, Any], low: str, high: str, where: str) -> tuple[int, int | None]:
    """(least, most) of two keywords that count; None: no end."""
    least, most = _count(schema, low, where) or 0, _count(schema, high, where)
    if max(least, most or 0) > REPEAT_MAX:
        raise _wrong(where, f"counts beyond {REPEAT_MAX} with {low} or {high}")
    if most is not None and least > most:
        raise _wrong(where, f"has a {low} above its {high}")
    return least, most


def _count(schema: dict[str, Any], word: str, where: str) -> int | None:
    value = schema.get(word)
    if value is not None and not (type(value) is int and value >= 0):
        raise _wrong(where, f"has a {word} that is no count")
    return value


def _bound(schema: dict[str, Any], closed: str, opened: str, where: str) -> tuple[Decimal | None, bool]:
    """(bound, whether it is itself excluded); the tighter where both words are used is the excluded one."""
    value, excluded = schema.get(closed), schema.get(opened)
    if isinstance(excluded, bool):  # as draft 4 wrote it
        value, excluded = (None, value) if excluded else (value, None)
    if value is not None and excluded is not None:
        raise FeatureUnsupported(f"{where[:200]} has both {closed} and {opened}", param=where[:200], fix="Keep one of them.")
    found = excluded if excluded is not None else value
    if found is None:
        return None, False
    try:
        bound = Decimal(str(found)) if type(found) in (int, float) else None
    except InvalidOperation:
        bound = None
    if bound is None or not bound.is_finite() or abs(bound) >= 10**grammar_numbers.DIGITS_MAX or len(str(bound)) > 24:
        raise _wrong(where, f"has a {closed} or {opened} that is no number of reasonable size")
    return bound, excluded is not None


def _listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(where, "has something else where a list of schemas should be")
    return value


def _json(value: Any, where: str) -> str:
    """A value's JSON text. Errors: InvalidField where it is too long, or no Unicode text."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise _wrong(where, "has a value that can't be written as JSON") from error
    if len(text) > VALUE_CHARACTERS_MAX:
        raise _wrong(where, f"has a value of more than {VALUE_CHARACTERS_MAX} characters")
    return text


def _wrong(where: str, what: str) -> InvalidField:
    return InvalidField(f"{where[:200]} {what}", param=where[:200], fix="Correct the schema; it must be JSON Schema.")


def _unsupported(where: str, keyword: str) -> BadRequest:
    return FeatureUnsupported(
        f"{where[:200]} uses {keyword!r}, which local models can't be held to",
        param=where[:200],
        fix="Leave it out, or ask a provider that supports it.",
    )
