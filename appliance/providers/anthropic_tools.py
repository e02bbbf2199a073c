"""Tools, their choice and the form of the answer, as Anthropic wants them.

Source: the anthropic Python SDK 2.14 (types/tool_param, tool_choice_param, output_config_param, lib/_parse/_transform), read
2026-11-26.
Quirks: a tool's schema must be an object's. `disable_parallel_tool_use` is part of the choice. Tool blocks in the history need
`tools`, also where none may be called any more. A schema of an answer must close each of its objects, and knows no bounds of
numbers and lengths: those become words in `description`, as the vendor's own SDK has it. There is no form "any JSON": a
sentence in the system prompt asks for it.
"""

from typing import Any

from appliance.chat import ChatRequest, Tool
from appliance.errors import FeatureUnsupported, InvalidField

JSON_PLEASE = "Answer with one valid JSON object and nothing else: no words around it, no code fence."

_BOUNDS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems",
    "uniqueItems", "minProperties", "maxProperties",
)  # fmt: skip
_INNER = ("items", "anyOf", "oneOf", "allOf")
_INNER_BY_NAME = ("properties", "$defs", "definitions")


def tools(chat: ChatRequest) -> list[dict[str, Any]]:
    """Errors: InvalidField, FeatureUnsupported, with the tool's place."""
    return [_tool(tool, position) for position, tool in enumerate(chat.tools or ())] or _tools_of_the_past(chat)


def _tool(tool: Tool, position: int) -> dict[str, Any]:
    place = f"tools[{position}]"
    if tool.type != "function":
        raise FeatureUnsupported(
            f"{place}: Anthropic knows no tools of type {tool.type[:40]} from this dialect", param=place, fix="Send functions."
        )
    function = tool.function
    if function is None or not function.name:
        raise InvalidField(f"{place}.function: a tool needs a name", param=f"{place}.function", fix="Name it.")
    made: dict[str, Any] = {"name": function.name, "input_schema": _input_schema(function.parameters, place)}
    if function.description:
        made["description"] = function.description
    if function.strict:
        made["strict"] = True
    return made


def _input_schema(parameters: dict[str, Any] | None, place: str) -> dict[str, Any]:
    schema = parameters or {"type": "object", "properties": {}}
    if "type" not in schema:
        schema = {"type": "object", **schema}
    properties, required = schema.get("properties"), schema.get("required")
    wrong = ""
    if schema["type"] != "object":
        wrong = "its type must be object"
    elif properties is not None and not isinstance(properties, dict):
        wrong = "its properties must be an object"
    elif required is not None and not (isinstance(required, list) and all(isinstance(name, str) for name in required)):
        wrong = "its required must be a list of names"
    if wrong:
        where = f"{place}.function.parameters"
        raise InvalidField(f"{where} is no JSON schema of an object: {wrong}", param=where, fix="Correct the schema.")
    return schema


def _tools_of_the_past(chat: ChatRequest) -> list[dict[str, Any]]:
    """The tools that the history tells of, for a request that offers none any more."""
    names = {
        call.function.name: None
        for message in chat.messages
        for call in message.tool_calls or ()
        if call.function is not None and call.function.name
    }
    return [{"name": name, "input_schema": {"type": "object"}} for name in names]


def tool_choice(chat: ChatRequest) -> dict[str, Any] | None:
    """Errors: InvalidField, FeatureUnsupported."""
    choice = chat.tool_choice
    if not chat.tools:
        if choice not in (None, "auto", "none"):
            raise InvalidField("tool_choice asks for a tool, but there are no tools", param="tool_choice", fix="Send tools.")
        return {"type": "none"} if _tools_of_the_past(chat) else None
    made = _choice(choice, {tool.function.name for tool in chat.tools if tool.function is not None})
    if chat.parallel_tool_calls is False and (made is None or made["type"] != "none"):
        made = {**(made or {"type": "auto"}), "disable_parallel_tool_use": True}
    return made


_CHOICES = {"auto": "auto", "required": "any", "any": "any", "none": "none"}


def _choice(choice: str | dict[str, Any] | None, names: set[str]) -> dict[str, Any] | None:
    if choice is None:
        return None
    if isinstance(choice, str):
        if choice not in _CHOICES:
            raise InvalidField("tool_choice is none of auto, required, none", param="tool_choice", fix="Choose one of these.")
        return {"type": _CHOICES[choice]}
    function = choice.get("function")
    name = function.get("name") if isinstance(function, dict) else None
    if choice.get("type") != "function" or not isinstance(name, str):
        raise FeatureUnsupported(
            "Anthropic can't do this: a tool_choice other than auto, required, none or one function", param="tool_choice"
        )
    if name not in names:
        raise InvalidField("tool_choice names a function that is not among the tools", param="tool_choice", fix="Offer it.")
    return {"type": "tool", "name": name}


def output_format(response_format: dict[str, Any] | None) -> dict[str, Any] | None:
    """Errors: InvalidField."""
    if (response_format or {}).get("type") != "json_schema":
        return None
    described = (response_format or {}).get("json_schema")
    schema = described.get("schema") if isinstance(described, dict) else None
    if not isinstance(schema, dict):
        raise InvalidField(
            "response_format.json_schema.schema is missing", param="response_format.json_schema.schema", fix="Send the schema."
        )
    return {"type": "json_schema", "schema": closed(schema)}


def closed(schema: Any) -> Any:
    """The schema with each object closed and its bounds told in words; a copy, the caller's own is not touched."""
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {}
    bounds: list[str] = []
    for word, value in schema.items():
        if word in _BOUNDS:
            bounds.append(f"{word}: {value}")
        elif word in _INNER:
            made[word] = [closed(one) for one in value] if isinstance(value, list) else closed(value)
        elif word in _INNER_BY_NAME and isinstance(value, dict):
            made[word] = {name: closed(one) for name, one in value.items()}
        else:
            made[word] = value
    if bounds:
        made["description"] = "\n\n".join(filter(None, (made.get("description"), "{" + ", ".join(bounds) + "}")))
    if (made.get("type") == "object" or "properties" in made) and not isinstance(made.get("additionalProperties"), dict):
        made["additionalProperties"] = False
    return made
