"""What the OpenAPI document says of the errors of Litestar's routes: one answer a status, one example a code."""

from typing import Any

import msgspec
from litestar.openapi import ResponseSpec
from litestar.openapi.spec import Example

from appliance.errors import GatehouseError, MethodNotAllowed, Overloaded, ShuttingDown, TooLarge

# What any route may answer, whatever it does.
ALWAYS: tuple[type[GatehouseError], ...] = (MethodNotAllowed, TooLarge, Overloaded, ShuttingDown, GatehouseError)


class ErrorDetail(msgspec.Struct):
    """What went wrong. `code` never changes; `fix` says what to do."""

    message: str
    type: str
    code: str
    param: str | None = None
    fix: str = ""


class ErrorBody(msgspec.Struct):
    """Every error's body, in OpenAI's form."""

    error: ErrorDetail


def error_answers(*kinds: type[GatehouseError]) -> dict[int, ResponseSpec]:
    """For a route's `responses`: these errors, and those of every route."""
    by_status: dict[int, list[type[GatehouseError]]] = {}
    for kind in (*kinds, *ALWAYS):
        by_status.setdefault(kind.status, []).append(kind)
    return {status: _answer(group) for status, group in sorted(by_status.items())}


def success(model: type[Any], example: Any, description: str) -> ResponseSpec:
    """The answer of a route that went well, with an example."""
    shown = [Example(summary=description, value=example)]
    return ResponseSpec(model, generate_examples=False, description=description, examples=shown)


def _answer(kinds: list[type[GatehouseError]]) -> ResponseSpec:
    examples = [
        Example(summary=kind.code, description=_first_line(kind), value=kind("what was wrong", fix="what to do about it").body())
        for kind in kinds
    ]
    description = " ".join(f"`{kind.code}`: {_first_line(kind)}" for kind in kinds)
    return ResponseSpec(ErrorBody, generate_examples=False, description=description, examples=examples)


def _first_line(kind: type[GatehouseError]) -> str:
    if kind is GatehouseError:
        return "Something went wrong inside the appliance; its log has it under the request's id."
    own = kind.__dict__.get("__doc__")
    return own.strip().splitlines()[0] if own else kind.code.replace("_", " ").capitalize() + "."
