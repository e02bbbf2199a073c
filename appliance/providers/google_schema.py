"""JSON Schema as Gemini takes it in `parametersJsonSchema` and `responseJsonSchema`.

Source: ai.google.dev/api/generate-content (responseJsonSchema: the words that are supported), read 2026-11-26.
Quirks: both fields take JSON Schema itself, `$ref`, `additionalProperties` and lists of types included; the older fields
`parameters` and `responseSchema` take a subset of OpenAPI and answer 400 to those, so they aren't used. Gemini 2.0 and all
later models read the newer fields. A word that isn't supported is left out here, or said in supported ones: `const` becomes
an `enum` of one, `oneOf` becomes `anyOf`, `allOf` is put together, `definitions` become `$defs`. Nothing may stand beside a
`$ref`. An enum holds texts and numbers.
"""

from functools import lru_cache
from typing import Any

import msgspec

from appliance.errors import InvalidField

_TYPES = frozenset(("object", "array", "string", "number", "integer", "boolean", "null"))
_FORMATS = frozenset(("date-time", "date", "time", "duration", "enum", "float", "double", "int32", "int64"))
_AS_THEY_ARE = ("$id", "$anchor", "title", "description", "minItems", "maxItems", "minimum", "maximum", "propertyOrdering")
_MAPS = {"properties": "properties", "$defs": "$defs", "definitions": "$defs"}
_LISTS = {"prefixItems": "prefixItems", "anyOf": "anyOf", "oneOf": "anyOf"}


def parameters(schema: dict[str, Any] | None, where: str) -> dict[str, Any] | None:
    """A tool's parameters; None for a tool that takes none. Errors: InvalidField."""
    if not schema:
        return None
    cleaned = clean(schema, where)
    if cleaned.setdefault("type", "object") != "object":
        raise _wrong(f"{where}.type", "must be 'object': a tool's arguments are an object")
    return cleaned if len(cleaned) > 1 and cleaned.get("properties") != {} else None


def written(schema: dict[str, Any] | None, where: str) -> msgspec.Raw | None:
    """`parameters` as JSON. Agents send the same tools with each request, so small ones are remembered: cleaning costs 8 µs
    of a tool, looking up 1. Errors: InvalidField; UnicodeEncodeError for half a character."""
    if not schema:
        return None
    text = _write(schema)
    return (
        msgspec.Raw(found) if (found := (_remembered if len(text) <= REMEMBERED_BYTES_MAX else _cleaned)(text, where)) else None
    )


def _cleaned(text: bytes, where: str) -> bytes:
    found = parameters(msgspec.json.decode(text), where)
    return b"" if found is None else _write(found)


REMEMBERED_BYTES_MAX = 8 * 1024
_remembered = lru_cache(maxsize=512)(_cleaned)
_write = msgspec.json.Encoder().encode


def clean(schema: Any, where: str) -> dict[str, Any]:
    """A schema in the words that Gemini knows. Errors: InvalidField, with the place that is no schema."""
    if schema is True:
        return {}
    if not isinstance(schema, dict):
        raise _wrong(where, "is no schema" if schema is not False else "allows nothing")
    if "$ref" in schema:
        return {
            "$ref": _reference(schema["$ref"], where),
            **_maps({name: schema[name] for name in _DEFINED if name in schema}, where),
        }
    if "allOf" in schema:
        schema = _together(schema, where)
    cleaned: dict[str, Any] = {name: schema[name] for name in _AS_THEY_ARE if schema.get(name) is not None}
    if "type" in schema:
        cleaned["type"] = _type(schema["type"], f"{where}.type")
    if isinstance(form := schema.get("format"), str) and form in _FORMATS:
        cleaned["format"] = form
    cleaned.update(_maps(schema, where))
    cleaned.update(_lists(schema, where))
    if isinstance(schema.get("items"), dict):
        cleaned["items"] = clean(schema["items"], f"{where}.items")
    elif isinstance(schema.get("items"), list):  # as draft 7 wrote it
        cleaned["prefixItems"] = [clean(inner, f"{where}.items[{at}]") for at, inner in enumerate(schema["items"])]
    if isinstance(more := schema.get("additionalProperties"), bool):
        cleaned["additionalProperties"] = more
    elif more is not None:
        cleaned["additionalProperties"] = clean(more, f"{where}.additionalProperties")
    _put_required(cleaned, schema, where)
    _put_values(cleaned, schema, where)
    return cleaned


_DEFINED = ("$defs", "definitions")


