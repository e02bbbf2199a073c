"""JSON Schema's words, read with care: what they must be, and the errors that name the place where they aren't."""

import json
from decimal import Decimal, InvalidOperation
from typing import Any

from appliance.errors import FeatureUnsupported, InvalidField
from appliance.providers import grammar_numbers

DEPTH_MAX = 32
VALUE_CHARACTERS_MAX = 1_000  # of one value or name
REPEAT_MAX = 1_000  # of characters or items: grammars count by repeating rules
POINTER_CHARACTERS_MAX = 1_000

# What says nothing of the value, or only describes it: read over, as JSON Schema says. So are words unknown to it.
REFUSED = frozenset((
    "not", "if", "then", "else", "patternProperties", "propertyNames", "dependentRequired", "dependentSchemas", "dependencies",
    "contains", "minContains", "maxContains", "uniqueItems", "unevaluatedItems", "unevaluatedProperties", "$dynamicRef",
    "$recursiveRef", "maxProperties", "contentSchema",
))  # fmt: skip
KEYWORDS_OF = {
    "object": ("properties", "required", "additionalProperties", "minProperties"),
    "array": ("items", "prefixItems", "minItems", "maxItems"),
    "string": ("pattern", "minLength", "maxLength", "format"),
    "number": ("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"),
}
TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))
SAYS_SOMETHING = frozenset(("type", "enum", "const", "anyOf", "oneOf", "allOf", "$ref")).union(*KEYWORDS_OF.values(), REFUSED)


def wrong(where: str, what: str) -> InvalidField:
    return InvalidField(f"{where[:200]} {what}", param=where[:200], fix="Correct the schema; it must be JSON Schema.")


def too_large(where: str, what: str) -> InvalidField:
    return InvalidField(f"{where[:200]} {what}", param=where[:200], fix="Send a smaller schema, or ask another model.")


def unsupported(where: str, what: str, fix: str) -> FeatureUnsupported:
    return FeatureUnsupported(f"{where[:200]} {what}", param=where[:200], fix=fix)


def keyword_unsupported(where: str, keyword: str) -> FeatureUnsupported:
    return unsupported(
        where, f"uses {keyword!r}, which local models can't be held to", "Leave it out, or ask a provider that supports it."
    )


def listed(value: Any, where: str) -> list[Any]:
    if not isinstance(value, list):
        raise wrong(where, "has something else where a list of schemas should be")
    return value


def json_text(value: Any, where: str) -> str:
    """A value's JSON text. Errors: InvalidField where it is too long, or no Unicode text."""
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        text.encode()
    except (ValueError, RecursionError) as error:
        raise wrong(where, "has a value that can't be written as JSON") from error
    if len(text) > VALUE_CHARACTERS_MAX:
        raise too_large(where, f"has a value of more than {VALUE_CHARACTERS_MAX} characters")
    return text


def target(document: Any, pointer: Any, where: str) -> Any:
    """What a `$ref` within the document points to."""
    if not isinstance(pointer, str) or not (pointer == "#" or pointer.startswith("#/")):
        raise wrong(where, "has a $ref to elsewhere; only #/… within the schema can be followed")
    if len(pointer) > POINTER_CHARACTERS_MAX:
        raise too_large(where, f"has a $ref of more than {POINTER_CHARACTERS_MAX} characters")
    node = document
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(node, list) and key.isascii() and key.isdigit() and int(key[:6]) < len(node):
            node = node[int(key)]
        elif isinstance(node, dict) and key in node:
            node = node[key]
        else:
            raise wrong(where, f"has a $ref to {pointer[:100]!r}, which isn't there")
    return node


def between(schema: dict[str, Any], low: str, high: str, where: str) -> tuple[int, int | None]:
    """(least, most) of two keywords that count; None: no end."""
    least, most = _count(schema, low, where) or 0, _count(schema, high, where)
    if max(least, most or 0) > REPEAT_MAX:
        raise too_large(where, f"counts beyond {REPEAT_MAX} with {low} or {high}")
    if most is not None and least > most:
        raise wrong(where, f"has a {low} above its {high}")
    return least, most


def _count(schema: dict[str, Any], word: str, where: str) -> int | None:
    value = schema.get(word)
    if value is not None and not (type(value) is int and value >= 0):
        raise wrong(where, f"has a {word} that is no count")
    return value


def bound(schema: dict[str, Any], closed: str, opened: str, where: str) -> tuple[Decimal | None, bool]:
    """(bound, whether it is itself excluded); the tighter where both words are used is the excluded one."""
    value, excluded = schema.get(closed), schema.get(opened)
    if isinstance(excluded, bool):  # as draft 4 wrote it
        value, excluded = (None, value) if excluded else (value, None)
    if value is not None and excluded is not None:
        raise unsupported(where, f"has both {closed} and {opened}", "Keep one of them.")
    found = excluded if excluded is not None else value
    if found is None:
        return None, False
    try:
        limit = Decimal(str(found)) if type(found) in (int, float) else None
    except (InvalidOperation, ValueError):  # Python writes out no integer of thousands of digits
        limit = None
    if limit is None or not limit.is_finite() or abs(limit) >= 10**grammar_numbers.DIGITS_MAX or len(str(limit)) > 24:
        raise wrong(where, f"has a {closed} or {opened} that is no number of reasonable size")
    return limit, excluded is not None
