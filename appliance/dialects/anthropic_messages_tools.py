"""Tools, the choice among them and the form of the answer, from Anthropic's words to ours.

Source: the anthropic Python SDK 2.14 (types/tool_union_param, tool_choice_param, output_config_param), read 2026-11-26.
Quirks: tools with a type of their own (web_search_20250305, bash_20250124, …) are Anthropic's: only Anthropic can be given them.
"""

from typing import Any

import msgspec

from appliance.chat import Tool, ToolFunction
from appliance.errors import InvalidField

_CHOICES = {"auto": "auto", "any": "required", "none": "none"}
_FIX = "Correct the field; /docs shows what each takes."


class _Tool(msgspec.Struct):
    name: str
    input_schema: dict[str, Any]
    description: str | None = None
    strict: bool | None = None


def tools_of(given: list[dict[str, Any]]) -> list[Tool]:
    """The caller's own tools; Anthropic's are left to `server_tools`. Errors: InvalidField."""
    return [_tool(tool, position) for position, tool in enumerate(given) if _is_callers_own(tool)]


def server_tools(given: list[Any]) -> list[str]:
    """What a translation can't take along, named."""
    kinds = [tool.get("type") for tool in given if isinstance(tool, dict) and not _is_callers_own(tool)]
    return sorted({f"tools of type {str(kind)[:60]}" for kind in kinds})


def _is_callers_own(tool: dict[str, Any]) -> bool:
    return tool.get("type") in (None, "custom")


def _tool(tool: dict[str, Any], position: int) -> Tool:
    try:
        read = msgspec.convert(tool, _Tool)
    except msgspec.ValidationError as error:
        what = str(error).replace("`", "")
        raise InvalidField(f"tools.{position}: {what[:200]}", param=f"tools.{position}", fix=_FIX) from error
    return Tool("function", ToolFunction(read.name, read.description, read.input_schema, read.strict))


def choice_of(choice: dict[str, Any]) -> tuple[str | dict[str, Any] | None, bool | None]:
    """(tool_choice, parallel_tool_calls) in OpenAI's words. Errors: InvalidField."""
    kind = choice.get("type")
    parallel = False if choice.get("disable_parallel_tool_use") is True else None
    if kind is None and not choice:
        return None, None
    if kind == "tool":
        name = choice.get("name")
        if not isinstance(name, str):
            raise InvalidField("tool_choice.name: Field required", param="tool_choice.name", fix=_FIX)
        return {"type": "function", "function": {"name": name}}, parallel
    if kind not in _CHOICES:
        raise InvalidField("tool_choice.type: must be auto, any, tool or none", param="tool_choice.type", fix=_FIX)
    return _CHOICES[kind], parallel


def format_of(wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    """OpenAI's response_format for a form of the answer. Errors: InvalidField."""
    if wanted is None:
        return None
    schema = wanted.get("schema")
    if wanted.get("type") != "json_schema" or not isinstance(schema, dict):
        raise InvalidField(
            "output_config.format: must be of type json_schema, with a schema", param="output_config.format", fix=_FIX
        )
    return {"type": "json_schema", "json_schema": {"name": "answer", "strict": _is_strict(schema), "schema": schema}}


def _is_strict(schema: dict[str, Any]) -> bool:
    """Would OpenAI take it as strict? Every object there closed, and all of its properties required; Anthropic lets some be
    left out. Where it isn't, the schema is still shown to the model."""
    nodes: list[Any] = [schema]
    while nodes:
        node = nodes.pop()
        if isinstance(node, list):
            nodes.extend(node)
        elif isinstance(node, dict):
            properties = node.get("properties")
            if isinstance(properties, dict):
                required = node.get("required")
                named = {name for name in required if isinstance(name, str)} if isinstance(required, list) else set()
                if node.get("additionalProperties") is not False or named != set(properties):
                    return False
                nodes.extend(properties.values())
            nodes.extend(value for name, value in node.items() if name not in ("properties", "enum", "const", "default"))
    return True
