"""Says whether a value satisfies a JSON Schema: the plain reading of the specification, written without a thought of grammars."""

import re
from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
}
FORMATS = {
    "date": r"\d{4}-\d\d-\d\d",
    "time": r"\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "date-time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)",
    "uuid": r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
}


def same(a: Any, b: Any) -> bool:
    """Equal as JSON has it: true is not 1."""
    if isinstance(a, bool) or isinstance(b, bool):
        return a is b
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    return type(a) in (int, float) and type(b) in (int, float) and a == b if not isinstance(a, type(b)) else bool(a == b)


def is_of(value: Any, name: str) -> bool:
    if name == "integer":
        return type(value) is int or (type(value) is float and value.is_integer())
    if name == "number":
        return type(value) in (int, float)
    return isinstance(value, TYPES[name])


def satisfies(value: Any, schema: Any, root: Any = None) -> bool:
    """Whether `value` is what `schema` asks for."""
    root = schema if root is None else root
    if isinstance(schema, bool):
        return schema
    return all(
        (
            _general(value, schema, root),
            not isinstance(value, dict) or _object(value, schema, root),
            not isinstance(value, list) or _array(value, schema, root),
            not isinstance(value, str) or _string(value, schema),
            type(value) not in (int, float) or _number(value, schema),
        )
    )


def _general(value: Any, schema: dict[str, Any], root: Any) -> bool:
    types = schema.get("type", [])
    types = types if isinstance(types, list) else [types]
    return (
        (not types or any(is_of(value, name) for name in types))
        and ("$ref" not in schema or satisfies(value, _target(root, schema["$ref"]), root))
        and ("const" not in schema or same(value, schema["const"]))
        and ("enum" not in schema or any(same(value, one) for one in schema["enum"]))
        and all(satisfies(value, one, root) for one in schema.get("allOf", []))
        and ("anyOf" not in schema or any(satisfies(value, one, root) for one in schema["anyOf"]))
    )


def _target(root: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        root = root[part]
    return root


def _object(value: dict[str, Any], schema: dict[str, Any], root: Any) -> bool:
    known = schema.get("properties", {})
    return (
        all(name in value for name in schema.get("required", []))
        and all(satisfies(value[name], known[name], root) for name in value if name in known)
        and all(satisfies(value[name], schema.get("additionalProperties", True), root) for name in value if name not in known)
    )


def _array(value: list[Any], schema: dict[str, Any], root: Any) -> bool:
    first = schema.get("prefixItems", [])
    return (
        schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", 10**9)
        and all(satisfies(item, one, root) for item, one in zip(value, first, strict=False))
        and all(satisfies(item, schema.get("items", True), root) for item in value[len(first) :])
    )


def _string(value: str, schema: dict[str, Any]) -> bool:
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", 10**9)
        and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        and ("format" not in schema or re.fullmatch(FORMATS.get(schema["format"], ".*"), value, re.DOTALL) is not None)
    )


def _number(value: float, schema: dict[str, Any]) -> bool:
    return (
        value >= schema.get("minimum", value)
        and value <= schema.get("maximum", value)
        and ("exclusiveMinimum" not in schema or value > schema["exclusiveMinimum"])
        and ("exclusiveMaximum" not in schema or value < schema["exclusiveMaximum"])
    )