def _maps(schema: dict[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word, name in _MAPS.items():
        if schema.get(word) is None:
            continue
        if not isinstance(schema[word], dict):
            raise _wrong(f"{where}.{word}", "must be an object of schemas")
        inner = {key: clean(value, f"{where}.{word}.{key}") for key, value in schema[word].items()}
        found[name] = {**found.get(name, {}), **inner}
    return found


def _lists(schema: dict[str, Any], where: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word, name in _LISTS.items():
        if schema.get(word) is None:
            continue
        if not isinstance(schema[word], list) or not schema[word]:
            raise _wrong(f"{where}.{word}", "must be a list of schemas, with one at least")
        found[name] = found.get(name, []) + [clean(inner, f"{where}.{word}[{at}]") for at, inner in enumerate(schema[word])]
    return found


def _type(found: Any, where: str) -> Any:
    kinds = [found] if isinstance(found, str) else found
    if not isinstance(kinds, list) or not kinds or not all(isinstance(kind, str) for kind in kinds):
        raise _wrong(where, "must be a type's name, or a list of them")
    small = [kind.lower() for kind in kinds]  # Google's own older examples write STRING
    for kind in small:
        if kind not in _TYPES:
            raise _wrong(where, f"is {kind[:40]!r}, which is no type of JSON Schema")
    return small[0] if isinstance(found, str) else small


def _put_required(cleaned: dict[str, Any], schema: dict[str, Any], where: str) -> None:
    """Names that are required, and defined: Google refuses others."""
    required = schema.get("required")
    if required is None or isinstance(required, bool):  # draft 3 wrote a bool
        return
    if not isinstance(required, list) or not all(isinstance(name, str) for name in required):
        raise _wrong(f"{where}.required", "must be a list of names")
    defined = cleaned.get("properties", {})
    if names := [name for name in required if name in defined]:
        cleaned["required"] = names


def _put_values(cleaned: dict[str, Any], schema: dict[str, Any], where: str) -> None:
    """`enum` and `const`. What Gemini's enum can't hold (true, null, lists) is said by the type alone."""
    values = [schema["const"]] if "const" in schema else schema.get("enum")
    if values is None:
        return
    if not isinstance(values, list):
        raise _wrong(f"{where}.enum", "must be a list of values")
    held = [value for value in values if isinstance(value, str | int | float) and not isinstance(value, bool)]
    has_null = None in values
    kinds = sorted({_KINDS.get(type(value), "object") for value in values if value is not None})
    kind: Any = kinds[0] if len(kinds) == 1 else kinds
    if len(held) + has_null < len(values) or not held:
        if "type" not in cleaned and values:
            cleaned["type"] = kind if not has_null else [*kinds, "null"] if kinds else "null"
    elif has_null and "anyOf" not in cleaned:
        cleaned.pop("type", None)
        cleaned["anyOf"] = [{"type": kind, "enum": held}, {"type": "null"}]
    elif not has_null:
        cleaned.setdefault("type", kind)
        cleaned["enum"] = held


_KINDS = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null", list: "array", dict: "object"}


def _reference(pointer: Any, where: str) -> str:
    if not isinstance(pointer, str) or not pointer.startswith("#"):
        raise _wrong(f"{where}.$ref", "must lead to a place within the schema (#/$defs/…)")
    return "#/$defs/" + pointer.removeprefix("#/definitions/") if pointer.startswith("#/definitions/") else pointer


def _together(schema: dict[str, Any], where: str) -> dict[str, Any]:
    """A schema without its `allOf`: the branches' words beside its own, which win; properties and required add up."""
    branches = schema["allOf"]
    if not isinstance(branches, list) or not branches or not all(isinstance(branch, dict) for branch in branches):
        raise _wrong(f"{where}.allOf", "must be a list of schemas, with one at least")
    merged: dict[str, Any] = {}
    own = {word: value for word, value in schema.items() if word != "allOf"}
    if len(branches) == 1 and "$ref" in branches[0] and not {"properties", "type"} & own.keys():
        return {"anyOf": branches, **own}  # how a description is put beside a $ref
    for branch in (*branches, own):
        flat = _together(branch, where) if "allOf" in branch else branch
        for word, value in flat.items():
            before = merged.get(word)
            if isinstance(before, dict) and isinstance(value, dict):
                merged[word] = {**before, **value}
            elif word == "required" and isinstance(before, list) and isinstance(value, list):
                merged[word] = [*before, *(name for name in value if name not in before)]
            else:
                merged[word] = value
    if "$ref" in merged:
        raise InvalidField(
            f"{where}.allOf puts a $ref together with other schemas, which Gemini can't be held to",
            param=f"{where}.allOf"[:200],
            fix="Write the schemas as one.",
        )
    return merged


def _wrong(where: str, what: str) -> InvalidField:
    return InvalidField(f"{where[:200]} {what}", param=where[:200], fix="Correct the schema; it must be JSON Schema.")
