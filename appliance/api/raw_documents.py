"""Pieces of the OpenAPI document that the raw routes of all dialects share, as plain JSON."""

from collections.abc import Callable
from typing import Any

from appliance.errors import GatehouseError

SCHEMA_PLACE = "#/components/schemas/{name}"


def json_content(schema: dict[str, Any], **examples: Any) -> dict[str, Any]:
    """A body in JSON, with examples by name."""
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"application/json": {"schema": schema, "examples": shown}}


def error_responses(
    kinds: tuple[type[GatehouseError], ...],
    schema_name: str,
    status: Callable[[GatehouseError], int],
    body: Callable[[GatehouseError], Any],
) -> dict[str, Any]:
    """Error answers of an operation: one entry a status, one example a code, as the dialect writes them."""
    by_status: dict[str, dict[str, Any]] = {}
    for kind in kinds:
        error = kind("what was wrong", fix="what to do")
        entry = by_status.setdefault(
            str(status(error)),
            {
                "description": (kind.__doc__ or kind.code).splitlines()[0],
                "content": json_content({"$ref": SCHEMA_PLACE.format(name=schema_name)}),
            },
        )
        entry["content"]["application/json"]["examples"][kind.code] = {"value": body(error)}
    return by_status
