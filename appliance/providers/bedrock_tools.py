"""A chat's tools as Bedrock's Converse takes them.

Source: botocore 1.44 (bedrock-runtime, ToolConfiguration), read 2026-11-26.
Quirks: there is no choice "none", and whenever the history holds calls their tools must be named, so then it is put in words. A
schema is an object's. `strict` stays here: most models of Bedrock refuse it, and the official agents' SDK always sends it.
"""

import re
from collections.abc import Collection
from typing import Any

from appliance.chat import ChatRequest, Tool
from appliance.errors import FeatureUnsupported, InvalidField

NO_CALLS = "Answer in words. Don't call any tool."
ANY_OBJECT: dict[str, Any] = {"type": "object", "properties": {}}

_NAME = re.compile(r"[a-zA-Z0-9_-]{1,64}")


def checked_name(name: str, place: str) -> str:
    """A tool's name that Bedrock takes. Errors: InvalidField."""
    if not _NAME.fullmatch(name):
        raise InvalidField(
            f"{place}: a tool's name has 1 to 64 letters, digits, _ and -", param=place, fix="Give the tool another name."
        )
    return name


def tool_config(chat: ChatRequest, called: Collection[str]) -> tuple[dict[str, Any] | None, str]:
    """(toolConfig or None, words for the system or "").

    Shapes:  `called`: names of the tools that the history calls.
    Errors:  InvalidField, FeatureUnsupported.
    """
    specs = {}
    for at, tool in enumerate(chat.tools or ()):
        spec = _spec(tool, f"tools[{at}]")
        specs[spec["name"]] = spec
    choice = _choice(chat, specs)
    if choice is None and not called:
        return None, ""
    for name in called:
        specs.setdefault(name, {"name": name, "inputSchema": {"json": ANY_OBJECT}})
    config: dict[str, Any] = {"tools": [{"toolSpec": spec} for spec in specs.values()]}
    if choice:
        config["toolChoice"] = choice
    return config, NO_CALLS if choice is None else ""


def _choice(chat: ChatRequest, specs: dict[str, Any]) -> dict[str, Any] | None:
    """Bedrock's word for the caller's choice; empty for its default, None where no tool may be called."""
    choice = chat.tool_choice
    if not specs and choice not in (None, "auto", "none"):
        raise InvalidField("tool_choice asks for a tool, but there are no tools", param="tool_choice", fix="Send tools.")
    if choice == "none" or not specs:
        return None
    if choice is None or choice == "auto":
        return {}
    if choice == "required":
        return {"any": {}}
    function = choice.get("function") if isinstance(choice, dict) else None
    name = function.get("name") if isinstance(function, dict) else None
    if name is None:
        raise FeatureUnsupported(
            "Bedrock has no such tool_choice", fix="Choose auto, none, required, or a function by its name.", param="tool_choice"
        )
    if name not in specs:
        raise InvalidField("tool_choice names no tool of tools", param="tool_choice.function.name", fix="Name one of tools.")
    return {"tool": {"name": name}}


def _spec(tool: Tool, place: str) -> dict[str, Any]:
    if tool.type != "function" or tool.function is None:
        raise FeatureUnsupported(
            f"Bedrock has no tools of type {tool.type[:40]!r}", fix="Send functions only.", param=f"{place}.type"
        )
    spec: dict[str, Any] = {"name": checked_name(tool.function.name, f"{place}.function.name")}
    if tool.function.description and tool.function.description.strip():
        spec["description"] = tool.function.description
    spec["inputSchema"] = {"json": _schema(tool.function.parameters, f"{place}.function.parameters")}
    return spec


def _schema(schema: dict[str, Any] | None, place: str) -> dict[str, Any]:
    """An object's schema, which every model asks for."""
    if not schema:
        return ANY_OBJECT
    if "type" not in schema:
        schema = {"type": "object", **schema}
    shapes = (("properties", dict), ("required", list))
    if schema["type"] != "object" or not all(isinstance(schema.get(name, shape()), shape) for name, shape in shapes):
        raise InvalidField(
            f"{place} is no JSON schema of an object", param=place, fix='Send {"type": "object", "properties": {…}}.'
        )
    return schema
